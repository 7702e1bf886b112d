"""The application that a launcher serves: found by its name, made by its factory, told apart by how it is called."""

from __future__ import annotations

import importlib
import inspect
import traceback
from typing import Any

from .specification import (
    EXIT_IMPORT_FAILED,
    EXIT_NO_ATTRIBUTE,
    EXIT_NO_MODULE,
    EXIT_NOT_CALLABLE,
    EXIT_SPECIFICATION,
    leave,
)


def load_app(specification: str) -> Any:  # an app has no common type
    """Return the app that `module:attribute` names, or what it returns when it ends in `()`; else leave."""
    name, colon, attribute = specification.partition(":")
    if not (name and colon and attribute):
        leave(EXIT_SPECIFICATION, f"{specification!r} is not of the form module:app")
    is_factory = attribute.endswith("()")
    path = attribute[:-2] if is_factory else attribute
    try:
        found: Any = importlib.import_module(name)
    except ModuleNotFoundError as error:
        _tell(error)
        leave(EXIT_NO_MODULE, f"ModuleNotFoundError: No module named {error.name!r} (needed by {name})")
    except Exception as error:  # noqa: BLE001 - whatever the project's code raises is reported and ends the process
        _tell(error)
        leave(EXIT_IMPORT_FAILED, f"{name} raises {type(error).__name__} while it is imported: {error}")
    try:
        for part in path.split("."):
            found = getattr(found, part)
    except AttributeError:
        leave(EXIT_NO_ATTRIBUTE, f"module {name} has no attribute {path!r}")
    if not callable(found):
        leave(EXIT_NOT_CALLABLE, f"{specification} is a {type(found).__name__}, which cannot be called")
    if is_factory:
        try:
            found = found()
        except Exception as error:  # noqa: BLE001 - as above
            _tell(error)
            leave(EXIT_IMPORT_FAILED, f"{specification} raises {type(error).__name__}: {error}")
        if not callable(found):
            leave(EXIT_NOT_CALLABLE, f"{specification} returns a {type(found).__name__}, which cannot be called")
    return found


def _tell(error: Exception) -> None:
    """Print where the project's code failed, without the way there through this file and the import system."""
    where = error.__traceback__
    while where is not None and _is_on_the_way(where.tb_frame.f_code.co_filename):
        where = where.tb_next
    traceback.print_exception(type(error), error, where)


def _is_on_the_way(file: str) -> bool:
    return file in (__file__, importlib.__file__) or file.startswith("<frozen importlib")


def interface_of(app: Any) -> str:
    """Return "wsgi" for what is called with an environment and a function, else "auto"."""
    target = app if inspect.isfunction(app) or inspect.isclass(app) else getattr(app, "__call__", app)  # noqa: B004
    if inspect.iscoroutinefunction(target):
        return "auto"
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return "auto"
    return "wsgi" if _takes(signature, 2) and not _takes(signature, 0) else "auto"


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True
