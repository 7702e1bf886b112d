"""Why the web API serves nowhere, in words that its process and the agent both know."""

from __future__ import annotations

NOT_INSTALLED = 'it is not installed; `pip install "sophia-cli[web]"`, then `sophia agent stop` and `start`'
TURNED_OFF = "off, as `[agent] web = false` says"
