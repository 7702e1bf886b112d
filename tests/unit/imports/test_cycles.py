"""Cycles of imports: which of them fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imported_project import graph_of

from sophia_cli.project.imports.components import circles
from sophia_cli.project.imports.cycles import biting_cycles

TRY = "try:\n    from b import late\nexcept ImportError:\n    late = None\n"


@pytest.mark.parametrize(
    ("texts", "bites"),
    [
        ({"a.py": "from b import y\nx = 1\n", "b.py": "from a import x\ny = 1\n"}, True),
        ({"a.py": "x = 1\nfrom b import y\n", "b.py": "y = 1\nfrom a import x\n"}, False),
        ({"a.py": "import b\nx = 1\n", "b.py": "import a\ny = 1\n"}, False),
        ({"a.py": "import b\nx = b.y\n", "b.py": "import a\ny = a.x\n"}, True),
        ({"a.py": TRY + "x = 1\n", "b.py": "from a import x\nlate = 1\n"}, False),
        ({"a.py": "def f():\n    from b import y\nx = 1\n", "b.py": "from a import x\ny = 1\n"}, False),
        (
            {"p/__init__.py": "from p.a import x\n", "p/a.py": "from p import b\nx = 1\n", "p/b.py": "import p.a\n"},
            False,
        ),
        ({"p/__init__.py": "from p.a import x\nz = 1\n", "p/a.py": "from p import z\nx = 1\n"}, True),
        ({"a.py": "from b import *\nx = 1\n", "b.py": "from a import *\ny = 1\n"}, False),
        ({"a.py": "class A:\n    from b import y\nx = 1\n", "b.py": "from a import x\ny = 1\n"}, True),
    ],
)
def test_a_circle_is_reported_when_python_fails_on_it(texts: dict[str, str], bites: bool, tmp_path: Path) -> None:
    assert bool(list(biting_cycles(graph_of(texts)))) is bites
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    modules = sorted({path.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".") for path in texts})
    code = "import importlib, sys\nsys.path.insert(0, '.')\nimportlib.import_module(sys.argv[1])"
    failed = [
        module
        for module in modules
        if subprocess.run(
            [sys.executable, "-c", code, module], cwd=tmp_path, capture_output=True, check=False
        ).returncode
    ]
    assert bool(failed) is bites


def test_a_package_may_import_a_compiled_module_of_its_own_under_its_full_name() -> None:
    texts = {"shop/__init__.py": "from shop import speedups\nfrom shop import lost\n"}
    (cycle,) = biting_cycles(graph_of(texts, unread={"shop": {"speedups.cpython-311-x86_64-linux-gnu.so"}}))
    assert cycle.name == "lost"
    both = {"shop": {"speedups.pyd", "lost.so"}}
    assert list(biting_cycles(graph_of(texts, unread=both))) == []


def test_a_cycle_tells_its_way_round_and_the_name_that_is_missing() -> None:
    texts = {"a.py": "from b import y\nx = 1\n", "b.py": "from c import z\ny = 1\n", "c.py": "from a import x\nz = 1\n"}
    (cycle,) = biting_cycles(graph_of(texts))
    assert [(link.source, link.target) for link in cycle.links] == [
        ("a.py", "b.py"),
        ("b.py", "c.py"),
        ("c.py", "a.py"),
    ]
    assert (cycle.name, cycle.component) == ("x", ("a.py", "b.py", "c.py"))


def test_a_circle_that_no_program_enters_at_the_wrong_end_is_silent() -> None:
    texts = {"a.py": "x = 1\nfrom b import y\n", "b.py": "from a import x, late\ny = 1\n", "run.py": "import a\n"}
    texts["a.py"] = "x = late = 1\nfrom b import y\n"
    texts["b.py"] = "from a import x, late\ny = 1\n"
    assert list(biting_cycles(graph_of(texts))) == []
    assert list(biting_cycles(graph_of({**texts, "run.py": "import b\n"}))) != []


def test_a_large_circle_costs_no_recursion() -> None:
    texts = {f"m{number}.py": f"import m{(number + 1) % 1200}\n" for number in range(1200)}
    assert list(biting_cycles(graph_of(texts))) == []


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=5), max_size=13))
@settings(max_examples=200, deadline=None)
def test_circles_are_the_sets_of_nodes_that_reach_one_another(numbers: dict[int, list[int]]) -> None:
    edges = {f"{node}": [f"{target}" for target in targets] for node, targets in numbers.items()}

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        pending = list(edges.get(start, ()))
        while pending:
            node = pending.pop()
            if node not in seen:
                seen.add(node)
                pending += edges.get(node, ())
        return seen

    nodes = set(edges) | {target for targets in edges.values() for target in targets}
    expected = {
        tuple(sorted(other for other in nodes if other in reached(node) and node in reached(other)))
        for node in nodes
        if node in reached(node)
    }
    assert set(circles(edges)) == expected
