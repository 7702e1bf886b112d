"""Writes the table of the modules that common distributions ship, from the lists of files of their wheels.

    python -m benchmarks.shipped_modules WHEELS sophia_cli/project/dependencies/shipped_modules.txt

WHEELS is a folder of wheels (`pip download --no-deps --only-binary :all: NAME`). Only names of files are read: nothing
is unpacked or run. Tests, vendored copies and modules whose name begins with an underscore are left out, and of the
largest distributions what lies deep inside.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from packaging.utils import parse_wheel_filename

_LEFT_OUT = {"tests", "test", "vendor", "vendored", "_vendor", "examples", "docs", "benchmarks"}
_MOST_MODULES = 250
_SUFFIXES = (".py", ".pyd", ".so", ".pyx")
_HEAD = """\
# Which modules common distributions ship: distribution, version, top of the import name, what lies below it.
# Written by `python -m benchmarks.shipped_modules` from the lists of files of wheels; no line is written by hand.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="table of the modules that distributions ship")
    parser.add_argument("wheels", type=Path)
    parser.add_argument("table", type=Path)
    options = parser.parse_args()
    lines = []
    for wheel in sorted(options.wheels.glob("*.whl")):
        name, version, _, _ = parse_wheel_filename(wheel.name)
        with zipfile.ZipFile(wheel) as archive:
            modules = sorted(set(_modules(archive.namelist())))
        if not modules:
            sys.stderr.write(f"{name}: no modules, left out\n")
            continue
        modules = _outer(modules)
        below: dict[str, list[str]] = defaultdict(list)
        for module in modules:
            top, _, rest = module.partition(".")
            below[top].append(rest)
        for top, rests in sorted(below.items()):
            lines.append(f"{name}\t{version}\t{top}\t{' '.join(filter(None, rests))}\n")
    options.table.write_text(_HEAD + "".join(sorted(lines)), "utf-8")
    return 0


def _outer(modules: list[str]) -> list[str]:
    """Return the modules down to the depth at which they are few enough for a table."""
    depth = max(module.count(".") for module in modules)
    while depth > 1 and len(modules) > _MOST_MODULES:
        depth -= 1
        modules = [module for module in modules if module.count(".") <= depth]
    return modules


def _modules(files: Iterable[str]) -> Iterable[str]:
    for file in files:
        path = PurePosixPath(file)
        if path.suffix not in _SUFFIXES or path.parts[0].endswith((".data", ".dist-info")):
            continue
        *folders, _ = path.parts
        stem = path.name.partition(".")[0]
        parts = folders if stem == "__init__" else [*folders, stem]
        private = any(part.startswith("_") for part in parts[1:])
        if parts and not private and not _LEFT_OUT & set(parts) and all(part.isidentifier() for part in parts):
            yield ".".join(parts)


if __name__ == "__main__":
    sys.exit(main())
