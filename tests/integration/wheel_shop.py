"""A folder of tiny wheels that stands for a package index, environments to install into, and pictures of them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIMIT_S = 300.0
Picture = dict[str, tuple[int, bytes]]
_BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "{name}-{version}-py3-none-any.whl"
    metadata = "{name}-{version}.dist-info"
    with zipfile.ZipFile(folder + "/" + name, "w") as archive:
        archive.writestr("{name}/__init__.py", "BUILT = True\\n")
        archive.writestr(metadata + "/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        archive.writestr(metadata + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(metadata + "/RECORD", "")
    return name
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Shop:
    """The folder that pip is told to look in, and nowhere else."""

    folder: Path

    def wheel(
        self,
        name: str,
        version: str,
        requires: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
        scripts: Sequence[str] = (),
    ) -> Path:
        """Put a wheel into the shop: one package with its version in it, more `files`, console `scripts`."""
        metadata = f"{name}-{version}.dist-info"
        members = {f"{name}/__init__.py": f"VERSION = {version!r}\ndef main():\n    print(VERSION)\n", **(files or {})}
        needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
        members[f"{metadata}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        members[f"{metadata}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        if scripts:
            lines = "".join(f"{script} = {name}:main\n" for script in scripts)
            members[f"{metadata}/entry_points.txt"] = f"[console_scripts]\n{lines}"
        rows = [f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in members.items()]
        members[f"{metadata}/RECORD"] = "".join(rows) + f"{metadata}/RECORD,,\n"
        path = self.folder / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in members.items():
                archive.writestr(member, text)
        return path

    def source(self, name: str, version: str) -> Path:
        """Put a source distribution into the shop that only its own code can build."""
        path = self.folder / f"{name}-{version}.tar.gz"
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        texts = {
            "PKG-INFO": about,
            "pyproject.toml": build,
            "backend.py": _BACKEND.format(name=name, version=version),
        }
        with tarfile.open(path, "w:gz") as archive:
            for member, text in texts.items():
                info = tarfile.TarInfo(f"{name}-{version}/{member}")
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
        return path

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables of a process that knows this shop and no other place; uv is not on its PATH."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "VIRTUAL_"))}
        return {
            **kept,
            "PATH": "/usr/bin:/bin",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            **more,
        }


@dataclass(frozen=True, slots=True)
class Ended:
    """How a `sophia` process ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON that it wrote."""
        return json.loads(self.out)


@dataclass(slots=True)
class Project:
    """A project with an environment of its own."""

    root: Path
    shop: Shop
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def venv(self) -> Path:
        """The environment."""
        return self.root / ".venv"

    @property
    def site(self) -> Path:
        """Where packages lie."""
        return self.venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def install(self, *requirements: str) -> None:
        """Put packages into the environment as a user would."""
        words = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(self.venv / "bin" / "python"),
            "install",
            "-q",
            "--no-compile",
        ]
        environment = self.shop.environment(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_ROOT_USER_ACTION="ignore")
        subprocess.run([*words, *requirements], check=True, env=environment, timeout=LIMIT_S)

    def sophia(self, *words: str, **variables: str) -> Ended:
        """Run `sophia` in the project to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "sophia_cli", *words],
            cwd=self.root,
            env=self.shop.environment(**{**self.variables, **variables}),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            stdin=subprocess.DEVNULL,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def versions(self) -> dict[str, str]:
        """Return the packages that the environment's metadata names."""
        return dict(path.name.removesuffix(".dist-info").split("-", 1) for path in self.site.glob("*.dist-info"))

    def picture(self) -> Picture:
        """Return every file of the environment with mode and bytes, bytecode left out."""
        return {
            path.relative_to(self.venv).as_posix(): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
            for path in sorted(self.venv.rglob("*"))
            if path.is_file() and not path.is_symlink() and path.suffix != ".pyc"
        }


def make_project(folder: Path, shop: Shop) -> Project:
    """Create an empty project with an environment that has no pip."""
    project = Project(folder / "project", shop)
    project.write("sophia.toml", "")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(project.venv)], check=True, timeout=LIMIT_S)
    return project


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
