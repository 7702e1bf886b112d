"""What recovery did, in a line for reports."""

from __future__ import annotations

from sophia_cli.project.runs.recovery import Recovered


def recovery_line(item: Recovered) -> str:
    """Return which run was settled, how, and how many files and packages were restored or kept."""
    kept = f", {len(item.kept)} kept since they were changed" if item.kept else ""
    packages = f" and {len(item.packages)} packages" if item.packages else ""
    return f"run {item.run_id} ({item.kind.value}): {len(item.restored)} files{packages} restored{kept}"
