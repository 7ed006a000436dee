"""Writes the numbers that trainer/tests/pytorch.rs compares with:

    python scripts/pytorch/fixture.py trainer/tests/data

needs PyTorch and torchvision (2.9.0 and 0.24.0 made the stored ones).
"""

import json
import pathlib
import sys

import torch
from torch import nn
from torchvision.models import mobilenet_v2

import reference

SEED, BATCH, CHANNELS, SIZE, WIDTH = 20261, 4, 1, 48, 0.25
BETA, RATE, DECAY = 0.1, 1e-3, 1e-2


def spots(count: int, want: int = 12) -> list[int]:
    """Places spread over a tensor."""
    return sorted({(i * 7919 + 13) % count for i in range(want)})


def at(tensor: torch.Tensor, places: list[int]) -> list[float]:
    return tensor.detach().reshape(-1)[places].tolist()


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(0)
    net = reference.GazeNet(WIDTH, CHANNELS)
    reference.fill(net, SEED)
    # In double precision, so that what differs is the other side's rounding.
    net.double().eval()
    data = reference.inputs(SEED, BATCH, CHANNELS, SIZE, torch.float64)

    blocks = []
    x = torch.cat(data[:2])
    with torch.no_grad():
        for block in net.features:
            x = block(x)
            places = spots(x.numel())
            blocks.append({"shape": list(x.shape), "at": places, "values": at(x, places),
                           "mean_square": x.square().mean().item()})
        answer = net(*data)

    u = torch.from_numpy(reference.chance(SEED, "target", 2 * BATCH).reshape(BATCH, 2))
    target = nn.functional.normalize(torch.cat([0.4 * u, -torch.ones(BATCH, 1).double()], 1))
    net.train()
    rate = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY, betas=(0.9, 0.999), eps=1e-8)
    trained = net(*data)
    loss = nn.functional.smooth_l1_loss(trained, target, beta=BETA)
    loss.backward()

    # Linear weights as Burn keeps them: [in, out].
    modules = dict(net.named_modules())

    def ours(name, tensor):
        linear = isinstance(modules[name.rsplit(".", 1)[0]], nn.Linear)
        return tensor.T if linear and tensor.dim() == 2 else tensor

    gradients = {}
    for name, p in net.named_parameters():
        g = ours(name, p.grad).reshape(-1)
        # Adam's first step is the gradient's sign: only where that is no rounding.
        clear = (g.abs() > 0.05 * g.abs().max()).nonzero().reshape(-1)
        places = sorted({clear[i].item() for i in spots(len(clear), 6)})
        gradients[name] = {"norm": g.norm().item(), "at": places, "values": at(g, places)}
    rate.step()
    after = {n: at(ours(n, p), gradients[n]["at"]) for n, p in net.named_parameters()}
    running = {}
    for name, b in net.named_buffers():
        if "running" in name:
            places = spots(b.numel(), 3)
            running[name] = {"at": places, "values": at(b, places)}
    net.eval()
    with torch.no_grad():
        loss_after = nn.functional.smooth_l1_loss(net(*data), target, beta=BETA).item()

    numbers = {
        "made_by": f"PyTorch {torch.__version__.split('+')[0]}, double precision",
        "seed": SEED, "batch": BATCH, "channels": CHANNELS, "size": SIZE, "width": WIDTH,
        "eval": {"blocks": blocks, "answer": answer.tolist()},
        "step": {
            "beta": BETA, "rate": RATE, "weight_decay": DECAY, "epsilon": 1e-8,
            "target": target.tolist(), "answer": trained.tolist(), "loss": loss.item(),
            "gradients": gradients, "after": after, "running": running,
            "loss_after": loss_after,
        },
    }

    def rounded(v):
        if isinstance(v, float):
            return float(f"{v:.8g}")
        if isinstance(v, dict):
            return {k: rounded(w) for k, w in v.items()}
        return [rounded(w) for w in v] if isinstance(v, list) else v

    (folder / "pytorch.json").write_text(json.dumps(rounded(numbers)) + "\n")

    keys = {
        k: list(v.shape)
        for k, v in mobilenet_v2().state_dict().items()
        if k.startswith("features.") and not k.endswith("num_batches_tracked")
    }
    text = "{\n" + ",\n".join(f'"{k}": {json.dumps(v)}' for k, v in keys.items()) + "\n}\n"
    (folder / "torchvision-mobilenet-v2.json").write_text(text)

    # A file as torch.save writes it, of the first blocks only: those are small.
    reference.fill(net.float(), SEED)
    first = net.features[:4].state_dict(prefix="features.")
    torch.save(first, folder / "first-blocks.pth")


main()
