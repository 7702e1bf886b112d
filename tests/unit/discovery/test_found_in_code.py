"""What is found in Python files: applications, scripts, runners and workers, each at its line."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sophia_cli.project.discovery.find import find_entries
from sophia_cli.project.discovery.model import Doubt, Entry

MAIN = 'if __name__ == "__main__":\n'


def entries(files: Mapping[str, str]) -> tuple[Entry, ...]:
    return find_entries(files, files.get).entries


def found(files: Mapping[str, str]) -> list[str]:
    return [f"{entry.path}:{entry.line} {entry.kind}" for entry in entries(files)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from fastapi import FastAPI\n\napp = FastAPI(\n)\n", "3 fastapi-app"),
        ("import fastapi as f\napi = f.FastAPI()\n", "2 fastapi-app"),
        ("from fastapi import FastAPI\napp: FastAPI = FastAPI()\n", "2 fastapi-app"),
        ("from fastapi import FastAPI\nclass Shop(FastAPI): pass\napp = Shop()\n", "3 fastapi-app"),
        ("try:\n    from flask import Flask\nexcept ImportError:\n    raise\napp = Flask(__name__)\n", "5 flask-app"),
        ("from litestar import Litestar\napp = Litestar([])\n", "2 litestar-app"),
        ("from aiohttp import web\napp = web.Application()\n" + MAIN + "    web.run_app(app)\n", "2 aiohttp-app"),
        ("from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n", "2 django-app"),
        ("from flask import Flask\ndef build():\n    app = Flask(__name__)\n    return app\n", "2 flask-factory"),
        ("from flask import Flask\ndef build(): return Flask(__name__)\napp = build()\n", "2 flask-factory"),
        (
            "from flask import Flask\nclass Web:\n    def __init__(self):\n        self.app = Flask('x')\n",
            "4 flask-app",
        ),
        ("from agno.playground import Playground\napp = Playground(agents=[]).get_app()\n", "2 agno-app"),
        ("from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\nmcp.run()\n", "2 mcp-server"),
        ("import uvicorn\n" + MAIN + "    uvicorn.run('shop.web:app', port=8000)\n", "3 uvicorn-script"),
        (
            "from uvicorn import Config, Server\ndef main():\n    Server(Config('a:b')).run()\n"
            + MAIN
            + "    main()\n",
            "3 uvicorn-script",
        ),
        (
            "from http.server import HTTPServer\n" + MAIN + "    HTTPServer(('', 8000), H).serve_forever()\n",
            "3 http-script",
        ),
        ("from celery import Celery\njobs = Celery('x')\n", "2 celery-worker"),
        (
            "import functions_framework\n\n@functions_framework.http\ndef hook(request): ...\n",
            "3 functions-framework-function",
        ),
        ("from fastapi import FastAPI\napp = FastAPI(\nclass X\n", "2 fastapi-app"),
        ("from flask import Flask\nself.x = 1\ndef f(:\n  pass\napp = Flask(__name__)\n", "5 flask-app"),
    ],
)
def test_a_file_is_found_at_the_line_that_says_so(text: str, expected: str) -> None:
    assert found({"shop/thing.py": text}) == [f"shop/thing.py:{expected}"]


@pytest.mark.parametrize(
    "text",
    [
        "'''Usage:\n    app = FastAPI()\n'''\nfrom fastapi import FastAPI\n",
        "class Server: pass\nserver = Server()\n",
        "from fastapi import FastAPI\ndef inner():\n    app = FastAPI()\n    app.run()\n",
        "from mine import Flask2 as Flask\napp = Flask.load()\n",
        "import asyncio\nasync def helper():\n    await asyncio.start_server(f)\n",
        MAIN + "    print('once')\n",
        "while True:\n    x = input()\n" + MAIN + "    pass\n",
        'CODE = """\nfrom fastapi import FastAPI\napp = FastAPI()\n"""\n',
    ],
)
def test_nothing_is_made_of_what_starts_nothing(text: str) -> None:
    assert found({"shop/server.py": text}) == []


def test_test_code_and_the_tools_of_the_repository_are_no_services() -> None:
    app = "from fastapi import FastAPI\napp = FastAPI()\n"
    paths = ("tests/app.py", "test_app.py", "shop/app_test.py", "conftest.py", ".github/app.py", ".devcontainer/app.py")
    assert found(dict.fromkeys(paths, app)) == []


@pytest.mark.parametrize("folder", ["examples", "archived_files", "legacy/web", "docs_src"])
def test_what_was_set_aside_is_found_with_that_doubt(folder: str) -> None:
    (entry,) = entries({f"{folder}/app.py": "from fastapi import FastAPI\napp = FastAPI()\n"})
    assert entry.doubt is Doubt.SET_ASIDE


def test_a_variable_that_a_factory_of_another_file_makes_is_an_application() -> None:
    files = {
        "shop/__init__.py": "",
        "shop/factory.py": "from flask import Flask\ndef create_app(config): \n    return Flask(config)\n",
        "shop/wsgi.py": "from .factory import create_app\napp = create_app('x')\n",
    }
    assert found(files) == ["shop/factory.py:2 flask-factory", "shop/wsgi.py:2 flask-app"]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("jobs/run_worker.py", "import time\nwhile True:\n    time.sleep(1)\n", "worker"),
        ("mail_consumer.py", "def main():\n    channel.start_consuming()\n", "worker"),
        ("mcp_tools/start_server.py", "from shop.web import app\n", "mcp-runner"),
        ("mail/worker.py", "async def main():\n    async for message in queue:\n        print(message)\n", "worker"),
        ("mail/listener.py", "import asyncio\nasync def main():\n    await asyncio.Future()\n", "worker"),
        ("jobs/watcher.py", "while not stop.is_set():\n    queue.get()\n", "worker"),
    ],
)
def test_a_script_that_runs_until_it_is_stopped_is_found_at_its_main_block(name: str, text: str, kind: str) -> None:
    files = {name: text + MAIN + "    main()\n", "shop/web.py": "from fastapi import FastAPI\napp = FastAPI()\n"}
    assert f"{name}:{text.count(chr(10)) + 1} {kind}" in found(files)


@pytest.mark.parametrize("name", ["client.py", "check_server.py", "deploy_server.py", "report.py"])
def test_a_loop_alone_makes_no_service_of_a_script(name: str) -> None:
    assert found({name: "import time\nwhile True:\n    time.sleep(1)\n" + MAIN + "    main()\n"}) == []


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("pyproject.toml", '[project.scripts]\nshop-server = "shop.cli:main"\nshop-tool = "shop.tool:main"\n'),
        ("pyproject.toml", '[tool.poetry.scripts]\nshop-server = "shop.cli:main"\n'),
        ("setup.cfg", "[options.entry_points]\nconsole_scripts =\n    shop-server = shop.cli:main\n"),
        ("setup.py", "setup(entry_points={'console_scripts': ['shop-server = shop.cli:main']})\n"),
    ],
)
@pytest.mark.parametrize("base", ["", "src/"])
def test_a_command_that_starts_a_server_is_found_at_its_function(document: str, text: str, base: str) -> None:
    files = {
        document: text,
        f"{base}shop/cli.py": "import asyncio\n\ndef main():\n    asyncio.run(serve())\n" + MAIN + "    main()\n",
        f"{base}shop/tool.py": "def main(): ...\n" + MAIN + "    main()\n",
    }
    assert found(files) == [f"{base}shop/cli.py:3 console-script"]


@pytest.mark.parametrize(
    ("call", "port"),
    [
        ("port=8100", 8100),
        ("port=int(os.environ.get('PORT', 8100))", 8100),
        ("port=int(os.getenv('PORT', '8100'))", 8100),
        ("port=int(os.getenv('PORT') or 8100)", 8100),
        ("port=PORT", 8100),
        ("port=args.port", 8100),
        ("port=settings.unknown", None),
        ("host='::'", None),
    ],
)
def test_the_port_is_read_from_the_call_that_serves(call: str, port: int | None) -> None:
    text = (
        "import os, argparse, uvicorn\nfrom fastapi import FastAPI\nPORT = 8100\napp = FastAPI()\n"
        "parser = argparse.ArgumentParser()\nparser.add_argument('--port', type=int, default=8100)\n"
        f"args = parser.parse_args()\n{MAIN}    uvicorn.run(app, {call})\n"
    )
    (entry,) = entries({"web.py": text})
    assert entry.port == port


def test_a_server_on_standard_input_is_started_by_its_client() -> None:
    text = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n" + MAIN + "    mcp.run({})\n"
    assert entries({"tools.py": text.format("")})[0].doubt is Doubt.STDIO
    assert entries({"tools.py": text.format("transport='streamable-http'")})[0].doubt is None


def test_an_application_in_another_one_is_no_service_of_its_own() -> None:
    mounted = "from fastapi import FastAPI\napp = FastAPI()\nadmin = FastAPI()\napp.mount('/admin', admin)\n"
    assert found({"web.py": mounted}) == ["web.py:2 fastapi-app"]
    wrapped = "import socketio\nfrom fastapi import FastAPI\napp = FastAPI()\nboth = socketio.ASGIApp(sio, app)\n"
    (entry,) = entries({"web.py": wrapped})
    assert (entry.line, entry.attribute) == (3, "both")


def test_a_page_of_streamlit_is_found_once() -> None:
    page = "import streamlit as st\n\nst.set_page_config()\nst.title('x')\n"
    assert found({"ui/home.py": page, "ui/pages/other.py": page}) == ["ui/home.py:3 streamlit-script"]


def test_a_server_that_is_given_its_streams_talks_over_standard_input() -> None:
    text = (
        "from mcp.server import Server\nfrom mcp.server.stdio import stdio_server\nserver = Server('x')\n"
        "async def main():\n    async with stdio_server() as (r, w):\n        await server.run(r, w, {})\n"
        + MAIN
        + "    main()\n"
    )
    (entry,) = entries({"notes.py": text})
    assert (entry.line, entry.kind, entry.doubt) == (3, "mcp-server", Doubt.STDIO)
