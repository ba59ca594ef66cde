/* A load that must go on: which text of a site file counts, and who falls. $D is scratch's. */
#include "scratch.h"

#include "hostel/base/mem.h"

#include <errno.h>

#define OF(host)  "  - {host: " host ", user: 70001, root: $D/www}\n"
#define IS(hosts) "vhosts:\n" hosts
#define MAIN      "include: vhosts.d/*.yaml\n"
#define NO        "vhosts: [\n" /* no YAML */

struct row {
    const char *why;
    const char *before[2]; /* a.yaml, b.yaml as they were, without an error; NULL: not there */
    const char *now[2];
    const char *main; /* NULL: as before */
    int ret;
    const char *hosts;  /* what is in effect then */
    const char *errors; /* how many lines, and a piece of the first one */
    size_t nerrors;
};

static const struct row rows[] = {
    {"nothing changed",
     {IS(OF("a")), IS(OF("b"))},
     {IS(OF("a")), IS(OF("b"))},
     NULL,
     0,
     "a b",
     "",
     0},
    {"a new vhost", {IS(OF("a")), NULL}, {IS(OF("a") OF("c")), NULL}, NULL, 0, "a c", "", 0},
    {"a broken file stays as it was",
     {IS(OF("a")), IS(OF("b"))},
     {IS(OF("c")), NO},
     NULL,
     0,
     "c b",
     "b.yaml:2:1: ",
     1},
    {"a broken file that is new is left out",
     {IS(OF("a")), NULL},
     {IS(OF("a")), NO},
     NULL,
     0,
     "a",
     "b.yaml:2:1: ",
     1},
    {"a file that went takes its vhosts along",
     {IS(OF("a")), IS(OF("b"))},
     {IS(OF("a")), NULL},
     NULL,
     0,
     "a",
     "",
     0},
    {"a host that another file has: the new one falls",
     {IS(OF("a")), IS(OF("b"))},
     {IS(OF("b")), IS(OF("b"))},
     NULL,
     0,
     "a b",
     "a.yaml:2: vhost b: `b` is named already by vhost b in ",
     1},
    {"two files that change places",
     {IS(OF("a")), IS(OF("b"))},
     {IS(OF("b")), IS(OF("a"))},
     NULL,
     0,
     "b a",
     "",
     0},
    {"a host moves, but to a file with another error: it is nowhere",
     {IS(OF("a")), IS(OF("b") OF("c"))},
     {IS(OF("a") OF("c") OF("a..c")), IS(OF("b"))},
     NULL,
     0,
     "a b",
     "a.yaml:4:12: ",
     1},
    {"a host moves, and its old file is broken: it stays",
     {IS(OF("a") OF("c")), IS(OF("b"))},
     {NO, IS(OF("b") OF("c"))},
     NULL,
     0,
     "a c b",
     "a.yaml:2:1: ",
     2},
    {"two new files want one host: the first has it",
     {NULL, NULL},
     {IS(OF("a")), IS(OF("a"))},
     NULL,
     0,
     "a",
     "b.yaml:2: vhost a: ",
     1},
    {"the main file has it: the site falls",
     {IS(OF("a")), NULL},
     {IS(OF("a")), NULL},
     MAIN "vhosts:\n" OF("a"),
     0,
     "a",
     "vhost a: `a` is named already",
     2},
    {"a broken main file: nothing",
     {IS(OF("a")), NULL},
     {IS(OF("a")), NULL},
     "listen: 3\n" MAIN,
     -EINVAL,
     NULL,
     "hostel.yaml:1:9: ",
     1},
    {"no vhost is left: nothing",
     {NULL, NULL},
     {NO, NULL},
     NULL,
     -EINVAL,
     NULL,
     "a.yaml:2:1: ",
     2},
    {"what was good does not hold any more",
     {IS(OF("a")), IS("  - {host: b, user: 1200, root: $D/www}\n")},
     {IS(OF("a")), NO},
     "min_uid: 2000\n" MAIN,
     0,
     "a",
     "b.yaml:2:1: ",
     2},
};

static char *
hosts_of(const struct conf *c)
{
    char *all = mem_str("");

    for (size_t i = 0; i < c->nvhosts; i++) {
        char *more = mem_fmt("%s%s%s", all, i ? " " : "", c->vhosts[i].host);

        free(all);
        all = more;
    }
    return all;
}

static void
write_sites(const char *const sites[2])
{
    scratch_write("vhosts.d/a.yaml", sites[0]);
    scratch_write("vhosts.d/b.yaml", sites[1]);
}

static void
check_row(const struct row *row)
{
    struct conf *last = NULL, *now = NULL;
    struct conf_errors errors;
    char *path = scratch_text("$D/hostel.yaml"), *hosts;
    int rc;

    scratch_write("hostel.yaml", MAIN);
    write_sites(row->before);
    if (row->before[0] || row->before[1]) {
        assert_int_equal(conf_load_tolerant(path, true, NULL, NULL, &last, &errors), 0);
        assert_int_equal(errors.n, 0);
    }
    if (row->main)
        scratch_write("hostel.yaml", row->main);
    write_sites(row->now);
    rc = conf_load_tolerant(path, true, last, NULL, &now, &errors);
    if (rc != row->ret || errors.n != row->nerrors)
        fail_msg("%s: returned %d with %zu errors: %s", row->why, rc, errors.n,
                 errors.n ? errors.lines[errors.n - 1] : "");
    if (row->nerrors && !strstr(errors.lines[0], row->errors))
        fail_msg("%s: %s", row->why, errors.lines[0]);
    if (rc == 0) {
        hosts = hosts_of(now);
        if (strcmp(hosts, row->hosts) != 0)
            fail_msg("%s: in effect are %s", row->why, hosts);
        free(hosts);
    }
    conf_errors_done(&errors);
    conf_free(&last);
    conf_free(&now);
    free(path);
}

static void
test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_row(&rows[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

    return cmocka_run_group_tests(tests, scratch_start, scratch_stop);
}
