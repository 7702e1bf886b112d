"""Windows: smaller stretches that show the same fault as the whole text."""

from __future__ import annotations

from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.window import Window, windows_around

CLASS = "class Number{n}:\n"
METHOD = """    def method{n}(self, other):
        if other:
            return other
        return {n}

"""
TEXT = "\n".join(CLASS.format(n=n) + "".join(METHOD.format(n=10 * n + m) for m in range(8)) for n in range(6))


def _lines(broken: str, instead_of: str) -> list[str]:
    assert instead_of in TEXT
    return TEXT.replace(instead_of, broken, 1).split("\n")[:-1]


def test_a_short_text_is_its_own_window() -> None:
    lines = ["def f(:", "    pass"]
    assert list(windows_around(lines, 0)) == [Window(0, 2)]


def test_windows_grow_around_the_line_and_end_with_the_whole() -> None:
    lines = _lines("return 23 +", "return 23")
    line = lines.index("        return 23 +")
    windows = list(windows_around(lines, line))
    sizes = [window.last - window.first for window in windows]
    assert sizes == sorted(sizes)
    assert len(windows) > 1
    assert all(window.first <= line < window.last for window in windows)
    assert windows[-1] == Window(0, len(lines))


def test_the_smallest_window_shows_the_same_fault_at_the_same_line() -> None:
    lines = _lines("return 23 +", "return 23")
    whole = compile_fault("\n".join(lines) + "\n")
    assert whole is not None
    window = next(windows_around(lines, whole.line - 1))
    assert window.last - window.first < len(lines) / 4
    alone = compile_fault(window.text(lines[window.first : window.last]))
    assert alone is not None
    assert (window.line_of(alone.line), alone.message) == (whole.line, whole.message)


def test_a_nested_window_compiles_once_the_fault_is_gone() -> None:
    lines = _lines("return 23 +", "return 23")
    line = lines.index("        return 23 +")
    window = next(w for w in windows_around(lines, line) if w.nested)
    mended = [text.replace(" +", "") for text in lines[window.first : window.last]]
    assert compile_fault(window.text(mended)) is None


def test_lines_of_a_nested_window_are_counted_without_its_header() -> None:
    window = Window(7, 9, ("if 1:",))
    assert window.text(["    a = 1", "    b = ("]).split("\n")[0] == "if 1:"
    assert window.line_of(2) == 8


def test_a_window_never_leaves_the_text() -> None:
    lines = ["    x = (" for _ in range(100)]
    for line in (0, 50, 99):
        assert all(0 <= w.first < w.last <= 100 for w in windows_around(lines, line))
