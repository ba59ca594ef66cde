/* HTTP dates. Floor 0, every process. RFC 9110 5.6.7 */
#include "hostel/base/date.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char long_days[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void
date_format(time_t t, char text[static DATE_LEN + 1])
{
    struct tm tm;

    gmtime_r(&t, &tm);
    if (tm.tm_year > 8099) /* four digits of year and no more */
        tm.tm_year = 8099;
    (void)snprintf(text, DATE_LEN + 1, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
                   (unsigned)tm.tm_mday % 100U, months[tm.tm_mon],
                   (unsigned)(tm.tm_year + 1900) % 10000U, (unsigned)tm.tm_hour % 100U,
                   (unsigned)tm.tm_min % 100U, (unsigned)tm.tm_sec % 100U);
}

/* A cursor over the date; every step fails once one did. */
struct cursor {
    struct span rest;
    bool bad;
};

static void
lit(struct cursor *c, const char *text)
{
    struct span want = span_str(text);

    if (!span_starts(c->rest, want))
        c->bad = true;
    c->rest = span_skip(c->rest, want.n);
}

static int
num(struct cursor *c, size_t digits)
{
    int v = 0;

    if (c->rest.n < digits) {
        c->bad = true;
        return 0;
    }
    for (size_t i = 0; i < digits; i++) {
        if (c->rest.p[i] < '0' || c->rest.p[i] > '9')
            c->bad = true;
        v = v * 10 + (c->rest.p[i] - '0');
    }
    c->rest = span_skip(c->rest, digits);
    return v;
}

static int
word(struct cursor *c, const char *table, size_t stride, int rows)
{
    for (int i = 0; i < rows; i++) {
        struct span name = span_str(table + (size_t)i * stride);

        if (span_starts(c->rest, name)) {
            c->rest = span_skip(c->rest, name.n);
            return i;
        }
    }
    c->bad = true;
    return 0;
}

static void
clock_time(struct cursor *c, struct tm *tm)
{
    tm->tm_hour = num(c, 2);
    lit(c, ":");
    tm->tm_min = num(c, 2);
    lit(c, ":");
    tm->tm_sec = num(c, 2);
}

static bool
imf_fixdate(struct span s, struct tm *tm)
{
    struct cursor c = {s, false};

    (void)word(&c, days[0], sizeof(days[0]), 7);
    lit(&c, ", ");
    tm->tm_mday = num(&c, 2);
    lit(&c, " ");
    tm->tm_mon = word(&c, months[0], sizeof(months[0]), 12);
    lit(&c, " ");
    tm->tm_year = num(&c, 4) - 1900;
    lit(&c, " ");
    clock_time(&c, tm);
    lit(&c, " GMT");
    return !c.bad && c.rest.n == 0;
}

static bool
rfc850(struct span s, time_t now, struct tm *tm)
{
    struct cursor c = {s, false};
    struct tm today;
    int year;

    (void)word(&c, long_days[0], sizeof(long_days[0]), 7);
    lit(&c, ", ");
    tm->tm_mday = num(&c, 2);
    lit(&c, "-");
    tm->tm_mon = word(&c, months[0], sizeof(months[0]), 12);
    lit(&c, "-");
    year = num(&c, 2);
    lit(&c, " ");
    clock_time(&c, tm);
    lit(&c, " GMT");
    /* a date that looks more than 50 years ahead is in the past century */
    gmtime_r(&now, &today);
    tm->tm_year = today.tm_year - today.tm_year % 100 + year;
    if (tm->tm_year > today.tm_year + 50)
        tm->tm_year -= 100;
    return !c.bad && c.rest.n == 0;
}

static bool
asctime_date(struct span s, struct tm *tm)
{
    struct cursor c = {s, false};

    (void)word(&c, days[0], sizeof(days[0]), 7);
    lit(&c, " ");
    tm->tm_mon = word(&c, months[0], sizeof(months[0]), 12);
    lit(&c, " ");
    if (c.rest.n && c.rest.p[0] == ' ') {
        lit(&c, " ");
        tm->tm_mday = num(&c, 1);
    } else {
        tm->tm_mday = num(&c, 2);
    }
    lit(&c, " ");
    clock_time(&c, tm);
    lit(&c, " ");
    tm->tm_year = num(&c, 4) - 1900;
    return !c.bad && c.rest.n == 0;
}

int
date_parse(struct span s, time_t now, time_t *out)
{
    struct tm tm = {0}, check;
    time_t t;

    if (!imf_fixdate(s, &tm) && !rfc850(s, now, &tm) && !asctime_date(s, &tm))
        return -EINVAL;
    if (tm.tm_sec == 60) /* a leap second is a valid date */
        tm.tm_sec = 59;
    check = tm;
    t = timegm(&check);
    /* timegm() carries what does not fit: the 31st of June becomes the 1st of July */
    if (check.tm_mday != tm.tm_mday || check.tm_hour != tm.tm_hour ||
        check.tm_min != tm.tm_min || check.tm_sec != tm.tm_sec)
        return -EINVAL;
    *out = t;
    return 0;
}

struct span
date_now(void)
{
    static char text[DATE_LEN + 1];
    static time_t last = -1;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != last) {
        date_format(now.tv_sec, text);
        last = now.tv_sec;
    }
    return (struct span){text, DATE_LEN};
}

uint64_t
date_mono_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
date_tick_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
