"""Reading the plain part of YAML that compose files and manifests use: nested keys, lists, scalars, with their lines.

No anchors are followed and nothing fails: what is not understood is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sophia_cli.core.values import dataclass, field

_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s#\[\]{}:,"'-][^#:]*?|-[^\s:][^:#]*?)\s*:(?:\s+|$)(.*)""")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_BLOCK = re.compile(r"[|>][+-]?\d*")
_ITEM = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,\]]*)\s*(?:,|\]|$)""")


@dataclass(slots=True)
class YamlNode:
    """One key or list item: its text after the colon or dash, and what stands below it. Items have no `key`."""

    key: str
    value: str
    line: int
    indent: int
    children: list[YamlNode] = field(default_factory=list)

    def child(self, key: str) -> YamlNode | None:
        """Return the value of a key below this one."""
        return next((child for child in self.children if child.key == key), None)

    def text(self, key: str) -> str:
        """Return the scalar of a key below this one, an empty string where there is none."""
        found = self.child(key)
        return scalar(found.value) if found else ""

    def items(self) -> list[str]:
        """Return the scalars of a list, written in a line or below; of a mapping its keys."""
        if self.value.startswith("["):
            return [scalar(match) for match in _ITEM.findall(self.value[1:]) if match.strip()]
        return [child.key or scalar(child.value) for child in self.children]

    def walk(self) -> Iterator[YamlNode]:
        """Yield the nodes below this one, in the order of the text."""
        for child in self.children:
            yield child
            yield from child.walk()


def read_yaml(text: str) -> YamlNode:
    """Return a root whose children are the keys of the document."""
    root = YamlNode("", "", 0, -1)
    stack = [root]
    block: YamlNode | None = None
    for number, line in enumerate(text.expandtabs(2).split("\n"), 1):
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if block is not None:
            if not stripped or indent > block.indent:
                block.value += "\n" + stripped
                continue
            block = None
        if not stripped or stripped.startswith(("#", "---", "...", "%")):
            continue
        while len(stack) > 1 and stack[-1].indent >= indent:
            if stripped.startswith("- ") and stack[-1].indent == indent and stack[-1].key:
                break
            stack.pop()
        block = _take(stripped, indent, number, stack)
    return root


def scalar(written: str) -> str:
    """Return a scalar without its quotes and comment."""
    written = written.strip()
    if written[:1] in "\"'" and written:
        end = written.find(written[0], 1)
        return written[1:end] if end > 0 else written[1:]
    return _COMMENT.sub("", written).strip()


def _take(stripped: str, indent: int, number: int, stack: list[YamlNode]) -> YamlNode | None:
    """Add what a line says below the top of the stack; return the node whose value goes on in the next lines."""
    while stripped.startswith("- ") or stripped == "-":
        rest = stripped[1:].lstrip()
        item = YamlNode("", rest, number, indent)
        stack[-1].children.append(item)
        stack.append(item)
        indent += len(stripped) - len(rest)
        stripped = rest
        if not _KEY.match(stripped):
            return None
        item.value = ""
    match = _KEY.match(stripped)
    if match is None:
        # A scalar or a list that goes on over several lines.
        if stack[-1].value and stack[-1].indent < indent:
            stack[-1].value += " " + stripped
        return None
    node = YamlNode(scalar(match.group(1)), match.group(2).strip(), number, indent)
    stack[-1].children.append(node)
    stack.append(node)
    is_block = _BLOCK.fullmatch(_COMMENT.sub("", node.value).strip()) is not None
    if is_block:
        node.value = ""
    return node if is_block else None
