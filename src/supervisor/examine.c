/*
 * What is wrong with the certificates of a configuration. Floor 6, hostel.
 *
 * The files are copied for the examiner, which reads them. Nothing that it says is believed
 * beyond its words: lines are escaped and printed, names are compared with those of the
 * configuration.
 */
#include "examine.h"
#include "examiner.h"
#include "hostel/base/fd.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "hostel/supervisor/run.h"
#include "hostel/sys/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ASKED_MAX    16 /* questions that wait for their answers: two descriptors each */
#define LINE_MAX_OUT 1024

struct examination {
    struct examiner examiner;
    const struct conf *conf;
    const struct examine_names *names;
    const struct examine_ops *ops;
    void *data; /* theirs */
    size_t next, asked;
};

static void
say(struct examination *e, size_t vhost, char how, struct span text)
{
    struct buf line;

    buf_init(&line, LINE_MAX_OUT);
    log_escape(&line, text);
    e->ops->say(e->data, vhost, how, buf_span(&line));
    buf_done(&line);
}

static void sayf(struct examination *e, size_t vhost, char how, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void
sayf(struct examination *e, size_t vhost, char how, const char *fmt, ...)
{
    struct buf text;
    va_list ap;

    buf_init(&text, LINE_MAX_OUT);
    va_start(ap, fmt);
    (void)buf_vaddf(&text, fmt, ap);
    va_end(ap);
    say(e, vhost, how, buf_span(&text));
    buf_done(&text);
}

static void
check_span(struct examination *e, size_t vhost, struct span covered)
{
    struct span name;
    const struct conf_vhost *other =
        examine_names_span(e->names, covered, e->conf->vhosts[vhost].user, &name);

    if (other)
        sayf(e, vhost, EXAMINE_USELESS,
             "its certificate covers `%.*s`, which is vhost %s of another user (%s): "
             "each user needs a certificate of his own",
             (int)name.n, name.p, other->host, other->file);
}

/* --- asking --------------------------------------------------------------------------------
 */

/* ret  0 or -errno; what is wrong with a file is said */
static int
open_files(struct examination *e, size_t vhost, int fds[2])
{
    const struct conf_vhost *v = &e->conf->vhosts[vhost];
    const struct ids *ids = &e->conf->users[v->user].ids;
    uid_t owner = e->conf->switching ? ids->uid : geteuid();
    const char *const paths[] = {v->tls->certificate, v->tls->key};

    for (size_t i = 0; i < 2; i++) {
        char *why;
        int rc = secret_read(paths[i], owner, &fds[i], &why);

        if (rc == 0)
            continue;
        sayf(e, vhost, EXAMINE_USELESS, "tls %s %s: %s", i ? "key" : "certificate", paths[i],
             why);
        free(why);
        return rc;
    }
    if (e->conf->switching && examine_readable(v->tls->key, ids))
        sayf(e, vhost, EXAMINE_WARNING,
             "tls key %s can be read by user %s: his PHP can read it too. "
             "Make it root's, mode 0600",
             v->tls->key, ids->name);
    return 0;
}

static int
ask(struct examination *e, size_t vhost, int fds[2])
{
    const struct conf_vhost *v = &e->conf->vhosts[vhost];
    struct msg_examine m = {.version = IPC_VERSION, .id = (uint32_t)vhost};
    struct buf names, b;
    struct writer out = {&b, 0};
    int rc;

    buf_init(&names, MSG_NAMES_MAX);
    buf_init(&b, IPC_BYTES_MAX);
    rc = buf_add_str(&names, v->host);
    for (char **alias = v->aliases; rc == 0 && *alias; alias++)
        rc = buf_addf(&names, "\n%s", *alias);
    m.names = buf_span(&names);
    msg_examine_put(&out, &m);
    rc = rc < 0 ? rc : out.error;
    if (rc == 0)
        rc = channel_send(&e->examiner.channel, MSG_EXAMINE, &b, fds, 2);
    buf_done(&b);
    buf_done(&names);
    return rc < 0 ? rc : 0;
}

/* As many questions as may wait; the last answer ends it. */
static void
ask_on(struct examination *e)
{
    int rc = 0;

    for (; rc == 0 && e->next < e->conf->nvhosts && e->asked < ASKED_MAX; e->next++) {
        int fds[2] = {-1, -1};
        struct span covered;

        if (!e->conf->vhosts[e->next].tls)
            continue;
        if (e->ops->known && e->ops->known(e->data, e->next, &covered)) {
            check_span(e, e->next, covered);
            continue;
        }
        if (open_files(e, e->next, fds) == 0) {
            rc = ask(e, e->next, fds);
            e->asked++;
        }
        fd_close_all(fds, 2);
    }
    if (rc < 0 || e->asked == 0)
        examiner_leave(&e->examiner, rc);
}

/* --- answers -------------------------------------------------------------------------------
 */

static int
on_examined(struct examination *e, struct message *m)
{
    struct msg_examined answer;
    struct span line;

    if (msg_examined_get(&m->payload, &answer) < 0 || e->asked == 0 || answer.id >= e->next ||
        !e->conf->vhosts[answer.id].tls)
        return -EPROTO;
    e->asked--;
    while (span_cut(&answer.found, '\n', &line))
        if (line.n > 1)
            say(e, answer.id, line.p[0], span_skip(line, 1));
    check_span(e, answer.id, answer.covered);
    if (e->ops->examined)
        e->ops->examined(e->data, answer.id, answer.covered, answer.until);
    examiner_heard(&e->examiner);
    ask_on(e);
    return 0;
}

static int
on_message(void *data, struct message *m)
{
    struct examiner *t = data;

    return m->type == MSG_EXAMINED ? on_examined(t->data, m) : -EPROTO;
}

static const struct channel_ops ops = {on_message, examiner_on_end, NULL};

/* --- the whole -----------------------------------------------------------------------------
 */

bool
examine_any(const struct conf *c)
{
    for (size_t i = 0; i < c->nvhosts; i++)
        if (c->vhosts[i].tls)
            return true;
    return false;
}

int
examine(const struct conf *conf, const struct examine_names *names, int exe_fd,
        const struct examine_ops *examine_ops, void *data)
{
    struct examination e = {.conf = conf, .names = names, .ops = examine_ops, .data = data};
    int rc;

    e.examiner.data = &e;
    rc = examiner_start(&e.examiner, conf, exe_fd, &ops);
    if (rc == 0) {
        ask_on(&e);
        rc = e.examiner.error || e.asked == 0 ? e.examiner.error : examiner_wait(&e.examiner);
    }
    examiner_finish(&e.examiner);
    return rc;
}

/* --- "hostel check" ------------------------------------------------------------------------
 */

struct check {
    const struct conf *conf;
    unsigned wrong;
};

static void
check_say(void *data, size_t vhost, char how, struct span text)
{
    struct check *c = data;
    const struct conf_vhost *v = &c->conf->vhosts[vhost];

    fprintf(stderr, "%s:%zu: vhost %s: %s%.*s\n", v->file, v->tls->line, v->host,
            how == EXAMINE_WARNING ? "warning: " : "", (int)text.n, text.p);
    c->wrong += how != EXAMINE_WARNING;
}

int
supervisor_examine(const struct conf *conf, unsigned *wrong)
{
    static const struct examine_ops check = {.say = check_say};
    struct check c = {conf, 0};
    struct examine_names *names;
    int rc;

    *wrong = 0;
    if (!examine_any(conf))
        return 0;
    names = examine_names_new(conf);
    rc = examine(conf, names, -1, &check, &c);
    examine_names_free(&names);
    if (rc < 0)
        fprintf(stderr, "hostel: certificates cannot be looked at: %s\n", uv_strerror(rc));
    *wrong = c.wrong;
    return rc;
}
