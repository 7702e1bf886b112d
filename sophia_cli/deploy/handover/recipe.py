"""From a service of the settings to the program that is started: words, folder, environment, descriptors.

Pure: nothing is looked up on the disk. What cannot work is a SophiaError before anything is started.
"""

from __future__ import annotations

import json
import os.path
from enum import Enum

from sophia_cli.core.values import dataclass
from sophia_cli.deploy.handover.commands import Line, command_line
from sophia_cli.deploy.handover.programs import Taking, recognise
from sophia_cli.project.settings.service_model import Service

_FOLDER = os.path.dirname(os.path.abspath(__file__))
LAUNCHER = os.path.join(_FOLDER, "launch.py")
PYTHON_SHIM = os.path.join(_FOLDER, "shim")
NODE_PRELOAD = os.path.join(_FOLDER, "shim", "preload.js")
MAIN_FD = 3


class HandoverKind(Enum):
    """How a listening socket reaches the program."""

    LAUNCHER = "launcher"  # one process that first serves privately, then publicly too
    DESCRIPTOR = "descriptor"  # the program takes descriptor 3 by an option of its own
    SHIM = "shim"  # the program binds by itself; its bind is answered with descriptor 3
    NONE = "none"  # it has no port, or it binds by itself and nothing can be done about it


class Reach(Enum):
    """Where an instance serves from its start."""

    PRIVATE = "private"
    PUBLIC = "public"


class Descriptor(Enum):
    """What an instance wants as descriptors 3, 4, 5, in this order. MAIN is the listener of the launch's reach."""

    MAIN = "main"
    PUBLIC = "public"
    PRIVATE = "private"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release lies: its copy of the project, the interpreter and further folders for imports (all absolute).

    `version` is the interpreter's, empty where it is not known.
    """

    tree: str
    python: str
    search_path: tuple[str, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """One start. `port` is what the instance is told as PORT: that of the listener that it gets; None for a worker."""

    reach: Reach
    port: int | None


@dataclass(frozen=True, slots=True)
class StartRecipe:
    """How to start an instance.

    `argv[0]` has a folder or is to be found through PATH after `path_prefix` was put before it. `environment` goes over
    everything else that the instance is given; where it holds LISTEN_FDS, the child sets LISTEN_PID to its own pid.
    """

    argv: tuple[str, ...]
    cwd: str
    environment: tuple[tuple[str, str], ...]
    path_prefix: str
    handover: HandoverKind
    descriptors: tuple[Descriptor, ...]


def start_recipe(service: Service, place: Place, launch: Launch) -> StartRecipe:
    """Return how to start the service from a place. UsageError where its command cannot run under an agent."""
    if service.app is not None:
        return _launcher(service, service.app, place, launch)
    assert service.command is not None, "the settings hold that there is an app or a command"
    line = command_line(service.command)
    taking = recognise(service.name, line, place.python, launch.port, place.version)
    if launch.port is None:
        return _started(service, place, line, taking.argv, HandoverKind.NONE, _search_path(service, place, ()))
    known = sorted({launch.port, service.port or launch.port})
    drain = (("SOPHIA_DRAIN_S", f"{service.drain_timeout_s:g}"),)
    with_shim = _search_path(service, place, (PYTHON_SHIM,))
    match taking.kind:
        case Taking.OPTION:
            return _started(service, place, line, taking.argv, HandoverKind.DESCRIPTOR, (*with_shim, *drain))
        case Taking.SHIM:
            bound = (
                ("SOPHIA_BIND_FD", str(MAIN_FD)),
                ("SOPHIA_BIND_PORTS", ",".join(map(str, known))),
                ("LISTEN_FDS", "1"),
                ("NODE_OPTIONS", _node_options(service)),
            )
            return _started(service, place, line, taking.argv, HandoverKind.SHIM, (*with_shim, *drain, *bound))
        case Taking.NONE:
            return _started(service, place, line, taking.argv, HandoverKind.NONE, _search_path(service, place, ()))


def handover_kind(service: Service) -> HandoverKind:
    """Return how this service takes its socket; it is the same for every release and place."""
    if service.app is not None:
        return HandoverKind.LAUNCHER
    place = Place("/", "/bin/python")
    return start_recipe(service, place, Launch(Reach.PUBLIC, service.port)).handover


def _launcher(service: Service, app: str, place: Place, launch: Launch) -> StartRecipe:
    specification = {
        "app": app,
        "attach_at_start": launch.reach is Reach.PUBLIC and launch.port is not None,
        "search_path": list(place.search_path),
        "drain_timeout_s": service.drain_timeout_s,
    }
    return StartRecipe(
        argv=(place.python, LAUNCHER),
        cwd=_cwd(service, place),
        environment=(("PYTHONUNBUFFERED", "1"), ("SOPHIA_LAUNCH", json.dumps(specification))),
        path_prefix=os.path.dirname(place.python),
        handover=HandoverKind.LAUNCHER,
        descriptors=(Descriptor.PUBLIC, Descriptor.PRIVATE, Descriptor.CONTROL),
    )


def _started(
    service: Service,
    place: Place,
    line: Line,
    argv: tuple[str, ...],
    handover: HandoverKind,
    environment: tuple[tuple[str, str], ...],
) -> StartRecipe:
    return StartRecipe(
        argv=argv,
        cwd=_cwd(service, place),
        environment=(*line.assignments, ("PYTHONUNBUFFERED", "1"), *environment),
        path_prefix=os.path.dirname(place.python),
        handover=handover,
        descriptors=() if handover is HandoverKind.NONE else (Descriptor.MAIN,),
    )


def _cwd(service: Service, place: Place) -> str:
    return os.path.normpath(os.path.join(place.tree, service.cwd))


def _search_path(service: Service, place: Place, first: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    own = dict(service.env).get("PYTHONPATH")
    folders = [*first, *place.search_path, *([own] if own else [])]
    return (("PYTHONPATH", os.pathsep.join(folders)),) if folders else ()


def _node_options(service: Service) -> str:
    # Node reads backslash and quote in this variable as a shell would within double quotes.
    quoted = NODE_PRELOAD.replace("\\", "\\\\").replace('"', '\\"')
    own = dict(service.env).get("NODE_OPTIONS")
    return " ".join([f'--require "{quoted}"', *([own] if own else [])])
