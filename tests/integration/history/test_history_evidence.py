"""History and mass damage together: a tool's commit is named, its damage taught to files without a good version."""

from __future__ import annotations

from git_project import BROKEN, GOOD, GitProject

from sophia_cli.fixers.history_evidence import evidence_for
from sophia_cli.fixers.syntax.compiler import compile_fault
from sophia_cli.fixers.syntax.lessons import mend
from sophia_cli.fixers.syntax.mass_damage import Action


def variant(text: str, number: int) -> str:
    return text.replace("total", f"total_{number}").replace("average", f"average_{number}")


def test_a_tool_commit_is_named_and_teaches_files_that_were_added_broken(project: GitProject) -> None:
    project.commit("add broken", late=variant(BROKEN, 9))
    project.commit("add", **{f"m{number}": variant(GOOD, number) for number in range(4)})
    tool = project.commit("tidy", **{f"m{number}": variant(BROKEN, number) for number in range(4)})
    broken = {path.name: path.read_bytes() for path in project.root.glob("*.py")}
    evidence = evidence_for(project.root, broken)
    group = evidence.damage[0]
    assert (group.signature.action, group.commits) == (Action.DELETED, (tool,))
    assert group.paths == ("m0.py", "m1.py", "m2.py", "m3.py")
    assert set(evidence.history.never_compiled) == {"late.py"}
    mended = mend(broken["late.py"].decode(), evidence.lessons, compile_fault)
    assert mended is not None
    assert mended.text == variant(GOOD, 9)


def test_files_broken_by_commits_of_their_own_are_no_mass_damage(project: GitProject) -> None:
    project.commit("add", **{f"m{number}": variant(GOOD, number) for number in range(3)})
    for number in range(3):
        project.commit("slip", **{f"m{number}": variant(BROKEN, number)})
    broken = {path.name: path.read_bytes() for path in project.root.glob("*.py")}
    evidence = evidence_for(project.root, broken)
    assert len(evidence.history.good) == 3
    assert evidence.damage == ()


def test_mass_damage_that_is_not_committed_teaches_too(project: GitProject) -> None:
    project.commit("add", **{f"m{number}": variant(GOOD, number) for number in range(3)})
    for number in range(3):
        project.write(f"m{number}.py", variant(BROKEN, number))
    project.write("untracked.py", variant(BROKEN, 9))
    broken = {path.name: path.read_bytes() for path in project.root.glob("*.py")}
    evidence = evidence_for(project.root, broken)
    assert (evidence.damage[0].commits, len(evidence.damage[0].paths)) == ((), 3)
    mended = mend(broken["untracked.py"].decode(), evidence.lessons, compile_fault)
    assert mended is not None
    assert mended.text == variant(GOOD, 9)
