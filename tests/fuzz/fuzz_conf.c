/* Configurations: taken, or refused with at least one line that says why. */
#include "fuzz.h"
#include "hostel/base/fd.h"
#include "hostel/conf/model.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_errors errors = {0};
    struct conf *conf = NULL;
    char path[32];
    int rc, fd = memfd_create("conf", MFD_CLOEXEC);

    must(write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    rc = conf_load(path, size % 2, &conf, &errors);
    must(rc == 0 ? conf && errors.n == 0 : !conf && errors.n > 0);
    for (size_t i = 0; i < errors.n; i++)
        for (const char *p = errors.lines[i]; *p; p++)
            must(*p != '\n' && *p != '\r' && *p != '\033');
    conf_errors_done(&errors);
    conf_free(&conf);
    fd_close(&fd);
    return 0;
}
