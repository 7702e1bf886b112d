"""Secrets for services: the names that the project's `.env` has values for and that their code asks for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from sophia_cli.core.values import replace
from sophia_cli.project.discovery.documents.dockerfile import Reader
from sophia_cli.project.discovery.model import Proposal

_TESTS = frozenset({"test", "tests"})


def with_secrets_of_code(
    proposals: Sequence[Proposal], kept: Collection[str], paths: Iterable[str], read: Reader
) -> tuple[Proposal, ...]:
    """Return the services with more `secrets`: those of `kept` that stand in their code, as text or as a setting.

    A file counts for the services whose folder holds it, the nearest one; what lies in no service's folder is shared,
    and counts for all. Tests count for none.
    """
    if not kept:
        return tuple(proposals)
    code = (path for path in paths if path.endswith(".py") and not _TESTS.intersection(path.split("/")))
    named = {path: found for path in code if (found := _named(kept, read(path) or ""))}
    running = [proposal for proposal in proposals if proposal.doubt is None]
    wanted: dict[str, list[str]] = {proposal.name: [] for proposal in running}
    for path, found in sorted(named.items()):
        for proposal in _whose(path, running):
            wanted[proposal.name] += found
    return tuple(_given(proposal, wanted) for proposal in proposals)


def _named(kept: Collection[str], text: str) -> list[str]:
    has_fields = "BaseSettings" in text
    return [
        name
        for name in kept
        if re.search(rf"[\"']{name}[\"']", text)
        or (has_fields and re.search(rf"^[ \t]+{name}[ \t]*:", text, re.MULTILINE | re.IGNORECASE))
    ]


def _whose(path: str, running: Sequence[Proposal]) -> list[Proposal]:
    folders = {id(proposal): posixpath.dirname(proposal.entries[0].path) for proposal in running}
    around = [folder for folder in folders.values() if (path.startswith(f"{folder}/") if folder else "/" not in path)]
    if not around:
        return list(running)
    nearest = max(around, key=len)
    return [proposal for proposal in running if folders[id(proposal)] == nearest]


def _given(proposal: Proposal, wanted: Mapping[str, Sequence[str]]) -> Proposal:
    known = {name for name, _ in proposal.env} | set(proposal.unset)
    more = [name for name in wanted.get(proposal.name, ()) if name not in known] if proposal.doubt is None else []
    return replace(proposal, secrets=tuple(dict.fromkeys((*proposal.secrets, *more))))
