"""Which distribution an import comes from, and whether the declarations that hold for a file cover it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from functools import cached_property

from sophia_cli.core.patterns import late_pattern
from sophia_cli.core.values import dataclass
from sophia_cli.project.dependencies.companions import brought_by_extra, companion_of
from sophia_cli.project.dependencies.declared import Declared
from sophia_cli.project.dependencies.formats import is_usual
from sophia_cli.project.dependencies.import_names import ImportNames
from sophia_cli.project.dependencies.installed import Environment, InstalledDistribution
from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role
from sophia_cli.project.dependencies.names import normalised

_AFFIXES = late_pattern(
    r"^(?:python3?|py|django|flask)-|-(?:python3?|py|sdk|client|lib|ng|binary|headless|[0-9]+)$|^py|[0-9]+$"
)
_BUILD_FILES = frozenset({"setup.py", "hatch_build.py", "build.py", "conftest.py", "noxfile.py"})


class Evidence(Enum):
    """What an answer rests on, the best first."""

    INSTALLED = "installed"
    DECLARED = "declared"
    LOCKED = "locked"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Origin:
    """The distributions that an import may come from, normalised names, the likeliest first.

    `import_name` is the part of the dotted name that is known. `is_certain` is false where the name alone does not tell
    which distribution is meant; then nothing may be installed for it.
    """

    distributions: tuple[str, ...]
    import_name: str
    evidence: Evidence
    is_certain: bool

    @property
    def distribution(self) -> str:
        """The likeliest distribution."""
        return self.distributions[0]


@dataclass(frozen=True, slots=True)
class Pin:
    """A version of a distribution that a lock file, a compiled file or the environment names."""

    version: str
    where: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is declared for a file: normalised names, each with where it stands.

    `usual` are those of files that are installed as a matter of course, `unusual` the others (`demo_requirements.txt`).
    `is_open` tells that something declares dependencies in a way that nobody can read without running it.
    """

    usual: Mapping[str, tuple[Declaration, Requirement]]
    unusual: Mapping[str, tuple[Declaration, Requirement]]
    declarations: tuple[Declaration, ...]
    is_open: bool


class Dependencies:
    """What is declared, locked, installed and known, ready to be asked. Nothing in it changes once it is made."""

    def __init__(self, declared: Declared, environment: Environment, names: ImportNames) -> None:
        self.declared = declared
        self.environment = environment
        self.names = names
        self._coverages: dict[tuple[str, bool], Coverage] = {}

    @cached_property
    def own(self) -> frozenset[str]:
        """The normalised names of the distributions that the project itself makes."""
        editable = (one.name for one in self.environment.distributions.values() if one.is_editable)
        return self.declared.own_distributions() | frozenset(editable)

    @cached_property
    def _installed(self) -> Mapping[str, tuple[InstalledDistribution, ...]]:
        index: dict[str, tuple[InstalledDistribution, ...]] = {}
        for distribution in self.environment.distributions.values():
            for name in distribution.imports:
                index[name] = (*index.get(name, ()), distribution)
        return index

    @cached_property
    def everywhere(self) -> frozenset[str]:
        """The normalised names of all that any file declares, development and extras included."""
        return frozenset(
            requirement.name
            for declaration in self.declared.files.values()
            if declaration.format not in (Format.LOCK, Format.PIP_LIST)
            for requirement in declaration.requirements
            if requirement.role is not Role.CONSTRAINT and requirement.name
        )

    @cached_property
    def known_to_conda_only(self) -> frozenset[str]:
        """Names that only Conda's lists ask for: whether an index has the same thing under it, nothing tells."""
        by_pip: set[str] = set()
        by_conda: set[str] = set()
        for declaration in self.declared.files.values():
            for one in declaration.requirements:
                (by_conda if one.is_conda else by_pip).add(one.name)
        known = (*by_pip, *self.environment.distributions)
        return frozenset(name for name in by_conda.difference(known) if not self.names.imports_of(name))

    @cached_property
    def locked(self) -> frozenset[str]:
        """The normalised names of all that a lock file, or a file that a resolver wrote, holds."""
        return frozenset(one.name for declaration in self.declared.locks() for one in declaration.requirements)

    @cached_property
    def pins(self) -> Mapping[str, Pin]:
        """The version of each distribution that is locked, else installed."""
        found: dict[str, Pin] = {}
        ranked = sorted(
            self.declared.locks(), key=lambda one: (one.format is not Format.LOCK, one.path.count("/"), one.path)
        )
        for declaration in ranked:
            for requirement in declaration.requirements:
                if requirement.pinned:
                    found.setdefault(requirement.name, Pin(requirement.pinned, declaration.path))
        for distribution in self.environment.distributions.values():
            found.setdefault(distribution.name, Pin(distribution.version, "the environment"))
        return found

    def provides(self, module: str) -> bool:
        """Whether a distribution is known to offer this dotted module: installed, declared, or surely by its name.

        What lies in a package below the top that distributions share (`google.cloud`) is always somebody else's.
        """
        found = self.distributions_of(module)
        return (found is not None and found.is_certain) or self._is_in_shared(module)

    def _is_in_shared(self, module: str) -> bool:
        while "." in module:
            if self.names.is_namespace(module):
                return True
            module = module.rpartition(".")[0]
        return False

    def declares(self, module: str) -> bool:
        """Whether the project declares a distribution that offers this dotted module."""
        return any(name in self.everywhere for name in self._fitting(module))

    def is_own(self, top: str) -> bool:
        """Whether the project itself is distributed under this import name."""
        return normalised(top) in self.own

    def is_name_only(self, top: str) -> bool:
        """Whether all that speaks for a distribution of this import name is a declaration of that very name.

        No metadata, no lock and no table knows it: where the project has a package of that name, that is what is meant.
        """
        name = normalised(top)
        if name not in self.everywhere or name in self.environment.distributions or name in self.locked:
            return False
        return not self.names.imports_of(name) and self.names.find(top) is None

    def may_offer(self, module: str, path: str) -> bool:
        """Whether a distribution may offer this module to a file: one that is known, or declared with a name like it.

        Also where the file's declarations are computed by something that nobody reads here.
        """
        if self.distributions_of(module) is not None or self.coverage(path).is_open:
            return True
        return any(self._resembles(name, module) for name in (*self.everywhere, *self.locked))

    def distributions_of(self, dotted: str) -> Origin | None:
        """Return what an import of another's module comes from; None when nothing tells. Names are never guessed equal.

        In this order: the environment's own metadata; what the project declares or locks; the curated table.
        """
        if installed := self._providers(dotted):
            name, found = installed
            names = sorted((one.name for one in found), key=lambda one: (one not in self.everywhere, one))
            return Origin(tuple(names), name, Evidence.INSTALLED, True)
        known = self.names.find(dotted)
        candidates = known.distributions if known else ()
        for evidence, present in ((Evidence.DECLARED, self.everywhere), (Evidence.LOCKED, self.pins)):
            wanted = [name for name in candidates if name in present]
            if wanted and known:
                others = tuple(name for name in candidates if name not in wanted)
                return Origin((*wanted, *others), known.import_name, evidence, True)
            for prefix, name in spelled(dotted):
                if name in present and not (known and len(known.import_name) > len(prefix)):
                    return Origin((name,), prefix, evidence, True)
        if known is None:
            return None
        return Origin(known.distributions, known.import_name, Evidence.KNOWN, known.is_certain)

    def is_shared(self, dotted: str) -> bool:
        """Whether several distributions may lie in this package, so that only what is below it tells which one."""
        return self.names.is_namespace(dotted) or any(name.startswith(dotted + ".") for name in self._installed)

    def _providers(self, dotted: str) -> tuple[str, tuple[InstalledDistribution, ...]] | None:
        name = dotted
        while name:
            if found := self._installed.get(name):
                return name, found
            name = name.rpartition(".")[0]
        return None

    def coverage(self, path: str) -> Coverage:
        """Return what is declared for a Python file of the project."""
        folder, _, name = path.rpartition("/")
        key = (folder, name in _BUILD_FILES)
        if key not in self._coverages:
            self._coverages[key] = self._coverage(path, *key)
        return self._coverages[key]

    def homes(self, path: str) -> tuple[Declaration, ...]:
        """Return the declarations that hold for a file as a matter of course, the nearest first."""
        homes = self.declared.homes_of(path)
        return tuple(one for home in homes for one in home if one.folder or is_usual(one.path))

    def _coverage(self, path: str, folder: str, with_build: bool) -> Coverage:
        common: dict[str, tuple[Declaration, Requirement]] = {}
        others: dict[str, tuple[Declaration, Requirement]] = {}
        homes = self.declared.homes_of(path)
        for home in homes:
            for declaration in home:
                # A folder's declarations are for it whatever they are called; the root's may have one purpose each.
                target = common if declaration.folder or is_usual(declaration.path) else others
                for holder, requirement in self.declared.requirements(declaration.path):
                    is_for_building = requirement.role is Role.BUILD and requirement.name != "cython"
                    if requirement.name and (with_build or not is_for_building):
                        target.setdefault(requirement.name, (holder, requirement))
        declarations = tuple(declaration for home in homes for declaration in home)
        return Coverage(common, others, declarations, any(self._is_open(home) for home in homes))

    def _is_open(self, home: Iterable[Declaration]) -> bool:
        """Whether what the code of a folder needs is computed by something that nobody reads here."""
        declarations = tuple(home)
        has_requirements = any(
            one.format in (Format.SETUP_PY, Format.SETUP_CFG)
            and any(requirement.role is Role.MAIN for _, requirement in self.declared.requirements(one.path))
            for one in declarations
        )
        has_extras = any(
            any(requirement.role is Role.OPTIONAL for requirement in one.requirements)
            or any(include.role in (Role.OPTIONAL, Role.DEV) for include in one.includes)
            for one in declarations
        )
        for one in declarations:
            if one.format is Format.SETUP_PY and {"install_requires", "requires"} & set(one.dynamic):
                return True
            if one.format is Format.PYPROJECT and "dependencies" in one.dynamic:
                is_filled = any(include.role is Role.MAIN and include.path for include in one.includes)
                if not (is_filled or has_requirements):
                    return True
            if one.format is Format.PYPROJECT and "optional-dependencies" in one.dynamic and not has_extras:
                return True
        return False

    def covering(self, dotted: str, names: Mapping[str, tuple[Declaration, Requirement]]) -> str | None:
        """Return the declared name among `names` that covers an import, None when none does."""
        for name in self._fitting(dotted):
            if name in names:
                return name
        for name, (_, requirement) in names.items():
            if requirement.extras and self._adds(requirement, dotted):
                return name
        if self._providers(dotted) is None and self.names.find(dotted) is None:
            return next((name for name in names if self._resembles(name, dotted)), None)
        return None

    def _fitting(self, dotted: str) -> Iterator[str]:
        """Yield every distribution name that would cover an import of `dotted`."""
        if installed := self._providers(dotted):
            yield from (one.name for one in installed[1])
        if known := self.names.find(dotted):
            yield from known.distributions
        for _, name in spelled(dotted):
            yield name

    def _adds(self, requirement: Requirement, dotted: str) -> bool:
        """Whether an extra that is asked for brings the import: by the metadata, else as is known, or by its name."""
        wanted = {normalised(extra) for extra in requirement.extras}
        fitting = set(self._fitting(dotted))
        installed = self.environment.distributions.get(requirement.name)
        if installed is not None:
            return any(fitting & set(installed.extras.get(extra, ())) for extra in wanted)
        brought = frozenset[str]().union(*(brought_by_extra(requirement.name, extra) for extra in wanted))
        return not fitting.isdisjoint(wanted | brought)

    def _resembles(self, name: str, dotted: str) -> bool:
        """Whether a declared distribution of which nothing is known may well offer an import of which nothing is known.

        It keeps a finding back; nothing is ever installed for it.
        """
        if self.names.imports_of(name) or name in self.environment.distributions:
            return False
        top = normalised(dotted.partition(".")[0])
        return _AFFIXES.sub("", name) == _AFFIXES.sub("", top) or f"-{top}-" in f"-{name}-"

    def comes_along_with(self, distribution: str, names: Collection[str]) -> str | None:
        """Return the declared distribution that is known, by metadata at best, to need this one; None for none."""
        for name in names:
            installed = self.environment.distributions.get(name)
            if installed is not None and distribution in installed.requires:
                return name
        return companion_of(distribution, names)


def spelled(dotted: str) -> Iterator[tuple[str, str]]:
    """Yield each leading part of a dotted name, the longest first, with the distribution that would be named alike."""
    name = dotted
    while name:
        yield name, normalised(name)
        name = name.rpartition(".")[0]
