"""Calls that look wrong and are right: who is called is decided elsewhere, or takes more than its text shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

Check = Callable[[Mapping[str, str]], list[str]]

FITTING = {
    "a built-in that a name is kept for before the module has one of its own": """
        _print = print
        def print(text): _print(text, sep="", end="")
        """,
    "a class decorator that is annotated to give the class and makes it a class with fields": """
        from typing import TypeVar
        from attrs import frozen as _frozen
        T = TypeVar("T")
        def frozen(cls: type[T]) -> type[T]:
            cls.__init_subclass__ = None
            return _frozen(cls)
        @frozen
        class Order:
            item: str
        Order(item="tea")
        """,
    "a class decorator with a plain type variable that makes it a class with fields": """
        from typing import TypeVar
        from dataclasses import dataclass
        T = TypeVar("T")
        def model(cls: T) -> T:
            return dataclass(cls)
        @model
        class Order:
            item: str
        Order(item="tea")
        """,
    "a class decorator that sets a constructor": """
        def with_name(cls):
            def __init__(self, name): self.name = name
            cls.__init__ = __init__
            return cls
        def with_more(cls):
            setattr(cls, "__init__", with_name)
            return cls
        @with_name
        class Order: ...
        @with_more
        class Item: ...
        Order(name="tea")
        Item(name="tea")
        """,
    "a class method that makes what heirs take": """
        class Key:
            def __init__(self, message=None): ...
            @classmethod
            def read(cls, path): return cls(path=path)
        class FileKey(Key):
            def __init__(self, message=None, path=None): ...
        """,
    "a parameter that is one of the heirs of a class": """
        class Parser:
            def __init__(self): ...
        class Buffered(Parser):
            def __init__(self, size): ...
        def made(parser_class: type[Parser]): return parser_class(size=1)
        """,
    "a class whose __new__ may make one of its heirs": """
        class Operator:
            def __new__(cls, *args, **kwargs):
                return super().__new__(Custom if cls is Operator else cls)
            def __init__(self, dtype, shape): ...
        class Custom(Operator):
            def __init__(self, shape, apply, dtype=None): ...
        Operator((1, 2), apply=print)
        """,
    "a named tuple whose fields are given defaults": """
        from collections import namedtuple
        Problem = namedtuple("Problem", "cost bounds start")
        Problem.__new__.__defaults__ = (None,) * 2
        Problem(cost=1)
        """,
    "a constructor that only type checkers see": """
        from typing import TYPE_CHECKING
        class Operation:
            def __new__(cls, *parts, **options): return object.__new__(cls)
        class Or(Operation):
            if TYPE_CHECKING:
                def __new__(cls, *parts: int) -> "Or": ...
        Or(1, 2, evaluate=False)
        """,
    "a class that only type checkers see": """
        from typing import TYPE_CHECKING, Protocol
        if TYPE_CHECKING:
            class Connection(Protocol):
                def __init__(self, host, port): ...
        class Pool:
            kind: "type[Connection]"
            def connect(self): return self.kind(host="a", port=1)
        """,
    "a metaclass that sets the constructor": """
        class Singleton(type):
            def __init__(cls, *args, **kwargs):
                made = object.__new__(cls)
                cls.__new__ = lambda cls: made
        class Interval:
            def __new__(cls, start, end): return object.__new__(cls)
        class Reals(Interval, metaclass=Singleton): ...
        Reals()
        """,
    "the class of an object that heirs construct in their own way": """
        class Shape:
            def __init__(self, size): ...
            def moved(self): return type(self)(size=1, place=2)
        class Placed(Shape):
            def __init__(self, size, place): ...
        class Comparable:
            def copy(self): return self.__class__(value=1)
            def other(self): return type(self)(value=1)
        """,
    "a test that is marked as failing": """
        import pytest, unittest
        def pay(amount): ...
        @pytest.mark.xfail(reason="not yet")
        def test_pay():
            pay(amonut=1)
        class PayTest(unittest.TestCase):
            @unittest.expectedFailure
            def test_pay(self):
                pay(amonut=1)
        """,
    "a test that asserts a failure in another spelling": """
        from shop.testing import assert_raises
        def pay(amount): ...
        def test_pay():
            with assert_raises(TypeError):
                pay(amonut=1)
        """,
}

WRONG = {
    "a class decorator that is annotated and gives the class back": (
        """
        from typing import TypeVar
        T = TypeVar("T")
        def registered(cls: type[T]) -> type[T]:
            KNOWN.append(cls)
            return cls
        @registered
        class Order:
            def __init__(self, item): ...
        Order(itme="tea")
        """,
        "Order -itme +item",
    ),
    "a class method that makes what neither the class nor an heir takes": (
        """
        class Key:
            def __init__(self, message=None): ...
            @classmethod
            def read(cls, path): return cls(path=path)
        class FileKey(Key):
            def __init__(self, message=None, file=None): ...
        """,
        "cls -path",
    ),
    "the class of an object": (
        """
        class Shape:
            def __init__(self, size): ...
            def moved(self):
                kind = type(self)
                return kind(size=1)
            def other(self): return type(self)(siez=1)
        """,
        "type() -siez +size",
    ),
    "the class of an object as its attribute": (
        """
        class Shape:
            def __init__(self, size): ...
            @classmethod
            def made(cls, size): return cls(size)
            def other(self): return self.__class__.made(siez=1)
        """,
        "self.__class__.made -siez +size",
    ),
    "a name that is taken for another after it is bound": (
        """
        def pay(amount): ...
        charge = pay
        charge(amonut=1)
        """,
        "charge -amonut +amount",
    ),
    "a metaclass that leaves the constructor alone": (
        """
        class Registered(type):
            def __init__(cls, *args, **kwargs):
                cls.known = True
        class Interval(metaclass=Registered):
            def __new__(cls, start, end): return object.__new__(cls)
        Interval(1)
        """,
        "Interval +end",
    ),
    "a named tuple some of whose fields have no default": (
        """
        from collections import namedtuple
        Problem = namedtuple("Problem", "cost bounds", defaults=(None,))
        Problem(bounds=1)
        """,
        "Problem +cost",
    ),
}


@pytest.mark.parametrize("text", FITTING.values(), ids=FITTING.keys())
def test_a_call_that_may_fit_is_not_reported(text: str, check: Check) -> None:
    assert check({"shop/__init__.py": "", "app.py": text}) == []


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG.keys())
def test_a_call_that_cannot_fit_is_reported_all_the_same(text: str, expected: str, check: Check) -> None:
    assert [item.partition(" ")[2] for item in check({"app.py": text})] == [expected]
