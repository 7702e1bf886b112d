"""Break valid Python files and write one row a break.

    python -m benchmarks.corpus.make --seed N --count K --source DIR [--source DIR ...] --out FILE.jsonl [--faults F]

A row has the fields of the syntax repair data set (`broken`, `fixed`, `err`, `lineno`, ...) and `breaker`, the
name of what was done; with `--faults` every file is broken in so many ways, each in lines of its own. Every `broken`
fails to compile and every `fixed` compiles. The same arguments and files give the same rows.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from benchmarks.corpus.breaker import Breaker, all_breakers
from benchmarks.corpus.source import Change, Source, apply_changes
from sophia_cli.fixers.analysis import compile_fault

SMALLEST, LARGEST = 500, 40_000
_AGAIN = 0.12  # how often the same damage is done more than once in a file
_ANOTHER = 0.03  # how often other damage is done beside it
_TRIES = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One broken file and its valid text, as a line of the output."""

    id: str
    repo: str
    path: str
    err: str
    msg: str
    lineno: int
    broken: str
    fixed: str
    min_fixed: str
    changed: int
    min_changed: int
    cls: str
    breaker: str


def changed_lines(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many lines differ: for every hunk the longer of its two sides."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return sum(max(b - a, d - c) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal")


def overlaps(change: Change, others: Iterable[Change]) -> bool:
    """Whether a change touches the lines of another."""
    return any(change.start < other.end + 2 and other.start < change.end + 2 for other in others)


def break_file(text: str, breaker: Breaker, rng: Random, faults: int = 1) -> str | None:
    """Return the text broken by `breaker`, None when it has no place for it or the result still compiles.

    With several `faults`, other breakers follow, each in lines of its own.
    """
    source = Source(text)
    change = breaker.change(source, rng)
    if change is None:
        return None
    changes = [change]
    extra = rng.randint(1, 3) if rng.random() < _AGAIN else 0
    for again in [breaker] * extra + ([rng.choice(all_breakers())] if rng.random() < _ANOTHER else []):
        more = again.change(source, rng)
        if more is not None and not overlaps(more, changes):
            changes.append(more)
    breakers = all_breakers()
    for _ in range(_TRIES):
        if len(changes) >= faults:
            break
        more = rng.choices(breakers, [one.weight for one in breakers])[0].change(source, rng)
        if more is not None and not overlaps(more, changes):
            changes.append(more)
    if len(changes) < faults:
        return None
    broken = "\n".join(apply_changes(source.lines, changes))
    return broken if broken != text and compile_fault(broken) is not None else None


def candidates(sources: Iterable[Path]) -> list[tuple[str, str, Path]]:
    """Return (package, path, file) of the files that may be broken, in a fixed order."""
    found = []
    for source in sources:
        for path in sorted(source.rglob("*.py")):
            inside = path.relative_to(source)
            if not SMALLEST <= path.stat().st_size <= LARGEST or "site-packages" in inside.parts:
                continue
            single = len(inside.parts) == 1 or (source / "__init__.py").exists()
            found.append((source.name if single else inside.parts[0], inside.as_posix(), path))
    return found


def make_rows(sources: Sequence[Path], count: int, seed: int, faults: int = 1) -> Iterator[Row]:
    """Yield `count` rows, or fewer when the sources hold no valid file of fitting size."""
    rng = Random(seed)
    packages: dict[str, list[tuple[str, str, Path]]] = {}
    for file in candidates(sources):
        packages.setdefault(file[0], []).append(file)
    # The square root keeps a few large packages from being most of the corpus.
    shares = [math.sqrt(len(files)) for files in packages.values()]
    breakers = all_breakers()
    weights = [breaker.weight for breaker in breakers]
    made = 0
    for _ in range(count * 4):
        if made == count or not packages:
            return
        breaker = rng.choices(breakers, weights)[0]
        # The breaker is kept over several files, so that rare places do not make their breakers rare.
        for _ in range(_TRIES):
            package, inside, path = rng.choice(packages[rng.choices(list(packages), shares)[0]])
            text = read_valid(path)
            broken = break_file(text, breaker, rng, faults) if text is not None else None
            fault = compile_fault(broken) if broken is not None else None
            if text is None or broken is None or fault is None:
                continue
            changed = changed_lines(broken.split("\n"), text.split("\n"))
            digest = hashlib.sha256(f"{seed} {made} {inside}".encode()).hexdigest()[:10]
            error = fault.type, fault.message, fault.line
            yield Row(digest, package, inside, *error, broken, text, text, changed, changed, "local", breaker.name)
            made += 1
            break


def read_valid(path: Path) -> str | None:
    """Return the text of a file that is UTF-8, has plain newlines, defines something and compiles, else None."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None
    usable = "\r" not in text and "\0" not in text and ("def " in text or "class " in text)
    return text if usable and compile_fault(text) is None else None


def main(arguments: list[str] | None = None) -> int:
    """Write the rows and print how many there are of each breaker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--source", type=Path, action="append", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--faults", type=int, default=1)
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    with options.out.open("w", encoding="utf-8") as out:
        for row in make_rows(options.source, options.count, options.seed, options.faults):
            out.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            counts[row.breaker] += 1
    for name, number in counts.most_common():
        print(f"{number:6} {name}")
    print(f"{sum(counts.values()):6} rows")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
