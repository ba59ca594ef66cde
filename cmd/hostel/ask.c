/*
 * Asking a running server: connect to its control socket, one line there, lines back.
 * Floor 7, hostel.
 */
#include "ask.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
connect_to(const char *run_dir)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd, rc = 0;

    if (dir < 0)
        return -errno;
    /* a socket's path has 107 bytes at the most, a directory's may have more */
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "/proc/self/fd/%d/control.sock", dir);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0) {
        rc = -errno;
        fd_close(&fd);
    }
    fd_close(&dir);
    return rc ? rc : fd;
}

static int
send_all(int fd, struct span s)
{
    while (s.n > 0) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return -errno;
        s = span_skip(s, n > 0 ? (size_t)n : 0);
    }
    return 0;
}

/*
 * The string that a line ends with, unescaped: of {"ok":true,"message":"..."} and
 * {"error":"..."}, which come in just this form.
 *
 * ret  NULL: the line does not begin like that; else owned by the caller
 */
static char *
text_after(struct span line, struct span begin)
{
    struct span s = span_skip(line, begin.n);
    size_t n = 0;
    char *text;

    if (!span_starts(line, begin))
        return NULL;
    text = mem_new(s.n + 1);
    for (size_t i = 0; i < s.n && s.p[i] != '"'; i++) {
        unsigned code;

        if (s.p[i] == '\\' && i + 5 < s.n && s.p[i + 1] == 'u' &&
            sscanf(s.p + i + 2, "%4x", &code) == 1) {
            text[n++] = code < 0x100 ? (char)code : '?';
            i += 5;
        } else if (s.p[i] == '\\' && i + 1 < s.n) {
            text[n++] = s.p[++i];
        } else {
            text[n++] = s.p[i];
        }
    }
    return text;
}

static bool
is_last(struct span line, bool *ok, char **message)
{
    *message = text_after(line, SPAN("{\"ok\":true,\"message\":\""));
    *ok = *message;
    if (!*message)
        *message = text_after(line, SPAN("{\"ok\":false,\"message\":\""));
    return *message;
}

static int
read_answer(int fd, void (*on_line)(void *data, struct span line), void *data, char **message)
{
    FILE *f = fdopen(fd, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    bool ok = false, last = false;

    if (!f)
        return -errno;
    while (!last && (n = getline(&line, &room, f)) > 0) {
        struct span s = span_of(line, (size_t)n - (line[n - 1] == '\n'));

        last = is_last(s, &ok, message);
        if (!last && on_line)
            on_line(data, s);
    }
    free(line);
    (void)fclose(f);
    return !last ? -ECONNRESET : ok;
}

int
ask(const char *run_dir, const char *question, void (*on_line)(void *data, struct span line),
    void *data, char **message)
{
    int fd = connect_to(run_dir), rc;

    *message = NULL;
    if (fd < 0)
        return fd;
    rc = send_all(fd, span_str(question));
    if (rc == 0)
        rc = send_all(fd, SPAN("\n"));
    if (rc < 0) {
        fd_close(&fd);
        return rc;
    }
    return read_answer(fd, on_line, data, message);
}

static void
print_line(void *data, struct span line)
{
    char *error = text_after(line, SPAN("{\"error\":\""));

    (void)data;
    if (error)
        fprintf(stderr, "%s\n", error);
    else
        printf("%.*s\n", (int)line.n, line.p);
    free(error);
}

/* The words of the command line, with their options taken out, as one question. */
static char *
question_of(int argc, char **argv, char **run_dir)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"run-dir", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL;
    char *question = mem_str(argv[0]);
    int option;

    *run_dir = NULL;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c') {
            config = optarg;
        } else if (option == 'r') {
            free(*run_dir);
            *run_dir = mem_str(optarg);
        } else {
            free(question);
            free(*run_dir);
            return NULL; /* getopt has said why */
        }
    }
    for (int i = optind; i < argc; i++) {
        char *more = mem_fmt("%s %s", question, argv[i]);

        free(question);
        question = more;
    }
    if (!*run_dir)
        *run_dir = run_dir_of(config);
    return question;
}

int
cmd_ask(int argc, char **argv)
{
    char *run_dir, *message, *question = question_of(argc, argv, &run_dir);
    int rc;

    if (!question)
        return 2;
    rc = ask(run_dir, question, print_line, NULL, &message);
    if (rc < 0)
        fprintf(stderr, "hostel: no server answers in %s: %s\n", run_dir, strerror(-rc));
    else if (*message)
        fprintf(rc ? stdout : stderr, "%s%s\n", rc ? "" : "hostel: ", message);
    free(message);
    free(run_dir);
    free(question);
    return rc == 1 ? 0 : 1;
}
