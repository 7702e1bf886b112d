"""Plans: what is deployed, in which order, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_cli.core.errors import UsageError
from sophia_cli.core.values import replace
from sophia_cli.deploy.fingerprint import fingerprint_of
from sophia_cli.deploy.plan import (
    Action,
    Active,
    Candidate,
    Cause,
    DeploymentPlan,
    Wanted,
    levels_of,
    plan_deployment,
)
from sophia_cli.project.settings.service_model import Service


def _candidate(name: str, *needs: str, ways: Mapping[str, tuple[str, ...]] | None = None, **parts: Any) -> Candidate:
    service = parts.pop("service", Service(name, app=f"{name}:app", depends_on=needs))
    given: dict[str, Any] = {"code": {}, "data": {}, "secrets": {}, "packages": {}, "python": "3.11.4", **parts}
    return Candidate(service, fingerprint_of(service, **given), ways or {})


def _running(candidate: Candidate, number: int = 1) -> Active:
    return Active(candidate.service, number, candidate.fingerprint)


def _actions(plan: DeploymentPlan) -> list[tuple[str, str]]:
    return [(service.name, service.action.value) for service in plan.services]


def _sentences(before: Candidate, after: Candidate) -> list[str]:
    plan = plan_deployment([after], {before.service.name: _running(before)})
    return [reason.sentence for reason in plan.services[0].reasons]


def test_everything_is_deployed_at_first_dependencies_before_those_that_need_them() -> None:
    plan = plan_deployment([_candidate("web", "api"), _candidate("api", "memory"), _candidate("memory")], {})
    assert _actions(plan) == [("memory", "deploy"), ("api", "deploy"), ("web", "deploy")]
    assert [service.level for service in plan.services] == [0, 1, 2]
    assert {reason.sentence for service in plan.services for reason in service.reasons} == {"first deployment"}


def test_only_what_changed_is_deployed() -> None:
    api, memory = _candidate("api", code={"a.py": "1"}), _candidate("memory")
    plan = plan_deployment(
        [_candidate("api", code={"a.py": "2"}), memory], {"api": _running(api, 4), "memory": _running(memory, 7)}
    )
    assert _actions(plan) == [("api", "deploy"), ("memory", "unchanged")]
    assert [service.previous for service in plan.services] == [4, 7]
    assert [service.name for service in plan.to_deploy] == ["api"]


def test_nothing_to_do_is_told() -> None:
    api = _candidate("api")
    assert not plan_deployment([api], {"api": _running(api)}).changes_something


def test_the_reason_names_the_file_and_who_imports_it() -> None:
    ways = {
        "app.py": ("app.py",),
        "core/db.py": ("app.py", "core/db.py"),
        "core/sql.py": ("app.py", "core/db.py", "core/sql.py"),
    }
    old = _candidate("api", code={"app.py": "1", "core/db.py": "1", "core/sql.py": "1", "gone.py": "1"}, ways=ways)
    now = _candidate("api", code={"app.py": "2", "core/db.py": "2", "core/sql.py": "2"}, ways=ways)
    assert _sentences(old, now) == [
        "`app.py` changed",
        "`core/db.py` changed, imported by `app.py`",
        "`core/sql.py` changed, imported by `app.py` through `core/db.py`",
        "`gone.py` was removed",
    ]


def test_reasons_tell_what_kind_of_thing_differs() -> None:
    old = _candidate("api", packages={"starlette": "0.40", "old": "1"}, secrets={"TOKEN": "1"}, data={"c.yml": "1"})
    service = Service("api", app="api:app", env=(("LOG_LEVEL", "info"),))
    now = _candidate(
        "api",
        service=service,
        packages={"starlette": "0.41", "fresh": "2"},
        secrets={"TOKEN": "2"},
        data={"c.yml": "2"},
        python="3.12.0",
        environment="staging",
    )
    assert _sentences(old, now) == [
        "`c.yml`, which is watched, changed",
        "setting `env.LOG_LEVEL` was added",
        "secret `TOKEN` changed",
        "packages differ: + fresh 2, - old 1, starlette 0.40 -> 0.41",
        "Python differs: 3.11.4 -> 3.12.0",
        "environment differs: none -> staging",
    ]


def test_many_packages_are_told_in_short() -> None:
    old = _candidate("api", packages={f"p{number}": "1" for number in range(9)})
    now = _candidate("api", packages={f"p{number}": "2" for number in range(9)})
    (sentence,) = _sentences(old, now)
    assert sentence.endswith("p4 1 -> 2 and 4 more")


def test_all_deploys_what_did_not_change_too_and_keeps_the_reasons_of_the_rest() -> None:
    old, api, memory = _candidate("api", python="3.10.0"), _candidate("api"), _candidate("memory")
    plan = plan_deployment([api, memory], {"api": _running(old), "memory": _running(memory)}, Wanted(all=True))
    assert [(service.name, service.reasons[0].cause) for service in plan.to_deploy] == [
        ("api", Cause.DIFFERENT),
        ("memory", Cause.FORCED),
    ]


def test_a_service_that_is_no_longer_declared_is_removed_after_those_that_needed_it_and_last_of_all() -> None:
    memory, api, web = _candidate("memory"), _candidate("api", "memory"), _candidate("web")
    active = {"memory": _running(memory), "api": _running(api), "web": _running(web)}
    plan = plan_deployment([web], active)
    assert _actions(plan) == [("web", "unchanged"), ("api", "removed"), ("memory", "removed")]


def test_named_services_are_looked_at_alone() -> None:
    old = {"api": _running(_candidate("api", python="1")), "gone": _running(_candidate("gone"))}
    plan = plan_deployment([_candidate("api"), _candidate("web")], old, Wanted(("api",)))
    assert _actions(plan) == [("api", "deploy"), ("web", "unchanged")]


def test_a_dependency_that_changed_and_was_not_named_is_noted() -> None:
    candidates = [_candidate("api", "memory", "queue", "idle"), _candidate("memory", python="9")]
    candidates += [_candidate("queue"), _candidate("idle")]
    active = {"memory": _running(_candidate("memory")), "idle": _running(_candidate("idle"))}
    plan = plan_deployment(candidates, active, Wanted(("api",)))
    assert [note.sentence for note in plan.notes] == [
        "`memory`, which `api` depends on, changed too and was not asked for",
        "`queue`, which `api` depends on, was never deployed and was not asked for",
    ]


def test_a_named_service_that_did_not_change_is_left_as_it_is_and_brings_no_notes() -> None:
    api = _candidate("api", "memory")
    plan = plan_deployment([api, _candidate("memory")], {"api": _running(api)}, Wanted(("api",)))
    assert _actions(plan) == [("memory", "unchanged"), ("api", "unchanged")]
    assert plan.notes == ()


def test_a_name_that_no_service_has_is_an_error_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        plan_deployment([_candidate("memory")], {}, Wanted(("memroy",)))
    assert (caught.value.reference, caught.value.hint) == ("service-unknown", "did you mean `memory`?")


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError):
        levels_of([Service("a", depends_on=("b",)), Service("b", depends_on=("a",))])


_graphs = st.integers(1, 7).flatmap(
    lambda count: st.tuples(
        *(st.sets(st.integers(0, max(0, one - 1))) if one else st.just(set()) for one in range(count))
    )
)


@settings(deadline=None)
@given(_graphs, st.randoms())
def test_whatever_the_order_of_declaration_dependencies_come_first(needs: tuple[set[int], ...], random: Any) -> None:
    services = [Service(str(one), depends_on=tuple(str(other) for other in needed)) for one, needed in enumerate(needs)]
    random.shuffle(services)
    levels = levels_of(services)
    for service in services:
        below = [levels[name] for name in service.depends_on]
        assert levels[service.name] == (max(below) + 1 if below else 0)
    plan = plan_deployment([Candidate(s, _candidate(s.name).fingerprint, {}) for s in services], {})
    assert [service.level for service in plan.to_deploy] == sorted(levels.values())
    assert all(service.action is Action.DEPLOY for level in plan.levels for service in level)


def test_what_is_down_is_started_again_with_the_release_that_it_had() -> None:
    api, web = _candidate("api"), _candidate("web", "api")
    active = {"api": replace(_running(api, 4), is_down=True), "web": _running(web)}
    plan = plan_deployment([api, web], active)
    assert _actions(plan) == [("api", "start"), ("web", "unchanged")]
    assert [reason.sentence for reason in plan.services[0].reasons] == ["it was down"]
    assert [service.name for service in plan.to_bring_in] == ["api"]
    assert plan.to_deploy == ()


def test_what_is_down_and_changed_gets_a_new_release() -> None:
    before, after = _candidate("api", code={"a.py": "1"}), _candidate("api", code={"a.py": "2"})
    plan = plan_deployment([after], {"api": replace(_running(before), is_down=True)})
    assert [service.name for service in plan.to_deploy] == ["api"]


def test_what_is_down_stays_so_when_others_are_named_and_those_that_need_it_are_told() -> None:
    api, web = _candidate("api"), _candidate("web", "api")
    plan = plan_deployment([api, web], {"api": replace(_running(api), is_down=True)}, Wanted(("web",)))
    assert _actions(plan) == [("api", "unchanged"), ("web", "deploy")]
    assert [note.sentence for note in plan.notes] == ["`api`, which `web` depends on, is down and was not asked for"]
