"""Variables for services: what compose files give them, with the addresses of their neighbours as they are here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import replace
from sophia_cli.project.discovery.code_variables import with_secrets_of_code
from sophia_cli.project.discovery.documents.dockerfile import Reader
from sophia_cli.project.discovery.model import Entry, Form, Proposal
from sophia_cli.project.secrets.dotenv import parse_dotenv
from sophia_cli.project.secrets.looks import has_password, is_secret_name

_HOST = re.compile(r"(?<![\w.-])([A-Za-z][\w-]*)(?::(\d{2,5}))?(?![\w.-])")
# Set by Sophia itself, or of the image.
_NOT_OURS = frozenset({"PORT", "HOST", "PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"})
_LOCAL = "127.0.0.1"


def with_variables(proposals: Sequence[Proposal], paths: Iterable[str], read: Reader) -> tuple[Proposal, ...]:
    """Return the services with `env`, and with `secrets` for what the project's `.env` holds and their code asks for.

    A neighbour of a compose file is reached at its port on this machine. What names a host that only compose has,
    sounds secret or has no value is told as `unset`.
    """
    owners = {
        (entry.path, entry.name): proposal
        for proposal in proposals
        if proposal.doubt is None
        for entry in proposal.entries
        if entry.form is Form.COMPOSE
    }
    kept = _kept(read(".env") or "")
    done = []
    for proposal in proposals:
        entry = next((entry for entry in proposal.entries if entry.env or entry.env_files), None)
        done.append(proposal if entry is None or proposal.doubt is not None else _given(proposal, entry, owners, kept))
    return with_secrets_of_code(done, [name for name in kept if name not in _NOT_OURS], paths, read)


def _kept(text: str) -> tuple[str, ...]:
    """Return the names that a `.env` has values for; none of one that cannot be read."""
    try:
        found = parse_dotenv(text, ".env", {})
    except UsageError:
        return ()
    return tuple(one.name for one in found if one.value and one.name.isidentifier())


def _given(
    proposal: Proposal, entry: Entry, owners: Mapping[tuple[str, str], Proposal], kept: Sequence[str]
) -> Proposal:
    env: list[tuple[str, str]] = []
    secrets = [name for name in kept if ".env" in entry.env_files and name not in _NOT_OURS]
    unset: list[str] = []
    for name, value in dict(entry.env).items():
        here = None if value is None else _here(value, entry, owners)
        if name in _NOT_OURS or name in secrets:
            continue
        if name in kept and here is None:
            secrets.append(name)
        elif value is None or here is None or is_secret_name(name) or has_password(value):
            unset.append(name)
        else:
            env.append((name, here))
    return replace(proposal, env=tuple(env), secrets=tuple(dict.fromkeys(secrets)), unset=tuple(unset))


def _here(value: str, entry: Entry, owners: Mapping[tuple[str, str], Proposal]) -> str | None:
    """Return a value with the hosts of its compose file as they are on this machine; None where one is not here."""
    is_address = "://" in value or value in entry.hosts or re.fullmatch(r"[\w-]+:\d+", value) is not None
    if not is_address:
        return value
    pieces: list[str] = []
    end = 0
    for match in _HOST.finditer(value):
        is_scheme = value.startswith("://", match.end())
        is_path = "/" in value[: match.start()].partition("://")[2]
        if match.group(1) not in entry.hosts or is_scheme or is_path:
            continue
        owner = owners.get((entry.path, match.group(1)))
        if owner is None:
            return None
        port = owner.port if match.group(2) or "://" in value else None
        pieces += [value[end : match.start()], _LOCAL, f":{port}" if port is not None else ""]
        end = match.end()
    return "".join([*pieces, value[end:]])
