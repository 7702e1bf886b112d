"""The real command line with one more area of rules: words that a test wants replaced."""

from __future__ import annotations

import sys
from pathlib import Path

from sophia_cli.fixers import rules

EXTRA_RULES = str(Path(__file__).with_name("extra_rules"))


def run() -> int:
    from sophia_cli.main import main

    rules.__path__.append(EXTRA_RULES)
    return main()


if __name__ == "__main__":
    sys.exit(run())
