"""`python -m sophia_cli.agent.web ROOT`: the web API of a project's agent, which starts, watches and ends it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from sophia_cli.agent.web.process import run_web


def main(words: list[str]) -> int:
    """Serve until the agent wants an end, or is gone for long; the word is the project's root."""
    # Standard error is the log file. What uvicorn says of single requests would fill it for anybody who asks for it.
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    return run_web(Path(words[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
