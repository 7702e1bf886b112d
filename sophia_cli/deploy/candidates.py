"""A service as it is now, from its settings, the project's files and the environment: what a plan compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sophia_cli.deploy.closure import app_folder, closure_of, named_files, needed_distributions
from sophia_cli.deploy.fingerprint import fingerprint_of
from sophia_cli.deploy.plan import Candidate
from sophia_cli.project.dependencies.installed import Environment, InstalledDistribution
from sophia_cli.project.files.working_tree import matching
from sophia_cli.project.imports.graph import ImportGraph
from sophia_cli.project.packages.outline import EnvironmentOutline
from sophia_cli.project.settings.service_model import Service


def candidate_of(
    service: Service,
    graph: ImportGraph,
    hashes: Mapping[str, str],
    outline: EnvironmentOutline,
    installed: Environment,
    secrets: Mapping[str, str],
    *,
    environment: str = "",
    addresses: Mapping[str, str] | None = None,
) -> Candidate:
    """Return what a service consists of now, with the way to each of its files.

    `hashes` are the SHA-256 of all files that a release would copy, by path; `secrets` the keyed hashes of the
    service's secrets; `addresses` those of the services that it depends on, by name. A service whose command names no
    Python file of the project consists of all files.
    """
    closure = closure_of(graph, service)
    code = dict(hashes) if closure is None else {path: hashes[path] for path in closure.ways if path in hashes}
    watched = (*matching(hashes, service.watch), *named_files(service, hashes.keys()))
    fingerprint = fingerprint_of(
        service,
        code=code,
        data={path: hashes[path] for path in watched if path not in code},
        secrets=secrets,
        packages=_packages(needed_distributions(closure, service, installed), outline, installed),
        python=f"{outline.version} ({outline.python})",
        environment=environment,
        addresses=addresses,
    )
    return Candidate(service, fingerprint, {} if closure is None else closure.ways)


def _packages(
    needed: Mapping[str, InstalledDistribution], outline: EnvironmentOutline, installed: Environment
) -> dict[str, str]:
    """Return the versions of what is needed, and of whatever nobody knows the modules of: it might be."""
    versions = dict(outline.distributions)
    unknown = {name: version for name, version in versions.items() if name not in installed.distributions}
    return {**unknown, **{name: versions.get(name, found.version) for name, found in needed.items()}}


def needed_files(services: Iterable[Service], graph: ImportGraph) -> frozenset[str]:
    """Return the Python files that services import: a release needs them also where git ignores them."""
    closures = (closure_of(graph, service) for service in services)
    return frozenset(path for closure in closures if closure is not None for path in closure.ways)


def search_path_of(service: Service, graph: ImportGraph, outline: EnvironmentOutline) -> tuple[str, ...]:
    """Return the folders of a release's tree that belong on PYTHONPATH, relative to it.

    Where `app` is found from, and where editable installs lead into the project: the copy comes before the original.
    """
    folder = app_folder(graph, service)
    return tuple(dict.fromkeys(((folder,) if folder is not None else ()) + outline.inside))
