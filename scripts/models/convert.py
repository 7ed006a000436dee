"""Makes models/*.onnx and models/models.json from an unpacked face_landmarker.task.

Usage: convert.py FOLDER_WITH_TFLITE MODELS_FOLDER      (see rebuild.sh)
"""

import hashlib
import json
import pathlib
import sys

import networks

MAKERS = {
    "face-detector": networks.detector,
    "face-landmarks": networks.landmarks,
    "face-blendshapes": networks.blendshapes,
}


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    entries = []
    for kind, make in MAKERS.items():
        contract = dict(networks.CONTRACTS[kind])
        tflite = source / contract.pop("tflite")
        onnx = target / contract.pop("file")
        origin = {**networks.SOURCE, "network": tflite.name, "network_sha256": sha256(tflite)}
        make(tflite).save(onnx, {
            "gaze.kind": kind,
            "gaze.version": networks.VERSION,
            "gaze.contract": json.dumps(contract, separators=(",", ":")),
            "gaze.source": json.dumps(origin, separators=(",", ":")),
            "gaze.licence": networks.LICENCE,
        })
        entries.append({
            "file": onnx.name, "kind": kind, "version": networks.VERSION,
            "sha256": sha256(onnx), "bytes": onnx.stat().st_size,
            "licence": networks.LICENCE, "licence_file": "LICENSE-Apache-2.0",
            "source": origin, **contract,
        })
        print(f"{sha256(onnx)}  {onnx.name}  {onnx.stat().st_size} bytes")
    index = target / "models.json"
    if index.exists():  # networks of other makers stay
        listed = json.loads(index.read_text(encoding="utf-8"))["networks"]
        entries += [entry for entry in listed if entry["kind"] not in MAKERS]
    text = json.dumps({"schema": 1, "networks": entries}, indent=2)
    index.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
