"""What `sophia undo` did, as text and as JSON."""

from __future__ import annotations

from sophia_cli.core.report import SCHEMA_VERSION, Verdict
from sophia_cli.core.undo_report import RunLine, UndoReport
from sophia_cli.render.json import document
from sophia_cli.render.style import Style, Tone, plural, visible


def undo_text(report: UndoReport, style: Style) -> str:
    """Return the files that were restored, those that were kept and why, and what to do about them."""
    lines = [f"an interrupted run was settled first: {visible(note)}" for note in report.recovered]
    if report.verdict is Verdict.LISTED:
        lines += [_run_line(run, style) for run in report.runs] or ["no runs yet"]
        return "\n".join(lines) + "\n"
    verb = "would be restored" if report.dry_run else "restored"
    gone = "would be removed" if report.dry_run else "removed"
    lines += [f"{visible(path)}  {gone if path in report.removed else verb}" for path in report.restored]
    lines += [f"package {visible(name)}  {verb}" for name in report.packages]
    lines += [
        f"{visible(kept.path)}  {style.paint('kept', Tone.WARNING)}: {visible(kept.reason)}" for kept in report.kept
    ]
    packages = f" and {plural(len(report.packages), 'package')}" if report.packages else ""
    done = f"run {report.run_id}: {plural(len(report.restored), 'file')}{packages} {verb}"
    if report.kept:
        done += f", {len(report.kept)} kept"
        lines.append(f"once nothing stands in the way any more, `sophia undo {report.run_id}` restores what was kept")
    lines.append(style.paint(done, Tone.STRONG))
    return "\n".join(lines) + "\n"


def undo_json(report: UndoReport) -> str:
    """Return the document of an undo, or of the list of runs."""
    return document(
        {
            "schema_version": SCHEMA_VERSION,
            "command": "undo",
            "verdict": report.verdict.value,
            "exit_code": int(report.exit_code),
            "duration_s": round(report.duration_s, 3),
            "run_id": report.run_id,
            "dry_run": report.dry_run,
            "summary": {
                "restored": len(report.restored),
                "packages": len(report.packages),
                "kept": len(report.kept),
                "runs": len(report.runs),
            },
            "restored": list(report.restored),
            "removed": list(report.removed),
            "kept": [{"path": kept.path, "reason": kept.reason} for kept in report.kept],
            "packages": list(report.packages),
            "recovered": list(report.recovered),
            "runs": [
                {
                    "run_id": run.id,
                    "started": run.stamp or None,
                    "command": run.command,
                    "state": run.state,
                    "files": run.files,
                    "packages": run.packages,
                    "summary": run.summary,
                }
                for run in report.runs
            ],
        }
    )


def _run_line(run: RunLine, style: Style) -> str:
    head = style.paint(run.id, Tone.STRONG)
    packages = f", {plural(run.packages, 'package')}" if run.packages else ""
    started = f"{run.stamp[:19].replace('T', ' ')} UTC" if run.stamp else "at an unknown time"
    files = plural(run.files, "file")
    return f"{head}  {started:<23}  {run.state:<13}  {files}{packages}  {visible(run.command)}".rstrip()
