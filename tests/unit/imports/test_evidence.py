"""Where a missing module may be meant to lead, and what bears it out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from imported_project import graph_of

from sophia_cli.project.history.model import EarlierText, Move
from sophia_cli.project.imports.close_names import NamePool, close_name
from sophia_cli.project.imports.evidence import Evidence
from sophia_cli.project.imports.names_past import fate_of_name
from sophia_cli.project.imports.redirects import Ground, Redirect
from sophia_cli.project.imports.spelling import spelled
from sophia_cli.project.imports.stubs import stub_text, stubs_for


@dataclass(frozen=True)
class Remembered:
    """What a test says that git remembers."""

    moves: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def moved(self, path: str) -> Move | None:
        return Move(self.moves[path], "c" * 40) if path in self.moves else None

    def removed(self, path: str) -> str | None:
        return None

    def earlier(self, path: str) -> tuple[EarlierText, ...]:
        return tuple(EarlierText("d" * 40, text) for text in self.versions.get(path, ()))


@dataclass(frozen=True)
class Ships:
    """What a test says that distributions ship."""

    modules: frozenset[str] = frozenset()

    def ships(self, module: str) -> bool | None:
        return module in self.modules if self.modules else None

    def declared_tops(self) -> tuple[str, ...]:
        return tuple(sorted({module.partition(".")[0] for module in self.modules}))


def redirects(
    texts: Mapping[str, str],
    path: str,
    memory: Remembered = Remembered(),
    shipped: Collection[str] = (),
) -> list[Redirect]:
    tops = {module.partition(".")[0] for module in shipped}
    graph = graph_of(texts, distributions=tops)
    item = graph.imports_of(path)[-1]
    return Evidence(graph, memory, Ships(frozenset(shipped))).redirects(item)


BASE = {"shop/__init__.py": "", "shop/money/__init__.py": "", "shop/money/rates.py": "def rate_of(x): return x\n"}


def test_a_move_is_followed_to_where_the_file_is_today() -> None:
    memory = Remembered({"shop/rates.py": "shop/money/rates.py"})
    (found,) = redirects({**BASE, "app.py": "from shop.rates import rate_of\n"}, "app.py", memory)
    assert (found.written, found.ground, found.is_sure) == ("shop.money.rates", Ground.MOVED, True)
    assert "cccccccccc" in found.told


def test_a_move_to_a_file_without_the_names_proves_nothing() -> None:
    memory = Remembered({"shop/rates.py": "shop/money/rates.py"})
    assert redirects({**BASE, "app.py": "from shop.rates import price_of\n"}, "app.py", memory) == []


def test_an_earlier_version_of_the_import_names_the_distribution() -> None:
    texts = {"backend/mcp_servers/__init__.py": "", "app.py": "from backend.mcp_servers.server import Server\n"}
    memory = Remembered(versions={"app.py": ("from mcp.server import Server\n",)})
    found = redirects(texts, "app.py", memory, shipped={"mcp", "mcp.server"})[0]
    assert (found.written, found.path, found.ground, found.is_sure) == ("mcp.server", None, Ground.EARLIER, True)
    unshipped = redirects(texts, "app.py", memory, shipped={"mcp", "mcp.client"})
    assert unshipped == []


def test_a_bulk_rename_of_a_distribution_is_seen_in_what_it_ships() -> None:
    texts = {"backend/mcp_servers/__init__.py": "", "app.py": "from backend.mcp_servers.server.stdio import run\n"}
    (found,) = redirects(texts, "app.py", shipped={"mcp", "mcp.server", "mcp.server.stdio", "uvicorn.server"})
    assert (found.written, found.ground, found.is_sure) == ("mcp.server.stdio", Ground.SHIPPED, False)


def test_what_other_files_import_the_name_from_is_weak_evidence() -> None:
    texts = {
        "backend/__init__.py": "",
        "app.py": "from backend.mcp_servers.server import ServerSession\n",
        "other.py": "from mcp.server import ServerSession\n",
    }
    (found,) = redirects(texts, "app.py", shipped={"mcp"})
    assert (found.written, found.ground, found.is_sure) == ("mcp.server", Ground.PEERS, False)


def test_the_only_module_of_that_name_with_the_names_is_sure_when_its_names_are_telling() -> None:
    (sure,) = redirects({**BASE, "app.py": "from shop.rates import rate_of\n"}, "app.py")
    assert (sure.ground, sure.is_sure) == (Ground.SAME_NAME, True)
    short = {**BASE, "shop/money/rates.py": "def of(x): return x\n", "app.py": "from shop.rates import of\n"}
    assert [found.is_sure for found in redirects(short, "app.py")] == [False]


def test_a_rival_takes_the_certainty() -> None:
    texts = {**BASE, "shop/other.py": "def rate_of(x): return 2\n", "app.py": "from shop.rates import rate_of\n"}
    assert [(found.written, found.is_sure) for found in redirects(texts, "app.py")] == [("shop.money.rates", False)]


def test_code_outside_of_tests_is_never_led_into_tests() -> None:
    texts = {**BASE, "tests/rates.py": "def tax_of(x): return x\n", "app.py": "from shop.rates import tax_of\n"}
    assert redirects(texts, "app.py") == []


def test_common_words_are_no_evidence() -> None:
    texts = {**BASE, "shop/site.py": "app = 1\n", "run.py": "from shop.web.server import app\n"}
    assert redirects(texts, "run.py") == []


def test_a_relative_import_is_spelled_within_its_package() -> None:
    graph = graph_of({**BASE, "shop/api/__init__.py": "", "shop/api/views.py": "from ..rates import rate_of\n"})
    (item,) = graph.imports_of("shop/api/views.py")
    assert spelled(graph, item, "shop/money/rates.py") == "..money.rates"
    assert spelled(graph, item, "shop/__init__.py") == ".."
    assert spelled(graph, item, "gone.py") is None


@pytest.mark.parametrize(
    ("written", "known", "expected"),
    [
        ("total_prise", ["total_price", "tax"], "total_price"),
        ("total", ["Total", "TOTAL"], None),
        ("get_price", ["get_prices", "set_price"], "get_prices"),
        ("price_a", ["price_b", "price_c"], None),
        ("tea", ["tee"], None),
        ("Client", [], None),
        ("getPrice", ["get_price"], "get_price"),
    ],
)
def test_the_close_name_is_one_of_the_same_kind_and_has_no_rival(
    written: str, known: list[str], expected: str | None
) -> None:
    assert close_name(written, known) == expected


def test_a_stub_can_be_imported_and_fails_as_soon_as_it_is_used() -> None:
    names = ["rate_of", "RateTable", "RateError", "LIMIT"]
    text = stub_text("shop.rates", names)
    module: dict[str, object] = {}
    exec(compile(text, "stub.py", "exec"), module)
    assert text.startswith("# sophia: stub")
    with pytest.raises(NotImplementedError, match=r"shop\.rates\.rate_of is a stub"):
        module["rate_of"](1)  # type: ignore[operator]  # what exec binds has no type
    with pytest.raises(NotImplementedError):
        module["RateTable"]()  # type: ignore[operator]  # what exec binds has no type
    assert issubclass(module["RateError"], Exception)  # type: ignore[arg-type]  # what exec binds has no type
    with pytest.raises(NotImplementedError):
        module["__getattr__"]("LIMIT")  # type: ignore[operator]  # what exec binds has no type


def test_stubs_lie_where_the_imports_look_and_gather_all_names() -> None:
    graph = graph_of(
        {
            **BASE,
            "app.py": "from shop.rates import rate_of\n",
            "shop/api.py": "from .rates import Table\nfrom .money.rates.daily import x\n",
            "shop/views.py": "from .money.duty.deep import y\n",
        }
    )
    made = stubs_for(graph, graph.imports)
    assert [(stub.path, stub.names) for stub in made] == [
        ("shop/money/duty/deep.py", ("y",)),
        ("shop/rates.py", ("rate_of", "Table")),
    ]


def test_of_many_names_those_that_begin_and_end_alike_are_compared() -> None:
    pool = NamePool([f"rate_{number}_of" for number in range(3000)] + ["price_of", "total"])
    assert pool.likely("totl") == ("total",)
    assert len(pool.likely("price_off")) < 300
    assert pool.likely("rate_12_off") == ()


def test_of_few_names_all_are_compared() -> None:
    assert NamePool(["price_of", "total"]).likely("anything") == ("price_of", "total")


def test_a_missing_part_of_a_copy_of_a_distribution_is_no_slip() -> None:
    shipped = {"mcp", "mcp.server", "mcp.client", "mcp.types", "mcp.shared"}
    texts = {
        "shop/__init__.py": "",
        "shop/_mcp/__init__.py": "",
        "app.py": "from shop._mcp.server import ServerSession\n",
    }
    copy = {"shop/_mcp/client.py": "", "shop/_mcp/types.py": ""}
    assert [found.written for found in redirects(texts, "app.py", shipped=shipped)] == ["mcp.server"]
    assert redirects({**texts, **copy}, "app.py", shipped=shipped) == []


def test_of_several_modules_with_the_names_the_one_in_the_renamed_package_is_meant() -> None:
    texts = {
        "shop/__init__.py": "",
        **{f"shop/{kind}/__init__.py": "" for kind in ("sync", "trio")},
        **{f"shop/{kind}/client.py": "def connect(): ...\n" for kind in ("sync", "trio")},
        "app.py": "from shop.trio_services.client import connect\n",
        "other.py": "from shop.services.client import connect\n",
    }
    found = redirects(texts, "app.py")
    assert [(one.written, one.is_sure) for one in found if one.ground is Ground.SAME_NAME] == [
        ("shop.trio.client", False)
    ]
    assert len(redirects(texts, "other.py")) == 2


def test_short_names_tell_a_file_together_or_when_it_is_called_alike() -> None:
    texts = {
        "shop/__init__.py": "",
        "shop/net/__init__.py": "",
        "shop/net/models_impl.py": "class Order: ...\nclass Basket: ...\nclass Url: ...\n",
        "several.py": "from shop.kinds import Order, Basket, Url\n",
        "alike.py": "from shop.models import Url\n",
        "neither.py": "from shop.kinds import Url\n",
    }
    assert [found.written for found in redirects(texts, "several.py")] == ["shop.net.models_impl"]
    assert [found.written for found in redirects(texts, "alike.py")] == ["shop.net.models_impl"]
    assert redirects(texts, "neither.py") == []


SERVICES = {
    "services/api/app/__init__.py": "",
    "services/api/app/main.py": "from app.store import open_store\n",
    "services/mail/app/__init__.py": "",
    "services/mail/app/store.py": "def open_store(): ...\n",
    "services/mail/app/main.py": "from app.store import open_store\n",
}


def test_a_service_is_never_led_into_the_package_of_the_same_name_of_another_one() -> None:
    assert redirects(SERVICES, "services/api/app/main.py") == []
    moved = Remembered(moves={"services/api/app/store.py": "services/mail/app/store.py"})
    assert [found.is_sure for found in redirects(SERVICES, "services/api/app/main.py", moved)] == [False]


def test_a_name_below_the_project_root_is_sure_only_where_such_names_are_used() -> None:
    texts = {
        "services/api/api/__init__.py": "",
        "services/api/api/main.py": "from api.store import open_store\n",
        "services/mail/store.py": "def open_store(): ...\n",
    }
    (found,) = redirects(texts, "services/api/api/main.py")
    assert (found.written, found.is_sure) == ("services.mail.store", False)
    used = {**texts, "run.py": "from services.mail.store import open_store\n"}
    assert [found.is_sure for found in redirects(used, "services/api/api/main.py")] == [True]


def test_of_two_names_with_the_same_code_neither_is_known_to_have_got_the_new_one() -> None:
    then = EarlierText("d" * 40, "def to_cents(x):\n    return x\n\n\ndef from_cents(x):\n    return x\n")
    both = "def as_cents(x):\n    return x\n"
    fate = fate_of_name("to_cents", both, [then])
    assert fate is not None
    assert fate.name is None
    kept = fate_of_name("to_cents", f"{both}\n\ndef from_cents(x):\n    return x\n", [then])
    assert kept is not None
    assert kept.name == "as_cents"


def test_where_one_definition_went_and_one_came_half_of_the_code_tells_a_rename() -> None:
    then = EarlierText(
        "d" * 40, "class Client:\n    def __init__(self, url):\n        self.url = url\n\n    kind = 1\n"
    )
    now = "class Api:\n    def __init__(self, url, wait):\n        self.url = url\n\n    kind = 1\n"
    fate = fate_of_name("Client", now, [then])
    assert fate is not None
    assert fate.name == "Api"
    with_another = fate_of_name("Client", f"{now}\n\ndef other(x):\n    return x\n", [then])
    assert with_another is not None
    assert with_another.name is None
    unlike = fate_of_name("Client", "class Api:\n    def go(self):\n        return 1\n\n    name = 2\n", [then])
    assert unlike is not None
    assert unlike.name is None
