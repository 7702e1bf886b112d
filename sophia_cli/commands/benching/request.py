"""What `sophia bench` asks of its targets, from the options that say so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sophia_cli.bench.connecting.target import RequestSpec, ToolCall
from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass

LARGEST_BODY = 16 * 2**20
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# What belongs to the connection, and what says how long the body is.
_OWN_FIELDS = ("connection", "content-length", "expect", "te", "transfer-encoding", "upgrade")


@dataclass(frozen=True, slots=True)
class RequestWords:
    """The options that say what is asked, as they stand on the command line."""

    method: str | None
    headers: tuple[str, ...]
    body: str | None
    body_file: Path | None
    mcp_tool: str | None
    mcp_arguments: str | None

    @property
    def is_plain(self) -> bool:
        """Whether none of them is given."""
        return self == RequestWords(None, (), None, None, None, None)


def request_spec(words: RequestWords, environment: Mapping[str, str]) -> RequestSpec:
    """Return what is asked; UsageError for a method or a header field that cannot be sent, or an unreadable file.

    `${NAME}` in a header field stands for a variable of the environment, so that no secret stands on a command line.
    """
    headers = tuple(_header(word, environment) for word in words.headers)
    if words.mcp_tool is not None:
        return RequestSpec("POST", headers, b"", _call(words, words.mcp_tool))
    if words.mcp_arguments is not None:
        raise UsageError("usage", "`--mcp-arguments` has a meaning with `--mcp-tool` only")
    body = _body(words)
    method = (words.method or ("GET" if body is None else "POST")).upper()
    if not _TOKEN.fullmatch(method) or method == "CONNECT":
        raise UsageError("usage", f"`--method {method}` cannot be benched", hint="for instance `--method POST`")
    if body is not None and not _has(headers, "content-type"):
        headers = (*headers, ("Content-Type", _type_of(body)))
    return RequestSpec(method, headers, body or b"")


def _call(words: RequestWords, tool: str) -> ToolCall:
    if words.method is not None or words.body is not None or words.body_file is not None:
        raise UsageError("usage", "a call of a tool has a method and a body of its own; `--mcp-tool` takes neither")
    text = words.mcp_arguments or "{}"
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise UsageError("usage", f"`--mcp-arguments` is no JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise UsageError("usage", "`--mcp-arguments` is no JSON object", hint="""for instance '{"city": "Berlin"}'""")
    return ToolCall(tool, text)


def _body(words: RequestWords) -> bytes | None:
    if words.body_file is None:
        return None if words.body is None else words.body.encode("utf-8", "surrogateescape")
    if words.body is not None:
        raise UsageError("usage", "`--body` and `--body-file` exclude each other")
    try:
        with words.body_file.open("rb") as stream:
            body = stream.read(LARGEST_BODY + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError("usage", f"`--body-file {words.body_file}` cannot be read: {reason}") from error
    if len(body) > LARGEST_BODY:
        raise UsageError("usage", f"`--body-file {words.body_file}` holds more than {LARGEST_BODY} bytes")
    return body


def _header(word: str, environment: Mapping[str, str]) -> tuple[str, str]:
    name, colon, text = word.partition(":")
    name = name.strip()
    if not colon or not _TOKEN.fullmatch(name):
        # The word may hold a secret, so the message does not repeat it.
        raise UsageError("usage", "a `--header` is no header field", hint="write `--header 'Name: value'`")
    if name.lower() in _OWN_FIELDS:
        raise UsageError("usage", f"`--header {name}` is a field that a bench sets itself")

    def value_of(match: re.Match[str]) -> str:
        found = environment.get(match.group(1))
        if found is None:
            raise UsageError("usage", f"`--header {name}` names a variable `{match.group(1)}` that is not set")
        return found

    value = _VARIABLE.sub(value_of, text.strip())
    if any(ord(character) < 32 or ord(character) == 127 or ord(character) > 255 for character in value):
        raise UsageError("usage", f"`--header {name}` holds a character that no header field may")
    return name, value


def _has(headers: Sequence[tuple[str, str]], name: str) -> bool:
    return any(known.lower() == name for known, _ in headers)


def _type_of(body: bytes) -> str:
    try:
        json.loads(body)
    except ValueError:
        return "application/octet-stream"
    return "application/json"
