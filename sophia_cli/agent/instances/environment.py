"""The environment variables that an instance is started with; nothing else of the agent's reaches it."""

from __future__ import annotations

from collections.abc import Mapping

_PASSED = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"})
_PASSED_PREFIX = "LC_"


def passed_on(outer: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the agent's own environment that instances get: who, where, and in which language."""
    return {name: value for name, value in outer.items() if name in _PASSED or name.startswith(_PASSED_PREFIX)}


def url_variable(service: str) -> str:
    """Return the name of the variable that holds the address of a service for those that depend on it."""
    return "SOPHIA_URL_" + "".join(sign if sign.isalnum() else "_" for sign in service).upper()


def instance_environment(
    outer: Mapping[str, str],
    *,
    own: Mapping[str, str],
    secrets: Mapping[str, str],
    identity: Mapping[str, str],
    port: int | None,
    urls: Mapping[str, str],
) -> dict[str, str]:
    """Return the whole environment of an instance.

    `own` is `env` of the settings, `identity` what tells which instance it is, `urls` the addresses of services that it
    depends on. What Sophia sets wins over the settings: an instance must be recognisable, whatever they say.
    """
    environment = {**passed_on(outer), **own, **secrets}
    environment.setdefault("PYTHONUNBUFFERED", "1")
    if port is not None:
        environment["PORT"] = str(port)
    environment.update({url_variable(name): url for name, url in urls.items()})
    environment.update(identity)
    return environment
