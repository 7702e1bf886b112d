"""`python -m sophia_cli.agent ROOT [DESCRIPTOR]`: the agent of one project, until it is told to end.

What keeps it from starting, or that it is ready, is written to the descriptor; without one it runs in the foreground.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
from pathlib import Path

from sophia_cli.checks.tls import without_tls
from sophia_cli.core.errors import ExitCode, SophiaError
from sophia_cli.deploy.link.starting import READY


def main(words: list[str]) -> int:
    """Run the agent; the words are the project's root and, where somebody waits, a descriptor to tell."""
    root = Path(words[0])
    waiting = int(words[1]) if len(words) > 1 else None

    # What is loaded at the start stays until the end: it is not looked through for garbage, now or later.
    gc.disable()

    def told(message: bytes) -> None:
        nonlocal waiting
        gc.freeze()
        gc.enable()
        if waiting is not None:
            # Whoever started us may have gone; the services matter more.
            with contextlib.suppress(OSError):
                os.write(waiting, message)
            os.close(waiting)
            waiting = None

    with without_tls():
        from sophia_cli.agent.daemon import run_agent

    try:
        return run_agent(root, lambda: told(READY), in_foreground=waiting is None)
    except SophiaError as error:
        answer = {
            "reference": error.reference,
            "message": error.message,
            "hint": error.hint,
            "exit_code": int(error.exit_code),
        }
        if waiting is None:
            sys.stderr.write(f"error: {error.reference}\n  {error.message}\n  hint: {error.hint}\n")
        told(json.dumps(answer).encode("ascii") + b"\n")
        return int(error.exit_code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
