"""Groups of files that import one another in a circle while they are imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def circles(edges: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the strongly connected components with a circle in them, sorted; a file that needs itself is one.

    Tarjan's algorithm with a stack of its own, so that depth costs no recursion.
    """
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    is_waiting: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in edges:
        if start in order:
            continue
        work: list[tuple[str, int]] = [(start, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                order[node] = lowest[node] = len(order)
                waiting.append(node)
                is_waiting.add(node)
            targets = edges.get(node, ())
            for index in range(position, len(targets)):
                target = targets[index]
                if target not in order:
                    work += [(node, index + 1), (target, 0)]
                    break
                if target in is_waiting:
                    lowest[node] = min(lowest[node], order[target])
            else:
                if lowest[node] == order[node]:
                    members = _taken(waiting, is_waiting, node)
                    if len(members) > 1 or node in targets:
                        found.append(tuple(sorted(members)))
                if work:
                    above = work[-1][0]
                    lowest[above] = min(lowest[above], lowest[node])
    return sorted(found)


def _taken(waiting: list[str], is_waiting: set[str], node: str) -> list[str]:
    members: list[str] = []
    while True:
        member = waiting.pop()
        is_waiting.discard(member)
        members.append(member)
        if member == node:
            return members
