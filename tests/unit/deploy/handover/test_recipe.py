"""What is started for a service, as words, environment and descriptors."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.handover.recipe import (
    LAUNCHER,
    NODE_PRELOAD,
    PYTHON_SHIM,
    Descriptor,
    HandoverKind,
    Launch,
    Place,
    Reach,
    StartRecipe,
    handover_kind,
    start_recipe,
)
from sophia_cli.project.settings.check_model import Command
from sophia_cli.project.settings.service_model import Service

PY = "/shop/.venv/bin/python"
PLACE = Place("/r/7/tree", PY, ("/r/7/tree/src",))
CANDIDATE = Launch(Reach.PRIVATE, 41000)


def recipe(command: str | list[str], launch: Launch = CANDIDATE, **fields: object) -> StartRecipe:
    written = Command((command,), True) if isinstance(command, str) else Command(tuple(command), False)
    port = None if launch.port is None else 9001
    service = Service("api", command=written, port=port, **fields)  # type: ignore[arg-type]  # fields by name
    return start_recipe(service, PLACE, launch)


UVICORN = [PY, "-m", "uvicorn"]
OPTIONS = [
    ("uvicorn api.main:app", [*UVICORN, "api.main:app", "--fd", "3"]),
    ("uvicorn api:app --host 0.0.0.0 --port=80 --workers 2", [*UVICORN, "api:app", "--workers", "2", "--fd", "3"]),
    (["uvicorn", "api:app", "--uds", "/tmp/x", "--fd=9"], [*UVICORN, "api:app", "--fd", "3"]),
    (".venv/bin/uvicorn api:app", [*UVICORN, "api:app", "--fd", "3"]),
    ("/shop/.venv/bin/uvicorn api:app", [*UVICORN, "api:app", "--fd", "3"]),
    ("/other/bin/uvicorn api:app --port 80", ["/other/bin/uvicorn", "api:app", "--fd", "3"]),
    ("/usr/bin/python3 -m uvicorn api:app", ["/usr/bin/python3", "-m", "uvicorn", "api:app", "--fd", "3"]),
    ("uv run uvicorn api:app", [*UVICORN, "api:app", "--fd", "3"]),
    ("poetry run gunicorn api:app", [PY, "-m", "gunicorn", "api:app", "--bind", "fd://3"]),
    ("python -m uvicorn api:app --port 80", [*UVICORN, "api:app", "--fd", "3"]),
    ("python3 -u -X dev -m uvicorn api:app", [PY, "-u", "-X", "dev", "-m", "uvicorn", "api:app", "--fd", "3"]),
    ("python3.11 -um uvicorn api:app", [PY, "-u", "-m", "uvicorn", "api:app", "--fd", "3"]),
    ("exec uvicorn 'api:app'", [*UVICORN, "api:app", "--fd", "3"]),
    ("gunicorn -w 4 -b :80 api:app", [PY, "-m", "gunicorn", "-w", "4", "api:app", "--bind", "fd://3"]),
    ("gunicorn -b:80 --bind=x -k sync api:app", [PY, "-m", "gunicorn", "-k", "sync", "api:app", "--bind", "fd://3"]),
    ("hypercorn --bind 0.0.0.0:80 api:app", [PY, "-m", "hypercorn", "api:app", "--bind", "fd://3"]),
]


@pytest.mark.parametrize(("command", "argv"), OPTIONS)
def test_a_server_with_an_option_for_a_descriptor_gets_it(command: str | list[str], argv: list[str]) -> None:
    made = recipe(command)
    assert (list(made.argv), made.handover, made.descriptors) == (
        argv,
        HandoverKind.DESCRIPTOR,
        (Descriptor.MAIN,),
    )


SHIMMED = [
    ("python run.py --port 9001", [PY, "run.py", "--port", "9001"]),
    ("python3 -m api.server", [PY, "-m", "api.server"]),
    (["python", "memory/run.py"], [PY, "memory/run.py"]),
    ("flask --app api run --port 80", [PY, "-m", "flask", "--app", "api", "run", "--port", "80"]),
    ("python manage.py runserver", [PY, "manage.py", "runserver", "41000", "--noreload"]),
    ("python manage.py runserver 0.0.0.0:9001", [PY, "manage.py", "runserver", "0.0.0.0:9001", "--noreload"]),
    ("fastapi run api.py", ["fastapi", "run", "api.py"]),
    ("node server.js", ["node", "server.js"]),
    ("npm start", ["npm", "start"]),
    ("/usr/bin/python3 run.py", ["/usr/bin/python3", "run.py"]),
    ("/other/bin/fastapi run api.py", ["/other/bin/fastapi", "run", "api.py"]),
    (".venv/bin/fastapi run api.py", ["/shop/.venv/bin/fastapi", "run", "api.py"]),
    ("./run.sh", ["./run.sh"]),
    ("uv run --with x uvicorn api:app", ["uv", "run", "--with", "x", "uvicorn", "api:app"]),
    ("cd api && uvicorn main:app", ["/bin/sh", "-c", "cd api && uvicorn main:app"]),
    ("uvicorn main:app --port $PORT", ["/bin/sh", "-c", "uvicorn main:app --port $PORT"]),
    ("cd api", ["/bin/sh", "-c", "cd api"]),
    ("echo 'open", ["/bin/sh", "-c", "echo 'open"]),
]


@pytest.mark.parametrize(("command", "argv"), SHIMMED)
def test_whatever_binds_by_itself_gets_the_shim(command: str | list[str], argv: list[str]) -> None:
    made = recipe(command)
    environment = dict(made.environment)
    assert (list(made.argv), made.handover, made.descriptors) == (argv, HandoverKind.SHIM, (Descriptor.MAIN,))
    assert environment["SOPHIA_BIND_FD"] == "3"
    assert environment["SOPHIA_BIND_PORTS"] == "9001,41000"
    assert environment["PYTHONPATH"] == f"{PYTHON_SHIM}:/r/7/tree/src"
    assert environment["NODE_OPTIONS"] == f'--require "{NODE_PRELOAD}"'
    assert environment["LISTEN_FDS"] == "1"


@pytest.mark.parametrize(
    "command",
    [
        "python -I run.py",
        "python -E run.py",
        "python -Sm api.server",
        "java -jar api.jar",
        "./bin/server",
        "/usr/bin/x",
    ],
)
def test_what_no_shim_can_reach_binds_by_itself(command: str) -> None:
    made = recipe(command)
    assert (made.handover, made.descriptors) == (HandoverKind.NONE, ())
    assert "SOPHIA_BIND_FD" not in dict(made.environment)


def test_an_option_of_a_script_is_no_option_of_the_interpreter() -> None:
    assert recipe("python run.py -I -S").handover is HandoverKind.SHIM


def test_a_value_of_an_interpreter_option_is_no_option() -> None:
    assert recipe("python -W error::ImportWarning run.py").handover is HandoverKind.SHIM


@pytest.mark.parametrize(
    "command",
    ["uvicorn a:b --reload", "gunicorn --daemon a:b", "gunicorn -D a:b", "hypercorn --reload a:b", "flask run --debug"],
)
def test_reloading_and_leaving_the_parent_are_refused(command: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe(command)
    assert caught.value.reference == "command-unsupported"


def test_a_worker_gets_no_socket() -> None:
    made = recipe("python worker.py", Launch(Reach.PUBLIC, None))
    assert (made.handover, made.descriptors) == (HandoverKind.NONE, ())
    assert dict(made.environment) == {"PYTHONUNBUFFERED": "1", "PYTHONPATH": "/r/7/tree/src"}


def test_a_server_without_a_port_keeps_its_own_options() -> None:
    made = recipe("uvicorn api:app --port 8000", Launch(Reach.PUBLIC, None))
    assert made.argv == (PY, "-m", "uvicorn", "api:app", "--port", "8000")


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("python3.9 run.py", ("python3.9", "run.py")),
        ("python3.9 -m uvicorn api:app", ("python3.9", "-m", "uvicorn", "api:app", "--fd", "3")),
        ("python3.11 run.py", (PLACE.python, "run.py")),
        ("python3 run.py", (PLACE.python, "run.py")),
    ],
)
def test_an_interpreter_of_another_version_is_another_one(command: str, argv: tuple[str, ...]) -> None:
    service = Service(name="api", command=Command((command,), shell=True), port=9000)
    place = replace(PLACE, version="3.11.4")
    assert start_recipe(service, place, CANDIDATE).argv == argv


def test_variables_before_a_command_are_set_for_it() -> None:
    assert dict(recipe("MODE=fast LEVEL= uvicorn api:app").environment)["MODE"] == "fast"


def test_the_settings_own_search_path_and_node_options_stay_behind_ours() -> None:
    env = (("PYTHONPATH", "/own"), ("NODE_OPTIONS", "--trace-warnings"))
    environment = dict(recipe("npm start", env=env).environment)
    assert environment["PYTHONPATH"] == f"{PYTHON_SHIM}:/r/7/tree/src:/own"
    assert environment["NODE_OPTIONS"].endswith(" --trace-warnings")


def test_programs_are_looked_for_beside_the_interpreter_and_started_in_the_folder_of_the_service() -> None:
    made = recipe("python run.py", cwd="api")
    assert (made.path_prefix, made.cwd) == ("/shop/.venv/bin", "/r/7/tree/api")


@pytest.mark.parametrize(("reach", "attached"), [(Reach.PRIVATE, False), (Reach.PUBLIC, True)])
def test_an_app_is_launched_with_all_three_descriptors(reach: Reach, attached: bool) -> None:
    service = Service("api", app="api.main:app", port=9001, drain_timeout_s=12)
    made = start_recipe(service, PLACE, Launch(reach, 9001))
    assert made.argv == (PY, LAUNCHER)
    assert made.descriptors == (Descriptor.PUBLIC, Descriptor.PRIVATE, Descriptor.CONTROL)
    assert json.loads(dict(made.environment)["SOPHIA_LAUNCH"]) == {
        "app": "api.main:app",
        "attach_at_start": attached,
        "search_path": ["/r/7/tree/src"],
        "drain_timeout_s": 12,
    }


@pytest.mark.parametrize("command", [command for command, _ in (*OPTIONS, *SHIMMED)])
def test_the_kind_is_the_same_in_every_place(command: str | list[str]) -> None:
    written = Command((command,), True) if isinstance(command, str) else Command(tuple(command), False)
    assert handover_kind(Service("api", command=written, port=9001)) is recipe(command).handover


def test_the_kind_of_a_service_is_known_without_a_place() -> None:
    kinds = [
        handover_kind(Service("a", app="a:b", port=1)),
        handover_kind(Service("a", command=Command(("uvicorn a:b",), True), port=1)),
        handover_kind(Service("a", command=Command(("./run.sh",), True), port=1)),
        handover_kind(Service("a", command=Command(("./run.sh",), True))),
    ]
    assert kinds == [HandoverKind.LAUNCHER, HandoverKind.DESCRIPTOR, HandoverKind.SHIM, HandoverKind.NONE]
