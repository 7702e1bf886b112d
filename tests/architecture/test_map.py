"""The map of the code is true: whatever a page for contributors names stands where it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"]
ROOMS = ("sophia_cli", "tests", "benchmarks", "docs")
# Told by the room above them: the areas of rules, families of candidates, files that other programs load.
_ONE_KIND = {"calls", "candidates", "dependencies", "imports", "rules", "shim", "syntax"}
# Files of a user's project, which the pages speak about too.
_OF_USERS = {"sophia.toml"}
_PLACE = re.compile(r"(?<![\w./<-])((?:[\w-]+/)+[\w-]*(?:\.\w+)?|[\w-]+\.(?:py|md|json))(?![\w/>*])")
_DOTTED = re.compile(r"(?<![\w./-])([a-z_]+(?:\.[a-z_]\w*)+)(?![\w/(])")


def places() -> set[str]:
    """Return every file and folder of the checkout, without endings also as modules."""
    found = {path.name for path in ROOT.iterdir()}
    for room in ROOMS:
        found |= {path.relative_to(ROOT).as_posix() for path in (ROOT / room).rglob("*") if path.suffix != ".pyc"}
    return found | {path.removesuffix(".py") for path in found} | set(ROOMS)


PLACES = places()


def stands(named: str) -> bool:
    """Whether a place stands at the top, or somewhere below under this very path."""
    path = named.rstrip("/")
    return any(place == path or place.endswith(f"/{path}") for place in PLACES)


def defines(dotted: str) -> bool:
    """Whether a dotted name is a module, or a name that a module defines."""
    module, _, name = dotted.replace(".", "/").rpartition("/")
    if stands(dotted.replace(".", "/")):
        return True
    texts = [(ROOT / place).read_text("utf-8") for place in PLACES if f"/{place}".endswith(f"/{module}.py")]
    defined = re.compile(rf"^ *(?:class |def |async def )?{name}\b *[=:(\[]", re.MULTILINE)
    return any(defined.search(text) for text in texts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = re.sub(r"\]\([^)]*\)|https?://\S+", "", page.read_text("utf-8"))
    named = set(_PLACE.findall(text)) - _OF_USERS
    assert len(named) > 10
    assert sorted(place for place in named if not stands(place)) == []


def test_modules_of_the_map_are_there() -> None:
    rooms = {path.name for path in (ROOT / "sophia_cli").rglob("*") if path.is_dir()}
    named = _DOTTED.findall(PAGES[0].read_text("utf-8"))
    dotted = {name for name in named if name.partition(".")[0] in rooms and not name.endswith((".md", ".py", ".toml"))}
    assert len(dotted) > 10
    assert sorted(name for name in dotted if not defines(name)) == []


def test_every_room_is_on_the_map() -> None:
    rooms = {path.parent.name for path in (ROOT / "sophia_cli").rglob("*.py")} - _ONE_KIND
    table = PAGES[0].read_text("utf-8").partition("## Who may import whom")[0]
    assert sorted(room for room in rooms if f"{room}/" not in table) == []
