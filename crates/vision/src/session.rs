//! One network, ready to run: inputs and outputs are bound once, so that a run
//! allocates nothing of ours (the runtime itself still calls malloc inside).
#![allow(unsafe_code)]

use ort::AsPointer;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{IoBinding, Session};
use ort::value::{Tensor, TensorElementType};

use crate::coreml;
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
    // Before the session: the binding refers to it and goes first.
    binding: IoBinding,
    inputs: Vec<Tensor<f32>>,
    outputs: Vec<Tensor<f32>>,
    session: Session,
    name: String,
    /// What computes it.
    by: Computes,
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

    /// Binds all inputs and these outputs. Names or shapes that the network does not
    /// have are an error here, not at the first run. Where CoreML is to compute it and does
    /// not, the processor does.
    pub fn bind(self, inputs: &[Port], outputs: &[Port]) -> Result<BoundSession, ModelError> {
        let mut on_cpu = BoundSession::of(self.session, &self.name, inputs, outputs)?;
        let Some(again) = self.again else {
            return Ok(on_cpu);
        };
        let (runtime, network, options) = *again;
        let Provider::CoreMl(wish) = &options.provider else {
            return Ok(on_cpu);
        };
        let ports = (inputs, outputs);
        match coreml::instead_of(&mut on_cpu, wish, &runtime, &network, &options, ports) {
            Ok(mut bound) => {
                bound.by = Computes::CoreMl;
                Ok(bound)
            }
            Err(reason) => {
                on_cpu.by = Computes::CpuInstead(reason);
                Ok(on_cpu)
            }
        }
    }
}

fn does_not_run(name: &str) -> impl Fn(ort::Error) -> ModelError {
    move |e| ModelError::DoesNotRun {
        network: name.to_owned(),
        reason: one_line(&e.to_string()),
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
        loaded.bind(inputs, outputs)
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
        loaded.bind(&ports_of(&inputs), &ports_of(&outputs))
    }

    /// Binds all inputs of a session, and these outputs.
    pub(crate) fn of(
        session: Session,
        name: &str,
        inputs: &[Port],
        outputs: &[Port],
    ) -> Result<BoundSession, ModelError> {
        check(name, &session, inputs, outputs)?;
        let bind = || -> ort::Result<_> {
            let tensor = |port: &Port| Tensor::<f32>::new(session.allocator(), port.1.to_vec());
            let bound_in = inputs.iter().map(tensor).collect::<ort::Result<Vec<_>>>()?;
            let mut bound_out = outputs
                .iter()
                .map(tensor)
                .collect::<ort::Result<Vec<_>>>()?;
            let mut binding = session.create_binding()?;
            for ((name, _), value) in inputs.iter().zip(&bound_in) {
                binding.bind_input(*name, value)?;
            }
            for ((name, _), value) in outputs.iter().zip(&mut bound_out) {
                binding.bind_output(*name, value)?;
            }
            Ok((binding, bound_in, bound_out))
        };
        let (binding, inputs, outputs) = bind().map_err(does_not_run(name))?;
        let mut bound = BoundSession {
            binding,
            inputs,
            outputs,
            session,
            name: name.to_owned(),
            by: Computes::Cpu,
        };
        // What lies in fresh memory may be anything, also numbers that take long.
        for index in 0..bound.inputs.len() {
            bound.input(index).fill(0.0);
        }
        // The first run makes the runtime's own buffers; here nobody waits for it.
        bound.run()?;
        Ok(bound)
    }

    /// What computes it.
    pub fn computes(&self) -> &Computes {
        &self.by
    }

    /// How many inputs are bound.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// How many outputs are bound.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The values of the input bound as number `index`, row-major.
    pub fn input(&mut self, index: usize) -> &mut [f32] {
        self.inputs[index].extract_tensor_mut().1
    }

    /// The values of the output bound as number `index`, as the last run left them.
    pub fn output(&self, index: usize) -> &[f32] {
        self.outputs[index].extract_tensor().1
    }

    /// Computes the outputs from the inputs.
    pub fn run(&mut self) -> Result<(), ModelError> {
        // The safe `run_binding` makes a new handle for each output at each run;
        // we hold the bound tensors ourselves and need none.
        //
        // SAFETY: both pointers belong to live objects that `self` owns. The
        // runtime writes the bound output tensors during the call only, and
        // `&mut self` proves that no slice of them is borrowed meanwhile; it
        // also keeps two threads from running one session at once.
        let status = unsafe {
            (ort::api().RunWithBinding)(
                self.session.ptr().cast_mut(),
                std::ptr::null(),
                self.binding.ptr(),
            )
        };
        // SAFETY: the status was returned by the runtime just now and is freed once, here.
        unsafe { ort::Error::result_from_status(status) }.map_err(|e| ModelError::DoesNotRun {
            network: self.name.clone(),
            reason: one_line(&e.to_string()),
        })
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

/// Compares what the network has with what will be bound to it.
fn check(
    network: &str,
    session: &Session,
    inputs: &[Port],
    outputs: &[Port],
) -> Result<(), ModelError> {
    let refuse = |reason: String| ModelError::WrongContract {
        network: network.to_owned(),
        reason,
    };
    if session.inputs().len() != inputs.len() {
        return Err(refuse(format!(
            "{} inputs, not {}",
            session.inputs().len(),
            inputs.len()
        )));
    }
    for (ports, wanted) in [(session.inputs(), inputs), (session.outputs(), outputs)] {
        for (name, shape) in wanted {
            let Some(port) = ports.iter().find(|p| p.name() == *name) else {
                return Err(refuse(format!("no `{name}`")));
            };
            let has = port.dtype().tensor_shape();
            let fits = has.is_some_and(|has| {
                has.len() == shape.len()
                    && has
                        .iter()
                        .zip(*shape)
                        .all(|(&h, &w)| h < 0 || h == w as i64)
            });
            if !fits || port.dtype().tensor_type() != Some(TensorElementType::Float32) {
                return Err(refuse(format!(
                    "`{name}` is {}, not float {shape:?}",
                    port.dtype()
                )));
            }
        }
    }
    Ok(())
}
