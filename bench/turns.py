"""
Turns: servers that run all at once are measured in short slices, one after the other, round after
round. A machine that is slower for a second is so for all of them, and what two servers have in
common in a round drops out of their ratio of that round. So ratios are medians over rounds.
"""
import statistics

import load

LOST_MAX = 3   # failed slices, after which a server has no more turns


class Player:
    """One server's part. slice(): a dict of its figures, or one of load.FAILURES."""

    def __init__(self, name, slice_):
        self.name, self.slice, self.lost = name, slice_, 0
        self.row = {"rounds": [], "wrong": ""}

    def turn(self, number):
        try:
            self.row["rounds"].append({"round": number, **self.slice()})
        except load.FAILURES as e:
            self.lost += 1
            self.row["wrong"] = load.failure(e)


def play(players, rounds):
    """Each round another begins, and every other one goes the other way round."""
    for number in range(rounds):
        left = [p for p in players if p.lost < LOST_MAX]
        first = number % max(len(left), 1)
        order = left[first:] + left[:first]
        for p in reversed(order) if number % 2 else order:
            p.turn(number)


def middle(rounds, key="per_cpu"):
    """The median slice; None without any."""
    return statistics.median(r[key] for r in rounds) if rounds else None


def ratios(mine, theirs, key="per_cpu"):
    """Mine / theirs, of each round that both have."""
    other = {r["round"]: r[key] for r in theirs}
    return [r[key] / other[r["round"]] for r in mine if other.get(r["round"])]


def quartiles(values):
    """(lower, median, upper)"""
    if len(values) < 2:
        return (values[0],) * 3
    return tuple(statistics.quantiles(values, n=4, method="inclusive"))
