"""Slots, commands and counters of HAProxy, and its configuration as HAProxy itself reads it."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.deploy.strict.commands import UnreadableAnswer, arrangements, changes, counted, retiring
from sophia_cli.deploy.strict.configuration import Capacity, configuration
from sophia_cli.deploy.strict.model import Address, Front, Server, ServerState, arranged, empty_slots
from sophia_cli.project.host.haproxy import find_haproxy

HAPROXY = find_haproxy(os.environ)
READY, DRAIN, OFF = ServerState.READY, ServerState.DRAIN, ServerState.OFF
servers = st.lists(
    st.builds(Server, st.integers(1024, 1040), st.sampled_from([READY, DRAIN]), st.integers(1, 256)),
    max_size=4,
    unique_by=lambda server: server.port,
).map(tuple)


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def performed(slots: tuple[Server | None, ...], commands: tuple[str, ...]) -> tuple[Server | None, ...]:
    """What HAProxy makes of commands, told in a few lines."""
    found = list(slots)
    for command in commands:
        words = command.split()
        assert words[:2] == ["set", "server"]
        number = int(words[2].removeprefix("back-api/s")) - 1
        old = found[number] or Server(1, OFF, 1)
        if words[3] == "addr":
            found[number] = Server(int(words[6]), old.state, old.weight)
        elif words[3] == "weight":
            found[number] = Server(old.port, old.state, int(words[4]))
        else:
            found[number] = Server(old.port, ServerState(words[4]), old.weight)
    return tuple(found)


@given(st.lists(servers, min_size=1, max_size=6))
def test_commands_lead_from_any_arrangement_to_the_next(rounds: list[tuple[Server, ...]]) -> None:
    slots = empty_slots(4)
    for wanted in rounds:
        after = arranged(slots, wanted)
        assert after is not None
        assert {slot for slot in after if slot is not None and slot.state is not OFF} == set(wanted)
        assert performed(slots, changes("api", slots, after)) == after
        slots = after


@given(servers, servers)
def test_who_comes_is_let_in_before_anybody_is_let_go(old: tuple[Server, ...], new: tuple[Server, ...]) -> None:
    before = arranged(empty_slots(4), old)
    assert before is not None
    after = arranged(before, new)
    assert after is not None
    commands = changes("api", before, after)
    ready_at_both_ends = all(any(slot and slot.state is READY for slot in slots) for slots in (before, after))
    for count in range(len(commands) + 1):
        at_this_point = performed(before, commands[:count])
        assert not ready_at_both_ends or any(slot and slot.state is READY for slot in at_this_point)


def test_a_server_keeps_its_slot_and_another_one_gets_a_slot_that_was_never_used() -> None:
    slots = arranged(empty_slots(1), (Server(4001),))
    assert slots is not None
    then = arranged(slots, (Server(4001, DRAIN), Server(4002)))
    assert then is not None
    assert then[:3] == (Server(4001, DRAIN), Server(4002), None)
    assert arranged(then, (Server(4002),))[:2] == (Server(4001, OFF), Server(4002))  # type: ignore[index]  # enough slots


def test_too_few_slots_are_told() -> None:
    assert arranged((None, Server(4001)), (Server(4001), Server(4002), Server(4003))) is None


def test_a_front_that_retires_sends_its_callers_to_where_the_service_is() -> None:
    front = Front("api", "127.0.0.1", 9000, (Server(4001), None, Server(4002, OFF)))
    sent = (
        "set server back-api/public addr 127.0.0.1 port 9001",
        "set server back-api/public state ready",
        "set server back-api/s1 state drain",
    )
    assert retiring(front, Address("127.0.0.1", 9001), closes=False) == sent
    # Nothing is sent to an address at which the front itself accepts.
    closed = "shutdown frontend front-api"
    assert retiring(front, Address("127.0.0.1", 9001), closes=True) == (closed, *sent)
    assert retiring(front, None, closes=True) == (closed, "set server back-api/s1 state drain")


@pytest.mark.parametrize("read", [arrangements, counted])
def test_an_answer_of_another_form_is_refused(read: object) -> None:
    assert callable(read)
    for answer in ("", "Unknown command", "1\n"):
        with pytest.raises(UnreadableAnswer):
            read(answer)


def test_states_weights_and_ports_are_read_from_what_haproxy_tells() -> None:
    answer = (
        "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_port\n"
        "3 back-api 1 s1 127.0.0.1 2 8 100 100 4001\n3 back-api 2 s2 127.0.0.1 2 4 50 100 4002\n"
        "3 back-api 3 s3 127.0.0.1 0 5 1 1 1\n3 back-api 4 s4 127.0.0.1 0 1 100 1 4004\n"
        "3 back-api 5 public 127.0.0.1 0 5 1 1 9000\n"
    )
    wanted = (Server(4001, DRAIN, 100), Server(4002, READY, 50), None, Server(4004, OFF, 100))
    assert arrangements(answer) == {"api": Front("api", "127.0.0.1", 9000, wanted)}
    with pytest.raises(UnreadableAnswer):
        arrangements(answer.replace("public", "private"))


def test_failures_and_answers_are_counted() -> None:
    heading = "# pxname,svname,scur,econ,eresp,status,hrsp_2xx,hrsp_4xx,hrsp_5xx,addr\n"
    rows = "front-api,FRONTEND,3,,,OPEN,9,0,0,\nfront-old,FRONTEND,1,,,STOP,9,0,0,\n"
    rows += "back-api,s2,2,1,2,no check,5,1,3,127.0.0.1:4002\n"
    found = counted(heading + rows)
    assert found.open_fronts == {"api"}
    assert found.callers == {"api": 3, "old": 1}
    counters = found.servers["api"][1]
    assert (counters.port, counters.sessions, counters.answered, counters.failed) == (4002, 2, 9, 6)


@pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed (`apt-get install haproxy`)")
def test_haproxy_takes_the_configuration(tmp_path: Path) -> None:
    slots = arranged(empty_slots(2), (Server(4001, READY, 30), Server(4002, DRAIN)))
    assert slots is not None
    fronts = [Front("api", "127.0.0.1", 9000, slots), Front("a-b_C", "::1", 9001, empty_slots(1))]
    file = tmp_path / "proxy.cfg"
    with socket.socket(socket.AF_UNIX) as control, listening() as api, listening() as other:
        numbers = [one.fileno() for one in (control, api, other)]
        text = configuration(fronts, {"api": numbers[1], "a-b_C": numbers[2]}, numbers[0], Capacity(100))
        file.write_text(text)
        words = [str(HAPROXY), "-c", "-f", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, pass_fds=numbers)
    assert (done.returncode, "ALERT" in done.stderr, "WARNING" in done.stderr) == (0, False, False), done.stderr
