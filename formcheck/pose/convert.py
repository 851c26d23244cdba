"""Convert Google's BlazePose models from TFLite to ONNX: ``python -m formcheck.pose.convert IN OUT``.

Only the operators those models use are known, and only float weights (float16 or float32, dense or
sparse). Anything else is refused by name, so that a model is either converted faithfully or not at all.

How the two formats differ, and what is done about it:

* TFLite keeps pictures as (1, height, width, channels); ONNX convolutions want (1, channels, height,
  width). Every rank-4 tensor is kept channels-first inside, so transposes remain only after the input and
  in front of the detector's reshapes. The model's input stays (1, size, size, 3) float32, RGB; giving it
  channels-first was measured to save nothing, end to end.
* Paddings are written into the convolution that follows them.
* Weights stay float16, as in the original, with a Cast that ONNX Runtime folds when it loads the model.
* The landmark model's segmentation mask is dropped with all that only it needs. Its heat map is kept, since
  the published graph moves every landmark to the heat map's centre nearby.

Needs the packages ``onnx`` and ``tflite`` (``pip install 'formcheck[convert]'``), imported only here and
only when a conversion is asked for.
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formcheck.errors import FormcheckError

OPSET = 17
IR_VERSION = 8

#: Largest tensor accepted, and largest sum of all weights, in elements (the heavy model has 14 million).
MAX_ELEMENTS = 50_000_000
#: Most dimensions of a tensor, and most tensors or operators; the heavy model has 4 and under 1000.
MAX_RANK, MAX_PARTS = 8, 20_000

_MAP = {"heatmap": (1, 39, 64, 64)}
#: By kind of model: input size in pixels, and the outputs kept, by name, with their shapes (channels first).
KINDS: dict[str, tuple[int, dict[str, tuple[int, ...]]]] = {
    "detector": (224, {"boxes": (1, 2254, 12), "scores": (1, 2254, 1)}),
    "landmarks": (256, {"landmarks": (1, 195), "score": (1, 1), "world_landmarks": (1, 117), **_MAP}),
}

# What reading a damaged flatbuffer can raise.
_DAMAGE = (struct.error, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError)


def convert_bytes(tflite_model: bytes, name: str = "the model") -> tuple[str, bytes]:
    """Convert a TFLite BlazePose model to ONNX.

    Args:
        tflite_model: contents of a ``.tflite`` file.
        name: what to call it in error messages.

    Returns:
        ``("detector" | "landmarks", contents of the .onnx file)``.

    Raises:
        FormcheckError: a package is missing, this is not a TFLite file, or it is not a BlazePose
            detector or landmark model made of the known operators.
    """
    try:
        import onnx  # noqa: F401
        import tflite
    except ImportError as missing:
        raise FormcheckError(
            f"Converting a model needs the package '{missing.name}': "
            "run pip install 'formcheck[convert]' and try again."
        ) from missing
    if len(tflite_model) < 32 or tflite_model[4:8] != b"TFL3":
        raise FormcheckError(
            f"{name} is not a TFLite model; give an official pose landmark or detector file."
        )
    try:
        graph = _read(tflite, tflite_model)
        kind, kept = _kind(graph, name)
        onnx_model = _Writer(graph, kind, kept, name).model(hashlib.sha256(tflite_model).hexdigest())
    except _DAMAGE as error:
        raise FormcheckError(
            f"{name} is damaged and cannot be read as a TFLite model; download it again."
        ) from error
    return kind, onnx_model


def convert_file(source: Path, target: Path) -> str:
    """Convert a ``.tflite`` file and write the ``.onnx`` file in one piece.

    Returns:
        ``"detector"`` or ``"landmarks"``.

    Raises:
        FormcheckError: see `convert_bytes`; also when a file cannot be read or written.
    """
    try:
        data = source.read_bytes()
    except OSError as error:
        raise FormcheckError(f"Cannot read {source}: {error.strerror or error}.") from error
    kind, onnx_model = convert_bytes(data, source.name)
    try:
        write_whole(target, onnx_model)
    except OSError as error:
        raise FormcheckError(f"Cannot write {target}: {error.strerror or error}.") from error
    return kind


def write_whole(target: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all (a temporary file beside it, then a rename)."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)  # mkstemp makes it private; a model is not
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class _Tensor:
    """A tensor of the TFLite graph; ``data`` is None unless it is a constant."""

    shape: tuple[int, ...]
    data: NDArray[Any] | None


@dataclass(frozen=True)
class _Op:
    """An operator of the TFLite graph. ``options`` is None where the operator has none."""

    code: str
    inputs: tuple[int, ...]
    output: int
    options: Any


@dataclass(frozen=True)
class _Graph:
    tensors: list[_Tensor]
    ops: list[_Op]
    input: int
    outputs: tuple[int, ...]


_OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "ADD": "AddOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "CONCATENATION": "ConcatenationOptions",
}


def _read(tflite: Any, data: bytes) -> _Graph:
    """Parse the flatbuffer into plain Python; constants become arrays, sparse ones dense."""
    model = tflite.Model.GetRootAs(data, 0)
    if model.SubgraphsLength() != 1:
        raise ValueError("not exactly one graph")
    graph = model.Subgraphs(0)
    code_names = {value: key for key, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
    tensors: list[_Tensor] = []
    elements = 0
    if max(graph.TensorsLength(), graph.OperatorsLength()) > MAX_PARTS:
        raise ValueError("too many parts")
    for i in range(graph.TensorsLength()):
        tensors.append(_read_tensor(tflite, model, graph.Tensors(i)))
        values = tensors[-1].data
        elements += max(prod(tensors[-1].shape), values.size) if values is not None else 0
        if elements > MAX_ELEMENTS:  # a few bytes of sparse tensors can stand for gigabytes of zeros
            raise ValueError("too many weights")
    ops = []
    for i in range(graph.OperatorsLength()):
        op = graph.Operators(i)
        code = model.OperatorCodes(op.OpcodeIndex())
        kind = code_names.get(code.BuiltinCode(), f"number {code.BuiltinCode()}")
        if kind == "CUSTOM":
            kind = f"CUSTOM {(code.CustomCode() or b'').decode('utf-8', 'replace')}"
        table = op.BuiltinOptions()
        options = None
        if kind in _OPTIONS and table is not None:
            options = getattr(tflite, _OPTIONS[kind])()
            options.Init(table.Bytes, table.Pos)
        inputs = tuple(op.Inputs(j) for j in range(op.InputsLength()))
        ops.append(_Op(kind, inputs, op.Outputs(0), options))
    outputs = tuple(graph.Outputs(i) for i in range(graph.OutputsLength()))
    return _Graph(tensors, ops, graph.Inputs(0), outputs)


def _read_tensor(tflite: Any, model: Any, tensor: Any) -> _Tensor:
    if tensor.ShapeLength() > MAX_RANK:
        raise ValueError("too many dimensions")
    shape = tuple(tensor.Shape(i) for i in range(tensor.ShapeLength()))
    if min(shape, default=1) < 1 or prod(shape) > MAX_ELEMENTS:
        raise ValueError(f"tensor of shape {shape}")
    buffer = model.Buffers(tensor.Buffer())
    if buffer.DataLength() == 0:
        return _Tensor(shape, None)
    kinds = {
        tflite.TensorType.FLOAT32: "<f4",
        tflite.TensorType.FLOAT16: "<f2",
        tflite.TensorType.INT32: "<i4",
    }
    if tensor.Type() not in kinds:
        # Quantised weights: kept as raw bytes, refused if an operator that is needed reads them.
        return _Tensor(shape, np.frombuffer(buffer.DataAsNumpy().tobytes(), np.uint8))
    values = np.frombuffer(buffer.DataAsNumpy().tobytes(), kinds[tensor.Type()])
    sparsity = tensor.Sparsity()
    if sparsity is not None:
        return _Tensor(shape, _densify(tflite, values, shape, sparsity))
    return _Tensor(shape, values.reshape(shape))


def _densify(tflite: Any, values: NDArray[Any], shape: tuple[int, ...], sparsity: Any) -> NDArray[Any]:
    """A sparse tensor with its zeros written out.

    TFLite stores a tensor as a tree, one level per dimension in `TraversalOrder`: first the tensor's own
    dimensions (divided by the block size where the tensor is stored in blocks), then the block's. A dense
    level has every child; a sparse one lists its children (`ArrayIndices`), those of node k at positions
    ``ArraySegments[k]`` to ``ArraySegments[k + 1]``. The leaves, in order, are the stored values.
    """
    rank = len(shape)
    if sparsity.DimMetadataLength() > 2 * MAX_RANK:
        raise ValueError("sparse tensor with too many levels")
    order = [sparsity.TraversalOrder(i) for i in range(sparsity.TraversalOrderLength())]
    block_map = [sparsity.BlockMap(i) for i in range(sparsity.BlockMapLength())]
    coordinates = np.zeros((1, 0), np.int64)  # one row per node of the tree's current level
    block_size = [1] * rank
    for level in range(sparsity.DimMetadataLength()):
        dim = sparsity.DimMetadata(level)
        nodes = len(coordinates)
        if dim.Format() == tflite.DimensionType.DENSE:
            size = dim.DenseSize()
            if not 0 < size * nodes <= prod(shape):
                raise ValueError("sparse tensor too large")
            parents = np.repeat(np.arange(nodes), size)
            children = np.tile(np.arange(size), nodes)
            if order[level] >= rank:
                block_size[block_map[order[level] - rank]] = size
        else:
            segments = _index_vector(tflite, dim.ArraySegmentsType(), dim.ArraySegments())
            children = _index_vector(tflite, dim.ArrayIndicesType(), dim.ArrayIndices())
            if len(segments) != nodes + 1 or segments[-1] != len(children):
                raise ValueError("sparse tensor with wrong segments")
            parents = np.repeat(np.arange(nodes), np.diff(segments))
        coordinates = np.column_stack([coordinates[parents], children])
    if len(coordinates) != len(values):
        raise ValueError("sparse tensor with a wrong number of values")
    index = np.zeros((len(values), rank), np.int64)
    for level, axis in enumerate(order):
        if axis < rank:
            index[:, axis] += coordinates[:, level] * block_size[axis]
        else:
            index[:, block_map[axis - rank]] += coordinates[:, level]
    dense = np.zeros(shape, values.dtype)
    dense[tuple(index.T)] = values
    return dense


def _index_vector(tflite: Any, kind: int, table: Any) -> NDArray[np.int64]:
    """The whole numbers in one of TFLite's three kinds of index vector."""
    types = tflite.SparseIndexVector
    vectors = {
        types.Int32Vector: tflite.Int32Vector,
        types.Uint16Vector: tflite.Uint16Vector,
        types.Uint8Vector: tflite.Uint8Vector,
    }
    vector = vectors[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.array([vector.Values(i) for i in range(vector.ValuesLength())], np.int64)


def _kind(graph: _Graph, name: str) -> tuple[str, dict[str, int]]:
    """Which BlazePose model this is, and its outputs (tensor numbers by our names), told by their shapes."""
    by_shape = {tuple(sorted(graph.tensors[i].shape)): i for i in graph.outputs}  # channels first or last
    for kind, (size, outputs) in KINDS.items():
        if graph.tensors[graph.input].shape != (1, size, size, 3):
            continue
        shapes = {key: tuple(sorted(shape)) for key, shape in outputs.items()}
        if all(shape in by_shape for shape in shapes.values()):
            return kind, {key: by_shape[shape] for key, shape in shapes.items()}
    raise FormcheckError(
        f"{name} is not a BlazePose model: its input or outputs have other shapes than those of a pose "
        "detector or a pose landmark model."
    )


def _needed(graph: _Graph, outputs: Sequence[int]) -> list[_Op]:
    """The operators the outputs depend on, in their order."""
    wanted = set(outputs)
    needed = []
    for op in reversed(graph.ops):
        if op.output in wanted:
            needed.append(op)
            wanted.update(op.inputs)
    return needed[::-1]


class _Writer:
    """Writes the ONNX graph, one TFLite operator after the other. Rank-4 tensors are channels-first."""

    def __init__(self, graph: _Graph, kind: str, outputs: dict[str, int], name: str) -> None:
        from onnx import helper, numpy_helper

        self.helper, self.numpy_helper = helper, numpy_helper
        self.graph, self.kind, self.outputs, self.name = graph, kind, outputs, name
        self.tensors = list(graph.tensors)  # grows data where a constant is dequantized
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self.names: dict[int, str] = {index: key for key, index in outputs.items()}
        self.padded: dict[int, tuple[int, NDArray[Any]]] = {}  # PAD output -> what it pads, (4, 2) amounts
        self.handlers: dict[str, Callable[[_Op], None]] = {
            "CONV_2D": self.convolution,
            "DEPTHWISE_CONV_2D": self.convolution,
            "ADD": self.add,
            "PAD": self.pad,
            "RESIZE_BILINEAR": self.resize,
            "MAX_POOL_2D": self.max_pool,
            "DEPTH_TO_SPACE": self.depth_to_space,
            "RESHAPE": self.reshape,
            "CONCATENATION": self.concatenation,
            "LOGISTIC": self.logistic,
            "DEQUANTIZE": self.same_values,
            "DENSIFY": self.same_values,
        }

    def model(self, source_sha256: str) -> bytes:
        """The whole ONNX file."""
        helper, graph = self.helper, self.graph
        size, shapes = KINDS[self.kind]
        self.node("Transpose", ["image"], self.tensor_name(graph.input), perm=[0, 3, 1, 2])
        for op in _needed(graph, list(self.outputs.values())):
            if op.code not in self.handlers:
                raise FormcheckError(
                    f"{self.name} uses the TFLite operator {op.code}, which formcheck cannot convert."
                )
            self.handlers[op.code](op)
        float32 = helper.np_dtype_to_tensor_dtype(np.dtype(np.float32))
        model = helper.make_model(
            helper.make_graph(
                self.nodes,
                f"blazepose_{self.kind}",
                [helper.make_tensor_value_info("image", float32, (1, size, size, 3))],
                [helper.make_tensor_value_info(key, float32, shape) for key, shape in shapes.items()],
                list(self.constants.values()),
            ),
            producer_name="formcheck.pose.convert",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        helper.set_model_props(model, {"formcheck_kind": self.kind, "source_sha256": source_sha256})
        data: bytes = model.SerializeToString(deterministic=True)
        return data

    # Small helpers

    def tensor_name(self, index: int) -> str:
        return self.names.setdefault(index, f"t{index}")

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self.nodes.append(
            self.helper.make_node(kind, list(inputs), [output], name=f"{kind}_{output}", **attributes)
        )

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Put an array in the file once and return its name; float16 gets a Cast to float32 behind it."""
        if name not in self.constants:
            self.constants[name] = self.numpy_helper.from_array(np.ascontiguousarray(values), name)
            if values.dtype == np.float16:
                to = self.helper.np_dtype_to_tensor_dtype(np.dtype(np.float32))
                self.node("Cast", [name], f"{name}_f32", to=to)
        return f"{name}_f32" if values.dtype == np.float16 else name

    def values(self, index: int, *types: Any) -> NDArray[Any]:
        """The values of a constant, which must have one of the given types."""
        data = self.tensors[index].data
        if data is None or data.dtype not in types:
            raise FormcheckError(
                f"{self.name} has weights that are computed or quantised, which formcheck cannot convert."
            )
        return data

    def weights(self, index: int) -> NDArray[Any]:
        return self.values(index, np.float16, np.float32)

    def operand(self, index: int) -> str:
        """An operator's input: a tensor computed before, a constant, or one whose padding is still to do."""
        data = self.tensors[index].data
        if data is not None:
            data = self.weights(index)
            return self.constant(f"c{index}", data.transpose(0, 3, 1, 2) if data.ndim == 4 else data)
        if index in self.padded:
            source, amounts = self.padded.pop(index)
            first_last = (
                amounts[[0, 3, 1, 2]].T.reshape(-1).astype(np.int64)
            )  # ONNX: all starts, then all ends
            pads = self.constant(f"pads{index}", first_last)
            self.node("Pad", [self.tensor_name(source), pads], self.tensor_name(index))
        return self.tensor_name(index)

    def activated(self, op: _Op, kind: str, inputs: Sequence[str], **attributes: Any) -> None:
        """Write a node and, behind it, the activation TFLite has fused into the operator."""
        output = self.tensor_name(op.output)
        activation = op.options.FusedActivationFunction() if op.options is not None else 0
        if activation == 0:
            self.node(kind, inputs, output, **attributes)
            return
        self.node(kind, inputs, f"{output}_raw", **attributes)
        if activation == 1:
            self.node("Relu", [f"{output}_raw"], output)
        elif activation == 3:
            low = self.constant("zero", np.array(0, np.float32))
            high = self.constant("six", np.array(6, np.float32))
            self.node("Clip", [f"{output}_raw", low, high], output)
        else:
            raise FormcheckError(
                f"{self.name} uses a fused activation (number {activation}) that formcheck cannot convert."
            )

    def window(
        self, op: _Op, source: int, kernel: tuple[int, int], dilation: tuple[int, int]
    ) -> dict[str, Any]:
        """Strides, dilations and paddings of a convolution or pooling over the tensor `source`."""
        strides = (op.options.StrideH(), op.options.StrideW())
        pads = np.zeros((2, 2), np.int64)
        if op.options.Padding() == 0:  # SAME: as many outputs as input / stride, the odd pixel at the end
            for i in range(2):
                length = self.tensors[source].shape[1 + i]
                reach = dilation[i] * (kernel[i] - 1) + 1
                total = max((-(-length // strides[i]) - 1) * strides[i] + reach - length, 0)
                pads[i] = total // 2, total - total // 2
        return {"kernel_shape": list(kernel), "strides": list(strides), "pads": pads.T.reshape(-1).tolist()}

    # Operators

    def same_values(self, op: _Op) -> None:
        """DEQUANTIZE of float16 and DENSIFY: the constant passes on as it is (already dense)."""
        data = self.weights(op.inputs[0])
        self.tensors[op.output] = _Tensor(self.tensors[op.output].shape, data)

    def convolution(self, op: _Op) -> None:
        options, source = op.options, op.inputs[0]
        weights = self.weights(op.inputs[1])
        # TFLite: (out, height, width, in), depthwise (1, height, width, out). ONNX: (out, in, height, width).
        depthwise = op.code == "DEPTHWISE_CONV_2D"
        in_channels = self.tensors[source].shape[3]
        weights = weights.transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        groups = in_channels if depthwise else 1
        if weights.shape[1] * groups != in_channels:
            raise FormcheckError(f"{self.name} uses a grouped {op.code}, which formcheck cannot convert.")
        dilation = (options.DilationHFactor(), options.DilationWFactor())
        window = self.window(op, source, weights.shape[2:], dilation)
        pad = self.padded.get(source)
        if pad is not None and options.Padding() == 1 and not pad[1][[0, 3]].any():
            source, amounts = pad
            window["pads"] = amounts[1:3].T.reshape(-1).tolist()
        inputs = [self.operand(source), self.constant(f"w{op.inputs[1]}", weights)]
        if len(op.inputs) > 2 and op.inputs[2] >= 0:
            inputs.append(self.constant(f"b{op.inputs[2]}", self.weights(op.inputs[2])))
        self.activated(op, "Conv", inputs, group=groups, dilations=list(dilation), **window)

    def add(self, op: _Op) -> None:
        ranks = {len(self.tensors[i].shape) for i in op.inputs}
        if len(ranks) != 1:  # channels-first changes what a shorter shape is spread over
            raise FormcheckError(
                f"{self.name} adds tensors of different rank, which formcheck cannot convert."
            )
        self.activated(op, "Add", [self.operand(i) for i in op.inputs])

    def pad(self, op: _Op) -> None:
        amounts = self.values(op.inputs[1], np.int32)
        if amounts.shape != (4, 2):
            raise FormcheckError(
                f"{self.name} pads a tensor that is no picture, which formcheck cannot convert."
            )
        self.padded[op.output] = (op.inputs[0], amounts)
        if op.inputs[0] in self.padded:
            self.operand(op.inputs[0])

    def resize(self, op: _Op) -> None:
        _, height, width, channels = self.tensors[op.output].shape
        mode = "asymmetric"
        if op.options.AlignCorners():
            mode = "align_corners"
        elif op.options.HalfPixelCenters():
            mode = "half_pixel"
        sizes = self.constant(f"sizes{op.output}", np.array([1, channels, height, width], np.int64))
        inputs = [self.operand(op.inputs[0]), "", "", sizes]
        self.node(
            "Resize", inputs, self.tensor_name(op.output), mode="linear", coordinate_transformation_mode=mode
        )

    def max_pool(self, op: _Op) -> None:
        kernel = (op.options.FilterHeight(), op.options.FilterWidth())
        window = self.window(op, op.inputs[0], kernel, (1, 1))
        self.activated(op, "MaxPool", [self.operand(op.inputs[0])], **window)

    def depth_to_space(self, op: _Op) -> None:
        block = op.options.BlockSize()
        self.node(
            "DepthToSpace",
            [self.operand(op.inputs[0])],
            self.tensor_name(op.output),
            blocksize=block,
            mode="DCR",
        )

    def reshape(self, op: _Op) -> None:
        shape, source = self.tensors[op.output].shape, self.operand(op.inputs[0])
        before = self.tensors[op.inputs[0]].shape
        if len(shape) == 4:
            raise FormcheckError(
                f"{self.name} uses RESHAPE to make a picture, which formcheck cannot convert."
            )
        if len(before) == 4 and before[1:3] != (1, 1):  # back to TFLite's order; of one pixel it is the same
            self.node("Transpose", [source], f"{source}_last{op.output}", perm=[0, 2, 3, 1])
            source = f"{source}_last{op.output}"
        target = self.constant("shape_" + "_".join(map(str, shape)), np.array(shape, np.int64))
        self.node("Reshape", [source, target], self.tensor_name(op.output))

    def concatenation(self, op: _Op) -> None:
        rank = len(self.tensors[op.output].shape)
        axis = op.options.Axis() % rank
        if rank == 4:
            axis = (0, 2, 3, 1)[axis]
        self.activated(op, "Concat", [self.operand(i) for i in op.inputs], axis=axis)

    def logistic(self, op: _Op) -> None:
        self.node("Sigmoid", [self.operand(op.inputs[0])], self.tensor_name(op.output))


def main(arguments: Sequence[str]) -> int:
    """Run the command. Returns the exit status: 0, or 2 with a sentence on standard error."""
    if len(arguments) != 2:
        print("usage: python -m formcheck.pose.convert IN.tflite OUT.onnx", file=sys.stderr)
        return 2
    source, target = Path(arguments[0]), Path(arguments[1])
    try:
        kind = convert_file(source, target)
    except FormcheckError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{target}: {kind} model, {target.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
