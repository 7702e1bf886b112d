"""What keeps a service from starting and can be seen beforehand: an app, a port or an interpreter that is not there."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from sophia_cli.commands.deploying.reading import ReadProject
from sophia_cli.core.errors import UnavailableError, UsageError
from sophia_cli.deploy.handover.commands import command_line
from sophia_cli.deploy.handover.programs import other_interpreter
from sophia_cli.project.host.spawn_errors import find_program
from sophia_cli.project.packages.outline import EnvironmentOutline
from sophia_cli.project.settings.missing_apps import missing_apps
from sophia_cli.project.settings.service_model import Service


def check_apps(project: ReadProject, environment: str | None, names: Collection[str]) -> None:
    """Raise the first of the errors about apps that do not exist, of all services when none is named."""

    def read(path: str) -> bytes | None:
        try:
            return (project.root / path).read_bytes()
        except OSError:
            return None

    def is_installed(top: str) -> bool:
        distributions = project.installed.distributions.values()
        return any(name.partition(".")[0] == top for one in distributions for name in one.imports)

    roots = [root.path for root in project.graph.roots if not root.applies_to]
    errors = missing_apps(
        project.settings,
        project.graph.files,
        roots,
        read,
        environment=environment,
        names=names,
        is_installed=is_installed,
    )
    if errors:
        raise errors[0]
    for service in project.settings.for_environment(environment):
        if service.app is not None and service.port is None and (not names or service.name in names):
            raise UsageError(
                "service-without-port",
                f"service `{service.name}` is an app, so it needs a `port`",
                hint=f"add `port` to `[services.{service.name}]`; what serves nobody is a `command`",
                location=project.settings.source,
            )


def check_interpreters(services: Sequence[Service], outline: EnvironmentOutline, source: str | None) -> None:
    """Raise for a command that names an interpreter by its version which is not the project's, and nowhere else."""
    for service in services:
        name = None if service.command is None else other_interpreter(command_line(service.command), outline.version)
        path = os.pathsep.join((os.path.dirname(outline.python), os.environ.get("PATH", os.defpath)))
        if name is not None and find_program(name, Path("/"), path) is None:
            raise UnavailableError(
                "interpreter-not-found",
                f"service `{service.name}` asks for `{name}`, which is not there; the project's Python is "
                f"{outline.version} (`{outline.python}`)",
                hint=f"install it, or write `python` in `services.{service.name}.command` for the project's own",
                location=source,
            )
