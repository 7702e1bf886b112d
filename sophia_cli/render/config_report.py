"""Effective settings as text and as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sophia_cli.project.settings.effective import EffectiveValue, Source, Value
from sophia_cli.render.json import document
from sophia_cli.render.style import visible

Json = Mapping[str, object]


def config_json(head: Json, values: Sequence[EffectiveValue], file: str | None, environment: str | None) -> str:
    """Return the document: one row for every value."""
    counts = {source.value: sum(value.source is source for value in values) for source in Source}
    rows = [
        {
            "table": value.table,
            "key": value.key,
            "value": list(value.value) if isinstance(value.value, tuple) else value.value,
            "source": value.source.value,
            "place": value.place,
        }
        for value in values
    ]
    return document({**head, "summary": counts, "file": file, "environment": environment, "values": rows})


def config_text(values: Sequence[EffectiveValue], *, with_defaults: bool) -> str:
    """Return the values table by table, each with who says so; defaults only when asked for."""
    lines: list[str] = []
    table = None
    shown = [value for value in values if with_defaults or value.source is not Source.DEFAULT]
    for value in shown:
        if value.table != table:
            lines += ["", f"[{visible(value.table)}]"] if table is not None else [f"[{visible(value.table)}]"]
            table = value.table
        place = f" {value.place}" if value.place else ""
        lines.append(f"  {visible(value.key):<22} {_written(value.value):<40} {value.source.value}{visible(place)}")
    hidden = len(values) - len(shown)
    if hidden:
        lines += ["", f"{hidden} defaults are not shown; -v shows them"]
    return "\n".join(lines) + "\n" if lines else "no settings\n"


def _written(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return "[" + ", ".join(visible(item) for item in value) + "]"
        case int() | float():
            return f"{value:g}"
        case _:
            return visible(value) or "-"
