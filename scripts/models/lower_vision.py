"""Lowers the two convolutional networks (detector, landmarks) to ONNX, channels first.

What differs from a literal translation, and why (ratios in models/README.md):

* The image input is N x 3 x H x W, so no transpose stands before the first convolution.
* Channel counts are rounded up to whole blocks of 16 with zero weights, so that ONNX
  Runtime never leaves its blocked (NCHWc) layout.
* PAD of channels before an addition becomes a 1x1 convolution with an identity matrix.
* PRelu, which has no blocked kernel, becomes convolutions: see prelu.py.
"""

from dataclasses import dataclass

import numpy as np

import prelu

BLOCK = 16


@dataclass
class Value:
    """A tensor of the new graph: stored channel c is sign[c] (+1 or -1) times the true one.

    The true channels come first; zero channels may follow, up to `sign.size`. With
    `parts` = 2 the true value is the sum of the first and the second `channels` channels.
    """

    name: str
    sign: np.ndarray
    channels: int
    parts: int = 1

    @property
    def width(self):
        return self.sign.size


class VisionLowering:
    """Turns the operators of a tflite_graph.Graph into nodes of an onnx_builder.Builder.

    `prelu_form` and `blocked` choose other translations than the shipped one, for
    measure.py alone.
    """

    def __init__(self, graph, builder, prelu_form=prelu.SIGNED, blocked=True):
        self.g, self.b = graph, builder
        self.prelu_form, self.blocked = prelu_form, blocked
        self.values = {}
        self.producer = {op.outputs[0]: op for op in graph.ops}
        self.consumers = {}
        for op in graph.ops:
            for tensor in op.inputs:
                self.consumers.setdefault(tensor, []).append(op)

    # --- what the graph says ---------------------------------------------------------

    def rounded(self, channels):
        return -(-channels // BLOCK) * BLOCK if self.blocked else channels

    def only_consumer(self, tensor, kind):
        """The one operator that reads `tensor`, if it is one and of this kind."""
        users = self.consumers.get(tensor, [])
        return users[0] if len(users) == 1 and users[0].kind == kind else None

    def outputs_of(self, *kinds):
        return {op.outputs[0] for op in self.g.ops if op.kind in kinds}

    def filters(self, op):
        """(weights as out x in x height x width, or channels x 1 x ..; bias), in float64."""
        order = (0, 3, 1, 2) if op.kind == "CONV_2D" else (3, 0, 1, 2)
        weight = self.g.constants[op.inputs[1]].astype(np.float64).transpose(order)
        return weight, self.g.constants[op.inputs[2]].astype(np.float64)

    def pads(self, op, kernel):
        """TensorFlow's SAME puts the odd pixel at the end; ONNX wants it spelled out."""
        if not op.options["same"]:
            return [0, 0, 0, 0]
        before, after = [], []
        for axis in (0, 1):
            size = self.g.shapes[op.inputs[0]][1 + axis]
            out = self.g.shapes[op.outputs[0]][1 + axis]
            total = max((out - 1) * op.options["stride"][axis] + kernel[axis] - size, 0)
            before.append(total // 2)
            after.append(total - total // 2)
        return before + after

    # --- what the new graph gets -----------------------------------------------------

    def emit_conv(self, x, weight, bias, group=1, strides=(1, 1), pads=(0, 0, 0, 0)):
        weight, bias = weight.astype(np.float32), bias.astype(np.float32)
        return self.b.node(
            "Conv",
            [x, self.b.const(weight), self.b.const(bias, "b")],
            group=group,
            kernel_shape=list(weight.shape[2:]),
            strides=list(strides),
            pads=list(pads),
        )

    def channel_scale(self, x, factors):
        """factors * x per channel, as a depthwise 1x1 convolution."""
        size = factors.size
        return self.emit_conv(x, factors.reshape(size, 1, 1, 1), np.zeros(size), group=size)

    def conv(self, op, sign=None, mirrored=False, exact=False):
        """A full convolution of any value. `sign` asks for signs of the result,
        `mirrored` for [u, -u], `exact` for no rounding up of its channels."""
        source = self.values[op.inputs[0]]
        raw, raw_bias = self.filters(op)
        if mirrored:
            raw, raw_bias = np.concatenate([raw, -raw]), np.concatenate([raw_bias, -raw_bias])
        raw = np.tile(raw, (1, source.parts, 1, 1))
        outs, ins = raw.shape[:2]
        size = outs if exact else self.rounded(outs)
        sign = np.ones(size) if sign is None else sign
        weight, bias = np.zeros((size, source.width, *raw.shape[2:])), np.zeros(size)
        weight[:outs, :ins], bias[:outs] = raw, raw_bias
        weight *= sign[:, None, None, None] * source.sign[None, :, None, None]
        name = self.emit_conv(
            source.name,
            weight,
            bias * sign,
            strides=op.options["stride"],
            pads=self.pads(op, raw.shape[2:]),
        )
        return Value(name, sign, outs)

    def depthwise(self, op, mirrored_slope=None):
        """A depthwise convolution. With `mirrored_slope` a its source is Relu([u, -u]) and
        the result is in two parts, d * Relu(u) and -a * d * Relu(-u)."""
        source = self.values[op.inputs[0]]
        raw, raw_bias = self.filters(op)
        channels, parts = raw.shape[0], 1
        if mirrored_slope is not None:
            raw = np.concatenate([raw, -mirrored_slope[:, None, None, None] * raw])
            parts = 2
        weight, bias = np.zeros((source.width, *raw.shape[1:])), np.zeros(source.width)
        weight[: raw.shape[0]], bias[:channels] = raw, raw_bias
        weight *= source.sign[:, None, None, None]
        name = self.emit_conv(
            source.name,
            weight,
            bias,
            group=source.width,
            strides=op.options["stride"],
            pads=self.pads(op, raw.shape[2:]),
        )
        return Value(name, np.ones(source.width), channels, parts)

    def relu(self, op):
        source = self.values[op.inputs[0]]
        if np.any(source.sign < 0):
            raise ValueError("RELU of a negated channel")
        name = self.b.node("Relu", [source.name])
        return Value(name, source.sign, source.channels)

    def pool(self, op):
        source = self.values[op.inputs[0]]
        if np.any(source.sign < 0):
            raise ValueError("MAX_POOL_2D of a negated channel")
        name = self.b.node(
            "MaxPool",
            [source.name],
            kernel_shape=list(op.options["window"]),
            strides=list(op.options["stride"]),
        )
        return Value(name, source.sign, source.channels)

    def pad(self, op):
        """PAD of the channel axis: nothing where the rounding already did it, else an
        identity 1x1 convolution."""
        source = self.values[op.inputs[0]]
        amounts = self.g.constants[op.inputs[1]].reshape(-1)
        if np.any(amounts[:7]):
            raise ValueError(f"PAD {amounts} is not of the last channels only")
        outs = self.g.shapes[op.outputs[0]][3]
        size = self.rounded(outs)
        if size == source.width:
            return Value(source.name, source.sign, outs)
        weight = np.zeros((size, source.width, 1, 1))
        diagonal = range(source.channels)
        weight[diagonal, diagonal, 0, 0] = source.sign[: source.channels]
        return Value(self.emit_conv(source.name, weight, np.zeros(size)), np.ones(size), outs)

    def add(self, op):
        """Residual addition: the convolution among the inputs takes the other's signs and
        is emitted only now, right before it, so that the runtime fuses the two."""
        conv = next(
            self.producer[t] for t in op.inputs if self.producer[t].kind == "CONV_2D"
        )
        base = self.values[next(t for t in op.inputs if t != conv.outputs[0])]
        value = self.conv(conv, sign=base.sign)
        return Value(self.b.node("Add", [value.name, base.name]), base.sign, value.channels)

    # --- the walk --------------------------------------------------------------------

    def start(self, tensor, name, channels):
        """Declares the network's input."""
        self.values[tensor] = Value(name, np.ones(channels), channels)

    def run(self, skip):
        """Lowers every operator but those whose output is in `skip` (the heads)."""
        translate = {
            "CONV_2D": self.conv,
            "DEPTHWISE_CONV_2D": self.depthwise,
            "PRELU": lambda op: prelu.lower(self, op),
            "RELU": self.relu,
            "PAD": self.pad,
            "MAX_POOL_2D": self.pool,
            "ADD": self.add,
        }
        done = set(skip)
        for op in self.g.ops:
            out = op.outputs[0]
            if out in done or (op.kind == "CONV_2D" and self.only_consumer(out, "ADD")):
                continue
            if op.kind == "CONV_2D" and (chain := prelu.mirror_chain(self, op)):
                prelu.lower_mirrored(self, *chain)
                done.update(member.outputs[0] for member in chain)
                continue
            self.values[out] = translate[op.kind](op)
