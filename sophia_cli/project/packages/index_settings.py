"""The package index that the user's pip configuration names, in the words of uv, which does not read it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from sophia_cli.core.values import dataclass
from sophia_cli.project.packages.children import run_tool
from sophia_cli.project.packages.tools import Tools

_LIMIT_S = 60.0
# A command's own section goes over the global one, environment variables over both.
_RANKS = {"global": 0, "install": 1, ":env:": 2}
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What pip would ask: URLs as written, which may hold passwords, so they travel in environment variables only."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    certificate: str | None = None

    def uv_environment(self) -> Mapping[str, str]:
        """Return the variables that make uv ask the same places; `no_index` is an option (`uv_options`)."""
        variables = {}
        if self.index_url is not None:
            variables["UV_DEFAULT_INDEX"] = self.index_url
        if self.extra_index_urls:
            variables["UV_INDEX"] = " ".join(self.extra_index_urls)
        if self.find_links:
            variables["UV_FIND_LINKS"] = ",".join(self.find_links)
        if self.trusted_hosts:
            variables["UV_INSECURE_HOST"] = " ".join(self.trusted_hosts)
        if self.certificate is not None:
            variables["SSL_CERT_FILE"] = self.certificate
        return variables

    def uv_options(self) -> tuple[str, ...]:
        """Return the options that make uv ask the same places."""
        return ("--no-index",) if self.no_index else ()


def pip_index_settings(tools: Tools, folder: Path) -> IndexSettings | None:
    """Return what pip's configuration says, as pip itself merges it; None when pip cannot tell."""
    ended = run_tool((*tools.pip, "config", "list"), folder=folder, environment=tools.environment, limit_s=_LIMIT_S)
    return read_pip_settings(ended.out) if ended.code == 0 else None


def read_pip_settings(listing: str) -> IndexSettings:
    """Read what `pip config list` prints: `section.key='value'` lines."""
    ranked: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        place, equals, written = line.partition("=")
        section, _, key = place.strip().rpartition(".")
        rank = _RANKS.get(section)
        if not equals or rank is None or rank < ranked.get(key, (0, ""))[0]:
            continue
        try:
            ranked[key] = (rank, str(ast.literal_eval(written)))
        except (ValueError, SyntaxError):
            continue
    values = {key: value for key, (_, value) in ranked.items()}
    return IndexSettings(
        index_url=values.get("index-url"),
        extra_index_urls=tuple(values.get("extra-index-url", "").split()),
        find_links=tuple(values.get("find-links", "").split()),
        no_index=values.get("no-index", "").lower() in _TRUE,
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        certificate=values.get("cert"),
    )
