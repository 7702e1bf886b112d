"""`python -m sophia_cli` is `sophia`."""

from sophia_cli.main import program

program()
