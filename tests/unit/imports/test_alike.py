"""Which of several files a missing module most resembles."""

from __future__ import annotations

import pytest

from sophia_cli.project.imports.alike import alike


@pytest.mark.parametrize(
    ("module", "paths", "found"),
    [
        ("shop.api.order_store", ["shop/api/stores/order_archive.py", "old/order_store.py"], None),
        (
            "shop.api.order_store",
            ["shop/api/stores/orders_store.py", "old/order_store.py"],
            "shop/api/stores/orders_store.py",
        ),
        ("shop.api.order_store", ["shop/api/order_stores.py", "shop/api/orders_store.py"], None),
        ("shop.api.order_store", ["shop/billing.py", "other/api/order_store.py"], None),
        ("shop.api.order_store", ["shop/api/order_store/__init__.py", "tea.py"], "shop/api/order_store/__init__.py"),
        ("shop.api.order_store", [], None),
    ],
)
def test_a_file_is_taken_when_it_alone_is_near_in_name_and_place(
    module: str, paths: list[str], found: str | None
) -> None:
    assert alike(module, paths) == found
