/*
 * The php sections of all vhosts. Ten thousand sites that say the same have one together.
 * Floor 2; supervisor.
 */
#include "php.h"

#include "hostel/base/mem.h"

#include <search.h>
#include <stdlib.h>

static int
number_order(uint64_t a, uint64_t b)
{
    return a == b ? 0 : a < b ? -1 : 1;
}

static int
list_order(char *const *a, char *const *b)
{
    int order = 0;

    while (*a && *b && order == 0)
        order = strcmp(*a++, *b++);
    return order ? order : (*a != NULL) - (*b != NULL);
}

int
conf_php_order(const struct conf_php *a, const struct conf_php *b)
{
    const uint64_t numbers[][2] = {{a->processes, b->processes},
                                   {a->max_requests, b->max_requests},
                                   {a->idle_exit_ms, b->idle_exit_ms},
                                   {a->request_timeout_ms, b->request_timeout_ms},
                                   {a->queue, b->queue},
                                   {a->queue_timeout_ms, b->queue_timeout_ms}};
    int order = strcmp(a->command, b->command);

    for (size_t i = 0; order == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
        order = number_order(numbers[i][0], numbers[i][1]);
    if (order == 0)
        order = strcmp(a->ini ? a->ini : "", b->ini ? b->ini : "");
    if (order == 0)
        order = list_order(a->define, b->define);
    if (order == 0)
        order = list_order(a->env, b->env);
    return order ? order : list_order(a->restart_on, b->restart_on);
}

static int
order(const void *a, const void *b)
{
    return conf_php_order(a, b);
}

static void
list_free(char **list)
{
    for (char **s = list; *s; s++)
        free(*s);
    free(list);
}

static void
php_free(void *p)
{
    struct conf_php *php = p;

    free(php->command);
    free(php->ini);
    list_free(php->define);
    list_free(php->env);
    list_free(php->restart_on);
    free(php);
}

const struct conf_php *
php_share(struct conf *c, struct conf_php *php)
{
    struct conf_php **found = tsearch(php, &c->phps, order);

    if (!found)
        abort(); /* out of memory, as in mem.h */
    if (*found != php)
        php_free(php);
    return *found;
}

static char **
list_copy(char *const *list)
{
    size_t n = 0;
    char **copy;

    while (list[n])
        n++;
    copy = mem_new_array(n + 1, sizeof(*copy));
    for (size_t i = 0; i < n; i++)
        copy[i] = mem_str(list[i]);
    return copy;
}

const struct conf_php *
conf_php_with(struct conf *c, const struct conf_php *php, uint32_t processes)
{
    struct conf_php *other = mem_new(sizeof(*other));

    *other = *php;
    other->processes = processes;
    other->command = mem_str(php->command);
    other->ini = mem_str(php->ini);
    other->define = list_copy(php->define);
    other->env = list_copy(php->env);
    other->restart_on = list_copy(php->restart_on);
    return php_share(c, other);
}

void
phps_free(struct conf *c)
{
    tdestroy(c->phps, php_free);
    c->phps = NULL;
}
