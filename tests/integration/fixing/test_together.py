"""Fixes of findings about several files: tried on the whole project, kept only where nothing gets worse."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from small_rules import analysing, replacing

from sophia_cli.core.findings import Category, Edit, Finding, Fix, Region, Safety, Severity
from sophia_cli.fixers.mending.choosing import Policy
from sophia_cli.fixers.mending.outcome import outcome
from sophia_cli.fixers.mending.rounds import Draft, draft_fixes
from sophia_cli.fixers.mending.verify import Version
from sophia_cli.fixers.rule import Rule


@dataclass(frozen=True)
class Wanted:
    """In all files together, every `want(x)` must find a `give(x)`; `cure` says what a missing one is replaced by."""

    disk: Mapping[str, bytes]
    cure: Mapping[bytes, tuple[str, bytes, bytes]]

    def findings(self, overlay: Mapping[str, bytes]) -> Mapping[str, tuple[Finding, ...]]:
        texts = {**self.disk, **overlay}
        given = {name for data in texts.values() for name in re.findall(rb"give\((\w+)\)", data)}
        found: dict[str, list[Finding]] = defaultdict(list)
        for path, data in texts.items():
            for match in re.finditer(rb"want\((\w+)\)", data):
                if match[1] not in given:
                    found[path].append(self._finding(path, match[1], data.count(b"\n", 0, match.start()) + 1, texts))
        return {path: tuple(findings) for path, findings in found.items()}

    def _finding(self, path: str, name: bytes, line: int, texts: Mapping[str, bytes]) -> Finding:
        fix = None
        start = texts[self.cure[name][0]].find(self.cure[name][1]) if name in self.cure else -1
        if start >= 0:
            where, old, new = self.cure[name]
            edits = (Edit(where, start, start + len(old), new),)
            fix = Fix(f"give {name.decode()}", Safety.SAFE, edits, ("the test says so",), 0.9)
        region = Region(line, 1, line, 2)
        message = f"nobody gives {name.decode()}"
        return Finding("SPH299", "unmet", Category.CORRECTNESS, Severity.ERROR, path, region, message, fix=fix)


def drafted(files: Mapping[str, bytes], cure: Mapping[bytes, tuple[str, bytes, bytes]], *rules: Rule) -> Draft:
    analysis = analysing(*rules)

    def load(path: str) -> Version:
        return Version(files[path], analysis(path, files[path]))

    known = [load(path) for path in files if path.endswith(".py")]
    versions = [version for version in known if version.report.findings]
    return draft_fixes(versions, analysis, Policy(), survey=Wanted(files, cure), load=load)


def after(draft: Draft) -> dict[str, bytes]:
    return {change.path: change.after for change in draft.plan.changes()}


def test_a_fix_in_another_file_answers_a_finding() -> None:
    files = {"a.py": b"# want(tea)\n", "b.py": b"# give(tae)\n"}
    draft = drafted(files, {b"tea": ("b.py", b"give(tae)", b"give(tea)")})
    assert after(draft) == {"b.py": b"# give(tea)\n"}
    assert draft.settled
    assert [v.report.findings for v in draft.after] == [(), ()]


def test_a_fix_that_harms_another_file_is_taken_back() -> None:
    files = {"a.py": b"# want(tea)\n", "b.py": b"# give(milk)\n", "c.py": b"# want(milk)\n# want(rum)\n"}
    cures = {b"tea": ("b.py", b"give(milk)", b"give(tea)"), b"rum": ("c.py", b"want(rum)", b"give(rum)")}
    draft = drafted(files, cures)
    assert after(draft) == {"c.py": b"# want(milk)\n# give(rum)\n"}
    assert [item.title for item in draft.taken_back] == ["give tea"]


def test_a_fix_that_answers_nothing_is_taken_back() -> None:
    files = {"a.py": b"# want(tea)\n", "b.py": b"# give(tae)\n"}
    draft = drafted(files, {b"tea": ("b.py", b"give(tae)", b"give(toe)")})
    assert after(draft) == {}
    assert [item.title for item in draft.taken_back] == ["give tea"]


def test_findings_about_several_files_wait_until_each_file_is_mended() -> None:
    files = {"a.py": b"# want(tea)\n", "b.py": b"# old(tea)\n"}
    draft = drafted(files, {b"tea": ("a.py", b"want(tea)", b"")}, replacing(901, b"old", b"give"))
    assert after(draft) == {"b.py": b"# give(tea)\n"}


def test_what_a_fix_brings_to_light_elsewhere_is_among_the_findings_after_it() -> None:
    files = {"a.py": b"# old(tea)\n", "b.py": b"x = 1\n"}
    draft = drafted(files, {}, replacing(901, b"old", b"want"))
    found = {v.report.path: [f.name for f in v.report.findings] for v in draft.after}
    assert found == {"a.py": ["unmet"]}
    assert [f.name for v in draft.before for f in v.report.findings] == ["small-901"]


def test_a_fix_that_is_only_seen_later_is_told_with_its_finding() -> None:
    files = {"a.py": b"# want(tea)\n", "b.py": b"# old(tae)\n"}
    draft = drafted(files, {b"tea": ("b.py", b"give(tae)", b"give(tea)")}, replacing(901, b"old", b"give"))
    items = outcome(draft.before, draft.after, draft.plan, lambda finding: None)
    told = {item.finding.rule: (item.applied, item.finding.fix and item.finding.fix.title) for item in items}
    assert told == {"SPH901": (True, "replace by give"), "SPH299": (True, "give tea")}


def test_a_file_that_is_no_python_is_mended_too() -> None:
    files = {"a.py": b"# want(tea)\n", "list.txt": b"give(tae)\n"}
    draft = drafted(files, {b"tea": ("list.txt", b"tae", b"tea")})
    assert after(draft) == {"list.txt": b"give(tea)\n"}
