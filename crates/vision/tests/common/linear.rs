//! Tiny gaze networks made by the test itself: the answer is linear in what goes in, so
//! that each value that arrives can be read off. An ONNX file is a few protobuf messages;
//! they are written here by hand.
#![allow(dead_code)]

use vision::gaze_net::Contract;

/// A network `answer = weights · (all inputs, flattened, one after the other) + bias`.
pub struct Linear {
    /// Names and shapes of the inputs, without the batch.
    pub inputs: Vec<(String, Vec<usize>)>,
    /// Names of the outputs and their rows: each row's weights (index, weight) and bias.
    pub outputs: Vec<(String, Vec<Row>)>,
    /// Pictures at a time; `None` is free.
    pub batch: Option<usize>,
}

/// One number of an answer.
#[derive(Clone, Default)]
pub struct Row {
    /// Which inputs' values count, by their place among all, and how much.
    pub weights: Vec<(usize, f32)>,
    /// What is added.
    pub bias: f32,
}

/// A number that is always the same.
pub fn constant(bias: f32) -> Row {
    Row {
        weights: vec![],
        bias,
    }
}

impl Linear {
    /// With the inputs and the one output `gaze` that a contract of eyes names.
    pub fn eyes(contract: &Contract, rows: Vec<Row>) -> Linear {
        let (n, c) = (contract.crop.size, contract.colour.channels());
        let picture = match contract.layout {
            vision::Layout::Nchw => vec![c, n, n],
            vision::Layout::Nhwc => vec![n, n, c],
        };
        let i = &contract.inputs;
        let named = [
            (&i.left_eye, picture.clone()),
            (&i.right_eye, picture),
            (&i.head_pose, vec![3]),
            (&i.eye_position, vec![5]),
            (&i.geometric, vec![3]),
        ];
        Linear {
            inputs: named
                .into_iter()
                .filter_map(|(name, shape)| Some((name.clone()?, shape)))
                .collect(),
            outputs: vec![(contract.outputs.gaze.clone().expect("gaze"), rows)],
            batch: None,
        }
    }

    /// Where an input's values begin among all.
    pub fn begin(&self, name: &str) -> usize {
        let before = self.inputs.iter().take_while(|(n, _)| n != name);
        before.map(|(_, s)| s.iter().product::<usize>()).sum()
    }

    /// The ONNX file, with this metadata.
    pub fn onnx(&self, metadata: &[(&str, String)]) -> Vec<u8> {
        let total: usize = self
            .inputs
            .iter()
            .map(|(_, s)| s.iter().product::<usize>())
            .sum();
        let mut graph = Message::default();
        let mut flat = Vec::new();
        for (name, _) in &self.inputs {
            let to = format!("{name}/flat");
            graph.message(1, node("Flatten", &[name], &to, 1));
            flat.push(to);
        }
        let flat: Vec<&str> = flat.iter().map(String::as_str).collect();
        graph.message(1, node("Concat", &flat, "all", 1));
        for (name, rows) in &self.outputs {
            let (w, b, product) = (
                format!("{name}/w"),
                format!("{name}/b"),
                format!("{name}/p"),
            );
            graph.message(1, node("MatMul", &["all", &w], &product, 0));
            graph.message(1, node("Add", &[&product, &b], name, 0));
            let mut weights = vec![0.0; total * rows.len()];
            for (column, row) in rows.iter().enumerate() {
                for (at, weight) in &row.weights {
                    weights[at * rows.len() + column] += weight;
                }
            }
            graph.message(5, tensor(&w, &[total, rows.len()], &weights));
            let bias: Vec<f32> = rows.iter().map(|r| r.bias).collect();
            graph.message(5, tensor(&b, &[rows.len()], &bias));
        }
        graph.text(2, "linear");
        for (name, shape) in &self.inputs {
            graph.message(11, value(name, self.batch, shape));
        }
        for (name, rows) in &self.outputs {
            graph.message(12, value(name, self.batch, &[rows.len()]));
        }
        let mut opset = Message::default();
        opset.text(1, "");
        opset.number(2, 17);
        let mut model = Message::default();
        model.number(1, 8);
        model.message(7, graph);
        model.message(8, opset);
        for (key, text) in metadata {
            let mut entry = Message::default();
            entry.text(1, key);
            entry.text(2, text);
            model.message(14, entry);
        }
        model.0
    }
}

/// A protobuf message.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.0.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.0.push(v as u8);
    }

    fn number(&mut self, field: u64, v: u64) {
        self.varint(field << 3);
        self.varint(v);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, inner: Message) {
        self.bytes(field, &inner.0);
    }
}

/// `axis` for the operators that have one.
fn node(op: &str, inputs: &[&str], output: &str, axis: u64) -> Message {
    let mut m = Message::default();
    for input in inputs {
        m.text(1, input);
    }
    m.text(2, output);
    m.text(4, op);
    if axis > 0 {
        let mut attribute = Message::default();
        attribute.text(1, "axis");
        attribute.number(3, axis);
        attribute.number(20, 2);
        m.message(5, attribute);
    }
    m
}

fn tensor(name: &str, dims: &[usize], values: &[f32]) -> Message {
    let mut m = Message::default();
    for d in dims {
        m.number(1, *d as u64);
    }
    m.number(2, 1);
    m.text(8, name);
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    m.bytes(9, &raw);
    m
}

fn value(name: &str, batch: Option<usize>, rest: &[usize]) -> Message {
    let mut shape = Message::default();
    let mut first = Message::default();
    match batch {
        Some(n) => first.number(1, n as u64),
        None => first.text(2, "N"),
    }
    shape.message(1, first);
    for d in rest {
        let mut dim = Message::default();
        dim.number(1, *d as u64);
        shape.message(1, dim);
    }
    let (mut tensor, mut kind, mut m) = <(Message, Message, Message)>::default();
    tensor.number(1, 1);
    tensor.message(2, shape);
    kind.message(1, tensor);
    m.text(1, name);
    m.message(2, kind);
    m
}
