/* The table itself: its defaults pass its own checks, and the manual page is made of it. */
#include "scratch.h"

#include "rows.h"
#include "value.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>

static void
test_presets(void **state)
{
    char why[VALUE_WHY_MAX];

    (void)state;
    for (const struct row *r = rows; r < rows + ROWS; r++) {
        struct span rest = span_str(r->preset), item;

        print_message("%s\n", r->name);
        assert_non_null(r->help);
        assert_true((r->preset != NULL) + (r->preset_note != NULL) + r->required == 1);
        assert_true((r->min == NULL) == (r->max == NULL));
        assert_ptr_equal(row_find(r->section, row_key(r)), r);
        if (r->shape == ROW_ONE && r->preset)
            assert_int_equal(value_check(r, rest, why), 0);
        while (r->shape != ROW_ONE && span_cut(&rest, ' ', &item))
            assert_int_equal(value_check(r, item, why), 0);
    }
}

static void
test_summary(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1024);
    row_summary(&rows[ROW_PHP_PROCESSES], &b);
    buf_add_str(&b, "; ");
    row_summary(&rows[ROW_LISTEN], &b);
    buf_add_str(&b, "; ");
    row_summary(&rows[ROW_HOST], &b);
    buf_add(&b, "", 1);
    assert_string_equal(buf_span(&b).p, "number of processes, 1..256, default 4; "
                                        "list of addresses, 1..64 items, default *:80 as root, "
                                        "127.0.0.1:8080 otherwise; host name, required");
    buf_done(&b);
}

/* What conf_explain() prints on a descriptor, owned; rc is what it returned. */
static char *
explain(const char *name, int fd, int *rc)
{
    char *path = scratch_text("$D/explain");
    int saved = dup(fd), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *text = mem_new(65536);

    fflush(NULL);
    dup2(file, fd);
    *rc = conf_explain(name);
    fflush(NULL);
    dup2(saved, fd);
    assert_true(pread(file, text, 65535, 0) >= 0);
    close(saved);
    close(file);
    free(path);
    return text;
}

static void
test_explain(void **state)
{
    char *text;
    int rc;

    (void)state;
    text = explain("php.processes", STDOUT_FILENO, &rc);
    assert_int_equal(rc, 0);
    assert_string_equal(text, "php.processes: number of processes, 1..256, default 4\n"
                              "    How many requests run at once; more wait.\n");
    free(text);
    text = explain("idle_exit", STDOUT_FILENO, &rc);
    assert_int_equal(rc, 0);
    assert_true(strncmp(text, "vhost.idle_exit: ", 17) == 0);
    assert_non_null(strstr(text, "\nphp.idle_exit: "));
    free(text);
    text = explain("procceses", STDERR_FILENO, &rc);
    assert_int_equal(rc, -ENOENT);
    assert_string_equal(text, "hostel: no directive `procceses`, did you mean `processes`?\n");
    free(text);
    text = explain(NULL, STDOUT_FILENO, &rc);
    assert_int_equal(rc, 0);
    for (const struct row *r = rows; r < rows + ROWS; r++)
        assert_non_null(strstr(text, r->name));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(line[0] != ' ' || strlen(line) <= 80);
    free(text);
}

/* A file below the source tree; owned. */
static char *
source_path(const char *name)
{
    const char *here = strstr(__FILE__, "tests/unit/conf/");

    return mem_fmt("%.*s%s", (int)(here - __FILE__), __FILE__, name);
}

/* A file with every run of white space as one blank; owned. */
static char *
read_blanks(const char *path)
{
    char *text = mem_new(65536);
    FILE *f = fopen(path, "r");
    size_t n, kept = 0;

    assert_non_null(f);
    n = fread(text, 1, 65535, f);
    fclose(f);
    for (size_t i = 0; i < n; i++) {
        char c = isspace((unsigned char)text[i]) ? ' ' : text[i];

        if (c != ' ' || kept == 0 || text[kept - 1] != ' ')
            text[kept++] = c;
    }
    text[kept] = '\0';
    return text;
}

/* ret  the text of the page that becomes of a template, owned; NULL: none did */
static char *
manual_of(const char *template)
{
    char *in = scratch_text("$D/page.in"), *out = scratch_text("$D/page"), *text = NULL;
    FILE *f = fopen(in, "w");

    assert_non_null(f);
    fputs(template, f);
    fclose(f);
    if (conf_manual(in, out) == 0)
        text = read_blanks(out);
    else
        assert_int_equal(access(out, F_OK), -1);
    free(in);
    free(out);
    return text;
}

/* A template with a line for each row, but for one. */
static char *
template_without(const char *name)
{
    struct buf b;
    char *text;

    buf_init(&b, 65536);
    buf_add_str(&b, ".Dd today\n");
    for (const struct row *r = rows; r < rows + ROWS; r++)
        if (!name || strcmp(r->name, name) != 0)
            buf_addf(&b, "@%s\nmore about it\n", r->name);
    text = mem_str_span(buf_span(&b));
    buf_done(&b);
    return text;
}

/* Each row has its place in ours, and its summary and help come into the page. */
static void
test_manual(void **state)
{
    char *path = source_path("conf/hostel.yaml.5.in"), *out = scratch_text("$D/hostel.yaml.5");
    char *page;

    (void)state;
    assert_int_equal(conf_manual(path, out), 0);
    page = read_blanks(out);
    for (const struct row *r = rows; r < rows + ROWS; r++) {
        struct buf b;

        buf_init(&b, 4096);
        buf_addf(&b, ".It Cm %s ", r->name);
        row_summary(r, &b);
        buf_addf(&b, ". .Pp %s", r->help);
        buf_add(&b, "", 1);
        print_message("%s\n", buf_span(&b).p);
        assert_non_null(strstr(page, buf_span(&b).p));
        buf_done(&b);
    }
    assert_null(strstr(page, " @"));
    free(page);
    free(path);
    free(out);
}

static void
test_manual_wrong(void **state)
{
    static const struct {
        const char *why, *without, *also;
    } wrong[] = {
        {"a row without a place", "listen_tls", ""},
        {"the last row", "fastcgi.request_timeout", ""},
        {"a place without a row", NULL, "@colour\n"},
        {"twice", NULL, "@listen\n"},
        {"not where its row stands", "listen", "@listen\n"},
    };
    char *good = template_without(NULL), *page = manual_of(good);

    (void)state;
    assert_non_null(page);
    assert_non_null(strstr(page, "more about it .It Cm listen_tls "));
    free(page);
    free(good);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char *most = template_without(wrong[i].without);
        char *text = mem_fmt("%s%s", most, wrong[i].also);

        print_message("%s\n", wrong[i].why);
        assert_null(manual_of(text));
        free(text);
        free(most);
    }
}

static char *
source_text(const char *name)
{
    char *path = source_path(name), *text = read_blanks(path);

    free(path);
    return text;
}

/* The example files name no directive that is gone. */
static void
test_examples(void **state)
{
    static const char *const files[] = {"conf/hostel.yaml",
                                        "conf/vhosts.d/example.yaml.sample"};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char *text = source_text(files[i]), *at = text;

        while ((at = strchr(at, '#'))) {
            size_t n = strcspn(++at, " :");
            char *key = mem_str_span(span_of(at, n));

            if (n > 0 && at[n] == ':' && !row_find(SECTION_MAIN, key) &&
                !row_find(SECTION_VHOST, key) && !row_find(SECTION_PHP, key))
                fail_msg("%s: %s", files[i], key);
            free(key);
        }
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets),      cmocka_unit_test(test_summary),
        cmocka_unit_test(test_explain),      cmocka_unit_test(test_manual),
        cmocka_unit_test(test_manual_wrong), cmocka_unit_test(test_examples),
    };

    return cmocka_run_group_tests(tests, scratch_start, scratch_stop);
}
