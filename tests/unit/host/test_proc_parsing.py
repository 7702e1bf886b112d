"""What the kernel's tables say, read from lines as it writes them."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from sophia_cli.project.host.proc_files import ProcessFacts, ProcessState, parse_stat
from sophia_cli.project.host.processes import identify, is_running, members_of
from sophia_cli.project.host.sockets import PortHolder
from sophia_cli.project.host.spawn_errors import SpawnStep, find_program, spawn_failed
from sophia_cli.project.host.tcp_table import TcpAddress, TcpState, address_of, parse_row

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

REST = "1 77 55 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 0 0"


@pytest.mark.parametrize("name", ["python", "a b", "x) S 9 9 9 (", ")", "((", "tab\tnew\nline"])
def test_a_process_may_have_any_name(name: str) -> None:
    facts = parse_stat(f"42 ({name}) T {REST}\n".encode())
    assert facts == ProcessFacts(42, ProcessState.STOPPED, 1, 77, 55, 987654)


@pytest.mark.parametrize("text", [b"", b"42 (python) S 1", b"no parentheses at all"])
def test_a_line_that_is_cut_short_is_no_process(text: bytes) -> None:
    assert parse_stat(text) is None


def test_an_unknown_state_is_another_one() -> None:
    facts = parse_stat(f"42 (python) q {REST}".encode())
    assert facts is not None
    assert facts.state is ProcessState.OTHER
    assert not facts.has_ended


@pytest.mark.skipif(sys.byteorder != "little", reason="the lines are of a little-endian machine")
@pytest.mark.parametrize(
    ("local", "host", "port"),
    [
        ("0100007F:1F90", "127.0.0.1", 8080),
        ("00000000:0050", "0.0.0.0", 80),
        ("00000000000000000000000001000000:1F90", "::1", 8080),
        ("0000000000000000FFFF00000100007F:1F90", "127.0.0.1", 8080),
    ],
)
def test_addresses_are_read_in_every_family(local: str, host: str, port: int) -> None:
    line = f"  3: {local} 0200007F:C350 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0"
    row = parse_row(line.encode())
    assert row is not None
    assert (row.local, row.remote) == (TcpAddress(host, port), TcpAddress("127.0.0.2", 50000))
    assert (row.state, row.owner, row.inode) == (TcpState.LISTEN, 1000, 4711)


def test_the_heading_is_no_socket() -> None:
    heading = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    assert parse_row(heading) is None


def test_names_of_sockets_have_the_form_of_the_table() -> None:
    assert address_of(("::ffff:127.0.0.1", 80, 0, 0)) == TcpAddress("127.0.0.1", 80)
    assert address_of(("fe80::1%eth0", 80, 0, 2)) == TcpAddress("fe80::1", 80)


def test_a_holder_out_of_sight_is_another_user() -> None:
    assert PortHolder("127.0.0.1", 80, 1, 33, None, "").description == "a process of another user (uid 33)"
    shown = PortHolder("127.0.0.1", 80, 1, 33, 7, "python -c\n" + "x" * 500).description
    assert shown.startswith("pid 7 (python -c xxx")
    assert len(shown) < 100


def facts(pid: int, parent: int, session: int, start: int, state: ProcessState = ProcessState.SLEEPING) -> ProcessFacts:
    return ProcessFacts(pid, state, parent, session, session, start)


def members(*look: ProcessFacts) -> list[int]:
    """Return the members of an instance whose first process is pid 9000000 of time 50, the agent being 9000001."""
    this_boot = identify(1)
    assert this_boot is not None
    root = type(this_boot)(9_000_000, 50, this_boot.boot_id)
    return [one.pid - 9_000_000 for one in members_of(root, "", look, own_pid=9_000_001)]


def at(pid: int, parent: int, session: int, start: int, state: ProcessState = ProcessState.SLEEPING) -> ProcessFacts:
    return facts(9_000_000 + pid, 9_000_000 + parent, 9_000_000 + session, start, state)


def test_the_tree_and_the_session_belong_to_an_instance() -> None:
    child, grandchild, orphan, stranger = at(2, 0, 2, 51), at(3, 2, 2, 52), at(4, -5, 0, 53), at(5, -5, 5, 54)
    assert members(at(0, 1, 0, 50), child, grandchild, orphan, stranger) == [0, 2, 3, 4]


def test_what_has_ended_is_no_member_but_its_children_are() -> None:
    assert members(at(0, 1, 0, 50, ProcessState.ZOMBIE), at(2, 0, 0, 51, ProcessState.ZOMBIE), at(3, 2, 7, 52)) == [3]


def test_a_process_that_took_the_number_over_has_no_members_for_us() -> None:
    assert members(at(0, -5, 0, 60), at(2, 0, 0, 61), at(3, 2, 3, 62)) == []


def test_a_session_without_its_first_process_needs_a_second_sign() -> None:
    # The one whose parent is the agent came to it as an orphan; the other may be in a session of somebody else's.
    assert members(at(2, 1, 0, 51), at(3, -5, 0, 52)) == [2]


def test_what_is_older_than_the_instance_is_never_a_member() -> None:
    assert members(at(0, 1, 0, 50), at(2, -5, 0, 49)) == [0]


def test_this_process_runs_and_an_earlier_one_of_its_number_does_not() -> None:
    first = identify(1)
    assert first is not None
    assert is_running(first)
    assert not is_running(type(first)(1, first.start_ticks - 1, first.boot_id))
    assert identify(2**22 + 1) is None


def test_a_program_is_looked_for_as_the_system_does(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "serve"
    program.write_text("")
    assert find_program("serve", tmp_path, "/nowhere:bin") == program
    assert find_program("bin/serve", tmp_path, "") == program
    assert find_program("serve", tmp_path, "/nowhere") is None


def test_a_closed_folder_of_the_path_is_no_program_that_may_not_run(tmp_path: Path) -> None:
    (tmp_path / "serve").write_text("")
    env = {"PATH": str(tmp_path)}
    for name, reference in (("absent", "program-not-found"), ("serve", "program-not-executable")):
        error = spawn_failed((name,), tmp_path, env, SpawnStep.PROGRAM, errno.EACCES)
        assert error.reference == reference
