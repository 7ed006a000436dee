//! ONNX Runtime: where its shared library is, and the one environment of this process.
//!
//! The library is loaded by path, not linked, so that a program starts without
//! it and can say what is missing. `make setup` puts it into the cache folder.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::LoadDynamicError;
use ort::environment::Environment;

use crate::coreml::CoreMl;

/// The version that `make setup` fetches and the networks were measured with.
pub const VERSION: &str = "1.31.1";

/// Why ONNX Runtime cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No library where one is looked for.
    #[error(
        "ONNX Runtime is not at {path}: run `make setup`, which fetches it, or set GAZE_ORT_LIB to its shared library"
    )]
    Missing {
        /// The place that was named, or the last one looked at.
        path: PathBuf,
    },
    /// The library is older than what we call.
    #[error(
        "{path} is ONNX Runtime {found}, but 1.{least} or newer is needed: run `make setup`, or name a newer one in GAZE_ORT_LIB"
    )]
    WrongVersion {
        /// The library.
        path: PathBuf,
        /// What it calls itself.
        found: String,
        /// The oldest minor version that will do.
        least: u32,
    },
    /// A file is there, but the system does not load it as ONNX Runtime.
    #[error("{path} cannot be loaded as ONNX Runtime ({reason}): delete it and run `make setup`")]
    NotLoadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Another library was loaded before; a process can hold only one.
    #[error(
        "ONNX Runtime is already loaded from {loaded}, {asked} cannot be loaded beside it: restart the program"
    )]
    AnotherLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The library asked for.
        asked: PathBuf,
    },
}

/// What runs the networks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Provider {
    /// The processor.
    #[default]
    Cpu,
    /// Apple's CoreML, and the processor where that cannot.
    CoreMl(CoreMl),
}

/// ONNX Runtime, loaded. Cheap to clone; all clones are the same environment.
#[derive(Debug, Clone)]
pub struct Runtime {
    environment: Environment,
    path: PathBuf,
}

/// Forbids ONNX Runtime to report to its makers. Their builds for Linux and Macs do so from 1.29
/// on (machine, session, names and hashes of networks, an identifier that is kept in the cache
/// folder), whatever is said through the library's own interface, unless this variable is there
/// when the library is loaded. Programs call it first of all; [`Runtime::load`] does too.
pub fn forbid_reports() {
    const VARIABLE: &str = "ORT_DISABLE_TELEMETRY";
    if env::var_os(VARIABLE).is_none_or(|set| set != "1") {
        // SAFETY: programs call it while they have one thread. Where they did not, in tests, the
        // first who loads the library does, once and under a lock; that other C code reads its
        // environment at that very moment is left to luck there.
        #[allow(unsafe_code)]
        unsafe {
            env::set_var(VARIABLE, "1");
        }
    }
}

/// ONNX Runtime allows one environment per process, for as long as it lives.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Loads the library: `explicit` if given, else as `GAZE_ORT_LIB` or
    /// `ORT_DYLIB_PATH` name it, else beside the program, else in the cache
    /// folder. A path that is named and wrong is an error; nothing else is
    /// tried in its place.
    pub fn load(explicit: Option<&Path>) -> Result<Runtime, RuntimeError> {
        let path = find(explicit)?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*loaded {
            return if runtime.path == path {
                Ok(runtime.clone())
            } else {
                Err(RuntimeError::AnotherLoaded {
                    loaded: runtime.path.clone(),
                    asked: path,
                })
            };
        }
        let refuse = |reason: String| RuntimeError::NotLoadable {
            path: path.clone(),
            reason,
        };
        forbid_reports();
        // It is code that runs as us.
        gaze::trust::check(&path).map_err(|e| refuse(e.to_string()))?;
        let builder = ort::init_from(&path).map_err(|e| match e {
            LoadDynamicError::BadVersion { version_str, path } => RuntimeError::WrongVersion {
                path,
                found: version_str,
                least: ort::MINOR_VERSION,
            },
            LoadDynamicError::Dlopen { error, .. } => refuse(one_line(&error.to_string())),
            LoadDynamicError::MissingApi { .. } => refuse("it lacks OrtGetApiBase".into()),
            LoadDynamicError::InvalidVersionString => refuse("it has no version".into()),
        })?;
        let environment = builder
            .with_name("gaze")
            .with_telemetry(false)
            .build()
            .map_err(|e| refuse(one_line(&e.to_string())))?;
        let runtime = Runtime { environment, path };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// The library in use.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the library that is loaded says of its build: branch, commit, how it was compiled.
    pub(crate) fn build(&self) -> &'static str {
        let _ = &self.environment; // the library answers once it is loaded
        ort::info()
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// The library's words, which have names of a file in them, on one line.
pub(crate) fn one_line(text: &str) -> String {
    gaze::one_line::one_line(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn find(explicit: Option<&Path>) -> Result<PathBuf, RuntimeError> {
    let named = explicit.map(Path::to_path_buf).or_else(|| {
        ["GAZE_ORT_LIB", "ORT_DYLIB_PATH"]
            .iter()
            .filter_map(env::var_os)
            .find(|v| !v.is_empty())
            .map(PathBuf::from)
    });
    if let Some(path) = named {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(RuntimeError::Missing { path })
        };
    }
    let cached = cache_folder()
        .join(format!("onnxruntime-{VERSION}"))
        .join(library_name());
    beside_program(&["", "../lib", "../Frameworks"], &library_name())
        .chain([cached.clone()])
        .find(|p| p.is_file())
        .ok_or(RuntimeError::Missing { path: cached })
}

/// The library's file name on this system, version and all.
fn library_name() -> String {
    if cfg!(target_os = "macos") {
        format!("libonnxruntime.{VERSION}.dylib")
    } else {
        format!("libonnxruntime.so.{VERSION}")
    }
}

/// `name` in folders given relative to the running program.
pub(crate) fn beside_program<'a>(
    folders: &'a [&'a str],
    name: &'a str,
) -> impl Iterator<Item = PathBuf> + 'a {
    let program = env::current_exe().ok().and_then(|p| p.canonicalize().ok());
    let folder = program.and_then(|p| p.parent().map(Path::to_path_buf));
    folders
        .iter()
        .filter_map(move |f| Some(folder.as_ref()?.join(f).join(name)))
}

/// The user's cache folder, the same one that the scripts fill.
pub fn cache_folder() -> PathBuf {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    if let Some(own) = set("GAZE_CACHE") {
        return own;
    }
    let home = set("HOME").unwrap_or_else(|| PathBuf::from("/"));
    set("XDG_CACHE_HOME")
        .unwrap_or_else(|| home.join(".cache"))
        .join("gaze")
}
