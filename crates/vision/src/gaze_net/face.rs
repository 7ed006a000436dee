//! The adapter for networks that see the face and tell two angles.
//!
//! Their makers cut the box of a face detector; here it is the box around the 468 points
//! of the face, which ends at the hairline too. Allocates nothing after it is made.

use gaze::landmarks::{FACE_COUNT, Landmarks};

use super::answer::{NetGaze, angle_deg, both_deg, mean_of, of_angles};
use super::contract::{AngleUnit, Contract, Fit};
use super::picture::PictureSpec;
use super::view::EyeView;
use crate::coreml::Measure;
use crate::crop::CropColour;
use crate::frame::Frame;
use crate::models::ModelError;
use crate::region::{BBox, Region};
use crate::sampler::{Outside, Sampler};
use crate::session::{BoundSession, LoadedSession, Port};

pub(crate) struct FaceNet {
    session: BoundSession,
    sampler: Sampler,
    crop: Vec<u8>,
    picture: PictureSpec,
    batch: usize,
    /// Numbers of an answer in one output.
    numbers: usize,
}

impl FaceNet {
    pub fn new(session: LoadedSession, contract: &Contract) -> Result<FaceNet, ModelError> {
        let name = |n: &Option<String>| n.clone().unwrap_or_default();
        let picture = PictureSpec::of(contract);
        let face = name(&contract.inputs.face);
        let free = session
            .inputs()
            .iter()
            .any(|(_, s)| s.first().is_some_and(|d| *d < 0));
        let batch = if contract.mirror_average && free {
            2
        } else {
            1
        };
        let together = contract.outputs.angles.is_some();
        let bins = contract.output.angles.and_then(|a| a.bins);
        let numbers = match bins {
            Some(bins) => bins.count,
            None if together => 2,
            None => 1,
        };
        let [yaw, pitch, angles] = [
            &contract.outputs.yaw,
            &contract.outputs.pitch,
            &contract.outputs.angles,
        ]
        .map(name);
        let shape = [batch, numbers];
        let outputs: Vec<Port> = if together {
            vec![(&angles, &shape)]
        } else {
            vec![(&yaw, &shape), (&pitch, &shape)]
        };
        let measure = match (bins, contract.output.angles.map(|a| a.unit)) {
            (Some(bins), _) => Measure::Bins(bins.count, bins.degrees_per_bin),
            (None, Some(AngleUnit::Radians)) => Measure::Angles(1_f32.to_degrees()),
            (None, _) => Measure::Angles(1.0),
        };
        let measures = [measure; 2];
        let session = session.bind(
            &[(&face, &picture.shape(batch))],
            &outputs,
            &measures[..outputs.len()],
        )?;
        Ok(FaceNet {
            session,
            sampler: Sampler::new(contract.crop.size),
            crop: vec![0; picture.len()],
            picture,
            batch,
            numbers,
        })
    }

    pub fn estimate(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        view: &EyeView,
        contract: &Contract,
    ) -> Result<Option<NetGaze>, ModelError> {
        if !self.cut(frame, landmarks, view, contract) {
            return Ok(None);
        }
        self.fill(0, false);
        if !contract.mirror_average {
            self.session.run()?;
            return Ok(self.answer(0, view, contract));
        }
        let twin = view.mirrored();
        let (plain, mirrored) = if self.batch == 2 {
            self.fill(1, true);
            self.session.run()?;
            (
                self.answer(0, view, contract),
                self.answer(1, &twin, contract),
            )
        } else {
            self.session.run()?;
            let plain = self.answer(0, view, contract);
            self.fill(0, true);
            self.session.run()?;
            (plain, self.answer(0, &twin, contract))
        };
        Ok(plain.zip(mirrored).and_then(|(a, b)| mean_of(a, b)))
    }

    fn fill(&mut self, place: usize, mirrored: bool) {
        let room = self.picture.len();
        let to = &mut self.session.input(0)[place * room..][..room];
        self.picture.write(&self.crop, mirrored, to);
    }

    fn answer(&self, place: usize, view: &EyeView, contract: &Contract) -> Option<NetGaze> {
        let angles = contract.output.angles.as_ref()?;
        let out = |i: usize| &self.session.output(i)[place * self.numbers..][..self.numbers];
        let [yaw, pitch] = if contract.outputs.angles.is_some() {
            both_deg(out(0), angles)
        } else {
            [angle_deg(out(0), angles), angle_deg(out(1), angles)]
        };
        of_angles(yaw, pitch, angles, &contract.output, view)
    }

    /// Cuts the face in bytes, plane after plane; false when it is not in the picture.
    fn cut(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        view: &EyeView,
        contract: &Contract,
    ) -> bool {
        let roll = if contract.crop.level {
            view.level_rad
        } else {
            0.0
        };
        let (sin, cos) = roll.sin_cos();
        let level = landmarks[..FACE_COUNT]
            .iter()
            .map(|p| [cos * p[0] + sin * p[1], cos * p[1] - sin * p[0]]);
        let bbox = BBox::around(level);
        let (x, y) = (bbox.x + bbox.width / 2.0, bbox.y + bbox.height / 2.0);
        let side = bbox.width.max(bbox.height);
        let region = Region {
            x: cos * x - sin * y,
            y: sin * x + cos * y,
            size: side * contract.crop.scale,
            roll,
        };
        if !self.sampler.rgb(frame, &region, Outside::Edge) {
            return false;
        }
        // The part of the square that is pulled to the whole of it.
        let share = match contract.crop.fit {
            Fit::Square => [1.0; 2],
            Fit::Stretch => [bbox.width / side, bbox.height / side],
        };
        let area = contract.crop.size * contract.crop.size;
        let [red, green, blue] = self.sampler.planes();
        let planes = match contract.colour {
            CropColour::Rgb => [Some(red), Some(green), Some(blue)],
            CropColour::Bgr => [Some(blue), Some(green), Some(red)],
            CropColour::Gray => [None; 3],
        };
        for (to, plane) in self.crop.chunks_exact_mut(area).zip(planes) {
            match plane {
                Some(plane) => stretch(to, contract.crop.size, share, |i| plane[i]),
                None => stretch(to, contract.crop.size, share, |i| {
                    0.299 * red[i] + 0.587 * green[i] + 0.114 * blue[i]
                }),
            }
        }
        true
    }
}

/// Reads the middle `share` of an n × n square, bilinearly, into n × n bytes.
fn stretch(out: &mut [u8], n: usize, share: [f32; 2], at: impl Fn(usize) -> f32) {
    let last = n - 1;
    let place = |i: usize, share: f32| {
        let p = ((i as f32 + 0.5 - n as f32 / 2.0) * share + n as f32 / 2.0 - 0.5)
            .clamp(0.0, last as f32);
        let first = p as usize;
        (first, (first + 1).min(last), p - first as f32)
    };
    for (row, to) in out.chunks_exact_mut(n).enumerate() {
        let (top, bottom, down) = place(row, share[1]);
        for (column, byte) in to.iter_mut().enumerate() {
            let (left, right, across) = place(column, share[0]);
            let read = |y: usize| {
                let (a, b) = (at(y * n + left), at(y * n + right));
                a + (b - a) * across
            };
            let (a, b) = (read(top), read(bottom));
            *byte = (a + (b - a) * down).round() as u8;
        }
    }
}
