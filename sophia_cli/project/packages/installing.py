"""Carrying an installation out as part of a run: fetched, kept, announced, installed, looked at; in that order."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.core.packages import PackagesReport
from sophia_cli.project.failpoints import PackageFailpoint, failpoint
from sophia_cli.project.packages.children import run_tool
from sophia_cli.project.packages.installed import installed_packages
from sophia_cli.project.packages.keeping import Change, aftermath, keep
from sophia_cli.project.packages.manifest import encode_aftermath, encode_manifest
from sophia_cli.project.packages.planning import InstallPlan, applied
from sophia_cli.project.packages.resolution import RESOLVED, pin_lines
from sophia_cli.project.packages.resolvers import LIMIT_S
from sophia_cli.project.packages.tools import Tools
from sophia_cli.project.packages.trouble import last_words
from sophia_cli.project.packages.versions import is_same_version
from sophia_cli.project.packages.way_back import AFTERMATH, MANIFEST, mark_of
from sophia_cli.project.packages.wheels import Wheel, fetch_wheels, wheel_lines
from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.runs.records import PackageChange
from sophia_cli.project.runs.run_folders import packages_folder
from sophia_cli.project.runs.transactions import Run

_WHEELS = "wheels"
_TEMPORARY = "tmp"
_INSTALLED = "installed.txt"


def install(plan: InstallPlan, run: Run, tools: Tools, say: Callable[[str], None]) -> PackagesReport:
    """Install what the plan says, renew its lock files, and return its report; taking the run back restores both.

    The index is asked before anything changes, not after. Raises what `fetch_wheels` and `keep` raise, nothing changed;
    SophiaError (`install-failed`, exit 3) when the installation itself fails, and WriteFailed: leaving the run's
    block puts everything back.
    """
    run.apply(plan.locks)
    if not plan.pins:
        return applied(plan.report, None)
    folder = packages_folder(run.lock.state, run.id)
    try:
        return _installed(plan, run, tools, folder, say)
    except OSError as error:
        raise WriteFailed(error.filename or str(folder), error) from error
    finally:
        # What was fetched is in the environment now, or is not wanted; the way back needs neither.
        for name in (_WHEELS, _TEMPORARY):
            shutil.rmtree(folder / name, ignore_errors=True)


def _installed(plan: InstallPlan, run: Run, tools: Tools, folder: Path, say: Callable[[str], None]) -> PackagesReport:
    folder.mkdir(mode=0o700)
    resolved = folder / RESOLVED
    _write(resolved, pin_lines(plan.resolved).encode("ascii"))
    say(f"fetching {len(plan.pins)} packages")
    wheels = fetch_wheels(plan.pins, tools, folder / _WHEELS, plan.allow_build)
    failpoint(PackageFailpoint.WHEELS_FETCHED)
    say(f"keeping what {len(plan.pins)} packages replace")
    changes = [Change(wheel.name, plan.before.get(wheel.name), wheel) for wheel in wheels]
    manifest = keep(changes, plan.target, folder)
    sha = _write(folder / MANIFEST, encode_manifest(manifest))
    failpoint(PackageFailpoint.PACKAGES_KEPT)
    _write(mark_of(plan.target.prefix, run.id), sha.encode("ascii"))
    failpoint(PackageFailpoint.MARK_WRITTEN)
    run.announce_packages(sha, (_record(change) for change in changes))
    failpoint(PackageFailpoint.PACKAGES_ANNOUNCED)
    say(f"installing {len(plan.pins)} packages")
    _install(plan, run, tools, folder, wheels)
    failpoint(PackageFailpoint.PACKAGES_INSTALLED)
    sha = _write(folder / AFTERMATH, encode_aftermath(aftermath(manifest)))
    failpoint(PackageFailpoint.AFTERMATH_WRITTEN)
    os.sync()
    run.packages_done(sha)
    failpoint(PackageFailpoint.PACKAGES_DONE)
    return applied(plan.report, resolved.relative_to(run.lock.root).as_posix())


def _install(plan: InstallPlan, run: Run, tools: Tools, folder: Path, wheels: tuple[Wheel, ...]) -> None:
    temporary = folder / _TEMPORARY
    temporary.mkdir(mode=0o700, exist_ok=True)
    (folder / _INSTALLED).write_text(wheel_lines(wheels), encoding="utf-8")
    words = (
        *tools.pip, "install", "--no-deps", "--no-index", "--find-links", str(folder / _WHEELS), "--require-hashes",
        "--only-binary", ":all:", "--requirement", str(folder / _INSTALLED),
    )  # fmt: skip
    ended = run_tool(
        words,
        folder=folder,
        environment=tools.offline(temporary),
        limit_s=LIMIT_S,
        # Should this process be killed, the next Sophia waits until the tool has ended.
        inherited=(run.lock.descriptor,),
    )
    if ended.code != 0:
        raise _failed(last_words(f"{ended.out}\n{ended.err}"))
    present = installed_packages(plan.target)
    for wheel in wheels:
        held = present.get(wheel.name)
        if held is None or not is_same_version(held.version, wheel.version):
            raise _failed(f"pip says it is done, yet `{wheel.name}` {wheel.version} is not there")


def _failed(reason: str) -> SophiaError:
    return SophiaError(
        "install-failed",
        f"the packages could not be installed: {reason}",
        hint="everything is put back as it was before the run",
        exit_code=ExitCode.ROLLED_BACK,
    )


def _record(change: Change) -> PackageChange:
    return PackageChange(change.package, "" if change.old is None else change.old.version, change.wheel.version)


def _write(path: Path, data: bytes) -> str:
    """Write a file, bring it to the disk, and return the SHA-256 of what it holds."""
    with open(path, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    return hashlib.sha256(data).hexdigest()
