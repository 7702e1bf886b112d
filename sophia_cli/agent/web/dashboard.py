"""The page at `/`: the services in a browser. It holds no data; the token that a person pastes stays in the page."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

from starlette.responses import HTMLResponse

_INLINE = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


def dashboard() -> HTMLResponse:
    """Return the page; its policy lets nothing run or load but what stands in it, and its requests to this API."""
    page = files("sophia_cli.agent.web").joinpath("dashboard.html").read_text("utf-8")
    allowed = " ".join(f"{kind}-src 'sha256-{_hash(code)}';" for kind, code in _INLINE.findall(page))
    rest = "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return HTMLResponse(page, headers={"Content-Security-Policy": f"default-src 'none'; {allowed} {rest}"})


def _hash(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")
