/* The budget of an HTTP/2 session. Floor 4; worker. */
#include "h2_budget.h"

/*
 * In points. A browser that shows a page and is told to stop takes back some dozens of requests
 * at once, a hundred at most: hence a whole budget pays for 250. A download pays for itself:
 * each DATA frame earns what the two WINDOW_UPDATEs cost that a visitor may send for it.
 */
static const int32_t costs[H2_COSTS] = {
    [H2_COST_RESET] = 4,  [H2_COST_REFUSED] = 2,  [H2_COST_SETTINGS] = 20,
    [H2_COST_PING] = 5,   [H2_COST_PRIORITY] = 2, [H2_COST_EMPTY] = 5,
    [H2_COST_WINDOW] = 1, [H2_COST_UNKNOWN] = 5,
};

void
h2_budget_init(struct h2_budget *b, uint64_t now_ms)
{
    *b = (struct h2_budget){.left = H2_BUDGET_MAX, .paid_ms = now_ms};
}

void
h2_budget_earn(struct h2_budget *b, int32_t points)
{
    b->left = points > H2_BUDGET_MAX - b->left ? H2_BUDGET_MAX : b->left + points;
}

bool
h2_budget_spend(struct h2_budget *b, enum h2_cost what, uint64_t now_ms)
{
    uint64_t points = (now_ms - b->paid_ms) * H2_BUDGET_PER_SECOND / 1000;

    if (points > 0) {
        h2_budget_earn(b, points > H2_BUDGET_MAX ? H2_BUDGET_MAX : (int32_t)points);
        b->paid_ms = now_ms;
    }
    b->left -= costs[what];
    return b->left >= 0;
}
