/* Socket addresses as text. Floor 3; worker. */
#include "hostel/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

_Static_assert(ADDRESS_TEXT == INET6_ADDRSTRLEN, "as long as the longest address");

/* inet_ntop() goes by way of printf(), for every new connection. */
static void
ipv4_text(const void *four, char *text)
{
    const unsigned char *octet = four;

    for (int i = 0; i < 4; i++) {
        unsigned v = octet[i];

        if (i)
            *text++ = '.';
        if (v >= 100)
            *text++ = (char)('0' + v / 100);
        if (v >= 10)
            *text++ = (char)('0' + v / 10 % 10);
        *text++ = (char)('0' + v % 10);
    }
    *text = '\0';
}

int
address_text(const struct sockaddr_storage *a, char text[static ADDRESS_TEXT], uint16_t *port)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

    if (a->ss_family == AF_INET) {
        ipv4_text(&v4->sin_addr, text);
        *port = ntohs(v4->sin_port);
        return 0;
    }
    if (a->ss_family != AF_INET6)
        return -EAFNOSUPPORT;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        ipv4_text(&v6->sin6_addr.s6_addr[12], text);
    else
        inet_ntop(AF_INET6, &v6->sin6_addr, text, ADDRESS_TEXT);
    *port = ntohs(v6->sin6_port);
    return 0;
}

int
address_local(int fd, char text[static ADDRESS_TEXT], uint16_t *port)
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof(a);

    if (getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        return -errno;
    return address_text(&a, text, port);
}

bool
address_gone(int fd)
{
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);

    return getpeername(fd, (struct sockaddr *)&a, &n) < 0 && errno == ENOTCONN;
}
