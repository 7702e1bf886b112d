"""The queue for operations: one at a time, in order, nobody waits for ever and nobody is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from sophia_cli.agent.operations.slot import Holder, Lease, Slot
from sophia_cli.core.errors import BusyError, ExitCode

FIRST = Holder(10, "sophia deploy", "2026-11-22T10:00:00+00:00")
SECOND = Holder(11, "sophia rollback api", "2026-11-22T10:00:01+00:00")


def unseen(holder: Holder) -> None:
    raise AssertionError(f"queued behind {holder}")


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_second_command_waits_for_the_first_and_is_told_who_that_is() -> None:
    async def story() -> None:
        slot, told = Slot(), list[Holder]()
        lease = await slot.take(FIRST, 1, unseen)
        second = asyncio.create_task(slot.take(SECOND, 60, told.append))
        await turns()
        assert told == [FIRST]
        assert not second.done()
        lease.leave()
        assert (await second).holder == SECOND

    asyncio.run(story())


def test_who_waits_too_long_is_told_who_holds_it() -> None:
    async def story() -> None:
        slot = Slot()
        await slot.take(FIRST, 1, unseen)
        with pytest.raises(BusyError, match=r"pid 10 \(`sophia deploy`\)") as caught:
            await slot.take(SECOND, 0, lambda holder: None)
        assert caught.value.exit_code is ExitCode.BUSY

    asyncio.run(story())


def test_what_a_command_began_is_finished_before_the_next_one_starts() -> None:
    async def story() -> None:
        slot = Slot()
        lease = await slot.take(FIRST, 1, unseen)
        lease.begin()
        lease.leave()
        second = asyncio.create_task(slot.take(SECOND, 60, lambda holder: None))
        await turns()
        assert not second.done()
        lease.end()
        assert (await second).holder == SECOND

    asyncio.run(story())


def test_a_waiting_command_that_goes_away_does_not_keep_the_next_one_out() -> None:
    async def story() -> None:
        slot = Slot()
        lease = await slot.take(FIRST, 1, unseen)
        gone = asyncio.create_task(slot.take(SECOND, 60, lambda holder: None))
        third = asyncio.create_task(slot.take(FIRST, 60, lambda holder: None))
        await turns()
        # At the same moment: its turn comes and it leaves.
        lease.leave()
        gone.cancel()
        assert isinstance(await third, Lease)

    asyncio.run(story())


def test_a_lease_that_was_given_back_gives_back_nothing_of_the_next_one() -> None:
    async def story() -> None:
        slot = Slot()
        lease = await slot.take(FIRST, 1, unseen)
        lease.leave()
        await slot.take(SECOND, 1, unseen)
        lease.leave()
        assert slot.holder == SECOND

    asyncio.run(story())
