"""Serve one ASGI or WSGI app with the project's own uvicorn, and hand its public socket over without a failed request.

`launch.py` loads this package into the project's interpreter (3.8 or newer), under a name of its own; both need only
the standard library and uvicorn (0.20 or newer). Sophia need not be installed there, so the modules know one another by
relative imports alone. `SOPHIA_LAUNCH` holds a JSON object: `app` ("package.module:app", or "package.module:create()"
for a factory), and optionally `attach_at_start`, `search_path`, `drain_timeout_s`, `idle_grace_s`,
`first_request_grace_s`, and the descriptors `public_fd` (3), `private_fd` (4), `control_fd` (5); null means that there
is none.

Descriptors: the public listener, the private listener, and a listening Unix stream socket for control. The control
socket takes one JSON object a line and answers each with one: `{"do": "status"}`, `"attach"` (accept on the public
listener as well), `"detach"` (stop accepting there, keep everything else), `"drain"` (with `deadline_s`). The answer is
`{"ok", "started", "attached", "draining", "connections"}`, and `error` where `ok` is false. SIGTERM and SIGINT drain.

A drain stops accepting on the public listener, has every further answer carry `Connection: close`, closes a connection
only when it was idle for a grace, ends WebSockets with code 1012, and at the deadline cuts what is left.
Exit codes: the `EXIT_` constants of `specification`.
"""

from .handover import Handover
from .server import serve
from .specification import EXIT_SPECIFICATION, NOT_YET, SPECIFICATION, Specification, leave

__all__ = ["EXIT_SPECIFICATION", "NOT_YET", "SPECIFICATION", "Handover", "Specification", "leave", "serve"]
