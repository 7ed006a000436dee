//! A gaze network from its file to its answers.

use std::path::{Path, PathBuf};

use gaze::landmarks::Landmarks;
use sha2::{Digest, Sha256};

use super::answer::NetGaze;
use super::contract::Contract;
use super::eyes::EyesNet;
use super::face::FaceNet;
use super::read::{ContractError, sidecar};
use super::view::EyeView;
use crate::frame::Frame;
use crate::models::{Base, ModelError, ModelStore, Network};
use crate::runtime::Runtime;
use crate::session::{LoadedSession, SessionOptions};

/// Why a file is no gaze network that can run here: one line.
#[derive(Debug, thiserror::Error)]
pub enum GazeNetError {
    /// The file cannot be read.
    #[error("the gaze network {path} cannot be read ({reason}): check the path")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// ONNX Runtime refuses it.
    #[error(
        "the gaze network {path} does not load ({reason}): it is damaged, or made for a newer ONNX Runtime"
    )]
    DoesNotLoad {
        /// The file.
        path: PathBuf,
        /// The runtime's words.
        reason: String,
    },
    /// It has no contract, or one that cannot be kept.
    #[error("the gaze network {path} cannot be used: {reason}")]
    Contract {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: ContractError,
    },
    /// Its inputs or outputs are not what its contract says.
    #[error(
        "the gaze network {path} is not what its contract says ({reason}): correct the contract"
    )]
    Breach {
        /// The file.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// The one that comes with the program is not as it came.
    #[error(transparent)]
    Ours(#[from] ModelError),
}

enum Adapter {
    Eyes(EyesNet),
    Face(FaceNet),
}

/// A gaze network, bound and warm: [`GazeNet::estimate`] allocates nothing of ours.
pub struct GazeNet {
    contract: Contract,
    adapter: Adapter,
    name: String,
    sha256: [u8; 32],
}

impl GazeNet {
    /// Our own network. None where `store` lists none at all, as where geometry alone was shipped.
    ///
    /// # Errors
    /// [`GazeNetError`]; that it is not listed, where another arithmetic's is asked for.
    pub fn base(
        store: &ModelStore,
        which: Base,
        runtime: &Runtime,
        options: &SessionOptions,
    ) -> Result<Option<GazeNet>, GazeNetError> {
        let network = match store.load(which.kind()) {
            Ok(network) => network,
            Err(ModelError::NotListed { .. }) if which == Base::Float => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let path = store.folder().join(&network.name);
        GazeNet::from_bytes(&path, network.bytes, None, runtime, options).map(Some)
    }

    /// Reads and binds the file. Its contract is `contract` if given, else what its
    /// metadata say, else the JSON beside it, else that of a known foreign file.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it.
    pub fn open(
        path: &Path,
        contract: Option<Contract>,
        runtime: &Runtime,
        options: &SessionOptions,
    ) -> Result<GazeNet, GazeNetError> {
        let bytes = gaze::trust::read(path).map_err(|e| GazeNetError::Unreadable {
            path: path.to_owned(),
            reason: e.to_string(),
        })?;
        GazeNet::from_bytes(path, bytes, contract, runtime, options)
    }

    /// The same of bytes that were read before; `path` names them and leads to the JSON
    /// beside them.
    ///
    /// # Errors
    /// As [`GazeNet::open`].
    pub fn from_bytes(
        path: &Path,
        bytes: Vec<u8>,
        contract: Option<Contract>,
        runtime: &Runtime,
        options: &SessionOptions,
    ) -> Result<GazeNet, GazeNetError> {
        let refuse = |error: ModelError| match error {
            ModelError::WrongContract { reason, .. } => GazeNetError::Breach {
                path: path.to_owned(),
                reason,
            },
            ModelError::DoesNotRun { reason, .. } => GazeNetError::DoesNotLoad {
                path: path.to_owned(),
                reason,
            },
            other => GazeNetError::DoesNotLoad {
                path: path.to_owned(),
                reason: other.to_string(),
            },
        };
        let broken = |reason: ContractError| GazeNetError::Contract {
            path: path.to_owned(),
            reason,
        };
        let name = path
            .file_stem()
            .map_or_else(|| "network".into(), |s| s.to_string_lossy().into_owned());
        let network = Network {
            name: name.clone(),
            kind: "gaze".into(),
            sha256: Sha256::digest(&bytes).into(),
            bytes,
        };
        let session = LoadedSession::new(runtime, &network, options).map_err(refuse)?;
        let of_file = Contract::from_metadata(|key| session.metadata(key)).map_err(broken)?;
        let (contract, told) = match (contract, of_file) {
            (Some(given), _) => (given, true),
            (None, Some(own)) => (own, false),
            (None, None) => match Contract::beside(path).map_err(broken)? {
                Some(beside) => (beside, true),
                None => Contract::known(&session.inputs(), &session.outputs())
                    .map(|known| (known, false))
                    .ok_or_else(|| ContractError::Missing {
                        sidecar: sidecar(path),
                    })
                    .map_err(broken)?,
            },
        };
        contract.check().map_err(broken)?;
        let adapter = if contract.kind.sees_eyes() {
            EyesNet::new(session, &contract).map(Adapter::Eyes)
        } else {
            FaceNet::new(session, &contract).map(Adapter::Face)
        };
        let mut sha256 = network.sha256;
        if told {
            // The same file read in another way gives other points: another network.
            let mut both = Sha256::new_with_prefix(&network.bytes);
            both.update(contract.to_metadata()[2].1.as_bytes());
            sha256 = both.finalize().into();
        }
        Ok(GazeNet {
            adapter: adapter.map_err(refuse)?,
            contract,
            name,
            sha256,
        })
    }

    /// What it takes and gives.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The file's name without its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the file; of file and contract where that came from elsewhere than the
    /// file itself.
    pub fn hash(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Where a measured face looks. `None`: its eyes are not in the picture, the answer is
    /// no direction, or the network takes a geometric line of sight that the view does not
    /// have. Allocates nothing.
    ///
    /// # Errors
    /// When the runtime fails.
    pub fn estimate(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        view: &EyeView,
    ) -> Result<Option<NetGaze>, ModelError> {
        match &mut self.adapter {
            Adapter::Eyes(net) => net.estimate(frame, landmarks, view, &self.contract),
            Adapter::Face(net) => net.estimate(frame, landmarks, view, &self.contract),
        }
    }

    /// The same from crops that were cut before by [`crate::EyeCropper::cut_bytes`] with
    /// [`Contract::eye_crop`], image-left first: exactly what [`GazeNet::estimate`] says of
    /// the frame. `None` also for a network that sees the face.
    ///
    /// # Errors
    /// When the runtime fails.
    pub fn estimate_crops(
        &mut self,
        crops: [&[u8]; 2],
        view: &EyeView,
    ) -> Result<Option<NetGaze>, ModelError> {
        match &mut self.adapter {
            Adapter::Eyes(net) => net.estimate_crops(crops, view, &self.contract),
            Adapter::Face(_) => Ok(None),
        }
    }

    /// How far the answer of the last [`GazeNet::estimate`] or [`GazeNet::estimate_crops`] is
    /// expected to be off, where the network tells ([`super::contract::Outputs::spread`]):
    /// standard deviations across and up, degrees, for somebody nobody calibrated. `None` too
    /// where there was no answer. Of a mean with the mirrored picture's answer it is
    ///
    /// ```text
    /// σ² = (σ₁² + σ₂²) ÷ 2 + ((a₁ − a₂) ÷ 2)²
    /// ```
    ///
    /// of both answers a and what was told of each, for each axis. Allocates nothing.
    pub fn spread_deg(&self) -> Option<[f64; 2]> {
        match &self.adapter {
            Adapter::Eyes(net) => net.spread_deg(),
            Adapter::Face(_) => None,
        }
    }
}

impl std::fmt::Debug for GazeNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GazeNet")
            .field("name", &self.name)
            .field("kind", &self.contract.kind)
            .finish_non_exhaustive()
    }
}
