#!/usr/bin/env python3
"""Calibration fits by numpy and scikit-learn, as numbers for crates/gaze/tests/reference.rs.

    pip install numpy scikit-learn
    scripts/maths/reference.py > crates/gaze/tests/data/fit_reference.json

Nothing here is shared with the Rust: least squares is numpy.linalg.lstsq, the held form
is sklearn's Ridge on what the usual stretch leaves, alternated with its noise; robust
regressions are sklearn's, to compare with. Run by hand, never by the tests.
"""

import json
import sys

import numpy as np
from sklearn.linear_model import HuberRegressor, LinearRegression, RANSACRegressor, Ridge

ASPECT = 1.6
USUAL = np.diag([1.0, 0.75])
SPREAD = 0.43  # of a person's stretch, see fit/pooled.rs
ROUNDS = 8
SLOPE_FADES, OFFSET_FADES = 0.5, 0.3
WIDE = np.array([ASPECT, 1.0])

# Targets a side, noise, seed: of those where nothing is set aside as wild, in no left-out
# fit either, as nothing here does that.
CASES = [(3, 0.03, 0), (3, 0.12, 3), (3, 0.12, 14), (4, 0.06, 2), (4, 0.2, 6)]


def error(map_, raw, target):
    """Shares of the screen's diagonal."""
    miss = (raw @ map_[:, :2].T + map_[:, 2] - target) * WIDE
    return np.hypot(miss[:, 0], miss[:, 1]) / np.hypot(ASPECT, 1.0)


def affine(raw, target):
    rows = np.c_[raw, np.ones(len(raw))]
    return np.linalg.lstsq(rows, target, rcond=None)[0].T


def scale_offset(raw, target):
    out = np.zeros((2, 3))
    for axis in range(2):
        out[axis, axis], out[axis, 2] = np.polyfit(raw[:, axis], target[:, axis], 1)
    return out


def held(raw, target, history=()):
    """Ridge to the usual stretch; the strength is the noise's own. Newest history first."""
    sittings = [(raw * WIDE, target * WIDE)] + [(r * WIDE, t * WIDE) for r, t in history]
    x = np.concatenate([r - r.mean(0) for r, _ in sittings])
    y = np.concatenate([t - t.mean(0) for _, t in sittings])
    weight = np.concatenate([np.full(len(r), SLOPE_FADES**k) for k, (r, _) in enumerate(sittings)])
    rest = y - x @ USUAL.T
    linear = LinearRegression(fit_intercept=False).fit(x, y, sample_weight=weight).coef_
    for _ in range(ROUNDS):
        miss = y - x @ linear.T
        noise = (weight[:, None] * miss**2).sum(0) / max(weight.sum() - 2.0, 1.0)
        linear = np.array([
            USUAL[axis]
            + Ridge(alpha=len(raw) * noise[axis] / SPREAD**2, fit_intercept=False, solver="cholesky")
            .fit(x, rest[:, axis], sample_weight=weight)
            .coef_
            for axis in range(2)
        ])
    offsets = np.array([t.mean(0) - linear @ r.mean(0) for r, t in sittings])
    share = np.array([OFFSET_FADES**k * len(r) for k, (r, _) in enumerate(sittings)])
    offset = share @ offsets / share.sum()
    return np.c_[linear * WIDE[None, :] / WIDE[:, None], offset / WIDE]


def of_sklearn(model):
    def fit(raw, target):
        rows = []
        for axis in range(2):
            m = model().fit(raw, target[:, axis])
            m = getattr(m, "estimator_", m)
            rows.append([*m.coef_, m.intercept_])
        return np.array(rows)
    return fit


def judged(fit, raw, target):
    map_ = fit(raw, target)
    n = len(raw)
    left_out = [
        float(error(fit(np.delete(raw, i, 0), np.delete(target, i, 0)), raw[i:i + 1], target[i:i + 1])[0])
        for i in range(n)
    ]
    return {
        "map": map_.ravel().tolist(),
        "residual": float(np.sqrt((error(map_, raw, target) ** 2).mean())),
        "held_out": left_out,
        "cross_validated": float(np.sqrt(np.mean(np.square(left_out)))),
    }


def main():
    person = np.array([[1.12, 0.07, -0.1], [-0.04, 0.68, 0.2]])
    inverse = np.linalg.inv(person[:, :2])

    def sitting(random, side, noise, shift=(0.0, 0.0)):
        at = np.linspace(0.08, 0.92, side)
        target = np.array([[x, y] for y in at for x in at])
        raw = (target + shift - person[:, 2]) @ inverse.T
        return raw + noise * random.uniform(-1.0, 1.0, raw.shape), target

    cases = []
    for side, noise, seed in CASES:
        random = np.random.default_rng(seed)
        raw, target = sitting(random, side, noise)
        history = [sitting(random, side, noise, random.normal(0, 0.02, 2)) for _ in range(3)]
        cases.append({
            "noise": noise,
            "samples": np.c_[raw, target].tolist(),
            "history": [np.c_[r, t].tolist() for r, t in history],
            "affine": judged(affine, raw, target),
            "scale-offset": judged(scale_offset, raw, target),
            "held": judged(held, raw, target),
            "held-with-history": judged(lambda r, t, h=history: held(r, t, h), raw, target),
        })

    # One wild target of nine: how far do robust regressions go along with it?
    raw, target = sitting(np.random.default_rng(1), 3, 0.01)
    wild = raw.copy()
    wild[2] += [-0.5, 0.4]
    def moved(fit):
        before, after = fit(raw, target), fit(wild, target)
        there = [error(after, raw[i:i + 1], (raw @ before[:, :2].T + before[:, 2])[i:i + 1])[0] for i in range(9)]
        return float(max(there))
    robust = {
        "clean": np.c_[raw, target].tolist(),
        "wild": np.c_[wild, target].tolist(),
        "moved": {
            "least-squares": moved(affine),
            "huber": moved(of_sklearn(lambda: HuberRegressor(alpha=0.0, max_iter=10_000))),
            "ransac": moved(of_sklearn(lambda: RANSACRegressor(LinearRegression(), min_samples=3, residual_threshold=0.05, random_state=0))),
        },
    }
    json.dump({"aspect": ASPECT, "cases": cases, "robust": robust}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
