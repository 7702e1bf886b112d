"""What kind of file a path or its content is: looked at, or counted and left alone, and why."""

from __future__ import annotations

import re
from enum import Enum

from sophia_cli.core.patterns import late_pattern


class FileStatus(Enum):
    """Why a file is looked at or not; only the first two are analysed."""

    LOOKED_AT = "looked-at"
    FIXTURE = "fixture"
    VENDORED = "vendored"
    VIRTUAL_ENVIRONMENT = "virtual-environment"
    SUBMODULE = "submodule"
    GENERATED = "generated"
    TEMPLATE = "template"
    STUB = "stub"
    SYMLINK = "symlink"
    STATE = "state"
    IGNORED = "ignored"
    EXCLUDED = "excluded"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    PYTHON_2 = "python-2"
    NOT_PYTHON = "not-python"

    @property
    def is_reported(self) -> bool:
        """Whether a file of this status appears in findings; the others are only counted."""
        return self in _REPORTED


_REPORTED = frozenset(
    {FileStatus.LOOKED_AT, FileStatus.FIXTURE, FileStatus.UNREADABLE, FileStatus.TOO_LARGE, FileStatus.PYTHON_2}
)

PYTHON_SUFFIXES = (".py", ".pyw")
_MORE_SUFFIXES = (".pyi", ".wsgi")
_BUILD_SCRIPTS = frozenset({"SConstruct", "SConscript", "wscript"})
_SAYS_PYTHON = late_pattern(rb"#!.*python|.*-\*-.*\bpython\b.*-\*-", re.IGNORECASE)
LARGEST_FILE = 10 * 1024 * 1024
"""Bytes up to which a file is analysed: compiling takes some 40 times the size of a file in memory."""

_DOCUMENT_SUFFIXES = (".toml", ".cfg", ".ini", ".yml", ".yaml", ".sh", ".lock", ".pth", ".env")
_DOCUMENT_NAMES = late_pattern(
    r"(?:.*[-_.])?(?:requirements?|constraints?|deps|dependencies)(?:[-_.].*)?\.(?:txt|in|pip)|(?:.*\.)?(?:Dockerfile|Containerfile)(?:[.-].*)?"
    r"|Makefile|makefile|GNUmakefile|.*\.mk|Justfile|justfile|Procfile(?:\..*)?|Pipfile|\.env(?:\..*)?|\.python-version|runtime\.txt|pyrightconfig\.json",
)

_REQUIREMENTS_FOLDERS = frozenset({"requirements", "requirement", "reqs", "constraints"})
_TEMPLATE_SUFFIXES = tuple(
    f".{python}{joint}{engine}"
    for python in ("py", "pyw")
    for joint in (".", "-", "_")
    for engine in ("j2", "jinja", "jinja2", "tmpl", "tpl", "template", "mako", "in", "cookiecutter")
)
_VENDOR_FOLDERS = frozenset(
    {"vendor", "vendors", "vendored", "_vendor", "_vendored", "third_party", "third-party", "thirdparty"}
    | {"site-packages", "dist-packages", "node_modules", "bower_components", "__pypackages__"}
)
_INSTALLED_FOLDERS = frozenset({"site-packages", "dist-packages", "node_modules", "bower_components", "__pypackages__"})
_TEST_FOLDERS = frozenset({"test", "tests", "testing", "unittest", "unittests", "unit_tests", "spec", "specs"})
_OWN_FIXTURE_FOLDERS = frozenset({"testdata", "test_data", "test-data", "test_fixtures", "__fixtures__"})
_FIXTURE_FOLDERS = frozenset({"fixtures", "fixture", "data", "cases", "samples", "resources", "inputs", "snapshots"})
_BROKEN_NAME = late_pattern(
    r"(?:bad|broken|invalid)(?:[_-].*)?|bad_?syntax.*|.*[_-](?:bad|broken|invalid)(?:[_-].*)?|.*syntax_?err(?:or)?s?(?:[_-].*)?"
    r"|.*(?:no|not|doesnt)_?(?:compile|parse).*"
)
_GENERATED_NAME = late_pattern(r".*_pb2(?:_grpc)?\.py")
_GENERATED_MARK = late_pattern(
    rb"@generated\b|\bdo not (?:edit|modify|change)\b|\bgenerated (?:code|file)\b.{0,80}\bdo not\b", re.IGNORECASE
)
_GENERATED_WORD = late_pattern(rb"@generated\b|generat|created by|produced by|compiled (?:by|from)", re.IGNORECASE)
_TEMPLATE_TOKEN = late_pattern(rb"\{%[-+]?\s*\w.*?%\}|\{\{[-+]?\s*[\w.'\"| ()\[\],-]+?\s*[-+]?\}\}|\{#.*?#\}")
_HEAD_BYTES = 4096
_HEAD_LINES = 20


def is_named_python(name: str) -> bool:
    """Return whether a file of this name holds Python; another one that a user names has to say so itself."""
    return name.endswith((*PYTHON_SUFFIXES, *_MORE_SUFFIXES)) or name in _BUILD_SCRIPTS


def says_python(head: bytes) -> bool:
    """Return whether the first bytes of a file say that it is a Python script: its `#!` line, or Emacs's mode."""
    return _SAYS_PYTHON.match(head.split(b"\n", 1)[0]) is not None


def folder_status(name: str) -> FileStatus | None:
    """Return why everything below a folder of this name is left alone, None for an ordinary folder."""
    if name in _VENDOR_FOLDERS:
        return FileStatus.VENDORED
    if name == ".sophia":
        return FileStatus.STATE
    if "{{" in name:
        return FileStatus.TEMPLATE
    return None


def is_installed_folder(name: str) -> bool:
    """Return whether a package manager filled this folder: its files are not even counted one by one."""
    return name in _INSTALLED_FOLDERS


def is_test_folder(name: str) -> bool:
    """Return whether tests live in a folder of this name."""
    return name in _TEST_FOLDERS or name in _OWN_FIXTURE_FOLDERS


def is_fixture_folder(name: str, below_tests: bool) -> bool:
    """Return whether a folder holds test input: its name says so by itself, or stands below a folder of tests.

    The caller takes a folder with `__init__.py` back out: that is code (pytest fixtures), whatever its name.
    """
    return name in _OWN_FIXTURE_FOLDERS or (below_tests and name in _FIXTURE_FOLDERS)


def file_status(name: str, below_tests: bool, in_fixtures: bool) -> FileStatus | None:
    """Return what a file's name and place say about it; None for a name that is no Python file.

    A file below a folder of tests whose name says that it is broken is a fixture; one that a test runner would
    collect (`test_invalid_input.py`) is not.
    """
    if name.endswith(PYTHON_SUFFIXES):
        stem = name.rpartition(".")[0].lower()
        if "{{" in name:
            return FileStatus.TEMPLATE
        if _GENERATED_NAME.fullmatch(name):
            return FileStatus.GENERATED
        if in_fixtures:
            return FileStatus.FIXTURE
        if below_tests and not stem.startswith("test_") and not stem.endswith("_test") and _BROKEN_NAME.fullmatch(stem):
            return FileStatus.FIXTURE
        return FileStatus.LOOKED_AT
    if name.endswith(".pyi"):
        return FileStatus.STUB
    if name.endswith(_TEMPLATE_SUFFIXES):
        return FileStatus.TEMPLATE
    return None


def is_document(path: str) -> bool:
    """Return whether a file at this path may say how the project is declared, configured, built or started."""
    folder, _, name = path.rpartition("/")
    if name.endswith(_DOCUMENT_SUFFIXES) or _DOCUMENT_NAMES.fullmatch(name):
        return True
    return name.endswith((".txt", ".in")) and folder.rpartition("/")[2] in _REQUIREMENTS_FOLDERS


def classify_content(data: bytes, fault_line: int | None) -> FileStatus | None:
    """Return GENERATED or TEMPLATE where a file's bytes say so, else None.

    Generated: a leading comment or docstring that says both that a program wrote it and that it must not be edited,
    or carries `@generated`. Template: the line at which the compiler stops (from 1; None for a file that compiles)
    holds a Jinja token outside of quotes; a template inside a string of an otherwise broken file does not count.
    """
    if is_generated(data):
        return FileStatus.GENERATED
    if fault_line is not None and has_template_token(data, fault_line):
        return FileStatus.TEMPLATE
    return None


def has_template_token(data: bytes, line: int) -> bool:
    """Return whether this line (from 1) holds a Jinja token that no quote precedes."""
    lines = data.splitlines()
    if not 1 <= line <= len(lines):
        return False
    match = _TEMPLATE_TOKEN.search(lines[line - 1])
    return match is not None and not re.search(rb"['\"]", lines[line - 1][: match.start()])


def is_generated(data: bytes) -> bool:
    """Return whether the leading comments or docstring mark the file as written by a program."""
    head = data[:_HEAD_BYTES]
    lower = head.lower()
    # Every mark holds one of these, and looking for them takes a tenth of the time.
    if (b"generated" not in lower and b"do not " not in lower) or not _GENERATED_MARK.search(head):
        return False
    text = _leading_prose(head)
    return _GENERATED_MARK.search(text) is not None and _GENERATED_WORD.search(text) is not None


def _leading_prose(head: bytes) -> bytes:
    """Return the first lines up to the first line of code: comments, blank lines and a docstring."""
    kept: list[bytes] = []
    quote = b""
    for line in head.splitlines()[:_HEAD_LINES]:
        bare = line.strip().removeprefix(b"\xef\xbb\xbf")
        if quote:
            kept.append(bare)
            if quote in bare:
                quote = b""
            continue
        opening = re.match(rb"[rRuU]?(\"\"\"|''')", bare)
        if opening:
            kept.append(bare)
            if opening.group(1) not in bare[opening.end() :]:
                quote = opening.group(1)
        elif not bare or bare.startswith(b"#"):
            kept.append(bare)
        else:
            break
    return b"\n".join(kept)
