"""Environments on the disk: what their metadata tells, also where some of it is damaged."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import pytest

from sophia_cli.project.dependencies.environment import import_names_of, read_environment
from sophia_cli.project.dependencies.environment_place import find_environment


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / ".venv/lib/python3.11/site-packages"
    folder.mkdir(parents=True)
    (tmp_path / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    return folder


def put(site: Path, folder: str, **files: str) -> Path:
    place = site / folder
    place.mkdir()
    for name, text in files.items():
        (place / name.replace("__", ".")).write_text(text)
    return place


def test_metadata_tells_name_version_imports_needs_and_commands(tmp_path: Path, site: Path) -> None:
    put(
        site,
        "Acme_Mail-1.2.dist-info",
        METADATA="Metadata-Version: 2.1\nName: Acme.Mail\nVersion: 1.2\nRequires-Dist: httpx>=0.27\n"
        "Requires-Dist: lxml; extra == 'html'\n\nName: not a field\n",
        RECORD="acme/mail/__init__.py,,\nacme/mail/send.py,,\n_acme_fast.cpython-311-x86_64-linux-gnu.so,,\n"
        "../../../bin/acme-mail,,\nAcme_Mail-1.2.dist-info/METADATA,,\n",
        entry_points__txt="[console_scripts]\nacme-mail = acme.mail:main\n",
    )
    place = find_environment(tmp_path, None)
    assert place is not None
    environment = read_environment(place)
    (mail,) = environment.distributions.values()
    assert (mail.name, mail.version, mail.imports) == ("acme-mail", "1.2", ("_acme_fast", "acme.mail"))
    assert (mail.requires, dict(mail.extras), mail.scripts) == (("httpx",), {"html": ("lxml",)}, ("acme-mail",))
    assert environment.problems == ()


def test_older_and_editable_installations_are_read(tmp_path: Path, site: Path) -> None:
    put(site, "old-1.0.egg-info", PKG_INFO="", top_level__txt="old_tools\n")
    (site / "old-1.0.egg-info/PKG-INFO").write_text("Name: old\nVersion: 1.0\n")
    put(
        site,
        "shop-0.1.dist-info",
        METADATA="Name: shop\nVersion: 0.1\n",
        RECORD="__editable__.shop-0.1.pth,,\n",
        direct_url__json='{"url": "file:///srv/shop", "dir_info": {"editable": true}}',
        top_level__txt="shop\n",
    )
    source = tmp_path / "linked"
    put(source.parent, "linked")
    put(source, "linked.egg-info", top_level__txt="linked\n")
    (source / "linked.egg-info/PKG-INFO").write_text("Name: linked\nVersion: 3\n")
    (site / "linked.egg-link").write_text(f"{source}\n.\n")
    place = find_environment(tmp_path, ".venv")
    assert place is not None
    found = read_environment(place).distributions
    assert {one.name: (one.imports, one.is_editable) for one in found.values()} == {
        "old": (("old_tools",), False),
        "shop": (("shop",), True),
        "linked": (("linked",), True),
    }


def test_damaged_metadata_is_a_problem_and_hides_nothing_else(tmp_path: Path, site: Path) -> None:
    put(site, "gone-1.0.dist-info")
    put(site, "empty-1.0.dist-info", METADATA="")
    (site / "bytes-1.0.dist-info").mkdir()
    (site / "bytes-1.0.dist-info/METADATA").write_bytes(b"Name: bytes\nVersion: 1\xff\nSummary: \xfe\n")
    (site / "lost.egg-link").write_text("/nowhere/at/all\n")
    put(site, "good-1.0.dist-info", METADATA="Name: good\nVersion: 1.0\n", RECORD="good.py,,\n")
    place = find_environment(tmp_path, None)
    assert place is not None
    environment = read_environment(place)
    assert set(environment.distributions) == {"bytes", "good"}
    assert len(environment.problems) == 3


def test_no_environment_is_found_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "venv/lib/python3.11/site-packages").mkdir(parents=True)
    (tmp_path / ".env").write_text("A=1\n")
    assert find_environment(tmp_path, None) is None
    assert find_environment(tmp_path, "elsewhere") is None


def test_the_stamp_changes_when_something_is_installed(tmp_path: Path, site: Path) -> None:
    before = find_environment(tmp_path, None)
    os.utime(site, ns=(1, 1))
    after = find_environment(tmp_path, None)
    assert before is not None
    assert after is not None
    assert before.stamp != after.stamp


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs to run in a virtual environment")
def test_a_real_environment_offers_what_it_really_offers() -> None:
    place = find_environment(Path(sys.prefix).parent, Path(sys.prefix).name)
    assert place is not None
    assert Path(sysconfig.get_path("purelib")).resolve() in place.site_packages
    found = read_environment(place).distributions
    assert "pytest" in found["pytest"].imports
    assert "iniconfig" in found["pytest"].requires
    assert "git" in found["gitpython"].imports


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/__init__.py", "a/b.py"], ("a",)),
        (["a/b/__init__.py", "a/c.py"], ("a.b", "a.c")),
        (["a.py", "a-1.dist-info/RECORD", "b.data/scripts/x.py", "bin-x/y.py"], ("a",)),
        (["a/__pycache__/b.cpython-311.pyc", "c.pyd", "d.cp311-win_amd64.pyd"], ("c", "d")),
        ([], ()),
    ],
)
def test_files_make_names_importable(paths: list[str], names: tuple[str, ...]) -> None:
    assert import_names_of(paths) == names
