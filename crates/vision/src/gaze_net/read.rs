//! Contracts out of metadata, side-car files and known names; what is wrong with them.

use std::path::{Path, PathBuf};

use super::contract::{
    Across, AngleUnit, Angles, Axes, Bins, CONTRACT_KEY, Contract, Crop, Depth, EyeOrder, Fit,
    Frame, Inputs, KIND_KEY, Kind, Normalisation, Output, Outputs, Upright, VERSION, VERSION_KEY,
    VERSION_WITH_SPREAD, VERSIONS,
};
use super::pose::{Angle, Pose, Roll, Turn};
use crate::crop::CropColour;
use crate::sampler::Layout;

/// Why a contract cannot be used: one line each, which file first is for the caller to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// The file says nothing and nothing lies beside it.
    #[error(
        "it does not say what it is: no `gaze.contract` in its metadata and no {sidecar}; write that file as models/README.md shows"
    )]
    Missing {
        /// Where a side-car would be.
        sidecar: PathBuf,
    },
    /// Not JSON, a misspelt or missing key, a value of the wrong kind.
    #[error("{place} does not parse: {reason}; models/README.md has examples")]
    Unreadable {
        /// Where the contract was read.
        place: String,
        /// The parser's or the system's words.
        reason: String,
    },
    /// A kind that is no gaze network.
    #[error("it is a {found} network, not one of gaze")]
    NotGaze {
        /// What it calls itself.
        found: String,
    },
    /// A contract of another time.
    #[error("its contract is of version {found}, this program knows {}", VERSIONS.join(" and "))]
    Version {
        /// What it says.
        found: String,
    },
    /// Two places say different things.
    #[error("its metadata contradict each other: `{key}` is {found}, `gaze.contract` says {says}")]
    Contradiction {
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// The contract's.
        says: String,
    },
    /// A value that cannot be, or that we cannot serve.
    #[error("{what} is {value}: {want}")]
    Bad {
        /// Which property.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        want: &'static str,
    },
}

/// An input or output: its name and shape, −1 where it is free.
pub type PortShape = (String, Vec<i64>);

/// The file beside `onnx` that may hold its contract: `net.onnx` → `net.json`.
pub fn sidecar(onnx: &Path) -> PathBuf {
    onnx.with_extension("json")
}

impl Contract {
    /// Reads and checks the JSON text of a contract; `place` is for messages.
    pub fn from_json(text: &str, place: &str) -> Result<Contract, ContractError> {
        let contract: Contract =
            serde_json::from_str(text).map_err(|e| ContractError::Unreadable {
                place: place.into(),
                reason: e.to_string(),
            })?;
        contract.check()?;
        Ok(contract)
    }

    /// As JSON, for a side-car file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What an exporter writes into a file's metadata.
    pub fn to_metadata(&self) -> [(&'static str, String); 3] {
        [
            (KIND_KEY, self.kind.name().into()),
            (VERSION_KEY, self.version.clone()),
            (
                CONTRACT_KEY,
                serde_json::to_string(self).unwrap_or_default(),
            ),
        ]
    }

    /// The contract in a file's metadata, which `get` looks up. `None`: it has none.
    pub fn from_metadata(
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Contract>, ContractError> {
        let (kind, version) = (get(KIND_KEY), get(VERSION_KEY));
        if let Some(found) = &kind
            && !KINDS.iter().any(|k| k.name() == found)
        {
            return Err(ContractError::NotGaze {
                found: found.clone(),
            });
        }
        if let Some(found) = version.as_ref().filter(|v| !VERSIONS.contains(&v.as_str())) {
            return Err(ContractError::Version {
                found: found.clone(),
            });
        }
        let Some(text) = get(CONTRACT_KEY) else {
            return Ok(None);
        };
        let contract = Contract::from_json(&text, "`gaze.contract` in its metadata")?;
        match kind.filter(|k| k != contract.kind.name()) {
            Some(found) => Err(ContractError::Contradiction {
                key: KIND_KEY,
                found,
                says: contract.kind.name().into(),
            }),
            None => Ok(Some(contract)),
        }
    }

    /// The contract beside a file, if there is one.
    pub fn beside(onnx: &Path) -> Result<Option<Contract>, ContractError> {
        let path = sidecar(onnx);
        match gaze::trust::read_to_string(&path) {
            Ok(text) => Contract::from_json(&text, &path.display().to_string()).map(Some),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(ContractError::Unreadable {
                place: path.display().to_string(),
                reason: e.to_string(),
            }),
        }
    }

    /// The contract of a foreign file that is known by its inputs and outputs:
    /// gaze-estimation-adas-0002 (Open Model Zoo), and L2CS-like files with one input of
    /// 448 × 448 and two outputs of 90 classes, the first of them left–right (some
    /// exports call that one `pitch`).
    pub fn known(inputs: &[PortShape], outputs: &[PortShape]) -> Option<Contract> {
        let has = |ports: &[PortShape], name: &str, shape: &[i64]| {
            ports
                .iter()
                .any(|(n, s)| n == name && s.len() == shape.len() && s[1..] == shape[1..])
        };
        let eyes = ["left_eye_image", "right_eye_image"];
        if inputs.len() == 3
            && eyes.iter().all(|e| has(inputs, e, &[1, 3, 60, 60]))
            && has(inputs, "head_pose_angles", &[1, 3])
            && has(outputs, "gaze_vector", &[1, 3])
        {
            return Some(Contract::adas_0002());
        }
        let ([(input, shape)], [(across, a), (upright, u)]) = (inputs, outputs) else {
            return None;
        };
        let angles = |name: &str| matches!(name, "yaw" | "pitch");
        (shape.get(1..) == Some(&[3, 448, 448])
            && [a, u].iter().all(|s| s.get(1..) == Some(&[90]))
            && angles(across)
            && angles(upright))
        .then(|| Contract::l2cs(input, across, upright))
    }

    /// gaze-estimation-adas-0002: two levelled 60 × 60 crops, BGR 0–255, yaw and pitch
    /// (down!) of the head; a vector relative to the line from the eyes to the camera, x to
    /// the image's right, y up, z away from the camera. Its makers' page has z point to the
    /// camera and says nothing of which eye is the left one; these signs are those that
    /// follow the truth of rendered people (`models/README.md`).
    pub fn adas_0002() -> Contract {
        let name = |s: &str| Some(s.to_owned());
        Contract {
            kind: Kind::EyesPoseVector,
            version: VERSION.into(),
            inputs: Inputs {
                left_eye: name("left_eye_image"),
                right_eye: name("right_eye_image"),
                head_pose: name("head_pose_angles"),
                ..Inputs::default()
            },
            outputs: Outputs {
                gaze: name("gaze_vector"),
                ..Outputs::default()
            },
            layout: Layout::Nchw,
            colour: CropColour::Bgr,
            crop: Crop {
                size: 60,
                scale: 1.8,
                level: true,
                fit: Fit::Square,
            },
            eye_order: EyeOrder::ImageLeftFirst,
            normalisation: Normalisation {
                range: [0.0, 255.0],
                mean: vec![0.0],
                std: vec![1.0],
            },
            pose: Some(Pose {
                unit: AngleUnit::Degrees,
                divide_by: 1.0,
                order: [Angle::Yaw, Angle::Pitch, Angle::Roll],
                yaw: Across::ImageRight,
                pitch: Upright::Down,
                roll_turns: Turn::Clockwise,
                roll: Roll::Zeroed,
                frame: Frame::LineOfSight,
            }),
            output: Output {
                frame: Frame::LineOfSight,
                levelled: true,
                axes: Some(Axes {
                    x: Across::ImageRight,
                    y: Upright::Up,
                    z: Depth::Away,
                }),
                angles: None,
            },
            mirror_average: false,
            contact: None,
        }
    }

    /// An L2CS or MobileGaze file trained on Gaze360: the face's box pulled to 448 × 448,
    /// RGB with ImageNet's mean and deviation; 90 classes of 4° from −180° for each angle.
    pub fn l2cs(input: &str, yaw: &str, pitch: &str) -> Contract {
        Contract {
            kind: Kind::FaceAngles,
            version: VERSION.into(),
            inputs: Inputs {
                face: Some(input.into()),
                ..Inputs::default()
            },
            outputs: Outputs {
                yaw: Some(yaw.into()),
                pitch: Some(pitch.into()),
                ..Outputs::default()
            },
            layout: Layout::Nchw,
            colour: CropColour::Rgb,
            crop: Crop {
                size: 448,
                scale: 1.0,
                level: false,
                fit: Fit::Stretch,
            },
            eye_order: EyeOrder::ImageLeftFirst,
            normalisation: Normalisation {
                range: [0.0, 1.0],
                mean: vec![0.485, 0.456, 0.406],
                std: vec![0.229, 0.224, 0.225],
            },
            pose: None,
            output: Output {
                frame: Frame::LineOfSight,
                levelled: false,
                axes: None,
                angles: Some(Angles {
                    bins: Some(Bins {
                        count: 90,
                        degrees_per_bin: 4.0,
                        offset_deg: -180.0,
                    }),
                    unit: AngleUnit::Degrees,
                    order: Default::default(),
                    yaw: Across::ImageLeft,
                    pitch: Upright::Up,
                }),
            },
            mirror_average: false,
            contact: None,
        }
    }

    /// Whether this is a contract that can be kept.
    pub fn check(&self) -> Result<(), ContractError> {
        if !VERSIONS.contains(&self.version.as_str()) {
            return Err(ContractError::Version {
                found: self.version.clone(),
            });
        }
        let eyes = self.kind.sees_eyes();
        let named = |n: &Option<String>| n.as_ref().is_some_and(|s| !s.is_empty());
        let (i, o) = (&self.inputs, &self.outputs);
        demand("inputs", i, "name left_eye and right_eye, or face", {
            named(&i.left_eye) == eyes && named(&i.right_eye) == eyes && named(&i.face) != eyes
        })?;
        demand(
            "outputs",
            o,
            "name gaze; for face-angles yaw and pitch, or angles",
            {
                let two = named(&o.yaw) && named(&o.pitch);
                let none = !named(&o.yaw) && !named(&o.pitch);
                named(&o.gaze) == eyes
                    && if eyes {
                        none && !named(&o.angles)
                    } else if named(&o.angles) {
                        none
                    } else {
                        two
                    }
            },
        )?;
        demand(
            "outputs.spread",
            &o.spread,
            "rays of eyes only have one, by a contract of version 2",
            o.spread.is_none()
                || named(&o.spread)
                    && self.kind == Kind::EyesPoseRay
                    && self.version == VERSION_WITH_SPREAD,
        )?;
        demand(
            "inputs.geometric",
            &i.geometric,
            "networks of eyes only take a line of sight",
            eyes || i.geometric.is_none(),
        )?;
        let crop = &self.crop;
        demand("crop.size", crop.size, "give 16 to 1024 pixels", {
            (16..=1024).contains(&crop.size)
        })?;
        demand("crop.scale", crop.scale, "give 0.5 to 10", {
            (0.5..=10.0).contains(&crop.scale)
        })?;
        demand("crop.level", crop.level, "eye crops are always level", {
            crop.level || !eyes
        })?;
        demand("crop.fit", crop.fit, "eye crops are square", {
            crop.fit == Fit::Square || !eyes
        })?;
        let n = &self.normalisation;
        let channels = self.colour.channels();
        demand(
            "normalisation",
            n,
            "give range, and mean and std (not 0) for each channel",
            {
                let fits = |v: &[f32]| v.len() == 1 || v.len() == channels;
                n.range[0] < n.range[1]
                    && fits(&n.mean)
                    && fits(&n.std)
                    && n.mean
                        .iter()
                        .chain(&n.std)
                        .chain(&n.range)
                        .all(|v| v.is_finite())
                    && n.std.iter().all(|v| *v > 0.0)
            },
        )?;
        demand(
            "pose",
            self.pose,
            "it belongs to the input head_pose, its three angles differ and divide_by is positive",
            {
                self.pose.is_some() == named(&i.head_pose)
                    && self.pose.is_none_or(|p| {
                        let [a, b, c] = p.order;
                        a != b && b != c && a != c && p.divide_by > 0.0 && p.divide_by.is_finite()
                    })
            },
        )?;
        let out = &self.output;
        demand(
            "output",
            out,
            "a ray or vector has axes, face-angles has angles, a screen point has neither",
            {
                let vector = matches!(self.kind, Kind::EyesPoseRay | Kind::EyesPoseVector);
                out.axes.is_some() == vector
                    && out.angles.is_some() != eyes
                    && (self.kind != Kind::EyesPoseScreen
                        || (out.frame == Frame::Camera && !out.levelled))
            },
        )?;
        demand(
            "mirror_average",
            self.mirror_average,
            "a screen point has no mirrored one",
            !(self.mirror_average && self.kind == Kind::EyesPoseScreen),
        )?;
        demand(
            "contact",
            "constants",
            "a screen point has no ray that could meet the camera",
            !(self.contact.is_some() && self.kind == Kind::EyesPoseScreen),
        )?;
        demand(
            "output.levelled",
            out.levelled,
            "crops that are not level have no levelled frame",
            !out.levelled || crop.level,
        )?;
        if let Some(angles) = &out.angles {
            demand(
                "output.angles",
                angles,
                "classes need 2 to 1000 of a width over 0 and outputs yaw and pitch",
                {
                    angles.bins.is_none_or(|b| {
                        (2..=1000).contains(&b.count)
                            && b.degrees_per_bin > 0.0
                            && b.offset_deg.is_finite()
                            && named(&o.yaw)
                    })
                },
            )?;
        }
        Ok(())
    }
}

const KINDS: [Kind; 4] = [
    Kind::EyesPoseRay,
    Kind::EyesPoseScreen,
    Kind::EyesPoseVector,
    Kind::FaceAngles,
];

fn demand(
    what: &'static str,
    value: impl std::fmt::Debug,
    want: &'static str,
    holds: bool,
) -> Result<(), ContractError> {
    if holds {
        return Ok(());
    }
    let value = format!("{value:?}")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    Err(ContractError::Bad { what, value, want })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
