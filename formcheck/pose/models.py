"""The model registry: which weight files there are, shipped or added by the user, and that they are whole.

Shipped models lie in one folder with their hashes in ``sha256.json``. Each model a user adds has a folder of
its own in ``<user data folder>/models/<name>``:

* ``landmarks.onnx`` and, from a ``.task`` bundle, ``detector.onnx``: what our own engine runs;
* ``bundle.task``: the bundle as it was given, which the MediaPipe engine runs;
* ``model.json``: the SHA-256 of each of these files.

No file is handed out unless its hash is the recorded one.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import lzma
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from formcheck.errors import FormcheckError
from formcheck.files import user_data_folder
from formcheck.pose import convert

Kind = Literal["detector", "landmarks", "lying"]

#: Largest file (or contents of a .task file) accepted, in bytes. The heavy bundle has 31 million.
MAX_BYTES = 200_000_000

#: Names of the two models inside a .task bundle, by what they are.
BUNDLE_PARTS: dict[Kind, str] = {
    "detector": "pose_detector.tflite",
    "landmarks": "pose_landmarks_detector.tflite",
}

BUNDLE = "bundle.task"
HASHES = "model.json"

#: What reading a damaged zip file can raise, by the way its contents are packed.
_DAMAGED_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
    MemoryError,
)

# File name of each shipped model, by kind and name.
_SHIPPED: dict[Kind, dict[str, str]] = {
    "detector": {"detection": "pose_detection.onnx"},
    "landmarks": {"lite": "pose_landmark_lite.onnx", "full": "pose_landmark_full.onnx"},
    "lying": {
        "lying-encoder": "lying_encoder.onnx",
        "lying-comparer": "lying_comparer.onnx",
        "lying-joints-back": "lying_joints_back.onnx",
        "lying-joints-side": "lying_joints_side.onnx",
    },
}
# The bundles of the MediaPipe engine, by the landmark model in them.
_SHIPPED_BUNDLES = {"full": "pose_landmarker_full.task"}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class ModelFile:
    """A weight file whose contents have been checked.

    Attributes:
        path: the file.
        sha256: hash of its contents, in hexadecimal.
    """

    path: Path
    sha256: str


@dataclass(frozen=True)
class ModelInfo:
    """One line of the list of models.

    Attributes:
        name: what to choose it by.
        file: the weight file.
        sha256: the hash it should have, in hexadecimal.
        bytes: its size; 0 if it is missing.
        origin: ``"shipped"`` with formcheck or ``"added"`` by the user.
        ok: the file is there and has that hash.
    """

    name: str
    file: Path
    sha256: str
    bytes: int
    origin: Literal["shipped", "added"]
    ok: bool


def shipped_folder() -> Path:
    """The folder of the shipped weights: inside an installed package, or ``models`` of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_models"
    return installed if installed.is_dir() else package.parent / "models"


def added_folder() -> Path:
    """The folder that holds a folder for each model the user has added; it may not exist."""
    return user_data_folder() / "models"


def find_model(kind: Kind, name: str) -> ModelFile:
    """The weight file our own engine runs.

    Args:
        kind: ``"detector"``, ``"landmarks"`` or ``"lying"``.
        name: a landmark model (``"lite"``, ``"full"`` or one the user added). For a detector:
            ``"detection"`` (the shipped one), or a landmark model's name for the detector that came with
            it, which is the shipped one unless the user's bundle brought another. Of the networks for people
            who lie: ``"lying-encoder"``, ``"lying-comparer"``, ``"lying-joints-back"`` or
            ``"lying-joints-side"``.

    Raises:
        FormcheckError: there is no model of that name, or its file is missing or damaged.
    """
    shipped = _SHIPPED[kind]
    if name in shipped:
        return _checked(shipped_folder() / shipped[name], _shipped_hashes().get(shipped[name]), shipped=True)
    if name in _added_names():
        folder = added_folder() / name
        hashes = _recorded(folder)
        if f"{kind}.onnx" in hashes:
            return _checked(folder / f"{kind}.onnx", hashes[f"{kind}.onnx"], shipped=False)
    if kind == "detector" and name in landmark_names():
        return find_model("detector", "detection")
    raise _unknown(name, list(shipped) if kind == "detector" else landmark_names())


def find_bundle(name: str) -> ModelFile:
    """The ``.task`` bundle the MediaPipe engine runs: one the user added, or else the shipped one.

    Raises:
        FormcheckError: there is no bundle of that name, or it is damaged.
    """
    added = [name for name in _added_names() if (added_folder() / name / BUNDLE).exists()]
    if name in added:
        folder = added_folder() / name
        return _checked(folder / BUNDLE, _recorded(folder).get(BUNDLE), shipped=False)
    if name in _SHIPPED_BUNDLES:
        file = _SHIPPED_BUNDLES[name]
        return _checked(shipped_folder() / file, _shipped_hashes().get(file), shipped=True)
    if name in landmark_names():
        raise FormcheckError(
            f"The MediaPipe engine has no bundle for the model '{name}': use the model full, or download "
            f"pose_landmarker_{name}.task from Google and add it with formcheck models add."
        )
    raise _unknown(name, [*_SHIPPED_BUNDLES, *added])


def landmark_names() -> list[str]:
    """Names of the landmark models our own engine can run, shipped ones first."""
    added = [name for name in _added_names() if (added_folder() / name / "landmarks.onnx").exists()]
    return [*_SHIPPED["landmarks"], *(name for name in added if name not in _SHIPPED["landmarks"])]


def list_models() -> list[ModelInfo]:
    """Every weight file known, shipped ones first, each with whether it is whole."""
    hashes = _shipped_hashes()
    infos = [
        _info(name, shipped_folder() / file, hashes.get(file, ""), "shipped")
        for files in (*_SHIPPED.values(), _SHIPPED_BUNDLES)
        for name, file in files.items()
    ]
    for name in _added_names():
        folder = added_folder() / name
        try:
            recorded = _recorded(folder)
        except FormcheckError:
            infos.append(ModelInfo(name, folder / HASHES, "", 0, "added", ok=False))
            continue
        infos += [_info(name, folder / file, digest, "added") for file, digest in sorted(recorded.items())]
    return infos


def add_model(path: Path, name: str | None = None) -> ModelInfo:
    """Add a model: check it, convert it, try it once, and keep it in the user's data folder.

    Args:
        path: an official ``.task`` bundle, the ``.tflite`` landmark model out of one, or an ``.onnx`` file
            made by ``python -m formcheck.pose.convert``.
        name: what to call it; by default taken from the file name (``pose_landmarker_heavy.task`` is
            ``heavy``). A bundle called ``lite`` or ``full`` is kept for the MediaPipe engine only; our own
            engine goes on using the shipped weights of that name.

    Returns:
        The landmark model added, or the bundle where only that is kept.

    Raises:
        FormcheckError: the file cannot be read, is too large, or is not such a model, the name is taken or
            unfit, or the data folder cannot be written. Nothing is left behind.
    """
    name = _new_name(path, name)
    try:
        if not path.is_file() and path.exists() and not path.is_dir():
            raise FormcheckError(f"{path} is not a file that can be read: give the file of a model.")
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise FormcheckError(f"Cannot read {path}: {error.strerror or error}.") from error
    if size > MAX_BYTES:
        raise FormcheckError(
            f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB, which no pose model is."
        )
    files = _files_to_keep(path, data)
    if name in _SHIPPED["landmarks"]:
        if BUNDLE not in files:
            raise FormcheckError(
                f"A model called '{name}' is shipped with formcheck: choose another name with --name."
            )
        files = {BUNDLE: files[BUNDLE]}
    try:
        _store(name, files)
    except OSError as error:
        raise FormcheckError(f"Cannot write to {added_folder()}: {error.strerror or error}.") from error
    main = "landmarks.onnx" if "landmarks.onnx" in files else BUNDLE
    return _info(name, added_folder() / name / main, _sha256(files[main]), "added")


def _files_to_keep(path: Path, data: bytes) -> dict[str, bytes]:
    """Contents of the files a model is kept as, by file name, each tried once."""
    suffix = path.suffix.lower()
    files: dict[str, bytes] = {}
    if suffix == ".task":
        for kind, part in _read_bundle(path.name, data).items():
            found, files[f"{kind}.onnx"] = convert.convert_bytes(part, f"{BUNDLE_PARTS[kind]} in {path.name}")
            if found != kind:
                raise FormcheckError(
                    f"{path.name} is not a pose bundle: its {BUNDLE_PARTS[kind]} is a {found} model."
                )
        files[BUNDLE] = data
    elif suffix in (".tflite", ".onnx"):
        if suffix == ".tflite":
            found, data = convert.convert_bytes(data, path.name)
        else:
            found = "landmarks"
        if found != "landmarks":
            raise FormcheckError(
                f"{path.name} is a person detector: add a landmark model or a .task bundle, which holds both."
            )
        files["landmarks.onnx"] = data
    else:
        raise FormcheckError(f"{path.name} is not a model: give a .task, .tflite or converted .onnx file.")
    for file, contents in files.items():
        if file.endswith(".onnx"):
            _try(contents, file.removesuffix(".onnx"), path.name)
    return files


def _read_bundle(name: str, data: bytes) -> dict[Kind, bytes]:
    """The two TFLite models in a ``.task`` bundle, without ever unpacking more than the limit."""
    from io import BytesIO

    try:
        with zipfile.ZipFile(BytesIO(data)) as bundle:
            if sum(entry.file_size for entry in bundle.infolist()) > MAX_BYTES:
                raise FormcheckError(
                    f"{name} unpacks to more than {MAX_BYTES // 1_000_000} MB and was refused."
                )
            # zipfile never returns more than the size declared for an entry.
            return {kind: bundle.read(part) for kind, part in BUNDLE_PARTS.items()}
    except KeyError as error:
        raise FormcheckError(
            f"{name} is not a pose bundle: it does not hold {' and '.join(BUNDLE_PARTS.values())}."
        ) from error
    except _DAMAGED_ZIP as error:
        raise FormcheckError(f"{name} is not a .task bundle or is damaged: download it again.") from error


def _try(data: bytes, kind: str, name: str) -> None:
    """Load an ONNX model and run it once on a black picture: right names, shapes and finite numbers."""
    from formcheck.pose.runtime import ort

    size, outputs = convert.KINDS[kind]
    try:
        session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
        made_by_us = session.get_modelmeta().custom_metadata_map.get("formcheck_kind") == kind
        black = np.zeros((1, size, size, 3), np.float32)
        results = session.run(list(outputs), {"image": black}) if made_by_us else []
    except Exception as error:  # onnxruntime's errors share no base class of its own
        raise FormcheckError(f"{name} is damaged or not a pose model: ONNX Runtime cannot run it.") from error
    if not made_by_us:
        raise FormcheckError(
            f"{name} was not made by formcheck's converter: make it from the .tflite file with "
            "python -m formcheck.pose.convert."
        )
    for result, shape in zip(results, outputs.values(), strict=True):
        if result.shape != shape or not np.isfinite(result).all():
            raise FormcheckError(f"{name} does not give what a pose {kind} model gives and was refused.")


def _store(name: str, files: dict[str, bytes]) -> None:
    """Write a model's folder whole: into a hidden folder beside its place, then one rename."""
    parent = added_folder()
    target = parent / name
    parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=parent, prefix=".adding-"))
    try:
        for file, contents in files.items():
            (temporary / file).write_bytes(contents)
        hashes = {file: _sha256(contents) for file, contents in files.items()}
        (temporary / HASHES).write_text(json.dumps(hashes, indent=2) + "\n", encoding="utf-8")
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _new_name(path: Path, name: str | None) -> str:
    """The name to add a model under, checked to be fit and free."""
    if name is None:
        stem = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower())
        name = re.sub(r"^pose_landmark(s_detector|er)?_", "", stem)
    if not _NAME.fullmatch(name):
        raise FormcheckError(
            f"'{name}' cannot be a model's name: use up to 40 lower-case letters, digits, '-' and '_'."
        )
    if name in _SHIPPED["detector"]:
        raise FormcheckError(
            f"The name '{name}' is taken by the shipped detector: choose another with --name."
        )
    if (added_folder() / name).exists():
        raise FormcheckError(
            f"A model called '{name}' has been added before: choose another name with --name, or delete the "
            f"folder {added_folder() / name} first."
        )
    return name


def _added_names() -> list[str]:
    """Names of the models the user has added, in alphabetical order."""
    try:
        entries = [entry.name for entry in added_folder().iterdir() if entry.is_dir()]
    except OSError:
        return []
    return sorted(name for name in entries if _NAME.fullmatch(name))


def _shipped_hashes() -> dict[str, str]:
    """Hash of each shipped file, by file name."""
    path = shipped_folder() / "sha256.json"
    try:
        hashes: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormcheckError(
            f"The list of model hashes {path} is missing or damaged: install formcheck again."
        ) from error
    return hashes


def _recorded(folder: Path) -> dict[str, str]:
    """Hash of each file of an added model, by file name."""
    try:
        hashes = json.loads((folder / HASHES).read_text(encoding="utf-8"))
        if not isinstance(hashes, dict):
            raise ValueError("not a table")
    except (OSError, ValueError, RecursionError) as error:
        raise FormcheckError(
            f"The model '{folder.name}' is damaged: delete the folder {folder} and add the model again."
        ) from error
    known = {"landmarks.onnx", "detector.onnx", BUNDLE}
    return {file: str(digest) for file, digest in hashes.items() if file in known}


def _checked(path: Path, sha256: str | None, *, shipped: bool) -> ModelFile:
    """The file, if its contents have this hash."""
    what_to_do = (
        "install formcheck again" if shipped else f"delete the folder {path.parent} and add the model again"
    )
    try:
        actual = _sha256(path.read_bytes())
    except OSError as error:
        raise FormcheckError(f"The model file {path} is missing or cannot be read: {what_to_do}.") from error
    if actual != sha256:
        raise FormcheckError(
            f"The model file {path} is damaged (its SHA-256 is not the recorded one): {what_to_do}."
        )
    return ModelFile(path, actual)


def _info(name: str, path: Path, sha256: str, origin: Literal["shipped", "added"]) -> ModelInfo:
    try:
        data = path.read_bytes()
    except OSError:
        return ModelInfo(name, path, sha256, 0, origin, ok=False)
    return ModelInfo(name, path, sha256, len(data), origin, ok=_sha256(data) == sha256)


def _unknown(name: str, available: list[str]) -> FormcheckError:
    near = difflib.get_close_matches(name.lower(), available, n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    listed = ", ".join(available) or "none"
    return FormcheckError(f"There is no model called '{name}'{hint}; available: {listed}.")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
