"""Text that does not compile: what can be told of it is told, the rest is doubted, and nothing is invented."""

from __future__ import annotations

import ast
import time
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.project.code.extract import surface_of
from sophia_cli.project.code.facts import Guard, ImportFact, ModuleSurface, Scope
from sophia_cli.project.code.tolerant import surface_of_broken


def broken(text: str) -> ModuleSurface:
    """Return the surface of a text that does not compile."""
    text = dedent(text)
    with pytest.raises(SyntaxError):
        compile(text, "broken.py", "exec")
    return surface_of_broken(text)


def modules(found: ModuleSurface) -> list[str]:
    """Return the modules that a text imports."""
    return [fact.written for fact in found.imports]


SOUND = '''
"""A module.

Example::

    import not_this_one
"""
from __future__ import annotations
import os, \\
    shop.cart as cart; from typing import (
    TYPE_CHECKING as T,  # for types
    Any,
)
try: import fast
except (ImportError, ValueError) as error: fast = None
else:
    import faster
if T:
    from . import models
elif os.name == "nt":
    import winreg
else:
    from .a.b import c as d, é
text = """
import nor_this
""" + 'def x(): # "' + f"{os.sep}"
__all__ = ["run"]
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
class A(B, metaclass=C):
    import inner
    def f(self, x={"a": [1,
        2]}):
        with suppress(ImportError):
            import optional
        try:
            import must
        except ImportError:
            sys.exit(1)
        global late
        late = import_module("shop.late")
        return (x
if x else y)
async def g(): pass
for i in range(3): j = i
with open(p) as (k, l): pass
m = n = o, = 1,
p: int = 1
q: int
if __name__ == "__main__":
    import script
    r = 1
'''


def test_a_sound_text_says_the_same_as_its_tree() -> None:
    exact, tolerant = surface_of(ast.parse(SOUND), SOUND), surface_of_broken(SOUND)
    assert tolerant.imports == exact.imports
    assert sorted(tolerant.bindings, key=repr) == sorted(exact.bindings, key=repr)
    for part in ("exports", "is_dynamic", "path_edits", "has_main", "strings"):
        assert getattr(tolerant, part) == getattr(exact, part), part
    assert len(exact.imports) == 14


STATEMENTS = st.sampled_from([part for part in SOUND.split("\n") if part.strip()])
JUNK = st.sampled_from(
    [
        *(
            "x = foo(",
            "]",
            "    )",
            "It's some prose (of a kind)",
            '"""',
            "'''",
            "<<<<<<< HEAD",
            "```python",
            "def f(",
            "\\",
        ),
        *(
            "import injected",
            "else:",
            "from",
            "import",
            "from x import",
            "import a.b-c",
            "class",
            "    ",
            "\t",
            "\x0c",
            "é",
        ),
    ]
)


@given(st.integers(0, 60), JUNK)
@settings(max_examples=60, deadline=None)
def test_a_line_of_junk_costs_few_imports_and_invents_none(line: int, junk: str) -> None:
    lines = SOUND.split("\n")
    lines.insert(min(line, len(lines)), junk)
    exact = {(fact.written, fact.names and fact.names[0].name) for fact in surface_of_broken(SOUND).imports}
    found = {(fact.written, fact.names and fact.names[0].name) for fact in surface_of_broken("\n".join(lines)).imports}
    assert len(exact - found) <= 4
    # What stands behind `import \\` is imported; names behind the junk may be lost, modules are not made up.
    known = {"injected", "x", "a.b-c", "not_this_one", "nor_this", junk.strip()}
    assert {module for module, _ in found} - {module for module, _ in exact} - known == set()


@given(
    st.text(st.sampled_from("\n\n\n    \t\\\"'#()[]{}:;,.=@éximportfrom as def class try:except if\r\0\ud800\u2028"))
)
@settings(max_examples=300, deadline=None)
def test_any_text_has_a_surface(text: str) -> None:
    assert isinstance(surface_of_broken(text), ModuleSurface)


@given(st.lists(st.one_of(STATEMENTS, JUNK), max_size=14))
@settings(max_examples=100, deadline=None)
def test_imports_of_any_mixture_of_lines_are_written_there(lines: list[str]) -> None:
    for fact in surface_of_broken("\n".join(lines)).imports:
        place = fact.module_place
        row = lines[place.line - 1].replace("\r", "\n")
        if place.line == place.end_line and not fact.is_call:
            assert row[place.column - 1 : place.end_column - 1] == fact.written


def fact(found: ModuleSurface, module: str) -> ImportFact:
    """Return the import of a module."""
    (result,) = [one for one in found.imports if one.module == module]
    return result


def test_an_open_bracket_does_not_take_the_imports_after_it() -> None:
    found = broken("x = foo(1,\nimport a\ny = [\n    2,\ndef f():\n    import b\n")
    assert [(one.module, one.scope) for one in found.imports] == [("a", Scope.MODULE), ("b", Scope.FUNCTION)]
    assert {binding.name for binding in found.bindings} >= {"a", "f"}


def test_an_import_whose_bracket_stays_open_is_doubted_but_told() -> None:
    found = broken("from shop import (\n    cart,\n    till\n\nclass A:\n    pass\n")
    assert [name.name for name in fact(found, "shop").names] == ["cart", "till"]
    assert not fact(found, "shop").is_certain


def test_a_string_that_stays_open_does_not_take_the_imports_after_it() -> None:
    found = broken('def f():\n    """Do it.\n    return 1\n\nimport a\n\ndef g():\n    """Do that."""\n    import b\n')
    assert modules(found) == ["a", "b"]
    assert [one.is_certain for one in found.imports] == [False, True]


def test_a_docstring_that_lost_its_beginning_does_not_take_the_imports_after_it() -> None:
    found = broken('A module.\n"""\nimport a\n\ndef g():\n    """\n    Do that.\n    """\n    import b\n')
    assert modules(found) == ["a", "b"]


def test_prose_and_docstrings_import_nothing() -> None:
    text = 'def f(:\n    """Read.\n\n    import a\n    from b import c\n    """\n'
    assert modules(broken(text + "import the data from d\nfrom e on\n# import f\n")) == []


def test_an_import_injected_into_a_try_is_doubted_and_the_rest_is_not() -> None:
    text = "try:\n    import a\nimport b\n    import c\nexcept ImportError:\n    pass\nimport d\n"
    found = broken(text)
    assert [(one.module, one.guard, one.is_certain) for one in found.imports] == [
        ("a", Guard.TRY, True),
        ("b", Guard.NONE, False),
        ("c", Guard.TRY, True),
        ("d", Guard.NONE, True),
    ]


def test_an_import_whose_body_lost_its_indentation_is_doubted() -> None:
    found = broken("def f():\nimport a\n\ndef g():\n    import b\n")
    assert [(one.module, one.is_certain) for one in found.imports] == [("a", False), ("b", True)]


def test_a_module_name_that_is_itself_the_fault_is_told() -> None:
    text = "try:\n    from tools.my-module.x import y as z\nexcept ImportError:\n    z = None\nimport jobs.2024\n"
    found = broken(text)
    assert modules(found) == ["tools.my-module.x", "jobs.2024"]
    assert (found.imports[0].guard, found.imports[0].names[0].asname) == (Guard.TRY, "z")


def test_names_of_a_broken_text_are_bound() -> None:
    found = broken(
        "import a.b\nA: int = 1\nB, C = 1, 2\ndef f(x:\n    y = 1\nclass D:\n    E = 1\nwith g() as h:\n    i = 1\n"
    )
    assert {binding.name for binding in found.bindings} == {"a", "A", "B", "C", "f", "D", "h", "i"}


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "import a.b\n",
            "import a;",
            "x = (\n",
            "from a import (\n",
            "'\\\n\"\\\n",
            '"""\nx = """a\n',
            '"""a\n',
            "(",
            "é; import é;",
        ),
        *(
            "try:\n import a\nexcept X:\n import b\n",
            "def f():\n x\nimport y\n x\n",
            "import a\\\n",
            "global x\n",
            '"a.a',
        ),
    ],
)
def test_time_grows_with_the_length_of_the_text(unit: str) -> None:
    def seconds(text: str) -> float:
        begin = time.process_time()
        surface_of_broken(text)
        return time.process_time() - begin

    small, large = (min(seconds(unit * (size // len(unit))) for _ in range(5)) for size in (4_000, 32_000))
    # Eight times the text: 64 times as long would be quadratic.
    assert large < 40 * max(small, 0.001)


def test_a_line_of_a_megabyte_is_read() -> None:
    text = "x = [" + "1, " * 350_000 + "\nimport a\n"
    assert modules(surface_of_broken(text)) == ["a"]
