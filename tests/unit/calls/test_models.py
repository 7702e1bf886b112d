"""Models of pydantic: what constructing one needs, and where nobody can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import dedent

import pytest

Check = Callable[[Mapping[str, str]], list[str]]

IMPORTS = """
    from typing import Annotated, Any, ClassVar, Generic, Optional, TypeVar, Union
    import pydantic
    from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator, root_validator
    T = TypeVar("T")
    """

LACKING = {
    "a plain field": (
        "class Order(BaseModel):\n    item: str\n    count: int = 1\n    note: str | None = None",
        "+item",
    ),
    "a field that only describes itself": (
        "class Order(BaseModel):\n    item: str = Field(description='what')\n    count: int = Field(..., gt=0)",
        "+item +count",
    ),
    "the base by its module": ("class Order(pydantic.BaseModel):\n    item: str", "+item"),
    "a field of a model above": (
        "class Named(BaseModel):\n    name: str\nclass Order(Named):\n    item: str",
        "+name +item",
    ),
    "a generic model": ("class Order(BaseModel, Generic[T]):\n    item: T", "+item"),
    "a model with a harmless configuration and a check of one field": (
        "class Order(BaseModel):\n    model_config = ConfigDict(frozen=True)\n    item: str\n"
        "    @field_validator('item')\n    @classmethod\n    def clean(cls, value): return value",
        "+item",
    ),
    "class variables and private attributes beside a field": (
        "class Order(BaseModel):\n    kinds: ClassVar[list]\n    _seen: int\n"
        "    _known: int = PrivateAttr(1)\n    item: str",
        "+item",
    ),
}

SILENT = {
    "defaults": "class Order(BaseModel):\n    item: str = 'tea'\n    tags: list[str] = Field(default_factory=list)",
    "what may be None, which older versions do not ask for": (
        "class Order(BaseModel):\n    a: Optional[int]\n    b: Any\n    c: 'int | None'\n"
        "    d: Union[int, None]\n    e: int | None"
    ),
    "an alias": "class Order(BaseModel):\n    item: str = Field(alias='Item')",
    "an alias in an annotation": "class Order(BaseModel):\n    item: Annotated[str, Field(alias='Item')]",
    "names that are made": (
        "class Order(BaseModel):\n    model_config = ConfigDict(alias_generator=str.upper)\n    item: str"
    ),
    "a configuration that is not written out": "class Order(BaseModel):\n    model_config = SHARED\n    item: str",
    "a configuration in a class": (
        "class Order(BaseModel):\n    item: str\n    class Config:\n        alias_generator = str.upper"
    ),
    "a validator that runs first": (
        "class Order(BaseModel):\n    item: str\n    @model_validator(mode='before')\n    @classmethod\n"
        "    def fill(cls, values): return {'item': 'tea'}"
    ),
    "a validator of the older kind": (
        "class Order(BaseModel):\n    item: str\n"
        "    @root_validator(pre=True)\n    def fill(cls, values): return values"
    ),
    "a default that an heir gives": (
        "class Named(BaseModel):\n    name: str\n    item: str\n"
        "class Order(Named):\n    name: str = 'tea'\n    item = 'tea'"
    ),
    "a base that nobody knows": "from shop.base import Base\nclass Order(Base):\n    item: str",
    "settings, which come from the environment": (
        "from pydantic_settings import BaseSettings\nclass Order(BaseSettings):\n    item: str"
    ),
    "a class decorator": "from shop.base import filled\n@filled\nclass Order(BaseModel):\n    item: str",
    "a base that stands in where pydantic is missing": (
        "try:\n    from pydantic import BaseModel as Base\nexcept ImportError:\n    class Base: ...\n"
        "class Order(Base):\n    item: str"
    ),
}


def _project(body: str) -> dict[str, str]:
    lines = "".join(f"    {line}\n" for line in [*body.split("\n"), "Order()"])
    return {"shop/__init__.py": "", "app.py": IMPORTS.rstrip(" ") + lines}


@pytest.mark.parametrize(("body", "expected"), LACKING.values(), ids=LACKING.keys())
def test_a_model_needs_the_fields_without_a_default(body: str, expected: str, check: Check) -> None:
    assert [item.partition(" ")[2] for item in check(_project(body))] == [f"Order {expected}"]


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT.keys())
def test_a_model_that_may_take_its_values_from_elsewhere_is_left_alone(body: str, check: Check) -> None:
    assert check(_project(body)) == []


def test_a_model_may_be_given_more_than_a_call_shows(check: Check) -> None:
    text = "from pydantic import BaseModel\nclass Order(BaseModel):\n    item: str\nOrder(**find())\n"
    assert check({"app.py": text + "Order.model_validate({})\n"}) == []


def test_a_model_ignores_what_it_does_not_know(check: Check) -> None:
    assert check(_project("class Order(BaseModel):\n    item: str = 'tea'\nOrder(colour='red')")) == []


FORBIDDING = """\
class Order(BaseModel):
    model_config = ConfigDict(extra='forbid')
    item: str
    note: str | None = None
"""


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (f"{FORBIDDING}Order(item='tea', notes='x')", "Order -notes"),
        (f"{FORBIDDING}Order(item='tea', note='x')", ""),
        (f"{FORBIDDING}class Late(Order):\n    day: int = 1\nLate(item='tea', note='x', days=1)", "Late -days"),
        (f"{FORBIDDING}class Open(Order):\n    model_config = ConfigDict(extra='allow')\nOpen(item='tea', days=1)", ""),
        (f"{FORBIDDING}    day: Annotated[int, Field(alias='Day')] = 1\nOrder(item='tea', Day=1)", ""),
        (f"{FORBIDDING}    day: int = Field(1, validation_alias='Day')\nOrder(item='tea', Day=1)", ""),
        (
            "class Order(BaseModel):\n    model_config = ConfigDict(extra='ignore')\n    item: str\nOrder(item=1, a=2)",
            "",
        ),
    ],
)
def test_a_model_that_forbids_what_it_does_not_know_takes_its_fields_only(check: Check, text: str, wrong: str) -> None:
    found = check({"app.py": dedent(IMPORTS) + text + "\n"})
    assert [row.split(" ", 1)[1] for row in found] == ([wrong] if wrong else [])
