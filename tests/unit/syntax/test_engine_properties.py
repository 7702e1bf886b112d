"""Laws of the repair engine, tried on valid files that a small random edit broke, and on garbage."""

from __future__ import annotations

import ast
import codecs
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from edited_sources import INJECTED, TEMPLATES, edits, word_salad
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from benchmarks.repair_scoring import lost_lines
from sophia_cli.core.findings import Safety
from sophia_cli.core.plan import splice
from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.analysis import AnalysisContext, analyse, repaired, report_of, view_of
from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.engine import repair
from sophia_cli.fixers.syntax.model import Repair
from sophia_cli.project.source import SourceText, decode

CONTEXT = AnalysisContext(python=sys.version_info[:2], named=True)
# The same examples on every run: what the slow ones find by chance becomes an example here.
QUICK = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
LONG = settings(
    max_examples=600,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
SCRIPT = """
import hashlib, sys
from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.engine import repair

for text in sys.stdin.read().split(chr(0)):
    fault = compile_fault(text)
    print("valid" if fault is None else repr(repair(text, fault)))
"""

newlines = st.sampled_from(("\n", "\r\n", "\r"))
garbage = st.one_of(st.text(max_size=80), word_salad)


def mended(broken: str) -> Repair:
    """Return the repair of a text that has to be broken; an example without one says nothing here."""
    fault = compile_fault(broken)
    assume(fault is not None)
    assert fault is not None
    found = repair(broken, fault)
    assume(found is not None)
    assert found is not None
    return found


def check_it_compiles(broken: str) -> None:
    assert compile_fault(mended(broken).text) is None


def check_nothing_is_lost_when_safe(valid: str, broken: str) -> None:
    """What the edit left of the valid file is still there after a safe repair."""
    found = mended(broken)
    assume(found.safety is Safety.SAFE)
    written = Counter(re.findall(r"^[ \t]*(?:async +)?(?:def|class) +(\w+)", broken, re.MULTILINE))
    assert (_definitions(valid) & written) - _definitions(found.text) == Counter()
    brought = Counter(broken.split("\n")) - Counter(valid.split("\n"))
    junk = sum(count for line, count in brought.items() if line in INJECTED or not re.search(r"\w", line))
    assert lost_lines(broken, found.text) <= junk


def check_edits_give_the_repair(broken: str, newline: str, bom: bool) -> None:
    """Applying the findings' edits to the file's bytes gives the engine's text, in the file's own newlines."""
    data = (codecs.BOM_UTF8 if bom else b"") + broken.replace("\n", newline).encode()
    view = repaired(view_of("module.py", data, CONTEXT), CONTEXT)
    assume(view.repair is not None)
    assert view.repair is not None
    after = decode(_applied(data, view.path))
    assert isinstance(after, SourceText)
    assert _without_last_newline(after.text) == _without_last_newline(view.repair.text)
    assert after.bom is bom
    if "\n" in broken:  # a single line without an end shows no newline of its own
        assert set(after.endings) <= {newline, ""}
    count = len(broken.split("\n"))
    emptied = any(site.end == count and not "".join(site.replacement[-1:]).strip() for site in view.repair.sites)
    if not emptied:  # where the last line goes, the line before ends as it did
        assert (after.endings[-1:] == ("",)) == (not data.endswith(newline.encode()))


def check_fixing_twice_is_fixing_once(broken: str) -> None:
    once = _applied(broken.encode(), "module.py")
    assume(once != broken.encode())
    assert _applied(once, "module.py") == once
    assert analyse("module.py", once, CONTEXT, all_rules()).compiles


@QUICK
@given(edits)
def test_a_repair_compiles(edit: tuple[str, str]) -> None:
    check_it_compiles(edit[1])


@QUICK
@given(edits)
def test_a_safe_repair_loses_no_definition_and_no_line(edit: tuple[str, str]) -> None:
    check_nothing_is_lost_when_safe(*edit)


@QUICK
@given(edits, newlines, st.booleans())
@example(("x = 1\n", "x = 1\nasync"), "\r\n", False)
@example(("x = 1", "x = (1"), "\n", True)
def test_the_edits_give_exactly_the_repair_in_every_newline_style(
    edit: tuple[str, str], newline: str, bom: bool
) -> None:
    check_edits_give_the_repair(edit[1], newline, bom)


@QUICK
@given(edits, st.sampled_from(("latin-1", "cp1252", "koi8-r")))
def test_the_edits_touch_only_what_changes_in_other_encodings(edit: tuple[str, str], encoding: str) -> None:
    broken = f"# -*- coding: {encoding} -*-\n# {'é' if encoding != 'koi8-r' else 'ж'}\n{edit[1]}"
    assume(broken.encode(encoding, "replace") == broken.encode(encoding, "ignore"))
    data = broken.encode(encoding)
    view = repaired(view_of("module.py", data, CONTEXT), CONTEXT)
    assume(view.repair is not None)
    assert view.repair is not None
    after = _applied(data, view.path).decode(encoding)
    assert _without_last_newline(after) == _without_last_newline(view.repair.text)


@QUICK
@given(edits)
def test_fixing_twice_is_fixing_once(edit: tuple[str, str]) -> None:
    check_fixing_twice_is_fixing_once(edit[1])


@QUICK
@given(garbage)
def test_no_text_is_too_odd(text: str) -> None:
    fault = compile_fault(text)
    if fault is not None:
        found = repair(text, fault)
        assert found is None or compile_fault(found.text) is None


@QUICK
@given(st.one_of(st.binary(max_size=120), garbage.map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    report = analyse("module.py", data, CONTEXT, all_rules())
    assert report.compiles or report.findings


@pytest.mark.slow
@LONG
@given(edits, newlines, st.booleans())
def test_the_laws_hold_for_many_edits(edit: tuple[str, str], newline: str, bom: bool) -> None:
    valid, broken = edit
    assume(compile_fault(broken) is not None)
    check_it_compiles(broken)
    check_edits_give_the_repair(broken, newline, bom)
    check_fixing_twice_is_fixing_once(broken)
    check_nothing_is_lost_when_safe(valid, broken)


@pytest.mark.slow
@LONG
@given(garbage, st.binary(max_size=300))
def test_no_garbage_is_too_odd(text: str, data: bytes) -> None:
    for content in (data, text.encode("utf-8", "surrogatepass")):
        report = analyse("module.py", content, CONTEXT, all_rules())
        assert report.compiles or report.findings


def test_the_same_text_gives_the_same_repair_in_every_process() -> None:
    broken = [text[:cut] + text[cut + 1 :] for text in TEMPLATES for cut in range(60, len(text), 61)]
    broken += [text[:cut] for text in TEMPLATES for cut in (150, 333)]
    expected = []
    for text in broken:
        fault = compile_fault(text)
        expected.append("valid" if fault is None else repr(repair(text, fault)))
    assert len(expected) - expected.count("valid") >= 20
    for seed in ("1", "2"):
        process = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input="\0".join(broken),
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        assert process.stdout.splitlines() == expected


def _applied(data: bytes, path: str) -> bytes:
    """Return the bytes with the edits of every syntax finding made."""
    report = report_of(repaired(view_of(path, data, CONTEXT), CONTEXT), all_rules())
    edits_made = [edit for finding in report.findings if finding.fix for edit in finding.fix.edits]
    return splice(data, tuple(edits_made))


def _without_last_newline(text: str) -> str:
    return text.removesuffix("\n")


def _definitions(text: str) -> Counter[str]:
    nodes = ast.walk(ast.parse(text))
    return Counter(n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)))
