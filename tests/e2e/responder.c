/*
 * A FastCGI responder made with the devkit, as a user would write one: says what it was told and
 * what it got, and does what the query asks. tests/e2e/test_upstream.py builds and runs it.
 */
#include <fcgi_config.h>
#include <fcgi_stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

int
main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    umask(077);
    close(0); /* where the devkit looks for its socket */
    if (FCGX_Init() != 0 || FCGX_OpenSocket(argv[1], 64) != 0)
        return 1;
    while (FCGI_Accept() >= 0) {
        const char *query = getenv("QUERY_STRING"), *length = getenv("CONTENT_LENGTH");
        unsigned long n = length ? strtoul(length, NULL, 10) : 0, got = 0, sum = 0;
        int c;

        while (got < n && (c = getchar()) != EOF) {
            got++;
            sum = sum * 31 + (unsigned char)c;
        }
        if (query && strcmp(query, "sleep") == 0)
            sleep(4);
        if (query && strcmp(query, "die") == 0)
            _exit(3);
        if (query && strcmp(query, "moved") == 0)
            printf("Status: 307 Elsewhere\r\nLocation: /there\r\n");
        printf("Content-Type: text/plain\r\n\r\nuid %u\nbody %lu %lu\n", (unsigned)getuid(), got,
               sum);
        for (char **e = environ; *e; e++)
            printf("%s\n", *e);
        if (query && strcmp(query, "big") == 0)
            for (unsigned i = 0; i < 1 << 20; i++)
                printf("%016u", i);
        if (query && strcmp(query, "errors") == 0)
            fprintf(stderr, "the responder complains\n");
    }
    return 0;
}
