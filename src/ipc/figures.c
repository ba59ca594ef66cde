/* Snapshots of numbers in a sealed memfd. Floor 2. */
#include "hostel/ipc/figures.h"
#include "hostel/base/fd.h"
#include "hostel/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static void
put_values(struct writer *w, const uint64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_u64(w, v[i]);
}

static void
get_values(struct reader *r, uint64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = get_u64(r);
}

void
figures_put_server(struct writer *w, const struct figures_server *f)
{
    put_values(w, f->value, SERVER_FIGURES);
}

void
figures_put_user(struct writer *w, const struct figures_user *f)
{
    put_u8(w, 1);
    put_span(w, f->name);
    put_u32(w, f->gid);
    put_values(w, f->value, USER_FIGURES);
    put_values(w, f->counters.value, COUNTERS);
    put_values(w, f->counters.time, COUNTERS_CLASSES);
}

void
figures_put_certificate(struct writer *w, const struct figures_certificate *f)
{
    put_u8(w, 1);
    put_span(w, f->vhost);
    put_span(w, f->user);
    put_u64(w, f->until);
}

void
figures_put_end(struct writer *w)
{
    put_u8(w, 0);
}

int
figures_seal(const struct buf *b, int *memfd)
{
    int fd = memfd_create("hostel-figures", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct span rest = buf_span(b);
    int rc = fd < 0 ? -errno : 0;

    while (rc == 0 && rest.n > 0) {
        ssize_t n = write(fd, rest.p, rest.n);

        if (n < 0 && errno != EINTR)
            rc = -errno;
        rest = span_skip(rest, n > 0 ? (size_t)n : 0);
    }
    if (rc == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        rc = -errno;
    if (rc < 0)
        fd_close(&fd);
    else
        *memfd = fd;
    return rc;
}

/* --- the reader's side ----------------------------------------------------------------------
 */

static void
get_user(struct reader *r, struct figures_user *f)
{
    f->name = get_span(r, FIGURES_NAME_MAX);
    f->gid = get_u32(r);
    f->twin = false;
    get_values(r, f->value, USER_FIGURES);
    get_values(r, f->counters.value, COUNTERS);
    get_values(r, f->counters.time, COUNTERS_CLASSES);
}

static void
get_certificate(struct reader *r, struct figures_certificate *f)
{
    f->vhost = get_span(r, FIGURES_NAME_MAX);
    f->user = get_span(r, FIGURES_NAME_MAX);
    f->until = get_u64(r);
}

/* ret  room for the nth of an array that doubles: 0, 1, 3, 7, ... */
static void *
room_for(void *array, uint32_t nth, size_t size)
{
    return nth & (nth + 1) ? array : mem_grow(array, (2 * (size_t)nth + 1) * size);
}

static int
read_all(struct figures *f)
{
    struct reader r = {f->map, 0};

    get_values(&r, f->server.value, SERVER_FIGURES);
    while (get_u8(&r) && !r.error && f->nusers < FIGURES_ROWS_MAX) {
        f->users = room_for(f->users, f->nusers, sizeof(*f->users));
        get_user(&r, &f->users[f->nusers++]);
    }
    while (get_u8(&r) && !r.error && f->ncertificates < FIGURES_ROWS_MAX) {
        f->certificates = room_for(f->certificates, f->ncertificates, sizeof(*f->certificates));
        get_certificate(&r, &f->certificates[f->ncertificates++]);
    }
    return reader_end(&r);
}

static int
by_name(const void *a, const void *b)
{
    struct span x = (*(struct figures_user *const *)a)->name;
    struct span y = (*(struct figures_user *const *)b)->name;
    int order = memcmp(x.p ? x.p : "", y.p ? y.p : "", x.n < y.n ? x.n : y.n);

    return order ? order : x.n < y.n ? -1 : x.n > y.n;
}

/* A user whose sites have different groups has a room for each of them. */
static void
find_twins(struct figures *f)
{
    struct figures_user **order = mem_new_array(f->nusers, sizeof(struct figures_user *));

    for (uint32_t i = 0; i < f->nusers; i++)
        order[i] = &f->users[i];
    if (f->nusers)
        qsort(order, f->nusers, sizeof(struct figures_user *), by_name);
    for (uint32_t i = 1; i < f->nusers; i++)
        if (span_eq(order[i]->name, order[i - 1]->name))
            order[i]->twin = order[i - 1]->twin = true;
    free(order);
}

int
figures_open(int memfd, struct figures **out)
{
    struct figures *f;
    struct stat st;
    void *map;
    int rc;

    if (fcntl(memfd, F_GET_SEALS) != SEALS || fstat(memfd, &st) < 0 || st.st_size <= 0 ||
        st.st_size > FIGURES_BYTES_MAX)
        return -EBADMSG;
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, memfd, 0);
    if (map == MAP_FAILED)
        return -errno;
    f = mem_new(sizeof(*f));
    f->map = span_of(map, (size_t)st.st_size);
    rc = read_all(f);
    if (rc < 0) {
        figures_close(&f);
        return rc;
    }
    find_twins(f);
    *out = f;
    return 0;
}

void
figures_close(struct figures **f)
{
    if (!*f)
        return;
    (void)munmap((void *)(uintptr_t)(*f)->map.p, (*f)->map.n);
    free((*f)->users);
    free((*f)->certificates);
    free(*f);
    *f = NULL;
}
