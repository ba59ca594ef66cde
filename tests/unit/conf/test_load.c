/* Good configurations, and what the model says of them. */
#include "scratch.h"

#include <time.h>

#include "hostel/base/date.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/wait.h>

static struct conf *
load(void)
{
    struct conf_errors errors;
    struct conf *c = NULL;
    int rc = scratch_load(&c, &errors);

    for (size_t i = 0; i < errors.n; i++)
        print_message("    %s\n", errors.lines[i]);
    assert_int_equal(rc, 0);
    assert_int_equal(errors.n, 0);
    assert_null(errors.lines);
    return c;
}

static void
assert_path(const char *got, const char *expected)
{
    char *path = scratch_text(expected);

    assert_string_equal(got, path);
    free(path);
}

static void
test_defaults(void **state)
{
    struct conf *c;
    struct conf_vhost *v;

    (void)state;
    scratch_write("hostel.yaml", "vhosts: [{host: A.Example., user: 70001, root: $D/www}]\n");
    c = load();
    assert_true(c->switching);
    assert_int_equal(c->nlisten, 1);
    assert_string_equal(c->listen[0].text, "*:80");
    assert_int_equal(c->listen[0].addr.ss_family, AF_INET6);
    assert_int_equal(c->acceptors, 1);
    assert_true(c->acceptor_ids.uid > 0);
    assert_string_equal(c->run_dir, "/run/hostel");
    assert_null(c->pid_file);
    assert_string_equal(c->error_log, "-");
    assert_string_equal(c->access_log, "-");
    assert_int_equal(c->min_uid, 1000);
    assert_int_equal(c->stop_timeout_ms, 10000);
    assert_int_equal(c->body_max, 128 << 20);
    assert_int_equal(c->keepalive_timeout_ms, 60000);
    assert_int_equal(c->head_timeout_ms, 10000);
    assert_int_equal(c->body_timeout_ms, 30000);
    assert_int_equal(c->send_timeout_ms, 60000);
    assert_int_equal(c->request_timeout_ms, 60000);
    assert_int_equal(c->nvhosts, 1);
    v = c->vhosts;
    assert_string_equal(v->host, "a.example");
    assert_null(v->aliases[0]);
    assert_path(v->root, "$D/www");
    assert_path(v->file, "$D/hostel.yaml");
    assert_string_equal(v->index[0], "index.php");
    assert_string_equal(v->index[1], "index.html");
    assert_null(v->index[2]);
    assert_string_equal(v->access_log, "-");
    assert_string_equal(v->error_log, "-");
    assert_null(v->php);
    assert_false(v->by_default);
    assert_int_equal(c->nusers, 1);
    assert_int_equal(c->users[0].ids.uid, 70001);
    assert_int_equal(c->users[0].workers, 1);
    assert_int_equal(c->users[0].idle_exit_ms, 600000);
    conf_free(&c);
    assert_null(c);
    conf_free(&c);
}

static void
test_everything(void **state)
{
    struct conf *c;
    struct conf_vhost *v;

    (void)state;
    scratch_write(
        "hostel.yaml",
        "listen: ['127.0.0.1:8080', '[::1]:8080',\n"
        "         {address: '*:8081', proxy_protocol: [192.0.2.0/24, '2001:db8::1']}]\n"
        "trusted_proxies: [10.0.0.0/8]\ntrusted_proxies_close: yes\n"
        "acceptors: 2\nacceptor_user: 70009\nrun_dir: $D/run\npid_file: $D/pid\n"
        "error_log: $D/error.log\naccess_log: off\nmin_uid: 500\nstop_timeout: 250ms\n"
        "body_max: 1m\nkeepalive_timeout: 1m\nhead_timeout: 1h\nbody_timeout: 2\n"
        "send_timeout: 1d\nrequest_timeout: 3s\n"
        "vhosts:\n"
        "  - host: '*.a.example'\n"
        "    aliases: [A.example, b.example.]\n"
        "    user: 500\n    group: 501\n    root: $D/www\n    index: [x.html]\n"
        "    workers: 3\n    idle_exit: 0\n    access_log: $D/access.log\n"
        "    error_log: off\n    default: yes\n"
        "    php:\n      command: $D/php\n      processes: 256\n"
        "      max_requests: 0\n      idle_exit: 1s\n      ini: $D/plain\n"
        "      env: {A: 1, B_2: \"x\\ny\", C: , D: 'null'}\n");
    c = load();
    assert_int_equal(c->nlisten, 3);
    assert_int_equal(c->listen[0].addr.ss_family, AF_INET);
    assert_int_equal(c->listen[1].proxies.n, 0);
    assert_string_equal(c->listen[2].text, "*:8081");
    assert_int_equal(c->listen[2].proxies.n, 2);
    assert_int_equal(c->listen[2].proxies.v[0].bits, 120);
    assert_memory_equal(c->listen[2].proxies.v[0].addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\0", 16);
    assert_int_equal(c->listen[2].proxies.v[1].bits, 128);
    assert_int_equal(c->trusted_proxies.n, 1);
    assert_true(c->trusted_proxies_close);
    assert_int_equal(c->acceptors, 2);
    assert_int_equal(c->acceptor_ids.uid, 70009);
    assert_path(c->run_dir, "$D/run");
    assert_path(c->pid_file, "$D/pid");
    assert_path(c->error_log, "$D/error.log");
    assert_null(c->access_log);
    assert_int_equal(c->min_uid, 500);
    assert_int_equal(c->stop_timeout_ms, 250);
    assert_int_equal(c->body_max, 1 << 20);
    assert_int_equal(c->head_timeout_ms, 3600000);
    assert_int_equal(c->body_timeout_ms, 2000);
    assert_int_equal(c->send_timeout_ms, 86400000);
    v = c->vhosts;
    assert_string_equal(v->host, "*.a.example");
    assert_string_equal(v->aliases[0], "a.example");
    assert_string_equal(v->aliases[1], "b.example");
    assert_null(v->aliases[2]);
    assert_string_equal(v->index[0], "x.html");
    assert_null(v->index[1]);
    assert_path(v->access_log, "$D/access.log");
    assert_null(v->error_log);
    assert_true(v->by_default);
    assert_path(v->php->command, "$D/php");
    assert_int_equal(v->php->processes, 256);
    assert_int_equal(v->php->max_requests, 0);
    assert_int_equal(v->php->idle_exit_ms, 1000);
    assert_path(v->php->ini, "$D/plain");
    assert_string_equal(v->php->env[0], "A=1");
    assert_string_equal(v->php->env[1], "B_2=x\ny");
    assert_string_equal(v->php->env[2], "C=");
    assert_string_equal(v->php->env[3], "D=null");
    assert_null(v->php->env[4]);
    assert_int_equal(c->users[0].ids.uid, 500);
    assert_int_equal(c->users[0].ids.gid, 501);
    assert_int_equal(c->users[0].workers, 3);
    assert_int_equal(c->users[0].idle_exit_ms, 0);
    conf_free(&c);
}

struct php_case {
    const char *why, *written;
    bool on;
};

static const struct php_case php_cases[] = {
    {"not written", "", false},
    {"empty mapping", "    php: {}\n", true},
    {"nothing after the colon", "    php:\n", true},
    {"tilde", "    php: ~\n", true},
    {"null", "    php: null\n", true},
    {"empty env", "    php: {env: {}}\n", true},
    {"env without a value", "    php: {env: }\n", true},
};

static void
test_php_on(void **state)
{
    (void)state;
    if (access("/usr/bin/php-cgi", X_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof(php_cases) / sizeof(*php_cases); i++) {
        const struct php_case *t = &php_cases[i];
        char *text = mem_fmt(
            "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n%s", t->written);
        struct conf *c;

        print_message("%s\n", t->why);
        scratch_write("hostel.yaml", text);
        free(text);
        c = load();
        assert_int_equal(c->vhosts[0].php != NULL, t->on);
        if (t->on) {
            assert_string_equal(c->vhosts[0].php->command, "/usr/bin/php-cgi");
            assert_int_equal(c->vhosts[0].php->processes, 4);
            assert_int_equal(c->vhosts[0].php->max_requests, 1000);
            assert_int_equal(c->vhosts[0].php->idle_exit_ms, 60000);
            assert_null(c->vhosts[0].php->ini);
            assert_null(c->vhosts[0].php->env[0]);
        }
        conf_free(&c);
    }
}

static void
test_logs_are_inherited(void **state)
{
    struct conf *c;

    (void)state;
    scratch_write("hostel.yaml", "access_log: off\nerror_log: $D/e\nvhosts:\n"
                                 "  - {host: a.example, user: 70001, root: $D/www}\n"
                                 "  - {host: b.example, user: 70001, root: $D/www,"
                                 " access_log: '-', error_log: off}\n");
    c = load();
    assert_null(c->vhosts[0].access_log);
    assert_path(c->vhosts[0].error_log, "$D/e");
    assert_string_equal(c->vhosts[1].access_log, "-");
    assert_null(c->vhosts[1].error_log);
    conf_free(&c);
}

/* As PHP's json_encode() writes it, escaped slashes and all. */
static void
test_json(void **state)
{
    struct conf *c;

    (void)state;
    scratch_write(
        "hostel.yaml",
        "{\"listen\":[\"127.0.0.1:8080\"],\"acceptors\":3,\"access_log\":\"off\","
        "\"vhosts\":[{\"host\":\"a.example\",\"user\":70001,\n\t\"root\":\"$D\\/www\","
        "\"default\":true,\"aliases\":[]}]}\n");
    c = load();
    assert_int_equal(c->acceptors, 3);
    assert_null(c->access_log);
    assert_path(c->vhosts[0].root, "$D/www");
    assert_true(c->vhosts[0].by_default);
    conf_free(&c);
}

/* One row a (user, group), whatever the spelling; the highest of what its vhosts ask for. */
static void
test_users_are_shared(void **state)
{
    struct passwd *pw = getpwnam("nobody");
    struct conf *c;

    (void)state;
    assert_non_null(pw);
    scratch_write("hostel.yaml",
                  "acceptor_user: 70009\nmin_uid: 1\nvhosts:\n"
                  "  - {host: a, user: nobody, root: $D/www, workers: 2, idle_exit: 5m}\n"
                  "  - {host: b, user: 65534, root: $D/www, workers: 5, idle_exit: 1m}\n"
                  "  - {host: c, user: nobody, group: 70002, root: $D/www}\n"
                  "  - {host: d, user: 70001, root: $D/www, idle_exit: 0}\n"
                  "  - {host: e, user: 70001, root: $D/www, idle_exit: 1h}\n");
    c = load();
    assert_int_equal(c->nusers, 3);
    assert_int_equal(c->vhosts[0].user, c->vhosts[1].user);
    assert_int_not_equal(c->vhosts[0].user, c->vhosts[2].user);
    assert_int_equal(c->users[0].workers, 5);
    assert_int_equal(c->users[0].idle_exit_ms, 300000);
    assert_int_equal(c->users[1].ids.gid, 70002);
    assert_int_equal(c->vhosts[3].user, c->vhosts[4].user);
    assert_int_equal(c->users[2].idle_exit_ms, 0);
    conf_free(&c);
}

/* By name, each once; a pattern without a match and a file of comments are fine. */
static void
test_includes(void **state)
{
    struct conf *c;

    (void)state;
    scratch_write("hostel.yaml", "include: [vhosts.d/*.yaml, vhosts.d/b.yaml, '*.none']\n");
    scratch_write("vhosts.d/a.yaml", "# nothing yet\n");
    scratch_write("vhosts.d/b.yaml", "vhosts:\n - {host: b, user: 70001, root: $D/www}\n");
    scratch_write("vhosts.d/c.yaml", "vhosts:\n - {host: c, user: 70001, root: $D/www}\n");
    scratch_write("vhosts.d/d.yaml", "vhosts:\n");
    scratch_write("vhosts.d/e.yaml.sample", "nonsense: 1\n");
    c = load();
    assert_int_equal(c->nvhosts, 2);
    assert_string_equal(c->vhosts[0].host, "b");
    assert_path(c->vhosts[1].file, "$D/vhosts.d/c.yaml");
    assert_path(c->files[0], "$D/hostel.yaml");
    assert_path(c->files[4], "$D/vhosts.d/d.yaml");
    assert_null(c->files[5]);
    conf_free(&c);
}

/* A 0700 home is no obstacle: it is looked at as root, and served as the user. */
static void
test_private_root(void **state)
{
    struct conf *c;
    char *home = scratch_text("$D/home");

    (void)state;
    if (geteuid() != 0)
        skip();
    scratch_mkdir("home");
    scratch_mkdir("home/www");
    assert_int_equal(chown(home, 70001, 70001), 0);
    assert_int_equal(chmod(home, 0700), 0);
    free(home);
    scratch_write("hostel.yaml", "vhosts: [{host: a, user: 70001, root: $D/home/www}]\n");
    c = load();
    conf_free(&c);
}

#define MANY 20000

static void
test_twenty_thousand(void **state)
{
    char *path = scratch_text("$D/hostel.yaml");
    FILE *f = fopen(path, "w");
    clock_t began = clock(); /* of this process: others may keep the machine busy */
    struct conf *c;

    (void)state;
    assert_non_null(f);
    fprintf(f, "vhosts:\n");
    for (unsigned i = 0; i < MANY; i++)
        fprintf(f,
                "  - host: h%u.example\n    aliases: [www.h%u.example]\n    user: %u\n"
                "    root: %s/www\n    php: {command: %s/php}\n",
                i, i, 70001 + i / 2, scratch_dir, scratch_dir);
    fclose(f);
    free(path);
    c = load();
    assert_int_equal(c->nvhosts, MANY);
    assert_int_equal(c->nusers, MANY / 2);
    assert_string_equal(c->vhosts[MANY - 1].host, "h19999.example");
    conf_free(&c);
    /* linear takes well under a second; quadratic would take minutes */
    assert_true(clock() - began < 15 * CLOCKS_PER_SEC);
}

/* Runs in a child that is the user; ret 0 or the line that failed. */
static int
as_user(void)
{
    struct conf_errors errors;
    struct conf *c = NULL;
    char *root = scratch_text("$D/www"), *config = scratch_text("$D/hostel.yaml");

    unsetenv("XDG_RUNTIME_DIR");
    if (setgid(70002) < 0 || setuid(70001) < 0)
        return __LINE__;
    if (conf_for_directory(root, NULL, &c, &errors) != 0 || errors.n != 0)
        return __LINE__;
    if (c->switching || c->nvhosts != 1 || c->nlisten != 1 || c->nusers != 1)
        return __LINE__;
    if (strcmp(c->listen[0].text, "127.0.0.1:8080") != 0 ||
        strcmp(c->run_dir, "/tmp/hostel-70001") != 0 ||
        strcmp(c->vhosts[0].host, "localhost") != 0 || !c->vhosts[0].by_default ||
        strcmp(c->vhosts[0].access_log, "-") != 0 || strcmp(c->vhosts[0].root, root) != 0)
        return __LINE__;
    if (c->users[0].ids.uid != 70001 || c->users[0].ids.gid != 70002 ||
        c->acceptor_ids.uid != 70001)
        return __LINE__;
    conf_free(&c);
    if (conf_for_directory("/nowhere", "here", &c, &errors) != -EINVAL || errors.n != 2 ||
        strcmp(errors.lines[0], "command line: --listen must be ADDR:PORT, *:PORT or "
                                "[V6]:PORT, not `here`") != 0 ||
        strcmp(errors.lines[1], "command line: --root /nowhere: No such file or directory") !=
            0)
        return __LINE__;
    conf_errors_done(&errors);
    if (conf_for_directory(root, "[::1]:8081", &c, &errors) != 0 ||
        strcmp(c->listen[0].text, "[::1]:8081") != 0)
        return __LINE__;
    conf_free(&c);
    if (conf_load(config, false, &c, &errors) != -EINVAL || errors.n != 2 ||
        !strstr(errors.lines[0], "vhost b: group `70001` is not the invoking user's: only root "
                                 "can switch") ||
        !strstr(errors.lines[1],
                "vhost c: user `70003` is not the invoking user: only root can switch"))
        return __LINE__;
    conf_errors_done(&errors);
    free(root);
    free(config);
    return 0;
}

static void
test_without_root(void **state)
{
    struct conf_errors errors;
    struct conf *c = NULL;
    int status;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(conf_for_directory(scratch_dir, NULL, &c, &errors), -EINVAL);
    assert_string_equal(errors.lines[0], "command line: root serves no directory: run this as "
                                         "a user, or write a config file");
    conf_errors_done(&errors);
    scratch_write("hostel.yaml", "vhosts:\n"
                                 "  - {host: a, user: 70001, root: $D/www}\n"
                                 "  - {host: b, user: 70001, group: 70001, root: $D/www}\n"
                                 "  - {host: c, user: 70003, root: $D/www}\n");
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int line = as_user();

        if (line)
            fprintf(stderr, "line %d\n", line);
        _exit(line ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_php_on),
        cmocka_unit_test(test_logs_are_inherited),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_users_are_shared),
        cmocka_unit_test(test_includes),
        cmocka_unit_test(test_private_root),
        cmocka_unit_test(test_twenty_thousand),
        cmocka_unit_test(test_without_root),
    };

    return cmocka_run_group_tests(tests, scratch_start, scratch_stop);
}
