"""Hunks made from edits are a right and minimal unified diff."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.core.diff import Mark, hunks_of, line_counts
from sophia_cli.core.findings import Edit
from sophia_cli.core.plan import ChangedFile, splice
from sophia_cli.render.diff import unified
from sophia_cli.render.style import Style


def change(before: bytes, *edits: tuple[int, int, bytes], path: str = "f.py") -> ChangedFile:
    made = tuple(Edit(path, *edit) for edit in edits)
    return ChangedFile(path, before, splice(before, made), made)


def applied(changed: ChangedFile) -> bytes:
    """Follow the hunks by hand."""
    old = changed.before.split(b"\n")
    old = [line + b"\n" for line in old[:-1]] + ([old[-1]] if old[-1] else [])
    new: list[bytes] = []
    position = 0
    for hunk in hunks_of(changed):
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        new += old[position:start]
        assert [line.data for line in hunk.lines if line.mark is not Mark.ADDED] == old[start : start + hunk.old_count]
        kept = [line.data for line in hunk.lines if line.mark is not Mark.REMOVED]
        assert len(kept) == hunk.new_count
        assert len(new) == (hunk.new_start - 1 if hunk.new_count else hunk.new_start)
        new += kept
        position = start + hunk.old_count
    return b"".join(new + old[position:])


_TEXT = st.lists(st.sampled_from([b"a", b"bb", b"\n", b"\r\n", b"    ", b"\xff", b"\n\n"]), max_size=40).map(b"".join)


@settings(deadline=None, max_examples=100)
@given(_TEXT, st.data())
def test_following_the_hunks_gives_the_new_file(before: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(before)), max_size=8)))
    edits = [
        (start, end, data.draw(_TEXT))
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
        if data.draw(st.booleans())
    ]
    changed = change(before, *edits)
    assert applied(changed) == changed.after


def test_an_edit_that_changes_nothing_makes_no_hunk() -> None:
    assert hunks_of(change(b"a\nb\n", (2, 3, b"b"))) == ()


def test_far_edits_make_two_hunks_and_near_ones_one() -> None:
    text = b"".join(b"line %d\n" % number for number in range(40))
    first, near, far = text.index(b"line 3\n"), text.index(b"line 8\n"), text.index(b"line 30\n")
    assert len(hunks_of(change(text, (first, first + 4, b"x"), (near, near + 4, b"x")))) == 1
    assert len(hunks_of(change(text, (first, first + 4, b"x"), (far, far + 4, b"x")))) == 2


def test_counts_are_whole_lines() -> None:
    assert line_counts(change(b"a\nb\nc\n", (2, 3, b"x\ny"))) == (2, 1)


@pytest.mark.parametrize(
    ("before", "edits"),
    [
        (b"a\nb", [(3, 3, b"c")]),
        (b"", [(0, 0, b"x\n")]),
        (b"x\n", [(0, 2, b"")]),
        (b"a\r\nb\r\n", [(3, 4, b"B")]),
        (b"caf\xe9\nb\n", [(5, 6, b"\xe8")]),
        (b"a\nb\nc\n", [(1, 2, b"")]),
        (b"a\nb\n", [(3, 4, b"")]),
    ],
)
def test_git_applies_the_printed_diff(tmp_path: Path, before: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    changed = change(before, *edits)
    (tmp_path / "f.py").write_bytes(before)
    patch = unified([changed], Style()).encode("utf-8", "surrogateescape")
    subprocess.run(
        ["git", "apply", "--unidiff-zero", "--whitespace=nowarn", "-"], cwd=tmp_path, input=patch, check=True
    )
    assert (tmp_path / "f.py").read_bytes() == changed.after


def test_control_characters_do_not_reach_a_terminal() -> None:
    shown = unified([change(b"a\n", (0, 1, b"\x1b[2J"))], Style(colours=True))
    assert "\x1b[2J" not in shown
    assert "\\x1b[2J" in shown
