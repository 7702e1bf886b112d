"""An interpreter without what only Linux has, as far as that can be taken away from within: what macOS offers.

Its folder stands first on the path, so it counts for every process that is started with it.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import io
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

# Whoever imports `selectors` chooses by what is there then, and `socket` does.
for _name in [name for name in dir(select) if name.lower().startswith("epoll")]:
    delattr(select, _name)
import socket  # noqa: E402

HIDDEN = ("/proc", "/sys", "/dev/shm")
SYMBOLS = frozenset({"prctl", "syscall", "fallocate", "pidfd_open", "pidfd_getfd"})
NAMES: dict[ModuleType, str] = {
    os: "pidfd_open sched_getaffinity sched_setaffinity copy_file_range splice eventfd memfd_create posix_fallocate"
    " posix_fadvise getrandom O_TMPFILE O_PATH O_DIRECT P_PIDFD fdatasync getxattr setxattr listxattr",
    signal: "pidfd_send_signal SIGRTMIN SIGRTMAX sigwaitinfo sigtimedwait SIGPWR SIGSTKFLT SIGPOLL",
    socket: "AF_NETLINK SOCK_CLOEXEC SOCK_NONBLOCK SO_PEERCRED SO_DOMAIN SO_PROTOCOL AF_VSOCK TCP_DEFER_ACCEPT TCP_INFO"
    " TCP_QUICKACK TCP_USER_TIMEOUT MSG_CMSG_CLOEXEC",
    resource: "prlimit",
}


def is_hidden(path: Any) -> bool:  # Any: whatever is given for a path
    if isinstance(path, int):
        return False
    text = os.fsdecode(path)
    return text in HIDDEN or text.startswith(tuple(f"{folder}/" for folder in HIDDEN))


def blind(function: Callable[..., Any]) -> Callable[..., Any]:  # Any: a function of the system
    def call(path: Any = ".", *words: Any, **more: Any) -> Any:  # Any: its arguments
        if is_hidden(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fsdecode(path))
        return function(path, *words, **more)

    return call


class OtherLibrary(ctypes.CDLL):
    """A C library without the calls of Linux."""

    def __getattr__(self, name: str) -> Any:  # Any: a function of C
        if name in SYMBOLS:
            raise AttributeError(f"symbol not found: {name}")
        return super().__getattr__(name)


for module, words in NAMES.items():
    for name in words.split():
        if hasattr(module, name):
            delattr(module, name)
for name in ("open", "listdir", "scandir", "stat", "lstat", "readlink"):
    setattr(os, name, blind(getattr(os, name)))
builtins.open = blind(io.open)
setattr(io, "open", builtins.open)  # noqa: B010  # the type of a function does not fit a wrapper
setattr(ctypes, "CDLL", OtherLibrary)  # noqa: B010
# The build of this very interpreter is still that of Linux.
os.environ.setdefault(
    "_PYTHON_SYSCONFIGDATA_NAME", f"_sysconfigdata_{sys.abiflags}_linux_{sys.implementation._multiarch}"
)
sys.platform = "darwin"
