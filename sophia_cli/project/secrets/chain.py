"""Looking for secrets in one place after another."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.errors import UsageError
from sophia_cli.project.secrets.model import FoundSecret, Provider


def find_secrets(names: Sequence[str], providers: Sequence[Provider]) -> tuple[FoundSecret, ...]:
    """Return those of the names that some place has, in the order of the names; the first place that has one wins.

    Raises what a provider raises.
    """
    found: dict[str, FoundSecret] = {}
    for provider in providers:
        missing = [name for name in names if name not in found]
        if not missing:
            break
        found.update({secret.name: secret for secret in provider.get(missing)})
    return tuple(found[name] for name in dict.fromkeys(names) if name in found)


def resolve_secrets(service: str, names: Sequence[str], providers: Sequence[Provider]) -> tuple[FoundSecret, ...]:
    """Return all secrets of a service; UsageError (`secret-missing`) that names those no place has, and the places."""
    found = find_secrets(names, providers)
    known = {secret.name for secret in found}
    missing = [name for name in dict.fromkeys(names) if name not in known]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        word = "secret" if len(missing) == 1 else "secrets"
        raise UsageError(
            "secret-missing",
            f"service `{service}` needs {word} {listed}, which no place has",
            hint=f"looked in {', '.join(provider.name for provider in providers)}; an empty value counts as none",
        )
    return found
