//! Networks on Apple's CoreML, through ONNX Runtime's execution provider.
//!
//! A session is made for the processor first, then one for CoreML beside it: with every
//! dimension fixed (CoreML compiles shapes), as an ML program (the older format knows no half
//! precision), its trunk in half precision (`half`). Both are run on the same numbers once,
//! and CoreML takes over where it says the same (`measure`); the processor stays in every other
//! case, and the reason is told. It stays ready beside CoreML too, for the first run that fails
//! later (`session.rs`). Accumulation on the graphics processor stays in single precision, which
//! is its default: networks this small gain nothing by less.
//!
//! What CoreML compiled is kept in a folder that is named after the hash of exactly what was
//! compiled, because ONNX Runtime looks at names and not at weights. `cache` removes what
//! nobody has used for long.

mod cache;
mod half;
mod measure;
mod proto;
mod standing;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ort::ep::{CoreML, ExecutionProvider, coreml as ep};
use ort::session::Session;
use sha2::{Digest, Sha256};

use crate::bound::Compute;
use crate::models::Network;
use crate::runtime::{Runtime, one_line};
use crate::session::{Port, SessionOptions, builder};

pub use measure::{Apart, Measure, largest_difference};
pub use standing::{News, Standing, Tell, Turn};

/// Which parts of the machine CoreML may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ComputeUnits {
    /// Processor, graphics processor and Neural Engine, as CoreML thinks best.
    #[default]
    All,
    /// Not the Neural Engine.
    CpuAndGpu,
    /// Not the graphics processor.
    CpuAndNeuralEngine,
    /// The processor alone.
    CpuOnly,
}

impl ComputeUnits {
    /// All of them, with the names that settings use.
    pub const ALL: [(&'static str, ComputeUnits); 4] = [
        ("all", ComputeUnits::All),
        ("cpu_and_gpu", ComputeUnits::CpuAndGpu),
        ("cpu_and_neural_engine", ComputeUnits::CpuAndNeuralEngine),
        ("cpu_only", ComputeUnits::CpuOnly),
    ];

    /// By that name.
    pub fn named(name: &str) -> Option<ComputeUnits> {
        let found = Self::ALL.iter().find(|(n, _)| *n == name);
        found.map(|(_, units)| *units)
    }

    fn of_ort(self) -> ep::ComputeUnits {
        match self {
            ComputeUnits::All => ep::ComputeUnits::All,
            ComputeUnits::CpuAndGpu => ep::ComputeUnits::CPUAndGPU,
            ComputeUnits::CpuAndNeuralEngine => ep::ComputeUnits::CPUAndNeuralEngine,
            ComputeUnits::CpuOnly => ep::ComputeUnits::CPUOnly,
        }
    }
}

/// How networks are to be computed by CoreML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreMl {
    /// Folder for compiled networks; each has one below it, named after its hash.
    pub cache: PathBuf,
    /// What may be used.
    pub units: ComputeUnits,
    /// Who hears how it goes.
    pub tell: Tell,
}

/// Whether this ONNX Runtime knows of CoreML.
pub(crate) fn is_here() -> bool {
    CoreML::is_available().unwrap_or(false)
}

/// What a session on CoreML is made of.
pub(crate) struct Asked<'a> {
    /// The ONNX file.
    pub file: &'a [u8],
    /// Its free dimensions.
    pub fixed: &'a [(String, i64)],
    /// Where CoreML leaves what it compiles.
    pub folder: &'a Path,
}

/// ONNX Runtime's session on CoreML; why not, in one line.
pub(crate) fn session(
    asked: &Asked,
    units: ComputeUnits,
    runtime: &Runtime,
    options: &SessionOptions,
) -> Result<Session, String> {
    let make = || -> ort::Result<Session> {
        let provider = CoreML::default()
            .with_model_format(ep::ModelFormat::MLProgram)
            .with_compute_units(units.of_ort())
            .with_static_input_shapes(true)
            .with_model_cache_dir(asked.folder.display());
        let mut builder = builder(runtime, options)?;
        for (name, size) in asked.fixed {
            builder = builder.with_dimension_override(name, *size)?;
        }
        builder
            .with_execution_providers([provider.build().error_on_failure()])?
            .commit_from_memory(asked.file)
    };
    make().map_err(|e| e.to_string())
}

/// Has `make` make a session on CoreML of the network that `on_cpu` computes, tries it, and
/// keeps what was compiled, which `compiler` tells apart from other systems'; or why not, in
/// one line.
pub(crate) fn beside(
    on_cpu: &mut dyn Compute,
    (coreml, standing): (&CoreMl, &Arc<Standing>),
    network: &Network,
    (inputs, measures): (&[Port], &[Measure]),
    compiler: &str,
    make: impl FnOnce(&Asked) -> Result<Box<dyn Compute>, String>,
) -> Result<Box<dyn Compute>, String> {
    let begun = Instant::now();
    let file = prepared(&network.bytes);
    let fixed = fixed_dimensions(&file, inputs)?;
    let entry = cache::Entry::of(&coreml.cache, &network.name, &key(&file, &fixed, compiler))
        .map_err(|e| format!("{} cannot be written: {e}", coreml.cache.display()))?;
    let _alone = entry.alone();
    entry.clear_unfinished();
    let known = entry.is_compiled();
    if !known {
        coreml.tell.tell(standing, Turn::Compiling);
    }
    let failed = |why: String| {
        entry.remove();
        one_line(&why)
    };
    let mut made = make(&Asked {
        file: &file,
        fixed: &fixed,
        folder: entry.folder(),
    })
    .map_err(failed)?;
    // What it computes it has compiled; without that, everything is left to the processor.
    if !entry.holds_something() {
        return Err(failed("CoreML takes no part of it".into()));
    }
    measure::same_answers(on_cpu, &mut *made, measures).map_err(failed)?;
    // A cache that cannot be tidied is no reason to compute elsewhere.
    entry.used();
    cache::tidy(&coreml.cache);
    let seconds = (!known).then(|| begun.elapsed().as_secs_f64());
    coreml.tell.tell(standing, Turn::Runs(seconds));
    Ok(made)
}

/// The ONNX file that CoreML is given: the trunk in half precision where that can be had. The
/// processor computes it too, only slower.
pub fn prepared(file: &[u8]) -> Vec<u8> {
    match half::in_half(file) {
        Ok(Some(changed)) => changed,
        // A file that ONNX Runtime reads and we do not stays as it is.
        Ok(None) | Err(proto::Broken) => file.to_vec(),
    }
}

/// The free dimensions of an ONNX file by name, with the sizes that are bound to them.
///
/// # Errors
/// One line: nothing is bound to one of them, or two sizes.
pub fn fixed_dimensions(file: &[u8], inputs: &[Port]) -> Result<Vec<(String, i64)>, String> {
    let free = half::free_dimensions(file).map_err(|proto::Broken| "its shapes cannot be read")?;
    let mut fixed: Vec<(String, i64)> = Vec::new();
    for (dimension, input, place) in free {
        let bound = inputs.iter().find(|(name, _)| *name == input);
        let Some(&size) = bound.and_then(|(_, shape)| shape.get(place)) else {
            return Err(format!("nothing is bound to its `{input}`"));
        };
        let size = size as i64;
        match fixed.iter().find(|(name, _)| *name == dimension) {
            Some((_, before)) if *before != size => {
                return Err(format!("its `{dimension}` is {before} and {size}"));
            }
            Some(_) => {}
            None => fixed.push((dimension, size)),
        }
    }
    Ok(fixed)
}

/// Who compiles: the build of ONNX Runtime that is loaded, and the system.
pub(crate) fn compiler(runtime: &Runtime) -> String {
    // A file rather than a call: its bytes change with every update, and that is all we ask.
    let system = std::fs::read("/System/Library/CoreServices/SystemVersion.plist");
    let system = String::from_utf8_lossy(&system.unwrap_or_default()).into_owned();
    format!("{} {system}", runtime.build())
}

/// Of exactly what is compiled: bytes, sizes, and who compiles.
fn key(file: &[u8], fixed: &[(String, i64)], compiler: &str) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(file);
    hash.update(format!("{fixed:?} {compiler}"));
    hash.finalize().into()
}

/// Where compiled networks are kept unless somebody says otherwise.
pub fn default_cache() -> PathBuf {
    crate::runtime::cache_folder().join(Path::new("coreml"))
}
