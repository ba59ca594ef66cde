/* Header fields that outlive those they were made from. Floor 5; worker. */
#ifndef SERVE_FIELDS_H
#define SERVE_FIELDS_H

#include "hostel/peek/field.h"

/* ret  n fields and their bytes, one allocation, owned by the caller: free() */
struct field *fields_copy(const struct field *fields, unsigned n);

#endif
