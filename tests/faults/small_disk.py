"""A private file system that is soon full."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def mount_small_disk(place: Path, size_kb: int) -> None:
    """Make a folder and mount a tmpfs there, which the caller unmounts; skips the test where that is not possible."""
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("no `mount` on this machine")
    command = [mount, "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
