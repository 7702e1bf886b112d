"""`sophia rules`: the rules, one a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sophia_cli.commands.command_line.document import read_only_head
from sophia_cli.commands.command_line.options import FormatOption, Ignore, Json, OutputFile, Quiet, Select, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, write_result
from sophia_cli.core.errors import ExitCode
from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.rule import AnyRule
from sophia_cli.fixers.selection import select_rules
from sophia_cli.project.clock import SystemClock


def rules(
    select: Select = None,
    ignore: Ignore = None,
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """List the rules; `sophia explain RULE` shows the manual page of one."""
    clock = SystemClock()
    started = clock.monotonic()
    chosen = select_rules(all_rules(), tuple(select or ()), tuple(ignore or ()))
    if chosen_format(format_, json) is Format.JSON:
        from sophia_cli.render.json import document

        head = read_only_head("rules", "listed", ExitCode.DONE, clock.monotonic() - started)
        rows = [rule_fields(rule) for rule in chosen]
        write_result(document({**head, "summary": {"rules": len(chosen)}, "rules": rows}), output)
    else:
        write_result(rules_text(chosen), output)
    return int(ExitCode.DONE)


def rule_fields(rule: AnyRule) -> Mapping[str, object]:
    """Return a rule as it stands in JSON documents."""
    return {
        "id": rule.id,
        "name": rule.name,
        "category": rule.category.value,
        "severity": rule.severity.value,
        "summary": rule.summary,
    }


def rules_text(rules: Sequence[AnyRule]) -> str:
    """Return the table of rules."""
    rows = [("id", "name", "severity", "category", "what it finds")]
    rows += [(rule.id, rule.name, rule.severity.value, rule.category.value, rule.summary) for rule in rules]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    ]
    lines.append(f"{len(rules)} rules. One in full: sophia explain RULE")
    return "\n".join(lines) + "\n"
