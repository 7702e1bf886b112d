"""A script that reads commands from stdin and forks a process for each, with the imports of `sophia` behind it."""

from __future__ import annotations

import json
import os
import sys

import sophia_cli.commands.agent
import sophia_cli.commands.deploy
import sophia_cli.commands.status
import sophia_cli.render.status_json  # noqa: F401
from sophia_cli.main import main
from sophia_cli.project.failpoints import VARIABLE


def serve() -> None:
    """Run what is asked for, one command a line, and write its exit code."""
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            for descriptor, name in ((1, "out"), (2, "err")):
                os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
            os.environ.pop(VARIABLE, None)
            os.environ.update(asked["environment"])
            os.chdir(asked["root"])
            code = 70
            try:
                code = main(asked["words"])
            finally:
                sys.stdout.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
