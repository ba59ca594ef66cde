/* Every error, on its exact line; $D is the test's directory. */
#include "scratch.h"

#include "hostel/base/buf.h"

#include <errno.h>

#define OF(host) "  - {host: " host ", user: 70001, root: $D/www}\n"

struct row_case {
    const char *why;
    const char *main; /* $D/hostel.yaml */
    const char *site; /* $D/vhosts.d/a.yaml, or NULL */
    const char *lines[6];
};

static const struct row_case syntax[] = {
    {"a bracket left open",
     "vhosts: [\n",
     NULL,
     {"$D/hostel.yaml:2:1: did not find expected node content while parsing a flow node"}},
    {"a tab as indentation",
     "vhosts:\n\t- host: a\n",
     NULL,
     {"$D/hostel.yaml:2:1: found character that cannot start any token "
      "while scanning for the next token"}},
    {"no UTF-8",
     "vhosts:\n# \xff\n",
     NULL,
     {"$D/hostel.yaml:2:3: invalid leading UTF-8 octet"}},
    {"a list at the top",
     "- a\n",
     NULL,
     {"$D/hostel.yaml:1:1: a configuration must be a mapping, not a list"}},
    {"a word at the top",
     "vhosts\n",
     NULL,
     {"$D/hostel.yaml:1:1: a configuration must be a mapping, not a single value"}},
    {"two documents",
     "vhosts:\n" OF("a.example") "---\nvhosts:\n",
     NULL,
     {"$D/hostel.yaml:3:1: a second document: one file, one document"}},
    {"anchor and alias",
     "vhosts:\n" OF("&x a.example") OF("*x"),
     NULL,
     {"$D/hostel.yaml:2:12: anchors and aliases are not allowed here",
      "$D/hostel.yaml:3:12: anchors and aliases are not allowed here",
      "$D/hostel.yaml:3:12: `host` must be a single value, not an alias"}},
    {"merge key",
     "vhosts:\n  - <<: {host: a}\n    user: 70001\n    root: $D/www\n",
     NULL,
     {"$D/hostel.yaml:2:5: unknown key `<<`", "$D/hostel.yaml:2:5: `host` is missing"}},
    {"tag",
     "acceptors: !!int 1\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:12: tags are not allowed here"}},
    {"nested without end",
     "x: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
     NULL,
     {"$D/hostel.yaml:1:1: unknown key `x`", "$D/hostel.yaml:1:36: nested too deep"}},
    {"a list as a key",
     "? [a, b]\n: 1\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:3: a key must be a word, not a list"}},
    {"empty", "", NULL, {"$D/hostel.yaml: no vhosts: neither here nor in an included file"}},
    {"comments only",
     "# later\n",
     NULL,
     {"$D/hostel.yaml: no vhosts: neither here nor in an included file"}},
};

static const struct row_case keys[] = {
    {"misspelt at the top",
     "acceptor: 2\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:1: unknown key `acceptor`, did you mean `acceptors`?"}},
    {"misspelt in a vhost",
     "vhosts:\n  - hosts: a.example\n    user: 70001\n    root: $D/www\n",
     NULL,
     {"$D/hostel.yaml:2:5: unknown key `hosts`, did you mean `host`?",
      "$D/hostel.yaml:2:5: `host` is missing"}},
    {"misspelt in php",
     "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n"
     "    php: {proceses: 2, command: $D/php}\n",
     NULL,
     {"$D/hostel.yaml:5:11: unknown key `proceses`, did you mean `processes`?"}},
    {"nothing near",
     "zzzzzz: {a: [b, {c: d}]}\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:1: unknown key `zzzzzz`"}},
    {"at the wrong place",
     "processes: 2\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:1: unknown key `processes`: it belongs in php"}},
    {"a key that moves the terminal",
     "\"\\e[2J\": 2\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:1: unknown key `\\x1b[2J`"}},
    {"twice at the top",
     "acceptors: 1\nacceptors: 2\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:2:1: `acceptors` stands here twice"}},
    {"twice in a vhost",
     "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n    root: /\n",
     NULL,
     {"$D/hostel.yaml:5:5: `root` stands here twice"}},
    {"all that is needed is missing",
     "vhosts:\n  - {}\n",
     NULL,
     {"$D/hostel.yaml:2:5: `host` is missing", "$D/hostel.yaml:2:5: `user` is missing",
      "$D/hostel.yaml:2:5: `root` is missing"}},
    {"several in one file",
     "acceptors: 0\nstop_timeout: soon\nfoo: 1\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:12: `acceptors` must be 1..64, not `0`",
      "$D/hostel.yaml:2:15: `stop_timeout` must be a time such as 250ms, 10s, 5m, 1h or 2d, "
      "not `soon`",
      "$D/hostel.yaml:3:1: unknown key `foo`"}},
};

static const struct row_case values[] = {
    {"a list for a number",
     "acceptors: [1]\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:12: `acceptors` must be a single value, not a list"}},
    {"a mapping for a path",
     "run_dir: {a: b}\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:10: `run_dir` must be a single value, not a mapping"}},
    {"a key without a value",
     "pid_file:\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:10: `pid_file` has no value"}},
    {"null for a value",
     "pid_file: ~\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:11: `pid_file` has no value"}},
    {"a word for a list",
     "listen: '*:80'\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:9: `listen` must be a list, not a single value"}},
    {"an empty list where one is needed",
     "listen: []\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:9: `listen` must have 1..64 entries, not 0"}},
    {"one bad item",
     "listen: ['*:80', here]\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:18: `listen` must be ADDR:PORT, *:PORT or [V6]:PORT, not `here`"}},
    {"a list in a list",
     "listen: [['*:80']]\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:10: `listen` must be an address or a mapping, not a list"}},
    {"a listener without its address",
     "listen: [{proxy_protocol: [10.0.0.1]}]\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:10: `address` is missing"}},
    {"a listener of no proxy",
     "listen_tls: [{address: '*:443', proxy_protocol: []}]\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:49: `proxy_protocol` must have 1..64 entries, not 0"}},
    {"a proxy by name",
     "listen: [{address: '*:80', proxy_protocol: [balancer]}]\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:45: `proxy_protocol` must be an address, a network such as "
      "192.0.2.0/24, or all, not `balancer`"}},
    {"an address that is only half of it",
     "listen: [{address: 10.0.0.1, port: 80}]\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:20: `address` must be ADDR:PORT, *:PORT or [V6]:PORT, not `10.0.0.1`",
      "$D/hostel.yaml:1:30: unknown key `port`"}},
    {"vhosts that are a mapping",
     "vhosts: {host: a}\n",
     NULL,
     {"$D/hostel.yaml:1:9: `vhosts` must be a list, not a mapping"}},
    {"a vhost that is a word",
     "vhosts: [a]\n",
     NULL,
     {"$D/hostel.yaml:1:10: a vhost must be a mapping, not a single value"}},
    {"relative root",
     "vhosts:\n  - {host: a.example, user: 70001, root: www}\n",
     NULL,
     {"$D/hostel.yaml:2:42: `root` must be absolute, not `www`"}},
    {"host with a port",
     "vhosts:\n  - {host: 'a.example:80', user: 70001, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2:12: `host` must be a host name such as example.org or *.example.org, "
      "not `a.example:80`"}},
    {"php that is a word",
     "vhosts:\n  - host: a.example\n    php: on\n    user: 70001\n    root: $D/www\n",
     NULL,
     {"$D/hostel.yaml:3:10: `php` must be a mapping, not a single value"}},
    {"php twice over its bounds",
     "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n    php:\n"
     "      command: $D/php\n      processes: 257\n      idle_exit: 0\n",
     NULL,
     {"$D/hostel.yaml:7:18: `processes` must be 1..256, not `257`",
      "$D/hostel.yaml:8:18: `idle_exit` must be 1s..30d, not `0`"}},
};

#define PHP_ENV                                                                                \
    "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n    php:\n"              \
    "      command: $D/php\n      env: "

static const struct row_case envs[] = {
    {"a list",
     PHP_ENV "[A=1]\n",
     NULL,
     {"$D/hostel.yaml:7:12: `env` must be a mapping, not a list"}},
    {"a name with a hyphen",
     PHP_ENV "{A-B: 1}\n",
     NULL,
     {"$D/hostel.yaml:7:13: the name of a variable must be letters, digits and _"}},
    {"a name with =",
     PHP_ENV "{'A=B': 1}\n",
     NULL,
     {"$D/hostel.yaml:7:13: the name of a variable must be letters, digits and _"}},
    {"a name that begins with a digit",
     PHP_ENV "{1A: [1]}\n",
     NULL,
     {"$D/hostel.yaml:7:13: the name of a variable must be letters, digits and _"}},
    {"a list as a value",
     PHP_ENV "{A: [1]}\n",
     NULL,
     {"$D/hostel.yaml:7:16: `A` must be a single value, not a list"}},
    {"NUL in a value",
     PHP_ENV "{A: \"x\\0y\"}\n",
     NULL,
     {"$D/hostel.yaml:7:16: `A` must be without NUL"}},
    {"twice",
     PHP_ENV "{A: 1, AB: 2, A: 3}\n",
     NULL,
     {"$D/hostel.yaml:7:26: `A` stands here twice"}},
    {"how many children",
     PHP_ENV "{PHP_FCGI_CHILDREN: 99}\n",
     NULL,
     {"$D/hostel.yaml:7:13: `PHP_FCGI_CHILDREN` is set by the server and cannot be changed"}},
};

static const struct row_case machine[] = {
    {"no such user",
     "vhosts:\n  - {host: a.example, user: nobody-here, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: user `nobody-here` does not exist"}},
    {"no such group",
     "vhosts:\n  - {host: a.example, user: 70001, group: nobody-here, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: group `nobody-here` does not exist"}},
    {"root",
     "vhosts:\n  - {host: a.example, user: root, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: user `root` is root or in group 0, which no site may "
      "be"}},
    {"uid 0",
     "vhosts:\n  - {host: a.example, user: 0, group: 70001, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: user `0` has uid 0, which no site may run as"}},
    {"group 0",
     "vhosts:\n  - {host: a.example, user: 70001, group: 0, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: user `70001` is root or in group 0, which no site may "
      "be"}},
    {"uid below",
     "vhosts:\n  - {host: a.example, user: 999, group: 70001, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: user `999` has uid 999, below min_uid (1000)"}},
    {"gid below",
     "vhosts:\n  - {host: a.example, user: 70001, group: 999, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: user `70001` has gid 999, below min_uid (1000)"}},
    {"min_uid raised",
     "min_uid: 80000\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:3: vhost a.example: user `70001` has uid 70001, below min_uid (80000)"}},
    {"the acceptors' user",
     "acceptor_user: 70001\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:3: vhost a.example: user `70001` is the acceptors' and cannot own a site"}},
    {"no such acceptor_user",
     "acceptor_user: nobody-here\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml: acceptor_user: user `nobody-here` does not exist"}},
    {"no root",
     "vhosts:\n  - {host: a.example, user: 70001, root: $D/none}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: root $D/none: No such file or directory"}},
    {"root is a file",
     "vhosts:\n  - {host: a.example, user: 70001, root: $D/plain}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: root $D/plain is not a directory"}},
    {"no php",
     PHP_ENV "{}\n      ini: $D/none\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: php ini $D/none: No such file or directory"}},
    {"php is no program",
     "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n"
     "    php: {command: $D/plain}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: php command $D/plain is not executable"}},
    {"php is a directory",
     "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n"
     "    php: {command: $D/www, ini: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: php command $D/www is not executable",
      "$D/hostel.yaml:2: vhost a.example: php ini $D/www is not a file"}},
    {"an address twice",
     "listen: ['*:80', '[::]:80']\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml: listen: `[::]:80` stands there twice"}},
    {"a wrong value beside a missing root",
     "vhosts:\n  - {default: 2, host: a.example, user: 70001, root: $D/none}\n",
     NULL,
     {"$D/hostel.yaml:2:15: `default` must be true or false, not `2`",
      "$D/hostel.yaml:2: vhost a.example: root $D/none: No such file or directory"}},
};

static const struct row_case together[] = {
    {"a host twice",
     "vhosts:\n" OF("a.example") OF("A.example."),
     NULL,
     {"$D/hostel.yaml:3: vhost a.example: `a.example` is named already by vhost a.example in "
      "$D/hostel.yaml"}},
    {"an alias that is another's host",
     "include: vhosts.d/*.yaml\nvhosts:\n" OF("a.example"),
     "vhosts:\n  - {host: b.example, aliases: [a.example], user: 70001, root: $D/www}\n",
     {"$D/vhosts.d/a.yaml:2: vhost b.example: `a.example` is named already by vhost a.example in "
      "$D/hostel.yaml"}},
    {"an alias that is its own host",
     "vhosts:\n  - {host: a.example, aliases: [A.EXAMPLE], user: 70001, root: $D/www}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: `a.example` is named twice"}},
    {"two defaults",
     "vhosts:\n  - {host: a.example, user: 70001, root: $D/www, default: true}\n"
     "  - {host: b.example, user: 70002, root: $D/www, default: on}\n",
     NULL,
     {"$D/hostel.yaml:3: vhost b.example: vhost a.example in $D/hostel.yaml is the default "
      "already"}},
    {"one's own at an address of everybody's",
     "listen: ['*:80', '127.0.0.1:81']\nvhosts:\n"
     "  - {host: a.example, user: 70001, root: $D/www, listen: ['127.0.0.1:81', '[::1]:80']}\n",
     NULL,
     {"$D/hostel.yaml:3: vhost a.example: listen: `[::1]:80` is taken by `*:80` of the main "
      "file, where everybody is served",
      "$D/hostel.yaml:3: vhost a.example: listen: `127.0.0.1:81` is taken by `127.0.0.1:81` of "
      "the main file, where everybody is served"}},
    {"one's own around an address of everybody's",
     "listen: ['127.0.0.1:80']\nvhosts:\n"
     "  - {host: a.example, user: 70001, root: $D/www, listen: ['0.0.0.0:80']}\n",
     NULL,
     {"$D/hostel.yaml:3: vhost a.example: listen: `0.0.0.0:80` is taken by `127.0.0.1:80` of "
      "the main file, where everybody is served"}},
    {"an address of two users",
     "vhosts:\n  - {host: a.example, user: 70001, root: $D/www, listen: ['*:81']}\n"
     "  - {host: b.example, user: 70002, root: $D/www, listen: ['127.0.0.1:81']}\n",
     NULL,
     {"$D/hostel.yaml:3: vhost b.example: listen: `127.0.0.1:81` is taken by `*:81` of vhost "
      "a.example in $D/hostel.yaml: an address is one user's, with TLS or without"}},
    {"with TLS and without",
     "vhosts:\n  - {host: a.example, user: 70001, root: $D/www, listen: ['*:81'],\n"
     "     listen_tls: ['*:81']}\n",
     NULL,
     {"$D/hostel.yaml:2: vhost a.example: listen_tls: `*:81` is taken by `*:81` of vhost "
      "a.example in $D/hostel.yaml: an address is one user's, with TLS or without"}},
    {"include of nothing",
     "include: vhosts.d/none.yaml\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:10: `include` $D/vhosts.d/none.yaml: there is no such file"}},
    {"include from nowhere",
     "include: [none/*.yaml]\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml:1:11: `include` $D/none/*.yaml: its directory cannot be read"}},
    {"include of a directory",
     "include: www\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/www: not a regular file"}},
    {"include of itself",
     "include: '*.yaml'\nvhosts:\n" OF("a.example"),
     NULL,
     {"$D/hostel.yaml: the main file includes itself"}},
    {"include in an included file",
     "include: vhosts.d/*.yaml\nvhosts:\n" OF("a.example"),
     "include: ../x.yaml\nlisten: ['*:80']\n",
     {"$D/vhosts.d/a.yaml:1:1: `include` belongs in the main file, an included file has vhosts "
      "only",
      "$D/vhosts.d/a.yaml:2:1: `listen` belongs in the main file, an included file has vhosts "
      "only"}},
    {"errors in both files",
     "acceptors: 0\ninclude: vhosts.d/*.yaml\n",
     "vhosts:\n  - {host: b.example, user: 999, group: 999, root: $D/none}\n  - [\n",
     {"$D/hostel.yaml:1:12: `acceptors` must be 1..64, not `0`",
      "$D/vhosts.d/a.yaml:3:5: a vhost must be a mapping, not a list",
      "$D/vhosts.d/a.yaml:4:1: did not find expected node content while parsing a flow node"}},
    {"a broken site and a vhost without a root",
     "include: vhosts.d/*.yaml\nvhosts:\n  - {host: a.example, user: 70001, root: $D/none}\n",
     "vhosts: 1\n",
     {"$D/hostel.yaml:3: vhost a.example: root $D/none: No such file or directory",
      "$D/vhosts.d/a.yaml:1:9: `vhosts` must be a list, not a single value"}},
};

static void
check_case(const struct row_case *t)
{
    struct conf_errors errors;
    struct conf *c = NULL;
    size_t n = 0;

    print_message("%s\n", t->why);
    scratch_write("hostel.yaml", t->main);
    scratch_write("vhosts.d/a.yaml", t->site);
    assert_int_equal(scratch_load(&c, &errors), -EINVAL);
    assert_null(c);
    for (size_t i = 0; i < errors.n; i++)
        print_message("    %s\n", errors.lines[i]);
    while (n < 6 && t->lines[n]) {
        char *line = scratch_text(t->lines[n]);

        assert_true(n < errors.n);
        assert_string_equal(errors.lines[n], line);
        free(line);
        n++;
    }
    assert_int_equal(errors.n, n);
    conf_errors_done(&errors);
}

/* A file whose head is followed by n numbered pieces, which no table wants to hold. */
static void
check_long(const char *why, const char *head, const char *before, const char *after, unsigned n,
           const char *line)
{
    struct row_case t = {why, NULL, NULL, {line}};
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_add_str(&text, head);
    for (unsigned i = 0; i < n; i++)
        buf_addf(&text, "%s%u%s", before, i, after);
    t.main = mem_str_span(buf_span(&text));
    check_case(&t);
    free((char *)(uintptr_t)t.main);
    buf_done(&text);
}

#define CHECK_ALL(cases)                                                                       \
    do {                                                                                       \
        (void)state;                                                                           \
        for (size_t i = 0; i < sizeof(cases) / sizeof(*(cases)); i++)                          \
            check_case(&(cases)[i]);                                                           \
    } while (0)

static void
test_syntax(void **state)
{
    CHECK_ALL(syntax);
}

static void
test_keys(void **state)
{
    CHECK_ALL(keys);
}

static void
test_values(void **state)
{
    CHECK_ALL(values);
}

static void
test_envs(void **state)
{
    CHECK_ALL(envs);
}

static void
test_machine(void **state)
{
    CHECK_ALL(machine);
}

static void
test_together(void **state)
{
    CHECK_ALL(together);
}

static void
test_bounds(void **state)
{
    char names[250], value[8001];

    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    value[0] = ':';
    value[1] = ' ';
    value[sizeof(value) - 2] = '\n';
    memset(names, 'a', sizeof(names) - 1);
    names[sizeof(names) - 1] = '\0';
    for (size_t i = 50; i < sizeof(names) - 1; i += 50)
        names[i] = '.';
    memcpy(names, "\n     - n", 9);
    check_long("too many variables", PHP_ENV "\n", "        A", ": x\n", 101,
               "$D/hostel.yaml:8:9: `env` must have 0..100 entries, not 101");
    check_long("variables too long together", PHP_ENV "\n", "        A", value, 3,
               "$D/hostel.yaml:8:9: `env` must be at most 16384 bytes, not 24003");
    check_long("too many listeners", "vhosts:\n" OF("a.example") "listen:\n", " - '*:1", "'\n",
               65, "$D/hostel.yaml:4:2: `listen` must have 1..64 entries, not 65");
    check_long("names too long together",
               "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n    aliases:",
               names, "", 150,
               "$D/hostel.yaml:2: vhost a.example: host and aliases take 36649 bytes, 32768 are "
               "the most");
    check_long("index too long",
               "vhosts:\n  - host: a.example\n    user: 70001\n    root: $D/www\n    index:",
               "\n     - nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", "", 23,
               "$D/hostel.yaml:2: vhost a.example: index takes 1071 bytes, 1024 are the most");
}

static void
test_line_count_is_bounded(void **state)
{
    struct conf_errors errors;
    struct conf *c = NULL;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < 3000; i++)
        buf_addf(&text, "zzz%u: 1\n", i);
    buf_add(&text, "", 1);
    scratch_write("hostel.yaml", buf_span(&text).p);
    assert_int_equal(scratch_load(&c, &errors), -EINVAL);
    assert_int_equal(errors.n, 1000);
    assert_string_equal(errors.lines[999], "more errors than these: the rest is not shown");
    conf_errors_done(&errors);
    assert_null(errors.lines);
    buf_done(&text);
}

/* What root reads decides who runs what: everybody's file is nobody's. */
static void
test_writable_file(void **state)
{
    struct conf_errors errors;
    struct conf *c = NULL;
    char *path = scratch_text("$D/hostel.yaml");
    char *line = scratch_text("$D/hostel.yaml: everybody may write to it: chmod o-w");

    (void)state;
    scratch_write("hostel.yaml", "vhosts:\n" OF("a.example"));
    scratch_write("vhosts.d/a.yaml", NULL);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(scratch_load(&c, &errors), -EINVAL);
    assert_int_equal(errors.n, 1);
    assert_string_equal(errors.lines[0], line);
    conf_errors_done(&errors);
    free(path);
    free(line);
}

static void
test_missing_file(void **state)
{
    struct conf_errors errors;
    struct conf *c = NULL;

    (void)state;
    assert_int_equal(conf_load("/nowhere/hostel.yaml", true, &c, &errors), -EINVAL);
    assert_int_equal(errors.n, 1);
    assert_string_equal(errors.lines[0], "/nowhere/hostel.yaml: No such file or directory");
    conf_errors_done(&errors);
    assert_int_equal(conf_load("/dev/zero", true, &c, &errors), -EINVAL);
    assert_string_equal(errors.lines[0], "/dev/zero: not a regular file");
    conf_errors_done(&errors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_values),        cmocka_unit_test(test_envs),
        cmocka_unit_test(test_machine),       cmocka_unit_test(test_together),
        cmocka_unit_test(test_bounds),        cmocka_unit_test(test_line_count_is_bounded),
        cmocka_unit_test(test_writable_file), cmocka_unit_test(test_missing_file),
    };

    return cmocka_run_group_tests(tests, scratch_start, scratch_stop);
}
