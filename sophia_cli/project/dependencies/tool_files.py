"""`tox.ini` and `noxfile.py`: what the environments of test runners are told to install."""

from __future__ import annotations

import ast
import re
import warnings

from sophia_cli.project.dependencies.entry import quoted_entry
from sophia_cli.project.dependencies.model import Declaration, Format, Include, Requirement, Role
from sophia_cli.project.dependencies.requirements_file import resolve
from sophia_cli.project.dependencies.setup_cfg import read_options
from sophia_cli.project.dependencies.text import read_text

_FACTOR = re.compile(r"[A-Za-z0-9_.,!{}-]+:\s+")
_INCLUDE = re.compile(r"(-r|-c)\s*(\S+)")


def read_tox(path: str, data: bytes) -> Declaration:
    """Read the `deps` of a `tox.ini`; what is put together from other places is passed over. Never fails."""
    text = read_text(data)
    requirements: list[Requirement] = []
    includes: list[Include] = []
    for option in read_options(text):
        if option.name != "deps":
            continue
        for value in option.values:
            factor = _FACTOR.match(value.words)
            words = value.words[factor.end() :] if factor else value.words
            place = value.place + (factor.end() if factor else 0)
            if include := _INCLUDE.fullmatch(words):
                role = Role.CONSTRAINT if include[1] == "-c" else Role.DEV
                target = include[2].removeprefix("{toxinidir}/").removeprefix("{tox_root}/")
                if "{" not in target:
                    includes.append(Include(include[2], resolve(path, target), role, text.line(place)))
                continue
            found = quoted_entry(text, Role.DEV, option.section, words, place=place, whole=value.whole)
            if isinstance(found, Requirement):
                requirements.append(found)
    return Declaration(path, Format.TOX, tuple(requirements), tuple(includes))


def read_noxfile(path: str, data: bytes) -> Declaration:
    """Read the literal arguments of `session.install`; nothing where the file does not parse. Never fails."""
    text = read_text(data)
    requirements: list[Requirement] = []
    includes: list[Include] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Declaration(path, Format.NOX, ())
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "install"):
            continue
        before = ""
        for argument in node.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                continue
            words, place = argument.value, text.starts[min(argument.lineno, len(text.starts)) - 1]
            if before in ("-r", "--requirement"):
                includes.append(Include(words, resolve(path, words), Role.DEV, argument.lineno))
            elif not words.startswith("-") and before not in ("-c", "-e", "--constraint"):
                found = quoted_entry(text, Role.DEV, "nox", words, place=place, whole=(place, place))
                if isinstance(found, Requirement):
                    requirements.append(found)
            before = words
    return Declaration(path, Format.NOX, tuple(requirements), tuple(includes))
