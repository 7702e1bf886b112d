"""From text that does not compile to what can still be told of it.

Statements are found by their lines and indentation; each import is then parsed alone, so that it says the same as in
a file that compiles.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from sophia_cli.project.code.extract import module_strings
from sophia_cli.project.code.extract_guards import Surroundings
from sophia_cli.project.code.extract_paths import path_edits
from sophia_cli.project.code.extract_statements import StatementWalk
from sophia_cli.project.code.facts import ModuleSurface, Scope
from sophia_cli.project.code.tolerant_around import surroundings
from sophia_cli.project.code.tolerant_blocks import Block, BlockKind, Item, Outline, outline
from sophia_cli.project.code.tolerant_lines import statements
from sophia_cli.project.code.tolerant_mask import JOIN, Masked, masked
from sophia_cli.project.code.tolerant_parse import parsed, parsed_header

_IMPORT = re.compile(rf"(?:\A|;)[ \t\f{JOIN}]*(?:import|from)\b")
_ASSIGNED = re.compile(r"([^\W\d]\w*)[ \t]*(?::[^=\n]*)?=(?!=)[^=]*\Z")
_NAMED = re.compile(rf"[ \t\f]*(?:async[ \t{JOIN}]+)?(?:def|class)[ \t{JOIN}]+([^\W\d]\w*)")
_TELLING = re.compile(
    r"__file__|sys\.path|addsitedir|import_module|__import__|importorskip|os\.path|Path\(|__all__|globals\(|sys\.modules"
    r"|exec\(|vars\(|locals\(|\bdel\b"
)
_OTHER_ASSIGNMENT = re.compile(r"=(?!=)|:=")


def surface_of_broken(text: str) -> ModuleSurface:
    """Return what a broken text says that other files care about, as far as it can be told. Never fails; linear."""
    # A lone surrogate, which no text of a file holds, could not be parsed.
    text = text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    mask = masked(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _Reader(text, mask).surface()


class _Reader:
    def __init__(self, text: str, mask: Masked) -> None:
        self._text = text
        self._mask = mask.text
        self._is_doubtful = mask.is_doubtful
        self._walk = StatementWalk(text)
        self._parsed: list[ast.stmt] = []

    def surface(self) -> ModuleSurface:
        """Return what the text says."""
        walk = self._walk
        found = outline(self._mask, statements(self._text, self._mask))
        around = surroundings(self._text, self._mask, found, walk.names)
        for piece in _in_order(found):
            if isinstance(piece, Block):
                where = around[piece.parent] if piece.parent is not None else Surroundings()
                walk.has_main = walk.has_main or around[piece].scope is Scope.MAIN
                if where.scope is Scope.MODULE:
                    self._bind_header(piece, where)
            else:
                self._take(piece, around[piece.parent] if piece.parent is not None else Surroundings())
        module = ast.Module(self._parsed, [])
        return ModuleSurface(
            imports=tuple(walk.imports),
            bindings=walk.bindings.found,
            exports=walk.bindings.exports.names,
            is_dynamic=walk.bindings.is_dynamic,
            path_edits=path_edits(module, walk.path_statements) if walk.path_statements else (),
            has_main=walk.has_main,
            strings=module_strings(self._text, walk.reached),
        )

    def _take(self, item: Item, around: Surroundings) -> None:
        """Take in a simple statement: an import or another telling one as it parses, of others the names they bind."""
        code = self._mask[item.begin : item.end]
        if not _IMPORT.search(code) and not _TELLING.search(code) and not _is_global(code):
            if around.scope is Scope.MODULE:
                self._bind_names(item, code, around)
            return
        is_clear = item.is_certain and not self._is_doubtful(item.begin)
        for statement, is_whole in parsed(self._text, self._mask, item):
            self._walk.is_certain = is_clear and is_whole
            self._parsed.append(statement)
            self._walk.visit([statement], around)

    def _bind_names(self, item: Item, code: str, around: Surroundings) -> None:
        simple = _ASSIGNED.match(code.lstrip())
        if not item.is_certain and code.rstrip().endswith(","):
            # An argument of a call whose opening line is lost.
            return
        if simple is not None:
            self._walk.bindings.bind(simple.group(1), item.line, around)
        elif _OTHER_ASSIGNMENT.search(code):
            for statement, _ in parsed(self._text, self._mask, item):
                self._walk.visit([statement], around)

    def _bind_header(self, block: Block, around: Surroundings) -> None:
        header = self._mask[block.begin : block.end]
        named = _NAMED.match(header)
        if named is not None:
            self._walk.bindings.bind(named.group(1), block.line, around)
        elif block.kind in (BlockKind.WITH, BlockKind.OTHER) or ":=" in header:
            statement = parsed_header(self._text, block)
            if statement is not None:
                self._walk.visit([statement], around)


def _in_order(found: Outline) -> Iterator[Block | Item]:
    """Yield blocks and statements in the order of the text, a block before what is in it."""
    pieces: list[Block | Item] = [*found.blocks, *found.items]
    return iter(sorted(pieces, key=lambda piece: (piece.begin, isinstance(piece, Item))))


def _is_global(code: str) -> bool:
    return code.lstrip().startswith("global")
