/* Listings as text. Floor 5; worker. */
#include "autoindex_page.h"
#include "hostel/base/date.h"
#include "hostel/http/html.h"
#include "hostel/http/path.h"

#include <inttypes.h>
#include <stdio.h>

/* One row at its longest: a name of 255 bytes, each of them six as HTML and three in a link. */
#define ROW_MAX       4096
#define YEAR_10000    253402300800 /* HTTP dates have four digits of year */
#define NAME_MAX_UTF8 (3 * 255)

#define HEAD                                                                                   \
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"                        \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"                 \
    "<title>Index of %.*s</title>\n<style>"                                                    \
    "body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;" \
    "color-scheme:light dark}h1{font-size:1.3rem;overflow-wrap:anywhere}"                      \
    "table{border-collapse:collapse;width:100%%}"                                              \
    "th,td{padding:.15rem .5rem;text-align:left;vertical-align:top;"                           \
    "border-bottom:1px solid #8884}"                                                           \
    "td:first-child{overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap}"            \
    "</style></head>\n<body><h1>Index of <bdi>%.*s</bdi></h1>\n<table><thead><tr>"

static const struct column {
    enum listing_key key;
    const char *word, *title, *cell;
} columns[] = {
    {LISTING_BY_NAME, "name", "Name", "<th"},
    {LISTING_BY_SIZE, "size", "Size", "<th class=\"n\""},
    {LISTING_BY_TIME, "time", "Changed (UTC)", "<th class=\"n\""},
};

/*
 * A column's title; a second click on the one that is sorted by turns the order round. What
 * the page buffer cannot take any more is noticed row by row, so results are not looked at
 * here and below.
 */
static void
column_write(struct buf *page, const struct column *c, enum listing_key key, bool descending)
{
    const char *state = "";
    bool turn = c->key == key && !descending;

    if (c->key == key)
        state = descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"";
    (void)buf_addf(page, "%s%s><a href=\"?sort=%s&amp;order=%s\">%s</a>", c->cell, state,
                   c->word, turn ? "desc" : "asc", c->title);
    if (c->key == key)
        (void)buf_add_str(page, descending ? " &#9660;" : " &#9650;");
    (void)buf_add_str(page, "</th>");
}

/* "?" "#" "%" and what is no ASCII are escaped; "./" before a name with ":": it is no scheme.
 */
static void
link_write(struct buf *page, const struct entry *e)
{
    char room[NAME_MAX_UTF8 + 1];
    struct buf url = {.data = room, .cap = sizeof(room), .max = sizeof(room)};

    (void)path_encode(&url, span_str(e->name));
    (void)buf_add_str(page, "<a href=\"./");
    (void)html_escape(page, buf_span(&url)); /* "&" and "'" may stand in a path */
    (void)buf_add_str(page, e->directory ? "/\">" : "\">");
}

static void
name_write(struct buf *page, const struct entry *e)
{
    char room[NAME_MAX_UTF8 + 1];
    struct buf text = {.data = room, .cap = sizeof(room), .max = sizeof(room)};

    (void)html_utf8(&text, span_str(e->name));
    (void)buf_add_str(page, "<bdi>"); /* a name that turns the reading direction turns itself */
    (void)html_escape(page, buf_span(&text));
    (void)buf_add_str(page, e->directory ? "/</bdi></a>" : "</bdi></a>");
}

static void
size_write(struct buf *page, const struct entry *e)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)e->size;
    size_t unit = 0;

    if (e->directory) {
        (void)buf_add_str(page, "<td class=\"n\">-</td>");
        return;
    }
    while (size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        size /= 1024;
        unit++;
    }
    (void)buf_addf(page, "<td class=\"n\" title=\"%" PRIu64 " bytes\">%.*f %s</td>", e->size,
                   unit ? 1 : 0, size, units[unit]);
}

static void
time_write(struct buf *page, time_t t)
{
    char text[32] = "";
    struct tm tm;

    if (gmtime_r(&t, &tm))
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
    (void)buf_addf(page, "<td class=\"n\">%s</td></tr>\n", text);
}

static void
head_write(struct buf *page, struct span path, enum listing_key key, bool descending)
{
    struct buf text, escaped;

    buf_init(&text, AUTOINDEX_PAGE_MAX);
    buf_init(&escaped, AUTOINDEX_PAGE_MAX);
    (void)html_utf8(&text, path);
    (void)html_escape(&escaped, buf_span(&text));
    (void)buf_addf(page, HEAD, (int)escaped.len, buf_span(&escaped).p, (int)escaped.len,
                   buf_span(&escaped).p);
    buf_done(&escaped);
    buf_done(&text);
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        column_write(page, &columns[i], key, descending);
    (void)buf_add_str(page, "</tr></thead>\n<tbody>\n");
    if (path.n > 1)
        (void)buf_add_str(page, "<tr><td><a href=\"../\">Parent directory</a></td>"
                                "<td class=\"n\">-</td><td></td></tr>\n");
}

/* Is there room for one more row, and what ends the page? */
static bool
fits(const struct buf *page)
{
    return page->max - page->len >= 2 * ROW_MAX;
}

void
autoindex_html(struct buf *page, const struct listing *l, struct span path,
               enum listing_key key, bool descending)
{
    size_t i = 0;

    head_write(page, path, key, descending);
    for (; i < l->n && fits(page); i++) {
        (void)buf_add_str(page, "<tr><td>");
        link_write(page, &l->entries[i]);
        name_write(page, &l->entries[i]);
        (void)buf_add_str(page, "</td>");
        size_write(page, &l->entries[i]);
        time_write(page, l->entries[i].mtime);
    }
    (void)buf_add_str(page, "</tbody></table>\n");
    if (l->cut || i < l->n)
        (void)buf_addf(page,
                       "<p>This directory is too large to be shown whole: "
                       "these are %zu of its entries.</p>\n",
                       i);
    else if (l->n == 0)
        (void)buf_add_str(page, "<p>There is nothing here.</p>\n");
    (void)buf_add_str(page, "</body></html>\n");
}

/* RFC 8259 7; control bytes are in no name that is listed. */
static void
string_write(struct buf *page, struct span s)
{
    (void)buf_add_str(page, "\"");
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            (void)buf_add_str(page, "\\");
        (void)buf_add(page, s.p + i, 1);
    }
    (void)buf_add_str(page, "\"");
}

static void
object_write(struct buf *page, const struct entry *e)
{
    char room[NAME_MAX_UTF8 + 1], when[DATE_LEN + 1];
    struct buf name = {.data = room, .cap = sizeof(room), .max = sizeof(room)};

    (void)html_utf8(&name, span_str(e->name));
    (void)buf_add_str(page, "{\"name\":");
    string_write(page, buf_span(&name));
    (void)buf_addf(page, ",\"type\":\"%s\"", e->directory ? "directory" : "file");
    if (!e->directory)
        (void)buf_addf(page, ",\"size\":%" PRIu64, e->size);
    if (e->mtime >= 0) { /* what a file's date says is its owner's choice */
        date_format(e->mtime < YEAR_10000 ? e->mtime : YEAR_10000 - 1, when);
        (void)buf_addf(page, ",\"mtime\":\"%s\"", when);
    }
    (void)buf_add_str(page, "}");
}

bool
autoindex_json(struct buf *page, const struct listing *l)
{
    size_t i = 0;

    (void)buf_add_str(page, "[");
    for (; i < l->n && fits(page); i++) {
        (void)buf_add_str(page, i ? ",\n" : "\n");
        object_write(page, &l->entries[i]);
    }
    (void)buf_add_str(page, "\n]\n");
    return i == l->n && !l->cut;
}
