"""gazed beside what one would take instead: CPU, frames a second, memory, on the same pictures.

scripts/compare.sh runs it. Everybody gets the same 1280×720 JPEGs, as from a camera that sends
MJPEG, at 30 a second and then as fast as it goes, in turns; medians count. Linux: it reads
/proc. Writes a page of Markdown, and the numbers beside it as JSON.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FPS = 30


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def threads_of(pid):
    """CPU seconds by the name of the thread."""
    used = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            # In nanoseconds: by the ticks of stat, hundredths of a second, a thread that wakes now
            # and then is told as nothing or as several times what it takes.
            spent = int((task / "schedstat").read_text().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        used[name] = used.get(name, 0.0) + spent
    if not used:
        sys.exit("compare: this kernel does not tell what threads take (/proc/…/schedstat)")
    return used


def resident_mb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Gazed:
    """The daemon on a folder of pictures."""

    def __init__(self, program, folder):
        self.program, self.shm = program, f"/gaze-compare-{os.getpid()}"
        self.nothing = tempfile.mkdtemp()
        self.env = {**os.environ, "XDG_CONFIG_HOME": self.nothing, "GAZE_SHM": self.shm}
        command = [program, "run", "--source", str(folder), "--loop", "--fps", str(FPS)]
        self.child = subprocess.Popen(command, env=self.env, stderr=subprocess.PIPE)

    def status(self):
        ask = [self.program, "status", "--json"]
        answer = subprocess.run(ask, env=self.env, capture_output=True, check=False)
        return json.loads(answer.stdout) if answer.stdout else {}

    def until(self, wanted):
        end = time.monotonic() + 120
        while not wanted(self.status()):
            if self.child.poll() is not None or time.monotonic() > end:
                sys.exit(f"gazed does not run: {self.child.stderr.read().decode()[-300:]}")
            time.sleep(0.3)

    def measure(self, seconds):
        first, begun, before = self.status(), time.monotonic(), threads_of(self.child.pid)
        time.sleep(seconds)
        after, wall, last = threads_of(self.child.pid), time.monotonic() - begun, self.status()
        used = {name: after[name] - before.get(name, 0.0) for name in after}
        count = lambda key: last["counters"][key] - first["counters"][key]
        frames = count("frames_in") - count("frames_dropped")
        total = sum(used.values())
        return {
            "core_percent": 100 * total / wall,
            "frames_per_s": frames / wall,
            "samples_per_s": count("samples") / wall,
            "late_ticks_percent": 100 * count("late_ticks") / max(1, count("samples")),
            "cpu_ms_per_frame": 1000 * total / frames if frames else None,
            "resident_mb": resident_mb(self.child.pid),
            "threads": {n: 100 * t / wall for n, t in sorted(used.items(), key=lambda i: -i[1])},
        }

    def end(self):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()
        Path("/dev/shm" + self.shm).unlink(missing_ok=True)
        os.rmdir(self.nothing)


def daemon(program, folder, seconds, state):
    gazed = Gazed(program, folder)
    try:
        gazed.until(lambda s: s.get("state") == "running")
        time.sleep(5)
        if state == "paused":
            gazed.child.send_signal(signal.SIGUSR1)
            gazed.until(lambda s: s.get("state") == "paused")
            time.sleep(2)
        return gazed.measure(seconds)
    finally:
        gazed.end()


def peer(peers, name, task, *arguments):
    """What a peer measured of itself; why not, as text, where it cannot."""
    python = peers / name / "bin/python"
    if not python.exists():
        why = peers / f"{name}.why"
        return f"not installed here: {why.read_text().strip()}" if why.exists() else "not installed"
    env = {**os.environ, "EYETRAX_FACE_LANDMARKER_MODEL": str(peers / "face_landmarker.task")}
    command = [str(python), str(HERE / "compare_peers.py"), task, *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [l for l in done.stderr.splitlines() if l.strip()]
        return f"does not run here: {lines[-1][:150] if lines else done.returncode}"
    return json.loads(done.stdout.splitlines()[-1])


def bench(program, folder):
    """Frames a second of ours, from frame to sample, decoding left out, one after another."""
    command = [program, "bench", "--clip", str(folder), "--seconds", "0", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def read_by_python(program, folder, seconds):
    """Time of Gaze.latest() of include/examples/gaze_read.py beside a running daemon."""
    sys.path.insert(0, str(ROOT / "include/examples"))
    sys.dont_write_bytecode = True
    from gaze_read import Gaze

    gazed = Gazed(program, folder)
    try:
        gazed.until(lambda s: s.get("state") == "running")
        reader, spans = Gaze(gazed.shm), []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = time.perf_counter_ns()
            reader.latest()
            spans.append(time.perf_counter_ns() - before)
        return {"read_us": statistics.median(spans) / 1000}
    finally:
        gazed.end()


def median(runs):
    """The median of each number; the first run's texts."""
    whole = [r for r in runs if isinstance(r, dict)]
    if not whole:
        return runs[0]
    out = {}
    for key, value in whole[0].items():
        values = [r[key] for r in whole if key in r]
        if isinstance(value, dict):
            out[key] = median(values)
        elif isinstance(value, (int, float)):
            out[key] = statistics.median(values)
    return out


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def row(name, m, ours):
    if isinstance(m, str):
        return f"| {name} | {m} | | | | |"
    ratio = f"{ours['cpu_ms_per_frame'] / m['cpu_ms_per_frame']:.2f}"
    return (
        f"| {name} | {m['frames_per_s']:.1f} | {m['core_percent']:.0f} % "
        f"| {m['cpu_ms_per_frame']:.1f} | {ratio} | {m['resident_mb']:.0f} |"
    )


def page(r):
    ours, lines = r["gazed"], []
    say_ = lines.append
    say_("# Side by side\n")
    say_("What `make compare` measured: `gazed` beside what one would take instead, each from PyPI at")
    say_("a fixed version in an environment of its own, on the same pictures in the same run. Your")
    say_("machine gives other numbers; trust the ratios, and measure again.\n")
    load = ", ".join(f"{v:.1f}" for v in r["load"])
    say_(f"{os.cpu_count()} cores of {r['processor']}; {r['rounds']} turns of {r['seconds']:.0f} s, medians;")
    say_(f"load average at the beginning and at the end of it: {load} (1 is one busy core).\n")
    if ours["frames_per_s"] < 0.9 * FPS:
        say_(f"**The machine was too busy with other work for {FPS} frames a second.** Shares of a core are of fewer")
        say_("frames than the goals are about, and CPU of a frame is more than on an idle machine, for everybody.")
        say_("Ratios are what can be read here.\n")
    say_("One face, 1280×720 JPEGs at 30 a second, as from a camera that sends MJPEG:\n")
    say_("| program | frames a second | of one core | CPU of a frame, ms | gazed ÷ it | memory, MB |")
    say_("|---|---|---|---|---|---|")
    say_(row("gazed, all of it: decoding, landmarks, gaze, contact, 60 samples a second", ours, ours))
    say_(row("mediapipe 0.10.14, Python FaceMesh with irises: landmarks, no gaze", r["facemesh"], ours))
    say_(row("EyeTrax 0.4.0: landmarks and a point by ridge regression", r["eyetrax"], ours))
    if isinstance(r["facemesh"], dict):
        alone = r["facemesh"]["cpu_ms_per_frame_without_decoding"]
        ratio = ours["cpu_ms_per_frame"] / alone
        say_(f"\nFaceMesh's `process()` alone, the JPEG's decoding left out: {alone:.1f} ms of CPU a frame;")
        say_(f"all of ours, decoding included, is {ratio:.2f} of that.")
    say_("\nAs fast as it goes, one frame after another:\n")
    say_("| program | frames a second |")
    say_("|---|---|")
    fast = r["bench"]
    if fast.get("ms"):
        say_(f"| gazed, frame → sample, decoding left out | {1000 / fast['ms']:.0f} |")
    for name, key in (("mediapipe, decoding included", "facemesh_fast"), ("EyeTrax, decoding included", "eyetrax_fast")):
        m = r[key]
        say_(f"| {name} | {m if isinstance(m, str) else format(m['frames_per_s'], '.0f')} |")
    say_("\nWhat `gazed` takes by itself:\n")
    say_("| state | of one core | goal | frames a second | samples a second | late ticks |")
    say_("|---|---|---|---|---|---|")
    for name, key, goal in (
        ("one face", "gazed", "≤ 50 %"), ("nobody there", "idle", "≤ 15 %"), ("paused", "paused", "≤ 0.5 %"),
    ):
        m = r[key]
        say_(f"| {name} | {m['core_percent']:.1f} % | {goal} | {m['frames_per_s']:.1f} | {m['samples_per_s']:.2f} | {m['late_ticks_percent']:.1f} % |")
    say_("\nBy thread, with one face (more than 0.05 % of a core):\n")
    say_("| thread | one face | nobody there | paused |")
    say_("|---|---|---|---|")
    for name, share in ours["threads"].items():
        rest = [r[k]["threads"].get(name, 0.0) for k in ("idle", "paused")]
        if max(share, *rest) >= 0.05:
            say_(f"| `{name}` | {share:.1f} % | {rest[0]:.1f} % | {rest[1]:.2f} % |")
    say_("\nReading the newest sample (184 bytes) from Python, where the time is mostly Python's own;")
    say_("in C and Rust a read of ours takes nanoseconds (`make bench`):\n")
    say_("| reader | median of a read, µs |")
    say_("|---|---|")
    say_(f"| `include/examples/gaze_read.py` beside a running `gazed`, into a dictionary | {r['ring']['read_us']:.1f} |")
    ice = r["iceoryx2"]
    say_(f"| iceoryx2 0.10.0, `receive()` and one field | {ice if isinstance(ice, str) else format(ice['read_us'], '.1f')} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gazed", required=True, help="the program, built with --release")
    parser.add_argument("--peers", required=True, type=Path, help="folder of the peers' environments")
    parser.add_argument("--clip", default=str(ROOT / "daemon/assets/demo.mp4"), help="one face")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="the page; its numbers go beside it")
    a = parser.parse_args()
    if sys.platform != "linux":
        sys.exit("compare: reads /proc, which only Linux has")
    frames = a.peers / "frames-1"
    if not (frames / "complete").exists():
        made = peer(a.peers, "mediapipe", "frames", a.clip, frames)
        if isinstance(made, str):
            sys.exit(f"compare: mediapipe {made}; its OpenCV makes the pictures")
        (frames / "complete").touch()
    face, room = frames / "face", frames / "room"
    runs = {key: [] for key in ("gazed", "facemesh", "eyetrax", "idle", "paused")}
    load = [os.getloadavg()[0]]
    for turn in range(a.rounds):
        say(f"turn {turn + 1} of {a.rounds}: gazed, mediapipe, EyeTrax, nobody there, paused")
        runs["gazed"].append(daemon(a.gazed, face, a.seconds, "running"))
        runs["facemesh"].append(peer(a.peers, "mediapipe", "facemesh", face, a.seconds, FPS))
        runs["eyetrax"].append(peer(a.peers, "eyetrax", "eyetrax", face, a.seconds, FPS))
        runs["idle"].append(daemon(a.gazed, room, a.seconds, "running"))
        runs["paused"].append(daemon(a.gazed, face, a.seconds, "paused"))
    result = {key: median(all_) for key, all_ in runs.items()}
    short = min(10.0, a.seconds)
    say("as fast as it goes")
    numbers = bench(a.gazed, face)
    result["bench"] = {"ms": numbers.get("frame_to_sample_ms")}
    result["facemesh_fast"] = peer(a.peers, "mediapipe", "facemesh", face, short, 0)
    result["eyetrax_fast"] = peer(a.peers, "eyetrax", "eyetrax", face, short, 0)
    result["ring"] = read_by_python(a.gazed, face, 3)
    result["iceoryx2"] = peer(a.peers, "iceoryx2", "iceoryx2", 3)
    load.append(os.getloadavg()[0])
    result |= {"load": load, "processor": processor(), "rounds": a.rounds, "seconds": a.seconds}
    a.out.parent.mkdir(exist_ok=True)
    for path, text in ((a.out, page(result)), (a.out.with_suffix(".json"), json.dumps(result, indent=1))):
        part = path.with_name(path.name + ".part")
        part.write_text(text + ("" if text.endswith("\n") else "\n"))
        part.rename(path)
    print(a.out.read_text())


main()
