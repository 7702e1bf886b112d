"""What `sophia doctor` says of the machine that services are deployed on; nothing here keeps them from running."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping

from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class MachineFact:
    """Something that deployments use where it is there, and what is done without it."""

    name: str
    is_there: bool
    message: str
    hint: str | None = None


def machine_facts(environment: Mapping[str, str]) -> Iterator[MachineFact]:
    """Look what this machine offers to deployed services; nothing is changed."""
    yield _processes()
    yield _limits()
    yield _open_files()
    yield _haproxy(environment)
    yield _uvicorn()
    yield _web_api()


def _processes() -> MachineFact:
    from sophia_cli.project.host.proc_files import shows_processes
    from sophia_cli.project.host.syscalls import missing_calls

    if not shows_processes():
        hint = "services cannot be deployed on this machine; scan, fix, verify and bench work"
        return MachineFact("processes", False, "this system does not tell of its processes in `/proc`", hint)
    missing = missing_calls()
    if not missing:
        text = "exits are seen at once, listeners are taken back from running services"
        return MachineFact("processes", True, text)
    reasons = "; ".join(f"{one.what}: {one.reason}" for one in missing)
    hint = "services are deployed all the same: the agent looks at processes instead, a holder keeps their listeners"
    return MachineFact("processes", False, f"not offered: {reasons}", hint)


def _limits() -> MachineFact:
    from sophia_cli.project.host.cgroups import SETTING_OF, all_trees

    trees, missing = all_trees()
    kept = [SETTING_OF[tree.controller] for tree in trees]
    if not missing:
        return MachineFact("limits", True, f"{_listed(kept)} are kept by the kernel")
    reasons = "; ".join(dict.fromkeys(one.reason for one in missing))
    others = [one.what for one in missing if one.what != SETTING_OF["memory"]]
    hints = [f"{_listed(others)} {'is' if len(others) == 1 else 'are'} not kept"] if others else []
    if len(others) < len(missing):
        hints.append("`limits.memory` is watched by the agent instead")
    beside = f"; kept: {_listed(kept)}" if kept else ""
    return MachineFact("limits", False, f"control groups are unavailable: {reasons}{beside}", "; ".join(hints))


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _open_files() -> MachineFact:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "any number" if hard == resource.RLIM_INFINITY else str(hard)
    return MachineFact("open files", True, f"{soft} a service, the agent may have {most}")


def _haproxy(environment: Mapping[str, str]) -> MachineFact:
    found = shutil.which("haproxy", path=environment.get("PATH", os.defpath) + ":/usr/sbin")
    if found is None:
        return MachineFact("haproxy", False, "not found", "only `sophia deploy --strict` and canaries need it")
    return MachineFact("haproxy", True, found)


def _uvicorn() -> MachineFact:
    if importlib.util.find_spec("uvicorn") is None:
        hint = "a service with `app` needs uvicorn in the project's own environment"
        return MachineFact("uvicorn", False, "not found beside Sophia", hint)
    return MachineFact("uvicorn", True, "found beside Sophia; a service with `app` uses the project's own")


def _web_api() -> MachineFact:
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        hint = '`pip install "sophia-cli[web]"`; services are deployed and kept all the same'
        return MachineFact("web api", False, f"not found beside Sophia: {', '.join(missing)}", hint)
    return MachineFact("web api", True, "starlette and uvicorn are found beside Sophia")
