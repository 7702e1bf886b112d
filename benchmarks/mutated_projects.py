"""How well imports, dependencies and calls are found and mended in projects that are damaged in known ways.

    python -m benchmarks.mutated_projects [PACKAGE_OR_FOLDER...] [--seeds 4] [--each 3] [--keep FOLDER] [--all]

lays packages of this environment (or folders of packages) out as little repositories of several services, four of them
in each, in eight styles of layout and under names of their own, with declarations and a git history; scans them as they
are; damages them (modules deleted, moved, broken; names renamed and moved; prefixes renamed in bulk; arguments and
parameters; declarations); scans and fixes them again. What must be found is known by construction. Printed are recall
and precision of each rule, false findings of the undamaged projects, and how many broken imports `fix` and
`fix --unsafe` lead back to what is meant, to something else, or leave. Sources need not be of this environment, but
their distributions are only known where they are installed.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.mutated.calls import CallDamage, call_damages, wrong_arguments
from benchmarks.mutated.damage import Change, Damage, Kind, Maker, Past, damages
from benchmarks.mutated.declared import (
    DeclarationDamage,
    Needs,
    declaration_damages,
    declaration_texts,
    needs_of,
    undeclared,
)
from benchmarks.mutated.layout import Repository, Style, lay_out, package_folder
from benchmarks.mutated.model import Model, State, Target, parsed
from benchmarks.mutated.moves import MAKERS
from benchmarks.mutated.scoring import Finding, Mends, Tally, Wanted, mended, tallied, wanted_of
from benchmarks.mutated.writing import applied, read_texts, write_history
from benchmarks.peers import sophia_findings

_RULES = (
    *("missing-module", "missing-name", "broken-target", "import-cycle", "shadowed-distribution"),
    *("unimportable-module", "undeclared-dependency", "first-party-as-distribution", "not-a-distribution"),
    *("conflicting-requirements", "unknown-argument", "missing-argument"),
)
_PACKAGES = (
    *("fastapi", "starlette", "gunicorn", "hypercorn", "werkzeug", "flask", "httpcore", "anyio", "jinja2", "click"),
    *("pydantic", "uvicorn", "websockets", "socketio", "engineio", "importlinter", "grimp", "typer", "rich"),
    *("markdown_it", "jsonschema", "urllib3", "requests", "pathspec", "pluggy", "mcp", "schemathesis", "graphql"),
    *("piptools", "h2", "packaging", "joblib", "opt_einsum", "cffi", "_pytest", "libcst", "pygments"),
)
_IN_ONE = 4


@dataclass(slots=True)
class Outcome:
    """The figures of one repository, or of all."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    undamaged: list[Finding] = field(default_factory=list)
    safe: Mends = field(default_factory=Mends)
    unsafe: Mends = field(default_factory=Mends)
    by_kind: dict[str, Mends] = field(default_factory=dict)
    proposed: set[str] = field(default_factory=set)

    def add(self, other: Outcome) -> None:
        """Take the figures of another repository in."""
        for rule, tally in other.tallies.items():
            self.tallies.setdefault(rule, Tally()).add(tally)
        self.undamaged += other.undamaged
        self.safe.add(other.safe)
        self.unsafe.add(other.unsafe)
        self.proposed |= other.proposed


@dataclass(frozen=True, slots=True)
class Damaged:
    """A repository with all that was done to it."""

    base: Repository
    now: Repository
    imports: tuple[Damage, ...]
    calls: tuple[CallDamage, ...]
    declarations: tuple[DeclarationDamage, ...]
    needs: Needs


def main() -> None:
    parser = argparse.ArgumentParser(description="findings and fixes in projects damaged in known ways")
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="leave the repositories in this folder")
    parser.add_argument("--more", action="store_true", help="also split modules, rename packages, mix services")
    parser.add_argument("--all", action="store_true", help="print every row that differs")
    options = parser.parse_args()
    folders = {name: folder for name in options.packages or _PACKAGES if (folder := package_folder(name))}
    total = Outcome()
    for seed in range(options.first, options.first + options.seeds):
        root = (options.keep or Path(tempfile.mkdtemp(prefix="mutated-"))) / f"seed-{seed}"
        try:
            total.add(_measure(root, folders, seed, options.each, MAKERS if options.more else {}))
        finally:
            if options.keep is None:
                shutil.rmtree(root.parent)
    _print(total, shows_all=options.all)


def _measure(root: Path, folders: Mapping[str, Path], seed: int, each: int, more: Mapping[Kind, Maker]) -> Outcome:
    random = Random(seed)
    names = random.sample(sorted(folders), min(_IN_ONE, len(folders)))
    styles = random.sample(list(Style), len(names))
    base = lay_out({name: folders[name] for name in names}, styles, random)
    needs = needs_of(base)
    base.texts.update(declaration_texts(base, needs))
    print(f"seed {seed}: {', '.join(f'{a} ({b.value})' for a, b in zip(names, styles, strict=True))}", file=sys.stderr)
    shutil.rmtree(root, ignore_errors=True)
    write_history(root / "undamaged", dict(base.texts), [])
    outcome = Outcome()
    optional = _optional(base, needs)
    undamaged = _findings(root / "undamaged")
    outcome.undamaged = [one for one in undamaged if not any(row.fits(one) for row in optional)]
    damaged, before, commits = _damage(base, needs, random, each, more)
    for name in ("damaged", "safe", "unsafe"):
        if name == "damaged":
            write_history(root / name, before, commits)
        else:
            shutil.copytree(root / "damaged", root / name)
    known = {_key(one) for one in undamaged}
    findings = [one for one in _findings(root / "damaged") if _key(one) not in known]
    others = [*optional, *_optional(damaged.now, needs, with_missing=False), *_unasked(damaged)]
    outcome.tallies = tallied(_wanted(damaged), others, findings, _RULES)
    outcome.proposed = _proposed_own(damaged, findings)
    base_taken, damaged_taken = Model(base).taken(), Model(damaged.now).taken()
    moves: dict[Target, Target | None] = {}
    for damage in damaged.imports:
        moves.update(damage.moves)
    for name, mends in (("safe", outcome.safe), ("unsafe", outcome.unsafe)):
        _fix(root / name, unsafe=name == "unsafe")
        fixed = Model(Repository(read_texts(root / name), base.services)).taken()
        mends.add(mended(base_taken, damaged_taken, fixed, moves))
    return outcome


def _damage(
    base: Repository, needs: Needs, random: Random, each: int, more: Mapping[Kind, Maker]
) -> tuple[Damaged, dict[str, str | None], list[tuple[str, Change]]]:
    """Return all damage, the texts of the first commit, and the commits behind it."""
    done = list(damages(base, random, each, more))
    used = {path for damage in done for path in damage.touched}
    calls = list(call_damages(base, random, each, used))
    declarations = list(declaration_damages(base, base.texts, needs, random))
    before: dict[str, str | None] = dict(base.texts)
    commits: list[tuple[str, Change]] = []
    for damage in done:
        if damage.past is Past.BEFORE:
            before = dict(applied(Repository(before, base.services), list(damage.changes)).texts)  # type: ignore[arg-type]  # None never comes before
        else:
            commits += [(f"Change {damage.kind.value}", change) for change in damage.changes]
    commits += [("Change a call", call.change) for call in calls]
    commits += [("Change what is needed", Change({one.path: one.text})) for one in declarations]
    first = Repository({path: text for path, text in before.items() if text is not None}, base.services)
    now = applied(first, [change for _, change in commits])
    return Damaged(base, now, tuple(done), tuple(calls), tuple(declarations), needs), before, commits


def _wanted(damaged: Damaged) -> list[Wanted]:
    shadowing = {one.extra.rpartition("/")[2].removesuffix(".py") for one in damaged.imports if one.kind is Kind.SHADOW}
    taken = [one for one in Model(damaged.now).taken() if one.module.partition(".")[0] not in shadowing]
    # Lines move when something is put above them: a row is known by what it says.
    known_rows = {(row.rule, row.path, row.words) for row in wanted_of(Model(damaged.base).taken())}
    rows = [row for row in wanted_of(taken) if (row.rule, row.path, row.words) not in known_rows]
    known = {(one.path, one.callee, one.argument) for one in wrong_arguments(damaged.base)}
    for one in wrong_arguments(damaged.now):
        rule = "missing-argument" if one.is_missing else "unknown-argument"
        if (one.path, one.callee, one.argument) not in known:
            rows.append(Wanted(rule, frozenset({rule}), one.path, one.lines, frozenset({one.argument})))
    gone: dict[str, frozenset[str]] = {}
    for damage in damaged.declarations:
        home = damage.path.rpartition("/")[0]
        if damage.rule == "undeclared-dependency":
            gone[home] = gone.get(home, frozenset()) | {damage.distribution}
        else:
            lines = damaged.now.texts[damage.path].split("\n")
            at = max(index for index, line in enumerate(lines, 1) if line.startswith(damage.distribution))
            accept = frozenset({damage.rule})
            first = at - 1 if damage.rule == "conflicting-requirements" else at
            rows.append(Wanted(damage.rule, accept, damage.path, (first, at), frozenset()))
    root_has = damaged.needs.by_home.get("", frozenset()) - gone.get("", frozenset())
    has_root = any(not service.home for service in damaged.base.services)
    for lost in undeclared(damaged.needs, gone, root_has if has_root else frozenset()):
        rule = "undeclared-dependency"
        line = _line_now(damaged, lost.path, lost.line)
        if line is not None and not _is_conditional(damaged.base.texts[lost.path], lost.line):
            rows.append(Wanted(rule, frozenset({rule}), lost.path, (line, line), frozenset({lost.distribution})))
    for other in damaged.imports:
        if other.kind is Kind.SHADOW:
            rule = "shadowed-distribution"
            rows.append(Wanted(rule, frozenset({rule}), other.extra, (1, 1), frozenset()))
    return rows


def _is_conditional(text: str, line: int) -> bool:
    """Whether a line stands below an `if` or `try`: what it imports may be for another version of Python."""
    tree = parsed(text)
    return tree is not None and any(
        isinstance(node, ast.If | ast.Try) and node.lineno <= line <= (node.end_lineno or 0) for node in ast.walk(tree)
    )


def _line_now(damaged: Damaged, path: str, line: int) -> int | None:
    """Return where an import statement stands after the damage; None when it is gone or unclear."""
    text = damaged.base.texts[path].split("\n")[line - 1]
    now = damaged.now.texts.get(path)
    lines = [number for number, one in enumerate(now.split("\n"), 1) if one == text] if now is not None else []
    return lines[0] if len(lines) == 1 else None


def _unasked(damaged: Damaged) -> list[Wanted]:
    """Return rows for what follows from damage but is not asked for: circles by any file of them, calls that only a
    closer look tells, what a broken or shadowing file hides."""
    rows: list[Wanted] = []
    everywhere = (1, 10**9)
    for damage in damaged.imports:
        if damage.kind is Kind.CIRCLE:
            for path in damaged.now.python_files():
                rows.append(Wanted("import-cycle", frozenset({"import-cycle"}), path, everywhere, frozenset()))
        if damage.kind is Kind.SHADOW:
            top = damage.extra.rpartition("/")[2].removesuffix(".py")
            for one in Model(damaged.now).taken():
                if one.module.partition(".")[0] == top:
                    accept = frozenset({"missing-name", "missing-module", "unimportable-module"})
                    rows.append(Wanted("missing-name", accept, one.path, one.lines, frozenset()))
    for path in damaged.now.python_files():
        if parsed(damaged.now.texts[path]) is None:
            # The reference reads no broken file; Sophia does.
            rows.append(Wanted("", frozenset(_RULES), path, everywhere, frozenset()))
    for declaration in damaged.declarations:
        if declaration.rule == "undeclared-dependency":
            words = frozenset({declaration.distribution})
            accept = frozenset({declaration.rule})
            rows += [Wanted("", accept, path, everywhere, words) for path in damaged.now.python_files()]
    both = frozenset({"unknown-argument", "missing-argument"})
    for call in damaged.calls:
        words = frozenset({call.wrong, call.right} - {""})
        rows += [Wanted("", both, path, everywhere, words) for path in damaged.now.python_files()]
    return rows


def _optional(base: Repository, needs: Needs, *, with_missing: bool = True) -> list[Wanted]:
    """Return rows for what nobody can tell here: imports whose distribution this environment does not know, and
    what the reference does not find in the undamaged repository either."""
    rows: list[Wanted] = []
    for one in Model(base).taken():
        if one.state is State.OTHERS and one.module.partition(".")[0] in needs.uncertain:
            rule = "undeclared-dependency"
            rows.append(Wanted(rule, frozenset({rule}), one.path, (1, 10**9), frozenset({one.module})))
            rows.append(Wanted(rule, frozenset({rule}), one.path, (1, 10**9), frozenset({f"{one.module}.{one.name}"})))
        elif one.state is State.UNKNOWN:
            accept = frozenset({"missing-name", "missing-module", "import-cycle"})
            rows.append(Wanted("", accept, one.path, one.lines, frozenset({one.name})))
        elif with_missing and one.state in (State.MISSING_MODULE, State.MISSING_NAME):
            accept = frozenset({"missing-module", "missing-name", "undeclared-dependency"})
            words = frozenset({one.module, one.name, f"{one.module}.{one.name}"} - {""})
            rows.append(Wanted(one.state.value, accept, one.path, (1, 10**9), words))
    return rows


def _proposed_own(damaged: Damaged, findings: Iterable[Finding]) -> set[str]:
    """Return the distributions proposed for installation that the repository does not need: strangers' packages."""
    needed = frozenset[str]().union(*(damaged.needs.by_home.values()))
    found: set[str] = set()
    for one in findings:
        data, fix = one["data"], one["fix"]
        assert isinstance(data, dict)
        if one["name"] == "undeclared-dependency" and fix is not None and data.get("distribution") not in needed:
            found.add(f"{one['path']}:{one['line']} {data.get('distribution')}")
    return found


def _findings(root: Path) -> list[Finding]:
    return [one for one in sophia_findings(root, "SPH2,SPH3,SPH5") if one["name"] in _RULES]


def _key(finding: Finding) -> tuple[object, ...]:
    data = finding["data"]
    assert isinstance(data, dict)
    kept = {key: value for key, value in data.items() if key != "candidates"}
    return finding["path"], finding["name"], json.dumps(kept, sort_keys=True)


def _fix(root: Path, *, unsafe: bool) -> None:
    command = [sys.executable, "-P", "-m", "sophia_cli", "fix", "--select", "SPH2,SPH5", "--yes", "--json"]
    subprocess.run([*command, *(["--unsafe"] if unsafe else [])], cwd=root, capture_output=True, check=False)


def _print(total: Outcome, *, shows_all: bool) -> None:
    print("| rule | wanted | recall | reports | precision | undamaged |\n| --- | --- | --- | --- | --- | --- |")
    for rule in _RULES:
        tally = total.tallies.get(rule, Tally())
        recall = tally.found / tally.wanted if tally.wanted else 1.0
        precision = tally.right / tally.reported if tally.reported else 1.0
        plain = sum(one["name"] == rule for one in total.undamaged)
        print(f"| {rule} | {tally.wanted} | {recall:.1%} | {tally.reported} | {precision:.1%} | {plain} |")
    for name, mends in (("fix", total.safe), ("fix --unsafe", total.unsafe)):
        print(f"{name}: with an answer {dict(mends.answered)}, without one {dict(mends.without)}")
    print(f"strangers proposed: {sorted(total.proposed)}")
    limit = 10**6 if shows_all else 12
    for rule in _RULES:
        tally = total.tallies.get(rule, Tally())
        _list(f"{rule}, missed", [f"{row.path}:{row.lines[0]} {sorted(row.words)}" for row in tally.missed], limit)
        _list(f"{rule}, false", [_shown(one) for one in tally.false], limit)
    _list("undamaged", [_shown(one) for one in total.undamaged], limit)
    _list("safe, wrong", total.safe.wrong, limit)
    _list("unsafe, wrong", total.unsafe.wrong, limit)
    _list("unsafe, left although there is an answer", total.unsafe.left, limit)


def _list(title: str, rows: list[str], limit: int) -> None:
    if rows:
        print(f"\n{title} ({len(rows)}):")
        print("\n".join(f"  {row}" for row in rows[:limit]))


def _shown(finding: Finding) -> str:
    return f"{finding['path']}:{finding['line']} {finding['name']} {finding['severity']} {finding['message']}"


if __name__ == "__main__":
    main()
