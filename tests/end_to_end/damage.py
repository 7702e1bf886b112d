"""What happens to projects: each kind of damage changes the files of a project that stands in git."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

from healthy_project import WORDS, git

Damage = Callable[[Path, Random], None]


def damage(root: Path, random: Random, count: int) -> list[str]:
    """Do that many kinds of damage to the project; return their names."""
    chosen = random.choices(DAMAGES, k=count)
    for do in chosen:
        do(root, random)
    if random.random() < 0.5:
        git(root, "add", "-A")
        git(root, "commit", "-qm", "change", "--allow-empty")
    return [do.__name__ for do in chosen]


def _sources(root: Path) -> list[Path]:
    found = (path for path in root.rglob("*.py") if path.is_file() and not path.is_symlink())
    return sorted(path for path in found if ".git" not in path.parts and path.stat().st_size < 100_000)


def _pick(root: Path, random: Random) -> Path:
    return random.choice(_sources(root))


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def drop_character(root: Path, random: Random) -> None:
    path = _pick(root, random)
    text = _read(path)
    places = [match.start() for match in re.finditer(r"[()\[\]:,'\"]", text)] or [0]
    at = random.choice(places)
    _write(path, text[:at] + text[at + 1 :])


def shift_lines(root: Path, random: Random) -> None:
    path = _pick(root, random)
    lines = _read(path).splitlines(keepends=True)
    at = random.randrange(len(lines) + 1)
    end = at + random.randint(1, 4)
    lines[at:end] = [f"   {line}" for line in lines[at:end]]
    _write(path, "".join(lines))


def cut_end(root: Path, random: Random) -> None:
    path = _pick(root, random)
    data = path.read_bytes()
    path.write_bytes(data[: random.randint(0, len(data))])


def inject_line(root: Path, random: Random) -> None:
    path = _pick(root, random)
    lines = _read(path).splitlines(keepends=True)
    lines.insert(
        random.randrange(len(lines) + 1),
        random.choice(
            ("import os\n", "<<<<<<< HEAD\n", "```python\n", "from __future__ import annotations\n", "Sure!\n")
        ),
    )
    _write(path, "".join(lines))


def move_module(root: Path, random: Random) -> None:
    path = _pick(root, random)
    target = random.choice(_sources(root)).parent / f"{random.choice(WORDS)}_{path.name}"
    if random.random() < 0.5 or not _is_tracked(root, path):
        path.rename(target)
        return
    git(root, "mv", str(path), str(target))
    git(root, "commit", "-qam", "move")


def _is_tracked(root: Path, path: Path) -> bool:
    import subprocess

    return bool(subprocess.run(["git", "ls-files", str(path)], cwd=root, capture_output=True, check=True).stdout)


def delete_module(root: Path, random: Random) -> None:
    _pick(root, random).unlink()


def rename_function(root: Path, random: Random) -> None:
    path = _pick(root, random)
    _write(path, re.sub(r"def (make_\w+)", r"def \1_all", _read(path)))


def rename_parameter(root: Path, random: Random) -> None:
    path = _pick(root, random)
    found = re.findall(r"def make_\w+\((\w+)", _read(path))
    if found:
        _write(path, re.sub(rf"\b{found[0]}\b", f"{found[0]}s", _read(path)))


def rename_prefixes(root: Path, random: Random) -> None:
    for path in _sources(root):
        _write(path, re.sub(r"from (\w+)\.", r"from backend.\1.", _read(path)))


def drop_declarations(root: Path, random: Random) -> None:
    for name in ("requirements.txt", "setup.cfg", "pyproject.toml"):
        if (root / name).exists():
            kept = [line for line in _read(root / name).splitlines(keepends=True) if random.random() < 0.6]
            _write(root / name, "".join(kept))


def add_conflicts(root: Path, random: Random) -> None:
    with (root / "requirements.txt").open("a") as file:
        file.write("httpx==0.27.0\nhttpx<0.20\npython>=3.11\n")
    (root / "requirements-dev.txt").write_bytes(b"\xef\xbb\xbf-r requirements.txt\r\nhttpx==0.25.0\r\n")


def circle_requirements(root: Path, random: Random) -> None:
    with (root / "requirements.txt").open("a") as file:
        file.write("-r requirements-circle.txt\n-r requirements.txt\n-r gone.txt\n-c ../../outside.txt\n")
    (root / "requirements-circle.txt").write_text("-r requirements.txt\n-r requirements-circle.txt\nhttpx\n")


def half_write_requirements(root: Path, random: Random) -> None:
    (root / "requirements.txt").write_bytes(
        b"httpx==\nreq\xffuests\n-r\n-e\n--hash\n[x]\nfoo @ \n\\\nyaml ; python_version"
    )


def own_name_as_requirement(root: Path, random: Random) -> None:
    names = sorted(path.parent.name for path in root.glob("*/__init__.py")) or ["depot_parts"]
    with (root / "requirements.txt").open("a") as file:
        file.write(f"{names[0]}==1.0\n")


def break_settings(root: Path, random: Random) -> None:
    (root / "pyproject.toml").write_bytes(
        random.choice((b"[project\n", b"\xff\xfe", b"", b"[project]\ndependencies = 3\n"))
    )


def odd_bytes(root: Path, random: Random) -> None:
    path = _pick(root, random)
    data = path.read_bytes()
    path.write_bytes(
        random.choice(
            (
                data.replace(b"\n", b"\r\n"),
                b"\xef\xbb\xbf" + data,
                b"# caf\xe9\n" + data,
                b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + data,
                b"# -*- coding: no-such -*-\n" + data,
                data + b"\x00",
                data.decode("latin-1").encode("utf-16"),
                data.replace(b"\n", b"\r"),
            )
        )
    )


def link(root: Path, random: Random) -> None:
    path = _pick(root, random)
    name = path.with_name(f"link_{random.randrange(1000)}.py")
    if name.is_symlink():
        return
    name.symlink_to(random.choice((path.name, name.name, "gone.py", "../..", "/dev/null", "/etc")))


def large(root: Path, random: Random) -> None:
    path = _pick(root, random).with_name("large.py")
    path.write_text("ROWS = [\n" + "    'a row of text',\n" * 20_000 + random.choice(("", "]\n")))


def long_line(root: Path, random: Random) -> None:
    path = _pick(root, random).with_name("long_line.py")
    path.write_text("ROW = (" + "1, " * 30_000 + random.choice(("", ")\n")))


def unreadable(root: Path, random: Random) -> None:
    _pick(root, random).chmod(0o000)


def odd_modes(root: Path, random: Random) -> None:
    _pick(root, random).chmod(random.choice((0o444, 0o755, 0o600, 0o4755)))


def empty_places(root: Path, random: Random) -> None:
    (root / "void" / "deeper").mkdir(parents=True, exist_ok=True)
    (root / "folder.py").mkdir(exist_ok=True)
    _pick(root, random).write_bytes(b"")


def odd_names(root: Path, random: Random) -> None:
    folder = _pick(root, random).parent
    for name in random.sample(("class", "json", "import", "typing", "2d", "no dots", "ünder", "None", "__main__"), 3):
        (folder / f"{name}.py").write_text(f"import {random.choice(('json', 'typing', 'os'))}\n")
    _prepend(_pick(root, random), "import json, typing\nfrom json import dumps\n")


def _prepend(path: Path, text: str) -> None:
    path.write_bytes(text.encode() + path.read_bytes())


def import_itself(root: Path, random: Random) -> None:
    path = _pick(root, random)
    _prepend(path, f"import {path.stem}\nfrom {path.stem} import *\nfrom . import {path.stem}\n")


def deep_package(root: Path, random: Random) -> None:
    folder = root / "deep"
    for _ in range(40):
        folder = folder / "d"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text("from .d import *\n")
    (folder / "end.py").write_text("from ......... import end\n" + "import deep" + ".d" * 40 + ".end\n")


def star_circle(root: Path, random: Random) -> None:
    folder = root / "circle"
    folder.mkdir(exist_ok=True)
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (folder / f"{one}.py").write_text(f"from .{other} import *\nfrom circle.{other} import missing_{one}\n")
    (folder / "__init__.py").write_text(
        "from circle import *\nfrom . import *\nfrom .a import *\n__all__ = a + ['b']\n"
    )


def swap_kind(root: Path, random: Random) -> None:
    """A module becomes a package of the same name."""
    path = _pick(root, random)
    folder = path.with_suffix("")
    if path.stem.startswith("__") or folder.exists():
        return
    folder.mkdir()
    path.rename(folder / "__init__.py")


DAMAGES: tuple[Damage, ...] = (
    drop_character,
    shift_lines,
    cut_end,
    inject_line,
    move_module,
    delete_module,
    rename_function,
    rename_parameter,
    rename_prefixes,
    drop_declarations,
    add_conflicts,
    circle_requirements,
    half_write_requirements,
    own_name_as_requirement,
    break_settings,
    odd_bytes,
    link,
    large,
    long_line,
    unreadable,
    odd_modes,
    empty_places,
    odd_names,
    import_itself,
    deep_package,
    star_circle,
    swap_kind,
)
