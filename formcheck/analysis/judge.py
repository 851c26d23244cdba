"""The one judge: what a session left and a definition become an `Analysis`.

A recording that has just been read, a stored one that is judged again, a live session that is replayed and a
threshold that is tried out all come here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.count import Counted, count, counts_by
from formcheck.analysis.evidence import Evidence, LiveEvidence
from formcheck.analysis.summarize import fault_summary, rep_summary
from formcheck.analysis.summary import DefinitionInfo, numbered
from formcheck.engine.faults import FaultCheck
from formcheck.engine.tracker import RepResult
from formcheck.exercises.definition import Definition

#: Outcomes kept for each repetition.
_MOST_KNOWN = 400


@dataclass
class Memory:
    """What `judge` has worked out about some evidence; given to it again, it spares it the same work.

    A change of thresholds then takes milliseconds. For one evidence only.
    """

    _counts_by: str = ""
    _counted: Counted | None = None
    # By fault and by what it was judged by: the recorded thresholds are asked for again and again.
    _known: list[dict[tuple[str, str], FaultCheck]] = field(default_factory=list)

    def counted(self, evidence: Evidence, definition: Definition) -> Counted:
        """`count`, unless it would say the same as last time."""
        key = counts_by(evidence, definition)
        if self._counted is None or key != self._counts_by:
            self._counted, self._counts_by = count(evidence, definition), key
            self._known = [{} for _ in self._counted.reps]
        return self._counted

    def checks(self, rep: int, result: RepResult, definition: Definition) -> dict[str, FaultCheck]:
        """Every fault of a repetition; only those are judged that were not judged by the same before."""
        assert result.frames is not None
        known, keys = self._known[rep], {name: _judged_by(definition, name) for name in definition.faults}
        new = {name for name, key in keys.items() if (name, key) not in known}
        if new:
            new |= {r.with_fault for name in new for r in definition.faults[name].rules if r.with_fault}
            some = {name: fault for name, fault in definition.faults.items() if name in new}
            found = result.frames.judged(definition.model_copy(update={"faults": some}))
            if len(known) > _MOST_KNOWN:
                known = {item: check for item, check in known.items() if item[1] == keys[item[0]]}
            self._known[rep] = known = known | {(name, keys[name]): check for name, check in found.items()}
        return {name: known[name, key] for name, key in keys.items()}


def judge(evidence: Evidence, definition: Definition, memory: Memory | None = None) -> Analysis:
    """Measures, phases, repetitions and faults of a session.

    The same evidence and definition give the same to the last bit, with a memory or without one.

    Args:
        evidence: what it is judged from.
        definition: what it is judged by, the prescription laid over it; where a phone was worn, it is judged
            with what the definition says of a phone.
        memory: of the same evidence, where it is judged again and again.

    Returns:
        The analysis. Its ``processing`` is empty: what it cost is for the caller to say.
    """
    if isinstance(evidence, LiveEvidence) and evidence.phone:
        definition = definition.with_phone()
    memory = memory if memory is not None else Memory()
    counted = memory.counted(evidence, definition)
    results = [
        replace(rep.result, checks=memory.checks(i, rep.result, definition), frames=None)
        for i, rep in enumerate(counted.reps)
    ]
    reps = numbered(
        rep_summary(index, result, rep.in_set)
        for index, (rep, result) in enumerate(zip(counted.reps, results, strict=True), 1)
    )
    summary = counted.analysis.summary.model_copy(
        update={
            "definition": DefinitionInfo(
                name=definition.name, version=definition.version, sha256=definition.sha256
            ),
            "reps": reps,
            "faults": fault_summary(definition, results),
        }
    )
    checks = tuple(result.checks for result in results)
    return replace(counted.analysis, summary=summary, definition=definition, checks=checks)


def _judged_by(definition: Definition, name: str) -> str:
    """Differs when anything differs that a fault is judged by, apart from what `counts_by` tells."""
    fault = definition.faults[name]
    parts = [fault.model_dump_json()]
    kinds = {rule.kind for rule in fault.rules}
    if "duration" in kinds:
        parts.append(definition.tempo.model_dump_json())
    if kinds & {"range", "forced"}:
        parts.append(repr(definition.target_range))
    if "march" in kinds:
        parts.append(repr(definition.march))
    parts += [_judged_by(definition, rule.with_fault) for rule in fault.rules if rule.with_fault]
    return "|".join(parts)
