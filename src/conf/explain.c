/* Prints the rows: `hostel check --explain`. Floor 2; supervisor. */
#include "hostel/conf/model.h"

#include "rows.h"

#include "hostel/base/text.h"

#include <errno.h>
#include <stdio.h>

#define EXPLAIN_COLUMNS 76
#define SUMMARY_MAX     1024

/* Words, indented and wrapped. */
static void
print_wrapped(const char *text)
{
    struct span rest = span_str(text), word;
    size_t column = 0;

    while (span_cut(&rest, ' ', &word)) {
        if (column > 0 && column + 1 + word.n > EXPLAIN_COLUMNS) {
            putchar('\n');
            column = 0;
        }
        if (column == 0)
            column = (size_t)printf("    %.*s", (int)word.n, word.p);
        else
            column += (size_t)printf(" %.*s", (int)word.n, word.p);
    }
    putchar('\n');
}

static void
print_row(const struct row *r)
{
    struct buf summary;

    buf_init(&summary, SUMMARY_MAX);
    row_summary(r, &summary);
    printf("%s: %.*s\n", r->name, (int)summary.len, buf_span(&summary).p);
    print_wrapped(r->help);
    buf_done(&summary);
}

static const char *
nearest(const char *name)
{
    const char *names[2 * ROWS + 1];
    size_t n = 0;

    for (size_t i = 0; i < ROWS; i++) {
        names[n++] = row_key(&rows[i]);
        names[n++] = rows[i].name;
    }
    names[n] = NULL;
    return text_nearest(name, names);
}

int
conf_explain(const char *name)
{
    const char *near;
    size_t printed = 0;

    for (const struct row *r = rows; r < rows + ROWS; r++)
        if (!name || strcmp(r->name, name) == 0 || strcmp(row_key(r), name) == 0) {
            print_row(r);
            printed++;
        }
    if (printed > 0)
        return 0;
    near = nearest(name);
    fprintf(stderr, "hostel: no directive `%s`%s%s%s\n", name, near ? ", did you mean `" : "",
            near ? near : "", near ? "`?" : "");
    return -ENOENT;
}
