"""What tools say, read: compiled files, reports, settings, errors; and no secret of it comes through."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.core.errors import ExitCode
from sophia_cli.project.packages.index_settings import IndexSettings, read_pip_settings
from sophia_cli.project.packages.redaction import without_secrets
from sophia_cli.project.packages.resolution import Pin, pin_lines, read_pins
from sophia_cli.project.packages.resolvers import read_report
from sophia_cli.project.packages.trouble import installing_failed, resolving_failed
from sophia_cli.project.packages.versions import is_newer, is_same_version
from sophia_cli.project.packages.wishes import Wish

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
WISHES = (Wish("alpha", "alpha>=2", "requirements.txt:4"), Wish("shared", "shared >= 2", "api/requirements.txt:1"))


@pytest.mark.parametrize(
    "text",
    [
        f"# by a tool\nalpha==1.0 \\\n    --hash={ONE} \\\n    --hash={TWO}\n    # via -r w.in, beta\nbeta[x]==2\n",
        f"alpha==1.0 \\\n    --hash={ONE} \\\n    --hash={TWO}  # via -r wanted.in, beta\nbeta[x]==2\n",
    ],
)
def test_pins_are_read_with_hashes_and_who_wants_them(text: str) -> None:
    assert read_pins(text) == (Pin("alpha", "1.0", (ONE, TWO), ("beta",)), Pin("beta", "2", ()))


def test_pins_that_are_written_are_read_again() -> None:
    pins = (Pin("alpha", "1.0", (ONE, TWO)), Pin("beta", "2", (TWO,)))
    assert read_pins(pin_lines(pins)) == pins


def test_a_report_of_pip_is_read() -> None:
    item = {
        "metadata": {"name": "Al.pha", "version": "1.0"},
        "download_info": {"url": "x", "archive_info": {"hashes": {"sha256": "1" * 64}}},
    }
    assert read_report(json.dumps({"version": "1", "install": [item]})) == (Pin("al-pha", "1.0", (ONE,)),)


def test_settings_of_pip_are_merged_by_rank_whatever_their_order() -> None:
    listing = (
        ":env:.index-url='https://env.invalid/simple'\nglobal.index-url='https://global.invalid/simple'\n"
        "install.find-links='/a /b'\nglobal.find-links='/c'\nglobal.trusted-host='one two'\nglobal.no-index='true'\n"
        "download.extra-index-url='https://other.invalid'\nnonsense\n"
    )
    settings = read_pip_settings(listing)
    assert settings == IndexSettings("https://env.invalid/simple", (), ("/a", "/b"), True, ("one", "two"))
    assert settings.uv_options() == ("--no-index",)
    assert settings.uv_environment()["UV_FIND_LINKS"] == "/a,/b"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("see https://user:pw@host.invalid/t0ken/simple/x?key=1 now", "see https://host.invalid/... now"),
        ("Looking in indexes: https://t0ken@host.invalid:81/", "Looking in indexes: https://host.invalid:81"),
        ("git+ssh://git:pw@host.invalid/x.git", "git+ssh://host.invalid/..."),
        ("no address at all: a@b", "no address at all: a@b"),
    ],
)
def test_addresses_are_cut_down_to_their_host(said: str, told: str) -> None:
    assert without_secrets(said) == told


@given(
    st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=3),
    st.sampled_from(["{0}@", "u:{0}@", "h/{0}/", "h/?k={0}"]),
)
def test_nothing_but_the_host_of_an_address_comes_through(secret: str, place: str) -> None:
    hidden = f"S3CRET{secret}S3CRET"
    shown = without_secrets(f"ERROR: cannot read 'https://{place.format(hidden)}host.invalid/simple' today")
    assert "S3CRET" not in shown
    assert shown.endswith("today")


def test_a_conflict_says_who_wants_what_and_where() -> None:
    said = "The conflict is caused by:\n    The user requested shared>=2\n    alpha 2.0 depends on shared<2\n\nTo fix\n"
    error = resolving_failed(said, WISHES)
    assert error.reference == "packages-conflict"
    assert error.location == "api/requirements.txt:1"
    assert "\n" not in error.message
    for part in (
        "`api/requirements.txt:1` asks for `shared>=2`",
        "`alpha` 2.0 (asked for by `requirements.txt:4`)",
        "`shared<2`",
    ):
        assert part in error.message


def test_a_version_that_does_not_exist_is_told_with_those_that_do() -> None:
    said = (
        "ERROR: Could not find a version that satisfies the requirement alpha>=2 (from versions: 1.0, 1.1)\n"
        "ERROR: No matching distribution found for alpha>=2\n"
    )
    error = resolving_failed(said, WISHES)
    assert error.reference == "package-not-found"
    assert "requirements.txt:4" in error.message
    assert "1.0, 1.1" in error.message


@pytest.mark.parametrize(
    ("said", "reference"),
    [
        (
            "after connection broken by 'NewConnectionError: refused'\nNo matching distribution found for alpha",
            "index-unreachable",
        ),
        ("ERROR: 401 Client Error: Unauthorized for url: https://u:pw@host.invalid/simple", "index-refused"),
        ("Traceback\nKeyError: 'x' in https://u:pw@host.invalid/x", "resolver-failed"),
    ],
)
def test_other_trouble_is_exit_69_without_secrets(said: str, reference: str) -> None:
    error = resolving_failed(said, WISHES)
    assert (error.reference, error.exit_code) == (reference, ExitCode.UNAVAILABLE)
    assert "pw" not in error.message


def test_a_file_with_another_hash_is_told_apart() -> None:
    assert installing_failed("THESE PACKAGES DO NOT MATCH THE HASHES ...").reference == "package-hash-mismatch"


def test_versions_are_compared_as_versions() -> None:
    assert is_same_version("1.0", "1.0.0")
    assert is_newer("1.10", "1.9")
    assert not is_same_version("odd-one", "1.0")
    assert is_newer("1.0", "odd-one")


def test_bounds_that_pip_writes_as_a_sentence_are_found_in_the_declaration() -> None:
    wishes = (Wish("shared", "shared>=1,<2", "one.txt:1"), Wish("shared", "shared>=2", "two.txt:1"))
    said = "The conflict is caused by:\n    The user requested shared<2 and >=1\n    The user requested shared>=2\n\n"
    message = resolving_failed(said, wishes).message
    assert "`one.txt:1` asks for `shared<2,>=1`" in message
    assert "`two.txt:1` asks for `shared>=2`" in message
