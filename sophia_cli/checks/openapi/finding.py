"""Where a service's OpenAPI document is."""

from __future__ import annotations

from pathlib import Path

from sophia_cli.checks.asking import Asking
from sophia_cli.checks.http_client import ExchangeFailed
from sophia_cli.checks.openapi.model import OpenApi
from sophia_cli.checks.openapi.reading import UnreadableDocument, read_open_api
from sophia_cli.core.values import dataclass

_USUAL = ("/openapi.json", "/api/openapi.json")


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document, or why there is none: `mistake` where one was declared or has the looks of one, else None too."""

    document: OpenApi | None
    mistake: str | None = None


async def find_document(asking: Asking, declared: str | None, root: Path) -> FoundDocument:
    """Return the document at the declared place (a path of the service or a file of the project), or at a usual one."""
    if declared is None:
        for path in _USUAL:
            found = await _at(asking, path, is_declared=False)
            if found.document is not None or found.mistake is not None:
                return found
        return FoundDocument(None)
    if declared.startswith("/"):
        return await _at(asking, declared, is_declared=True)
    try:
        return _read((root / declared).read_bytes(), f"`{declared}`", is_declared=True)
    except OSError as error:
        return FoundDocument(None, f"`{declared}` cannot be read: {error.strerror or error}")


async def _at(asking: Asking, path: str, *, is_declared: bool) -> FoundDocument:
    try:
        answer = await asking.get(path)
    except ExchangeFailed as error:
        return FoundDocument(None, f"`{path}`: {error.detail}")
    if answer.status != 200:
        is_wrong = is_declared or answer.status >= 500
        return FoundDocument(None, f"`{path}` answers status {answer.status}" if is_wrong else None)
    # A page for people that answers every path is no document.
    return _read(answer.body, f"`{path}`", is_declared=is_declared or answer.is_json)


def _read(data: bytes, place: str, *, is_declared: bool) -> FoundDocument:
    try:
        return FoundDocument(read_open_api(data))
    except UnreadableDocument as error:
        return FoundDocument(None, f"{place} is no OpenAPI 3 document: {error}" if is_declared else None)
