"""What the tree of a Python file says about services."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from sophia_cli.core.values import dataclass, field, replace
from sophia_cli.project.discovery.python.facts import BuiltApp, Imported, MadeElsewhere, Place, PythonFacts, ServeCall
from sophia_cli.project.discovery.python.frameworks import RAW_ASGI, RAW_WSGI, Framework
from sophia_cli.project.discovery.python.meanings import Meanings
from sophia_cli.project.discovery.python.raw import is_served_name, raw_class, raw_interface
from sophia_cli.project.discovery.python.routes import MOUNT, PROBES, probed_path
from sophia_cli.project.discovery.python.running import Running
from sophia_cli.project.discovery.python.serving import serve_call
from sophia_cli.project.discovery.python.shapes import Function, is_main, returns
from sophia_cli.project.discovery.python.values import PortReader, dotted_name

_ACTORS = {"functions_framework": "functions-framework", "dramatiq": "dramatiq"}


@dataclass(frozen=True, slots=True)
class _Where:
    """The scope that a statement is in."""

    place: Place = Place.MODULE
    function: Function | None = None
    is_method: bool = False
    is_nested: bool = False


@dataclass(slots=True)
class TreeReader:
    """Walks one tree."""

    tree: ast.Module
    _ports: PortReader | None = None
    known: Meanings = field(default_factory=Meanings)
    imports: list[Imported] = field(default_factory=list)
    apps: list[BuiltApp] = field(default_factory=list)
    calls: list[ServeCall] = field(default_factory=list)
    functions: list[tuple[str, int]] = field(default_factory=list)
    actors: list[tuple[str, int]] = field(default_factory=list)
    made: list[MadeElsewhere] = field(default_factory=list)
    probe: str | None = None
    mounted: set[str] = field(default_factory=set)
    below: set[int] = field(default_factory=set)
    running: Running = field(default_factory=Running)
    bound: tuple[int, int | None] | None = None
    accepts: bool = False
    reads_port: bool = False
    main_line: int | None = None
    asks: bool = False

    def _port_reader(self) -> PortReader:
        # Most files need none, and it reads the whole tree.
        if self._ports is None:
            self._ports = PortReader.of(self.tree)
        return self._ports

    def facts(self) -> PythonFacts:
        """Return what was seen."""
        return PythonFacts(
            apps=tuple(app for app in self.apps if app.place is not Place.MODULE or app.name not in self.mounted),
            calls=tuple(self._calls()),
            imports=tuple(self.imports),
            functions=tuple(self.functions),
            actors=tuple(self.actors),
            made=tuple(self.made),
            probe=self.probe,
            reads_port=self.reads_port,
            port_option=bool(self.calls) and "port" in self._port_reader().options,
            main_line=self.main_line,
            classes=tuple(BuiltApp(found, Place.CLASS, name, 1) for name, found in self.known.subclasses.items()),
            script_line=self.running.script_line(),
            loops=self.running.loops,
            works=self.running.works(ast.get_docstring(self.tree)),
            asks=self.asks,
        )

    def _calls(self) -> list[ServeCall]:
        """Return the calls that serve, with the port that is bound apart from them; a bare socket that accepts, too."""
        if self.bound is None:
            return self.calls
        line, port = self.bound
        if not self.calls and self.accepts and self.running.loops:
            return [ServeCall("socket", line, "", port)]
        return [replace(call, port=port) if call.server == "grpc" else call for call in self.calls]

    def statements(self, body: Iterable[ast.stmt], where: _Where) -> None:
        for statement in body:
            self._statement(statement, where)

    def _statement(self, node: ast.stmt, where: _Where) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, where)
            case ast.ClassDef():
                self._class(node, where)
            case ast.If() if where.place is Place.MODULE and is_main(node.test):
                if self.main_line is None:
                    self.main_line = node.lineno
                self.statements(node.body, replace(where, place=Place.MAIN))
                self.statements(node.orelse, where)
            case _:
                self._other(node, where)

    def _other(self, node: ast.stmt, where: _Where) -> None:
        before = self.running.count
        self.running.loop(node)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                self._assigned(target, node.value, node.lineno, where)
        elif isinstance(node, ast.Return) and where.function is not None and node.value is not None:
            framework = self.known.framework_of(node.value)
            if framework is not None and framework.name != "django":
                self._factory(where, framework)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child, where)
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                self.statements(child.body, where)
            elif isinstance(child, ast.expr | ast.withitem):
                self._expression(child)
        if where.place is Place.MODULE:
            self.running.begun(node, before)

    def _expression(self, node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                self._call(inner)
            elif isinstance(inner, ast.Constant) and inner.value == "PORT":
                self.reads_port = True

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for item in node.names:
            self.known.bind(node, item)
            if isinstance(node, ast.Import):
                self.imports.append(Imported(item.name, "", 0, item.asname or item.name))
                self.running.imported(item.name)
            else:
                alias = item.asname or item.name
                self.running.imported("" if node.level else node.module or "")
                self.running.named(item.name)
                self.imports.append(Imported(node.module or "", item.name, node.level, alias))

    def _function(self, node: Function, where: _Where) -> None:
        if where.place is Place.MODULE:
            self.functions.append((node.name, node.lineno))
            raw = raw_interface(node)
            if raw is not None:
                self.known.built[node.name] = raw
                if is_served_name(node.name):
                    self._add(BuiltApp(raw, Place.MODULE, node.name, node.lineno))
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            dotted = self.known.followed(dotted_name(called))
            self._route(decorator)
            word = _ACTORS.get(dotted.partition(".")[0])
            if word is not None and "." in dotted:
                self.actors.append((word, decorator.lineno))
        nested = where.place is Place.FUNCTION
        # A class keeps its place only for what stands directly in it.
        inner = _Where(Place.FUNCTION, node, where.is_method, nested)
        before = self.running.count
        self.statements(node.body, inner)
        if where.place is Place.MODULE:
            self.running.defined(node, before)

    def _route(self, decorator: ast.expr) -> None:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute) or not decorator.args:
            return
        path = decorator.args[0]
        owner = self.known.built.get(dotted_name(decorator.func.value))
        if owner is None or decorator.func.attr not in ("get", "route") or not isinstance(path, ast.Constant):
            return
        if self.probe is None and path.value in PROBES:
            self.probe = str(path.value)

    def _class(self, node: ast.ClassDef, where: _Where) -> None:
        self.known.extend(node)
        if node.name == "WorkerSettings" and "arq" in self.running.packages:
            self.actors.append(("arq", node.lineno))
        raw = raw_class(node)
        if raw is not None:
            self.known.subclasses.setdefault(node.name, raw)
        nested = where.place is Place.FUNCTION
        before = self.running.count
        self.statements(node.body, _Where(Place.FUNCTION, None, True, nested))
        if where.place is Place.MODULE:
            self.running.defined(node, before)

    def _assigned(self, target: ast.expr, value: ast.expr, line: int, where: _Where) -> None:
        framework = self.known.framework_of(value)
        if where.place is Place.MODULE and isinstance(target, ast.Name):
            self.running.assigned(target.id, value)
        if framework is None:
            self._made_elsewhere(target, value, line, where)
            return
        if framework in (RAW_ASGI, RAW_WSGI) and not (isinstance(target, ast.Name) and is_served_name(target.id)):
            return
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
            self.known.built[f"self.{target.attr}"] = framework
            self.apps.append(BuiltApp(framework, Place.SELF, target.attr, line))
        elif isinstance(target, ast.Name):
            self.known.built[target.id] = framework
            if where.place is Place.MODULE and self._wraps(value, target.id):
                return
            if where.place is Place.FUNCTION and returns(where.function, target.id):
                self._factory(where, framework)
            elif where.place is not Place.FUNCTION or where.function is not None:
                is_made = isinstance(value, ast.Call) and dotted_name(value.func) in self.known.factories
                port = self._port_reader().port_of(value) if isinstance(value, ast.Call) else None
                self._add(BuiltApp(framework, where.place, target.id, line, is_made=is_made, port=port))

    def _made_elsewhere(self, target: ast.expr, value: ast.expr, line: int, where: _Where) -> None:
        if where.place is not Place.MODULE or not isinstance(target, ast.Name) or not isinstance(value, ast.Call):
            return
        followed = self.known.followed(dotted_name(value.func))
        dotted = followed.lstrip(".")
        module, dot, function = dotted.rpartition(".")
        if dot or followed != dotted:
            self.made.append(MadeElsewhere(target.id, function, module, len(followed) - len(dotted), line))

    def _wraps(self, value: ast.expr, name: str) -> bool:
        """Whether an application wraps one of the file's own: then that one goes by the name of the wrapper."""
        inner = {dotted_name(argument) for argument in value.args} if isinstance(value, ast.Call) else set()
        for index, app in enumerate(self.apps):
            if app.place is Place.MODULE and app.name in inner and app.name != name:
                self.apps[index] = replace(app, name=name)
                return True
        return False

    def _add(self, app: BuiltApp) -> None:
        # A variable is often bound again to what wraps the application; the first line is the evidence.
        if not any((other.place, other.name) == (app.place, app.name) for other in self.apps):
            self.apps.append(app)

    def _factory(self, where: _Where, framework: Framework) -> None:
        function = where.function
        if function is None or where.is_method or where.is_nested or function.name in self.known.factories:
            return
        self.known.factories[function.name] = framework
        arguments = function.args
        needed = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
        needed += sum(default is None for default in arguments.kw_defaults)
        is_plain = not isinstance(function, ast.AsyncFunctionDef)
        self.apps.append(BuiltApp(framework, Place.FACTORY, function.name, function.lineno, needed > 0 or not is_plain))

    def _call(self, node: ast.Call) -> None:
        dotted = dotted_name(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method == "mount":
            given = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
            self.mounted.update(dotted_name(argument) for argument in given)
        if dotted == "input":
            self.asks = True
        followed = self.known.followed(dotted) if dotted else ""
        if followed == MOUNT:
            self.below.update(id(inner) for inner in ast.walk(node))
        elif self.probe is None and id(node) not in self.below:
            self.probe = probed_path(node, followed, self.known.built)
        self.running.call(node, dotted, followed)
        if method in ("bind", "add_insecure_port", "add_secure_port") and node.args:
            self.bound = self.bound or (node.lineno, self._port_reader().address(node.args[0]))
        self.accepts = self.accepts or method == "accept"
        server = self.known.server_of_call(node, dotted)
        if server is not None:
            owner = dotted.rpartition(".")[0]
            if server != "streamlit":
                self.running.serves()
            app = owner if owner in self.known.built else ""
            self.calls.append(serve_call(node, server, app, self.known.followed, self._port_reader()))


def read_tree(tree: ast.Module) -> PythonFacts:
    """Return what a tree says about services. Linear in its size."""
    reader = TreeReader(tree)
    # Factories and classes may be used above their definition, inside of functions.
    reader.statements(tree.body, _Where())
    return reader.facts()
