/* Accounts, bare numbers, and the ids that are refused. */
#include "hostel/sys/ids.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
lookup(void **state)
{
    static const struct {
        const char *why;
        const char *user, *group;
        int rc;
        uid_t uid;
        gid_t gid;
    } rows[] = {
        {"account by name", "daemon", NULL, 0, 1, 1},
        {"account by number", "1", NULL, 0, 1, 1},
        {"number without account", "64001", NULL, 0, 64001, 64001},
        {"number with group by number", "64001", "64002", 0, 64001, 64002},
        {"number with group by name", "64001", "daemon", 0, 64001, 1},
        {"account with other group", "daemon", "64002", 0, 1, 64002},
        {"no such account", "no-such-user-here", NULL, -ENOENT, 0, 0},
        {"no such group", "64001", "no-such-group-here", -ESRCH, 0, 0},
        {"group zero by number", "64001", "0", -EPERM, 0, 0},
        {"group zero by name", "64001", "root", -EPERM, 0, 0},
        {"root has group zero", "root", NULL, -EPERM, 0, 0},
        {"zero", "0", NULL, -EPERM, 0, 0},
        {"minus one means no change to the kernel", "4294967295", NULL, -ENOENT, 0, 0},
        {"group minus one", "64001", "4294967295", -ESRCH, 0, 0},
        {"wraps to zero in 32 bits", "4294967296", NULL, -ENOENT, 0, 0},
        {"negative", "-1", NULL, -ENOENT, 0, 0},
        {"sign", "+64001", NULL, -ENOENT, 0, 0},
        {"space", " 64001", NULL, -ENOENT, 0, 0},
        {"hexadecimal", "0x10", NULL, -ENOENT, 0, 0},
        {"empty", "", NULL, -ENOENT, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ids ids;
        int rc = ids_lookup(rows[i].user, rows[i].group, &ids);

        if (rc != rows[i].rc)
            fail_msg("%s: %d instead of %d", rows[i].why, rc, rows[i].rc);
        if (rc == 0 && (ids.uid != rows[i].uid || ids.gid != rows[i].gid))
            fail_msg("%s: %u:%u", rows[i].why, ids.uid, ids.gid);
        if (rc == 0 && (ids.ngroups < 1 || ids.groups[0] != ids.gid))
            fail_msg("%s: its own group is not among the groups", rows[i].why);
        if (rc == 0)
            ids_done(&ids);
    }
}

static void
names(void **state)
{
    struct ids ids;

    (void)state;
    assert_int_equal(ids_lookup("64001", NULL, &ids), 0);
    assert_string_equal(ids.name, "64001");
    assert_string_equal(ids.home, "");
    assert_int_equal(ids.ngroups, 1);
    ids_done(&ids);
    assert_int_equal(ids_lookup("1", NULL, &ids), 0);
    assert_string_equal(ids.name, "daemon");
    assert_string_equal(ids.home, "/usr/sbin");
    ids_done(&ids);
    assert_null(ids.groups);
}

/* A copy says the same and outlives what it was made of. */
static void
copy(void **state)
{
    struct ids ids = {.uid = 1001,
                      .gid = 1002,
                      .ngroups = 3,
                      .groups = (gid_t[]){1002, 44, 27},
                      .name = "somebody",
                      .home = "/home/somebody"};
    struct ids other = ids_copy(&ids);

    (void)state;
    ids.groups[1] = 45;
    assert_int_equal(other.uid, 1001);
    assert_int_equal(other.gid, 1002);
    assert_int_equal(other.ngroups, 3);
    assert_memory_equal(other.groups, ((gid_t[]){1002, 44, 27}), 3 * sizeof(gid_t));
    assert_string_equal(other.name, "somebody");
    assert_string_equal(other.home, "/home/somebody");
    ids_done(&other);
}

static void
check(void **state)
{
    const struct {
        const char *why;
        struct ids ids;
        uint32_t min;
        int rc;
    } rows[] = {
        {"above", {.uid = 1001, .gid = 1001, .groups = (gid_t[]){1001}, .ngroups = 1}, 1000, 0},
        {"at", {.uid = 1000, .gid = 1000, .groups = (gid_t[]){1000}, .ngroups = 1}, 1000, 0},
        {"uid below",
         {.uid = 999, .gid = 1000, .groups = (gid_t[]){1000}, .ngroups = 1},
         1000,
         -EPERM},
        {"gid below",
         {.uid = 1000, .gid = 999, .groups = (gid_t[]){999}, .ngroups = 1},
         1000,
         -EPERM},
        {"uid 0, no minimum", {.gid = 1, .groups = (gid_t[]){1}, .ngroups = 1}, 0, -EPERM},
        {"gid 0, no minimum", {.uid = 1, .groups = (gid_t[]){1}, .ngroups = 1}, 0, -EPERM},
        {"a group 0",
         {.uid = 1001, .gid = 1001, .groups = (gid_t[]){1001, 0}, .ngroups = 2},
         1,
         -EPERM},
        {"a low group is a right that root gave",
         {.uid = 1001, .gid = 1001, .groups = (gid_t[]){1001, 44}, .ngroups = 2},
         1000,
         0},
        {"no groups", {.uid = 1001, .gid = 1001}, 1, -EPERM},
        {"too many groups",
         {.uid = 1001, .gid = 1001, .groups = (gid_t[]){1001}, .ngroups = IDS_GROUPS_MAX + 1},
         1,
         -EPERM},
        {"uid that means no change",
         {.uid = (uid_t)-1, .gid = 1001, .groups = (gid_t[]){1001}, .ngroups = 1},
         1,
         -EPERM},
        {"gid that means no change",
         {.uid = 1001, .gid = (gid_t)-1, .groups = (gid_t[]){1001}, .ngroups = 1},
         1,
         -EPERM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (ids_check(&rows[i].ids, rows[i].min) != rows[i].rc)
            fail_msg("%s", rows[i].why);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookup),
        cmocka_unit_test(names),
        cmocka_unit_test(copy),
        cmocka_unit_test(check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
