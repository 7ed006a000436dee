//! The bundled clip: rendered faces whose eyes follow a known path.

use gaze::camera::Intrinsics;
use gaze::screen::Screen;
use nalgebra::Vector3;
use serde::Deserialize;

use super::{ErrorKind, FrameSource, OpenOptions, Origin, SourceError};

/// The clip. Made by `render-demo` of the crate gaze-render.
const CLIP: &[u8] = include_bytes!("../../assets/demo.mp4");
/// What is true in each of its frames.
const TRUTH: &str = include_str!("../../assets/demo.json");

/// What is true in the demo, frame by frame. For judging the output only:
/// nothing of it reaches the way from frame to sample.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Truth {
    /// Frames a second.
    pub fps: f64,
    /// The camera.
    pub camera: Intrinsics,
    /// The screen, and the camera's place at it.
    pub screen: Screen,
    /// One entry a frame of the clip, in display order.
    pub frames: Vec<TruthFrame>,
}

/// What is true in one frame.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct TruthFrame {
    /// Where the eyes look, fractions of the screen.
    pub screen: [f64; 2],
    /// Whether the eyes are open.
    pub open: bool,
    /// Centres of the irises, pixels, image-left first.
    pub iris_px: [[f64; 2]; 2],
    /// What the eyes do.
    pub doing: Doing,
    /// Yaw, pitch and roll of the head, degrees.
    pub head_deg: [f64; 3],
    /// Middle between the eyeballs, camera frame, mm.
    pub head_mm: [f64; 3],
}

impl TruthFrame {
    /// Middle between the eyeballs, camera frame, mm.
    pub fn eyes(&self) -> Vector3<f64> {
        Vector3::from(self.head_mm)
    }
}

/// What the eyes do in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// They rest on a target.
    Fixation,
    /// They fly to another.
    Saccade,
    /// They follow a moving target.
    Pursuit,
    /// They rest on a target while the head turns.
    HeadTurn,
    /// Anything else.
    #[serde(other)]
    Other,
}

/// The truth about the bundled clip.
///
/// # Errors
/// The bundled file was made by another version of its maker.
pub fn truth() -> Result<Truth, SourceError> {
    serde_json::from_str(TRUTH).map_err(|e| {
        SourceError::new(
            ErrorKind::Unreadable,
            Origin::File,
            "demo",
            format!("its truth cannot be read: {e}"),
            "render it again and build gazed again",
        )
    })
}

/// Plays the bundled clip for ever (once with [`OpenOptions::fast`] and not
/// [`OpenOptions::looped`]).
pub(crate) fn open(options: &OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    let options = OpenOptions {
        looped: options.looped || !options.fast,
        ..options.clone()
    };
    super::clip::open(
        std::io::Cursor::new(CLIP),
        super::SourceKind::Demo,
        "demo".into(),
        &options,
    )
    .map_err(|flaw| flaw.at("demo"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vision::Frame;

    use super::*;
    use crate::sources::Next;

    #[test]
    fn every_picture_has_its_truth() {
        let truth = truth().unwrap().frames;
        let options = OpenOptions {
            fast: true,
            ..OpenOptions::default()
        };
        let mut source = open(&options).unwrap();
        assert_eq!(source.describe().frames, Some(truth.len() as u64));
        let mut frame = Frame::default();
        let mut shown = 0;
        while source.next(&mut frame, Duration::ZERO).unwrap() == Next::Frame {
            shown += 1;
        }
        assert_eq!(shown, truth.len());
        // A path worth judging by: it covers the screen, and eyes close on it.
        for axis in 0..2 {
            let all = truth.iter().map(|f| f.screen[axis]);
            let (low, high) = all.fold((1.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
            assert!(low < 0.2 && high > 0.8, "axis {axis}: {low} to {high}");
        }
        assert!(truth.iter().any(|f| !f.open));
    }
}
