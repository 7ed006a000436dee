"""Writes models/GAZE_BASE_TRAINING.md: how the members of gaze_base.onnx learned.

`gaze_base_log.py RUN…`: folders that `gaze-trainer train` wrote, each with a `settings.txt` beside
its `epochs.json` (`gaze_base.sh` puts it there).
"""

import json
import pathlib
import sys

out = pathlib.Path(__file__).resolve().parents[2] / "models" / "GAZE_BASE_TRAINING.md"
text = ["# How gaze_base.onnx learned", "",
        "Written by `scripts/models/gaze_base_log.py`; `gaze_base.sh` holds all settings. For each network: the loss on",
        "looks it learned from, and its error on a fortieth of the people, kept from it, in degrees (mean, median).",
        "The members of the committee are u1, k7, s6 and k6; k1, k3, k5 and k6 together taught s6, whose errors are",
        "those against them.", ""]
for run in map(pathlib.Path, sys.argv[1:]):
    text += [f"## {run.name}", "", f"`{(run / 'settings.txt').read_text().strip()}`", "", "```text",
             "epoch     loss    mean  median  looks a second"]
    for e in json.loads((run / "epochs.json").read_text()):
        check = e["check"]
        text.append(f"{e['epoch']:5}  {e['loss']:.5f}  {check['mean_deg']:6.2f}  {check['median_deg']:6.2f}  "
                    f"{e['per_second']:14.0f}")
    text += ["```", ""]
out.write_text("\n".join(text[:-1]) + "\n", encoding="utf-8")
print(out)
