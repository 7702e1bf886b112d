"""Declarations for a laid-out repository, damage to them, and what then is undeclared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from random import Random

from benchmarks.mutated.layout import Repository, Service, Style
from benchmarks.mutated.model import Model, State
from benchmarks.peers import plain


@dataclass(frozen=True, slots=True)
class Undeclared:
    """An import statement of a distribution that nothing declares any more."""

    path: str
    line: int
    distribution: str


@dataclass(frozen=True, slots=True)
class DeclarationDamage:
    """What was done to a declaration file: its new text, and which rule has to say what of it."""

    path: str
    text: str
    rule: str
    distribution: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What the services import of others: distributions by service, and the statements.

    `uncertain` are the tops of which this environment does not know the distribution.
    """

    by_home: Mapping[str, frozenset[str]]
    statements: tuple[tuple[str, int, str, frozenset[str]], ...]
    uncertain: frozenset[str]


def needs_of(repository: Repository) -> Needs:
    """Return what the repository imports of distributions, by the metadata of the environment this runs in."""
    known = packages_distributions()
    by_home: dict[str, set[str]] = defaultdict(set)
    statements: list[tuple[str, int, str, frozenset[str]]] = []
    uncertain: set[str] = set()
    for one in Model(repository).taken():
        top = one.module.partition(".")[0]
        service = repository.service_of(one.path)
        if one.state is not State.OTHERS or service is None:
            continue
        offered = frozenset(map(plain, known.get(top, ())))
        if not offered:
            uncertain.add(top)
            continue
        by_home[service.home] |= offered
        statements.append((one.path, one.lines[0], service.home, offered))
    return Needs({home: frozenset(names) for home, names in by_home.items()}, tuple(statements), frozenset(uncertain))


def declaration_texts(repository: Repository, needs: Needs) -> dict[str, str]:
    """Return the declaration files: a pyproject for what is built, a requirements file for what is run."""
    texts: dict[str, str] = {}
    for service in repository.services:
        names = sorted(needs.by_home.get(service.home, frozenset()))
        if service.style is Style.SRC:
            texts[f"{service.home}/pyproject.toml"] = _pyproject(service, names)
        else:
            path = f"{service.home}/requirements.txt" if service.home else "requirements.txt"
            texts[path] = "".join(f"{name}>=0.1\n" for name in names) + "# end\n"
    return texts


def declaration_damages(
    repository: Repository, texts: Mapping[str, str], needs: Needs, random: Random
) -> Iterator[DeclarationDamage]:
    """Yield damage to each declaration file; each text holds what came before.

    A distribution is removed, one of the project's own names added, Python named, and two pins exclude each other.
    """
    now = dict(texts)
    for service in repository.services:
        path = f"{service.home}/requirements.txt" if service.home else "requirements.txt"
        if path not in texts:
            path = f"{service.home}/pyproject.toml"
        names = sorted(needs.by_home.get(service.home, frozenset()))
        if names:
            gone = random.choice(names)
            kept = [line for line in now[path].split("\n") if line.strip(' ",') != f"{gone}>=0.1"]
            now[path] = "\n".join(kept)
            yield DeclarationDamage(path, now[path], "undeclared-dependency", gone)
        if path.endswith(".txt"):
            own = service.name.partition(".")[0]
            if own and service.style not in (Style.FLAT, Style.NAMESPACE):
                now[path] += f"{own}\n"
                yield DeclarationDamage(path, now[path], "first-party-as-distribution", own)
            if "python>=3.11\n" not in now[path]:
                now[path] += "python>=3.11\npendulum==2.0.0\npendulum>=3.0\n"
                yield DeclarationDamage(path, now[path], "not-a-distribution", "python")
                yield DeclarationDamage(path, now[path], "conflicting-requirements", "pendulum")


def undeclared(needs: Needs, gone: Mapping[str, frozenset[str]], root_has: frozenset[str]) -> list[Undeclared]:
    """Return the statements of which no distribution is declared any more, neither for the service nor at the root."""
    found: list[Undeclared] = []
    for path, line, home, offered in needs.statements:
        declared = (needs.by_home[home] - gone.get(home, frozenset())) | root_has
        if not offered & declared:
            found.append(Undeclared(path, line, min(offered)))
    return found


def _pyproject(service: Service, names: list[str]) -> str:
    lines = "".join(f'    "{name}>=0.1",\n' for name in names)
    return (
        f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n'
        f'[project]\nname = "{service.name}-dist"\nversion = "1.0"\ndependencies = [\n{lines}]\n\n'
        '[tool.setuptools.packages.find]\nwhere = ["src"]\n'
    )
