"""Which files are for tests, documentation or tools, and where what they need is declared."""

from __future__ import annotations

import pytest

from sophia_cli.fixers.rules.dependencies._imports import groups_for, is_for_development


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("shop/app.py", False),
        ("shop/tests/data.py", True),
        ("test_shop.py", True),
        ("docs/conf.py", True),
        ("scripts/seed.py", True),
        ("tools/release.py", True),
        ("agents/tools/search.py", False),
        ("noxfile.py", True),
    ],
)
def test_a_file_is_for_development_by_its_place_and_name(path: str, expected: bool) -> None:
    assert is_for_development(path) is expected


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("shop/app.py", None),
        ("scripts/seed.py", None),
        ("tests/data.py", "test"),
        ("shop/conftest.py", "test"),
        ("docs/conf.py", "docs"),
        ("noxfile.py", "nox"),
    ],
)
def test_tests_and_documentation_have_groups_of_their_own(path: str, first: str | None) -> None:
    groups = groups_for(path)

    assert (groups[0] if groups else None) == first
    assert not groups or "dev" in groups
