"""Damage by moving much at once: a module split into two, a folder renamed, a file carried to another service."""

from __future__ import annotations

import ast
import re

from benchmarks.mutated.damage import Change, Damage, Kind, Maker, Past, Scene, is_relative, picked_module
from benchmarks.mutated.layout import Style, code_folder
from benchmarks.mutated.model import Target, parsed


def _split(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    """Put the definitions of a module that stand alone into two new modules beside it, and take it away."""
    path = picked_module(scene)
    text = scene.repository.texts[path] if path else ""
    tree = parsed(text)
    if path is None or tree is None or is_relative(tree):
        return None
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    own = [node for node in tree.body if isinstance(node, kinds)]
    if len(own) < 2 or any(
        re.search(rf"\b{one.name}\b", ast.unparse(other)) for one in own for other in own if one is not other
    ):
        return None
    lines = text.split("\n")
    head = lines[: own[0].lineno - 1 - len(own[0].decorator_list)]
    if any(isinstance(node, kinds) is False and node.lineno > own[0].lineno for node in tree.body):
        return None
    targets = [path[:-3] + "_core.py", path[:-3] + "_extra.py"]
    moves: dict[Target, Target | None] = {Target(path): None}
    texts: dict[str, str | None] = {path: None}
    for number, target in enumerate(targets):
        if target in scene.repository.texts:
            return None
        body = list(head)
        for node in own[number::2]:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
            body += ["", "", *lines[first : node.end_lineno]]
            moves[Target(path, node.name)] = Target(target, node.name)
        texts[target] = "\n".join(body) + "\n"
    past = Past.ONE_COMMIT if past is Past.TWO_COMMITS else past
    return Damage(kind, past, (Change(texts),), frozenset({path, *targets}), moves)


def _folder(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    """Give a package with a few modules another name; nothing that imports from it follows."""
    texts = scene.repository.texts
    folders = sorted(
        {path.rpartition("/")[0] for path in texts if path.endswith("/__init__.py") and path.count("/") > 1}
    )
    fitting = []
    for folder in folders:
        inside = [path for path in texts if path.startswith(folder + "/")]
        service = scene.repository.service_of(f"{folder}/__init__.py")
        is_inner = (
            service is not None
            and (folder + "/").startswith(code_folder(service))
            and folder + "/" != code_folder(service)
        )
        if is_inner and 2 <= len(inside) <= 12 and all(path.endswith(".py") for path in inside):
            fitting.append((folder, inside))
    if not fitting:
        return None
    folder, inside = scene.random.choice(fitting)
    name = folder.rpartition("/")[2]
    new = folder.removesuffix(name) + scene.random.choice(
        [name + "s" if name[-1] != "s" else name[:-1], f"{name}_kit", "inner"]
    )
    if any(path.startswith((new + "/", new + ".py")) for path in texts):
        return None
    own_name = folder.rpartition("/")[0].replace("/", ".") + "." + name
    if any(name in texts[path] and re.search(rf"(?:from|import)\s+[\w.]*\b{name}\b", texts[path]) for path in inside):
        return None
    assert own_name
    changed: dict[str, str | None] = {}
    moves: dict[Target, Target | None] = {}
    for path in inside:
        target = new + path.removeprefix(folder)
        changed[path], changed[target] = None, texts[path]
        moves[Target(path)] = Target(target)
    past = Past.ONE_COMMIT if past is Past.TWO_COMMITS else past
    return Damage(kind, past, (Change(changed),), frozenset(changed), moves, f"{folder} -> {new}")


def _shifted(scene: Scene, kind: Kind, past: Past) -> Damage | None:
    """Carry a module that needs nothing of its service to another one, whose modules all can import."""
    path = picked_module(scene)
    tree = parsed(scene.repository.texts[path]) if path else None
    if path is None or tree is None or is_relative(tree):
        return None
    home = scene.repository.service_of(path)
    others = [one for one in scene.repository.services if one.style in (Style.FLAT, Style.PREFIXED) and one is not home]
    if home is None or not others:
        return None
    top = home.name.partition(".")[0] or "."
    if any(f"{top}." in ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)):
        return None
    target = code_folder(scene.random.choice(others)) + path.rpartition("/")[2]
    if target in scene.repository.texts or target[:-3] + "/__init__.py" in scene.repository.texts:
        return None
    text = scene.repository.texts[path]
    steps = (Change({path: None}), Change({target: text}))
    changes = steps if past is Past.TWO_COMMITS else (Change({path: None, target: text}),)
    return Damage(kind, past, changes, frozenset({path, target}), {Target(path): Target(target)})


MAKERS: dict[Kind, Maker] = {Kind.SPLIT: _split, Kind.FOLDER: _folder, Kind.SHIFTED: _shifted}
