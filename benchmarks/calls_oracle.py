"""Wrong calls beside type checkers: how many of them are found, and what is reported of code that is right.

    python -m benchmarks.calls_oracle SOURCES [--peers FOLDER] [--share 0.2] [--seed 1]

SOURCES is a folder of Python files that are well kept. First everything that is reported of it is printed: close to
nothing should be. Then, in a copy, a share of the keywords in calls is renamed so that nothing takes them, and ty and
pyrefly say which of these calls they understand (FOLDER holds their executables; without it they are looked for on
PATH). Printed is how many of the keywords that both report are found, and the callees of the others: those of the
standard library are not looked for, since only calls of the project's own code are.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sophia_cli.project.calls.wrong import Calls, WrongCall
from sophia_cli.project.code.file_facts import FileFacts, facts_of
from sophia_cli.project.imports.graph import build_graph

_SUFFIX = "_of_nobody"
_TY_LINE = re.compile(r"^(\S+?):(\d+):\d+: \S*\[unknown-argument\] .*?`(\w+)`", re.MULTILINE)
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Spot:
    """A keyword that somebody reports."""

    path: str
    line: int
    name: str


def main() -> None:
    parser = argparse.ArgumentParser(description="wrong calls beside type checkers")
    parser.add_argument("sources", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    reported = [item for wrong in wrong_calls(options.sources) for item in described(wrong)]
    print(f"as it is: {len(reported)} reported")
    print("".join(f"  {item}\n" for item in reported), end="")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch).resolve() / "sources"
        shutil.copytree(options.sources, root, ignore=shutil.ignore_patterns(".*"))
        callees = dict(rename_keywords(root, options.share, random.Random(options.seed)))
        ours = {Spot(wrong.path, word.line, word.name) for wrong in wrong_calls(root) for word in wrong.unknown}
        by_ty = reported_by_ty(root, program("ty", options.peers)) & callees.keys()
        by_pyrefly = reported_by_pyrefly(root, program("pyrefly", options.peers)) & callees.keys()
    both = by_ty & by_pyrefly
    print(f"renamed: {len(callees)} keywords; ty reports {len(by_ty)}, pyrefly {len(by_pyrefly)}, both {len(both)}")
    print(
        f"found of those that both report: {len(both & ours)}; reported and not renamed: {len(ours - callees.keys())}"
    )
    for callee, count in Counter(callees[spot] for spot in both - ours).most_common(_SHOWN):
        print(f"  not found: {count} of {callee}")


def wrong_calls(root: Path) -> tuple[WrongCall, ...]:
    """Return the wrong calls of a folder, as a scan finds them."""
    files: dict[str, FileFacts] = {}
    for path, text, tree in sources(root):
        name = path.relative_to(root).as_posix()
        files[name] = facts_of(name, text, tree)
    return Calls(files, build_graph(files).resolver).wrong


def described(wrong: WrongCall) -> Iterator[str]:
    """Yield a line for every argument that is wrong."""
    for keyword in wrong.unknown:
        yield f"{wrong.path}:{keyword.line} {wrong.call.written} takes no {keyword.name}"
    for name in wrong.missing:
        yield f"{wrong.path}:{wrong.call.line} {wrong.call.written} needs {name}"


def sources(root: Path) -> Iterator[tuple[Path, str, ast.Module]]:
    """Yield every Python file that compiles, with its text and its tree."""
    for path in sorted(root.rglob("*.py")):
        try:
            text = path.read_text("utf-8")
            yield path, text, ast.parse(text)
        except (SyntaxError, ValueError):
            continue


def rename_keywords(root: Path, share: float, chance: random.Random) -> Iterator[tuple[Spot, str]]:
    """Rename a share of the keywords in calls, in place, and yield each with what is called."""
    for path, text, tree in sources(root):
        lines = text.encode().split(b"\n")
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        chosen = [
            (word, word.arg, call) for call in calls for word in call.keywords if word.arg and chance.random() < share
        ]
        for word, name, call in sorted(chosen, key=lambda item: (-item[0].lineno, -item[0].col_offset)):
            line = lines[word.lineno - 1]
            end = word.col_offset + len(name.encode())
            lines[word.lineno - 1] = line[:end] + _SUFFIX.encode() + line[end:]
            yield Spot(path.relative_to(root).as_posix(), word.lineno, name + _SUFFIX), ast.unparse(call.func)
        path.write_bytes(b"\n".join(lines))


def program(name: str, folder: Path | None) -> str:
    """Return the command of a peer; raises SystemExit where there is none."""
    found = shutil.which(name, path=None if folder is None else str(folder))
    if found is None:
        raise SystemExit(f"`{name}` is not here: say where with --peers")
    return found


def reported_by_ty(root: Path, command: str) -> set[Spot]:
    """Return the keywords that ty takes for unknown."""
    arguments = [command, "check", "--output-format", "concise", "--exit-zero", "."]
    output = subprocess.run(arguments, cwd=root, capture_output=True, text=True, check=False).stdout
    return {Spot(path, int(line), name) for path, line, name in _TY_LINE.findall(output)}


def reported_by_pyrefly(root: Path, command: str) -> set[Spot]:
    """Return the keywords that pyrefly takes for unknown."""
    arguments = [command, "check", "--output-format", "json", "."]
    output = subprocess.run(arguments, cwd=root, capture_output=True, text=True, check=False).stdout
    found: set[Spot] = set()
    for error in json.loads(output)["errors"]:
        name = re.search(rf"`(\w+{_SUFFIX})`", error["description"])
        if error["name"] == "unexpected-keyword" and name is not None:
            found.add(Spot(str(error["path"]).removeprefix(f"{root}/"), error["line"], name[1]))
    return found


if __name__ == "__main__":
    main()
