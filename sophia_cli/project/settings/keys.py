"""Every key of the settings file: what the reader accepts and what docs/settings.md shows."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


class Section(Enum):
    """A table of the settings file; the value is how it is written."""

    TOP = "the file"
    PROJECT = "[project]"
    RULES = "[rules]"
    SERVICE = "[services.NAME]"
    PROBE = "readiness, liveness and startup of a service"
    RESTART = "restart of a service"
    LIMITS = "limits of a service"
    LOG = "log of a service"
    HEALING = "healing of a service"
    CANARY = "canary of a service"
    SLO = "slo of a service"
    CHECK = "[[services.NAME.checks]]"
    EXPECT = "a value of expect or expect_headers"
    ENVIRONMENT = "[environments.NAME]"
    AGENT = "[agent]"


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
_EXPECT = Section.EXPECT
_RESTART, _LOG, _HEALING, _AGENT = Section.RESTART, Section.LOG, Section.HEALING, Section.AGENT
_CANARY = Section.CANARY

KEYS: tuple[Key, ...] = (
    Key(_TOP, "project", "table", "", "what the project is and which files belong to it"),
    Key(_TOP, "rules", "table", "", "which rules run"),
    Key(_TOP, "services", "tables", "", "the services of the project, one table each"),
    Key(_TOP, "environments", "tables", "", "what differs in one environment, one table each"),
    Key(_TOP, "agent", "table", "", "the daemon that runs the services"),
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
    Key(
        _PROJECT,
        "environment",
        '"shared" or "per-release"',
        '"shared"',
        "where packages come from: `python`, or a virtual environment per lock, so that a rollback takes them back too",
    ),
    Key(_RULES, "select", "list of selectors", "all rules", "the rules that run: ids, id prefixes, names, categories"),
    Key(_RULES, "ignore", "list of selectors", "none", "rules that do not run"),
    Key(_RULES, "per_path_ignores", "table", "none", 'pattern = list of selectors: `"tests/**" = ["SPH1"]`'),
    Key(_SERVICE, "app", 'string "module:name"', "", "an ASGI or WSGI application, served by uvicorn; or `command`"),
    Key(_SERVICE, "command", "string or list", "", "the command that starts the service; a string goes to the shell"),
    Key(_SERVICE, "host", "address", '"127.0.0.1"', "the address that the public port listens on"),
    Key(_SERVICE, "port", "integer", "none: a worker", "the public port, 1 to 65535"),
    Key(_SERVICE, "on_port_conflict", '"fail" or "move"', '"fail"', "what happens when somebody else holds the port"),
    Key(_SERVICE, "persist", "list of paths", "none", "folders with data that outlive a release"),
    Key(
        _SERVICE,
        "watch",
        "list of patterns",
        "none",
        "data files whose change deploys the service, such as templates, gitignore style",
    ),
    Key(_SERVICE, "cwd", "path", '"."', "the folder that the service starts in, relative to the project root"),
    Key(_SERVICE, "depends_on", "list of services", "none", "services that must be ready first"),
    Key(_SERVICE, "strategy", '"overlap" or "replace"', '"overlap"', '"replace" for a worker that must not run twice'),
    Key(
        _SERVICE,
        "strict",
        "boolean",
        "false",
        "put HAProxy in front: requests that a dying instance leaves unanswered are sent to another one",
    ),
    Key(_SERVICE, "canary", "table or percent", "none", "let a new release prove itself on a share of the requests"),
    Key(_SERVICE, "replicas", "integer", "1", "how many instances run"),
    Key(_SERVICE, "env", "table of strings", "none", "environment variables"),
    Key(_SERVICE, "secrets", "list of names", "none", "names of secrets that the service gets; never their values"),
    Key(_SERVICE, "soak", "duration", '"1s"', "how long a new release is watched before the next service"),
    Key(_SERVICE, "start_timeout", "duration", '"60s"', "how long an instance may take to become ready"),
    Key(_SERVICE, "stop_timeout", "duration", '"10s"', "time between the request to stop and the kill"),
    Key(_SERVICE, "drain_timeout", "duration", '"30s"', "how long open requests of an old release may take to end"),
    Key(_SERVICE, "startup", "table", "none", "the probe that tells whether the service has booted"),
    Key(_SERVICE, "readiness", "table", "none", "the probe that tells whether the service may get traffic"),
    Key(_SERVICE, "liveness", "table", "none", "the probe that tells whether the service must be restarted"),
    Key(_SERVICE, "restart", "table or its policy", '"always"', "when an instance that ended is started again"),
    Key(_SERVICE, "limits", "table", "none", "what one instance may use"),
    Key(_SERVICE, "log", "table", "", "when log files are rotated"),
    Key(_SERVICE, "healing", "table", "", "recoveries beyond a restart that the agent may do by itself"),
    Key(_SERVICE, "slo", "table", "none", "what the service promises"),
    Key(_SERVICE, "checks", "list of tables", "none", "functional checks"),
    Key(
        _SERVICE,
        "openapi",
        "path or file",
        "looked for",
        "where its OpenAPI document is: `/path`, or a file of the project",
    ),
    Key(_PROBE, "http", "path or URL", "", "a GET that must answer with a status below 400"),
    Key(_PROBE, "tcp", "integer or true", "", "a port that must accept; `true` is the service's own"),
    Key(_PROBE, "command", "string or list", "", "a command that must exit with 0"),
    Key(_PROBE, "mcp", "path or URL", "", "an MCP endpoint that must complete the handshake"),
    Key(_PROBE, "interval", "duration", '"250ms"; liveness "30s"', "time between two probes"),
    Key(_PROBE, "timeout", "duration", '"2s"', "how long an answer may take"),
    Key(_PROBE, "failures", "integer", "3; startup 240", "failures in a row that decide"),
    Key(_PROBE, "successes", "integer", "1", "passes in a row after which it is healthy"),
    Key(_PROBE, "start_period", "duration", '"0s"', "time after the start in which failures do not count"),
    Key(
        _RESTART,
        "policy",
        '"always", "on-failure" or "never"',
        '"always"',
        "`on-failure`: only after an exit code other than 0 or a signal",
    ),
    Key(_RESTART, "backoff", "duration", '"100ms"', "wait before the first restart; it doubles with each"),
    Key(_RESTART, "max_backoff", "duration", '"30s"', "longest wait"),
    Key(_RESTART, "max_restarts", "integer", "5", "more restarts than this within `within` are a crash loop: stopped"),
    Key(_RESTART, "within", "duration", '"1m"', "the time in which restarts are counted"),
    Key(_LIMITS, "memory", "size", "none", 'memory of one instance: `"256MB"`, `"1GiB"`'),
    Key(_LIMITS, "cpus", "number", "none", "processor cores of one instance"),
    Key(_LIMITS, "open_files", "integer", "none", "descriptors that one process may have open"),
    Key(_LIMITS, "processes", "integer", "none", "processes and threads of one instance"),
    Key(_LOG, "max_size", "size", '"10MB"', "size at which a log file is rotated"),
    Key(_LOG, "keep", "integer", "5", "rotated log files that stay"),
    Key(_HEALING, "rollback", "boolean", "true", "return to the last good release when a new one keeps failing"),
    Key(_HEALING, "restore", "boolean", "true", "restore a release copy that somebody edited"),
    Key(_HEALING, "install", "boolean", "false", "install a distribution that is missing at start, from the lock"),
    Key(_CANARY, "weight", "integer", "required", "percent of the requests that the new release gets, 1 to 99"),
    Key(_CANARY, "for", "duration", '"30s"', "how long; it is rolled back when it fails more often than the old one"),
    Key(_SLO, "p50_ms", "number", "none", "median latency in milliseconds"),
    Key(_SLO, "p95_ms", "number", "none", "95th percentile of latency in milliseconds"),
    Key(_SLO, "p99_ms", "number", "none", "99th percentile of latency in milliseconds"),
    Key(_SLO, "error_rate", "number", "none", "share of requests that may fail, 0 to 1"),
    Key(_CHECK, "name", "string", "required", "what the check proves"),
    Key(_CHECK, "request", 'string "METHOD /path"', "required, or `mcp`", "the request to send"),
    Key(_CHECK, "json", "any", "no body", "the body to send, as JSON"),
    Key(_CHECK, "body", "string", "no body", "the body to send, as it is"),
    Key(_CHECK, "headers", "table of strings", "none", "header fields to send"),
    Key(
        _CHECK, "status", "integer, class, or list", "200", 'the statuses that are right: `201`, `"2xx"`, `[200, 204]`'
    ),
    Key(_CHECK, "expect_headers", "table", "none", "header fields of the answer: a value, or operators (below)"),
    Key(_CHECK, "expect", "table", "none", 'values of the answer: `"$.items[0].id" = 3`, or operators (below)'),
    Key(
        _CHECK, "schema", "file or table", "none", "a JSON schema that the answer fits; a file is relative to the root"
    ),
    Key(_CHECK, "max_ms", "number", "none", "milliseconds that the answer may take"),
    Key(
        _CHECK, "capture", "table of JSON paths", "none", 'values that later checks use: `id = "$.id"` is `{id}` there'
    ),
    Key(_CHECK, "retry_for", "duration", '"0s"', "how long it is repeated until it passes"),
    Key(
        _CHECK, "mcp", "path", "", "an MCP endpoint: handshake, list of tools, then `tool`; without one, error contract"
    ),
    Key(
        _CHECK, "tool", "string", "none", "the MCP tool to call; `expect` and `schema` are about its structured content"
    ),
    Key(_CHECK, "arguments", "table", "none", "the arguments of the tool"),
    Key(_CHECK, "gate", "boolean", "true where it only reads", "whether it also runs against a candidate in a rollout"),
    Key(_EXPECT, "equals", "any", "", "the value; what a plain value means"),
    Key(_EXPECT, "exists", "boolean", "", "whether there is such a value at all"),
    Key(_EXPECT, "type", "string", "", "its JSON type: string, integer, number, boolean, array, object, null"),
    Key(_EXPECT, "matches", "string", "", "a regular expression that is found in it"),
    Key(_EXPECT, "min", "number", "", "the least that it may be"),
    Key(_EXPECT, "max", "number", "", "the most that it may be"),
    Key(_EXPECT, "length", "integer", "", "how many items, members or characters it has"),
    Key(
        Section.ENVIRONMENT,
        "services",
        "tables",
        "",
        "what differs there; `env`, `restart`, `limits`, `log`, `healing`, `slo` are merged",
    ),
    Key(_AGENT, "web", "boolean", "true", "whether the web API and dashboard run"),
    Key(
        _AGENT, "web_port", "integer", "8002", "the port of the web API on 127.0.0.1; next free of services if left out"
    ),
)


def known_keys(section: Section) -> tuple[str, ...]:
    """Return the names of the keys that a table may hold."""
    return tuple(key.name for key in KEYS if key.section is section)
