/* A RULE message becomes a rule of its site. Floor 6; worker. */
#ifndef WORKER_RULE_H
#define WORKER_RULE_H

#include "hostel/ipc/message.h"
#include "hostel/serve/rules.h"

/*
 * Append a rule behind the others of its kind; copies.
 *
 * in   m    msg_rule_get() has accepted it
 * ret  0; -EBADMSG: RULES_MAX of its kind are there
 */
int rule_add(struct site_rules *rules, const struct msg_rule *m);

#endif
