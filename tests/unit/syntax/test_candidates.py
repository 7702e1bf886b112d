"""Every family of candidates proposes what a person would do for its typical faults; which wins is for the costs."""

from __future__ import annotations

from types import ModuleType

import pytest

from sophia_cli.fixers.syntax.candidates import (
    brackets,
    comments,
    conflicts,
    emptied,
    fields,
    headers,
    imports,
    indentation,
    lines,
    markup,
    propose,
    quotes,
    remains,
    scope,
    signature,
    strings,
    suites,
    tokens,
    wordings,
)
from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.site import Site, indent_unit

CASES: dict[str, tuple[ModuleType, str, str]] = {
    "conflict-ours": (
        conflicts,
        "<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> other\n",
        "a = 1\n",
    ),
    "conflict-theirs": (conflicts, "b = 0\n<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> other\n", "b = 0\na = 2\n"),
    "conflict-stray": (conflicts, "a = 1\n>>>>>>> other\n", "a = 1\n"),
    "fences": (markup, "```python\na = 1\n```\n", "a = 1\n"),
    "text-around-a-fence": (
        markup,
        "Here is the code:\n```python\na = 1\n```\nIt sets a to one.\n",
        "# Here is the code:\na = 1\n# It sets a to one.\n",
    ),
    "shell-command": (markup, "pip install requests\na = 1\n", "# pip install requests\na = 1\n"),
    "line-of-a-remark": (
        markup,
        " Title   : a text\n# Author  : somebody\na = 1\n",
        "# Title   : a text\n# Author  : somebody\na = 1\n",
    ),
    "one-fence": (markup, "a = 1\n```\n", "a = 1\n"),
    "prompts": (markup, ">>> a = 1\n>>> print(a)\n", "a = 1\nprint(a)\n"),
    "prose": (markup, "Here is the code you asked for:\nimport os\n", "# Here is the code you asked for:\nimport os\n"),
    "line-too-deep": (indentation, "a = 1\n    b = 2\n", "a = 1\nb = 2\n"),
    "line-off-step": (
        indentation,
        "def f():\n    a = 1\n   return a\n",
        "def f():\n    a = 1\n    return a\n",
    ),
    "run-not-in-block": (
        indentation,
        "def f():\na = 1\nreturn a\n",
        "def f():\n    a = 1\n    return a\n",
    ),
    "method-with-a-parameter-a-line": (
        indentation,
        "class A:\n    a = 1\n\ndef f(\n    self,\n):\n    pass\n\n    def g(a): ...\n\n   b = 2\n",
        "class A:\n    a = 1\n\n    def f(\n        self,\n    ):\n    pass\n\n    def g(a): ...\n\n   b = 2\n",
    ),
    "run-above-too-far-out": (
        indentation,
        "def f():\n    for a in b:\n        c(a)\n    if a:\n        d(a)\n    e(a)\n        g(a)\n",
        "def f():\n    for a in b:\n        c(a)\n    if a:\n        d(a)\n        e(a)\n        g(a)\n",
    ),
    "run-in-a-try": (
        indentation,
        "def f():\n  try:\n    a()\nb = 1\nif b:\n  c()\n    d()\n  finally:\n    e()\n",
        "def f():\n  try:\n    a()\n    b = 1\n    if b:\n      c()\n    d()\n  finally:\n    e()\n",
    ),
    "run-before-an-except": (
        indentation,
        "def f():\n    try:\n        a()\nb = 1\nc(b)\n    except OSError:\n        d()\n",
        "def f():\n    try:\n        a()\n        b = 1\n        c(b)\n    except OSError:\n        d()\n",
    ),
    "run-before-an-else": (
        indentation,
        "def f():\n    if a:\n        b()\nc = 1\n    else:\n        d()\n",
        "def f():\n    if a:\n        b()\n        c = 1\n    else:\n        d()\n",
    ),
    "tabs": (indentation, "if a:\n        b = 1\n\tc = 2\n", "if a:\n        b = 1\n        c = 2\n"),
    "late-decorator": (
        suites,
        "def f():\n@b\n    return 1\n",
        "@b\ndef f():\n    return 1\n",
    ),
    "joined-body-over-lines": (
        suites,
        "try:a = f(\n    1,\n    )\n    b = 2\nfinally:\n    pass\n",
        "try:\n    a = f(\n    1,\n    )\n    b = 2\nfinally:\n    pass\n",
    ),
    "colon": (suites, "def f(a)\n    return a\n", "def f(a):\n    return a\n"),
    "colon-in-place-of-semicolon": (suites, "if a;\n    b = 1\n", "if a:\n    b = 1\n"),
    "empty-block": (suites, "def f():\n\na = 1\n", "def f():\n    pass\n\na = 1\n"),
    "try-alone": (suites, "try:\n    a = 1\nb = 2\n", "try:\n    a = 1\nfinally:\n    pass\nb = 2\n"),
    "unclosed-call": (brackets, "print(1\na = 2\n", "print(1)\na = 2\n"),
    "unclosed-list": (brackets, "a = [\n    1,\n    2,\ndel b\n", "a = [\n    1,\n    2,\n]\ndel b\n"),
    "closer-too-many": (brackets, "print(1))\n", "print(1)\n"),
    "closer-of-wrong-shape": (brackets, "a = [1, 2)\n", "a = [1, 2]\n"),
    "opener-missing": (brackets, "print 1)\n".replace(" ", ""), "(print1)\n"),
    "closer-before-an-attribute": (brackets, "a = super(.b(c)\n", "a = super().b(c)\n"),
    "closer-between-number-and-attribute": (brackets, "a = b[-2.c(1)\n", "a = b[-2].c(1)\n"),
    "list-closed-before-its-items": (
        emptied,
        "a = []\n    1,\n    2\n\nb = a\n",
        "a = [\n    1,\n    2\n]\n\nb = a\n",
    ),
    "dictionary-in-a-call-closed-early": (
        emptied,
        'f()\n    a={}\n        "b": 1,\n    c=2,\ng()\n',
        'f(\n    a={\n        "b": 1,\n    },\n    c=2,\n)\ng()\n',
    ),
    "list-closed-twice": (emptied, "a = []\n    1,\n    2,\n]\n", "a = [\n    1,\n    2,\n]\n"),
    "comma": (tokens, "a = [1 2]\n", "a = [1, 2]\n"),
    "assignment-for-comparison": (tokens, "if a = 1:\n    b = 2\n", "if a == 1:\n    b = 2\n"),
    "keyword-typo": (tokens, "retrun = 1\nimprot os\n", "retrun = 1\nimport os\n"),
    "c-operator": (tokens, "a = b && c\n", "a = b and c\n"),
    "curly-quotes": (wordings, "print(“a”)\n", 'print("a")\n'),
    "print-statement": (wordings, 'print "a", b  # why\n', 'print("a", b)  # why\n'),
    "old-raise": (wordings, 'raise OSError, "a"\n', 'raise OSError("a")\n'),
    "old-except": (
        wordings,
        "try:\n    a = 1\nexcept OSError, error:\n    pass\n",
        "try:\n    a = 1\nexcept OSError as error:\n    pass\n",
    ),
    "junk-token": (wordings, "a = 1 $\n", "a = 1\n"),
    "brace-missing": (fields, 'a = f"to {name"\n', 'a = f"to {name}"\n'),
    "brace-missing-before-text": (fields, 'a = f"{b at {c}"\n', 'a = f"{b} at {c}"\n'),
    "bracket-in-a-field": (fields, 'a = f"{sum(b}"\n', 'a = f"{sum(b)}"\n'),
    "brace-too-many": (fields, 'a = f"{b} c}"\n', 'a = f"{b} c"\n'),
    "brace-without-opener": (fields, 'a = f"at b}"\n', 'a = f"at {b}"\n'),
    "empty-field": (fields, 'a = f"{}"\n', 'a = f"{{}}"\n'),
    "field-over-lines": (fields, 'a = f"""b\n{c\n"""\n', 'a = f"""b\n{c}\n"""\n'),
    "logger-among-imported-names": (
        imports,
        "from a import (\n    b,\n    c,\nlog = d(__name__)\n)\n",
        "from a import (\n    b,\n    c,\n)\nlog = d(__name__)\n",
    ),
    "call-before-imported-names": (
        imports,
        "from a import (\nb.c(1)\nd = 2\n    e,\n)\n",
        "b.c(1)\nd = 2\nfrom a import (\n    e,\n)\n",
    ),
    "earlier-string-end": (strings, 'a = {"b": "c, "d": "e"}\n', 'a = {"b": "c", "d": "e"}\n'),
    "bracket-closed-before-its-string-ends": (
        quotes,
        'print("\\n\\)\nSize:", a, "\\n\\\nName:", b\n',
        'print("\\n\\\nSize:", a, "\\n\\\nName:", b)\n',
    ),
    "string-end": (strings, "a = 'b\n", "a = 'b'\n"),
    "string-end-in-call": (strings, "print('b)\n", "print('b')\n"),
    "quote-behind-its-prefix": (quotes, 'a = (fUnknown size 0x{b} of c")\n', 'a = (f"Unknown size 0x{b} of c")\n'),
    "body-without-header": (
        remains,
        "class A:\n    a = 1\n\n    @property\n        return self.b\n",
        "class A:\n    a = 1\n\n    @property\n    def unnamed(self):\n        return self.b\n",
    ),
    "waiting-body-without-header": (
        remains,
        '"""Text."""\n    a = 1\n    await b(a)\n    return a\n',
        '"""Text."""\nasync def unnamed():\n    a = 1\n    await b(a)\n    return a\n',
    ),
    "opener-at-a-line-end": (
        remains,
        "if a:\n    warn\n        'text',\n        Warning,\n    )\n",
        "if a:\n    warn(\n        'text',\n        Warning,\n    )\n",
    ),
    "opener-behind-an-assignment": (remains, "a =\n    b,\n    c,\n]\n", "a = [\n    b,\n    c,\n]\n"),
    "placeholders": (remains, "connect(<host>, port=<the port>)\n", 'connect("<host>", port="<the port>")\n'),
    "docstring-end": (
        strings,
        'def f():\n    """Text.\n    return 1\n',
        'def f():\n    """Text."""\n    return 1\n',
    ),
    "docstring-rest": (
        strings,
        'def f(a):\n    return a\n    what is given back\n    """\n    b = 1\n    """\n',
        'def f(a):\n    return a\n    """\n    what is given back\n    """\n    b = 1\n    """\n',
    ),
    "apostrophe": (strings, "a = 'it's'\n", "a = 'it\\'s'\n"),
    "commented-opening": (
        comments,
        "# print(\n    1,\n)\n",
        "print(\n    1,\n)\n",
    ),
    "swallowed-closer": (comments, "a = f(1  # one)\nb = 2\n", "a = f(1)  # one\nb = 2\n"),
    "commented-rest": (comments, "# print(\n    1,\n)\n", "# print(\n    # 1,\n# )\n"),
    "commented-first-lines": (
        comments,
        "# f(\n#     1,\n    2,\n)\n",
        "f(\n    1,\n    2,\n)\n",
    ),
    "future-twice": (
        imports,
        "from __future__ import annotations\na = 1\nfrom __future__ import annotations\n",
        "from __future__ import annotations\na = 1\n",
    ),
    "imports-in-a-list": (
        imports,
        "import os\n\na = [\n    1,\nimport sys\nimport re\n    2,\n]\n",
        "import os\nimport sys\nimport re\n\na = [\n    1,\n    2,\n]\n",
    ),
    "late-future": (
        imports,
        "import os\nfrom __future__ import annotations\n",
        "from __future__ import annotations\nimport os\n",
    ),
    "import-in-a-call": (imports, "a = f(\nimport os\n    1,\n)\n", "import os\na = f(\n    1,\n)\n"),
    "import-in-a-try": (
        imports,
        "try:\nimport os\n    a = 1\nexcept OSError:\n    pass\n",
        "import os\ntry:\n    a = 1\nexcept OSError:\n    pass\n",
    ),
    "join": (lines, "a = 1 +\\\n\n    2\n".replace("\\\n", "\n"), "a = 1 + 2\n"),
    "split": (lines, "a = 1 b = 2\n", "a = 1\nb = 2\n"),
    "remove": (lines, "a = 1\n%%% ???\nb = 2\n", "a = 1\nb = 2\n"),
    "parameter-of-a-lambda-twice": (signature, "f = lambda a, b, a: b\n", "f = lambda a, b: b\n"),
    "remark-between-arguments": (
        signature,
        "f(\n    a=1,  # one\n    2,\n)\n",
        "f(\n    2,  # one\n    a=1,\n)\n",
    ),
    "default-order": (signature, "def f(a=1, b):\n    pass\n", "def f(b, a=1):\n    pass\n"),
    "default-missing": (signature, "def f(a=1, b):\n    pass\n", "def f(a=1, b=None):\n    pass\n"),
    "parameter-twice": (signature, "def f(a, b, a):\n    pass\n", "def f(a, b):\n    pass\n"),
    "keyword-twice": (signature, "f(a=1, b=2, a=3)\n", "f(a=1, b=2)\n"),
    "position-after-keyword": (signature, "f(a=1, 2)\n", "f(2, a=1)\n"),
    "await": (scope, "def f():\n    await g()\n", "async def f():\n    await g()\n"),
    "late-global-twice": (
        scope,
        "def f():\n    print(a)\n    global a\n    a = 1\n    global a\n",
        "def f():\n    global a\n    print(a)\n    a = 1\n",
    ),
    "late-global": (
        scope,
        "def f():\n    print(a)\n    global a\n    a = 1\n",
        "def f():\n    global a\n    print(a)\n    a = 1\n",
    ),
    "return-outside": (
        scope,
        "def f():\n    a = 1\nreturn a\n",
        "def f():\n    a = 1\n    return a\n",
    ),
    "bare-except-first": (
        scope,
        "try:\n    a = 1\nexcept:\n    b = 2\nexcept OSError:\n    c = 3\n",
        "try:\n    a = 1\nexcept OSError:\n    c = 3\nexcept:\n    b = 2\n",
    ),
    "conflict-union": (
        conflicts,
        "<<<<<<< HEAD\nimport a\nimport b\n=======\nimport a\nimport c\n>>>>>>> other\n",
        "import a\nimport b\nimport c\n",
    ),
    "colon-too-early": (
        headers,
        "def f(a) -> list:[int]\n    return a\n",
        "def f(a) -> list[int]:\n    return a\n",
    ),
    "colon-behind-the-name": (headers, "for a: in b:\n    print(a)\n", "for a in b:\n    print(a)\n"),
    "raise-as-except": (
        headers,
        "def f():\n    except ValueError()\n",
        "def f():\n    raise ValueError()\n",
    ),
    "try-gone": (
        headers,
        "def f(a):\n        b = a()\n    except ValueError:\n        b = 1\n    return b\n",
        "def f(a):\n    try:\n        b = a()\n    except ValueError:\n        b = 1\n    return b\n",
    ),
    "try-gone-body-at-its-level": (
        headers,
        "def f(a):\n    b = a()\n    except ValueError:\n        b = 1\n    return b\n",
        "def f(a):\n    try:\n        b = a()\n    except ValueError:\n        b = 1\n    return b\n",
    ),
    "opening-quote-gone": (quotes, 'a = open(b, encoding=utf-8")\n', 'a = open(b, encoding="utf-8")\n'),
    "third-quote-alone": (
        quotes,
        'def f():\n    """Do it.\n\n    Well.\n    ""\n    return 1\n',
        'def f():\n    """Do it.\n\n    Well.\n    """\n    return 1\n',
    ),
    "docstring-closed-by-other-quotes": (
        strings,
        "def f():\n    \"\"\"Do it.'''\n    return 1\n",
        'def f():\n    """Do it."""\n    return 1\n',
    ),
    "string-begun-on-the-line-above": (strings, "a = f('\n    b')\n", "a = f('b')\n"),
    "brace-of-a-field-as-bracket": (fields, 'a = f"b {c)"\n', 'a = f"b {c}"\n'),
    "relative-import": (imports, "import ..a.b\n", "from ..a import b\n"),
    "raise-without-brackets": (
        wordings,
        'def f():\n    raise ValueError "no"\n',
        'def f():\n    raise ValueError("no")\n',
    ),
    "choice-without-else": (wordings, "a = f(b if c, 1)\n", "a = f(b if c else None, 1)\n"),
    "signs-apart": (tokens, "a = b / / c\n", "a = b // c\n"),
    "loop-ended-too-early": (
        scope,
        "while True:\n    a = f()\nif a:\n    break\nprint(a)\n",
        "while True:\n    a = f()\n    if a:\n        break\n    print(a)\n",
    ),
    "function-ended-too-early": (
        scope,
        "def f(a):\n    b = a\nif b:\n    return 1\n\nprint(f)\n",
        "def f(a):\n    b = a\n    if b:\n        return 1\n\nprint(f)\n",
    ),
}


def _site(broken: str) -> Site:
    fault = compile_fault(broken)
    assert fault is not None
    rows = broken.split("\n")[:-1]
    return Site(lines=rows, fault=fault, first=0, last=len(rows), unit=indent_unit(rows))


def _texts(site: Site, family: ModuleType) -> set[str]:
    return {"".join(line + "\n" for line in change.apply(site.lines)) for change in family.propose(site)}


@pytest.mark.parametrize("name", CASES)
def test_the_family_proposes_the_mended_text(name: str) -> None:
    family, broken, mended = CASES[name]
    assert mended in _texts(_site(broken), family)


@pytest.mark.parametrize("name", CASES)
def test_every_proposal_stays_in_the_text_and_is_made_once(name: str) -> None:
    site = _site(CASES[name][1])
    seen: set[tuple[int, int, tuple[str, ...]]] = set()
    for change in propose(site):
        assert 0 <= change.start <= change.end <= len(site.lines)
        assert change.apply(site.lines) != site.lines
        assert change.title
        key = (change.start, change.end, change.lines)
        assert key not in seen
        seen.add(key)


@pytest.mark.parametrize("line", ["b = g(a)", "b: int = 1", "b(1)", "return a"])
def test_a_statement_too_far_in_is_no_content_of_brackets(line: str) -> None:
    assert all(not _texts(_site(f"a = f{pair}\n    {line}\n"), emptied) for pair in ("()", "[]", " or {}"))


def test_every_family_has_cases() -> None:
    families = {family for family, _, _ in CASES.values()}
    assert len(families) == 18
    assert all(sum(case[0] is family for case in CASES.values()) >= 2 for family in families)


@pytest.mark.parametrize("broken", ["(", "'''", "\\", "\n\n(", "if", "\t(", "@", "def", "async", "lambda", "x = \\"])
def test_tiny_texts_break_no_family(broken: str) -> None:
    site = _site(broken + "\n")
    assert all(change.start <= len(site.lines) for change in propose(site))


HUGE = {
    "open brackets": "(\n" * 20_000,
    "quotes in a line": "x = " + "'a' \"b\" " * 20_000 + "'\n",
    "open docstrings": '"""a\n' * 20_001,
    "lines out of step": "".join(" " * (n % 50) + "x = 1\n" for n in range(20_000)),
    "parameters": "def f(" + ", ".join(f"a{n}=1, b{n}" for n in range(300)) + "): pass\n",
}


@pytest.mark.parametrize("name", HUGE)
def test_the_number_of_proposals_does_not_grow_with_the_text(name: str) -> None:
    assert sum(1 for _ in propose(_site(HUGE[name]))) <= 5_000
