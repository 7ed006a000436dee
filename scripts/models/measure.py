"""Times the networks and the other forms they could have had, on one thread, in turns.

Usage: measure.py FOLDER_WITH_TFLITE MODELS_FOLDER [ROUNDS]

Every candidate runs once a round, so that whatever else loads the machine strikes all
alike; the tenth percentile and the median of the rounds are printed with their ratio to
the file we ship. Read the ratios, not the milliseconds.
"""

import pathlib
import sys
import tempfile
import time

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter

import networks
import prelu


def in_onnxruntime(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    net = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    source = net.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in source.shape]
    binding = net.io_binding()
    binding.bind_cpu_input(source.name, np.random.default_rng(1).random(shape, np.float32))
    for out in net.get_outputs():
        binding.bind_output(out.name)
    return lambda: net.run_with_iobinding(binding)


def in_tflite(path):
    net = Interpreter(str(path), num_threads=1)
    net.allocate_tensors()
    source = net.get_input_details()[0]
    shape = tuple(source["shape"])
    net.set_tensor(source["index"], np.random.default_rng(1).random(shape, np.float32))
    return net.invoke


def compare(candidates, rounds):
    taken = {name: [] for name in candidates}
    for number in range(rounds + 5):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            if number >= 5:
                taken[name].append((time.perf_counter() - start) * 1e3)
    low, middle = (
        {name: np.percentile(times, q) for name, times in taken.items()} for q in (10, 50)
    )
    for name in candidates:
        print(f"  {name:44} {low[name]:6.2f} {middle[name]:6.2f} ms   "
              f"x {low[name] / low['shipped']:.2f}, x {middle[name] / middle['shipped']:.2f}")


def main(tflite, models, rounds=200):
    tflite, models = pathlib.Path(tflite), pathlib.Path(models)
    forms = {
        "face-landmarks": {
            "PRelu operator": dict(prelu_form=prelu.PLAIN),
            "PRelu in three operators, channels as they are": dict(
                prelu_form=prelu.THREE, blocked=False
            ),
            "PRelu in three operators": dict(prelu_form=prelu.THREE),
        },
        "face-detector": {"channels as they are": dict(blocked=False)},
        "face-blendshapes": {},
    }
    makers = {"face-landmarks": networks.landmarks, "face-detector": networks.detector}
    for kind, others in forms.items():
        contract = networks.CONTRACTS[kind]
        original = tflite / contract["tflite"]
        candidates = {
            "shipped": in_onnxruntime(models / contract["file"]),
            "original, TensorFlow Lite with XNNPACK": in_tflite(original),
        }
        with tempfile.TemporaryDirectory() as folder:
            for name, options in others.items():
                path = pathlib.Path(folder) / "form.onnx"
                makers[kind](original, **options).save(path, {})
                candidates[name] = in_onnxruntime(path)
        print(f"{kind} (10th percentile, median; ratios of both to the shipped file)")
        compare(candidates, int(rounds))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
