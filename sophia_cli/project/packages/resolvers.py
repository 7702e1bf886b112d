"""The three tools that resolve, and which one is asked.

uv where `PATH` has it: it resolves for any interpreter and is the fastest. Else pip-tools, which resolves for the
interpreter that runs it, so only where the target has the same Python version as Sophia. Else pip's own resolver, run
in the target: it names the one file that would be installed. Where another tool finds no answer pip is asked too: it
sees what the environment holds already, and it says best who wants what.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from sophia_cli.project.dependencies.names import normalised
from sophia_cli.project.packages.children import run_tool
from sophia_cli.project.packages.index_settings import pip_index_settings
from sophia_cli.project.packages.resolution import (
    CONSTRAINTS,
    RESOLVED,
    WANTED,
    Pin,
    Question,
    Resolution,
    read_pins,
    write_pins,
)
from sophia_cli.project.packages.target import Target
from sophia_cli.project.packages.tools import Tools
from sophia_cli.project.packages.trouble import resolving_failed

LIMIT_S = 1800.0
_REPORT = "report.json"


def resolve(question: Question, target: Target, tools: Tools) -> Resolution:
    """Return the versions that answer the question for the target's interpreter and platform. Installs nothing.

    UsageError when nothing answers it: `packages-conflict`, `package-not-found`; UnavailableError when the index cannot
    be reached (`index-unreachable`) or the tool fails (`resolver-failed`).
    """
    if not question.requirements:
        return Resolution("none", ())
    with TemporaryDirectory(prefix="sophia-") as name:
        folder = Path(name)
        question.write(folder)
        # Only pip tells apart which packages may be built and which must be wheels.
        compiled = None if question.allow_build else _compiled(question, target, tools, folder)
        return compiled or _with_pip(question, tools, folder)


def build_options(allow_build: tuple[str, ...]) -> tuple[str, ...]:
    """Return pip's options for wheels only, except for the packages that may be built."""
    names = ",".join(allow_build)
    return ("--only-binary", ":all:", *(("--no-binary", names) if names else ()))


def _compiled(question: Question, target: Target, tools: Tools, folder: Path) -> Resolution | None:
    write_pins(folder / RESOLVED, question.preferred)
    bounds = _bounds(question, tools)
    if tools.uv is not None and (settings := pip_index_settings(tools, folder)) is not None:
        words = (
            tools.uv, "pip", "compile", "--quiet", "--python", str(target.python), "--generate-hashes",
            "--only-binary", ":all:", "--no-header", "--annotation-style", "line", "--no-emit-index-url",
            *settings.uv_options(), *bounds, "--output-file", RESOLVED, WANTED,
        )  # fmt: skip
        ended = run_tool(
            words, folder=folder, environment={**tools.environment, **settings.uv_environment()}, limit_s=LIMIT_S
        )
        if ended.code == 0:
            return Resolution("uv", read_pins((folder / RESOLVED).read_text("utf-8")))
    elif tools.pip_tools is not None:
        words = (
            *tools.pip_tools, "compile", "--quiet", "--no-config", "--generate-hashes", "--allow-unsafe", "--no-header",
            "--annotation-style=line", "--no-emit-options", "--no-strip-extras", "--resolver=backtracking",
            "--pip-args", "--only-binary :all:", *bounds, "--output-file", RESOLVED, WANTED,
        )  # fmt: skip
        ended = run_tool(words, folder=folder, environment=with_site_settings(target, tools), limit_s=LIMIT_S)
        if ended.code == 0:
            return Resolution("pip-tools", read_pins((folder / RESOLVED).read_text("utf-8")))
    return None


def _bounds(question: Question, tools: Tools) -> tuple[str, ...]:
    files = (*((CONSTRAINTS,) if question.constraints else ()), *tools.bounds)
    return tuple(word for file in files for word in ("--constraint", file))


def with_site_settings(target: Target, tools: Tools) -> dict[str, str]:
    """Return the variables that make pip in Sophia's environment read the target's own `pip.conf` as well."""
    own = target.prefix / "pip.conf"
    return {**({"PIP_CONFIG_FILE": str(own)} if own.is_file() else {}), **tools.environment}


def _with_pip(question: Question, tools: Tools, folder: Path) -> Resolution:
    words = (
        *tools.pip, "install", "--dry-run", "--report", _REPORT, *build_options(question.allow_build),
        *_bounds(question, tools), "--requirement", WANTED,
    )  # fmt: skip
    ended = run_tool(words, folder=folder, environment=tools.environment, limit_s=LIMIT_S)
    if ended.code != 0:
        raise resolving_failed(f"{ended.out}\n{ended.err}", question.requirements)
    return Resolution("pip", read_report((folder / _REPORT).read_text("utf-8")), is_whole=False)


def read_report(text: str) -> tuple[Pin, ...]:
    """Read pip's installation report (its documented format, version 1)."""
    pins = []
    for item in json.loads(text)["install"]:
        about, archive = item["metadata"], item["download_info"].get("archive_info", {})
        digest = archive.get("hashes", {}).get("sha256")
        hashes = (f"sha256:{digest}",) if digest else ()
        pins.append(Pin(normalised(about["name"]), str(about["version"]), hashes))
    return tuple(pins)
