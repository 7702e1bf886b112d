"""From the tables of the settings file to services: their own rules, and the rules between them."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.settings.checks import read_check, read_open_api
from sophia_cli.project.settings.keys import Section
from sophia_cli.project.settings.model import Environment
from sophia_cli.project.settings.operation import (
    read_canary,
    read_healing,
    read_host,
    read_limits,
    read_log,
    read_restart,
    read_slo,
)
from sophia_cli.project.settings.probes import read_command, read_probe
from sophia_cli.project.settings.reader import Table, value_or
from sophia_cli.project.settings.service_model import PortConflict, Service, Strategy

_NAME = late_pattern(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_APP = late_pattern(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(?:\(\))?")
_VARIABLE = late_pattern(r"[A-Za-z_][A-Za-z0-9_]*")
_MERGED = ("env", "limits", "slo", "restart", "log", "healing")
_USUAL = Service("")


def read_services(services: Table) -> tuple[Service, ...]:
    """Return the services of a `services` table; UsageError with the line for the first thing that cannot be."""
    found = tuple(_service(name, table) for name, table in services.each())
    _check_ports(services, found)
    _check_dependencies(services, found)
    return found


def read_environment(name: str, environment: Table, services: Table) -> Environment:
    """Return an environment: the services with what the environment says about them on top."""
    environment.check_keys(Section.ENVIRONMENT)
    own = environment.table("services")
    for service in own.names():
        if not services.has(service):
            raise own.mistake(
                (service,),
                f"environment `{name}` changes a service `{service}` that does not exist",
                "settings-unknown-service",
                _known_services(services),
                of_key=True,
            )
    merged = {key: _merge(table.values, own.table(key).values) for key, table in services.each()}
    return Environment(name, read_services(Table(own.origin, own.path, merged, base=services.path)))


def _merge(base: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    # `app` and `command` exclude each other, so an environment that names one drops the other.
    dropped = {"command"} if "app" in own else {"app"} if "command" in own else set()
    merged = {key: value for key, value in base.items() if key not in dropped}
    for key, value in own.items():
        before = merged.get(key)
        if key in _MERGED and isinstance(before, dict) and isinstance(value, dict):
            merged[key] = {**before, **value}
        else:
            merged[key] = value
    return merged


def _service(name: str, table: Table) -> Service:
    if not _NAME.fullmatch(name):
        hint = "letters, digits, `-` and `_`, a letter or digit first"
        raise table.mistake((), f"`{name}` cannot be the name of a service", "settings-wrong-value", hint, of_key=True)
    table.check_keys(Section.SERVICE)
    app = table.text("app")
    command = read_command(table, "command")
    if app is not None and command is not None:
        raise table.wrong("command", f"service `{name}` has both `app` and `command`; one starts it")
    if app is None and command is None:
        hint = 'for instance `app = "package.module:app"`'
        message = f"service `{name}` has neither `app` nor `command`"
        raise table.mistake((), message, "settings-wrong-value", hint, of_key=True)
    if app is not None and not _APP.fullmatch(app):
        raise table.wrong("app", f"`app` must look like `package.module:name`, not `{app}`")
    port = table.integer("port", 1, 65535)
    strategy = table.choice("strategy", Strategy, Strategy.OVERLAP)
    replicas = table.integer("replicas", 0, 1000)
    if strategy is Strategy.REPLACE and replicas is not None and replicas > 1:
        raise table.wrong("replicas", f"service `{name}` must not run twice (`strategy`), so `replicas` is at most 1")
    return Service(
        name=name,
        app=app,
        command=command,
        host=read_host(table),
        port=port,
        on_port_conflict=table.choice("on_port_conflict", PortConflict, PortConflict.FAIL),
        persist=table.inner_paths("persist"),
        watch=table.inner_paths("watch"),
        cwd=table.inner_path("cwd") or ".",
        depends_on=table.texts("depends_on"),
        strategy=strategy,
        strict=_strict(name, table, port, strategy),
        canary=read_canary(table),
        replicas=1 if replicas is None else replicas,
        env=_env(table),
        secrets=_secrets(table),
        soak_s=value_or(table.duration("soak"), _USUAL.soak_s),
        start_timeout_s=value_or(table.duration("start_timeout"), _USUAL.start_timeout_s),
        stop_timeout_s=value_or(table.duration("stop_timeout"), _USUAL.stop_timeout_s),
        drain_timeout_s=value_or(table.duration("drain_timeout"), _USUAL.drain_timeout_s),
        startup=read_probe(table, "startup", port),
        readiness=read_probe(table, "readiness", port),
        liveness=read_probe(table, "liveness", port),
        restart=read_restart(table),
        limits=read_limits(table.table("limits")),
        log=read_log(table.table("log")),
        healing=read_healing(table.table("healing")),
        slo=read_slo(table.table("slo")),
        checks=tuple(read_check(check) for check in table.tables("checks")),
        open_api=read_open_api(table),
    )


def _strict(name: str, table: Table, port: int | None, strategy: Strategy) -> bool:
    is_strict = table.boolean("strict") or False
    if is_strict and port is None:
        raise table.wrong("strict", f"service `{name}` has no `port`, so there is nothing to put HAProxy in front of")
    if is_strict and strategy is Strategy.REPLACE:
        raise table.wrong("strict", f"service `{name}` must not run twice (`strategy`), so it cannot be `strict`")
    if table.has("canary") and not is_strict:
        raise table.wrong("canary", f"service `{name}` is not `strict`, so no share of its requests can be chosen")
    return is_strict


def _env(table: Table) -> tuple[tuple[str, str], ...]:
    env = table.table("env")
    pairs: list[tuple[str, str]] = []
    for name in env.names():
        if not _VARIABLE.fullmatch(name):
            hint = "letters, digits and `_`, no digit first"
            message = f"`{name}` cannot be the name of a variable"
            raise env.mistake((name,), message, "settings-wrong-value", hint, of_key=True)
        value = env.values[name]
        if not isinstance(value, str):
            raise env.wrong(name, f"`{name}` must be a string; put the value in quotes")
        pairs.append((name, value))
    return tuple(pairs)


def _secrets(table: Table) -> tuple[str, ...]:
    names = table.texts("secrets")
    for position, name in enumerate(names):
        if not _VARIABLE.fullmatch(name):
            # The item may be a value by mistake, so the message does not repeat it.
            raise table.wrong("secrets", f"item {position + 1} of `secrets` is not the name of a variable", position)
    return names


def _check_ports(services: Table, found: tuple[Service, ...]) -> None:
    owners: dict[int, str] = {}
    for service in found:
        if service.port is not None:
            other = owners.setdefault(service.port, service.name)
            if other != service.name:
                message = f"services `{other}` and `{service.name}` both have port {service.port}"
                raise services.table(service.name).wrong("port", message)


def _check_dependencies(services: Table, found: tuple[Service, ...]) -> None:
    by_name = {service.name: service for service in found}
    for service in found:
        table = services.table(service.name)
        for position, name in enumerate(service.depends_on):
            if name not in by_name:
                message = f"service `{service.name}` depends on `{name}`, which does not exist"
                raise table.wrong("depends_on", message, position, near=(name, list(by_name)))
        cycle = _cycle(service.name, by_name)
        if cycle:
            raise table.wrong("depends_on", f"services wait for one another: {' -> '.join(cycle)}")


def _cycle(start: str, by_name: Mapping[str, Service]) -> list[str]:
    """Return a way along `depends_on` from a service back to itself, empty when there is none."""
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in by_name[way[-1]].depends_on if way[-1] in by_name else ():
            if name == start:
                return [*way, start]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def _known_services(services: Table) -> str:
    return f"services: {', '.join(services.names())}" if services.names() else "no service is declared"
