"""How the cost of a scan grows with what is wrong in the imports of a project: names, modules and star imports.

    python -m benchmarks.scan_damaged [--sizes 300,1000,3000]

Lays out made-up projects in which thousands of imports go wrong, or star one another, and prints the processor time
and the largest process of a cold scan for each size.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.scan_project import SOPHIA, measure

Texts = Mapping[str, str]


def misspelled(size: int) -> Texts:
    """Return a module of so many names, and files that import each of them with a slip of the pen."""
    texts = {"rates.py": "".join(f"def rate_number_{n}_of(item):\n    return {n}\n" for n in range(size))}
    for first in range(0, size, 20):
        names = ", ".join(f"rate_numbr_{n}_off" for n in range(first, min(size, first + 20)))
        texts[f"use_{first}.py"] = f"from shop.rates import {names}\n"
    return texts


def missing_names(size: int) -> Texts:
    """Return so many files that import a name each which one module does not have."""
    return {"rates.py": "rate = 1\n"} | {
        f"use_{n}.py": f"from shop.rates import other_thing_{n}\n" for n in range(size)
    }


def missing_modules(size: int) -> Texts:
    """Return so many files that import two modules each which do not exist."""
    return {f"use_{n}.py": f"from shop.lost_{n} import thing_number_{n}\nimport shop.gone_{n}\n" for n in range(size)}


def one_hub(size: int) -> Texts:
    """Return so many modules, a hub that stars all of them, and as many files that star the hub."""
    texts = {"hub.py": "".join(f"from shop.part_{n} import *\n" for n in range(size))}
    for n in range(size):
        texts[f"part_{n}.py"] = f"name_{n} = {n}\n"
        texts[f"use_{n}.py"] = f"from shop.hub import name_{n}\nfrom shop.hub import *\nname_{n}()\n"
    return texts


def many_stars(size: int) -> Texts:
    """Return so many modules, and a file that stars all of them and calls something of each."""
    texts = {f"part_{n}.py": f"def name_{n}(item):\n    return item\n" for n in range(size)}
    stars = "".join(f"from shop.part_{n} import *\n" for n in range(size))
    return texts | {"use.py": stars + "".join(f"name_{n}({n})\n" for n in range(size))}


PROJECTS: Mapping[str, Callable[[int], Texts]] = {
    "misspelled names of one module": misspelled,
    "names that a module lacks": missing_names,
    "modules that do not exist": missing_modules,
    "files that star one hub": one_hub,
    "modules starred in one file": many_stars,
}


def main() -> int:
    """Measure each project at each size."""
    parser = argparse.ArgumentParser(description="cost of a scan by the number of broken imports")
    parser.add_argument("--sizes", default="300,1000,3000")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    sys.stdout.write(f"{'':32} {'':>6} {'cpu s':>8} {'largest MB so far':>18}\n")
    for name, texts_of in PROJECTS.items():
        for size in sizes:
            with tempfile.TemporaryDirectory() as scratch:
                package = Path(scratch) / "shop"
                package.mkdir()
                for path, text in {"__init__.py": "", **texts_of(size)}.items():
                    (package / path).write_text(text, encoding="utf-8")
                cost = measure((*SOPHIA, "scan", "-q", "."), Path(scratch))
            sys.stdout.write(f"{name:32} {size:6} {cost.cpu_s:8.2f} {cost.largest_mb:18.0f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
