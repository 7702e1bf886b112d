"""What an import leads to, by where files lie."""

from __future__ import annotations

import pytest
from imported_project import graph_of, only_import, outcome

from sophia_cli.project.imports.model import Outcome

PACKAGE = {"shop/__init__.py": "", "shop/prices.py": "def total(net): return net\n"}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import shop.prices", Outcome.MODULE),
        ("from shop import prices", Outcome.MODULE),
        ("from shop.prices import total", Outcome.MODULE),
        ("import shop.rates", Outcome.MISSING),
        ("from shop.prices.deep import x", Outcome.MISSING),
        ("import os.path", Outcome.STANDARD),
        ("import __main__", Outcome.STANDARD),
        ("import distutils.core", Outcome.STANDARD),
        ("import requests", Outcome.THIRD_PARTY),
        ("from . import shop", Outcome.NAMESPACE),
        ("from .. import shop", Outcome.BEYOND_TOP),
    ],
)
def test_an_import_of_a_script_beside_a_package(statement: str, expected: Outcome) -> None:
    assert outcome({**PACKAGE, "app.py": statement + "\n"}, "app.py") is expected


def test_a_package_comes_before_a_module_and_a_module_before_a_folder() -> None:
    texts = {"a/__init__.py": "", "a.py": "", "b.py": "", "b/x.py": "", "app.py": "import a\nimport b\nimport b.x\n"}
    targets = [item.resolution.targets[0].path for item in graph_of(texts).imports_of("app.py")]
    assert targets == ["a/__init__.py", "b.py", "b/x.py"]


def test_every_root_that_has_a_module_is_a_target() -> None:
    texts = {"api/config.py": "", "config.py": "", "api/run.py": "import config\n"}
    resolution = only_import(graph_of(texts), "api/run.py").resolution
    assert {target.path for target in resolution.targets} == {"api/config.py", "config.py"}


def test_a_missing_module_tells_how_much_of_it_exists() -> None:
    texts = {**PACKAGE, "shop/money/__init__.py": "", "app.py": "import shop.money.rates.daily\n"}
    resolution = only_import(graph_of(texts), "app.py").resolution
    assert (resolution.outcome, resolution.known) == (Outcome.MISSING, "shop.money")
    assert resolution.known_at == "shop/money/__init__.py"


@pytest.mark.parametrize(
    "name", ["fast.cpython-311-x86_64-linux-gnu.so", "fast.pyi", "fast.pyx", "fast.py", "fast.pyd"]
)
def test_what_lies_on_the_disk_unread_is_not_missing(name: str) -> None:
    texts = {**PACKAGE, "app.py": "from shop.fast import go\nfrom shop import fast\n"}
    graph = graph_of(texts, unread={"shop": {"prices.py", name}})
    first, second = graph.imports_of("app.py")
    assert first.resolution.outcome is Outcome.UNREADABLE
    assert second.missing == ()


def test_a_module_that_is_generated_from_a_description_is_there() -> None:
    texts = {**PACKAGE, "app.py": "from shop import rates_pb2, rates_pb2_grpc, other_pb2\n"}
    for folder in ("shop", "protos", "shop/proto"):
        item = only_import(graph_of(texts, unread={folder: {"rates.proto"}}), "app.py")
        assert [name.name for name in item.missing] == ["other_pb2"]


@pytest.mark.parametrize(
    "finder", ["from pkgutil import extend_path\n__path__ = extend", "__path__ = __import__('pkgutil').extend"]
)
def test_a_package_that_looks_for_others_of_its_name_may_hold_what_a_distribution_puts_there(finder: str) -> None:
    texts = {**PACKAGE, "shop/__init__.py": f"{finder}_path(__path__, __name__)\n", "app.py": "import shop.plugin\n"}
    assert outcome(texts, "app.py", distributions=["shop"]) is not Outcome.MISSING
    assert outcome(texts, "app.py") is Outcome.MISSING
    texts["apps/own/shop/plugin.py"] = ""
    texts["apps/own/setup.py"] = "from setuptools import setup\nsetup(packages=['shop'])\n"
    assert outcome(texts, "app.py") is not Outcome.MISSING


def test_a_requirement_alone_makes_no_package_of_the_project_somebody_elses() -> None:
    texts = {"libs/ledger/ledger/__init__.py": "", "app.py": "from ledger import books\n"}
    assert outcome({**texts, "libs/ledger/ledger/books.py": ""}, "app.py", named=["ledger"]) is Outcome.OTHER_ROOT
    deep = {"shop/__init__.py": "", "shop/ledger.py": "books = 1\n", "shop/app.py": "from ledger import books\n"}
    assert outcome(deep, "shop/app.py", named=["ledger"]) is Outcome.THIRD_PARTY
    assert outcome(deep, "shop/app.py") is Outcome.LUCKY


def test_the_version_file_of_a_build_is_there() -> None:
    settings = '[tool.hatch.build.hooks.vcs]\nversion-file = "shop/_version.py"\n'
    texts = {**PACKAGE, "pyproject.toml": settings, "shop/about.py": "from ._version import version\n"}
    assert outcome(texts, "shop/about.py") is Outcome.UNREADABLE


def test_a_known_distribution_wins_over_a_plain_folder_of_its_name() -> None:
    texts = {"docker/entry.py": "", "app.py": "from docker.errors import APIError\n"}
    assert outcome(texts, "app.py", distributions={"docker"}) is Outcome.THIRD_PARTY
    assert outcome(texts, "app.py") is Outcome.MISSING


def test_a_distribution_that_shares_a_namespace_with_the_project_is_not_missed() -> None:
    texts = {
        "pyproject.toml": '[project]\nname = "shop"\n[build-system]\nbuild-backend = "hatchling.build"\n',
        "src/shop/poetry.py": "",
        "src/shop/console/__init__.py": "",
        "src/shop/console/main.py": "import shop.core.version\n",
    }
    found = outcome(texts, "src/shop/console/main.py", distributions={"shop"}, own={"shop"})
    assert found is Outcome.THIRD_PARTY


def test_a_missing_module_of_the_own_distribution_is_missing() -> None:
    texts = {**PACKAGE, "app.py": "import shop.rates\n"}
    assert outcome(texts, "app.py", distributions={"shop"}, own={"shop"}) is Outcome.MISSING
    assert outcome(texts, "app.py", distributions={"shop"}) is Outcome.THIRD_PARTY


def test_a_local_package_named_like_the_distribution_that_it_adapts_is_not_meant() -> None:
    texts = {
        "adapters/__init__.py": "",
        "adapters/redis/__init__.py": "",
        "adapters/redis/client.py": "from redis import Redis\n",
        "adapters/cache.py": "from redis import Redis\n",
    }
    graph = graph_of(texts)
    for path in ("adapters/redis/client.py", "adapters/cache.py"):
        assert only_import(graph, path).resolution.outcome is Outcome.THIRD_PARTY


def test_a_standard_module_is_meant_where_a_folder_of_its_name_has_no_such_module() -> None:
    texts = {"platform/core/__init__.py": "", "platform/__init__.py": "", "app.py": "import platform\n"}
    assert outcome(texts, "app.py") is Outcome.STANDARD
    assert outcome({**texts, "app.py": "import platform.core\n"}, "app.py") is Outcome.MODULE


def test_a_hyphen_anywhere_in_the_path_is_told() -> None:
    texts = {"shop/__init__.py": "", "shop/price-list/rates.py": "", "app.py": "import shop.price_list.rates\n"}
    resolution = only_import(graph_of(texts), "app.py").resolution
    assert (resolution.outcome, resolution.known_at) == (Outcome.RENAMED, "shop/price-list")
    assert resolution.targets[0].path == "shop/price-list/rates.py"


def test_a_module_that_is_written_with_a_hyphen_cannot_be_named() -> None:
    texts = {"price-list/rates.py": "", "app.py": "from price-list.rates import rate\n"}
    graph = graph_of(texts)
    assert not graph.files["app.py"].compiles
    assert [item.resolution.outcome for item in graph.imports_of("app.py")] == [Outcome.RENAMED]


def test_pytest_puts_the_first_folder_that_is_no_package_on_the_path() -> None:
    texts = {
        "tests/__init__.py": "",
        "tests/unit/builders.py": "def build(): pass\n",
        "tests/unit/test_shop.py": "from builders import build\n",
    }
    assert outcome(texts, "tests/unit/test_shop.py") is Outcome.MODULE


def test_the_names_decide_whether_a_module_in_another_root_is_meant() -> None:
    texts = {"tools/client/models.py": "class Order: pass\n", "app.py": "from client.models import Order\n"}
    assert outcome(texts, "app.py") is Outcome.OTHER_ROOT
    assert outcome({**texts, "app.py": "from client.models import Invoice\n"}, "app.py") is Outcome.THIRD_PARTY


def test_imports_of_a_file_that_does_not_compile_are_resolved() -> None:
    graph = graph_of({**PACKAGE, "app.py": "from shop.rates import rate_of\n\ndef total(:\n    return rate_of\n"})
    assert [item.resolution.outcome for item in graph.imports_of("app.py")] == [Outcome.MISSING]


def test_a_relative_import_is_named_from_the_root_of_its_build() -> None:
    texts = {"src/shop/__init__.py": "", "src/shop/api.py": "from .rates import rate_of\n"}
    build = '[project]\nname = "shop"\n'
    assert only_import(graph_of(texts), "src/shop/api.py").resolution.module == "src.shop.rates"
    assert (
        only_import(graph_of({**texts, "pyproject.toml": build}), "src/shop/api.py").resolution.module == "shop.rates"
    )


def test_what_a_distribution_puts_beside_a_plain_folder_of_the_project_is_not_missing() -> None:
    texts = {"acme/cloud/own.py": "", "app.py": "from acme.cloud import storage\n"}
    assert outcome(texts, "app.py", distributions=["acme"]) is Outcome.THIRD_PARTY
    assert outcome(texts, "app.py") is Outcome.NAMESPACE


@pytest.mark.parametrize(
    "text",
    [
        "__path__ = find()",
        "__path__.extend(find())",
        "__path__ += find()",
        "import sys\nfrom shop import prices\nsys.modules[__name__ + '.rates'] = prices",
        "import sys\nfrom shop import prices\nfor name in ['rates']:\n    sys.modules[f'{__name__}.{name}'] = prices",
    ],
)
def test_submodules_of_a_package_that_changes_its_path_may_be_anywhere(text: str) -> None:
    texts = {"shop/__init__.py": text + "\n", "shop/prices.py": "", "app.py": "from shop.rates import rate_of\n"}
    assert outcome(texts, "app.py") is Outcome.UNREADABLE


@pytest.mark.parametrize(
    "text", ["PATHS = __path__", "import sys\nsys.modules['other.rates'] = sys\n", "print(__path__)"]
)
def test_submodules_of_a_package_that_only_reads_its_path_are_files(text: str) -> None:
    texts = {"shop/__init__.py": text + "\n", "app.py": "from shop.rates import rate_of\n"}
    assert outcome(texts, "app.py") is Outcome.MISSING


def test_a_plain_module_whose_getattr_answers_for_its_path_may_have_submodules() -> None:
    text = "def __getattr__(name):\n    import other\n\n    return getattr(other, name)\n"
    importer = {"app.py": "from shop.rates.daily import rate_of\n", "shop/__init__.py": ""}
    assert outcome({**importer, "shop/rates.py": text}, "app.py") is Outcome.UNREADABLE
    assert outcome({**importer, "shop/rates/__init__.py": text}, "app.py") is Outcome.MISSING


def test_a_package_that_a_requirement_names_and_nothing_else_knows_is_the_projects_own() -> None:
    texts = {**PACKAGE, "app.py": "from shop.rates import rate_of\n"}
    assert only_import(graph_of(texts, named=["shop"]), "app.py").resolution.outcome is Outcome.MISSING
    assert only_import(graph_of(texts, distributions=["shop"]), "app.py").resolution.outcome is Outcome.THIRD_PARTY
    # A plain folder may share its name with a distribution.
    folder = {"shop/prices.py": "", "app.py": "from shop.rates import rate_of\n"}
    assert only_import(graph_of(folder, named=["shop"]), "app.py").resolution.outcome is Outcome.THIRD_PARTY
