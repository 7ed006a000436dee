//! What a network is: everything that training, export and the daemon must agree on.

use serde::{Deserialize, Serialize};
use vision::CropColour;

/// Side of the smallest and the largest eye picture, pixels.
pub const SIZES: std::ops::RangeInclusive<usize> = 32..=128;
/// Width multipliers that make sense: below, the last layers dwarf the rest.
pub const WIDTHS: std::ops::RangeInclusive<f64> = 0.25..=1.0;

/// More networks than this are not averaged: each costs a whole one's time.
pub const MOST_MEMBERS: usize = 16;

/// Channels at width 1 and strides of [`EncoderKind::Compact`]'s convolutions.
pub(super) const COMPACT: [(usize, usize); 5] = [(32, 2), (64, 2), (64, 1), (128, 2), (128, 1)];

/// The convolutional part that sees the eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncoderKind {
    /// Sandler et al. 2018, layer for layer as torchvision has it.
    MobilenetV2,
    /// Vasu et al. 2022, S0: several branches in training, one convolution in use.
    MobileoneS0,
    /// Five plain convolutions, three of which halve the side. It learns from nothing in minutes on a
    /// processor, where the deep ones need pretrained weights: where an iris lies is seen
    /// by few layers, and its map is still large enough to say it ([`Pool::Grid`]).
    Compact,
}

impl EncoderKind {
    /// As its papers call it.
    pub fn name(self) -> &'static str {
        match self {
            EncoderKind::MobilenetV2 => "MobileNetV2",
            EncoderKind::MobileoneS0 => "MobileOne-S0",
            EncoderKind::Compact => "compact",
        }
    }
}

/// What the network answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// A unit vector in the camera frame, for everyone's screens.
    Ray,
    /// x and y on the screen, normalised, for one user's fixed rig.
    Screen,
}

impl Head {
    /// Values in one answer.
    pub fn outputs(self) -> usize {
        match self {
            Head::Ray => 3,
            Head::Screen => 2,
        }
    }
}

/// How the encoder's last map becomes a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// The mean over the places, as in the papers: where something is gets lost.
    Average,
    /// 32 values for each place, kept apart.
    Grid,
}

/// Colour of the eye pictures, as the crop function makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// One channel, BT.601 luma.
    Gray,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

impl From<Colour> for CropColour {
    fn from(colour: Colour) -> CropColour {
        match colour {
            Colour::Gray => CropColour::Gray,
            Colour::Rgb => CropColour::Rgb,
            Colour::Bgr => CropColour::Bgr,
        }
    }
}

/// The eye pictures that a network takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EyeInput {
    /// Pixels on a side.
    pub size: usize,
    /// Side of the square, in distances between the eye's own corners.
    pub scale: f32,
    /// Channels and their order.
    pub colour: Colour,
    /// Subtracted from v ÷ 255, one for each channel.
    pub mean: Vec<f32>,
    /// Divides what is left, one for each channel.
    pub std: Vec<f32>,
}

impl EyeInput {
    /// Pictures of one kind with the mean and the deviation of ImageNet, which
    /// pretrained weights were made with.
    pub fn new(size: usize, colour: Colour) -> EyeInput {
        let (mean, std) = match colour {
            Colour::Gray => (vec![0.449], vec![0.226]),
            Colour::Rgb => (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]),
            Colour::Bgr => (vec![0.406, 0.456, 0.485], vec![0.225, 0.224, 0.229]),
        };
        EyeInput {
            size,
            scale: 1.8,
            colour,
            mean,
            std,
        }
    }

    /// Channels of one picture.
    pub fn channels(&self) -> usize {
        CropColour::from(self.colour).channels()
    }

    /// Values in one picture: channels × size × size.
    pub fn len(&self) -> usize {
        self.channels() * self.size * self.size
    }

    /// Never: a picture has pixels. (Beside `len`, as is the custom.)
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `out` = (v ÷ 255 − mean) ÷ std, plane after plane. Both are [`EyeInput::len`] long.
    pub fn normalise(&self, bytes: &[u8], out: &mut [f32]) {
        assert_eq!((bytes.len(), out.len()), (self.len(), self.len()));
        let plane = self.size * self.size;
        for (c, (from, to)) in bytes.chunks(plane).zip(out.chunks_mut(plane)).enumerate() {
            for (v, o) in from.iter().zip(to) {
                *o = (f32::from(*v) / 255.0 - self.mean[c]) / self.std[c];
            }
        }
    }
}

/// How a network tells how far it errs itself ([`super::spread`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpreadPlan {
    /// Width of the layer between what it sees and the two numbers; 0: there is none between.
    pub hidden: usize,
    /// Whether it was fitted to the mean of the picture's and the mirrored picture's answer.
    pub mirror_average: bool,
}

/// A network's plan. JSON of it lies in every checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetConfig {
    /// What sees the eyes.
    pub encoder: EncoderKind,
    /// Multiplies the encoder's channels.
    pub width: f64,
    /// Stride of the encoder's first convolution: 2 as in the papers, 1 for
    /// four times the places (and the work) from small pictures. Weights fit both.
    pub stem_stride: usize,
    /// How the encoder's last map becomes a vector.
    pub pool: Pool,
    /// The pictures.
    pub eyes: EyeInput,
    /// Width of the embedding of head pose and eye position.
    pub embedding: usize,
    /// Widths of the hidden layers behind it all.
    pub hidden: Vec<usize>,
    /// What it answers.
    pub head: Head,
    /// Whether it also takes the line of sight that geometry alone gives, and
    /// corrects it.
    pub geometric: bool,
    /// Whether each eye's picture is brought to mean 0 and deviation 1 first, by itself: dim
    /// and bright rooms, pale and dark skin look more alike then.
    #[serde(default)]
    pub standardise: bool,
    /// How many networks of this plan it is made of, whose answers are averaged
    /// ([`super::committee`]); usually it is one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub members: usize,
    /// Whether it also tells how far it errs, and how; an addition that leaves the answer as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<SpreadPlan>,
}

fn one() -> usize {
    1
}

fn is_one(members: &usize) -> bool {
    *members == 1
}

/// Why a plan cannot be built.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("{what} is {is}: {should}")]
pub struct ConfigError {
    pub(super) what: &'static str,
    pub(super) is: String,
    pub(super) should: &'static str,
}

impl NetConfig {
    /// MobileNetV2 for a ray; the rest as was found good.
    pub fn new(width: f64, size: usize, colour: Colour) -> NetConfig {
        NetConfig {
            encoder: EncoderKind::MobilenetV2,
            width,
            stem_stride: 2,
            pool: Pool::Average,
            eyes: EyeInput::new(size, colour),
            embedding: 32,
            hidden: vec![128, 64],
            head: Head::Ray,
            geometric: false,
            standardise: false,
            members: 1,
            spread: None,
        }
    }

    /// Five plain convolutions that keep places apart, for a ray.
    pub fn compact(width: f64, size: usize, colour: Colour) -> NetConfig {
        NetConfig {
            encoder: EncoderKind::Compact,
            pool: Pool::Grid,
            ..NetConfig::new(width, size, colour)
        }
    }

    /// Checks what a hand-written plan can get wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |what, is: String, should| Err(ConfigError { what, is, should });
        if !WIDTHS.contains(&self.width) {
            return refuse("width", self.width.to_string(), "use 0.25 to 1");
        }
        if !SIZES.contains(&self.eyes.size) {
            let is = self.eyes.size.to_string();
            return refuse("the eye pictures' size", is, "use 32 to 128 pixels");
        }
        if !(0.5..=4.0).contains(&self.eyes.scale) {
            let is = self.eyes.scale.to_string();
            return refuse("the crop's scale", is, "use 0.5 to 4 eye widths");
        }
        if !matches!(self.stem_stride, 1 | 2) {
            return refuse("stem_stride", self.stem_stride.to_string(), "use 1 or 2");
        }
        let per_channel = |v: &[f32]| v.len() == self.eyes.channels();
        if !per_channel(&self.eyes.mean) || !per_channel(&self.eyes.std) {
            let is = format!("{} and {}", self.eyes.mean.len(), self.eyes.std.len());
            return refuse("the number of means and deviations", is, "one per channel");
        }
        let good = |v: &f32| v.is_finite();
        if !self.eyes.mean.iter().all(good) || !self.eyes.std.iter().all(|s| *s > 0.0 && good(s)) {
            let is = format!("{:?} and {:?}", self.eyes.mean, self.eyes.std);
            return refuse("mean and std", is, "they must be finite, std above 0");
        }
        if !(1..=1024).contains(&self.embedding) {
            return refuse("embedding", self.embedding.to_string(), "use 1 to 1024");
        }
        if self.hidden.is_empty() || !self.hidden.iter().all(|w| (1..=4096).contains(w)) {
            let is = format!("{:?}", self.hidden);
            return refuse("hidden", is, "at least one width, each 1 to 4096");
        }
        if !(1..=MOST_MEMBERS).contains(&self.members) {
            return refuse("members", self.members.to_string(), "use 1 to 16");
        }
        if let Some(spread) = &self.spread {
            if self.head != Head::Ray {
                let is = "asked of places on a screen".to_owned();
                return refuse("the spread", is, "only lines of sight have one");
            }
            if spread.hidden > 1024 {
                let is = spread.hidden.to_string();
                return refuse("the spread's hidden", is, "use 0 to 1024");
            }
        }
        Ok(())
    }

    /// The encoder's side of its last map, in places.
    pub fn places(&self) -> usize {
        // Every stride-2 layer has 3×3 kernels and padding 1: the side is halved, rounded up.
        let halvings = match self.encoder {
            EncoderKind::MobilenetV2 | EncoderKind::MobileoneS0 => 5,
            EncoderKind::Compact => COMPACT.iter().filter(|layer| layer.1 == 2).count(),
        };
        let spared = usize::from(self.stem_stride == 1);
        (spared..halvings).fold(self.eyes.size, |side, _| side.div_ceil(2))
    }
}
