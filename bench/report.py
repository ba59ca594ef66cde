"""The figures of a run as Markdown."""
import statistics

HOSTEL, ITK = "hostel", "apache-itk"
# case: what must be reached, as (share, of whom); "best" is the best peer that is no floor
BARS = {
    "keep-1k": [(0.80, "floor"), (1.15, "best")],
    "fresh-1k": [(0.95, "floor"), (1.0, "best")],
    "keep-10k": [(1.0, "best")], "keep-100k": [(1.0, "best")], "keep-1m": [(1.0, "best")],
    "keep-100m": [(1.0, "best")],
    "php-hello": [(1.0, "apache-prefork"), (1.0, "best")],
    "php-hello-fresh": [(1.0, "apache-prefork"), (1.0, "best")],
    "php-2ms": [(1.0, "apache-prefork"), (1.0, "best")],
    "php-2ms-fresh": [(1.0, "apache-prefork"), (1.0, "best")],
}


def number(x):
    return f"{x:,.0f}" if x >= 100 else f"{x:.2f}"


def medians(case):
    """peer -> the median of its rounds, of peers that had a right one."""
    return {name: statistics.median(r[case["unit"]] for r in row["rounds"])
            for name, row in case["peers"].items() if row["rounds"]}


def best(middle):
    rest = {n: v for n, v in middle.items() if not n.startswith(("floor", HOSTEL))}
    return max(rest, key=rest.get) if rest else None


def case_table(case):
    unit = "MB/CPU-s" if case["unit"] == "mb_per_cpu" else "requests/CPU-s"
    lines = [f"### {case['name']}: {case['what']}", "",
             f"| server | {unit} | min-max | requests/s | p50 us | p99 us | "
             "system calls | errors |", "|---|---:|---:|---:|---:|---:|---:|---:|"]
    middle = medians(case)
    for name, row in sorted(case["peers"].items(), key=lambda r: -middle.get(r[0], 0)):
        if name not in middle:
            lines.append(f"| {name} | {row['wrong']} | | | | | | |")
            continue
        values = [r[case["unit"]] for r in row["rounds"]]
        paced, calls = row.get("latency") or {}, row.get("syscalls") or {}
        errors = str(sum(r["errors"] for r in row["rounds"]))
        lines.append("| " + " | ".join([
            name, number(middle[name]), f"{number(min(values))}-{number(max(values))}",
            number(statistics.median(r["rate"] for r in row["rounds"])),
            *(number(paced[k]) if k in paced else "" for k in ("p50_us", "p99_us")),
            f"{calls['per_request']:.1f}" if calls else "",
            f"{errors} {row['wrong']}".strip()]) + " |")
    return lines + [""]


def summary(results):
    """One row for each case, one column for each server: medians."""
    if not results["cases"]:
        return []
    names = list(dict.fromkeys(n for c in results["cases"] for n in c["peers"]))
    lines = ["| case | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for case in results["cases"]:
        middle = medians(case)
        lines.append(f"| {case['name']} | " + " | ".join(
            number(middle[n]) if n in middle else "" for n in names) + " |")
    return ["### Medians: requests (keep-100m: MB) per CPU-second of the server", "",
            *lines, ""]


def bar_lines(results):
    lines = ["### Bars", "", "| case | bar | measured | |", "|---|---|---:|---|"]
    cases = {c["name"]: c for c in results["cases"]}

    def row(case, bar, value, good):
        lines.append(f"| {case} | {bar} | {value:.2f} | "
                     f"{'reached' if good else '**not reached**'} |")

    for name, bars in BARS.items():
        middle = medians(cases[name]) if name in cases else {}
        for share, other in dict.fromkeys(
                (share, best(middle) if whom == "best" else whom) for share, whom in bars):
            if HOSTEL in middle and other in middle:
                ratio = middle[HOSTEL] / middle[other]
                row(name, f"{share:.2f} of {other}", ratio, ratio >= share)
    middle = medians(cases["fresh-1k"]) if "fresh-1k" in cases else {}
    if "hostel-one" in middle and best(middle):
        ratio = middle["hostel-one"] / middle[best(middle)]
        row("fresh-1k, one user", f"1.20 of {best(middle)}", ratio, ratio >= 1.2)
    if HOSTEL in middle and "turns-fresh" in cases:
        turns = medians(cases["turns-fresh"])
        if HOSTEL in turns:
            ratio = turns[HOSTEL] / middle[HOSTEL]
            row("turns-fresh", "0.97 of one user", ratio, ratio >= 0.97)
    for name, case in cases.items():
        middle = medians(case)
        if HOSTEL in middle and ITK in middle:
            lines.append(f"| {name} | Hostel / mpm-itk | {middle[HOSTEL] / middle[ITK]:.1f} | |")
    return lines + bare_bars(results) + idle_bars(results) + users_bars(results) + [""]


def bare_bars(results):
    r = results.get("php-bare", {}).get(HOSTEL)
    if not r or "wrong" in r:
        return []
    return [f"| php-bare | at most 15 % more CPU than php-cgi alone: {r['bare']:,.0f} "
            f"| {r['overhead'] * 100:.0f} % | "
            f"{'reached' if r['overhead'] <= 0.15 else '**not reached**'} |"]


def idle_bars(results):
    each = {n: r["bytes_per_connection"] for n, r in results.get("idle", {}).items()
            if "wrong" not in r}
    rest = {n: v for n, v in each.items() if n != HOSTEL}
    if HOSTEL not in each or not rest:
        return []
    least = min(rest, key=rest.get)
    good = "reached" if each[HOSTEL] < rest[least] else "**not reached**"
    return [f"| idle | fewer bytes than {least}: {rest[least]:.0f} | {each[HOSTEL]:.0f} | {good} |"]


def users_bars(results):
    """The bars are those of 1000 users; with fewer the figures per user are held to them."""
    r = results.get("users", {}).get(HOSTEL)
    if not r or "wrong" in r:
        return []
    n, php = r["users"], r["pss_php_kib"] - r["pss_static_kib"]
    rows = [("KiB of a started worker", "under 400",
             (r["pss_static_kib"] - r["pss_idle_kib"]) / n, 400),
            ("cold static answer, ms", "under 5", r["static"]["p50_ms"], 5),
            ("all hit once, MiB per 1000", "under 400", r["pss_static_kib"] / n * 1000 / 1024, 400),
            ("MiB of a user's PHP", "under 7", php / n / 1024, 7),
            ("errors", "none", r["static"]["errors"] + r["php"]["errors"], 0.5)]
    ratio = r["round_robin"]["per_cpu"] / r["one_user"]["per_cpu"]
    lines = [f"| {n} users: {what} | {bar} | {value:.2f} | "
             f"{'reached' if value < limit else '**not reached**'} |"
             for what, bar, value, limit in rows]
    return lines + [f"| {n} users: round robin | 0.90 of one user | {ratio:.2f} | "
                    f"{'reached' if ratio >= 0.9 else '**not reached**'} |"]


def idle_table(results):
    if not results.get("idle"):
        return []
    lines = ["### idle: kept connections that ask for nothing", "",
             "| server | PSS KiB before | with them | still open | bytes each |",
             "|---|---:|---:|---:|---:|"]
    for name, r in results["idle"].items():
        lines.append(f"| {name} | {r['wrong']} | | | |" if "wrong" in r else
                     f"| {name} | {r['pss_before_kib']:,} | {r['pss_after_kib']:,} | {r['open']:,} "
                     f"| {r['bytes_per_connection']:,.0f} |")
    return lines + [""]


def users_table(results):
    if not results.get("users"):
        return []
    lines = ["### users: many of them", "",
             "| server | users | start s | PSS MiB idle | each hit once | each one PHP hit | "
             "PHP idle again | cold static ms (max) | cold PHP ms (max) | round robin | "
             "one user | errors |", "|---|" + "---:|" * 11]
    for name, r in results["users"].items():
        if "wrong" in r:
            lines.append(f"| {name} | {r['wrong']} |" + " |" * 10)
            continue
        mib = [f"{r[k] / 1024:.1f}" for k in
               ("pss_idle_kib", "pss_static_kib", "pss_php_kib", "pss_php_over_kib")]
        cold = [f"{r[k]['p50_ms']:.1f} ({r[k]['max_ms']:.0f})" for k in ("static", "php")]
        rates = [number(r[k]["per_cpu"]) for k in ("round_robin", "one_user")]
        lines.append("| " + " | ".join(
            [name, str(r["users"]), f"{r['start_s']:.2f}", *mib, *cold, *rates,
             str(r["static"]["errors"] + r["php"]["errors"])]) + " |")
    return lines + [""]


def markdown(results):
    lines = [f"{results['machine']}; load average {results['load'][0]:.1f} at the start; "
             f"{results['rounds']} interleaved rounds of {results['seconds']} s.", "",
             ", ".join(f"{n} {v}" for n, v in results["versions"].items()), ""]
    lines += summary(results) + bar_lines(results)
    for case in results["cases"]:
        lines += case_table(case)
    return "\n".join(lines + idle_table(results) + users_table(results))
