//! What a training that is interrupted goes on from: one file, replaced at once.
//!
//! ```text
//! "GAZETRN1" · lengths of the three parts, u64 each · progress, JSON · network · optimizer · SHA-256
//! ```
//!
//! Order, augmentation and rates are functions of seed, epoch and step, so none of their state
//! is kept. Network and optimizer are Burn's records: a parameter's name within a run (its id)
//! is in both, and the optimizer finds its moments by it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use burn::module::Module as _;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::folds::Fold;
use super::run::Epoch;
use super::settings::Settings;
use crate::net::{GazeNet, NetConfig};

/// The file in a run's folder.
pub const FILE: &str = "going-on.state";
const MAGIC: &[u8; 8] = b"GAZETRN1";
const HEAD: usize = MAGIC.len() + 3 * 8;

/// How far a training has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// What it was told.
    pub settings: Settings,
    /// The network's plan.
    pub network: NetConfig,
    /// What it learns from, and is checked on.
    pub fold: Fold,
    /// Names the cache: [`fingerprint`].
    pub data: String,
    /// The epoch in hand, and the next step in it.
    pub at: [usize; 2],
    /// Sums of the losses of the epoch in hand: bits of f32, which JSON keeps exactly.
    pub sums: [u32; 2],
    /// Pairs' batches in it.
    pub paired: usize,
    /// Epochs that are done.
    pub epochs: Vec<Epoch>,
    /// The best of them.
    pub best: Option<usize>,
    /// Whether there is nothing left to do.
    pub done: bool,
}

/// Why a state cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Not written; the one before is whole.
    #[error("{}: cannot be written: {why}; make room or give another --out, then go on with --resume", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What was said.
        why: String,
    },
    /// Not there, or damaged.
    #[error("{}: {why}; train anew without --resume", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Names what is learned from: the cache's settings, and which files it was made of.
pub fn fingerprint(header: &crate::data::cache::CacheHeader) -> String {
    let json = serde_json::to_vec(header).expect("a header is JSON");
    Sha256::digest(json)[..16]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Writes `folder`'s state.
///
/// # Errors
/// [`StateError::Write`]; the state that was there stays.
pub fn save(
    folder: &Path,
    progress: &Progress,
    net: &GazeNet,
    optimizer: &ModuleOptimizer,
) -> Result<(), StateError> {
    let path = folder.join(FILE);
    let part = folder.join(format!("{FILE}.new"));
    let fail = |why: String| {
        let _ = fs::remove_file(&part);
        StateError::Write {
            path: path.clone(),
            why,
        }
    };
    let json = serde_json::to_vec(progress).expect("progress is JSON");
    let record = |e: burn::store::RecordError| fail(e.to_string().replace('\n', " "));
    // Without differentiation: a record of values.
    let weights = net.valid().into_record().into_bytes().map_err(record)?;
    let moments = optimizer.into_bytes().map_err(record)?;
    let mut bytes = MAGIC.to_vec();
    for length in [json.len(), weights.len(), moments.len()] {
        bytes.extend((length as u64).to_le_bytes());
    }
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(&weights);
    bytes.extend_from_slice(&moments);
    let hash = Sha256::digest(&bytes);
    let write = || -> io::Result<()> {
        let mut file = File::create(&part)?;
        file.write_all(&bytes)?;
        file.write_all(&hash)?;
        file.sync_all()?;
        fs::rename(&part, &path)
    };
    write().map_err(|e| fail(e.to_string()))
}

/// A state as it lies on the disk.
#[derive(Debug)]
pub struct State {
    /// How far it is.
    pub progress: Progress,
    weights: Vec<u8>,
    moments: Vec<u8>,
    path: PathBuf,
}

/// Reads `folder`'s state.
///
/// # Errors
/// [`StateError::Read`].
pub fn load(folder: &Path) -> Result<State, StateError> {
    let path = folder.join(FILE);
    let refuse = |why: String| StateError::Read {
        path: path.clone(),
        why,
    };
    let bytes = fs::read(&path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    let damaged = || refuse("is damaged, or of another version".into());
    let body = bytes
        .len()
        .checked_sub(32)
        .filter(|n| *n >= HEAD)
        .ok_or_else(damaged)?;
    if !bytes.starts_with(MAGIC) || Sha256::digest(&bytes[..body])[..] != bytes[body..] {
        return Err(damaged());
    }
    let mut at = HEAD;
    let mut parts = Vec::new();
    for length in bytes[MAGIC.len()..HEAD].chunks_exact(8) {
        let length = u64::from_le_bytes(length.try_into().map_err(|_| damaged())?) as usize;
        let end = at
            .checked_add(length)
            .filter(|e| *e <= body)
            .ok_or_else(damaged)?;
        parts.push(bytes[at..end].to_vec());
        at = end;
    }
    let [json, weights, moments] = <[Vec<u8>; 3]>::try_from(parts).map_err(|_| damaged())?;
    let progress = serde_json::from_slice(&json).map_err(|e| refuse(e.to_string()))?;
    Ok(State {
        progress,
        weights,
        moments,
        path,
    })
}

impl State {
    /// Puts the weights into a network of the same plan, and the moments into an optimizer.
    ///
    /// # Errors
    /// [`StateError::Read`].
    pub fn restore(
        self,
        net: GazeNet,
        optimizer: ModuleOptimizer,
    ) -> Result<(GazeNet, ModuleOptimizer), StateError> {
        let refuse = |e: burn::store::RecordError| StateError::Read {
            path: self.path.clone(),
            why: e.to_string().replace('\n', " "),
        };
        let record =
            ModuleRecord::from_bytes(Bytes::from_bytes_vec(self.weights)).map_err(refuse)?;
        let net = net.load_record(record);
        let moments = Bytes::from_bytes_vec(self.moments);
        let optimizer = optimizer.from_bytes(moments).map_err(refuse)?;
        Ok((net, optimizer))
    }
}
