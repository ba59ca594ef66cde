/* Who may say what, when: rows that must be refused beside rows that must pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hostel/ipc/table.h"

struct row {
    const char *why;
    uint16_t type;
    enum ipc_role from, to;
    enum ipc_phase phase;
    unsigned nfds;
    int allowed;
};

static const struct row rows[] = {
    {"an acceptor greets", MSG_HELLO, IPC_ACCEPTOR, IPC_SUPERVISOR, IPC_STARTING, 0, 1},
    {"a worker cannot greet as an acceptor", MSG_HELLO, IPC_WORKER, IPC_SUPERVISOR,
     IPC_STARTING, 0, 0},
    {"no second greeting", MSG_HELLO, IPC_ACCEPTOR, IPC_SUPERVISOR, IPC_SERVING, 0, 0},
    {"a greeting carries no descriptor", MSG_HELLO, IPC_ACCEPTOR, IPC_SUPERVISOR, IPC_STARTING,
     1, 0},
    {"an acceptor wants a user", MSG_USER_WANT, IPC_ACCEPTOR, IPC_SUPERVISOR, IPC_SERVING, 0,
     1},
    {"not before it is ready", MSG_USER_WANT, IPC_ACCEPTOR, IPC_SUPERVISOR, IPC_STARTING, 0, 0},
    {"STOP may cross it", MSG_USER_WANT, IPC_ACCEPTOR, IPC_SUPERVISOR, IPC_LEAVING, 0, 1},
    {"a worker wants no user", MSG_USER_WANT, IPC_WORKER, IPC_SUPERVISOR, IPC_SERVING, 0, 0},
    {"a worker gives the supervisor no vhost", MSG_VHOST, IPC_WORKER, IPC_SUPERVISOR,
     IPC_SERVING, 0, 0},
    {"a vhost at the start only", MSG_VHOST, IPC_SUPERVISOR, IPC_WORKER, IPC_SERVING, 0, 0},
    {"a log needs its descriptor", MSG_LOG, IPC_SUPERVISOR, IPC_WORKER, IPC_STARTING, 0, 0},
    {"connections: one", MSG_CONN, IPC_ACCEPTOR, IPC_WORKER, IPC_SERVING, 1, 1},
    {"connections: as many as fit", MSG_CONN, IPC_ACCEPTOR, IPC_WORKER, IPC_SERVING, 64, 1},
    {"connections: too many", MSG_CONN, IPC_ACCEPTOR, IPC_WORKER, IPC_SERVING, 65, 0},
    {"connections: none", MSG_CONN, IPC_ACCEPTOR, IPC_WORKER, IPC_SERVING, 0, 0},
    {"a worker sends no CONN back", MSG_CONN, IPC_WORKER, IPC_ACCEPTOR, IPC_SERVING, 1, 0},
    {"a worker hands one back", MSG_CONN_BACK, IPC_WORKER, IPC_ACCEPTOR, IPC_SERVING, 1, 1},
    {"not two", MSG_CONN_BACK, IPC_WORKER, IPC_ACCEPTOR, IPC_SERVING, 2, 0},
    {"not to the supervisor", MSG_CONN_BACK, IPC_WORKER, IPC_SUPERVISOR, IPC_SERVING, 1, 0},
    {"the metrics ask for numbers", MSG_FIGURES_WANT, IPC_METRICS, IPC_SUPERVISOR, IPC_SERVING,
     0, 1},
    {"not an acceptor", MSG_FIGURES_WANT, IPC_ACCEPTOR, IPC_SUPERVISOR, IPC_SERVING, 0, 0},
    {"numbers are in a memfd", MSG_FIGURES, IPC_SUPERVISOR, IPC_METRICS, IPC_SERVING, 0, 0},
    {"the metrics have no say in users", MSG_USER_WANT, IPC_METRICS, IPC_SUPERVISOR,
     IPC_SERVING, 0, 0},
    {"type 0 is nothing", 0, IPC_WORKER, IPC_SUPERVISOR, IPC_SERVING, 0, 0},
    {"the last type is nothing", 65535, IPC_WORKER, IPC_SUPERVISOR, IPC_SERVING, 0, 0},
};

static void
permits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        int allowed = ipc_permit(r->type, r->from, r->to, r->phase, r->nfds) != NULL;

        if (allowed != r->allowed)
            fail_msg("%s", r->why);
    }
}

static void
ids_are_unique_and_named(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 65536; type++) {
        const struct ipc_row *row = ipc_row((uint16_t)type);

        if (row) {
            assert_int_equal(row->type, type);
            assert_non_null(row->name);
            assert_true(row->fds_min <= row->fds_max && row->fds_max <= IPC_FDS_MAX);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(permits),
                                       cmocka_unit_test(ids_are_unique_and_named)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
