/*
 * What every attack program shares. Each takes the name of an attack and its arguments, tries
 * it once, and says one line:
 *
 *     GOT what
 *     DENIED errno NAME
 *
 * exit 0 = it got what it wanted, 10 = denied, 20 = it could not even be tried.
 * Linked statically, so that it also runs in an empty root directory.
 */
#ifndef REGAIN_ATTACK_H
#define REGAIN_ATTACK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_GOT = 0, EXIT_DENIED = 10, EXIT_BROKEN = 20 };

struct attack {
    const char *name;
    int (*run)(char **args); /* >= 0: got it; -errno: denied */
    int nargs;
};

static inline int
result(long rc)
{
    return rc < 0 ? -errno : 0;
}

static inline int
attack_main(const struct attack *attacks, size_t n, int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < n; i++) {
        int rc;

        if (strcmp(attacks[i].name, argv[1]) != 0)
            continue;
        if (argc - 2 != attacks[i].nargs)
            break;
        rc = attacks[i].run(argv + 2);
        if (rc >= 0) {
            printf("GOT %s\n", argv[1]);
            return EXIT_GOT;
        }
        printf("DENIED %d %s\n", -rc, strerrorname_np(-rc) ? strerrorname_np(-rc) : "?");
        return EXIT_DENIED;
    }
    fprintf(stderr, "no such attack, or not its arguments\n");
    return EXIT_BROKEN;
}

#define ATTACK_MAIN(attacks)                                                                   \
    int main(int argc, char **argv)                                                            \
    {                                                                                          \
        return attack_main(attacks, sizeof(attacks) / sizeof((attacks)[0]), argc, argv);       \
    }

#endif
