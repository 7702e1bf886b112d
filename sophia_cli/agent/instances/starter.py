"""From an instance to its process: descriptors, environment, recipe, log; and who is asked how it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol, assert_never

from sophia_cli.agent.instances.askers import AcceptingBoot, Asks, DeclaredAsker, LauncherBoot, ServedFirst, waits_on
from sophia_cli.agent.instances.control import ask_launcher
from sophia_cli.agent.instances.environment import instance_environment
from sophia_cli.agent.instances.groups import InstanceGroups
from sophia_cli.agent.instances.instance import Asker, Instance
from sophia_cli.agent.listening.listeners import Listeners
from sophia_cli.agent.listening.private_listeners import PRIVATE_HOST, PrivateListeners
from sophia_cli.checks.command_probe import CommandPlace
from sophia_cli.checks.endpoint import Endpoint, tcp_endpoint
from sophia_cli.checks.probe import Prober
from sophia_cli.core.errors import SophiaError
from sophia_cli.core.values import dataclass
from sophia_cli.deploy.handover.control import Verb, prove_who_answers
from sophia_cli.deploy.handover.recipe import (
    Descriptor,
    HandoverKind,
    Launch,
    Place,
    Reach,
    StartRecipe,
    handover_kind,
    start_recipe,
)
from sophia_cli.deploy.link.address import listen
from sophia_cli.deploy.previews import is_behind_proxy
from sophia_cli.deploy.releases.model import Release
from sophia_cli.deploy.releases.store import ReleaseStore
from sophia_cli.deploy.supervisor_model import Probing
from sophia_cli.project.failpoints import AgentFailpoint, failpoint
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.processes import members_of
from sophia_cli.project.host.sockets import create_listener, port_of, reachable_host
from sophia_cli.project.host.spawn import Limits, Spawned, SpawnSpec, spawn
from sophia_cli.project.host.spawn_errors import SpawnStep, spawn_failed
from sophia_cli.project.settings.check_model import Probe, ProbeKind
from sophia_cli.project.settings.service_model import Service

_FIRST_DESCRIPTOR = 3
_PROOFS = 20
_PROOF_S = 5.0
_BETWEEN_PROOFS_S = 0.05


class Logs(Protocol):
    """Where instances write."""

    def open(self, service: Service) -> int:
        """Return a descriptor of a service's log to append to, the caller's to close; OSError."""

    def position(self, service: str) -> int:
        """Return where the log ends now."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What instances are told about the rest of the project, and what the machine gives to them.

    `usual_files` is how many files an instance may open whose settings do not say.
    """

    secrets_of: Callable[[Release], Mapping[str, str]]
    urls_of: Callable[[Service], Mapping[str, str]]
    open_listener: Callable[[Release], None]
    look_at_copy: Callable[[Release], None]
    groups: InstanceGroups
    usual_files: int


class ProjectStarter:
    """Starts instances of the releases of one project, and reaches those that run."""

    def __init__(
        self, root: Path, run_folder: Path, releases: ReleaseStore, listeners: Listeners, logs: Logs, wiring: Wiring
    ) -> None:
        self._root = root
        self._run = run_folder
        self._releases = releases
        self._listeners = listeners
        self._logs = logs
        self._wiring = wiring
        self._outer = dict(os.environ)
        self._known: dict[tuple[str, int], Release] = {}
        self._privates = PrivateListeners()

    def release_of(self, instance: Instance) -> Release:
        """Return the release of an instance; SophiaError when it cannot be read any more."""
        key = (instance.id.service, instance.id.release)
        if key not in self._known:
            self._known[key] = self._releases.read(*key)
        return self._known[key]

    def start(self, instance: Instance) -> Spawned:
        """Start a process of the instance; SophiaError says why none runs."""
        release = self.release_of(instance)
        try:
            return self._start(instance, release)
        except OSError as error:
            # Short of descriptors or memory, or a folder of ours that is gone.
            number = error.errno or 0
            raise spawn_failed((release.name,), self._root, {}, SpawnStep.DESCRIPTORS, number) from error

    def _start(self, instance: Instance, release: Release) -> Spawned:
        service = release.service
        with contextlib.ExitStack() as held:
            public = self._public(release)
            private = self._private(instance, service, held)
            self._wiring.look_at_copy(release)
            instance.urls = dict(self._wiring.urls_of(service))
            is_public = instance.is_public and not is_behind_proxy(service)
            reach = Reach.PUBLIC if is_public else Reach.PRIVATE
            port = self._port(instance, service, public, private)
            recipe = start_recipe(service, self._place(release), Launch(reach, port))
            main = public if is_public else private
            sockets = {Descriptor.PUBLIC: public, Descriptor.PRIVATE: private, Descriptor.MAIN: main}
            if Descriptor.CONTROL in recipe.descriptors:
                sockets[Descriptor.CONTROL] = held.enter_context(listen(self._run, instance.id.name))
            log = self._open_log(service, held)
            instance.log_from = self._logs.position(service.name)
            failpoint(AgentFailpoint.LISTENER_OPENED)
            groups = self._wiring.groups.make(instance.id.name, service.limits)
            instance.notes = self._wiring.groups.unkept(instance.id.name)
            spawned = spawn(
                SpawnSpec(
                    argv=recipe.argv,
                    env=self._environment(instance, release, recipe, port),
                    cwd=Path(recipe.cwd),
                    log=log,
                    descriptors=_numbered(recipe, sockets),
                    limits=Limits(service.limits.open_files, self._wiring.usual_files, groups),
                )
            )
        failpoint(AgentFailpoint.INSTANCE_STARTED)
        return spawned

    def adopted(self, instance: Instance, identity: ProcessIdentity) -> None:
        """Know again what an instance has that an earlier agent started."""
        limits = self.release_of(instance).service.limits
        self._wiring.groups.adopt(instance.id.name, identity.pid, limits)
        instance.notes = self._wiring.groups.unkept(instance.id.name)
        if self.is_strict(instance) and instance.private_port is not None:
            self._privates.take_back(instance.id.name, instance.private_port, identity)

    def gone(self, name: str) -> None:
        """Remove what an instance of an earlier agent left that ended meanwhile."""
        self._wiring.groups.clear(name)
        with contextlib.suppress(OSError):
            (self._run / name).unlink()

    def stopped(self, instance: Instance) -> bool:
        """Remove what an instance had whose processes are gone; whether the kernel killed one for want of memory."""
        failpoint(AgentFailpoint.INSTANCE_ENDED)
        if self._privates.find(instance.id.name) is None:
            instance.private_port = None
        with contextlib.suppress(OSError):
            (self._run / instance.id.name).unlink()
        return self._wiring.groups.leave(instance.id.name)

    def prober(self, instance: Instance, probing: Probing) -> Asker:
        """Return what answers a probe of the instance."""
        service = self.release_of(instance).service
        match probing:
            case Probing.STARTUP:
                probe, eases = service.startup, False
            case Probing.READINESS:
                probe, eases = service.readiness, True
            case Probing.LIVENESS:
                probe, eases = service.liveness, False
            case _:
                assert_never(probing)
        if probe is None:
            return self._boot(instance, service)
        asks: Asks = Prober(probe, self.endpoint(instance), self._command_place(instance, probe))
        if probe.kind is ProbeKind.TCP and probe.port in (None, service.port) and probing is not Probing.LIVENESS:
            asks = ServedFirst(self._boot(instance, service), asks)
        return DeclaredAsker(asks, probe.interval_s, eases=eases)

    async def attach(self, instance: Instance) -> None:
        """Have an instance accept on the public address as well; SophiaError says why it does not.

        Only a launcher can be told to; others accept from their start.
        """
        if self._has_launcher(instance) and not self.is_strict(instance):
            await ask_launcher(self._run, instance.id.name, Verb.ATTACH)

    async def detach(self, instance: Instance) -> None:
        """Have an instance leave new connections to others for a while, where it can be told to."""
        if self._has_launcher(instance) and not self.is_strict(instance):
            await ask_launcher(self._run, instance.id.name, Verb.DETACH)

    def is_strict(self, instance: Instance) -> bool:
        """Whether an instance serves privately only, with HAProxy in front of it."""
        try:
            return is_behind_proxy(self.release_of(instance).service)
        except SophiaError:
            # Its release cannot be read any more; whoever starts it is told.
            return False

    def close_private(self, instance: Instance) -> None:
        """Close the listener that was kept for an instance which will not be started again."""
        self._privates.close(instance.id.name)

    def keep_privates(self, instances: Iterable[str]) -> None:
        """Close what was kept for any other instance than these."""
        self._privates.keep_only(instances)

    def _has_launcher(self, instance: Instance) -> bool:
        return handover_kind(self.release_of(instance).service) is HandoverKind.LAUNCHER

    async def prove_answers(self, instance: Instance) -> None:
        """Return once this very instance takes a connection to the public address; SophiaError when it does not.

        A server that shares the address and cannot step aside may win every one of them; then it is enough that a
        process of the instance waits for connections there.
        """
        service = self.release_of(instance).service
        port = self._listeners.port(service.name)
        assert port is not None, "an instance that is to answer there was started with the listener"
        deadline, tries = asyncio.get_running_loop().time() + _PROOF_S, 0
        while self.members(instance) and (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            proof = await prove_who_answers(
                reachable_host(service.host), port, lambda: self.members(instance), tries=_PROOFS, timeout_s=left_s
            )
            if proof.proved or waits_on(self._listeners.find(service.name), self.members(instance)):
                return
            tries += proof.tries
            # On a busy machine the other one may win them all for a moment.
            await asyncio.sleep(_BETWEEN_PROOFS_S)
        message = f"no process of `{instance.id.name}` answers on port {port}; {tries} connections went elsewhere"
        raise SophiaError("instance-not-answering", message)

    def members(self, instance: Instance) -> frozenset[int]:
        """Return the pids of the processes of an instance."""
        if instance.identity is None:
            return frozenset()
        return frozenset(one.pid for one in members_of(instance.identity, instance.id.name))

    def _boot(self, instance: Instance, service: Service) -> Asker:
        if handover_kind(service) is HandoverKind.LAUNCHER:
            return LauncherBoot(self._run, instance.id.name)
        kept = self._privates.find(instance.id.name)
        listener = kept or (self._listeners.find(service.name) if instance.is_public else None)
        return AcceptingBoot(self.endpoint(instance), lambda: self.members(instance), listener)

    def endpoint(self, instance: Instance) -> Endpoint:
        """Return where this instance answers: its own address where it has one."""
        service = self.release_of(instance).service
        authority = None if service.port is None else f"{reachable_host(service.host)}:{service.port}"
        if instance.private_port is not None:
            return tcp_endpoint(PRIVATE_HOST, instance.private_port, authority)
        return self.public_endpoint(service)

    def public_endpoint(self, service: Service) -> Endpoint:
        """Return where a service answers its callers, as reached from this machine."""
        port = self._listeners.port(service.name) or service.port or 0
        authority = None if service.port is None else f"{reachable_host(service.host)}:{service.port}"
        return tcp_endpoint(reachable_host(service.host), port, authority)

    def secrets_of(self, release: Release) -> Mapping[str, str]:
        """Return the secrets of a release's service by name; SophiaError when one is missing."""
        return self._wiring.secrets_of(release)

    def _command_place(self, instance: Instance, probe: Probe) -> CommandPlace | None:
        if probe.command is None:
            return None
        release = self.release_of(instance)
        port = instance.private_port or self._listeners.port(release.name)
        recipe = start_recipe(release.service, self._place(release), Launch(Reach.PUBLIC, release.service.port))
        environment = self._environment(instance, release, recipe, port)
        return CommandPlace(Path(recipe.cwd), environment, instance.wait_for)

    def _public(self, release: Release) -> socket.socket | None:
        """Return the public listener, opened where it is not; None for what binds its port by itself, or has none."""
        if release.service.port is None or handover_kind(release.service) is HandoverKind.NONE:
            return None
        self._wiring.open_listener(release)
        return self._listeners.find(release.name)

    def _private(self, instance: Instance, service: Service, held: contextlib.ExitStack) -> socket.socket | None:
        """Return a private listener where the instance is to have one; the instance remembers its port."""
        instance.private_port = None
        kind = handover_kind(service)
        if service.port is None or kind is HandoverKind.NONE:
            return None
        if is_behind_proxy(service):
            private = self._privates.open(instance.id.name)
            instance.private_port = port_of(private)
            return private
        if instance.is_public and kind is not HandoverKind.LAUNCHER:
            return None
        private = held.enter_context(create_listener(PRIVATE_HOST, 0))
        instance.private_port = port_of(private)
        return private

    def _port(
        self, instance: Instance, service: Service, public: socket.socket | None, private: socket.socket | None
    ) -> int | None:
        """Return the port that an instance is told: that of the socket which it serves on in the end."""
        if public is None:
            return service.port
        is_alone = private is not None and (is_behind_proxy(service) or not instance.is_public)
        if is_alone and handover_kind(service) is not HandoverKind.LAUNCHER:
            assert private is not None
            return port_of(private)
        return port_of(public)

    def _open_log(self, service: Service, held: contextlib.ExitStack) -> int:
        try:
            log = self._logs.open(service)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SophiaError("log-unwritable", f"the log of `{service.name}` cannot be written: {reason}") from error
        held.callback(os.close, log)
        return log

    def _place(self, release: Release) -> Place:
        tree = self._releases.tree(release)
        search_path = tuple(os.path.normpath(tree / folder) for folder in release.search_path)
        return Place(str(tree), release.lock.python, search_path, release.lock.version)

    def _environment(
        self, instance: Instance, release: Release, recipe: StartRecipe, port: int | None
    ) -> dict[str, str]:
        environment = instance_environment(
            self._outer,
            own=dict(release.service.env),
            secrets=self._wiring.secrets_of(release),
            identity={
                "SOPHIA_SERVICE": release.name,
                "SOPHIA_RELEASE": str(release.number),
                "SOPHIA_INSTANCE": instance.id.name,
                "SOPHIA_PROJECT": str(self._root),
            },
            port=port,
            urls=self._wiring.urls_of(release.service),
        )
        environment.update(recipe.environment)
        outer_path = environment.get("PATH", os.defpath)
        environment["PATH"] = f"{recipe.path_prefix}{os.pathsep}{outer_path}"
        return environment


def _numbered(recipe: StartRecipe, sockets: Mapping[Descriptor, socket.socket | None]) -> dict[int, int]:
    """Return what an instance gets as descriptors 3 and up."""
    wanted = {number: sockets[name] for number, name in enumerate(recipe.descriptors, _FIRST_DESCRIPTOR)}
    return {number: one.fileno() for number, one in wanted.items() if one is not None}
