"""A secret as a value that does not show itself, and what can give one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sophia_cli.core.values import dataclass

REDACTED = "******"


class Secret:
    """The value of a secret. Printing, formatting or logging it shows stars; only `reveal` gives the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return REDACTED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret under its name, and where it was found: `the environment of the process`, `.env:3`."""

    name: str
    value: Secret
    source: str


class Provider(Protocol):
    """A place where secrets are looked for."""

    @property
    def name(self) -> str:
        """What the place is called in messages."""

    def get(self, names: Sequence[str]) -> tuple[FoundSecret, ...]:
        """Return those of the names that have a value here; an empty value is none.

        SophiaError when the place is there and cannot be read.
        """
