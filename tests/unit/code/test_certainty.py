"""What reading calls tells of a tree: that it surely compiles, or nothing."""

from __future__ import annotations

import ast
import textwrap
import warnings
import weakref
from collections.abc import Iterator

import pytest

from sophia_cli.fixers.analysis import AnalysisContext, view_of
from sophia_cli.fixers.syntax.compiler import tree_of, uncollected
from sophia_cli.project.code.certainty import is_known_compiler
from sophia_cli.project.code.extract_calls import calls_and_certainty
from sophia_cli.project.code.file_facts import facts_and_certainty

AROUND = (
    "{0}",
    "def f_():\n{1}",
    "async def f_():\n{1}",
    "class C_:\n{1}",
    "for i_ in j_:\n{1}",
    "while i_:\n{1}",
    "while i_: pass\nelse:\n{1}",
    "try:\n{1}\nexcept E: pass",
    "try: pass\nexcept E:\n{1}",
    "try: pass\nfinally:\n{1}",
    "with w_:\n{1}",
    "if i_: pass\nelif j_:\n{1}",
    "match m_:\n  case 1:\n{2}",
    "'doc'\n{0}",
    "x = 1\n{0}",
)
PIECES = (
    *("return", "return 1", "return *a", "yield", "x = yield 1", "yield *a, b", "await x", "x = await y"),
    *("break", "continue", "from a import *", "global x", "nonlocal x", "x = 1; global x", "__debug__ = 1"),
    *("async with a: pass", "async for a in b: pass", "[x async for x in y]", "(x async for x in y)"),
    *("[await x for x in y]", "[(yield x) for x in y]", "[x for x in (yield)]", "{x: (yield) for x in y}"),
    *("f(a=1, a=2)", "f(**a, **b)", "class B(x=1, x=2): pass", "class B(metaclass=f(a=1, a=1)): pass"),
    *(
        "def g(a, a): pass",
        "def g(a, *, a): pass",
        "def g(*a, **a): pass",
        "lambda a, a: 1",
        "lambda *, x=(await y): 1",
    ),
    *("lambda: (yield)", "lambda: (await x)", "lambda: (x := 1)", "f(lambda: [x async for x in y])"),
    *("def g(a: (yield)): pass", "def g() -> (await x): pass", "def g(x: f(a=1, a=1)): pass", "x: f(a=1, a=2) = 3"),
    *("x: (yield) = 1", "x: *a", "x: list[lambda: (yield)]", "x.y: (await z) = 1", "x[await y]: int"),
    *("def g(x=(yield)): pass", "def g(x=await y): pass", "@(yield)\ndef g(): pass", "@f(a=1, a=2)\nclass B: pass"),
    *("*a = b", "*a, b = c", "*a, *b = c", "(a, [*b, *c]) = d", "x = *a", "x = *a,", "*a", "*a,", "f(*a)", "x[*a]"),
    *(
        "for *a in b: pass",
        "for *a, b in c: pass",
        "with x as *a: pass",
        "with x as (*a, b): pass",
        "class B(*x): pass",
    ),
    *("try: pass\nexcept: pass\nexcept A: pass", "try: pass\nexcept A: pass\nexcept: pass"),
    *("try: pass\nexcept* A:\n  break", "match x:\n  case a: pass\n  case b: pass", "match x:\n  case [a, a]: pass"),
    *("from __future__ import annotations", "from __future__ import braces", "f(__debug__=1)", "import __debug__"),
    *(
        "(x := 1)",
        "[x := 1 for x in y]",
        "[x for x in (y := z)]",
        "[(y := x) for x in z]",
        "[x for x in y if (x := 1)]",
    ),
    *("f'{await x}'", "f'{(yield)}'", "f'{x:{await y}}'", "f'{x:{f(a=1, a=2)}}'", "f'{f(a=1, a=2)}'", "f'{x!r:>{n}}'"),
    *("while a:\n  break\nelse:\n  break", "for a in b:\n  continue\nelse:\n  continue"),
    *("for a in b:\n  def g():\n    break", "for a in b:\n  class B:\n    continue"),
    *("def g():\n  yield\n  return 1", "async def g():\n  yield\n  return 1", "async def g():\n  yield from x"),
    *("async def g():\n  def h():\n    await x", "async def g():\n  class B:\n    await x"),
    *("async def g():\n  [await x for x in y]", "async def g():\n  lambda: await x"),
    *("async def g():\n  f(lambda: [x async for x in y])", "async def g():\n  f(lambda a=await b: 1)"),
    *(
        "def g():\n  global x\n  x = 1",
        "def g():\n  'doc'\n  global x, y\n  global z\n  x = 1",
        "def g(x):\n  global x",
    ),
    *("def g():\n  x = 1\n  global x", "def g():\n  print(x)\n  global x", "def g():\n  global x\n  x: int = 1"),
    *("def g():\n  global x\n  nonlocal x", "def g():\n  if a:\n    global x", "class G:\n  global x\n  x: int = 1"),
    *(
        "assert f(a=1, a=1)",
        "raise f(a=1, a=1) from f()",
        "x[f(a=1, a=1):] = 1",
        "f(a=1, a=1).b = 1",
        "del f(a=1, a=1).b",
    ),
    *("for f(a=1, a=1).b in x: pass", "with a as f(b=1, b=1).c: pass", "a = {1: f(a=1, a=1)}", "a = {**f(a=1, a=1)}"),
    *("async def g():\n  return 1\n  yield", "async def g():\n  return (yield)", "async def g():\n  return\n  yield"),
    *(
        "def g(x):\n  def h():\n    nonlocal x\n    x = 1",
        "def g(x):\n  def h():\n    print(x)\n    nonlocal x",
        "def g(x):\n  def h():\n    nonlocal x\n    x: int = 1",
        "def g(x):\n  class B:\n    nonlocal x",
        "def g():\n  global x\n  def h():\n    nonlocal x",
        "def g():\n  isinstance(x, int)\n  def h():\n    nonlocal x",
        "def g():\n  for x in y: pass\n  global x",
        "def g():\n  import x.y\n  global x",
        "def g():\n  try: pass\n  except A:\n    global x\n  else:\n    x = 1",
    ),
    *("__\uff44ebug__ = 1", "__de\U0001d41bug__ = 1", "_\ufe33debug__ = 1"),
    *("raises(X, lambda: g(a=1, a=1))", "isinstance(f(a=1, a=1), X)", "print(*f(b=1, b=1))", "f(**g(b=1, b=1))"),
)


def _texts() -> Iterator[str]:
    for piece in PIECES:
        for around in AROUND:
            yield around.format(piece, textwrap.indent(piece, "  "), textwrap.indent(piece, "    "))
    for levels in (11, 13, 20, 21):
        for header in ("for a in b:", "while a:", "with a, b:"):
            yield "".join(" " * level + header + "\n" for level in range(levels)) + " " * levels + "pass\n"
    for many in (199, 255, 256, 300):
        yield ",".join(f"a{index}" for index in range(many)) + ", *b = c\n"
    for feature in ("annotations", "braces", "annotations, nope"):
        yield f"'doc'\nfrom __future__ import generators\nfrom __future__ import {feature}\n"
        yield f"import a\nfrom __future__ import {feature}\n"


def _compiles(text: str) -> bool:
    try:
        compile(text, "<text>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def test_nothing_that_the_compiler_refuses_is_certain() -> None:
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in _texts():
            try:
                tree = ast.parse(text)
            except SyntaxError:
                continue
            if not _compiles(text):
                refused += 1
                assert not calls_and_certainty(tree, text)[1], text
    assert refused > 500


ORDINARY = '''
"""What it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from shop import *

TOTALS: dict[str, list[int] | None] = {"a": [1, *range(3)]}
_cache = None


class Basket(Base, metaclass=Meta):
    items: list[str] = field(default_factory=list)

    def add(self, *names: str, price: float = 1.0, **more: object) -> Basket | None:
        """Add."""
        global _cache
        _cache = {name: price for name in names if name}
        for name, *rest in more.items():
            if not rest:
                continue
            while name:
                try:
                    return self.add(*names, price=price, **more)
                except (KeyError, ValueError) as error:
                    log(f"{name!r:>10} {error}", key=lambda item: item[0])
                    break
                finally:
                    close()
        return None

    def __iter__(self):
        yield from self.items
        yield [item for item in self.items]


async def serve(basket, handler: Callable[..., int] = print):
    async with open_all(basket) as (first, *others):
        async for one in first:
            await handler(one, sorted(others, key=lambda other: other.price))
    return [await one for one in others], [two async for two in first if (found := two)]
'''


@pytest.mark.skipif(not is_known_compiler(), reason="only said where the compiler is known")
def test_ordinary_code_is_certain() -> None:
    text = ORDINARY.replace(" if (found := two)", "").lstrip()
    assert calls_and_certainty(ast.parse(text), text)[1]


@pytest.mark.skipif(not is_known_compiler(), reason="only said where the compiler is known")
@pytest.mark.parametrize(
    "text",
    [
        "def g(n):\n  if n:\n    global x\n    x = n\n",
        "def g():\n  n = 0\n  def h():\n    nonlocal n\n    n += 1\n  return h\n",
        "async def g():\n  async with a() as b:\n    yield b\n  return\n",
        "print('\u2139\ufe0f done \u2122 \u2192')\n",
    ],
)
def test_what_services_often_hold_is_certain(text: str) -> None:
    assert calls_and_certainty(ast.parse(text), text)[1]


@pytest.mark.skipif(not is_known_compiler(), reason="only said where the compiler is known")
def test_a_name_for_a_part_of_a_comprehension_is_left_to_the_compiler() -> None:
    text = ORDINARY.lstrip()
    assert not calls_and_certainty(ast.parse(text), text)[1]


def test_a_file_with_a_late_error_is_broken_although_its_facts_were_read() -> None:
    def knows(tree: ast.Module, text: str) -> bool:
        return facts_and_certainty("a.py", text, tree)[1]

    view = view_of("a.py", b"import os\nreturn os\n", AnalysisContext((3, 11)), knows)
    assert view.tree is None
    assert view.fault is not None
    assert view.fault.line == 2


def test_a_tree_is_freed_once_its_facts_are_read_and_waits_for_no_collector() -> None:
    text = ORDINARY.lstrip()
    tree = ast.parse(text)
    parts = [weakref.ref(statement) for statement in tree.body]
    with uncollected():
        facts = facts_and_certainty("a.py", text, tree)
        del tree
        assert [part() for part in parts] == [None] * len(parts)
    assert facts


def test_nobody_is_asked_about_a_deep_tree() -> None:
    asked: list[str] = []

    def knows(tree: ast.Module, text: str) -> bool:
        asked.append(text)
        return True

    deep = "x = " + "+".join("a" * 900) + "\n"
    tree_of(deep, knows=knows)
    assert (asked == []) or not is_known_compiler()
    assert tree_of("x = a\n", knows=knows) is not None
    assert asked[-1:] == ["x = a\n"]
