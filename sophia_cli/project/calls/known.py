"""What decorators and classes of the standard library and of common distributions do to a signature.

Sources: the Python documentation of `functools`, `contextlib`, `abc`, `typing`, `dataclasses`, `enum` and of built-in
exceptions; the documentation of attrs.
"""

from __future__ import annotations

import builtins

_TYPING = ("typing.", "typing_extensions.")

TRANSPARENT = frozenset(
    {
        "functools.wraps",
        "functools.lru_cache",
        "functools.cache",
        "abc.abstractmethod",
        "atexit.register",
        "types.coroutine",
        "asyncio.coroutine",
        "warnings.deprecated",
        "contextlib.contextmanager",
        "contextlib.asynccontextmanager",
        "builtins.staticmethod",
        "builtins.classmethod",
        "abc.abstractclassmethod",
        "abc.abstractstaticmethod",
        *[f"{package}{name}" for package in _TYPING for name in ("override", "final", "no_type_check", "deprecated")],
    }
)
"""Decorators behind which a function takes what it took."""

TRANSPARENT_FOR_CLASSES = frozenset(
    {
        "functools.total_ordering",
        "enum.unique",
        "dataclasses_json.dataclass_json",
        "warnings.deprecated",
        *[f"{package}{name}" for package in _TYPING for name in ("final", "runtime_checkable", "deprecated")],
    }
)
"""Class decorators that leave the constructor alone."""

PROPERTIES = frozenset({"builtins.property", "functools.cached_property", "abc.abstractproperty"})
STATIC = frozenset({"builtins.staticmethod", "abc.abstractstaticmethod"})
OF_CLASS = frozenset({"builtins.classmethod", "abc.abstractclassmethod"})
CONTEXTS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})

DATACLASS = "dataclasses.dataclass"
DATACLASS_FIELD = "dataclasses.field"
NAMED_TUPLES = frozenset({"typing.NamedTuple", "typing_extensions.NamedTuple"})
ATTRS = frozenset(
    {"attr.s", "attr.attrs", "attr.dataclass"}
    | {f"{package}.{name}" for package in ("attr", "attrs") for name in ("define", "frozen", "mutable")}
)
"""Class decorators of attrs."""
ATTRS_FIELDS = frozenset({"attr.ib", "attr.attrib", "attr.field", "attrs.field"})
ATTRS_OLD = frozenset({"attr.s", "attr.attrs"})
"""Those that take annotations for fields only when told to (`auto_attribs=True`)."""

PLAIN_METACLASSES = frozenset({"abc.ABCMeta", "builtins.type"})
_PLAIN_BASES = frozenset(
    {"builtins.object", "abc.ABC"}
    | {f"{package}{name}" for package in _TYPING for name in ("Generic", "Protocol")}
    | {"contextlib.AbstractContextManager", "contextlib.AbstractAsyncContextManager"}
)
_DICTIONARIES = frozenset(package + "TypedDict" for package in _TYPING)
_PLAIN_PACKAGES = ("collections.abc.",)
# These take keywords of their own.
_EXCEPTIONS_WITH_KEYWORDS = (ImportError, AttributeError, NameError)


def calls_differently(name: str) -> bool:
    """Whether calling a class with this base does not construct it in the usual way."""
    return name.startswith("enum.") or name in _DICTIONARIES


def is_plain_base(name: str) -> bool:
    """Whether a base class adds nothing to the constructor."""
    return name in _PLAIN_BASES or name.startswith(_PLAIN_PACKAGES)


def is_plain_exception(name: str) -> bool:
    """Whether it is a built-in exception that takes any positional arguments and no keyword."""
    module, _, last = name.rpartition(".")
    found = getattr(builtins, last, None) if module == "builtins" else None
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        return False
    return not issubclass(found, (*_EXCEPTIONS_WITH_KEYWORDS, UnicodeError, BaseExceptionGroup))


def is_builtin(name: str) -> bool:
    """Whether Python itself knows the name everywhere."""
    return hasattr(builtins, name)
