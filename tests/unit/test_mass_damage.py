"""Damage that a tool did to many files is recognised, and taken back in files without a good version."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.lessons import lessons_of, mend
from sophia_cli.fixers.syntax.line_shape import shape
from sophia_cli.fixers.syntax.mass_damage import Action, BrokenFile, DamageGroup, Signature, mass_damage
from sophia_cli.fixers.syntax.model import SyntaxFault


def module(name: str) -> str:
    return f'''"""Work with {name}."""

import logging

from app.core import connect


def load_{name}(path, limit=10):
    """Load {name} from a path."""
    rows = connect(
        path,
        limit=limit,
    )
    try:
        logging.info("loaded %s", path)
    except OSError:
        return None
    return rows
'''


def closing_deleted(text: str) -> str:
    return text.replace("    )\n", "")


def import_injected(text: str) -> str:
    return text.replace("    try:\n", "    try:\nfrom app.logs import log\n")


def call_commented(text: str) -> str:
    return text.replace("    rows = connect(", "    # Changed by tool: rows = connect(")


def docstring_joined(text: str) -> str:
    return text.replace('from a path."""\n    rows = ', 'from a path."""rows = ')


def body_outdented(text: str) -> str:
    return text.replace("        return None\n", "    return None\n")


Damage = Callable[[str], str]
TOOLS = [
    (closing_deleted, Signature(Action.DELETED, ")")),
    (import_injected, Signature(Action.INSERTED, "from app.logs import log")),
    (call_commented, Signature(Action.COMMENTED, "# Changed by tool: ")),
    (docstring_joined, Signature(Action.JOINED, "s")),
    (body_outdented, Signature(Action.REINDENTED, "-4")),
]


def broken_by(tool: Damage, names: str, commit: str = "c1") -> list[BrokenFile]:
    files = []
    for name in names:
        good = module(name)
        assert compile_fault(tool(good)) is not None
        files.append(BrokenFile(f"{name}.py", commit, good, tool(good)))
    return files


def groups_of(files: list[BrokenFile]) -> dict[Signature, DamageGroup]:
    return {group.signature: group for group in mass_damage(files, compile_fault)}


@pytest.mark.parametrize(("tool", "signature"), TOOLS)
def test_the_signature_of_a_tool_is_recognised_across_files(tool: Damage, signature: Signature) -> None:
    groups = groups_of(broken_by(tool, "abc"))
    assert groups[signature].paths == ("a.py", "b.py", "c.py")


@pytest.mark.parametrize(("tool", "signature"), TOOLS)
def test_the_damage_is_taken_back_in_a_file_without_good_version(tool: Damage, signature: Signature) -> None:
    lessons = lessons_of(mass_damage(broken_by(tool, "abc"), compile_fault))
    mended = mend(tool(module("other")), lessons, compile_fault)
    assert mended is not None
    assert mended.text == module("other")
    assert [lesson.signature for lesson in mended.lessons] == [signature]


def test_several_damages_in_one_file_are_all_taken_back() -> None:
    files = broken_by(closing_deleted, "abc") + broken_by(import_injected, "def")
    broken = closing_deleted(import_injected(module("other")))
    mended = mend(broken, lessons_of(mass_damage(files, compile_fault)), compile_fault)
    assert mended is not None
    assert mended.text == module("other")


def test_the_commits_that_did_it_are_named() -> None:
    files = broken_by(closing_deleted, "ab", "c1") + broken_by(closing_deleted, "cd", "c2")
    group = groups_of(files)[Signature(Action.DELETED, ")")]
    assert group.commits == ("c1", "c2")
    assert len(group.paths) == 4


def test_the_most_frequent_damage_comes_first() -> None:
    files = broken_by(closing_deleted, "ab") + broken_by(import_injected, "cdef")
    assert mass_damage(files, compile_fault)[0].signature.action is Action.INSERTED


def test_damage_of_one_file_is_no_mass_damage() -> None:
    assert mass_damage(broken_by(closing_deleted, "a"), compile_fault) == ()


def test_a_harmless_part_of_the_breaking_change_is_not_part_of_the_signature() -> None:
    def tool(text: str) -> str:
        return closing_deleted(text).replace("import logging\n", "import logging as log\n")

    assert set(groups_of(broken_by(tool, "abc"))) == {Signature(Action.DELETED, ")")}


def test_without_lessons_nothing_is_mended() -> None:
    assert mend(closing_deleted(module("a")), (), compile_fault) is None


def test_other_damage_than_the_known_is_left_alone() -> None:
    lessons = lessons_of(mass_damage(broken_by(import_injected, "abc"), compile_fault))
    assert mend(closing_deleted(module("a")), lessons, compile_fault) is None


def test_a_file_that_compiles_is_not_touched() -> None:
    lessons = lessons_of(mass_damage(broken_by(import_injected, "abc"), compile_fault))
    assert mend(module("a"), lessons, compile_fault) is None


def test_the_limit_on_checks_is_kept() -> None:
    calls = 0

    def counting(text: str) -> SyntaxFault | None:
        nonlocal calls
        calls += 1
        return compile_fault(text)

    lessons = lessons_of(mass_damage(broken_by(closing_deleted, "abc"), compile_fault))
    mend(closing_deleted(module("a")) + "\ny = (\n" * 30, lessons, counting, limit=5)
    assert calls <= 5


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("total = sum(a, 3)", "  x = f(y, 0)"),
        ('call("a", b.c)', "other('x y', z)"),
        ("f(a, b, c)", "g(x, y)"),
        ("except (ValueError, OSError) as error:", "except (A, B, C) as e:"),
    ],
)
def test_lines_that_differ_in_names_only_have_one_shape(line: str, other: str) -> None:
    assert shape(line) == shape(other)


@pytest.mark.parametrize(("line", "other"), [("x = (", "x = ["), ("if x:", "while x:"), ('"""', "'''"), ("a)", "a")])
def test_lines_that_differ_in_signs_or_keywords_have_other_shapes(line: str, other: str) -> None:
    assert shape(line) != shape(other)


@given(st.text(max_size=60))
def test_every_line_has_a_shape(line: str) -> None:
    assert shape(line) == shape(f"    {line}".lstrip())
