"""From the table of a probe, or a command line, to values."""

from __future__ import annotations

from sophia_cli.project.settings.check_model import Command, Probe, ProbeKind
from sophia_cli.project.settings.keys import Section
from sophia_cli.project.settings.reader import Table, value_or

# Interval in seconds and failures in a row, per probe; every timeout is 2 s unless the file says otherwise.
_PROBE_DEFAULTS = {"startup": (0.25, 240), "readiness": (0.25, 3), "liveness": (30.0, 3)}
_TIMEOUT_S = 2.0


def read_command(table: Table, key: str) -> Command | None:
    """Return a command line, None when the key is absent; UsageError for an empty one."""
    if not table.has(key):
        return None
    if isinstance(table.values[key], list):
        words = table.texts(key)
        if not words:
            raise table.wrong(key, f"`{key}` is empty")
        return Command(words, shell=False)
    text = table.text(key)
    return None if text is None else Command((text,), shell=True)


def read_probe(service: Table, key: str, own_port: int | None) -> Probe | None:
    """Return the probe of a service under a key, None when it has none; UsageError for one that cannot work."""
    if not service.has(key):
        return None
    table = service.table(key)
    table.check_keys(Section.PROBE)
    kinds = [kind for kind in ProbeKind if table.has(kind.value)]
    if len(kinds) != 1:
        known = ", ".join(f"`{kind.value}`" for kind in ProbeKind)
        raise service.wrong(key, f"`{key}` needs exactly one of {known}")
    kind = kinds[0]
    target, port = "", None
    if kind in (ProbeKind.HTTP, ProbeKind.MCP):
        target = table.text(kind.value) or ""
        if not target.startswith(("/", "http://", "https://")):
            raise table.wrong(kind.value, f"`{kind.value}` must be a path such as `/health` or a URL, not `{target}`")
        if "://" in target and not _is_url(target):
            raise table.wrong(kind.value, f"`{target}` names no host, or a port that cannot be")
    elif kind is ProbeKind.TCP and table.values["tcp"] is not True:
        port = table.integer("tcp", 1, 65535)
    needs_own_port = (kind is ProbeKind.TCP and port is None) or target.startswith("/")
    if needs_own_port and own_port is None:
        raise table.wrong(kind.value, f"`{key}` asks the service's own port, but the service has no `port`")
    interval_s, failures = _PROBE_DEFAULTS[key]
    for name in ("interval", "timeout"):
        if table.duration(name) == 0:
            raise table.wrong(name, f"`{name}` must be above 0")
    return Probe(
        kind=kind,
        target=target,
        port=port,
        command=read_command(table, "command"),
        interval_s=value_or(table.duration("interval"), interval_s),
        timeout_s=value_or(table.duration("timeout"), _TIMEOUT_S),
        failures=value_or(table.integer("failures", 1, 1_000_000), failures),
        successes=value_or(table.integer("successes", 1, 1_000_000), 1),
        start_period_s=value_or(table.duration("start_period"), 0.0),
    )


def _is_url(text: str) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
