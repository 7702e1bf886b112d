"""A small server of a test's project that does, when it is asked to, what services do when they go wrong.

It finishes the requests that it has when it is told to end, and imports little, so that it starts fast.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import threading
import time

VERSION = 1
ended = threading.Event()
hung = threading.Event()
asked: list[str] = []
eaten: list[bytearray] = []
# Whatever a test makes of it, it never takes more of the machine than this.
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def facts() -> str:
    told = {
        "version": VERSION,
        "pid": os.getpid(),
        "release": os.environ.get("SOPHIA_RELEASE", ""),
        "web": os.environ.get("SOPHIA_URL_WEB", ""),
        "asked": len(asked),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }
    return " ".join(f"{name}={value}" for name, value in told.items())


def eat(megabytes: int) -> str:
    eaten.append(bytearray(b"x") * (megabytes << 20))
    return "eaten"


def forks(most: int) -> str:
    made = 0
    try:
        while made < most:
            if os.fork() == 0:
                time.sleep(3600)
                os._exit(0)
            made += 1
    except OSError as error:
        return f"{made} {type(error).__name__}"
    return str(made)


def orphan(leaves_session: bool, lives_s: float) -> str:
    reading, writing = os.pipe()
    if os.fork() == 0:
        if leaves_session:
            os.setsid()
        child = os.fork()
        if child == 0:
            time.sleep(lives_s)
            os._exit(0)
        os.write(writing, b"%d" % child)
        os._exit(0)
    os.close(writing)
    os.wait()
    return os.read(reading, 20).decode()


def flood(size: int) -> str:
    line = b"x" * 1023 + b"\n"
    started = time.monotonic()
    longest = 0.0
    for _ in range(size // len(line)):
        before = time.monotonic()
        os.write(1, line)
        longest = max(longest, time.monotonic() - before)
    return f"{time.monotonic() - started:.3f} {longest:.3f}"


def burn(seconds: float) -> str:
    """Return the share of a core that was had in a time of work without pause."""
    ends, before = time.monotonic() + seconds, time.process_time()
    while time.monotonic() < ends:
        pass
    return f"{(time.process_time() - before) / seconds:.3f}"


def do(path: str) -> str:
    if path != "/":
        asked.append(path)
    word, _, number = path.strip("/").partition("/")
    if word == "store":
        host, _, port = os.environ["SOPHIA_URL_STORE"].removeprefix("http://").partition(":")
        socket.create_connection((host, int(port)), 1).close()
    if word == "hang":
        hung.set()
        return "hung"
    if word == "die":
        os._exit(7)
    if word == "eat":
        return eat(int(number))
    if word == "burn":
        return burn(float(number))
    if word == "forks":
        return forks(int(number))
    if word == "orphan":
        return orphan(number == "setsid", 3600)
    if word == "short":
        return orphan(True, 0)
    if word == "flood":
        return flood(int(number))
    if word == "slow":
        time.sleep(float(number))
    return facts()


def answer(connection: socket.socket) -> None:
    with connection:
        connection.settimeout(300)
        request = connection.recv(65536)
        if not request:
            return
        if hung.is_set():
            time.sleep(3600)
        body = do(request.split(b" ")[1].decode()).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)


def main() -> None:
    time.sleep(float(os.environ.get("START_S", "0")))
    while not os.path.exists(os.environ.get("STARTS_ONCE", "/")):
        time.sleep(0.02)
    if os.environ.get("STUBBORN"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
    listener.setblocking(False)
    os.write(1, f"version {VERSION} serves\n".encode())
    threads: list[threading.Thread] = []
    while not ended.is_set():
        if os.path.exists(os.environ.get("DIES_ONCE", "")):
            os._exit(9)
        if not select.select([listener], [], [], 0.05)[0]:
            continue
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            continue
        connection.setblocking(True)
        threads = [one for one in threads if one.is_alive()]
        threads.append(threading.Thread(target=answer, args=(connection,), daemon=True))
        threads[-1].start()
    for one in threads:
        one.join(5)
    os._exit(0)


main()
