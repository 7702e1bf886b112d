"""The settings file: values that are read, and mistakes that are reported with their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sophia_cli.core.errors import ExitCode, UsageError
from sophia_cli.project.settings.check_model import Check, Command, Probe, ProbeKind, StatusRange
from sophia_cli.project.settings.keys import KEYS
from sophia_cli.project.settings.loading import load_settings
from sophia_cli.project.settings.model import AgentSettings, PackageSet, PathIgnore, Settings
from sophia_cli.project.settings.parser import parse_settings
from sophia_cli.project.settings.service_model import (
    Healing,
    Limits,
    LogSettings,
    PortConflict,
    RestartPolicy,
    RestartWhen,
    Service,
    Slo,
    Strategy,
)

SHOP = """\
[project]
name = "shop"
python = ".venv"
python_version = "3.11"
include = ["build/kept.py"]
exclude = ["legacy/"]

[rules]
select = ["SPH1", "config"]
ignore = ["SPH101"]

[rules.per_path_ignores]
"tests/**" = ["SPH1"]

[services.memory]
app = "memory.main:app"
port = 9001
persist = ["data/memory"]

[services.api]
command = "uvicorn api.main:app"
cwd = "api"
port = 9002
on_port_conflict = "move"
depends_on = ["memory"]
strategy = "overlap"
replicas = 1
env = { LOG_LEVEL = "info", REGION = "eu" }
secrets = ["API_TOKEN"]
soak = "3s"
startup = { tcp = true }
readiness = { http = "/ready", interval = "500ms", timeout = "1s" }
liveness = { command = ["python", "check.py"], failures = 5 }
limits = { memory = "256MB", cpus = 0.5 }
slo = { p95_ms = 25, error_rate = 0.001 }

[[services.api.checks]]
name = "stores an order"
request = "POST /api/v1/orders"
json = { item = "tea" }
status = 201

[[services.api.checks]]
name = "answers"
request = "GET /"

[services.worker]
command = ["python", "worker.py"]
strategy = "replace"

[environments.production.services.api]
replicas = 2
env = { LOG_LEVEL = "warning" }
app = "api.main:app"
"""


def caught(text: str, file: str = "sophia.toml") -> UsageError:
    with pytest.raises(UsageError) as info:
        parse_settings(text, file)
    return info.value


def test_every_key_of_the_file_arrives_as_a_value() -> None:
    settings = parse_settings(SHOP, "sophia.toml")
    assert settings.project.name == "shop"
    assert settings.project.python_version == (3, 11)
    assert settings.project.include == ("build/kept.py",)
    assert settings.project.exclude == ("legacy/",)
    assert settings.rules.select == ("SPH1", "config")
    assert settings.rules.ignore == ("SPH101",)
    assert settings.rules.per_path == (PathIgnore("tests/**", ("SPH1",)),)
    memory, api, worker = settings.services
    assert (memory.name, memory.app, memory.command, memory.persist) == (
        "memory",
        "memory.main:app",
        None,
        ("data/memory",),
    )
    assert api.command == Command(("uvicorn api.main:app",), shell=True)
    assert (api.port, api.cwd, api.depends_on, api.soak_s) == (9002, "api", ("memory",), 3.0)
    assert api.on_port_conflict is PortConflict.MOVE
    assert api.env == (("LOG_LEVEL", "info"), ("REGION", "eu"))
    assert api.secrets == ("API_TOKEN",)
    assert api.startup == Probe(ProbeKind.TCP, "", None, None, 0.25, 2.0, 240)
    assert api.readiness == Probe(ProbeKind.HTTP, "/ready", None, None, 0.5, 1.0, 3)
    assert api.liveness == Probe(ProbeKind.COMMAND, "", None, Command(("python", "check.py"), False), 30.0, 2.0, 5)
    assert api.limits == Limits(256_000_000, 0.5)
    assert api.slo == Slo(p95_ms=25.0, error_rate=0.001)
    assert api.checks == (
        Check("stores an order", "POST", "/api/v1/orders", '{"item": "tea"}', (StatusRange(201, 201),), gate=False),
        Check("answers", "GET", "/", None, (StatusRange(200, 200),), gate=True),
    )
    assert (worker.port, worker.strategy, worker.replicas) == (None, Strategy.REPLACE, 1)


def test_an_environment_is_the_base_with_its_own_values_on_top() -> None:
    settings = parse_settings(SHOP, "sophia.toml")
    production = settings.environments[0]
    assert production.name == "production"
    memory, api, worker = production.services
    assert (memory, worker) == (settings.services[0], settings.services[2])
    assert (api.replicas, api.env) == (2, (("LOG_LEVEL", "warning"), ("REGION", "eu")))
    assert (api.app, api.command) == ("api.main:app", None)
    assert api.checks == settings.services[1].checks


OPERATED = """\
[project]
environment = "per-release"

[agent]
web = false
web_port = 8100

[services.api]
app = "api.main:app"
host = "::1"
port = 9002
watch = ["templates/**", "!templates/drafts/"]
start_timeout = "20s"
stop_timeout = "3s"
drain_timeout = "1m"
restart = { policy = "on-failure", backoff = "1s", max_backoff = "10s", max_restarts = 3, within = "2m" }
limits = { open_files = 1024, processes = 64 }
log = { max_size = "1MB", keep = 2 }
healing = { rollback = false, restore = false, install = true }

[services.worker]
command = ["python", "worker.py"]
restart = "never"

[environments.production.services.api]
restart = { max_restarts = 9 }
log = { keep = 7 }
healing = { rollback = true }

[environments.staging.services.api]
restart = "always"
"""


def test_how_a_service_is_kept_running_arrives_as_values() -> None:
    settings = parse_settings(OPERATED, "sophia.toml")
    api, worker = settings.services
    assert settings.project.environment is PackageSet.PER_RELEASE
    assert settings.agent == AgentSettings(web=False, web_port=8100)
    assert (api.host, api.watch) == ("::1", ("templates/**", "!templates/drafts/"))
    assert (api.start_timeout_s, api.stop_timeout_s, api.drain_timeout_s) == (20.0, 3.0, 60.0)
    assert api.restart == RestartPolicy(RestartWhen.ON_FAILURE, 1.0, 10.0, 3, 120.0)
    assert api.limits == Limits(open_files=1024, processes=64)
    assert api.log == LogSettings(1_000_000, 2)
    assert api.healing == Healing(rollback=False, restore=False, install=True)
    assert worker.restart == RestartPolicy(RestartWhen.NEVER)


def test_what_is_not_said_about_a_service_is_what_the_table_of_keys_promises() -> None:
    (service,) = parse_settings('[services.x]\napp = "x:app"\n', "sophia.toml").services
    assert service == Service("x", app="x:app")
    assert service.restart == RestartPolicy(RestartWhen.ALWAYS, 0.1, 30.0, 5, 60.0)
    assert (service.start_timeout_s, service.stop_timeout_s, service.drain_timeout_s) == (60.0, 10.0, 30.0)
    assert (service.log, service.host) == (LogSettings(10_000_000, 5), "127.0.0.1")
    assert parse_settings("", "sophia.toml").agent == AgentSettings(web=True, web_port=8002)


def test_the_web_api_leaves_its_usual_port_to_a_service_that_has_it() -> None:
    services = '[services.a]\napp = "a:app"\nport = 8002\n[services.b]\napp = "b:app"\nport = 9000\n'
    staged = f"{services}[environments.staging.services.b]\nport = 8003\n"
    assert parse_settings(services, "sophia.toml").agent.web_port == 8003
    assert parse_settings(staged, "sophia.toml").agent.web_port == 8004
    with pytest.raises(UsageError) as raised:
        parse_settings(f"{staged}[agent]\nweb_port = 8003\n", "sophia.toml")
    assert (raised.value.message, raised.value.location) == ("service `b` has port 8003 too", "sophia.toml:10:12")
    assert parse_settings(f"{staged}[agent]\nweb = false\nweb_port = 8003\n", "sophia.toml").agent.web is False


def test_an_environment_merges_into_the_tables_of_a_service_and_replaces_its_words() -> None:
    settings = parse_settings(OPERATED, "sophia.toml")
    api, worker = settings.for_environment("production")
    assert api.restart == RestartPolicy(RestartWhen.ON_FAILURE, 1.0, 10.0, 9, 120.0)
    assert (api.log, api.healing) == (LogSettings(1_000_000, 7), Healing(rollback=True, restore=False, install=True))
    assert worker == settings.services[1]
    assert settings.for_environment("staging")[0].restart == RestartPolicy()
    assert settings.for_environment(None) == settings.services


@pytest.mark.parametrize(
    ("text", "hint"),
    [(OPERATED, "environments: production, staging"), ("", "declare it: `[environments.prod.services.SERVICE]`")],
)
def test_an_environment_that_does_not_exist_is_named_with_those_that_do(text: str, hint: str) -> None:
    settings = parse_settings(text, "sophia.toml")
    with pytest.raises(UsageError) as info:
        settings.for_environment("prod")
    assert (info.value.reference, info.value.hint) == ("environment-unknown", hint)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('host = "no host"', 3),
        ("restart = 3", 3),
        ('restart = "often"', 3),
        ('restart = { policy = "often" }', 3),
        ('restart = { backoff = "1m" }', 3),
        ('restart = { backoff = "9s", max_backoff = "1s" }', 3),
        ("restart = { max_restarts = -1 }", 3),
        ("limits = { open_files = 1 }", 3),
        ("limits = { processes = 0 }", 3),
        ('log = { max_size = "1B" }', 3),
        ("log = { keep = -1 }", 3),
        ('healing = { install = "yes" }', 3),
        ('watch = ["../other"]', 3),
        ('stop_timeout = "10"', 3),
        ("[agent]\nweb_port = 0", 4),
        ('[project]\nenvironment = "own"', 4),
    ],
)
def test_a_value_that_keeps_no_service_running_is_an_error_with_its_line(line: str, place: int) -> None:
    error = caught(f'[services.x]\napp = "x:app"\n{line}\n')
    assert error.reference == "settings-wrong-value"
    assert error.location is not None
    assert error.location.startswith(f"sophia.toml:{place}:")


def test_the_port_of_the_agent_is_not_that_of_a_service() -> None:
    text = '[services.x]\napp = "x:app"\nport = 8002\n[services.y]\ncommand = "y"\n[agent]\nweb_port = 8002\n'
    assert caught(text).location == "sophia.toml:7:12"
    assert parse_settings(text + "web = false\n", "sophia.toml").agent.web is False
    usual = text.replace("[agent]\nweb_port = 8002\n", "")
    assert parse_settings(usual, "sophia.toml").agent == AgentSettings(web_port=8003)


def test_the_same_settings_stand_in_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'x'\n[tool.sophia.project]\nname = 'y'\n[tool.other]\nz = 1\n"
    )
    settings = load_settings(tmp_path)
    assert (settings.source, settings.project.name) == ("pyproject.toml", "y")


def test_without_a_settings_file_the_defaults_hold(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert load_settings(tmp_path) == Settings()


def test_a_broken_pyproject_that_has_no_settings_is_not_our_business(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert load_settings(tmp_path) == Settings()


def test_settings_in_both_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").write_text("")
    (tmp_path / "pyproject.toml").write_text("[tool.sophia]\n")
    with pytest.raises(UsageError) as info:
        load_settings(tmp_path)
    assert info.value.reference == "settings-conflict"
    assert info.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "location", "near"),
    [
        ("[project]\nnmae = 'x'\n", "sophia.toml:2:1", "`name`"),
        ("[projcet]\nname = 'x'\n", "sophia.toml:1:1", "`project`"),
        ("\n\n[rules]\nselect = []\n  ingore = []\n", "sophia.toml:5:3", "`ignore`"),
        ("[services.a]\napp = 'a:a'\n\n# why\ndepends-on = []\n", "sophia.toml:5:1", "`depends_on`"),
        (
            "[services.a]\napp = 'a:a'\nport = 1\nreadiness = { http = '/', intervall = '1s' }\n",
            "sophia.toml:4:27",
            "`interval`",
        ),
        ("[services.a]\napp = 'a:a'\n[services.a.limits]\nmemry = '1MB'\n", "sophia.toml:4:1", "`memory`"),
        (
            "[services.a]\napp = 'a:a'\n[[services.a.checks]]\nname = 'x'\nrequest = 'GET /'\n"
            "[[services.a.checks]]\nname = 'y'\nstatsu = 1\n",
            "sophia.toml:8:1",
            "`status`",
        ),
        ("[services.a]\napp = 'a:a'\n[environments.p.services.a]\nprot = 2\n", "sophia.toml:4:1", "`port`"),
        ('services."a".app = "a:a"\nservices.a.prot = 1\n', "sophia.toml:2:1", "`port`"),
        ("services = { a = { app = 'a:a', prot = 1 } }\n", "sophia.toml:1:33", "`port`"),
        ('[project]\nname = """x\n[rules]\nselct = 1\n"""\nexcluded = []\n', "sophia.toml:6:1", "`exclude`"),
    ],
)
def test_an_unknown_key_is_an_error_with_its_place_and_the_nearest_key(text: str, location: str, near: str) -> None:
    error = caught(text)
    assert (error.reference, error.location) == ("settings-unknown-key", location)
    assert near in str(error.hint)


def test_the_place_of_a_key_in_pyproject_counts_from_its_own_first_line() -> None:
    error = caught("[project]\nname = 'x'\n\n[tool.sophia.project]\nnmae = 'y'\n", "pyproject.toml")
    assert error.location == "pyproject.toml:5:1"


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("[project]\nname = 3\n", "sophia.toml:2:8"),
        ("[project]\nname = ' '\n", "sophia.toml:2:8"),
        ("project = 'x'\n", "sophia.toml:1:11"),
        ("[project]\nexclude = [\n  'a', # one\n  2,\n]\n", "sophia.toml:4:3"),
        ("[project]\nexclude = 'a'\n", "sophia.toml:2:11"),
        ("[project]\npython_version = '3'\n", "sophia.toml:2:18"),
        ("[project]\npython_version = '4.9'\n", "sophia.toml:2:18"),
        ("[project]\npython_version = '2.7'\n", "sophia.toml:2:18"),
        ("services = []\n", "sophia.toml:1:12"),
        ("[services]\na = 1\n", "sophia.toml:2:5"),
        ("[services.'a b']\napp = 'a:a'\n", "sophia.toml:1:1"),
        ("[services.a]\nport = 1\n", "sophia.toml:1:1"),
        ("[services.a]\napp = 'a:a'\ncommand = 'x'\n", "sophia.toml:3:11"),
        ("[services.a]\napp = 'a'\n", "sophia.toml:2:7"),
        ("[services.a]\ncommand = []\n", "sophia.toml:2:11"),
        ("[services.a]\napp = 'a:a'\nport = 70000\n", "sophia.toml:3:8"),
        ("[services.a]\napp = 'a:a'\nport = '80'\n", "sophia.toml:3:8"),
        ("[services.a]\napp = 'a:a'\nport = true\n", "sophia.toml:3:8"),
        ("[services.a]\napp = 'a:a'\ncwd = '../x'\n", "sophia.toml:3:7"),
        ("[services.a]\napp = 'a:a'\npersist = ['x', '/etc']\n", "sophia.toml:3:17"),
        ("[services.a]\napp = 'a:a'\nstrategy = 'overlop'\n", "sophia.toml:3:12"),
        ("[services.a]\napp = 'a:a'\nstrategy = 'replace'\nreplicas = 2\n", "sophia.toml:4:12"),
        ("[services.a]\napp = 'a:a'\nenv = { A = 1 }\n", "sophia.toml:3:13"),
        ("[services.a]\napp = 'a:a'\nenv = { 'A-B' = '1' }\n", "sophia.toml:3:9"),
        ("[services.a]\napp = 'a:a'\nsecrets = ['sk-123']\n", "sophia.toml:3:12"),
        ("[services.a]\napp = 'a:a'\nsoak = 5\n", "sophia.toml:3:8"),
        ("[services.a]\napp = 'a:a'\nlimits = { memory = '1 mile' }\n", "sophia.toml:3:21"),
        ("[services.a]\napp = 'a:a'\nslo = { error_rate = 2 }\n", "sophia.toml:3:22"),
        ("[services.a]\napp = 'a:a'\nport = 1\nreadiness = { http = 'ready' }\n", "sophia.toml:4:22"),
        ("[services.a]\napp = 'a:a'\nport = 1\nreadiness = { http = '/', tcp = 1 }\n", "sophia.toml:4:13"),
        ("[services.a]\napp = 'a:a'\nreadiness = { http = '/' }\n", "sophia.toml:3:22"),
        ("[services.a]\napp = 'a:a'\nreadiness = { tcp = true }\n", "sophia.toml:3:21"),
        ("[services.a]\napp = 'a:a'\nreadiness = { tcp = false }\n", "sophia.toml:3:21"),
        ("[services.a]\napp = 'a:a'\nport = 1\nreadiness = { http = '/', interval = '1 d' }\n", "sophia.toml:4:38"),
        ("[services.a]\napp = 'a:a'\ndepends_on = ['b']\n", "sophia.toml:3:15"),
        ("[services.a]\napp = 'a:a'\ndepends_on = ['a']\n", "sophia.toml:3:14"),
        ("[services.a]\napp = 'a:a'\nport = 1\n[services.b]\napp = 'b:b'\nport = 1\n", "sophia.toml:6:8"),
        ("[services.a]\napp = 'a:a'\n[[services.a.checks]]\nname = 'x'\n", "sophia.toml:3:1"),
        ("[services.a]\napp = 'a:a'\nchecks = [{ name = 'x', request = 'FETCH /' }]\n", "sophia.toml:3:35"),
        (
            "[services.a]\napp = 'a:a'\nchecks = [{ name = 'x', request = 'GET /', json = 1979-05-27 }]\n",
            "sophia.toml:3:51",
        ),
        ("[services.a]\napp = 'a:a'\n[environments.p.services.a]\nport = 0\n", "sophia.toml:4:8"),
        (
            "[services.a]\napp = 'a:a'\nport = 1\n[services.b]\napp = 'b:b'\n[environments.p.services.b]\nport = 1\n",
            "sophia.toml:7:8",
        ),
    ],
)
def test_a_value_that_cannot_be_is_an_error_at_the_value(text: str, location: str) -> None:
    error = caught(text)
    assert (error.reference, error.location) == ("settings-wrong-value", location)


def test_a_cycle_of_services_is_told_in_full() -> None:
    services = "".join(f"[services.{a}]\napp = 'a:a'\ndepends_on = ['{b}']\n" for a, b in ("ab", "bc", "ca"))
    assert "a -> b -> c -> a" in caught(services).message


def test_an_environment_cannot_change_a_service_that_does_not_exist() -> None:
    error = caught("[services.api]\napp = 'a:a'\n[environments.p.services.apy]\nport = 1\n")
    assert (error.reference, error.location) == ("settings-unknown-service", "sophia.toml:3:1")


def test_a_mistake_inside_a_secret_does_not_repeat_the_secret() -> None:
    error = caught("[services.a]\napp = 'a:a'\nsecrets = ['sk-live-123']\nenv = {}\n")
    assert "sk-live" not in error.message + str(error.hint)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("[project]\nname = \n", "sophia.toml:2:8"),
        ("[project]\nname = 'a'\nname = 'b'\n", "sophia.toml:3:11"),
        ("[project]\n\nname = [1,\n", "sophia.toml:4:1"),
        ("a = " + "[" * 100_000, "sophia.toml:1:1"),
        ("a = " + "1" * 5_000, "sophia.toml:1:1"),
    ],
)
def test_a_file_that_is_not_toml_is_an_error_with_its_place(text: str, location: str) -> None:
    error = caught(text)
    assert (error.reference, error.location) == ("settings-invalid", location)


def test_a_file_that_is_not_utf_8_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").write_bytes(b"[project]\nname = 'caf\xe9'\n")
    with pytest.raises(UsageError) as info:
        load_settings(tmp_path)
    assert (info.value.reference, info.value.location) == ("settings-invalid", "sophia.toml:2:12")


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").write_bytes(b"\xef\xbb\xbf[project]\r\nname = 'x'\r\n")
    assert load_settings(tmp_path).project.name == "x"
    (tmp_path / "sophia.toml").write_bytes(b"\xef\xbb\xbf[project]\r\nname = 'x'\r\nnmae = 'y'\r\n")
    with pytest.raises(UsageError) as info:
        load_settings(tmp_path)
    assert info.value.location == "sophia.toml:3:1"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads everything")
def test_a_file_without_read_permission_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").write_text("")
    (tmp_path / "sophia.toml").chmod(0)
    with pytest.raises(UsageError) as info:
        load_settings(tmp_path)
    assert info.value.reference == "settings-unreadable"


def test_settings_that_are_no_file_are_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "sophia.toml").symlink_to("nowhere.toml")
    with pytest.raises(UsageError) as info:
        load_settings(tmp_path)
    assert info.value.reference == "settings-unreadable"


def test_no_key_is_described_twice() -> None:
    names = [(key.section, key.name) for key in KEYS]
    assert len(names) == len(set(names))
