/* The rules of one vhost, while they are gathered. Floor 2; supervisor. */
#ifndef HOSTEL_CONF_RULES_H
#define HOSTEL_CONF_RULES_H

#include "raw.h"

#include "hostel/conf/model.h"

#define RULES_KIND_MAX 256 /* of one kind: as many as a worker takes */
#define RULES_NETS_MAX (RULES_KIND_MAX - 1)
#define RULES_ALL_MAX  (11 * RULES_KIND_MAX)

struct rules {
    struct conf_rule *v;
    size_t n;
};

/* Append; takes the rule's texts. Behind RULES_ALL_MAX, which is an error already, it is lost.
 */
void rules_add(struct rules *r, struct conf_rule rule);

/*
 * Append what allow and deny say together, in the order of conf_vhost.rules; nothing when
 * neither is written. Values that are no nets count as not written.
 */
void
rules_add_access(struct rules *r, const struct raw_list *allow, const struct raw_list *deny);

/* How many are of a kind. */
size_t rules_of_kind(const struct rules *r, enum conf_rule_kind kind);

/* Bytes of all texts together. */
size_t rules_bytes(const struct rules *r);

/* Frees the rules and their texts. */
void rules_done(struct rules *r);

#endif
