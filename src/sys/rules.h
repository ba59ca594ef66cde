/* The rows that cage.c compiles. Floor 1; supervisor. */
#ifndef HOSTEL_SYS_RULES_H
#define HOSTEL_SYS_RULES_H

#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One system call and when the row holds: every condition of it at once. Several rows of one
 * call add up. Conditions look at the 64-bit register; where the kernel takes 32 bits of it
 * (int, unsigned), an allow row compares all 64 and a deny row masks them off.
 */
struct rule {
    int call;
    unsigned nargs;
    struct scmp_arg_cmp args[2];
};

/* What each cage adds up to. cage.c says what happens to the calls in it and to all others. */
extern const struct rule rules_shared[];    /* allowed in a worker and in an acceptor */
extern const struct rule rules_accepting[]; /* allowed where listeners are held */
extern const struct rule rules_worker[];    /* allowed in a worker too */
extern const struct rule rules_acceptor[];  /* allowed in an acceptor too */
extern const struct rule rules_php[];       /* refused to PHP; all else is allowed */
extern const size_t rules_shared_count, rules_accepting_count, rules_worker_count,
    rules_acceptor_count, rules_php_count;

#endif
