"""Names that a module binds at its own level, held against what the interpreter binds when it runs it."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from sophia_cli.project.code.extract import surface_of
from sophia_cli.project.code.facts import ModuleSurface


def surface(text: str) -> ModuleSurface:
    """Return the surface of a text, taken out of its indentation."""
    text = dedent(text)
    return surface_of(ast.parse(text), text)


def names(text: str) -> set[str]:
    """Return the names that a text binds."""
    return {binding.name for binding in surface(text).bindings}


RUNS = """
    import os, os.path, json as parser
    from math import pi, tau as two_pi
    a = b = 1
    (c, [d, *e]) = 1, [2, 3, 4]
    f: int = 1
    unset: int
    a += 1
    for g, h in [(1, 2)]:
        i = g
    while (j := 0):
        k = 1
    else:
        k = 2
    with open(os.devnull) as (l):
        pass
    try:
        m = 1
    except ValueError as lost:
        pass
    else:
        n = 1
    finally:
        o = 1
    match [1, {"x": 2, "y": 3}]:
        case [p, {"x": q, **r}] as s:
            t = p
    class U:
        inner = 1
    def v(w=(x := 1)):
        global y
        y = inner = 2
    v()
    z = [aa := bb for bb in [1]]
    gone = 1
    del gone
    lambda: (never := 1)
    globals()["cc"] = 1
"""


def test_bindings_are_what_running_the_module_binds() -> None:
    module: dict[str, object] = {}
    exec(dedent(RUNS), module)
    module.pop("__builtins__")
    module.pop("__annotations__")
    assert names(RUNS) == set(module)


def test_a_name_has_the_line_that_first_binds_it() -> None:
    assert [(binding.name, binding.line) for binding in surface("a = 1\nb = 1\na = 2\n").bindings] == [
        ("a", 1),
        ("b", 2),
    ]


def test_what_only_a_script_binds_is_no_binding() -> None:
    found = surface("if __name__ == '__main__':\n    args = 1\nelse:\n    other = 1\n")
    assert [binding.name for binding in found.bindings] == ["other"]
    assert found.has_main


def test_what_only_type_checkers_see_is_marked() -> None:
    found = surface("from typing import TYPE_CHECKING as T\nif T:\n    import a\n    import b\nb = None\n").bindings
    assert [(binding.name, binding.is_for_types) for binding in found] == [("T", False), ("a", True), ("b", False)]


def test_a_name_that_is_deleted_only_sometimes_stays() -> None:
    assert names("a = b = 1\nif x:\n    del a\nwith y:\n    del b\n") == {"a"}


@pytest.mark.parametrize(
    ("text", "exports"),
    [
        ("__all__ = ['a', 'b']", ("a", "b")),
        ("__all__: list[str] = ['a']\n__all__ += ('b',)\n__all__.append('c')\n__all__.extend(['d'])", tuple("abcd")),
        ("__all__ = ['a'] + ['b']\n__all__.remove('a')", ("b",)),
        ("__all__ = ['a', *other.__all__]", None),
        ("__all__ = ['a']\n__all__ += other.__all__", None),
        ("a = 1", None),
        ("def f():\n    __all__ = ['a']", None),
    ],
)
def test_exports_are_a_literal_all(text: str, exports: tuple[str, ...] | None) -> None:
    assert surface(text).exports == exports


@pytest.mark.parametrize(
    "text",
    [
        "def __getattr__(name): ...",
        "from lazy import attach as __getattr__",
        "globals()[name] = 1",
        "def f():\n    for name in names:\n        globals()[name] = 1",
        "globals().update(other)",
        "vars()[name] = 1",
        "exec(code)",
        "def f():\n    exec(code, globals())",
        "setattr(sys.modules[__name__], name, 1)",
        "this = sys.modules[__name__]\nfor name in names:\n    setattr(this, name, 1)",
        "def fill():\n    here = globals()\n    for name in names:\n        here[name] = 1",
        "sys.modules[__name__] = Lazy()",
        "sys.modules[__name__].__class__ = Lazy",
        "register(globals())",
    ],
)
def test_a_module_that_writes_its_own_names_is_dynamic(text: str) -> None:
    assert surface(text).is_dynamic


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def __getattr__(self, name): ...",
        "globals()['a'] = 1",
        "def f():\n    return globals().get(name), vars(x), locals()",
        "def f():\n    exec(code)",
        "module = getattr(sys.modules[__name__], name)",
        "this = sys.modules[__name__]\nfound = inspect.getmembers(this)\nsetattr(other, name, this)",
        "cursor.exec(query)",
        "# exec(globals())",
    ],
)
def test_a_module_that_only_reads_names_is_not_dynamic(text: str) -> None:
    assert not surface(text).is_dynamic
