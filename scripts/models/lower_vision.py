"""Lowers the two convolutional networks (detector, landmarks) to ONNX, channels first.

What differs from a literal translation, and why (ratios in models/README.md):

* The image input is N x 3 x H x W, so no transpose stands before the first convolution.
* Channel counts are rounded up to whole blocks of 16 with zero weights where ONNX Runtime
  would otherwise leave its blocked (NCHWc) layout.
* PAD of channels before an addition becomes a 1x1 convolution with an identity matrix.
* PRelu has no blocked kernel. Per channel, with slope a for negative values:
      PRelu(y) = a*y + (1 - a)*Relu(y).
  For a <= 1 this is a*y + Relu((1 - a)*y); for a > 1 the *negated* value is
  -a*y + Relu((a - 1)*y). Both are two depthwise 1x1 convolutions, the first with its Relu
  fused, the second with its addition fused. The sign is carried along per channel
  (`Value.sign`) and absorbed by the weights of whatever reads the value.
* Where a PRelu sits between a 1x1 and a depthwise convolution and doubling the channels
  costs nothing (they fit the block anyway), Relu([u, -u]) is computed instead and the
  depthwise weights become [d, -a*d].
"""

from dataclasses import dataclass

import numpy as np

BLOCK = 16


@dataclass
class Value:
    """A tensor in the new graph: stored channel c = sign[c] * true channel c.

    `channels` true channels come first, zero channels may follow up to `sign.size`.
    """

    name: str
    sign: np.ndarray
    channels: int


def rounded(channels):
    return -(-channels // BLOCK) * BLOCK


class VisionLowering:
    def __init__(self, graph, builder, prelu="signed", pad_channels=True, crelu=True):
        self.g, self.b = graph, builder
        self.prelu_mode, self.pad_channels, self.crelu = prelu, pad_channels, crelu
        self.values = {}
        self.producer = {op.outputs[0]: op for op in graph.ops}
        self.consumers = {}
        for op in graph.ops:
            for tensor in op.inputs:
                self.consumers.setdefault(tensor, []).append(op)

    # --- helpers -----------------------------------------------------------------

    def width(self, channels):
        return rounded(channels) if self.pad_channels else channels

    def only_consumer(self, tensor):
        users = self.consumers.get(tensor, [])
        return users[0] if len(users) == 1 else None

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

    def emit_conv(self, x, weight, bias, group=1, strides=(1, 1), pads=(0, 0, 0, 0)):
        b = self.b
        return b.node(
            "Conv",
            [x, b.const(weight.astype(np.float32)), b.const(bias.astype(np.float32), "b")],
            group=group,
            kernel_shape=list(weight.shape[2:]),
            strides=list(strides),
            pads=list(pads),
        )

    def channel_scale(self, x, factors):
        """factors * x per channel, as a depthwise 1x1 convolution."""
        factors = np.asarray(factors, np.float64).reshape(-1, 1, 1, 1)
        return self.emit_conv(x, factors, np.zeros(factors.shape[0]), group=factors.shape[0])

    # --- operators ---------------------------------------------------------------

    def conv(self, op, out_sign=None, double=False, exact=False):
        """A full convolution. `out_sign` asks for a sign, `double` for [u, -u],
        `exact` for no rounding up of the channels (network outputs)."""
        source = self.values[op.inputs[0]]
        raw = self.g.constants[op.inputs[1]].astype(np.float64).transpose(0, 3, 1, 2)
        raw_bias = self.g.constants[op.inputs[2]].astype(np.float64)
        if double:
            raw = np.concatenate([raw, -raw])
            raw_bias = np.concatenate([raw_bias, -raw_bias])
        outs, ins = raw.shape[:2]
        size = outs if exact else self.width(outs)
        sign = np.ones(size) if out_sign is None else out_sign
        weight = np.zeros((size, source.sign.size, *raw.shape[2:]))
        weight[:outs, :ins] = raw
        bias = np.zeros(size)
        bias[:outs] = raw_bias
        weight *= sign[:, None, None, None] * source.sign[None, :, None, None]
        name = self.emit_conv(
            source.name,
            weight,
            bias * sign,
            strides=op.options["stride"],
            pads=self.pads(op, raw.shape[2:]),
        )
        return Value(name, sign, outs)

    def depthwise(self, op):
        source = self.values[op.inputs[0]]
        raw = self.g.constants[op.inputs[1]].astype(np.float64).transpose(3, 0, 1, 2)
        bias = np.zeros(source.sign.size)
        bias[: raw.shape[0]] = self.g.constants[op.inputs[2]]
        weight = np.zeros((source.sign.size, *raw.shape[1:]))
        weight[: raw.shape[0]] = raw
        weight *= source.sign[:, None, None, None]
        name = self.emit_conv(
            source.name,
            weight,
            bias,
            group=source.sign.size,
            strides=op.options["stride"],
            pads=self.pads(op, raw.shape[2:]),
        )
        return Value(name, np.ones(source.sign.size), raw.shape[0])

    def doubled_block(self, conv, prelu, depthwise, second):
        """1x1 -> PRelu -> depthwise -> 1x1 as Relu([u, -u]) -> depthwise -> [V, V]."""
        doubled = self.conv(conv, double=True)
        rectified = self.b.node("Relu", [doubled.name])
        channels = doubled.channels // 2
        slope = self.g.constants[prelu.inputs[1]].astype(np.float64).ravel()
        raw = self.g.constants[depthwise.inputs[1]].astype(np.float64).transpose(3, 0, 1, 2)
        raw_bias = self.g.constants[depthwise.inputs[2]].astype(np.float64)
        weight = np.zeros((doubled.sign.size, *raw.shape[1:]))
        weight[:channels] = raw
        weight[channels : 2 * channels] = -slope[:, None, None, None] * raw
        bias = np.zeros(doubled.sign.size)
        bias[:channels] = raw_bias
        name = self.emit_conv(
            rectified,
            weight,
            bias,
            group=doubled.sign.size,
            strides=depthwise.options["stride"],
            pads=self.pads(depthwise, raw.shape[2:]),
        )
        # The second convolution sums both halves: its weights are repeated.
        self.doubled = getattr(self, "doubled", {})
        self.doubled[second.outputs[0]] = True
        self.values[depthwise.outputs[0]] = Value(name, np.ones(doubled.sign.size), channels)

    def conv_of_doubled(self, op, out_sign):
        source = self.values[op.inputs[0]]
        raw = self.g.constants[op.inputs[1]].astype(np.float64).transpose(0, 3, 1, 2)
        outs, ins = raw.shape[:2]
        size = self.width(outs)
        sign = np.ones(size) if out_sign is None else out_sign
        weight = np.zeros((size, source.sign.size, 1, 1))
        weight[:outs, :ins] = raw
        weight[:outs, ins : 2 * ins] = raw
        bias = np.zeros(size)
        bias[:outs] = self.g.constants[op.inputs[2]]
        name = self.emit_conv(source.name, weight * sign[:, None, None, None], bias * sign)
        return Value(name, sign, outs)

    def prelu(self, op):
        source = self.values[op.inputs[0]]
        slope = np.zeros(source.sign.size)
        raw = self.g.constants[op.inputs[1]].astype(np.float64).ravel()
        slope[: raw.size] = raw
        sign, b = source.sign, self.b
        if self.prelu_mode == "plain":
            name = b.node("PRelu", [source.name, b.const(slope.astype(np.float32)[:, None, None])])
            return Value(name, sign, source.channels)
        if self.prelu_mode == "three":
            rectified = b.node("Relu", [source.name])
            positive = self.channel_scale(rectified, 1 - slope)
            linear = self.channel_scale(source.name, slope)
            return Value(b.node("Add", [linear, positive]), sign, source.channels)
        keep_sign = any(user.kind == "MAX_POOL_2D" for user in self.consumers[op.outputs[0]])
        if keep_sign:
            # max(-x) is not -max(x): here the value itself is needed.
            rectified = b.node("Relu", [self.channel_scale(source.name, sign)])
            positive = self.channel_scale(rectified, 1 - slope)
            linear = self.channel_scale(source.name, sign * slope)
            name = b.node("Add", [linear, positive])
            return Value(name, np.ones(sign.size), source.channels)
        out_sign = np.where(slope > 1, -1.0, 1.0)
        bent = b.node("Relu", [self.channel_scale(source.name, sign * np.abs(1 - slope))])
        linear = self.channel_scale(source.name, out_sign * sign * slope)
        return Value(b.node("Add", [linear, bent]), out_sign, source.channels)

    def pad_channels_of(self, op):
        """PAD of the channel axis, as an identity 1x1 convolution."""
        source = self.values[op.inputs[0]]
        amounts = self.g.constants[op.inputs[1]].reshape(-1)
        if np.any(amounts[:7]):
            raise ValueError(f"PAD {amounts} is not of the last channels only")
        outs = self.g.shapes[op.outputs[0]][3]
        size = self.width(outs)
        if size == source.sign.size:
            return Value(source.name, source.sign, outs)  # already zero there
        weight = np.zeros((size, source.sign.size, 1, 1))
        weight[range(source.channels), range(source.channels)] = 1
        sign = np.ones(size)
        weight[:, :, 0, 0] *= source.sign[None, :]
        return Value(self.emit_conv(source.name, weight, np.zeros(size)), sign, outs)

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

    def add(self, op):
        """Residual addition: the convolution among the inputs takes the other's sign."""
        conv = next(
            self.producer[t] for t in op.inputs if self.producer[t].kind == "CONV_2D"
        )
        other = next(t for t in op.inputs if t != conv.outputs[0])
        base = self.values[other]
        if getattr(self, "doubled", {}).get(conv.outputs[0]):
            value = self.conv_of_doubled(conv, base.sign)
        else:
            value = self.conv(conv, out_sign=base.sign)
        return Value(self.b.node("Add", [value.name, base.name]), base.sign, value.channels)

    def crelu_chain(self, op):
        """The operators after a narrow 1x1 convolution when doubling is free, or None."""
        if not (self.crelu and self.prelu_mode == "signed"):
            return None
        channels = self.g.shapes[op.outputs[0]][3]
        if 2 * channels > (self.crelu if self.crelu > 1 else BLOCK):
            return None
        chain = [op]
        for kind in ("PRELU", "DEPTHWISE_CONV_2D", "CONV_2D"):
            following = self.only_consumer(chain[-1].outputs[0])
            if following is None or following.kind != kind:
                return None
            chain.append(following)
        return chain

    def start(self, tensor, name, channels):
        """Declares the network's input."""
        self.values[tensor] = Value(name, np.ones(channels), channels)

    def producer_of_kind(self, kind):
        return [op.outputs[0] for op in self.g.ops if op.kind == kind]

    def run(self, skip):
        """Lowers every operator but those whose output is in `skip` (heads)."""
        done = set(skip)
        for op in self.g.ops:
            out = op.outputs[0]
            if out in done:
                continue
            if op.kind == "CONV_2D":
                following = self.only_consumer(out)
                if following is not None and following.kind == "ADD":
                    continue  # emitted by `add`
                chain = self.crelu_chain(op)
                if chain:
                    self.doubled_block(*chain)
                    done.update(o.outputs[0] for o in chain[:3])
                    continue
                self.values[out] = self.conv(op)
            elif op.kind == "DEPTHWISE_CONV_2D":
                self.values[out] = self.depthwise(op)
            elif op.kind == "PRELU":
                self.values[out] = self.prelu(op)
            elif op.kind == "RELU":
                source = self.values[op.inputs[0]]
                name = self.b.node("Relu", [source.name])
                self.values[out] = Value(name, source.sign, source.channels)
            elif op.kind == "PAD":
                self.values[out] = self.pad_channels_of(op)
            elif op.kind == "MAX_POOL_2D":
                self.values[out] = self.pool(op)
            elif op.kind == "ADD":
                self.values[out] = self.add(op)
            else:
                raise ValueError(f"{op.kind} is not expected in this network")
