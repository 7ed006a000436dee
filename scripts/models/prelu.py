"""PRelu as convolutions that ONNX Runtime fuses and keeps in its blocked layout.

With slope a for negative values, per channel:

    PRelu(y) = a*y + (1 - a)*Relu(y).

The sum of a linear term and a Relu with factor 1 is convex, so for a <= 1

    PRelu(y) = a*y + Relu((1 - a)*y),

and for a > 1 the negated value is

    -PRelu(y) = -a*y + Relu((a - 1)*y).

Either is two depthwise 1x1 convolutions, the first with its Relu fused, the second with
its addition. The sign is carried along per channel (`Value.sign`) and absorbed by the
weights of whatever reads the value.

Where a PRelu stands between a narrow 1x1 and a depthwise convolution, and doubling the
channels costs nothing because they fit one block anyway, it takes no operator at all:
PRelu(u) = Relu(u) - a*Relu(-u), so the 1x1 convolution yields Relu([u, -u]), the depthwise
weights become [d, -a*d], and the following 1x1 convolution adds the two parts.
"""

import numpy as np

SIGNED = "signed"  # what is shipped, as above
THREE = "three operators"  # Relu, then a*y and (1 - a)*Relu(y), literally
PLAIN = "plain"  # the PRelu operator


def slopes(lowering, op):
    return lowering.g.constants[op.inputs[1]].astype(np.float64).ravel()


def lower(lowering, op):
    """A PRelu on its own."""
    source = lowering.values[op.inputs[0]]
    slope = np.zeros(source.width)
    slope[: source.channels] = slopes(lowering, op)
    sign, node, scale = source.sign, lowering.b.node, lowering.channel_scale
    result_sign = np.ones(source.width)
    if lowering.prelu_form == PLAIN:
        weight = lowering.b.const(slope.astype(np.float32)[:, None, None])
        name = node("PRelu", [source.name, weight])
    elif lowering.prelu_form == THREE:
        bent = scale(node("Relu", [source.name]), 1 - slope)
        name = node("Add", [scale(source.name, slope), bent])
    elif any(user.kind == "MAX_POOL_2D" for user in lowering.consumers[op.outputs[0]]):
        # The largest of negated values is not the negated largest: no negation here.
        bent = scale(node("Relu", [scale(source.name, sign)]), 1 - slope)
        name = node("Add", [scale(source.name, sign * slope), bent])
    else:
        result_sign = np.where(slope > 1, -1.0, 1.0)
        bent = node("Relu", [scale(source.name, sign * np.abs(1 - slope))])
        name = node("Add", [scale(source.name, result_sign * sign * slope), bent])
    return type(source)(name, result_sign, source.channels)


def mirror_chain(lowering, conv):
    """(1x1, PRelu, depthwise) when the mirrored form applies from `conv` on, else None."""
    channels = lowering.g.shapes[conv.outputs[0]][3]
    if lowering.prelu_form != SIGNED or lowering.rounded(2 * channels) > lowering.rounded(channels):
        return None
    act = lowering.only_consumer(conv.outputs[0], "PRELU")
    depthwise = act and lowering.only_consumer(act.outputs[0], "DEPTHWISE_CONV_2D")
    if not depthwise or not lowering.only_consumer(depthwise.outputs[0], "CONV_2D"):
        return None
    return conv, act, depthwise


def lower_mirrored(lowering, conv, act, depthwise):
    """1x1, PRelu, depthwise as 1x1 to [u, -u], Relu, depthwise in two parts."""
    doubled = lowering.conv(conv, mirrored=True)
    doubled.name = lowering.b.node("Relu", [doubled.name])
    lowering.values[act.outputs[0]] = doubled
    lowering.values[depthwise.outputs[0]] = lowering.depthwise(
        depthwise, mirrored_slope=slopes(lowering, act)
    )
