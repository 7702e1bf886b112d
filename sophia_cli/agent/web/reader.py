"""What the agent says, asked at most a few times a second however many ask us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sophia_cli.agent.state.rows import IncidentRow
from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.service_status import AgentStatus
from sophia_cli.deploy.link.async_client import open_link
from sophia_cli.deploy.link.messages import Fields
from sophia_cli.project.settings.service_codec import UnreadableValues, record_from

_FRESH_S = 0.25
_ASK_S = 5.0


class AgentReader:
    """Asks the agent; all methods raise UnavailableError when it does not answer."""

    def __init__(self, folder: Path, now: Callable[[], float]) -> None:
        self._folder = folder
        self._now = now
        self._lock = asyncio.Lock()
        self._status: AgentStatus | None = None
        self._read_at = 0.0

    async def status(self) -> AgentStatus:
        """Return the agent and its services, as they were at most a quarter of a second ago."""
        async with self._lock:
            if self._status is None or self._now() - self._read_at > _FRESH_S:
                self._status = None
                fields = await self._ask("status", {})
                try:
                    self._status = record_from(AgentStatus, fields)
                except UnreadableValues as error:
                    raise _other_version(error) from error
                self._read_at = self._now()
            return self._status

    async def incidents(self, limit: int, service: str | None) -> tuple[IncidentRow, ...]:
        """Return the latest incidents (of one service), latest first."""
        async with self._lock:
            fields = await self._ask("incidents", {"limit": limit, "service": service})
        found = fields.get("incidents")
        try:
            return tuple(record_from(IncidentRow, item) for item in found) if isinstance(found, list) else ()
        except UnreadableValues as error:
            raise _other_version(error) from error

    async def _ask(self, method: str, params: Fields) -> Fields:
        async with await open_link(self._folder) as link:
            return await link.ask(method, params, timeout_s=_ASK_S)


def _other_version(error: UnreadableValues) -> UnavailableError:
    return UnavailableError(
        "agent-of-other-version",
        f"the agent answers in another form than this web API reads: {error}",
        hint="`sophia agent stop`, then `sophia agent start`; the services go on meanwhile",
    )
