"""The folder that a Python file's own imports work from, and the name of its module there."""

from __future__ import annotations

from sophia_cli.core.values import dataclass
from sophia_cli.project.discovery.code_file import CodeFile
from sophia_cli.project.discovery.places import Places


@dataclass(frozen=True, slots=True)
class Home:
    """A folder and the dotted name that a file has in it. `is_own`: the folder is that of the file."""

    folder: str
    module: str
    is_own: bool


def home_of(file: CodeFile, places: Places, named: tuple[str, ...] = ()) -> Home | None:
    """Return where a file is at home, None where no dotted name can hold its path.

    The folder from which most of its absolute imports of the project resolve; where that does not tell, one from which
    a command (`named`: modules as commands write them) names the file; else the folder above its outermost package.
    """
    parts = file.path.removesuffix(".py").split("/")
    is_package = len(parts) > 1 and parts[-1] in ("__init__", "__main__")
    if is_package:
        parts.pop()
    deepest = len(parts) - 1
    top = deepest
    while top and "/".join((*parts[:top], "__init__.py")) in places.files:
        top -= 1
    levels = max((item.level for item in file.facts.imports), default=0)
    choices = []
    for depth in range(deepest + 1):
        dotted = parts[depth:]
        if not all(part.isidentifier() for part in dotted) or (levels and len(dotted) <= levels):
            continue
        folder = "/".join(parts[:depth])
        module = ".".join(dotted)
        score = sum(_resolves(folder, item.module, places) for item in file.facts.imports if not item.level)
        # A file that finds itself where it means another module (`celery.py`) cannot be at home there.
        if not is_package:
            score -= 2 * sum(item.module.partition(".")[0] == dotted[0] == module for item in file.facts.imports)
        choices.append(
            (score, module in named, depth == top, depth, Home(folder, module, depth == deepest and not is_package))
        )
    return max(choices, key=lambda choice: choice[:4])[-1] if choices else None


def _resolves(folder: str, module: str, places: Places) -> bool:
    base = f"{folder}/{module.replace('.', '/')}" if folder else module.replace(".", "/")
    return f"{base}.py" in places.files or f"{base}/__init__.py" in places.files or base in places.folders
