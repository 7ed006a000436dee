//! A network with its trunk in half precision.
//!
//! CoreML's ML programs are typed: what is written in 32-bit floats is computed in them, and
//! Apple's Neural Engine computes 16-bit floats alone. So CoreML gets convolutions, and what
//! stands between them, in half precision with casts around; what is delicate stays in single
//! precision: standardisation, dense layers, and the last computing layer before every output,
//! because a place in a picture of 256 pixels would be rounded to an eighth of one. Inputs and
//! outputs keep their type. With every number between these layers rounded to half precision
//! (emulated; ONNX Runtime's processor does not), landmarks of a portrait move by 0.03 to 0.05
//! pixels of 256 (root mean square, at most 0.13), our network's gaze by 0.02 degrees at most.
//! <https://onnx.ai/onnx/repo-docs/IR.html> says what an ONNX file
//! holds, `onnx.proto` which field has which number.

use std::collections::{HashMap, HashSet};

use half::f16;

use super::proto::{Broken, Field, fields, put_bytes, put_number};

const FLOAT: u64 = 1;
const FLOAT16: u64 = 10;

/// What begins a stretch in half precision.
const SEEDS: [&str; 1] = ["Conv"];
/// What goes along with one.
const ALONG: [&str; 5] = ["Relu", "Clip", "Add", "MaxPool", "AveragePool"];
/// What only moves numbers about.
const SHAPES: [&str; 7] = [
    "Reshape",
    "Transpose",
    "Flatten",
    "Concat",
    "Squeeze",
    "Unsqueeze",
    "Identity",
];

struct Node<'a> {
    op: &'a str,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
    fields: Vec<Field<'a>>,
    whole: &'a [u8],
    half: bool,
    /// A cast of a constant in half precision: what it gives is among the weights.
    is_weights: bool,
}

/// A constant: of 32-bit floats, or of half precision where a cast follows it (as the trainer
/// exports it), which is as good as one of 32 bits by the name of the cast's output.
struct Weights<'a> {
    whole: &'a [u8],
    dims: Vec<u64>,
    values: Vec<f32>,
    stored_half: bool,
}

/// The ONNX file with its trunk in half precision; `None` where nothing of it has to be, so
/// that the file is right as it is.
pub(super) fn in_half(file: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
    let model = fields(file)?;
    let graph = model.iter().find(|f| f.number == 7).ok_or(Broken)?;
    let Some(graph) = graph_in_half(graph.bytes()?)? else {
        return Ok(None);
    };
    let mut out = Vec::with_capacity(file.len());
    for field in &model {
        match field.number {
            7 => put_bytes(&mut out, 7, &graph),
            _ => out.extend_from_slice(field.whole),
        }
    }
    Ok(Some(out))
}

fn graph_in_half(graph: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
    let all = fields(graph)?;
    let mut nodes = Vec::new();
    let mut weights: HashMap<&str, Weights> = HashMap::new();
    let mut results: HashSet<&str> = HashSet::new();
    let mut halves: HashMap<&str, Weights> = HashMap::new();
    for field in &all {
        match field.number {
            1 => nodes.push(Node::read(field)?),
            5 => {
                if let Some((name, read)) = read_weights(field)? {
                    let of = if read.stored_half {
                        &mut halves
                    } else {
                        &mut weights
                    };
                    of.insert(name, read);
                }
            }
            12 => {
                let name = fields(field.bytes()?)?;
                results.insert(name.iter().find(|f| f.number == 1).ok_or(Broken)?.text()?);
            }
            _ => {}
        }
    }
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for input in nodes.iter().flat_map(|n| &n.inputs) {
        *uses.entry(input).or_default() += 1;
    }
    for node in nodes.iter_mut().filter(|n| n.op == "Cast") {
        if let (&[from], &[to]) = (&node.inputs[..], &node.outputs[..])
            && node.casts_to()? == Some(FLOAT)
            && uses[from] == 1
            && let Some(read) = halves.remove(from)
        {
            weights.insert(to, read);
            node.is_weights = true;
        }
    }
    choose(&mut nodes, &weights, &results);
    if !nodes.iter().any(|n| n.half) {
        return Ok(None);
    }
    Ok(Some(write(&all, &nodes, &weights, &results)))
}

impl<'a> Node<'a> {
    fn read(field: &Field<'a>) -> Result<Node<'a>, Broken> {
        let mut node = Node {
            op: "",
            inputs: vec![],
            outputs: vec![],
            fields: fields(field.bytes()?)?,
            whole: field.whole,
            half: false,
            is_weights: false,
        };
        for f in &node.fields {
            match f.number {
                1 => node.inputs.push(f.text()?),
                2 => node.outputs.push(f.text()?),
                4 => node.op = f.text()?,
                _ => {}
            }
        }
        Ok(node)
    }

    /// The type that a cast gives: its only attribute, an integer.
    fn casts_to(&self) -> Result<Option<u64>, Broken> {
        let Some(attribute) = self.fields.iter().find(|f| f.number == 5) else {
            return Ok(None);
        };
        let mut to = vec![];
        for f in fields(attribute.bytes()?)?.iter().filter(|f| f.number == 3) {
            f.numbers(&mut to)?;
        }
        Ok(to.first().copied())
    }
}

/// Name and values, where they are floats of 32 or 16 bits that are kept in the file as bytes.
fn read_weights<'a>(field: &Field<'a>) -> Result<Option<(&'a str, Weights<'a>)>, Broken> {
    let (mut name, mut dims, mut kind, mut raw) = ("", vec![], 0, None);
    for f in fields(field.bytes()?)? {
        match f.number {
            1 => f.numbers(&mut dims)?,
            2 => {
                let mut one = vec![];
                f.numbers(&mut one)?;
                kind = one.first().copied().unwrap_or(0);
            }
            // float_data: packed numbers are bytes in the same order.
            4 => raw = Some(f.bytes()?),
            8 => name = f.text()?,
            9 => raw = Some(f.bytes()?),
            _ => {}
        }
    }
    let values: Vec<f32> = match (raw, kind) {
        (Some(raw), FLOAT) => {
            let each = raw.as_chunks().0.iter();
            each.map(|b| f32::from_le_bytes(*b)).collect()
        }
        (Some(raw), FLOAT16) => {
            let each = raw.as_chunks().0.iter();
            each.map(|b| f16::from_le_bytes(*b).to_f32()).collect()
        }
        _ => return Ok(None),
    };
    if values.len() as u64 != dims.iter().product::<u64>() {
        return Err(Broken);
    }
    let whole = field.whole;
    Ok(Some((
        name,
        Weights {
            whole,
            dims,
            values,
            stored_half: kind == FLOAT16,
        },
    )))
}

/// Marks the nodes that are to compute in half precision.
fn choose(nodes: &mut [Node], weights: &HashMap<&str, Weights>, results: &HashSet<&str>) {
    // Back from every output, through what only moves numbers, to what computed them.
    let mut last: HashSet<&str> = results.clone();
    for node in nodes.iter().rev() {
        if SHAPES.contains(&node.op) && node.outputs.iter().any(|o| last.contains(o)) {
            last.extend(&node.inputs);
        }
    }
    let fits = |name: &&str| {
        let largest = f32::from(f16::MAX);
        weights
            .get(name)
            .is_none_or(|w| w.values.iter().all(|v| v.abs() <= largest))
    };
    let mut made_by_half: HashSet<&str> = HashSet::new();
    for node in nodes.iter_mut() {
        let begins = SEEDS.contains(&node.op);
        let goes_along =
            ALONG.contains(&node.op) && node.inputs.iter().any(|i| made_by_half.contains(i));
        node.half = (begins || goes_along)
            && node.outputs.len() == 1
            && !node.outputs.iter().any(|o| last.contains(o))
            && node.inputs.iter().all(&fits);
        if node.half {
            made_by_half.extend(&node.outputs);
        }
    }
}

/// What a value is called in half precision.
fn half_of(name: &str) -> String {
    format!("{name}.in_half")
}

fn write(
    all: &[Field],
    nodes: &[Node],
    weights: &HashMap<&str, Weights>,
    results: &HashSet<&str>,
) -> Vec<u8> {
    let of = |half: bool| nodes.iter().filter(move |n| n.half == half);
    let used_half: HashSet<&str> = of(true).flat_map(|n| n.inputs.iter().copied()).collect();
    let used_single: HashSet<&str> = of(false)
        .flat_map(|n| n.inputs.iter().copied())
        .chain(results.iter().copied())
        .collect();
    let mut out = Vec::new();
    // Values that are there in half precision by now.
    let mut there: HashSet<&str> = weights
        .keys()
        .copied()
        .filter(|w| used_half.contains(w))
        .collect();
    for node in nodes {
        if node.is_weights && !node.outputs.iter().any(|o| used_single.contains(o)) {
            continue;
        }
        if !node.half {
            out.extend_from_slice(node.whole);
            continue;
        }
        for input in node.inputs.iter().filter(|i| !i.is_empty()) {
            if there.insert(input) {
                put_cast(&mut out, input, &half_of(input), FLOAT16);
            }
        }
        let mut body = Vec::new();
        for field in &node.fields {
            match (field.number, field.text()) {
                (1 | 2, Ok(name)) if !name.is_empty() => {
                    put_bytes(&mut body, field.number, half_of(name).as_bytes());
                }
                _ => body.extend_from_slice(field.whole),
            }
        }
        put_bytes(&mut out, 1, &body);
        for output in &node.outputs {
            there.insert(output);
            if used_single.contains(output) {
                put_cast(&mut out, &half_of(output), output, FLOAT);
            }
        }
    }
    for field in all {
        // Nodes are written, constants follow, and the types of what lies between (13) are
        // no longer those.
        if !matches!(field.number, 1 | 5 | 13) {
            out.extend_from_slice(field.whole);
        }
        if field.number == 5 {
            let known = weights
                .iter()
                .find(|(_, w)| w.whole.as_ptr() == field.whole.as_ptr());
            match known {
                Some((name, w)) if used_half.contains(name) => {
                    put_bytes(&mut out, 5, &half_weights(name, w));
                    if used_single.contains(name) {
                        out.extend_from_slice(field.whole);
                    }
                }
                // Weights that nobody has a use for.
                Some((name, w)) if w.stored_half && !used_single.contains(name) => {}
                _ => out.extend_from_slice(field.whole),
            }
        }
    }
    out
}

fn put_cast(out: &mut Vec<u8>, from: &str, to: &str, kind: u64) {
    let mut attribute = Vec::new();
    put_bytes(&mut attribute, 1, b"to");
    put_number(&mut attribute, 3, kind);
    put_number(&mut attribute, 20, 2); // its value is an integer
    let mut node = Vec::new();
    put_bytes(&mut node, 1, from.as_bytes());
    put_bytes(&mut node, 2, to.as_bytes());
    put_bytes(&mut node, 3, format!("cast.{to}").as_bytes());
    put_bytes(&mut node, 4, b"Cast");
    put_bytes(&mut node, 5, &attribute);
    put_bytes(out, 1, &node);
}

fn half_weights(name: &str, weights: &Weights) -> Vec<u8> {
    let mut tensor = Vec::new();
    for &dim in &weights.dims {
        put_number(&mut tensor, 1, dim);
    }
    put_number(&mut tensor, 2, FLOAT16);
    put_bytes(&mut tensor, 8, half_of(name).as_bytes());
    let halves = |v: &f32| f16::from_f32(*v).to_le_bytes();
    let raw: Vec<u8> = weights.values.iter().flat_map(halves).collect();
    put_bytes(&mut tensor, 9, &raw);
    tensor
}

/// The names of the free dimensions of a network's inputs, each with its place: which input,
/// which dimension.
pub(super) fn free_dimensions(file: &[u8]) -> Result<Vec<(String, String, usize)>, Broken> {
    let model = fields(file)?;
    let graph = model.iter().find(|f| f.number == 7).ok_or(Broken)?;
    let mut found = Vec::new();
    let inside = |message: &[u8], number: u64| -> Result<Vec<u8>, Broken> {
        let inner = fields(message)?;
        let field = inner.iter().find(|f| f.number == number);
        field.map_or(Ok(vec![]), |f| f.bytes().map(<[u8]>::to_vec))
    };
    for input in fields(graph.bytes()?)?.iter().filter(|f| f.number == 11) {
        let value = input.bytes()?;
        let name = String::from_utf8(inside(value, 1)?).map_err(|_| Broken)?;
        // ValueInfoProto.type, TypeProto.tensor_type, Tensor.shape.
        let shape = inside(&inside(&inside(value, 2)?, 1)?, 2)?;
        for (place, dimension) in fields(&shape)?.iter().filter(|f| f.number == 1).enumerate() {
            for f in fields(dimension.bytes()?)?.iter().filter(|f| f.number == 2) {
                found.push((f.text()?.to_owned(), name.clone(), place));
            }
        }
    }
    Ok(found)
}
