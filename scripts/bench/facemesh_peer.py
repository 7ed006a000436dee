"""Times mediapipe's own FaceMesh with irises on a clip, one core, frame by frame.

Run by scripts/bench.sh in its own environment. Prints frames, faces found and
`median_ms=…`: the time of `process()` on an RGB frame that is in memory, the
same span that `gazed bench` calls "frame to sample".
"""

import os
import statistics
import sys
import time

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {0})

import cv2
import mediapipe as mp

WARM_UP, FRAMES = 30, 300


def main() -> int:
    clip = cv2.VideoCapture(sys.argv[1])
    mesh = mp.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)
    spans, faces = [], 0
    while len(spans) < WARM_UP + FRAMES:
        good, frame = clip.read()
        if not good:
            clip.set(cv2.CAP_PROP_POS_FRAMES, 0)
            good, frame = clip.read()
            if not good:
                print(f"cannot read {sys.argv[1]}", file=sys.stderr)
                return 1
        rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        start = time.perf_counter()
        found = mesh.process(rgb)
        spans.append((time.perf_counter() - start) * 1000)
        faces += bool(found.multi_face_landmarks)
    measured = spans[WARM_UP:]
    print(f"frames={len(measured)} faces={faces} median_ms={statistics.median(measured):.3f}")
    return 0


sys.exit(main())
