"""A service as it is now, from its settings, the project's files and the environment: what a plan compares."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_cli.deploy.closure import app_folder, closure_of, named_files, needed_distributions
from sophia_cli.deploy.fingerprint import fingerprint_of
from sophia_cli.deploy.plan import Candidate
from sophia_cli.project.dependencies.installed import Environment
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
    needed = needed_distributions(closure, service, installed)
    versions = dict(outline.distributions)
    fingerprint = fingerprint_of(
        service,
        code=code,
        data={path: hashes[path] for path in watched if path not in code},
        secrets=secrets,
        packages={name: versions.get(name, found.version) for name, found in needed.items()},
        python=outline.version,
        environment=environment,
        addresses=addresses,
    )
    return Candidate(service, fingerprint, {} if closure is None else closure.ways)


def search_path_of(service: Service, graph: ImportGraph, outline: EnvironmentOutline) -> tuple[str, ...]:
    """Return the folders of a release's tree that belong on PYTHONPATH, relative to it.

    Where `app` is found from, and where editable installs lead into the project: the copy comes before the original.
    """
    folder = app_folder(graph, service)
    return tuple(dict.fromkeys(((folder,) if folder is not None else ()) + outline.inside))
