"""Keeping packages and putting them back, with an environment that is no more than folders: no pip, no interpreter."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from sophia_cli.core.errors import UnavailableError
from sophia_cli.project.packages.installed import Installed, Source, installed_packages
from sophia_cli.project.packages.keeping import Change, aftermath, keep
from sophia_cli.project.packages.manifest import decode_manifest, encode_aftermath, encode_manifest
from sophia_cli.project.packages.target import Target
from sophia_cli.project.packages.way_back import AFTERMATH, MANIFEST, forget, look_back, mark_of, put_back
from sophia_cli.project.packages.wheels import Wheel, files_of
from sophia_cli.project.runs.records import PackageChange
from sophia_cli.project.runs.run_record import PackagesEntry

RUN = "ab12"
OLD = {"alpha/__init__.py": "one\n", "alpha/gone.py": "x = 1\n", "tests/__init__.py": "shared\n"}
NEW = {"alpha/__init__.py": "two\n", "alpha/deep/part.py": "y = 2\n"}


@dataclass(frozen=True, slots=True)
class World:
    """An environment with alpha 1 in it, and a folder in which a run keeps things."""

    target: Target
    kept: Path
    wheels: Path

    @property
    def site(self) -> Path:
        return self.target.purelib

    def wheel(self, name: str, version: str, files: dict[str, str], scripts: str = "") -> Wheel:
        """Make a wheel; scripts are lines of its entry points."""
        metadata = f"{name}-{version}.dist-info"
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for member, text in files.items():
                archive.writestr(member, text)
            archive.writestr(f"{metadata}/METADATA", f"Name: {name}\nVersion: {version}\n")
            archive.writestr(f"{metadata}/WHEEL", "Root-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{metadata}/entry_points.txt", f"[console_scripts]\n{scripts}")
        return Wheel(path, name, version, hashlib.sha256(path.read_bytes()).hexdigest())

    def unpack(self, wheel: Wheel, old: Installed | None = None) -> None:
        """Install a wheel as pip does, the files of the old version removed first."""
        if old is not None:
            for row in (old.metadata / "RECORD").read_text().splitlines():
                (self.site / row.partition(",")[0]).unlink()
            old.metadata.rmdir()
        with zipfile.ZipFile(wheel.path) as archive:
            archive.extractall(self.site)
            names = archive.namelist()
        metadata = self.site / f"{wheel.name}-{wheel.version}.dist-info"
        rows = [*names, f"{metadata.name}/RECORD"]
        (metadata / "RECORD").write_text("".join(f"{row},,\n" for row in rows))

    def keep(self, wheel: Wheel) -> PackagesEntry:
        """Keep what the wheel replaces and announce it."""
        old = installed_packages(self.target).get(wheel.name)
        manifest = encode_manifest(keep([Change(wheel.name, old, wheel)], self.target, self.kept))
        (self.kept / MANIFEST).write_bytes(manifest)
        sha = hashlib.sha256(manifest).hexdigest()
        mark_of(self.target.prefix, RUN).write_text(sha)
        return PackagesEntry(sha, (PackageChange(wheel.name, "" if old is None else old.version, wheel.version),))

    def finish(self, entry: PackagesEntry) -> PackagesEntry:
        """Record what the files hold after the installation."""
        manifest = decode_manifest((self.kept / MANIFEST).read_bytes())
        assert manifest is not None
        data = encode_aftermath(aftermath(manifest))
        (self.kept / AFTERMATH).write_bytes(data)
        return PackagesEntry(entry.manifest, entry.changes, hashlib.sha256(data).hexdigest())

    def picture(self) -> dict[str, str]:
        """Return every file of the environment."""
        files = (path for path in self.target.prefix.rglob("*") if path.is_file())
        return {path.relative_to(self.target.prefix).as_posix(): path.read_text() for path in files}


@pytest.fixture
def world(tmp_path: Path) -> World:
    prefix = tmp_path / "env"
    site = prefix / "lib" / "python3.11" / "site-packages"
    for folder in (site, prefix / "bin", tmp_path / "kept", tmp_path / "wheels"):
        folder.mkdir(parents=True)
    target = Target(
        shown="env",
        python=prefix / "bin" / "python",
        prefix=prefix,
        version=(3, 11, 0),
        implementation="CPython",
        purelib=site,
        platlib=site,
        scripts=prefix / "bin",
        data=prefix,
    )
    world = World(target, tmp_path / "kept", tmp_path / "wheels")
    world.unpack(world.wheel("alpha", "1", OLD))
    return world


def _upgraded(world: World) -> tuple[dict[str, str], PackagesEntry]:
    before = world.picture()
    wheel = world.wheel("alpha", "2", NEW, "alpha = alpha:main\n")
    entry = world.keep(wheel)
    world.unpack(wheel, installed_packages(world.target)["alpha"])
    (world.target.scripts / "alpha").write_text("#!python\n")
    return before, world.finish(entry)


def test_an_upgrade_and_its_way_back_leave_what_was_there(world: World) -> None:
    before, entry = _upgraded(world)
    assert world.picture() != before
    back = put_back(world.kept, RUN, entry, ["alpha"])
    assert (back.restored, back.kept, back.barred) == (("alpha",), (), ())
    forget(world.kept, RUN, entry)
    assert world.picture() == before
    assert not (world.site / "alpha" / "deep").exists()


def test_putting_back_twice_is_putting_back_once(world: World) -> None:
    before, entry = _upgraded(world)
    put_back(world.kept, RUN, entry, ["alpha"])
    assert put_back(world.kept, RUN, entry, ["alpha"]).restored == ("alpha",)
    forget(world.kept, RUN, entry)
    assert world.picture() == before


@pytest.mark.parametrize("steps", range(6))
def test_an_installation_that_stopped_anywhere_is_taken_back(world: World, steps: int) -> None:
    before = world.picture()
    wheel = world.wheel("alpha", "2", NEW)
    entry = world.keep(wheel)
    stash = world.site / "~lpha"
    stash.mkdir()
    (stash / "gone.py").write_text("x = 1\n")
    removals = [world.site / "alpha-1.dist-info" / "RECORD", world.site / "alpha" / "gone.py"]
    for path in removals[:steps]:
        path.unlink()
    with zipfile.ZipFile(wheel.path) as archive:
        for name in archive.namelist()[: max(0, steps - 2)]:
            archive.extract(name, world.site)
    assert put_back(world.kept, RUN, entry, ["alpha"]).restored == ("alpha",)
    forget(world.kept, RUN, entry)
    assert world.picture() == before


def test_a_file_of_another_package_that_was_overwritten_comes_back(world: World) -> None:
    before = world.picture()
    wheel = world.wheel("beta", "1", {"tests/__init__.py": "beta's\n"})
    entry = world.keep(wheel)
    world.unpack(wheel)
    entry = world.finish(entry)
    assert put_back(world.kept, RUN, entry, ["beta"]).restored == ("beta",)
    forget(world.kept, RUN, entry)
    assert world.picture() == before


def test_a_package_with_a_file_that_a_person_changed_is_kept_whole(world: World) -> None:
    _, entry = _upgraded(world)
    (world.site / "alpha" / "__init__.py").write_text("mine\n")
    after = world.picture()
    assert [kept.path for kept in look_back(world.kept, RUN, entry, ["alpha"]).kept] == ["package alpha"]
    back = put_back(world.kept, RUN, entry, ["alpha"])
    assert back.restored == ()
    assert [kept.path for kept in back.kept] == ["package alpha"]
    assert world.picture() == after


def test_a_package_that_was_removed_since_is_not_in_the_way(world: World) -> None:
    wheel = world.wheel("beta", "1", {"beta.py": "x = 1\n"})
    before = world.picture()
    entry = world.keep(wheel)
    world.unpack(wheel)
    entry = world.finish(entry)
    (world.site / "beta.py").unlink()
    shutil.rmtree(world.site / "beta-1.dist-info")
    assert put_back(world.kept, RUN, entry, ["beta"]).restored == ("beta",)
    forget(world.kept, RUN, entry)
    assert world.picture() == before


def test_an_environment_without_the_runs_mark_is_not_touched(world: World) -> None:
    _, entry = _upgraded(world)
    mark_of(world.target.prefix, RUN).unlink()
    after = world.picture()
    assert put_back(world.kept, RUN, entry, ["alpha"]).restored == ()
    assert world.picture() == after


def test_an_environment_that_is_gone_is_said_to_be_gone(world: World) -> None:
    _, entry = _upgraded(world)
    shutil.rmtree(world.target.prefix)
    assert put_back(world.kept, RUN, entry, ["alpha"]).kept[0].reason == "its environment is gone"
    assert not world.target.prefix.exists()


@pytest.mark.parametrize("damaged", [MANIFEST, AFTERMATH, "alpha-1-py3-none-any.whl"])
def test_a_damaged_record_changes_nothing(world: World, damaged: str) -> None:
    _, entry = _upgraded(world)
    data = (world.kept / damaged).read_bytes()
    (world.kept / damaged).write_bytes(data[: len(data) // 2])
    after = world.picture()
    back = put_back(world.kept, RUN, entry, ["alpha"])
    assert back.restored == ()
    assert back.kept
    assert world.picture() == after


@pytest.mark.parametrize("path", ["../outside.py", "/etc/outside", "lib/../../outside.py"])
def test_a_manifest_that_leads_out_of_the_environment_is_none(world: World, path: str) -> None:
    world.keep(world.wheel("beta", "1", {"beta.py": ""}))
    data = (world.kept / MANIFEST).read_text().replace("lib/python3.11/site-packages/beta.py", path)
    assert path in data
    assert decode_manifest(data.encode()) is None


def test_bytecode_of_what_is_put_back_is_removed(world: World) -> None:
    _, entry = _upgraded(world)
    compiled = world.site / "alpha" / "__pycache__" / "__init__.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_text("of the new version")
    put_back(world.kept, RUN, entry, ["alpha"])
    assert not compiled.exists()


def test_a_link_in_the_way_is_a_reason_not_to_begin(world: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("not ours\n")
    (world.site / "alpha" / "gone.py").unlink()
    (world.site / "alpha" / "gone.py").symlink_to(outside)
    with pytest.raises(UnavailableError) as refused:
        world.keep(world.wheel("alpha", "2", NEW))
    assert refused.value.reference == "package-unkeepable"


def test_the_files_of_a_wheel_go_where_pip_puts_them(world: World) -> None:
    wheel = world.wheel(
        "gamma",
        "1",
        {
            "gamma.py": "",
            "gamma-1.data/scripts/tool": "",
            "gamma-1.data/data/share/g.txt": "",
            "gamma-1.data/headers/g.h": "",
            "gamma-1.data/platlib/native.so": "",
        },
        "Gamma = gamma:main\n[gui_scripts]\nwindow = gamma:main\n",
    )
    prefix = world.target.prefix
    found = {path.relative_to(prefix).as_posix() for path in files_of(wheel, world.target)}
    site = "lib/python3.11/site-packages"
    assert found >= {
        f"{site}/gamma.py",
        f"{site}/native.so",
        f"{site}/gamma-1.dist-info/RECORD",
        "bin/tool",
        "bin/Gamma",
        "bin/window",
        "share/g.txt",
        "include/site/python3.11/gamma/g.h",
    }


@pytest.mark.parametrize(
    ("told", "source"),
    [
        ('{"url": "file:///x", "dir_info": {"editable": true}}', Source.EDITABLE),
        ('{"url": "file:///x", "dir_info": {}}', Source.LOCAL),
        ('{"url": "https://example.invalid/x.git", "vcs_info": {"vcs": "git"}}', Source.VCS),
        ('{"url": "https://example.invalid/x.whl", "archive_info": {}}', Source.URL),
        ("{", Source.URL),
    ],
)
def test_where_a_package_comes_from_is_read_from_its_metadata(world: World, told: str, source: Source) -> None:
    (world.site / "alpha-1.dist-info" / "direct_url.json").write_text(told)
    assert installed_packages(world.target)["alpha"].source is source


def test_a_package_without_a_record_of_its_files_is_not_replaceable(world: World) -> None:
    (world.site / "alpha-1.dist-info" / "RECORD").unlink()
    (world.site / "old.egg-info").write_text("Name: Old.Thing\nVersion: 3\n")
    found = installed_packages(world.target)
    assert not found["alpha"].is_replaceable
    assert not found["old-thing"].is_replaceable
