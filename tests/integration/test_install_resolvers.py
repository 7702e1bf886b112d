"""The three tools that resolve say the same, each for the interpreter of the environment."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from wheel_shop import Project, Shop, make_project

from sophia_cli.project.packages.resolution import Question
from sophia_cli.project.packages.resolvers import resolve
from sophia_cli.project.packages.target import Target, find_target
from sophia_cli.project.packages.tools import Tools, find_tools
from sophia_cli.project.packages.wishes import Wish

BESIDE = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
UV = shutil.which("uv", path=BESIDE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("resolvers")
    shop = Shop(folder / "shop")
    shop.folder.mkdir()
    for version in ("1.0", "1.5", "2.0"):
        shop.wheel("alpha", version, ["shared[extra]<2"])
        shop.wheel("shared", version)
    shop.wheel("elsewhere", "1.0")
    return make_project(folder, shop)


@pytest.fixture
def target(project: Project) -> Target:
    return find_target(project.root, None, Path(sys.prefix), project.shop.environment())


def _tools(project: Project, target: Target, name: str) -> Tools:
    path = str(Path(UV).parent) if UV is not None and name == "uv" else "/usr/bin:/bin"
    tools = find_tools(target, project.root, project.shop.environment(PATH=path))
    return replace(tools, pip_tools=None) if name == "pip" else tools


def _question(preferred: dict[str, str], *lines: str) -> Question:
    wishes = tuple(
        Wish(line.split("<")[0].split("=")[0].split(" ")[0], line, f"requirements.txt:{number}")
        for number, line in enumerate(lines, start=1)
    )
    return Question(wishes, (Wish("alpha", "alpha<2", "constraints.txt:1"),), preferred, ())


NAMES = [pytest.param("uv", marks=pytest.mark.skipif(UV is None, reason="uv is not on PATH")), "pip-tools", "pip"]


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_gives_pins_with_hashes_within_the_bounds(project: Project, target: Target, name: str) -> None:
    question = _question({}, "alpha", 'elsewhere ; sys_platform == "nowhere"')
    resolution = resolve(question, target, _tools(project, target, name))
    assert resolution.tool == name
    assert [(pin.name, pin.version) for pin in resolution.pins] == [("alpha", "1.5"), ("shared", "1.5")]
    assert all(pin.hashes and pin.hashes[0].startswith("sha256:") for pin in resolution.pins)


@pytest.mark.parametrize("name", NAMES[:2])
def test_what_is_preferred_stays_where_it_will_do(project: Project, target: Target, name: str) -> None:
    question = _question({"alpha": "1.0", "shared": "2.0"}, "alpha")
    resolution = resolve(question, target, _tools(project, target, name))
    assert [(pin.name, pin.version) for pin in resolution.pins] == [("alpha", "1.0"), ("shared", "1.5")]
    assert resolution.pins[1].wanted_by == ("alpha",)


@pytest.mark.parametrize("name", NAMES)
def test_the_users_own_constraints_bind_every_tool(project: Project, target: Target, name: str, tmp_path: Path) -> None:
    (tmp_path / "bounds.txt").write_text("shared==1.0\n")
    tools = _tools(project, target, name)
    bound = replace(tools, bounds=(str(tmp_path / "bounds.txt"),))
    pins = resolve(_question({}, "alpha"), target, bound).pins
    assert [(pin.name, pin.version) for pin in pins] == [("alpha", "1.5"), ("shared", "1.0")]


def test_a_constraints_file_of_the_users_reaches_no_step_that_checks_hashes(project: Project, target: Target) -> None:
    tools = find_tools(target, project.root, project.shop.environment(PIP_CONSTRAINT="/somewhere/bounds.txt"))
    assert tools.bounds == ("/somewhere/bounds.txt",)
    assert "PIP_CONSTRAINT" not in tools.environment


def test_nothing_wanted_asks_nobody(project: Project, target: Target) -> None:
    question = Question((), (), {}, ())
    assert resolve(question, target, _tools(project, target, "pip")).pins == ()


def test_another_python_is_not_resolved_by_the_tool_that_only_knows_its_own(project: Project, target: Target) -> None:
    older = replace(target, version=(3, 9, 1))
    assert find_tools(older, project.root, project.shop.environment()).pip_tools is None


def test_an_uv_that_lies_in_the_project_is_not_run(project: Project, target: Target) -> None:
    planted = project.root / "tools" / "uv"
    planted.parent.mkdir(exist_ok=True)
    planted.write_text("#!/bin/sh\ntouch planted\n")
    planted.chmod(0o755)
    environment = project.shop.environment(PATH=f"{planted.parent}:tools")
    assert find_tools(target, project.root, environment).uv is None
