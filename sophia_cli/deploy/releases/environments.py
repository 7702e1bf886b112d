"""Virtual environments for releases, one for every set of packages, shared by the releases that run with it.

An environment is built where it stays, since it holds its own path, and counts once it is complete: a mark says so,
written last. What has no mark is built anew. A complete one is never written to.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from sophia_cli.core.errors import BusyError, UnavailableError
from sophia_cli.core.values import replace
from sophia_cli.deploy.releases.environment_spec import (
    EnvironmentSpec,
    installed_spec,
    locked_spec,
    pinned_spec,
)
from sophia_cli.deploy.releases.exported_lock import export_lock
from sophia_cli.deploy.releases.locking import acquire
from sophia_cli.deploy.releases.model import PackageLock
from sophia_cli.deploy.releases.syncing import sync_all
from sophia_cli.project.clock import Clock
from sophia_cli.project.failpoints import ReleaseFailpoint, failpoint
from sophia_cli.project.packages.children import run_tool
from sophia_cli.project.packages.installed import installed_packages
from sophia_cli.project.packages.outline import EnvironmentOutline, outline_environment
from sophia_cli.project.packages.resolvers import LIMIT_S
from sophia_cli.project.packages.target import find_target
from sophia_cli.project.packages.tools import find_tools
from sophia_cli.project.packages.trouble import installing_failed, last_words
from sophia_cli.project.runs.atomic import WriteFailed
from sophia_cli.project.state_folder import StateFolder, sync_folder

_FOLDER = "environments"
_COMPLETE = "sophia-complete"
_REQUIREMENTS = "sophia-requirements.txt"
_DIGEST = re.compile(r"[0-9a-f]{32}")
_PRIVATE = 0o700


def project_spec(root: Path, named: str | None, variables: Mapping[str, str]) -> EnvironmentSpec:
    """Return what an environment for releases of the project holds.

    Pinned requirements go first, then a lock file; without either it is what is installed where the project runs.
    `named` is the environment that the settings name. Raises what `outline_environment`, `find_target`, `export_lock`
    and the functions of `environment_spec` raise.
    """
    outline = outline_environment(root, named, variables)
    pinned = pinned_spec(root, outline.python, outline.version)
    if pinned is not None:
        return pinned
    lock = export_lock(root, outline.python, variables)
    if lock is not None:
        return locked_spec(root, outline.python, outline.version, lock)
    if outline.is_own:
        return installed_spec(root, outline.python, outline.version, None)
    target = find_target(root, named or str(Path(outline.python).parent.parent), Path(sys.prefix), variables)
    return installed_spec(root, outline.python, outline.version, installed_packages(target))


def outline_of(spec: EnvironmentSpec, project: EnvironmentOutline) -> EnvironmentOutline:
    """Return what the environment of a spec will hold, for a fingerprint before it is built.

    Distributions that the spec does not name (it may leave dependencies to pip) have the versions of the project's own
    environment.
    """
    others = {} if spec.is_whole or project.is_own else dict(project.distributions)
    return replace(project, distributions=tuple(sorted({**others, **dict(spec.versions)}.items())))


class EnvironmentStore:
    """The environments in `.sophia/environments/`, by the digest of what they hold."""

    __slots__ = ("_folder", "_state")

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._folder = state.path / _FOLDER

    def path(self, digest: str) -> Path:
        """Return where the environment of a digest is or would be."""
        return self._folder / digest

    def is_complete(self, digest: str) -> bool:
        """Whether that environment is there and can be used."""
        return (self.path(digest) / _COMPLETE).is_file()

    def ensure(
        self, spec: EnvironmentSpec, variables: Mapping[str, str], clock: Clock, say: Callable[[str], None]
    ) -> PackageLock:
        """Return the environment that `spec` describes, built when it is not there.

        UnavailableError when packages cannot be had (`index-unreachable`, `install-failed`, ...) or the interpreter
        makes no environment (`environment-not-made`); BusyError (`environment-busy`); WriteFailed. Nothing that counts
        is left then.
        """
        folder = self.path(spec.digest)
        if not self.is_complete(spec.digest):
            with self._held(clock) as lock:
                if not self.is_complete(spec.digest):
                    say(f"building an environment of {len(spec.lines)} packages ({spec.source})")
                    self._build(spec, folder, variables, lock)
        outline = outline_environment(self._state.root, str(folder), variables)
        return PackageLock(outline.python, outline.version, outline.distributions, spec.digest)

    def prune(self, protect: Collection[str], clock: Clock) -> tuple[str, ...]:
        """Remove the environments whose digest is not in `protect`; return those that went. BusyError, WriteFailed."""
        gone: list[str] = []
        if not self._folder.is_dir():
            return ()
        with self._held(clock):
            try:
                for name in sorted(os.listdir(self._folder)):
                    if _DIGEST.fullmatch(name) and name not in protect:
                        # Without its mark it is no environment any more, however far the removal gets.
                        (self._folder / name / _COMPLETE).unlink(missing_ok=True)
                        shutil.rmtree(self._folder / name)
                        gone.append(name)
            except OSError as error:
                raise WriteFailed(error.filename or str(self._folder), error) from error
        return tuple(gone)

    def _build(self, spec: EnvironmentSpec, folder: Path, variables: Mapping[str, str], lock: int) -> None:
        try:
            if folder.exists():
                shutil.rmtree(folder)
            self._make(spec, folder, variables, lock)
            failpoint(ReleaseFailpoint.ENVIRONMENT_MADE)
            self._fill(spec, folder, variables, lock)
            failpoint(ReleaseFailpoint.ENVIRONMENT_FILLED)
            sync_all(folder)
            (folder / _COMPLETE).touch()
            sync_folder(folder)
        except OSError as error:
            raise WriteFailed(error.filename or str(folder), error) from error
        finally:
            if not self.is_complete(spec.digest):
                shutil.rmtree(folder, ignore_errors=True)

    def _make(self, spec: EnvironmentSpec, folder: Path, variables: Mapping[str, str], lock: int) -> None:
        words = [spec.python, "-I", "-m", "venv", "--without-pip", str(folder)]
        ended = run_tool(
            words, folder=self._state.root, environment=_plain(variables), limit_s=LIMIT_S, inherited=(lock,)
        )
        if ended.code != 0:
            raise UnavailableError(
                "environment-not-made",
                f"`{spec.python} -m venv` failed: {last_words(f'{ended.out}{os.linesep}{ended.err}')}",
                hint="install Python's `venv` module, or name another interpreter: `[project] python`",
            )

    def _fill(self, spec: EnvironmentSpec, folder: Path, variables: Mapping[str, str], lock: int) -> None:
        requirements = folder / _REQUIREMENTS
        requirements.write_text("".join(f"{line}\n" for line in spec.lines), encoding="utf-8")
        if not spec.lines:
            return
        target = find_target(self._state.root, str(folder), Path(sys.prefix), _plain(variables))
        tools = find_tools(target, self._state.root, variables)
        words = (
            *tools.pip, "install", "--only-binary", ":all:", "--requirement", str(requirements),
            *(("--no-deps",) if spec.is_whole else ()), *(("--require-hashes",) if spec.has_hashes else ()),
        )  # fmt: skip
        ended = run_tool(
            words, folder=self._state.root, environment=tools.environment, limit_s=LIMIT_S, inherited=(lock,)
        )
        if ended.code != 0:
            raise installing_failed(f"{ended.out}\n{ended.err}")

    @contextlib.contextmanager
    def _held(self, clock: Clock) -> Iterator[int]:
        """Hold the environments; a tool that outlives this process goes on holding them until it ends."""
        self._state.ensure()
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._folder, _PRIVATE)
            file = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise WriteFailed(error.filename or str(self._folder), error) from error
        try:
            if not acquire(file, clock, LIMIT_S):
                raise BusyError(
                    "environment-busy",
                    f"another Sophia has been building an environment for {LIMIT_S:g} s",
                    hint="wait until it is done, then deploy again",
                    location=str(self._folder),
                )
            yield file
        finally:
            os.close(file)


def _plain(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if not name.startswith(("PYTHON", "__PYVENV"))}
