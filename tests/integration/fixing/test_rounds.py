"""The rounds of the fix engine, with rules made for one purpose each."""

from __future__ import annotations

import itertools

import pytest
from small_rules import analysing, replacing, reporting_faults, versions

from sophia_cli.core.findings import Safety
from sophia_cli.core.plan import ChangedFile
from sophia_cli.core.report import ReportedFinding
from sophia_cli.fixers.mending.choosing import Answer, Policy, Turn, Unit
from sophia_cli.fixers.mending.outcome import outcome
from sophia_cli.fixers.mending.rounds import MAX_ROUNDS, Draft, draft_fixes
from sophia_cli.fixers.rule import Rule


def drafted(*rules: Rule, policy: Policy | None = None, **files: bytes) -> Draft:
    analysis = analysing(*rules)
    return draft_fixes(versions(analysis, **files), analysis, policy or Policy())


def after(draft: Draft) -> dict[str, bytes]:
    return {version.report.path: version.data for version in draft.after}


def reported(draft: Draft) -> tuple[ReportedFinding, ...]:
    reasons = {(f.path, f.rule, f.region): why for f, why in draft.reasons}
    return outcome(draft.before, draft.after, draft.plan, lambda f: reasons.get((f.path, f.rule, f.region)))


def test_a_safe_fix_is_made() -> None:
    draft = drafted(replacing(901, b"old", b"new"), a=b"x = 'old'\n")
    assert after(draft) == {"a.py": b"x = 'new'\n"}
    assert draft.settled


def test_the_plan_leads_to_what_the_rounds_left() -> None:
    chain = [replacing(901, b"one", b"two two"), replacing(902, b"two", b"three"), replacing(903, b"old", b"new")]
    draft = drafted(*chain, a=b"x = 'one old'\ny = 'old'\n", b=b"z = 'two'\n")
    assert {c.path: c.after for c in draft.plan.changes()} == after(draft)
    assert after(draft) == {"a.py": b"x = 'three three new'\ny = 'new'\n", "b.py": b"z = 'three'\n"}


def test_fixes_of_later_rounds_on_the_same_text_are_one_step_and_others_their_own() -> None:
    draft = drafted(
        replacing(901, b"one", b"two"), replacing(902, b"two", b"three"), a=b"x = 'one'\ny = 0\nz = 'two'\n"
    )
    assert sorted(len(step.fixes) for step in draft.plan.steps) == [1, 2]


@pytest.mark.parametrize("subset", list(itertools.product([False, True], repeat=3)))
def test_any_subset_of_steps_can_be_made(subset: tuple[bool, ...]) -> None:
    draft = drafted(replacing(901, b"old", b"new"), a=b"old = 1\nx = 'old'\ny = old\n")
    steps = [step for step, wanted in zip(draft.plan.steps, subset, strict=True) if wanted]
    words = [b"new" if wanted else b"old" for wanted in subset]
    wanted_text = b"%s = 1\nx = '%s'\ny = %s\n" % tuple(words)
    changes = draft.plan.only(steps).changes()
    assert [c.after for c in changes] == ([wanted_text] if steps else [])


def test_a_fix_that_breaks_a_file_is_taken_back_and_the_others_stand() -> None:
    draft = drafted(
        replacing(901, b"bad", b"(", severity=reporting_faults().severity),
        replacing(902, b"old", b"new"),
        a=b"x = 'old'\nbad = 1\ny = 'old'\n",
        b=b"z = 'old'\n",
    )
    assert after(draft) == {"a.py": b"x = 'new'\nbad = 1\ny = 'new'\n", "b.py": b"z = 'new'\n"}
    assert [(item.findings[0].rule, item.reason) for item in draft.taken_back] == [
        ("SPH901", "the file would no longer compile")
    ]


def test_a_fix_that_leaves_more_findings_is_taken_back() -> None:
    more = drafted(replacing(901, b"a", b"bb"), replacing(902, b"b", b"b", safety=Safety.MANUAL), a=b"'a'\n")
    assert more.plan.steps == ()
    assert [item.reason for item in more.taken_back] == ["the file would have more findings than before"]


def test_of_overlapping_fixes_the_more_confident_is_made_first_whatever_the_order_of_rules() -> None:
    wide = replacing(901, b"ab", b"X", confidence=0.5)
    sure = replacing(902, b"bc", b"Y", confidence=0.9)
    assert after(drafted(wide, sure, a=b"'abc'\n")) == after(drafted(sure, wide, a=b"'abc'\n")) == {"a.py": b"'aY'\n"}


def test_a_safe_fix_goes_before_an_unsafe_one_that_overlaps_it() -> None:
    unsafe = replacing(901, b"ab", b"X", safety=Safety.UNSAFE, confidence=0.99)
    safe = replacing(902, b"bc", b"Y", confidence=0.6)
    assert after(drafted(unsafe, safe, policy=Policy(unsafe=True), a=b"'abc'\n")) == {"a.py": b"'aY'\n"}


def test_two_insertions_at_one_place_come_in_two_rounds() -> None:
    first = replacing(901, b"(?<=#)(?!.*A)", b"A", confidence=0.9)
    second = replacing(902, b"(?<=#)(?!.*B)", b"B", confidence=0.8)
    draft = drafted(first, second, a=b"#\n")
    assert after(draft) == {"a.py": b"#BA\n"}
    assert draft.rounds == 2


def test_unsafe_fixes_wait_for_the_flag_and_manual_ones_are_never_made() -> None:
    rules = [replacing(901, b"u", b"U", safety=Safety.UNSAFE), replacing(902, b"m", b"M", safety=Safety.MANUAL)]
    assert after(drafted(*rules, a=b"'um'\n")) == {"a.py": b"'um'\n"}
    assert after(drafted(*rules, policy=Policy(unsafe=True), a=b"'um'\n")) == {"a.py": b"'Um'\n"}


def test_a_group_is_made_whole_across_files() -> None:
    draft = drafted(replacing(901, b"old", b"new", group="rename"), a=b"old = 1\n", b=b"from a import old\n")
    assert after(draft) == {"a.py": b"new = 1\n", "b.py": b"from a import new\n"}
    assert len(draft.plan.steps) == 1


def test_a_group_with_a_member_that_may_not_be_made_is_left_out_whole() -> None:
    rules = [replacing(901, b"s", b"S", group="g"), replacing(902, b"u", b"U", group="g", safety=Safety.UNSAFE)]
    assert drafted(*rules, a=b"'su'\n").plan.steps == ()
    assert after(drafted(*rules, policy=Policy(unsafe=True), a=b"'su'\n")) == {"a.py": b"'SU'\n"}


def test_a_group_that_breaks_one_file_is_taken_back_in_all() -> None:
    draft = drafted(replacing(901, b"old", b"(", group="g"), a=b"'old'\n", b=b"old = 1\n")
    assert after(draft) == {"a.py": b"'old'\n", "b.py": b"old = 1\n"}
    assert len(draft.taken_back) == 1


def test_rules_that_swap_back_and_forth_stop_at_once() -> None:
    draft = drafted(replacing(901, b"ping", b"pong"), replacing(902, b"pong", b"ping"), a=b"'ping'\n")
    assert after(draft) == {"a.py": b"'pong'\n"}
    assert draft.settled


def test_a_fix_that_never_settles_stops_at_the_bound() -> None:
    draft = drafted(replacing(901, b"x+", lambda match: match.group() + b"x"), a=b"'x'\n")
    assert (draft.rounds, draft.settled) == (MAX_ROUNDS, False)
    assert after(draft) == {"a.py": b"'" + b"x" * (MAX_ROUNDS + 1) + b"'\n"}


def test_a_broken_file_gets_syntax_fixes_first_and_the_others_once_it_parses() -> None:
    rules = [reporting_faults(), replacing(101, b"\\(:", b"():"), replacing(901, b"old", b"new")]
    draft = drafted(*rules, a=b"def f(:\n    old = 1\n")
    assert after(draft) == {"a.py": b"def f():\n    new = 1\n"}
    assert [[fix.finding.rule for fix in step.fixes] for step in draft.plan.steps] == [["SPH101"], ["SPH901"]]


def test_a_broken_file_without_a_repair_is_left_alone() -> None:
    draft = drafted(reporting_faults(), replacing(901, b"old", b"new"), a=b"def f(:\n    old = 1\n")
    assert draft.plan.steps == ()


def test_a_repair_that_moves_the_fault_forward_stands_and_one_that_does_not_falls() -> None:
    forward = drafted(reporting_faults(), replacing(101, b"\\(:", b"():"), a=b"def f(:\n    x = 1\ny = = 2\n")
    assert after(forward) == {"a.py": b"def f():\n    x = 1\ny = = 2\n"}
    stuck = drafted(reporting_faults(), replacing(101, b"2", b"3"), a=b"y = = 2\n")
    assert stuck.plan.steps == ()


def test_findings_that_appear_once_a_file_parses_are_revealed() -> None:
    rules = [reporting_faults(), replacing(101, b"\\(:", b"():")]
    draft = drafted(*rules, a=b"def f(:\n    x = 1\ny = = 2\n")
    found = {(item.finding.rule, item.finding.region.line): item for item in reported(draft)}
    assert {key: item.finding.revealed for key, item in found.items() if key[1] == 1} == dict.fromkeys(
        [("SPH100", 1), ("SPH101", 1)], False
    )
    assert found["SPH100", 3].finding.revealed
    assert found["SPH100", 3].now is not None
    assert found["SPH101", 1].applied
    assert found["SPH101", 1].now is None


def test_findings_keep_their_identity_when_lines_move() -> None:
    draft = drafted(
        replacing(901, b"# here\n", b"# here:\n# more\n"),
        replacing(902, b"keep", b"keep", safety=Safety.MANUAL),
        a=b"# here\nx = 'keep'\ny = 'keep'\n",
    )
    kept = [item for item in reported(draft) if item.finding.rule == "SPH902"]
    assert [(i.finding.region.line, i.now.region.line if i.now else 0) for i in kept] == [(2, 3), (3, 4)]
    assert not any(item.finding.revealed for item in kept)


def test_a_file_that_may_not_be_written_is_left_out_with_the_reason() -> None:
    policy = Policy(blocked={"a.py": "it is read-only"})
    draft = drafted(replacing(901, b"old", b"new"), policy=policy, a=b"'old'\n", b=b"'old'\n")
    assert after(draft) == {"a.py": b"'old'\n", "b.py": b"'new'\n"}
    assert [why for _, why in draft.reasons] == ["it is read-only"]


def test_what_may_not_be_written_is_not_promised_to_unsafe() -> None:
    policy = Policy(blocked={"a.py": "it is read-only"})
    draft = drafted(replacing(901, b"old", b"new", safety=Safety.UNSAFE), policy=policy, a=b"'old'\n")
    assert [why for _, why in draft.reasons] == ["it is read-only"]


class Script:
    """Answers questions in order and remembers what was shown."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.shown: list[bytes] = []
        self.turns: list[Turn] = []

    def __call__(self, unit: Unit, changes: tuple[ChangedFile, ...], turn: Turn) -> Answer:
        self.shown.append(changes[0].after)
        self.turns.append(turn)
        return self.answers.pop(0)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((Answer.YES, Answer.NO, Answer.YES), b"'new'\n'old'\n'new'\n"),
        ((Answer.NO, Answer.ALL), b"'old'\n'new'\n'new'\n"),
        ((Answer.YES, Answer.QUIT), b"'new'\n'old'\n'old'\n"),
    ],
)
def test_each_fix_is_asked_about(answers: tuple[Answer, ...], expected: bytes) -> None:
    analysis = analysing(replacing(901, b"old", b"new"))
    script = Script(*answers)
    draft = draft_fixes(versions(analysis, a=b"'old'\n" * 3), analysis, Policy(), ask=script)
    assert after(draft) == {"a.py": expected}
    assert script.answers == []
    assert script.shown[0] == b"'new'\n'old'\n'old'\n"


def test_questions_are_counted_over_all_rounds() -> None:
    rules = (reporting_faults(), replacing(101, b"\\(:", b"():"), replacing(901, b"old", b"new"))
    analysis = analysing(*rules)
    script = Script(*[Answer.YES] * 3)
    draft_fixes(versions(analysis, a=b"def f(:\n    old = 1\n", b=b"'old'\n"), analysis, Policy(), ask=script)
    assert script.turns == [Turn(1, 2), Turn(2, 2), Turn(3, 3)]


def test_a_declined_fix_says_so() -> None:
    analysis = analysing(replacing(901, b"old", b"new"))
    draft = draft_fixes(versions(analysis, a=b"'old'\n"), analysis, Policy(), ask=Script(Answer.NO))
    assert [why for _, why in draft.reasons] == ["declined"]


def test_fixing_twice_is_fixing_once() -> None:
    rules = (reporting_faults(), replacing(101, b"\\(:", b"():"), replacing(901, b"old", b"new"))
    first = drafted(*rules, a=b"def f(:\n    old = 1\n", b=b"'old'\n")
    left = after(first)
    second = drafted(*rules, a=left["a.py"], b=left["b.py"])
    assert second.plan.steps == ()
