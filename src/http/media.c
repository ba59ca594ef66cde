/*
 * Media types. Floor 4; worker.
 *
 * There are as many workers as users, and most need a handful of types: the table stays in its
 * file, in the kernel's memory that all share, and is looked through once for each extension.
 */
#include "hostel/http/media.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"
#include "hostel/peek/chars.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#define EXT_MAX     32        /* bytes; the system's longest has 15 */
#define TYPE_MAX    127       /* RFC 6838 4.2 allows twice that; the longest in use has 73 */
#define READ_BYTES  4096      /* at once; a line that is longer is passed over */
#define TABLE_MAX   (4 << 20) /* bytes looked through: the system's table has 74 KiB */
#define KNOWN_LISTS 64        /* a power of two */
#define UNKNOWN_MAX 1024      /* kept of those without a type: files can be called anything */
#define CHARSET     "; charset=utf-8"

/* An extension that was asked for, in small letters, and its type, if it has one. */
struct known {
    SLIST_ENTRY(known) next;
    struct span ext, type; /* in text */
    char text[];
};

static struct {
    const char *path; /* NULL: nothing is known */
    unsigned nunknown;
    SLIST_HEAD(, known) lists[KNOWN_LISTS];
} table;

/*
 * What a site cannot do without, and what is newer than some systems' tables; in the form of
 * the system's table.
 */
static const char *const built_in[] = {
    "text/html html htm",
    "text/css css",
    "text/javascript js mjs",
    "text/plain txt text log",
    "text/csv csv",
    "text/markdown md markdown",
    "text/calendar ics",
    "text/vtt vtt",
    "application/json json map",
    "application/ld+json jsonld",
    "application/manifest+json webmanifest",
    "application/xml xml xsl",
    "application/xhtml+xml xhtml xht",
    "application/rss+xml rss",
    "application/atom+xml atom",
    "application/pdf pdf",
    "application/zip zip",
    "application/gzip gz",
    "application/wasm wasm",
    "image/png png",
    "image/jpeg jpg jpeg",
    "image/gif gif",
    "image/webp webp",
    "image/avif avif",
    "image/svg+xml svg",
    "image/vnd.microsoft.icon ico",
    "font/woff woff",
    "font/woff2 woff2",
    "font/ttf ttf",
    "font/otf otf",
    "audio/mpeg mp3",
    "audio/ogg ogg oga opus",
    "video/mp4 mp4 m4v",
    "video/webm webm",
};

/* --- looking through the table -------------------------------------------------------- */

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
word_cut(struct span *rest)
{
    const char *p = rest->p, *end = rest->p + rest->n;
    struct span word;

    while (p < end && is_space(*p))
        p++;
    word.p = p;
    while (p < end && !is_space(*p))
        p++;
    word.n = (size_t)(p - word.p);
    *rest = (struct span){p, (size_t)(end - p)};
    return word;
}

/*
 * "type/subtype ext ext ..."; "#" begins a comment.
 *
 * ret  the type, if ext is one of the line's; else nothing
 */
static struct span
line_type(struct span line, struct span ext)
{
    struct span rest = span_of(line.p, span_find(line, '#'));
    struct span type = word_cut(&rest), word = word_cut(&rest);

    while (word.n > 0 && !span_ieq(word, ext))
        word = word_cut(&rest);
    if (word.n == 0 || type.n > TYPE_MAX || span_find(type, '/') == type.n ||
        !chars_all(type, CHARS_TARGET))
        return span_of(NULL, 0);
    return type;
}

/* ret  the type by the first line of text that has ext; *text is what follows the last "\n" */
static struct span
lines_type(struct span *text, struct span ext)
{
    struct span type = {NULL, 0};
    size_t n;

    while (!type.p && (n = span_find(*text, '\n')) < text->n) {
        type = line_type(span_of(text->p, n), ext);
        *text = (struct span){text->p + n + 1, text->n - n - 1};
    }
    return type;
}

/* ret  the type, in room; nothing: the file does not say */
static struct span
find_in_file(int fd, struct span ext, char room[static READ_BYTES])
{
    struct span text = {room, 0}, type = {NULL, 0};
    bool inside = false; /* a line that began before room: too long */
    ssize_t n;

    for (off_t at = 0; at < TABLE_MAX; at += n) {
        if (text.n == READ_BYTES) {
            inside = true;
            text.n = 0;
        }
        memmove(room, text.p, text.n);
        n = read(fd, room + text.n, READ_BYTES - text.n);
        if (n <= 0)
            return inside ? type : line_type(span_of(room, text.n), ext);
        text = (struct span){room, text.n + (size_t)n};
        if (inside && memchr(text.p, '\n', text.n)) {
            text = span_skip(text, span_find(text, '\n'));
            inside = false;
        }
        if (!inside)
            type = lines_type(&text, ext);
        if (type.p)
            return type;
    }
    return type;
}

static struct span
find_type(struct span ext, char room[static READ_BYTES])
{
    struct span type = {NULL, 0};
    int fd = open(table.path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        type = find_in_file(fd, ext, room);
    fd_close(&fd);
    for (size_t i = 0; !type.p && i < sizeof(built_in) / sizeof(built_in[0]); i++)
        type = line_type(span_str(built_in[i]), ext);
    return type;
}

/* --- what was found ----------------------------------------------------------------------- */

/* FNV-1a */
static uint32_t
list_of(struct span ext)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < ext.n; i++)
        h = (h ^ (unsigned char)ext.p[i]) * 16777619U;
    return h & (KNOWN_LISTS - 1);
}

static struct known *
known_new(struct span ext, struct span type)
{
    bool text =
        span_starts(type, SPAN("text/")) || span_eq(type, SPAN("application/javascript"));
    size_t room = ext.n + type.n + sizeof(CHARSET);
    struct known *k = mem_new(sizeof(*k) + room);
    int n = snprintf(k->text, room, "%.*s%.*s%s", (int)ext.n, ext.p, (int)type.n,
                     type.n ? type.p : "", text ? CHARSET : "");

    k->ext = span_of(k->text, ext.n);
    k->type = span_of(k->text + ext.n, (size_t)n - ext.n);
    return k;
}

/* in  ext  in small letters */
static struct span
look_up(struct span ext)
{
    uint32_t list = list_of(ext);
    char room[READ_BYTES];
    struct span type;
    struct known *k;

    SLIST_FOREACH(k, &table.lists[list], next)
    if (span_eq(k->ext, ext))
        return k->type;
    type = find_type(ext, room);
    if (type.n == 0 && table.nunknown >= UNKNOWN_MAX)
        return type;
    table.nunknown += type.n == 0;
    k = known_new(ext, type);
    SLIST_INSERT_HEAD(&table.lists[list], k, next);
    return k->type;
}

int
media_init(const char *path)
{
    char first;

    int fd, rc;

    media_done();
    table.path = path;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    rc = fd < 0 || read(fd, &first, 1) < 0 ? -errno : 0;
    fd_close(&fd);
    return rc;
}

void
media_done(void)
{
    for (size_t i = 0; i < KNOWN_LISTS; i++) {
        struct known *k;

        while ((k = SLIST_FIRST(&table.lists[i]))) {
            SLIST_REMOVE_HEAD(&table.lists[i], next);
            free(k);
        }
    }
    table.nunknown = 0;
    table.path = NULL;
}

struct span
media_type(struct span name)
{
    size_t dot = name.n;
    char text[EXT_MAX];
    struct span ext, type;

    while (dot && name.p[dot - 1] != '.' && name.p[dot - 1] != '/')
        dot--;
    ext = span_skip(name, dot);
    if (dot == 0 || name.p[dot - 1] == '/' || ext.n == 0 || ext.n > EXT_MAX || !table.path)
        return SPAN(MEDIA_DEFAULT);
    for (size_t i = 0; i < ext.n; i++)
        text[i] = ext.p[i] >= 'A' && ext.p[i] <= 'Z' ? (char)(ext.p[i] | 0x20) : ext.p[i];
    type = look_up(span_of(text, ext.n));
    return type.n ? type : SPAN(MEDIA_DEFAULT);
}
