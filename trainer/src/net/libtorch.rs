//! Encoders on LibTorch: a pass through all blocks is one step of Burn's differentiation.
//!
//! Burn puts batch norms, ReLU6 and the gradients of convolutions together from small operations
//! (those of a depthwise convolution channel by channel), which took up to three quarters of a
//! training step. LibTorch has a kernel for each of them and differentiates them itself. So a
//! pass is recorded there, from the pictures to the last map; Burn sees one step, and in the way
//! back LibTorch computes what each parameter gets. Values, gradients and running statistics are
//! those of the plain path but for rounding.

// Burn has announced that it will drop its LibTorch back end; until then it is the fastest here.
#![allow(deprecated)]

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, DispatchDevice, GradientCheckpointingStrategy, LibTorch};
use burn::nn::BatchNorm;
use burn::tensor::{Device, Tensor};
use tch::Tensor as Torch;

use super::blocks::{Block, Branches, ConvNorm};
use super::encoder::Encoder;

/// A tensor with the count of who shares its memory: with one alone, Burn writes over it.
type Shared = FloatTensor<LibTorch>;
/// The same in Burn's record of what is to be differentiated.
type Node = FloatTensor<Autodiff<LibTorch>>;

const ONE_DEVICE: &str = "an encoder and its pictures are on one device, both recorded or neither";

/// The encoder's last map, squeezed where it squeezes; the pictures again if they are not on
/// LibTorch, or are to be recorded in another way.
pub(super) fn last_map(encoder: &Encoder, pictures: Tensor<4>) -> Result<Tensor<4>, Tensor<4>> {
    if !is_ours(&pictures.device()) {
        return Err(pictures);
    }
    let mut pass = Pass {
        learns: pictures.is_autodiff(),
        first: None,
        leaves: vec![],
        held: vec![],
    };
    let pictures = channels_last(&pass.take(pictures));
    let map = pass.encoder(encoder, pictures);
    Ok(pass.finish(map))
}

fn is_ours(device: &Device) -> bool {
    let plain = device.clone().without_autodiff();
    let recorded = device.gradient_checkpointing_strategy();
    matches!(plain.as_dispatch(), DispatchDevice::LibTorch(_))
        && recorded.is_none_or(|s| s == GradientCheckpointingStrategy::Disabled)
}

/// [B, C, H, W] to the same with a place's channels side by side in memory. On a processor all
/// that follows is a quarter faster so; elsewhere it stays as it is.
fn channels_last(x: &Torch) -> Torch {
    if x.device() != tch::Device::Cpu {
        return x.shallow_clone();
    }
    let (b, c, h, w) = x.size4().expect("maps have four dimensions");
    let x = x.permute([0, 2, 3, 1]).contiguous();
    // With one channel the bytes are the same in both orders, and only strides tell them apart.
    x.as_strided([b, c, h, w], [h * w * c, 1, w * c, c], None)
}

/// A pass on its way.
struct Pass {
    /// Whether batch norms learn, and gradients may be wanted.
    learns: bool,
    /// What wants a gradient first: the pictures, or a parameter.
    first: Option<Node>,
    /// All that want one, by Burn's name for them.
    leaves: Vec<(NodeId, Shared)>,
    /// What LibTorch will look at again on the way back.
    held: Vec<Shared>,
}

impl Pass {
    /// A tensor of Burn's, without a copy.
    fn take<const D: usize>(&mut self, tensor: Tensor<D>) -> Torch {
        if !tensor.is_autodiff() {
            let shared = tensor.try_into_primitive::<LibTorch>().expect(ONE_DEVICE);
            let torch = shared.tensor.shallow_clone();
            self.held.push(shared);
            return torch;
        }
        let node = (tensor.try_into_primitive::<Autodiff<LibTorch>>()).expect(ONE_DEVICE);
        let mut shared = node.primitive().clone();
        shared.tensor = shared.tensor.detach();
        if !node.is_tracked() {
            let torch = shared.tensor.shallow_clone();
            self.held.push(shared);
            return torch;
        }
        shared.tensor = shared.tensor.set_requires_grad(true);
        let torch = shared.tensor.shallow_clone();
        self.leaves.push((node.id(), shared));
        self.first.get_or_insert(node);
        torch
    }

    fn encoder(&mut self, encoder: &Encoder, pictures: Torch) -> Torch {
        let blocks = encoder.features.iter();
        let map = blocks.fold(pictures, |x, block| self.block(block, &x));
        match &encoder.squeeze {
            None => map,
            Some(squeeze) => self.conv_norm(&squeeze.inner, &map).relu6_(),
        }
    }

    /// Activations and sums are written over what a batch norm gave, which needs it no more.
    fn block(&mut self, block: &Block, x: &Torch) -> Torch {
        match block {
            Block::Plain(plain) => self.conv_norm(&plain.inner, x).relu6_(),
            Block::Inverted(block) => {
                let expand = block.expand.as_ref();
                let wide = expand.map(|expand| self.conv_norm(expand, x).relu6_());
                let wide = wide.as_ref().unwrap_or(x);
                let wide = self.conv_norm(&block.depthwise, wide).relu6_();
                let mut narrow = self.conv_norm(&block.project, &wide);
                if block.residual {
                    narrow.g_add_(x)
                } else {
                    narrow
                }
            }
            Block::Stem(branches) => self.branches(branches, x),
            Block::One(block) => {
                let x = self.branches(&block.depthwise, x);
                self.branches(&block.pointwise, &x)
            }
        }
    }

    fn branches(&mut self, branches: &Branches, x: &Torch) -> Torch {
        let convs = branches.convs.iter().chain(&branches.scale);
        let mut parts: Vec<Torch> = convs.map(|conv| self.conv_norm(conv, x)).collect();
        parts.extend(branches.skip.as_ref().map(|skip| self.norm(skip, x)));
        let sum = parts.into_iter().reduce(|mut sum, part| sum.g_add_(&part));
        sum.expect("a block has branches").relu_()
    }

    fn conv_norm(&mut self, layer: &ConvNorm, x: &Torch) -> Torch {
        let conv = &layer.conv;
        let weight = self.take(conv.weight.val());
        let each = |sides: [usize; 2]| sides.map(|side| side as i64);
        let y = x.conv2d::<&Torch>(
            &weight,
            None,
            each(conv.stride),
            each(conv.kernel_size.map(|k| k / 2)),
            each(conv.dilation),
            conv.groups as i64,
        );
        self.norm(&layer.norm, &y)
    }

    fn norm(&mut self, norm: &BatchNorm, x: &Torch) -> Torch {
        let [gamma, beta] = [&norm.gamma, &norm.beta].map(|p| self.take(p.val()));
        let run = |mean: &Torch, var: &Torch, learns: bool| {
            // Share of the new in what is written to mean and var: all of it.
            let share = 1.0;
            let (gamma, beta) = (Some(&gamma), Some(&beta));
            let (mean, var) = (Some(mean), Some(var));
            x.batch_norm(gamma, beta, mean, var, learns, share, norm.epsilon, true)
        };
        if !(self.learns && norm.training.is_enabled()) {
            let [mean, var] = [&norm.running_mean, &norm.running_var].map(|s| self.take(s.value()));
            return run(&mean, &var, false);
        }
        let zeros = || Torch::zeros(gamma.size(), (x.kind(), x.device()));
        let (mean, var) = (zeros(), zeros());
        let y = run(&mean, &var, true);
        // LibTorch divides by n − 1, Burn by n. Not in its place: it is looked at on the way back.
        let (b, _, h, w) = x.size4().expect("maps have four dimensions");
        let n = (b * h * w) as f64;
        let var = if n > 1.0 {
            var * ((n - 1.0) / n)
        } else {
            zeros()
        };
        for (state, new) in [(&norm.running_mean, mean), (&norm.running_var, var)] {
            let old = state.value_sync().without_autodiff();
            let old = old.try_into_primitive::<LibTorch>().expect(ONE_DEVICE);
            let value = Shared::new(old.tensor.lerp(&new, norm.momentum));
            state.update(Tensor::from_primitive::<LibTorch>(value).autodiff());
        }
        y
    }

    fn finish(self, map: Torch) -> Tensor<4> {
        // Burn's operations behind it are not LibTorch's to record.
        let map = Shared::new(map);
        let mut shown = map.clone();
        shown.tensor = shown.tensor.detach();
        let Some(first) = self.first else {
            return match self.learns {
                true => Tensor::from_primitive::<Autodiff<LibTorch>>(Node::new(shown)),
                false => Tensor::from_primitive::<LibTorch>(shown),
            };
        };
        // One parent is enough to be asked on the way back. Only the pictures could have a way
        // of their own behind them, and they come first.
        let prepared = Encode.prepare::<NoCheckpointing>([first.node()]);
        let node = match prepared.compute_bound().stateful() {
            OpsKind::UnTracked(untracked) => untracked.finish(shown),
            OpsKind::Tracked(tracked) => {
                let recorded = Recorded {
                    map,
                    leaves: self.leaves,
                    _held: self.held,
                };
                tracked.finish(recorded, shown)
            }
        };
        Tensor::from_primitive::<Autodiff<LibTorch>>(node)
    }
}

/// The step that Burn sees.
#[derive(Debug)]
struct Encode;

/// What LibTorch recorded. What is shared is held, so that Burn does not write over it.
#[derive(Debug, Clone)]
struct Recorded {
    map: Shared,
    leaves: Vec<(NodeId, Shared)>,
    _held: Vec<Shared>,
}

impl Backward<LibTorch, 1> for Encode {
    type State = Recorded;

    fn backward(self, ops: Ops<Recorded, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let Recorded { map, leaves, .. } = ops.state;
        let gradient = channels_last(&grads.consume::<LibTorch>(&ops.node).tensor);
        // LibTorch goes back from a number: one whose gradient at the map is the one given.
        let number = (&map.tensor * gradient).sum(map.tensor.kind());
        let wanted: Vec<&Torch> = leaves.iter().map(|(_, leaf)| &leaf.tensor).collect();
        let found = Torch::run_backward(&[number], &wanted, false, false);
        for ((id, _), gradient) in leaves.iter().zip(found) {
            grads.register::<LibTorch>(*id, Shared::new(gradient.contiguous()));
        }
    }
}
