/*
 * The kernel's count of acknowledged bytes. Its header and the C library's define the same
 * structures, and only the kernel's has this field: hence a file of its own. Floor 3; worker.
 */
#include "taken.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

int
taken_bytes(int fd, uint64_t *bytes)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
        return -errno;
    if (n < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
        return -ENOTSUP;
    *bytes = info.tcpi_bytes_acked;
    return 0;
}
