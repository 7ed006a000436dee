//! What encoders are made of: convolution with batch norm, the inverted residual
//! of MobileNetV2 and the branched block of MobileOne.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, PaddingConfig2d};
use burn::tensor::activation::{relu, relu6};
use burn::tensor::{Device, Tensor};

/// A convolution without bias and the batch norm behind it.
#[derive(Module, Debug)]
pub struct ConvNorm {
    /// [out, in ÷ groups, k, k]
    pub conv: Conv2d,
    /// Over its outputs.
    pub norm: BatchNorm,
}

/// Shape of a convolution; padding keeps the side at stride 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub from: usize,
    pub to: usize,
    pub kernel: usize,
    pub stride: usize,
    pub groups: usize,
}

impl Shape {
    pub(super) fn point(from: usize, to: usize) -> Shape {
        Shape {
            from,
            to,
            kernel: 1,
            stride: 1,
            groups: 1,
        }
    }

    pub(super) fn full(from: usize, to: usize, stride: usize) -> Shape {
        Shape {
            from,
            to,
            kernel: 3,
            stride,
            groups: 1,
        }
    }

    pub(super) fn depth(channels: usize, stride: usize) -> Shape {
        Shape {
            from: channels,
            to: channels,
            kernel: 3,
            stride,
            groups: channels,
        }
    }
}

impl ConvNorm {
    pub(super) fn new(shape: Shape, device: &Device) -> ConvNorm {
        let pad = shape.kernel / 2;
        let conv = Conv2dConfig::new([shape.from, shape.to], [shape.kernel; 2])
            .with_stride([shape.stride; 2])
            .with_groups(shape.groups)
            .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
            .with_bias(false)
            // Filled by `init`, from one seed.
            .with_initializer(Initializer::Zeros)
            .init(device);
        ConvNorm {
            conv,
            norm: BatchNormConfig::new(shape.to).init(device),
        }
    }

    /// [B, in, h, w] → [B, out, h ÷ stride, w ÷ stride]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

/// A convolution, its batch norm and ReLU6: the first and the last of MobileNetV2.
#[derive(Module, Debug)]
pub struct Plain {
    /// The convolution.
    pub inner: ConvNorm,
}

/// MobileNetV2's block: widen, look around, narrow; added to its input where shapes allow.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    /// 1×1; the first block has none.
    pub expand: Option<ConvNorm>,
    /// 3×3, each channel for itself.
    pub depthwise: ConvNorm,
    /// 1×1, no activation behind it.
    pub project: ConvNorm,
    /// Whether the input is added.
    pub residual: bool,
}

impl InvertedResidual {
    pub(super) fn new(
        from: usize,
        to: usize,
        stride: usize,
        expansion: usize,
        device: &Device,
    ) -> InvertedResidual {
        let inner = from * expansion;
        InvertedResidual {
            expand: (expansion != 1).then(|| ConvNorm::new(Shape::point(from, inner), device)),
            depthwise: ConvNorm::new(Shape::depth(inner, stride), device),
            project: ConvNorm::new(Shape::point(inner, to), device),
            residual: stride == 1 && from == to,
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let mut x = input.clone();
        if let Some(expand) = &self.expand {
            x = relu6(expand.forward(x));
        }
        let x = self.project.forward(relu6(self.depthwise.forward(x)));
        if self.residual { x + input } else { x }
    }
}

/// Branches of MobileOne that see the same input and are summed before a ReLU.
/// For use they are one convolution.
#[derive(Module, Debug)]
pub struct Branches {
    /// Alike, but started and so trained differently.
    pub convs: Vec<ConvNorm>,
    /// 1×1 beside 3×3.
    pub scale: Option<ConvNorm>,
    /// The input itself, normed, where shapes allow.
    pub skip: Option<BatchNorm>,
}

impl Branches {
    /// `count` equal branches, and the two others.
    pub(super) fn new(shape: Shape, count: usize, device: &Device) -> Branches {
        let one = Shape { kernel: 1, ..shape };
        let skip = shape.from == shape.to && shape.stride == 1;
        Branches {
            convs: (0..count).map(|_| ConvNorm::new(shape, device)).collect(),
            scale: (shape.kernel > 1).then(|| ConvNorm::new(one, device)),
            skip: skip.then(|| BatchNormConfig::new(shape.from).init(device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut sum: Option<Tensor<4>> = None;
        let mut add = |y: Tensor<4>| {
            sum = Some(match sum.take() {
                Some(s) => s + y,
                None => y,
            });
        };
        for conv in self.convs.iter().chain(&self.scale) {
            add(conv.forward(x.clone()));
        }
        if let Some(skip) = &self.skip {
            add(skip.forward(x));
        }
        relu(sum.expect("a block has branches"))
    }
}

/// MobileOne's block: each channel for itself, then all channels of a place.
#[derive(Module, Debug)]
pub struct MobileOne {
    /// 3×3.
    pub depthwise: Branches,
    /// 1×1.
    pub pointwise: Branches,
}

/// One numbered part of an encoder. Numbers of MobileNetV2 are torchvision's `features.N`.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // a few dozen of them, never moved in a loop
pub enum Block {
    /// MobileNetV2's first and last.
    Plain(Plain),
    /// MobileNetV2's others.
    Inverted(InvertedResidual),
    /// MobileOne's first.
    Stem(Branches),
    /// MobileOne's others.
    One(MobileOne),
}

impl Block {
    /// [B, in, h, w] → [B, out, h ÷ stride, w ÷ stride]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Block::Plain(plain) => relu6(plain.inner.forward(x)),
            Block::Inverted(block) => block.forward(x),
            Block::Stem(branches) => branches.forward(x),
            Block::One(block) => block.pointwise.forward(block.depthwise.forward(x)),
        }
    }
}
