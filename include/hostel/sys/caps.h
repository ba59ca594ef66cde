/* The supervisor trims itself; everybody else has nothing. libcap. Floor 1. */
#ifndef HOSTEL_SYS_CAPS_H
#define HOSTEL_SYS_CAPS_H

/*
 * Keep only the capabilities the supervisor uses (the list, with what each is for, is in
 * caps.c), in the permitted, effective and bounding sets; inheritable and ambient empty.
 *
 * ret  0 or -errno: the caller must end
 */
int caps_trim_supervisor(void);

/*
 * After the ids are gone: drop every capability from every set, lock the securebits, set
 * NO_NEW_PRIVS, and look that it is so. Runs between fork and exec.
 *
 * out  step  what failed
 * ret  0 or -errno: the caller must abort
 */
int caps_drop_all(const char **step);

/*
 * The same for a process that was never root, as far as it may: empty sets, NO_NEW_PRIVS, not
 * dumpable. The bounding set and securebits cannot be touched without privilege, and nothing
 * that NO_NEW_PRIVS lets through could use them.
 */
int caps_drop_own(const char **step);

#endif
