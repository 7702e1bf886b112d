"""Programs that bind by themselves serve on the socket that they were given."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.handover_instances import LIMIT_S, PYTHON, ask_on, base_environment, ended, get, public_listener, spawn
from sophia_cli.deploy.handover.recipe import HandoverKind, Launch, Place, Reach, start_recipe
from sophia_cli.project.host.processes import descendants_of
from sophia_cli.project.host.sockets import answering_pids, port_of
from sophia_cli.project.settings.check_model import Command
from sophia_cli.project.settings.service_model import Service

ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
"""
ANSWER = r'b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"'
WSGI = """
def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

PROGRAMS = {
    "blocking": f"""
import socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("0.0.0.0", int(sys.argv[1])))
server.listen(5)
while True:
    client, address = server.accept()
    client.recv(4096)
    client.sendall({ANSWER})
    client.close()
""",
    "http_server": """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
""",
    "asyncio_localhost": f"""
import asyncio, sys
async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write({ANSWER})
    writer.close()
async def main():
    async with await asyncio.start_server(answer, "localhost", int(sys.argv[1])) as server:
        await server.serve_forever()
asyncio.run(main())
""",
    "uvloop_server": f"""
import asyncio, sys, uvloop
async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write({ANSWER})
    writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
loop = uvloop.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(main())
""",
    "uvicorn_run": f"""
import sys, uvicorn
{ASGI}
if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]))
""",
    "uvicorn_workers": f"""
import sys, uvicorn
{ASGI}
if __name__ == "__main__":
    uvicorn.run("program:app", port=int(sys.argv[1]), workers=2)
""",
    "flask_run": """
import flask, sys
app = flask.Flask(__name__)
app.route("/")(lambda: "ok")
app.run(port=int(sys.argv[1]))
""",
    "gunicorn_class": f"""
import sys
from gunicorn.app.base import BaseApplication
{WSGI}
class Own(BaseApplication):
    def load_config(self):
        self.cfg.set("bind", "127.0.0.1:" + sys.argv[1])
    def load(self):
        return wsgi
Own().run()
""",
    "starts_another": f"""
import subprocess, sys
code = '''
import socket
{ASGI}
import sys, uvicorn
uvicorn.run(app, port=int(sys.argv[1]))
'''
subprocess.run([sys.executable, "-c", code, sys.argv[1]])
""",
    "becomes_another": f"""
import os, sys
code = '''
import sys, uvicorn
{ASGI}
uvicorn.run(app, port=int(sys.argv[1]))
'''
os.execvp("python", ["python", "-c", code, sys.argv[1]])
""",
}
NEEDS = {
    "uvloop_server": "uvloop",
    "flask_run": "flask",
    "gunicorn_class": "gunicorn",
}
COMMANDS = {
    "uvicorn": "uvicorn program:app --port {port}",
    "uvicorn_two": "uvicorn program:app --port {port} --workers 2",
    "gunicorn": "gunicorn program:wsgi -b 127.0.0.1:{port}",
    "hypercorn": "hypercorn program:app -b 127.0.0.1:{port}",
    "shell": "cd . && exec python program.py {port}",
}


def _needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


@contextmanager
def _started(folder: Path, command: str | Sequence[str], listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    port = port_of(listener)
    written = Command((command,), True) if isinstance(command, str) else Command(tuple(command), False)
    service = Service("api", command=written, port=port, drain_timeout_s=10)
    recipe = start_recipe(service, Place(str(folder), PYTHON), Launch(Reach.PUBLIC, port))
    assert recipe.handover is not HandoverKind.NONE
    base = base_environment()
    environment = {**base, "PATH": f"{recipe.path_prefix}{os.pathsep}{base['PATH']}", **dict(recipe.environment)}
    with ended(spawn(recipe.argv, [listener], environment=environment, cwd=folder)) as process:
        yield process


def _serves_itself(process: subprocess.Popen[bytes], port: int) -> None:
    """Several answers come, each from the process or one of its children."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            received = client.recv(4096)
            pids = answering_pids(client)
            while b"ok" not in received:
                more = client.recv(4096)
                assert more, received
                received += more
        assert b" 200 " in received.partition(b"\r\n")[0]
        assert pids <= {process.pid, *descendants_of(process.pid)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_serves_on_the_listener_in_place_of_its_own(tmp_path: Path, name: str) -> None:
    _needs(NEEDS.get(name, "socket"))
    (tmp_path / "program.py").write_text(PROGRAMS[name])
    with public_listener() as listener:
        port = port_of(listener)
        with _started(tmp_path, ["python", "program.py", str(port)], listener) as process:
            _serves_itself(process, port)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_serves_on_the_listener(tmp_path: Path, name: str) -> None:
    _needs(name if name in ("gunicorn", "hypercorn") else "uvicorn")
    (tmp_path / "program.py").write_text(WSGI + PROGRAMS["uvicorn_run"])
    with public_listener() as listener:
        port = port_of(listener)
        with _started(tmp_path, COMMANDS[name].format(port=port), listener) as process:
            _serves_itself(process, port)


@pytest.mark.parametrize("command", ["python program.py {port}", "uvicorn program:app"])
def test_uvicorn_drains_when_it_is_not_launched_by_us(tmp_path: Path, command: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAMS["uvicorn_run"])
    with public_listener() as listener:
        port = port_of(listener)
        with _started(tmp_path, command.format(port=port), listener) as process:
            with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as kept:
                assert b"connection: close" not in ask_on(kept, "/").lower()
                process.terminate()
                give_up = time.monotonic() + LIMIT_S
                while b"connection: close" not in (answer := ask_on(kept, "/").lower()):
                    assert answer.endswith(b"ok")
                    assert time.monotonic() < give_up
                assert answer.endswith(b"ok")
                assert kept.recv(1) == b""
            process.wait(LIMIT_S)


REPORT = """
import json, os, socket, subprocess, sys
port = int(sys.argv[1])
def bound(kind, number):
    item = socket.socket(socket.AF_INET, kind)
    item.bind(("127.0.0.1", number))
    return item.getsockname()[1]
taken = socket.socket()
taken.bind(("127.0.0.1", port))
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
free = probe.getsockname()[1]
probe.close()
LOOK = "env; ls /proc/self/fd"
print(json.dumps({
    "taken": os.fstat(taken.fileno()).st_ino == os.fstat(3).st_ino,
    "any": bound(socket.SOCK_STREAM, 0) != port,
    "other": bound(socket.SOCK_STREAM, free) == free,
    "udp": bound(socket.SOCK_DGRAM, free) == free,
    "child": subprocess.run(["/bin/sh", "-c", LOOK], stdout=subprocess.PIPE, close_fds=False, text=True).stdout,
    "path": [folder for folder in sys.path if "handover" in folder],
    "hidden": os.environ.get("HIDDEN_RUNS"),
    "name": sys.modules["sitecustomize"].__file__,
}))
"""


def _report(tmp_path: Path) -> dict[str, object]:
    import json

    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(
        "import os\nos.environ['HIDDEN_RUNS'] = str(int(os.environ.get('HIDDEN_RUNS', 0)) + 1)\n"
    )
    (tmp_path / "program.py").write_text(REPORT)
    with public_listener() as listener:
        port = port_of(listener)
        written = Command(("python", "program.py", str(port)), False)
        service = Service("api", command=written, port=port, env=(("PYTHONPATH", str(tmp_path / "hidden")),))
        recipe = start_recipe(service, Place(str(tmp_path), PYTHON), Launch(Reach.PUBLIC, port))
        environment = {**base_environment(), **dict(recipe.environment)}
        with ended(spawn(recipe.argv, [listener], environment=environment, cwd=tmp_path)) as process:
            output, _ = process.communicate(timeout=LIMIT_S)
    found = json.loads(output)
    assert isinstance(found, dict)
    return found


def test_only_the_port_of_the_service_is_answered(tmp_path: Path) -> None:
    found = _report(tmp_path)
    assert [found[name] for name in ("taken", "any", "other", "udp")] == [True] * 4


def test_the_hidden_sitecustomize_runs_once_and_children_see_nothing(tmp_path: Path) -> None:
    found = _report(tmp_path)
    assert found["hidden"] == "1"
    assert found["name"] == str(tmp_path / "hidden" / "sitecustomize.py")
    assert found["path"] == []
    child = str(found["child"])
    assert [word for word in ("SOPHIA", "handover", "NODE_OPTIONS") if word in child] == []
    assert f"PYTHONPATH={tmp_path / 'hidden'}\n" in child


def _run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    shim = Path(__file__).parents[4] / "sophia_cli" / "deploy" / "handover" / "shim"
    environment = {**base_environment(), "PYTHONPATH": str(shim), **variables}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, capture_output=True, text=True, timeout=LIMIT_S
    )


@pytest.mark.parametrize(
    "variables",
    [{}, {"SOPHIA_BIND_FD": "3"}, {"SOPHIA_BIND_FD": "x"}, {"SOPHIA_BIND_FD": "1"}, {"SOPHIA_DRAIN_S": "5"}],
)
def test_a_process_in_which_nothing_fits_runs_as_ever(variables: dict[str, str]) -> None:
    code = """
        import os, socket, subprocess
        server = socket.create_server(("127.0.0.1", 0))
        client = socket.create_connection(server.getsockname())
        server.accept()[0].sendall(b"fine")
        subprocess.run(["echo", "started"])
        print(client.recv(4), os.environ.get("PYTHONPATH"))
    """
    done = _run(code, **variables)
    assert (done.returncode, done.stderr, done.stdout.split()) == (0, "", ["started", "b'fine'", "None"])


def test_without_ports_the_first_one_counts(tmp_path: Path) -> None:
    program = "blocking"
    (tmp_path / "program.py").write_text(PROGRAMS[program])
    shim = Path(__file__).parents[4] / "sophia_cli" / "deploy" / "handover" / "shim"
    environment = {**base_environment(), "PYTHONPATH": str(shim), "SOPHIA_BIND_FD": "3"}
    with (
        public_listener() as listener,
        ended(spawn([PYTHON, "program.py", "9"], [listener], environment=environment, cwd=tmp_path)),
    ):
        assert get(port_of(listener), "/").endswith(b"ok")


def test_the_shim_loads_nothing_that_a_server_does_not_need(tmp_path: Path) -> None:
    code = "import importlib.util, select, socket, sys; print(*sorted(sys.modules))"
    variables = {"SOPHIA_BIND_FD": "0", "SOPHIA_DRAIN_S": "5"}
    with_shim = set(_run(code, **variables).stdout.split())
    without = set(_run(code, **{**variables, "PYTHONPATH": str(tmp_path)}).stdout.split())
    assert with_shim - without <= {"sitecustomize"}
