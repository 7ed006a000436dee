//! The adapter for networks that see both eyes.
//!
//! The crops are [`EyeCropper::cut_bytes`]'s, as the trainer's are: rounded to bytes
//! there, so here too. Allocates nothing after it is made.

use gaze::landmarks::Landmarks;

use super::answer::{NetGaze, mean_of, of_gaze, of_spread, spread_of_mean};
use super::contract::{Contract, EyeOrder, Kind};
use super::picture::PictureSpec;
use super::view::EyeView;
use crate::coreml::Measure;
use crate::crop::EyeCropper;
use crate::frame::Frame;
use crate::models::ModelError;
use crate::session::{BoundSession, LoadedSession, Port};

/// Numbers of the inputs as they are bound.
const LEFT: usize = 0;
const RIGHT: usize = 1;

pub(crate) struct EyesNet {
    session: BoundSession,
    cropper: EyeCropper,
    crops: [Vec<u8>; 2],
    picture: PictureSpec,
    /// Where the head pose and the eye position are bound.
    pose: Option<usize>,
    position: Option<usize>,
    /// … and the geometric line of sight.
    geometric: Option<usize>,
    /// Pictures in one run.
    batch: usize,
    /// Numbers of one answer.
    numbers: usize,
    /// Whether the network tells how far it errs: its second output.
    tells_spread: bool,
    /// What it told of the last answer.
    spread_deg: Option<[f64; 2]>,
}

impl EyesNet {
    pub fn new(session: LoadedSession, contract: &Contract) -> Result<EyesNet, ModelError> {
        let names = &contract.inputs;
        let name = |n: &Option<String>| n.clone().unwrap_or_default();
        let picture = PictureSpec::of(contract);
        let left = name(&names.left_eye);
        // A mirrored twin goes along where the file takes more than one at a time.
        let free = session
            .inputs()
            .iter()
            .any(|(n, shape)| *n == left && shape.first().is_some_and(|d| *d < 0));
        let batch = if contract.mirror_average && free {
            2
        } else {
            1
        };
        let numbers = if contract.kind == Kind::EyesPoseScreen {
            2
        } else {
            3
        };
        let shape = picture.shape(batch);
        let right = name(&names.right_eye);
        let (pose_name, position_name) = (name(&names.head_pose), name(&names.eye_position));
        let geometric_name = name(&names.geometric);
        let mut ports: Vec<Port> = vec![(&left, &shape), (&right, &shape)];
        let (three, five) = ([batch, 3], [batch, 5]);
        let pose = names.head_pose.as_ref().map(|_| {
            ports.push((&pose_name, &three));
            ports.len() - 1
        });
        let position = names.eye_position.as_ref().map(|_| {
            ports.push((&position_name, &five));
            ports.len() - 1
        });
        let geometric = names.geometric.as_ref().map(|_| {
            ports.push((&geometric_name, &three));
            ports.len() - 1
        });
        let gaze = name(&contract.outputs.gaze);
        let spread_name = name(&contract.outputs.spread);
        let (answer, two) = ([batch, numbers], [batch, 2]);
        let mut told: Vec<Port> = vec![(&gaze, &answer)];
        let tells_spread = contract.outputs.spread.is_some();
        if tells_spread {
            told.push((&spread_name, &two));
        }
        let measures = [
            match contract.kind {
                Kind::EyesPoseScreen => Measure::Points,
                _ => Measure::Rays,
            },
            Measure::Numbers, // degrees that are only a guess at them
        ];
        let session = session.bind(&ports, &told, &measures[..told.len()])?;
        Ok(EyesNet {
            session,
            cropper: EyeCropper::new(contract.eye_crop()),
            crops: [(); 2].map(|()| vec![0; picture.len()]),
            picture,
            pose,
            position,
            geometric,
            batch,
            numbers,
            tells_spread,
            spread_deg: None,
        })
    }

    /// How far the last answer is expected to be off.
    pub fn spread_deg(&self) -> Option<[f64; 2]> {
        self.spread_deg
    }

    pub fn estimate(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        view: &EyeView,
        contract: &Contract,
    ) -> Result<Option<NetGaze>, ModelError> {
        self.spread_deg = None;
        let [mut left, mut right] = std::mem::take(&mut self.crops);
        let cut = self
            .cropper
            .cut_bytes(frame, landmarks, &mut left, &mut right);
        let answer = if cut {
            self.estimate_crops([&left, &right], view, contract)
        } else {
            Ok(None)
        };
        self.crops = [left, right];
        answer
    }

    /// The same from crops that were cut before, image-left first. `None` also where the
    /// network takes the geometric line of sight and there is none.
    pub fn estimate_crops(
        &mut self,
        crops: [&[u8]; 2],
        view: &EyeView,
        contract: &Contract,
    ) -> Result<Option<NetGaze>, ModelError> {
        self.spread_deg = None;
        if self.geometric.is_some() && view.geometric.is_none() {
            return Ok(None);
        }
        self.fill(0, crops, view, false, contract);
        if !contract.mirror_average {
            self.session.run()?;
            let (gaze, spread) = self.told(0, view, contract);
            self.spread_deg = gaze.and(spread);
            return Ok(gaze);
        }
        let twin = view.mirrored();
        let (plain, mirrored) = if self.batch == 2 {
            self.fill(1, crops, &twin, true, contract);
            self.session.run()?;
            (self.told(0, view, contract), self.told(1, &twin, contract))
        } else {
            self.session.run()?;
            let plain = self.told(0, view, contract);
            self.fill(0, crops, &twin, true, contract);
            self.session.run()?;
            (plain, self.told(0, &twin, contract))
        };
        let answers = plain.0.zip(mirrored.0);
        let spreads = plain.1.zip(mirrored.1);
        self.spread_deg = answers
            .zip(spreads)
            .and_then(|((a, b), (s, t))| spread_of_mean([(a, s), (b, t)]));
        Ok(answers.and_then(|(a, b)| mean_of(a, b)))
    }

    fn fill(
        &mut self,
        place: usize,
        [image_left, image_right]: [&[u8]; 2],
        view: &EyeView,
        mirrored: bool,
        contract: &Contract,
    ) {
        // In the mirrored picture the image-left eye is the one that was on the right;
        // where the person's left eye comes first, that is the image-right one.
        let swapped = mirrored != (contract.eye_order == EyeOrder::PersonLeftFirst);
        let (left, right) = if swapped {
            (image_right, image_left)
        } else {
            (image_left, image_right)
        };
        let room = self.picture.len();
        for (input, crop) in [(LEFT, left), (RIGHT, right)] {
            let to = &mut self.session.input(input)[place * room..][..room];
            self.picture.write(crop, mirrored, to);
        }
        if let (Some(input), Some(pose)) = (self.pose, &contract.pose) {
            let values = pose.values(view.head_deg, view.origin_mm, view.level_rad);
            self.session.input(input)[place * 3..][..3].copy_from_slice(&values);
        }
        if let Some(input) = self.position {
            self.session.input(input)[place * 5..][..5].copy_from_slice(&view.eye_position);
        }
        if let (Some(input), Some(sight)) = (self.geometric, &view.geometric) {
            self.session.input(input)[place * 3..][..3].copy_from_slice(sight);
        }
    }

    /// The answer at a place of the batch, and how far it is expected to be off.
    fn told(
        &self,
        place: usize,
        view: &EyeView,
        contract: &Contract,
    ) -> (Option<NetGaze>, Option<[f64; 2]>) {
        let out = &self.session.output(0)[place * self.numbers..][..self.numbers];
        let spread = self
            .tells_spread
            .then(|| &self.session.output(1)[place * 2..][..2]);
        (of_gaze(out, contract, view), spread.and_then(of_spread))
    }
}
