/* A configuration with nothing but defaults. Floor 2; supervisor. */
#include "hostel/conf/model.h"

#include "fill.h"

#include "hostel/base/mem.h"

#include <errno.h>
#include <unistd.h>

int
conf_defaults(struct conf **out)
{
    static const char source[] = "defaults";
    struct conf_errors errors = {0};
    struct raw_main raw = {0};
    struct conf *c = mem_new(sizeof(*c));
    size_t wrong;

    c->files = mem_new_array(2, sizeof(*c->files));
    c->switching = geteuid() == 0;
    c->files[0] = mem_str(source);
    fill_main(c, source, &raw, &errors);
    wrong = errors.n;
    conf_errors_done(&errors);
    if (wrong) {
        conf_free(&c);
        return -EINVAL;
    }
    *out = c;
    return 0;
}
