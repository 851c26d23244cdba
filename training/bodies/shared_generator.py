"""The shared generator of people and rooms, made quick enough for thousands of bodies.

It lies outside this repository (``../shared/render``, or ``$FORMCHECK_RENDER``) and is written for clips: it
parses its assets anew for every person and leaves skinning to three vertex passes of a software GPU. Here its
modules are loaded once with caches over the parsers, and with three more things that a posture may ask for:
how far the thorax follows a rolling pelvis, a trunk propped up on the forearm, and an arm that strays.
"""

from __future__ import annotations

import os
import sys
import types
from functools import lru_cache
from pathlib import Path
from typing import Any

# A process a core; more threads in each of them would only wait for each other.
for _name in ("LP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import scipy.sparse as sparse  # noqa: E402

FOLDER = Path(os.environ.get("FORMCHECK_RENDER") or Path(__file__).resolve().parents[3] / "shared" / "render")
sys.path.insert(0, str(FOLDER))

#: What is changed in ``kin.py``: text, and what stands there instead.
_POSTURE = {
    "tr=.35 ": "tr=sp.get('thorax_follow',.35) ",
    "@rx(sp.get('thorax_flex',6.)+.3*s.br(t))": (
        "@rx(sp.get('thorax_flex',6.)+.3*s.br(t))@rz(sp.get('thorax_side',0.))"
    ),
    "tgt=tgt+.004*na*s.nz['arm1'](t)*dn": ("_a=sp.get('arm_off',(0,0,0)); tgt=tgt+_a[0]*dn+_a[1]*fw+_a[2]*Z"),
}
#: In ``scene.py``: a plant of 46 leaves costs more than the body; 7 larger ones do.
_ROOM = {"range(46)": "range(7)", "uniform(.05,.27)": "uniform(.03,.12)"}
#: So many different textures of each kind of noise; each one takes longer than a picture.
_POOL = 24


def _changed(name: str, changes: dict[str, str]) -> types.ModuleType:
    """A module of the generator with some text changed."""
    source = (FOLDER / f"{name}.py").read_text()
    for old, new in changes.items():
        if old not in source:
            sys.exit(f"{FOLDER / name}.py has changed: '{old}' is not in it any more.")
        source = source.replace(old, new)
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, str(FOLDER / f"{name}.py"), "exec"), module.__dict__)
    return module


if not FOLDER.is_dir():
    sys.exit(f"The generator of people and rooms is not at {FOLDER}; set FORMCHECK_RENDER to its folder.")
kin: Any = _changed("kin", _POSTURE)
scene: Any = _changed("scene", _ROOM)
import body  # noqa: E402
import generate  # noqa: E402
import render  # noqa: E402
import sample  # noqa: E402

__all__ = ["FOLDER", "body", "generate", "kin", "render", "sample", "scene"]

body.load_obj = lru_cache(None)(body.load_obj)
body.parse_mhclo = lru_cache(None)(body.parse_mhclo)
_listdir = os.listdir
body.os = types.SimpleNamespace(path=os.path, listdir=lru_cache(None)(lambda path: _listdir(path)))


@lru_cache(None)
def _clothing_weights(file: str) -> np.ndarray:
    refs, weights, *_ = body.parse_mhclo(file)
    W = np.maximum((body.base()["W"][refs] * weights[:, :, None]).sum(1), 0)
    return W / np.maximum(W.sum(1, keepdims=True), 1e-6)


def _fit_clothing(file: str, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, set[int]]:
    refs, weights, offset, scales, hidden = body.parse_mhclo(file)
    scale = np.ones(3, np.float32)
    for k, axis in enumerate("xyz"):
        if axis in scales:
            a, b, usual = scales[axis]
            scale[k] = abs(v[a][k] - v[b][k]) / usual
    return (v[refs] * weights[:, :, None]).sum(1) + offset * scale, _clothing_weights(file), hidden


_faces_of: dict[tuple[int, ...], sparse.csr_matrix] = {}


def _normals(P: np.ndarray, F: np.ndarray) -> np.ndarray:
    key = (len(P), len(F), int(F[0, 0]), int(F[-1, 1]))
    if key not in _faces_of:
        ones = np.ones(F.size, np.float32)
        _faces_of[key] = sparse.csr_matrix(
            (ones, (F.ravel(), np.repeat(np.arange(len(F)), 4))), (len(P), len(F))
        )
    n = _faces_of[key] @ np.cross(P[F[:, 2]] - P[F[:, 0]], P[F[:, 3]] - P[F[:, 1]]).astype(np.float32)
    return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-9)


class Cut:
    """How far cloth stands off the body, by the place on the body; set before a person is made."""

    stands_off: Any = None


_shape_of: dict[tuple[Any, ...], tuple[np.ndarray, ...]] = {}


class _Part:
    """`body.Part` with everything kept that does not depend on the person's shape."""

    def __init__(
        self,
        name: str,
        P: np.ndarray,
        W: np.ndarray,
        vt: np.ndarray,
        F: np.ndarray,
        FT: np.ndarray,
        tex: Any,
        keep: np.ndarray | None = None,
        push: Any = 0.0,
        **kw: Any,
    ) -> None:
        self.name, self.tex, self.kw = name, tex, kw
        N = _normals(P, F)
        if Cut.stands_off is not None and kw.get("kind") in ("cloth", "tights"):
            push = Cut.stands_off(P)
        P = P + push * N
        key = (name, len(P), keep.tobytes() if keep is not None else None)
        if key not in _shape_of:
            if len(_shape_of) > 400:
                _shape_of.clear()
            F, FT = (F, FT) if keep is None else (F[keep], FT[keep])
            corner = F.astype(np.int64) * 1000003 + FT
            _, first, inverse = np.unique(corner.ravel(), return_index=True, return_inverse=True)
            at, uv_at, quads = F.ravel()[first], FT.ravel()[first], inverse.reshape(F.shape)
            tri = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
            tri = tri[(tri[:, 1] != tri[:, 2]) & (tri[:, 0] != tri[:, 2])]
            bones = np.argsort(-W[at], 1)[:, :4]
            weights = np.take_along_axis(W[at], bones, 1)
            uv = vt[uv_at].astype("f4") if len(vt) else np.zeros((len(at), 2), "f4")
            share = weights / weights.sum(1, keepdims=True)
            _shape_of[key] = at, uv, bones.astype("f4"), share.astype("f4"), tri.astype("i4")
        at, self.UV, self.BI, self.BW, self.tri = _shape_of[key]
        self.P, self.N = P[at].astype("f4"), N[at].astype("f4")


_noise = scene._noise
_noises: dict[tuple[Any, ...], np.ndarray] = {}


def _pooled_noise(rng: np.random.Generator, n: int, *args: Any, **more: Any) -> np.ndarray:
    key = (n, args, tuple(more.items()), int(rng.integers(_POOL)))
    if key not in _noises:
        _noises[key] = _noise(np.random.default_rng(key[3] + 17), n, *args, **more)
    return _noises[key]


body.fit_clo, body.normals, body.Part, scene._noise = _fit_clothing, _normals, _Part, _pooled_noise
