//! Eye contact from a person's own labels: how well it is told, and a network that learns it.
//!
//! | module | is |
//! |---|---|
//! | [`folder`] | labelled pictures: `contact/` and `other/`, or a rendered set with its truth |
//! | [`look`] | what the daemon would say of each picture, and the face's crop |
//! | [`groups`] | who is tested on whom |
//! | [`evaluate`] | ROC, calibration, thresholds, a recalibration; what they come to on others |
//! | [`examples`] | crops as a network takes them, in batches |
//! | [`learn`] | the training |

pub mod evaluate;
pub mod examples;
pub mod folder;
pub mod groups;
pub mod learn;
pub mod look;

use std::io;
use std::path::PathBuf;

use vision::gaze_net::GazeNetError;
use vision::{ContactNetError, ModelError, RuntimeError};

/// Why nothing can be said, or learned. One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Folder {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// No labels.
    #[error(
        "{}: has no folders contact and other, nor rendered pictures whose JSON tells who looks into the lens; sort your pictures into two folders of these names in it", .0.display()
    )]
    NoLabels(PathBuf),
    /// Labels, and no pictures.
    #[error("{}: no picture (.jpg, .png) in {what}", path.display())]
    NoPictures {
        /// The folder.
        path: PathBuf,
        /// Where in it.
        what: &'static str,
    },
    /// Too few to say anything.
    #[error(
        "of {pictures} pictures {contact} in contact and {other} others can be told, {least} of each are needed{}", mostly.as_ref().map(|m| format!("; most are left out because: {m}")).unwrap_or_default()
    )]
    TooFew {
        /// All of them.
        pictures: usize,
        /// Told, in contact.
        contact: usize,
        /// Told, not in contact.
        other: usize,
        /// Needed of each.
        least: usize,
        /// Why most others are left out.
        mostly: Option<&'static str>,
    },
    /// The networks' runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A network.
    #[error(transparent)]
    Network(#[from] ModelError),
    /// Our gaze network.
    #[error(transparent)]
    Gaze(#[from] GazeNetError),
    /// A contact network.
    #[error(transparent)]
    ContactNet(#[from] ContactNetError),
    /// A file cannot be written.
    #[error("{}: cannot be written: {why}; see to space and permissions, or give another name", path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// Weights ran away.
    #[error("the loss is no number any more in epoch {0}; use a lower --rate")]
    Diverged(usize),
    /// The file answers otherwise than the network.
    #[error(
        "the exported file answers up to {difference:.1e} beside the network, more than rounding explains ({most:.0e}): nothing is written; this is a fault of gaze-trainer, report it"
    )]
    Differs {
        /// Of probabilities, at most.
        difference: f64,
        /// What is allowed.
        most: f64,
    },
    /// A fault of ours.
    #[error("a fault of gaze-trainer at {path}: {why}")]
    Fault {
        /// The picture.
        path: String,
        /// What was said.
        why: String,
    },
}

impl Error {
    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Differs { .. } => 1,
            Error::TooFew { .. } => 3,
            Error::Write { .. } => 4,
            Error::Diverged(_) => 6,
            Error::Fault { .. } => 70,
            _ => 5,
        }
    }
}
