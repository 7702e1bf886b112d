"""Whether a process waits for connections on a listening socket: seen from outside, without making one.

Source: proc(5), /proc/PID/fdinfo of an epoll descriptor names the inode (`ino`, hexadecimal) of each file it watches.
"""

from __future__ import annotations

import os

from sophia_cli.project.host.proc_files import GONE, PROC, read_bytes


def polls_socket(pid: int, inode: int) -> bool:
    """Whether a process watches a socket with epoll; False when it is gone, or waits in another way."""
    folder = f"{PROC}/{pid}/fd"
    try:
        names = os.listdir(folder)
    except GONE:
        return False
    wanted = b"ino:%x " % inode
    for name in names:
        try:
            if os.readlink(f"{folder}/{name}") != "anon_inode:[eventpoll]":
                continue
        except GONE:
            continue
        text = read_bytes(f"{PROC}/{pid}/fdinfo/{name}")
        if text is not None and any(wanted in line + b" " for line in text.splitlines()):
            return True
    return False
