"""What `sophia init` writes for services of many styles can be deployed as it stands, and answers."""

from __future__ import annotations

import json
import shutil
import socket
import sys

import pytest
from deployed_project import DeployedProject
from waiting import LIMIT_S, eventually

from benchmarks.ports import free_ports

WEB = """\
from fastapi import FastAPI
from pages.home import TEXT
app = FastAPI()
@app.get("/health")
def health():
    return TEXT
if __name__ == "__main__":
    import uvicorn
    uvicorn.run(app, port={port})
"""
FORM = """\
from flask import Flask
def create_app():
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "form")
    return app
"""
FILES = """\
import http.server
http.server.ThreadingHTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
NOTES = """\
from mcp.server.mcpserver import MCPServer
mcp = MCPServer("notes")
@mcp.tool()
def add(a: int, b: int) -> int:
    return a + b
def main():
    mcp.run(transport="streamable-http", port={port})
"""
OLD = """\
from wsgiref.simple_server import make_server
def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"old style"]
def main():
    with make_server("127.0.0.1", {port}, hello) as server:
        server.serve_forever()
main()
"""
LINES = """\
import argparse, asyncio
async def talk(reader, writer):
    writer.write(b"line\\n")
    writer.close()
async def main(port):
    server = await asyncio.start_server(talk, "127.0.0.1", port)
    await server.serve_forever()
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default={port})
    asyncio.run(main(parser.parse_args().port))
"""
POLLER = """\
import time, urllib.request, os
while True:
    print(os.environ["STORE"], flush=True)
    time.sleep(0.1)
"""
KIOSK = """\
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"kiosk"}})
"""
COMPOSE = """\
services:
  poller:
    build: .
    command: python poller.py
    environment:
      STORE: http://web:{port}/items
    depends_on: [web]
  web:
    build: ./web
    command: uvicorn main:app --reload --host 0.0.0.0
    ports: ["{port}:8000"]
"""


@pytest.fixture
def found(shop: DeployedProject) -> DeployedProject:
    for path in shop.root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return shop


def settle(project: DeployedProject) -> dict[str, int]:
    """Write the settings, name this interpreter in them, and return the ports by the names of the services."""
    assert project.run("init").code == 0
    text = (project.root / "sophia.toml").read_text()
    project.write("sophia.toml", text.replace("[project]\n", f"[project]\npython = {json.dumps(sys.prefix)}\n", 1))
    rows = project.run("init", "--dry-run").document["settings"]
    return {row["name"]: row["port"] for row in rows}


def test_applications_and_workers_of_a_compose_file_run_as_they_were_written(found: DeployedProject) -> None:
    (port,) = free_ports(1)
    found.write("compose.yml", COMPOSE.format(port=port))
    found.write("web/main.py", WEB.format(port=8000))
    found.write("web/pages/home.py", "TEXT = 'well'\n")
    found.write("poller.py", POLLER)
    assert settle(found) == {"web": port, "poller": None}
    done = found.run("deploy")
    assert done.code == 0, (done.document, done.stderr)
    assert found.get("/health", port) == '"well"'
    said = eventually(lambda: found.start("logs", "poller", "--lines", "1").communicate(timeout=LIMIT_S)[0])
    assert f"http://127.0.0.1:{port}/items" in said


@pytest.mark.slow
def test_servers_of_many_styles_listen_where_the_settings_say(found: DeployedProject) -> None:
    form, files, notes, old, lines, kiosk = free_ports(6)
    found.write("form/requirements.txt", "flask\ngunicorn\n")
    found.write("form/form/__init__.py", FORM)
    found.write("form/Procfile", f"web: gunicorn 'form:create_app()' --bind 0.0.0.0:{form}\n")
    found.write("files/main.py", FILES.format(port=files))
    found.write("pyproject.toml", '[project]\nname = "x"\n[project.scripts]\nnotes = "notes.server:main"\n')
    found.write("notes/__init__.py", "")
    found.write("notes/server.py", NOTES.format(port=notes))
    found.write("elder/serve.py", OLD.format(port=old))
    found.write("lines/server.py", LINES.format(port=lines))
    found.write("kiosk/requirements.txt", "hypercorn\n")
    found.write("kiosk/hypercorn.toml", f'bind = ["0.0.0.0:{kiosk}"]\n')
    found.write("kiosk/run.sh", "#!/bin/sh\nexec hypercorn -c hypercorn.toml desk:app\n")
    found.write("kiosk/Dockerfile", 'FROM python\nCOPY . .\nCMD ["./run.sh"]\n')
    found.write("kiosk/desk.py", KIOSK.format())
    ports = {"form": form, "files": files, "notes": notes, "elder": old, "lines": lines, "desk": kiosk}
    assert settle(found) == ports
    done = found.run("deploy")
    assert done.code == 0, (done.document, done.stderr)
    assert [found.get("/", ports[name]) for name in ("form", "elder", "desk")] == ["form", "old style", "kiosk"]
    assert "Directory listing" in found.get("/", files)
    with socket.create_connection(("127.0.0.1", lines), timeout=LIMIT_S) as line:
        assert line.recv(10) == b"line\n"
    for name in ports:
        assert found.status(name)["state"] == "running"
