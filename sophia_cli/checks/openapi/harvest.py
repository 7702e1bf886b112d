"""Identifiers that answers gave, for the paths of later requests."""

from __future__ import annotations

import re

from sophia_cli.core.values import dataclass, field

_ID_NAMES = ("id", "_id", "uuid", "guid", "slug", "key", "name", "code")
_ID_PARAMETER = re.compile(r"(?:^|_)(?:id|uuid|guid|slug)$|(?<=[a-z0-9])(?:Id|ID|Uuid|UUID)$")


@dataclass(slots=True)
class Harvest:
    """What lists and created things said of themselves, by the path of their collection; created things first."""

    _found: dict[str, list[object]] = field(default_factory=dict)

    def add_answer(self, path: str, content: object, *, created: bool) -> None:
        """Keep the items of an answer of a collection, or what was created there."""
        items = [content] if created else _items(content)
        known = self._found.setdefault(path.rstrip("/"), [])
        self._found[path.rstrip("/")] = [*items, *known] if created else [*known, *items]

    def value(self, path: str, name: str) -> str | int | None:
        """Return a value for a parameter of a path, from the collection that stands before it; None without one."""
        collection = path.partition("{" + name + "}")[0].rstrip("/")
        for item in self._found.get(collection, ()):
            value = _identifier(item, name)
            if value is not None:
                return value
        return None


def is_identifier(name: str) -> bool:
    """Tell whether a parameter's name says that it names one thing: `id`, `order_id`, `orderId`, `uuid`, `slug`."""
    return _ID_PARAMETER.search(name) is not None


def _items(content: object) -> list[object]:
    if isinstance(content, list):
        return content[:10]
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list) and value]
        return lists[0][:10] if lists else []
    return []


def _identifier(item: object, name: str) -> str | int | None:
    if isinstance(item, dict):
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        camel = re.sub(r"_(\w)", lambda match: match[1].upper(), name)
        last = snake.rpartition("_")[2]
        # Created things are sometimes wrapped: {"order": {"id": 3}}.
        for key in (name, snake, camel, last, *_ID_NAMES):
            if _is_plain(item.get(key)):
                found = item[key]
                assert isinstance(found, str | int)  # plain
                return found
        inner = [value for value in item.values() if isinstance(value, dict)]
        return _identifier(inner[0], name) if len(inner) == 1 else None
    if _is_plain(item):
        assert isinstance(item, str | int)  # plain
        return item
    return None


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""
