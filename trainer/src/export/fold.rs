//! What a network is in use: batch norms folded into their convolutions, the
//! branches of MobileOne summed to one convolution, scaling of inputs folded into
//! the first layer. Everything in double precision, rounded once.

use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::Tensor;

use crate::net::{
    Block, Branches, ConvNorm, Encoder, GazeNet, Head, NetConfig, POSITION_FACTOR, POSITION_MIDDLE,
    Pool,
};

/// What follows a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    Relu6,
}

/// A convolution with bias; padding keeps the side at stride 1.
#[derive(Debug, Clone)]
pub struct Conv {
    /// Names its tensors in the file.
    pub name: String,
    /// [out, in ÷ groups, k, k]
    pub shape: [usize; 4],
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub stride: usize,
    pub groups: usize,
    pub activation: Activation,
}

/// Convolutions one after the other, the input added at the end if `residual`.
#[derive(Debug, Clone)]
pub struct Chain {
    pub name: String,
    pub convs: Vec<Conv>,
    pub residual: bool,
}

/// x·W + b, W as [in, out].
#[derive(Debug, Clone)]
pub struct Dense {
    pub name: String,
    pub from: usize,
    pub to: usize,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub relu: bool,
    /// How many of its inputs, the last ones, are the embedding's.
    pub embedded: usize,
}

/// Everything of one member before the last layer.
#[derive(Debug, Clone)]
pub struct Member {
    /// What the names of its tensors begin with; nothing for the first one.
    pub prefix: String,
    /// The encoder, squeeze included.
    pub chains: Vec<Chain>,
    /// Takes head pose and eye position (and two tangents), as they come.
    pub embed: Vec<Dense>,
    pub hidden: Vec<Dense>,
}

/// A network in use.
#[derive(Debug, Clone)]
pub struct Folded {
    /// One, or a committee's.
    pub members: Vec<Member>,
    /// Whether the last map is averaged; else its places are kept.
    pub average: bool,
    /// To three numbers (a, b, −1) for a ray, to two for the screen.
    pub output: Dense,
    /// From what all of `hidden` give to how far it errs, before the logistic; empty: it does not
    /// tell.
    pub spread: Vec<Dense>,
    pub head: Head,
    pub geometric: bool,
}

/// Weights before rounding.
struct Exact {
    shape: [usize; 4],
    weight: Vec<f64>,
    bias: Vec<f64>,
}

/// Folds `net`, which was built by `config`.
pub fn fold(net: &GazeNet, config: &NetConfig) -> Folded {
    let parts = (&net.encoder, &net.embed[..], &net.hidden[..]);
    let mut members = vec![member(parts, String::new(), config)];
    for (n, other) in net.others.iter().enumerate() {
        let parts = (&other.encoder, &other.embed[..], &other.hidden[..]);
        members.push(member(parts, format!("m{}.", n + 1), config));
    }
    let spread = net.spread.as_ref().map_or(&[][..], |s| &s.layers);
    let mut spread = numbered("spread", spread);
    if let Some(last) = spread.last_mut() {
        last.relu = false;
    }
    let mut output = dense(&net.output, "output".into(), false);
    match net.head() {
        Head::Ray => with_third(&mut output, -1.0),
        Head::Screen => output.bias.iter_mut().for_each(|b| *b += 0.5),
    }
    Folded {
        members,
        average: config.pool == Pool::Average,
        output,
        spread,
        head: net.head(),
        geometric: net.geometric(),
    }
}

/// Layers with ReLU, named by their number.
fn numbered(part: &str, layers: &[Linear]) -> Vec<Dense> {
    let each = layers.iter().enumerate();
    each.map(|(i, l)| dense(l, format!("{part}{i}"), true))
        .collect()
}

fn member(
    (encoder, embed, hidden): (&Encoder, &[Linear], &[Linear]),
    prefix: String,
    config: &NetConfig,
) -> Member {
    let mut embed = numbered(&format!("{prefix}embed"), embed);
    fold_position(&mut embed[0]);
    let mut hidden = numbered(&format!("{prefix}hidden"), hidden);
    hidden[0].embedded = config.embedding;
    Member {
        chains: chains(encoder, &prefix),
        embed,
        hidden,
        prefix,
    }
}

/// The encoder's layers, squeeze included.
pub fn chains(encoder: &Encoder, prefix: &str) -> Vec<Chain> {
    let mut chains: Vec<Chain> = encoder
        .features
        .iter()
        .enumerate()
        .map(|(n, block)| chain(block, &format!("{prefix}block{n}")))
        .collect();
    if let Some(squeeze) = &encoder.squeeze {
        let name = format!("{prefix}squeeze");
        let convs = vec![conv(&squeeze.inner, &name, Activation::Relu6)];
        chains.push(Chain {
            name,
            convs,
            residual: false,
        });
    }
    chains
}

fn chain(block: &Block, name: &str) -> Chain {
    let mut residual = false;
    let part = |what: &str| format!("{name}.{what}");
    let convs = match block {
        Block::Plain(plain) => vec![conv(&plain.inner, &part("conv"), Activation::Relu6)],
        Block::Inverted(block) => {
            residual = block.residual;
            let mut convs = Vec::new();
            if let Some(expand) = &block.expand {
                convs.push(conv(expand, &part("expand"), Activation::Relu6));
            }
            convs.push(conv(
                &block.depthwise,
                &part("depthwise"),
                Activation::Relu6,
            ));
            convs.push(conv(&block.project, &part("project"), Activation::None));
            convs
        }
        Block::Stem(branches) => vec![reparameterise(branches, part("conv"))],
        Block::One(block) => vec![
            reparameterise(&block.depthwise, part("depthwise")),
            reparameterise(&block.pointwise, part("pointwise")),
        ],
    };
    Chain {
        name: name.to_owned(),
        convs,
        residual,
    }
}

fn conv(layer: &ConvNorm, name: &str, activation: Activation) -> Conv {
    rounded(exact(layer), &layer.conv, name.to_owned(), activation)
}

fn rounded(exact: Exact, like: &Conv2d, name: String, activation: Activation) -> Conv {
    let round = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect();
    Conv {
        name,
        shape: exact.shape,
        weight: round(exact.weight),
        bias: round(exact.bias),
        stride: like.stride[0],
        groups: like.groups,
        activation,
    }
}

/// w·γ/√(σ² + ε) and β − μ·γ/√(σ² + ε), for each output.
fn exact(layer: &ConvNorm) -> Exact {
    let shape = layer.conv.weight.dims();
    let (factor, bias) = factor_and_bias(&layer.norm);
    let per_output: usize = shape[1..].iter().product();
    let mut weight = values(layer.conv.weight.val());
    for (kernel, factor) in weight.chunks_mut(per_output).zip(&factor) {
        kernel.iter_mut().for_each(|w| *w *= factor);
    }
    Exact {
        shape,
        weight,
        bias,
    }
}

fn factor_and_bias(norm: &BatchNorm) -> (Vec<f64>, Vec<f64>) {
    let gamma = values(norm.gamma.val());
    let beta = values(norm.beta.val());
    let mean = values(norm.running_mean.value_sync());
    let variance = values(norm.running_var.value_sync());
    let factor: Vec<f64> = gamma
        .iter()
        .zip(&variance)
        .map(|(g, v)| g / (v + norm.epsilon).sqrt())
        .collect();
    let bias = (0..factor.len())
        .map(|i| beta[i] - mean[i] * factor[i])
        .collect();
    (factor, bias)
}

/// The sum of all branches as one convolution: 1×1 kernels and the input itself
/// go to the middle of the 3×3.
fn reparameterise(branches: &Branches, name: String) -> Conv {
    let like = &branches.convs[0].conv;
    let mut sum = exact(&branches.convs[0]);
    for branch in &branches.convs[1..] {
        let other = exact(branch);
        add(&mut sum.weight, &other.weight);
        add(&mut sum.bias, &other.bias);
    }
    let [_, per_group, k, _] = sum.shape;
    let (area, middle) = (k * k, k * k / 2);
    if let Some(scale) = &branches.scale {
        let other = exact(scale);
        for (i, w) in other.weight.iter().enumerate() {
            sum.weight[i * area + middle] += w;
        }
        add(&mut sum.bias, &other.bias);
    }
    if let Some(skip) = &branches.skip {
        let (factor, bias) = factor_and_bias(skip);
        for (out, factor) in factor.iter().enumerate() {
            // Within its group, the input of the same number.
            let input = out % per_group;
            sum.weight[(out * per_group + input) * area + middle] += factor;
        }
        add(&mut sum.bias, &bias);
    }
    rounded(sum, like, name, Activation::Relu)
}

fn add(to: &mut [f64], from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(a, b)| *a += b);
}

pub fn dense(layer: &Linear, name: String, relu: bool) -> Dense {
    let [from, to] = layer.weight.dims();
    let floats = |v: Vec<f64>| v.into_iter().map(|v| v as f32).collect();
    let bias = layer.bias.as_ref().expect("every layer here has a bias");
    Dense {
        name,
        from,
        to,
        weight: floats(values(layer.weight.val())),
        bias: floats(values(bias.val())),
        relu,
        embedded: 0,
    }
}

/// Puts the eye position's middle and factor into the layer that takes it (inputs 3 to 7).
fn fold_position(layer: &mut Dense) {
    let mut bias: Vec<f64> = layer.bias.iter().map(|b| f64::from(*b)).collect();
    let scaling = POSITION_MIDDLE.iter().zip(POSITION_FACTOR);
    for (i, (middle, factor)) in scaling.enumerate() {
        let (middle, factor) = (f64::from(*middle), f64::from(factor));
        let row = &mut layer.weight[(3 + i) * layer.to..(4 + i) * layer.to];
        for (w, b) in row.iter_mut().zip(&mut bias) {
            let scaled = f64::from(*w) * factor;
            *b -= middle * scaled;
            *w = scaled as f32;
        }
    }
    layer.bias = bias.into_iter().map(|b| b as f32).collect();
}

/// A third output that is always `value`.
fn with_third(layer: &mut Dense, value: f32) {
    layer.weight = layer
        .weight
        .chunks(2)
        .flat_map(|row| [row[0], row[1], 0.0])
        .collect();
    layer.bias.push(value);
    layer.to = 3;
}

/// A tensor's values, row-major.
fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    let floats = tensor.into_data().convert::<f32>();
    let floats = floats.try_to_vec::<f32>().expect("floats");
    floats.into_iter().map(f64::from).collect()
}
