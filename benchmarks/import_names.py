"""Checks the table of import names against the files that distributions really ship.

    python -m benchmarks.import_names FOLDER... [--write]

Each FOLDER holds wheels (`*.whl`) or is an environment's `site-packages`; nothing is downloaded and nothing is run.
Printed are the entries that a list of files contradicts, and how many were confirmed. `--write` marks the confirmed
ones as `files` in the table; entries that the folders say nothing about keep their source.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from sophia_cli.project.dependencies.environment import import_names_of
from sophia_cli.project.dependencies.names import normalised

_TABLE = Path(__file__).parent.parent / "sophia_cli/project/dependencies/import_names.txt"


def shipped(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every distribution in a folder, its name normalised, with the files that it ships."""
    for wheel in sorted(folder.glob("*.whl")):
        try:
            with zipfile.ZipFile(wheel) as archive:
                yield normalised(wheel.name.split("-")[0]), tuple(map(_installed_path, archive.namelist()))
        except (OSError, zipfile.BadZipFile) as error:
            print(f"{wheel.name}: {error}", file=sys.stderr)
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
        yield normalised(record.parent.name.split("-")[0]), tuple(line.rsplit(",", 2)[0] for line in lines)


def _installed_path(name: str) -> str:
    """Return where a file of a wheel goes: what lies in `NAME.data/purelib` is laid out beside the rest."""
    parts = name.split("/")
    if parts[0].endswith(".data") and len(parts) > 2 and parts[1] in ("purelib", "platlib"):
        return "/".join(parts[2:])
    return name


def offers(files: tuple[str, ...], dotted: str) -> bool:
    """Return whether these files make the dotted name importable, or something below it."""
    place = dotted.replace(".", "/")
    return any(file.startswith((f"{place}/", f"{place}.")) for file in files)


def main(arguments: list[str]) -> int:
    """Check the table; return 1 when a list of files contradicts an entry, 2 without folders."""
    folders = [Path(argument) for argument in arguments if not argument.startswith("--")]
    if not folders:
        print(__doc__)
        return 2
    known: dict[str, tuple[str, ...]] = {}
    for folder in folders:
        for name, files in shipped(folder):
            known[name] = (*known.get(name, ()), *files)
    confirmed = contradicted = unknown = 0
    lines: list[str] = []
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            lines.append(line)
            continue
        name, distributions, source = line.split("\t")
        own = known.get(distributions.split()[0], ())
        if not import_names_of(own):
            unknown += 1
        elif offers(own, name):
            confirmed += 1
            source = "files?" if source.endswith("?") else "files"
        else:
            contradicted += 1
            print(f"{name}: {distributions.split()[0]} ships {', '.join(import_names_of(own)[:4])}")
        lines.append(f"{name}\t{distributions}\t{source}")
    if "--write" in arguments:
        _TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = f"{confirmed} entries confirmed, {contradicted} contradicted, {unknown} not told"
    print(f"{len(known)} distributions read: {told}")
    return 1 if contradicted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
