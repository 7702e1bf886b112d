"""What somebody meets who has never seen Sophia: the wrong folder, one service of many, stopped ones, lost files."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from deployed_project import API, DeployedProject
from waiting import LIMIT_S, eventually

from sophia_cli.project.host.processes import processes_of_project

COUNTER = """\
import http.server
import os
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        count = Path("data/count.txt")
        count.parent.mkdir(exist_ok=True)
        count.write_text(str(int(count.read_text()) + 1 if count.exists() else 1))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(count.read_bytes())

    def log_message(self, *words):
        pass


http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

ECHO = """\
import os
import socketserver


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(100):
            self.request.sendall(data)


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", int(os.environ["PORT"])), Echo).serve_forever()
"""


# A worker that ends once the api begins, and an api that is not there before the worker was started again.
ENDS = """\
import os
import time

with open({starts!r}, "a") as file:
    file.write("start\\n")
while not os.path.exists({begun!r}):
    time.sleep(0.02)
raise SystemExit("no database")
"""
SEES_IT_END = """\
import time

open({begun!r}, "w").close()
while len(open({starts!r}).readlines()) < 2:
    time.sleep(0.02)
"""


@pytest.mark.parametrize("command", [("deploy",), ("restart", "--all"), ("rollback", "--all")])
def test_in_the_wrong_folder_nothing_is_started_and_nothing_is_written(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    project = DeployedProject(tmp_path)
    (tmp_path / "sophia.toml").unlink()
    before = sorted(tmp_path.iterdir())
    done = project.run(*command)
    assert (done.code, done.document["error"]["reference"]) == (2, "no-services")
    assert sorted(tmp_path.iterdir()) == before


def test_a_deployment_starts_what_was_stopped_with_the_release_that_it_had(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    assert shop.run("stop", "api").code == 0
    plan = shop.run("deploy", "--plan")
    assert (plan.code, plan.service("api")["reasons"]) == (1, ["it was down"])
    assert [step["name"] for step in plan.service("api")["steps"]] == ["start-serving", "prove", "soak"]
    done = shop.run("deploy")
    assert (done.code, done.service("api")["action"], done.service("api")["release"]) == (0, "deployed", 1)
    assert done.service("store")["action"] == "unchanged"
    assert shop.facts()["SOPHIA_RELEASE"] == "1"


def test_one_service_is_deployed_without_the_secret_and_the_app_of_another(shop: DeployedProject) -> None:
    more = '[services.odd]\napp = "nowhere.main:app"\nport = 1\n'
    shop.write("sophia.toml", shop.settings(api='secrets = ["API_TOKEN"]', more=more))
    assert shop.run("deploy").code == 2
    done = shop.run("deploy", "store")
    assert done.code == 0, (done.document, done.stderr)
    assert done.service("store")["action"] == "deployed"
    assert shop.run("deploy", "api").document["error"]["reference"] == "secret-missing"
    assert shop.run("deploy", "odd").document["error"]["reference"] == "app-missing"
    out, _ = shop.start("deploy", "store", "--plan").communicate(timeout=LIMIT_S)
    assert [line.split()[0] for line in out.splitlines()] == ["store", "1"]


def test_files_that_a_release_wrote_into_its_copy_are_told_when_the_next_one_comes(shop: DeployedProject) -> None:
    shop.write("store/run.py", COUNTER)
    assert shop.run("deploy", "store").code == 0
    assert shop.get(port=shop.store_port) == "1"
    shop.write("store/run.py", COUNTER + "# changed\n")
    done = shop.run("deploy", "store")
    assert done.code == 0
    (note,) = [note for note in done.document["notes"] if "`persist`" in note]
    assert "`data/count.txt`" in note
    shop.write("sophia.toml", shop.settings(store='persist = ["data"]'))
    assert shop.run("deploy", "store").code == 0
    assert shop.get(port=shop.store_port) == "1"
    assert (shop.root / "data" / "count.txt").read_text() == "1"


def test_what_was_not_tried_since_another_failed_is_told(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    shop.write("store/run.py", "raise SystemExit('broken')\n")
    shop.write("worker.py", "raise SystemExit('broken')\n")
    shop.write("shared/version.py", "VERSION = 2\n")
    done = shop.run("deploy")
    assert done.code == 3
    skipped = [row["name"] for row in done.document["services"] if row["action"] == "skipped"]
    assert "api" in skipped
    assert any("api" in note and "not tried" in note for note in done.document["notes"])


def test_a_variable_that_is_not_there_is_named_with_what_to_do(shop: DeployedProject) -> None:
    shop.write("store/run.py", "import os\nos.environ['STORE_URL']\n")
    done = shop.run("deploy", "store")
    assert done.code == 3
    assert "`STORE_URL`" in done.service("store")["trouble"]["hint"]
    status = shop.run("status")
    row = status.service("store")
    assert (row["state"], status.code, status.document["summary"]["health_score"]) == ("failed", 1, 0.0)
    assert "never came through" in row["reason"]
    # Also for an agent that was not there; who gives it up has nothing that is unwell.
    assert shop.run("agent", "stop").code == 0
    assert shop.run("agent", "start").code == 0
    assert shop.status("store")["state"] == "failed"
    assert shop.run("stop", "store").code == 0
    assert shop.status("store")["state"] == "not-deployed"


def test_services_end_although_the_agent_that_started_them_is_gone(shop: DeployedProject) -> None:
    assert shop.run("deploy").code == 0
    pid = shop.agent_pid()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: shop.run("agent", "status").document["state"] == "stopped")
    done = shop.run("stop", "--all")
    assert done.code == 0, (done.document, done.stderr)
    assert not [one for one in processes_of_project(str(shop.root)) if one.service in ("api", "store", "worker")]


@pytest.mark.parametrize("probe", ["", "startup = { tcp = true }", 'readiness = { tcp = true, interval = "50ms" }'])
def test_a_service_that_never_takes_connections_at_its_port_is_no_success(shop: DeployedProject, probe: str) -> None:
    text = "import http.server\nhttp.server.HTTPServer(('127.0.0.1', 0), http.server.BaseHTTPRequestHandler)"
    shop.write("store/run.py", f"{text}.serve_forever()\n")
    shop.write("sophia.toml", shop.settings(store=f'start_timeout = "1s"\n{probe}'))
    done = shop.run("deploy", "store")
    assert (done.code, done.service("store")["action"]) == (3, "failed")
    assert "no process of the instance accepts" in done.service("store")["trouble"]["last_probe"]
    assert "`PORT`" in done.service("store")["trouble"]["hint"]


@pytest.mark.parametrize("kind", ["startup", "readiness", "liveness"])
def test_a_service_without_http_is_proved_by_tcp(shop: DeployedProject, kind: str) -> None:
    shop.write("store/run.py", ECHO)
    shop.write("sophia.toml", shop.settings(store=f'{kind} = {{ tcp = true, interval = "50ms" }}'))
    assert shop.run("deploy", "store").code == 0
    shop.write("store/run.py", ECHO + "# changed\n")
    assert shop.run("deploy", "store").code == 0
    with socket.create_connection(("127.0.0.1", shop.store_port), timeout=LIMIT_S) as line:
        line.sendall(b"hello")
        assert line.recv(10) == b"hello"


def test_on_a_terminal_it_is_told_what_is_waited_for(shop: DeployedProject) -> None:
    shop.write("store/run.py", ECHO)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sophia_cli.main", "deploy", "store"]
    process = subprocess.Popen(
        command, cwd=shop.root, env={**os.environ, "TERM": "xterm"}, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    # The end of a terminal is an error of its own on Linux.
    with contextlib.suppress(OSError), open(ours, "rb", buffering=0) as terminal:
        while piece := terminal.read(1000):
            shown += piece
    assert process.wait(timeout=LIMIT_S) == 0
    before, _, after = shown.partition(b"waiting for store to be ready")
    assert b"store: start-serving" in before
    assert after.startswith(b"\r\x1b[Kstore: prove")


def test_ctrl_c_says_what_came_of_the_services(shop: DeployedProject) -> None:
    shop.write("store/run.py", f"import time\ntime.sleep(3600)\n{ECHO}")
    process = shop.start("deploy", "store", "--json")
    eventually(lambda: shop.status("store")["instances"])
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "taken back" in json.loads(out)["error"]["message"]
    assert shop.status("store")["state"] == "not-deployed"


def test_what_a_service_wrote_is_a_document_too(shop: DeployedProject) -> None:
    assert shop.run("deploy", "worker").code == 0
    written = eventually(lambda: shop.run("logs", "worker").document["lines"])
    assert written == ["worker began"]
    endless = shop.run("logs", "worker", "--follow")
    assert (endless.code, endless.document["error"]["reference"]) == (2, "usage")


def test_a_service_that_wrote_nothing_is_told_so(shop: DeployedProject) -> None:
    assert shop.run("deploy", "store").code == 0
    out, err = shop.start("logs", "store").communicate(timeout=LIMIT_S)
    assert (out, err) == ("", "store has written nothing yet\n")


def test_one_service_that_never_came_up_keeps_no_other_from_being_restarted(shop: DeployedProject) -> None:
    shop.write("api/main.py", "app = None\nraise SystemExit('broken')\n")
    assert shop.run("deploy").code == 3
    done = shop.run("restart", "--all")
    assert done.code == 0, (done.document, done.stderr)
    assert [row["name"] for row in done.document["services"]] == ["store", "worker"]
    assert shop.run("restart", "api").document["error"]["reference"] == "service-not-deployed"


def test_a_service_that_ends_while_others_still_come_in_is_told(shop: DeployedProject) -> None:
    begun, starts = shop.root / "api-begun", shop.root / "starts"
    shop.write("worker.py", ENDS.format(begun=str(begun), starts=str(starts)))
    shop.write("api/main.py", SEES_IT_END.format(begun=str(begun), starts=str(starts)) + API)
    done = shop.run("deploy")
    assert done.code == 0, (done.document, done.stderr)
    assert [note for note in done.document["notes"] if note.startswith("worker came in and ")]
