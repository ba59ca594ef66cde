/* A vhost's rules as messages. Floor 6, hostel. */
#ifndef SUPERVISOR_SENDS_RULES_H
#define SUPERVISOR_SENDS_RULES_H

#include "hostel/conf/model.h"
#include "hostel/ipc/message.h"

/* out  m  its texts are lent from the rule */
void sends_rule(const struct conf_rule *rule, struct msg_rule *m);

/* How far symbolic links are followed, as the message says it. */
uint8_t sends_symlinks(enum conf_symlinks symlinks);

#endif
