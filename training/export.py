"""Weights of a network for people who lie to the ONNX files that formcheck runs.

    python training/export.py WEIGHTS.pt [WEIGHTS.pt ...] --network turns [--out models]

Prints how far they are from PyTorch's answers, their sizes and hashes. The hashes belong into
``models/sha256.json``.
Needs ``torch onnx onnxruntime``.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from net import NETWORKS, SIDE_PX, JointsExport, JointsNet, TurnsComparer, TurnsEncoder, TurnsNet
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[1]
BLAZEPOSE = ROOT / "models" / "pose_landmark_full.onnx"
ENCODER, COMPARER = "lying_encoder.onnx", "lying_comparer.onnx"
#: A file's name, module, inputs by name, and the names of its outputs.
Exported = tuple[str, torch.nn.Module, dict[str, torch.Tensor], list[str]]
#: Smaller arrays stay float32.
_LEAST_TO_HALVE = 64


def load(weights: list[Path], network: str) -> TurnsNet | JointsNet:
    """The network with the averaged weights of a training run, or with the mean of several."""
    net: TurnsNet | JointsNet = (TurnsNet if network == "turns" else JointsNet)(BLAZEPOSE)
    kept = [torch.load(file, weights_only=True)["ema"] for file in weights]
    mean = {
        k: sum(one[k].float() for one in kept) / len(kept) if v.is_floating_point() else v
        for k, v in kept[-1].items()
    }
    net.load_state_dict(mean)
    return net.eval()


def write(
    module: torch.nn.Module, given: tuple[torch.Tensor, ...], names: tuple[list[str], list[str]], to: Path
) -> None:
    """Export a module, its weights as float16 with a Cast that ONNX Runtime folds when it loads the model."""
    torch.onnx.export(
        module, given, str(to), input_names=names[0], output_names=names[1], opset_version=17, dynamo=False
    )
    model = onnx.load(to)
    graph, casts = model.graph, []
    for i, weight in enumerate(list(graph.initializer)):
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LEAST_TO_HALVE:
            continue
        name = weight.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}_f16")
        graph.initializer[i].CopyFrom(half)
        casts.append(onnx.helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    for node in graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, to)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path, nargs="+", help="of a run; of several their mean is exported")
    parser.add_argument("--network", choices=list(NETWORKS), default="turns", help="which it is (net.py)")
    parser.add_argument("--out", type=Path, default=ROOT / "models")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = load(args.weights, args.network)
    image, other = torch.rand(1, SIDE_PX, SIDE_PX, 3), torch.rand(1, SIDE_PX, SIDE_PX, 3)
    told: list[Exported] = []
    with torch.no_grad():
        if isinstance(net, JointsNet):
            name = f"lying_{args.network.replace('-', '_')}.onnx"
            told.append((name, JointsExport(net).eval(), {"image": image}, ["joints", "scales", "xyz"]))
        else:
            encoder = TurnsEncoder(net).eval()
            (_, features), (_, rest) = encoder(image), encoder(other)
            told.append((ENCODER, encoder, {"image": image}, ["joints", "features"]))
            told.append((COMPARER, TurnsComparer(net).eval(), {"now": features, "rest": rest}, ["change"]))
        for name, module, given, names in told:
            file = args.out / name
            write(module, tuple(given.values()), (list(given), names), file)
            known = module(*given.values())
            known = known if isinstance(known, tuple) else (known,)
            session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
            answers = session.run(None, {k: v.numpy() for k, v in given.items()})
            off = max(float(np.abs(a - k.numpy()).max()) for a, k in zip(answers, known, strict=True))
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            print(f"{name}: {file.stat().st_size / 1e6:.1f} MB, off by {off:.4f} at most, {digest}")


if __name__ == "__main__":
    main()
