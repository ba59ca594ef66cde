/* A directory of its own for a test: files written from templates, all gone at the end. */
#ifndef HOSTEL_TESTS_CONF_SCRATCH_H
#define HOSTEL_TESTS_CONF_SCRATCH_H

#include "hostel/base/mem.h"
#include "hostel/conf/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[64];

/* Owned: text with every $D as the directory. */
static inline char *
scratch_text(const char *text)
{
    char *out = mem_str("");
    const char *at;

    while ((at = strstr(text, "$D"))) {
        char *more = mem_fmt("%s%.*s%s", out, (int)(at - text), text, scratch_dir);

        free(out);
        out = more;
        text = at + 2;
    }
    at = out;
    out = mem_fmt("%s%s", at, text);
    free((char *)(uintptr_t)at);
    return out;
}

/* Write a file below the directory; text NULL = none. */
static inline void
scratch_write(const char *name, const char *text)
{
    char *path = mem_fmt("%s/%s", scratch_dir, name), *body;
    FILE *f;

    unlink(path);
    if (text) {
        body = scratch_text(text);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(body, 1, strlen(body), f), strlen(body));
        fclose(f);
        assert_int_equal(chmod(path, 0644), 0);
        free(body);
    }
    free(path);
}

static inline int
scratch_mkdir(const char *name)
{
    char *path = mem_fmt("%s/%s", scratch_dir, name);
    int rc = mkdir(path, 0755);

    free(path);
    return rc;
}

/* The directory, with www/, vhosts.d/ and an executable php in it. */
static inline int
scratch_start(void **state)
{
    char *php;

    (void)state;
    snprintf(scratch_dir, sizeof(scratch_dir), "/tmp/hostel-conf-XXXXXX");
    if (!mkdtemp(scratch_dir) || chmod(scratch_dir, 0755) < 0 || scratch_mkdir("www") < 0 ||
        scratch_mkdir("vhosts.d") < 0)
        return -1;
    scratch_write("php", "#!/bin/sh\n");
    scratch_write("plain", "");
    php = scratch_text("$D/php");
    if (chmod(php, 0755) < 0)
        return -1;
    free(php);
    return 0;
}

static inline int
scratch_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int
scratch_stop(void **state)
{
    (void)state;
    return nftw(scratch_dir, scratch_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* Load the main file $D/hostel.yaml as root would. */
static inline int
scratch_load(struct conf **c, struct conf_errors *errors)
{
    char *path = scratch_text("$D/hostel.yaml");
    int rc = conf_load(path, true, c, errors);

    free(path);
    return rc;
}

#endif
