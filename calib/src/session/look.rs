//! What the session is fed: one look a frame, and what keeps a look from counting.

use std::fmt;

/// One measured frame, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// When the picture was taken: nanoseconds of the clock that
    /// [`Session::look`](super::Session::look) is told the time of.
    pub captured_ns: u64,
    /// The picture's number; a number that was seen before is not counted again.
    pub frame_index: u64,
    /// Uncalibrated, unfiltered point on *this* display, normalised; `None` where the
    /// line of sight misses the screen's plane or there is none.
    pub point: Option<[f64; 2]>,
    /// Middle between the eyes, camera frame, millimetres (NaN: not known).
    pub eyes_mm: [f64; 3],
    /// Yaw, pitch, roll of the head in degrees (NaN: not known).
    pub head_deg: [f64; 3],
    /// Lids of the image-left and image-right eye: 0 closed … 1 open.
    pub openness: [f64; 2],
    /// How far the network expects its line of sight to be off for somebody nobody calibrated,
    /// degrees; where it tells.
    pub spread_deg: Option<f64>,
    /// Why it cannot be used, if it cannot.
    pub problem: Option<Problem>,
}

impl Look {
    /// No look, for this reason.
    pub fn none(now_ns: u64, problem: Problem) -> Self {
        Self {
            captured_ns: now_ns,
            frame_index: 0,
            point: None,
            eyes_mm: [f64::NAN; 3],
            head_deg: [f64::NAN; 3],
            openness: [f64::NAN; 2],
            spread_deg: None,
            problem: Some(problem),
        }
    }

    /// How far the eyes are from the camera, in millimetres, where known.
    pub fn distance_mm(&self) -> Option<f64> {
        let [x, y, z] = self.eyes_mm;
        let distance = x.hypot(y).hypot(z);
        (distance.is_finite() && distance > 0.0).then_some(distance)
    }
}

/// Why no look can be had. `Display` is a line for the person that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// There is no daemon, or it ended.
    NoDaemon,
    /// The daemon is there but of no use; the line says why and what to do.
    Daemon(String),
    /// It prepares camera and networks.
    Starting,
    /// No camera, or it is busy or forbidden; the line says why and what to do.
    Camera(String),
    /// The user paused the daemon.
    Paused,
    /// No new pictures come, or the same one again and again.
    NoFrames,
    /// Nobody is in the picture.
    NoFace,
    /// One eye or both are closed or covered.
    EyesClosed,
    /// A face, but no gaze worth using: glare, turned away, too far.
    Unsure,
    /// Camera or network were changed during the sitting: it cannot go on.
    Changed(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDaemon => "gazed is not running: start it with `gazed run`",
            Self::Daemon(line) | Self::Camera(line) | Self::Changed(line) => line,
            Self::Starting => "gazed is starting: one moment",
            Self::Paused => "gazed is paused: let it go on with `kill -USR1`",
            Self::NoFrames => "no pictures come from the camera",
            Self::NoFace => "no face: sit in front of the camera, with light on your face",
            Self::EyesClosed => "open both eyes",
            Self::Unsure => {
                "your gaze cannot be measured: face the camera, come nearer, avoid glare"
            }
        })
    }
}

/// Why there is no progress at the dot just now; shown beside it.
/// `Display` is a line for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// There is nothing to measure.
    Problem(Problem),
    /// The eyes wander.
    Rest,
    /// The head moves.
    HoldStill,
    /// The head is turned or has moved away from where it was at the first dot.
    ComeBack,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => problem.fmt(f),
            Self::Rest => f.write_str("look at the middle of the dot"),
            Self::HoldStill => f.write_str("hold your head still"),
            Self::ComeBack => f.write_str("turn your head back to the screen, as at the start"),
        }
    }
}
