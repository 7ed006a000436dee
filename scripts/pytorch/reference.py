"""The network of trainer/src/net in PyTorch, around torchvision's own MobileNetV2.

Only for making the numbers that the tests compare with, and for comparing
speed; nothing that a user runs needs PyTorch.
"""

import math

import numpy as np
import torch
from torch import nn
from torchvision.models import mobilenet_v2

MASK = (1 << 64) - 1


def chance(seed: int, name: str, count: int) -> np.ndarray:
    """`count` numbers in -1..1: SplitMix64, started from the seed and the name (FNV-1a)."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    state = np.uint64((seed ^ h) & MASK)
    with np.errstate(over="ignore"):
        z = state + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / float(1 << 53) * 2.0 - 1.0


class Places(nn.Module):
    """The compact encoder: its last map squeezed to 32 values a place."""

    def __init__(self, width, channels):
        super().__init__()
        layers = []
        for to, stride in ((32, 2), (64, 2), (64, 1), (128, 2), (128, 1)):
            to = max(8, int(to * width + 4) // 8 * 8)
            layers += [nn.Conv2d(channels, to, 3, stride, 1, bias=False), nn.BatchNorm2d(to), nn.ReLU6()]
            channels = to
        layers += [nn.Conv2d(channels, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class GazeNet(nn.Module):
    def __init__(self, width, channels, embedding=32, hidden=(128, 64), compact_px=None):
        super().__init__()
        if compact_px:
            self.features = Places(width, channels)
            length = 32 * math.ceil(compact_px / 8) ** 2
        else:
            self.features = mobilenet_v2(width_mult=width).features
            length = self.features[-1].out_channels
        if not compact_px and channels != 3:
            first = self.features[0][0]
            self.features[0][0] = nn.Conv2d(channels, first.out_channels, 3, 2, 1, bias=False)
        self.compact = compact_px is not None
        self.embed = nn.ModuleList([nn.Linear(8, embedding), nn.Linear(embedding, embedding)])
        widths = [2 * length + embedding, *hidden]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.output = nn.Linear(widths[-1], 2)
        self.register_buffer("middle", torch.tensor([0.5, 0.5, 0.5, 0.5, 0.125]), persistent=False)
        self.register_buffer("factor", torch.tensor([2.0, 2.0, 2.0, 2.0, 8.0]), persistent=False)

    def forward(self, left, right, pose, position):
        eyes = self.features(torch.cat([left, right]))
        eyes = eyes.flatten(1) if self.compact else eyes.mean((2, 3))
        numbers = torch.cat([pose, (position - self.middle) * self.factor], 1)
        for layer in self.embed:
            numbers = torch.relu(layer(numbers))
        x = torch.cat([eyes[: len(left)], eyes[len(left) :], numbers], 1)
        for layer in self.hidden:
            x = torch.relu(layer(x))
        x = self.output(x)
        ray = torch.cat([x, -torch.ones_like(x[:, :1])], 1)
        return ray / ray.square().sum(1, keepdim=True).sqrt()


def fill(net: nn.Module, seed: int) -> None:
    """Weights of no meaning, the same here and in the tests."""
    modules = dict(net.named_modules())
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            owner, kind = name.rsplit(".", 1)
            u = chance(seed, name, tensor.numel())
            if isinstance(modules[owner], nn.BatchNorm2d):
                value = {
                    "weight": 1.0 + 0.25 * u,
                    "bias": 0.25 * u,
                    "running_mean": 0.25 * u,
                    "running_var": 1.0 + 0.5 * u,
                }[kind].reshape(tensor.shape)
            elif tensor.dim() == 4:
                value = (u * math.sqrt(6.0 / tensor[0].numel())).reshape(tensor.shape)
            elif tensor.dim() == 2:
                # Burn keeps these as [in, out].
                value = (u * math.sqrt(3.0 / tensor.shape[1])).reshape(tensor.shape[::-1]).T
            else:
                value = 0.1 * u
            # Rounded once, so that both sides start from the same bits.
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(value).astype(np.float32)))


def inputs(seed: int, batch: int, channels: int, size: int, dtype):
    def tensor(name, shape, scale, middle=0.0):
        u = chance(seed, name, math.prod(shape)).reshape(shape)
        return torch.from_numpy((middle + scale * u).astype(np.float32)).to(dtype)

    eye = (batch, channels, size, size)
    return (
        tensor("input.left", eye, 2.0),
        tensor("input.right", eye, 2.0),
        tensor("input.pose", (batch, 3), 0.5),
        tensor("input.position", (batch, 5), 0.25, 0.375),
    )
