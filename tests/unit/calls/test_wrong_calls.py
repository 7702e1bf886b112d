"""Which calls are taken for what: names, scopes, objects, decorators, over several files."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import sophia_cli
from sophia_cli.project.calls.wrong import Calls
from sophia_cli.project.code.file_facts import facts_of
from sophia_cli.project.imports.graph import build_graph

Check = Callable[[Mapping[str, str]], list[str]]

SHOP = """
    class Basket:
        size: int
        def __init__(self, owner): self.owner = owner
        def add(self, item, count=1): return self
        async def load(self, key): return key
        @classmethod
        def empty(cls): return cls("nobody")
        @staticmethod
        def join(left, right): return left
        @property
        def first(self): return Item()
        def __call__(self, item): ...
        def __enter__(self): return self
        def __exit__(self, *exc): ...
    class Item:
        def weigh(self, scale): ...
    class Large(Basket): ...
    def basket_of(name: str) -> Basket: ...
    def made(name): return Basket(name)
    async def fetched(name) -> "Basket | None": ...
    DEFAULT = Basket("shop")
    """

# What stands in a function of another file, and what is reported of it.
REACHED = {
    "an object made here": ("basket = Basket('a')\nbasket.add(itme=1)", "basket.add -itme +item"),
    "an annotated variable": ("basket: Basket = find()\nbasket.add(1, cuont=2)", "basket.add -cuont"),
    "what a function is annotated to give": ("basket_of('a').add()", "basket_of().add +item"),
    "what a function evidently gives": ("made('a').add()", "made().add +item"),
    "what a coroutine gives": ("async def run():\n    (await fetched('a')).add()", "(await fetched()).add +item"),
    "a chain": ("Basket('a').add(1).add()", "Basket().add().add +item"),
    "a class method's result": ("Basket.empty().add()", "Basket.empty().add +item"),
    "an heir's class method gives an heir": ("Large.empty().add()", "Large.empty().add +item"),
    "a static method": ("Basket.join(1)", "Basket.join +right"),
    "a property's result": ("Basket('a').first.weigh()", "Basket().first.weigh +scale"),
    "an object that is called": ("basket = Basket('a')\nbasket()", "basket +item"),
    "what a with statement binds": ("with Basket('a') as basket:\n    basket.add()", "basket.add +item"),
    "an alternative that is None": (
        "basket = None\nif find():\n    basket = Basket('a')\nbasket.add()",
        "basket.add +item",
    ),
    "one of two that both lack it": ("basket = Basket('a') if find() else made('b')\nbasket.add()", "basket.add +item"),
    "a class for certain parameters": ("Basket[int]()", "Basket[] +owner"),
    "a constant of the module": ("shop.DEFAULT.add()", "shop.DEFAULT.add +item"),
    "a coroutine that is awaited": ("async def run():\n    await Basket('a').load()", "Basket().load +key"),
    "a nested function": ("def inner(a): ...\ninner(b=1)", "inner -b +a"),
    "a local import": ("from shop import Item as Thing\nThing().weigh()", "Thing().weigh +scale"),
    "a parameter with a default of None": ("def run(basket: 'Basket' = None):\n    basket.add()", "basket.add +item"),
    "a parameter of several classes": ("def run(basket: Basket | Large):\n    basket.add()", "basket.add +item"),
    "a call within a call": ("print(list(map(str, [Basket()])))", "Basket +owner"),
    "a call in a comprehension": ("return [Basket(ownr=name) for name in find()]", "Basket -ownr +owner"),
    "a call whose other errors are suppressed": ("with suppress(OSError):\n    Basket()", "Basket +owner"),
    "a name that a function declares global": ("global last\nlast = Basket('a')\nlast.add()", "last.add +item"),
}


@pytest.mark.parametrize(("body", "expected"), REACHED.values(), ids=REACHED.keys())
def test_a_callee_is_known(body: str, expected: str, check: Check) -> None:
    found = check({"shop.py": SHOP, "app.py": _application(body)})
    assert [item.partition(" ")[2] for item in found] == [expected]


SILENT = {
    "a lambda that is expected to fail": "case.assertRaises(TypeError, lambda: Basket())",
    "a lambda in a call of raises": "pytest.raises(TypeError, lambda: [Basket().add()])",
    "a call that is suppressed": "with suppress(OSError, TypeError):\n    Basket()",
    "a parameter of the same name": "def run(Basket):\n    Basket()",
    "a name that is bound twice": "basket = Basket('a')\nbasket = find()\nbasket.add()",
    "a loop variable of the same name": "for Basket in find():\n    Basket()",
    "a comprehension's name": "return [Basket() for Basket in find()]",
    "a lambda's parameter": "return lambda Basket: Basket()",
    "a name that an import binds here": "from elsewhere import Basket\nBasket()",
    "a name that except binds": "try:\n    find()\nexcept Exception as Basket:\n    Basket()",
    "a name that match binds": "match find():\n    case [Basket]:\n        Basket()",
    "a name that a walrus binds": "if (Basket := find()):\n    Basket()",
    "a method that is replaced": "basket = Basket('a')\nbasket.add = find\nbasket.add()",
    "a method that is patched": "basket = Basket('a')\nmock.patch.object(basket, 'add')\nbasket.add()",
    "an object whose class is asked for": "basket = Basket('a')\nif isinstance(basket, Large):\n    basket.add()",
    "an object that a type guard asks for": "basket = Basket('a')\nif is_large(basket):\n    basket.add()",
    "a coroutine that nobody awaited": "fetched('a').add()",
    "an item of a list": "[Basket('a')][0].add()",
    "more arguments than the text shows": "Basket(*find())\nBasket(**find())",
    "more positional arguments than there are": "Basket(1, 2, z=3)",
    "an unknown function's result": "find().add()",
    "an attribute that nobody defines": "Basket('a').remove(1)",
}


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT.keys())
def test_a_callee_that_is_not_evident_is_left_alone(body: str, check: Check) -> None:
    assert check({"shop.py": SHOP, "app.py": _application(body)}) == []


def _application(body: str) -> str:
    lines = "\n".join("    " + line for line in body.splitlines())
    head = "import shop\nfrom unittest import mock\nfrom shop import Basket, Large, basket_of, fetched, made\n"
    return f"{head}from tools import find, is_large\n\ndef main():\n{lines}\n"


def test_an_object_is_called_as_the_heirs_of_its_class_are(check: Check) -> None:
    texts = {
        "shop.py": "class Node:\n    def __call__(self, values): ...\n    def size(self, unit): ...\n"
        "class Leaf(Node):\n    def __call__(self, values=()): ...\n"
        "def joined(*nodes) -> Node: ...\n",
        "app.py": "from shop import joined\njoined()()\njoined()(itmes=1)\njoined().size()\n",
    }
    assert check(texts) == ["app.py:3 joined() -itmes +values", "app.py:4 joined().size +unit"]


@pytest.mark.parametrize(("taken", "is_known"), [("", True), (", *args, **rest", True), (", model, **rest", False)])
def test_a_class_that_looks_at_arguments_before_it_makes_an_object_may_make_another(
    taken: str, is_known: bool, check: Check
) -> None:
    texts = {
        "shop.py": f"class Basket:\n    def __new__(cls{taken}): return find(cls)\n"
        "    def __init__(self, model=None): ...\n    def add(self, item): ...\n",
        "app.py": "from shop import Basket\nbasket = Basket(model=1)\nbasket.add()\n",
    }
    assert ("app.py:3 basket.add +item" in check(texts)) == is_known


def test_a_named_tuple_with_its_own_new_takes_what_that_takes(check: Check) -> None:
    texts = {
        "shop.py": "import typing\nfrom typing import NamedTuple\n"
        "class Place(typing.NamedTuple('Place', [('street', str), ('town', str)])):\n"
        "    def __new__(cls, street=None, town=None): return super().__new__(cls, street, town)\n"
        "class Plain(NamedTuple):\n    street: str\n    town: str\n",
        "app.py": "from shop import Place, Plain\nPlace(town='x')\nPlace(twon='x')\nPlain(town='x')\n",
    }
    assert check(texts) == ["app.py:3 Place -twon", "app.py:4 Plain +street"]


def test_attributes_of_self_are_known_by_annotation_and_assignment(check: Check) -> None:
    texts = {
        "shop.py": SHOP,
        "app.py": """
            from shop import Basket, Item
            class App:
                item: Item
                def __init__(self, basket: Basket, other):
                    self.basket = basket
                    self.either = Item()
                    self.other = other
                def later(self): self.either = Basket('a')
                def run(self):
                    self.basket.add()
                    self.item.weigh()
                    self.either.weigh()
                    self.other.weigh()
            """,
    }
    assert check(texts) == ["app.py:11 self.basket.add +item", "app.py:12 self.item.weigh +scale"]


def test_an_attribute_that_a_base_sets_is_not_what_the_class_says(check: Check) -> None:
    text = """
        class Widget:
            def show(self, where): ...
        class Field:
            def __init__(self, widget): self.widget = widget()
        class Text(Field):
            widget = Widget
            def run(self): return self.widget.show('here')
        """
    assert check({"app.py": text}) == []


def test_a_name_in_a_class_body_means_what_is_bound_above_it(check: Check) -> None:
    text = """
        class Rows:
            def __init__(self, table): ...
        class Table:
            rows_class = Rows
            def Rows(self, first, second): return self.rows_class(first)
            alias = Rows
            def run(self):
                self.rows_class()
                self.alias(1)
        """
    assert check({"app.py": text}) == ["app.py:9 self.rows_class +table", "app.py:10 self.alias +second"]


def test_a_redefinition_counts_only_when_a_call_fits_none(check: Check) -> None:
    text = """
        import sys
        if sys.version_info >= (3, 12):
            def read(path, mode): ...
        else:
            def read(path): ...
        read('a')
        read('a', 'b')
        read()
        """
    assert check({"app.py": text}) == ["app.py:9 read +path"]


def test_names_are_followed_through_packages_stars_and_aliases(check: Check) -> None:
    texts = {
        "shop/__init__.py": "from .orders import *\nfrom . import prices as rates\n",
        "shop/orders.py": "__all__ = ['order']\nfrom shop.hidden import order, secret\n",
        "shop/hidden.py": "def order(number): ...\ndef secret(number): ...\n",
        "shop/prices.py": "def price(item): ...\n",
        "app.py": "import shop\nshop.order()\nshop.secret()\nshop.rates.price()\nbuy = shop.order\nbuy()\n",
        "other.py": "from shop import *\norder()\n",
    }
    assert check(texts) == [
        "app.py:2 shop.order +number",
        "app.py:4 shop.rates.price +item",
        "app.py:6 buy +number",
        "other.py:2 order +number",
    ]


def test_circles_of_imports_and_names_come_to_an_end(check: Check) -> None:
    texts = {
        "one.py": "from two import thing\nfrom two import *\nthing()\nother()\na = b\nb = a\na()\n",
        "two.py": "from one import thing\nfrom one import *\nthing(1)\n",
    }
    assert check(texts) == []


def test_super_means_the_next_class_in_the_order(check: Check) -> None:
    text = """
        class Root:
            def __init__(self, a): ...
        class Other:
            def __init__(self, a, b): ...
        class Child(Root, Other):
            def __init__(self):
                super().__init__(1, zz=2)
                super(Child, self).__init__()
                super(Root, self).__init__(1, 2)
        class Mixin:
            def __init__(self, **options): super().__init__(name="a", **options)
        """
    assert check({"app.py": text}) == ["app.py:8 super().__init__ -zz", "app.py:9 super().__init__ +a"]


DECORATED = {
    "passes everything on": (
        "def deco(f):\n    def inner(*a, **k):\n        return f(*a, **k)\n    return inner\n",
        "@deco",
        True,
    ),
    "gives the function back": ("def deco(f):\n    f.mark = 1\n    return f\n", "@deco", True),
    "a maker of one that passes on": (
        "def deco(n):\n    def outer(f):\n        def inner(*a, **k):\n            return f(*a, **k)\n"
        "        return inner\n    return outer\n",
        "@deco(3)",
        True,
    ),
    "with and without parentheses": (
        "def deco(f=None, *, n=1):\n    def outer(f):\n        def inner(*a, **k):\n            return f(*a, **k)\n"
        "        return inner\n    if f is None:\n        return outer\n    return outer(f)\n",
        "@deco",
        True,
    ),
    "promised by a type variable": (
        "from typing import Callable, TypeVar\nF = TypeVar('F', bound=Callable)\ndef deco(f: F) -> F: return mark(f)\n",
        "@deco",
        True,
    ),
    "promised by the parameters of a callable": (
        "from typing import Callable, ParamSpec, TypeVar\nP = ParamSpec('P')\nR = TypeVar('R')\n"
        "def deco(n: int) -> Callable[[Callable[P, R]], Callable[P, list[R]]]: ...\n",
        "@deco(1)",
        True,
    ),
    "adds an argument": (
        "def deco(f):\n    def inner(*a, **k):\n        return f(1, *a, **k)\n    return inner\n",
        "@deco",
        False,
    ),
    "fills a keyword in": (
        "def deco(f):\n    def inner(*a, **k):\n        k['b'] = 1\n        return f(*a, **k)\n    return inner\n",
        "@deco",
        False,
    ),
    "takes a keyword for itself in spite of its promise": (
        "from typing import Callable, ParamSpec\nP = ParamSpec('P')\n"
        "def deco(f: Callable[P, int]) -> Callable[P, int]:\n    def inner(*a, now=True, **k):\n"
        "        return f(*a, **k)\n    return inner\n",
        "@deco",
        False,
    ),
    "a callable for a callable promises nothing": (
        "from typing import Callable\ndef deco(f: Callable) -> Callable: return mark(f)\n",
        "@deco",
        False,
    ),
    "of another distribution": ("from framework import deco\n", "@deco", False),
    "a maker that is not called": (
        "def deco(n):\n    def outer(f):\n        return f\n    return outer\n",
        "@deco",
        False,
    ),
    "of the standard library": ("import functools\n", "@functools.lru_cache(maxsize=None)", True),
}


@pytest.mark.parametrize(("definition", "use", "is_known"), DECORATED.values(), ids=DECORATED.keys())
def test_a_decorator_counts_when_it_keeps_the_signature(
    definition: str, use: str, is_known: bool, check: Check
) -> None:
    text = f"{definition}\n{use}\ndef run(a): ...\n\nrun(b=1)\n"
    assert [item.partition(" ")[2] for item in check({"app.py": text})] == (["run -b +a"] if is_known else [])


def test_lines_that_excuse_a_call_are_left_alone(check: Check) -> None:
    text = """
        def run(a): ...
        run()  # type: ignore
        run()  # type: ignore[call-arg]
        run()  # pyright: ignore[reportCallIssue]
        run()  # pylint: disable=no-value-for-parameter
        run(
            b=1,  # type: ignore[call-arg]
        )
        run()  # type: ignore[attr-defined]
        run()  # ignore this
        """
    assert check({"app.py": text}) == ["app.py:10 run +a", "app.py:11 run +a"]


def test_columns_count_characters() -> None:
    text = "def run(a): ...\nprint('é'), run('ü', straße=1)\n"
    files = {"app.py": facts_of("app.py", text, ast.parse(text))}
    (wrong,) = Calls(files, build_graph(files).resolver).wrong
    assert (wrong.call.line, wrong.call.column) == (2, 13)
    assert [(keyword.line, keyword.column) for keyword in wrong.unknown] == [(2, 22)]


def test_files_that_are_not_scanned_are_known_but_not_judged() -> None:
    texts = {"lib.py": "def run(a): ...\nrun()\n", "app.py": "from lib import run\nrun()\n"}
    read = {path: facts_of(path, text, ast.parse(text)) for path, text in texts.items()}
    files = {path: replace(facts, is_scanned=path != "lib.py") for path, facts in read.items()}
    assert [wrong.path for wrong in Calls(files, build_graph(files).resolver).wrong] == ["app.py"]


def test_this_very_project_has_no_wrong_call() -> None:
    root = Path(sophia_cli.__file__).parent
    texts = {f"sophia_cli/{path.relative_to(root).as_posix()}": path.read_text("utf-8") for path in root.rglob("*.py")}
    files = {path: facts_of(path, text, ast.parse(text)) for path, text in texts.items()}
    assert Calls(files, build_graph(files).resolver).wrong == ()
