/*
 * hostel.yaml(5) from the rows and what else there is to say. Floor 2; at build time.
 *
 * The template (conf/hostel.yaml.5.in) is the page, but for the rows: a line "@name" becomes
 * the item of that directive, its summary and its help. What follows it is more about it.
 */
#include "hostel/conf/model.h"

#include "rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define COLUMNS     78
#define SUMMARY_MAX 1024

struct manual {
    FILE *in, *out;
    const char *file;
    size_t line;
    size_t next[SECTIONS]; /* this row or a later one comes next of them */
    bool seen[ROWS];
    int error;
};

static void
wrong(struct manual *m, const char *what, const char *name)
{
    fprintf(stderr, "%s:%zu: directive `%s` %s\n", m->file, m->line, name, what);
    m->error = -EINVAL;
}

static bool
ends_sentence(struct span word)
{
    while (word.n > 0 && strchr(")\"'", word.p[word.n - 1]))
        word.n--;
    return word.n > 0 && strchr(".!?", word.p[word.n - 1]);
}

static size_t
put_word(FILE *out, struct span word, bool first)
{
    if (first && (word.p[0] == '.' || word.p[0] == '\'')) /* else a macro */
        fputs("\\&", out);
    for (size_t i = 0; i < word.n; i++) {
        fputc(word.p[i], out);
        if (word.p[i] == '\\')
            fputc('e', out);
    }
    return word.n;
}

/* Lines of text: short ones, and a new one for each sentence, as mdoc(7) wants it. */
static void
put_wrapped(FILE *out, struct span text)
{
    struct span word;
    size_t column = 0;

    while (span_cut(&text, ' ', &word)) {
        if (word.n == 0)
            continue;
        if (column > 0 && column + 1 + word.n > COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        if (column > 0)
            fputc(' ', out);
        column += (column > 0) + put_word(out, word, column == 0);
        if (ends_sentence(word) && text.n > 0) {
            fputc('\n', out);
            column = 0;
        }
    }
    fputc('\n', out);
}

static void
put_row(FILE *out, const struct row *r)
{
    struct buf summary;

    buf_init(&summary, SUMMARY_MAX);
    row_summary(r, &summary);
    buf_add_str(&summary, ".");
    fprintf(out, ".It Cm %s\n", r->name);
    put_wrapped(out, buf_span(&summary));
    fprintf(out, ".Pp\n");
    put_wrapped(out, span_str(r->help));
    buf_done(&summary);
}

/* "@name" */
static void
on_marker(struct manual *m, const char *name)
{
    size_t i = 0;

    while (i < ROWS && strcmp(rows[i].name, name) != 0)
        i++;
    if (i == ROWS) {
        wrong(m, "is in no row", name);
        return;
    }
    if (m->seen[i])
        wrong(m, "stands here twice", name);
    else if (i < m->next[rows[i].section])
        wrong(m, "stands behind one whose row comes later", name);
    m->seen[i] = true;
    m->next[rows[i].section] = i;
    put_row(m->out, &rows[i]);
}

static void
copy(struct manual *m)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    while ((n = getline(&line, &room, m->in)) > 0) {
        m->line++;
        if (line[0] != '@') {
            fputs(line, m->out);
            continue;
        }
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        on_marker(m, line + 1);
    }
    free(line);
    for (size_t i = 0; i < ROWS; i++)
        if (!m->seen[i])
            wrong(m, "has no place: write its line, \"@\" and the name, where its row stands",
                  rows[i].name);
}

int
conf_manual(const char *template, const char *page)
{
    struct manual m = {.file = template};
    int rc = 0;

    m.in = fopen(template, "r");
    m.out = m.in ? fopen(page, "w") : NULL;
    if (!m.out) {
        rc = -errno;
        fprintf(stderr, "%s: %s\n", m.in ? page : template, strerror(-rc));
    } else {
        copy(&m);
        rc = ferror(m.in) || fclose(m.out) != 0 ? -EIO : m.error;
    }
    if (m.in)
        fclose(m.in);
    if (m.out && rc < 0)
        (void)remove(page);
    return rc;
}
