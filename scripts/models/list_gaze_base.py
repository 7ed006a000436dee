"""Writes the entries of models/gaze_base*.onnx into models/models.json."""

import hashlib
import json
import pathlib

folder = pathlib.Path(__file__).resolve().parents[2] / "models"
index = json.loads((folder / "models.json").read_text(encoding="utf-8"))


def entry(file, kind):
    network = (folder / file).read_bytes()
    return {
        "file": file,
        "kind": kind,
        "version": "3",
        "sha256": hashlib.sha256(network).hexdigest(),
        "bytes": len(network),
        "licence": "MIT OR Apache-2.0",
        "licence_file": "LICENSE-Apache-2.0",
        "source": {
            "made_by": "scripts/models/gaze_base.sh",
            "pictures": "rendered people only (gaze-trainer eyes --anywhere)",
            "card": "GAZE_BASE.md",
        },
    }


ours = [entry(f"gaze_base{of}.onnx".replace("-", "_"), f"gaze-base{of}") for of in ("", "-int8")]
kinds = [o["kind"] for o in ours]
index["networks"] = [n for n in index["networks"] if n["kind"] not in kinds] + ours
text = json.dumps(index, indent=2)
(folder / "models.json").write_text(text + "\n", encoding="utf-8")
