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

enum script_kind
script_kind(struct span name)
{
    struct span s = last_segment(name);

    if (is_script(s))
        return SCRIPT_RUN;
    /* "a.php.", "a.php ", "a.php~": other files here, but the source of a.php all the same */
    while (s.n > 0 && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '~'))
        s.n--;
    return is_script(s) ? SCRIPT_NEVER : SCRIPT_NONE;
}
