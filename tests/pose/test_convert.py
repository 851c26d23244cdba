"""The shipped ONNX weights give what the original TFLite models give, and the converter refuses the rest.

``data/person_256.png`` is a frame of a rendered clip; ``data/tflite_outputs.npz`` holds what the original
TFLite models gave for it (LiteRT 2.3). The originals of the detector and the full model lie in the shipped
bundle of the MediaPipe engine; converting them needs ``formcheck[convert]``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from formcheck.errors import FormcheckError
from formcheck.pose import convert, models
from formcheck.pose.runtime import ort as onnxruntime

DATA = Path(__file__).parent / "data"
SHIPPED = ("pose_detection", "pose_landmark_lite", "pose_landmark_full")
ORIGINALS: dict[str, models.Kind] = {"pose_detection": "detector", "pose_landmark_full": "landmarks"}


def original(name: str) -> bytes:
    """The TFLite file that a shipped model was made from."""
    with zipfile.ZipFile(models.shipped_folder() / "pose_landmarker_full.task") as bundle:
        return bundle.read(models.BUNDLE_PARTS[ORIGINALS[name]])


def run(name: str, data: bytes | None = None) -> dict[str, np.ndarray[Any, Any]]:
    """Outputs, by name, of a shipped model (or `data` in its place) for the stored picture."""
    rgb = cv2.imread(str(DATA / "person_256.png"))[..., ::-1].astype(np.float32)
    if name == "pose_detection":
        image = rgb[16:240, 16:240] / np.float32(127.5) - np.float32(1)
    else:
        image = rgb * np.float32(1 / 255)
    model = data or (models.shipped_folder() / f"{name}.onnx").read_bytes()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    assert [put.name for put in session.get_inputs()] == ["image"]
    names = [put.name for put in session.get_outputs()]
    return dict(zip(names, session.run(names, {"image": image[None]}), strict=True))


def check_against_tflite(name: str, got: dict[str, np.ndarray[Any, Any]]) -> None:
    with np.load(DATA / "tflite_outputs.npz") as stored:
        expected = {
            key.removeprefix(f"{name}."): stored[key] for key in stored.files if key.startswith(f"{name}.")
        }
    if name == "pose_detection":
        assert got["boxes"].shape == (1, 2254, 12)
        np.testing.assert_allclose(got["scores"][0, :, 0], expected["scores"], atol=2e-3)
        np.testing.assert_allclose(got["boxes"][0, expected["best"]], expected["boxes"], atol=1e-3)
        return
    # x, y and z in pixels of 256, and the two logits; then metres; then a probability
    np.testing.assert_allclose(got["landmarks"], expected["landmarks"], rtol=0, atol=0.005)
    np.testing.assert_allclose(got["world_landmarks"], expected["world_landmarks"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(got["score"], expected["score"], rtol=0, atol=1e-3)
    assert got["score"][0, 0] > 0.9  # the picture does show a person


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_agree_with_the_original_models(name: str) -> None:
    check_against_tflite(name, run(name))


def test_shipped_hashes_match_and_stand_in_the_model_card() -> None:
    folder = models.shipped_folder()
    hashes = json.loads((folder / "sha256.json").read_text())
    weights = {path.name for path in folder.iterdir() if path.suffix in (".onnx", ".task")}
    lying = {"encoder", "comparer", "joints_back", "joints_side"}
    ours = {*(f"lying_{name}.onnx" for name in lying), "pose_landmarker_full.task"}
    assert set(hashes) == weights == {*(f"{name}.onnx" for name in SHIPPED), *ours}
    card = (folder / "README.md").read_text()
    for file, digest in hashes.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
        assert digest in card


@pytest.mark.parametrize("name", ORIGINALS)
def test_converting_the_original_file_gives_the_shipped_numbers(name: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("tflite")
    kind, data = convert.convert_bytes(original(name), name)
    assert kind == ORIGINALS[name]
    check_against_tflite(name, run(name, data))
    assert convert.convert_bytes(original(name), name)[1] == data


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_original_is_refused_or_converted_but_never_crashes(seed: int) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("tflite")
    data = bytearray(original("pose_landmark_full"))
    random = np.random.default_rng(seed)
    # The tables are at the end of the file, the weights before them.
    for place in random.integers(len(data) - 60_000, len(data), 30):
        data[place] = random.integers(256)
    with contextlib.suppress(FormcheckError):
        convert.convert_bytes(bytes(data), "damaged.tflite")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x1c\x00\x00\x00TFL3", b"\xff" * 4 + b"TFL3" + b"\xff" * 500]
)
def test_what_is_no_tflite_file_is_refused_in_one_sentence(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("tflite")
    source, target = tmp_path / "in.tflite", tmp_path / "out.onnx"
    source.write_bytes(content)
    assert convert.main([str(source), str(target)]) == 2
    said = capsys.readouterr().err
    assert "in.tflite" in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == [source]


LANDMARK_SHAPES = ((1, 195), (1, 1), (1, 117), (1, 64, 64, 39))


def small_model(builtin: int, output_shapes: tuple[tuple[int, ...], ...] = LANDMARK_SHAPES) -> bytes:
    """A TFLite file in which one operator after the other makes each output from the picture."""
    flatbuffers = pytest.importorskip("flatbuffers")
    tflite = pytest.importorskip("tflite")
    builder = flatbuffers.Builder(1024)

    def vector(values: list[int], start: Any, add: str) -> int:
        start(builder, len(values))
        for value in reversed(values):
            getattr(builder, add)(value)
        return int(builder.EndVector())

    def tensor(shape: tuple[int, ...]) -> int:
        numbers = vector(list(shape), tflite.TensorStartShapeVector, "PrependInt32")
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, numbers)
        return int(tflite.TensorEnd(builder))

    tflite.BufferStart(builder)
    buffer = tflite.BufferEnd(builder)
    buffers = vector([buffer], tflite.ModelStartBuffersVector, "PrependUOffsetTRelative")
    shapes = [(1, 256, 256, 3), *output_shapes]
    tensors = vector(
        [tensor(s) for s in shapes], tflite.SubGraphStartTensorsVector, "PrependUOffsetTRelative"
    )
    numbers = list(range(1, len(shapes)))
    ops = []
    for number in numbers:
        inputs = vector([0], tflite.OperatorStartInputsVector, "PrependInt32")
        outputs = vector([number], tflite.OperatorStartOutputsVector, "PrependInt32")
        tflite.OperatorStart(builder)
        tflite.OperatorAddInputs(builder, inputs)
        tflite.OperatorAddOutputs(builder, outputs)
        ops.append(int(tflite.OperatorEnd(builder)))
    operators = vector(ops, tflite.SubGraphStartOperatorsVector, "PrependUOffsetTRelative")
    graph_in = vector([0], tflite.SubGraphStartInputsVector, "PrependInt32")
    graph_out = vector(numbers, tflite.SubGraphStartOutputsVector, "PrependInt32")
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensors)
    tflite.SubGraphAddInputs(builder, graph_in)
    tflite.SubGraphAddOutputs(builder, graph_out)
    tflite.SubGraphAddOperators(builder, operators)
    graph = tflite.SubGraphEnd(builder)
    graphs = vector([graph], tflite.ModelStartSubgraphsVector, "PrependUOffsetTRelative")
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, builtin)
    code = tflite.OperatorCodeEnd(builder)
    codes = vector([code], tflite.ModelStartOperatorCodesVector, "PrependUOffsetTRelative")
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddSubgraphs(builder, graphs)
    tflite.ModelAddBuffers(builder, buffers)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_an_unknown_operator_is_refused_by_name() -> None:
    tflite = pytest.importorskip("tflite")
    pytest.importorskip("onnx")
    with pytest.raises(FormcheckError, match=r"^new\.tflite uses the TFLite operator TANH, which"):
        convert.convert_bytes(small_model(tflite.BuiltinOperator.TANH), "new.tflite")


def test_a_model_with_other_outputs_is_refused() -> None:
    tflite = pytest.importorskip("tflite")
    pytest.importorskip("onnx")
    with pytest.raises(FormcheckError, match="not a BlazePose model"):
        convert.convert_bytes(small_model(tflite.BuiltinOperator.TANH, ((1, 63), (1, 1))), "hand.tflite")


def test_an_enormous_tensor_is_refused() -> None:
    tflite = pytest.importorskip("tflite")
    pytest.importorskip("onnx")
    huge = small_model(tflite.BuiltinOperator.ADD, (*LANDMARK_SHAPES, (50_000, 50_000)))
    with pytest.raises(FormcheckError, match="damaged"):
        convert.convert_bytes(huge, "huge.tflite")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        FormcheckError, match=r"needs the package 'onnx': run pip install 'formcheck\[convert\]'"
    ):
        convert.convert_bytes(b"", "x.tflite")


def fake_vector(values: list[int]) -> Any:
    """Stands for a flatbuffers table of the kind Int32Vector."""
    return SimpleNamespace(Bytes=values, Pos=0)


class FakeInt32Vector:
    def Init(self, values: list[int], pos: int) -> None:  # noqa: N802 (the generated code's names)
        self.values = values

    def Values(self, i: int) -> int:  # noqa: N802
        return self.values[i]

    def ValuesLength(self) -> int:  # noqa: N802
        return len(self.values)


FAKE_TFLITE = SimpleNamespace(
    DimensionType=SimpleNamespace(DENSE=0, SPARSE_CSR=1),
    SparseIndexVector=SimpleNamespace(Int32Vector=1, Uint16Vector=2, Uint8Vector=3),
    Int32Vector=FakeInt32Vector,
    Uint16Vector=FakeInt32Vector,
    Uint8Vector=FakeInt32Vector,
)


def fake_sparsity(order: list[int], block_map: list[int], levels: list[Any]) -> Any:
    dims = [
        SimpleNamespace(
            Format=lambda level=level: int(not isinstance(level, int)),
            DenseSize=lambda level=level: level,
            ArraySegmentsType=lambda: 1,
            ArraySegments=lambda level=level: fake_vector(level[0]),
            ArrayIndicesType=lambda: 1,
            ArrayIndices=lambda level=level: fake_vector(level[1]),
        )
        for level in levels
    ]
    return SimpleNamespace(
        TraversalOrder=order.__getitem__,
        TraversalOrderLength=lambda: len(order),
        BlockMap=block_map.__getitem__,
        BlockMapLength=lambda: len(block_map),
        DimMetadata=dims.__getitem__,
        DimMetadataLength=lambda: len(dims),
    )


def test_sparse_rows_are_written_out() -> None:
    sparsity = fake_sparsity([0, 1], [], [3, ([0, 2, 2, 3], [0, 3, 1])])
    dense = convert._densify(FAKE_TFLITE, np.array([1, 2, 3], np.float16), (3, 4), sparsity)
    assert dense.tolist() == [[1, 0, 0, 2], [0, 0, 0, 0], [0, 3, 0, 0]]
    assert dense.dtype == np.float16


def test_sparse_blocks_are_written_out() -> None:
    # 4 x 4 in blocks of 2 x 2, the first block row holding one block (the right one), the second the left one
    sparsity = fake_sparsity([0, 1, 2, 3], [0, 1], [2, ([0, 1, 2], [1, 0]), 2, 2])
    dense = convert._densify(FAKE_TFLITE, np.arange(1.0, 9.0, dtype=np.float32), (4, 4), sparsity)
    assert dense.tolist() == [[0, 0, 1, 2], [0, 0, 3, 4], [5, 6, 0, 0], [7, 8, 0, 0]]


def test_sparse_with_too_few_values_is_refused() -> None:
    sparsity = fake_sparsity([0, 1], [], [3, ([0, 2, 2, 3], [0, 3, 1])])
    with pytest.raises(ValueError, match="wrong number of values"):
        convert._densify(FAKE_TFLITE, np.array([1, 2], np.float16), (3, 4), sparsity)
