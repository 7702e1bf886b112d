"""Where modules are looked for: source roots, inferred from packaging, tools, containers, commands and the code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sophia_cli.core.values import replace
from sophia_cli.project.code.file_facts import FileFacts
from sophia_cli.project.files.classify import is_test_folder
from sophia_cli.project.imports.model import Reason, SourceRoot
from sophia_cli.project.imports.modules import ModuleMap, normal_folder

_RUNTIME_ENDINGS = (".yml", ".yaml", ".sh", ".mk", ".env", ".pth", ".cfg", ".toml", ".ini")
_RUNTIME_NAMES = ("dockerfile", "containerfile", "makefile", "gnumakefile", "justfile", "procfile", ".env")


def is_root_document(path: str) -> bool:
    """Return whether `infer_roots` may read something from a file of this name."""
    name = path.rpartition("/")[2].lower()
    return (
        name == "setup.py"
        or name == "pyrightconfig.json"
        or name.endswith(_RUNTIME_ENDINGS)
        or name.startswith(_RUNTIME_NAMES)
        or name.endswith((".dockerfile", ".containerfile"))
    )


def infer_roots(files: Mapping[str, FileFacts], documents: Mapping[str, bytes]) -> tuple[SourceRoot, ...]:
    """Return every folder that something in the project makes a source root, each reason once.

    `documents` are the files beside the code for which `is_root_document` holds, `setup.py` included (it is read as
    a tree); others are passed over, and so is whatever cannot be read. Folders without a Python file are no roots.
    The project root, and what follows from a file's own place alone (the folder above its package, its own folder), is
    not listed.
    """
    modules = ModuleMap(files)
    found = [*_edited(files, modules), *_declared(documents, modules)]
    kept: dict[tuple[str, str, str], SourceRoot] = {}
    for root in found:
        is_implied = root.package == root.path.replace("/", ".") if root.package else not root.path
        if root.path in modules.folders and not is_implied:
            kept.setdefault((root.path, root.applies_to, root.package), root)
    return tuple(kept.values())


def _edited(files: Mapping[str, FileFacts], modules: ModuleMap) -> Iterator[SourceRoot]:
    """Yield the folders that code puts on `sys.path`, for the file that does it; a conftest does it for its folder."""
    for path, file in files.items():
        folder = path.rpartition("/")[0]
        scope = folder if path.rpartition("/")[2] == "conftest.py" else path
        for edit in file.surface.path_edits:
            bases = [folder] if edit.from_file else ["", *_upwards(folder)]
            for base in bases:
                target = normal_folder(base, edit.parts)
                if target is not None and target in modules.folders:
                    yield SourceRoot(target, Reason.PATH_EDIT, f"{path}:{edit.line}", scope)
                    break


def _declared(documents: Mapping[str, bytes], modules: ModuleMap) -> Iterator[SourceRoot]:
    """Yield what documents declare; those of projects that tests work on hold for these alone."""
    for path in sorted(documents):
        folder = path.rpartition("/")[0]
        is_for_tests = any(map(is_test_folder, folder.split("/")))
        for root in _of_document(path, documents[path], modules):
            yield replace(root, applies_to=folder) if is_for_tests and not root.applies_to else root


def _of_document(path: str, data: bytes, modules: ModuleMap) -> Iterator[SourceRoot]:
    name = path.rpartition("/")[2].lower()
    if name == "pyproject.toml":
        from sophia_cli.project.imports.roots_pyproject import pyproject_roots

        yield from pyproject_roots(path, _text(data), modules)
    elif name == "setup.py" and b"setup" in data:
        from sophia_cli.project.imports.roots_setuptools import setup_py_roots

        yield from setup_py_roots(path, _text(data), modules)
    elif name in ("setup.cfg", "pytest.ini", "tox.ini", "mypy.ini", ".mypy.ini", "pyrightconfig.json"):
        from sophia_cli.project.imports.roots_tools import tool_roots

        yield from tool_roots(path, _text(data), modules)
    elif name.startswith(("dockerfile", "containerfile")) or name.endswith((".dockerfile", ".containerfile")):
        from sophia_cli.project.imports.roots_container import container_roots

        yield from container_roots(path, _text(data), modules)
    elif is_root_document(path) and _speaks_of_folders(data):
        from sophia_cli.project.imports.roots_commands import command_roots

        yield from command_roots(path, _text(data), modules)
        if b"volumes:" in data and b"services:" in data:
            from sophia_cli.project.imports.roots_container import mounted_roots

            yield from mounted_roots(path, _text(data), modules)


_COMMAND_MARKS = (
    b"PYTHONPATH",
    b"cd ",
    b"working_dir",
    b"working-directory",
    b"--app-dir",
    b"--chdir",
    b"--pythonpath",
)


def _speaks_of_folders(data: bytes) -> bool:
    return any(mark in data for mark in _COMMAND_MARKS)


def _upwards(folder: str) -> list[str]:
    found: list[str] = []
    while folder:
        found.append(folder)
        folder = folder.rpartition("/")[0]
    return found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
