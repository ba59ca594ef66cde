/*
 * hostel-manual TEMPLATE PAGE: makes hostel.yaml(5) when Hostel is built; not installed.
 * Floor 7.
 */
#include "hostel/conf/model.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: hostel-manual TEMPLATE PAGE\n", stderr);
        return 2;
    }
    return conf_manual(argv[1], argv[2]) == 0 ? 0 : 1;
}
