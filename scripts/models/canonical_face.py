"""Writes models/canonical_face.json from the metadata inside face_landmarker.task.

The metadata is a protobuf message (mediapipe's GeometryPipelineMetadata); the few
fields needed are read here by hand, so the standard library is enough.

Usage: canonical_face.py geometry_pipeline_metadata_landmarks.binarypb canonical_face.json
"""

import json
import struct
import sys


def fields(data):
    """Yields (field number, value) of one protobuf message; bytes for length-delimited."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        number, wire = key >> 3, key & 7
        if wire == 0:
            yield number, varint()
        elif wire == 5:
            yield number, struct.unpack_from("<f", data, at)[0]
            at += 4
        elif wire == 2:
            size = varint()
            yield number, data[at : at + size]
            at += size
        else:
            raise ValueError(f"field {number}: wire type {wire} is not expected here")


def floats(values):
    """A repeated float is stored packed (bytes) or one by one."""
    out = []
    for value in values:
        if isinstance(value, bytes):
            out.extend(struct.unpack(f"<{len(value) // 4}f", value))
        else:
            out.append(value)
    return out


def main(source, target):
    with open(source, "rb") as file:
        top = list(fields(file.read()))
    mesh = [value for number, value in top if number == 1][0]
    buffer = floats(value for number, value in fields(mesh) if number == 3)
    # Each vertex is position (x, y, z) and texture (u, v).
    positions = [buffer[i : i + 3] for i in range(0, len(buffer), 5)]
    basis = [dict(fields(value)) for number, value in top if number == 2]
    weights = sorted((ref[1], ref[2]) for ref in basis)
    if len(positions) != 468 or len(weights) != 33:
        raise SystemExit(f"{source}: {len(positions)} vertices, {len(weights)} weights")

    # Centimetres, y up, z out of the face  ->  millimetres, y down, z into the head.
    # `+ 0.0` turns -0.0 into 0.0.
    vertices = [[round(10 * x, 4), round(-10 * y, 4) + 0.0, round(-10 * z, 4) + 0.0]
                for x, y, z in positions]
    lines = ",\n".join(json.dumps(v, separators=(",", ":")) for v in vertices)
    about = (
        "Canonical face of Google's face landmarker (Apache-2.0), taken from "
        "geometry_pipeline_metadata_landmarks.binarypb in face_landmarker.task by "
        "scripts/models/canonical_face.py. Vertex i is landmark i (468, no irises). "
        "Frame: millimetres; x to the image's right, y down, z into the head (away from "
        "the camera), so that a level face looking into the camera has rotation identity; "
        "original: centimetres, y up, z out of the face. procrustes: landmark indices and "
        "their weights for the rigid fit."
    )
    with open(target, "w", encoding="utf-8") as file:
        file.write('{"about":' + json.dumps(about) + ',\n"unit":"mm",\n')
        file.write('"procrustes":{"indices":' + json.dumps([i for i, _ in weights], separators=(",", ":")))
        file.write(',\n"weights":' + json.dumps([round(w, 7) for _, w in weights], separators=(",", ":")))
        file.write("},\n\"vertices\":[\n" + lines + "\n]}\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
