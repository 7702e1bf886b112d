"""Every key of the settings file: what the reader accepts and what docs/settings.md shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Section(Enum):
    """A table of the settings file; the value is how it is written."""

    TOP = "the file"
    PROJECT = "[project]"
    RULES = "[rules]"
    SERVICE = "[services.NAME]"
    PROBE = "readiness, liveness and startup of a service"
    LIMITS = "limits of a service"
    SLO = "slo of a service"
    CHECK = "[[services.NAME.checks]]"
    ENVIRONMENT = "[environments.NAME]"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: the table it stands in, its name, its type and default in words, what it means."""

    section: Section
    name: str
    type: str
    default: str
    meaning: str


_TOP, _PROJECT, _RULES, _SERVICE = Section.TOP, Section.PROJECT, Section.RULES, Section.SERVICE
_PROBE, _LIMITS, _SLO, _CHECK = Section.PROBE, Section.LIMITS, Section.SLO, Section.CHECK

KEYS: tuple[Key, ...] = (
    Key(_TOP, "project", "table", "", "what the project is and which files belong to it"),
    Key(_TOP, "rules", "table", "", "which rules run"),
    Key(_TOP, "services", "tables", "", "the services of the project, one table each"),
    Key(_TOP, "environments", "tables", "", "what differs in one environment, one table each"),
    Key(_PROJECT, "name", "string", "the folder's name", "what the project is called in reports"),
    Key(
        _PROJECT,
        "python",
        "path",
        "found, else Sophia's own",
        "the virtual environment or interpreter that services use",
    ),
    Key(
        _PROJECT,
        "python_version",
        'string such as "3.11"',
        "what the project declares, else the running one",
        "the Python version that the code is written for",
    ),
    Key(_PROJECT, "include", "list of patterns", "none", "files to look at that would be left out, gitignore style"),
    Key(_PROJECT, "exclude", "list of patterns", "none", "files to leave out, gitignore style"),
    Key(_RULES, "select", "list of selectors", "all rules", "the rules that run: ids, id prefixes, names, categories"),
    Key(_RULES, "ignore", "list of selectors", "none", "rules that do not run"),
    Key(_RULES, "per_path_ignores", "table", "none", 'pattern = list of selectors: `"tests/**" = ["SPH1"]`'),
    Key(_SERVICE, "app", 'string "module:name"', "", "an ASGI or WSGI application, served by uvicorn; or `command`"),
    Key(_SERVICE, "command", "string or list", "", "the command that starts the service; a string goes to the shell"),
    Key(_SERVICE, "port", "integer", "none: a worker", "the public port, 1 to 65535"),
    Key(_SERVICE, "on_port_conflict", '"fail" or "move"', '"fail"', "what happens when somebody else holds the port"),
    Key(_SERVICE, "persist", "list of paths", "none", "folders with data that outlive a release"),
    Key(_SERVICE, "cwd", "path", '"."', "the folder that the service starts in, relative to the project root"),
    Key(_SERVICE, "depends_on", "list of services", "none", "services that must be ready first"),
    Key(_SERVICE, "strategy", '"overlap" or "replace"', '"overlap"', '"replace" for a worker that must not run twice'),
    Key(_SERVICE, "replicas", "integer", "1", "how many instances run"),
    Key(_SERVICE, "env", "table of strings", "none", "environment variables"),
    Key(_SERVICE, "secrets", "list of names", "none", "names of secrets that the service gets; never their values"),
    Key(_SERVICE, "soak", "duration", '"1s"', "how long a new release is watched before the next service"),
    Key(_SERVICE, "startup", "table", "none", "the probe that tells whether the service has booted"),
    Key(_SERVICE, "readiness", "table", "none", "the probe that tells whether the service may get traffic"),
    Key(_SERVICE, "liveness", "table", "none", "the probe that tells whether the service must be restarted"),
    Key(_SERVICE, "limits", "table", "none", "what one instance may use"),
    Key(_SERVICE, "slo", "table", "none", "what the service promises"),
    Key(_SERVICE, "checks", "list of tables", "none", "functional checks"),
    Key(_PROBE, "http", "path or URL", "", "a GET that must answer with a status below 400"),
    Key(_PROBE, "tcp", "integer or true", "", "a port that must accept; `true` is the service's own"),
    Key(_PROBE, "command", "string or list", "", "a command that must exit with 0"),
    Key(_PROBE, "mcp", "path or URL", "", "an MCP endpoint that must complete the handshake"),
    Key(_PROBE, "interval", "duration", '"250ms"; liveness "30s"', "time between two probes"),
    Key(_PROBE, "timeout", "duration", '"2s"', "how long an answer may take"),
    Key(_PROBE, "failures", "integer", "3; startup 240", "failures in a row that decide"),
    Key(_LIMITS, "memory", "size", "none", 'memory of one instance: `"256MB"`, `"1GiB"`'),
    Key(_LIMITS, "cpus", "number", "none", "processor cores of one instance"),
    Key(_SLO, "p50_ms", "number", "none", "median latency in milliseconds"),
    Key(_SLO, "p95_ms", "number", "none", "95th percentile of latency in milliseconds"),
    Key(_SLO, "p99_ms", "number", "none", "99th percentile of latency in milliseconds"),
    Key(_SLO, "error_rate", "number", "none", "share of requests that may fail, 0 to 1"),
    Key(_CHECK, "name", "string", "required", "what the check proves"),
    Key(_CHECK, "request", 'string "METHOD /path"', "required", "the request to send"),
    Key(_CHECK, "json", "any", "no body", "the body to send"),
    Key(_CHECK, "status", "integer", "200", "the status that is expected"),
    Key(_CHECK, "gate", "boolean", "true for GET", "whether it also runs against a candidate in a rollout"),
    Key(
        Section.ENVIRONMENT,
        "services",
        "tables",
        "",
        "what differs there; `env`, `limits`, `slo` are merged",
    ),
)


def known_keys(section: Section) -> tuple[str, ...]:
    """Return the names of the keys that a table may hold."""
    return tuple(key.name for key in KEYS if key.section is section)
