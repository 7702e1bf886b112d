"""The import graph: who needs whom, and what an entry point pulls in."""

from __future__ import annotations

from imported_project import graph_of, only_import

from sophia_cli.project.imports.model import Outcome, When


def test_a_closure_holds_packages_lazy_imports_and_modules_that_strings_name() -> None:
    graph = graph_of(
        {
            "shop/__init__.py": "",
            "shop/api.py": "from shop.prices import total\n\ndef later():\n    from . import taxes\n",
            "shop/prices.py": "import shop.money.rates\n",
            "shop/money/__init__.py": "",
            "shop/money/rates.py": "",
            "shop/taxes.py": "",
            "shop/workers.py": "",
            "shop/unused.py": "",
            "run.py": "import uvicorn\nimport shop.api\nuvicorn.run('shop.workers:app')\n",
        }
    )
    assert graph.closure("run.py") == {
        "run.py",
        "shop/__init__.py",
        "shop/api.py",
        "shop/prices.py",
        "shop/money/__init__.py",
        "shop/money/rates.py",
        "shop/taxes.py",
        "shop/workers.py",
    }
    assert "shop/__init__.py" in graph.closure("shop/taxes.py")
    assert graph.closure("gone.py") == frozenset()


def test_modules_whose_names_are_built_at_run_time_all_count() -> None:
    graph = graph_of(
        {
            "plugins/__init__.py": "",
            "plugins/tea.py": "",
            "plugins/deep/mate.py": "",
            "run.py": "import importlib\n\ndef load(name):\n    return importlib.import_module(f'plugins.{name}')\n",
        }
    )
    assert graph.closure("run.py") >= {"plugins/tea.py", "plugins/deep/mate.py", "plugins/__init__.py"}


def test_an_edge_tells_the_earliest_moment() -> None:
    graph = graph_of(
        {
            "a.py": "def later():\n    import b\n\nimport b\n",
            "b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\n",
        }
    )
    assert [(edge.target, edge.when, edge.line) for edge in graph.edges["a.py"]] == [("b.py", When.IMPORT, 4)]
    assert [(edge.source, edge.when) for edge in graph.importers_of("a.py")] == [("b.py", When.TYPE_CHECKING)]


def test_names_come_through_chains_of_star_imports() -> None:
    graph = graph_of(
        {
            "a.py": "from b import *\n",
            "b.py": "from c import *\n",
            "c.py": "from a import *\n__all__ = ['_kept']\n_kept = 1\nseen = 2\n_hidden = 3\n",
            "app.py": "from a import _kept, seen, _hidden\n",
        }
    )
    assert [name.name for name in only_import(graph, "app.py").missing] == ["_hidden"]


def test_a_star_import_that_leads_nowhere_known_leaves_all_names_open() -> None:
    for first in ("from numpy import *", "from gone.module import *", "from broken import *"):
        graph = graph_of({"a.py": first + "\n", "broken.py": "def f(:\n", "app.py": "from a import anything\n"})
        assert only_import(graph, "app.py").missing == ()


def test_a_broken_target_is_told_unless_another_place_is_whole() -> None:
    texts = {"shop/prices.py": "def f(:\n", "app.py": "from shop import prices\n"}
    assert only_import(graph_of(texts), "app.py").broken == ("shop/prices.py",)
    both = {"api/config.py": "def f(:\n", "config.py": "", "api/run.py": "import config\n"}
    assert only_import(graph_of(both), "api/run.py").broken == ()


def test_each_submodule_that_does_not_compile_is_told_beside_whole_ones() -> None:
    texts = {"shop/prices.py": "def f(:\n", "shop/rates.py": "", "shop/stock.py": "class (\n", "shop/__init__.py": ""}
    graph = graph_of({**texts, "app.py": "from shop import rates, prices, stock\n"})
    assert only_import(graph, "app.py").broken == ("shop/prices.py", "shop/stock.py")
    assert only_import(graph_of({**texts, "app.py": "from shop import rates\n"}), "app.py").broken == ()


def test_a_long_chain_of_imports_costs_no_recursion() -> None:
    texts = {f"m{number}.py": f"import m{number + 1}\n" for number in range(1500)}
    graph = graph_of({**texts, "m1500.py": ""})
    assert len(graph.closure("m0.py")) == 1501


def test_those_who_star_the_same_module_share_what_they_take() -> None:
    texts = {f"part_{number}.py": f"name_{number} = {number}\n" for number in range(5)}
    texts["hub.py"] = "".join(f"from part_{number} import *\n" for number in range(5))
    texts |= {"one.py": "from hub import *\n", "other.py": "from hub import *\nown = 1\n"}
    surfaces = graph_of(texts).surfaces
    one, other = surfaces.offer("one.py"), surfaces.offer("other.py")
    assert one.taken[0] is other.taken[0]
    assert one.names == {f"name_{number}" for number in range(5)}
    assert other.has("own")
    assert not one.has("own")


def test_modules_that_star_each_other_have_the_names_of_both() -> None:
    surfaces = graph_of({"a.py": "from b import *\none = 1\n", "b.py": "from a import *\ntwo = 2\n"}).surfaces
    assert surfaces.offer("a.py").names == surfaces.offer("b.py").names == {"one", "two"}


def test_a_folder_of_data_can_be_imported_from_a_package_but_has_no_names() -> None:
    graph = graph_of(
        {
            "shop/__init__.py": "",
            "app.py": "from shop import templates, lost, stale\nfrom shop.templates import page\n",
        },
        unread={
            "shop": {"templates", "stale", "__init__.py"},
            "shop/templates": {"page.html"},
            "shop/stale": {"__pycache__"},
        },
    )
    first, second = graph.imports_of("app.py")
    assert [name.name for name in first.missing] == ["lost", "stale"]
    assert second.resolution.outcome is Outcome.MISSING
