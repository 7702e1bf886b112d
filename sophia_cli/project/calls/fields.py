"""Constructors that are made from the fields of a class: dataclasses, attrs, named tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sophia_cli.core.values import dataclass
from sophia_cli.project.calls.known import ATTRS_FIELDS, ATTRS_OLD, DATACLASS, DATACLASS_FIELD
from sophia_cli.project.calls.signatures import Signature
from sophia_cli.project.calls.values import External, Values
from sophia_cli.project.code.calls import Class, Field, FieldKind, Made

Evaluate = Callable[[str, str], Values]
_DEFAULTS = ("default", "default_factory", "factory")


@dataclass(frozen=True, slots=True)
class Generator:
    """A class whose constructor is made from its fields: where it is, and the decorator that makes it."""

    path: str
    facts: Class
    decorator: Made
    decorator_name: str
    decorated_defaults: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Argument:
    name: str
    is_required: bool
    is_keyword_only: bool


def constructor_of(generators: Iterable[Generator], evaluate: Evaluate) -> Signature | None:
    """Return what the last of these classes takes, which inherits from the others in this order; None where options
    are not written out."""
    arguments: dict[str, _Argument | None] = {}
    for generator in generators:
        if "**" in generator.decorator.options:
            return None
        is_keyword_only = generator.decorator.says("kw_only", "True")
        for field in _fields_of(generator, evaluate):
            if field.kind is FieldKind.KEYWORD_MARK:
                is_keyword_only = True
                continue
            if field.maker is not None and "**" in field.maker.options:
                return None
            arguments[field.name] = _argument(field, generator, is_keyword_only, evaluate)
    return _signature([argument for argument in arguments.values() if argument is not None])


def tuple_constructor(facts: Class) -> Signature:
    """Return what a class-style named tuple takes."""
    fields = [field for field in facts.fields if field.is_annotated]
    required = frozenset(field.name for field in fields if not field.has_default)
    return Signature(positional=tuple(field.name for field in fields), required=required)


def _fields_of(generator: Generator, evaluate: Evaluate) -> list[Field]:
    fields = list(generator.facts.fields)
    if generator.decorator_name == DATACLASS:
        return [field for field in fields if field.is_annotated]
    decorator = generator.decorator
    made = [field for field in fields if _is_made_by(field, generator.path, ATTRS_FIELDS, evaluate)]
    takes_annotations = decorator.says("auto_attribs", "True")
    if not takes_annotations and not decorator.says("auto_attribs", "False"):
        is_old = generator.decorator_name in ATTRS_OLD
        takes_annotations = not is_old and all(field.is_annotated for field in made)
    return [field for field in fields if field.is_annotated] if takes_annotations else made


def _argument(field: Field, generator: Generator, is_keyword_only: bool, evaluate: Evaluate) -> _Argument | None:
    if field.kind is FieldKind.CLASS:
        return None
    name = field.name
    is_required = not field.has_default
    makers = frozenset({DATACLASS_FIELD}) if generator.decorator_name == DATACLASS else ATTRS_FIELDS
    maker = field.maker
    if generator.decorator_name != DATACLASS:
        name = name.lstrip("_")
    if maker is not None and _is_made_by(field, generator.path, makers, evaluate):
        if maker.says("init", "False"):
            return None
        is_required = not any(maker.has(option) for option in _DEFAULTS)
        is_keyword_only = (is_keyword_only or maker.says("kw_only", "True")) and not maker.says("kw_only", "False")
        if generator.decorator_name != DATACLASS:
            # `attr.ib(5)` and `@field.default` are defaults too.
            is_required = is_required and "*" not in maker.options and field.name not in generator.decorated_defaults
            name = next((option[6:] for option in maker.options if option.startswith("alias=")), name)
    return _Argument(name, is_required, is_keyword_only)


def _is_made_by(field: Field, path: str, makers: frozenset[str], evaluate: Evaluate) -> bool:
    if field.maker is None:
        return False
    return any(isinstance(value, External) and value.name in makers for value in evaluate(path, field.maker.callee))


def _signature(arguments: list[_Argument]) -> Signature:
    return Signature(
        positional=tuple(argument.name for argument in arguments if not argument.is_keyword_only),
        keyword_only=tuple(argument.name for argument in arguments if argument.is_keyword_only),
        required=frozenset(argument.name for argument in arguments if argument.is_required),
    )
