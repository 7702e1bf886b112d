"""What goes on in a file until it is stopped, and whether the file itself sets it going when it is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from sophia_cli.core.values import dataclass, field
from sophia_cli.project.discovery.python.shapes import is_endless, last_name
from sophia_cli.project.discovery.python.values import dotted_name

_ENDLESS = frozenset(
    {"run_forever", "serve_forever", "start_consuming", "wait_for_termination", "pause", "loop_forever"}
    | {"run_polling", "infinity_polling", "start_polling", "run_until_disconnected", "run_pending"}
)
# Methods that take one job after the other from somewhere.
_TAKING = frozenset(
    {"start_consuming", "run_pending", "blpop", "brpop", "brpoplpush", "xread", "xreadgroup", "receive_message"}
    | {"receive_messages", "run_polling", "infinity_polling", "start_polling", "run_until_disconnected", "loop_forever"}
)
_TAKING_PACKAGES = frozenset(
    {"apscheduler", "schedule", "kafka", "aiokafka", "confluent_kafka", "pika", "aio_pika", "kombu", "nats", "stomp"}
    | {
        "temporalio",
        "discord",
        "telegram",
        "telebot",
        "aiogram",
        "telethon",
        "slack_bolt",
        "paho",
        "aiomqtt",
        "watchdog",
    }
)
_TAKING_IMPORT = re.compile(rf"^[ \t]*(?:from|import)[ \t]+(?:{'|'.join(sorted(_TAKING_PACKAGES))})\b", re.MULTILINE)
_STARTED = {"start": frozenset({"apscheduler", "slack_bolt"}), "run": frozenset({"discord", "temporalio", "aiogram"})}
_TALKING = frozenset(
    {"pygame", "curses", "tkinter", "turtle", "cv2", "matplotlib", "prompt_toolkit", "questionary", "textual", "arcade"}
    | {"kivy", "PyQt5", "PyQt6", "PySide2", "PySide6", "IPython", "blessed", "pytest", "unittest", "locust", "cmd"}
)
_SOURCE = re.compile(r"(?:^|[._])(?:consumer|subscriber|subscription|pubsub)s?$")
_STREAMING = frozenset({"listen", "consume", "iter_messages", "subscribe", "iterator"})
_SAYS_SO = re.compile(
    r"\b(?:worker|consumer|scheduler|poller|daemon|listener|watcher|subscriber|background (?:service|process|job)s?"
    r"|runs? (?:forever|continuously|until)|long-running)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Running:
    """Gathers, while a tree is walked, what goes on and what calls what.

    `count` grows with everything that goes on; `loops` tells of what does so by itself, without a known server. A
    statement of the module that calls what goes on, directly or through functions and classes of the file, makes the
    file a script.
    """

    count: int = 0
    loops: bool = False
    takes: bool = False
    talks: bool = False
    packages: set[str] = field(default_factory=set)
    _calls: dict[str, set[str]] = field(default_factory=dict)
    _going: set[str] = field(default_factory=set)
    _aliases: dict[str, str] = field(default_factory=dict)
    _begun: list[tuple[int, set[str]]] = field(default_factory=list)
    _direct: int | None = None

    def imported(self, module: str) -> None:
        """Take note of an import."""
        top = module.partition(".")[0]
        self.packages.add(top)
        self.talks = self.talks or top in _TALKING

    def loop(self, node: ast.stmt) -> None:
        """Take note of a loop that does not end by itself."""
        if isinstance(node, ast.For) and _is_source(node.iter):
            self.takes = True
            self._goes_on()
        elif isinstance(node, ast.AsyncFor) or (isinstance(node, ast.While) and is_endless(node)):
            self._goes_on()

    def call(self, node: ast.Call, dotted: str, followed: str) -> None:
        """Take note of a call that does not return by itself."""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        is_signal = dotted.partition(".")[0] == "signal"
        self.takes = self.takes or method in _TAKING
        # `await asyncio.Future()` never ends.
        is_pause = dotted == "signal.pause" or (followed == "asyncio.Future" and not node.args)
        if (method in _ENDLESS and not is_signal) or is_pause:
            self._goes_on()
        elif _STARTED.get(method, frozenset()) & self.packages and self._is_blocking(method):
            self._goes_on()
            self.takes = True

    def serves(self) -> None:
        """Take note of a call that serves."""
        self.count += 1

    def _goes_on(self) -> None:
        self.count += 1
        self.loops = True

    def _is_blocking(self, method: str) -> bool:
        return method != "start" or "BlockingScheduler" in self.packages or "slack_bolt" in self.packages

    def named(self, name: str) -> None:
        """Take note of a name that is imported from a package."""
        if name == "BlockingScheduler":
            self.packages.add(name)

    def defined(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, before: int) -> None:
        """Take note of a function or class of the module, whose body was walked since `count` was `before`."""
        self._calls.setdefault(node.name, set()).update(_called_names(node))
        if self.count > before:
            self._going.add(node.name)

    def assigned(self, target: str, value: ast.expr) -> None:
        """Take note of what a variable of the module is made of."""
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            self._aliases[target] = value.func.id

    def begun(self, statement: ast.stmt, before: int) -> None:
        """Take note of a statement of the module that was walked since `count` was `before`."""
        if not isinstance(statement, ast.Expr | ast.While | ast.For | ast.AsyncFor):
            return
        if self.count > before and self._direct is None:
            self._direct = statement.lineno
        elif isinstance(statement, ast.Expr):
            self._begun.append((statement.lineno, _called_names(statement)))

    def script_line(self) -> int | None:
        """Return the line of the first statement of the module that sets going what does not end."""
        lines = [line for line, names in self._begun if self._reaches(names)]
        return min([*lines, *([self._direct] if self._direct is not None else [])], default=None)

    def _reaches(self, names: set[str]) -> bool:
        pending, seen = list(names), set()
        while pending:
            name = pending.pop()
            name = self._aliases.get(name, name)
            if name in self._going:
                return True
            if name not in seen:
                seen.add(name)
                pending += self._calls.get(name, ())
        return False

    def works(self, docstring: str | None) -> bool:
        """Whether what the file holds says that it is a worker: where its jobs come from, or its first words."""
        if self.talks or not self.loops:
            return False
        says_so = docstring is not None and _SAYS_SO.search(docstring.split("\n\n")[0]) is not None
        return self.takes or bool(self.packages & _TAKING_PACKAGES) or says_so


def takes_jobs(text: str) -> bool:
    """Whether a text imports a library whose programs mostly go on: queues, schedulers, bots."""
    return _TAKING_IMPORT.search(text) is not None


def _called_names(node: ast.AST) -> set[str]:
    """Return the first names of all calls below a node: `main` of `asyncio.run(main())`, `worker` of `worker.run()`."""
    calls: Iterable[ast.Call] = (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))
    return {dotted_name(call.func).partition(".")[0] for call in calls} - {""}


def _is_source(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Attribute | ast.Name) or last_name(node.func) not in _STREAMING:
            return False
        owner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
        return _SOURCE.search(dotted_name(owner).lower()) is not None
    return _SOURCE.search(dotted_name(node).lower()) is not None
