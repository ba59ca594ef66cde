/* `hostel cert self-signed`: the examiner makes the pair, this writes it. Floor 6, hostel. */
#include "examiner.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/supervisor/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct order {
    struct examiner examiner;
    const char *name; /* of the files, without their ends */
    int dir;
    int rc;
};

/* A new file: none that is there already is touched, nor what a link leads to. */
static int
write_new(int dir, const char *name, const char *end, mode_t mode, struct span bytes)
{
    char *path = mem_fmt("%s%s", name, end);
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    int rc = fd < 0 ? -errno : 0;

    if (rc == 0 && (write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n || fchmod(fd, mode) < 0)) {
        rc = -EIO;
        (void)unlinkat(dir, path, 0);
    }
    if (rc < 0)
        fprintf(stderr, "hostel: %s: %s\n", path, strerror(-rc));
    fd_close(&fd);
    free(path);
    return rc;
}

static int
on_message(void *data, struct message *m)
{
    struct examiner *t = data;
    struct order *o = t->data;
    struct msg_made made;

    if (m->type != MSG_MADE || msg_made_get(&m->payload, &made) < 0)
        return -EPROTO;
    o->rc = write_new(o->dir, o->name, ".key", 0600, made.key);
    if (o->rc == 0)
        o->rc = write_new(o->dir, o->name, ".crt", 0644, made.certificate);
    explicit_bzero((void *)(uintptr_t)made.key.p, made.key.n);
    examiner_leave(t, 0);
    return 0;
}

static const struct channel_ops ops = {on_message, examiner_on_end, NULL};

static int
ask(struct order *o, struct span names, unsigned days)
{
    struct msg_make m = {IPC_VERSION, days, names};
    struct buf b;
    struct writer out = {&b, 0};
    int rc;

    buf_init(&b, IPC_BYTES_MAX);
    msg_make_put(&out, &m);
    rc = out.error ? out.error : channel_send(&o->examiner.channel, MSG_MAKE, &b, NULL, 0);
    buf_done(&b);
    return rc < 0 ? rc : 0;
}

int
supervisor_cert(const struct conf *conf, struct span names, unsigned days, const char *dir)
{
    struct span rest = names, first = {NULL, 0};
    struct order o = {.dir = -1};
    char *name;
    int rc;

    (void)span_cut(&rest, '\n', &first);
    name = mem_str_span(first);
    if (name[0] == '*')
        name[0] = '_'; /* a name that no shell takes for a pattern */
    o.name = name;
    o.examiner.data = &o;
    o.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = o.dir < 0 ? -errno : 0;
    if (rc < 0) {
        fprintf(stderr, "hostel: %s: %s\n", dir, strerror(-rc));
        free(name);
        return rc;
    }
    rc = examiner_start(&o.examiner, conf, -1, &ops);
    if (rc == 0)
        rc = ask(&o, names, days);
    if (rc == 0)
        rc = examiner_wait(&o.examiner);
    examiner_finish(&o.examiner);
    if (rc < 0)
        fprintf(stderr, "hostel: no certificate was made: %s\n", uv_strerror(rc));
    else
        rc = o.rc;
    if (rc == 0)
        printf("%s/%s.crt\n%s/%s.key\n", dir, name, dir, name);
    fd_close(&o.dir);
    free(name);
    return rc;
}
