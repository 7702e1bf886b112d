"""Keeping in touch with the agent: telling it how the web API is, and noticing when nobody owns this process."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

from sophia_cli.core.errors import SophiaError, UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.link.async_client import AsyncLink, open_link

log = logging.getLogger(__name__)
_AGAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Word:
    """How the web API is: the port that it serves, or why it serves none."""

    port: int | None = None
    note: str | None = None


class Contact:
    """Tells the agent every `beat_s` seconds; sets `ended` when the agent disowns us or is gone for `grace_s`."""

    def __init__(self, folder: Path, ended: asyncio.Event, *, beat_s: float = 10.0, grace_s: float = 10.0) -> None:
        self._folder = folder
        self._ended = ended
        self._beat_s = beat_s
        self._grace_s = grace_s
        self._word: Word | None = None
        self.is_there = False

    async def say(self, word: Word) -> None:
        """Tell the agent at once; when it is not there, it is told later."""
        self._word = word
        try:
            async with await open_link(self._folder) as link:
                await self._tell(link)
        except UnavailableError as error:
            log.info("the agent was not told: %s", error.message)
        except SophiaError as error:
            self._disowned(error)

    async def keep(self) -> None:
        """Keep in touch until `ended` is set, by whomever."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while not self._ended.is_set():
            try:
                async with await open_link(self._folder) as link:
                    self.is_there = True
                    await self._beat(link)
                    last = loop.time()
            except UnavailableError:
                pass
            except SophiaError as error:
                self._disowned(error)
            self.is_there = False
            if loop.time() - last > self._grace_s:
                log.info("the agent is gone for %g s, so this ends too", self._grace_s)
                self._ended.set()
            await asyncio.sleep(_AGAIN_S)

    async def _beat(self, link: AsyncLink) -> None:
        while True:
            await self._tell(link)
            if await link.is_lost_within(self._beat_s):
                return

    async def _tell(self, link: AsyncLink) -> None:
        word = self._word
        if word is not None:
            await link.ask("web", {"pid": os.getpid(), "port": word.port, "note": word.note})

    def _disowned(self, error: SophiaError) -> None:
        log.info("ended: %s", error.message)
        self._ended.set()
