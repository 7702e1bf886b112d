"""A candidate edit of the engine: which lines become what, by which operation."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass
from sophia_cli.fixers.syntax.model import Kind


class Op(Enum):
    """The operations that candidates are made of; costs are learned per operation."""

    INDENT_LINE = "indent-line"
    INDENT_RUN = "indent-run"
    INDENT_BLOCK = "indent-block"
    INDENT_WITH_STRINGS = "indent-with-strings"
    TABS_TO_SPACES = "tabs-to-spaces"
    INSERT_TOKEN = "insert-token"
    DELETE_TOKEN = "delete-token"
    DELETE_TOKENS = "delete-tokens"
    REPLACE_TOKEN = "replace-token"
    REWRITE = "rewrite"
    KEYWORD_TYPO = "keyword-typo"
    ADD_COLON = "add-colon"
    CLOSE_BRACKET = "close-bracket"
    OPEN_BRACKET = "open-bracket"
    DELETE_BRACKET = "delete-bracket"
    REPLACE_BRACKET = "replace-bracket"
    UNCOMMENT_TAIL = "uncomment-tail"
    UNCOMMENT_LINE = "uncomment-line"
    COMMENT_LINES = "comment-lines"
    DELETE_LINE = "delete-line"
    DELETE_LINES = "delete-lines"
    INSERT_PASS = "insert-pass"
    SPLIT_LINE = "split-line"
    JOIN_LINES = "join-lines"
    MOVE_LINE = "move-line"
    MERGE_CONFLICT = "merge-conflict"
    STRIP_MARKUP = "strip-markup"
    CLOSE_STRING = "close-string"
    OPEN_STRING = "open-string"
    FIX_QUOTES = "fix-quotes"
    DELETE_QUOTES = "delete-quotes"
    STRIP_PREFIX = "strip-prefix"
    ADD_ASYNC = "add-async"
    ADD_HEADER = "add-header"
    REORDER = "reorder"


REST = "rest"
"""The detail of a change that opens what is left of a docstring."""

REPEATED = "repeated"
"""The detail of a change that removes lines which stand twice."""

REPEATED_AT_LEAST = 3
"""So many lines stand twice in a row by no chance."""


@dataclass(frozen=True, slots=True)
class Change:
    """Lines [start, end) of a text, counted from 0, become `lines`.

    `token` is what was inserted or removed when the operation is about one token; `detail` separates variants of an
    operation for costing.
    """

    start: int
    end: int
    lines: tuple[str, ...]
    op: Op
    kind: Kind
    title: str
    token: str = ""
    detail: str = ""

    @property
    def opens_rest(self) -> bool:
        """Whether it opens the rest of a docstring, so that the quotes which close that have a partner again."""
        return self.op is Op.OPEN_STRING and self.detail == REST

    def apply(self, lines: list[str]) -> list[str]:
        """Return the lines with this change made."""
        return [*lines[: self.start], *self.lines, *lines[self.end :]]
