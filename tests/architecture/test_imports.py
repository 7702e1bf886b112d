"""What the entry point loads, what the core may import, how long a module may be, and the import contracts."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sophia_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("typer", "click", "rich", "httpx", "libcst", "git", "psutil", "fastapi", "pathspec")
LONGEST_MODULE = 400


def loaded_by(code: str) -> set[str]:
    """Return the names of the modules that a fresh interpreter has loaded after some code."""
    code += "\nimport sys; sys.stderr.write(chr(10).join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
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


def imported_by(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").glob("*.py")), ids=lambda path: path.name)
def test_the_core_imports_only_the_standard_library_and_itself(path: Path) -> None:
    for name in imported_by(path):
        assert name.partition(".")[0] in sys.stdlib_module_names or name.startswith("sophia_cli.core"), name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_is_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_the_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
