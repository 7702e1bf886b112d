"""What an environment is and holds, read from names of files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.project.packages.outline import EnvironmentOutline, outline_environment

FINDER = """from __future__ import annotations
MAPPING: dict[str, str] = {{'shop': '{root}/src/shop', 'tools.deep': '{root}/lib/tools/deep', 'other': '{root}/odd'}}
NAMESPACES = {{}}
"""


def _environment(root: Path, version_key: str = "version") -> Path:
    site = root / ".venv/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (root / ".venv/bin").mkdir()
    (root / ".venv/bin/python").symlink_to(sys.executable)
    (root / ".venv/pyvenv.cfg").write_text(f"home = /usr\n{version_key} = 3.11.4.final.0\n")
    return site


def _outline(root: Path, python: str | None = None) -> EnvironmentOutline:
    return outline_environment(root, python, os.environ)


@pytest.mark.parametrize("key", ["version", "version_info"])
def test_distributions_and_the_version_of_python_are_read_without_running_anything(tmp_path: Path, key: str) -> None:
    site = _environment(tmp_path, key)
    for name in ("Foo_Bar-1.2.dist-info", "old-0.1-py3.11.egg-info", "pip-24.0.dist-info", "foo", "x.dist-info"):
        (site / name).mkdir()
    found = _outline(tmp_path)
    assert found.python == str(tmp_path / ".venv/bin/python")
    assert (found.version, found.distributions) == ("3.11.4", (("foo-bar", "1.2"), ("old", "0.1")))
    assert not found.is_own


def test_editable_installs_that_lead_into_the_project_are_told(tmp_path: Path) -> None:
    site = _environment(tmp_path)
    for folder in ("src/shop", "lib/tools/deep", "odd", "plain"):
        (tmp_path / folder).mkdir(parents=True)
    (site / "__editable__.shop-1.pth").write_text(
        "import __editable___shop_1_finder; __editable___shop_1_finder.install()"
    )
    (site / "__editable___shop_1_finder.py").write_text(FINDER.format(root=tmp_path))
    (site / "plain.pth").write_text(f"# a comment\n{tmp_path}/plain\n/usr/lib\n{tmp_path}/gone\nimport sys\n")
    assert _outline(tmp_path).inside == ("src", "lib", "plain")


def test_an_editable_install_of_this_python_is_found(tmp_path: Path) -> None:
    site = _environment(tmp_path)
    (site / "easy-install.pth").write_text(f"{tmp_path}\n")
    (site / "mine.egg-link").write_text(f"{tmp_path}\n../\n")
    assert _outline(tmp_path).inside == (".",)


def test_without_an_environment_services_run_in_the_one_that_runs_sophia(tmp_path: Path) -> None:
    found = _outline(tmp_path)
    assert (found.python, found.is_own) == (sys.executable, True)
    assert dict(found.distributions)["hypothesis"]


def test_an_interpreter_outside_of_environments_is_asked(tmp_path: Path) -> None:
    base = Path(os.path.realpath(sys.executable))
    found = _outline(tmp_path, str(base))
    said = subprocess.run([base, "--version"], capture_output=True, text=True, check=True).stdout
    assert f"Python {found.version}" == said.strip()
    assert (found.python, found.is_own) == (str(base), False)


@pytest.mark.parametrize(
    ("named", "reference"),
    [("nowhere", "environment-missing"), ("folder", "environment-unusable"), ("text.txt", "environment-unusable")],
)
def test_a_name_that_leads_to_no_environment_is_an_error(tmp_path: Path, named: str, reference: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.txt").write_text("#!/bin/sh\necho no\n")
    (tmp_path / "text.txt").chmod(0o755)
    with pytest.raises(UsageError) as caught:
        _outline(tmp_path, named)
    assert (caught.value.reference, caught.value.location) == (reference, named)


def test_an_environment_without_an_interpreter_is_an_error(tmp_path: Path) -> None:
    _environment(tmp_path)
    (tmp_path / ".venv/bin/python").unlink()
    with pytest.raises(UsageError) as caught:
        _outline(tmp_path)
    assert caught.value.reference == "environment-unusable"
