"""Reads a .tflite file into plain Python: tensors, constants as float32, operators.

Only what the face networks use: no quantised arithmetic (weights are stored as float16
and widened by DEQUANTIZE operators, which are folded here), no control flow, one subgraph.
"""

from dataclasses import dataclass, field

import numpy as np
import tflite

OPERATOR_NAMES = {
    value: name for name, value in vars(tflite.BuiltinOperator).items() if name.isupper()
}
ACTIVATIONS = {
    value: name
    for name, value in vars(tflite.ActivationFunctionType).items()
    if name.isupper()
}
DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
    tflite.TensorType.INT64: np.int64,
}


@dataclass
class Op:
    """One operator; `options` holds what its kind needs (stride, padding, activation)."""

    kind: str
    inputs: list
    outputs: list
    options: dict = field(default_factory=dict)


@dataclass
class Graph:
    """One network: shapes of all tensors by index, constants by index, operators in order."""

    shapes: dict
    constants: dict
    ops: list
    inputs: list
    outputs: list
    names: dict


def read(path):
    """Reads the network; DEQUANTIZE of a constant becomes a float32 constant."""
    with open(path, "rb") as file:
        model = tflite.Model.GetRootAs(file.read(), 0)
    if model.SubgraphsLength() != 1:
        raise ValueError(f"{path}: {model.SubgraphsLength()} subgraphs, expected 1")
    sub = model.Subgraphs(0)
    shapes, constants, names = {}, {}, {}
    for index in range(sub.TensorsLength()):
        tensor = sub.Tensors(index)
        shapes[index] = tensor.ShapeAsNumpy().tolist() if tensor.ShapeLength() else []
        names[index] = tensor.Name().decode()
        buffer = model.Buffers(tensor.Buffer())
        if buffer.DataLength():
            dtype = DTYPES[tensor.Type()]
            data = np.frombuffer(buffer.DataAsNumpy().tobytes(), dtype=dtype)
            constants[index] = data.reshape(shapes[index])

    ops = []
    for index in range(sub.OperatorsLength()):
        raw = sub.Operators(index)
        code = model.OperatorCodes(raw.OpcodeIndex())
        kind = OPERATOR_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [int(i) for i in raw.InputsAsNumpy()]
        outputs = [int(i) for i in raw.OutputsAsNumpy()]
        if kind == "DEQUANTIZE":
            constants[outputs[0]] = constants[inputs[0]].astype(np.float32)
            continue
        ops.append(Op(kind, inputs, outputs, _options(kind, raw.BuiltinOptions())))
    return Graph(
        shapes,
        constants,
        ops,
        [int(i) for i in sub.InputsAsNumpy()],
        [int(i) for i in sub.OutputsAsNumpy()],
        names,
    )


def _options(kind, table):
    """The fields of the operator's option table that change its result."""
    classes = {
        "CONV_2D": tflite.Conv2DOptions,
        "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
        "MAX_POOL_2D": tflite.Pool2DOptions,
        "ADD": tflite.AddOptions,
        "SUB": tflite.SubOptions,
        "MUL": tflite.MulOptions,
        "DIV": tflite.DivOptions,
        "MEAN": tflite.ReducerOptions,
        "SUM": tflite.ReducerOptions,
        "STRIDED_SLICE": tflite.StridedSliceOptions,
        "CONCATENATION": tflite.ConcatenationOptions,
    }
    if kind not in classes or table is None:
        return {}
    options = classes[kind]()
    options.Init(table.Bytes, table.Pos)
    found = {}
    if hasattr(options, "FusedActivationFunction"):
        found["activation"] = ACTIVATIONS[options.FusedActivationFunction()]
    if hasattr(options, "StrideH"):
        found["stride"] = (options.StrideH(), options.StrideW())
        found["same"] = options.Padding() == tflite.Padding.SAME
    for name in ("DilationHFactor", "DepthMultiplier"):
        if hasattr(options, name) and getattr(options, name)() != 1:
            raise ValueError(f"{kind}: {name} {getattr(options, name)()} is not supported")
    if hasattr(options, "FilterHeight"):
        found["window"] = (options.FilterHeight(), options.FilterWidth())
    if hasattr(options, "KeepDims"):
        found["keep_dims"] = bool(options.KeepDims())
    if hasattr(options, "Axis"):
        found["axis"] = options.Axis()
    if hasattr(options, "BeginMask"):
        found["masks"] = {
            "begin": options.BeginMask(),
            "end": options.EndMask(),
            "shrink": options.ShrinkAxisMask(),
            "ellipsis": options.EllipsisMask(),
            "new": options.NewAxisMask(),
        }
    return found
