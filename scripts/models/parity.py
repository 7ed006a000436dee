"""Compares models/*.onnx with the original networks on the portrait, and writes what the
originals say about it for the Rust tests (crates/vision/tests/data/astronaut_landmarks.json).

Usage: parity.py FOLDER_WITH_TFLITE MODELS_FOLDER PORTRAIT.png EXPECTED.json

The recipe is MediaPipe's: detector on the whole picture, weighted non-maximum suppression,
the region 1.5 times the longer side of the box and turned with the line between the eyes,
landmarks in it, blendshapes from the landmarks in image pixels.
"""

import json
import math
import pathlib
import sys

import numpy as np
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from networks import BLENDSHAPE_LANDMARKS


class Original:
    """The network as Google published it, in TensorFlow Lite."""

    def __init__(self, path):
        self.net = Interpreter(str(path), num_threads=1)
        self.net.allocate_tensors()

    def __call__(self, x):
        """`x` channels last; the first two outputs."""
        self.net.set_tensor(self.net.get_input_details()[0]["index"], x)
        self.net.invoke()
        return [self.net.get_tensor(o["index"]) for o in self.net.get_output_details()[:2]]


class Converted:
    """Our file, in ONNX Runtime."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.net = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, x):
        if x.ndim == 4:
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        return self.net.run(None, {self.net.get_inputs()[0].name: x})


def sample(image, region, size):
    """Bilinear crop, float32, 0..255. Pixel (i, j) covers [i, i+1) x [j, j+1) of the image;
    crop pixel (i, j) samples the image at centre + turn((i + .5)/size - .5, ...) * region
    size; outside the picture is black."""
    steps = ((np.arange(size) + 0.5) / size - 0.5) * region["size"]
    u, v = np.meshgrid(steps, steps)
    cos, sin = math.cos(math.radians(region["roll"])), math.sin(math.radians(region["roll"]))
    x = region["centre"][0] + cos * u - sin * v - 0.5
    y = region["centre"][1] + sin * u + cos * v - 0.5
    height, width = image.shape[:2]
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    out = np.zeros((size, size, 3))
    for dx in (0, 1):
        for dy in (0, 1):
            weight = (1 - abs(x - left - dx)) * (1 - abs(y - top - dy))
            inside = (left + dx >= 0) & (left + dx < width) & (top + dy >= 0) & (top + dy < height)
            pixel = image[np.clip(top + dy, 0, height - 1), np.clip(left + dx, 0, width - 1)]
            out += pixel * (weight * inside)[..., None]
    return out.astype(np.float32)


def anchors():
    return np.array([
        ((column + 0.5) / cells, (row + 0.5) / cells)
        for cells, count in ((16, 2), (8, 6))
        for row in range(cells)
        for column in range(cells)
        for _ in range(count)
    ])


def best_face(boxes, scores):
    """(best anchor, its score, box and points as 8 x 2: centre, size, 6 points; averaged
    over the overlapping detections by score, in units of the input)."""
    value = boxes.reshape(896, 8, 2).astype(np.float64) / 128
    value[:, [0, 2, 3, 4, 5, 6, 7]] += anchors()[:, None, :]
    score = 1 / (1 + np.exp(-scores.reshape(896).astype(np.float64)))
    top = int(score.argmax())
    low, high = value[:, 0] - value[:, 1] / 2, value[:, 0] + value[:, 1] / 2
    overlap = np.prod(np.clip(np.minimum(high, high[top]) - np.maximum(low, low[top]), 0, None), 1)
    area = np.prod(value[:, 1], axis=1)
    same = (score > 0.5) & (overlap / (area + area[top] - overlap) > 0.3)
    weights = score[same] / score[same].sum()
    return top, float(score[top]), (value[same] * weights[:, None, None]).sum(0)


def region_of(face, size):
    """The landmark region of a detection, in image pixels (square picture of `size`)."""
    across = (face[3] - face[2]) * size  # image left eye to image right eye
    return {
        "centre": [round(float(c), 2) for c in face[0] * size],
        "size": round(float(1.5 * face[1].max() * size), 2),
        "roll": round(math.degrees(math.atan2(across[1], across[0])), 2),
    }


def to_image(points, region):
    """478 x 3 crop pixels to image pixels; z scaled like x."""
    points = points.reshape(478, 3).astype(np.float64)
    scale = region["size"] / 256
    cos, sin = math.cos(math.radians(region["roll"])), math.sin(math.radians(region["roll"]))
    u, v = (points[:, 0] - 128) * scale, (points[:, 1] - 128) * scale
    x, y = region["centre"][0] + cos * u - sin * v, region["centre"][1] + sin * u + cos * v
    return np.stack([x, y, points[:, 2] * scale], axis=1)


def main(tflite, models, portrait, expected):
    tflite, models = pathlib.Path(tflite), pathlib.Path(models)
    image = np.asarray(Image.open(portrait).convert("RGB"), np.float64)
    side = image.shape[0]
    whole = {"centre": [side / 2, side / 2], "size": side, "roll": 0.0}

    detectors = Original(tflite / "face_detector.tflite"), Converted(models / "face_detector.onnx")
    tensor = (sample(image, whole, 128) / 127.5 - 1)[None]
    (boxes, scores), (our_boxes, our_scores) = (net(tensor) for net in detectors)
    print(f"detector: boxes differ by at most {abs(boxes - our_boxes).max():.1e} of 128 px, "
          f"logits by {abs(scores - our_scores).max():.1e}")
    anchor, score, face = best_face(boxes, scores)
    region = region_of(face, side)

    meshes = (Original(tflite / "face_landmarks_detector.tflite"),
              Converted(models / "face_landmarks.onnx"))
    worst, worst_logit, total = 0.0, 0.0, []
    result = None
    for grow, shift, turn in [(1, 0, 0), (0.8, 10, 20), (1.3, -15, -30), (2, 40, 0), (1, 0, 90)]:
        other = {"centre": [c + shift for c in region["centre"]], "size": region["size"] * grow,
                 "roll": region["roll"] + turn}
        tensor = (sample(image, other, 256) / 255)[None]
        (points, presence), (our_points, our_presence) = (net(tensor) for net in meshes)
        difference = to_image(points, other) - to_image(our_points, other)
        distance = np.hypot(difference[:, 0], difference[:, 1])
        worst, total = max(worst, distance.max()), [*total, *distance]
        worst_logit = max(worst_logit, abs(presence.item() - our_presence.item()))
        if result is None:
            result = to_image(points, other), presence.item()
    print(f"landmarks, 5 regions: x, y differ by at most {worst:.1e} px, mean "
          f"{np.mean(total):.1e} px; presence logit by {worst_logit:.1e}")

    points, presence = result
    shapes = (Original(tflite / "face_blendshapes.tflite"),
              Converted(models / "face_blendshapes.onnx"))
    tensor = points[None, BLENDSHAPE_LANDMARKS, :2].astype(np.float32)
    blend, our_blend = (net(tensor)[0].reshape(52) for net in shapes)
    print(f"blendshapes: differ by at most {abs(blend - our_blend).max():.1e}")

    corner = (face[0] - face[1] / 2) * side
    document = {
        "about": "What the original TensorFlow Lite networks say about the portrait "
                 "(scripts/fetch-portrait.sh), written by scripts/models/parity.py. Image "
                 "pixels, pixel (i, j) covering [i, i+1) x [j, j+1); the regions were sampled "
                 "bilinearly with black outside; roll in degrees, clockwise in the image.",
        "image": {"file": "astronaut.png", "width": side, "height": side},
        "detector": {
            "region": whole,
            "best_anchor": {
                "index": anchor,
                "logit": round(scores.reshape(896)[anchor].item(), 4),
                "values": boxes.reshape(896, 16)[anchor].astype(float).round(4).tolist(),
            },
            "score": round(score, 5),
            "box": {"left": round(corner[0], 3), "top": round(corner[1], 3),
                    "width": round(face[1][0] * side, 3), "height": round(face[1][1] * side, 3)},
            "points": (face[2:] * side).round(3).tolist(),
        },
        "region": region,
        "presence_logit": round(presence, 4),
        "blendshapes": [round(float(c), 5) for c in blend],
        "landmarks": "@",
    }
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    rows = ",\n".join(json.dumps([round(c, 3) for c in p]) for p in points.tolist())
    path = pathlib.Path(expected)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + lines.replace('"@"', f"[\n{rows}\n]") + "\n}\n", encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
