"""A small builder of ONNX graphs: named nodes, shared initialisers, metadata."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class Builder:
    """Collects nodes and weights; `save` checks the model and writes it."""

    def __init__(self, name):
        self.name = name
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []
        self._known = {}

    def input(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, name, shape):
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def const(self, array, hint="w"):
        """An initialiser; equal arrays are stored once."""
        array = np.asarray(array, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            name = f"{hint}_{len(self.weights)}"
            self.weights.append(numpy_helper.from_array(array, name))
            self._known[key] = name
        return self._known[key]

    def ints(self, values):
        return self.const(np.asarray(values, np.int64), "shape")

    def node(self, kind, inputs, out=None, **attributes):
        """Adds one operator with one output and returns the output's name."""
        out = out or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, **attributes))
        return out

    def save(self, path, metadata):
        graph = helper.make_graph(
            self.nodes, self.name, self.inputs, self.outputs, self.weights
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="gaze scripts/models/convert.py",
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        with open(path, "wb") as file:
            file.write(model.SerializeToString(deterministic=True))
