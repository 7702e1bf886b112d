"""Small projects of several services, in the layouts that people use, with the history that they leave behind."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from random import Random

WORDS = ("order", "price", "stock", "mail", "route", "token", "query", "batch", "label", "quota", "event", "ledger")
LAYOUTS = ("flat", "src", "namespace", "hyphenated")
DISTRIBUTIONS = (("requests", "requests"), ("yaml", "PyYAML"), ("fastapi", "fastapi"), ("httpx", "httpx"))
GIT = {
    "GIT_AUTHOR_NAME": "someone",
    "GIT_AUTHOR_EMAIL": "someone@example.org",
    "GIT_COMMITTER_NAME": "someone",
    "GIT_COMMITTER_EMAIL": "someone@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Module:
    """A module of a service: how it is imported, the function and class it offers, their parameters."""

    dotted: str
    function: str
    parameters: tuple[str, ...]
    class_name: str


def git(root: Path, *words: str) -> None:
    """Run git, without anybody's settings."""
    subprocess.run(["git", *words], cwd=root, env={**os.environ, **GIT}, check=True, capture_output=True)


def make_project(root: Path, random: Random) -> None:
    """Create a project in which nothing is wrong, committed in git, with moves in its history."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main")
    services: list[str] = []
    for number, layout in enumerate(random.sample(LAYOUTS, random.randint(2, 4))):
        services.append(_make_service(root, f"{random.choice(WORDS)}{number}", layout, random))
    (root / "sophia.toml").write_text("\n".join(["[project]", 'name = "depot"', "", *services]))
    declared = "".join(f"{distribution}>=1.0\n" for _, distribution in DISTRIBUTIONS)
    match random.choice(("requirements", "pyproject", "setup.cfg")):
        case "requirements":
            (root / "requirements.txt").write_text(f"-r requirements-base.txt\n{declared}")
            (root / "requirements-base.txt").write_text("uvicorn==0.30.0\n")
        case "pyproject":
            names = ", ".join(f'"{line}"' for line in declared.split())
            (root / "pyproject.toml").write_text(
                f'[project]\nname = "depot"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [{names}]\n'
            )
        case _:
            lines = "".join(f"    {line}\n" for line in declared.split())
            (root / "setup.cfg").write_text(f"[metadata]\nname = depot\n\n[options]\ninstall_requires =\n{lines}")
    (root / "conftest.py").write_text("import sys\n\nsys.path.insert(0, 'src')\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "begin")
    _move_some(root, random)


def _make_service(root: Path, name: str, layout: str, random: Random) -> str:
    home, prefix = {
        "flat": (root / name, name),
        "src": (root / "src" / name, name),
        "namespace": (root / "depot_parts" / name, f"depot_parts.{name}"),
        "hyphenated": (root / f"{name}-runner", ""),
    }[layout]
    home.mkdir(parents=True)
    if layout in ("flat", "src"):
        (home / "__init__.py").write_text("")
    modules: list[Module] = []
    for index, word in enumerate(random.sample(WORDS, random.randint(3, 6))):
        folder, dotted = home, prefix
        if prefix and random.random() < 0.4:
            folder, dotted = home / "core", f"{prefix}.core"
            folder.mkdir(exist_ok=True)
            if layout != "namespace":
                (folder / "__init__.py").touch()
        stem = f"{word}_{index}"
        parameters = tuple(random.sample(WORDS, random.randint(1, 4)))
        module = Module(f"{dotted}.{stem}".lstrip("."), f"make_{word}", parameters, word.capitalize())
        (folder / f"{stem}.py").write_text(_module_text(module, modules, random))
        modules.append(module)
    (home / "main.py").write_text(_main_text(modules))
    if layout == "hyphenated":
        return f'[services.{name}]\ncommand = ["python", "{name}-runner/main.py"]\n'
    tests = root / "tests"
    tests.mkdir(exist_ok=True)
    (tests / f"test_{name}.py").write_text(_test_text(modules))
    return f'[services.{name}]\napp = "{prefix}.main:app"\nport = {9000 + int(name[-1])}\n'


def _module_text(module: Module, others: list[Module], random: Random) -> str:
    imported, distribution = random.choice(DISTRIBUTIONS)
    lines = [f'"""Part {module.dotted}."""', "", "from __future__ import annotations", "", "import os"]
    lines += [f"import {imported}  # {distribution}", "from dataclasses import dataclass", ""]
    used = random.sample(others, min(len(others), random.randint(0, 2)))
    lines += [f"from {other.dotted} import {other.function}, {other.class_name}" for other in used]
    lines += ["", "", "@dataclass", f"class {module.class_name}:", "    size: int", "    text: str = ''", ""]
    lines += ["    def grow(self, by: int = 1) -> int:", "        if by > 1:", "            return self.size * by"]
    lines += ["        return self.size + by", "", ""]
    lines += [f"def {module.function}({', '.join(module.parameters)}):", "    rows = [", "        os.sep,"]
    lines += [f"        {name}," for name in module.parameters]
    lines += ["    ]", "    for row in rows:", "        print(row)"]
    for other in used:
        arguments = ", ".join(f"{name}={name!r}" for name in other.parameters)
        lines += [f"    rows.append({other.function}({arguments}))", f"    rows.append({other.class_name}(size=1))"]
    lines += [f"    return {imported}, rows", ""]
    return "\n".join(lines)


def _main_text(modules: list[Module]) -> str:
    lines = [f"import {imported}" for imported, _ in DISTRIBUTIONS]
    lines += [f"from {module.dotted} import {module.function}" for module in modules]
    lines += ["", "", "async def app(scope, receive, send):"]
    for module in modules:
        lines.append(f"    {module.function}({', '.join(f'{name}=1' for name in module.parameters)})")
    return "\n".join([*lines, "", "", 'if __name__ == "__main__":', "    print(app)", ""])


def _test_text(modules: list[Module]) -> str:
    lines = [f"import {module.dotted}" for module in modules]
    for module in modules:
        lines += [
            "",
            "",
            f"def test_{module.function}():",
            f"    assert {module.dotted}.{module.class_name}(2).grow() == 3",
        ]
    return "\n".join([*lines, ""])


def _move_some(root: Path, random: Random) -> None:
    """Move a module as a person does: the file, recorded, and every line that imports it."""
    movable = sorted(path for path in root.rglob("*_[0-9].py") if path.stem[0] != "t")
    for path in random.sample(movable, min(2, len(movable))):
        renamed = path.with_name(f"{path.stem}_moved.py")
        git(root, "mv", str(path), str(renamed))
        for other in sorted(root.rglob("*.py")):
            text = other.read_text()
            if path.stem in text:
                other.write_text(
                    text.replace(f"{path.stem} ", f"{renamed.stem} ")
                    .replace(f"{path.stem}\n", f"{renamed.stem}\n")
                    .replace(f"{path.stem}.", f"{renamed.stem}.")
                )
        git(root, "commit", "-qam", f"move {path.stem}")
