/* Media types. Floor 4; worker. */
#include "hostel/http/media.h"
#include "hostel/base/buf.h"
#include "hostel/base/mem.h"
#include "hostel/peek/chars.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define EXT_MAX     32        /* bytes; the system's longest has 15 */
#define TYPE_MAX    127       /* RFC 6838 4.2 allows twice that; the longest in use has 73 */
#define TEXTS_MAX   (4 << 20) /* bytes of all names: the system's table has 74 KiB */
#define SLOTS_FIRST 1024      /* a power of two */
#define CHARSET     "; charset=utf-8"

/* Offsets into texts, since it moves while it grows. */
struct slot {
    uint32_t ext, type;
    uint8_t ext_len; /* 0: empty */
    uint8_t type_len;
};

static struct {
    struct buf texts;
    struct slot *slots;
    uint32_t nslots; /* a power of two, more than twice what is used */
    uint32_t used;
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

static struct span
text_at(uint32_t offset, size_t len)
{
    return span_of(table.texts.data + table.texts.start + offset, len);
}

/* FNV-1a. ret  the slot of ext, or the empty one where it belongs */
static struct slot *
slot_of(struct span ext)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < ext.n; i++)
        h = (h ^ (unsigned char)ext.p[i]) * 16777619U;
    for (;; h++) {
        struct slot *s = &table.slots[h & (table.nslots - 1)];

        if (s->ext_len == 0 || span_eq(text_at(s->ext, s->ext_len), ext))
            return s;
    }
}

static void
slots_grow(void)
{
    struct slot *old = table.slots;
    uint32_t n = table.nslots;

    table.nslots = n ? n * 2 : SLOTS_FIRST;
    table.slots = mem_new_array(table.nslots, sizeof(*table.slots));
    for (uint32_t i = 0; i < n; i++)
        if (old[i].ext_len)
            *slot_of(text_at(old[i].ext, old[i].ext_len)) = old[i];
    free(old);
}

static struct span
lowered(struct span s, char text[static EXT_MAX])
{
    for (size_t i = 0; i < s.n; i++)
        text[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
    return span_of(text, s.n);
}

static void
add_ext(struct span ext, uint32_t type, size_t type_len)
{
    char text[EXT_MAX];
    struct slot *s;

    if (ext.n == 0 || ext.n > EXT_MAX)
        return;
    ext = lowered(ext, text);
    if (table.used * 2 >= table.nslots)
        slots_grow();
    s = slot_of(ext);
    if (s->ext_len)
        return; /* the first line counts */
    if (buf_add_span(&table.texts, ext) < 0)
        return;
    *s = (struct slot){(uint32_t)(table.texts.len - ext.n), type, (uint8_t)ext.n,
                       (uint8_t)type_len};
    table.used++;
}

static struct span
word_cut(struct span *rest)
{
    struct span word;
    size_t n;

    n = 0;
    while (n < rest->n && strchr(" \t\r\n", rest->p[n]))
        n++;
    *rest = span_skip(*rest, n);
    n = 0;
    while (n < rest->n && !strchr(" \t\r\n", rest->p[n]))
        n++;
    word = span_of(rest->p, n);
    *rest = span_skip(*rest, n);
    return word;
}

/* "type/subtype ext ext ..."; "#" begins a comment */
static void
add_line(struct span line)
{
    struct span rest = span_of(line.p, span_find(line, '#'));
    struct span type = word_cut(&rest), ext = word_cut(&rest);
    uint32_t at = (uint32_t)table.texts.len;
    bool text;

    if (ext.n == 0 || type.n > TYPE_MAX || span_find(type, '/') == type.n ||
        !chars_all(type, CHARS_TARGET))
        return;
    text = span_starts(type, SPAN("text/")) || span_eq(type, SPAN("application/javascript"));
    if (buf_add_span(&table.texts, type) < 0 ||
        (text && buf_add_str(&table.texts, CHARSET) < 0))
        return;
    for (size_t len = table.texts.len - at; ext.n; ext = word_cut(&rest))
        add_ext(ext, at, len);
}

int
media_init(const char *path)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    FILE *f;
    int rc = 0;

    media_done();
    buf_init(&table.texts, TEXTS_MAX);
    slots_grow();
    f = fopen(path, "re");
    if (!f)
        rc = -errno;
    while (f && (n = getline(&line, &cap, f)) > 0)
        add_line(span_of(line, (size_t)n));
    if (f && ferror(f))
        rc = -EIO;
    if (f)
        (void)fclose(f);
    free(line);
    for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
        add_line(span_str(built_in[i]));
    return rc;
}

void
media_done(void)
{
    buf_done(&table.texts);
    free(table.slots);
    table.slots = NULL;
    table.nslots = table.used = 0;
}

struct span
media_type(struct span name)
{
    size_t dot = name.n;
    char text[EXT_MAX];
    struct span ext;
    const struct slot *s;

    while (dot && name.p[dot - 1] != '.' && name.p[dot - 1] != '/')
        dot--;
    ext = span_skip(name, dot);
    if (dot == 0 || name.p[dot - 1] == '/' || ext.n == 0 || ext.n > EXT_MAX || !table.slots)
        return SPAN(MEDIA_DEFAULT);
    s = slot_of(lowered(ext, text));
    return s->ext_len ? text_at(s->type, s->type_len) : SPAN(MEDIA_DEFAULT);
}
