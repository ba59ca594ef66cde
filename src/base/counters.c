/* What a process counts, and how it is read. Floor 0. */
#include "hostel/base/counters.h"
#include "hostel/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_NS 16000 /* the end of the first class */
#define PARTS    4     /* classes an octave */
#define SEALS    (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

static struct counters own;
struct counters *counters = &own;

static const struct {
    const char *shown;
    bool level;
} table[COUNTERS] = {
#define COUNTER_ROW(name, shown, level) {shown, level},
    COUNTER_TABLE(COUNTER_ROW)
#undef COUNTER_ROW
};

const char *
counter_name(enum counter c)
{
    return table[c].shown;
}

bool
counter_is_level(enum counter c)
{
    return table[c].level;
}

/* --- times ----------------------------------------------------------------------------------
 */

/* 0: below FIRST_NS; then PARTS classes for each doubling. */
static unsigned
class_of(uint64_t ns)
{
    uint64_t n = ns / (FIRST_NS / PARTS); /* PARTS..2*PARTS-1 in the first octave */
    unsigned octave, class;

    if (n < PARTS)
        return 0;
    octave = 63 - (unsigned)__builtin_clzll(n) - 2; /* log2(PARTS) is 2 */
    class = 1 + octave * PARTS + (unsigned)((n >> octave) - PARTS);
    return class < COUNTERS_CLASSES ? class : COUNTERS_CLASSES - 1;
}

/* Where a class ends, in ns. */
static uint64_t
end_of(unsigned class)
{
    unsigned octave = class ? (class - 1) / PARTS : 0, part = class ? (class - 1) % PARTS : 0;

    if (class == 0)
        return FIRST_NS;
    return ((uint64_t)(PARTS + part + 1) << octave) * (FIRST_NS / PARTS);
}

void
count_time(uint64_t ns)
{
    counters->time[class_of(ns)]++;
    counters->value[COUNT_TIME_US] += ns / 1000;
}

uint64_t
counters_time_us(const struct counters *c, unsigned percent)
{
    uint64_t all = 0, want, seen = 0;

    for (unsigned i = 0; i < COUNTERS_CLASSES; i++)
        all += c->time[i];
    if (all == 0)
        return 0;
    want = all / 100 * percent + (all % 100 * percent + 99) / 100;
    for (unsigned i = 0; i < COUNTERS_CLASSES; i++) {
        seen += c->time[i];
        if (seen >= want)
            return end_of(i) / 1000;
    }
    return end_of(COUNTERS_CLASSES - 1) / 1000;
}

uint64_t
counters_within_us(const struct counters *c, uint64_t us)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < COUNTERS_CLASSES && end_of(i) <= us * 1000; i++)
        n += c->time[i];
    return n;
}

/* --- pages ----------------------------------------------------------------------------------
 */

int
counters_use(int fd)
{
    void *page = mmap(NULL, COUNTERS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (page == MAP_FAILED)
        return -errno;
    counters = page;
    return 0;
}

int
counters_make(int *fd, const struct counters **page)
{
    int memfd = memfd_create("hostel-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *map = MAP_FAILED;
    int rc = 0;

    /* a page that could be cut short would end whoever reads it */
    if (memfd < 0 || ftruncate(memfd, COUNTERS_BYTES) < 0 ||
        fcntl(memfd, F_ADD_SEALS, SEALS) < 0 ||
        (map = mmap(NULL, COUNTERS_BYTES, PROT_READ, MAP_SHARED, memfd, 0)) == MAP_FAILED)
        rc = -errno;
    if (rc < 0) {
        fd_close(&memfd);
        return rc;
    }
    (void)madvise(map, COUNTERS_BYTES, MADV_DONTFORK); /* no child wants them all */
    *fd = memfd;
    *page = map;
    return 0;
}

void
counters_unmap(const struct counters **page)
{
    if (*page)
        (void)munmap((void *)(uintptr_t)*page, COUNTERS_BYTES);
    *page = NULL;
}

static void
add(struct counters *sum, const struct counters *page, bool levels)
{
    if (!page)
        return;
    for (unsigned i = 0; i < COUNTERS; i++)
        if (levels || !table[i].level)
            sum->value[i] += __atomic_load_n(&page->value[i], __ATOMIC_RELAXED);
    for (unsigned i = 0; i < COUNTERS_CLASSES; i++)
        sum->time[i] += __atomic_load_n(&page->time[i], __ATOMIC_RELAXED);
}

void
counters_add(struct counters *sum, const struct counters *page)
{
    add(sum, page, true);
}

void
counters_add_past(struct counters *sum, const struct counters *page)
{
    add(sum, page, false);
}
