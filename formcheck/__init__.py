"""formcheck measures hip rotation, pelvic height and knee alignment in clams and bridges.

It looks at a recorded clip (or a webcam), counts repetitions, names compensatory movement faults, and says
plainly what the camera's view cannot show.

Example:
    >>> import formcheck
    >>> analysis = formcheck.analyze("videos/bridge_side.mp4", "bridge")
    >>> [rep.class_ for rep in analysis.summary.reps]
    ['full', 'full', 'full', 'full']
    >>> analysis.summary.faults["pelvis_drops"].reason   # a side view cannot show it
    'view'

More examples, for every public name: docs/api.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from formcheck.version import __version__ as __version__

if TYPE_CHECKING:
    from formcheck.analysis.analysis import Analysis
    from formcheck.engine.tracker import Observation, Tracker
    from formcheck.errors import FormcheckError
    from formcheck.exercises.definition import Definition, load_definition
    from formcheck.pose.engine import open_engine
    from formcheck.pose.landmarks import Landmark, Pose
    from formcheck.report.write import write_outputs
    from formcheck.session.analyze import analyze
    from formcheck.session.folder import OutputFolder
    from formcheck.session.reader import open_session

_HOME = {
    "Analysis": "formcheck.analysis.analysis",
    "analyze": "formcheck.session.analyze",
    "write_outputs": "formcheck.report.write",
    "FormcheckError": "formcheck.errors",
    "Definition": "formcheck.exercises.definition",
    "load_definition": "formcheck.exercises.definition",
    "Observation": "formcheck.engine.tracker",
    "Tracker": "formcheck.engine.tracker",
    "open_engine": "formcheck.pose.engine",
    "Landmark": "formcheck.pose.landmarks",
    "Pose": "formcheck.pose.landmarks",
    "OutputFolder": "formcheck.session.folder",
    "open_session": "formcheck.session.reader",
}
__all__ = [
    "Analysis",
    "Definition",
    "FormcheckError",
    "Landmark",
    "Observation",
    "OutputFolder",
    "Pose",
    "Tracker",
    "analyze",
    "load_definition",
    "open_engine",
    "open_session",
    "write_outputs",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that `import formcheck` stays quick and the numeric core stays free of cv2.
    if name not in _HOME:
        raise AttributeError(f"module 'formcheck' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
