"""The values of secrets while the agent runs: in memory, under their names, and never anywhere else."""

from __future__ import annotations

import hmac
import logging
import os
from collections.abc import Mapping

from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.deploy.link.messages import Json
from sophia_cli.deploy.releases.model import Release
from sophia_cli.project.host.processes import environment_value
from sophia_cli.project.secrets.keyed_hash import keyed_hash, project_key
from sophia_cli.project.secrets.model import Secret
from sophia_cli.project.secrets.providers import usual_providers
from sophia_cli.project.state_folder import StateFolder

log = logging.getLogger(__name__)


class SecretValues:
    """Finds the values that a release was made with.

    A command that deploys hands them over. An agent that took over reads them from the processes that still run, else
    from where they were found in the first place.
    """

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._known: dict[str, dict[str, Secret]] = {}

    def take(self, given: Json) -> None:
        """Keep what a command handed over: values by name by service."""
        if not isinstance(given, dict):
            return
        for service, values in given.items():
            if isinstance(values, dict):
                kept = self._known.setdefault(service, {})
                kept.update({name: Secret(value) for name, value in values.items() if isinstance(value, str)})

    def learn(self, service: str, names: tuple[str, ...], pid: int) -> None:
        """Take the values that a process which runs was started with."""
        kept = self._known.setdefault(service, {})
        for name in names:
            value = environment_value(pid, name)
            if value is not None:
                kept.setdefault(name, Secret(value))

    def of(self, release: Release) -> Mapping[str, str]:
        """Return the secrets of a release by name; SophiaError (`secret-missing`) when one cannot be found.

        A value that is no longer the one of the release is used all the same, since a service that is down helps
        nobody; it is told in the log.
        """
        if not release.secrets:
            return {}
        key = project_key(self._state)
        found: dict[str, str] = {}
        for name, wanted in release.secrets:
            value = self._find(release, name, wanted, key)
            if value is None:
                raise SophiaError(
                    "secret-missing",
                    f"secret `{name}` of service `{release.name}` is found nowhere",
                    hint="put it into `.env`, or deploy again with it in the environment",
                    exit_code=ExitCode.UNAVAILABLE,
                )
            found[name] = value.reveal()
        return found

    def _find(self, release: Release, name: str, wanted: str, key: bytes) -> Secret | None:
        candidates: list[Secret] = []
        known = self._known.get(release.name, {}).get(name)
        if known is not None:
            candidates.append(known)
        # Files first: the agent's own environment may be that of a command long ago.
        for provider in reversed(usual_providers(self._state.root, release.environment or None, os.environ)):
            candidates += [secret.value for secret in provider.get([name])]
        for candidate in candidates:
            if hmac.compare_digest(keyed_hash(key, name, candidate), wanted):
                return candidate
        if candidates:
            log.warning("secret differs from the release's", extra={"service": release.name, "secret": name})
            return candidates[0]
        return None
