//! Contact networks that a user brings: a picture of a face in, whether it looks at the camera out.
//!
//! What the file takes and gives stands in its metadata (`gaze.kind` = `face-contact`,
//! `gaze.contract`) or in the JSON beside it ([`ContactContract`]). A file that says nothing, with
//! one square colour input and one number out, is taken for what most trainings make: RGB, ImageNet's
//! mean and deviation, one logit.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::crop::CropColour;
use crate::face_crop::FaceCropper;
use crate::frame::Frame;
use crate::gaze_net::contract::{CONTRACT_KEY, KIND_KEY, Normalisation};
use crate::gaze_net::sidecar;
use crate::models::{ModelError, Network};
use crate::region::BBox;
use crate::runtime::Runtime;
use crate::sampler::Layout;
use crate::session::{LoadedSession, SessionOptions};

/// What such a file calls itself.
pub const KIND: &str = "face-contact";
/// The version of the contract that this program knows.
const VERSION: &str = "1";

/// How the answer is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ContactAnswer {
    /// [N, 1]: the probability is its sigmoid.
    Logit,
    /// [N, 1]: the probability itself.
    Probability,
    /// [N, 2] logits: the softmax of the class with this number (0 or 1).
    Softmax(usize),
}

impl ContactAnswer {
    fn numbers(self) -> usize {
        match self {
            ContactAnswer::Softmax(_) => 2,
            _ => 1,
        }
    }

    /// The probability of contact that a row of the output says.
    pub fn probability(self, row: &[f32]) -> f64 {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        match self {
            ContactAnswer::Logit => sigmoid(f64::from(row[0])),
            ContactAnswer::Probability => f64::from(row[0]),
            // The softmax of two is the sigmoid of their difference.
            ContactAnswer::Softmax(class) => {
                sigmoid(f64::from(row[class]) - f64::from(row[1 - class]))
            }
        }
    }
}

/// What a contact network's file promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactContract {
    /// `face-contact`.
    pub kind: String,
    /// `1`.
    pub version: String,
    /// Name of the input.
    pub input: String,
    /// Name of the output.
    pub output: String,
    /// Order of a picture's values.
    pub layout: Layout,
    /// Channels.
    pub colour: CropColour,
    /// Pixels on a side.
    pub size: usize,
    /// Side of the square that is cut ÷ the longer side of the box around the face's landmarks.
    pub scale: f32,
    /// From bytes to values.
    pub normalisation: Normalisation,
    /// What comes out.
    pub answer: ContactAnswer,
}

/// Why a file is no contact network that can run here: one line.
#[derive(Debug, thiserror::Error)]
pub enum ContactNetError {
    /// The file cannot be read.
    #[error("the contact network {path} cannot be read ({reason}): check the path")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// ONNX Runtime refuses it.
    #[error(
        "the contact network {path} does not load ({reason}): it is damaged, or made for a newer ONNX Runtime"
    )]
    DoesNotLoad {
        /// The file.
        path: PathBuf,
        /// The runtime's words.
        reason: String,
    },
    /// What it promises cannot be read or kept.
    #[error("the contact network {path} cannot be used: {reason}")]
    Contract {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
}

impl ContactContract {
    /// RGB with ImageNet's mean and deviation, and one answer.
    pub fn imagenet(input: &str, output: &str, size: usize, answer: ContactAnswer) -> Self {
        ContactContract {
            kind: KIND.into(),
            version: VERSION.into(),
            input: input.into(),
            output: output.into(),
            layout: Layout::Nchw,
            colour: CropColour::Rgb,
            size,
            scale: 1.0,
            normalisation: Normalisation {
                range: [0.0, 1.0],
                mean: vec![0.485, 0.456, 0.406],
                std: vec![0.229, 0.224, 0.225],
            },
            answer,
        }
    }

    /// What an exporter writes into a file's metadata.
    pub fn to_metadata(&self) -> [(&'static str, String); 2] {
        [
            (KIND_KEY, KIND.into()),
            (
                CONTRACT_KEY,
                serde_json::to_string(self).unwrap_or_default(),
            ),
        ]
    }

    fn read(text: &str, place: &str) -> Result<ContactContract, String> {
        let contract: ContactContract = serde_json::from_str(text)
            .map_err(|e| format!("{place} does not parse: {e}; models/README.md has an example"))?;
        contract.check().map_err(|why| format!("{place}: {why}"))?;
        Ok(contract)
    }

    /// Checks every number of it.
    ///
    /// # Errors
    /// What is wrong, in a few words.
    pub fn check(&self) -> Result<(), String> {
        let n = &self.normalisation;
        let channels = self.colour.channels();
        let fits =
            |v: &[f32]| (v.len() == 1 || v.len() == channels) && v.iter().all(|x| x.is_finite());
        let rules = [
            (self.kind == KIND, "kind must be face-contact"),
            (self.version == VERSION, "version must be 1"),
            (
                (16..=1024).contains(&self.size),
                "size must be 16 to 1024 pixels",
            ),
            ((0.5..=4.0).contains(&self.scale), "scale must be 0.5 to 4"),
            (
                fits(&n.mean) && fits(&n.std) && n.std.iter().all(|s| *s > 0.0),
                "normalisation needs mean and std (not 0) for each channel",
            ),
            (
                !matches!(self.answer, ContactAnswer::Softmax(class) if class > 1),
                "softmax must be 0 or 1: the class of contact",
            ),
        ];
        let broken = rules.iter().find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, want)| Err((*want).to_owned()))
    }

    /// What a file that says nothing is taken for.
    fn guess(session: &LoadedSession, beside: &Path) -> Result<ContactContract, String> {
        let (inputs, outputs) = (session.inputs(), session.outputs());
        let ([(input, shape)], [(output, out)]) = (&inputs[..], &outputs[..]) else {
            return Err(format!(
                "it does not say what it is and has not one input and one output: write {} as models/README.md shows",
                beside.display()
            ));
        };
        let square = match shape[..] {
            [_, 3, h, w] if h == w && h > 0 => Some(h as usize),
            _ => None,
        };
        match (square, out.last()) {
            (Some(size), Some(1)) if out.len() == 2 => {
                Ok(Self::imagenet(input, output, size, ContactAnswer::Logit))
            }
            (Some(_), Some(2)) => Err(format!(
                "it has two classes and does not say which is contact: write {} as models/README.md shows",
                beside.display()
            )),
            _ => Err(format!(
                "input {shape:?} and output {out:?} are not [N, 3, size, size] and [N, 1]: write {} as models/README.md shows",
                beside.display()
            )),
        }
    }
}

/// A contact network, loaded. It allocates when it runs: it is not for the way from frame to sample.
pub struct ContactNet {
    contract: ContactContract,
    session: LoadedSession,
    cropper: FaceCropper,
    input: Vec<f32>,
    /// All faces at once; else one after the other.
    batches: bool,
    name: String,
    sha256: [u8; 32],
}

impl ContactNet {
    /// Reads the file and what it promises, and runs it once.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it.
    pub fn open(
        path: &Path,
        runtime: &Runtime,
        options: &SessionOptions,
    ) -> Result<ContactNet, ContactNetError> {
        let bytes = gaze::trust::read(path).map_err(|e| ContactNetError::Unreadable {
            path: path.to_owned(),
            reason: e.to_string(),
        })?;
        let name = path
            .file_stem()
            .map_or_else(|| "contact".into(), |s| s.to_string_lossy().into_owned());
        let network = Network {
            name: name.clone(),
            kind: KIND.into(),
            sha256: Sha256::digest(&bytes).into(),
            bytes,
        };
        let load = |e: ModelError| ContactNetError::DoesNotLoad {
            path: path.to_owned(),
            reason: match e {
                ModelError::DoesNotRun { reason, .. }
                | ModelError::WrongContract { reason, .. } => reason,
                other => other.to_string(),
            },
        };
        let broken = |reason: String| ContactNetError::Contract {
            path: path.to_owned(),
            reason,
        };
        let session = LoadedSession::new(runtime, &network, options).map_err(load)?;
        if let Some(kind) = session.metadata(KIND_KEY).filter(|k| k != KIND) {
            return Err(broken(format!("it is a {kind} network, not {KIND}")));
        }
        let beside = sidecar(path);
        let contract = match (
            session.metadata(CONTRACT_KEY),
            gaze::trust::read_to_string(&beside),
        ) {
            (Some(text), _) => ContactContract::read(&text, "`gaze.contract` in its metadata"),
            (None, Ok(text)) => ContactContract::read(&text, &beside.display().to_string()),
            (None, Err(e)) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{} cannot be read: {e}", beside.display()))
            }
            (None, Err(_)) => ContactContract::guess(&session, &beside),
        }
        .map_err(broken)?;
        let free = |ports: &[(String, Vec<i64>)], name: &str| {
            ports
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, shape)| shape.first().is_some_and(|d| *d < 0))
        };
        let absent = |what: &str, name: &str| broken(format!("it has no {what} `{name}`"));
        let batches = free(&session.inputs(), &contract.input)
            .ok_or_else(|| absent("input", &contract.input))?;
        free(&session.outputs(), &contract.output)
            .ok_or_else(|| absent("output", &contract.output))?;
        let mut net = ContactNet {
            cropper: FaceCropper::new(contract.size, contract.scale),
            input: Vec::new(),
            batches,
            session,
            name,
            sha256: network.sha256,
            contract,
        };
        // A contract that the file does not keep is refused now, not at the first face.
        net.input = vec![0.0; net.picture_len()];
        net.run(1, |_, _| {}).map_err(load)?;
        Ok(net)
    }

    /// What it takes and gives.
    pub fn contract(&self) -> &ContactContract {
        &self.contract
    }

    /// The file's name without its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the file.
    pub fn hash(&self) -> &[u8; 32] {
        &self.sha256
    }

    fn picture_len(&self) -> usize {
        self.contract.colour.channels() * self.contract.size * self.contract.size
    }

    /// Probabilities of contact of these faces (boxes around their landmarks), in their order;
    /// NaN for one that is not in the picture. All go through in one batch where the network
    /// takes any number.
    ///
    /// # Errors
    /// When the runtime fails.
    pub fn judge(&mut self, frame: &Frame, faces: &[BBox]) -> Result<Vec<f64>, ModelError> {
        let mut answers = vec![f64::NAN; faces.len()];
        self.input.clear();
        let mut places = Vec::with_capacity(faces.len());
        for (i, face) in faces.iter().enumerate() {
            if self.cut(frame, face) {
                places.push(i);
            }
        }
        if !places.is_empty() {
            self.run(places.len(), |k, p| answers[places[k]] = p)?;
        }
        Ok(answers)
    }

    /// Adds a face to the input; false where it is not in the picture.
    fn cut(&mut self, frame: &Frame, face: &BBox) -> bool {
        let Some([red, green, blue]) = self.cropper.cut(frame, face) else {
            return false;
        };
        let area = red.len();
        let n = &self.contract.normalisation;
        let of = |channel: usize, pixel: usize| {
            let byte = match (self.contract.colour, channel) {
                (CropColour::Gray, _) => {
                    0.299 * red[pixel] + 0.587 * green[pixel] + 0.114 * blue[pixel]
                }
                (CropColour::Rgb, 0) | (CropColour::Bgr, 2) => red[pixel],
                (CropColour::Rgb, 2) | (CropColour::Bgr, 0) => blue[pixel],
                _ => green[pixel],
            };
            let (factor, summand) = n.of_channel(channel);
            byte * factor + summand
        };
        let channels = self.contract.colour.channels();
        match self.contract.layout {
            Layout::Nchw => {
                for c in 0..channels {
                    self.input.extend((0..area).map(|i| of(c, i)));
                }
            }
            Layout::Nhwc => {
                for i in 0..area {
                    self.input.extend((0..channels).map(|c| of(c, i)));
                }
            }
        }
        true
    }

    /// Runs the first `count` pictures of the input.
    fn run(&mut self, count: usize, mut tell: impl FnMut(usize, f64)) -> Result<(), ModelError> {
        let (n, c) = (self.contract.size, self.contract.colour.channels());
        let (room, numbers) = (self.picture_len(), self.contract.answer.numbers());
        let at_once = if self.batches { count } else { 1 };
        for first in (0..count).step_by(at_once) {
            let shape = match self.contract.layout {
                Layout::Nchw => [at_once, c, n, n],
                Layout::Nhwc => [at_once, n, n, c],
            };
            let values = &self.input[first * room..(first + at_once) * room];
            let contract = &self.contract;
            let out = self
                .session
                .run_once((&contract.input, &shape), values, &contract.output)?;
            if out.len() != at_once * numbers {
                return Err(ModelError::WrongContract {
                    network: self.name.clone(),
                    reason: format!("{} numbers come out, not {}", out.len(), at_once * numbers),
                });
            }
            for (k, row) in out.chunks_exact(numbers).enumerate() {
                tell(first + k, contract.answer.probability(row));
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for ContactNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContactNet")
            .field("name", &self.name)
            .field("contract", &self.contract)
            .finish_non_exhaustive()
    }
}
