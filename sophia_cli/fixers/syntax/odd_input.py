"""Recognising what is no broken Python 3 but something else: Python 2, another language, a binary, a nesting bomb."""

from __future__ import annotations

import re

from sophia_cli.core.patterns import late_pattern

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
_MARKUP = late_pattern(
    r"\A\s*(?:<!--.*?-->\s*)*<(?:!doctype\b|html\b|head\b|body\b|svg\b|\?xml\b|\?php\b)", re.I | re.S
)
_JSON_OBJECT = late_pattern(r'\A\s*\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|\})')
_JSON_ARRAY = late_pattern(r"\A\s*\[\s*[\[{\"\d]")
_NOTEBOOK = late_pattern(r'"(?:nbformat|cells)"\s*:')
_PICKLED_BYTECODE = late_pattern(rb"\A[\x00-\xff]{2}\r\n[\x00-\x0f]\x00\x00\x00")
_SHELL = late_pattern(r"\A#!\s*/(?:usr/)?(?:local/)?bin/(?:env\s+(?:-S\s+)?)?(?P<program>[\w.+-]+)")
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


# Each with what stands in every text that carries the sign, which begins with fixed letters and is found quickly.
_SIGNS = (
    (
        late_pattern(r"print[ \t]+[\"'\w%>]"),
        late_pattern(r"^[ \t]*print[ \t]+(?:[\"'\w%]|>>)(?!.*(?:==|[^=!<>]=[^=]))", re.M),
    ),
    (
        late_pattern(r"except[ \t][^\n]*,"),
        late_pattern(r"^[ \t]*except[ \t]+(?:[\w.]+|\([^()\n]*\))[ \t]*,[ \t]*\w+[ \t]*:", re.M),
    ),
    (late_pattern(r"raise[ \t]+[\w.]+[ \t]*,"), late_pattern(r"^[ \t]*raise[ \t]+[\w.]+[ \t]*,[ \t]*\S", re.M)),
    (late_pattern(r"`"), late_pattern(r"^[^#\"'`\n]*`[\w.\[\]()]+`[^`\n]*$", re.M)),
    (late_pattern(r"<>"), late_pattern(r"^[^#\"'\n]*[\w)\]][ \t]*<>[ \t]*[\w(\[\"'-]", re.M)),
    (late_pattern(r"exec[ \t]"), late_pattern(r"^[ \t]*exec[ \t]+(?:[\"']|\w+[ \t]+in\b|\w+[ \t]*$)", re.M)),
    (late_pattern(r"0[0-7]{2}"), late_pattern(r"^[^#\"'\n]*(?<![\w.])0[0-7]{2,}\b(?!\.)", re.M)),
    (
        late_pattern(r"\d[lL]\b|0[xX][0-9a-fA-F]+[lL]\b"),
        late_pattern(r"^[^#\"'\n]*(?<![\w.])(?:0[xX][0-9a-fA-F]+|\d+)[lL]\b", re.M),
    ),
    (late_pattern(r"[uU][rR][\"']"), late_pattern(r"(?<![\w\"'])[uU][rR][\"']", re.M)),
    (
        late_pattern(r"def[ \t][^\n]*[(,][ \t]*\(\w+,"),
        late_pattern(r"^[ \t]*def[ \t]+\w+\((?:[^()\n]*,)?[ \t]*\(\w+,[^()\n]*\)", re.M),
    ),
)
_HINTS = (
    late_pattern(
        r"^[ \t]*(?:import|from)[ \t]+(?:urllib2|urlparse|ConfigParser|StringIO|cPickle|Queue|httplib|Tkinter)\b", re.M
    ),
    late_pattern(r"\.(?:iteritems|itervalues|iterkeys|has_key)\("),
    late_pattern(r"(?<![\w.])(?:xrange|raw_input|unicode|basestring|unichr|reduce)\("),
    late_pattern(r"\A#!.*python2"),
)
_MODERN = late_pattern(
    r"^[ \t]*async[ \t]+def\b|^[ \t]*(?:nonlocal|match)[ \t]+\w|(?<![\w\"'])[rR]?[fF][rR]?[\"']"
    r"|^[ \t]*def[ \t].*\)[ \t]*->|^[ \t]*print\([^\n]*\b(?:file|end|sep|flush)[ \t]*=|\bawait[ \t]+\w|:="
    r"|^[ \t]*raise\b.*\bfrom\b|^[ \t]*from[ \t]+__future__[ \t]+import[ \t]+annotations"
    r"|^[ \t]*def[ \t]+\w+\([^\n]*\w[ \t]*:[ \t]*\w",
    re.M,
)
_STRINGS_AND_COMMENTS = late_pattern(
    r"\"\"\"[^\"\\]*(?:(?:\\.|\"(?!\"\"))[^\"\\]*)*\"\"\"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''|#[^\n]*", re.S
)


def looks_like_python_2(text: str) -> bool:
    """Return whether a text that does not compile is Python 2: statements that only Python 2 has carry it.

    One line is no proof, people write `print "x"` into Python 3 files by mistake: it takes two kinds of signs, or one
    kind three times, or one sign with a hint (a module or method that Python 3 dropped); and no sign of Python 3
    (f-strings, annotations, `async def`), unless Python 2 outnumbers it ten to one.
    """
    if not any(trace.search(text, 0, _HEAD) for trace, _ in _SIGNS):
        return False
    head = "\n".join(line for line in text[:_HEAD].split("\n") if len(line) <= _LONGEST_LINE)
    bare = _without_strings(head)
    counts = [len(sign.findall(bare)) if trace.search(bare) else 0 for trace, sign in _SIGNS]
    signs = sum(counts)
    if not signs:
        return False
    kinds = sum(count > 0 for count in counts)
    hints = sum(pattern.search(bare) is not None for pattern in _HINTS)
    if kinds < 2 and signs < 3 and not hints:
        return False
    modern = len(_MODERN.findall(bare))
    return modern == 0 or signs >= 10 * modern


def _without_strings(text: str) -> str:
    """Return a text without comments and strings in triple quotes, prefixes included; the number of lines stays."""
    pieces: list[str] = []
    position = 0
    for match in _STRINGS_AND_COMMENTS.finditer(text):
        start, found = match.start(), match.group()
        if found[0] == "#":
            pieces.append(text[position:start])
        else:
            first = start
            while start > position and start > first - 2 and text[start - 1].isascii() and text[start - 1].isalpha():
                start -= 1
            pieces += (text[position:start], '""' if start == first else "")
        pieces.append("\n" * found.count("\n"))
        position = match.end()
    pieces.append(text[position:])
    return "".join(pieces)
