//! Networks run on examples: Burn's forward, ONNX Runtime's, and what their
//! answers are worth in pixels.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use gaze::ray::Ray;
use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};
use sha2::{Digest, Sha256};
use vision::{BoundSession, ModelError, Network, Port, Runtime, SessionOptions};

use super::graph::{GAZE, GEOMETRIC, LEFT, POSE, POSITION, Probe, RIGHT, SPREAD};
use super::quantise::{Histogram, Ranges};
use crate::net::{GazeNet, Head, NetConfig};

/// One labelled look, as a network takes it.
#[derive(Debug, Clone)]
pub struct Example {
    /// Crops as `vision` cuts them to bytes, planes one after the other; image sides.
    pub eyes: [Vec<u8>; 2],
    /// Head pose in degrees ÷ [`crate::net::POSE_DIVISOR`].
    pub pose: [f32; 3],
    /// Both eye centres and their distance, see [`GazeNet::forward`].
    pub position: [f32; 5],
    /// The geometric gaze's unit ray; only for networks that take it.
    pub geometric: Option<[f32; 3]>,
    /// Between the eyes, camera frame.
    pub origin_mm: [f32; 3],
    /// Where was looked, normalised.
    pub target: [f32; 2],
    /// On this.
    pub screen: Screen,
}

/// What goes into one run: one after the other for each input, and padded by the last.
struct Batch {
    eyes: [Vec<f32>; 2],
    pose: Vec<f32>,
    position: Vec<f32>,
    geometric: Vec<f32>,
}

impl Batch {
    fn new(config: &NetConfig, examples: &[Example]) -> Batch {
        let len = config.eyes.len();
        let eyes = [0, 1].map(|side| {
            let mut values = vec![0.0; len * examples.len()];
            for (example, out) in examples.iter().zip(values.chunks_mut(len)) {
                config.eyes.normalise(&example.eyes[side], out);
            }
            values
        });
        let straight = [0.0, 0.0, -1.0];
        Batch {
            eyes,
            pose: examples.iter().flat_map(|e| e.pose).collect(),
            position: examples.iter().flat_map(|e| e.position).collect(),
            geometric: examples
                .iter()
                .flat_map(|e| e.geometric.unwrap_or(straight))
                .collect(),
        }
    }
}

/// What a network says of examples, one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// [`Head::outputs`] values for each.
    pub gaze: Vec<f32>,
    /// Two for each, degrees; none where the network does not tell how far it errs.
    pub spread: Vec<f32>,
}

/// Burn's answers.
pub fn by_burn(
    net: &GazeNet,
    config: &NetConfig,
    examples: &[Example],
    device: &Device,
) -> Answers {
    let [channels, size] = [config.eyes.channels(), config.eyes.size];
    let mut answers = Answers::default();
    let floats = |out: Tensor<2>| {
        let out = out.into_data().convert::<f32>();
        out.try_to_vec::<f32>().expect("floats")
    };
    for part in examples.chunks(32) {
        let batch = Batch::new(config, part);
        let n = part.len();
        let picture = |v: Vec<f32>| {
            Tensor::<4>::from_data(TensorData::new(v, [n, channels, size, size]), device)
        };
        let rows = |v: Vec<f32>| {
            let width = v.len() / n;
            Tensor::<2>::from_data(TensorData::new(v, [n, width]), device)
        };
        let [left, right] = batch.eyes.map(picture);
        let geometric = config.geometric.then(|| rows(batch.geometric));
        let (gaze, spread) = net.forward_and_spread(
            left,
            right,
            rows(batch.pose),
            rows(batch.position),
            geometric,
        );
        answers.gaze.extend(floats(gaze));
        answers.spread.extend(spread.map_or_else(Vec::new, floats));
    }
    answers
}

/// An exported file in ONNX Runtime.
pub struct Loaded {
    session: BoundSession,
    batch: usize,
    outputs: usize,
    config: NetConfig,
}

impl Loaded {
    /// Loads it for runs of `batch` examples on `threads` threads.
    pub fn new(
        runtime: &Runtime,
        bytes: &[u8],
        config: &NetConfig,
        batch: usize,
        threads: usize,
    ) -> Result<Loaded, ModelError> {
        Loaded::with_probes(runtime, bytes, config, batch, threads, &[])
    }

    fn with_probes(
        runtime: &Runtime,
        bytes: &[u8],
        config: &NetConfig,
        batch: usize,
        threads: usize,
        probes: &[Probe],
    ) -> Result<Loaded, ModelError> {
        let network = Network {
            name: "the exported network".into(),
            kind: super::kind(config.head).name().into(),
            bytes: bytes.to_vec(),
            sha256: Sha256::digest(bytes).into(),
        };
        let eye = [
            batch,
            config.eyes.channels(),
            config.eyes.size,
            config.eyes.size,
        ];
        let mut inputs: Vec<Port> = vec![(LEFT, &eye), (RIGHT, &eye)];
        let (three, five) = ([batch, 3], [batch, 5]);
        inputs.extend([(POSE, &three[..]), (POSITION, &five[..])]);
        if config.geometric {
            inputs.push((GEOMETRIC, &three));
        }
        let gaze = [batch, config.head.outputs()];
        let shapes: Vec<Vec<usize>> = probes
            .iter()
            .map(|p| [&[batch], &p.dims[..]].concat())
            .collect();
        let two = [batch, 2];
        let mut outputs: Vec<Port> = vec![(GAZE, &gaze)];
        if config.spread.is_some() {
            outputs.push((SPREAD, &two));
        }
        let inner = probes.iter().zip(&shapes);
        outputs.extend(inner.map(|(p, s)| (p.tensor.as_str(), &s[..])));
        let options = SessionOptions {
            threads,
            ..SessionOptions::default()
        };
        Ok(Loaded {
            session: BoundSession::new(runtime, &network, &options, &inputs, &outputs)?,
            batch,
            outputs: config.head.outputs(),
            config: config.clone(),
        })
    }

    /// Its answers, like [`by_burn`]'s.
    pub fn answers(&mut self, examples: &[Example]) -> Result<Answers, ModelError> {
        let mut answers = Answers::default();
        for part in examples.chunks(self.batch) {
            self.fill(part);
            self.session.run()?;
            let gaze = &self.session.output(0)[..part.len() * self.outputs];
            answers.gaze.extend_from_slice(gaze);
            if self.config.spread.is_some() {
                let spread = &self.session.output(1)[..part.len() * 2];
                answers.spread.extend_from_slice(spread);
            }
        }
        Ok(answers)
    }

    /// Fills the inputs; what a short batch leaves over is filled with its last example.
    fn fill(&mut self, examples: &[Example]) {
        let mut padded = examples.to_vec();
        while padded.len() < self.batch {
            padded.push(padded[padded.len() - 1].clone());
        }
        let batch = Batch::new(&self.config, &padded);
        let [left, right] = batch.eyes;
        let values = [left, right, batch.pose, batch.position, batch.geometric];
        let inputs = if self.config.geometric { 5 } else { 4 };
        for (i, values) in values.iter().enumerate().take(inputs) {
            self.session.input(i).copy_from_slice(values);
        }
    }

    /// Median time of one run, milliseconds, on the examples that were run last.
    pub fn time(&mut self, runs: usize) -> Result<f64, ModelError> {
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            let start = Instant::now();
            self.session.run()?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        Ok(median(&mut times))
    }
}

/// Ranges of the inner tensors over `examples`, of a network written with probes.
pub(super) fn ranges(
    runtime: &Runtime,
    bytes: &[u8],
    probes: &[Probe],
    config: &NetConfig,
    examples: &[Example],
) -> Result<Ranges, ModelError> {
    let batch = examples.len().min(8);
    let is_input = |p: &Probe| p.tensor == LEFT || p.tensor == RIGHT;
    let inner: Vec<Probe> = probes.iter().filter(|p| !is_input(p)).cloned().collect();
    let mut loaded = Loaded::with_probes(runtime, bytes, config, batch, 1, &inner)?;
    let first = 1 + usize::from(config.spread.is_some());
    let mut histograms = std::collections::BTreeMap::<String, Histogram>::new();
    // Whole batches only: what is padded would count twice.
    for part in examples.chunks_exact(batch) {
        loaded.fill(part);
        loaded.session.run()?;
        for (i, probe) in inner.iter().enumerate() {
            let histogram = histograms.entry(probe.key.clone()).or_default();
            histogram.add(loaded.session.output(first + i));
        }
        for (i, name) in [LEFT, RIGHT].into_iter().enumerate() {
            // Standardised pictures are measured within the network.
            let Some(probe) = probes.iter().find(|p| p.tensor == name) else {
                continue;
            };
            let histogram = histograms.entry(probe.key.clone()).or_default();
            histogram.add(loaded.session.input(i));
        }
    }
    Ok(histograms
        .into_iter()
        .map(|(k, h)| (k, h.range()))
        .collect())
}

/// Median distance between answers and targets, pixels. A ray that does not
/// meet the screen's plane is infinitely far.
pub fn median_error_px(head: Head, examples: &[Example], answers: &[f32]) -> f64 {
    let each = examples.iter().zip(answers.chunks(head.outputs()));
    let mut errors: Vec<f64> = each.map(|(e, a)| error_px(head, e, a)).collect();
    median(&mut errors)
}

fn error_px(head: Head, example: &Example, answer: &[f32]) -> f64 {
    let screen = &example.screen;
    let at = match head {
        Head::Screen => Some(Point2::new(f64::from(answer[0]), f64::from(answer[1]))),
        Head::Ray => {
            let vector = |v: &[f32]| Vector3::new(v[0], v[1], v[2]).cast::<f64>();
            screen.intersect(&Ray {
                origin: vector(&example.origin_mm),
                direction: vector(answer),
            })
        }
    };
    let Some(at) = at else {
        return f64::INFINITY;
    };
    let [dx, dy] = [
        at.x - f64::from(example.target[0]),
        at.y - f64::from(example.target[1]),
    ];
    let error = (dx * f64::from(screen.width_px)).hypot(dy * f64::from(screen.height_px));
    if error.is_finite() {
        error
    } else {
        f64::INFINITY
    }
}

/// Of an even number the mean of the two in the middle; 0 of none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}
