/* Routing tables of any bytes: refused, or every answer is a user that the table has. */
#include "fuzz.h"
#include "hostel/base/fd.h"
#include "hostel/ipc/routes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static void
find(const struct routes *r, struct span host)
{
    bool by_default;
    uint32_t user = routes_find(r, host, &by_default);

    must(user == ROUTES_NO_USER || user < routes_users(r));
}

/* Bytes as they are, or, so that the fuzzer comes further, a real table with a few changed. */
static int
table(struct span bytes)
{
    static const struct route rows[] = {
        {{"a.test", 6}, 0, true}, {{"*.b.test", 8}, 1, false}, {{"c", 1}, 2, false}};
    int fd, made, real[1];

    fd = memfd_create("routes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (bytes.n && bytes.p[0] & 1 &&
        routes_build(rows, 3, 3, ROUTES_NO_USER, ROUTES_NO_USER, ROUTES_NO_USER, real) == 0) {
        char copy[4096];
        ssize_t n = pread(real[0], copy, sizeof(copy), 0);

        for (size_t i = 1; i + 1 < bytes.n && n > 0; i += 2)
            copy[(size_t)(unsigned char)bytes.p[i] % (size_t)n] = bytes.p[i + 1];
        made = (int)write(fd, copy, n > 0 ? (size_t)n : 0);
        fd_close(&real[0]);
    } else {
        made = (int)write(fd, bytes.p, bytes.n);
    }
    must(made >= 0);
    must(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
    return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct routes *r = NULL;
    int fd = table(input(data, size));

    if (routes_open(fd, &r) == 0) {
        find(r, SPAN(""));
        find(r, SPAN("a.test"));
        find(r, SPAN("x.b.test"));
        find(r, SPAN("b.test"));
        find(r, SPAN("c"));
        find(r, input(data, size < 256 ? size : 256));
        routes_free(&r);
    }
    fd_close(&fd);
    return 0;
}
