/* What is asked about the directives. Floor 2; supervisor. */
#include "rows.h"

#include "hostel/base/text.h"

const char *
row_key(const struct row *r)
{
    const char *dot = strchr(r->name, '.');

    return dot ? dot + 1 : r->name;
}

const struct row *
rows_of(enum section section)
{
    const struct row *r = rows;

    while (r->section != section)
        r++;
    return r;
}

const struct row *
row_find(enum section section, const char *key)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].section == section && strcmp(row_key(&rows[i]), key) == 0)
            return &rows[i];
    return NULL;
}

const char *
row_nearest(enum section section, const char *key)
{
    const char *keys[ROWS + 1];
    size_t n = 0;

    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].section == section)
            keys[n++] = row_key(&rows[i]);
    keys[n] = NULL;
    return text_nearest(key, keys);
}

void
row_summary(const struct row *r, struct buf *out)
{
    static const char *const types[][2] = {
        [VALUE_NUMBER] = {"number"},
        [VALUE_TIME] = {"time (ms s m h d)"},
        [VALUE_SIZE] = {"size (k m g)"},
        [VALUE_BOOL] = {"true or false"},
        [VALUE_PATH] = {"absolute path", "list of absolute paths"},
        [VALUE_CGROUP] = {"auto, off or absolute path"},
        [VALUE_LOG] = {"absolute path, syslog:, - or off"},
        [VALUE_FORMAT] = {"combined, common, json or text"},
        [VALUE_ADDRESS] = {"address", "list of addresses"},
        [VALUE_HOST] = {"host name", "list of host names"},
        [VALUE_ACCOUNT] = {"name or number"},
        [VALUE_INDEX] = {"file name", "list of file names"},
        [VALUE_WATCHED] = {"path", "list of paths"},
        [VALUE_GLOB] = {"pattern", "pattern or list of patterns"},
        [VALUE_WORD] = {"one of"},
        [VALUE_PAGE] = {"path in the site"},
        [VALUE_PATTERN] = {"pattern"},
        [VALUE_STATUSES] = {"statuses"},
        [VALUE_ERRORS] = {"statuses of errors"},
        [VALUE_HEADER] = {"`Name: value`"},
        [VALUE_NAME] = {"name of a header field"},
        [VALUE_TARGET] = {"path or URL"},
        [VALUE_REALM] = {"text"},
        [VALUE_NET] = {"network", "list of networks"},
        [VALUE_MEDIA] = {"media type"},
        [VALUE_REWRITE] = {"path in the site"},
        [VALUE_VARIABLE] = {"name of a variable"},
        [VALUE_TEXT] = {"text"},
        [VALUE_APP] = {"name of a preset"},
        [VALUE_SOCKET] = {"path of a socket"},
        [VALUE_NEAR] = {"loopback address or path of a socket",
                        "loopback address, path of a socket, or list of them"},
        [VALUE_PREFIX] = {"pattern"},
        [VALUE_VHOSTS] = {"list of vhosts"},
        [VALUE_TLS] = {"mapping"},
        [VALUE_PHP] = {"mapping"},
        [VALUE_LIMITS] = {"mapping"},
        [VALUE_LISTEN] = {"list of addresses"},
        [VALUE_ENV] = {"mapping"},
        [VALUE_DEFINE] = {"mapping"},
        [VALUE_HEADERS] = {"list of mappings"},
        [VALUE_REDIRECTS] = {"list of mappings"},
        [VALUE_AUTH] = {"mapping or list of mappings"},
        [VALUE_EXPIRES] = {"mapping"},
        [VALUE_ERROR_PAGES] = {"mapping"},
        [VALUE_PATHS] = {"list of mappings"},
        [VALUE_REWRITES] = {"list of mappings"},
        [VALUE_PARAMS] = {"mapping"},
        [VALUE_FASTCGI] = {"mapping or list of mappings"},
    };
    bool list = r->shape != ROW_ONE;

    buf_add_str(out, types[r->type][list]);
    if (r->words)
        buf_addf(out, " %s", r->words);
    if (r->unit)
        buf_addf(out, " of %s", r->unit);
    if (r->min)
        buf_addf(out, ", %s..%s%s", r->min, r->max,
                 list || r->type == VALUE_LISTEN ? " items" : "");
    if (r->required)
        buf_add_str(out, ", required");
    else
        buf_addf(out, ", default %s", r->preset ? r->preset : r->preset_note);
}
