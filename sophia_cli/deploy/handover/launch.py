"""Start the launcher, the package beside this file; run by path with the project's interpreter.

Whatever is run is compiled at every start, so this file is short: the launcher is kept as byte code where it may be.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from typing import Any

FOLDER = os.path.dirname(os.path.abspath(__file__))


def loaded_launcher() -> Any:  # a module
    """Return the launcher, under a name that no module of a project has."""
    place = os.path.join(FOLDER, "launcher", "__init__.py")
    spec: Any = importlib.util.spec_from_file_location("sophia_launcher", place)
    launcher = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(launcher)
    return launcher


def main() -> int:
    """Read the specification and serve."""
    gc.disable()  # imports make much that stays and hardly any garbage
    launcher = loaded_launcher()
    getattr(gc, "set_threshold", id)(launcher.NOT_YET)
    gc.enable()
    # Run by path, its own folder stands first, and what lies there would hide modules of the project.
    sys.path[:] = [one for one in sys.path if os.path.abspath(one) != FOLDER]
    try:
        specification = launcher.Specification(os.environ.pop(launcher.SPECIFICATION, ""))
    except (ValueError, TypeError, KeyError) as error:
        launcher.leave(
            launcher.EXIT_SPECIFICATION, f"{launcher.SPECIFICATION} holds no usable specification: {error!r}"
        )
    sys.path[:] = list(dict.fromkeys([os.getcwd(), *specification.search_path, *sys.path]))
    for descriptor in (specification.public_fd, specification.private_fd, specification.control_fd):
        try:
            if descriptor is not None:
                os.set_inheritable(descriptor, False)
        except OSError:
            launcher.leave(launcher.EXIT_SPECIFICATION, f"descriptor {descriptor} is not open")
    code: int = launcher.serve(specification)
    return code


if __name__ == "__main__":
    sys.exit(main())
