"""The table of modules that distributions ship."""

from __future__ import annotations

from sophia_cli.project.dependencies.shipped import modules_of, parse_shipped


def test_a_line_names_the_top_and_what_lies_below_it() -> None:
    shipped = parse_shipped("# a comment\nshop-kit\t1.2\tshop\tapi api.v1\nshop-kit\t1.2\tshop_tools\t\n")
    assert shipped == {"shop-kit": frozenset({"shop", "shop.api", "shop.api.v1", "shop_tools"})}


def test_the_table_knows_what_services_are_made_of() -> None:
    assert {"mcp", "mcp.server", "mcp.server.fastmcp", "mcp.types"} <= modules_of("mcp")
    assert "fastapi.middleware.cors" in modules_of("fastapi")
    assert "google.cloud.storage" in modules_of("google-cloud-storage")


def test_a_distribution_that_is_not_in_the_table_ships_nothing_known() -> None:
    assert modules_of("no-such-distribution") == frozenset()
