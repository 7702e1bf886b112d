"""What files beside the code say to servers: `gunicorn.conf.py`, `hypercorn.toml`, `.flaskenv`, `.env`."""

from __future__ import annotations

import re

from sophia_cli.core.values import dataclass

_BIND = re.compile(r"^\s*bind\s*=\s*\[?\s*f?[\"'][^\"'\n]*?:(\d{2,5})[\"']", re.MULTILINE)
_APP = re.compile(r"^\s*(?:wsgi_app|application_path)\s*=\s*[\"']([\w.]+(?::\w+(?:\(\))?)?)[\"']", re.MULTILINE)
_FLASK_APP = re.compile(r"^\s*(?:export\s+)?FLASK_APP\s*=\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
_FLASK_PORT = re.compile(r"^\s*(?:export\s+)?FLASK_RUN_PORT\s*=\s*[\"']?(\d{2,5})", re.MULTILINE)
_CONFIG = re.compile(r"(?:gunicorn|hypercorn)[\w.-]*\.(?:py|toml)|[\w.-]*(?:gunicorn|hypercorn)[\w-]*\.(?:py|toml)")


@dataclass(frozen=True, slots=True)
class ServerFile:
    """What one file says: the application as a command would name it, and the port."""

    app: str | None = None
    port: int | None = None


def is_server_file(path: str) -> bool:
    """Whether a file is one of these by its name."""
    name = path.rpartition("/")[2]
    return name in (".flaskenv", ".env") or _CONFIG.fullmatch(name) is not None


def server_file(path: str, text: str) -> ServerFile:
    """Return what such a file says."""
    is_variables = path.rpartition("/")[2] in (".flaskenv", ".env")
    app = (_FLASK_APP if is_variables else _APP).search(text)
    port = (_FLASK_PORT if is_variables else _BIND).search(text)
    return ServerFile(app.group(1) if app else None, int(port.group(1)) if port else None)
