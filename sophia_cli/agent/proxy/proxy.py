"""HAProxy in front of the strict services of a project: one process for all, kept in step with the instances."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sophia_cli.agent.instances.instance import Surroundings
from sophia_cli.agent.proxy.process import ProxyPlace, ProxyProcess
from sophia_cli.agent.proxy.retired import Retired
from sophia_cli.agent.proxy.trouble import Book, Troubles
from sophia_cli.agent.proxy.wishes import FrontWish
from sophia_cli.agent.tasks import Tasks
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.values import replace
from sophia_cli.deploy.strict.commands import Counters, changes, cutting
from sophia_cli.deploy.strict.model import Address, Front, arranged, empty_slots
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.proc_files import all_pids, owner_of
from sophia_cli.project.host.processes import command_line, identify

log = logging.getLogger(__name__)
_TRIES = 3


class Proxy:
    """The proxies of one project. What they are to do is asked from `wishes` whenever something has changed."""

    def __init__(
        self, place: ProxyPlace, around: Surroundings, wishes: Callable[[], Sequence[FrontWish]], book: Book
    ) -> None:
        self._place = place
        self._around = around
        self._wishes = wishes
        self._troubles = Troubles(book)
        self._again: asyncio.TimerHandle | None = None
        self._tasks = Tasks(around.loop)
        self._turn = asyncio.Lock()
        self._current: ProxyProcess | None = None
        self._retired = Retired(place.listeners, self._tasks, self._served_at, self.changed)
        self._last = 0
        self._is_due = False

    def adopt(self) -> None:
        """Take over what an earlier agent left: the latest process serves on, the others end with their callers."""
        found = sorted(running_proxies(self._place.folder))
        for number, identity in found:
            process = ProxyProcess(number, self._place, self._around)
            process.adopt(identity)
            self._last = max(self._last, number)
            if self._current is not None:
                self._retired.add(self._current)
            self._current = process
        if found:
            self.changed()

    def identities(self) -> tuple[ProcessIdentity, ...]:
        """Return the processes, which hold the public listeners of their services."""
        return tuple(one.identity for one in self._all() if one.identity is not None)

    def ports(self, service: str) -> frozenset[int]:
        """Return the private ports that have a place behind the front of a service."""
        front = None if self._current is None else self._current.fronts.get(service)
        return frozenset() if front is None else frozenset(slot.port for slot in front.slots if slot is not None)

    def has_front(self, service: str) -> bool:
        """Whether callers of a service are let in here."""
        return self._current is not None and service in self._current.fronts

    def front_port(self, service: str) -> int | None:
        """Return the public port on which callers of a service are let in here, None where they are not."""
        front = None if self._current is None else self._current.fronts.get(service)
        return None if front is None else front.port

    def changed(self) -> None:
        """Follow a change as soon as the loop comes to it."""
        if not self._is_due:
            self._is_due = True
            self._tasks.begin(self.follow())

    def trouble(self, service: str) -> str | None:
        """Return why callers of a service do not get through, None when they do."""
        return self._troubles.reason(service)

    async def follow(self) -> None:
        """Bring everything to what it is to be; what keeps it from that is an incident, and tried again."""
        self._is_due = False
        try:
            await self.settle()
        except SophiaError as error:
            log.warning("HAProxy not brought in step", extra={"reason": error.message})
            wishes = [wish for wish in self._wishes() if wish.is_open and self._front(wish) is None]
            releases = {wish.service: wish.release for wish in wishes}
            wait_s = self._troubles.failed(releases, error.message, self._around.loop.time())
            self._cancel_again()
            self._again = self._around.loop.call_later(wait_s, self.changed)

    async def settle(self) -> None:
        """Return once everything is as it is to be; SophiaError says what keeps it from that."""
        async with self._turn:
            await self._arrange()
        self._cancel_again()
        self._troubles.over(self._around.loop.time())

    async def counters(self, service: str) -> dict[int, Counters]:
        """Return what was counted of each private port of a service; SophiaError."""
        if self._current is None:
            return {}
        servers = (await self._current.counted()).servers.get(service, {})
        # A slot that was used before and one that is used again may carry one port.
        return {counters.port: counters for counters in servers.values() if counters.port > 1}

    async def sessions(self, service: str, port: int) -> int:
        """Return how many requests an instance still has, in processes that end with their callers too."""
        total = 0
        for process in self._all():
            with contextlib.suppress(SophiaError):
                servers = (await process.counted()).servers.get(service, {})
                total += sum(one.sessions for one in servers.values() if one.port == port)
        return total

    async def cut(self, service: str, port: int) -> None:
        """End what an instance still has."""
        for process in self._all():
            with contextlib.suppress(SophiaError):
                servers = (await process.counted()).servers.get(service, {})
                await process.tell(cutting(service, [slot for slot, one in servers.items() if one.port == port]))

    def leave(self) -> None:
        """Let go of everything; the processes go on."""
        for process in self._all():
            process.forget()
        self._cancel_again()
        self._tasks.cancel()

    def _all(self) -> tuple[ProxyProcess, ...]:
        return (*self._retired.processes, *([self._current] if self._current is not None else []))

    def _cancel_again(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    async def _arrange(self) -> None:
        if self._current is not None and self._current.is_over:
            self._current = None
        if self._current is not None and not self._current.is_known:
            await self._learn(self._current)
        wishes = {wish.service: wish for wish in self._wishes() if wish.is_open}
        fronts = {name: self._front(wish) for name, wish in wishes.items()}
        current = self._current
        if not all(front is not None for front in fronts.values()):
            await self._replace(wishes)
            await self._retired.follow(self._current)
            return
        if current is not None:
            with contextlib.suppress(OSError):
                self._place.log.rotate()
            for name in [name for name in current.fronts if name not in wishes]:
                current.give_up(name)
            if not current.fronts:
                self._retired.add(current)
                self._current = current = None
        await self._retired.follow(current)
        if current is None:
            return
        for front in fronts.values():
            assert front is not None, "looked at above"
            await self._bring(current, front)

    def _served_at(self, service: str) -> Address | None:
        """Return where callers of a service are let in by the current process, None where they are not."""
        front = None if self._current is None else self._current.fronts.get(service)
        return None if front is None else front.address

    def _front(self, wish: FrontWish) -> Front | None:
        """Return a front of the current process as it is to be; None where it takes another process."""
        front = None if self._current is None else self._current.fronts.get(wish.service)
        if front is None or (front.host, front.port) != (wish.host, wish.port):
            return None
        slots = arranged(front.slots, wish.servers)
        return None if slots is None else Front(wish.service, wish.host, wish.port, slots)

    async def _replace(self, wishes: dict[str, FrontWish]) -> None:
        """Have another process serve all fronts; callers of the one before are not cut off."""
        fronts: dict[str, Front] = {}
        for name, wish in wishes.items():
            slots = arranged(empty_slots(len(wish.servers)), wish.servers)
            assert slots is not None, "there are slots enough for all of them"
            fronts[name] = Front(name, wish.host, wish.port, slots)
        self._last += 1
        process = ProxyProcess(self._last, self._place, self._around)
        try:
            await process.begin(fronts)
        except SophiaError:
            process.discard()
            raise
        before, self._current = self._current, process
        if before is not None:
            self._retired.add(before)

    async def _bring(self, process: ProxyProcess, front: Front) -> None:
        """Bring the servers of one front to what they are to be, and see that they are."""
        before = process.fronts[front.service]
        if before == front:
            return
        # Should it die meanwhile, its next process is started with this.
        process.fronts[front.service] = front
        for _ in range(_TRIES):
            await process.until_ready()
            try:
                if await _brought(process, before, front):
                    return
            except SophiaError as error:
                log.info("HAProxy asked again", extra={"reason": error.message})
            found = (await process.arranged()).get(front.service, before)
            before = Front(front.service, front.host, front.port, found.slots)
        process.fronts[front.service] = before
        raise SophiaError("proxy-not-changed", f"HAProxy does not take the servers of `{front.service}`")

    async def _learn(self, process: ProxyProcess) -> None:
        """Ask an adopted process what it serves; where it does not tell, another one takes its place."""
        try:
            await process.learn()
        except SophiaError as error:
            log.warning("HAProxy not understood", extra={"reason": error.message})
            self._current = None
            self._retired.add(process)
            return
        for wish in self._wishes():
            if wish.service in process.fronts:
                # Its port need not be the one that is wished for: the agent before may have died as that changed.
                process.fronts[wish.service] = replace(process.fronts[wish.service], host=wish.host)


async def _brought(process: ProxyProcess, before: Front, after: Front) -> bool:
    commands = changes(after.service, before.slots, after.slots)
    if commands:
        await process.tell(commands)
    found = (await process.arranged()).get(after.service)
    return found is not None and found.slots == after.slots


def running_proxies(folder: Path) -> Iterator[tuple[int, ProcessIdentity]]:
    """Find the proxies of a project by the configuration, in its folder, that they were started with."""
    prefix, suffix = f"{folder}/proxy-", ".cfg"
    if not any(folder.glob("proxy-*.cfg")):
        return
    for pid in all_pids():
        try:
            if owner_of(pid) is None:
                continue
        except OSError:
            continue
        words = command_line(pid)
        last = words[-1] if len(words) > 2 and words[-2] == "-f" else ""
        number = last.removeprefix(prefix).removesuffix(suffix)
        if last.startswith(prefix) and last.endswith(suffix) and number.isdigit():
            identity = identify(pid)
            if identity is not None:
                yield int(number), identity
