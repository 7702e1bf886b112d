"""What a file says about calls, where its shape is odd."""

from __future__ import annotations

import ast

import pytest

from sophia_cli.project.code.calls import CallSurface, Relay
from sophia_cli.project.code.extract_calls import calls_of


def surface(text: str) -> CallSurface:
    return calls_of(ast.parse(text), text)


def test_a_file_without_anything_says_nothing() -> None:
    assert surface("") == CallSurface()
    assert surface('"""Only words."""\n') == CallSurface()


def test_calls_of_the_standard_library_and_of_builtins_are_left_out() -> None:
    text = "import json, os.path\nfrom logging import getLogger\nlog = getLogger()\nlog.info(json.dumps(print(a=1)))\n"
    assert surface(text).calls == ()


def test_a_long_chain_of_elif_is_read_to_its_end() -> None:
    text = "def run(): ...\nif a: pass\n" + "elif a: pass\n" * 700 + "else: run(b=1)\n"
    assert [call.written for call in surface(text).calls] == ["run"]


def test_what_is_nested_too_deeply_says_nothing_and_does_no_harm() -> None:
    text = "def run(): return 1\nx = " + "run(" * 80 + ")" * 80 + "\n"
    assert len(surface(text).calls) == 80
    deep = ast.parse("run()")
    for _ in range(5000):
        deep.body = [ast.If(ast.Constant(1), [*deep.body, ast.Pass()], [])]
    assert calls_of(deep, "run()") == CallSurface()


def test_calls_come_in_the_order_of_the_text() -> None:
    text = "def a(): ...\ndef b():\n    a(x=1)\nb(y=a(z=2))\n"
    assert [(call.line, call.column, call.written) for call in surface(text).calls] == [
        (3, 5, "a"),
        (4, 1, "b"),
        (4, 5, "a"),
    ]


def test_stars_are_counted_apart() -> None:
    (call,) = surface("def a(): ...\na(1, *b, 2, c=3, **d)\n").calls
    assert (call.positional, call.has_star, call.has_double_star) == (2, True, True)
    assert [keyword.name for keyword in call.keywords] == ["c"]


def test_a_setter_is_not_what_the_name_of_a_property_means() -> None:
    text = "class A:\n    @property\n    def x(self): ...\n    @x.setter\n    def x(self, value): ...\n"
    (member,) = surface(text).classes[0].members
    assert member.values == ("&0",)


@pytest.mark.parametrize(
    ("text", "relay"),
    [
        ("def d(f): return f", Relay.SAME),
        ("def d(f): return 1", Relay.NONE),
        ("def d(f):\n    if f: return 1\n    return f", Relay.NONE),
        ("def d(f):\n    def w(*a, **k): return f(*a, **k)\n    return cast(F, w)", Relay.WRAPS),
        ("def d(f):\n    def w(self, *a, **k): return f(self, *a, **k)\n    return w", Relay.WRAPS),
        ("def d(f):\n    async def w(*a, **k): return await f(*a, **k)\n    return wraps(f)(w)", Relay.WRAPS),
        ("def d(f):\n    def w(*a): return f(*a)\n    return w", Relay.NONE),
        ("def d(f):\n    def w(*a, **k): return f(*a)\n    return w", Relay.NONE),
        ("def d(f):\n    def w(*a, **k):\n        k.pop('x')\n        return f(*a, **k)\n    return w", Relay.NONE),
        ("def d(f):\n    def w(*a, **k): return 1\n    return w", Relay.NONE),
        ("def d(n):\n    def m(f): return f\n    return m", Relay.MAKES_SAME),
    ],
)
def test_what_a_function_does_as_a_decorator(text: str, relay: Relay) -> None:
    (function,) = (function for function in surface(text).functions if function.name == "d")
    assert function.relay is relay
