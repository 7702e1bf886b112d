"""A file for a newer Python is told from a broken one, and written in the older way."""

from __future__ import annotations

import pytest

from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.lowering import Lowered, lower


def lowered(text: str) -> Lowered | None:
    fault = compile_fault(text)
    assert fault is not None, "the text has to be one that this Python does not read"
    return lower(text, fault)


def spelled(text: str) -> str:
    result = lowered(text)
    assert result is not None
    assert result.faithful
    assert compile_fault(result.text) is None
    return result.text


def run(text: str, **names: object) -> dict[str, object]:
    exec(compile(text, "<older>", "exec"), names)
    return names


def test_a_generic_function_gets_a_type_variable_below_the_imports() -> None:
    assert spelled('"""Doc."""\nimport os\n\n\ndef first[T](items: list[T]) -> T:\n    return items[0]\n') == (
        '"""Doc."""\nimport os\nfrom typing import TypeVar\n\nT = TypeVar("T")\n\n\n'
        "def first(items: list[T]) -> T:\n    return items[0]\n"
    )


def test_bounds_constraints_and_both_kinds_of_stars_are_kept() -> None:
    text = spelled("def f[A: Base, B: (int, Other), *Ts, **P](a: A, b: B) -> None: ...\n")
    assert 'A = TypeVar("A", bound="Base")\n' in text
    assert 'B = TypeVar("B", int, "Other")\n' in text
    assert 'Ts = TypeVarTuple("Ts")\nP = ParamSpec("P")\n' in text
    assert text.startswith("from typing import ParamSpec, TypeVar, TypeVarTuple\n")


def test_a_generic_class_gets_its_base_before_keywords() -> None:
    text = spelled("class C[T, U](Base[int, str], metaclass=Meta):\n    x: T\n")
    assert "class C(Base[int, str], Generic[T, U], metaclass=Meta):\n" in text
    assert text.startswith("from typing import Generic, TypeVar\n")


def test_a_generic_class_without_bases_and_one_with_empty_brackets() -> None:
    text = spelled("class A[T]:\n    pass\nclass B[T]():\n    pass\nclass C[*Ts]:\n    pass\n")
    assert "class A(Generic[T]):" in text
    assert "class B(Generic[T]):" in text
    assert "class C(Generic[*Ts]):" in text


def test_a_generic_protocol_is_subscripted() -> None:
    text = spelled("from typing import Protocol\nclass P[T](Protocol):\n    def f(self) -> T: ...\n")
    assert "class P(Protocol[T]):" in text
    assert "Generic" not in text


def test_a_type_variable_that_is_there_already_serves() -> None:
    text = 'from typing import TypeVar\n\nT = TypeVar("T")\n\n\ndef f[T](x: T) -> T:\n    return x\n'
    assert spelled(text) == text.replace("f[T]", "f")


@pytest.mark.parametrize(
    "imports",
    ["from typing import Any, TypeVar\n", "from typing import (\n    Any,\n    TypeVar,\n)\n"],
)
def test_names_that_are_imported_already_are_not_imported_again(imports: str) -> None:
    assert spelled(f"{imports}def f[T](x: T) -> Any: ...\n").count("TypeVar,") + imports.count("TypeVar\n") == 1


def test_an_import_of_typing_grows_in_its_order_and_keeps_its_comment() -> None:
    text = spelled("from typing import Any, Union  # types\ndef f[T](x: T) -> Any: ...\n")
    assert text.startswith("from typing import Any, TypeVar, Union  # types\n")


@pytest.mark.parametrize(
    "head",
    [
        "#!/usr/bin/env python3\n",
        "# -*- coding: utf-8 -*-\n",
        "# A licence.\n# All of it.\n\n",
        '"""A docstring\n\nof several lines.\n"""\n',
        "from __future__ import annotations\n",
        "import os  # (not closed\n",
    ],
)
def test_the_head_of_a_file_stays_in_front(head: str) -> None:
    text = spelled(f"{head}def f[T](x: T) -> T:\n    return x\n")
    assert text.startswith(head)
    assert 'T = TypeVar("T")\n\n\ndef f(' in text


def test_several_type_variables_come_in_the_order_of_the_file() -> None:
    text = spelled("def f[A](x: A): ...\ndef g[B](x: B): ...\nclass C[K, V]: ...\n")
    assert [line[0] for line in text.split("\n") if "= TypeVar" in line] == ["A", "B", "K", "V"]


def test_one_name_with_two_bounds_has_no_older_spelling_but_needs_the_newer_python() -> None:
    result = lowered("def f[T: int](x: T): ...\ndef g[T: str](x: T): ...\n")
    assert result is not None
    assert (result.needs, result.faithful) == ((3, 12), False)


def test_defaults_of_type_parameters_need_a_still_newer_python() -> None:
    result = lowered("class C[T = int]: ...\n")
    assert result is not None
    assert (result.needs, result.faithful) == ((3, 13), False)


def test_a_type_statement_becomes_an_annotated_assignment() -> None:
    assert spelled("type Id = int | str\nx: Id = 1\n") == (
        "from typing import TypeAlias\n\nId: TypeAlias = int | str\nx: Id = 1\n"
    )


def test_a_type_that_speaks_of_itself_or_of_what_comes_below_becomes_text() -> None:
    text = spelled("type Tree = dict[str, Tree]\ntype Items = list[Item]\nclass Item: ...\n")
    assert 'Tree: TypeAlias = "dict[str, Tree]"\n' in text
    assert 'Items: TypeAlias = "list[Item]"\n' in text
    run(text)


def test_a_type_statement_over_several_lines_with_parameters() -> None:
    text = spelled("type Pair[A, B: int] = (\n    tuple[A, B]\n    | None\n)\n")
    assert "Pair: TypeAlias = (\n    tuple[A, B]\n    | None\n)\n" in text
    run(text)


def test_the_same_quotes_inside_an_f_string_are_exchanged() -> None:
    assert spelled('x = f"{d["a"]} and {", ".join(d)}"\n') == "x = f\"{d['a']} and {', '.join(d)}\"\n"


def test_quotes_in_formats_and_in_nested_f_strings_are_exchanged() -> None:
    assert spelled('x = f"{a:>{w["n"]}} {f"{b}"!r}"\n') == "x = f\"{a:>{w['n']}} {f'{b}'!r}\"\n"


def test_a_string_that_holds_the_other_quote_gets_three() -> None:
    assert spelled('x = f"{d["it\'s"]}"\n') == "x = f\"{d['''it's''']}\"\n"


def test_a_string_that_holds_every_quote_becomes_a_constant() -> None:
    text = spelled('x = f"{d["it\'\'\'s"]}"\n')
    assert text == 'TEXT = "it\'\'\'s"\n\nx = f"{d[TEXT]}"\n'


def test_named_characters_are_no_expressions() -> None:
    assert spelled('x = f"\\N{EM DASH}{d["a"]}"\n') == "x = f\"\\N{EM DASH}{d['a']}\"\n"


def test_a_backslash_in_an_expression_becomes_a_constant_of_the_module() -> None:
    text = spelled("def show(rows):\n    return [f\"{'\\n'.join(row)}{'\\n'}\" for row in rows]\n")
    assert (
        text == "NEWLINE = '\\n'\n\n\ndef show(rows):\n    return [f\"{NEWLINE.join(row)}{NEWLINE}\" for row in rows]\n"
    )
    show = run(text)["show"]
    assert callable(show)
    assert show([["a", "b"]]) == ["a\nb\n"]


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    assert "NEWLINE_2 = '\\n'\n" in spelled("NEWLINE = 1\nx = f\"{'\\n'}{NEWLINE}\"\n")


def test_a_branch_that_cannot_have_a_line_before_it_is_no_obstacle() -> None:
    text = spelled("def f(x):\n    if x == 1:\n        return 1\n    elif x == f\"{'\\t'}\":\n        return 2\n")
    f = run(text)["f"]
    assert callable(f)
    assert f("\t") == 2


def test_line_breaks_and_comments_leave_an_expression() -> None:
    text = spelled('a, b = 1, 2\nx = f"{\n    a  # one\n    + b\n}"\n')
    assert run(text)["x"] == "3"


def test_triple_quotes_and_backslashes_outside_of_expressions_stay() -> None:
    text = 'd = {"a": 1}\nx = f"""{d["a"]}\\n\\{{"""\ny = f"{d["a"]}"\n'
    assert spelled(text) == text.replace('f"{d["a"]}"', "f\"{d['a']}\"")


def test_an_expression_that_prints_itself_has_no_older_spelling() -> None:
    result = lowered('d = {"a": 1}\nx = f"{d["a"]=}"\n')
    assert result is not None
    assert not result.faithful


def test_template_strings_have_no_older_spelling() -> None:
    result = lowered('from string.templatelib import Template\nx: Template = t"{y}"\n')
    assert result is not None
    assert (result.needs, result.faithful) == ((3, 14), False)


def test_an_except_list_gets_its_brackets_back() -> None:
    text = "try:\n    f()\nexcept OSError, socket.error, ValueError:\n    pass\n"
    result = lowered(text)
    assert result is not None
    assert result.needs == (3, 14)
    assert result.text == text.replace("OSError, socket.error, ValueError", "(OSError, socket.error, ValueError)")


def test_many_constructs_are_one_compilation_and_name_the_newest_version() -> None:
    functions = "".join(f'def f{n}[T{n}](x: T{n}) -> str:\n    return f"{{x["{n}"]}}"\n' for n in range(300))
    result = lowered(functions + "try:\n    pass\nexcept A, B:\n    pass\n")
    assert result is not None
    assert result.needs == (3, 14)
    assert result.constructs == ("quotes inside an f-string", "type parameters", "except without brackets")


@pytest.mark.parametrize(
    "text",
    [
        "def f[T](x: T) -> T\n    return x\n",
        "def f[T(x): pass\n",
        'x = f"{a["b]}"\n',
        'print(f"{x["a"]}"\n',
        "try:\n    f()\nexcept OSError, e:\n    pass\n",
        "try:\n    f()\nexcept OSError, message:\n    pass\n",
        "from shop import Base\nclass C[Base]:\n    pass\n",
        "class Base:\n    pass\nclass C[Base]:\n    pass\n",
        'x = t"{y}"\n',
        "type = = 3\n",
        "x = 'type A = int\n",
        '"""def f[T](x): pass\n',
        "# def f[T](x): pass\nx = = 3\n",
        'x = f"{' * 40,
        'x = f"{a:{b:{c:{d}}}}" "\n',
        "",
    ],
)
def test_what_no_python_reads_is_not_lowered(text: str) -> None:
    fault = compile_fault(text) or compile_fault("x = = 3\n")
    assert fault is not None
    assert lower(text, fault) is None


@pytest.mark.parametrize("piece", ['f"{', "def f[", 'f"{x:{', "'''", '\\"{[('])
def test_hostile_repetition_stays_cheap(piece: str) -> None:
    text = piece * 20_001
    fault = compile_fault(text)
    assert fault is not None
    assert lower(text, fault) is None
