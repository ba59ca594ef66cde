/*
 * This user's certificates, keys and session tickets, as the supervisor sends them. Floor 6;
 * worker.
 */
#include "hostel/base/log.h"
#include "hostel/base/mem.h"
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whose certificate answers for this name? */
static struct tls_host *
find(void *data, struct span name)
{
    const struct worker *w = data;
    const struct site *site = name.n ? sites_find(w->sites, name) : sites_default(w->sites);

    return site ? site->tls : NULL;
}

int
secure_tickets(struct worker *w, struct message *m)
{
    struct msg_tickets tickets;
    char why[TLS_WHY_MAX];

    if (msg_tickets_get(&m->payload, &tickets) < 0 || !w->told || !w->tls_ops ||
        (!w->tls && w->serving))
        return -EBADMSG;
    if (!w->tls) {
        const struct tls_settings settings = {
            .kernel = tickets.kernel, .http2 = w->settings.http2, .find = find, .data = w};

        w->tls = w->tls_ops->server_new(&settings, why);
        if (!w->tls) {
            log_error("TLS cannot be started: %s", why);
            return -ENOMEM;
        }
    }
    return w->tls_ops->set_tickets(w->tls, tickets.keys);
}

/*
 * A file that is not to be changed any more, read whole.
 *
 * out  bytes  owned by the caller, secret_free()
 */
static int
secret_read(int fd, struct span *bytes)
{
    struct stat st;
    char *p;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > TLS_FILE_MAX)
        return -EBADMSG;
    p = mem_new((size_t)st.st_size + 1);
    *bytes = span_of(p, (size_t)st.st_size);
    return pread(fd, p, bytes->n, 0) == st.st_size ? 0 : -EBADMSG;
}

static void
secret_free(struct span *bytes)
{
    char *p = (char *)(uintptr_t)bytes->p;

    if (p)
        explicit_bzero(p, bytes->n);
    free(p);
    *bytes = span_of(NULL, 0);
}

/* At the start each site's comes after it; later, sites that are there get others. */
static struct site *
site_of(struct worker *w, uint32_t vhost)
{
    struct site *site = sites_nth(w->sites, vhost);

    if (!w->serving && (site != sites_last(w->sites) || (site && site->tls)))
        return NULL;
    return site;
}

/*
 * A certificate that cannot be used was looked at before, so the files have changed since: the
 * site keeps the one that it has, if any. Connections keep theirs in any case.
 */
int
secure_site(struct worker *w, struct message *m)
{
    struct span chain = {NULL, 0}, key = {NULL, 0};
    struct tls_host *host = NULL;
    char why[TLS_WHY_MAX];
    struct msg_tls tls;
    struct site *site;
    int rc;

    if (msg_tls_get(&m->payload, &tls) < 0 || !w->tls)
        return -EBADMSG;
    site = site_of(w, tls.vhost);
    if (!site)
        return -EBADMSG;
    rc = secret_read(m->fds[0], &chain);
    if (rc == 0)
        rc = secret_read(m->fds[1], &key);
    if (rc == 0)
        host = w->tls_ops->host_new(w->tls, chain, key, tls.version_min, why);
    if (rc == 0 && !host)
        log_error("%s %s: %s", site->names[0],
                  site->tls ? "keeps its certificate" : "is not served with TLS", why);
    if (host) {
        w->tls_ops->host_free(&site->tls);
        site->tls = host;
    }
    secret_free(&chain);
    secret_free(&key);
    return rc;
}

void
secure_done(struct worker *w)
{
    if (!w->tls_ops)
        return;
    sites_drop_tls(w->sites, w->tls_ops);
    w->tls_ops->server_free(&w->tls);
}
