"""What constructing a model of pydantic needs.

What is missing can be told; what a model does not know it ignores, unless its configuration forbids that. Nothing is
said of a model that may take its values from elsewhere: under other names (aliases, and what makes them), from a
validator that runs first, or from a configuration that is not written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sophia_cli.project.calls.modules import Modules
from sophia_cli.project.calls.signatures import Signature
from sophia_cli.project.calls.values import ClassValue, External, Values
from sophia_cli.project.code.calls import Class, Field, FieldKind

Evaluate = Callable[[str, str], Values]
_MODELS = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel"})
_MAKERS = frozenset({"pydantic.Field", "pydantic.fields.Field"})
_VALIDATORS = ("model_validator", "root_validator")
_CONFIGURATION = "model_config"
_NEVER = frozenset({"Config", "__new__", "__init_subclass__", "__pydantic_init_subclass__", "__get_validators__"})
_NAMING = frozenset({"alias_generator", "**", "*"})
_RENAMING = frozenset({"alias", "validation_alias", "**"})
_SUPPLYING = frozenset({"default", "default_factory", "alias", "validation_alias", "**", "*"})


def is_model(name: str) -> bool:
    """Whether a class of another distribution is the base of pydantic's models."""
    return name in _MODELS


def model_constructor(owners: Sequence[ClassValue], modules: Modules, evaluate: Evaluate) -> Signature | None:
    """Return what a model needs, given its classes of the project, itself first; None where nobody can tell."""
    required: dict[str, None] = {}
    known: dict[str, None] = {}
    forbids = is_renamed = False
    for owner in reversed(owners):
        facts = modules.surface(owner.path).classes[owner.index]
        if not _is_plain(owner.path, facts, modules, evaluate):
            return None
        forbids = _forbids(facts, forbids)
        for name in (member.name for member in facts.members):
            required.pop(name, None)
        for field in facts.fields:
            if field.name.startswith("_") or not field.is_annotated:
                continue
            required.pop(field.name, None)
            known[field.name] = None
            is_renamed |= field.kind is FieldKind.DESCRIBED or _may_have_other_names(field)
            if _is_required(field, owner.path, evaluate):
                required[field.name] = None
    if forbids and not is_renamed:
        return Signature(keyword_only=tuple(known), required=frozenset(required))
    return Signature(keyword_only=tuple(required), required=frozenset(required), takes_keywords=True)


def _forbids(facts: Class, before: bool) -> bool:
    """Whether a model refuses what it does not know, given what those above it do."""
    for field in facts.fields:
        if field.name == _CONFIGURATION and field.maker is not None and field.maker.has("extra"):
            return field.maker.says("extra", "forbid")
    return before


def _may_have_other_names(field: Field) -> bool:
    return field.maker is not None and any(_names(option, _RENAMING) for option in field.maker.options)


def _is_plain(path: str, facts: Class, modules: Modules, evaluate: Evaluate) -> bool:
    if any(member.name in _NEVER for member in facts.members) or not _is_configured_plainly(facts):
        return False
    functions = modules.surface(path).functions
    for member in facts.members:
        for expression in member.values:
            if expression[0] == "&" and expression[1:].isdigit():
                made = functions[int(expression[1:])].decorators
                if not all(_is_harmless(evaluate(path, decorator.callee)) for decorator in made):
                    return False
    return True


def _is_configured_plainly(facts: Class) -> bool:
    configured = [field for field in facts.fields if field.name == _CONFIGURATION]
    if not configured:
        return all(member.name != _CONFIGURATION for member in facts.members)
    return all(
        field.maker is not None and not any(_names(option, _NAMING) for option in field.maker.options)
        for field in configured
    )


def _is_harmless(decorators: Iterable[object]) -> bool:
    return all(isinstance(value, External) and value.name.rpartition(".")[2] not in _VALIDATORS for value in decorators)


def _is_required(field: Field, path: str, evaluate: Evaluate) -> bool:
    if field.kind is not FieldKind.VALUE:
        return False
    if not field.has_default:
        return True
    maker = field.maker
    if maker is None:
        return False
    is_field = all(isinstance(value, External) and value.name in _MAKERS for value in evaluate(path, maker.callee))
    return is_field and not any(_names(option, _SUPPLYING) for option in maker.options)


def _names(option: str, wanted: frozenset[str]) -> bool:
    return option.partition("=")[0] in wanted
