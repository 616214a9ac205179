"""Small files that recorded commands read, drawn from seeds."""

import gzip
import itertools
import shutil
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import PIL.Image
import safetensors.numpy

FIXED = Path(__file__).with_name("inputs")
"""Those that are written by hand: devices, a grid, a recipe, a neuron of a user's own."""
CLASSES = 4
SIDE = 12


def make_inputs(folder: Path) -> None:
    """Write all of them into a folder that is not there yet."""
    shutil.copytree(FIXED, folder, ignore=shutil.ignore_patterns("__pycache__"))
    rng = np.random.default_rng(0)
    _data_sets(folder, rng)
    _models(folder, rng)
    _curves(folder, rng)


def _data_sets(folder: Path, rng: np.random.Generator) -> None:
    shapes = rng.random((CLASSES, SIDE, SIDE)) < 0.4
    content = {}
    for part, count in (("train", 600), ("test", 200)):
        labels = rng.integers(0, CLASSES, count).astype(np.uint8)
        wrong = rng.random((count, SIDE, SIDE)) < 0.15
        brightness = rng.integers(80, 256, (count, SIDE, SIDE))
        content |= {f"x_{part}": ((shapes[labels] ^ wrong) * brightness).astype(np.uint8)}
        content |= {f"y_{part}": labels}
    np.savez(folder / "set.npz", **content)
    (folder / "idx").mkdir()
    for name, part in (("train", "train"), ("t10k", "test")):
        _write_idx(folder / "idx" / f"{name}-images-idx3-ubyte", content[f"x_{part}"])
        _write_idx(folder / "idx" / f"{name}-labels-idx1-ubyte.gz", content[f"y_{part}"])
    digit = np.zeros((90, 120, 3), np.uint8)
    digit[20:70, 50:62] = (240, 200, 180)
    PIL.Image.fromarray(digit).save(folder / "one.png")
    PIL.Image.fromarray(255 - digit[:, :, 0]).save(folder / "dark.png")


def _write_idx(path: Path, values: npt.NDArray[np.uint8]) -> None:
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    content = head + values.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def _models(folder: Path, rng: np.random.Generator) -> None:
    """A network of two layers in each format that is imported."""
    sizes = (SIDE * SIDE, 10, CLASSES)
    arrays, state = {}, {}
    for n, shape in enumerate(itertools.pairwise(sizes)):
        arrays[f"W{n}"] = weights = rng.normal(0, 0.1, shape).astype(np.float32)
        arrays[f"b{n}"] = biases = rng.normal(0, 0.1, shape[1]).astype(np.float32)
        state |= {f"{n}.weight": np.ascontiguousarray(weights.T), f"{n}.bias": biases}
    np.savez(folder / "model.npz", **arrays)
    safetensors.numpy.save_file(state, folder / "model.safetensors")
    helper, single = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Gemm", ["images", "W0", "b0"], ["sums"]),
        helper.make_node("Relu", ["sums"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "W1", "b1"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("images", single, [1, sizes[0]])],
        [helper.make_tensor_value_info("logits", single, [1, CLASSES])],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    onnx.save(helper.make_model(graph), folder / "model.onnx")


def _curves(folder: Path, rng: np.random.Generator) -> None:
    """Curves as a laboratory measures them, with and without what makes a fit ask back."""
    rows = ["device,cycle,polarity,pulse,R_AH (mohm)"]
    currents = ["current\tdevice\tpulse\tR_AH", "mA\t\t\tmohm"]
    for device in range(3):
        bend = 20 * np.exp(rng.normal(0, 0.1))
        for cycle in range(4):
            for polarity, sign in (("potentiation", 1), ("depression", -1)):
                share = np.expm1(-np.arange(61) / bend) / np.expm1(-60 / bend) - 0.5
                values = 400 * sign * share + rng.normal(0, 5, 61)
                for pulse, value in enumerate(values):
                    rows.append(f"bar {device},{cycle},{polarity},{pulse},{value:.3f}")
                    current = sign * (8 + 2 * (cycle % 2)) if pulse else 0
                    text = "9.9E+37" if rng.random() < 0.01 else f"{value:.3f}".replace(".", ",")
                    currents.append(f"{current}\t{device}\t{pulse}\t{text}")
    _write(folder / "pulses.csv", rows)
    _write(folder / "currents.txt", ["Keithley 2182A, 6221", "", *currents])

    rows = ["device,I (mA),R_AH (mohm)"]
    up = np.linspace(-12, 12, 97)
    for device in range(3):
        bend = 4 + rng.normal(0, 0.1)
        for currents_of_branch, sign in ((up, 1), (up[::-1], -1)) * 3:
            values = 60 * np.clip(currents_of_branch - sign * bend, -6, 6) + rng.normal(0, 3, 97)
            pairs = zip(currents_of_branch, values, strict=True)
            rows += [f"{device},{current:.2f},{value:.3f}" for current, value in pairs]
    _write(folder / "loop.csv", rows)

    rows = ["device,temperature (K),time (s),R_AH (mohm)"]
    for device, barrier in enumerate((1.02, 0.97, 1.04)):
        barriers = barrier + 0.05 * np.linspace(-2, 2, 41)
        for temperature in (320, 350, 380):
            tau = 1e-9 * np.exp(barriers / (8.617333e-5 * temperature))
            for time in np.geomspace(1, 1e5, 26):
                value = 180 * np.exp(-time / tau).mean() + rng.normal(0, 2)
                rows.append(f"bar {device},{temperature},{time:.4g},{value:.3f}")
    _write(folder / "decay.csv", rows)

    conductances = np.linspace(1e-5, 3e-5, 30)
    chances = np.linspace(0, 1, 51)
    gone = (conductances - 1e-5) / 2e-5
    for name, sign in (("increasing", 1), ("decreasing", -1)):
        left = 1.3 - (gone if sign > 0 else 1 - gone)
        changes = sign * 2e-5 * (0.1 * left + 0.1 * (chances[:, np.newaxis] - 0.5))
        table = [conductances, chances, *changes]
        lines = [",".join(f"{value:.12g}" for value in row) for row in table]
        _write(folder / f"dG_{name}.txt", ["1st Row = Gbins, 2nd Row = CDF Points", *lines])


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n")
