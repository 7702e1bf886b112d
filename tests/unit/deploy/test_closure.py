"""What a service imports, the way to each file, and the distributions that it runs with."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from sophia_cli.deploy.candidates import candidate_of, needed_files, search_path_of
from sophia_cli.deploy.closure import closure_of, named_files, needed_distributions
from sophia_cli.fixers.file_facts import facts_of_bytes
from sophia_cli.project.dependencies.installed import Environment, InstalledDistribution
from sophia_cli.project.imports.graph import ImportGraph, build_graph
from sophia_cli.project.imports.roots import infer_roots
from sophia_cli.project.packages.outline import EnvironmentOutline
from sophia_cli.project.settings.check_model import Command
from sophia_cli.project.settings.service_model import Service

PROJECT = {
    "app.py": "import core.db\nimport fastapi\n",
    "core/__init__.py": "",
    "core/db.py": "from core import sql\nfrom google.cloud import storage\n",
    "core/sql.py": "def f():\n    import late\n",
    "late.py": "",
    "other.py": "import flask\n",
    "job/run.py": "import late\n",
}


class _Tops:
    def provides(self, module: str) -> bool:
        return module.partition(".")[0] in ("fastapi", "flask", "google")

    def declares(self, module: str) -> bool:
        return self.provides(module)

    def is_own(self, top: str) -> bool:
        return False

    def is_name_only(self, top: str) -> bool:
        return False

    def may_offer(self, module: str, path: str) -> bool:
        return self.provides(module)


def _graph(texts: Mapping[str, str]) -> ImportGraph:
    files = {path: facts_of_bytes(path, text.encode()) for path, text in texts.items() if path.endswith(".py")}
    documents = {path: text.encode() for path, text in texts.items() if path not in files}
    return build_graph(files, infer_roots(files, documents), distributions=_Tops())


def _installed(*found: InstalledDistribution) -> Environment:
    return Environment("x", {one.name: one for one in found})


ENVIRONMENT = _installed(
    InstalledDistribution("fastapi", "1", ("fastapi",), ("starlette",), {"all": ("orjson",)}),
    InstalledDistribution("starlette", "1", ("starlette",)),
    InstalledDistribution("orjson", "1", ("orjson",)),
    InstalledDistribution("flask", "1", ("flask",)),
    InstalledDistribution("google-cloud-storage", "1", ("google.cloud.storage",)),
    InstalledDistribution("google-cloud-vision", "1", ("google.cloud.vision",)),
    InstalledDistribution("uvicorn", "1", ("uvicorn",), scripts=("uvicorn",)),
    InstalledDistribution("gunicorn", "1", ("gunicorn",), scripts=("gunicorn",)),
)
OUTLINE = EnvironmentOutline("/p", "3.11.4", (("fastapi", "1.5"),), ("src",), is_own=False)


def test_every_file_has_a_shortest_way_from_the_entry_point() -> None:
    closure = closure_of(_graph(PROJECT), Service("api", app="app:app"))
    assert closure is not None
    assert closure.ways == {
        "app.py": ("app.py",),
        "core/__init__.py": ("app.py", "core/__init__.py"),
        "core/db.py": ("app.py", "core/db.py"),
        "core/sql.py": ("app.py", "core/db.py", "core/sql.py"),
        "late.py": ("app.py", "core/db.py", "core/sql.py", "late.py"),
    }


def test_the_closure_holds_exactly_what_the_graph_says() -> None:
    graph = _graph(PROJECT)
    closure = closure_of(graph, Service("job", command=Command(("python", "job/run.py"), shell=False)))
    assert closure is not None
    assert closure.files == graph.closure("job/run.py")


def test_packages_above_the_entry_point_count() -> None:
    closure = closure_of(_graph(PROJECT), Service("api", app="core.sql:app"))
    assert closure is not None
    assert closure.ways["core/__init__.py"] == ("core/sql.py", "core/__init__.py")


def test_a_command_that_names_no_python_file_has_no_closure_and_consists_of_every_file() -> None:
    graph = _graph(PROJECT)
    service = Service("web", command=Command(("node", "server.js"), shell=False))
    assert closure_of(graph, service) is None
    candidate = candidate_of(service, graph, {"server.js": "1", "a.css": "2"}, OUTLINE, ENVIRONMENT, {})
    assert dict(candidate.fingerprint.code) == {"server.js": "1", "a.css": "2"}


@pytest.mark.parametrize(
    ("service", "names"),
    [
        (
            Service("api", app="app:app"),
            {"fastapi", "starlette", "orjson", "google-cloud-storage", "uvicorn"},
        ),
        (Service("o", command=Command(("gunicorn other:app",), shell=True)), {"flask", "gunicorn"}),
        (Service("o", command=Command(("python", "-m", "uvicorn", "other:app"), shell=False)), {"flask", "uvicorn"}),
        (Service("n", command=Command(("node", "x.js"), shell=False)), set(ENVIRONMENT.distributions)),
    ],
)
def test_distributions_are_those_that_are_imported_or_started_and_what_these_need(
    service: Service, names: Collection[str]
) -> None:
    closure = closure_of(_graph(PROJECT), service)
    assert set(needed_distributions(closure, service, ENVIRONMENT)) == set(names)


def test_files_that_a_command_names_and_those_that_are_watched_are_data() -> None:
    service = Service(
        "api",
        command=Command(("uvicorn app:app --log-config=conf/log.yml",), shell=True),
        watch=("prompts/", "*.onnx"),
    )
    hashes = dict.fromkeys([*PROJECT, "conf/log.yml", "prompts/a/b.txt", "m/x.onnx", "README.md"], "1")
    candidate = candidate_of(service, _graph(PROJECT), hashes, OUTLINE, ENVIRONMENT, {"K": "h"}, environment="e")
    assert [path for path, _ in candidate.fingerprint.data] == ["conf/log.yml", "m/x.onnx", "prompts/a/b.txt"]
    assert "other.py" not in dict(candidate.fingerprint.code)
    assert dict(candidate.fingerprint.packages)["fastapi"] == "1.5"
    assert needed_files([service], _graph(PROJECT)) == set(PROJECT) - {"other.py", "job/run.py"}
    assert candidate.fingerprint.python == "3.11.4 (/p)"
    assert (candidate.fingerprint.secrets, candidate.fingerprint.environment) == ((("K", "h"),), "e")


def test_packages_whose_modules_nobody_knows_count_for_every_service() -> None:
    outline = EnvironmentOutline("/p", "3.11.4", (("fresh", "2"), ("flask", "1")), (), is_own=False)
    candidate = candidate_of(Service("api", app="app:app"), _graph(PROJECT), {}, outline, ENVIRONMENT, {})
    assert dict(candidate.fingerprint.packages)["fresh"] == "2"
    assert "flask" not in dict(candidate.fingerprint.packages)


def test_files_count_from_the_working_folder_of_the_command() -> None:
    service = Service("w", command=Command(("run", "--config", "./c.ini"), shell=False), cwd="job")
    assert named_files(service, {"job/c.ini", "c.ini"}) == ("job/c.ini",)


def test_the_search_path_has_where_the_app_lies_and_what_editable_installs_lead_to() -> None:
    graph = _graph({"src/shop/__init__.py": "", "src/shop/main.py": "", "pyproject.toml": ""})
    outline = EnvironmentOutline("/p", "3.11.4", (), ("src", "lib"), is_own=False)
    assert search_path_of(Service("w", app="shop.main:app", cwd="src"), graph, outline) == ("src", "lib")
    assert search_path_of(Service("w", command=Command(("node", "x"), shell=False)), graph, outline) == ("src", "lib")
