"""Real processes: what a child is given, what fails before its program runs, and how whole instances end."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ended_trees import end_tree

from sophia_cli.project.clock import SystemClock
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.proc_files import all_pids
from sophia_cli.project.host.processes import (
    facts_of,
    is_running,
    members_of,
    open_process,
    processes_of_project,
    running_for_s,
    send_signal,
    tree_memory,
)
from sophia_cli.project.host.sockets import (
    PortInUse,
    PortRefused,
    answering_pids,
    create_listener,
    inode_of,
    next_free_port,
    port_holders,
    port_of,
    server_side,
    socket_holders,
    take_listener,
)
from sophia_cli.project.host.spawn import Limits, Spawned, SpawnSpec, spawn
from sophia_cli.project.host.spawn_errors import SpawnFailed, SpawnStep
from sophia_cli.project.host.syscalls import missing_calls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LIMIT_S = 180.0


class Instances:
    """Starts processes and leaves none behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.started: list[Spawned] = []
        self.clock = SystemClock()

    def start(
        self,
        code: str,
        env: dict[str, str] | None = None,
        descriptors: dict[int, int] | None = None,
        limits: Limits | None = None,
    ) -> Spawned:
        return self.run((sys.executable, "-S", "-c", code), env, descriptors, limits)

    def run(
        self,
        argv: tuple[str, ...],
        env: dict[str, str] | None = None,
        descriptors: dict[int, int] | None = None,
        limits: Limits | None = None,
    ) -> Spawned:
        name = f"{self.folder.name}-{len(self.started)}"
        given = {"PATH": os.environ["PATH"], "SOPHIA_INSTANCE": name, **(env or {})}
        log = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            one = spawn(SpawnSpec(argv, given, self.folder, log, descriptors or {}, limits or Limits()))
        finally:
            os.close(log)
        self.started.append(one)
        return one

    def instance_of(self, one: Spawned) -> str:
        return f"{self.folder.name}-{self.started.index(one)}"

    def lines(self, count: int) -> list[str]:
        """Return the first lines of all output, once there are so many."""

        def are_there() -> bool:
            return self.output.exists() and self.output.read_text().count("\n") >= count

        self.until(are_there)
        return self.output.read_text().splitlines()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = self.clock.monotonic() + LIMIT_S
        while not condition():
            assert self.clock.monotonic() < deadline, "the condition did not come true"
            self.clock.pause(0.01)

    def end(self) -> None:
        for one in self.started:
            end_tree(one.identity, self.instance_of(one), 0.0, self.clock)
            if one.pidfd is not None:
                os.close(one.pidfd)
            os.waitpid(one.identity.pid, 0)


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[Instances]:
    made = Instances(tmp_path)
    yield made
    made.end()


def numbers(mask: str) -> set[int]:
    """Return the signals of a mask as the kernel shows it."""
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}


REPORT = """
import json, os, resource, signal
names = [int(n) for n in os.listdir('/proc/self/fd')]
print(json.dumps({
    'open': sorted(n for n in names if os.path.exists(f'/proc/self/fd/{n}')),
    'pid': os.getpid(), 'session': os.getsid(0), 'umask': os.umask(0), 'cwd': os.getcwd(),
    'listen_pid': os.environ.get('LISTEN_PID'), 'files': resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    'stdin': os.read(0, 1).decode(), 'names': sorted(os.environ),
    'ignored': [l.split()[1] for l in open('/proc/self/status') if l.startswith(('SigIgn', 'SigBlk'))],
}), flush=True)
signal.pause()
"""


def test_a_child_gets_its_descriptors_and_nothing_else(instances: Instances) -> None:
    listener = create_listener("127.0.0.1", 0)
    leaked = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(leaked, True)
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        given = {3: listener.fileno(), 4: leaked, 5: leaked}
        one = instances.start(REPORT, {"LISTEN_FDS": "1"}, given, Limits(open_files=64))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})
        signal.signal(signal.SIGUSR1, before)
        os.close(leaked)
        listener.close()
    said = json.loads(instances.lines(1)[0])
    assert said["open"] == [0, 1, 2, 3, 4, 5]
    assert (said["pid"], said["session"]) == (one.identity.pid, one.identity.pid)
    assert said["listen_pid"] == str(one.identity.pid)
    assert (said["umask"], said["cwd"], said["files"], said["stdin"]) == (0o022, str(instances.folder), 64, "")
    # Python itself ignores SIGPIPE and SIGXFSZ, the C library keeps 32 and 33 for itself, and make blocks one of them.
    assert set().union(*map(numbers, said["ignored"])) <= {signal.SIGPIPE, signal.SIGXFSZ, 32, 33}
    assert "HOME" not in said["names"]


def test_descriptors_may_swap_their_numbers(instances: Instances) -> None:
    folder = instances.folder
    first, second = (os.open(folder / name, os.O_RDWR | os.O_CREAT) for name in ("first", "second"))
    try:
        code = f"import os; os.write({first}, b'1'); os.write({second}, b'2'); print('up', flush=True)"
        instances.start(code, descriptors={first: second, second: first})
        instances.lines(1)
    finally:
        os.close(first)
        os.close(second)
    assert ((folder / "first").read_text(), (folder / "second").read_text()) == ("2", "1")


def test_the_pidfd_tells_when_a_process_ends(instances: Instances) -> None:
    one = instances.start("raise SystemExit(3)")
    assert one.pidfd is not None
    assert select.select([one.pidfd], [], [], LIMIT_S)[0]
    answer = os.waitid(os.P_PIDFD, one.pidfd, os.WEXITED | os.WNOWAIT)
    assert answer is not None
    assert answer.si_status == 3
    assert facts_of(one.identity) is not None
    assert not is_running(one.identity)


def script(folder: Path, text: str, mode: int) -> str:
    path = folder / "program"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    ("text", "mode", "reference"),
    [
        ("#!/nowhere/python\n", 0o755, "interpreter-not-found"),
        ("#!/bin/sh\n", 0o644, "program-not-executable"),
        ("plain words", 0o755, "program-not-executable"),
    ],
)
def test_a_program_that_cannot_run_says_why(instances: Instances, text: str, mode: int, reference: str) -> None:
    with pytest.raises(SpawnFailed) as caught:
        instances.run((script(instances.folder, text, mode),))
    assert (caught.value.reference, caught.value.step) == (reference, SpawnStep.PROGRAM)
    assert instances.started == []


def test_a_missing_program_folder_or_word_is_told_apart(instances: Instances) -> None:
    log = os.open(os.devnull, os.O_WRONLY)
    cases = [
        (("no-such-program-anywhere",), instances.folder, "program-not-found"),
        ((sys.executable,), instances.folder / "missing", "folder-unusable"),
        ((), instances.folder, "command-invalid"),
        ((sys.executable, "a\0b"), instances.folder, "command-invalid"),
    ]
    try:
        for argv, folder, reference in cases:
            with pytest.raises(SpawnFailed) as caught:
                spawn(SpawnSpec(argv, {"PATH": os.environ["PATH"]}, folder, log))
            assert caught.value.reference == reference
    finally:
        os.close(log)


def test_a_failed_start_leaves_no_process_and_no_descriptor(instances: Instances) -> None:
    log = os.open(os.devnull, os.O_WRONLY)
    open_before = len(os.listdir("/proc/self/fd"))
    try:
        for _ in range(3):
            with pytest.raises(SpawnFailed):
                spawn(SpawnSpec(("no-such-program-anywhere",), {}, instances.folder, log))
        assert len(os.listdir("/proc/self/fd")) == open_before
    finally:
        os.close(log)


EXHAUSTED = """
import os, resource, sys
from pathlib import Path
from sophia_cli.project.host.spawn import SpawnSpec, spawn
from sophia_cli.project.host.spawn_errors import SpawnFailed
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
spec = SpawnSpec((sys.executable, "-S", "-c", ""), {}, Path("/"), 1)
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
refused = started = 0
while held and not started:
    try:
        one = spawn(spec)
        os.waitpid(one.identity.pid, 0)
        started += 1
    except SpawnFailed:
        refused += 1
        os.close(held.pop())
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("refused" if refused else "never refused", started, flush=True)
"""


WITHOUT_DESCRIPTORS = """
import os, resource, signal, sys
from sophia_cli.project.host.missing import Missing
from sophia_cli.project.host.processes import identify, open_process, send_signal
pid = os.fork()
if pid == 0:
    signal.pause()
child = identify(pid)
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
kind = type(open_process(child)).__name__
os.close(held.pop())
sent = send_signal(child, signal.SIGKILL)
os.waitpid(pid, 0)
print(kind, sent, flush=True)
"""


def test_a_process_is_not_taken_for_gone_when_descriptors_are_short(instances: Instances) -> None:
    instances.run((sys.executable, "-c", WITHOUT_DESCRIPTORS), {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert instances.lines(1) == ["Missing True"]


def test_without_free_descriptors_a_start_fails_and_leaves_no_process(instances: Instances) -> None:
    instances.run((sys.executable, "-c", EXHAUSTED), {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert instances.lines(1) == ["refused 1"]


def test_a_recycled_number_is_never_signalled(instances: Instances) -> None:
    one = instances.start("import signal; print('up', flush=True); signal.pause()")
    instances.lines(1)
    actual = one.identity
    earlier = ProcessIdentity(actual.pid, actual.start_ticks - 100, actual.boot_id)
    other_boot = ProcessIdentity(actual.pid, actual.start_ticks, "another boot")
    for stale in (earlier, other_boot):
        assert open_process(stale) is None
        assert not send_signal(stale, signal.SIGKILL)
        assert running_for_s(stale) is None
        assert end_tree(stale, "", 0.0, instances.clock)
    assert is_running(actual)


FAMILY = """
import os, subprocess, sys, signal
sleep = 'import signal; signal.pause()'
subprocess.Popen([sys.executable, '-S', '-c', sleep])
subprocess.Popen([sys.executable, '-S', '-c', sleep], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print('orphan', flush=True)
        signal.pause()
    os._exit(0)
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print('deaf', flush=True)
    while True:
        signal.pause()
print('up', flush=True)
signal.pause()
"""


def test_children_orphans_and_sessions_of_their_own_all_end(instances: Instances) -> None:
    one = instances.start(FAMILY)
    instances.lines(3)
    name = instances.instance_of(one)
    instances.until(lambda: len(members_of(one.identity, name)) == 5)
    assert members_of(one.identity, name)[0] == one.identity
    assert end_tree(one.identity, name, 0.3, instances.clock)
    assert members_of(one.identity, name) == ()


def test_orphans_are_found_after_their_first_process_was_killed(instances: Instances) -> None:
    one = instances.start(FAMILY)
    instances.lines(3)
    name = instances.instance_of(one)
    instances.until(lambda: len(members_of(one.identity, name)) == 5)
    assert send_signal(one.identity, signal.SIGKILL)
    instances.until(lambda: not is_running(one.identity))
    assert len(members_of(one.identity, name)) == 4
    assert end_tree(one.identity, name, 0.2, instances.clock)


def test_a_stopped_process_is_asked_and_ends(instances: Instances) -> None:
    code = "import signal, sys; signal.signal(15, lambda *a: sys.exit(7)); print('up', flush=True); signal.pause()"
    one = instances.start(code)
    instances.lines(1)
    assert send_signal(one.identity, signal.SIGSTOP)
    assert end_tree(one.identity, instances.instance_of(one), LIMIT_S, instances.clock)
    answer = os.waitid(os.P_PID, one.identity.pid, os.WEXITED | os.WNOWAIT)
    assert answer is not None
    assert answer.si_status == 7


def test_processes_of_a_project_are_found_by_their_environment(instances: Instances) -> None:
    given = {"SOPHIA_PROJECT": str(instances.folder), "SOPHIA_SERVICE": "api", "SOPHIA_RELEASE": "3"}
    one = instances.start("import signal; print('up', flush=True); signal.pause()", given)
    instances.lines(1)
    found = processes_of_project(str(instances.folder))
    assert [(it.identity, it.service, it.release, it.instance) for it in found] == [
        (one.identity, "api", "3", instances.instance_of(one))
    ]
    assert processes_of_project(str(instances.folder / "other")) == ()


def test_memory_of_a_tree_counts_children(instances: Instances) -> None:
    code = """
import os, signal
if os.fork() == 0:
    kept = bytearray(30_000_000)
    kept[::4096] = b'x' * len(kept[::4096])
    print('up', flush=True)
signal.pause()
"""
    one = instances.start(code)
    instances.lines(1)
    assert tree_memory(one.identity, 1 << 40) > 30_000_000
    # Over the limit the exact figure counts: shared pages once.
    assert 30_000_000 < tree_memory(one.identity, 1) <= tree_memory(one.identity, 1 << 40)


SERVER = """
import socket, signal
one = socket.socket(fileno=3)
one.setblocking(True)
connection, _ = one.accept()
connection.sendall(b'hello')
signal.pause()
"""


def test_who_really_answers_is_proved_by_the_socket(instances: Instances) -> None:
    listener = create_listener("127.0.0.1", 0)
    address = listener.getsockname()
    with listener, socket.create_connection(address) as client:
        assert server_side(client) is None
        assert answering_pids(client) == frozenset()
        one = instances.start(SERVER, descriptors={3: listener.fileno()})
        assert client.recv(5) == b"hello"
        assert answering_pids(client) == {one.identity.pid}
        assert answering_pids(client, (os.getpid(),)) == frozenset()
        holders = {holder.pid: holder.command for holder in port_holders(address[1])}
        assert set(holders) == {os.getpid(), one.identity.pid}
        assert {it.pid for it in socket_holders(frozenset((inode_of(listener),)))} == set(holders)


@pytest.mark.skipif(bool(missing_calls()), reason="the system hands no descriptors over")
def test_a_listener_is_taken_back_from_the_process_that_kept_it(instances: Instances) -> None:
    listener = create_listener("127.0.0.1", 0)
    address, inode = listener.getsockname(), inode_of(listener)
    one = instances.start("import signal; print('up', flush=True); signal.pause()", descriptors={3: listener.fileno()})
    instances.lines(1)
    listener.close()
    taken = take_listener(one.identity, *address)
    assert isinstance(taken, socket.socket)
    with taken, socket.create_connection(address) as client:
        assert inode_of(taken) == inode
        assert not os.get_inheritable(taken.fileno())
        accepted, _ = taken.accept()
        with accepted:
            assert answering_pids(client) == {os.getpid()}
    assert take_listener(one.identity, "127.0.0.2", address[1]) is None


def test_a_port_that_is_held_is_refused_and_its_holder_named() -> None:
    with create_listener("127.0.0.1", 0) as listener:
        port = port_of(listener)
        with pytest.raises(PortInUse) as caught:
            create_listener("127.0.0.1", port)
        assert [holder.pid for holder in caught.value.holders] == [os.getpid()]
        free = next_free_port("127.0.0.1", port)
        assert free is not None
        assert free > port


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(PortRefused):
        create_listener("192.0.2.1", 8080)
    with pytest.raises(PortRefused):
        create_listener("127.0.0.1", 70000)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_connections_over_ipv6_and_from_ipv4_to_it_are_proved_too() -> None:
    try:
        listener = create_listener("::", 0)
    except PortRefused:
        pytest.skip("no IPv6")
    with listener:
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port_of(listener))) as client:
                listener.setblocking(True)
                accepted, _ = listener.accept()
                with accepted:
                    assert server_side(client) == inode_of(accepted)
                    assert answering_pids(client) == {os.getpid()}


def test_connections_of_a_listener_send_at_once() -> None:
    with create_listener("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


SUBREAPER = """
import os, subprocess, sys
from sophia_cli.project.host.syscalls import become_subreaper
assert become_subreaper() is None
reading, writing = os.pipe()
child = "import os, signal; os.fork() and os._exit(0); os.write(%d, b'%%d' %% os.getpid()); signal.pause()" % writing
subprocess.run([sys.executable, "-S", "-c", child], pass_fds=(writing,), check=True)
orphan = int(os.read(reading, 20))
os.kill(orphan, 9)
assert os.waitpid(orphan, 0)[0] == orphan
print("reaped", flush=True)
"""


def test_orphans_come_to_a_subreaper(instances: Instances) -> None:
    instances.run((sys.executable, "-c", SUBREAPER), {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert instances.lines(1) == ["reaped"]


HANDS_OVER = """
import os, signal
signal.signal(signal.SIGUSR1, lambda *_: os._exit(0) if os.fork() else os.setsid())
print('up', flush=True)
while True:
    signal.pause()
"""


def test_a_child_of_a_process_that_ended_while_all_were_read_is_found(instances: Instances) -> None:
    one = instances.start(HANDS_OVER)
    instances.lines(1)
    looks: list[tuple[int, ...]] = []

    def listed() -> tuple[int, ...]:
        looks.append(all_pids())
        if len(looks) == 1:
            send_signal(one.identity, signal.SIGUSR1)
            instances.until(lambda: not is_running(one.identity))
        return looks[-1]

    (child,) = members_of(one.identity, instances.instance_of(one), listed=listed)
    assert child.pid not in looks[0]
