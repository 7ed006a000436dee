//! The same answer of the irises by real people, from recordings of looks at known targets.

use std::path::Path;

use gaze::evaluation::Frame;
use gaze::eyes::iris_px;
use gaze::head;
use gaze::screen::Screen;
use nalgebra::Point2;

use super::npz;
use super::stage::{gap, offset};
use super::stats::{Partial, Products, median};

/// The windows' width and height in the recordings, mm. They are 1470 × 920 pixels of a page at full
/// size or 1837 × 1150 at 80 %: the same window on the same kind of laptop, whose screen is 290 mm
/// wide (13.6 inches, 1470 of its points across).
const WINDOW_MM: [f64; 2] = [290.0, 181.5];

/// One person's answers: change of the iris's offset (eye widths) for a degree of gaze while the
/// head stays, the correlation, and how many looks.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Number of the person.
    pub person: i64,
    /// Looks.
    pub looks: usize,
    /// Along x and y: slope with the gaze, its correlation with the head taken out.
    pub axes: [(f64, f64); 2],
    /// Gap between the lids (eye widths) for a degree of pitch, and the correlation.
    pub gap: (f64, f64),
    /// Of the sittings' medians: degrees of measured gaze for a degree of target (yaw, pitch).
    pub answer: [f64; 2],
    /// Of the sittings' medians: measured minus true gaze (yaw, pitch), degrees.
    pub bias: [f64; 2],
}

/// Every person's answers.
pub fn answers(path: &Path) -> Result<Vec<Answer>, String> {
    let frames = npz::read(path)?;
    let people = frames.chunk_by(|a, b| a.person == b.person);
    Ok(people.map(answer).collect())
}

fn answer(frames: &[Frame]) -> Answer {
    let (mut by_axis, mut gaps, mut looks) = ([Partial::default(); 2], Partial::default(), 0);
    let (mut answers, mut biases) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for sitting in frames.chunk_by(|a, b| a.sitting == b.sitting) {
        let all: Vec<_> = sitting.iter().filter_map(measure).collect();
        looks += all.len();
        for (axis, sums) in by_axis.iter_mut().enumerate() {
            let triples: Vec<_> = all
                .iter()
                .map(|m| [m.gaze[axis], m.head[axis], m.offset[axis]])
                .collect();
            sums.add(&triples);
            let pairs: Vec<_> = all
                .iter()
                .map(|m| (m.gaze[axis], m.measured[axis]))
                .collect();
            answers[axis].push(Products::of(&pairs).slope());
            biases[axis].push(median(pairs.iter().map(|(t, m)| m - t)));
        }
        let triples: Vec<_> = all.iter().map(|m| [m.gaze[1], m.head[1], m.gap]).collect();
        gaps.add(&triples);
    }
    let of = |p: &Partial| {
        let (slopes, r) = p.slopes();
        (slopes[0], r)
    };
    Answer {
        person: frames[0].person,
        looks,
        axes: [of(&by_axis[0]), of(&by_axis[1])],
        gap: of(&gaps),
        answer: answers.map(median),
        bias: biases.map(median),
    }
}

struct Measured {
    /// Yaw and pitch from the measured middle of the eyes to the target, degrees.
    gaze: [f64; 2],
    /// What the geometric gaze says.
    measured: [f64; 2],
    head: [f64; 2],
    offset: [f64; 2],
    gap: f64,
}

fn measure(frame: &Frame) -> Option<Measured> {
    let landmarks = frame.landmarks.as_deref()?;
    let pose = head::estimate(landmarks, &frame.camera)?;
    let screen = Screen {
        width_mm: WINDOW_MM[0],
        height_mm: WINDOW_MM[1],
        ..frame.screen
    };
    let ray = gaze::ray::Ray {
        origin: pose.translation,
        direction: (screen.point_mm(Point2::from(frame.target)) - pose.translation).normalize(),
    };
    let irises = [0, 1].map(|eye| iris_px(landmarks, eye));
    let measured = gaze::geometric::estimate(landmarks, &frame.camera, &pose)?.combined;
    Some(Measured {
        measured: [measured.yaw_deg(), measured.pitch_deg()],
        gaze: [ray.yaw_deg(), ray.pitch_deg()],
        head: [pose.yaw, pose.pitch],
        offset: offset(landmarks, irises, pose.roll),
        gap: gap(landmarks),
    })
}
