//! Where the demo's person looks: fixations, saccades, one pursuit, blinks.
//!
//! Everything follows from the picture's number, and the last picture leads
//! back to the first, so the clip can be repeated without a jump.

use crate::maths::sin_cos;

/// Pictures a second.
pub const FPS: u32 = 30;
/// How long each grid target is looked at, pictures.
const DWELL: usize = 28;
/// Pictures of the pursuit and of the head turns.
const PURSUIT: usize = 150;
const TURNS: usize = 180;
/// How long a blink takes, and how far the lids are shut in each of its pictures:
/// down in 70 ms, up in 130, as people's do.
const BLINK: [f64; 6] = [0.45, 1.0, 1.0, 0.7, 0.35, 0.1];

/// What the eyes do in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// They rest on a target.
    Fixation,
    /// They fly to the next one.
    Saccade,
    /// They follow a moving point.
    Pursuit,
    /// They rest on the middle while the head turns.
    HeadTurn,
}

impl Doing {
    /// Its name in the truth file.
    pub fn name(self) -> &'static str {
        match self {
            Doing::Fixation => "fixation",
            Doing::Saccade => "saccade",
            Doing::Pursuit => "pursuit",
            Doing::HeadTurn => "head-turn",
        }
    }
}

/// One picture of the path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The point looked at, normalised to the screen.
    pub screen: [f64; 2],
    /// How far the lids are shut, 0..1.
    pub shut: f64,
    /// Head yaw, pitch, roll, degrees.
    pub head_deg: [f64; 3],
    /// Where the head is beside its usual place, mm in the camera frame.
    pub sway_mm: [f64; 3],
    /// What the eyes do.
    pub doing: Doing,
}

/// The grid, in an order with short and long saccades both ways; it begins and
/// ends in the middle.
const TARGETS: [[f64; 2]; 16] = [
    [0.50, 0.50],
    [0.08, 0.10],
    [0.92, 0.10],
    [0.08, 0.90],
    [0.50, 0.10],
    [0.92, 0.90],
    [0.92, 0.50],
    [0.08, 0.50],
    [0.50, 0.90],
    [0.30, 0.30],
    [0.70, 0.70],
    [0.30, 0.70],
    [0.70, 0.30],
    [0.20, 0.50],
    [0.80, 0.50],
    [0.50, 0.50],
];

/// Pictures in the whole path.
pub fn length() -> usize {
    TARGETS.len() * DWELL + PURSUIT + TURNS
}

/// What is done in picture `frame`, which counts from 0 and wraps.
pub fn step(frame: usize) -> Step {
    let frame = frame % length();
    let grid = TARGETS.len() * DWELL;
    let (screen, doing) = if frame < grid {
        on_the_grid(frame)
    } else if frame < grid + PURSUIT {
        (
            pursuit((frame - grid) as f64 / PURSUIT as f64),
            Doing::Pursuit,
        )
    } else {
        ([0.5, 0.5], Doing::HeadTurn)
    };
    let turn = match doing {
        Doing::HeadTurn => head_turn((frame - grid - PURSUIT) as f64 / TURNS as f64),
        _ => [0.0; 3],
    };
    let idle = idle(frame);
    Step {
        screen,
        shut: shut(frame),
        head_deg: [0, 1, 2].map(|i| turn[i] + idle.0[i]),
        sway_mm: idle.1,
        doing,
    }
}

/// Rests on a target, then flies to it from the one before. A saccade takes
/// 2.2 ms a degree and 21 ms more (Carpenter 1988); the screen is some 30° wide.
fn on_the_grid(frame: usize) -> ([f64; 2], Doing) {
    let (k, within) = (frame / DWELL, frame % DWELL);
    let to = TARGETS[k];
    let from = TARGETS[k.saturating_sub(1)];
    let degrees = 30.0 * libm::hypot(to[0] - from[0], 0.56 * (to[1] - from[1]));
    let frames = (0.021 + 0.0022 * degrees) * f64::from(FPS);
    let t = (within as f64 + 0.5) / frames;
    if degrees == 0.0 || t >= 1.0 {
        return (to, Doing::Fixation);
    }
    // Half a cosine: the speed rises and falls as a saccade's does.
    let s = (1.0 - sin_cos(180.0 * t).1) / 2.0;
    (
        [0, 1].map(|i| from[i] + s * (to[i] - from[i])),
        Doing::Saccade,
    )
}

/// A lying eight through the middle, slow at its beginning and end.
fn pursuit(t: f64) -> [f64; 2] {
    let eased = t * t * (3.0 - 2.0 * t);
    [
        0.5 + 0.38 * sin_cos(360.0 * eased).0,
        0.5 + 0.3 * sin_cos(720.0 * eased).0,
    ]
}

/// Left, right, up, and back.
fn head_turn(t: f64) -> [f64; 3] {
    let swell = (1.0 - sin_cos(360.0 * t).1) / 2.0;
    let yaw = 12.0 * sin_cos(720.0 * t).0 * swell.sqrt();
    [yaw, 4.0 * sin_cos(360.0 * t).0, 2.0 * sin_cos(720.0 * t).0]
}

/// Nobody holds quite still: slow sways with whole periods in the path.
fn idle(frame: usize) -> ([f64; 3], [f64; 3]) {
    let turn = 360.0 * frame as f64 / length() as f64;
    let wave = |periods: f64, phase: f64| sin_cos(turn * periods + phase).0;
    (
        [
            0.8 * wave(5.0, 0.0),
            0.5 * wave(7.0, 40.0),
            0.4 * wave(3.0, 90.0),
        ],
        [
            2.0 * wave(4.0, 10.0),
            1.2 * wave(6.0, 70.0),
            4.0 * wave(2.0, 30.0),
        ],
    )
}

/// A blink every three to four seconds, never in the first or last pictures.
fn shut(frame: usize) -> f64 {
    const STARTS: [usize; 7] = [70, 179, 262, 383, 476, 587, 690];
    STARTS
        .iter()
        .find_map(|s| frame.checked_sub(*s).and_then(|k| BLINK.get(k)))
        .copied()
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_closes_and_never_jumps_where_eyes_cannot() {
        let n = length();
        assert_eq!(step(n), step(0));
        for frame in 0..n {
            let (a, b) = (step(frame), step(frame + 1));
            let d = (b.screen[0] - a.screen[0]).hypot(b.screen[1] - a.screen[1]);
            if a.doing != Doing::Saccade && b.doing != Doing::Saccade {
                // A pursuit is slower than 100 °/s: 0.12 of the screen in a picture.
                assert!(d < 0.12, "picture {frame}: {d}");
            }
            for i in 0..3 {
                assert!(
                    (b.head_deg[i] - a.head_deg[i]).abs() < 2.0,
                    "picture {frame}"
                );
            }
        }
    }

    #[test]
    fn every_calibration_target_is_rested_on() {
        for x in [0.08, 0.5, 0.92] {
            for y in [0.1, 0.5, 0.9] {
                let rests = (0..length())
                    .map(step)
                    .filter(|s| s.doing == Doing::Fixation && s.shut == 0.0)
                    .filter(|s| s.screen == [x, y])
                    .count();
                assert!(rests >= 15, "({x}, {y}): {rests}");
            }
        }
    }

    #[test]
    fn the_head_turns_while_the_eyes_stay() {
        let turns: Vec<_> = (0..length())
            .map(step)
            .filter(|s| s.doing == Doing::HeadTurn)
            .collect();
        assert!(turns.iter().all(|s| s.screen == [0.5, 0.5]));
        let yaw = |f: fn(f64, f64) -> f64| turns.iter().map(|s| s.head_deg[0]).fold(0.0, f);
        assert!(yaw(f64::max) > 9.0 && yaw(f64::min) < -9.0);
    }

    #[test]
    fn blinks_shut_the_lids_whole_and_open_them_again() {
        let shut: Vec<f64> = (0..length()).map(|f| step(f).shut).collect();
        assert_eq!(shut.iter().filter(|s| **s == 1.0).count(), 14);
        assert_eq!((shut[0], shut[length() - 1]), (0.0, 0.0));
    }
}
