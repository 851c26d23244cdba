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

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from formcheck.analysis import Analysis
    from formcheck.analyze import analyze, write_outputs
    from formcheck.errors import FormcheckError
    from formcheck.exercises.definition import Definition, load_definition
    from formcheck.exercises.tracker import Observation, Tracker
    from formcheck.pose.engine import open_engine
    from formcheck.pose.landmarks import Landmark, Pose
    from formcheck.session.outputs import OutputFolder
    from formcheck.session.reader import open_session

_HOME = {
    "Analysis": "formcheck.analysis",
    "analyze": "formcheck.analyze",
    "write_outputs": "formcheck.analyze",
    "FormcheckError": "formcheck.errors",
    "Definition": "formcheck.exercises.definition",
    "load_definition": "formcheck.exercises.definition",
    "Observation": "formcheck.exercises.tracker",
    "Tracker": "formcheck.exercises.tracker",
    "open_engine": "formcheck.pose.engine",
    "Landmark": "formcheck.pose.landmarks",
    "Pose": "formcheck.pose.landmarks",
    "OutputFolder": "formcheck.session.outputs",
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


class _Package(ModuleType):
    """`analyze` is both a function and the module it lives in; the function is the public one.

    Without this, importing anything from that module would put the module in the function's place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "analyze" and isinstance(value, ModuleType):
            value = value.analyze
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that `import formcheck` stays quick and the numeric core stays free of cv2.
    if name not in _HOME:
        raise AttributeError(f"module 'formcheck' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
