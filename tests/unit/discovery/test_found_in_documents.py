"""What is found in documents: compose files, Dockerfiles, Procfiles, units, package.json, manifests."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from sophia_cli.project.discovery.find import find_entries
from sophia_cli.project.discovery.model import Doubt, Entry

APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def of(path: str, text: str, files: Mapping[str, str] | None = None) -> list[Entry]:
    every = {"shop/web.py": APP, "shop/worker.py": "print()\n", path: text, **(files or {})}
    return [entry for entry in find_entries(every, every.get).entries if entry.path == path]


COMPOSE = """\
services:
  # the shop itself
  web:
    build:
      context: ./shop
      dockerfile: ../web.Dockerfile
    ports:
      - "8080:8000"
    depends_on: [db, "jobs"]
  jobs:
    image: shop:latest
    command: python -m shop.worker
    depends_on:
      db:
        condition: service_healthy
  db:
    image: postgres:16
    command: postgres -c max_connections=200
  migrate:
    build: .
    command: ["alembic", "upgrade", "head"]
volumes:
  data:
    build: no
"""


def test_of_a_compose_file_the_projects_own_services_are_found() -> None:
    web, jobs = of("docker-compose.prod.yml", COMPOSE, {"web.Dockerfile": 'CMD ["uvicorn", "shop.web:app"]\n'})
    assert (web.name, web.line, web.port, web.starts) == ("web", 3, 8080, ("shop/web.py",))
    assert (web.depends_on, web.doubt) == (("db", "jobs"), None)
    assert (jobs.name, jobs.line, jobs.port, jobs.starts, jobs.depends_on) == (
        "jobs",
        10,
        None,
        ("shop/worker.py",),
        ("db",),
    )


def test_a_compose_service_whose_file_is_missing_says_so() -> None:
    (entry,) = of("compose.yaml", "services:\n  sync:\n    build: .\n    command: python sync.py\n")
    assert (entry.line, entry.doubt) == (2, Doubt.NOT_FOUND)


@pytest.mark.parametrize(
    ("text", "line", "starts"),
    [
        ('FROM python\nCMD ["python", "-m", "shop.web"]\n', 2, "shop/web.py"),
        ("FROM python\nEXPOSE 80\nCMD uvicorn shop.web:app --port $PORT\n", 3, "shop/web.py"),
        ("FROM python\nCMD exec gunicorn -b :8000 shop.web:app\n", 2, "shop/web.py"),
        ('FROM python\nENTRYPOINT ["tini", "--"]\nCMD ["python", "shop/worker.py"]\n', 3, "shop/worker.py"),
        ('FROM python\nENTRYPOINT ["python"]\nCMD ["shop/worker.py"]\n', 2, "shop/worker.py"),
        ('FROM a AS b\nCMD ["node", "x.js"]\nFROM python\nCMD ["python", "/app/shop/web.py"]\n', 4, "shop/web.py"),
        ('FROM python\nCMD ["poetry", "run", "python", "-m", "shop.worker"]\n', 2, "shop/worker.py"),
        ('FROM python\nCMD ["/app/start.sh"]\n', 2, "shop/web.py"),
        ('FROM python\nCMD sh -c "alembic upgrade head && uvicorn shop.web:app"\n', 2, "shop/web.py"),
    ],
)
def test_an_image_starts_what_its_last_stage_runs(text: str, line: int, starts: str) -> None:
    (entry,) = of("Dockerfile", text, {"start.sh": "#!/bin/sh\nset -e\nexec uvicorn shop.web:app\n"})
    assert (entry.line, entry.starts, entry.kind) == (line, (starts,), "dockerfile")


@pytest.mark.parametrize(
    "text",
    [
        "FROM python\n",
        'FROM python\nCMD ["bash"]\n',
        'FROM python\nCMD ["sleep", "infinity"]\n',
        'FROM python\nCMD ["alembic", "upgrade", "head"]\n',
        'FROM python\nENTRYPOINT ["shop-tool"]\nCMD ["--help"]\n',
        'FROM mcr.example/devcontainers/python\nCMD ["start"]\n',
        'FROM python AS a\nCMD ["python", "shop/web.py"]\nFROM python\n',
    ],
)
def test_an_image_that_runs_nothing_for_long_is_no_service(text: str) -> None:
    assert of("Dockerfile", text) == []


def test_the_processes_of_a_procfile_are_found() -> None:
    text = (
        "# note\nweb: gunicorn shop.web:app --bind 0.0.0.0:8000\n"
        "release: python manage.py migrate\nworker: python shop/worker.py\n"
    )
    web, worker = of("Procfile", text)
    assert (web.name, web.line, web.port, web.starts) == ("web", 2, 8000, ("shop/web.py",))
    assert (worker.name, worker.line, worker.starts) == ("worker", 4, ("shop/worker.py",))


def test_a_systemd_unit_of_the_project_is_found_and_one_of_another_program_is_not() -> None:
    text = "[Service]\nWorkingDirectory=/srv/shop\nExecStart=/srv/venv/bin/python worker.py\n"
    (entry,) = of("deploy/jobs.service", text)
    assert (entry.name, entry.line, entry.starts) == ("jobs", 3, ("shop/worker.py",))
    assert of("deploy/db.service", "[Service]\nExecStart=/usr/bin/postgres\n") == []


def test_a_program_of_supervisord_is_found_where_it_is_the_projects() -> None:
    text = (
        "[supervisord]\nnodaemon=true\n[program:jobs]\ncommand=python shop/worker.py\n"
        "[program:db]\ncommand=postgres -c x\n[unix_http_server]\ncommand=python shop/worker.py\n"
    )
    (entry,) = of("deploy/supervisord.conf", text)
    assert (entry.name, entry.line, entry.starts, entry.kind) == ("jobs", 4, ("shop/worker.py",), "unit")


def test_a_node_service_is_found_and_left_to_others() -> None:
    text = json.dumps({"name": "@shop/hooks", "scripts": {"build": "tsc", "start": "node index.js"}}, indent=2)
    (entry,) = of("hooks/package.json", text)
    assert (entry.name, entry.line, entry.kind, entry.doubt) == ("hooks", 5, "node", Doubt.NOT_PYTHON)
    assert of("ui/package.json", '{"scripts": {"dev": "vite"}}') == []


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("mcp/shop.yaml", "name: shop\nstartup:\n  command: python3 shop/worker.py\n", 3),
        (".mcp.json", '{"mcpServers": {\n "shop": {"command": "python", "args": ["shop/worker.py"]}}}', 2),
    ],
)
def test_a_manifest_of_mcp_servers_is_found_where_it_starts_a_file_of_the_project(
    path: str, text: str, line: int
) -> None:
    (entry,) = of(path, text)
    assert (entry.line, entry.starts, entry.kind) == (line, ("shop/worker.py",), "mcp-manifest")
    assert of(path, text.replace("worker", "other")) == []


@pytest.mark.parametrize(
    "path", ["compose.yml", "Dockerfile", "Procfile", "package.json", ".mcp.json", "pyproject.toml", "mcp/a.yaml"]
)
@pytest.mark.parametrize(
    "text", ["", "\x00\x01", "[[[", "services:\n- a\n-\n  - b: [\n", "{" * 5000, "CMD [\nENTRYPOINT", ": :\n  :\n"]
)
def test_a_document_that_cannot_be_read_names_nothing(path: str, text: str) -> None:
    assert [entry.starts for entry in of(path, text) if entry.starts] == []
