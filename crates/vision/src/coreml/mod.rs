//! Networks on Apple's CoreML, through ONNX Runtime's execution provider.
//!
//! A session is made for the processor first, then one for CoreML beside it: with every
//! dimension fixed (CoreML compiles shapes), as an ML program (the older format knows no half
//! precision), its trunk in half precision (`half`). Both are run on the same numbers once,
//! and CoreML takes over where it says the same; the processor stays in every other case, and
//! the reason is told. Accumulation on the graphics processor stays in single precision, which
//! is its default: networks this small gain nothing by less.
//!
//! What CoreML compiled is kept in a folder that is named after the hash of exactly what was
//! compiled, because ONNX Runtime looks at names and not at weights. `cache` removes what
//! nobody has used for long.

mod cache;
mod half;
mod proto;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ort::ep::{CoreML, ExecutionProvider, coreml as ep};
use ort::session::Session;
use sha2::{Digest, Sha256};

use crate::models::Network;
use crate::runtime::{Runtime, VERSION, one_line};
use crate::session::{BoundSession, Port, SessionOptions, builder};

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

/// What happens to a network that CoreML is to compute.
#[derive(Debug, Clone, PartialEq)]
pub struct News<'a> {
    /// What the network does: `face-landmarks`, `gaze`, …
    pub kind: &'a str,
    /// Its file's name.
    pub network: &'a str,
    /// What happens.
    pub turn: Turn<'a>,
}

/// See [`News`].
#[derive(Debug, Clone, PartialEq)]
pub enum Turn<'a> {
    /// It is being compiled: once, maybe for minutes.
    Compiling,
    /// CoreML computes it from now on; so many seconds it took to compile it, if it had to be.
    Runs(Option<f64>),
    /// The processor computes it, for this reason.
    FellBack(&'a str),
}

/// Whom to tell [`News`]; nobody by default. Called by the thread that loads a network.
#[derive(Clone, Default)]
pub struct Tell(Option<Listener>);

type Listener = Arc<dyn Fn(&News) + Send + Sync>;

impl Tell {
    /// This one.
    pub fn whom(hear: impl Fn(&News) + Send + Sync + 'static) -> Tell {
        Tell(Some(Arc::new(hear)))
    }

    fn tell(&self, network: &Network, turn: Turn) {
        if let Some(hear) = &self.0 {
            hear(&News {
                kind: &network.kind,
                network: &network.name,
                turn,
            });
        }
    }
}

impl PartialEq for Tell {
    /// The same one hears it.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Tell {}

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Tell" } else { "nobody" })
    }
}

/// How far CoreML's answers may be from the processor's, as a part of the largest one (at least
/// of 1). Half precision stays a third of it even on noise; a broken conversion is far above it.
pub const TOLERANCE: f32 = 0.02;

/// The same session on CoreML, tried; or why not, in one line.
pub(crate) fn instead_of(
    on_cpu: &mut BoundSession,
    coreml: &CoreMl,
    runtime: &Runtime,
    network: &Network,
    options: &SessionOptions,
    ports: (&[Port], &[Port]),
) -> Result<BoundSession, String> {
    let tried = try_it(on_cpu, coreml, runtime, network, options, ports);
    if let Err(reason) = &tried {
        coreml.tell.tell(network, Turn::FellBack(reason));
    }
    tried
}

fn try_it(
    on_cpu: &mut BoundSession,
    coreml: &CoreMl,
    runtime: &Runtime,
    network: &Network,
    options: &SessionOptions,
    (inputs, outputs): (&[Port], &[Port]),
) -> Result<BoundSession, String> {
    if !CoreML::is_available().unwrap_or(false) {
        return Err("this ONNX Runtime has no CoreML".into());
    }
    let begun = Instant::now();
    let file = prepared(&network.bytes);
    let fixed = fixed_dimensions(&file, inputs)?;
    let entry = cache::Entry::of(&coreml.cache, &network.name, &key(&file, &fixed))
        .map_err(|e| format!("{} cannot be written: {e}", coreml.cache.display()))?;
    let _alone = entry.alone();
    entry.clear_unfinished();
    let known = entry.is_compiled();
    if !known {
        coreml.tell.tell(network, Turn::Compiling);
    }
    let make = || -> ort::Result<Session> {
        let provider = CoreML::default()
            .with_model_format(ep::ModelFormat::MLProgram)
            .with_compute_units(coreml.units.of_ort())
            .with_static_input_shapes(true)
            .with_model_cache_dir(entry.folder().display());
        let mut builder = builder(runtime, options)?;
        for (name, size) in &fixed {
            builder = builder.with_dimension_override(name, *size)?;
        }
        builder
            .with_execution_providers([provider.build().error_on_failure()])?
            .commit_from_memory(&file)
    };
    let failed = |why: String| {
        entry.remove();
        why
    };
    let session = make().map_err(|e| failed(one_line(&e.to_string())))?;
    // What it computes it has compiled; without that, everything is left to the processor.
    if !entry.holds_something() {
        return Err(failed("CoreML takes no part of it".into()));
    }
    let mut bound = BoundSession::of(session, &network.name, inputs, outputs)
        .map_err(|e| failed(one_line(&e.to_string())))?;
    same_answers(on_cpu, &mut bound).map_err(failed)?;
    // A cache that cannot be tidied is no reason to compute elsewhere.
    entry.used();
    cache::tidy(&coreml.cache);
    let seconds = (!known).then(|| begun.elapsed().as_secs_f64());
    coreml.tell.tell(network, Turn::Runs(seconds));
    Ok(bound)
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

/// Of exactly what is compiled: bytes, sizes, and who compiles.
fn key(file: &[u8], fixed: &[(String, i64)]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(file);
    hash.update(format!("{fixed:?} {VERSION}"));
    hash.finalize().into()
}

/// Runs both on the same numbers; an error where their answers are far apart.
fn same_answers(one: &mut BoundSession, other: &mut BoundSession) -> Result<(), String> {
    let apart = largest_difference(one, other).map_err(|e| one_line(&e.to_string()))?;
    if apart.relative <= TOLERANCE {
        return Ok(());
    }
    Err(format!(
        "its answers differ from the processor's by {:.3}",
        apart.absolute
    ))
}

/// How far the answers of two sessions of one network are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apart {
    /// Largest difference of two numbers; NaN where one of them is.
    pub absolute: f32,
    /// Largest difference as a part of the largest number of its output, or of 1.
    pub relative: f32,
}

/// Runs both on numbers between 0 and 1 that look random and are always the same.
///
/// # Errors
/// When one of them does not run.
pub fn largest_difference(
    one: &mut BoundSession,
    other: &mut BoundSession,
) -> Result<Apart, crate::ModelError> {
    for session in [&mut *one, &mut *other] {
        let mut state = 1_u32;
        for index in 0..session.inputs() {
            session.input(index).fill_with(|| {
                // Numerical Recipes' linear congruential generator.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32
            });
        }
        session.run()?;
    }
    let mut apart = Apart {
        absolute: 0.0,
        relative: 0.0,
    };
    for index in 0..one.outputs() {
        let (a, b) = (one.output(index), other.output(index));
        let largest = a.iter().fold(1.0_f32, |m, v| m.max(v.abs()));
        for (a, b) in a.iter().zip(b) {
            let d = (a - b).abs();
            apart.absolute = worse(apart.absolute, d);
            apart.relative = worse(apart.relative, d / largest);
        }
    }
    Ok(apart)
}

/// The larger one, a NaN above all.
fn worse(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        f32::NAN
    } else {
        a.max(b)
    }
}

/// Where compiled networks are kept unless somebody says otherwise.
pub fn default_cache() -> PathBuf {
    crate::runtime::cache_folder().join(Path::new("coreml"))
}
