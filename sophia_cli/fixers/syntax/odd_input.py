"""Recognising what is no broken Python 3 but something else: Python 2, another language, a binary, a nesting bomb."""

from __future__ import annotations

import re

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\x7fELF", "an ELF binary"),
    (b"MZ\x90\x00", "a Windows executable"),
    (b"\xca\xfe\xba\xbe", "a Java class or Mach-O binary"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O binary"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF-", "a PDF document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x80\x04\x95", "a pickle"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer"),
)
_HEAD = 300_000
_LONGEST_LINE = 5_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MARKUP = re.compile(r"\A\s*(?:<!--.*?-->\s*)*<(?:!doctype\b|html\b|head\b|body\b|svg\b|\?xml\b|\?php\b)", re.I | re.S)
_JSON_OBJECT = re.compile(r'\A\s*\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|\})')
_JSON_ARRAY = re.compile(r"\A\s*\[\s*[\[{\"\d]")
_NOTEBOOK = re.compile(r'"(?:nbformat|cells)"\s*:')
_PICKLED_BYTECODE = re.compile(rb"\A[\x00-\xff]{2}\r\n[\x00-\x0f]\x00\x00\x00")
_SHELL = re.compile(r"\A#!\s*/(?:usr/)?(?:local/)?bin/(?:env\s+(?:-S\s+)?)?(?P<program>[\w.+-]+)")
_OTHER_PROGRAMS = {
    **dict.fromkeys(("sh", "bash", "zsh", "dash", "ksh", "fish"), "a shell script"),
    **dict.fromkeys(("node", "nodejs", "deno", "bun"), "JavaScript"),
    "perl": "Perl",
    "ruby": "Ruby",
    "php": "PHP",
    "lua": "Lua",
    "make": "a makefile",
}


def looks_like_not_python(data: bytes) -> str | None:
    """Return what stands behind a Python name instead of Python (`a ZIP archive`, `HTML`), None when it may be Python.

    Meant for bytes that do not compile. Content decides, by its first bytes or by its first construct, and only what
    can be no Python in any stage of breakage: prose, conflict markers and Markdown fences are not listed.
    """
    for magic, words in _MAGIC:
        if data.startswith(magic):
            return words
    if _PICKLED_BYTECODE.match(data):
        return "compiled Python bytecode"
    if data.startswith(_UTF16):
        return "UTF-16 text, which Python does not read,"
    if _is_binary(data[:8192]):
        return "binary data"
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    if _MARKUP.match(text[:_HEAD]):
        return _markup_words(text)
    shebang = _SHELL.match(text)
    if shebang and shebang["program"] in _OTHER_PROGRAMS:
        return _OTHER_PROGRAMS[shebang["program"]]
    if _JSON_OBJECT.match(text) or _JSON_ARRAY.match(text):
        return _json_words(text)
    return None


def _is_binary(head: bytes) -> bool:
    """Return whether bytes are no text with a stray NUL in it but of another nature: many controls, no UTF-8."""
    if b"\0" not in head or len(head) < 32:
        return False
    controls = sum(byte < 9 or 13 < byte < 32 for byte in head)
    high = sum(byte > 127 for byte in head)
    return controls * 20 > len(head) and high * 20 > len(head)


def _markup_words(text: str) -> str:
    head = text[:2000].lower()
    if "<?php" in head:
        return "PHP"
    if "<?xml" in head and "<html" not in head:
        return "XML"
    return "SVG" if head.lstrip().startswith("<svg") else "HTML"


def _json_words(text: str) -> str | None:
    """Return JSON or notebook when the whole text is that; a dictionary display in broken Python is not."""
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return "a Jupyter notebook" if _NOTEBOOK.search(text[:100_000]) and '"cell_type"' in text else "JSON"


_SIGNS = (
    ("print statement", re.compile(r"^[ \t]*print[ \t]+(?:[\"'\w%]|>>)(?!.*(?:==|[^=!<>]=[^=]))", re.M)),
    ("except X, e", re.compile(r"^[ \t]*except[ \t]+(?:[\w.]+|\([^()\n]*\))[ \t]*,[ \t]*\w+[ \t]*:", re.M)),
    ("raise X, message", re.compile(r"^[ \t]*raise[ \t]+[\w.]+[ \t]*,[ \t]*\S", re.M)),
    ("backticks", re.compile(r"^[^#\"'`\n]*`[\w.\[\]()]+`[^`\n]*$", re.M)),
    ("<>", re.compile(r"^[^#\"'\n]*[\w)\]][ \t]*<>[ \t]*[\w(\[\"'-]", re.M)),
    ("exec statement", re.compile(r"^[ \t]*exec[ \t]+(?:[\"']|\w+[ \t]+in\b|\w+[ \t]*$)", re.M)),
    ("octal literal", re.compile(r"^[^#\"'\n]*(?<![\w.])0[0-7]{2,}\b(?!\.)", re.M)),
    ("long literal", re.compile(r"^[^#\"'\n]*(?<![\w.])(?:0[xX][0-9a-fA-F]+|\d+)[lL]\b", re.M)),
    ("ur string", re.compile(r"(?<![\w\"'])[uU][rR][\"']")),
    ("tuple parameter", re.compile(r"^[ \t]*def[ \t]+\w+\((?:[^()\n]*,)?[ \t]*\(\w+,[^()\n]*\)", re.M)),
)
# One of these stands in every text that carries a sign; they are found quickly, since they begin with fixed letters.
_TRACES = (
    re.compile(r"print[ \t]+[\"'\w%>]"),
    re.compile(r"except[ \t][^\n]*,"),
    re.compile(r"raise[ \t]+[\w.]+[ \t]*,"),
    re.compile(r"`"),
    re.compile(r"<>"),
    re.compile(r"exec[ \t]"),
    re.compile(r"0[0-7]{2}"),
    re.compile(r"\d[lL]\b"),
    re.compile(r"0[xX][0-9a-fA-F]+[lL]\b"),
    re.compile(r"[uU][rR][\"']"),
    re.compile(r"def[ \t][^\n]*[(,][ \t]*\(\w+,"),
)
_HINTS = (
    re.compile(
        r"^[ \t]*(?:import|from)[ \t]+(?:urllib2|urlparse|ConfigParser|StringIO|cPickle|Queue|httplib|Tkinter)\b", re.M
    ),
    re.compile(r"\.(?:iteritems|itervalues|iterkeys|has_key)\("),
    re.compile(r"(?<![\w.])(?:xrange|raw_input|unicode|basestring|unichr|reduce)\("),
    re.compile(r"\A#!.*python2"),
)
_MODERN = re.compile(
    r"^[ \t]*async[ \t]+def\b|^[ \t]*(?:nonlocal|match)[ \t]+\w|(?<![\w\"'])[rR]?[fF][rR]?[\"']"
    r"|^[ \t]*def[ \t].*\)[ \t]*->|^[ \t]*print\([^\n]*\b(?:file|end|sep|flush)[ \t]*=|\bawait[ \t]+\w|:="
    r"|^[ \t]*raise\b.*\bfrom\b|^[ \t]*from[ \t]+__future__[ \t]+import[ \t]+annotations"
    r"|^[ \t]*def[ \t]+\w+\([^\n]*\w[ \t]*:[ \t]*\w",
    re.M,
)
_STRINGS_AND_COMMENTS = re.compile(
    r"(?P<prefix>[a-zA-Z]{0,2})(?P<quote>\"\"\"|''')(?:\\.|(?!(?P=quote))[^\\])*(?P=quote)|#[^\n]*", re.S
)


def looks_like_python_2(text: str) -> bool:
    """Return whether a text that does not compile is Python 2: statements that only Python 2 has carry it.

    One line is no proof, people write `print "x"` into Python 3 files by mistake: it takes two kinds of signs, or one
    kind three times, or one sign with a hint (a module or method that Python 3 dropped); and no sign of Python 3
    (f-strings, annotations, `async def`), unless Python 2 outnumbers it ten to one.
    """
    if not any(trace.search(text, 0, _HEAD) for trace in _TRACES):
        return False
    head = "\n".join(line for line in text[:_HEAD].split("\n") if len(line) <= _LONGEST_LINE)
    bare = _STRINGS_AND_COMMENTS.sub(_blank, head)
    counts = [len(pattern.findall(bare)) for _, pattern in _SIGNS]
    signs = sum(counts)
    if not signs:
        return False
    kinds = sum(count > 0 for count in counts)
    hints = sum(pattern.search(bare) is not None for pattern in _HINTS)
    if kinds < 2 and signs < 3 and not hints:
        return False
    modern = len(_MODERN.findall(bare))
    return modern == 0 or signs >= 10 * modern


def _blank(match: re.Match[str]) -> str:
    """Take strings in triple quotes and comments out, keeping the number of lines."""
    return (
        '""' + "\n" * match.group().count("\n")
        if match.group().startswith(("'", '"'))
        else "\n" * match.group().count("\n")
    )
