//! Eye crops: the one way in which pictures of eyes are cut, for the daemon and
//! for the trainer alike. A network sees in use what it saw in training.

use gaze::landmarks::{INNER_CORNER, Landmarks, OUTER_CORNER};
use serde::{Deserialize, Serialize};

use crate::frame::Frame;
use crate::region::Region;
use crate::sampler::{Outside, Sampler};

/// Colour of a crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CropColour {
    /// One channel: BT.601 luma of the red, green and blue.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red, for networks of the OpenCV world.
    Bgr,
}

impl CropColour {
    /// Channels of a crop.
    pub fn channels(self) -> usize {
        match self {
            CropColour::Gray => 1,
            CropColour::Rgb | CropColour::Bgr => 3,
        }
    }
}

/// What a crop is like. Both eyes are cut alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyeCropSpec {
    /// Pixels on a side, 48 to 96 are sensible.
    pub size: usize,
    /// Side of the square, in distances between the eye's own corners.
    pub scale: f32,
    /// Channels.
    pub colour: CropColour,
}

impl Default for EyeCropSpec {
    fn default() -> Self {
        EyeCropSpec {
            size: 64,
            scale: 1.8,
            colour: CropColour::Rgb,
        }
    }
}

impl EyeCropSpec {
    /// Values in one crop: channels × size × size.
    pub fn len(&self) -> usize {
        self.colour.channels() * self.size * self.size
    }

    /// Never: a crop has pixels. (Beside `len`, as is the custom.)
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The squares around both eyes, image-left first: middle of each eye's
/// corners, `scale` corner distances wide, both turned so that the line from one
/// eye's middle to the other's is level.
pub fn eye_regions(landmarks: &Landmarks, scale: f32) -> [Region; 2] {
    let at = |i: usize| [landmarks[i][0], landmarks[i][1]];
    let corners: [[[f32; 2]; 2]; 2] = [0, 1].map(|e| [at(OUTER_CORNER[e]), at(INNER_CORNER[e])]);
    let middles = corners.map(|[a, b]| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0]);
    let [left, right] = middles;
    let roll = (right[1] - left[1]).atan2(right[0] - left[0]);
    [0, 1].map(|e| {
        let [[ax, ay], [bx, by]] = corners[e];
        let size = (ax - bx).hypot(ay - by) * scale;
        Region {
            x: middles[e][0],
            y: middles[e][1],
            size,
            roll,
        }
    })
}

/// Cuts eye crops; keeps its buffers.
pub struct EyeCropper {
    spec: EyeCropSpec,
    sampler: Sampler,
}

impl EyeCropper {
    /// For crops of one kind.
    pub fn new(spec: EyeCropSpec) -> EyeCropper {
        EyeCropper {
            spec,
            sampler: Sampler::new(spec.size),
        }
    }

    /// What its crops are like.
    pub fn spec(&self) -> &EyeCropSpec {
        &self.spec
    }

    /// Fills `left` and `right` (image sides; each [`EyeCropSpec::len`] long) with
    /// values 0–255, plane after plane. False when an eye is not in the picture;
    /// pixels beyond its edge repeat the edge.
    pub fn cut(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        left: &mut [f32],
        right: &mut [f32],
    ) -> bool {
        let regions = eye_regions(landmarks, self.spec.scale);
        regions
            .iter()
            .zip([left, right])
            .all(|(region, out)| self.cut_one(frame, region, out))
    }

    /// The same in bytes, rounded.
    pub fn cut_bytes(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        left: &mut [u8],
        right: &mut [u8],
    ) -> bool {
        let regions = eye_regions(landmarks, self.spec.scale);
        regions.iter().zip([left, right]).all(|(region, out)| {
            assert_eq!(out.len(), self.spec.len(), "room for one crop");
            self.sampler.rgb(frame, region, Outside::Edge) && {
                let mut to = out.iter_mut();
                // Values are 0 or more; `round` is a call.
                self.each(|v| *to.next().expect("as long as the crop") = (v + 0.5) as u8);
                true
            }
        })
    }

    fn cut_one(&mut self, frame: &Frame, region: &Region, out: &mut [f32]) -> bool {
        assert_eq!(out.len(), self.spec.len(), "room for one crop");
        self.sampler.rgb(frame, region, Outside::Edge) && {
            let mut to = out.iter_mut();
            self.each(|v| *to.next().expect("as long as the crop") = v);
            true
        }
    }

    /// Hands out the sampled crop's values in order.
    fn each(&self, mut take: impl FnMut(f32)) {
        let [red, green, blue] = self.sampler.planes();
        match self.spec.colour {
            CropColour::Rgb => [red, green, blue]
                .into_iter()
                .flatten()
                .for_each(|v| take(*v)),
            CropColour::Bgr => [blue, green, red]
                .into_iter()
                .flatten()
                .for_each(|v| take(*v)),
            CropColour::Gray => {
                for ((r, g), b) in red.iter().zip(green).zip(blue) {
                    take(0.299 * r + 0.587 * g + 0.114 * b);
                }
            }
        }
    }
}
