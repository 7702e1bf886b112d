"""Requirements files: what each line asks for, and where it stands."""

from __future__ import annotations

import pytest

from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role
from sophia_cli.project.dependencies.requirements_file import read_requirements


def read(text: str | bytes) -> Declaration:
    return read_requirements("app/requirements.txt", text.encode() if isinstance(text, str) else text)


def only(text: str | bytes) -> Requirement:
    declaration = read(text)
    assert declaration.problems == ()
    (requirement,) = declaration.requirements
    return requirement


@pytest.mark.parametrize(
    ("line", "name", "extras", "specifier", "marker", "url"),
    [
        ("Flask_Cors", "flask-cors", (), "", "", None),
        ("zope.interface==6.1", "zope-interface", (), "==6.1", "", None),
        ("httpx[http2, brotli] >=0.27, <1", "httpx", ("http2", "brotli"), ">=0.27, <1", "", None),
        ("httpx (>=0.27,<1)", "httpx", (), ">=0.27,<1", "", None),
        ("httpx>=0.27;python_version>'3.8'  # why", "httpx", (), ">=0.27", "python_version>'3.8'", None),
        ("mail @ https://h/mail.zip ; os_name=='nt'", "mail", (), "", "os_name=='nt'", "https://h/mail.zip"),
        ("-e git+https://h/o/shop.git@v1#egg=shop", "shop", (), "", "", "git+https://h/o/shop.git@v1#egg=shop"),
        ("git+ssh://git@h/o/shop.git", "shop", (), "", "", "git+ssh://git@h/o/shop.git"),
        ("./wheels/shop-1.0-py3-none-any.whl", "shop", (), "", "", "./wheels/shop-1.0-py3-none-any.whl"),
        ("shop-1.0.tar.gz", "shop", (), "", "", "shop-1.0.tar.gz"),
        ("--editable=./shop[test]", "", ("test",), "", "", "./shop[test]"),
        ("foo===1.0-local", "foo", (), "===1.0-local", "", None),
    ],
)
def test_a_line_is_read_as_pip_reads_it(
    line: str, name: str, extras: tuple[str, ...], specifier: str, marker: str, url: str | None
) -> None:
    found = only(line)
    assert (found.name, found.extras, found.specifier, found.marker, found.url) == (
        name,
        extras,
        specifier,
        marker,
        url,
    )


def test_a_continued_line_is_one_entry_with_its_hashes() -> None:
    data = b"# head\nflask==3.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nhttpx\n"
    flask, httpx = read(data).requirements
    assert flask.has_hashes
    assert not httpx.has_hashes
    assert data[flask.span.start : flask.span.end].count(b"\n") == 3
    assert (flask.pinned, flask.line, httpx.line) == ("3.0", 2, 5)


def test_options_and_comments_ask_for_nothing() -> None:
    text = "-i https://h/simple\n--extra-index-url=https://h\n--no-binary :all:\n--pre\n  # words\n\n-f wheels\n"
    assert read(text) == Declaration("app/requirements.txt", Format.REQUIREMENTS, (), declares_main=True)


def test_an_unknown_option_is_a_problem() -> None:
    assert [problem.line for problem in read("httpx\n--frobnicate\n").problems] == [2]


def test_includes_lead_from_the_folder_of_the_file() -> None:
    includes = read(
        "-r base.txt\n-rdev.txt\n--requirement ../all.txt\n-c limits.txt\n-r ../../out.txt\n-r ${X}"
    ).includes
    assert [include.path for include in includes] == [
        "app/base.txt",
        "app/dev.txt",
        "all.txt",
        "app/limits.txt",
        None,
        None,
    ]
    assert [include.role for include in includes][3] is Role.CONSTRAINT


@pytest.mark.parametrize("line", ["flask>=", "flask==", "flask>1,<", "flask[x] ~="])
def test_a_version_that_was_never_finished_still_asks_for_its_distribution(line: str) -> None:
    declaration = read(line)
    assert [one.name for one in declaration.requirements] == ["flask"]
    assert len(declaration.problems) == 1


@pytest.mark.parametrize("line", ["flask httpx", "<<<<<<< HEAD", "=>1.0", "numpy=1.2=py311", "-e", "@ https://h"])
def test_what_pip_refuses_is_one_problem_with_its_line(line: str) -> None:
    assert [problem.line for problem in read(f"httpx\n{line}\n").problems] == [2]


def test_a_table_of_pip_names_versions_and_declares_nothing() -> None:
    declaration = read("Package    Version\n---------- -------\nGitPython  3.1.41\n")
    assert declaration.format is Format.PIP_LIST
    assert [(one.name, one.pinned, one.role) for one in declaration.requirements] == [
        ("gitpython", "3.1.41", Role.LOCK)
    ]
    assert not declaration.declares_main


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_byte_order_mark_says_the_encoding_and_places_stay_bytes_of_the_file(encoding: str) -> None:
    data = "httpx==1.0  # größe\r\nflask==2\r\n".encode(encoding)
    httpx, flask = read(data).requirements
    bare = "utf-8" if encoding == "utf-8-sig" else encoding + "-le"
    assert data[flask.value.start : flask.value.end].decode(bare) == "==2"
    assert data[httpx.span.start : httpx.span.end].decode(bare) == "httpx==1.0  # größe\r\n"


def test_bytes_of_no_known_encoding_are_read_all_the_same() -> None:
    assert only(b"httpx  # \xff\xfe\n").name == "httpx"


@pytest.mark.parametrize(
    ("text", "is_compiled"),
    [
        ("#\n# This file is autogenerated by pip-compile with Python 3.11\n#\nhttpx==1\n    # via shop\n", True),
        ("httpx==1\n    # via shop\n", True),
        ("httpx==1  # by hand\n", False),
    ],
)
def test_what_a_resolver_wrote_is_told_apart(text: str, is_compiled: bool) -> None:
    assert read(text).is_compiled is is_compiled


def test_an_equals_sign_before_another_one_is_no_version_of_conda() -> None:
    declaration = read("flask=<2\nhttpx=0.27\n")
    assert [(one.line, one.message) for one in declaration.problems] == [
        (1, "`=<2` after `flask` is no version specifier"),
        (2, "`httpx=0.27` is written as conda writes it; pip wants `httpx==0.27`"),
    ]
    assert [one.name for one in declaration.requirements] == ["flask", "httpx"]
