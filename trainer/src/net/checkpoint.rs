//! A network on disk: a folder with its plan (`network.json`) and its weights
//! (`weights.safetensors`). The plan names the weights' hash, so that files of
//! two networks are never taken for one.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::{ModuleSnapshot, SafetensorsStore, bridge};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::config::{ConfigError, NetConfig};
use super::gaze_net::GazeNet;
use super::weights::{self, WeightsError, one_line};

/// The plan's file.
pub const PLAN: &str = "network.json";
/// The weights' file.
pub const WEIGHTS: &str = "weights.safetensors";
const VERSION: u32 = 1;

/// Why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The system refuses.
    #[error("the checkpoint {path} cannot be written ({reason}): see to space and permissions")]
    Write {
        /// File or folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// No checkpoint, or a damaged one.
    #[error(
        "{path} is no checkpoint ({reason}): give a folder that `gaze-trainer train` wrote, with {PLAN} and {WEIGHTS}"
    )]
    Read {
        /// File or folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The plan cannot be built.
    #[error("{path} holds a plan that cannot be built: {source}")]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ConfigError,
    },
    /// The weights are not this plan's.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

#[derive(Serialize, Deserialize)]
struct Plan {
    version: u32,
    network: NetConfig,
    weights_sha256: String,
}

/// Writes `net` as the folder `path`; one that is there is replaced. The new one is
/// complete before the old one goes, and nothing else is left behind. The same
/// network gives the same bytes.
pub fn save(path: &Path, config: &NetConfig, net: &GazeNet) -> Result<(), CheckpointError> {
    let fail = |path: &Path, reason: String| CheckpointError::Write {
        path: path.to_owned(),
        reason: one_line(&reason),
    };
    let name = path
        .file_name()
        .ok_or_else(|| fail(path, "it has no name".into()))?;
    let beside = |what: &str| {
        let hidden = format!(".{}.{what}-{}", name.to_string_lossy(), std::process::id());
        path.with_file_name(hidden)
    };
    let (part, old) = (beside("part"), beside("old"));
    let written = write_into(&part, config, net)
        .map_err(|(at, reason)| fail(&at, reason))
        .and_then(|()| {
            if path.exists() {
                fs::rename(path, &old).map_err(|e| fail(path, e.to_string()))?;
            }
            fs::rename(&part, path).map_err(|e| fail(path, e.to_string()))
        });
    if written.is_err() {
        let _ = fs::remove_dir_all(&part);
        if !path.exists() {
            let _ = fs::rename(&old, path);
        }
    } else {
        let _ = fs::remove_dir_all(&old);
    }
    written
}

/// Both files, on the disk.
fn write_into(folder: &Path, config: &NetConfig, net: &GazeNet) -> Result<(), (PathBuf, String)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |e: std::io::Error| (path, e.to_string())
    };
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(at(folder))?;
    let weights = folder.join(WEIGHTS);
    let mut store = SafetensorsStore::from_file(&weights)
        .skip_enum_variants(true)
        .clear_metadata();
    // A batch norm's last update lies beside its value until it is asked for; a
    // plain visit of the network's tensors would miss it, `valid` does not.
    net.valid()
        .save_into(&mut store)
        .map_err(|e| (weights.clone(), e.to_string()))?;
    let bytes = fs::read(&weights).map_err(at(&weights))?;
    let plan = Plan {
        version: VERSION,
        network: config.clone(),
        weights_sha256: hash(&bytes),
    };
    let mut text = serde_json::to_string_pretty(&plan).expect("a plan is JSON");
    text.push('\n');
    let path = folder.join(PLAN);
    let write = || {
        let mut file = File::create(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        File::open(&weights)?.sync_all()
    };
    write().map_err(at(&path))
}

/// Only the plan of the checkpoint `path`.
pub fn load_config(path: &Path) -> Result<NetConfig, CheckpointError> {
    plan(path).map(|plan| plan.network)
}

fn plan(path: &Path) -> Result<Plan, CheckpointError> {
    let file = path.join(PLAN);
    let refuse = |reason: String| CheckpointError::Read {
        path: path.to_owned(),
        reason: one_line(&reason),
    };
    let text = fs::read_to_string(&file).map_err(|e| refuse(format!("{PLAN}: {e}")))?;
    let plan: Plan = serde_json::from_str(&text).map_err(|e| refuse(format!("{PLAN}: {e}")))?;
    if plan.version != VERSION {
        let is = plan.version;
        return Err(refuse(format!("version {is} where {VERSION} is known")));
    }
    plan.network
        .check()
        .map_err(|source| CheckpointError::Plan { path: file, source })?;
    Ok(plan)
}

/// The network of the checkpoint `path`, on `device`: every tensor of it.
pub fn load(path: &Path, device: &Device) -> Result<(NetConfig, GazeNet), CheckpointError> {
    let plan = plan(path)?;
    let refuse = |reason: String| CheckpointError::Read {
        path: path.to_owned(),
        reason: one_line(&reason),
    };
    let file = path.join(WEIGHTS);
    let bytes = fs::read(&file).map_err(|e| refuse(format!("{WEIGHTS}: {e}")))?;
    if hash(&bytes) != plan.weights_sha256 {
        return Err(refuse(format!(
            "{WEIGHTS} is damaged or another network's: its hash is not the one in {PLAN}"
        )));
    }
    drop(bytes);
    let source_of = |e: ConfigError| CheckpointError::Plan {
        path: path.join(PLAN),
        source: e,
    };
    let mut net = plan.network.init_empty(device).map_err(source_of)?;
    let mut source = weights::read(&file)?;
    let mut tensors = Vec::new();
    for tensor in net.collect(None, None, true) {
        let Some(data) = source.remove(&tensor.name) else {
            return Err(refuse(format!("{WEIGHTS} lacks {}", tensor.name)));
        };
        tensors.push(bridge::from_data(data, tensor.name.clone(), None));
    }
    weights::apply(&mut net, tensors, &file)?;
    Ok((plan.network, net))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
