"""The places where secrets are looked for without any service of others: the process environment and `.env` files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import dataclass
from sophia_cli.project.secrets.dotenv import parse_dotenv
from sophia_cli.project.secrets.model import FoundSecret, Provider, Secret

_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ProcessEnvironment:
    """The variables of a process."""

    variables: Mapping[str, str]

    @property
    def name(self) -> str:
        return "the environment of the process"

    def get(self, names: Sequence[str]) -> tuple[FoundSecret, ...]:
        return tuple(
            FoundSecret(name, Secret(self.variables[name]), self.name) for name in names if self.variables.get(name)
        )


@dataclass(frozen=True, slots=True)
class DotenvFile:
    """A `.env` file in the project root; one that is not there gives nothing.

    `variables` are what `${NAME}` may stand for.
    """

    root: Path
    file: str
    variables: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"`{self.file}`"

    def get(self, names: Sequence[str]) -> tuple[FoundSecret, ...]:
        text = _read(self.root / self.file, self.file)
        values = {item.name: item for item in parse_dotenv(text, self.file, self.variables)}
        return tuple(
            FoundSecret(name, Secret(values[name].value), f"{self.file}:{values[name].line}")
            for name in names
            if name in values and values[name].value
        )


def usual_providers(root: Path, environment: str | None, variables: Mapping[str, str]) -> tuple[Provider, ...]:
    """Return where secrets are looked for, the first that has one wins.

    The process environment, then `.env.<environment>` where an environment is named, then `.env`.
    """
    files = [".env"] if environment is None else [f".env.{environment}", ".env"]
    return (ProcessEnvironment(variables), *(DotenvFile(root, file, variables) for file in files))


def _read(path: Path, file: str) -> str:
    try:
        with open(path, "rb") as stream:
            data = stream.read(_LARGEST_BYTES + 1)
        if len(data) > _LARGEST_BYTES:
            raise OSError("it has more than 1 MB")
        return data.decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)
        raise UsageError(
            "dotenv-unreadable",
            f"`{file}` cannot be read: {reason}",
            hint="make it a text file that this user can read, or take it away",
            location=file,
        ) from error
