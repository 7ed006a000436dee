"""Writes the entry of models/gaze_base.onnx into models/models.json."""

import hashlib
import json
import pathlib

folder = pathlib.Path(__file__).resolve().parents[2] / "models"
network = (folder / "gaze_base.onnx").read_bytes()
index = json.loads((folder / "models.json").read_text(encoding="utf-8"))
entry = {
    "file": "gaze_base.onnx",
    "kind": "gaze-base",
    "version": "1",
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
index["networks"] = [n for n in index["networks"] if n["kind"] != entry["kind"]] + [entry]
text = json.dumps(index, indent=2)
(folder / "models.json").write_text(text + "\n", encoding="utf-8")
