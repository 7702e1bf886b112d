"""What stands around the statements of a broken text, from its blocks and their headers."""

from __future__ import annotations

import ast
import re

from sophia_cli.project.code.extract_guards import (
    Catch,
    GuardNames,
    Surroundings,
    Test,
    catch_of,
    gives_up,
    is_suppressed,
)
from sophia_cli.project.code.facts import Scope
from sophia_cli.project.code.tolerant_blocks import Block, BlockKind, Outline
from sophia_cli.project.code.tolerant_parse import parsed, parsed_expression, parsed_header

_ALIAS = re.compile(r"\bTYPE_CHECKING[ \t]+as[ \t]+(\w+)")
_ASSIGNED = re.compile(r"[ \t\f]*([^\W\d]\w*)[ \t]*=(?!=)")
_KEYWORD = re.compile(r"[ \t\f]*(?:(?:el)?if|except)\b[ \t]*\*?")
_AS = re.compile(r"(?:[ \t)]as[ \t]+\w+[ \t]*|,[ \t]*\w+[ \t]*)\Z")


def surroundings(text: str, mask: str, found: Outline, names: GuardNames) -> dict[Block, Surroundings]:
    """Return what stands around the body of each block; `names` takes in the flags that handlers set."""
    names.types.update(_ALIAS.findall(text))
    reader = _Around(text, mask, names)
    _take_flags(mask, found, reader)
    for block in found.blocks:
        reader.take(block)
    return reader.around


def _take_flags(mask: str, found: Outline, reader: _Around) -> None:
    """Take in the names that handlers of failing imports assign."""
    for item in found.items:
        block = item.parent
        if (
            block is not None
            and block.kind is BlockKind.HANDLER
            and block.after is not None
            and block.after.tries_import
        ):
            assigned = _ASSIGNED.match(mask, item.begin, item.end)
            if assigned is not None and reader.catch(block) is not Catch.NOTHING:
                reader.names.flags.add(assigned.group(1))


class _Around:
    def __init__(self, text: str, mask: str, names: GuardNames) -> None:
        self.names = names
        self.around: dict[Block, Surroundings] = {}
        self._text = text
        self._mask = mask
        # What stands around the `else` of an `if`.
        self._other: dict[Block, Surroundings] = {}
        self._catches: dict[Block, Catch] = {}

    def take(self, block: Block) -> None:
        """Work out a block; those before it are known."""
        outer = self.around[block.parent] if block.parent is not None else Surroundings()
        after = block.after
        match block.kind:
            case BlockKind.FUNCTION:
                result = outer.inside(Scope.FUNCTION)
            case BlockKind.CLASS:
                result = outer.inside(Scope.CLASS if outer.scope is Scope.MODULE else outer.scope)
            case BlockKind.IF:
                before = self._other.get(after, outer) if after is not None else outer
                result, self._other[block] = self._test(block).branches(before)
            case BlockKind.ELSE if after is not None and after.kind is BlockKind.TRY:
                is_caught = self._meets(after) is not None and after.tries_import
                result = outer.inside(caught=is_caught, fatal=self._gives_up(after))
            case BlockKind.ELSE:
                result = self._other.get(after, outer.inside()) if after is not None else outer.inside()
            case BlockKind.TRY:
                result = outer.inside(caught=self._meets(block) is not None, fatal=self._gives_up(block))
            case BlockKind.HANDLER:
                catch = self.catch(block)
                tries = after is not None and after.tries_import
                result = outer.inside(fallback=catch is Catch.MISSING or (catch is Catch.ANYTHING and tries))
            case BlockKind.WITH:
                result = outer.inside(caught=True) if self._suppresses(block) else outer
            case BlockKind.FINALLY:
                result = outer
            case BlockKind.OTHER:
                result = outer.inside()
        self.around[block] = result

    def catch(self, handler: Block) -> Catch:
        """Return what a handler does about a failing import."""
        known = self._catches.get(handler)
        if known is None:
            written = self._header(handler).strip()
            caught = parsed_expression(written) if written else None
            if caught is None and written:
                caught = parsed_expression(_AS.sub("", written))
            known = Catch.NOTHING if caught is None and written else catch_of(caught)
            self._catches[handler] = known
        return known

    def _meets(self, tried: Block) -> Block | None:
        """Return the handler of a `try` that failing imports come to."""
        return next((handler for handler in tried.handlers if self.catch(handler) is not Catch.NOTHING), None)

    def _gives_up(self, tried: Block) -> bool:
        handler = self._meets(tried)
        if handler is None or handler.last is None:
            return False
        body: list[ast.stmt] = [statement for statement, _ in parsed(self._text, self._mask, handler.last)]
        return bool(body) and gives_up(body)

    def _test(self, block: Block) -> Test:
        test = parsed_expression(self._header(block))
        return Test.OTHER if test is None else self.names.test(test)

    def _suppresses(self, block: Block) -> bool:
        if "suppress" not in self._mask[block.begin : block.end]:
            return False
        statement = parsed_header(self._text, block)
        return isinstance(statement, ast.With) and is_suppressed(statement.items)

    def _header(self, block: Block) -> str:
        keyword = _KEYWORD.match(self._text, block.begin)
        return self._text[keyword.end() if keyword is not None else block.begin : block.end]
