"""Over random histories with edits, damage, renames, moves and merges, the answers equal those of plain bookkeeping."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from git_project import GitProject

from sophia_cli.fixers.history_evidence import compiles


@dataclass
class Life:
    """One file over time: where it is, its text, and the text at each commit that changed it."""

    path: str
    text: str
    versions: list[tuple[int, str]] = field(default_factory=list)


def body(number: int) -> str:
    return "".join(f"def function_{number}_{line}(a):\n    return a + {number * line}\n" for line in range(20))


def edited(text: str, chance: random.Random, step: int) -> str:
    lines = text.split("\n")
    place = chance.randrange(len(lines) // 2) * 2
    action = chance.choice(("good", "good", "break", "mend"))
    if action == "break":
        lines[place] = f"def broken_{step}(a"
    elif action == "mend":
        lines = [line + "):" if line.startswith("def broken_") and not line.endswith(":") else line for line in lines]
    else:
        lines[place] = f"# note {step}" if lines[place] == "" else lines[place].replace("function_", f"f{step}_")
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(6))
def test_breaking_commits_equal_those_of_plain_bookkeeping(project: GitProject, seed: int) -> None:
    chance = random.Random(seed)
    lives = [Life(f"start/file_{number}.py", body(number)) for number in range(6)]
    commits: list[str] = []
    for step in range(12):
        on_branch = chance.random() < 0.3 and step > 0
        if on_branch:
            project.git("checkout", "-q", "-b", f"side{step}")
        for life in lives if step == 0 else chance.sample(lives, 3):
            text = life.text if step == 0 else edited(life.text, chance, step)
            if step and chance.random() < 0.4:
                (project.root / life.path).unlink()
                life.path = f"{chance.choice('abc')}/{chance.choice('xyz')}/{life.path.rpartition('/')[2]}"
            if step == 0 or text != life.text:
                life.versions.append((step, text))
            life.text = text
            project.write(life.path, text)
        commits.append(project.commit(f"step {step}"))
        if on_branch:
            project.git("checkout", "-q", "main")
            project.git("merge", "-q", "--no-ff", "--no-edit", f"side{step}")
    broken = [life for life in lives if not compiles(life.text.encode())]
    history = project.history(*(life.path for life in broken))
    assert set(history.good) | set(history.never_compiled) == {life.path for life in broken}
    for life in broken:
        good_before = [index for index, (_, text) in enumerate(life.versions) if compiles(text.encode())]
        assert good_before
        breaking, _ = life.versions[good_before[-1] + 1]
        assert history.good[life.path].breaking_commit == commits[breaking]
        assert history.good[life.path].text == life.versions[good_before[-1]][1]
