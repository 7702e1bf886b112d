"""Which packages an environment for releases is built from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sophia_cli.core.errors import UnavailableError, UsageError
from sophia_cli.deploy.releases.environment_spec import EnvironmentSpec, installed_spec, locked_spec, pinned_spec
from sophia_cli.deploy.releases.exported_lock import ExportedLock, export_lock
from sophia_cli.project.packages.installed import Installed, Source

HASHED = """# compiled
--index-url https://example.org/simple
starlette==0.41.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via shop
anyio==4.0 --hash=sha256:cc
"""


def _spec(root: Path, installed: Mapping[str, Installed] | None = None, version: str = "3.11.4") -> EnvironmentSpec:
    return pinned_spec(root, "/python", version) or installed_spec(root, "/python", version, installed)


def _installed(site: Path, name: str, version: str, source: Source, told: object = None) -> dict[str, Installed]:
    metadata = site / f"{name}.dist-info"
    metadata.mkdir(parents=True)
    if told is not None:
        (metadata / "direct_url.json").write_text(json.dumps(told))
    return {name: Installed(name, version, source, site, metadata)}


def test_requirements_with_hashes_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(HASHED)
    spec = _spec(tmp_path)
    assert spec.lines == (
        "--index-url https://example.org/simple",
        "starlette==0.41.0 --hash=sha256:aa --hash=sha256:bb",
        "anyio==4.0 --hash=sha256:cc",
    )
    assert (spec.source, spec.has_hashes, spec.is_whole) == ("requirements.txt", True, True)


def test_the_project_itself_is_left_out_since_releases_bring_it_along(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "requirements.txt").write_text(f"-e .\n./library\nlib @ file://{tmp_path}/library\nanyio==4.0\n")
    spec = _spec(tmp_path)
    assert spec.lines == ("anyio==4.0",)


@pytest.mark.parametrize("line", ["starlette>=0.4", "-r other.txt", "starlette", "--editable git+https://x/y"])
def test_requirements_in_which_something_is_open_are_no_lock(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"anyio==4.0\n{line}\n")
    with pytest.raises(UsageError) as caught:
        _spec(tmp_path)
    assert caught.value.reference == "environment-unlocked"


def test_what_is_installed_counts_where_nothing_is_locked(tmp_path: Path) -> None:
    site = tmp_path / "site"
    installed = {
        **_installed(site, "anyio", "4.0", Source.WHEEL),
        **_installed(site, "pip", "24", Source.WHEEL),
        **_installed(site, "shop", "1", Source.EDITABLE, {"url": f"file://{tmp_path}", "dir_info": {"editable": True}}),
        **_installed(site, "far", "1", Source.URL, {"url": "https://example.org/far.whl"}),
        **_installed(
            site, "odd", "1", Source.VCS, {"url": "https://x/odd", "vcs_info": {"vcs": "git", "commit_id": "c0"}}
        ),
    }
    spec = _spec(tmp_path, installed)
    assert spec.lines == ("anyio==4.0", "far @ https://example.org/far.whl", "odd @ git+https://x/odd@c0")
    assert (spec.is_whole, spec.has_hashes) == (True, False)


POETRY = """\
[[package]]
name = "anyio"
version = "5.0"
optional = false
groups = ["main", "dev"]
files = [{file = "anyio-5.0.whl", hash = "sha256:bb"}, {file = "anyio-5.0.tar.gz", hash = "sha256:aa"}]

[[package]]
name = "pytest"
version = "8.0"
groups = ["dev"]
files = []

[[package]]
name = "fast"
version = "1.0"
optional = true
groups = ["main"]
markers = "python_version < \\"3.13\\" and extra == \\"speed\\""
files = [{file = "fast.whl", hash = "sha256:cc"}]

[[package]]
name = "odd"
version = "1"
groups = ["main"]
files = []
[package.source]
type = "git"
url = "https://x/odd"
reference = "main"
resolved_reference = "c0"

[[package]]
name = "library"
version = "0.1"
groups = ["main"]
files = []
[package.source]
type = "directory"
url = "library"
"""
PIPENV = {
    "_meta": {"sources": [{"name": "near", "url": "https://near/simple", "verify_ssl": True}]},
    "default": {
        "anyio": {"hashes": ["sha256:bb", "sha256:aa"], "version": "==5.0", "markers": "python_version >= '3.9'"},
        "odd": {"git": "https://x/odd", "ref": "c0"},
        "library": {"editable": True, "path": "./library"},
    },
    "develop": {"pytest": {"version": "==8.0"}},
}


def _locked(root: Path, name: str, text: str) -> EnvironmentSpec:
    (root / "library").mkdir(exist_ok=True)
    (root / name).write_text(text)
    lock = export_lock(root, "/python", {"PATH": "/nowhere"})
    assert lock is not None
    return locked_spec(root, "/python", "3.11.4", lock)


def test_a_lock_of_poetry_is_taken_with_its_hashes_and_without_what_is_for_development(tmp_path: Path) -> None:
    spec = _locked(tmp_path, "poetry.lock", POETRY)
    assert spec.lines == (
        "anyio==5.0 --hash=sha256:aa --hash=sha256:bb",
        'fast==1.0 ; python_version < "3.13" and python_version >= "0" --hash=sha256:cc',
        "odd @ git+https://x/odd@c0",
    )
    assert (spec.source, spec.is_whole) == ("poetry.lock", True)


def test_a_marker_that_differs_by_group_is_that_of_the_main_one(tmp_path: Path) -> None:
    text = (
        '[[package]]\nname = "anyio"\nversion = "5.0"\ngroups = ["main", "dev"]\n'
        'markers = {main = "os_name == \\"posix\\"", dev = "os_name == \\"nt\\""}\n'
    )
    assert _locked(tmp_path, "poetry.lock", text).lines == ('anyio==5.0 ; os_name == "posix"',)


def test_a_lock_of_pipenv_is_taken_with_its_index(tmp_path: Path) -> None:
    spec = _locked(tmp_path, "Pipfile.lock", json.dumps(PIPENV))
    assert spec.lines == (
        "--index-url https://near/simple",
        "anyio==5.0 ; python_version >= '3.9' --hash=sha256:aa --hash=sha256:bb",
        "odd @ git+https://x/odd@c0",
    )


def test_a_lock_of_pdm_is_taken(tmp_path: Path) -> None:
    text = '[[package]]\nname = "anyio"\nversion = "5.0"\ngroups = ["default"]\nmarker = "os_name == \\"posix\\""\n'
    assert _locked(tmp_path, "pdm.lock", text).lines == ('anyio==5.0 ; os_name == "posix"',)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("poetry.lock", '[[package]]\nname = "anyio"\nversion = "5.0"\n', "which packages are for development"),
        ("poetry.lock", "[[package", "is not whole"),
        ("Pipfile.lock", "[]", "is not whole"),
        ("uv.lock", "version = 1\n", "`uv` is not found"),
        ("pylock.toml", 'lock-version = "1.0"\n', "no tool is known"),
    ],
)
def test_a_lock_that_cannot_be_read_is_refused_and_never_passed_over(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    with pytest.raises(UnavailableError) as caught:
        _locked(tmp_path, name, text)
    assert (caught.value.reference, caught.value.location) == ("lock-not-exported", name)
    assert reason in caught.value.message


def test_a_lock_that_takes_code_from_beside_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    with pytest.raises(UsageError) as caught:
        locked_spec(tmp_path / "project", "/python", "3.11.4", ExportedLock("uv.lock", "-e ../beside\nanyio==5.0\n"))
    assert caught.value.reference == "environment-unlocked"


def test_pinned_versions_are_told_before_anything_is_built(tmp_path: Path) -> None:
    lines = 'Any_IO[trio]==4.0 --hash=sha256:aa\nfar @ https://x/far.whl\nodd===1.x ; python_version > "3"\n--pre\n'
    (tmp_path / "requirements.txt").write_text(lines)
    assert _spec(tmp_path).versions == (("any-io", "4.0"), ("far", "https://x/far.whl"), ("odd", "1.x"))


def test_the_digest_names_packages_and_python_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("anyio==4.0  # a comment\n\n")
    spec = _spec(tmp_path)
    (tmp_path / "requirements.txt").write_text("# another\nanyio==4.0\n")
    assert _spec(tmp_path).digest == spec.digest
    assert _spec(tmp_path, version="3.12.0").digest != spec.digest
    (tmp_path / "requirements.txt").write_text("anyio==4.1\n")
    assert _spec(tmp_path).digest != spec.digest
