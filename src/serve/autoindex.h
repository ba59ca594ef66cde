/*
 * A directory without an index file, as a page for people or as JSON for programs. Floor 5;
 * worker.
 *
 * The page works without scripts: its column titles are links that sort ("?sort=name", "size"
 * or "time", "&order=asc" or "desc"); anything else in the query is not looked at. A visitor
 * who names application/json in Accept, and wants it more than text/html, gets an array of
 * objects: name, type ("file" or "directory"), size (files, bytes) and mtime (an HTTP date).
 * File names are bytes: in a link they stand exactly, as text what is no UTF-8 becomes U+FFFD.
 */
#ifndef SERVE_AUTOINDEX_H
#define SERVE_AUTOINDEX_H

#include "hostel/serve/exchange.h"
#include "resolve.h"

/*
 * Answer GET or HEAD; whole when this returns.
 *
 * in   path  as path_decode() gave it, ends with "/"
 * in   f     FOUND_LISTING; its fd is taken
 */
void autoindex_answer(struct exchange *x, struct span path, struct found *f);

#endif
