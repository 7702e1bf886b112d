"""Whatever stands in the files, discovery ends with a settings file that can be read."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.project.discovery.find import find_entries
from sophia_cli.project.discovery.proposals import propose
from sophia_cli.project.settings.parser import parse_settings
from sophia_cli.render.init_toml import settings_text

PIECES = (
    *(
        "app",
        " = ",
        "FastAPI",
        "(",
        ")",
        "\n",
        "    ",
        "from fastapi import FastAPI\n",
        "import uvicorn\n",
        "uvicorn.run(",
    ),
    *(
        "if __name__ == '__main__':\n",
        "def f():",
        "return ",
        "self.",
        '"',
        "'''",
        "#",
        "port=",
        "8000",
        "99999",
        "\x00",
        "é",
    ),
    *(
        "services:\n",
        "  web:\n",
        "    build: ",
        "    command: ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "|",
        "&&",
        "\\\n",
        "\t",
    ),
    *(
        "FROM x\n",
        "CMD ",
        "ENTRYPOINT ",
        "python",
        " -m ",
        "a.b:c",
        "../",
        "/",
        "web: ",
        "uvicorn ",
        "--port ",
        "sh -c ",
    ),
    *(
        "[project.scripts]\n",
        "x = ",
        "Flask",
        "from flask import Flask\n",
        "\r\n",
        "\ud800",
        "celery -A ",
        "${A:-1}",
        "-1",
    ),
)
PATHS = ("a.py", "b/c.py", "b/__init__.py", "Dockerfile", "b/web.Dockerfile", "compose.yml", "Procfile", "package.json")
MORE = ("pyproject.toml", "setup.cfg", "x.service", "supervisord.conf", ".mcp.json", "mcp/x.yaml", "d-e/__main__.py")

texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
repositories = st.dictionaries(st.sampled_from((*PATHS, *MORE)), texts, max_size=6)


@settings(max_examples=150, deadline=None)
@given(repositories)
def test_any_repository_gives_settings_that_can_be_read(files: dict[str, str]) -> None:
    proposals = propose(find_entries(files, files.get))
    read = parse_settings(settings_text("x", proposals), "sophia.toml")
    assert [service.name for service in read.services] == [p.name for p in proposals if p.doubt is None]
    for proposal in proposals:
        for entry in proposal.entries:
            assert 1 <= entry.line <= files[entry.path].count("\n") + 1
