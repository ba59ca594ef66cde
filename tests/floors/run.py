#!/usr/bin/python3
"""
The floors of the house hold: no #include points upward or sideways, every door compiles alone,
every room has its short plan, and nothing strange lies at the top level.

The floors themselves are read from the table in src/README.md. Each check is proved first on a
copy of the tree with one thing planted that it must find.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
TOP = {"cmd", "src", "include", "conf", "www", "tests", "bench", "CMakeLists.txt",
       "CMakePresets.json", "README.md", "LICENSE"}
BUILT = re.compile(r"build(-.*)?")  # as in .gitignore
README_LINES_MAX = 40
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
COMPILERS = ("gcc", "clang")
LIBRARIES = ("libuv", "libcap", "libseccomp", "libcyaml", "yaml-0.1")


def floors(repo):
    """Room -> floor, from the table of the plan."""
    found = {}
    for line in (repo / "src/README.md").read_text().splitlines():
        row = re.match(r"\|\s*(\d+)\s*\|\s*`?(\w+)/?`?\s*\|", line)
        if row:
            found[row[2]] = int(row[1])
    return found


def room_of(path):
    """The room that a file of the tree belongs to."""
    return {"src": lambda p: p[1], "include": lambda p: p[2], "cmd": lambda p: "cmd"}[
        path.parts[0]](path.parts)


def sources(repo):
    for top in ("src", "include", "cmd"):
        for path in sorted((repo / top).rglob("*.[ch]")):
            yield path, path.relative_to(repo)


def includes(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found[1], found[2]


def judge_include(path, shown, quote, name, known):
    """What is wrong with one #include, or None."""
    here = room_of(shown)
    if here not in known:
        return f"room {here} is not in the table of src/README.md"
    if name.startswith("hostel/"):
        there = name.split("/")[1]
        if there not in known:
            return f"{name} is of no known room"
        if there != here and known[there] > known[here]:
            return f"{name} points upward: {here} is on floor {known[here]}, " \
                   f"{there} on {known[there]}"
        if there != here and known[there] == known[here]:
            return f"{name} points sideways: {here} and {there} are on floor {known[here]}"
        return None
    if quote == "<":
        return None
    if "/" in name:
        return f"{name} reaches out of its folder without a door"
    if shown.parts[0] == "include":
        return f"{name}: a door includes doors and system headers only"
    return None if (path.parent / name).exists() else f"{name} does not lie beside it"


def check_includes(repo):
    known = floors(repo)
    if len(known) < 10:
        return ["src/README.md: the table of floors cannot be read"]
    return [f"{shown}:{number}: {wrong}"
            for path, shown in sources(repo)
            for number, quote, name in includes(path)
            if (wrong := judge_include(path, shown, quote, name, known))]


def flags(repo):
    found = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wconversion",
             "-Wstrict-prototypes", "-Werror", "-fsyntax-only", f"-I{repo}/include",
             "-isystem", "/usr/share/include/llhttp"]
    for library in LIBRARIES:
        r = subprocess.run(["pkg-config", "--cflags", library], capture_output=True, text=True,
                           check=False)
        found += r.stdout.split()
    return found


def check_doors(repo):
    """Each public header is a whole translation unit, for both compilers."""
    wrong, options = [], flags(repo)
    for header in sorted((repo / "include").rglob("*.h")):
        shown = header.relative_to(repo / "include")
        for compiler in COMPILERS:
            # twice, so that a missing guard is found; not empty, as C wants it
            unit = f'#include "{shown}"\n#include "{shown}"\nextern int not_empty;\n'
            r = subprocess.run([compiler, *options, "-x", "c", "-"], input=unit,
                               capture_output=True, text=True, check=False)
            if r.returncode:
                first = next((x for x in r.stderr.splitlines() if "error" in x), r.stderr)
                wrong.append(f"include/{shown}: does not compile alone ({compiler}): {first}")
    return wrong


def check_top(repo):
    return [f"{entry.name}: does not belong at the top level" for entry in repo.iterdir()
            if entry.name not in TOP and not entry.name.startswith(".")
            and not BUILT.fullmatch(entry.name)]


def check_plans(repo):
    wrong = []
    for room in sorted({path.parent for path, shown in sources(repo) if shown.parts[0] == "src"}):
        plan = room / "README.md"
        if not plan.exists():
            wrong.append(f"{room.relative_to(repo)}: has no README.md")
        elif len(plan.read_text().splitlines()) > README_LINES_MAX:
            wrong.append(f"{plan.relative_to(repo)}: longer than {README_LINES_MAX} lines")
    return wrong


CHECKS = [
    ("no include points upward or sideways", check_includes),
    ("every door compiles alone", check_doors),
    ("nothing strange at the top level", check_top),
    ("every room has its plan", check_plans),
]


def plant(repo, name, text):
    path = repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


# what is planted, where, and which check must name that file
PLANTS = [
    ("an include that points upward", "src/base/planted.c", '#include "hostel/conf/model.h"\n',
     check_includes),
    ("one that points sideways", "src/peek/planted.c", '#include <hostel/sys/ids.h>\n',
     check_includes),
    ("one that leaves its folder", "src/base/planted.c", '#include "../conf/model.c"\n',
     check_includes),
    ("one of another room's own header", "src/worker/planted.c", '#include "static.h"\n',
     check_includes),
    ("a door that includes upward", "include/hostel/base/planted.h",
     '#include "hostel/ipc/wire.h"\n', check_includes),
    ("a room that is in no plan", "src/cellar/planted.c", '#include "hostel/base/span.h"\n',
     check_includes),
    ("a door that does not compile alone", "include/hostel/base/planted.h",
     "void planted(struct span s, size_t n);\n", check_doors),
    ("a door that cannot be included twice", "include/hostel/base/planted.h",
     "struct planted { int x; };\n", check_doors),
    ("a stranger at the top level", "planted", "", check_top),
    ("a room without a plan", "src/cellar/planted.c", "", check_plans),
]


def copy_tree(to):
    for top in ("src", "include", "cmd"):
        shutil.copytree(REPO / top, to / top)


def prove():
    """Plant each thing in a copy of its own; the check must find it."""
    for why, name, text, check in PLANTS:
        with tempfile.TemporaryDirectory(prefix="hostel-floors-") as copy:
            repo = Path(copy)
            copy_tree(repo)
            if check is check_doors:  # the planted door is enough
                shutil.rmtree(repo / "include")
            plant(repo, name, text)
            where = name.removesuffix("/planted.c") if check is check_plans else name
            yield f"finds {why}", [] if any(w.startswith(where) for w in check(repo)) else \
                [f"{name} was planted and not found"]


def main():
    passed = failed = 0
    results = [*prove(), *((name, check(REPO)) for name, check in CHECKS)]
    for name, wrong in results:
        print(f"{'FAIL' if wrong else 'ok  '} {name}")
        for line in wrong:
            print(f"     {line}")
        passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
