//! The networks on disk: where they are, and that they are the ones we know.

use std::fs;
use std::path::{Path, PathBuf};

use gaze::trust;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::runtime::beside_program;

/// Why a network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No folder with a `models.json`.
    #[error(
        "no networks at {0}: reinstall, or set GAZE_MODELS to the folder that holds models.json"
    )]
    NoFolder(PathBuf),
    /// `models.json` cannot be read or does not parse.
    #[error("{path} cannot be used ({reason}): restore it from the release")]
    BadIndex {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `models.json` does not list a network of this kind.
    #[error("{path} lists no network of kind {kind}: restore it from the release")]
    NotListed {
        /// The file.
        path: PathBuf,
        /// The kind looked for.
        kind: String,
    },
    /// A listed network cannot be read.
    #[error("the network {path} cannot be read ({reason}): reinstall, or restore the file")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The bytes are not those that `models.json` promises.
    #[error(
        "the network {path} is damaged or was replaced: sha256 {found}… where models.json says {expected}…; restore the file, or correct models.json if the change is yours"
    )]
    WrongHash {
        /// The file.
        path: PathBuf,
        /// First 12 hex digits of what is there.
        found: String,
        /// First 12 hex digits of what should be.
        expected: String,
    },
    /// The runtime refuses the network, or the network refuses its input.
    #[error(
        "the network {network} does not run ({reason}): run `make setup` for the runtime it was made for"
    )]
    DoesNotRun {
        /// File name of the network.
        network: String,
        /// The runtime's words.
        reason: String,
    },
    /// Inputs or outputs are not what the program was written for.
    #[error(
        "the network {network} has another shape than this program knows ({reason}): use the one of this release"
    )]
    WrongContract {
        /// File name of the network.
        network: String,
        /// What differs.
        reason: String,
    },
}

/// A line of `models.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct NetworkEntry {
    /// File name beside `models.json`.
    pub file: String,
    /// What it does: `face-detector`, `face-landmarks`, …
    pub kind: String,
    /// Version of that kind's contract.
    pub version: String,
    /// SHA-256 of the file, hex.
    pub sha256: String,
}

#[derive(Deserialize)]
struct Index {
    schema: u32,
    networks: Vec<NetworkEntry>,
}

/// The folder of networks and what its `models.json` says of them.
#[derive(Debug, Clone)]
pub struct ModelStore {
    folder: PathBuf,
    networks: Vec<NetworkEntry>,
    /// It says what it said when this program was built, so its hashes can be believed.
    as_built: bool,
}

/// A network's bytes, their hash checked.
#[derive(Debug, Clone)]
pub struct Network {
    /// File name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The ONNX file.
    pub bytes: Vec<u8>,
    /// SHA-256 of `bytes`.
    pub sha256: [u8; 32],
}

const INDEX: &str = "models.json";

/// What the source tree's said when this program was built.
const BUILT_WITH: &[u8] = include_bytes!("../../../models/models.json");

/// Our own gaze network, in which arithmetic: the same weights, two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Base {
    /// Floats.
    #[default]
    Float,
    /// 8 bits.
    Int8,
}

impl Base {
    /// Both.
    pub const ALL: [Base; 2] = [Base::Float, Base::Int8];

    /// As the setting `network` names it.
    pub fn name(self) -> &'static str {
        match self {
            Base::Float => "base",
            Base::Int8 => "base-int8",
        }
    }

    /// Its kind in `models.json`.
    pub fn kind(self) -> &'static str {
        match self {
            Base::Float => "gaze-base",
            Base::Int8 => "gaze-base-int8",
        }
    }
}

impl ModelStore {
    /// Opens `explicit` if given, else the folder that `GAZE_MODELS` names,
    /// else the one installed beside the program, else the source tree's.
    pub fn open(explicit: Option<&Path>) -> Result<ModelStore, ModelError> {
        let (folder, of_source_tree) = find(explicit)?;
        ModelStore::open_in(folder, of_source_tree)
    }

    fn open_in(folder: PathBuf, of_source_tree: bool) -> Result<ModelStore, ModelError> {
        let path = folder.join(INDEX);
        let refuse = |reason: String| ModelError::BadIndex {
            path: path.clone(),
            reason,
        };
        // That of the source tree may be anybody's, a container has it from outside: what counts
        // is that it says what it said then. On another machine somebody else may have put
        // something else there.
        let as_built = of_source_tree && fs::read(&path).is_ok_and(|text| text == BUILT_WITH);
        let text = match as_built {
            true => BUILT_WITH.to_vec(),
            false => trust::read(&path).map_err(|e| refuse(e.to_string()))?,
        };
        let index: Index = serde_json::from_slice(&text).map_err(|e| refuse(e.to_string()))?;
        if index.schema != 1 {
            return Err(refuse(format!("schema {} where 1 is known", index.schema)));
        }
        for network in &index.networks {
            if Path::new(&network.file).components().count() != 1 {
                return Err(refuse(format!(
                    "`{}` is not a plain file name",
                    network.file
                )));
            }
        }
        Ok(ModelStore {
            folder,
            networks: index.networks,
            as_built,
        })
    }

    /// The folder in use.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `models.json` lists.
    pub fn networks(&self) -> &[NetworkEntry] {
        &self.networks
    }

    /// Reads every listed network and checks its hash; how many there are.
    pub fn verify_all(&self) -> Result<usize, ModelError> {
        for entry in &self.networks {
            self.read(entry)?;
        }
        Ok(self.networks.len())
    }

    /// Reads the network of one kind. The bytes handed out are those whose hash was checked.
    pub fn load(&self, kind: &str) -> Result<Network, ModelError> {
        let entry = self.networks.iter().find(|n| n.kind == kind);
        let entry = entry.ok_or_else(|| ModelError::NotListed {
            path: self.folder.join(INDEX),
            kind: kind.into(),
        })?;
        self.read(entry)
    }

    fn read(&self, entry: &NetworkEntry) -> Result<Network, ModelError> {
        let path = self.folder.join(&entry.file);
        // Bytes whose hash is believed are, whoever's the file is.
        let bytes = match self.as_built {
            true => fs::read(&path),
            false => trust::read(&path),
        };
        let bytes = bytes.map_err(|e| ModelError::Unreadable {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let found = hex(&sha256);
        if !found.eq_ignore_ascii_case(&entry.sha256) {
            let short = |s: &str| s.chars().take(12).collect();
            return Err(ModelError::WrongHash {
                path,
                found: short(&found),
                expected: short(&entry.sha256),
            });
        }
        Ok(Network {
            name: entry.file.clone(),
            kind: entry.kind.clone(),
            bytes,
            sha256,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The folder, and whether it is the source tree's.
fn find(explicit: Option<&Path>) -> Result<(PathBuf, bool), ModelError> {
    let from_env = || {
        std::env::var_os("GAZE_MODELS")
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = explicit.map(Path::to_path_buf).or_else(from_env) {
        return if folder.join(INDEX).is_file() {
            Ok((folder, false))
        } else {
            Err(ModelError::NoFolder(folder))
        };
    }
    let source_tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    beside_program(&["../share/gaze", "../Resources", ""], "models")
        .map(|folder| (folder, false))
        .chain([(source_tree.clone(), true)])
        .find(|(folder, _)| folder.join(INDEX).is_file())
        .ok_or(ModelError::NoFolder(source_tree))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_source_tree_that_anybody_may_write_is_believed_as_it_was_when_this_was_built() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        };
        let open = |of_source_tree| ModelStore::open_in(folder.path().into(), of_source_tree);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let detector = fs::read(source.join("face_detector.onnx")).unwrap();
        put(INDEX, BUILT_WITH);
        put("face_detector.onnx", &detector);
        open(true).unwrap().load("face-detector").unwrap();
        // Its hash is what is believed.
        put("face_detector.onnx", b"something else");
        let replaced = open(true).unwrap().load("face-detector").unwrap_err();
        assert!(
            matches!(replaced, ModelError::WrongHash { .. }),
            "{replaced}"
        );
        let others_may = |refused: ModelError| {
            let line = refused.to_string();
            assert!(line.contains("others may write it"), "{line}");
        };
        others_may(open(false).unwrap_err());
        // Another index, as somebody else may put it where this was built elsewhere.
        put(INDEX, &[BUILT_WITH, b"\n"].concat());
        others_may(open(true).unwrap_err());
    }
}
