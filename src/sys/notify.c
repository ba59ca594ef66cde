/* A service manager's two protocols. Floor 1; supervisor. */
#include "hostel/sys/notify.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3 /* where LISTEN_FDS begin */

void
notify_manager(const char *fmt, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    char text[512];
    va_list ap;
    int len, fd;

    if (n < 2 || n >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(un.sun_path, path, n);
    if (path[0] == '@') /* an abstract name */
        un.sun_path[0] = '\0';
    va_start(ap, fmt);
    len = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= sizeof(text))
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, (size_t)len, MSG_NOSIGNAL, (const struct sockaddr *)&un,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    fd_close(&fd);
}

static long
number_in(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long n = text ? strtol(text, &end, 10) : -1;

    return text && *text && !*end ? n : -1;
}

size_t
inherit_take(struct inherited list[static INHERIT_MAX])
{
    long n = number_in("LISTEN_PID") == (long)getpid() ? number_in("LISTEN_FDS") : 0;
    char *names = mem_str(getenv("LISTEN_FDNAMES")), *rest = names;
    size_t count = 0;

    for (long i = 0; i < n && count < INHERIT_MAX; i++) {
        const char *name = rest ? strsep(&rest, ":") : "";
        int fd = FIRST_FD + (int)i;

        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            continue;
        list[count].fd = fd;
        (void)snprintf(list[count++].name, sizeof(list[0].name), "%s", name);
    }
    free(names);
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return count;
}
