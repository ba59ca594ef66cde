/* sys/peer: the process at the other end of a unix socket is found, and no other one is hit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hostel/base/fd.h"
#include "hostel/sys/peer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int
listen_somewhere(struct sockaddr_un *at)
{
    socklen_t n = sizeof(*at);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    /* an abstract name of the kernel's choice: nothing to remove */
    assert_int_equal(0, bind(fd, (struct sockaddr *)at, sizeof(sa_family_t)));
    assert_int_equal(0, listen(fd, 8));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)at, &n));
    at->sun_path[sizeof(at->sun_path) - 1] = (char)n; /* its length matters */
    return fd;
}

static int
dial(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(0,
                     connect(fd, (const struct sockaddr *)at,
                             (socklen_t)(unsigned char)at->sun_path[sizeof(at->sun_path) - 1]));
    return fd;
}

/* A child in a group of its own that takes one connection, says so, and waits. */
static pid_t
accepting(int listening, int client)
{
    pid_t pid = fork();
    char c;

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setpgid(0, 0);
        fd = accept(listening, NULL, NULL);
        if (fd < 0 || write(fd, "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(1, read(client, &c, 1));
    return pid;
}

static uint64_t
inode_of(int fd)
{
    struct stat st;

    assert_int_equal(0, fstat(fd, &st));
    return st.st_ino;
}

static bool
alive(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == 0;
}

static void
end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void
test_found_and_killed(void **state)
{
    struct sockaddr_un at;
    int listening = listen_somewhere(&at), a = dial(&at), b;
    pid_t one = accepting(listening, a), other;
    uint64_t peers[2];

    (void)state;
    b = dial(&at);
    other = accepting(listening, b);
    assert_int_equal(0, peer_inode(inode_of(a), &peers[0]));
    assert_int_equal(0, peer_inode(inode_of(b), &peers[1]));
    assert_true(peers[0] && peers[1] && peers[0] != peers[1]);

    assert_int_equal(-ESRCH, peer_kill(one, one, NULL, &peers[1], 1)); /* another's socket */
    assert_int_equal(-ESRCH, peer_kill(one, other, NULL, peers, 1));   /* another group */
    assert_int_equal(-ESRCH, peer_kill(one, one, NULL, peers, 0));
    assert_int_equal(-ESRCH, peer_kill(getpid(), getpgrp(), NULL, &(uint64_t){0}, 1));
    assert_true(alive(one) && alive(other));

    assert_int_equal(0, peer_kill(one, one, NULL, peers, 2));
    assert_int_equal(one, waitpid(one, NULL, 0));
    assert_true(alive(other));
    end(other);
    fd_close(&a);
    fd_close(&b);
    fd_close(&listening);
}

static void
test_nobody_there(void **state)
{
    struct sockaddr_un at;
    int listening = listen_somewhere(&at), a = dial(&at), pipes[2];
    uint64_t peer = 1;

    (void)state;
    assert_int_equal(0, peer_inode(inode_of(a), &peer));
    assert_int_equal(0, peer); /* it waits to be accepted */
    assert_true(peer_inode(0, &peer) < 0);
    assert_true(peer_inode(UINT64_MAX, &peer) < 0);
    assert_int_equal(0, pipe(pipes));
    assert_true(peer_inode(inode_of(pipes[0]), &peer) < 0); /* no socket at all */
    close(pipes[0]);
    close(pipes[1]);
    fd_close(&a);
    fd_close(&listening);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_and_killed),
        cmocka_unit_test(test_nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
