/*
 * Where scripts were found not long ago: a path that leads to one is not looked up anew for
 * every request. Nothing is open here, and nothing that was not a script is remembered.
 * Floor 5; worker.
 */
#ifndef HOSTEL_SERVE_SCRIPTS_H
#define HOSTEL_SERVE_SCRIPTS_H

#include "resolve.h"

struct scripts; /* of one site */

/* ret  owned by the caller */
struct scripts *scripts_new(void);
/* NULL inside is fine; leaves NULL. */
void scripts_free(struct scripts **s);

/*
 * in   s     NULL: knows nothing
 * in   path  decoded
 * out  f     kind, name, fd, path_info (lent from path): on true only
 * ret  was a script there less than SCRIPTS_FRESH_MS ago?
 */
bool scripts_find(const struct scripts *s, struct span path, uint64_t now_ms, struct found *f);

#define SCRIPTS_FRESH_MS 450

/* Remember it, if it is a script; s may be NULL. */
void scripts_note(struct scripts *s, struct span path, uint64_t now_ms, const struct found *f);

#endif
