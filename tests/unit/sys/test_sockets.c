/* Listening sockets: whoever holds one can shut it down, and it can be made to listen again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hostel/sys/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

static int
listener(struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int fd;

    *at =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(tcp_listen((struct sockaddr *)at, sizeof(*at), &fd), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
    close(fd);
    /* by its number: a port that was asked for stays the socket's own when it is shut down */
    assert_int_equal(tcp_listen((struct sockaddr *)at, sizeof(*at), &fd), 0);
    return fd;
}

/* ret  0 when a visitor who says something is let in; or -errno */
static int
visit(int fd, const struct sockaddr_in *at)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int visitor = socket(AF_INET, SOCK_STREAM, 0), in, rc = 0;

    if (connect(visitor, (const struct sockaddr *)at, sizeof(*at)) < 0) {
        rc = -errno;
    } else {
        assert_int_equal(send(visitor, "x", 1, 0), 1);
        assert_int_equal(poll(&ready, 1, 5000), 1);
        in = accept(fd, NULL, NULL);
        rc = in < 0 ? -errno : 0;
        if (in >= 0)
            close(in);
    }
    close(visitor);
    return rc;
}

static void
listens_again_after_a_shutdown(void **state)
{
    struct sockaddr_in at;
    int fd = listener(&at);

    (void)state;
    assert_int_equal(tcp_listen_again(fd), 0); /* it never stopped */
    assert_int_equal(visit(fd, &at), 0);
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    assert_int_equal(visit(fd, &at), -ECONNREFUSED);
    assert_int_equal(tcp_listen_again(fd), 0);
    assert_int_equal(visit(fd, &at), 0); /* at the same address */
    close(fd);
}

/* ret  0 when somebody who comes now is let in by this one; -EAGAIN: not by this one */
static int
comes_to(int fd, const struct sockaddr_in *at)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int visitor = socket(AF_INET, SOCK_STREAM, 0), in;

    assert_int_equal(connect(visitor, (const struct sockaddr *)at, sizeof(*at)), 0);
    assert_int_equal(send(visitor, "x", 1, 0), 1);
    (void)poll(&ready, 1, 5000);
    in = accept(fd, NULL, NULL);
    close(visitor);
    if (in < 0)
        return -errno;
    close(in);
    return 0;
}

static void
another_one_takes_its_place(void **state)
{
    struct sockaddr_in at;
    int before = listener(&at), now, one = 1, again;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tcp_listen_beside((struct sockaddr *)&at, sizeof(at), before, &now),
                         0);
        for (int n = 0; n < 8; n++) {
            assert_int_equal(comes_to(now, &at), 0);
            assert_int_equal(accept(before, NULL, NULL), -1);
            assert_int_equal(errno, EAGAIN);
        }
        tcp_listen_end(before);
        assert_int_equal(tcp_listen_alone(now), 0);
        assert_int_equal(comes_to(now, &at), 0);
        assert_int_equal(tcp_listen((struct sockaddr *)&at, sizeof(at), &again), -EADDRINUSE);
        if (geteuid() == 0) { /* whoever has kept it: not even when he says that he shares */
            assert_int_equal(listen(before, 1), -1);
            assert_int_equal(errno, EADDRINUSE);
            assert_int_equal(setsockopt(before, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)),
                             0);
            assert_int_equal(listen(before, 1), -1);
            assert_int_equal(errno, EADDRINUSE);
        }
        close(before);
        before = now;
    }
    close(before);
}

/* The new one was for nothing: the first one is as it was. */
static void
who_came_beside_may_go(void **state)
{
    struct sockaddr_in at;
    int first = listener(&at), second;

    (void)state;
    assert_int_equal(tcp_listen_beside((struct sockaddr *)&at, sizeof(at), first, &second), 0);
    close(second);
    for (int n = 0; n < 8; n++)
        assert_int_equal(comes_to(first, &at), 0);
    close(first);
}

static void
only_sockets_listen(void **state)
{
    int pipes[2];

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(tcp_listen_again(pipes[0]), -ENOTSOCK);
    close(pipes[0]);
    close(pipes[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listens_again_after_a_shutdown),
        cmocka_unit_test(another_one_takes_its_place),
        cmocka_unit_test(who_came_beside_may_go),
        cmocka_unit_test(only_sockets_listen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
