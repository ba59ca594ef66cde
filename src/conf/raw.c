/* libcyaml's schema, made from the rows, and the structs it fills. Floor 2; supervisor. */
#include "raw.h"

#include "rows.h"

#include "hostel/base/mem.h"

#include <cyaml/cyaml.h>
#include <stdlib.h>

struct schema {
    struct cyaml_schema_field fields[SECTION_LIMITS + 1][ROWS + 1];
    struct cyaml_schema_value vhost; /* an entry of vhosts */
    struct cyaml_schema_value text;  /* an entry of any other list */
    struct cyaml_schema_value top;
};

#define OPTIONAL   CYAML_FLAG_OPTIONAL /* what is missing has been complained about */
#define MAYBE_NULL ((enum cyaml_flag)(CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER_NULL_STR))

struct block {
    size_t room;
    _Alignas(max_align_t) char bytes[];
};

/*
 * libcyaml grows a list by one entry at a time; with spare room that stays linear whatever
 * realloc(3) does. Called with size 0 to free.
 */
static void *
grow(void *ctx, void *p, size_t size)
{
    struct block *b = p ? (struct block *)((char *)p - offsetof(struct block, bytes)) : NULL;
    size_t room = b ? size + size / 2 : size; /* a file is at most 64 MiB: no overflow */

    (void)ctx;
    if (size == 0) {
        free(b);
        return NULL;
    }
    if (b && size <= b->room)
        return p;
    b = mem_grow(b, sizeof(*b) + room);
    b->room = room;
    return b->bytes;
}

static const struct cyaml_config config = {
    .mem_fn = grow,
    .log_level = CYAML_LOG_ERROR,
    .flags = CYAML_CFG_IGNORE_UNKNOWN_KEYS | CYAML_CFG_NO_ALIAS,
};

static struct cyaml_schema_value
list_value(const struct cyaml_schema_value *entry, uint32_t entry_bytes)
{
    return (struct cyaml_schema_value){
        .type = CYAML_SEQUENCE,
        .flags = MAYBE_NULL,
        .data_size = entry_bytes,
        .sequence = {.entry = entry, .min = 0, .max = CYAML_UNLIMITED},
    };
}

static struct cyaml_schema_field
field(struct schema *s, const struct row *r)
{
    struct cyaml_schema_field f = {.key = row_key(r), .data_offset = (uint32_t)r->offset};

    if (r->type >= VALUE_LISTEN || r->type == VALUE_GLOB ||
        r->type == VALUE_NEAR) { /* walk.h notes them */
        f.value.type = CYAML_IGNORE;
        f.value.flags = OPTIONAL;
    } else if (r->type == VALUE_PHP) {
        f.value = (struct cyaml_schema_value){
            CYAML_VALUE_MAPPING(MAYBE_NULL, struct raw_php, s->fields[SECTION_PHP])};
    } else if (r->type == VALUE_TLS) {
        f.value = (struct cyaml_schema_value){
            CYAML_VALUE_MAPPING(MAYBE_NULL, struct raw_tls, s->fields[SECTION_TLS])};
    } else if (r->type == VALUE_LIMITS) {
        f.value = (struct cyaml_schema_value){
            CYAML_VALUE_MAPPING(MAYBE_NULL, struct raw_limits, s->fields[SECTION_LIMITS])};
    } else if (r->type == VALUE_VHOSTS) {
        f.value = list_value(&s->vhost, sizeof(struct raw_vhost));
    } else if (r->shape == ROW_LIST) {
        f.value = list_value(&s->text, sizeof(char *));
    } else {
        f.value = (struct cyaml_schema_value){
            CYAML_VALUE_STRING(CYAML_FLAG_POINTER | OPTIONAL, char *, 0, CYAML_UNLIMITED)};
    }
    if (f.value.type == CYAML_SEQUENCE) {
        f.data_offset += (uint32_t)offsetof(struct raw_list, v);
        f.count_offset = (uint32_t)(r->offset + offsetof(struct raw_list, n));
        f.count_size = sizeof(uint32_t);
    }
    return f;
}

_Static_assert(offsetof(struct raw_list, v) == offsetof(struct raw_vhosts, v) &&
                   offsetof(struct raw_list, n) == offsetof(struct raw_vhosts, n),
               "both kinds of list have their parts in the same places");

static const struct schema *
schema(void)
{
    static struct schema s;
    size_t n[SECTION_LIMITS + 1] = {0};

    if (s.top.mapping.fields)
        return &s;
    s.text = (struct cyaml_schema_value){
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED)};
    s.vhost = (struct cyaml_schema_value){
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_vhost, s.fields[SECTION_VHOST])};
    for (const struct row *r = rows; r < rows + ROWS && r->section <= SECTION_LIMITS; r++)
        s.fields[r->section][n[r->section]++] = field(&s, r);
    s.top = (struct cyaml_schema_value){
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_main, s.fields[SECTION_MAIN])};
    return &s;
}

const char *
raw_load(struct span bytes, struct raw_main **out)
{
    cyaml_data_t *data = NULL;
    cyaml_err_t rc = cyaml_load_data((const uint8_t *)bytes.p, bytes.n, &config, &schema()->top,
                                     &data, NULL);

    if (rc != CYAML_OK)
        return cyaml_strerror(rc);
    *out = data;
    return NULL;
}

void
raw_free(struct raw_main **raw)
{
    if (*raw)
        cyaml_free(&config, &schema()->top, *raw, 0);
    *raw = NULL;
}
