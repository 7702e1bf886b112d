"""The story of `sophia demo`: a broken project is scanned, mended, checked and put back, by the real commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from sophia_cli.core.errors import ExitCode, SophiaError, UnavailableError
from sophia_cli.core.values import dataclass

_MARK = "@@@ "
_TIMEOUT_S = 120.0
# The scratch repository must be the same on every machine: nobody's hooks, templates or signing take part.
_GIT = ("git", "-c", "user.name=Demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a `sophia` command said in JSON: the parts of it that the story tells."""

    exit_code: int
    run_id: str | None
    findings: int
    fixed: int
    unparsable_before: int
    grade: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What happened: counts, and everything that was not as it should be (`complaints`, empty when all went well)."""

    found: int
    fixed: int
    fixed_safely: int
    files: int
    broken: int
    mended: int
    grade_before: str
    grade_after: str
    from_history: bool
    restored: bool
    complaints: tuple[str, ...]


def bundled(name: str) -> Mapping[str, bytes]:
    """Return the files of a bundle that the package carries, by their path."""
    text = (files("sophia_cli") / "demo" / f"{name}.txt").read_text("utf-8")
    contents: dict[str, bytes] = {}
    for part in ("\n" + text).split("\n" + _MARK)[1:]:
        path, _, body = part.partition("\n")
        contents[path] = body.rstrip("\n").encode() + b"\n"
    return contents


def unpack(folder: Path) -> bool:
    """Write the broken project into an empty folder, with its history where git is there; return whether it is."""
    project = bundled("project")
    program = shutil.which("git")
    if program is not None:
        _write(folder, bundled("history"))
        _git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
        _commit(folder, "Send messages from an outbox")
    _write(folder, project)
    if program is not None:
        _commit(folder, "Add the other services, shorten the outbox")
    return program is not None


def play(folder: Path, tell: Callable[[str], None]) -> Story:
    """Play the whole story in an empty folder; `tell` gets every line of it as it happens."""
    has_history = unpack(folder)
    before = _contents(folder)
    tell(
        f"A project of three services: {len(before)} files in {folder}" + (", with git history" if has_history else "")
    )
    complaints: list[str] = []

    scan = _sophia(folder, "scan")
    tell("\n$ sophia scan")
    tell(f"  found    {scan.findings} findings; {scan.unparsable_before} files do not compile; grade {scan.grade}")
    _tell_notes(scan, tell)

    safe = _sophia(folder, "fix")
    tell("\n$ sophia fix")
    tell(f"  mended   {safe.fixed} of {safe.findings}, only what is certain; {_undo_words(safe)}")
    _tell_notes(safe, tell)
    rest = _sophia(folder, "fix", "--unsafe")
    tell("\n$ sophia fix --unsafe")
    tell(f"  mended   {rest.fixed} of the {rest.findings} that were left; {_undo_words(rest)}")
    _tell_notes(rest, tell)

    broken_now = _not_compiling(folder)
    compiling = sum(path.endswith(".py") for path in before) - len(broken_now)
    tell(f"\n  verified {compiling} files compile, {len(broken_now)} do not; grade {rest.grade}")
    complaints += [f"{path} does not compile after the fix" for path in broken_now]
    if scan.findings == 0:
        complaints.append("the scan found nothing in a broken project")
    if rest.exit_code != 0 or safe.fixed + rest.fixed < scan.findings:
        complaints.append(f"{scan.findings - safe.fixed - rest.fixed} findings remain")

    tell("")
    for answer in (rest, safe):
        if answer.run_id is not None:
            undone = _run(folder, "undo", answer.run_id, "--json")
            tell(f"$ sophia undo {answer.run_id}")
            if undone.returncode != 0:
                complaints.append(
                    f"undo of run {answer.run_id} ended with {undone.returncode}: {undone.stderr.strip()}"
                )
    restored = _contents(folder) == before
    tell(f"  undone   every file is {'the same to the byte as before' if restored else 'NOT as before'}")
    if not restored:
        complaints.append("undo did not bring every byte back")
    return Story(
        # What only shows once a file compiles counts too.
        found=safe.fixed + rest.findings,
        fixed=safe.fixed + rest.fixed,
        fixed_safely=safe.fixed,
        files=len(before),
        broken=scan.unparsable_before,
        mended=scan.unparsable_before - len(broken_now),
        grade_before=scan.grade,
        grade_after=rest.grade,
        from_history=has_history,
        restored=restored,
        complaints=tuple(complaints),
    )


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for path, data in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--no-verify", "--message", message)


def _git(folder: Path, *words: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        [*_GIT, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        message = f"`git {words[0]}` failed: {done.stderr.strip()}"
        raise UnavailableError("demo-failed", message, hint="look at `sophia doctor`")


def _contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and bytes of every file of the project; Sophia's state and git's data are not of it."""
    found: dict[str, tuple[int, bytes]] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in (".git", ".sophia")]
        for name in names:
            path = Path(place, name)
            found[path.relative_to(folder).as_posix()] = (path.stat().st_mode, path.read_bytes())
    return found


def _not_compiling(folder: Path) -> list[str]:
    broken: list[str] = []
    for path, (_, data) in sorted(_contents(folder).items()):
        if path.endswith(".py"):
            try:
                compile(data, path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError):
                broken.append(path)
    return broken


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # -P keeps the project's own folder off the import path.
    command = [sys.executable, "-P", "-m", "sophia_cli", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)


def _sophia(folder: Path, *words: str) -> Answer:
    done = _run(folder, *words, "--json")
    if done.returncode not in (0, 1):
        raise SophiaError(
            "demo-failed",
            f"`sophia {' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()}",
            hint="run it yourself after `sophia demo --keep`",
            exit_code=ExitCode.FINDINGS,
        )
    document = json.loads(done.stdout)
    summary = document["summary"]
    return Answer(
        exit_code=done.returncode,
        run_id=document["run_id"],
        findings=summary["findings"],
        fixed=summary["fixed"],
        unparsable_before=summary["files_unparsable_before"],
        grade=summary["grade"]["letter"],
        notes=tuple(_note(item, of_fix=words[0] == "fix") for item in document["findings"]),
    )


def _note(finding: Mapping[str, Any], *, of_fix: bool) -> str:  # one finding as it stands in the JSON
    place = f"{finding['path']}:{finding['line']}"
    if not of_fix:
        return f"{place} {finding['name']}"
    if not finding["applied"]:
        return f"{place} {finding['name']}: {'left' if finding['remains'] else 'gone with another fix'}"
    commit = finding["data"].get("commit")
    broken_by = f" (broken by commit {commit[:7]})" if commit else ""
    return f"{place} {finding['fix']['title']}{broken_by}"


def _tell_notes(answer: Answer, tell: Callable[[str], None]) -> None:
    for note in answer.notes:
        tell(f"           {note}")


def _undo_words(answer: Answer) -> str:
    return f"undo: sophia undo {answer.run_id}" if answer.run_id else "nothing was written"
