"""From the text of a settings file to settings, or to the first mistake with its place."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from itertools import count

from sophia_cli.core.errors import UsageError
from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.root import PYPROJECT_FILE
from sophia_cli.project.settings.keys import Section
from sophia_cli.project.settings.model import (
    AgentSettings,
    PackageSet,
    PathIgnore,
    ProjectSettings,
    RuleSettings,
    Settings,
)
from sophia_cli.project.settings.reader import Origin, Table, value_or
from sophia_cli.project.settings.service_model import Service
from sophia_cli.project.settings.services import read_environment, read_services

_PLACE = late_pattern(r" \(at (?:line (\d+), column (\d+)|end of document)\)\s*$")
_VERSION = late_pattern(r"(\d+)\.(\d+)(?:\.\d+)?")


def parse_settings(text: str, file: str) -> Settings:
    """Return the settings that a TOML text holds; `file` is its name, and decides where in it the settings stand."""
    table = _settings_table(text, file)
    table.check_keys(Section.TOP)
    services = table.table("services")
    environments = table.table("environments")
    found = read_services(services)
    others = tuple(read_environment(name, inner, services) for name, inner in environments.each())
    return Settings(
        source=file,
        project=_project(table.table("project")),
        rules=_rules(table.table("rules")),
        services=found,
        environments=others,
        agent=_agent(table.table("agent"), (*found, *(one for other in others for one in other.services))),
    )


def _settings_table(text: str, file: str) -> Table:
    try:
        content: dict[str, object] = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or an integer beyond what Python reads
        raise _syntax_error(str(error), text, file) from error
    except RecursionError as error:
        raise _syntax_error("nested too deep", text, file) from error
    origin = Origin(file, text)
    table = Table(origin, (), content)
    return table.table("tool").table("sophia") if file == PYPROJECT_FILE else table


def _project(table: Table) -> ProjectSettings:
    table.check_keys(Section.PROJECT)
    return ProjectSettings(
        name=table.text("name"),
        python=table.text("python"),
        python_version=_python_version(table),
        include=table.texts("include"),
        exclude=table.texts("exclude"),
        environment=table.choice("environment", PackageSet, PackageSet.SHARED),
    )


def _agent(table: Table, services: Iterable[Service]) -> AgentSettings:
    table.check_keys(Section.AGENT)
    usual = AgentSettings()
    web = value_or(table.boolean("web"), usual.web)
    port = table.integer("web_port", 1, 65535)
    taken = {service.port: service.name for service in services}
    if port is not None and web and port in taken:
        raise table.wrong("web_port", f"service `{taken[port]}` has port {port} too")
    # A service goes before a port that nobody asked for.
    usual_port = next(one for one in count(usual.web_port) if one not in taken)
    return AgentSettings(web=web, web_port=value_or(port, usual_port))


def _python_version(table: Table) -> tuple[int, int] | None:
    text = table.text("python_version")
    if text is None:
        return None
    match = _VERSION.fullmatch(text)
    if match is None:
        raise table.wrong("python_version", f"`python_version` must be a version such as `3.11`, not `{text}`")
    if match.group(1) != "3":
        raise table.wrong("python_version", f"`python_version` must be a Python 3 such as `3.11`, not `{text}`")
    return 3, int(match.group(2))


def _rules(table: Table) -> RuleSettings:
    table.check_keys(Section.RULES)
    per_path = table.table("per_path_ignores")
    return RuleSettings(
        select=table.texts("select"),
        ignore=table.texts("ignore"),
        per_path=tuple(PathIgnore(pattern, per_path.texts(pattern)) for pattern in per_path.names()),
    )


def _syntax_error(message: str, text: str, file: str) -> UsageError:
    match = _PLACE.search(message)
    line, column = text.count("\n") + 1, 1
    if match and match.group(1):
        line, column = int(match.group(1)), int(match.group(2))
    reason = _PLACE.sub("", message)
    return UsageError(
        "settings-invalid",
        f"`{file}` is not TOML: {reason[:1].lower()}{reason[1:]}",
        hint="a string needs quotes, a table its brackets; https://toml.io shows the format",
        location=f"{file}:{line}:{column}",
    )
