"""From `[[services.NAME.checks]]` to functional checks."""

from __future__ import annotations

import json
import re

from sophia_cli.project.settings.check_model import Check
from sophia_cli.project.settings.keys import Section
from sophia_cli.project.settings.reader import Table, value_or

_REQUEST = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/\S*)")


def read_check(table: Table) -> Check:
    table.check_keys(Section.CHECK)
    name, request = table.text("name"), table.text("request")
    if name is None or request is None:
        missing = "name" if name is None else "request"
        message = f"a check needs a `{missing}`"
        raise table.mistake((), message, "settings-wrong-value", "docs/settings.md lists every key", of_key=True)
    match = _REQUEST.fullmatch(request)
    if match is None:
        raise table.wrong("request", f"`request` must look like `GET /path`, not `{request}`")
    json_text = None
    if table.has("json"):
        try:
            json_text = json.dumps(table.values["json"], ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise table.wrong("json", f"`json` cannot be sent as JSON: {error}") from error
    gate = table.boolean("gate")
    return Check(
        name=name,
        method=match.group(1),
        path=match.group(2),
        json_text=json_text,
        status=value_or(table.integer("status", 100, 599), 200),
        gate=match.group(1) == "GET" if gate is None else gate,
    )
