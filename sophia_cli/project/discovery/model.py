"""What was found in a repository that can be started, as values."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


class Form(Enum):
    """How something can be started."""

    APP = "app"
    FACTORY = "factory"
    ATTRIBUTE = "attribute"
    SCRIPT = "script"
    RUNNER = "runner"
    WORKER = "worker"
    CONSOLE_SCRIPT = "console-script"
    FUNCTION = "function"
    COMPOSE = "compose"
    DOCKERFILE = "dockerfile"
    PROCFILE = "procfile"
    UNIT = "unit"
    NODE = "node"
    MANIFEST = "manifest"
    TASK = "task"


class Doubt(Enum):
    """Why something that was found is not switched on in the settings that `sophia init` writes."""

    SET_ASIDE = "it lies among archived, example or template files"
    NOT_PYTHON = "it is no Python program"
    NOT_FOUND = "the file that it starts is not in the project"
    NEEDS_ARGUMENTS = "its factory needs arguments"
    NOTHING_STARTS_IT = "nothing was found that starts it"
    STDIO = "it talks over standard input and output, so its client starts it"
    PORT_TAKEN = "its code binds a port that another service has"
    FUNCTION = "its platform starts it; to run it here, install functions-framework"


@dataclass(frozen=True, slots=True)
class Entry:
    """One startable thing as one file names it. `line` (from 1) is where, `text` that line.

    `framework` is what it is made with (`fastapi`, `uvicorn`, `mcp`), empty where no word fits. `attribute` is the
    name of an application in its module, `create_app()` for a factory that can be called without arguments. `words`
    is a command line, which runs in `folder`; `starts` are the project's Python files that it starts. `name` is what
    the file calls it. `depends_on` are names that a compose file gives; `env` its variables, None for a value that only
    the machine knows, `env_files` where more of them stand, `hosts` the names of all of its services. `caller` is the
    function of the file that a command of the project calls, `probe` the path that a health check asks for, `processes`
    how many of them code has it served by, 0 where only that knows as it runs.
    """

    path: str
    line: int
    form: Form
    text: str
    framework: str = ""
    name: str = ""
    attribute: str | None = None
    words: tuple[str, ...] = ()
    folder: str = ""
    starts: tuple[str, ...] = ()
    port: int | None = None
    depends_on: tuple[str, ...] = ()
    doubt: Doubt | None = None
    caller: str | None = None
    probe: str | None = None
    env: tuple[tuple[str, str | None], ...] = ()
    env_files: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    processes: int | None = None

    @property
    def kind(self) -> str:
        """What it is, in a word: `fastapi-app`, `uvicorn-script`, `compose-service`."""
        match self.form:
            case Form.COMPOSE:
                return "compose-service"
            case Form.DOCKERFILE | Form.PROCFILE | Form.CONSOLE_SCRIPT | Form.WORKER | Form.UNIT:
                return f"{self.framework}-worker" if self.form is Form.WORKER and self.framework else self.form.value
            case Form.APP | Form.ATTRIBUTE if self.framework == "mcp":
                return "mcp-server"
            case Form.ATTRIBUTE:
                return f"{self.framework}-app"
            case _:
                return f"{self.framework}-{self.form.value}" if self.framework else self.form.value


class Listening(Enum):
    """How a program comes to the port that the settings name."""

    ANY = "its socket is handed over, or it asks for `PORT`"
    OPTION = "it is told by an option"
    FIXED = "it binds the one that its code names"
    ITSELF = "it binds in a way that nothing can be handed over to"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One service for the settings: how it is started, and all that was found about it, the best evidence first.

    Exactly one of `app` and `words` is set unless `doubt` says why there is none. `port_note` tells why the port is
    not the one that the files name, `probe` is the path of a route that tells whether the service is well. `unset` are
    variables that its files name without a value that works here. `replicas` is how many processes a document or
    its code has it served by, 0 where that works it out, and `app` takes the place of the server that was told so.
    """

    name: str
    entries: tuple[Entry, ...]
    app: str | None = None
    words: tuple[str, ...] = ()
    cwd: str = ""
    port: int | None = None
    port_note: str | None = None
    depends_on: tuple[str, ...] = ()
    doubt: Doubt | None = None
    probe: str | None = None
    compiles: bool = True
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    listening: Listening = Listening.ANY
    replicas: int = 1
