/* Files that were just sent: never stale for a second, never too many. */
#include "filecache.h"
#include "tree.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

static struct site site;
static struct filecache *cache;

static int
setup(void **state)
{
    (void)state;
    tree_site(&site);
    cache = filecache_new();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    filecache_free(&cache);
    tree_done(&site);
    return 0;
}

static struct cached_file *
put(const char *path, uint64_t now_ms)
{
    struct cached_file *f = NULL;
    struct stat st;
    int fd = open(tree_path(path + 1), O_RDONLY);

    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(
        filecache_put(cache, &site, span_str(path), fd, &st, span_str(path), now_ms, &f), 0);
    return f;
}

static struct cached_file *
find(const char *path, uint64_t now_ms)
{
    return filecache_find(cache, &site, span_str(path), now_ms);
}

/* What was not written to for some seconds can be trusted to look different when it is. */
static void
let_it_age(void)
{
    struct timespec wait = {.tv_sec = 2, .tv_nsec = 100000000};

    nanosleep(&wait, NULL);
}

static void
test_small_body_is_in_memory_for_a_while(void **state)
{
    struct cached_file *f;

    (void)state;
    tree_file("a.txt", "hello");
    f = put("/a.txt", 1000);
    assert_int_equal(f->fd, -1);
    assert_int_equal(f->size, 5);
    assert_memory_equal(f->body, "hello", 5);
    assert_ptr_equal(find("/a.txt", 1000 + FILECACHE_FRESH_MS - 1), f);
    assert_null(find("/a.txt", 1000 + FILECACHE_FRESH_MS));
    assert_null(find("/b.txt", 1000));
    assert_true(FILECACHE_FRESH_MS < 500);
}

static void
test_young_change_is_read_again(void **state)
{
    struct cached_file *f;

    (void)state;
    tree_file("r.txt", "one");
    f = put("/r.txt", 1000);
    assert_true(f->racy);
    tree_file("r.txt", "two"); /* same size, maybe in the same tick of the clock */
    f = put("/r.txt", 2000);
    assert_memory_equal(f->body, "two", 3);
}

static void
test_old_file_is_kept_until_it_changes(void **state)
{
    struct cached_file *f, *again;

    (void)state;
    tree_file("o.txt", "old");
    let_it_age();
    f = put("/o.txt", 1000);
    assert_false(f->racy);
    cached_file_hold(f);
    again = put("/o.txt", 2000);
    assert_ptr_equal(again, f);
    assert_ptr_equal(find("/o.txt", 2100), f);
    tree_file("o.txt", "new");
    again = put("/o.txt", 3000);
    assert_ptr_not_equal(again, f);
    assert_memory_equal(again->body, "new", 3);
    assert_memory_equal(f->body, "old", 3); /* who still sends it has it */
    assert_string_not_equal(f->etag, again->etag);
    cached_file_release(f);
}

static void
test_replaced_file_is_another(void **state)
{
    struct cached_file *f;
    char etag[64];

    (void)state;
    tree_file("p.txt", "same");
    f = put("/p.txt", 1000);
    snprintf(etag, sizeof(etag), "%s", f->etag);
    tree_file("q.txt", "same");
    assert_int_equal(rename(tree_path("q.txt"), tree_path("p.txt")), 0);
    f = put("/p.txt", 2000);
    assert_string_not_equal(f->etag, etag);
}

static void
test_big_file_is_looked_at_every_time(void **state)
{
    struct cached_file *f;
    char *text = malloc(FILECACHE_BODY_MAX + 2);

    (void)state;
    memset(text, 'x', FILECACHE_BODY_MAX + 1);
    text[FILECACHE_BODY_MAX + 1] = '\0';
    tree_file("big", text);
    f = put("/big", 1000);
    assert_true(f->fd >= 0);
    assert_null(f->body);
    assert_ptr_equal(find("/big", 1000), f);
    assert_int_equal(truncate(tree_path("big"), 100), 0);
    assert_null(find("/big", 1001)); /* the head would promise too much */
    free(text);
}

static void
test_future_date_is_not_told(void **state)
{
    struct timespec times[2] = {{.tv_sec = time(NULL) + 1000}, {.tv_sec = time(NULL) + 1000}};
    struct cached_file *f;

    (void)state;
    tree_file("f.txt", "future");
    assert_int_equal(utimensat(AT_FDCWD, tree_path("f.txt"), times, 0), 0);
    f = put("/f.txt", 1000);
    assert_string_equal(f->modified, "");
}

static void
test_sites_do_not_mix(void **state)
{
    struct site other = site;

    (void)state;
    tree_file("s.txt", "mine");
    assert_non_null(put("/s.txt", 1000));
    assert_null(filecache_find(cache, &other, SPAN("/s.txt"), 1000));
}

static void
test_oldest_go_first(void **state)
{
    struct cached_file *f;
    struct stat st;
    char path[32];

    (void)state;
    tree_file("k.txt", "k");
    assert_int_equal(stat(tree_path("k.txt"), &st), 0);
    for (int i = 0; i <= FILECACHE_ENTRIES_MAX; i++) {
        int fd = open(tree_path("k.txt"), O_RDONLY);

        snprintf(path, sizeof(path), "/many/%d", i);
        assert_int_equal(
            filecache_put(cache, &site, span_str(path), fd, &st, SPAN("k.txt"), 5000, &f), 0);
        assert_non_null(find("/many/0", 5000));
    }
    assert_non_null(find("/many/0", 5000)); /* used all the time */
    assert_null(find("/many/1", 5000));     /* never used again */
    for (int i = 2; i <= FILECACHE_ENTRIES_MAX; i++) { /* however often the table grew */
        snprintf(path, sizeof(path), "/many/%d", i);
        assert_non_null(find(path, 5000));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_body_is_in_memory_for_a_while),
        cmocka_unit_test(test_young_change_is_read_again),
        cmocka_unit_test(test_old_file_is_kept_until_it_changes),
        cmocka_unit_test(test_replaced_file_is_another),
        cmocka_unit_test(test_big_file_is_looked_at_every_time),
        cmocka_unit_test(test_future_date_is_not_told),
        cmocka_unit_test(test_sites_do_not_mix),
        cmocka_unit_test(test_oldest_go_first),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
