/* Where connections come from: listeners, and whose word counts there. Floor 2; supervisor. */
#include "fill.h"
#include "listen.h"

#include "rows.h"
#include "value.h"
#include "value_rules.h"

#include "hostel/base/mem.h"

void
fill_net(struct nets *nets, const char *text)
{
    struct net net;
    uint32_t bits;

    if (nets->n == NETS_MAX || value_net(span_str(text), net.addr, &bits) < 0)
        return; /* that was complained about */
    net.bits = (uint8_t)bits;
    nets->v[nets->n++] = net;
}

static void
add(struct conf *c, const char *file, const struct note_listen *note,
    struct conf_errors *errors)
{
    struct conf_listen l = {
        .user = CONF_SHARED, .vhost = CONF_SHARED, .tls = note->tls};

    if (!note->address || value_address(span_str(note->address), &l.addr, &l.addr_len) < 0)
        return;
    for (size_t i = 0; i < c->nlisten; i++)
        if (l.addr_len == c->listen[i].addr_len &&
            memcmp(&l.addr, &c->listen[i].addr, l.addr_len) == 0) {
            errors_file(errors, file, "%s: `%s` stands there twice",
                        c->listen[i].tls == l.tls
                            ? rows[l.tls ? ROW_LISTEN_TLS : ROW_LISTEN].name
                            : "listen and listen_tls",
                        note->address);
            return;
        }
    for (size_t i = 0; i < note->nnets; i++)
        fill_net(&l.proxies, note->nets[i]);
    listen_append(c, &l, note->address);
}

void
fill_listens(struct conf *c, const char *file, const struct notes *notes,
             struct conf_errors *errors)
{
    char as_root[] = "*:80", as_user[] = "127.0.0.1:8080";
    const struct note_listen preset = {.address = c->switching ? as_root : as_user};
    size_t plain = 0, tls = 0;

    for (size_t i = 0; i < notes->nlistens; i++)
        if (!notes->listens[i].tls) {
            add(c, file, &notes->listens[i], errors);
            plain++;
        }
    if (c->nlisten == 0)
        add(c, file, &preset, errors);
    for (size_t i = 0; i < notes->nlistens; i++)
        if (notes->listens[i].tls) {
            add(c, file, &notes->listens[i], errors);
            tls++;
        }
    if (plain <= FILL_LISTEN_MAX && tls <= FILL_LISTEN_MAX && c->nlisten > FILL_LISTEN_MAX)
        errors_file(errors, file, "listen and listen_tls have %zu entries, %d are the most",
                    c->nlisten, FILL_LISTEN_MAX);
}
