"""The commands `formcheck sessions list` and `formcheck sessions delete`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formcheck.errors import FormcheckError

if TYPE_CHECKING:
    from formcheck.session.deletion import Kept

sessions_app = typer.Typer(help="What is kept of sessions on this computer; delete it.", no_args_is_help=True)

_Folder = Annotated[
    Path | None, typer.Option(help="Folder of sessions. Default: where live sessions are kept.")
]


@sessions_app.command("list")
def list_sessions(
    folder: _Folder = None,
    json_: Annotated[bool, typer.Option("--json", help="Print a JSON list, nothing else.")] = False,
) -> None:
    """Show the sessions that are kept, oldest first.

    Example:  formcheck sessions list
    """
    from rich.console import Console
    from rich.table import Table

    from formcheck.session.deletion import kept_in

    root = _root(folder)
    kept = kept_in(root)
    if json_:
        print(json.dumps([one.row() | _found(one) for one in kept], indent=1))
        return
    if not kept:
        print(f"No sessions are kept in {root}.")
        return
    width = None if sys.stdout.isatty() else 160  # in a file no name is broken
    out = Console(highlight=False, markup=False, width=width)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("date", "exercise", "reps", "found", "kept", "size", "session"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "size" else "left")
    for one in kept:
        row = one.row()
        table.add_row(
            f"{one.started:%Y-%m-%d %H:%M}",
            row["exercise"] or "?",
            "?" if row["repetitions"] is None else str(row["repetitions"]),
            _in_words(_found(one), getattr(out.file, "encoding", None) or "ascii"),
            one.what,
            _size(one.bytes),
            one.name,
        )
    out.print(table)
    for one in kept:
        if one.card.problem:
            out.print(f"{one.name}: {one.card.problem}", soft_wrap=True)
    out.print(f"In {root}, {_size(sum(one.bytes for one in kept))} in all.", soft_wrap=True)


def _found(one: Kept) -> dict[str, Any]:
    """What stands of a session by the physio's decisions: its state, and how much was looked at."""
    from formcheck.analysis.findings import coverage
    from formcheck.review.noted import with_notes

    if one.card.problem is not None or one.card.meta is None:
        return {"state": None, "checked": None, "of": None, "reviewed": None}
    stands = with_notes(one.card).standing
    covered = coverage(stands.faults)
    return {
        "state": covered.state,
        "checked": covered.checked,
        "of": covered.total,
        "reviewed": stands.review.done,
    }


def _in_words(found: dict[str, Any], encoding: str) -> str:
    words = {"faulty": "✗ faults", "good": "✓ good", "unseen": "– not seen"}
    if found["state"] is None:
        return "?"
    text = f"{words[found['state']]}, {found['checked']} of {found['of']}"
    if text.encode(encoding, "ignore").decode(encoding) != text:  # an old Windows console
        text = text.replace("✗", "x").replace("✓", "+").replace("–", "-")
    return text


@sessions_app.command("delete")
def delete_sessions(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(help="Sessions as 'formcheck sessions list' names them, or folders: clip.formcheck"),
    ] = None,
    older_than: Annotated[
        float | None, typer.Option(min=0, help="Those that began more than so many days ago.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All sessions in the folder of sessions.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    folder: _Folder = None,
) -> None:
    """Delete sessions for good: video, skeleton, reports, exports in their folders, notes.

    A clip that was analysed stays; so do files exported to another place, and copies.

    Example:  formcheck sessions delete --older-than 90
    """
    from formcheck.session.deletion import delete

    root = _root(folder)
    chosen = _chosen(sessions or [], older_than, all_, root)
    if not chosen:
        print("There is nothing to delete.")
        return
    for one in chosen:
        row = one.row()
        said = f"{row['exercise'] or '?'}, {one.what}, {one.files} files, {_size(one.bytes)}"
        print(f"{one.started:%Y-%m-%d %H:%M}  {one.name}  ({said})", file=sys.stderr)
    what = "this session" if len(chosen) == 1 else f"these {len(chosen)} sessions"
    if not yes:
        typer.confirm(f"Delete {what} for good?", abort=True, err=True)
    failed = 0
    for one in chosen:
        try:
            left = delete(one)
        except FormcheckError as error:
            if len(chosen) == 1:
                raise
            failed += 1
            print(error, file=sys.stderr)
            continue
        print(f"Deleted {one.name}")
        if left:
            names = ", ".join(path.name for path in left[:5]) + (" …" if len(left) > 5 else "")
            print(f"Not made by formcheck, so still in {one.folder}: {names}", file=sys.stderr)
    for kind in ("programmes", "prescriptions") if all_ else ():
        if (root / kind).is_dir():
            print(f"{kind.capitalize()} are no sessions and stay in {root / kind}.", file=sys.stderr)
    if failed:
        raise FormcheckError(f"{failed} of {len(chosen)} sessions could not be deleted.")


def _chosen(names: list[str], days: float | None, all_: bool, root: Path) -> list[Kept]:
    """The sessions that are meant.

    Raises:
        FormcheckError: none or too much was asked for, or there is no such session.
    """
    from formcheck.session.deletion import kept_at, kept_in, older_than

    if bool(names) + (days is not None) + all_ != 1:
        raise FormcheckError("Say which sessions: by name or folder, or --older-than DAYS, or --all.")
    kept = kept_in(root)
    if all_:
        return kept
    if days is not None:
        return older_than(kept, days)
    by_name = {one.name: one for one in kept}
    chosen: dict[Path, Kept] = {}
    for name in names:
        if name in by_name:
            one = by_name[name]
        elif Path(name).exists():
            one = kept_at(Path(name))
        else:
            raise FormcheckError(f"There is no session called {name}; 'formcheck sessions list' shows them.")
        chosen[one.folder] = one
    return list(chosen.values())


def _root(folder: Path | None) -> Path:
    if folder is not None:
        if not folder.is_dir():
            raise FormcheckError(f"There is no folder {folder}; check the name.")
        return folder
    from formcheck.files import sessions_folder

    return sessions_folder()


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.0f} kB"
