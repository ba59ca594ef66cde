/* A vhost's rules as messages. Floor 6, hostel. */
#include "sends_rules.h"

static uint8_t
op_of(const struct conf_rule *rule)
{
    static const uint8_t ops[] = {
        [CONF_HEADER_SET] = MSG_HEADER_SET,
        [CONF_HEADER_ADD] = MSG_HEADER_ADD,
        [CONF_HEADER_REMOVE] = MSG_HEADER_REMOVE,
    };

    return ops[rule->op];
}

static uint8_t
serve_of(const struct conf_rule *rule)
{
    static const uint8_t serves[] = {
        [CONF_SERVE_ALL] = MSG_SERVE_ALL,
        [CONF_SERVE_STATIC] = MSG_SERVE_STATIC,
        [CONF_SERVE_INTERNAL] = MSG_SERVE_INTERNAL,
        [CONF_SERVE_NOTHING] = MSG_SERVE_NOTHING,
        [CONF_SERVE_FORBIDDEN] = MSG_SERVE_FORBIDDEN,
    };

    return serves[rule->serve];
}

void
sends_rule(const struct conf_rule *rule, struct msg_rule *m)
{
    *m = (struct msg_rule){.match = span_str(rule->match),
                           .name = span_str(rule->name),
                           .value = span_str(rule->value)};
    switch (rule->kind) {
    case CONF_HEADER:
        m->kind = RULE_HEADER;
        m->op = op_of(rule);
        m->a = rule->status_min;
        m->b = rule->status_max;
        break;
    case CONF_EXPIRES:
        m->kind = RULE_EXPIRES;
        m->a = rule->seconds;
        break;
    case CONF_REDIRECT:
        m->kind = RULE_REDIRECT;
        m->a = rule->status_min;
        break;
    case CONF_ERROR_PAGE:
        m->kind = RULE_ERROR_PAGE;
        m->a = rule->status_min;
        m->b = rule->status_max;
        break;
    case CONF_AUTH:
        m->kind = RULE_AUTH;
        break;
    case CONF_ACCESS:
        m->kind = RULE_ACCESS;
        m->op = rule->allow;
        m->a = rule->bits;
        m->match = span_of(rule->net, sizeof(rule->net));
        break;
    case CONF_PATH:
        m->kind = RULE_PATH;
        m->op = serve_of(rule);
        m->a = rule->files;
        break;
    case CONF_REWRITE:
        m->kind = RULE_REWRITE;
        break;
    case CONF_PARAM:
        m->kind = RULE_PARAM;
        break;
    case CONF_FASTCGI:
        m->kind = RULE_FASTCGI;
        m->a = rule->connections;
        m->b = rule->timeout_ms;
        break;
    case CONF_ROOT:
        m->kind = RULE_ROOT;
        m->op = rule->links;
        break;
    }
}

uint8_t
sends_symlinks(enum conf_symlinks symlinks)
{
    static const uint8_t all[] = {
        [CONF_SYMLINKS_FOLLOW] = MSG_SYMLINKS_FOLLOW,
        [CONF_SYMLINKS_OWNER] = MSG_SYMLINKS_OWNER,
        [CONF_SYMLINKS_OFF] = MSG_SYMLINKS_OFF,
    };

    return all[symlinks];
}
