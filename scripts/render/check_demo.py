#!/usr/bin/env python3
"""Holds the demo clip against its truth with MediaPipe's own face mesh: are faces found, do the irises lie
where the truth says, do they follow the gaze?

    pip install mediapipe==0.10.14
    python scripts/render/check_demo.py daemon/assets

Never run by `make test`. Exits 1 when a picture has no face, the median iris error exceeds 1.5 px, or the
irises follow the true gaze with r under 0.93 (x) or 0.8 (y) while the head is still.
"""
import json
import sys

import cv2
import mediapipe as mp
import numpy as np

LEFT, RIGHT = (468, 33, 133), (473, 362, 263)  # iris and corners, image-left eye first


def angles(ray):
    return np.degrees([np.arctan2(ray[0], -ray[2]), np.arcsin(-ray[1] / np.linalg.norm(ray))])


def main(folder):
    truth = json.load(open(f"{folder}/demo.json"))
    frames, camera = truth["frames"], truth["camera"]
    clip = cv2.VideoCapture(f"{folder}/demo.mp4")
    mesh = mp.solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1)
    lost, errors, offsets, gazes, moved = [], [], [], [], []
    for i, frame in enumerate(frames):
        ok, picture = clip.read()
        if not ok:
            sys.exit(f"the clip ends after {i} of {len(frames)} pictures")
        faces = mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).multi_face_landmarks
        if not faces:
            lost.append(i)
            continue
        size = np.array([camera["width"], camera["height"]])
        points = np.array([[p.x, p.y] for p in faces[0].landmark]) * size
        if not frame["open"]:
            continue
        iris = points[[LEFT[0], RIGHT[0]]]
        errors.append(np.linalg.norm(iris - frame["iris_px"], axis=1))
        if frame["doing"] == "head-turn":
            continue
        corners = np.array([points[list(eye[1:])].mean(0) for eye in (LEFT, RIGHT)])
        offsets.append((iris - corners).mean(0))
        gazes.append(angles(np.mean(frame["gaze"], axis=0)))
        eyes = np.array(frame["eye_mm"])
        middles = np.array([camera["fx"], camera["fy"]]) * eyes[:, :2] / eyes[:, 2:] + [camera["cx"], camera["cy"]]
        moved.append(np.hstack([(frame["iris_px"] - middles).mean(0), (iris - middles).mean(0), (corners - middles).mean(0)]))
    if clip.read()[0]:
        sys.exit("the clip has more pictures than the truth")
    offsets, gazes, moved, errors = map(np.array, (offsets, gazes, moved, errors))
    r = [abs(np.corrcoef(offsets[:, k], gazes[:, k])[0, 1]) for k in (0, 1)]
    print(f"{len(frames)} pictures, no face in {len(lost)} {lost[:10]}")
    print(f"iris error median {np.median(errors):.2f} px, p95 {np.percentile(errors, 95):.2f} px")
    for k, axis in enumerate("xy"):
        true, seen, corner = moved[:, k], moved[:, 2 + k], moved[:, 4 + k]
        print(f"{axis}: iris against corners follows the gaze with r {r[k]:.3f}; against the true eyeball the mesh's iris "
              f"moves {np.polyfit(true, seen, 1)[0]:.2f} and the mesh's corners {np.polyfit(true, corner, 1)[0]:.2f} "
              f"of what the true iris does")
    good = not lost and np.median(errors) <= 1.5 and r[0] >= 0.93 and r[1] >= 0.8
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
