//! What an ONNX file of a gaze network says of itself: the network contract.
//!
//! Our own files carry it in their metadata: `gaze.kind`, `gaze.version`, and all of it
//! as JSON under `gaze.contract` ([`Contract::to_metadata`]). Beside a foreign file
//! `net.onnx` the same JSON lies as `net.json`; `models/README.md` has examples, and
//! [`Contract::known`] knows two foreign files by their inputs and outputs.
//!
//! Everything here is about what goes in and what comes out; nothing is computed.

use gaze::contact::Derived;
use serde::{Deserialize, Serialize};

use super::pose::Pose;
use crate::crop::{CropColour, EyeCropSpec};
use crate::sampler::Layout;

/// The version of the contract that this program writes where nothing asks for a later one.
pub const VERSION: &str = "1";
/// Of a contract that names [`Outputs::spread`]: programs that know no spread take no such file.
pub const VERSION_WITH_SPREAD: &str = "2";
/// The versions that this program reads.
pub const VERSIONS: [&str; 2] = [VERSION, VERSION_WITH_SPREAD];

/// Metadata key of [`Kind`].
pub const KIND_KEY: &str = "gaze.kind";
/// Metadata key of the contract's version.
pub const VERSION_KEY: &str = "gaze.version";
/// Metadata key of the whole contract as JSON.
pub const CONTRACT_KEY: &str = "gaze.contract";

/// What our own networks call the input of the geometric line of sight.
pub const GEOMETRIC: &str = "geometric_ray";

/// What our own networks call the output of how far they err.
pub const SPREAD: &str = "spread";

/// What a network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Two eye crops and the head pose in, a gaze ray out. Ours, for everyone's screens.
    EyesPoseRay,
    /// The same in, a point on the screen out. Ours, for one person's fixed rig.
    EyesPoseScreen,
    /// The same in, a gaze vector of any length out (gaze-estimation-adas-0002).
    EyesPoseVector,
    /// A picture of the face in, yaw and pitch out (L2CS, MobileGaze).
    FaceAngles,
}

impl Kind {
    /// As files and programs write it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::EyesPoseRay => "eyes-pose-ray",
            Kind::EyesPoseScreen => "eyes-pose-screen",
            Kind::EyesPoseVector => "eyes-pose-vector",
            Kind::FaceAngles => "face-angles",
        }
    }

    /// Whether it looks at crops of both eyes; else at the face.
    pub fn sees_eyes(self) -> bool {
        self != Kind::FaceAngles
    }
}

/// Names of the network's inputs, by what goes in. Every input must be named here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// One eye, [N, C, size, size] (or [N, size, size, C]); which, says [`EyeOrder`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_eye: Option<String>,
    /// The other eye.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right_eye: Option<String>,
    /// Head pose, [N, 3]: as [`Pose`] says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_pose: Option<String>,
    /// [N, 5]: middle of the image-left eye x, y, of the image-right eye x, y (÷ image
    /// width, ÷ image height), distance between them ÷ image width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eye_position: Option<String>,
    /// The line of sight that geometry alone gives, [N, 3]: a unit vector in the camera
    /// frame. Where geometry gives none, such a network is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geometric: Option<String>,
    /// The face, shaped like an eye.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<String>,
}

/// Names of the network's outputs that are read. Others may be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outputs {
    /// Ray or vector [N, 3], or screen point [N, 2].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaze: Option<String>,
    /// The angle left–right: [N, bins], or [N, 1] plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yaw: Option<String>,
    /// The angle up–down, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch: Option<String>,
    /// Both angles in one output [N, 2], in [`Angles::order`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<String>,
    /// How far a ray is expected to be off on people nobody calibrated, [N, 2]: standard
    /// deviations of the error across (difference of the yaws × cosine of the pitch) and up,
    /// degrees, positive. With `mirror_average` it is each answer's own part of the mean's
    /// ([`super::GazeNet::spread_deg`]). Since version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<String>,
}

/// Which eye goes into the input that is called left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EyeOrder {
    /// The eye on the image's left.
    #[default]
    ImageLeftFirst,
    /// The person's left eye: on the image's right.
    PersonLeftFirst,
}

/// How a face's box becomes the square that the network takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The box's longer side makes the square.
    #[default]
    Square,
    /// The box is pulled to a square.
    Stretch,
}

/// What is cut out of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Pixels on a side.
    pub size: usize,
    /// Side ÷ distance of the eye's own corners; for a face: side ÷ the side of the box
    /// around its landmarks.
    pub scale: f32,
    /// Turned so that the eyes are level.
    pub level: bool,
    /// For a face.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fit: Fit,
}

/// From a byte to what goes in: `(range[0] + byte / 255 · (range[1] − range[0]) − mean) / std`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// What black and white are before mean and deviation: [0, 1] or [0, 255].
    pub range: [f32; 2],
    /// Per channel, in the contract's colour order; one value is for all of them.
    pub mean: Vec<f32>,
    /// Per channel, likewise.
    pub std: Vec<f32>,
}

impl Normalisation {
    /// Factor and summand of one channel: value = byte × factor + summand.
    pub fn of_channel(&self, channel: usize) -> (f32, f32) {
        let of = |v: &[f32]| v.get(channel).or(v.first()).copied();
        let (mean, std) = (of(&self.mean).unwrap_or(0.0), of(&self.std).unwrap_or(1.0));
        let [low, high] = self.range;
        ((high - low) / 255.0 / std, (low - mean) / std)
    }
}

/// The frame of a pose that goes in, and of a direction that comes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frame {
    /// The camera's axes.
    #[default]
    Camera,
    /// Turned with them so that the camera lies straight ahead of the eyes: 0° looks into
    /// the camera wherever the person sits.
    LineOfSight,
}

/// Where positive angles or coordinates point, left–right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Across {
    /// To the image's right.
    #[default]
    ImageRight,
    /// To the image's left.
    ImageLeft,
}

/// Where positive angles or coordinates point, up–down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Upright {
    /// Up.
    #[default]
    Up,
    /// Down.
    Down,
}

/// Where the third coordinate points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Away from the camera.
    #[default]
    Away,
    /// Towards the camera.
    Towards,
}

/// Where the coordinates of a vector point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axes {
    /// First.
    pub x: Across,
    /// Second.
    pub y: Upright,
    /// Third.
    pub z: Depth,
}

impl Axes {
    /// The camera frame's own: right, down, away.
    pub const CAMERA: Axes = Axes {
        x: Across::ImageRight,
        y: Upright::Down,
        z: Depth::Away,
    };
}

/// Angles in classes: the expected class × degrees + offset is the angle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bins {
    /// How many classes.
    pub count: usize,
    /// Width of one.
    pub degrees_per_bin: f32,
    /// The angle of class 0.
    pub offset_deg: f32,
}

/// Unit of an angle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AngleUnit {
    /// 360 to the circle.
    #[default]
    Degrees,
    /// 2π to the circle.
    Radians,
}

/// The order of two angles in one tensor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AngleOrder {
    /// Left–right first.
    #[default]
    YawPitch,
    /// Up–down first.
    PitchYaw,
}

/// How a network of kind [`Kind::FaceAngles`] tells its angles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Angles {
    /// Logits of classes; without it the outputs are the angles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bins: Option<Bins>,
    /// Unit of plain angles.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unit: AngleUnit,
    /// Order in the one output [`Outputs::angles`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: AngleOrder,
    /// Where a positive yaw looks.
    pub yaw: Across,
    /// Where a positive pitch looks.
    pub pitch: Upright,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What the direction is relative to; a screen point has none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub frame: Frame,
    /// The direction is that of the levelled picture and is to be turned back by as much
    /// as the crops were turned.
    #[serde(default, skip_serializing_if = "is_default")]
    pub levelled: bool,
    /// Where a vector's coordinates point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axes: Option<Axes>,
    /// How angles are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<Angles>,
}

/// Everything that a program must know to use a network's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// What it does.
    pub kind: Kind,
    /// Of the contract; one of [`VERSIONS`].
    pub version: String,
    /// Names.
    pub inputs: Inputs,
    /// Names.
    pub outputs: Outputs,
    /// Order of a picture's values.
    pub layout: Layout,
    /// Channels of a picture.
    pub colour: CropColour,
    /// What is cut.
    pub crop: Crop,
    /// Which eye is the left one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub eye_order: EyeOrder,
    /// From bytes to values.
    pub normalisation: Normalisation,
    /// How the head pose is told; with the input `head_pose` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pose: Option<Pose>,
    /// How the answer is to be read.
    pub output: Output,
    /// The answer is the mean of this and of the mirrored picture's answer, mirrored back:
    /// twice the time. It takes a left–right bias away.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mirror_average: bool,
    /// What its ray says of eye contact: how far the network errs on people nobody calibrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Derived>,
}

impl Contract {
    /// Our own network: crops with mean and deviation per channel of values 0–1, head pose
    /// ÷ 45° with roll, eye position; the answer a unit ray in the camera frame
    /// ([`Kind::EyesPoseRay`]) or a screen point ([`Kind::EyesPoseScreen`]).
    pub fn ours(kind: Kind, crop: &EyeCropSpec, mean: &[f32], std: &[f32]) -> Contract {
        let name = |s: &str| Some(s.to_owned());
        Contract {
            kind,
            version: VERSION.into(),
            inputs: Inputs {
                left_eye: name("left_eye"),
                right_eye: name("right_eye"),
                head_pose: name("head_pose"),
                eye_position: name("eye_position"),
                geometric: None,
                face: None,
            },
            outputs: Outputs {
                gaze: name("gaze"),
                ..Outputs::default()
            },
            layout: Layout::Nchw,
            colour: crop.colour,
            crop: Crop {
                size: crop.size,
                scale: crop.scale,
                level: true,
                fit: Fit::Square,
            },
            eye_order: EyeOrder::ImageLeftFirst,
            normalisation: Normalisation {
                range: [0.0, 1.0],
                mean: mean.to_vec(),
                std: std.to_vec(),
            },
            pose: Some(Pose::OURS),
            output: Output {
                frame: Frame::Camera,
                levelled: false,
                axes: (kind != Kind::EyesPoseScreen).then_some(Axes::CAMERA),
                angles: None,
            },
            mirror_average: false,
            contact: None,
        }
    }

    /// The same for a network that also takes the geometric line of sight.
    #[must_use]
    pub fn with_geometric(mut self) -> Contract {
        self.inputs.geometric = Some(GEOMETRIC.into());
        self
    }

    /// The same for a network that also tells how far it errs.
    #[must_use]
    pub fn with_spread(mut self) -> Contract {
        self.version = VERSION_WITH_SPREAD.into();
        self.outputs.spread = Some(SPREAD.into());
        self
    }

    /// The eye crops that this network takes.
    pub fn eye_crop(&self) -> EyeCropSpec {
        EyeCropSpec {
            size: self.crop.size,
            scale: self.crop.scale,
            colour: self.colour,
        }
    }

    /// Values of one picture that goes in.
    pub fn picture_len(&self) -> usize {
        self.eye_crop().len()
    }
}

fn is_default<T: Default + PartialEq>(v: &T) -> bool {
    *v == T::default()
}
