"""`sophia explain`: the manual page of a rule."""

from __future__ import annotations

from typing import Annotated

from sophia_cli.commands.command_line.document import read_only_head
from sophia_cli.commands.command_line.options import FormatOption, Json, OutputFile, Quiet, Verbose, Yes
from sophia_cli.commands.command_line.output import Format, chosen_format, write_result
from sophia_cli.commands.command_line.parameters import Argument
from sophia_cli.commands.rules import rule_fields
from sophia_cli.core.errors import ExitCode
from sophia_cli.fixers.all_rules import all_rules
from sophia_cli.fixers.rule import AnyRule
from sophia_cli.fixers.selection import find_rule
from sophia_cli.project.clock import SystemClock


def explain(
    rule: Annotated[str, Argument(metavar="RULE", help="The id or the name of a rule.", show_default=False)],
    format_: FormatOption = None,
    json: Json = False,
    output: OutputFile = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Yes = False,
) -> int:
    """Show the manual page of a rule: what it finds, why that is bad, how safe its fix is."""
    clock = SystemClock()
    started = clock.monotonic()
    found = find_rule(all_rules(), rule)
    if chosen_format(format_, json) is Format.JSON:
        from sophia_cli.render.json import document

        head = read_only_head("explain", "listed", ExitCode.DONE, clock.monotonic() - started)
        fields = {**rule_fields(found), "manual": found.manual.strip()}
        write_result(document({**head, "summary": {}, "rule": fields}), output)
    else:
        write_result(manual_page(found), output)
    return int(ExitCode.DONE)


def manual_page(rule: AnyRule) -> str:
    """Return the manual page of a rule as Markdown."""
    facts = f"{rule.id} · {rule.category.value} · {rule.severity.value}"
    return f"# {rule.name}\n\n{facts}\n\n{rule.manual.strip()}\n"
