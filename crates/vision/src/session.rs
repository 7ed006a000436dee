//! One network, ready to run; where CoreML is to compute it, the processor stands ready beside
//! it and takes over with the first run that fails.
//!
//! On the way from frame to sample: a run takes no lock and allocates nothing of ours, but the
//! one in which CoreML fails, which notes why in words. Who else it concerns is told by others,
//! who look at the [`Standing`].

use std::sync::Arc;

use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::Tensor;

use crate::bound::{Bound, Compute, does_not_run};
use crate::coreml::{self, Measure, Standing};
use crate::models::{ModelError, Network};
use crate::runtime::{Provider, Runtime, one_line};

/// How sessions are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads inside one run, the caller's included; at least 1.
    pub threads: usize,
    /// What computes.
    pub provider: Provider,
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions {
            threads: 1,
            provider: Provider::default(),
        }
    }
}

/// A network with its buffers: fill [`BoundSession::input`], [`BoundSession::run`],
/// read [`BoundSession::output`]. Float tensors, shapes fixed when it is made.
pub struct BoundSession {
    /// What computes.
    now: Box<dyn Compute>,
    /// The processor's session beside CoreML's, ready to run. After CoreML failed, CoreML's:
    /// to free it takes longer than a frame may.
    spare: Option<Box<dyn Compute>>,
    /// Where CoreML was asked for.
    standing: Option<Arc<Standing>>,
}

/// What computes a bound network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Computes {
    /// The processor, as asked.
    Cpu,
    /// CoreML, and the processor what that leaves to it.
    CoreMl,
    /// The processor, though CoreML was asked for; why, in one line.
    CpuInstead(String),
}

/// A tensor's name in the network and its shape.
pub type Port<'a> = (&'a str, &'a [usize]);

/// A network whose inputs and outputs are known and not bound yet.
pub struct LoadedSession {
    session: Session,
    name: String,
    /// What another session of it is made of, where something else is to compute it.
    again: Option<Box<(Runtime, Network, SessionOptions)>>,
}

impl LoadedSession {
    /// Loads `network`: for the processor, until its shapes are known.
    pub fn new(
        runtime: &Runtime,
        network: &Network,
        options: &SessionOptions,
    ) -> Result<LoadedSession, ModelError> {
        let session = builder(runtime, options)
            .and_then(|mut b| b.commit_from_memory(&network.bytes))
            .map_err(does_not_run(&network.name))?;
        Ok(LoadedSession {
            session,
            name: network.name.clone(),
            again: (options.provider != Provider::Cpu)
                .then(|| Box::new((runtime.clone(), network.clone(), options.clone()))),
        })
    }

    /// An entry of the file's own metadata.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
    }

    /// Its inputs, by name and shape; −1 where a shape is free.
    pub fn inputs(&self) -> Vec<(String, Vec<i64>)> {
        ports(self.session.inputs())
    }

    /// Its outputs, likewise.
    pub fn outputs(&self) -> Vec<(String, Vec<i64>)> {
        ports(self.session.outputs())
    }

    /// Runs it once with one input, of any batch; all values of an output. Allocates.
    pub(crate) fn run_once(
        &mut self,
        (input, shape): Port,
        values: &[f32],
        output: &str,
    ) -> Result<Vec<f32>, ModelError> {
        let mut run = || -> ort::Result<Vec<f32>> {
            let tensor = Tensor::from_array((shape.to_vec(), values.to_vec()))?;
            let found = self.session.run(ort::inputs![input => tensor])?;
            let (_, values) = found[output].try_extract_tensor::<f32>()?;
            Ok(values.to_vec())
        };
        run().map_err(does_not_run(&self.name))
    }

    /// Binds all inputs and these outputs, whose numbers are what `measures` say. Names or
    /// shapes that the network does not have are an error here, not at the first run. Where
    /// CoreML is to compute it and does not, the processor does.
    pub fn bind(
        self,
        inputs: &[Port],
        outputs: &[Port],
        measures: &[Measure],
    ) -> Result<BoundSession, ModelError> {
        let mut on_cpu = Bound::new(self.session, &self.name, inputs, outputs)?;
        let coreml = self.again.as_deref().and_then(|again| {
            let (runtime, network, options) = again;
            match &options.provider {
                Provider::CoreMl(wish) => Some((wish, runtime, network, options)),
                Provider::Cpu => None,
            }
        });
        let Some((wish, runtime, network, options)) = coreml else {
            return Ok(BoundSession::plain(Box::new(on_cpu)));
        };
        let standing = Arc::new(Standing::new(network));
        let make = |asked: &coreml::Asked| {
            coreml::session(asked, wish.units, runtime, options).and_then(|session| {
                let bound = Bound::new(session, &self.name, inputs, outputs);
                bound.map(|b| Box::new(b) as _).map_err(|e| e.to_string())
            })
        };
        let tried = match coreml::is_here() {
            true => coreml::beside(
                &mut on_cpu,
                (wish, &standing),
                network,
                (inputs, measures),
                &coreml::compiler(runtime),
                make,
            ),
            false => Err("this ONNX Runtime has no CoreML".into()),
        };
        if let Err(reason) = &tried {
            wish.tell.tell(&standing, coreml::Turn::FellBack(reason));
        }
        Ok(BoundSession::with_coreml(Box::new(on_cpu), tried, standing))
    }
}

fn ports(outlets: &[ort::value::Outlet]) -> Vec<(String, Vec<i64>)> {
    let shape = |o: &ort::value::Outlet| o.dtype().tensor_shape().map_or(vec![], |s| s.to_vec());
    outlets
        .iter()
        .map(|o| (o.name().to_owned(), shape(o)))
        .collect()
}

impl BoundSession {
    /// Loads `network`, which must not call itself another kind, and binds these inputs
    /// and outputs.
    pub fn new(
        runtime: &Runtime,
        network: &Network,
        options: &SessionOptions,
        inputs: &[Port],
        outputs: &[Port],
    ) -> Result<BoundSession, ModelError> {
        let loaded = LoadedSession::new(runtime, network, options)?;
        if let Some(kind) = loaded.metadata("gaze.kind")
            && kind != network.kind
        {
            return Err(ModelError::WrongContract {
                network: network.name.clone(),
                reason: format!("it calls itself {kind}, not {}", network.kind),
            });
        }
        let measures = measures_of(&network.kind, outputs);
        loaded.bind(inputs, outputs, &measures)
    }

    /// Loads `network` and binds all that it has, one of everything where a shape is free.
    pub fn alone(
        runtime: &Runtime,
        network: &Network,
        options: &SessionOptions,
    ) -> Result<BoundSession, ModelError> {
        let loaded = LoadedSession::new(runtime, network, options)?;
        let sizes = |(name, shape): (String, Vec<i64>)| {
            let one = |d: i64| usize::try_from(d).unwrap_or(1);
            (name, shape.into_iter().map(one).collect::<Vec<_>>())
        };
        let inputs: Vec<_> = loaded.inputs().into_iter().map(sizes).collect();
        let outputs: Vec<_> = loaded.outputs().into_iter().map(sizes).collect();
        let outputs = ports_of(&outputs);
        let measures = measures_of(&network.kind, &outputs);
        loaded.bind(&ports_of(&inputs), &outputs, &measures)
    }

    /// By the processor, as was asked.
    fn plain(on_cpu: Box<dyn Compute>) -> BoundSession {
        BoundSession {
            now: on_cpu,
            spare: None,
            standing: None,
        }
    }

    /// By CoreML where that was made, by the processor where not, or once it fails.
    pub(crate) fn with_coreml(
        on_cpu: Box<dyn Compute>,
        coreml: Result<Box<dyn Compute>, String>,
        standing: Arc<Standing>,
    ) -> BoundSession {
        let (now, spare) = match coreml {
            Ok(coreml) => (coreml, Some(on_cpu)),
            Err(reason) => {
                standing.gives_way(reason);
                (on_cpu, None)
            }
        };
        BoundSession {
            now,
            spare,
            standing: Some(standing),
        }
    }

    /// What computes it now, alone.
    pub(crate) fn computing(&mut self) -> &mut dyn Compute {
        &mut *self.now
    }

    /// What computes it now.
    pub fn computes(&self) -> Computes {
        match &self.standing {
            None => Computes::Cpu,
            Some(standing) => match standing.why_not() {
                None => Computes::CoreMl,
                Some(why) => Computes::CpuInstead(why.to_owned()),
            },
        }
    }

    /// How many inputs are bound.
    pub fn inputs(&self) -> usize {
        self.now.inputs()
    }

    /// How many outputs are bound.
    pub fn outputs(&self) -> usize {
        self.now.outputs()
    }

    /// The values of the input bound as number `index`, row-major.
    pub fn input(&mut self, index: usize) -> &mut [f32] {
        self.now.input(index)
    }

    /// The values of the output bound as number `index`, as the last run left them.
    pub fn output(&self, index: usize) -> &[f32] {
        self.now.output(index)
    }

    /// Computes the outputs from the inputs: on the processor from the first time on that
    /// CoreML fails.
    ///
    /// # Errors
    /// The processor fails too.
    pub fn run(&mut self) -> Result<(), ModelError> {
        self.now.run().or_else(|error| self.give_way(error))
    }

    #[cold]
    fn give_way(&mut self, error: ModelError) -> Result<(), ModelError> {
        let (Some(spare), Some(standing)) = (&mut self.spare, &self.standing) else {
            return Err(error);
        };
        if standing.why_not().is_some() {
            return Err(error); // it is the processor that failed
        }
        for index in 0..spare.inputs() {
            spare.input(index).copy_from_slice(self.now.input(index));
        }
        // What neither of them computes is not CoreML's fault.
        spare.run()?;
        std::mem::swap(&mut self.now, spare);
        let reason = match error {
            ModelError::DoesNotRun { reason, .. } => reason,
            other => other.to_string(),
        };
        standing.gives_way(one_line(&format!("CoreML failed: {reason}")));
        Ok(())
    }
}

pub(crate) fn builder(runtime: &Runtime, options: &SessionOptions) -> ort::Result<SessionBuilder> {
    Ok(Session::builder(runtime.environment())?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(options.threads.max(1))?
        // A spinning thread takes the processor from the one that has work.
        .with_intra_op_spinning(false)?
        .with_inter_threads(1)?)
}

fn ports_of(all: &[(String, Vec<usize>)]) -> Vec<Port<'_>> {
    all.iter()
        .map(|(n, s)| (n.as_str(), s.as_slice()))
        .collect()
}

fn measures_of(kind: &str, outputs: &[Port]) -> Vec<Measure> {
    let of = |(name, _): &Port| Measure::of(kind, name);
    outputs.iter().map(of).collect()
}
