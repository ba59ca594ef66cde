/*
 * Capabilities, by libcap: what the supervisor keeps, and that nobody else has any.
 * Floor 1; supervisor, and its children between fork and exec.
 */
#include "hostel/sys/caps.h"

#include <errno.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/capability.h>
#include <sys/prctl.h>

/* Everything that the supervisor can do that its user could not, and why it must. */
static const struct {
    cap_value_t cap;
    const char *why;
} kept[] = {
    {CAP_SETUID, "a child becomes its user"},
    {CAP_SETGID, "a child takes its user's groups, and no others"},
    {CAP_SETPCAP, "a child empties its bounding set and locks its securebits"},
    {CAP_SYS_CHROOT, "an acceptor gets an empty root directory"},
    {CAP_KILL, "children of other users are ended"},
    {CAP_CHOWN, "a PHP pool's socket is given to its user, one of metrics_listen to its group"},
    {CAP_DAC_READ_SEARCH, "document roots in closed homes are looked for at a check"},
    {CAP_NET_BIND_SERVICE, "ports below 1024 are bound, at a reload too"},
};

#define KEPT (sizeof(kept) / sizeof(kept[0]))

static bool
is_kept(cap_value_t cap)
{
    for (size_t i = 0; i < KEPT; i++)
        if (kept[i].cap == cap)
            return true;
    return false;
}

/* The capability sets become exactly what stands above, as far as we have it. */
static int
keep_only(void)
{
    cap_t now = cap_get_proc();
    cap_t want = cap_init();
    int rc = -ENOMEM;

    if (!now || !want)
        goto out;
    for (size_t i = 0; i < KEPT; i++) {
        cap_flag_value_t have = CAP_CLEAR;

        if (cap_get_flag(now, kept[i].cap, CAP_PERMITTED, &have) < 0) {
            rc = -errno;
            goto out;
        }
        if (have !=
            CAP_SET) { /* a container took it: better said now than at a child's birth */
            rc = -EPERM;
            goto out;
        }
        cap_set_flag(want, CAP_PERMITTED, 1, &kept[i].cap, CAP_SET);
        cap_set_flag(want, CAP_EFFECTIVE, 1, &kept[i].cap, CAP_SET);
    }
    rc = cap_set_proc(want) < 0 ? -errno : 0;
out:
    cap_free(now);
    cap_free(want);
    return rc;
}

int
caps_trim_supervisor(void)
{
    for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++)
        if (!is_kept(cap) && cap_get_bound(cap) == 1 && cap_drop_bound(cap) < 0)
            return -errno;
    if (CAP_AMBIENT_SUPPORTED() && cap_reset_ambient() < 0)
        return -errno;
    return keep_only();
}

/* ret  0; -EPERM a capability is left in the permitted, inheritable or effective set */
static int
look_sets(void)
{
    cap_t now = cap_get_proc();
    cap_t none = cap_init();
    int rc = -ENOMEM;

    if (now && none)
        rc = cap_compare(now, none) == 0 ? 0 : -EPERM;
    cap_free(now);
    cap_free(none);
    return rc;
}

/* ret  0; -EPERM one is left there */
static int
look_ambient(void)
{
    for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++)
        if (cap_get_ambient(cap) == 1)
            return -EPERM;
    return 0;
}

static int
look_bounding(void)
{
    for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++)
        if (cap_get_bound(cap) != 0)
            return -EPERM;
    return 0;
}

/* Being or becoming root gives nothing, for ever. */
static int
look_securebits(void)
{
    static const unsigned locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                                   SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                   SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    unsigned bits = cap_get_secbits();

    return (bits & locked) == locked && !(bits & SECBIT_KEEP_CAPS) ? 0 : -EPERM;
}

static int
look_mode(void)
{
    return cap_get_mode() == CAP_MODE_NOPRIV ? 0 : -EPERM;
}

static int
set_mode(void)
{
    return cap_set_mode(CAP_MODE_NOPRIV) < 0 ? -errno : 0;
}

static int
clear_sets(void)
{
    cap_t none = cap_init();
    int rc = -ENOMEM;

    if (none)
        rc = cap_set_proc(none) < 0 ? -errno : 0;
    cap_free(none);
    return rc;
}

static int
no_new_privs(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

static int
not_dumpable(void)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -EPERM;
}

struct caps_step {
    const char *name;
    int (*run)(void);
};

static int
run_steps(const struct caps_step *steps, size_t n, const char **step)
{
    for (size_t i = 0; i < n; i++) {
        int rc = steps[i].run();

        if (rc < 0) {
            *step = steps[i].name;
            return rc;
        }
    }
    return 0;
}

int
caps_drop_all(const char **step)
{
    static const struct caps_step steps[] = {
        {"cap_set_mode NOPRIV", set_mode},     {"no_new_privs", no_new_privs},
        {"not dumpable", not_dumpable},        {"look: capability mode", look_mode},
        {"look: capability sets", look_sets},  {"look: ambient set", look_ambient},
        {"look: bounding set", look_bounding}, {"look: securebits", look_securebits},
    };

    return run_steps(steps, sizeof(steps) / sizeof(steps[0]), step);
}

int
caps_drop_own(const char **step)
{
    static const struct caps_step steps[] = {
        {"clear capability sets", clear_sets}, {"no_new_privs", no_new_privs},
        {"not dumpable", not_dumpable},        {"look: capability sets", look_sets},
        {"look: ambient set", look_ambient},
    };

    return run_steps(steps, sizeof(steps) / sizeof(steps[0]), step);
}
