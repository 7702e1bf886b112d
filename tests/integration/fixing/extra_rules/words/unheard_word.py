"""A word that one file says and no document of the project lists: for tests of rules that read the whole project."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Category, Edit, Finding, Fix, Region, Safety, Severity
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.fixers.rule import ProjectRule, finding_of

LIST = "words.toml"


def check(view: ProjectView) -> Iterator[Finding]:
    listed = view.documents.get(LIST)
    if listed is None:
        return
    for path in sorted(view.files):
        for binding in view.files[path].surface.bindings:
            if binding.name.startswith("say_") and binding.name.encode() not in listed:
                line = f"{binding.name} = true\n".encode()
                yield finding_of(
                    RULE,
                    path,
                    Region(binding.line, 1, binding.line, 1 + len(binding.name)),
                    f"nobody hears `{binding.name}`",
                    data={"word": binding.name},
                    fix=Fix(
                        f"list `{binding.name}`",
                        Safety.SAFE,
                        (Edit(LIST, len(listed), len(listed), line),),
                        ("the test says so",),
                        0.9,
                    ),
                )


RULE = ProjectRule(
    id="SPH904",
    name="unheard-word",
    category=Category.SUSPICIOUS,
    severity=Severity.ERROR,
    summary="a word for a test",
    check=check,
    manual=__doc__,
)
