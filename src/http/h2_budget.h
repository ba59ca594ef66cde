/*
 * A budget for what costs and moves nothing: frames that a well-behaved visitor sends now and
 * then, and that as a flood are an attack. Floor 4; worker.
 *
 * What a frame costs is its row in h2_budget.c; work that is done (requests answered, bytes
 * moved) and time pay it back. CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2025-8671.
 */
#ifndef HTTP_H2_BUDGET_H
#define HTTP_H2_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define H2_BUDGET_MAX        1000 /* as much as is saved up, and there at first */
#define H2_BUDGET_PER_SECOND 100

enum h2_cost {
    H2_COST_RESET,    /* a request that was taken back, or that we had to reset */
    H2_COST_REFUSED,  /* one too many at once: who has not read our SETTINGS yet cannot know */
    H2_COST_SETTINGS, /* each makes us answer */
    H2_COST_PING,
    H2_COST_PRIORITY, /* PRIORITY, PRIORITY_UPDATE */
    H2_COST_EMPTY,    /* DATA without bytes and without an end, CONTINUATION */
    H2_COST_WINDOW,   /* WINDOW_UPDATE */
    H2_COST_UNKNOWN,  /* frames of types that mean nothing */
    H2_COSTS,
};

struct h2_budget {
    int32_t left;
    uint64_t paid_ms; /* when time last paid */
};

void h2_budget_init(struct h2_budget *b, uint64_t now_ms);

/* ret  false: it is spent */
bool h2_budget_spend(struct h2_budget *b, enum h2_cost what, uint64_t now_ms);

/* A request was answered, or a frame of an answer's body was sent. */
void h2_budget_earn(struct h2_budget *b, int32_t points);

#endif
