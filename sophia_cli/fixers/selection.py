"""Which rules run, and which findings a comment in the file keeps quiet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sophia_cli.core.errors import UsageError
from sophia_cli.core.findings import Category, Finding
from sophia_cli.fixers.rule import AnyRule
from sophia_cli.project.files.ignore import IgnoreRules, parse_ignore
from sophia_cli.project.settings.model import PathIgnore

_ID_PREFIX = re.compile(r"SPH\d{0,3}\Z", re.IGNORECASE)
_IGNORE = re.compile(r"#[ \t]*sophia:[ \t]*ignore(?:[ \t]*\[([^\]\n]*)\]|(?![\w\[-]))")


def select_rules(rules: Sequence[AnyRule], select: tuple[str, ...], ignore: tuple[str, ...]) -> tuple[AnyRule, ...]:
    """Return the rules that `select` names (all with none) without those that `ignore` names, in their own order.

    A selector is a rule id (`SPH101`), an id prefix (`SPH1`), a name, a category or `all`; each item may hold several,
    separated by commas. A selector that fits no rule is a UsageError (`unknown-rule`) that names the nearest known one.
    """
    wanted = _chosen(rules, select) if _split(select) else {rule.id for rule in rules}
    unwanted = _chosen(rules, ignore)
    return tuple(rule for rule in rules if rule.id in wanted and rule.id not in unwanted)


def find_rule(rules: Sequence[AnyRule], word: str) -> AnyRule:
    """Return the rule with this id or name; else a UsageError (`unknown-rule`) that names the nearest known one."""
    for rule in rules:
        if word.upper() == rule.id or word.lower() == rule.name:
            return rule
    raise _unknown(rules, word, [known for rule in rules for known in (rule.id, rule.name)])


def is_suppressed(lines: Sequence[str], finding: Finding) -> bool:
    """Tell whether the line that a finding starts on says `# sophia: ignore`, or `# sophia: ignore[name]` for its rule.

    The brackets hold names or ids, comma-separated; `# sophia: ignore` alone counts for every rule. The text is
    matched as it stands, so it works in a file that does not parse. `lines` are the file's lines without endings.
    """
    index = finding.region.line - 1
    if not 0 <= index < len(lines) or "sophia:" not in lines[index]:
        return False
    for match in _IGNORE.finditer(lines[index]):
        names = match.group(1)
        if names is None:
            return True
        listed = {name.strip().lower() for name in names.split(",")}
        if finding.name.lower() in listed or finding.rule.lower() in listed:
            return True
    return False


def without_suppressed(lines: Sequence[str], findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that no `# sophia: ignore` comment on their line keeps quiet, in their order."""
    return tuple(finding for finding in findings if not is_suppressed(lines, finding))


def without_path_ignored(
    rules: Sequence[AnyRule], findings: Iterable[Finding], per_path: Sequence[PathIgnore]
) -> tuple[Finding, ...]:
    """Return the findings that no `[rules.per_path_ignores]` pattern of the settings leaves out, in their order.

    Patterns are gitignore style, relative to the project root. Raises UsageError for a selector that fits no rule.
    """
    if not per_path:
        return tuple(findings)
    ignores = [(parse_ignore([item.pattern]), _chosen(rules, item.ignore)) for item in per_path]
    return tuple(
        finding
        for finding in findings
        if not any(finding.rule in ids and _matches(patterns, finding.path) for patterns, ids in ignores)
    )


def _matches(patterns: IgnoreRules, path: str) -> bool:
    """Tell whether a pattern names the file or one of the folders that it lies in."""
    parts = path.split("/")
    last = len(parts) - 1
    return any(patterns.verdict("/".join(parts[: i + 1]), part, i < last) for i, part in enumerate(parts))


def _split(selectors: Iterable[str]) -> list[str]:
    return [word for item in selectors for word in (part.strip() for part in item.split(",")) if word]


def _chosen(rules: Sequence[AnyRule], selectors: Iterable[str]) -> set[str]:
    return {identifier for word in _split(selectors) for identifier in _matching(rules, word)}


def _matching(rules: Sequence[AnyRule], word: str) -> list[str]:
    lowered = word.lower()
    if lowered == "all":
        return [rule.id for rule in rules]
    found = [
        rule.id
        for rule in rules
        if rule.name == lowered
        or rule.category.value == lowered
        or (_ID_PREFIX.match(word) and rule.id.startswith(word.upper()))
    ]
    # A category is known also while no rule belongs to it.
    if found or lowered in {category.value for category in Category}:
        return found
    known = [known for rule in rules for known in (rule.id, rule.name)]
    raise _unknown(rules, word, known + [category.value for category in Category])


def _unknown(rules: Sequence[AnyRule], word: str, known: Sequence[str]) -> UsageError:
    from sophia_cli.core.nearest import did_you_mean

    # The numbers of rules have no likeness: what is near to an id that is none says nothing.
    near = "" if _ID_PREFIX.match(word) else did_you_mean(word, known, likeness=0.5)
    hint = f"{near} `sophia rules` lists the {len(rules)} rules".lstrip()
    return UsageError("unknown-rule", f"no rule fits `{word}`", hint=hint)
