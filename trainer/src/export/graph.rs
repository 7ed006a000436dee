//! A folded network as an ONNX graph: in 32-bit floats, with weights in half
//! precision, or in 8-bit integers with measured ranges.
//!
//! Both eyes go their own way through the same initialisers. For 8 bits every
//! tensor on the way is stored and read again as integers (QuantizeLinear,
//! DequantizeLinear); the runtime makes integer kernels of the pairs.

use std::collections::{BTreeMap, HashSet};

use prost::Message as _;

use super::fold::{Activation, Chain, Conv, Dense, Folded};
use super::onnx::{
    Attribute, Element, Entry, Graph, IR_VERSION, Model, Node, OPSET, OpsetId, Tensor, Value,
};
use super::quantise::{self, Range, Ranges};
use crate::net::{EyeInput, Head, LEAST_CONTRAST, LEAST_FORWARD, NetConfig, spread};

/// Names of inputs and of the outputs.
pub const LEFT: &str = "left_eye";
pub const RIGHT: &str = "right_eye";
pub const POSE: &str = "head_pose";
pub const POSITION: &str = "eye_position";
pub use vision::gaze_net::GEOMETRIC;
pub const GAZE: &str = "gaze";
pub use vision::gaze_net::SPREAD;

/// How numbers are kept.
#[derive(Debug, Clone, Copy)]
pub enum Numbers<'a> {
    /// 32-bit floats.
    Full,
    /// Weights in half precision, cast when the file is loaded.
    Half,
    /// 8-bit integers over these ranges.
    Int8(&'a Ranges),
}

/// A tensor within the graph whose range is to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name in the graph.
    pub tensor: String,
    /// Its name among the ranges: the same for both eyes.
    pub key: String,
    /// Its shape behind the batch.
    pub dims: Vec<usize>,
}

/// The file's bytes. `metadata` goes into it as it is.
pub fn write(
    net: &Folded,
    config: &NetConfig,
    numbers: Numbers,
    metadata: &[(String, String)],
) -> Vec<u8> {
    let mut builder = Builder::new(numbers);
    builder.network(net, config);
    let [input, output] = ports(net, config, &[]);
    builder.model(metadata.to_vec(), "gaze", input, output)
}

/// The network in 32-bit floats whose inner tensors are outputs too, to measure them.
pub fn write_probed(net: &Folded, config: &NetConfig) -> (Vec<u8>, Vec<Probe>) {
    let mut builder = Builder::new(Numbers::Full);
    builder.network(net, config);
    let probes = std::mem::take(&mut builder.probes);
    let [input, output] = ports(net, config, &probes);
    (builder.model(Vec::new(), "gaze", input, output), probes)
}

/// Inputs and outputs of a network that sees both eyes.
fn ports(net: &Folded, config: &NetConfig, probes: &[Probe]) -> [Vec<Value>; 2] {
    let (channels, size) = (config.eyes.channels(), config.eyes.size);
    let mut input = vec![
        Value::batch(LEFT, &[channels, size, size]),
        Value::batch(RIGHT, &[channels, size, size]),
        Value::batch(POSE, &[3]),
        Value::batch(POSITION, &[5]),
    ];
    if net.geometric {
        input.push(Value::batch(GEOMETRIC, &[3]));
    }
    let mut output = vec![Value::batch(GAZE, &[net.head.outputs()])];
    if !net.spread.is_empty() {
        output.push(Value::batch(SPREAD, &[2]));
    }
    let inner = probes
        .iter()
        .filter(|p| p.tensor != LEFT && p.tensor != RIGHT);
    output.extend(inner.map(|p| Value::batch(&p.tensor, &p.dims)));
    [input, output]
}

/// A graph being made.
pub(super) struct Builder<'a> {
    numbers: Numbers<'a>,
    nodes: Vec<Node>,
    initialisers: Vec<Tensor>,
    /// Initialisers that are there: both eyes ask for the same ones.
    made: HashSet<String>,
    probes: Vec<Probe>,
    /// Range of the tensor behind each dequantised name.
    range_of: BTreeMap<String, Range>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(numbers: Numbers<'a>) -> Builder<'a> {
        Builder {
            numbers,
            nodes: Vec::new(),
            initialisers: Vec::new(),
            made: HashSet::new(),
            probes: Vec::new(),
            range_of: BTreeMap::new(),
        }
    }

    fn network(&mut self, net: &Folded, config: &NetConfig) {
        let pictures = [LEFT, RIGHT].map(|eye| {
            let picture = self.picture(&config.eyes, config.standardise, eye);
            (eye, picture)
        });
        let mut numbers = vec![POSE.to_owned(), POSITION.to_owned()];
        if net.geometric {
            numbers.push(self.tangents());
        }
        let axis = || vec![Attribute::int("axis", 1)];
        let numbers = self.node("Concat", &numbers, "numbers", axis());
        // Of each layer, all members' values side by side.
        let mut layers: Vec<Vec<String>> = vec![Vec::new(); net.members[0].hidden.len()];
        for member in &net.members {
            let parts = pictures.each_ref().map(|(eye, picture)| {
                let side = config.eyes.size;
                let seen = (picture.clone(), side);
                self.encoded(&member.chains, (net.average, &member.prefix), seen, eye)
            });
            let mut x = numbers.clone();
            for layer in &member.embed {
                // Always in floats: angles and places need their precision, and it is small.
                x = self.dense(layer, &x, false);
            }
            let (first, rest) = member
                .hidden
                .split_first()
                .expect("a plan has hidden layers");
            x = self.first_hidden(first, parts.into(), x, &member.prefix);
            layers[0].push(x.clone());
            for (layer, to) in rest.iter().zip(&mut layers[1..]) {
                x = self.dense(layer, &x, true);
                to.push(x.clone());
            }
        }
        let mut x = layers[layers.len() - 1][0].clone();
        if net.members.len() > 1 {
            x = self.node("Concat", &layers[layers.len() - 1], "members", axis());
        }
        let hidden: Vec<String> = layers.into_iter().flatten().collect();
        self.spread(&net.spread, hidden);
        match net.head {
            Head::Screen => {
                self.dense_to(&net.output, &x, GAZE, false);
            }
            Head::Ray => {
                let mut x = self.dense(&net.output, &x, false);
                if net.geometric {
                    x = self.node("Add", &[x, "tangents3".into()], "corrected", vec![]);
                }
                let square = self.node("Mul", &[x.clone(), x.clone()], "square", vec![]);
                let axes = self.constant(Tensor::i64("axis1", &[1], &[1]));
                let keep = vec![Attribute::int("keepdims", 1)];
                let sum = self.node("ReduceSum", &[square, axes], "sum", keep);
                let length = self.node("Sqrt", &[sum], "length", vec![]);
                self.node("Div", &[x, length], GAZE, vec![]);
            }
        }
    }

    /// How far the answer is off, out of what all hidden layers give: as
    /// [`spread::Spread::degrees`]. Always in floats, it is small.
    fn spread(&mut self, layers: &[Dense], hidden: Vec<String>) {
        if layers.is_empty() {
            return;
        }
        let axis = vec![Attribute::int("axis", 1)];
        let mut x = self.node("Concat", &hidden, "spread.sees", axis);
        for layer in layers {
            x = self.dense(layer, &x, false);
        }
        let reach = self.constant(Tensor::f32("spread.reach", &[], &[spread::reach()]));
        let least = libm::logf(spread::LEAST_DEG);
        let least = self.constant(Tensor::f32("spread.least", &[], &[least]));
        let share = self.node("Sigmoid", &[x], "spread.share", vec![]);
        let part = self.node("Mul", &[share, reach], "spread.part", vec![]);
        let log = self.node("Add", &[part, least], "spread.log", vec![]);
        self.node("Exp", &[log], SPREAD, vec![]);
    }

    /// The first hidden layer takes both eyes' vectors and the embedding. In integers
    /// only the eyes' part is: head pose and place need finer steps than they leave.
    fn first_hidden(
        &mut self,
        layer: &Dense,
        eyes: Vec<String>,
        embedded: String,
        prefix: &str,
    ) -> String {
        let [both_eyes, all] = ["eyes", "all"].map(|name| format!("{prefix}{name}"));
        let axis = || vec![Attribute::int("axis", 1)];
        if !matches!(self.numbers, Numbers::Int8(_)) {
            let mut parts = eyes;
            self.probes.push(Probe {
                tensor: both_eyes.clone(),
                key: both_eyes.clone(),
                dims: vec![layer.from - layer.embedded],
            });
            let both = self.node("Concat", &parts, &both_eyes, axis());
            parts = vec![both, embedded];
            let all = self.node("Concat", &parts, &all, axis());
            return self.dense(layer, &all, true);
        }
        let cut = (layer.from - layer.embedded) * layer.to;
        let of_eyes = Dense {
            name: format!("{}.eyes", layer.name),
            from: layer.from - layer.embedded,
            weight: layer.weight[..cut].to_vec(),
            relu: false,
            ..layer.clone()
        };
        let both = self.node("Concat", &eyes, &both_eyes, axis());
        let both = self.quantised(both, &both_eyes, &[of_eyes.from]);
        let x = self.dense(&of_eyes, &both, true);
        let name = format!("{}.embedded", layer.name);
        let weight = format!("{name}.weight");
        let dims = [layer.embedded, layer.to];
        let weight = self.floats(&weight, &dims, &layer.weight[cut..]);
        let y = self.node("MatMul", &[embedded, weight], &name, vec![]);
        let sum = self.node("Add", &[x, y], &format!("{}.sum", layer.name), vec![]);
        let x = self.node("Relu", &[sum], &layer.name, vec![]);
        self.quantised(x, &layer.name, &[layer.to])
    }

    /// From the geometric ray: (x, y) ÷ max(−z, least), and the same with a zero behind.
    fn tangents(&mut self) -> String {
        let minus = self.constant(Tensor::f32("minus", &[1, 3], &[0.0, 0.0, -1.0]));
        let flat = self.constant(Tensor::f32("flat", &[1, 3], &[1.0, 1.0, 0.0]));
        let least = self.constant(Tensor::f32("least_forward", &[], &[LEAST_FORWARD]));
        let axes = self.constant(Tensor::i64("axis1", &[1], &[1]));
        let [zero, two] =
            [0, 2].map(|i| self.constant(Tensor::i64(&format!("index{i}"), &[1], &[i])));
        let ray = GEOMETRIC.to_owned();
        let z = self.node("Mul", &[ray.clone(), minus], "minus_z", vec![]);
        let keep = vec![Attribute::int("keepdims", 1)];
        let forward = self.node("ReduceSum", &[z, axes.clone()], "forward", keep);
        let forward = self.node("Clip", &[forward, least], "forward_enough", vec![]);
        let xy = self.node("Mul", &[ray, flat], "sideways", vec![]);
        let three = self.node("Div", &[xy, forward], "tangents3", vec![]);
        self.node("Slice", &[three, zero, two, axes], "tangents", vec![])
    }

    /// The picture less its mean, over its deviation.
    fn standardised(&mut self, eye: &str) -> String {
        let all = || {
            vec![
                Attribute::ints("axes", &[1, 2, 3]),
                Attribute::int("keepdims", 1),
            ]
        };
        let name = |part: &str| format!("{eye}/{part}");
        let least = [LEAST_CONTRAST * LEAST_CONTRAST];
        let least = self.constant(Tensor::f32("least_variance", &[], &least));
        let mean = self.node("ReduceMean", &[eye.to_owned()], &name("level"), all());
        let off = self.node("Sub", &[eye.to_owned(), mean], &name("off"), vec![]);
        let square = self.node("Mul", &[off.clone(), off.clone()], &name("power"), vec![]);
        let variance = self.node("ReduceMean", &[square], &name("variance"), all());
        let sum = self.node("Add", &[variance, least], &name("enough"), vec![]);
        let deviation = self.node("Sqrt", &[sum], &name("deviation"), vec![]);
        self.node("Div", &[off, deviation], &name("standard"), vec![])
    }

    /// The encoder for the pictures of one input, `eye`; the vector's name.
    pub(super) fn pictures(
        &mut self,
        chains: &[Chain],
        average: bool,
        pictures: &EyeInput,
        standardise: bool,
        eye: &str,
    ) -> String {
        let picture = self.picture(pictures, standardise, eye);
        self.encoded(chains, (average, ""), (picture, pictures.size), eye)
    }

    /// The pictures of one input as encoders take them.
    fn picture(&mut self, pictures: &EyeInput, standardise: bool, eye: &str) -> String {
        let (side, channels) = (pictures.size, pictures.channels());
        let picture = match standardise {
            true => self.standardised(eye),
            false => eye.to_owned(),
        };
        self.quantised(picture, "eye", &[channels, side, side])
    }

    /// An encoder, whose tensors' names begin with a prefix, for the pictures of the input `eye`.
    fn encoded(
        &mut self,
        chains: &[Chain],
        (average, prefix): (bool, &str),
        (mut x, mut side): (String, usize),
        eye: &str,
    ) -> String {
        let mut channels = 0;
        for chain in chains {
            let before = x.clone();
            for conv in &chain.convs {
                side = side.div_ceil(conv.stride);
                channels = conv.shape[0];
                let made = self.conv(conv, &x, eye);
                x = self.quantised(made, &conv.name, &[channels, side, side]);
            }
            if chain.residual {
                let name = format!("{eye}/{}", chain.name);
                let sum = self.node("Add", &[x, before], &name, vec![]);
                x = self.quantised(sum, &chain.name, &[channels, side, side]);
            }
        }
        if average {
            let name = format!("{eye}/{prefix}mean");
            let mean = self.node("GlobalAveragePool", &[x], &name, vec![]);
            x = self.quantised(mean, &format!("{prefix}mean"), &[channels, 1, 1]);
        }
        let vector = vec![Attribute::int("axis", 1)];
        self.node("Flatten", &[x], &format!("{eye}/{prefix}vector"), vector)
    }

    fn conv(&mut self, layer: &Conv, x: &str, eye: &str) -> String {
        let per_output: usize = layer.shape[1..].iter().product();
        let weight = self.weights(&layer.name, &layer.shape, &layer.weight, 0, per_output);
        let bias = self.bias(&layer.name, &layer.bias, x);
        let pad = (layer.shape[2] / 2) as i64;
        let attributes = vec![
            Attribute::ints("kernel_shape", &[layer.shape[2] as i64; 2]),
            Attribute::ints("strides", &[layer.stride as i64; 2]),
            Attribute::ints("pads", &[pad; 4]),
            Attribute::int("group", layer.groups as i64),
        ];
        let name = format!("{eye}/{}", layer.name);
        let inputs = [x.to_owned(), weight, bias];
        match layer.activation {
            Activation::None => self.node("Conv", &inputs, &name, attributes),
            Activation::Relu => {
                let sum = self.node("Conv", &inputs, &format!("{name}.sum"), attributes);
                self.node("Relu", &[sum], &name, vec![])
            }
            Activation::Relu6 => {
                let sum = self.node("Conv", &inputs, &format!("{name}.sum"), attributes);
                let zero = self.constant(Tensor::f32("zero", &[], &[0.0]));
                let six = self.constant(Tensor::f32("six", &[], &[6.0]));
                self.node("Clip", &[sum, zero, six], &name, vec![])
            }
        }
    }

    pub(super) fn dense(&mut self, layer: &Dense, x: &str, quantise: bool) -> String {
        self.dense_to(layer, x, &layer.name, quantise)
    }

    pub(super) fn dense_to(
        &mut self,
        layer: &Dense,
        x: &str,
        name: &str,
        quantise: bool,
    ) -> String {
        let dims = [layer.from, layer.to];
        let (weight, bias) = if quantise {
            let weight = self.weights(&layer.name, &dims, &layer.weight, 1, 1);
            (weight, self.bias(&layer.name, &layer.bias, x))
        } else {
            let [weight, bias] = ["weight", "bias"].map(|p| format!("{}.{p}", layer.name));
            let weight = self.floats(&weight, &dims, &layer.weight);
            (weight, self.floats(&bias, &[layer.to], &layer.bias))
        };
        let inputs = [x.to_owned(), weight, bias];
        if !layer.relu {
            return self.node("Gemm", &inputs, name, vec![]);
        }
        let sum = self.node("Gemm", &inputs, &format!("{name}.sum"), vec![]);
        let y = self.node("Relu", &[sum], name, vec![]);
        if quantise {
            self.quantised(y, name, &[layer.to])
        } else {
            y
        }
    }

    /// Weights as `numbers` has them; outputs are counted along `axis`, and
    /// weights of one output lie `run` in a row (with `axis` 0) or `run` = 1 each
    /// in turn (with `axis` 1).
    fn weights(
        &mut self,
        layer: &str,
        dims: &[usize],
        values: &[f32],
        axis: usize,
        run: usize,
    ) -> String {
        let name = format!("{layer}.weight");
        let Numbers::Int8(_) = self.numbers else {
            return self.floats(&name, dims, values);
        };
        if self.made.contains(&name) {
            return name;
        }
        let outputs = dims[axis];
        let (whole, scales) = quantise::weights(values, outputs, run);
        self.initialisers.extend([
            Tensor::i8(&format!("{name}.int8"), dims, &whole),
            Tensor::f32(&format!("{name}.scale"), &[outputs], &scales),
            Tensor::i8(&format!("{name}.zero"), &[outputs], &vec![0; outputs]),
        ]);
        self.made.insert(name.clone());
        let inputs = ["int8", "scale", "zero"].map(|p| format!("{name}.{p}"));
        let axis = vec![Attribute::int("axis", axis as i64)];
        self.node("DequantizeLinear", &inputs, &name, axis)
    }

    /// A bias: in 32-bit steps of input scale × weight scale when in integers.
    fn bias(&mut self, layer: &str, values: &[f32], x: &str) -> String {
        let name = format!("{layer}.bias");
        let Numbers::Int8(_) = self.numbers else {
            return self.floats(&name, &[values.len()], values);
        };
        if self.made.contains(&name) {
            return name;
        }
        let input = self
            .range_of
            .get(x)
            .expect("what a layer takes was measured");
        let weights = format!("{layer}.weight.scale");
        let weights = self.initialisers.iter().find(|t| t.name == weights);
        let scales: Vec<f32> = weights
            .expect("weights come before the bias")
            .raw_data
            .chunks_exact(4)
            .map(|b| input.scale() * f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        let whole: Vec<i32> = values
            .iter()
            .zip(&scales)
            .map(|(v, s)| (f64::from(*v) / f64::from(*s)).round() as i32)
            .collect();
        self.initialisers.extend([
            Tensor::i32(&format!("{name}.int32"), &[values.len()], &whole),
            Tensor::f32(&format!("{name}.scale"), &[values.len()], &scales),
            Tensor::i32(
                &format!("{name}.zero"),
                &[values.len()],
                &vec![0; values.len()],
            ),
        ]);
        self.made.insert(name.clone());
        let inputs = ["int32", "scale", "zero"].map(|p| format!("{name}.{p}"));
        self.node(
            "DequantizeLinear",
            &inputs,
            &name,
            vec![Attribute::int("axis", 0)],
        )
    }

    /// Weights that stay floats, or become half precision and a cast.
    fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        if !matches!(self.numbers, Numbers::Half) {
            return self.constant(Tensor::f32(name, dims, values));
        }
        if self.made.contains(name) {
            return name.to_owned();
        }
        let half = format!("{name}.half");
        self.initialisers.push(Tensor::f16(&half, dims, values));
        self.made.insert(name.to_owned());
        let to = vec![Attribute::int("to", Element::F32 as i64)];
        self.node("Cast", &[half], name, to)
    }

    fn constant(&mut self, tensor: Tensor) -> String {
        let name = tensor.name.clone();
        if self.made.insert(name.clone()) {
            self.initialisers.push(tensor);
        }
        name
    }

    /// Has `tensor` measured, or stores it in 8 bits and reads it again.
    fn quantised(&mut self, tensor: String, key: &str, dims: &[usize]) -> String {
        self.probes.push(Probe {
            tensor: tensor.clone(),
            key: key.to_owned(),
            dims: dims.to_vec(),
        });
        let Numbers::Int8(ranges) = self.numbers else {
            return tensor;
        };
        let range = *ranges.get(key).expect("every probed tensor was measured");
        let scale = self.constant(Tensor::f32(&format!("{key}.scale"), &[], &[range.scale()]));
        let zero = self.constant(Tensor::u8(&format!("{key}.zero"), &[], &[range.zero()]));
        let quantised = format!("{tensor}.uint8");
        let inputs = [tensor.clone(), scale.clone(), zero.clone()];
        let whole = self.node("QuantizeLinear", &inputs, &quantised, vec![]);
        let read = format!("{tensor}.read");
        let read = self.node("DequantizeLinear", &[whole, scale, zero], &read, vec![]);
        self.range_of.insert(read.clone(), range);
        read
    }

    /// Adds a node that makes the one tensor `output`.
    fn node(
        &mut self,
        op: &str,
        inputs: &[String],
        output: &str,
        attribute: Vec<Attribute>,
    ) -> String {
        self.nodes.push(Node {
            input: inputs.to_vec(),
            output: vec![output.to_owned()],
            name: format!("{op}:{output}"),
            op_type: op.to_owned(),
            attribute,
        });
        output.to_owned()
    }

    /// The file's bytes.
    pub(super) fn model(
        self,
        metadata: Vec<(String, String)>,
        name: &str,
        input: Vec<Value>,
        output: Vec<Value>,
    ) -> Vec<u8> {
        let entry = |(key, value)| Entry { key, value };
        let model = Model {
            ir_version: IR_VERSION,
            producer_name: "gaze-trainer".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(Graph {
                node: self.nodes,
                name: name.into(),
                initializer: self.initialisers,
                input,
                output,
            }),
            opset_import: vec![OpsetId {
                domain: String::new(),
                version: OPSET,
            }],
            metadata_props: metadata.into_iter().map(entry).collect(),
        };
        model.encode_to_vec()
    }
}
