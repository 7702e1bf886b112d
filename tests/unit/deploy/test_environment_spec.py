"""Which packages an environment for releases is built from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sophia_cli.core.errors import UsageError
from sophia_cli.deploy.releases.environment_spec import EnvironmentSpec, environment_spec
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
    return environment_spec(root, "/python", version, installed)


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
    assert (spec.lines, len(spec.left_out)) == (("anyio==4.0",), 3)


@pytest.mark.parametrize("line", ["starlette>=0.4", "-r other.txt", "starlette", "--editable git+https://x/y"])
def test_requirements_in_which_something_is_open_are_no_lock(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"anyio==4.0\n{line}\n")
    with pytest.raises(UsageError) as caught:
        _spec(tmp_path)
    assert caught.value.reference == "environment-unlocked"


def test_what_is_installed_counts_in_the_versions_of_the_lock_file(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "anyio"\nversion = "5.0"\n')
    site = tmp_path / "site"
    installed = {
        **_installed(site, "anyio", "4.0", Source.WHEEL),
        **_installed(site, "idna", "3.1", Source.WHEEL),
        **_installed(site, "pip", "24", Source.WHEEL),
        **_installed(site, "shop", "1", Source.EDITABLE, {"url": f"file://{tmp_path}", "dir_info": {"editable": True}}),
        **_installed(site, "far", "1", Source.URL, {"url": "https://example.org/far.whl"}),
        **_installed(
            site, "odd", "1", Source.VCS, {"url": "https://x/odd", "vcs_info": {"vcs": "git", "commit_id": "c0"}}
        ),
    }
    spec = _spec(tmp_path, installed)
    assert spec.lines == (
        "anyio==5.0", "far @ https://example.org/far.whl", "idna==3.1", "odd @ git+https://x/odd@c0",
    )  # fmt: skip
    assert (spec.is_whole, spec.has_hashes) == (True, False)


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
