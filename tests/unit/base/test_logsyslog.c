/* base/logsyslog: targets of syslog, and what a line has before it there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hostel/base/logsyslog.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *why, *target;
    bool good;
    unsigned facility;
    const char *tag, *path;
} targets[] = {
    {"all left out", "syslog:", true, 3 << 3, "hostel", "/dev/log"},
    {"a facility", "syslog:local7", true, 23 << 3, "hostel", "/dev/log"},
    {"all said", "syslog:user,tag=web,socket=/run/x", true, 1 << 3, "web", "/run/x"},
    {"in any order", "syslog:tag=a,local0", true, 16 << 3, "a", "/dev/log"},
    {"a tag that would end too soon", "syslog:tag=a b[1]:c/d", true, 3 << 3, "a_b_1__c_d",
     "/dev/log"},
    {"no such facility", "syslog:kern", false, 0, NULL, NULL},
    {"an empty word", "syslog:local0,,", false, 0, NULL, NULL},
    {"an empty tag", "syslog:tag=", false, 0, NULL, NULL},
    {"a tag without end", "syslog:tag=1234567890123456789012345678901234567890123456789", false,
     0, NULL, NULL},
    {"a socket somewhere", "syslog:socket=log", false, 0, NULL, NULL},
    {"a socket beyond the kernel's bound",
     "syslog:socket=/12345678901234567890123456789012345678901234567890123456789012345678901234"
     "5678901234567890123456789012345678901234567890",
     false, 0, NULL, NULL},
};

static void
test_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct logsyslog at;
        const char *wrong = logsyslog_parse(span_str(targets[i].target), &at);

        assert_true(logsyslog_is(targets[i].target));
        if (!wrong != targets[i].good)
            fail_msg("%s: %s", targets[i].why, wrong ? wrong : "taken");
        if (wrong)
            continue;
        assert_int_equal(at.facility, targets[i].facility);
        assert_string_equal(at.tag, targets[i].tag);
        assert_string_equal(at.to.sun_path, targets[i].path);
    }
    assert_false(logsyslog_is("/var/log/syslog:"));
    assert_false(logsyslog_is(NULL));
}

static const struct {
    const char *why, *line, *rest;
    enum log_level level;
} lines[] = {
    {"an error", "2026-01-31T12:00:00Z hostel-worker[1] a: error: x",
     "hostel-worker[1] a: error: x", LOG_LEVEL_ERROR},
    {"a warning", "2026-01-31T12:00:00Z hostel[1]: warning: x", "hostel[1]: warning: x",
     LOG_LEVEL_WARN},
    {"what happens as it should", "2026-01-31T12:00:00Z hostel[1]: ready", "hostel[1]: ready",
     LOG_LEVEL_INFO},
    {"debugging", "2026-01-31T12:00:00Z hostel[1]: debug: x", "hostel[1]: debug: x",
     LOG_LEVEL_DEBUG},
    {"a word that comes later", "2026-01-31T12:00:00Z hostel[1]: a: error: x",
     "hostel[1]: a: error: x", LOG_LEVEL_INFO},
    {"an access line", "192.0.2.1 - - [x] \"GET /: error: HTTP/1.1\" 200", NULL,
     LOG_LEVEL_INFO},
    {"nothing", "", NULL, LOG_LEVEL_INFO},
    {"a stamp alone", "2026-01-31T12:00:00Z", NULL, LOG_LEVEL_INFO},
};

static void
test_levels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct span line = span_str(lines[i].line);

        if (logsyslog_level(&line) != lines[i].level ||
            !span_eq(line, span_str(lines[i].rest ? lines[i].rest : lines[i].line)))
            fail_msg("%s: `%.*s`", lines[i].why, (int)line.n, line.p);
    }
}

static void
test_head(void **state)
{
    char room[LOGSYSLOG_HEAD_MAX], end[32];
    struct buf b = {.data = room, .cap = sizeof(room), .max = sizeof(room)};
    struct logsyslog at;
    unsigned pri, day, h, m, s;
    char month[4];

    (void)state;
    assert_null(logsyslog_parse(SPAN("syslog:local1"), &at));
    memset(at.tag, 'x', LOGSYSLOG_TAG_MAX);
    logsyslog_head(&b, &at, LOG_LEVEL_WARN);
    room[b.len] = '\0';
    assert_int_equal(sscanf(room, "<%u>%3s %u %u:%u:%u ", &pri, month, &day, &h, &m, &s), 6);
    assert_int_equal(pri, 17 * 8 + 4);
    snprintf(end, sizeof(end), "xx[%ld]: ", (long)getpid());
    assert_true(span_ends(buf_span(&b), span_str(end)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
