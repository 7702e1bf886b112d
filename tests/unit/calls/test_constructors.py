"""What classes take, held against what Python makes of the same classes."""

from __future__ import annotations

import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Mapping

import pytest

Check = Callable[[Mapping[str, str]], list[str]]

CLASSES = {
    "a dataclass": """
        from dataclasses import dataclass
        @dataclass
        class Made:
            a: int
            b: int = 0
        """,
    "fields that are no arguments": """
        from dataclasses import KW_ONLY, InitVar, dataclass, field
        from typing import ClassVar
        @dataclass
        class Made:
            a: int
            b: list = field(default_factory=list)
            c: ClassVar[int] = 1
            d: int = field(init=False, default=2)
            e: InitVar[int] = 3
            _: KW_ONLY
            f: int
        """,
    "keywords alone": """
        from dataclasses import dataclass, field
        @dataclass(kw_only=True)
        class Made:
            a: int
            b: int = field(kw_only=False)
        """,
    "inherited fields": """
        import dataclasses
        @dataclasses.dataclass
        class Base:
            a: int
            b: int = 0
        @dataclasses.dataclass(frozen=True)
        class Other: ...
        @dataclasses.dataclass
        class Made(Base):
            a: int = 1
            c: int = 2
        """,
    "a dataclass with a constructor of its own": """
        from dataclasses import dataclass
        @dataclass
        class Made:
            a: int
            def __init__(self, b): self.a = b
        """,
    "a plain heir of a dataclass": """
        from dataclasses import dataclass
        @dataclass
        class Base:
            a: int
        class Made(Base):
            b: int
        """,
    "a named tuple": """
        from typing import NamedTuple
        class Made(NamedTuple):
            a: int
            b: int = 0
        """,
    "a named tuple made by a call": """
        from collections import namedtuple
        Made = namedtuple("Made", "a b, c", defaults=(1,))
        """,
    "an heir of a named tuple made by a call": """
        import collections
        class Made(collections.namedtuple("Made", ["a", "b"])):
            pass
        """,
    "the order of lookup": """
        class Root:
            def __init__(self, a): ...
        class Left(Root): ...
        class Right(Root):
            def __init__(self, b): ...
        class Made(Left, Right): ...
        """,
    "new without init": """
        class Made:
            def __new__(cls, a, *, b=1): return super().__new__(cls)
        """,
    "nothing at all": """
        class Made: ...
        """,
    "a generic class": """
        import abc
        from typing import Generic, TypeVar
        T = TypeVar("T")
        class Made(abc.ABC, Generic[T]):
            def __init__(self, a: T, /, b): ...
        """,
}


@pytest.mark.parametrize("text", CLASSES.values(), ids=CLASSES.keys())
def test_a_class_takes_what_python_says(text: str, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    source = textwrap.dedent(text)
    module = types.ModuleType("made")
    monkeypatch.setitem(sys.modules, "made", module)
    exec(source, module.__dict__)
    made = module.Made
    parameters = inspect.signature(made).parameters.values()
    named = [parameter for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY]
    required = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    given = ["1"] * (len(parameters) - len(named)) + [f"{parameter.name}=1" for parameter in named]
    texts = {
        "made.py": source,
        "app.py": f"from made import Made\nMade({', '.join(given)})\nMade({', '.join([*given, 'zz=1'])})\nMade()\n",
    }
    missing = ["app.py:4 Made " + " ".join(f"+{name}" for name in required)] if required else []
    assert check(texts) == ["app.py:3 Made -zz", *missing]


SILENT = {
    "a base of another distribution": "from framework import Base\nclass Made(Base): ...",
    "a base that nobody knows": "class Made(make_base()): ...",
    "a decorator that nobody knows": "from framework import register\n@register\nclass Made: ...",
    "a metaclass that nobody knows": (
        "from framework import Meta\nclass Made(metaclass=Meta):\n    def __init__(self): ..."
    ),
    "an enumeration": "import enum\nclass Made(enum.Enum):\n    A = 1\n    def __init__(self, value): ...",
    "a dictionary": "from typing import TypedDict\nclass Made(TypedDict):\n    a: int",
    "a dataclass with options from elsewhere": (
        "from dataclasses import dataclass\nfrom options import OPTIONS\n@dataclass(**OPTIONS)\nclass Made: ..."
    ),
    "a dataclass above another distribution's class": (
        "from dataclasses import dataclass\nfrom framework import Base\n@dataclass\nclass Made(Base): ..."
    ),
    "a model": "import pydantic\nclass Made(pydantic.BaseModel):\n    a: int = 1",
    "bases in no possible order": ("class A: ...\nclass B(A): ...\nclass Made(A, B):\n    def other(self): ..."),
    "a class that inherits from itself": "class Made(Made): ...",
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT.keys())
def test_a_class_that_nobody_can_read_takes_anything(text: str, check: Check) -> None:
    assert check({"made.py": text, "app.py": "from made import Made\nMade(zz=1)\n"}) == []


def test_an_exception_takes_any_positional_argument_and_no_keyword(check: Check) -> None:
    texts = {"app.py": "class Failed(ValueError): ...\nFailed('a', 1)\nFailed()\nFailed('a', code=1)\n"}
    assert check(texts) == ["app.py:4 Failed -code"]


def test_behind_an_unknown_decorator_only_keywords_count(check: Check) -> None:
    text = "from framework import inject\n@inject\nclass Made:\n    def __init__(self, a): ...\nMade()\nMade(zz=1)\n"
    assert check({"app.py": text}) == ["app.py:6 Made -zz"]


def test_a_metaclass_that_leaves_calls_alone_changes_nothing(check: Check) -> None:
    text = "class Meta(type):\n    x = 1\nclass Made(metaclass=Meta):\n    def __init__(self, a): ...\nMade()\n"
    assert check({"app.py": text}) == ["app.py:5 Made +a"]
