"""Entries of declarations as regions, and how they are taken out."""

from __future__ import annotations

from collections.abc import Iterator

from sophia_cli.core.findings import Fix, Region, Safety
from sophia_cli.fixers.project_view import ProjectView
from sophia_cli.project.dependencies.additions import removal
from sophia_cli.project.dependencies.model import Declaration, Format, Requirement, Role


def entries(view: ProjectView) -> Iterator[tuple[Declaration, Requirement]]:
    """Yield every entry of every declaration, by path; what locks and bounds name is not asked for."""
    files = view.dependencies.declared.files
    for path in sorted(files):
        declaration = files[path]
        if declaration.format in (Format.LOCK, Format.PIP_LIST, Format.TOX, Format.NOX):
            continue
        for requirement in declaration.requirements:
            if requirement.role is not Role.CONSTRAINT and requirement.name:
                yield declaration, requirement


def region(requirement: Requirement) -> Region:
    """Return where the entry's name stands."""
    end = requirement.column + len(requirement.written)
    return Region(requirement.line, requirement.column, requirement.line, end)


def without(declaration: Declaration, requirement: Requirement, evidence: str) -> Fix | None:
    """Return the safe fix that takes the entry out, None where cutting will not do or a resolver wrote the file."""
    edit = None if declaration.is_compiled else removal(declaration, requirement)
    if edit is None:
        return None
    return Fix(
        title=f"remove {requirement.written} from {declaration.path}",
        safety=Safety.SAFE,
        edits=(edit,),
        evidence=(evidence,),
        confidence=0.95,
    )
