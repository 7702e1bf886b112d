"""Telling others what happens: whoever subscribes gets the events of the past that it missed, then each new one."""

from __future__ import annotations

import asyncio

from sophia_cli.agent.requests.server import Call
from sophia_cli.agent.state.keeper import Keeper
from sophia_cli.agent.state.rows import EventRow
from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.link.messages import Fields
from sophia_cli.project.settings.service_codec import to_values

_MOST_MISSED = 1_000


class Subscriptions:
    """Answers `subscribe`; a subscription lasts as long as its connection."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def subscribe(self, call: Call) -> Fields:
        """Send every event after the number `after`, without it only what happens from now on.

        The first thing sent is `subscribed` with the number that the subscription begins after. A number that was not
        reached yet is one of a state that was lost: such a subscriber gets all there is.
        """
        latest = max((row.number for row in self._keeper.events(1)), default=0)
        after = _number(call, latest)
        begins = after if after <= latest else 0
        call.tell("subscribed", {"after": begins})
        for row in self._keeper.events(_MOST_MISSED, begins):
            _send(call, row)
        end = self._keeper.watch_events(lambda row: _send(call, row))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            end()
        return {}


def _send(call: Call, row: EventRow) -> None:
    values = to_values(row)
    assert isinstance(values, dict)
    call.tell("event", values)


def _number(call: Call, default: int) -> int:
    value = call.params.get("after")
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError("agent-bad-message", "`after` is not the number of an event")
    return value
