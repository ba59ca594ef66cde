/*
 * The certificates of a generation. Floor 6, hostel; at a reload in a thread beside the loop.
 *
 *   same files, same names as before, and nothing was said ──> as before
 *   looked at: can be served ──────────────────────────────> this one
 *   looked at: cannot be ──> the room has the one before ───> that one, "kept"
 *                        └─> it has none ──────────────────> the site loses its tls
 */
#include "digest.h"
#include "examine.h"
#include "supervisor.h"
#include "hostel/base/log.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct loading {
    struct conf *conf;
    const struct generation *before; /* NULL: there is none */
    const struct examine_names *names;
    struct certificate *certificates;
    bool *useless; /* of each vhost */
    struct conf_errors *errors;
};

/* --- which is which -------------------------------------------------------------------------
 */

static uint64_t
digest_file(uint64_t d, const char *path)
{
    struct stat st = {0};

    d = digest_str(d, path);
    if (stat(path, &st) < 0)
        return d;
    d = digest_add(d, &st.st_dev, sizeof(st.st_dev));
    d = digest_add(d, &st.st_ino, sizeof(st.st_ino));
    d = digest_add(d, &st.st_size, sizeof(st.st_size));
    d = digest_add(d, &st.st_mtim, sizeof(st.st_mtim));
    return digest_add(d, &st.st_ctim, sizeof(st.st_ctim));
}

uint64_t
certificate_identity(const struct conf *conf, const struct conf_vhost *v)
{
    uint64_t d = digest_str(DIGEST_START, v->host);

    for (char **alias = v->aliases; *alias; alias++)
        d = digest_str(d, *alias);
    d = digest_add(d, &conf->users[v->user].ids.uid, sizeof(uid_t));
    d = digest_file(d, v->tls->certificate);
    return digest_file(d, v->tls->key);
}

static void
find_before(struct loading *l)
{
    const struct conf *before = l->before ? l->before->conf : NULL;
    struct examine_names *names = before ? examine_names_new(before) : NULL;

    for (size_t i = 0; i < l->conf->nvhosts; i++) {
        const struct conf_vhost *v = &l->conf->vhosts[i], *old = NULL;

        l->certificates[i].before = NO_VHOST;
        if (!v->tls)
            continue;
        l->certificates[i].identity = certificate_identity(l->conf, v);
        if (names)
            old = examine_names_host(names, v->host);
        if (old && old->tls &&
            before->users[old->user].ids.uid == l->conf->users[v->user].ids.uid &&
            before->users[old->user].ids.gid == l->conf->users[v->user].ids.gid)
            l->certificates[i].before = (size_t)(old - before->vhosts);
    }
    if (names)
        examine_names_free(&names);
}

static const struct certificate *
before(const struct loading *l, size_t vhost)
{
    size_t i = l->certificates[vhost].before;

    return i == NO_VHOST ? NULL : &l->before->certificates[i];
}

/* The room has it, and it is still nobody else's. */
static bool
can_be_kept(const struct loading *l, size_t vhost)
{
    const struct certificate *old = before(l, vhost);
    struct span name;

    return old && old->covered && atomic_load(&old->held) &&
           !examine_names_span(l->names, span_str(old->covered), l->conf->vhosts[vhost].user,
                               &name);
}

static void
take(struct certificate *c, const struct certificate *old)
{
    c->identity = old->identity;
    c->until = old->until;
    free(c->covered);
    c->covered = mem_str(old->covered);
}

/* --- what the examination asks and says -----------------------------------------------------
 */

static bool
on_known(void *data, size_t vhost, struct span *covered)
{
    struct loading *l = data;
    struct certificate *c = &l->certificates[vhost];
    const struct certificate *old = before(l, vhost);

    c->good = true;
    if (!old || !old->good || !old->covered || old->identity != c->identity)
        return false;
    take(c, old);
    *covered = span_str(c->covered);
    return true;
}

static void
on_say(void *data, size_t vhost, char how, struct span text)
{
    struct loading *l = data;
    struct certificate *c = &l->certificates[vhost];
    const struct conf_vhost *v = &l->conf->vhosts[vhost];

    c->good = false;
    if (how != EXAMINE_USELESS) {
        (how == EXAMINE_WARNING ? log_warn : log_error)(
            "%s:%zu: vhost %s: %.*s", v->file, v->tls->line, v->host, (int)text.n, text.p);
        return;
    }
    if (!l->useless[vhost])
        c->kept = can_be_kept(l, vhost);
    l->useless[vhost] = true;
    generation_error(l->errors, mem_fmt("%s:%zu: vhost %s: %.*s; %s", v->file, v->tls->line,
                                        v->host, (int)text.n, text.p,
                                        c->kept ? "the certificate before is served on"
                                                : "it is not served with TLS"));
}

static void
on_examined(void *data, size_t vhost, struct span covered, uint64_t until)
{
    struct certificate *c = &((struct loading *)data)->certificates[vhost];

    free(c->covered); /* it may answer twice */
    c->covered = mem_str_span(covered);
    c->until = until;
}

/* --- the whole ------------------------------------------------------------------------------
 */

static void
settle(struct loading *l)
{
    for (size_t i = 0; i < l->conf->nvhosts; i++) {
        if (!l->useless[i])
            continue;
        if (l->certificates[i].kept)
            take(&l->certificates[i], before(l, i));
        else
            conf_drop_tls(&l->conf->vhosts[i]);
    }
}

/* At a start what can be served is; what runs stays as it is. */
static int
failed(struct loading *l, int rc)
{
    generation_error(l->errors,
                     mem_fmt("%s: certificates cannot be looked at: %s",
                             l->conf->files ? l->conf->files[0] : "hostel", uv_strerror(rc)));
    for (size_t i = 0; i < l->conf->nvhosts; i++)
        l->certificates[i].good = false;
    return l->before ? rc : 0;
}

int
certificates_load(const struct supervisor *s, struct conf *conf,
                  struct certificate **certificates, struct conf_errors *errors)
{
    static const struct examine_ops ops = {on_known, on_say, on_examined};
    struct loading l = {.conf = conf, .before = s->gen, .errors = errors};
    struct examine_names *names;
    int rc;

    *certificates = NULL;
    if (!examine_any(conf))
        return 0;
    l.certificates = mem_new_array(conf->nvhosts, sizeof(*l.certificates));
    *certificates = l.certificates;
    find_before(&l);
    l.useless = mem_new_array(conf->nvhosts, sizeof(*l.useless));
    l.names = names = examine_names_new(conf);
    rc = s->gen && (s->worker_tls_exe < 0 || s->examiner_exe < 0)
             ? -ENOENT
             : examine(conf, names, s->gen ? s->examiner_exe : -1, &ops, &l);
    settle(&l);
    if (rc < 0)
        rc = failed(&l, rc);
    examine_names_free(&names);
    free(l.useless);
    return rc;
}

void
certificates_free(struct certificate **certificates, size_t n)
{
    for (size_t i = 0; *certificates && i < n; i++)
        free((*certificates)[i].covered);
    free(*certificates);
    *certificates = NULL;
}
