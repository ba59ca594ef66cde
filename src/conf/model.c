/* Frees the model. Floor 2; supervisor. */
#include "hostel/conf/model.h"

#include "apps.h"
#include "php.h"
#include "rules.h"

#include <stdlib.h>

static void
list_free(char **list)
{
    for (char **s = list; s && *s; s++)
        free(*s);
    free(list);
}

static void
tls_free(struct conf_tls *tls)
{
    if (!tls)
        return;
    free(tls->certificate);
    free(tls->key);
    free(tls);
}

void
conf_drop_tls(struct conf_vhost *v)
{
    tls_free(v->tls);
    v->tls = NULL;
}

/* Frees a vhost's own; what is lent from the conf goes with that. */
static void
text_free(char *text, const char *lent)
{
    if (text != lent)
        free(text);
}

static void
vhost_done(const struct conf *c, struct conf_vhost *v)
{
    struct rules rules = {v->rules, v->nrules};

    free(v->host);
    if (v->aliases != c->none)
        list_free(v->aliases);
    free(v->root);
    if (v->index != c->index && v->index != c->none)
        list_free(v->index);
    text_free(v->access_log, c->access_log);
    text_free(v->error_log, c->error_log);
    text_free(v->log_format, c->log_format);
    tls_free(v->tls);
    free(v->fallback);
    free(v->limits);
    rules_done(&rules);
}

void
conf_free(struct conf **conf)
{
    struct conf *c = *conf;

    if (!c)
        return;
    for (size_t i = 0; i < c->nlisten; i++)
        free(c->listen[i].text);
    for (size_t i = 0; i < c->nvhosts; i++)
        vhost_done(c, &c->vhosts[i]);
    phps_free(c);
    for (size_t i = 0; i < c->nsites; i++)
        free(c->sites[i].bytes);
    free(c->sites);
    free(c->listen);
    for (size_t i = 0; i < c->nmetrics; i++)
        free(c->metrics[i].text);
    free(c->metrics);
    free(c->run_dir);
    free(c->pid_file);
    free(c->cgroup);
    free(c->app_dir);
    apps_done(c);
    free(c->error_log);
    free(c->access_log);
    free(c->log_format);
    list_free(c->index);
    for (size_t i = 0; i < c->nusers; i++) {
        ids_done(&c->users[i].ids);
        free(c->users[i].limits);
    }
    free(c->users);
    ids_done(&c->acceptor_ids);
    free(c->vhosts);
    list_free(c->files);
    free(c);
    *conf = NULL;
}
