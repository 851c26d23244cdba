"""The clips of the field as specs for the generator, and which of them are work and which final."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Spec = dict[str, Any]
HERE = Path(__file__).resolve().parent
PARTS = ("work", "final")
_FURS = [[0.05, 0.05, 0.05], [0.4, 0.26, 0.14], [0.45, 0.45, 0.46], [0.7, 0.4, 0.15], [0.9, 0.88, 0.84]]


def settings() -> dict[str, Any]:
    """The contents of ``field.toml``."""
    return tomllib.loads((HERE / "field.toml").read_text(encoding="utf-8"))


def loaded(path: Path) -> ModuleType:
    """A module that is no part of any package, from its file."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def all_specs(shared: Path) -> list[Spec]:
    """All clips of the field; any beginning of the list holds work and final clips of all seeds."""
    sample = loaded(shared / "render" / "sample.py")
    chosen = settings()
    drawn = chosen["rendered"]
    plain = [sample.spec(seed, n) for n in range(drawn["each"]) for part in PARTS for seed in drawn[part]]
    return [*plain, *_with_extras(sample, chosen["extras"])]


def seeds(part: str, chosen: dict[str, Any]) -> set[int]:
    """The seeds of a part, those with extras too."""
    return {*chosen["rendered"][part], *map(int, chosen["extras"][part])}


def part_of(clip_id: str) -> str | None:
    """``"work"`` or ``"final"``, by the seed that a rendered clip's name begins with; None for others."""
    seed = clip_id.split("_")[0]
    if not (seed.startswith("s") and seed[1:].isdigit()):
        return None
    chosen = settings()
    for part in PARTS:
        if int(seed[1:]) in seeds(part, chosen):
            return part
    return None


def part_of_owner(source: str) -> str:
    """``"work"`` or ``"final"`` for a real clip, by the owner of its repository (``github:owner/name``)."""
    owner = source.removeprefix("github:").split("/")[0]
    return "final" if owner in settings()["real"]["final"] else "work"


# -- extras ----------------------------------------------------------------------------------------------


def _with_extras(sample: ModuleType, chosen: dict[str, Any]) -> Iterator[Spec]:
    drawn = [(int(seed), each) for part in PARTS for seed, each in chosen[part].items()]
    most = max(each for _, each in drawn)
    for turn in range(most):
        for k, kind in enumerate(chosen["kinds"]):
            for seed, each in drawn:
                if turn < each:
                    yield with_extra(sample, seed, turn * len(chosen["kinds"]) + k, kind)


def with_extra(sample: ModuleType, seed: int, number: int, kind: str) -> Spec:
    """A clip drawn by `sample.py`, with one thing more in it (``spec["extras"]``, see scene_extras.py)."""
    rng = np.random.default_rng([seed, number, 1])

    def u(a: float, b: float) -> float:
        return round(float(rng.uniform(a, b)), 3)

    exercise = None
    if kind in ("cushion", "blanket", "band"):
        exercise = str(rng.choice(["clam", "bridge"]))
    spec = sample.spec(seed, number, exercise)
    spec["id"] += f"_{kind}"
    color = [u(0.1, 0.85) for _ in range(3)]
    extra: dict[str, dict[str, Any]]
    if kind in ("cushion", "blanket"):
        thick = u(0.02, 0.04)
        across = [u(0.10, 0.14), u(0.08, 0.12)] if kind == "cushion" else [u(0.2, 0.26), u(0.14, 0.2)]
        extra = {"between_knees": {"half_m": [*across, thick], "color": color}}
        if spec["exercise"] == "clam":  # the upper knee rests on it, and it gives way a little
            spec["knee_stack"] = round(0.098 + 1.6 * thick, 3)
    elif kind == "band":
        extra = {"band": {"along_thigh": u(0.72, 0.88), "width_m": u(0.04, 0.08), "color": color}}
    elif kind in ("helper_standing", "helper_kneeling"):
        human = sample.human(rng)
        human["outfit"].pop("tights", None)
        if not human["outfit"]["clothes"]:
            human["outfit"]["clothes"] = [
                ["female_casualsuit01", "male_casualsuit01"][human["shape"]["gender"]]
            ]
        for tint in ("top_tint", "bottom_tint"):
            human["outfit"].pop(tint, None)
        kneels = kind == "helper_kneeling"
        if kneels:
            spec["room"]["surface"] = "mat"
        beside = u(0.6, 0.75) if spec["room"]["surface"] in ("mat", "thick", "plinth") else u(0.85, 1.0)
        extra = {"helper": {"human": human, "kneels": kneels, "along_m": u(-0.35, 0.35), "beside_m": beside}}
    elif kind == "pet":
        spec["room"]["surface"] = "mat"
        lengthwise = spec["camera"]["view"] in ("feet", "head", "head_side")
        path = "behind" if lengthwise or rng.random() < 0.4 else "front"
        color = _FURS[int(rng.integers(len(_FURS)))]
        extra = {"pet": {"path": path, "start_s": u(0.8, 3), "speed_m_s": u(0.5, 0.9), "color": color,
                         "towards": int(rng.choice([-1, 1])), "size": u(0.8, 1.2)}}  # fmt: skip
    elif kind == "bump":
        after = spec["lead_in"] + u(0.3, 1.5) * (spec["up_s"] + spec["hold_s"] + spec["down_s"])
        side = int(rng.choice([-1, 1]))
        extra = {"bump": {"at_s": round(after, 3), "takes_s": u(0.07, 0.3), "yaw_deg": side * u(1.5, 5),
                          "pitch_deg": u(-3, 3), "roll_deg": side * u(0.5, 4),
                          "moved_m": [u(-0.05, 0.05) for _ in range(3)]}}  # fmt: skip
    else:
        extra = {"picture": _picture(kind, spec["size"], rng)}
    return spec | {"extras": extra}


def _picture(kind: str, size: list[int], rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of `picture.Picture`."""
    w, h = size
    if kind.startswith("turn"):
        return {"turn_deg": int(kind[4:])}
    if kind == "letterbox":
        bar = 2 * round(h * float(rng.uniform(0.08, 0.2)))
        return {"size": [w, h + 2 * bar], "at": [0, bar]}
    if kind == "pillarbox":
        bar = 2 * round(w * float(rng.uniform(0.1, 0.45)))
        return {"size": [w + 2 * bar, h], "at": [bar, 0]}
    whole = {"small_hd": (1920, 1080), "small_4k": (3840, 2160)}[kind]
    at = [2 * int(rng.integers(0, (whole[i] - size[i]) // 2 + 1)) for i in range(2)]
    return {"size": list(whole), "at": at, "fill": "smear"}


def write_specs(path: Path, shared: Path) -> list[Spec]:
    """Writes the list and returns it."""
    specs = all_specs(shared)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(specs, indent=0))
    part.replace(path)
    return specs
