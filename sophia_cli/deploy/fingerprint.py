"""What a service consists of, part by part, so that two releases can be compared and the difference told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from sophia_cli.core.digests import sha256_hex
from sophia_cli.core.values import dataclass
from sophia_cli.project.settings.service_codec import Values, service_to_values
from sophia_cli.project.settings.service_model import Service

Pairs = tuple[tuple[str, str], ...]
"""Names with what stands for their content, sorted by name."""

# What is asked of a service, or how carefully it is replaced, changes nothing in what runs.
_NOT_FOR_RUNNING = frozenset({"name", "checks", "slo", "open_api", "soak_s", "canary", "format"})
_UNITS = ("_s", "_bytes")


class Part(Enum):
    """The parts of a fingerprint; the value is how records call them."""

    CODE = "code"
    DATA = "data"
    SETTINGS = "settings"
    SECRETS = "secrets"
    PACKAGES = "packages"
    PYTHON = "python"
    ENVIRONMENT = "environment"


class Change(Enum):
    """How something differs from what was there before."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What one release of a service runs with.

    `code` are the files of the import closure and `data` the watched files, each with the SHA-256 of its content;
    `settings` those that matter for running, by the names they have in the settings file; `secrets` keyed hashes;
    `packages` the versions of the locked distributions. `python` is the interpreter's version, `environment` the name
    of the environment of the settings, empty for none.
    """

    code: Pairs
    data: Pairs
    settings: Pairs
    secrets: Pairs
    packages: Pairs
    python: str
    environment: str

    @property
    def digest(self) -> str:
        """The SHA-256 of everything, in hexadecimal: equal for equal fingerprints only."""
        parts = {part.value: [list(pair) for pair in self.pairs(part)] for part in Part}
        return sha256_hex(json.dumps(parts, sort_keys=True).encode("ascii"))

    def pairs(self, part: Part) -> Pairs:
        """Return one part as pairs; what is a single value has an empty name."""
        match part:
            case Part.CODE:
                return self.code
            case Part.DATA:
                return self.data
            case Part.SETTINGS:
                return self.settings
            case Part.SECRETS:
                return self.secrets
            case Part.PACKAGES:
                return self.packages
            case Part.PYTHON:
                return (("", self.python),)
            case Part.ENVIRONMENT:
                return (("", self.environment),)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: `name` is a path, a key, a secret or a distribution.

    `before` and `after` are versions for packages, Python and the environment, and empty where only hashes or values
    that must not be shown are known.
    """

    part: Part
    name: str
    change: Change
    before: str = ""
    after: str = ""


_SHOWN = frozenset({Part.PACKAGES, Part.PYTHON, Part.ENVIRONMENT})


def fingerprint_of(
    service: Service,
    *,
    code: Mapping[str, str],
    data: Mapping[str, str],
    secrets: Mapping[str, str],
    packages: Mapping[str, str],
    python: str,
    environment: str = "",
    addresses: Mapping[str, str] | None = None,
) -> Fingerprint:
    """Return the fingerprint of a service.

    `code` and `data` map paths to SHA-256, `secrets` names to keyed hashes, `packages` names to versions. `addresses`
    are those of the services that it depends on, by name: it is started with them.
    """
    settings = dict(settings_for_running(service))
    for name in service.depends_on:
        if addresses and name in addresses:
            settings[f"address of {name}"] = addresses[name]
    return Fingerprint(
        code=_pairs(code),
        data=_pairs(data),
        settings=_pairs(settings),
        secrets=_pairs(secrets),
        packages=_pairs(packages),
        python=python,
        environment=environment,
    )


def settings_for_running(service: Service) -> Pairs:
    """Return the settings that matter for what runs, by the keys of the settings file, each as JSON text.

    What has its default is left out: a setting that a later version of Sophia adds changes no fingerprint.
    """
    usual = dict(_flat("", _values(Service(service.name))))
    found = dict(_flat("", _values(service)))
    return _pairs({key: value for key, value in found.items() if usual.get(key) != value})


def differences(before: Fingerprint, after: Fingerprint) -> tuple[Difference, ...]:
    """Return what differs between two fingerprints, part by part, sorted by name."""
    found: list[Difference] = []
    for part in Part:
        old, new = dict(before.pairs(part)), dict(after.pairs(part))
        for name in sorted(old.keys() | new.keys()):
            was, is_now = old.get(name), new.get(name)
            if was == is_now:
                continue
            change = Change.ADDED if was is None else Change.REMOVED if is_now is None else Change.CHANGED
            shown = (was or "", is_now or "") if part in _SHOWN else ("", "")
            found.append(Difference(part, name, change, *shown))
    return tuple(found)


def _values(service: Service) -> dict[str, Values]:
    values = {key: value for key, value in service_to_values(service).items() if key not in _NOT_FOR_RUNNING}
    values["env"] = dict(service.env)
    return values


def _flat(prefix: str, values: Mapping[str, Values]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        key = prefix + _setting(name) if prefix != "env." else prefix + name
        if isinstance(value, dict) and (value or name == "env"):
            yield from _flat(f"{key}.", value)
        else:
            yield key, json.dumps(value, sort_keys=True)


def _setting(field: str) -> str:
    """Return how the settings file calls a field: without the unit that its name tells."""
    return next((field.removesuffix(unit) for unit in _UNITS if field.endswith(unit)), field)


def _pairs(values: Mapping[str, str] | Iterable[tuple[str, str]]) -> Pairs:
    return tuple(sorted(dict(values).items()))
