"""Hints about services that did not come up."""

from __future__ import annotations

from pathlib import Path

import pytest

from sophia_cli.commands.operating.hints import hint_of, with_hints
from sophia_cli.core.deploy_report import DeployReport, DeployVerdict, ServiceAction, ServiceReport, Trouble
from sophia_cli.core.errors import ExitCode

LOOKED_UP = """\
  File "/p/.sophia/releases/web/1/tree/web/settings.py", line 5, in <module>
    KEY = os.environ["WEB_KEY"]
  File "<frozen os>", line 679, in __getitem__
KeyError: 'WEB_KEY'
"""


def _hint(root: Path, cause: str = "it ended with exit code 1", log: str = "", probe: str | None = None) -> str:
    return hint_of("web", Trouble(cause, probe, tuple(log.splitlines())), root, "web") or ""


def test_a_variable_that_the_service_does_not_have_is_named(tmp_path: Path) -> None:
    hint = _hint(tmp_path, log=LOOKED_UP)
    assert "`WEB_KEY`" in hint
    assert "`[services.web]`" in hint


BROKEN = """\
Traceback (most recent call last):
  File "/s/handover/launcher.py", line 85, in load_app
    found: Any = importlib.import_module(name)
  File "/p/.sophia/releases/web/4/tree/web/main.py", line 3, in <module>
    import odd
  File "{path}", line 15
    def x(:
          ^
SyntaxError: invalid syntax
launcher: web.main raises SyntaxError while it is imported
"""


def test_a_file_that_does_not_compile_leads_to_its_repair(tmp_path: Path) -> None:
    log = BROKEN.format(path="/p/.sophia/releases/web/4/tree/web/odd one.py")
    assert "`sophia fix --dry-run 'web/odd one.py'`" in _hint(tmp_path, log=log)


def test_a_file_of_a_package_that_does_not_compile_is_not_the_projects_to_mend(tmp_path: Path) -> None:
    assert _hint(tmp_path, log=BROKEN.format(path="/venv/lib/python3.11/site-packages/odd.py")) == ""


def test_a_key_that_a_dictionary_does_not_have_is_no_variable(tmp_path: Path) -> None:
    assert _hint(tmp_path, log="    return COLOURS[\"RED\"]\nKeyError: 'RED'") == ""


@pytest.mark.parametrize("said", ["{root}/.sophia/releases/web/3/tree/web/model.bin", "model.bin"])
def test_a_file_that_the_project_has_and_the_release_has_not_is_named(tmp_path: Path, said: str) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "model.bin").touch()
    log = f"FileNotFoundError: [Errno 2] No such file or directory: '{said.format(root=tmp_path)}'"
    assert "`web/model.bin`" in _hint(tmp_path, log=log)


@pytest.mark.parametrize("said", ["/etc/nothing.conf", "gone.txt"])
def test_a_file_that_nobody_has_gets_no_hint(tmp_path: Path, said: str) -> None:
    assert _hint(tmp_path, log=f"FileNotFoundError: [Errno 2] No such file or directory: '{said}'") == ""


@pytest.mark.parametrize(
    ("cause", "probe", "word"),
    [
        ("it ended with exit code 0", None, "foreground"),
        ("port 80 of 127.0.0.1 is held by pid 7 (x)", None, "on_port_conflict"),
        ("not ready within 60 s", "no process of the instance accepts on 127.0.0.1:80", "`PORT`"),
        ("uvicorn is not installed where the service runs (exit code 81)", None, "`command`"),
    ],
)
def test_causes_that_everybody_meets_once_have_a_hint(tmp_path: Path, cause: str, probe: str | None, word: str) -> None:
    assert word in _hint(tmp_path, cause, probe=probe)


def test_a_report_gets_hints_where_there_is_trouble_and_stays_as_it_is_elsewhere(tmp_path: Path) -> None:
    bad = ServiceReport("web", ServiceAction.FAILED, trouble=Trouble("it ended with exit code 0"))
    good = ServiceReport("api", ServiceAction.DEPLOYED)
    report = DeployReport("deploy", DeployVerdict.FAILED, ExitCode.ROLLED_BACK, 1.0, None, (bad, good))
    hinted = with_hints(report, tmp_path, {})
    assert hinted.services[0].trouble is not None
    assert hinted.services[0].trouble.hint
    assert hinted.services[1] is good
