"""`python -m sophia_cli` is `sophia`."""

import sys

from sophia_cli.main import main

sys.exit(main())
