"""The load engine: one thread, one poller, kept-alive connections, one request under way on each.

In a closed loop a connection sends its next request as soon as it has its answer, and latency counts from that moment.
In an open loop requests are due at fixed moments, reckoned from the start of the run so that pacing cannot drift, and
latency counts from the moment a request was due: what a stalled server makes wait is in the figures (no coordinated
omission; Gil Tene, "How NOT to Measure Latency"). An answer's end is the moment at which the kernel reported it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from sophia_cli.bench.connecting.connection import Connection, Phase
from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.pacing import Schedule
from sophia_cli.bench.engine.poller import BROKEN, READ, WRITE, Poller
from sophia_cli.bench.engine.run_state import Control, LoopPlan, RunState
from sophia_cli.bench.engine.window import Stage
from sophia_cli.bench.judging.histogram import LINEAR_BITS, PRECISION_BITS
from sophia_cli.checks.response import MalformedResponse, ResponseTooLarge, TruncatedResponse

_BUFFER = 65_536
_SWEEP_NS = 50_000_000
_SETTLE_NS = 2_000_000
_NS = 1_000_000_000


class LoadLoop:
    """Runs a plan: warms up until `control` says when to measure, measures, waits for what is under way, ends."""

    def __init__(
        self,
        plan: LoopPlan,
        connections: Sequence[Connection],
        poller: Poller,
        control: Control,
        clock: Callable[[], int],
    ) -> None:
        self._plan = plan
        self._connections = connections
        self._poller = poller
        self._control = control
        self._clock = clock
        self._by_fd: dict[int, Connection] = {}
        self._buffer = bytearray(_BUFFER)
        # The head of the last whole answer, and that answer's size. Another answer of this size that begins with it has
        # the same status, framing and length, so it is complete, and its body needs no look. The date in it changes
        # once a second; the answer that brings the new one is read in full.
        self._head = b""
        self._size = -1
        self._free: deque[Connection] = deque()
        self._state = RunState(plan, control, clock())
        self._sweep_at = 0
        self._last_failure = Failure.UNREACHABLE

    def run(self) -> None:
        """Run to the end, or until the control says stop; every connection is closed afterwards."""
        self._poller.watch(self._control.fd, READ)
        try:
            for connection in self._connections:
                self._open(connection, self._clock())
            self._turns()
        finally:
            for connection in self._connections:
                self._close(connection)
            self._poller.forget(self._control.fd)

    def _turns(self) -> None:
        # Attribute look-ups are paid for by every request, so what the common answer needs is local.
        clock, poll, by_fd = self._clock, self._poller.poll, self._by_fd
        control, buffer, counts = self._control.fd, self._buffer, self._state.tally.latencies
        startswith, length = buffer.startswith, len(self._connections[0].request)
        waiting, bits, schedule = Phase.WAITING, LINEAR_BITS, self._state.schedule
        now = clock()
        while True:
            # Not the moment of the last poll: requests have gone out since.
            if now >= self._state.timer and not self._on_time(clock()):
                return
            head, size = self._head, self._size
            record_from, stop_at = self._state.record_from, self._state.stop_at
            # Requests that are paced or counted are given out by `_next`.
            is_plain = schedule is None and self._state.left is None
            until = self._state.timer
            if schedule is not None and self._free and self._state.has_due():
                until = min(until, schedule.due_ns)
            events = poll((until - now) / _NS)
            now = clock()
            for fd, mask in events:
                connection = by_fd.get(fd)
                if connection is None:
                    if fd == control and not self._state.obey():
                        return
                    continue
                if mask != READ or connection.phase is not waiting:
                    self._event(connection, mask, now)
                    continue
                try:
                    received = connection.recv_into(buffer)
                except OSError as error:
                    self._receive_failed(connection, error)
                    continue
                if received != size or not startswith(head):
                    self._received(connection, received, now)
                    continue
                # One complete answer like the one before: nothing of it needs to be read.
                begun = connection.begun_ns
                if begun >= record_from:
                    latency = now - begun
                    shift = latency.bit_length() - bits
                    counts[latency if shift <= 0 else (shift << PRECISION_BITS) + (latency >> shift)] += 1
                if not is_plain:
                    self._next(connection, now)
                    continue
                begun = clock()
                if begun >= stop_at:
                    self._set_free(connection, begun)
                    continue
                connection.begun_ns = begun
                try:
                    sent = connection.send(connection.request)
                except OSError as error:
                    self._send_failed(connection, error)
                    continue
                if sent != length:
                    self._sent_partly(connection, sent)
            if schedule is not None:
                now = clock()
                if schedule.due_ns <= now and self._free:
                    self._send_due(schedule, now)

    # The clock

    def _on_time(self, now: int) -> bool:
        """Do what is due at this moment; false when the run is over."""
        state = self._state
        if now >= self._sweep_at:
            self._sweep(now)
        state.advance(now)
        if state.stage is Stage.DRAINING:
            if self._is_drained(now):
                state.finish_window(now)
                return False
            state.timer = min(state.timer, now + _SETTLE_NS)
        state.timer = min(state.timer, self._sweep_at)
        return True

    def _sweep(self, now: int) -> None:
        """Give up on requests that wait too long, and open closed connections again."""
        self._sweep_at = now + _SWEEP_NS
        for connection in self._connections:
            if connection.phase is Phase.CLOSED:
                self._open(connection, now)
            elif connection.phase is not Phase.FREE:
                # Without a look at the clock for every request: one of the two is when it was sent.
                since = max(connection.begun_ns, connection.since_ns)
                if now - since > self._plan.timeout_ns:
                    self._fail(connection, Failure.TIMEOUT)
        if all(connection.phase is Phase.CLOSED for connection in self._connections):
            self._state.drop_due(now, self._last_failure)

    def _is_drained(self, now: int) -> bool:
        """Whether nothing is under way and nothing is due any more; what is still due after the timeout is given up."""
        if now >= self._state.stop_at + self._plan.timeout_ns:
            self._state.drop_due(self._state.stop_at, Failure.UNSENT)
        return not self._state.has_due() and not any(connection.has_request for connection in self._connections)

    # What a connection does next

    def _next(self, connection: Connection, now: int) -> None:
        """Give a connection that is free its next request, if one is to be sent."""
        if self._state.schedule is None:
            begun = self._clock()
            if self._state.may_begin(begun):
                self._begin(connection, begun, begun)
                return
        elif self._state.schedule.due_ns <= now and self._state.has_due():
            self._state.count_one()
            self._begin(connection, self._state.schedule.take(), now)
            return
        self._set_free(connection, now)

    def _set_free(self, connection: Connection, now: int) -> None:
        connection.phase = Phase.FREE
        connection.has_request = False
        connection.free_since_ns = now
        if self._state.schedule is not None:
            self._free.append(connection)

    def _send_due(self, schedule: Schedule, now: int) -> None:
        """Send the requests that are due on the connections that are free."""
        while self._free and schedule.due_ns <= now and self._state.has_due():
            connection = self._free.popleft()
            if connection.phase is not Phase.FREE:
                continue
            due = schedule.take()
            self._state.count_one()
            if connection.free_since_ns <= due:
                self._state.count_lag(due, now)
            self._begin(connection, due, now)

    def _begin(self, connection: Connection, begun_ns: int, now: int) -> None:
        connection.begun_ns = begun_ns
        connection.since_ns = now
        connection.has_request = True
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        try:
            sent = connection.send(connection.request)
        except OSError as error:
            self._send_failed(connection, error)
            return
        if sent == len(connection.request):
            connection.phase = Phase.WAITING
        else:
            self._sent_partly(connection, sent)

    # What happens to a connection

    def _open(self, connection: Connection, now: int) -> None:
        """Connect; in a closed loop the next request is under way from here on, unless it is the very first."""
        is_first = connection.since_ns == 0
        if self._state.schedule is None:
            if not is_first:
                if not self._state.may_begin(now):
                    return
                connection.begun_ns = now
                connection.has_request = True
        elif self._state.stage is Stage.DRAINING and not self._state.has_due():
            return
        connection.since_ns = now
        try:
            connection.open()
        except OSError as error:
            self._fail(connection, connection.failure_of(error))
            return
        self._by_fd[connection.fd] = connection
        self._poller.watch(connection.fd, WRITE)

    def _close(self, connection: Connection) -> None:
        if connection.fd >= 0:
            self._poller.forget(connection.fd)
            del self._by_fd[connection.fd]
        connection.close()

    def _fail(self, connection: Connection, failure: Failure) -> None:
        """Count the request that is under way as failed and close; the next sweep connects again."""
        if connection.has_request:
            self._state.count_failure(connection.begun_ns, failure)
            connection.has_request = False
        self._last_failure = failure
        self._close(connection)

    def _send_failed(self, connection: Connection, error: OSError) -> None:
        if isinstance(error, connection.blocks):
            self._sent_partly(connection, 0)
        else:
            self._fail(connection, connection.failure_of(error))

    def _sent_partly(self, connection: Connection, sent: int) -> None:
        connection.sent = sent
        connection.phase = Phase.SENDING
        self._poller.change(connection.fd, READ | WRITE)

    def _event(self, connection: Connection, mask: int, now: int) -> None:
        """Go on with a connection that is not simply waiting for its answer."""
        try:
            match connection.phase:
                case Phase.CONNECTING | Phase.HANDSHAKE:
                    self._go_on_connecting(connection, now)
                case Phase.SENDING if mask & WRITE and not mask & BROKEN:
                    self._go_on_sending(connection)
                case Phase.FREE:
                    self._look_at_free(connection, now)
                case Phase.SENDING | Phase.WAITING | Phase.READING:
                    self._received(connection, connection.recv_into(self._buffer), now)
                case Phase.CLOSED:
                    pass
        except OSError as error:
            self._receive_failed(connection, error)

    def _go_on_connecting(self, connection: Connection, now: int) -> None:
        if connection.phase is Phase.CONNECTING:
            connection.finish_connecting()
            self._poller.change(connection.fd, READ)
        if connection.phase is Phase.HANDSHAKE:
            connection.shake_hands()
        if connection.has_request:
            self._send(connection)
        else:
            self._next(connection, now)

    def _go_on_sending(self, connection: Connection) -> None:
        connection.sent += connection.send(connection.request[connection.sent :])
        if connection.sent == len(connection.request):
            connection.phase = Phase.WAITING
            self._poller.change(connection.fd, READ)

    def _look_at_free(self, connection: Connection, now: int) -> None:
        """Read what a server says unasked: the end of the connection, or bytes that belong to no answer.

        The next sweep connects again, so a server that ends every connection at once is not stormed.
        """
        if connection.recv_into(self._buffer):
            self._state.count_failure(now, Failure.MALFORMED)
        self._last_failure = Failure.RESET
        self._close(connection)

    def _receive_failed(self, connection: Connection, error: OSError) -> None:
        if not isinstance(error, connection.blocks):
            self._fail(connection, connection.failure_of(error))

    def _received(self, connection: Connection, size: int, now: int) -> None:
        """Read what has come, all of it; an answer that took several reads ends at the moment of the last one."""
        reader = connection.reader
        is_whole = connection.phase is Phase.WAITING
        try:
            is_done = reader.feed(self._buffer, size) if size else reader.end()
            while not is_done and size and connection.has_unread:
                is_whole = False
                size = connection.recv_into(self._buffer)
                is_done = reader.feed(self._buffer, size) if size else reader.end()
        except (MalformedResponse, ResponseTooLarge, TruncatedResponse) as error:
            self._fail(connection, connection.failure_of(error))
            return
        if not is_done:
            if connection.phase is Phase.WAITING:
                connection.phase = Phase.READING
            return
        failure = None if connection.examine is None else connection.examine()
        if is_whole and reader.keeps_alive and connection.examine is None and 200 <= reader.status < 300:
            # Without a length in the head (chunks) only an answer that is the same to its last byte needs no reading.
            self._head, self._size = bytes(self._buffer[: size - (reader.framed_length or 0)]), size
        self._answered(connection, now if is_whole else self._clock(), failure)

    def _answered(self, connection: Connection, now: int, failure: Failure | None) -> None:
        if failure is None:
            self._state.count_answer(connection.begun_ns, now, connection.reader.status)
        else:
            self._state.count_failure(connection.begun_ns, failure)
        was_sending = connection.phase is Phase.SENDING
        connection.has_request = False
        if connection.reader.keeps_alive and not was_sending:
            self._next(connection, now)
            return
        self._close(connection)
        self._open(connection, self._clock())
