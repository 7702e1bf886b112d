"""Projects as texts, for tests of calls."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Mapping

import pytest

from sophia_cli.project.calls.wrong import Calls, WrongCall
from sophia_cli.project.code.file_facts import FileFacts, facts_of
from sophia_cli.project.imports.graph import build_graph

Check = Callable[[Mapping[str, str]], list[str]]


def wrong_calls(texts: Mapping[str, str]) -> tuple[WrongCall, ...]:
    files: dict[str, FileFacts] = {}
    for path, text in texts.items():
        plain = textwrap.dedent(text)
        files[path] = facts_of(path, plain, ast.parse(plain))
    return Calls(files, build_graph(files).resolver).wrong


@pytest.fixture
def check() -> Check:
    """Return what is wrong in a project, a line each: `app.py:3 callee -unknown +missing`."""

    def described(texts: Mapping[str, str]) -> list[str]:
        found: list[str] = []
        for wrong in wrong_calls(texts):
            words = [f"{wrong.path}:{wrong.call.line}", wrong.call.written]
            words += [f"-{keyword.name}" for keyword in wrong.unknown] + [f"+{name}" for name in wrong.missing]
            found.append(" ".join(words))
        return found

    return described
