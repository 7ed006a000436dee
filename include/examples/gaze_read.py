#!/usr/bin/env python3
"""Reads gaze samples with nothing but Python's standard library (3.8 or later).

    python3 include/examples/gaze_read.py [--seconds N] [--name /NAME]

prints one JSON object a line. `Gaze` can be imported and used by itself.

The memory is mapped read-only (`mmap.ACCESS_READ`). The standard library's
`multiprocessing.shared_memory` is not used on purpose: it opens writable, and
its resource tracker removes the name when the reader ends.

What this cannot promise. A slot is guarded by a sequence before and after its
payload. Python has no atomic loads and no fences, so this reads the sequence,
copies the slot, and reads the sequence again in plain statements. On x86-64 the
processor keeps loads in order, and an interpreter executes far too many
instructions in between for anything else to reorder them; a torn sample has
never been seen there. On ARM (every Apple-silicon Mac) the processor may
reorder those loads, so a torn sample is possible in principle, if unlikely: at
60 Hz a slot is overwritten only every 8.5 s. A program that must be sure uses
gaze.h.
"""

import argparse
import ctypes
import ctypes.util
import json
import math
import mmap
import os
import struct
import sys
import time

MAGIC = int.from_bytes(b"GAZESHM\0", "little")
VERSION, READS_SINCE = 5, 1
TOTAL, SAMPLES_AT, SLOTS, SLOT = 114688, 2048, 512, 192
FACES_AT, FACE_SLOTS, FACE_SLOT, ROWS = SAMPLES_AT + SLOTS * SLOT, 16, 576, 8
SAMPLE = struct.Struct("<5Q I H 2B 8f 2I 3f 3f 3f 3f 2f I f 2f 4f 2f")
assert SAMPLE.size == SLOT - 8
TABLE, ROW = struct.Struct("<6Q I 2H"), struct.Struct("<I 2B H 10f 2Q")
assert TABLE.size + ROWS * ROW.size == FACE_SLOT - 8
STATES = ("unknown", "contact", "away", "eyes closed")
SOURCES = ("none", "network", "geometry", "assistant")
FACE, EYES_OPEN, VALID, MEASURED, PREDICTED, CALIBRATED = 1, 8, 16, 32, 64, 128
REASONS = (
    "ok", "starting", "no face", "eyes closed", "frozen picture", "no frames", "camera busy",
    "camera lost", "permission denied", "paused", "low confidence", "no network", "source ended",
    "fault", "no camera", "unusable frame", "gaze off screen", "stopped",
)


def real(value):
    """JSON knows no NaN."""
    return value if math.isfinite(value) else None


class GazeError(Exception):
    """The shared memory cannot be read; the text says why."""


class Gaze:
    """One reader. `latest()` gives the newest sample, `next()` each one."""

    def __init__(self, name=None):
        self.name = name or os.environ.get("GAZE_SHM") or f"/gaze-{os.geteuid()}"
        fd = self._open(self.name)
        try:
            about = os.fstat(fd)
            if about.st_uid != os.geteuid() or about.st_mode & 0o177:
                raise GazeError(f"{self.name}: not this user's own; refused")
            if about.st_size == 0:
                raise GazeError(f"{self.name}: still starting")
            if about.st_size < 128:
                raise GazeError(f"{self.name}: damaged (cut short)")
            length = min(about.st_size, TOTAL)
            self.memory = mmap.mmap(fd, length, access=mmap.ACCESS_READ)
        finally:
            os.close(fd)
        magic, version, since = struct.unpack_from("<QII", self.memory)
        if magic != MAGIC and (magic or version):
            raise GazeError(f"{self.name}: damaged (not gaze's)")
        if version == 0:
            raise GazeError(f"{self.name}: still starting")
        if version < READS_SINCE or since > VERSION:
            raise GazeError(f"{self.name}: layout version {version}, this reader knows {VERSION}")
        if length < TOTAL:
            raise GazeError(f"{self.name}: damaged (cut short)")
        self.cursor = max(self._head() - 1, 0)

    @staticmethod
    def _open(name):
        try:
            if sys.platform == "linux":
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                return os.open("/dev/shm" + name, flags)
            libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
            fd = libc.shm_open(name.encode(), os.O_RDONLY, 0)
            if fd < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return fd
        except FileNotFoundError:
            raise GazeError(f"{name}: not there; start gazed") from None
        except OSError as error:
            raise GazeError(f"{name}: {error.strerror}") from None

    def _u64(self, at):
        return struct.unpack_from("<Q", self.memory, at)[0]

    def _head(self):
        return self._u64(128)

    def _copy(self, at, size, index):
        if self._u64(at) != index << 1:
            return None
        payload = self.memory[at + 8 : at + size]
        return payload if self._u64(at) == index << 1 else None

    def _slot(self, index):
        payload = self._copy(SAMPLES_AT + index % SLOTS * SLOT, SLOT, index)
        return payload and self._dict(SAMPLE.unpack(payload))

    @staticmethod
    def _dict(v):
        return {
            "index": v[0], "frame_index": v[1], "captured_ns": v[2], "perceived_ns": v[3],
            "published_ns": v[4], "flags": v[5], "valid": bool(v[5] & VALID),
            "reason": REASONS[v[6]] if v[6] < len(REASONS) else "fault", "face_count": v[8],
            "raw": [real(v[9]), real(v[10])], "cal": [real(v[11]), real(v[12])],
            "x": real(v[13]), "y": real(v[14]),
            "error_radius": real(v[15]), "confidence": real(v[16]),
        }

    def latest(self):
        """The newest sample, or None."""
        for _ in range(8):
            head = self._head()
            if head == 0:
                return None
            sample = self._slot(head)
            if sample:
                return sample
        return None

    def faces(self, frame_index=None):
        """Everybody in the newest picture, or in one while it is among the newest 16; or None.

        The primary face first. `contact` is the probability that it looks at the camera,
        `since_ns` since when its state holds, `measured_ns` when the picture behind it was taken.
        """
        head = self._u64(136)
        for index in range(head, max(head - FACE_SLOTS, 0), -1):
            payload = self._copy(FACES_AT + index % FACE_SLOTS * FACE_SLOT, FACE_SLOT, index)
            if payload is None:
                continue
            table = TABLE.unpack_from(payload)
            if frame_index in (None, table[1]):
                used = min(table[6], ROWS)
                return [self._row(payload, TABLE.size + row * ROW.size) for row in range(used)]
        return None

    @staticmethod
    def _row(payload, at):
        v = ROW.unpack_from(payload, at)
        return {
            "id": v[0], "state": STATES[v[1]] if v[1] < len(STATES) else "unknown",
            "source": SOURCES[v[2]] if v[2] < len(SOURCES) else "none", "primary": bool(v[3] & 1),
            "box": [real(f) for f in v[4:8]], "contact": real(v[8]),
            "head": [real(f) for f in v[9:12]], "distance_mm": real(v[12]),
            "since_ns": v[14], "measured_ns": v[15],
        }

    def next(self):
        """The next sample with the number lost before it, or None."""
        head = self._head()
        if head <= self.cursor:
            return None
        want = self.cursor + 1
        sample = self._slot(want) if head - self.cursor <= SLOTS else None
        sample = sample or self.latest()
        if not sample or sample["index"] < want:
            return None
        self.cursor = sample["index"]
        sample["lost"] = sample["index"] - want
        return sample

    def stopped(self):
        """Why nothing more will come, or None: a clean end, or no heartbeat for a second."""
        if self._u64(64) == 0:
            return "gazed has stopped"
        clock = getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC)
        if time.clock_gettime_ns(clock) - self._u64(104) > 1_000_000_000:
            return "gazed does not move any more (killed, or stopped in a debugger)"
        return None


def main():
    parser = argparse.ArgumentParser(description="print gaze samples as JSON lines")
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--name")
    arguments = parser.parse_args()
    try:
        gaze = Gaze(arguments.name)
    except GazeError as error:
        sys.exit(f"gaze_read: {error}")
    end = time.monotonic() + arguments.seconds
    try:
        while time.monotonic() < end:
            sample = gaze.next()
            if sample:
                sample["faces"] = gaze.faces(sample["frame_index"])
                print(json.dumps(sample), flush=True)
            elif why := gaze.stopped():
                sys.exit(f"gaze_read: {why}")
            else:
                time.sleep(0.004)
    except (KeyboardInterrupt, BrokenPipeError):
        pass


if __name__ == "__main__":
    main()
