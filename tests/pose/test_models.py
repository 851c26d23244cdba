"""The model registry hands out only whole files, and adding a model either works or leaves nothing behind."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from formcheck.errors import FormcheckError
from formcheck.files import user_data_folder
from formcheck.pose import models

TASK = models.shipped_folder() / "pose_landmarker_full.task"


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("FORMCHECK_DATA", str(folder))
    return folder


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped models that may be spoilt."""
    folder = tmp_path / "shipped"
    shutil.copytree(models.shipped_folder(), folder)
    monkeypatch.setattr(models, "shipped_folder", lambda: folder)
    return folder


@pytest.fixture
def good_onnx(tmp_path: Path) -> Path:
    target = tmp_path / "My Model.onnx"
    shutil.copy(models.shipped_folder() / "pose_landmark_lite.onnx", target)
    return target


def zip_of(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in entries.items():
            bundle.writestr(f"{name}.tflite", content)
    return buffer.getvalue()


def check_one_sentence(error: FormcheckError) -> None:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert ". " not in text.replace("0. ", "")


def check_refused(path: Path, data_folder: Path, match: str, name: str | None = None) -> None:
    with pytest.raises(FormcheckError, match=match) as caught:
        models.add_model(path, name)
    check_one_sentence(caught.value)
    assert not [*data_folder.rglob("*")] or [*data_folder.rglob("*")] == [data_folder / "models"]


def test_shipped_models_are_found_and_whole() -> None:
    for kind, name in (("detector", "detection"), ("landmarks", "lite"), ("landmarks", "full")):
        found = models.find_model(kind, name)  # type: ignore[arg-type]
        assert found.path.is_file()
        assert len(found.sha256) == 64
    listed = models.list_models()
    assert [(info.name, info.origin, info.ok) for info in listed] == [
        ("detection", "shipped", True),
        ("lite", "shipped", True),
        ("full", "shipped", True),
        ("lying-encoder", "shipped", True),
        ("lying-comparer", "shipped", True),
        ("lying-joints-back", "shipped", True),
        ("lying-joints-side", "shipped", True),
        ("full", "shipped", True),  # the bundle of the MediaPipe engine
    ]
    assert all(info.bytes > 1_000_000 for info in listed)
    assert models.find_model("detector", "full") == models.find_model("detector", "detection")
    assert models.find_bundle("full").path == listed[-1].file == TASK


def test_a_damaged_shipped_file_is_refused(shipped: Path) -> None:
    path = shipped / "pose_landmark_full.onnx"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(FormcheckError, match=r"full\.onnx is damaged .* install formcheck again") as caught:
        models.find_model("landmarks", "full")
    check_one_sentence(caught.value)
    assert [info.ok for info in models.list_models()] == [True, True, False, True, True, True, True, True]


def test_a_missing_shipped_file_is_refused(shipped: Path) -> None:
    (shipped / "pose_detection.onnx").unlink()
    with pytest.raises(FormcheckError, match="missing"):
        models.find_model("detector", "detection")
    assert (models.list_models()[0].ok, models.list_models()[0].bytes) == (False, 0)


def test_an_unknown_name_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(FormcheckError, match=r"'Fulll' \(did you mean 'full'\?\); available: lite, full\.$"):
        models.find_model("landmarks", "Fulll")
    with pytest.raises(FormcheckError, match=r"'zebra'; available: detection\.$"):
        models.find_model("detector", "zebra")


@pytest.mark.parametrize("name", ["../lite", "", ".", "..", "/etc/passwd", "a/b"])
def test_a_name_is_never_a_path(name: str, good_onnx: Path, data_folder: Path) -> None:
    with pytest.raises(FormcheckError, match="no model called"):
        models.find_model("landmarks", name)
    check_refused(good_onnx, data_folder, "cannot be a model's name", name)


def test_an_onnx_model_is_added_and_found(good_onnx: Path, data_folder: Path) -> None:
    info = models.add_model(good_onnx)
    assert (info.name, info.origin, info.ok) == ("my-model", "added", True)
    found = models.find_model("landmarks", "my-model")
    assert (found.path, found.sha256) == (info.file, info.sha256)
    assert found.path.read_bytes() == good_onnx.read_bytes()
    assert info in models.list_models()
    assert [path.name for path in (data_folder / "models").iterdir()] == ["my-model"]
    # no detector came with it
    assert models.find_model("detector", "my-model") == models.find_model("detector", "detection")
    with pytest.raises(FormcheckError, match="no bundle for the model 'my-model'"):
        models.find_bundle("my-model")


def test_an_added_model_damaged_later_is_refused(good_onnx: Path) -> None:
    info = models.add_model(good_onnx)
    info.file.write_bytes(info.file.read_bytes()[:-1])
    with pytest.raises(FormcheckError, match=r"damaged .* add the model again") as caught:
        models.find_model("landmarks", "my-model")
    check_one_sentence(caught.value)
    assert not models.list_models()[-1].ok
    (info.file.parent / "model.json").write_text("[1, 2")
    with pytest.raises(FormcheckError, match="'my-model' is damaged"):
        models.find_model("landmarks", "my-model")
    assert not models.list_models()[-1].ok


def test_a_name_is_given_once(good_onnx: Path, data_folder: Path) -> None:
    models.add_model(good_onnx)
    before = sorted(data_folder.rglob("*"))
    with pytest.raises(FormcheckError, match="'my-model' has been added before"):
        models.add_model(good_onnx)
    assert sorted(data_folder.rglob("*")) == before
    models.add_model(good_onnx, "second")
    assert "second" in models.landmark_names()


def test_shipped_names_are_kept(good_onnx: Path, data_folder: Path) -> None:
    check_refused(good_onnx, data_folder, "'full' is shipped", "full")
    check_refused(good_onnx, data_folder, "taken by the shipped detector", "detection")


@pytest.mark.parametrize("suffix", [".task", ".tflite", ".onnx", ".txt", ""])
@pytest.mark.parametrize("content", [b"", b"just some text\n" * 100])
def test_a_text_file_renamed_is_refused(
    suffix: str, content: bytes, tmp_path: Path, data_folder: Path
) -> None:
    if suffix == ".tflite":
        pytest.importorskip("tflite")
    path = tmp_path / f"renamed{suffix}"
    path.write_bytes(content)
    check_refused(path, data_folder, "renamed")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path, data_folder: Path) -> None:
    check_refused(tmp_path / "nowhere.task", data_folder, "Cannot read")
    (tmp_path / "folder.task").mkdir()
    check_refused(tmp_path / "folder.task", data_folder, "Cannot read")


def test_a_zip_of_something_else_is_refused(tmp_path: Path, data_folder: Path) -> None:
    pytest.importorskip("tflite")
    path = tmp_path / "other.task"
    path.write_bytes(zip_of(hand_detector=b"x"))
    check_refused(path, data_folder, "does not hold pose_detector.tflite and pose_landmarks_detector.tflite")
    path.write_bytes(zip_of(pose_detector=b"x", pose_landmarks_detector=b"y"))
    check_refused(path, data_folder, "pose_detector.tflite in other.task is not a TFLite model")
    path.write_bytes(zip_of(pose_detector=b"x", pose_landmarks_detector=b"y")[:-30])
    check_refused(path, data_folder, "damaged")


def test_a_zip_bomb_is_refused(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MAX_BYTES", 2_000_000)
    bomb = bytearray(zip_of(pose_detector=bytes(3_000_000), pose_landmarks_detector=b""))
    assert len(bomb) < 10_000
    path = tmp_path / "bomb.task"
    path.write_bytes(bomb)
    check_refused(path, data_folder, "unpacks to more than 2 MB")
    # one that lies about its size: the directory at the end says 100 bytes
    size_field = bomb.rindex(b"PK\x01\x02", 0, bomb.rindex(b"PK\x01\x02")) + 24
    bomb[size_field : size_field + 4] = (100).to_bytes(4, "little")
    path.write_bytes(bomb)
    check_refused(path, data_folder, "damaged")
    path.write_bytes(bytes(2_000_001))
    check_refused(path, data_folder, "larger than 2 MB")


def test_a_model_of_the_wrong_kind_is_refused(tmp_path: Path, data_folder: Path) -> None:
    path = tmp_path / "detector.onnx"
    shutil.copy(models.shipped_folder() / "pose_detection.onnx", path)
    check_refused(path, data_folder, "detector.onnx")


def test_a_truncated_onnx_model_is_refused(good_onnx: Path, data_folder: Path) -> None:
    good_onnx.write_bytes(good_onnx.read_bytes()[:2_000_000])
    check_refused(good_onnx, data_folder, "ONNX Runtime cannot run it")


def test_a_full_disk_leaves_nothing_half_written(
    good_onnx: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", fail)
    check_refused(good_onnx, data_folder, "Cannot write to .*: No space left on device")
    assert [info.origin for info in models.list_models()] == ["shipped"] * 8


def test_a_bundle_is_added_for_both_engines(data_folder: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("tflite")
    info = models.add_model(TASK, "mine")
    assert (info.name, info.file.name, info.ok) == ("mine", "landmarks.onnx", True)
    assert {path.name for path in info.file.parent.iterdir()} == {
        "landmarks.onnx",
        "detector.onnx",
        "bundle.task",
        "model.json",
    }
    assert models.find_bundle("mine").path.read_bytes() == TASK.read_bytes()
    assert models.find_model("detector", "mine").path.name == "detector.onnx"


def test_a_bundle_with_a_shipped_name_is_for_mediapipe_only() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("tflite")
    info = models.add_model(TASK, "full")
    assert (info.name, info.file.name, info.ok) == ("full", "bundle.task", True)
    assert models.find_bundle("full").path == info.file  # what the user added goes before what is shipped
    assert models.find_model("landmarks", "full").path.parent == models.shipped_folder()


def test_the_data_folder_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path))
    assert user_data_folder() == tmp_path
    monkeypatch.delenv("FORMCHECK_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    for platform, folder in (
        ("linux", tmp_path / "xdg" / "formcheck"),
        ("win32", tmp_path / "local" / "formcheck"),
        ("darwin", Path.home() / "Library" / "Application Support" / "formcheck"),
    ):
        monkeypatch.setattr("sys.platform", platform)
        assert user_data_folder() == folder
