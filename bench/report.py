"""The figures of a run as Markdown."""
import turns

HOSTEL, ITK = "hostel", "apache-itk"
MARK_FIRST, MARK_LAST = "<!-- figures: bench/run.sh --readme -->", "<!-- end of figures -->"
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
    "wordpress": [(1.0, "apache-prefork"), (1.0, "best")],
    "wordpress-fresh": [(1.0, "apache-prefork"), (1.0, "best")],
}


def number(x):
    return f"{x:,.0f}" if x >= 100 else f"{x:.2f}"


def bar(case, wanted, value, good, between=""):
    """One line of the bars' table. between: where half of the rounds lie"""
    return (f"| {case} | {wanted} | {value:.2f} | {between} | "
            f"{'reached' if good else '**not reached**'} |")


def ratio_bar(case, share, whom, mine, theirs, unit="per_cpu"):
    """A line for rounds beside another's rounds; none when they have no round in common."""
    found = turns.ratios(mine, theirs, unit)
    if not found:
        return []
    low, value, high = turns.quartiles(found)
    # no finer than it is printed, and than it holds from run to run
    return [bar(case, f"{share:.2f} of {whom}", value, round(value, 2) >= share,
                f"{low:.2f}-{high:.2f}")]


def medians(case):
    """peer -> its median slice, of peers that had a right one."""
    return {name: turns.middle(row["rounds"], case["unit"])
            for name, row in case["peers"].items() if row["rounds"]}


def best(middle):
    rest = {n: v for n, v in middle.items() if not n.startswith(("floor", HOSTEL))}
    return max(rest, key=rest.get) if rest else None


def case_table(case):
    unit = "MB/CPU-s" if case["unit"] == "mb_per_cpu" else "requests/CPU-s"
    lines = [f"### {case['name']}: {case['what']}", "",
             f"| server | {unit} | quartiles | min-max | requests/s | p50 us | p99 us | "
             "system calls | errors |", "|---|" + "---:|" * 8]
    middle = medians(case)
    for name, row in sorted(case["peers"].items(), key=lambda r: -middle.get(r[0], 0)):
        if name not in middle:
            lines.append(f"| {name} | {row['wrong']} |" + " |" * 7)
            continue
        values = [r[case["unit"]] for r in row["rounds"]]
        paced, calls = row.get("latency") or {}, row.get("syscalls") or {}
        errors = str(sum(r["errors"] for r in row["rounds"]))
        low, _, high = turns.quartiles(values)
        lines.append("| " + " | ".join([
            name, number(middle[name]), f"{number(low)}-{number(high)}",
            f"{number(min(values))}-{number(max(values))}",
            number(turns.middle(row["rounds"], "rate")),
            *(number(paced[k]) if k in paced else "" for k in ("p50_us", "p99_us")),
            f"{calls['per_request']:.1f}" if calls else "",
            f"{errors} {row['wrong']}".strip()]) + " |")
    return lines + [""]


def grid(results, title, cell):
    """One row for each case, one column for each server. cell(case, name): text"""
    names = list(dict.fromkeys(n for c in results["cases"] for n in c["peers"]))
    lines = [f"### {title}", "", "| case | " + " | ".join(names) + " |",
             "|---|" + "---:|" * len(names)]
    for case in results["cases"]:
        lines.append(f"| {case['name']} | " + " | ".join(cell(case, n) for n in names) + " |")
    return lines + [""]


def summary(results):
    if not results["cases"]:
        return []

    def middle(case, name):
        value = medians(case).get(name)
        return "" if value is None else number(value)

    def paced(case, name):
        r = (case["peers"].get(name) or {}).get("latency")
        return f"{r['p50_us']:,.0f} / {r['p99_us']:,.0f}" if r else ""

    def calls(case, name):
        r = (case["peers"].get(name) or {}).get("syscalls")
        return f"{r['per_request']:.1f}" if r else ""

    return (grid(results, "Medians: requests (keep-100m: MB) per CPU-second of the server", middle)
            + grid(results, "One visitor at a fixed pace: microseconds, median / 99th percentile",
                   paced)
            + grid(results, "System calls of a request, all processes of the server", calls))


def bar_lines(results, special):
    """special: the lines of the cases in special.py"""
    cases = {c["name"]: c for c in results["cases"]}
    lines = []

    def rounds(case, name):
        return cases.get(case, {"peers": {}})["peers"].get(name, {}).get("rounds", [])

    def fastest(case):
        return best(medians(cases[case])) if case in cases else None

    for name, bars in BARS.items():
        for share, other in dict.fromkeys(
                (share, fastest(name) if whom == "best" else whom) for share, whom in bars):
            lines += ratio_bar(name, share, other, rounds(name, HOSTEL), rounds(name, other),
                               cases.get(name, {}).get("unit"))
    other = fastest("fresh-1k")
    lines += ratio_bar("fresh-1k, a listener of one user", 1.2, other,
                       rounds("fresh-1k", "hostel-one"), rounds("fresh-1k", other))
    lines += ratio_bar("three users in turn", 0.97, "one user", rounds("turns-fresh", HOSTEL),
                       rounds("fresh-1k", HOSTEL))
    for name, case in cases.items():
        found = turns.ratios(rounds(name, HOSTEL), rounds(name, ITK), case["unit"])
        if found:
            lines.append(f"| {name} | Hostel / mpm-itk | {turns.quartiles(found)[1]:.1f} | | |")
    return ["### Bars", "", "| case | bar | measured | half of the rounds | |",
            "|---|---|---:|---:|---|", *lines, *special, ""]


def head_lines(results):
    return [f"{results['machine']}; load average {results['load'][0]:.1f} at the start; "
            f"{results['rounds']} rounds of short slices, servers in turn, "
            f"{results.get('took_s', 0) / 60:.0f} minutes in all."
            + (" The machine was not ours alone." if results["load"][0] > 1 else ""), "",
            ", ".join(f"{n} {v}" for n, v in results["versions"].items()), ""]


def markdown(results, tables, bars):
    """The whole report: the summary, the bars, then each case with all that was measured."""
    lines = head_lines(results) + summary(results) + bar_lines(results, bars) + tables
    for case in results["cases"]:
        lines += case_table(case)
    return "\n".join(lines)


def readme(text, results, tables, bars):
    """bench/README.md with the figures of this run between its two marks."""
    before, mark, rest = text.partition(MARK_FIRST)
    old, last, after = rest.partition(MARK_LAST)
    if not mark or not last:
        raise ValueError("bench/README.md has lost its marks")
    lines = head_lines(results) + summary(results) + bar_lines(results, bars) + tables
    return before + mark + "\n" + "\n".join(lines).rstrip() + "\n" + last + after
