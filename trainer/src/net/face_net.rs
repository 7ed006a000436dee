//! A network of eye contact: a face's picture to one logit.

use burn::module::Module;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::config::{Colour, ConfigError, EyeInput, NetConfig, WIDTHS};
use super::encoder::Encoder;

/// Side of the smallest and the largest face picture, pixels.
pub const FACE_SIZES: std::ops::RangeInclusive<usize> = 32..=256;

/// A contact network's plan.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceConfig {
    /// The encoder's; embedding, hidden layers and head of it are not used.
    encoder: NetConfig,
    /// Width of the layer between encoder and answer.
    pub hidden: usize,
}

impl FaceConfig {
    /// Five plain convolutions of this width that keep places apart: where an iris lies is what
    /// contact is about. RGB, ImageNet's mean and deviation, the square as wide as the face.
    ///
    /// # Errors
    /// A width or a size that makes no sense.
    pub fn new(width: f64, size: usize) -> Result<FaceConfig, ConfigError> {
        let refuse = |what, is: String, should| Err(ConfigError { what, is, should });
        if !WIDTHS.contains(&width) {
            return refuse("width", width.to_string(), "use 0.25 to 1");
        }
        if !FACE_SIZES.contains(&size) {
            let is = size.to_string();
            return refuse("the face pictures' size", is, "use 32 to 256 pixels");
        }
        let mut encoder = NetConfig::compact(width, size, Colour::Rgb);
        encoder.eyes.scale = 1.0;
        Ok(FaceConfig {
            encoder,
            hidden: 64,
        })
    }

    /// The pictures that it takes.
    pub fn pictures(&self) -> &EyeInput {
        &self.encoder.eyes
    }

    /// A new network on `device`. The same seed gives the same weights, bit for bit.
    pub fn init(&self, seed: u64, device: &Device) -> FaceNet {
        let linear = |from: usize, to: usize| {
            LinearConfig::new(from, to)
                .with_initializer(Initializer::Zeros)
                .init(device)
        };
        let mut net = FaceNet {
            encoder: Encoder::new(&self.encoder, device),
            hidden: linear(Encoder::len(&self.encoder), self.hidden),
            output: linear(self.hidden, 1),
        };
        super::init::fill(&mut net, seed);
        net
    }
}

/// The network. Parts by name as [`super::GazeNet`]'s: `encoder`, `hidden`, `output`.
#[derive(Module, Debug)]
pub struct FaceNet {
    /// What sees the face.
    pub encoder: Encoder,
    /// Behind it.
    pub hidden: Linear,
    /// To the logit.
    pub output: Linear,
}

impl FaceNet {
    /// Faces [B, 3, S, S], normalised as [`EyeInput::normalise`] does → logits [B, 1].
    pub fn forward(&self, faces: Tensor<4>) -> Tensor<2> {
        let x = relu(self.hidden.forward(self.encoder.forward(faces)));
        self.output.forward(x)
    }
}
