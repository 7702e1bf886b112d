"""How instances of strict services come behind HAProxy and leave it, each step proved by HAProxy's own counters."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from sophia_cli.agent.instances.instance import Instance
from sophia_cli.agent.instances.starter import ProjectStarter
from sophia_cli.agent.proxy.proxy import Proxy
from sophia_cli.agent.proxy.wishes import Share, Traffic
from sophia_cli.checks.endpoint import Endpoint
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.values import replace
from sophia_cli.deploy.handover.recipe import HandoverKind, handover_kind
from sophia_cli.deploy.strict.canary import Sample, is_worse, weights_for
from sophia_cli.deploy.strict.commands import Counters
from sophia_cli.project.settings.check_model import ProbeKind
from sophia_cli.project.settings.service_model import Canary, Service

_TRAFFIC_S = 0.2
_COUNT_S = 0.01
_TAKEN_S = 0.5
_KNOCK_S = 5.0
_MOST_KNOCKS = 300
_CANARY_LOOK_S = 0.5
_NOTHING = Counters(0, 0, 0, 0)


class StrictDoors:
    """The way of strict instances: admitted, proved, weighed, drained."""

    def __init__(self, starter: ProjectStarter, proxy: Proxy, traffic: Traffic) -> None:
        self._starter = starter
        self._proxy = proxy
        self._traffic = traffic
        self._answered: dict[str, int] = {}

    async def attach(self, instance: Instance, canary: Canary | None, others: Sequence[Instance]) -> None:
        """Have HAProxy give requests to an instance, a canary its share of them; SophiaError says why it does not."""
        name = instance.id.name
        self._traffic.shares[name] = Share.ADMITTED
        if canary is not None and others:
            weights = weights_for(canary.weight, len(others))
            self._traffic.weights[name] = weights.canary
            self._traffic.weights.update({other.id.name: weights.old for other in others})
        await self._proxy.settle()
        # The place may have been another instance's before, with what that one answered.
        self._answered[name] = (await self._counters_of(instance)).answered

    async def prove_answers(self, instance: Instance) -> None:
        """Return once HAProxy has counted an answer of the instance; SophiaError when there is none.

        Where callers bring none in time, requests of the agent's own go to the public address.
        """
        loop = asyncio.get_running_loop()
        traffic_until, knock_until = loop.time() + _TRAFFIC_S, loop.time() + _KNOCK_S
        before = self._answered.get(instance.id.name, 0)
        service = self._starter.release_of(instance).service
        knocks = 0
        # Fewer than before is a HAProxy that was started again; each answer that it counts is one since.
        while (await self._counters_of(instance)).answered in (before, 0):
            now = loop.time()
            if now > knock_until or knocks > _MOST_KNOCKS:
                message = f"`{instance.id.name}` has answered none of {knocks} requests through HAProxy"
                raise SophiaError("instance-not-answering", message)
            if now < traffic_until:
                await asyncio.sleep(_COUNT_S)
            else:
                knocks += 1
                with contextlib.suppress(OSError):
                    endpoint = self._starter.public_endpoint(service)
                    # Where another port comes with the release, callers are let in on the one before until it leaves.
                    port = self._proxy.front_port(service.name) or endpoint.port
                    await _knock(replace(endpoint, port=port), service)

    async def watch_canary(self, instance: Instance, canary: Canary, others: Sequence[Instance]) -> None:
        """Compare a canary with the old instances for as long as it is to last; SophiaError when it is worse."""
        loop = asyncio.get_running_loop()
        end = loop.time() + canary.for_s
        first = await self._samples(instance, others)
        while True:
            await asyncio.sleep(max(0.0, min(_CANARY_LOOK_S, end - loop.time())))
            seen = await self._samples(instance, others)
            new, old = (_since(before, after) for before, after in zip(first, seen, strict=True))
            if is_worse(new, old):
                raise SophiaError(
                    "canary-worse",
                    f"the canary failed {new.failed} of {new.requests} requests, the release before {old.failed} of "
                    f"{old.requests}",
                    exit_code=ExitCode.ROLLED_BACK,
                )
            if loop.time() >= end:
                break
        for one in (instance, *others):
            self._traffic.weights.pop(one.id.name, None)
        await self._proxy.settle()

    async def depart(self, instance: Instance) -> None:
        """Have HAProxy give an instance nothing more; return once it has answered what it has, or at its deadline.

        What is left at the deadline is cut. One that drains by itself is left alone with its streams sooner, once it
        must have taken what HAProxy gave it: it says goodbye to WebSockets, and keeps the deadline itself.
        """
        self._traffic.shares[instance.id.name] = Share.LEAVING
        self._traffic.weights.pop(instance.id.name, None)
        port = instance.private_port
        service = self._starter.release_of(instance).service
        drains_itself = handover_kind(service) is HandoverKind.LAUNCHER
        limit_s = min(_TAKEN_S, service.drain_timeout_s) if drains_itself else service.drain_timeout_s
        with contextlib.suppress(SophiaError):
            await self._proxy.settle()
            if port is not None and not await self._has_answered(service.name, port, limit_s) and not drains_itself:
                await self._proxy.cut(service.name, port)
            self._traffic.shares[instance.id.name] = Share.IDLE
            await self._proxy.settle()

    async def _has_answered(self, service: str, port: int, limit_s: float) -> bool:
        """Return once an instance has no request any more; False when it still has some after so many seconds."""
        try:
            async with asyncio.timeout(limit_s):
                while await self._proxy.sessions(service, port):
                    await asyncio.sleep(_COUNT_S)
        except TimeoutError:
            return False
        return True

    async def departed(self, instance: Instance) -> None:
        """Forget an instance that is gone; who still waits for it is sent to another one."""
        self._traffic.forget(instance.id.name)
        self._answered.pop(instance.id.name, None)
        self._starter.close_private(instance)
        with contextlib.suppress(SophiaError):
            await self._proxy.settle()

    async def follow(self) -> None:
        """Return once HAProxy does what it is to do, or it is taken down why it does not."""
        await self._proxy.follow()

    def readmit(self, instance: Instance) -> None:
        """Have an instance that was about to leave stay, with the share of any other."""
        self._traffic.forget(instance.id.name)
        self._proxy.changed()

    async def _counters_of(self, instance: Instance) -> Counters:
        found = await self._proxy.counters(instance.id.service)
        return found.get(instance.private_port or 0, _NOTHING)

    async def _samples(self, instance: Instance, others: Sequence[Instance]) -> tuple[Sample, Sample]:
        """Return what was counted of a canary and of the old instances together."""
        found = await self._proxy.counters(instance.id.service)
        new = found.get(instance.private_port or 0, _NOTHING)
        old = [found.get(other.private_port or 0, _NOTHING) for other in others]
        return _sample(new), Sample(sum(_sample(one).requests for one in old), sum(_sample(one).failed for one in old))


def _sample(counters: Counters) -> Sample:
    # A request that got no answer is no answered one, but it was one.
    return Sample(max(counters.answered, counters.failed), counters.failed)


def _since(before: Sample, after: Sample) -> Sample:
    requests, failed = after.requests - before.requests, after.failed - before.failed
    # A HAProxy that was started again counts from nothing.
    return after if requests < 0 or failed < 0 else Sample(requests, min(failed, requests))


async def _knock(endpoint: Endpoint, service: Service) -> None:
    """Ask the public address for what a probe asks for too, or for the head of `/`; OSError."""
    probes = (service.readiness, service.startup, service.liveness)
    asked = (probe.target for probe in probes if probe is not None and probe.kind is ProbeKind.HTTP)
    path = next((target for target in asked if target.startswith("/")), None)
    method = "HEAD" if path is None else "GET"
    words = (
        f"{method} {path or '/'} HTTP/1.1",
        f"Host: {endpoint.authority}",
        "User-Agent: sophia",
        "Connection: close",
    )
    async with asyncio.timeout(_KNOCK_S):
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        try:
            writer.write("\r\n".join((*words, "", "")).encode("utf-8"))
            await reader.read(1)
        finally:
            writer.close()
