"""Damage to the imports of a repository, of the kinds that broken repositories of many services show."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from random import Random

from benchmarks.mutated.layout import Repository, Style, code_folder
from benchmarks.mutated.model import Model, State, Taken, Target, parsed


class Kind(Enum):
    """What was done."""

    DELETED = "module deleted"
    MOVED = "module moved"
    PREFIX = "prefix renamed in bulk"
    RENAMED = "name renamed"
    CARRIED = "name moved to another module"
    MISSPELT = "import misspelt"
    BROKEN = "module broken"
    CIRCLE = "circle closed"
    SHADOW = "distribution shadowed"
    SPLIT = "module split"
    FOLDER = "package renamed"
    SHIFTED = "module carried to another service"


class Past(Enum):
    """What git knows of a damage: all of it in one commit, a deletion and an addition in two, or nothing."""

    ONE_COMMIT = "one commit"
    TWO_COMMITS = "two commits"
    BEFORE = "before the history"


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a damage: texts by path, None for a file that goes."""

    texts: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Damage:
    """What was done where, in commits that follow one another; `touched` are the files that nothing else may touch.

    `moves` tells where files and names are afterwards: None for what is gone for good.
    """

    kind: Kind
    past: Past
    changes: tuple[Change, ...]
    touched: frozenset[str]
    moves: dict[Target, Target | None] = field(default_factory=dict)
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a damage is made of: the repository before it, and who imports what."""

    repository: Repository
    taken: list[Taken]
    random: Random

    def importers(self, path: str) -> list[Taken]:
        """Return what other files import of this one, or from it."""
        return [one for one in self.taken if one.path != path and _of(one) == path]


def _of(one: Taken) -> str:
    return one.target.path if one.target is not None else ""


Maker = Callable[[Scene, Kind, Past], Damage | None]
"""Makes one damage of its kind, None where the repository offers no place for it."""


def damages(
    repository: Repository, random: Random, each: int, more: Mapping[Kind, Maker] | None = None
) -> Iterator[Damage]:
    """Yield up to `each` damages of every kind, and of the kinds of `more`; no file takes part in two."""
    scene = Scene(repository, [one for one in Model(repository).taken() if one.state is State.FINE], random)
    used: set[str] = set()
    for _ in range(each):
        for kind, make in (*_MAKERS.items(), *(more or {}).items()):
            for _ in range(6):
                damage = make(scene, kind, random.choice(list(Past)))
                if damage is not None and not damage.touched & used:
                    used |= damage.touched
                    yield damage
                    break


def picked_module(scene: Scene) -> str | None:
    """Return a module, no package, that others import and that is not closely tied to its place."""
    counts = Counter(_of(one) for one in scene.taken if _of(one) != one.path)
    fitting = [
        path
        for path, count in sorted(counts.items())
        if count and path in scene.repository.texts and not path.endswith(("__init__.py", "__main__.py"))
    ]
    return scene.random.choice(fitting) if fitting else None


def _deleted(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    path = picked_module(scene)
    if path is None:
        return None
    return Damage(kind, past, (Change({path: None}),), frozenset({path}), {Target(path): None})


def _moved(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    path = picked_module(scene)
    service = scene.repository.service_of(path) if path else None
    if path is None or service is None or service.style is Style.SCRIPTS:
        return None
    text = scene.repository.texts[path]
    tree = parsed(text)
    if tree is None or is_relative(tree):
        return None
    folders = sorted({other.rpartition("/")[0] for other in scene.repository.texts if other.endswith("/__init__.py")})
    folder, _, name = path.rpartition("/")
    homes = [one for one in folders if (one + "/").startswith(code_folder(service)) and one != folder]
    new_folder = scene.random.choice([*homes, code_folder(service) + scene.random.choice(["core", "internals"])])
    new_name = scene.random.choice([name, name, f"{name[:-3]}_impl.py"])
    target = f"{new_folder}/{new_name}"
    if target in scene.repository.texts or target[:-3] + "/__init__.py" in scene.repository.texts:
        return None
    texts: dict[str, str | None] = {target: text}
    if f"{new_folder}/__init__.py" not in scene.repository.texts:
        texts[f"{new_folder}/__init__.py"] = ""
    if past is Past.TWO_COMMITS:
        changes: tuple[Change, ...] = (Change({path: None}), Change(texts))
    else:
        changes = (Change({path: None, **texts}),)
    return Damage(kind, past, changes, frozenset({path, target}), {Target(path): Target(target)})


def is_relative(tree: ast.Module) -> bool:
    """Whether a module imports relatively to its place."""
    return any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


def _prefix(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    """Rename a package in the imports of all other files, as a careless search and replace does; nothing moves."""
    written = Counter(
        one.module.rpartition(".")[0] for one in scene.taken if one.module.count(".") >= 2 and one.name not in ("", "*")
    )
    prefixes = [name for name, count in sorted(written.items()) if 2 <= count <= 12]
    if not prefixes:
        return None
    prefix = scene.random.choice(prefixes)
    last = prefix.rpartition(".")[2]
    new = scene.random.choice(
        [f"{prefix}_service", prefix.removesuffix(last) + f"new_{last}", f"{prefix}.src", f"{prefix}_mcp_servers"]
    )
    texts: dict[str, str | None] = {}
    for path in scene.repository.python_files():
        text = scene.repository.texts[path]
        changed = re.sub(rf"^(\s*from\s+){re.escape(prefix)}(?=\.\w)", rf"\g<1>{new}", text, flags=re.M)
        if changed != text:
            texts[path] = changed
    if not texts:
        return None
    past = Past.ONE_COMMIT if past is Past.TWO_COMMITS else past
    return Damage(kind, past, (Change(texts),), frozenset(texts), extra=f"{prefix} -> {new}")


def _names(scene: Scene) -> list[tuple[str, str]]:
    """Return the functions and classes that some other file imports and that are bound once, with their files."""
    found = sorted({(_of(one), one.target.name) for one in scene.taken if one.target and one.target.name})
    return [(path, name) for path, name in found if path in scene.repository.texts and _definition(scene, path, name)]


def _definition(scene: Scene, path: str, name: str) -> ast.stmt | None:
    return _defined(scene.repository.texts[path], name)


@lru_cache(maxsize=20000)
def _defined(text: str, name: str) -> ast.stmt | None:
    tree = parsed(text)
    if tree is None or len(re.findall(rf"^\s*(?:class|def|async def)\s+{name}\b|\b{name}\s*[:=](?!=)", text, re.M)) > 1:
        return None
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return next((node for node in tree.body if isinstance(node, kinds) and node.name == name), None)


def _renamed(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    names = _names(scene)
    if not names:
        return None
    path, name = scene.random.choice(names)
    new = scene.random.choice(
        [name + "s" if not name.endswith("s") else name[:-1], _other_word(name), name[0] + "zq" + name[1:]]
    )
    text = scene.repository.texts[path]
    if not new.isidentifier() or re.search(rf"\b{new}\b", text) or f'"{name}"' in text or f"'{name}'" in text:
        return None
    changed = re.sub(rf"\b{name}\b", new, text)
    past = Past.ONE_COMMIT if past is Past.TWO_COMMITS else past
    moves: dict[Target, Target | None] = {Target(path, name): Target(path, new)}
    return Damage(kind, past, (Change({path: changed}),), frozenset({path}), moves, f"{name} -> {new}")


def _other_word(name: str) -> str:
    return f"Base{name}" if name[:1].isupper() else f"{name}_for"


def _carried(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    names = _names(scene)
    if not names:
        return None
    path, name = scene.random.choice(names)
    node = _definition(scene, path, name)
    service = scene.repository.service_of(path)
    if node is None or service is None:
        return None
    text = scene.repository.texts[path]
    others = [
        other
        for other in scene.repository.python_files()
        if other.startswith(code_folder(service))
        and other != path
        and not other.endswith(("__init__.py", "__main__.py"))
        and not re.search(rf"\b{name}\b", scene.repository.texts[other])
    ]
    if not others or len(re.findall(rf"\b{name}\b", text)) > 1 or f'"{name}"' in text:
        return None
    target = scene.random.choice(others)
    lines = text.split("\n")
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(one.lineno for one in decorators)]) - 1
    body = "\n".join(lines[first : node.end_lineno])
    texts: dict[str, str | None] = {
        path: "\n".join([*lines[:first], *lines[node.end_lineno or 0 :]]),
        target: scene.repository.texts[target].rstrip("\n") + "\n\n\n" + body + "\n",
    }
    changes: tuple[Change, ...] = (Change(texts),)
    if past is Past.TWO_COMMITS:
        changes = (Change({path: texts[path]}), Change({target: texts[target]}))
    return Damage(kind, past, changes, frozenset({path, target}), {Target(path, name): Target(target, name)}, name)


def _misspelt(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    """Swap two letters of a module or a name in one import."""
    fitting = [one for one in scene.taken if one.name not in ("", "*") and len(one.name) > 5 and "." in one.module]
    if not fitting:
        return None
    one = scene.random.choice(fitting)
    lines = scene.repository.texts[one.path].split("\n")
    number = one.lines[0] - 1
    word = one.name if scene.random.random() < 0.5 else one.module.rpartition(".")[2]
    at = scene.random.randrange(1, len(word) - 1) if len(word) > 3 else 0
    wrong = word[:at] + word[at + 1] + word[at] + word[at + 2 :] if at else word
    changed = re.sub(rf"\b{word}\b", wrong, lines[number], count=1)
    if wrong == word or changed == lines[number] or one.lines[0] != one.lines[1] or " as " in lines[number]:
        return None
    if word == one.name and not re.search(rf"import .*\b{wrong}\b", changed):
        return None
    if word == one.name:
        # The rest of the file goes on using the right name, as it does after such a slip.
        changed = changed.rstrip()
    lines[number] = changed
    past = Past.ONE_COMMIT if past is Past.TWO_COMMITS else past
    change = Change({one.path: "\n".join(lines)})
    return Damage(kind, past, (change,), frozenset({one.path}), extra=f"{word} -> {wrong}")


def _broken(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    path = picked_module(scene)
    if path is None:
        return None
    lines = scene.repository.texts[path].split("\n")
    defs = [index for index, line in enumerate(lines) if re.match(r"(?:async )?def \w+\(", line)]
    if not defs:
        return None
    at = scene.random.choice(defs)
    broken = scene.random.choice(["def (self:", "async async def run():", "    return return", "class : pass)"])
    changed = "\n".join([*lines[:at], broken, *lines[at:]])
    if parsed(changed) is not None:
        return None
    past = Past.ONE_COMMIT if past is Past.TWO_COMMITS else past
    return Damage(kind, past, (Change({path: changed}),), frozenset({path}))


def _circle(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    """Make a module import from one that imports it by name at its own level, above what is imported."""
    texts = scene.repository.texts
    names = [one for one in scene.taken if one.target and one.target.name and _of(one) in texts]
    scene.random.shuffle(names)
    for one in names[:40]:
        path, service = _of(one), scene.repository.service_of(one.path)
        tree = parsed(texts[one.path])
        if path == one.path or service is None or service.style is Style.SCRIPTS or tree is None:
            continue
        if (
            not one.path.startswith(code_folder(service))
            or one.path.endswith("__init__.py")
            or path.endswith("__init__.py")
        ):
            continue
        if one.target is None or _definition(scene, path, one.target.name) is None:
            continue
        if not any(isinstance(node, ast.ImportFrom) and node.lineno == one.lines[0] for node in tree.body):
            continue
        kinds = (ast.FunctionDef, ast.ClassDef)
        own = [node.name for node in tree.body if isinstance(node, kinds) and _definition(scene, one.path, node.name)]
        inside = one.path[len(service.root) + 1 if service.root else 0 :].removesuffix(".py").replace("/", ".")
        lines = texts[path].split("\n")
        at = _after_head(texts[path])
        if not own or at is None:
            continue
        changed = "\n".join([*lines[:at], f"from {inside} import {own[-1]} as _late", *lines[at:]])
        past = Past.ONE_COMMIT if past is Past.TWO_COMMITS else past
        return Damage(kind, past, (Change({path: changed}),), frozenset({path, one.path}), extra=f"{path} {one.path}")
    return None


def _after_head(text: str) -> int | None:
    """Return the line index behind docstring and future imports, above all other statements."""
    tree = parsed(text)
    if tree is None:
        return None
    at = 0
    for node in tree.body:
        is_doc = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_doc or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            at = node.end_lineno or 0
        else:
            break
    return at


def _shadow(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    """Put a module beside a service's package that has the name of a distribution which the service imports."""
    others = sorted(
        {
            (service.root, one.module.partition(".")[0])
            for one in Model(scene.repository).taken()
            if one.state is State.OTHERS and (service := scene.repository.service_of(one.path)) is not None
        }
    )
    fitting = [(root, top) for root, top in others if top in _SHADOWED]
    if not fitting:
        return None
    root, top = scene.random.choice(fitting)
    path = f"{root}/{top}.py" if root else f"{top}.py"
    if path in scene.repository.texts or any(one.startswith(f"{path[:-3]}/") for one in scene.repository.texts):
        return None
    change = Change({path: '"""Ours."""\n\n\ndef helper():\n    return 1\n'})
    past = Past.ONE_COMMIT if past is Past.TWO_COMMITS else past
    return Damage(kind, past, (change,), frozenset({path}), extra=path)


_SHADOWED = frozenset({"logging", "json", "types", "queue", "email", "secrets", "yaml", "httpx", "click", "jinja2"})
_MAKERS: dict[Kind, Maker] = {
    Kind.DELETED: _deleted,
    Kind.MOVED: _moved,
    Kind.PREFIX: _prefix,
    Kind.RENAMED: _renamed,
    Kind.CARRIED: _carried,
    Kind.MISSPELT: _misspelt,
    Kind.BROKEN: _broken,
    Kind.CIRCLE: _circle,
    Kind.SHADOW: _shadow,
}
