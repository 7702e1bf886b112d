"""Answer a program's own bind with a listening socket that it inherited. Runs at the start of the interpreter.

`SOPHIA_BIND_FD` is the inherited listener and `SOPHIA_BIND_PORTS` the ports whose bind gets it (without: the first TCP
port that is bound). `SOPHIA_DRAIN_S` lets uvicorn drain before it shuts down, for at most so long. A sitecustomize that
this one hides runs as it would have. Where nothing fits, nothing happens; child processes see none of it, except those
that this process becomes (exec) and Python processes that it starts before it bound its port.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # type checkers know the name; the module that has it is not worth loading in every process
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from typing import Any

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_LAUNCHER = os.path.join(os.path.dirname(_FOLDER), "launcher", "__init__.py")
_LEAST_BACKLOG = 1024


class Inherited:
    """The inherited listener, and the binds that it answers."""

    def __init__(self, descriptor: int, ports: set[int], variables: dict[str, str]) -> None:
        self.descriptor = descriptor
        self.is_taken = False
        self._inode = os.fstat(descriptor).st_ino
        self._ports = ports
        self._variables = variables

    def answers(self, port: object) -> bool:
        """Tell whether a bind to this port gets the listener. The first port counts when none was named."""
        if not isinstance(port, int) or port == 0:
            return False
        if not self._ports:
            self._ports.add(port)
        return port in self._ports

    def is_in(self, item: socket.socket) -> bool:
        """Tell whether a socket object holds the listener; also one that was duplicated or sent here."""
        try:
            return os.fstat(item.fileno()).st_ino == self._inode
        except OSError:
            return False

    def put_into(self, item: socket.socket) -> None:
        """Let a socket object hold the listener in place of what it held."""
        number = item.fileno()
        os.dup2(self.descriptor, number, os.get_inheritable(number))
        if item.gettimeout() is not None:
            os.set_blocking(number, False)
        self.is_taken = True

    def environment(self, given: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return variables under which another interpreter does the same."""
        environment = {**given, **self._variables}
        rest = given.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([_FOLDER, rest] if rest else [_FOLDER])
        return environment


def patch_socket(inherited: Inherited) -> None:
    """Have bind, listen, accept and shutdown of socket objects know the listener."""
    import socket

    kind: Any = socket.socket
    bind, listen, accept, shutdown = kind.bind, kind.listen, kind.accept, kind.shutdown

    def bind_or_take(self: socket.socket, address: Any) -> None:
        is_tcp = self.type == socket.SOCK_STREAM and self.family in (socket.AF_INET, socket.AF_INET6)
        if is_tcp and isinstance(address, tuple) and len(address) >= 2 and inherited.answers(address[1]):
            inherited.put_into(self)
        else:
            bind(self, address)

    def listen_unless_taken(self: socket.socket, *backlog: int) -> None:
        # It listens already, and a smaller backlog would count for everybody who holds it.
        if not inherited.is_in(self):
            listen(self, *backlog)

    def accept_and_wait(self: socket.socket) -> tuple[socket.socket, Any]:
        while True:
            try:
                return accept(self)  # type: ignore[no-any-return]  # it was taken off an untyped class
            except BlockingIOError:
                # Whether it blocks is a property of the listener, which others share, not of this object.
                if self.gettimeout() is not None or not inherited.is_in(self):
                    raise
                _wait_for(self)

    def shutdown_unless_taken(self: socket.socket, how: int) -> None:
        # It would end the listening of everybody who holds it.
        if not inherited.is_in(self):
            shutdown(self, how)

    kind.bind, kind.listen = bind_or_take, listen_unless_taken
    kind.accept, kind.shutdown = accept_and_wait, shutdown_unless_taken


def _wait_for(item: socket.socket) -> None:
    import select

    poll = select.poll()
    poll.register(item.fileno(), select.POLLIN)
    poll.poll()


def patch_uvloop(inherited: Inherited, module: Any) -> None:
    """uvloop binds below Python; give it the listener as an open socket."""
    import socket

    create_server = module.Loop.create_server

    async def create_or_take(
        self: Any, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        if options.get("sock") is None and inherited.answers(port):
            inherited.is_taken = True
            for name in ("family", "flags", "reuse_address", "reuse_port"):
                options.pop(name, None)
            options["sock"] = socket.socket(fileno=os.dup(inherited.descriptor))
            options["backlog"] = max(_LEAST_BACKLOG, options.get("backlog", 0))
            return await create_server(self, protocol_factory, **options)
        return await create_server(self, protocol_factory, host, port, **options)

    module.Loop.create_server = create_or_take


def patch_exec(inherited: Inherited) -> None:
    """A program that becomes another one (exec) leaves it the listener and the variables."""
    system: Any = os
    execve = system.execve

    def execve_with(path: Any, arguments: Any, environment: Any) -> None:
        os.set_inheritable(inherited.descriptor, True)
        try:
            execve(path, arguments, inherited.environment(environment))
        finally:
            os.set_inheritable(inherited.descriptor, False)

    def execv_with(path: Any, arguments: Any) -> None:
        execve_with(path, arguments, os.environ)

    system.execve, system.execv = execve_with, execv_with


def patch_subprocess(inherited: Inherited, module: Any) -> None:
    """A Python process that is started before the port was bound may be the one that binds it."""
    start = module.Popen.__init__

    def start_with(self: Any, args: Any, *more: Any, **options: Any) -> None:
        if not more and not inherited.is_taken and not options.get("shell") and _is_python(args):
            options["pass_fds"] = (*options.get("pass_fds", ()), inherited.descriptor)
            options["env"] = inherited.environment(options.get("env") or os.environ)
        start(self, args, *more, **options)

    module.Popen.__init__ = start_with


def _is_python(arguments: Any) -> bool:
    if isinstance(arguments, (list, tuple)) and arguments and isinstance(arguments[0], str):
        return arguments[0] == sys.executable or os.path.basename(arguments[0]).startswith("python")
    return False


def patch_uvicorn(timeout_s: float, module: Any) -> None:
    """Drain before the shutdown, which closes connections at once that a caller may just be using."""
    shut_down = module.Server.shutdown

    async def drain_and_shut_down(self: Any, sockets: Any = None) -> None:
        for server in self.servers:
            server.close()
        launcher = _launcher()
        if launcher is not None:
            text = '{"app": "", "drain_timeout_s": %f}' % timeout_s  # noqa: UP031 - braces
            await launcher.Handover(self, launcher.Specification(text)).finish_drain()
        await shut_down(self, sockets)

    module.Server.shutdown = drain_and_shut_down


def _launcher() -> Any:  # a module
    import importlib.util

    spec: Any = importlib.util.spec_from_file_location("sophia_launcher", _LAUNCHER)
    launcher = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(launcher)
    except OSError:
        return None  # Sophia was removed in the meantime; uvicorn's own way is left
    return launcher


class AfterImport:
    """Runs a patch right after a module was imported, once each."""

    def __init__(self, patches: dict[str, Callable[[Any], None]]) -> None:
        self._patches = patches
        self._is_asking = False

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec that the other finders give, with a loader that runs the patch; None for other modules."""
        if name not in self._patches or self._is_asking:
            return None
        self._is_asking = True
        try:
            for finder in sys.meta_path:
                spec = finder.find_spec(name, path, target) if hasattr(finder, "find_spec") else None
                if spec is not None:
                    return self._with_patch(name, spec)
        finally:
            self._is_asking = False
        return None

    def _with_patch(self, name: str, spec: Any) -> Any:
        loader = spec.loader
        if not hasattr(loader, "__dict__") or not hasattr(loader, "exec_module"):
            return spec
        execute = loader.exec_module

        def execute_and_patch(module: Any) -> None:
            del loader.exec_module
            execute(module)
            patch = self._patches.pop(name, None)
            if patch is not None:
                patch(module)

        loader.exec_module = execute_and_patch
        return spec


def leave_no_trace() -> dict[str, str]:
    """Take the variables that are ours out of the environment, and return them."""
    ours = {name: os.environ.pop(name) for name in list(os.environ) if name in _VARIABLES}
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [folder for folder in folders if os.path.abspath(folder or os.curdir) != _FOLDER]
    if any(kept):
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)
    else:
        os.environ.pop("PYTHONPATH", None)
    options = os.environ.get("NODE_OPTIONS", "")
    _, marker, rest = options.partition(os.path.join(_FOLDER, "preload.js") + '"')
    if marker:
        ours["NODE_OPTIONS"] = options
        if rest.strip():
            os.environ["NODE_OPTIONS"] = rest.strip()
        else:
            del os.environ["NODE_OPTIONS"]
    return ours


_VARIABLES = ("SOPHIA_BIND_FD", "SOPHIA_BIND_PORTS", "SOPHIA_DRAIN_S")


def inherited_listener(variables: dict[str, str]) -> Inherited | None:
    """Return the listener that the variables name, or None when this process has none."""
    import socket

    try:
        descriptor = int(variables["SOPHIA_BIND_FD"])
        ports = {int(port) for port in variables.get("SOPHIA_BIND_PORTS", "").split(",") if port}
        duplicate = socket.socket(fileno=os.dup(descriptor))
    except (KeyError, ValueError, OSError):
        return None
    with duplicate:
        if not duplicate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return None
    os.set_inheritable(descriptor, False)
    return Inherited(descriptor, ports, variables)


def set_up() -> None:
    """Install what the variables ask for."""
    variables = leave_no_trace()
    patches: dict[str, Callable[[Any], None]] = {}
    inherited = inherited_listener(variables) if "SOPHIA_BIND_FD" in variables else None
    if inherited is not None:
        listener = inherited
        patch_socket(listener)
        patch_exec(listener)
        patches["uvloop"] = lambda module: patch_uvloop(listener, module)
        patches["subprocess"] = lambda module: patch_subprocess(listener, module)
    if "SOPHIA_DRAIN_S" in variables:
        patches["uvicorn.server"] = lambda module: patch_uvicorn(float(variables["SOPHIA_DRAIN_S"]), module)
    for name in list(patches):
        if name in sys.modules:
            patches.pop(name)(sys.modules[name])
    if patches:
        sys.meta_path.insert(0, AfterImport(patches))


def run_hidden() -> None:
    """Run the sitecustomize that this one hides, in its place and under its name."""
    import importlib.machinery
    import importlib.util

    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _FOLDER]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    set_up()
    run_hidden()
