//! The convolutional part: MobileNetV2, MobileOne-S0 or a few plain convolutions, at a width.

use burn::module::Module;
use burn::tensor::activation::relu6;
use burn::tensor::{Device, Tensor};

use super::blocks::{Block, Branches, InvertedResidual, MobileOne, Plain, Shape};
use super::config::{COMPACT, EncoderKind, NetConfig, Pool};

/// Values that [`Pool::Grid`] keeps for each place.
const PER_PLACE: usize = 32;

/// Eye pictures to vectors.
#[derive(Module, Debug)]
pub struct Encoder {
    /// In the order of the data's way.
    pub features: Vec<Block>,
    /// Narrows the last map where places are kept apart.
    pub squeeze: Option<Plain>,
}

impl Encoder {
    pub(super) fn new(config: &NetConfig, device: &Device) -> Encoder {
        let (features, last) = match config.encoder {
            EncoderKind::MobilenetV2 => mobilenet_v2(config, device),
            EncoderKind::MobileoneS0 => mobileone_s0(config, device),
            EncoderKind::Compact => compact(config, device),
        };
        let squeeze = (config.pool == Pool::Grid).then(|| Plain {
            inner: super::blocks::ConvNorm::new(Shape::point(last, PER_PLACE), device),
        });
        Encoder { features, squeeze }
    }

    /// [B, C, S, S] → [B, [`Encoder::len`]]
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let map = self.last_map(pictures);
        match &self.squeeze {
            None => {
                let places: Tensor<3> = map.flatten(2, 3);
                places.mean_dim(2).flatten(1, 2)
            }
            Some(_) => map.flatten(1, 3),
        }
    }

    /// [B, C, S, S] → the last map, squeezed where it is, [B, channels, places, places].
    pub(super) fn last_map(&self, pictures: Tensor<4>) -> Tensor<4> {
        #[cfg(feature = "tch")]
        let pictures = match super::libtorch::last_map(self, pictures) {
            Ok(map) => return map,
            Err(pictures) => pictures,
        };
        self.plain_last_map(pictures)
    }

    /// The same by Burn's own operations, which every device has.
    pub(super) fn plain_last_map(&self, pictures: Tensor<4>) -> Tensor<4> {
        let blocks = self.features.iter();
        let map = blocks.fold(pictures, |x, block| block.forward(x));
        match &self.squeeze {
            None => map,
            Some(squeeze) => relu6(squeeze.inner.forward(map)),
        }
    }

    /// Length of the vector that an encoder of this plan gives for one eye.
    pub fn len(config: &NetConfig) -> usize {
        match config.pool {
            Pool::Average => channels(config),
            Pool::Grid => PER_PLACE * config.places() * config.places(),
        }
    }
}

/// Channels of the encoder's last map.
fn channels(config: &NetConfig) -> usize {
    match config.encoder {
        // torchvision never narrows the last layer.
        EncoderKind::MobilenetV2 => divisible(1280.0 * config.width.max(1.0)),
        EncoderKind::MobileoneS0 => divisible(1024.0 * config.width),
        EncoderKind::Compact => divisible(COMPACT[COMPACT.len() - 1].0 as f64 * config.width),
    }
}

/// The nearest multiple of 8, at least 8 and at most 10 % below (torchvision's `_make_divisible`).
fn divisible(channels: f64) -> usize {
    let rounded = (((channels + 4.0) as usize) / 8 * 8).max(8);
    if (rounded as f64) < 0.9 * channels {
        rounded + 8
    } else {
        rounded
    }
}

/// Expansion, channels, blocks, first stride: Table 2 of the paper.
const V2_STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

fn mobilenet_v2(config: &NetConfig, device: &Device) -> (Vec<Block>, usize) {
    let plain = |shape| {
        Block::Plain(Plain {
            inner: super::blocks::ConvNorm::new(shape, device),
        })
    };
    let mut from = divisible(32.0 * config.width);
    let mut features = vec![plain(Shape::full(
        config.eyes.channels(),
        from,
        config.stem_stride,
    ))];
    for (expansion, to, count, stride) in V2_STAGES {
        let to = divisible(to as f64 * config.width);
        for i in 0..count {
            let stride = if i == 0 { stride } else { 1 };
            let block = InvertedResidual::new(from, to, stride, expansion, device);
            features.push(Block::Inverted(block));
            from = to;
        }
    }
    let last = channels(config);
    features.push(plain(Shape::point(from, last)));
    (features, last)
}

/// Blocks and channels of S0's stages behind the stem (Table 8 of the paper, with S0's widths).
pub(super) const ONE_STAGES: [(usize, usize); 4] = [(2, 48), (8, 128), (10, 256), (1, 1024)];
/// Equal branches of S0.
const ONE_BRANCHES: usize = 4;

fn mobileone_s0(config: &NetConfig, device: &Device) -> (Vec<Block>, usize) {
    let mut from = divisible(48.0 * config.width);
    // The stem has a single branch of its kind beside the 1×1 (as in the authors' code).
    let stem = Shape::full(config.eyes.channels(), from, config.stem_stride);
    let mut features = vec![Block::Stem(Branches::new(stem, 1, device))];
    for (count, to) in ONE_STAGES {
        let to = divisible(to as f64 * config.width);
        for i in 0..count {
            let stride = if i == 0 { 2 } else { 1 };
            features.push(Block::One(MobileOne {
                depthwise: Branches::new(Shape::depth(from, stride), ONE_BRANCHES, device),
                pointwise: Branches::new(Shape::point(from, to), ONE_BRANCHES, device),
            }));
            from = to;
        }
    }
    (features, from)
}

fn compact(config: &NetConfig, device: &Device) -> (Vec<Block>, usize) {
    let mut from = config.eyes.channels();
    let mut features = Vec::with_capacity(COMPACT.len());
    for (i, (to, stride)) in COMPACT.into_iter().enumerate() {
        let to = divisible(to as f64 * config.width);
        let stride = if i == 0 { config.stem_stride } else { stride };
        let inner = super::blocks::ConvNorm::new(Shape::full(from, to, stride), device);
        features.push(Block::Plain(Plain { inner }));
        from = to;
    }
    (features, from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_rounded_as_torchvision_rounds_them() {
        let rounded = [8.0, 4.0, 12.0, 24.0 * 0.35, 96.0 * 0.75, 320.0 * 0.25].map(divisible);
        assert_eq!(rounded, [8, 8, 16, 8, 72, 80]);
    }
}
