//! One ONNX Runtime session with its inputs and outputs bound once, so that a run allocates
//! nothing of ours (the runtime itself still calls malloc inside).
#![allow(unsafe_code)]

use ort::AsPointer;
use ort::session::{IoBinding, Session};
use ort::value::{Tensor, TensorElementType};

use crate::models::ModelError;
use crate::runtime::one_line;
use crate::session::Port;

/// Computes numbers from numbers: a session, or what stands for one in a test.
pub(crate) trait Compute: Send {
    /// How many inputs there are.
    fn inputs(&self) -> usize;
    /// How many outputs there are.
    fn outputs(&self) -> usize;
    /// The values of an input, row-major.
    fn input(&mut self, index: usize) -> &mut [f32];
    /// The values of an output, as the last run left them.
    fn output(&self, index: usize) -> &[f32];
    /// Computes the outputs from the inputs.
    fn run(&mut self) -> Result<(), ModelError>;
}

/// See the top of this file.
pub(crate) struct Bound {
    // Before the session: the binding refers to it and goes first.
    binding: IoBinding,
    inputs: Vec<Tensor<f32>>,
    outputs: Vec<Tensor<f32>>,
    session: Session,
    name: String,
}

impl Bound {
    /// Binds all inputs of a session, and these outputs, and runs it once.
    pub fn new(
        session: Session,
        name: &str,
        inputs: &[Port],
        outputs: &[Port],
    ) -> Result<Bound, ModelError> {
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
        let mut bound = Bound {
            binding,
            inputs,
            outputs,
            session,
            name: name.to_owned(),
        };
        // What lies in fresh memory may be anything, also numbers that take long.
        for index in 0..bound.inputs.len() {
            bound.input(index).fill(0.0);
        }
        // The first run makes the runtime's own buffers; here nobody waits for it.
        bound.run()?;
        Ok(bound)
    }
}

impl Compute for Bound {
    fn inputs(&self) -> usize {
        self.inputs.len()
    }

    fn outputs(&self) -> usize {
        self.outputs.len()
    }

    fn input(&mut self, index: usize) -> &mut [f32] {
        self.inputs[index].extract_tensor_mut().1
    }

    fn output(&self, index: usize) -> &[f32] {
        self.outputs[index].extract_tensor().1
    }

    fn run(&mut self) -> Result<(), ModelError> {
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

pub(crate) fn does_not_run(name: &str) -> impl Fn(ort::Error) -> ModelError {
    move |e| ModelError::DoesNotRun {
        network: name.to_owned(),
        reason: one_line(&e.to_string()),
    }
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
