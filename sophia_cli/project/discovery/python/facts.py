"""What one Python file says about services, as values. Nothing here knows any other file."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass
from sophia_cli.project.discovery.python.frameworks import Framework


class Place(Enum):
    """Where an application is built."""

    MODULE = "module"
    MAIN = "main"
    FUNCTION = "function"
    SELF = "self"
    FACTORY = "factory"
    CLASS = "class"


@dataclass(frozen=True, slots=True)
class BuiltApp:
    """An application that a file builds. `line` is that of the statement, of the `def` for a factory.

    `name` is the variable, the attribute of `self` or the function; `needs_arguments` is for factories; `is_made` tells
    of a variable that a factory of the same file makes. `port` is the one that it is built with.
    """

    framework: Framework
    place: Place
    name: str
    line: int
    needs_arguments: bool = False
    is_made: bool = False
    port: int | None = None


@dataclass(frozen=True, slots=True)
class ServeCall:
    """A call that serves. `target` is `module:name` or a dotted name, empty where it cannot be told.

    `workers` is how many processes it asks for, 0 where only the running program knows, None where it says nothing.
    """

    server: str
    line: int
    target: str
    port: int | None
    is_stdio: bool = False
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """One import: `module` without leading dots, `level` of these, `name` empty for a plain import."""

    module: str
    name: str
    level: int
    alias: str


@dataclass(frozen=True, slots=True)
class MadeElsewhere:
    """A variable of the module that an imported function makes: `app = create_app()`. `level` counts leading dots."""

    name: str
    function: str
    module: str
    level: int
    line: int


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """Everything one file says. `main_line` is that of `if __name__ == "__main__"`, None where there is none.

    `script_line` is that of the first statement of the module itself that sets going what does not end.
    `loops`: something in it runs until it is stopped. `works`: what it holds says that it is a worker. `asks`: it reads
    answers from a person. `classes` are those whose instances are applications. `functions` are the
    module's functions with their lines; `actors` are lines of decorators that make a function a job or an event's
    receiver, with the library's word. `made` are variables that functions of other files make,
    `probe` the path of a route that tells whether the service is well. `reads_port`: it asks the environment for
    `PORT`; `port_option`: its command has `--port`. `compiles` is false where the text was read tolerantly.
    """

    apps: tuple[BuiltApp, ...] = ()
    classes: tuple[BuiltApp, ...] = ()
    calls: tuple[ServeCall, ...] = ()
    imports: tuple[Imported, ...] = ()
    functions: tuple[tuple[str, int], ...] = ()
    actors: tuple[tuple[str, int], ...] = ()
    made: tuple[MadeElsewhere, ...] = ()
    probe: str | None = None
    reads_port: bool = False
    port_option: bool = False
    main_line: int | None = None
    script_line: int | None = None
    loops: bool = False
    works: bool = False
    asks: bool = False
    compiles: bool = True

    @property
    def serves(self) -> bool:
        """Whether running or calling something in the file goes on until it is stopped."""
        return bool(self.apps or self.calls or self.loops)
