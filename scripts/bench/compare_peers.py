"""What scripts/bench/compare.py runs inside the environment of a peer; prints one JSON object.

    frames CLIP FOLDER   the pictures that everybody gets: 1280×720, FOLDER/face and FOLDER/room
    facemesh FOLDER SECONDS FPS
    eyetrax FOLDER SECONDS FPS
    iceoryx2 SECONDS

FPS 0 is as fast as it goes. CPU is of the whole process, all its threads.
"""

import ctypes
import itertools
import json
import resource
import sys
import time
from pathlib import Path

WARM_UP_S = 3.0
FRAMES = 150


def make_frames(clip, folder):
    import cv2
    import numpy as np

    source = cv2.VideoCapture(clip)
    for name in ("face", "room"):
        (Path(folder) / name).mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    ramp = np.linspace(60, 150, 1280)[None, :, None] + np.linspace(0, 60, 720)[:, None, None]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
    for n in range(FRAMES):
        good, frame = source.read()
        if not good:
            sys.exit(f"cannot read {clip}")
        large = cv2.resize(frame, (960, 720), interpolation=cv2.INTER_CUBIC)
        wide = cv2.copyMakeBorder(large, 0, 0, 160, 160, cv2.BORDER_REPLICATE)
        cv2.imwrite(f"{folder}/face/{n:04}.jpg", wide, quality)
        # A camera's noise: no two pictures are alike.
        room = ramp + random.normal(0, 3, (720, 1280, 3))
        cv2.imwrite(f"{folder}/room/{n:04}.jpg", room.clip(0, 255).astype(np.uint8), quality)
    return {"frames": FRAMES}


def look_at(folder, seconds, fps, look):
    """Has `look` see the pictures of a folder, and counts what that costs."""
    import cv2

    files = [p.read_bytes() for p in sorted(Path(folder).glob("*.jpg"))]
    import numpy as np

    coded = [np.frombuffer(f, np.uint8) for f in files]
    begun = time.monotonic()
    start = cpu = None
    frames = found = 0
    inside = 0.0
    for n, jpeg in enumerate(itertools.cycle(coded)):
        now = time.monotonic()
        if start is None and now - begun >= WARM_UP_S:
            start, cpu = now, time.process_time()
            frames = found = 0
            inside = 0.0
        if start is not None and now - start >= seconds:
            break
        if fps:
            time.sleep(max(0.0, begun + n / fps - now))
        image = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        before = time.process_time()
        found += bool(look(image))
        inside += time.process_time() - before
        frames += 1
    wall, used = time.monotonic() - start, time.process_time() - cpu
    return {
        "frames_per_s": frames / wall,
        "found": found / frames,
        "core_percent": 100 * used / wall,
        "cpu_ms_per_frame": 1000 * used / frames,
        "cpu_ms_per_frame_without_decoding": 1000 * inside / frames,
        "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def facemesh(folder, seconds, fps):
    import cv2
    import mediapipe as mp

    mesh = mp.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)

    def look(image):
        return mesh.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).multi_face_landmarks

    return look_at(folder, float(seconds), float(fps), look)


def eyetrax(folder, seconds, fps):
    import cv2
    import numpy as np
    from eyetrax import GazeEstimator

    estimator = GazeEstimator()
    features, targets = [], []
    for n, path in enumerate(sorted(Path(folder).glob("*.jpg"))[:60]):
        seen, _ = estimator.extract_features(cv2.imread(str(path)))
        if seen is not None:
            features.append(seen)
            targets.append([100 * (n % 9), 50 * (n % 7)])
    # Any calibration: what it costs does not depend on how good it is.
    estimator.train(np.array(features), np.array(targets, float))

    def look(image):
        seen, _ = estimator.extract_features(image)
        return seen is not None and len(estimator.predict([seen])) == 1

    return look_at(folder, float(seconds), float(fps), look)


class Sample(ctypes.Structure):
    """As many bytes as a sample of gaze.h has."""

    _fields_ = [("words", ctypes.c_uint64 * 23)]


def iceoryx2(seconds):
    import iceoryx2 as iox2

    iox2.set_log_level_from_env_or(iox2.LogLevel.Error)
    node = iox2.NodeBuilder.new().create(iox2.ServiceType.Ipc)
    service = node.service_builder(iox2.ServiceName.new(f"gaze-compare-{time.time_ns()}"))
    service = service.publish_subscribe(Sample).open_or_create()
    publisher = service.publisher_builder().create()
    subscriber = service.subscriber_builder().create()
    sample = Sample()
    spans = []
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        sample.words[0] = len(spans)
        publisher.send_copy(sample)
        before = time.perf_counter_ns()
        got = subscriber.receive()
        index = got.payload().contents.words[0]
        spans.append(time.perf_counter_ns() - before)
        assert index == len(spans) - 1
    spans.sort()
    return {"read_us": spans[len(spans) // 2] / 1000}


def main():
    name, *rest = sys.argv[1:]
    tasks = {"frames": make_frames, "facemesh": facemesh, "eyetrax": eyetrax, "iceoryx2": iceoryx2}
    print(json.dumps(tasks[name](*rest)))


main()
