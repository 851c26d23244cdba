"""What commands show in the terminal: a progress bar, the verdict on a clip, what `doctor` found, the models.

In a module of its own because Rich takes a while to load, and most commands print plain lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from formcheck.analysis.findings import counted_reps, coverage, findings_of
from formcheck.analysis.phrases import in_sentence, listing
from formcheck.errors import shown

if TYPE_CHECKING:
    from formcheck.analysis.analysis import Analysis
    from formcheck.cli.doctor import Report
    from formcheck.pose.models import ModelInfo
    from formcheck.session.folder import OutputFolder

#: Sign and colour of the three states.
_STATES = {"faulty": ("✗", "yellow"), "good": ("✓", "green"), "unseen": ("–", "bright_black")}


@contextmanager
def progress_bar(show: bool) -> Iterator[Callable[[str, float], None]]:
    """A progress bar with the time left, on standard error."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=console,
        disable=not (show and console.is_terminal),  # in a log it would leave an empty line
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def report(what: str, share: float) -> None:
        if what not in tasks:
            for task in bar.task_ids:
                bar.update(task, completed=1.0)
            tasks[what] = bar.add_task(what, total=1.0)
        bar.update(tasks[what], completed=share)

    with bar:
        yield report


def print_verdict(analysis: Analysis, folder: OutputFolder, *, video: bool, report: bool) -> None:
    """What was seen, in a few lines, and where the results are."""
    out = Console(highlight=False)
    summary, definition, findings = analysis.summary, analysis.definition, findings_of(analysis)
    covered, encoding = coverage(summary.faults), getattr(out.file, "encoding", None) or "ascii"
    view = definition.views.get(summary.view.name)
    where = f", seen {view.title}" if view is not None else ""
    first, *more = findings.verdict(summary)
    out.print(f"[bold]{definition.title}[/bold]{where}: {in_sentence(first)}")
    if counted_reps(summary.reps):
        sign, colour = _STATES[covered.state]
        sign = sign if _fits(sign, encoding) else {"✓": "+", "✗": "x"}.get(sign, "-")
        out.print(Text(f"{sign} {covered.state_text}, {covered.text}", style=f"bold {colour}"))
        for group in findings.not_checked(summary.faults):
            titles = listing([in_sentence(title) for title in group.titles])
            more.append(f"Not checked, because {group.why}: {titles}. {group.how}".strip())
    for line in more:
        out.print(Padding(Text(line), (0, 0, 0, 2), expand=False))
    for warning in summary.warnings:
        # A name in it may hold brackets, which are not markup.
        out.print(Text.assemble("  ", ("Note:", "yellow"), f" {warning}"))
    out.print()
    if video:
        out.print(Text(f"Annotated video: {shown(folder.annotated)}"), soft_wrap=True)
    if report:
        out.print(Text(f"Report:          {shown(folder.report)}"), soft_wrap=True)
    out.print(Text(f"Numbers:         {shown(folder.summary)}"), soft_wrap=True)


def print_checks(report: Report) -> None:
    """Each check with a sign and a word, and what to do."""
    out = Console(highlight=False)
    encoding = getattr(out.file, "encoding", None) or "ascii"
    signs = {
        "ok": ("✓", "fine", "green"),
        "limit": ("!", "limited", "yellow"),
        "fail": ("✗", "problem", "red"),
    }
    for check in report.checks:
        sign, word, colour = signs[check.status]
        if not _fits(sign, encoding):  # an old Windows console
            sign = {"✓": "+", "✗": "x"}[sign]
        head = Text(f"{sign} {check.name.capitalize()}: {word}", style=f"bold {colour}")
        out.print(head)
        for line in filter(None, (check.found, check.todo and f"→ {check.todo}")):
            text = line if _fits(line, encoding) else line.replace("→", "->").replace("×", "x")
            out.print(Padding(Text(text), (0, 0, 0, 4)))
    if report.model is not None:
        out.print(Text(f"\nPose model to use here: {report.model}"))
    out.print(Text(f"\n{report.verdict}", style="bold"))


def print_models(models: Sequence[ModelInfo]) -> None:
    """A table of pose models."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("name", "file", "size", "origin", "file is whole", "sha256"):
        table.add_column(heading, overflow="fold")
    for info in models:
        table.add_row(
            info.name,
            Path(info.file).name,
            f"{info.bytes / 1e6:.1f} MB",
            info.origin,
            "yes" if info.ok else "NO",
            info.sha256[:12],
        )
    Console().print(table)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
