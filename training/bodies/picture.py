"""Draws bodies at the size that a network sees, with a mask of the body in the alpha channel.

It is the shared generator's renderer with less in it: the picture is a window of the camera's, the body
is skinned on the CPU by a sparse product, faces turned away are left out, and the shader looks up fewer
textures. Clothes get folds and patterns.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import moderngl
import numpy as np
import scipy.sparse as sparse
from draw import Spec
from PIL import Image
from shared_generator import render, scene

_SKINLESS = ("eyebrow", "eyelash")
#: The body first: the depth test then spares the floor under it.
_ORDER = {5: 0, 1: 1, 2: 2, 4: 3, 3: 4, 0: 5}
_FLOORS, _WALLS = 32, 24


def _shader() -> str:
    source = render.FS

    def put(old: str, new: str) -> None:
        nonlocal source
        if old not in source:
            raise SystemExit(f"The shared shader has changed: '{old}' is not in it any more.")
        source = source.replace(old, new)

    def cut(begin: str, end: str, new: str = "") -> None:
        nonlocal source
        a = source.index(begin)
        source = source[:a] + new + source[source.index(end, a) :]

    put(
        "uniform vec4 bb;",
        "uniform vec4 bb; uniform vec4 bump; uniform vec4 pat; uniform vec4 patC; uniform vec3 patD;",
    )
    put("fc=vec4(pow(c,vec3(1./2.2)),1);", "fc=vec4(pow(c,vec3(1./2.2)),(kind<=5)?1.:0.);")
    # One look-up of the shadow instead of four, two of the ground's shade instead of six, no normal maps: a
    # software GPU runs every branch at every pixel.
    put("for(int k=0;k<6;k++)", "for(int k=0;k<2;k++)")
    put(".010+.0055*float(k)", ".013+.02*float(k)")
    put("a/6.", "a/2.")
    cut("s=.25*(texture(sh,", "; } } else s=1.;", "s=texture(sh,vec3(q.xy,q.z-bias))")
    put("float ao=1.; if(useao==1) ao=mix(1.,texture(aotex,uv).r,.7);", "float ao=1.;")
    folds = """ if(kind==1||kind==5){ vec3 q=rp*bump.y;
   n=normalize(n+bump.x*vec3(sin(q.x+2.*sin(q.y*.7+bump.z)),sin(q.y*1.3+2.*sin(q.z*.9+bump.w)),sin(q.z+2.*sin(q.x*1.1+bump.z))));
   float st=fract(dot(rp,patD)*pat.y+pat.z); if(pat.x>1.5) st=min(st,fract(dot(rp.yzx,patD)*pat.y));
   if(st<pat.w&&((rp.y<split)==(patC.w<.5))) t.rgb=patC.rgb; }
"""
    cut(" if(usenm==1){", " vec3 alb=pow(t.rgb,vec3(2.2));", folds)
    return source


def _vertices() -> str:
    skinning = (
        "if(skinned==1) M=in_bw.x*B[int(in_bi.x)]+in_bw.y*B[int(in_bi.y)]"
        "+in_bw.z*B[int(in_bi.z)]+in_bw.w*B[int(in_bi.w)];"
    )
    source = render.VS.replace("layout(std430,binding=0) buffer Bones{mat4 B[];};", "")
    source = source.replace("in vec4 in_bi;in vec4 in_bw;", "in vec3 in_q;").replace(skinning, "")
    source = source.replace(
        "wp=w.xyz/w.w; wn=mat3(M)*in_n;",
        "wp=w.xyz/w.w; wn=mat3(M)*in_n; if(skinned==1){wp=in_q;wn=in_n;}",
    )
    if "in_q" not in source or "in_bw" in source:
        raise SystemExit("The shared vertex shader has changed.")
    return source


render.FS, render.VS = _shader(), _vertices()
render.SV = render.VS
_set = render.moderngl.Program.__setitem__
# Uniforms that nothing reads any more are dropped by the compiler.
render.moderngl.Program.__setitem__ = lambda p, k, v: _set(p, k, v) if k in p else None


class Window(render.Camera):  # type: ignore[misc]
    """A square window of a camera's picture, drawn at n times n pixels.

    Args:
        full: the camera.
        left, top, side: the window, in pixels of the camera's picture.
        n: size of what is drawn.
    """

    def __init__(self, full: Any, left: float, top: float, side: float, n: int) -> None:
        self.__dict__.update(full.__dict__)
        k = n / side
        self.w = self.h = n
        self.f = full.f * k
        self.cx, self.cy = (full.w / 2 - left) * k, (full.h / 2 - top) * k
        self.K = np.array([[self.f, 0, self.cx], [0, self.f, self.cy], [0, 0, 1]])

    def project(self, P: np.ndarray) -> np.ndarray:
        c = (np.asarray(P) - self.pos) @ self.R.T
        z = c[..., 2]
        return np.stack([self.f * c[..., 0] / z + self.cx, self.f * c[..., 1] / z + self.cy, z], -1)

    def VP(self, n: float = 0.05, f: float = 30.0) -> np.ndarray:  # noqa: N802 (the shared name)
        V = np.eye(4)
        V[:3, :3] = np.diag([1, -1, -1]) @ self.R
        V[:3, 3] = -V[:3, :3] @ self.pos
        P = np.zeros((4, 4))
        P[0, 0], P[1, 1] = 2 * self.f / self.w, 2 * self.f / self.h
        P[0, 2], P[1, 2] = 1 - 2 * self.cx / self.w, 2 * self.cy / self.h - 1
        P[2, 2], P[2, 3], P[3, 2] = -(f + n) / (f - n), -2 * f * n / (f - n), -1
        return np.asarray(P @ V)


@lru_cache(None)
def _image(path: str) -> np.ndarray:
    return np.array(Image.open(path).convert("RGBA"))


@lru_cache(None)
def _mean_light(path: str) -> float:
    image = _image(path).astype(float) / 255
    seen = image[..., 3] > 0.5
    return float((image[seen][:, :3] @ [0.3, 0.59, 0.11]).mean()) if seen.any() else 0.4


class Renderer(render.Renderer):  # type: ignore[misc]
    """Draws one body after another; textures are kept.

    Args:
        n: size of the picture, pixels.
        samples: a pixel.
    """

    def __init__(self, n: int, samples: int = 4) -> None:
        super().__init__(n, n, samples)
        self.ctx.gc_mode = "auto"
        self._pools: dict[tuple[str, int], Any] = {}
        self._skin: list[tuple[Any, Any, Any, bool]] = []
        floors, walls, pictures = scene.floor_tex, scene.wall_tex, scene.art
        self._textures = {"floor": floors, "wall": walls}
        scene.floor_tex = lambda kind, rng, n=512: self._pooled("floor", kind, rng, _FLOORS)
        scene.wall_tex = lambda kind, rng, n=512: self._pooled("wall", kind, rng, _WALLS)
        scene.art = lambda rng, n=128: pictures(rng)

    def texture(self, image: Any, key: Any = None, mip: bool = True) -> Any:
        if isinstance(image, moderngl.Texture):
            return image
        if isinstance(image, str):
            if image not in self.texc:
                self.texc[image] = super().texture(_image(image))
            return self.texc[image]
        return super().texture(image, key, mip)

    def _pooled(self, what: str, kind: str, rng: np.random.Generator, size: int) -> Any:
        number = int(rng.integers(size))
        key = (f"{what} {kind}", number)
        if key not in self._pools:
            self._pools[key] = super().texture(self._textures[what](kind, np.random.default_rng(number + 5)))
        return self._pools[key]

    def empty(self) -> None:
        """Nothing in the room any more, and no room."""
        self.items, self.ready, self.last = [], False, None

    def dressed(self, human: Any, more: list[Any]) -> list[Spec]:
        """What there is to draw of a person; `more` are parts worn over the rest."""
        out: list[Spec] = []
        self._skin = []
        for part in [*human.parts, *more]:
            if part.name.startswith(_SKINLESS):
                continue
            kind = part.kw.get("kind")
            out.append(self._item(part, kind, len(human.names)))
        return out

    def _item(self, part: Any, kind: str, bones: int) -> Spec:
        n, c = len(part.P), self.ctx
        still = c.buffer(np.concatenate([part.P, part.UV], 1).astype("f4").tobytes())
        moving = c.buffer(reserve=n * 24)
        corners = c.buffer(part.tri.astype("i4").tobytes())
        layout = [(still, "3f 2f", "in_p", "in_uv"), (moving, "3f 3f", "in_q", "in_n")]
        columns = (part.BI[:, :, None].astype(np.int32) * 4 + np.arange(4, dtype=np.int32)).reshape(-1)
        rows = np.arange(0, 16 * n + 1, 16)
        places, turns = np.zeros((n, 4, 4), np.float32), np.zeros((n, 4, 4), np.float32)
        places[..., :3], places[..., 3] = part.P[:, None], 1
        turns[..., :3] = part.N[:, None]
        matrices = [
            sparse.csr_matrix(((m * part.BW[:, :, None]).reshape(-1), columns, rows), shape=(n, bones * 4))
            for m in (places, turns)
        ]
        self._skin.append((moving, *matrices, kind in ("cloth", "tights")))
        item: Spec = {
            "vao": c.vertex_array(self.prog, layout, corners, skip_errors=True),
            "svao": c.vertex_array(self.sprog, layout, corners, skip_errors=True),
            "kind": render.KIND[kind],
            "sk": True,
            "dyn": True,
            "model": np.eye(4),
            "uvs": 1.0,
            "raw": None,
            "color": tuple(part.kw.get("color", (0.7, 0.7, 0.7))),
            "tex": self.texture(part.tex) if part.tex else self.white,
            "cast": kind != "eye" and not part.name.startswith("eye"),
            "spec": {"skin": 0.10, "eye": 0.35, "shoe": 0.1, "hair": 0.12}.get(kind, 0.03),
            "tintA": part.kw.get("tintA") or (0, 0, 0, 0),
            "tintB": part.kw.get("tintB") or (0, 0, 0, 0),
            "split": part.kw.get("split", 0),
            "cut": (0, 0, 0, 0),
            "meanlum": _mean_light(part.tex) if part.tex else 1.0,
        }
        if kind == "tights":
            cut = part.kw["cut"]
            item |= {
                "cut": cut["cut"],
                "tintA": cut["top"],
                "tintB": cut["bottom"],
                "split": cut.get("split", 9.0),
            }
            item["spec"] = 0.05
        return item

    def shot(
        self,
        camera: Window,
        bones: np.ndarray,
        of_cloth: np.ndarray,
        light: Spec,
        centre: np.ndarray,
        cloth: Spec,
    ) -> np.ndarray:
        """``(n, n, 4)`` uint8 picture, red first; alpha is the body.

        Args:
            camera: what is seen.
            bones, of_cloth: ``(B, 4, 4)`` matrices that skin and clothes follow.
            light: of the room.
            centre: ``(3,)`` what the shadow maps are laid around.
            cloth: folds and pattern, see `draw.cloth`.
        """
        c, draw_with, shade_with = self.ctx, self.prog, self.sprog
        columns = [
            np.ascontiguousarray(m[:, :3, :].transpose(0, 2, 1).reshape(-1, 3), np.float32)
            for m in (bones, of_cloth)
        ]
        for buffer, places, turns, worn in self._skin:
            m = columns[worn]
            buffer.write(
                np.ascontiguousarray(np.concatenate([places @ m, turns @ m], 1), np.float32).tobytes()
            )
        to_light = np.array(light["dir"], float)
        to_light /= np.linalg.norm(to_light)
        up = np.array([0, 0, 1.0]) if abs(to_light[2]) < 0.95 else np.array([0, 1.0, 0])
        ground = centre * [1, 1, 0]
        LP = render.ortho(-1.3, 1.3, -1.3, 1.3, 0.1, 8) @ render.look(centre + to_light * 4, centre, up)
        TP = render.ortho(-1.5, 1.5, -1.5, 1.5, 0.1, 3.1) @ render.look(
            ground + np.array([0, 0, 3.0]), ground, np.array([0, 1.0, 0])
        )

        def packed(m: np.ndarray) -> bytes:
            return np.ascontiguousarray(m.T.astype("f4")).tobytes()

        c.enable(moderngl.DEPTH_TEST)
        still = [i for i in self.items if not i["dyn"]]
        moving = [i for i in self.items if i["dyn"]]
        for name, m in (("VP", camera.VP()), ("LP", LP), ("TP", TP)):
            draw_with[name].write(packed(m))
        for name, value in {
            "L": tuple(to_light),
            "eye": tuple(camera.pos),
            "sunC": light["sun"],
            "skyC": light["sky"],
            "gndC": light["gnd"],
            "LampP": light.get("lamp_pos", (0, 0, 2.3)),
            "lampC": light.get("lamp", (0.3,) * 3),
            "bb": self.bb,
            **{k: cloth[k] for k in ("bump", "pat", "patC", "patD")},
        }.items():
            draw_with[name] = value
        self.sd.use(3)
        self.td.use(4)
        for frame, m in ((self.sfb, LP), (self.tfb, TP)):
            frame.use()
            frame.clear(depth=1.0)
            shade_with["VP"].write(packed(m))
            for it in moving:
                if not it["cast"] or it["kind"] in (3, 4):
                    continue
                (c.enable if it["sk"] else c.disable)(moderngl.CULL_FACE)
                shade_with["skinned"], shade_with["kind"], shade_with["cut"] = (
                    int(it["sk"]),
                    it["kind"],
                    it["cut"],
                )
                shade_with["Mdl"].write(packed(it["model"]))
                (it["tex"] or self.white).use(0)
                it["svao"].render()
        if not self.ready:
            self.bg.use()
            self.bg.clear(0.5, 0.5, 0.5, 0.0, depth=1.0)
            self._draw(still, packed)
            self.ready = True
        c.copy_framebuffer(self.ms, self.bg)
        self.ms.use()
        mine = sorted((i for i in moving if i["sk"]), key=lambda i: _ORDER.get(i["kind"], 9))
        self._draw([*mine, *(i for i in moving if not i["sk"])], packed)
        c.copy_framebuffer(self.fb, self.ms)
        data = np.frombuffer(self.fb.read(components=4, alignment=1), np.uint8)
        return data.reshape(self.h, self.w, 4)[::-1]

    def _draw(self, items: list[Spec], packed: Any) -> None:
        c, p = self.ctx, self.prog
        for it in items:
            (c.enable if it["sk"] and it["kind"] not in (4, 10) else c.disable)(moderngl.CULL_FACE)
            p["skinned"] = int(it["sk"])
            p["Mdl"].write(packed(it["model"]))
            for name, key in (
                ("kind", "kind"),
                ("tintA", "tintA"),
                ("tintB", "tintB"),
                ("split", "split"),
                ("cut", "cut"),
                ("baseC", "color"),
                ("spec", "spec"),
                ("uvs", "uvs"),
                ("meanlum", "meanlum"),
            ):
                p[name] = it[key]
            (it["tex"] or self.white).use(0)
            it["vao"].render()
