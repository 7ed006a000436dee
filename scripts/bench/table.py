"""Makes docs/bench.json and docs/BENCH.md of what the parts of `make bench` printed.

`table.py FOLDER OUT --clip NAME --seconds S`: FOLDER holds one file a part. Rows of parts that
are not there stay as they are in OUT/bench.json, with the machine they were measured on.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
from pathlib import Path

TITLES = {
    "ring": "The shared memory",
    "frame": "From frame to sample, one core",
    "daemon": "The whole daemon, alone and beside a process that burns one core",
    "clips": "Without and with a clip being recorded all the time",
    "demo": "The demo through the real chain, against its truth",
    "filters": "The default filter against the best One-Euro (`gazed filter-report`)",
    "people": "Networks and geometry against rendered people",
    "learn": "A network from nothing, on rendered people it has never seen",
}


def machine() -> str:
    """Processor, cores and system in a few words."""
    name = platform.processor() or platform.machine()
    try:
        if platform.system() == "Darwin":
            name = subprocess.check_output(["sysctl", "-n", "machdep.cpu.brand_string"], text=True).strip()
        else:
            text = Path("/proc/cpuinfo").read_text()
            found = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
            name = found.group(1) if found else name
    except (OSError, subprocess.CalledProcessError):
        pass
    return f"{os.cpu_count()} × {name}, {platform.system()} {platform.machine()}"


def number(value) -> str:
    """As many digits as mean something."""
    if isinstance(value, list):
        return " · ".join(number(v) for v in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


# What a name ends with or holds, and the unit of its number.
UNITS = [
    ("of it gaze", "% of a core"), ("gaze-", "% of a core"), ("processor", "% of a core"), ("memory", "MB"),
    ("samples a second", "Hz"), ("iris error", "px"), ("head yaw error", "°"), ("head pitch error", "°"),
    ("furthest off", "°"), ("valid", "%"), ("frames with a face", "%"), ("peer, a frame", "ms"),
]


def flat(fields: dict) -> list:
    """Rows of a JSON object as `gazed bench --json` prints it."""
    rows = []
    for key, value in fields.items():
        if isinstance(value, dict):
            rows += [(f"{key}: {inner}", v) for inner, v in value.items()]
        elif isinstance(value, (int, float, list)):
            rows.append((key, value))
    spread = {"_ms_p50_p90_p99_max": ", ms p50 · p90 · p99 · worst", "_ms_p50_p99_p99.9_max": ", ms p50 · p99 · p99.9 · worst"}
    named = []
    for key, value in rows:
        for end, words in spread.items():
            if key.endswith(end):
                key = key.removesuffix(end) + words
        key = re.sub(r"\s+", " ", key.replace("_", " ")).strip()
        unit = next((unit for part, unit in UNITS if part in key and not isinstance(value, list)), "")
        named.append([f"{key}, {unit}" if unit else key, value])
    # Alone first.
    return sorted(named, key=lambda row: row[0].startswith("beside"))


def filters(report: dict) -> list:
    """Ours and what it is held against, one row a setting and filter, then the ratios."""
    rows = []
    for one in report["settings"]:
        setting = one["setting"]
        where = f"{setting['fps']:g} fps, {setting['noise']:g} × the noise"
        for row in one["rows"]:
            if row["name"].startswith(("none", "One-Euro", "ours")):
                m = row["measures"]
                rows.append([
                    f"{where}: {row['name']}, jitter ° · saccade ms · pursuit ms · blink ° · blink without the lids' part °",
                    [m["jitter_deg"], m["saccade_ms"], m["pursuit_ms"], m["blink_deg"], row["blink_without_lids_deg"]],
                ])
        rows.append([f"{where}: less jitter at no more lag, %", 100 * one["less_jitter"]])
        rows.append([f"{where}: less lag at no more jitter, %", 100 * one["less_lag"]])
    return rows


def lines(text: str) -> list:
    """Rows of a part that prints lines for people."""
    rows = []
    for line in text.splitlines():
        line = re.sub(r"\s*\|\s*", ", ", line)
        # Columns are two spaces apart; where there are none, a colon parts name and number.
        found = re.match(r"(\S.*?)\s{2,}(.*\d.*)$", line.strip()) or re.match(r"(\S.*?): (.*\d.*)$", line.strip())
        if found:
            rows.append([found.group(1), re.sub(r"\s{2,}", "  ", found.group(2))])
    return rows


def part(name: str, text: str) -> list:
    try:
        fields = json.loads(text)
    except ValueError:
        return lines(text)
    return filters(fields) if name == "filters" else flat(fields)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--seconds", required=True)
    args = parser.parse_args()
    kept = args.out / "bench.json"
    parts = json.loads(kept.read_text())["parts"] if kept.exists() else {}
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    for name in TITLES:
        file = args.folder / name
        if not file.exists():
            continue
        notes = []
        if name in ("frame", "daemon", "clips"):
            notes.append(f"clip: {args.clip}")
        if name in ("daemon", "clips"):
            notes.append(f"{args.seconds} s")
        parts[name] = {
            "machine": machine(),
            "load": f"load average {os.getloadavg()[0]:.1f} at the end",
            "day": datetime.date.today().isoformat(),
            "commit": commit.stdout.strip(),
            "notes": ", ".join(notes),
            "rows": part(name, file.read_text()),
        }
    ordered = {name: parts[name] for name in TITLES if name in parts}
    text = ["# What was measured", "", "Made by `make bench` (`scripts/bench.sh`); not by hand. Trust ratios within a part,",
            "not numbers across machines.", ""]
    for name, one in ordered.items():
        about = [one["machine"], one["day"], one["commit"], one["load"], one["notes"]]
        text += [f"## {TITLES[name]}", "", " · ".join(a for a in about if a), "", "| what | measured |", "|---|---|"]
        text += [f"| {what.replace('|', '/')} | {number(value)} |" for what, value in one["rows"]] + [""]
    args.out.mkdir(parents=True, exist_ok=True)
    for file, content in ((kept, json.dumps({"parts": ordered}, indent=1, ensure_ascii=False) + "\n"),
                          (args.out / "BENCH.md", "\n".join(text))):
        half = file.with_suffix(".part")
        half.write_text(content)
        half.rename(file)
        print(file)


main()
