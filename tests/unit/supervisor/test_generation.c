/* From one configuration to the next: who keeps his room, who is told anew, who is not. */
#include "../conf/scratch.h"

#include "hostel/base/fd.h"
#include "hostel/ipc/routes.h"

#include "supervisor.h"

#include <errno.h>

/* A main file and site files, NULL-ended: names and texts in turn. */
static void
write_files(const char *main, const char *const *sites)
{
    char *text =
        mem_fmt("error_log: \"-\"\naccess_log: off\ninclude: vhosts.d/*.yaml\n%s", main);

    scratch_write("hostel.yaml", text);
    free(text);
    for (; sites && *sites; sites += 2) {
        char *name = mem_fmt("vhosts.d/%s.yaml", sites[0]);

        scratch_write(name, sites[1]);
        free(name);
    }
}

static void
remove_site(const char *name)
{
    char *path = mem_fmt("%s/vhosts.d/%s.yaml", scratch_dir, name);

    assert_int_equal(unlink(path), 0);
    free(path);
}

static int
load(struct supervisor *s, struct generation **g, size_t *nerrors)
{
    struct conf_errors errors = {0};
    char *path = scratch_text("$D/hostel.yaml");
    int rc = generation_load(s, path, g, &errors);

    for (size_t i = 0; i < errors.n; i++)
        print_message("  %s\n", errors.lines[i]);
    *nerrors = errors.n;
    conf_errors_done(&errors);
    free(path);
    return rc;
}

/* It is in effect: each user with a vhost has a room, and each room one user. */
static void
use(struct supervisor *s, struct generation *g)
{
    size_t rooms = 0;

    for (size_t i = 0; i < g->conf->nusers; i++) {
        rooms += g->parts[i].room != NO_ROOM;
        if (g->parts[i].room != NO_ROOM)
            assert_ptr_equal(generation_tenant(g, g->parts[i].room), &g->conf->users[i]);
    }
    for (size_t i = 0; i < g->nrooms + 2; i++)
        rooms -= generation_tenant(g, i) != NULL;
    assert_int_equal(rooms, 0);
    generation_drop(&s->gen);
    s->gen = g;
    s->conf = g->conf;
}

static void
load_and_use(struct supervisor *s)
{
    struct generation *g = NULL;
    size_t errors;

    assert_int_equal(load(s, &g, &errors), 0);
    assert_int_equal(errors, 0);
    use(s, g);
}

/* ret  the part of who has this uid */
static const struct part *
part_of(const struct generation *g, uid_t uid)
{
    for (size_t i = 0; i < g->conf->nusers; i++)
        if (g->conf->users[i].ids.uid == uid && g->parts[i].count)
            return &g->parts[i];
    return NULL;
}

static uint32_t
room_of(const struct supervisor *s, uid_t uid)
{
    const struct part *p = part_of(s->gen, uid);

    return p ? p->room : NO_ROOM;
}

#define SITE(host, uid, more)                                                                  \
    "vhosts: [{host: " host ", user: " uid ", group: " uid ", root: $D/www" more "}]\n"

/* --- rooms ----------------------------------------------------------------------------------
 */

static void
test_rooms_are_kept(void **state)
{
    static const char *const three[] = {
        "a", SITE("a.test", "20001", ""), "b", SITE("b.test", "20002", ""),
        "c", SITE("c.test", "20003", ""), NULL};
    static const char *const d[] = {"0", SITE("d.test", "20004", ""), NULL};
    static const char *const e[] = {"1", SITE("e.test", "20005", ""), NULL};
    struct supervisor s = {0};

    (void)state;
    write_files("", three);
    load_and_use(&s);
    assert_int_equal(s.gen->number, 1);
    for (uid_t i = 0; i < 3; i++)
        assert_int_equal(room_of(&s, 20001 + i), i);

    /* one goes, another comes at the same time, before all others in the files */
    remove_site("b");
    write_files("", d);
    load_and_use(&s);
    assert_int_equal(s.gen->number, 2);
    assert_int_equal(room_of(&s, 20001), 0);
    assert_int_equal(room_of(&s, 20002), NO_ROOM);
    assert_int_equal(room_of(&s, 20003), 2);
    assert_int_equal(room_of(&s, 20004), 3); /* 1 was somebody's a moment ago */

    /* the gap is filled by the next one */
    write_files("", e);
    load_and_use(&s);
    assert_int_equal(room_of(&s, 20005), 1);
    assert_int_equal(room_of(&s, 20003), 2);
    generation_drop(&s.gen);
    for (const char *c = "ac01"; *c; c++)
        remove_site((char[]){*c, '\0'});
}

/* The same number with another group is another room. */
static void
test_groups_are_apart(void **state)
{
    static const char *const two[] = {
        "a", SITE("a.test", "20001", ""), "b",
        "vhosts: [{host: b.test, user: 20001, group: 20009, root: $D/www}]\n", NULL};
    struct supervisor s = {0};

    (void)state;
    write_files("", two);
    load_and_use(&s);
    assert_int_equal(s.gen->conf->nusers, 2);
    assert_int_equal(s.gen->parts[0].room + s.gen->parts[1].room, 1);
    generation_drop(&s.gen);
    remove_site("a");
    remove_site("b");
}

/* --- who is told anew -----------------------------------------------------------------------
 */

struct change {
    const char *why;
    const char *main, *b; /* of 20002; a stays */
    bool a_changes, b_changes;
};

static const struct change changes[] = {
    {"nothing at all", "", SITE("b.test", "20002", ""), false, false},
    {"another place for the same", "", "# moved\n\n" SITE("b.test", "20002", ""), false, false},
    {"one user's vhost", "", SITE("b.test", "20002", ", autoindex: true"), false, true},
    {"one more name of it", "", SITE("b.test", "20002", ", aliases: [c.test]"), false, true},
    {"his PHP", "", SITE("b.test", "20002", ", php: {command: $D/php}"), false, true},
    {"a header of his", "", SITE("b.test", "20002", ", headers: [{set: \"X-A: 1\"}]"), false,
     true},
    {"what all workers are told", "keepalive_timeout: 7s\n", SITE("b.test", "20002", ""), true,
     true},
    {"what acceptors are told", "acceptors: 2\n", SITE("b.test", "20002", ""), false, false},
    {"how long it takes to stop", "stop_timeout: 3s\n", SITE("b.test", "20002", ""), false,
     false},
};

static void
test_who_changes(void **state)
{
    static const char *const before[] = {"a", SITE("a.test", "20001", ""), "b",
                                         SITE("b.test", "20002", ""), NULL};
    struct supervisor s = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const char *const after[] = {"b", changes[i].b, NULL};
        uint64_t a, b;

        print_message("%s\n", changes[i].why);
        write_files("", before);
        load_and_use(&s);
        a = part_of(s.gen, 20001)->digest;
        b = part_of(s.gen, 20002)->digest;
        assert_true(a != 0 && b != 0);
        write_files(changes[i].main, after);
        load_and_use(&s);
        assert_int_equal(part_of(s.gen, 20001)->digest != a, changes[i].a_changes);
        assert_int_equal(part_of(s.gen, 20002)->digest != b, changes[i].b_changes);
    }
    generation_drop(&s.gen);
    remove_site("a");
    remove_site("b");
}

/* --- pools and routes -----------------------------------------------------------------------
 */

static void
test_pools(void **state)
{
    static const char *const sites[] = {
        "a",
        "vhosts:\n"
        " - {host: one.test, user: 20001, group: 20001, root: $D/www, php: {command: $D/php}}\n"
        " - {host: two.test, user: 20001, group: 20001, root: $D/www}\n"
        " - {host: three.test, user: 20002, group: 20002, root: $D/www,"
        " php: {command: $D/php}}\n"
        " - {host: four.test, user: 20001, group: 20001, root: $D/www,"
        " php: {command: $D/php, processes: 9}}\n"
        " - {host: five.test, user: 20001, group: 20001, root: $D/www, php: {command: "
        "$D/php}}\n",
        NULL};
    static const uint32_t want[] = {0, NO_POOL, 0, 1, 0};
    struct supervisor s = {0};

    (void)state;
    write_files("", sites);
    load_and_use(&s);
    assert_int_equal(part_of(s.gen, 20001)->npools, 2);
    assert_int_equal(part_of(s.gen, 20001)->count, 4);
    assert_int_equal(part_of(s.gen, 20002)->npools, 1);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(s.gen->pool_of[i], want[i]);
    generation_drop(&s.gen);
    remove_site("a");
}

/* Users whose php sections say the same have one in common, until one has to do with less. */
static void
test_php_is_shared(void **state)
{
    static const char *const sites[] = {
        "a",
        "vhosts:\n"
        " - {host: a.test, user: 20001, group: 20001, root: $D/www,"
        " php: {command: $D/php, processes: 8}}\n"
        " - {host: b.test, user: 20002, group: 20002, root: $D/www,"
        " php: {command: $D/php, processes: 8}, limits: {php_processes: 3}}\n"
        " - {host: c.test, user: 20003, group: 20003, root: $D/www,"
        " php: {command: $D/php, processes: 8}}\n",
        NULL};
    struct supervisor s = {0};
    const struct conf_vhost *v;

    (void)state;
    write_files("", sites);
    load_and_use(&s);
    v = s.conf->vhosts;
    assert_ptr_equal(v[0].php, v[2].php);
    assert_int_equal(v[0].php->processes, 8);
    assert_int_equal(v[1].php->processes, 3);
    assert_string_equal(v[1].php->command, v[0].php->command);
    assert_null(s.conf->users[0].limits);
    assert_int_equal(s.conf->users[1].limits->value[LIMIT_PHP_PROCESSES], 3);
    generation_drop(&s.gen);
    remove_site("a");
}

static void
test_routes(void **state)
{
    static const char *const sites[] = {"a",
                                        SITE("a.test", "20001", ", aliases: [\"*.a.test\"]"),
                                        "b", SITE("b.test", "20002", ", default: true"), NULL};
    static const struct {
        const char *host;
        uint32_t room;
        bool by_default;
    } rows[] = {{"a.test", 0, false},
                {"deep.in.a.test", 0, false},
                {"b.test", 1, false},
                {"other.test", 1, true}};
    struct supervisor s = {0};
    struct routes *routes;
    int fd;

    (void)state;
    write_files("", sites);
    load_and_use(&s);
    assert_int_equal(routes_open(s.gen->routes_fd, &routes), 0);
    assert_int_equal(routes_users(routes), 2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool by_default = false;

        assert_int_equal(routes_find(routes, span_str(rows[i].host), &by_default),
                         rows[i].room);
        assert_int_equal(by_default, rows[i].by_default);
    }
    routes_free(&routes);

    /* one user's own: nobody else is in it */
    assert_int_equal(generation_routes_of(s.gen, 0, &fd), 0);
    assert_int_equal(routes_open(fd, &routes), 0);
    fd_close(&fd);
    assert_int_equal(routes_find(routes, SPAN("a.test"), &(bool){false}), 0);
    assert_int_equal(routes_find(routes, SPAN("b.test"), &(bool){false}), ROUTES_NO_USER);
    routes_free(&routes);
    generation_drop(&s.gen);
    remove_site("a");
    remove_site("b");
}

/* --- files with errors ----------------------------------------------------------------------
 */

static void
test_errors(void **state)
{
    static const char *const good[] = {"a", SITE("a.test", "20001", ", autoindex: true"), "b",
                                       SITE("b.test", "20002", ""), NULL};
    static const char *const bad[] = {"a", SITE("a.test", "20001", ", colour: red"), NULL};
    struct supervisor s = {0};
    struct generation *g = NULL;
    uint64_t digest;
    size_t errors;

    (void)state;
    write_files("", good);
    load_and_use(&s);
    digest = part_of(s.gen, 20001)->digest;

    /* a site file: it counts as it was */
    write_files("", bad);
    assert_int_equal(load(&s, &g, &errors), 0);
    assert_int_equal(errors, 1);
    assert_int_equal(part_of(g, 20001)->digest, digest);
    assert_true(g->conf->vhosts[0].autoindex);
    use(&s, g);

    /* the main file: there is no next generation */
    g = NULL;
    write_files("kepalive_timeout: 3s\n", NULL);
    assert_int_equal(load(&s, &g, &errors), -EINVAL);
    assert_null(g);
    assert_true(errors > 0);

    /* at a start there is nothing before: the site is left out, the other is there */
    generation_drop(&s.gen);
    s = (struct supervisor){0};
    write_files("", NULL);
    assert_int_equal(load(&s, &g, &errors), 0);
    assert_int_equal(errors, 1);
    assert_int_equal(g->conf->nvhosts, 1);
    assert_null(part_of(g, 20001));
    generation_drop(&g);
    remove_site("a");
    remove_site("b");
}

/* Whoever needs it holds it. */
static void
test_holding(void **state)
{
    static const char *const a[] = {"a", SITE("a.test", "20001", ""), NULL};
    struct supervisor s = {0};
    struct generation *held;

    (void)state;
    write_files("", a);
    load_and_use(&s);
    held = generation_hold(s.gen);
    load_and_use(&s);
    assert_ptr_not_equal(held, s.gen);
    assert_string_equal(held->conf->vhosts[0].host, "a.test");
    generation_drop(&held);
    assert_null(held);
    generation_drop(&held);
    generation_drop(&s.gen);
    remove_site("a");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rooms_are_kept), cmocka_unit_test(test_groups_are_apart),
        cmocka_unit_test(test_who_changes),    cmocka_unit_test(test_pools),
        cmocka_unit_test(test_php_is_shared),  cmocka_unit_test(test_routes),
        cmocka_unit_test(test_errors),         cmocka_unit_test(test_holding),
    };

    if (geteuid() != 0) {
        puts("needs root: several users");
        return 0;
    }
    return cmocka_run_group_tests(tests, scratch_start, scratch_stop);
}
