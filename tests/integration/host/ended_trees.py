"""Ending all processes of an instance without an event loop."""

from __future__ import annotations

from sophia_cli.project.clock import Clock
from sophia_cli.project.host.ending import Ending, next_step, perform
from sophia_cli.project.host.identity import ProcessIdentity
from sophia_cli.project.host.processes import members_of


def end_tree(root: ProcessIdentity, instance: str, grace_s: float, clock: Clock, give_up_s: float = 10.0) -> bool:
    """End all processes of an instance and return whether none is left; waits, for callers without an event loop.

    Whoever still runs after `grace_s` seconds is killed; False when some still run `give_up_s` later.
    """
    start = clock.monotonic()
    ending = Ending(root, instance, start + grace_s)
    while True:
        now = clock.monotonic()
        step = next_step(ending, members_of(root, instance), now)
        perform(step.signals)
        if step.look_again_s is None:
            return True
        if now > start + grace_s + give_up_s:
            return False
        ending = step.ending
        clock.pause(step.look_again_s)
