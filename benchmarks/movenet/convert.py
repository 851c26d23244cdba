"""MoveNet's single-person TF.js graph to ONNX: ``python convert.py MODEL.json OUT.onnx``.

Only the network is converted, up to its four heads; what the graph does after them (`net.decode`) is kept
beside it as constants in ``OUT.npz``. Needs ``onnx`` and ``numpy``.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

#: The last node of each head, by the end of its name, and its channels.
HEADS = {
    "center": ("center_0/conv2d_4/BiasAdd", 1),
    "heat": ("kpt_heatmap_0/conv2d_5/BiasAdd", 17),
    "regress": ("kpt_regress_0/conv2d_6/BiasAdd", 34),
    "offset": ("kpt_offset_0/conv2d_7/BiasAdd", 34),
}
#: Constants of what follows the heads.
KEPT = {"center_weight": "truediv_2_recip", "rows": "strided_slice_3", "columns": "strided_slice_4"}


def weights(path: Path, manifest: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """The weights of a TF.js model by name; float16 ones as float32."""
    data = b"".join((path.parent / name).read_bytes() for name in manifest["paths"])
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for entry in manifest["weights"]:
        stored = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"]))
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(data, stored, count, at).reshape(entry["shape"])
        found[entry["name"]] = values.astype(entry["dtype"])
        at += count * stored.itemsize
    if at != len(data):
        raise ValueError(f"{path}: {len(data)} bytes of weights, {at} expected")
    return found


def convert(path: Path) -> tuple[onnx.ModelProto, dict[str, NDArray[Any]]]:
    """The network with outputs named as in `HEADS`, and the constants named as in `KEPT`."""
    model = json.loads(path.read_text())
    nodes = {n["name"]: n for n in model["modelTopology"]["node"]}
    const = weights(path, model["weightsManifest"][0])
    (entry,) = [n for n in nodes.values() if n["op"] == "Placeholder"]
    side = int(entry["attr"]["shape"]["shape"]["dim"][1]["size"])
    made: list[onnx.NodeProto] = []
    held: list[onnx.TensorProto] = []
    done: dict[str, str] = {}

    def value(array: NDArray[Any]) -> str:
        name = f"w{len(held)}"
        held.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def emit(op: str, inputs: list[str], **attributes: Any) -> str:
        out = f"t{len(made)}"
        made.append(helper.make_node(op, inputs, [out], **attributes))
        return out

    def visit(name: str) -> str:
        name = name.split(":")[0]
        if name not in done:
            done[name] = _one(name)
        return done[name]

    def _one(name: str) -> str:
        node = nodes[name]
        op, inputs, attr = node["op"], node.get("input", []), node.get("attr", {})
        if op == "Placeholder":
            return emit("Transpose", ["image"], perm=[0, 3, 1, 2])
        if op == "Const":
            array = const[name].astype(np.float32)
            return value(array.transpose(0, 3, 1, 2) if array.ndim == 4 else array)
        if op in ("Cast", "ExpandDims", "Squeeze", "Unpack"):
            return visit(inputs[0])  # of the input only: one picture, four dimensions
        if op in ("AddV2", "Sub", "Mul"):
            return emit({"AddV2": "Add"}.get(op, op), [visit(inputs[0]), visit(inputs[1])])
        if op == "ResizeBilinear":
            half = attr["half_pixel_centers"]["b"]
            if not half or attr.get("align_corners", {}).get("b"):
                raise ValueError("only half-pixel resizing is known")
            scale = value(np.array([1, 1, 2, 2], np.float32))
            return emit(
                "Resize",
                [visit(inputs[0]), "", scale],
                mode="linear",
                coordinate_transformation_mode="half_pixel",
            )
        if op not in ("_FusedConv2D", "FusedDepthwiseConv2dNative", "DepthwiseConv2dNative"):
            raise ValueError(f"unknown operator {op} at {name}")
        kernel = const[inputs[1]]
        group = 1
        if "Depthwise" in op:
            group = kernel.shape[2]
            kernel = kernel.transpose(2, 3, 0, 1)
        else:
            kernel = kernel.transpose(3, 2, 0, 1)
        strides = [int(s) for s in attr["strides"]["list"]["i"][1:3]]
        same = base64.b64decode(attr["padding"]["s"]) == b"SAME"
        conv = [visit(inputs[0]), value(kernel)]
        fused = [base64.b64decode(s) for s in attr.get("fused_ops", {}).get("list", {}).get("s", [])]
        if fused:
            conv.append(value(const[inputs[2]]))
        out = emit(
            "Conv",
            conv,
            group=group,
            strides=strides,
            kernel_shape=list(kernel.shape[2:]),
            auto_pad="SAME_UPPER" if same else "VALID",
        )
        for step in fused[1:]:
            if step == b"Relu6":
                low, high = value(np.float32(0).reshape(())), value(np.float32(6).reshape(()))
                out = emit("Clip", [out, low, high])
            elif step == b"Relu":
                out = emit("Relu", [out])
            else:
                raise ValueError(f"unknown fused step {step!r}")
        return out

    def full(end: str, names: Any) -> str:
        (name,) = [n for n in names if n == end or n.endswith("/" + end)]
        return str(name)

    ends = {head: visit(full(end, nodes)) for head, (end, _) in HEADS.items()}
    for head, end in ends.items():
        made.append(helper.make_node("Identity", [end], [head]))
    graph = helper.make_graph(
        made,
        "movenet",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, side, side, 3])],
        [
            helper.make_tensor_value_info(head, TensorProto.FLOAT, [1, channels, side // 4, side // 4])
            for head, (_, channels) in HEADS.items()
        ],
        held,
    )
    onnx_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(onnx_model)
    return onnx_model, {kept: const[full(end, const)] for kept, end in KEPT.items()}


if __name__ == "__main__":
    converted, constants = convert(Path(sys.argv[1]))
    onnx.save(converted, sys.argv[2])
    np.savez(Path(sys.argv[2]).with_suffix(".npz"), **constants)  # type: ignore[arg-type]
    print({name: array.shape for name, array in constants.items()})
