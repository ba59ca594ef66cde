/* metrics_listen and what goes with it. Floor 2; supervisor. */
#include "fill.h"

#include "rows.h"
#include "value.h"

#include "hostel/base/mem.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

static bool
good(enum row_id id, const char *text)
{
    char why[VALUE_WHY_MAX];

    return text && value_check(&rows[id], span_str(text), why) == 0;
}

static void
add(struct conf *c, const char *file, const char *text, struct conf_errors *errors)
{
    struct conf_listen l = {0};

    if (strncmp(text, "unix:", 5) == 0)
        text += 5;
    for (size_t i = 0; i < c->nmetrics; i++)
        if (strcmp(c->metrics[i].text, text) == 0) {
            errors_file(errors, file, "metrics_listen: `%s` stands there twice", text);
            return;
        }
    if (text[0] != '/')
        (void)value_address(span_str(text), &l.addr, &l.addr_len); /* it was checked */
    l.text = mem_str(text);
    c->metrics[c->nmetrics++] = l;
}

static void
fill_group(struct conf *c, const char *file, const char *name, struct conf_errors *errors)
{
    const struct row *r = &rows[ROW_METRICS_GROUP];
    unsigned long long number;
    const struct group *g;

    if (!good(ROW_METRICS_GROUP, name))
        return;
    if (span_u64(span_str(name), UINT32_MAX - 1, &number) == 0) {
        c->metrics_gid = (gid_t)number;
        return;
    }
    g = getgrnam(name);
    if (g)
        c->metrics_gid = g->gr_gid;
    else
        errors_file(errors, file, "%s: there is no group `%s`", r->name, name);
}

void
fill_metrics(struct conf *c, const char *file, const struct raw_main *raw,
             const struct notes *notes, struct conf_errors *errors)
{
    const struct row *most = &rows[ROW_METRICS_USERS_MAX];
    const char *users = good(ROW_METRICS_USERS_MAX, raw->metrics_users_max)
                            ? raw->metrics_users_max
                            : most->preset;

    c->metrics = mem_new_array(CONF_METRICS_MAX, sizeof(*c->metrics));
    for (size_t i = 0; i < notes->nnear; i++)
        add(c, file, notes->near[i], errors);
    c->metrics_users_max = (uint32_t)value_number(most, span_str(users));
    fill_group(c, file, raw->metrics_group, errors);
}
