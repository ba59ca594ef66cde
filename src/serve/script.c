/* File names that are PHP. Floor 5; worker. */
#include "script.h"

static struct span
last_segment(struct span name)
{
    size_t at = name.n;

    while (at > 0 && name.p[at - 1] != '/')
        at--;
    return span_skip(name, at);
}

static bool
is_script(struct span name)
{
    static const struct span suffixes[] = {{".php", 4}, {".phtml", 6}, {".phar", 5}};
    char last;

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (name.n >= suffixes[i].n &&
            span_ieq(span_skip(name, name.n - suffixes[i].n), suffixes[i]))
            return true;
    if (name.n < 5)
        return false;
    last = name.p[name.n - 1];
    return last >= '0' && last <= '9' &&
           span_ieq((struct span){name.p + name.n - 5, 4}, SPAN(".php"));
}

/* What others run, or colour: here it is neither. */
static bool
is_source(struct span name)
{
    return (name.n >= 5 && span_ieq(span_skip(name, name.n - 5), SPAN(".phps"))) ||
           (name.n >= 4 && span_ieq(span_skip(name, name.n - 4), SPAN(".pht")));
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ret  bytes at the end of a name that editors, patch and packages write behind one, or 0 */
static size_t
copy_mark(struct span s)
{
    static const struct span words[] = {
        SPAN("bak"),  SPAN("backup"), SPAN("old"),     SPAN("orig"),
        SPAN("save"), SPAN("swp"),    SPAN("swo"),     SPAN("tmp"),
        SPAN("rej"),  SPAN("dist"),   SPAN("copy"),    SPAN("new"),
        SPAN("dpkg"), SPAN("ucf"),    SPAN("rpmsave"), SPAN("rpmnew"), /* ".dpkg-old" in two */
    };
    size_t n = 0;

    if (s.n > 0 && strchr(". ~#", s.p[s.n - 1]))
        return 1;
    while (n < s.n && is_digit(s.p[s.n - 1 - n]))
        n++;
    for (size_t i = 0; n == 0 && i < sizeof(words) / sizeof(words[0]); i++)
        if (s.n > words[i].n && span_ieq(span_skip(s, s.n - words[i].n), words[i]))
            n = words[i].n;
    return n > 0 && n < s.n && strchr("._-", s.p[s.n - 1 - n]) ? n + 1 : 0;
}

enum script_kind
script_kind(struct span name)
{
    struct span s = last_segment(name);
    size_t n;

    if (is_script(s))
        return SCRIPT_RUN;
    /* "a.php.", "a.php~", "a.php.bak": other files here, but the source of a.php all the same
     */
    while ((n = copy_mark(s)) > 0 && !is_script(s))
        s.n -= n;
    return is_script(s) || is_source(s) ? SCRIPT_NEVER : SCRIPT_NONE;
}
