"""What the entry point loads, what the core may import, how long a module may be, and the import contracts."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sophia_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}
# Programs of other interpreters run these as files.
STARTED_ALONE = [
    "sophia_cli.deploy.handover.launch",
    "sophia_cli.deploy.handover.shim.sitecustomize",
]
HEAVY = ("typer", "click", "rich", "httpx", "libcst", "git", "psutil", "fastapi", "pathspec")
STANDARD = sys.stdlib_module_names
LONGEST_MODULE = 400


def loaded_by(code: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after some code."""
    code += "\nimport sys; sys.stderr.write(chr(10).join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import sophia_cli.main",
        "import sophia_cli.main; sophia_cli.main.main(['--help'])",
        "import sophia_cli.main; sophia_cli.main.main(['--version'])",
        "import sophia_cli.main; sophia_cli.main.main([])",
    ],
)
def test_the_root_help_loads_nothing_heavy(code: str) -> None:
    loaded = loaded_by(code)
    assert "sophia_cli.main" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert not any(name.startswith(("sophia_cli.commands.", "sophia_cli.project.")) for name in loaded)


@pytest.mark.parametrize("command", ["scan", "fix", "undo", "rules", "explain", "doctor", "bench", "verify", "demo"])
def test_the_help_of_a_command_loads_only_what_it_shows(command: str) -> None:
    loaded = loaded_by(f"import sophia_cli.main; sophia_cli.main.main(['{command}', '--help'])")
    assert "typer" in loaded
    assert loaded.isdisjoint({"rich", "httpx", "libcst", "git", "psutil", "fastapi", "concurrent.futures.process"})


@cache
def imported_by(path: Path) -> frozenset[str]:
    """Return the modules that a file imports anywhere, and the names that may be modules."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            package = path.relative_to(ROOT).with_suffix("").parts[: -node.level] if node.level else ()
            module = ".".join((*package, node.module))
            found.update((module, *(f"{module}.{name.name}" for name in node.names)))
    return frozenset(found)


def test_the_core_imports_only_the_standard_library_and_itself() -> None:
    named = {(path.name, name) for path in (PACKAGE / "core").glob("*.py") for name in imported_by(path)}
    own = {(module, name) for module, name in named if name.startswith("sophia_cli.core")}
    assert own
    assert {(module, name) for module, name in named - own if name.partition(".")[0] not in STANDARD} == set()


def test_a_module_is_short_and_says_what_it_is_for() -> None:
    texts = {path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in MODULES}
    assert [path for path, text in texts.items() if len(text.splitlines()) > LONGEST_MODULE] == []
    assert [path for path, text in texts.items() if text.strip() and not ast.get_docstring(ast.parse(text))] == []


def test_every_module_is_used_by_another() -> None:
    named = {name for path in MODULES for name in imported_by(path)}
    # Commands, workers and the agent are named in texts, rules are found by their place.
    texts = "".join(path.read_text("utf-8") for path in MODULES)
    alone = [
        name
        for name, path in NAMES.items()
        if name not in named
        and path.stem not in ("__init__", "__main__")
        and not re.search(rf'"{re.escape(name)}[":]', texts)
    ]
    rules = "sophia_cli.fixers.rules."
    assert [name for name in alone if not name.startswith(rules) or "._" in name] == STARTED_ALONE


def test_no_modules_import_one_another_in_a_circle() -> None:
    sorter = TopologicalSorter({name: imported_by(path) & NAMES.keys() - {name} for name, path in NAMES.items()})
    assert len(list(sorter.static_order())) == len(NAMES)


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
