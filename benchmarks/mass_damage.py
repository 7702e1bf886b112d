"""Mass damage: a repository in which tools deleted lines in hundreds of files, and what history and evidence mend.

    python -m benchmarks.mass_damage [--sizes 240,480,966] [--repeats 5]

The files are modules of the running Python's standard library. A third of the files that get broken are committed good
and broken by later commits (tools that delete lines), between renames, moves, edits and a merge; two thirds are added
already broken. Peers: one `git log --raw -M` for the whole history, one `git log --follow` per file, and GitPython's
pure-Python object database for reading the same versions.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sophia_cli.fixers.history_evidence import Evidence, compiles, evidence_for, history_for
from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.lessons import mend
from sophia_cli.fixers.syntax.reversal import reversals

BROKEN_SHARE = 602 / 966
FOLDERS = ("agent", "core", "services/api", "services/mail", "workers", "scripts")


@dataclass
class Repository:
    """What was made: what each broken file was before; the commit that broke it (not when added broken)."""

    root: Path
    original: dict[str, str] = field(default_factory=dict)
    breaker: dict[str, str] = field(default_factory=dict)
    ticks: int = 0

    def git(self, *arguments: str) -> str:
        self.ticks += 1
        stamp = f"{1_700_000_000 + self.ticks * 600} +0000"
        private = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_DATE": stamp,
            "GIT_COMMITTER_DATE": stamp,
        }
        command = ["git", "-c", "user.name=b", "-c", "user.email=b@localhost", "-c", "gc.auto=0", *arguments]
        done = subprocess.run(command, cwd=self.root, env={**os.environ, **private}, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def commit(self, title: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", title)
        return self.git("rev-parse", "HEAD")

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")

    def move(self, old: str, new: str) -> None:
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", old, new)
        for known in (self.original, self.breaker):
            if old in known:
                known[new] = known.pop(old)


def sources(count: int) -> list[str]:
    """Return `count` different texts of 40 to 500 lines that compile, made from the standard library."""
    texts: list[str] = []
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        if "site-packages" in path.parts or "bad" in path.name:
            continue
        data = path.read_bytes()
        if b"\r" in data or not compiles(data):
            continue
        lines = data.decode("utf-8", "replace").split("\n")
        # Long modules are cut at top-level definitions, so that there are enough files of an ordinary length.
        starts = [i for i, line in enumerate(lines) if line.startswith(("def ", "class ", "import ", "from "))]
        begin = 0
        for start in [*starts[1:], len(lines)]:
            if start - begin >= 40:
                text = "\n".join(lines[begin:start]) + "\n"
                if start - begin <= 500 and len(text) > 800 and compile_fault(text) is None:
                    texts.append(text)
                begin = start
    chosen = sorted(set(texts))
    random.Random(7).shuffle(chosen)
    if len(chosen) < count:
        raise SystemExit(f"the standard library gives only {len(chosen)} files")
    return chosen[:count]


def closing_bracket(lines: list[str], index: int) -> bool:
    return lines[index].strip() in {")", "]", "}", "),", "],", "},", "):", "})", "))"}


def docstring_end(lines: list[str], index: int) -> bool:
    return lines[index].strip() in {'"""', "'''"}


def except_line(lines: list[str], index: int) -> bool:
    return lines[index].strip().startswith(("except", "finally:"))


def argument_line(lines: list[str], index: int) -> bool:
    return lines[index].strip().endswith((",", ")")) and lines[index - 1].rstrip().endswith(("(", ","))


def header_line(lines: list[str], index: int) -> bool:
    return lines[index].strip().startswith(("if ", "else:", "def ", "for ", "with ")) and lines[index].endswith(":")


TOOLS: tuple[tuple[str, tuple[Callable[[list[str], int], bool], ...]], ...] = (
    ("remove redundant lines", (closing_bracket, docstring_end)),
    ("simplify error handling", (except_line, header_line)),
    ("strip arguments", (argument_line, closing_bracket)),
)


def damage(text: str, kinds: tuple[Callable[[list[str], int], bool], ...], chance: random.Random) -> str | None:
    """Delete one to four lines of the given kinds; None when that cannot break this text."""
    for _ in range(8):
        lines = text.split("\n")
        places = [i for i in range(1, len(lines)) if any(kind(lines, i) for kind in kinds)]
        if not places:
            return None
        for place in sorted(chance.sample(places, min(len(places), chance.choice((1, 1, 1, 2, 3, 4)))), reverse=True):
            del lines[place]
        broken = "\n".join(lines)
        if compile_fault(broken) is not None:
            return broken
    return None


def build(root: Path, count: int) -> Repository:
    """Make the repository: imports, edits, moves, three tools, a merge, more edits and moves."""
    chance = random.Random(count)
    repository = Repository(root)
    repository.git("init", "-q", "-b", "main")
    texts = sources(count)
    names = [f"{FOLDERS[i % len(FOLDERS)]}/module_{i:04}.py" for i in range(count)]
    wanted = int(count * BROKEN_SHARE)
    ancestors, bare = wanted // 3, wanted - wanted // 3
    # Added already broken, in four imports; the rest is good at first.
    added = 0
    good: list[tuple[str, str]] = []
    for part in range(4):
        for name, text in list(zip(names, texts, strict=True))[part::4]:
            broken = damage(text, TOOLS[added % 3][1], chance) if added < bare else None
            repository.write(name, broken or text)
            if broken:
                repository.original[name] = text
                added += 1
            else:
                good.append((name, text))
        repository.commit(f"import part {part}")
    for number, (name, text) in enumerate(good):
        if number % 3 == 0:
            repository.write(name, f"{text}\n\nEDITED = {number}\n")
            good[number] = (name, f"{text}\n\nEDITED = {number}\n")
    repository.commit("edit a third")
    for number, (name, text) in enumerate(good):
        if number % 5 == 0:
            moved = name.replace("module", "moved").replace("core/", "library/core/")
            repository.move(name, moved)
            good[number] = (moved, text)
    repository.commit("move a fifth")
    left = iter(good)
    for number, (title, kinds) in enumerate(TOOLS):
        branch = number == 1
        if branch:
            repository.git("checkout", "-q", "-b", "tool")
        paths: list[str] = []
        while len(paths) < ancestors // 3:
            name, text = next(left)
            broken = damage(text, kinds, chance)
            if broken:
                repository.write(name, broken)
                repository.original[name] = text
                paths.append(name)
        commit = repository.commit(f"tool: {title}")
        repository.breaker.update((path, commit) for path in paths)
        if branch:
            repository.git("checkout", "-q", "main")
            repository.write("notes.py", "NOTES = []\n")
            repository.commit("meanwhile")
            repository.git("merge", "-q", "--no-edit", "tool")
    for number, path in enumerate(sorted(repository.breaker)):
        if number % 4 == 0:
            with (repository.root / path).open("a", encoding="utf-8") as file:
                file.write(f"\n\nLATER = {number}\n")
            repository.original[path] += f"\n\nLATER = {number}\n"
    repository.commit("edit broken files")
    for number, path in enumerate(sorted(repository.breaker)):
        if number % 6 == 0:
            repository.move(path, f"final/{path}")
    repository.commit("move broken files")
    repository.git("repack", "-a", "-d", "-q")
    return repository


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall-clock and processor seconds, children included."""

    wall: float
    cpu: float


def measured(action: Callable[[], object]) -> Cost:
    def used() -> float:
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    cpu, wall = used(), time.perf_counter()
    action()
    return Cost(time.perf_counter() - wall, used() - cpu)


def median(action: Callable[[], object], repeats: int) -> Cost:
    costs = [measured(action) for _ in range(repeats)]
    return Cost(statistics.median(cost.wall for cost in costs), statistics.median(cost.cpu for cost in costs))


def same_tree(text: str, other: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(other))


def mended(evidence: Evidence, broken: dict[str, bytes]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the mended texts: those from a good version, and those from what the other files teach."""
    from_history: dict[str, str] = {}
    for path, good in evidence.history.good.items():
        found = reversals(good.text, broken[path].decode(), compile_fault, first_broken=good.first_broken)
        if found:
            from_history[path] = found[0].text
    from_lessons: dict[str, str] = {}
    for path in sorted(broken.keys() - from_history.keys()):
        result = mend(broken[path].decode(), evidence.lessons, compile_fault)
        if result:
            from_lessons[path] = result.text
    return from_history, from_lessons


def report(size: int, options: argparse.Namespace) -> None:
    """Make a repository of `size` files and print what was found, what was mended, and what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        repository = build(Path(folder), size)
        broken = {path: (repository.root / path).read_bytes() for path in repository.original}
        evidence = evidence_for(repository.root, broken)
        history = evidence.history
        named = {path: good.breaking_commit for path, good in history.good.items()}
        right = sum(named.get(path) == commit for path, commit in repository.breaker.items())
        bare = len(broken) - len(repository.breaker)
        print(f"{size} files, {len(broken)} broken, {len(repository.breaker)} with a compiling ancestor")
        print(f"  breaking commit right: {right} of {len(repository.breaker)}; wrongly named: {len(named) - right}")
        print(f"  never compiled, said so: {len(history.never_compiled)} of {bare}")
        start = time.perf_counter()
        from_history, from_lessons = mended(evidence, broken)
        spent = time.perf_counter() - start
        commits = {commit for group in evidence.damage for commit in group.commits}
        print(f"  kinds of damage: {len(evidence.damage)}, in {len(commits)} commits; the most frequent:")
        for group in evidence.damage[:4]:
            action, example = group.signature.action.value, group.signature.shape
            print(f"    {len(group.paths):4} files: {action}, `{example}`")
        for title, texts, total in (
            ("from history", from_history, len(repository.breaker)),
            ("from evidence of other files", from_lessons, bare),
        ):
            exact = sum(same_tree(text, repository.original[path]) for path, text in texts.items())
            print(f"  mended {title}: {len(texts)} of {total}, {exact} equal to the original")
        share = (len(from_history) + len(from_lessons)) / len(broken)
        print(f"  mended in all: {share:.1%} of the broken files, {spent * 1000 / len(broken):.1f} ms a file")

        ours = median(lambda: history_for(repository.root, broken), options.repeats)
        log = median(lambda: repository.git("log", "--raw", "-M", "-c", "--no-abbrev", "--", "*.py"), options.repeats)
        checks = median(lambda: [compiles(data) for data in broken.values()], options.repeats)
        sample = random.Random(1).sample(sorted(broken), 20)
        follow = measured(lambda: [repository.git("log", "--follow", "--format=%H", "--", path) for path in sample])
        scale = len(broken) / len(sample)
        mass = median(lambda: evidence_for(repository.root, broken), 1)
        each = ours.cpu / len(broken) * 1000
        print(f"  history: {ours.wall:.3f} s wall, {ours.cpu:.3f} s CPU, {each:.2f} ms CPU a broken file")
        print(f"    {history.commits} commits read, {history.versions} versions compiled")
        print(f"  history and signatures: {mass.wall:.3f} s wall, {mass.cpu:.3f} s CPU")
        print(
            f"  peer, git log --raw -M alone: {log.wall:.3f} s wall, {log.cpu:.3f} s CPU ({ours.cpu / log.cpu:.1f} x)"
        )
        print(
            f"  peer, git log --follow per file: {follow.wall * scale:.1f} s wall, {follow.cpu * scale:.1f} s CPU",
            end=" ",
        )
        print(f"({ours.cpu / follow.cpu / scale:.3f} x; from {len(sample)} files)")
        print(f"  peer, compiling each broken file once: {checks.cpu:.3f} s CPU ({ours.cpu / checks.cpu:.2f} x)")
        print(f"  reading every broken blob: {blob_costs(repository, sorted(broken))}", flush=True)


def blob_costs(repository: Repository, paths: list[str]) -> str:
    """Compare one `git cat-file --batch` with GitPython's pure-Python object database on the same versions."""
    from git import Repo
    from git.db import GitDB

    names = [repository.git("rev-parse", f"HEAD:{path}") for path in paths[:200]]
    request = "".join(f"{name}\n" for name in names).encode()

    def batch() -> None:
        subprocess.run(
            ["git", "cat-file", "--batch"], cwd=repository.root, input=request, capture_output=True, check=True
        )

    def python() -> None:
        with warnings.catch_warnings(action="ignore"), Repo(repository.root, odbt=GitDB) as opened:
            for name in names:
                opened.odb.stream(bytes.fromhex(name)).read()

    ours, theirs = median(batch, 5), median(python, 5)
    return f"cat-file {ours.wall * 1000:.0f} ms, gitdb {theirs.wall * 1000:.0f} ms ({len(names)} versions)"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Mass damage: named commits, mended share, cost against git")
    parser.add_argument("--sizes", default="240,480,966")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    for size in options.sizes.split(","):
        report(int(size), options)


if __name__ == "__main__":
    main(sys.argv[1:])
