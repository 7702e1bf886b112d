"""From what was found to services: one for each program, with a name, a start and a port of its own."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sophia_cli.project.discovery.find import find_entries
from sophia_cli.project.discovery.model import Doubt, Proposal
from sophia_cli.project.discovery.proposals import propose
from sophia_cli.project.settings.parser import parse_settings
from sophia_cli.render.init_toml import settings_text

APP = "from fastapi import FastAPI\napp = FastAPI()\n"
RUN = "import uvicorn\nuvicorn.run('shop.web:app', port={})\n"
MAIN = 'if __name__ == "__main__":\n'


def proposed(files: Mapping[str, str]) -> dict[str, Proposal]:
    services = propose(find_entries(files, files.get))
    text = settings_text("x", services)
    ready = {service.name for service in services if service.doubt is None}
    assert {service.name for service in parse_settings(text, "sophia.toml").services} == ready
    return {service.name: service for service in services}


def test_all_that_names_one_program_is_one_service() -> None:
    files = {
        "shop/__init__.py": "",
        "shop/web.py": APP,
        "run.py": "import uvicorn\n" + MAIN + "    uvicorn.run('shop.web:app', port=8100)\n",
        "Dockerfile": 'FROM python\nEXPOSE 8200\nCMD ["uvicorn", "shop.web:app"]\n',
        "compose.yml": 'services:\n  front:\n    build: .\n    ports: ["8300:8200"]\n',
        "Procfile": "web: uvicorn shop.web:app --port 8400\n",
    }
    services = proposed(files)
    assert list(services) == ["front"]
    front = services["front"]
    assert (front.app, front.cwd, front.port) == ("shop.web:app", "", 8300)
    assert {entry.path for entry in front.entries} == {"shop/web.py", "run.py", "Dockerfile", "compose.yml", "Procfile"}


def test_several_ways_to_start_one_file_in_one_document_are_several_services() -> None:
    files = {
        "shop/__init__.py": "",
        "shop/web.py": APP,
        "shop/jobs.py": "from celery import Celery\njobs = Celery('x')\n",
        "compose.yml": (
            "services:\n  timer:\n    build: .\n    command: celery -A shop.jobs beat\n    depends_on: [web]\n"
            "  web:\n    build: .\n    command: uvicorn shop.web:app\n    depends_on: [worker]\n"
            "  worker:\n    build: .\n    command: celery -A shop.jobs worker\n    depends_on: [timer]\n"
        ),
    }
    services = proposed(files)
    assert set(services) == {"timer", "web", "worker"}
    assert services["web"].app == "shop.web:app"
    assert services["worker"].words == ("celery", "-A", "shop.jobs", "worker")
    assert services["timer"].words == ("celery", "-A", "shop.jobs", "beat")
    # The third edge would close the circle.
    assert sum(len(service.depends_on) for service in services.values()) == 2
    assert (services["web"].port, services["worker"].port, services["timer"].port) == (8000, None, None)


@pytest.mark.parametrize(
    ("files", "app", "cwd"),
    [
        ({"web.py": APP}, "web:app", ""),
        ({"services/shop-api/web.py": APP}, "web:app", "services/shop-api"),
        ({"a/shop/__init__.py": "", "a/shop/web.py": APP}, "shop.web:app", "a"),
        ({"a/b/web.py": "import a.c\n" + APP, "a/c.py": ""}, "a.b.web:app", ""),
        ({"a/b/web.py": "import c\n" + APP, "a/c.py": ""}, "b.web:app", "a"),
        ({"a/b/web.py": "from . import c\n" + APP, "a/b/c.py": ""}, "b.web:app", "a"),
        ({"src/shop/__init__.py": APP}, "shop:app", "src"),
        ({"a/web.py": "def make():\n    return FastAPI()\nfrom fastapi import FastAPI\n"}, "web:make()", "a"),
    ],
)
def test_an_application_is_started_from_the_folder_that_its_imports_work_from(
    files: dict[str, str], app: str, cwd: str
) -> None:
    (service,) = proposed(files).values()
    assert (service.app, service.cwd, service.port) == (app, cwd, 8000)


def test_a_script_that_is_no_application_is_a_command() -> None:
    serve = "from http.server import HTTPServer\n" + MAIN + "    HTTPServer(('', 8100), H).serve_forever()\n"
    services = proposed({"tools/echo.py": serve, "shop/__init__.py": "", "shop/hook.py": "import shop\n" + serve})
    assert services["echo"].words == ("python", "tools/echo.py")
    assert services["hook"].words == ("python", "-m", "shop.hook")


def test_ports_are_given_once_and_that_of_the_agent_to_nobody() -> None:
    files = {
        f"{name}.py": APP + f"import uvicorn\n{MAIN}    uvicorn.run(app, port={port})\n"
        for name, port in (("one", 8001), ("three", 8001), ("two", 8002))
    }
    services = proposed({**files, "free.py": APP})
    assert {name: service.port for name, service in services.items()} == {
        "one": 8001,
        "three": 8003,
        "two": 8004,
        "free": 8000,
    }
    assert "`one`" in str(services["three"].port_note)
    assert services["one"].port_note is None


def test_a_program_that_can_listen_nowhere_else_keeps_its_port_or_is_left_out() -> None:
    serve = "from http.server import HTTPServer\nHTTPServer(('', 8001), H).serve_forever()\n"
    free = "import uvicorn\n" + MAIN + "    uvicorn.run(app, port=8001)\n"
    services = proposed({"a.py": APP + free, "echo.py": serve, "old/shouts.py": "", "shouts.py": serve})
    assert {name: (service.port, service.doubt) for name, service in services.items()} == {
        "a": (8000, None),
        "echo": (8001, None),
        "shouts": (8001, Doubt.PORT_TAKEN),
    }


def test_a_program_that_takes_its_port_from_outside_is_told_it() -> None:
    option = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--port', default=8001)\n"
    serve = "from http.server import HTTPServer\nHTTPServer(('', {}), H).serve_forever()\n"
    files = {
        "a.py": option + serve.format("p.parse_args().port"),
        "b.py": option + serve.format("p.parse_args().port"),
        "c.py": "import os\n" + serve.format("int(os.environ.get('PORT', 8001))"),
    }
    services = proposed(files)
    assert services["a"].words == ("python", "a.py", "--port", "8001")
    assert services["b"].words == ("python", "b.py", "--port", "8000")
    assert (services["c"].words, services["c"].port) == (("python", "c.py"), 8003)


COMPOSE = """\
services:
  web:
    build: .
    command: uvicorn web:app
    env_file: .env
    environment: {DB: "postgres://db:5432/x", DB_PASSWORD: x, SELF: "http://web:8000/a", MODE: "${MODE:-calm}", TOKEN: }
    ports: ["8100:8000"]
  db:
    image: postgres
"""


def test_variables_work_here_or_are_named() -> None:
    files = {"web.py": APP, "compose.yml": COMPOSE, ".env": "TOKEN=x\nNONE=\n"}
    (service,) = propose(find_entries(files, files.get), files.get)
    assert service.env == (("SELF", "http://127.0.0.1:8100/a"), ("MODE", "calm"))
    assert (service.secrets, service.unset) == (("TOKEN",), ("DB", "DB_PASSWORD"))
    (without,) = propose(find_entries(files, files.get))
    assert (without.secrets, without.unset) == ((), ("DB", "DB_PASSWORD", "TOKEN"))


def test_names_come_from_the_telling_part_of_paths_and_are_unique() -> None:
    paths = ("app.py", "billing/app/main.py", "users/api.py", "users/admin/main.py", "crm/admin/main.py")
    assert set(proposed(dict.fromkeys(paths, APP))) == {"app", "billing", "users-api", "admin", "users-admin"}


def test_what_cannot_be_started_here_is_left_out_with_the_reason() -> None:
    files = {
        "examples/web.py": APP,
        "factory.py": "from flask import Flask\ndef create(name):\n    return Flask(name)\n",
        "hooks/Dockerfile": 'FROM node\nCMD ["node", "x.js"]\n',
        "hooks/package.json": '{"name": "hooks", "scripts": {"start": "node x.js"}}',
        "tools.py": "from fastmcp import FastMCP\nmcp = FastMCP('x')\n" + MAIN + "    mcp.run()\n",
    }
    assert {name: service.doubt for name, service in proposed(files).items()} == {
        "examples-web": Doubt.SET_ASIDE,
        "factory": Doubt.NEEDS_ARGUMENTS,
        "hooks": Doubt.NOT_PYTHON,
        "tools": Doubt.STDIO,
    }


def test_a_route_that_tells_about_health_becomes_the_readiness_probe() -> None:
    text = APP + "@app.get('/health')\ndef health(): ...\n"
    services = propose(find_entries({"web.py": text}, {"web.py": text}.get))
    assert 'readiness = { http = "/health" }' in settings_text("x", services)


STARLETTE = "from starlette.applications import Starlette\nfrom starlette.routing import Mount, Route\n"
AIOHTTP = "from aiohttp import web\napp = web.Application()\n"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (STARLETTE + "app = Starlette(routes=[Route('/', home), Route('/ready', ready)])\n", "/ready"),
        (STARLETTE + "routes = [Route('/healthz', h, methods=['GET'])]\napp = Starlette(routes=routes)\n", "/healthz"),
        (STARLETTE + "app = Starlette(routes=[Route('/ping', p, methods=['POST'])])\n", None),
        (STARLETTE + "app = Starlette(routes=[Mount('/v1', routes=[Route('/health', h)])])\n", None),
        (AIOHTTP + "app.router.add_get('/health', health)\nweb.run_app(app)\n", "/health"),
        (AIOHTTP + "app.router.add_route('GET', '/health', health)\nweb.run_app(app)\n", "/health"),
        (AIOHTTP + "part = web.Application()\nother.router.add_get('/health', health)\nweb.run_app(app)\n", None),
        ("from flask import Flask\napp = Flask(__name__)\napp.add_url_rule('/health', view_func=f)\n", "/health"),
    ],
)
def test_a_route_without_a_decorator_becomes_the_readiness_probe(text: str, path: str | None) -> None:
    (service,) = proposed({"web.py": text}).values()
    assert service.probe == path


def test_the_file_of_settings_beside_one_server_says_nothing_to_that_of_another_folder() -> None:
    flask = "from flask import Flask\napp = Flask(__name__)\n"
    files = {
        "shop/web.py": flask,
        "shop/Procfile": "web: gunicorn web:app\n",
        "shop/requirements.txt": "flask\ngunicorn\n",
        "ledger/books.py": flask,
        "ledger/gunicorn.conf.py": "bind = '0.0.0.0:5102'\nwsgi_app = 'books:app'\n",
        "ledger/requirements.txt": "flask\ngunicorn\n",
        "ledger/start.sh": "#!/bin/sh\nexec gunicorn -c gunicorn.conf.py\n",
    }
    assert {name: service.port for name, service in proposed(files).items()} == {"books": 5102, "shop-web": 8000}


def test_names_of_the_env_file_become_secrets_of_the_services_whose_code_asks_for_them() -> None:
    files = {
        ".env": "SHOP_KEY=1\nMAIL_KEY=2\nDB_URL=3\nUNUSED=4\nEMPTY=\n",
        "shop/web.py": APP + "import os\nKEY = os.environ['SHOP_KEY']\nEMPTY = os.environ['EMPTY']\n",
        "mail/web.py": APP + "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    mail_key: str\n",
        "shared/db.py": 'import os\nURL = os.getenv("DB_URL")\n',
    }
    services = propose(
        find_entries({path: text for path, text in files.items() if path != ".env"}, files.get), files.get
    )
    assert {service.name: service.secrets for service in services} == {
        "shop-web": ("DB_URL", "SHOP_KEY"),
        "mail-web": ("MAIL_KEY", "DB_URL"),
    }


@pytest.mark.parametrize(("server", "said"), [("gunicorn", "-w 3 --threads=2"), ("gunicorn", "--workers 3")])
def test_how_many_workers_a_document_asks_for_is_kept(server: str, said: str) -> None:
    files = {
        "books.py": "from flask import Flask\napp = Flask(__name__)\n",
        "requirements.txt": f"flask\n{server}\n",
        "Procfile": f"web: {server} books:app --bind 0.0.0.0:5102 {said} --timeout $LONG\n",
    }
    (service,) = proposed(files).values()
    assert service.words == (server, "books:app", *said.split())


@pytest.mark.parametrize("said", ["--workers 4", "--workers=4"])
def test_processes_of_a_server_become_replicas_where_an_app_takes_its_place(said: str) -> None:
    files = {"books.py": APP, "Procfile": f"web: uvicorn books:app --port 5102 {said}\n"}
    (service,) = proposed(files).values()
    assert (service.app, service.replicas) == ("books:app", 4)
    assert "\nreplicas = 4" in settings_text("shop", [service])


@pytest.mark.parametrize("said", ["", "--workers $COUNT", "--workers 1"])
def test_one_process_is_one_replica(said: str) -> None:
    files = {"books.py": APP, "Procfile": f"web: uvicorn books:app --port 5102 {said}\n"}
    (service,) = proposed(files).values()
    assert service.replicas == 1


@pytest.mark.parametrize(
    "said",
    [
        "uvicorn.run('books:app', port=5102, workers=3)",
        "uvicorn.run('books:app', workers=int(os.getenv('WORKERS', '3')))",
        "uvicorn.Server(uvicorn.Config('books:app', workers=3)).run()",
    ],
)
@pytest.mark.parametrize("path", ["books.py", "run.py"])
def test_processes_that_code_asks_for_become_replicas(path: str, said: str) -> None:
    started = f"import os\nimport uvicorn\n{MAIN}    {said}\n"
    files = {"books.py": APP + started} if path == "books.py" else {"books.py": APP, path: started}
    (service,) = proposed(files).values()
    assert (service.app, service.replicas) == ("books:app", 3)


def test_processes_that_only_the_running_code_knows_are_told() -> None:
    said = f"import os\nimport uvicorn\n{MAIN}    uvicorn.run('books:app', workers=os.cpu_count())\n"
    (service,) = proposed({"books.py": APP + said}).values()
    assert service.replicas == 0
    assert "replicas = 1  # its code works out" in settings_text("shop", [service])


def test_a_document_that_tells_how_many_processes_there_are_beats_the_code() -> None:
    said = f"import uvicorn\n{MAIN}    uvicorn.run('books:app', workers=3)\n"
    files = {"books.py": APP + said, "Procfile": "web: uvicorn books:app --workers 2\n"}
    (service,) = proposed(files).values()
    assert service.replicas == 2


def test_a_folder_called_like_its_script_is_named_once() -> None:
    assert list(proposed({"mail-worker/worker.py": "import time\nwhile True:\n    time.sleep(1)\n"})) == ["mail-worker"]


@pytest.mark.parametrize("odd", ["a b", 'q"q', "läden", "x.y", "back\\slash", "new\nline", "tab\t"])
def test_odd_names_of_folders_make_a_file_that_can_be_read(odd: str) -> None:
    services = proposed({f"{odd}/web.py": APP + "# \x7f\n"})
    assert len(services) == 1


def test_a_django_project_is_one_service() -> None:
    files = {
        "manage.py": "from django.core.management import execute_from_command_line\n"
        + MAIN
        + "    execute_from_command_line([])\n",
        "shop/__init__.py": "",
        "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n",
        "shop/asgi.py": "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n",
        "shop/celery.py": "from celery import Celery\napp = Celery('shop')\n",
    }
    services = proposed(files)
    assert {name: service.app or service.words for name, service in services.items()} == {
        "shop": "shop.asgi:application",
        "celery": ("celery", "-A", "shop.celery", "worker"),
    }
