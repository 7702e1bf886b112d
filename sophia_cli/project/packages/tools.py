"""The tools that resolve and install: pip, pip-tools, uv, and the environment variables that they get."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from sophia_cli.core.errors import UnavailableError
from sophia_cli.core.values import dataclass
from sophia_cli.project.packages.target import Target

# Where pip would put things, what it would ask and print: that is Sophia's to say. Which index it asks is the user's.
_OURS = frozenset(
    [
        "PIP_TARGET",
        "PIP_CONSTRAINT",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PIP_USER",
        "PIP_REQUIREMENT",
        "PIP_PYTHON",
        "PIP_DRY_RUN",
        "PIP_REPORT",
        "PIP_NO_DEPS",
        "PIP_QUIET",
        "PIP_VERBOSE",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_EDITABLE",
        "PIP_IGNORE_INSTALLED",
        "PIP_FORCE_REINSTALL",
        "PIP_UPGRADE",
        "PIP_DEST",
        "PIP_WHEEL_DIR",
        "PIP_PLATFORM",
        "PIP_ABI",
        "PIP_IMPLEMENTATION",
        "PIP_PYTHON_VERSION",
        "UV_PYTHON",
        "UV_PROJECT",
        "UV_WORKING_DIR",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
    ]
)
_RETRIES = "1"
_QUIET = ("PIP_NO_INPUT", "PIP_NO_COLOR", "PIP_DISABLE_PIP_VERSION_CHECK")
_OLDEST_FOR_OUR_PIP = (3, 9)


@dataclass(frozen=True, slots=True)
class Tools:
    """How each tool is started; None where it is not there. `pip` works in the target, wherever it lies itself.

    `bounds` are the user's own constraints files (`PIP_CONSTRAINT`): all tools resolve within them.
    """

    pip: tuple[str, ...]
    pip_tools: tuple[str, ...] | None
    uv: str | None
    environment: Mapping[str, str]
    bounds: tuple[str, ...] = ()

    def offline(self, temporary: Path) -> Mapping[str, str]:
        """Return the variables of a pip that reads no configuration and knows no index: all it needs is on the disk."""
        kept = {name: value for name, value in self.environment.items() if not name.startswith("PIP_")}
        quiet = {name: self.environment[name] for name in _QUIET}
        return {**kept, **quiet, "PIP_CONFIG_FILE": os.devnull, "TMPDIR": str(temporary)}


def find_tools(target: Target, root: Path, environment: Mapping[str, str]) -> Tools:
    """Return the tools for a target; uv is one that `PATH` names, though never one that lies in the project.

    UnavailableError (`pip-missing`) when neither Sophia nor the target has pip.
    """
    own = (sys.executable, "-I", "-m")
    is_same = (target.version[:2], target.implementation) == (sys.version_info[:2], platform.python_implementation())
    has_pip_tools = is_same and find_spec("piptools") is not None
    return Tools(
        pip=_pip(target, own),
        pip_tools=(*own, "piptools") if has_pip_tools else None,
        uv=_uv(root, environment),
        environment=_for_tools(environment),
        bounds=tuple(os.path.abspath(path) for path in environment.get("PIP_CONSTRAINT", "").split()),
    )


def _pip(target: Target, own: tuple[str, ...]) -> tuple[str, ...]:
    theirs = (str(target.python), "-I", "-m", "pip") if (target.purelib / "pip").is_dir() else None
    if theirs is not None and target.version < _OLDEST_FOR_OUR_PIP:
        return theirs
    ours = find_spec("pip")
    if ours is not None and ours.origin is not None:
        # What `pip --python` starts, without the process between: it is to inherit the project's lock.
        runner = Path(ours.origin).with_name("__pip-runner__.py")
        started = (str(target.python), "-I", str(runner))
        return started if runner.is_file() else (*own, "pip", "--python", str(target.python))
    if theirs is not None:
        return theirs
    raise UnavailableError(
        "pip-missing",
        f"neither Sophia's own environment nor `{target.shown}` has pip",
        hint=f"run `{target.shown}/bin/python -m ensurepip`",
    )


def _uv(root: Path, environment: Mapping[str, str]) -> str | None:
    folders = [folder for folder in environment.get("PATH", "").split(os.pathsep) if os.path.isabs(folder)]
    found = shutil.which("uv", path=os.pathsep.join(folders))
    if found is None or Path(os.path.realpath(found)).is_relative_to(os.path.realpath(root)):
        return None
    return found


def _for_tools(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _OURS and not name.startswith(("PYTHON", "SOPHIA_", "__PYVENV"))
    }
    tries = kept.get("PIP_RETRIES", "")
    return {
        **kept,
        **dict.fromkeys(_QUIET, "1"),
        # Only where pip tries again does it say why an index does not answer.
        "PIP_RETRIES": tries if tries.isdecimal() and int(tries) > 0 else _RETRIES,
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_COLOR": "1",
    }
