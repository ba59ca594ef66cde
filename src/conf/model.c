/* Frees the model. Floor 2; supervisor. */
#include "hostel/conf/model.h"

#include "apps.h"
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
php_free(struct conf_php *php)
{
    if (!php)
        return;
    free(php->command);
    free(php->ini);
    list_free(php->define);
    list_free(php->env);
    list_free(php->restart_on);
    free(php);
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

static void
vhost_done(struct conf_vhost *v)
{
    struct rules rules = {v->rules, v->nrules};

    free(v->host);
    list_free(v->aliases);
    free(v->root);
    list_free(v->index);
    free(v->access_log);
    free(v->error_log);
    free(v->log_format);
    php_free(v->php);
    tls_free(v->tls);
    free(v->fallback);
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
        vhost_done(&c->vhosts[i]);
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
    free(c->users);
    free(c->vhosts);
    list_free(c->files);
    free(c);
    *conf = NULL;
}
