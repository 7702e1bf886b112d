"""Which files are tests, by where they lie and what they are called."""

from __future__ import annotations

from sophia_cli.project.files.classify import is_test_folder


def is_test_code(path: str) -> bool:
    """Return whether a file is a test, a conftest, or lies in a folder of tests."""
    *folders, name = path.split("/")
    if name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py":
        return True
    return any(map(is_test_folder, folders))
