"""What physios saw of the pelvis by eye, as labels to learn from: no video, no name, no date."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from formcheck.review.noted import NotedSession

COLUMNS = ("session", "exercise", "side", "view", "rep", "class", "start_s", "peak_s", "end_s", "fault")
#: The physio's answer, and what the program had found in the same repetition.
_ANSWERS = ("answer", "program_grade")


def labels_csv(sessions: Iterable[NotedSession]) -> tuple[str, int]:
    """All answers by eye, a row each.

    Args:
        sessions: in any order; each is told by a number that is good in this file only.

    Returns:
        The table, and how many answers are in it.
    """
    out, rows, count = io.StringIO(), 0, 0
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *_ANSWERS])
    for noted in sessions:
        meta, looks = (
            noted.card.meta,
            [item.data for item in noted.items if item.kind == "look" and item.data],
        )
        reps = {rep.index: rep for rep in noted.card.reps}
        looks = [look for look in looks if look["rep"] in reps]
        if meta is None or not looks:
            continue
        count += 1
        for look in sorted(looks, key=lambda look: (look["rep"], look["fault"])):
            rep = reps[look["rep"]]
            grade = next((event.grade for event in rep.faults if event.id == look["fault"]), "")
            place = (count, meta.exercise, meta.side or "", meta.view, rep.index, rep.class_)
            writer.writerow(
                [*place, rep.start_s, rep.peak_s, rep.end_s, look["fault"], look["answer"], grade]
            )
            rows += 1
    return out.getvalue(), rows
