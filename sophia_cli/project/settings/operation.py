"""How a service is kept running: restarts, limits, log files, recoveries, and what it promises."""

from __future__ import annotations

from sophia_cli.core.patterns import late_pattern
from sophia_cli.project.settings.keys import Section
from sophia_cli.project.settings.reader import Table, value_or
from sophia_cli.project.settings.service_model import (
    Canary,
    Healing,
    Limits,
    LogSettings,
    RestartPolicy,
    RestartWhen,
    Service,
    Slo,
)

_ADDRESS = late_pattern(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|(?=.*:)[0-9A-Fa-f:]+(?:%\w+)?")
_HIGHEST = 2**31 - 1
_CANARY_WEIGHTS = (1, 99)
# The kernel refuses shares of less than a millisecond in its period of a tenth of a second.
_LEAST_CPUS = 0.01


def read_host(table: Table) -> str:
    """Return the address that a service listens on: an IPv4 or IPv6 address, or a host name."""
    host = table.text("host")
    if host is not None and not _ADDRESS.fullmatch(host):
        raise table.wrong("host", f"`host` must be an address such as `127.0.0.1`, not `{host}`")
    return host or Service("").host


def read_restart(service: Table) -> RestartPolicy:
    """Return the restart policy: `restart` is a table, or its `policy` alone as a string."""
    usual = RestartPolicy()
    if isinstance(service.values.get("restart"), str):
        return RestartPolicy(when=service.choice("restart", RestartWhen, usual.when))
    if service.has("restart") and not isinstance(service.values["restart"], dict):
        policies = ", ".join(f"`{policy.value}`" for policy in RestartWhen)
        raise service.wrong("restart", f"`restart` must be a table, or one of {policies}")
    table = service.table("restart")
    table.check_keys(Section.RESTART)
    policy = RestartPolicy(
        when=table.choice("policy", RestartWhen, usual.when),
        backoff_s=value_or(table.duration("backoff"), usual.backoff_s),
        max_backoff_s=value_or(table.duration("max_backoff"), usual.max_backoff_s),
        max_restarts=value_or(table.integer("max_restarts", 0, 1_000_000), usual.max_restarts),
        within_s=value_or(table.duration("within"), usual.within_s),
    )
    if policy.max_backoff_s < policy.backoff_s:
        key = "max_backoff" if table.has("max_backoff") else "backoff"
        raise table.wrong(key, "`max_backoff` must not be below `backoff`")
    return policy


def read_limits(table: Table) -> Limits:
    """Return what one instance may use."""
    table.check_keys(Section.LIMITS)
    cpus = table.number("cpus")
    if cpus is not None and cpus < _LEAST_CPUS:
        raise table.wrong("cpus", f"`cpus` must be at least {_LEAST_CPUS:g}")
    return Limits(
        memory_bytes=table.size("memory"),
        cpus=cpus,
        open_files=table.integer("open_files", 16, _HIGHEST),
        processes=table.integer("processes", 1, _HIGHEST),
    )


def read_log(table: Table) -> LogSettings:
    """Return when log files are rotated and how many stay."""
    table.check_keys(Section.LOG)
    usual = LogSettings()
    max_bytes = value_or(table.size("max_size"), usual.max_bytes)
    if max_bytes < 1000:
        raise table.wrong("max_size", "`max_size` must be at least `1kB`")
    return LogSettings(max_bytes, value_or(table.integer("keep", 0, 1000), usual.keep))


def read_healing(table: Table) -> Healing:
    """Return which recoveries the agent may do by itself."""
    table.check_keys(Section.HEALING)
    usual = Healing()
    return Healing(
        rollback=value_or(table.boolean("rollback"), usual.rollback),
        restore=value_or(table.boolean("restore"), usual.restore),
        install=value_or(table.boolean("install"), usual.install),
    )


def read_canary(service: Table) -> Canary | None:
    """Return the canary of a service: `canary` is a table, or its `weight` alone as a number."""
    if not service.has("canary"):
        return None
    if not isinstance(service.values["canary"], dict):
        weight = service.integer("canary", *_CANARY_WEIGHTS)
        assert weight is not None, "the key is there"
        return Canary(weight)
    table = service.table("canary")
    table.check_keys(Section.CANARY)
    weight = table.integer("weight", *_CANARY_WEIGHTS)
    if weight is None:
        raise service.wrong("canary", "`canary` has no `weight`, the percent of the requests that a new release gets")
    return Canary(weight, value_or(table.duration("for"), Canary(weight).for_s))


def read_slo(table: Table) -> Slo:
    """Return what a service promises."""
    table.check_keys(Section.SLO)
    p50, p95, p99 = (table.number(key) for key in ("p50_ms", "p95_ms", "p99_ms"))
    return Slo(p50_ms=p50, p95_ms=p95, p99_ms=p99, error_rate=table.number("error_rate", highest=1))
