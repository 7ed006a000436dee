"""Trains the same network in PyTorch and by gaze-trainer, and prints the ratio:

    python scripts/pytorch/speed.py target/release/gaze-trainer cpu [width [size [batch [threads [compact]]]]]

Both take turns, so that what else the machine does meets both; the medians of
all turns are compared.
"""

import json
import os
import statistics
import subprocess
import sys
import time

import torch

import reference

TURNS, STEPS = 3, 6


def pytorch_step_ms(device, encoder, width, size, batch):
    compact_px = size if encoder == "compact" else None
    net = reference.GazeNet(width, 1, compact_px=compact_px).to(device).train()
    rate = torch.optim.AdamW(net.parameters(), lr=1e-4)
    eye = [torch.randn(batch, 1, size, size, device=device) for _ in range(2)]
    pose = torch.zeros(batch, 3, device=device)
    position = torch.full((batch, 5), 0.5, device=device)
    times = []
    for step in range(STEPS + 2):
        start = time.perf_counter()
        rate.zero_grad()
        (net(*eye, pose, position) - 0.5).square().mean().backward()
        rate.step()
        net.output.weight.sum().item()
        if step >= 2:
            times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main():
    program, device = sys.argv[1:3]
    width, size, batch, threads = (
        float(sys.argv[i]) if len(sys.argv) > i else d
        for i, d in zip(range(3, 7), (0.5, 64, 32, os.cpu_count()))
    )
    encoder = sys.argv[7] if len(sys.argv) > 7 else "mobilenet-v2"
    size, batch, threads = int(size), int(batch), int(threads)
    torch.set_num_threads(threads)
    on = torch.device("cpu" if device in ("cpu", "tch") else "cuda")
    env = dict(os.environ, RAYON_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
    command = [program, "speed", "--device", device, "--width", str(width), "--size", str(size),
               "--batch", str(batch), "--encoder", encoder, "--steps", str(STEPS), "--json"]
    ours, theirs = [], []
    for _ in range(TURNS):
        theirs.append(pytorch_step_ms(on, encoder, width, size, batch))
        ours.append(json.loads(subprocess.check_output(command, env=env))["step_ms"])
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(
        f"{device}: {batch / ours * 1e3:.1f} samples a second, PyTorch {torch.__version__.split('+')[0]}"
        f" {batch / theirs * 1e3:.1f}: ratio {theirs / ours:.2f}"
        f" ({encoder}, width {width}, 1x{size}x{size}, batch {batch}, {threads} threads)"
    )


main()
