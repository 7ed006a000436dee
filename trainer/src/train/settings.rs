//! What a training is told.

use serde::{Deserialize, Serialize};

/// How far an answer off counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Squared within [`BETA`], straight beyond: a wrong label pulls no harder than another.
    SmoothL1,
    /// Squared.
    Mse,
}

/// Where [`Loss::SmoothL1`] bends: components of a unit ray (6°), or parts of the screen.
pub const BETA: f32 = 0.1;

/// How pictures are changed while they are learned from. Zero is: not at all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Added to both eyes alike, up to this part of white, up or down.
    pub brightness: f32,
    /// Contrast about a picture's mean is multiplied by 1 ± this at most.
    pub contrast: f32,
    /// Share of pictures that are blurred (3 × 3), each by a strength of its own.
    pub blur: f32,
    /// The strongest blur, in passes of (1, 2, 1) ÷ 4 along rows and columns.
    #[serde(default = "one_pass")]
    pub blur_passes: f32,
    /// Deviation of the noise at its strongest, in parts of white.
    pub noise: f32,
    /// Crops lie off by up to this part of their side, each eye by itself, …
    pub shift: f32,
    /// … are larger or smaller by up to this part, …
    pub scale: f32,
    /// … and turned by up to so many degrees: landmarks err too.
    pub turn_deg: f32,
    /// Share of looks that are seen in a mirror: the eyes swap.
    pub flip: f32,
    /// Light is bent as by another camera: v to the power of 2^±this at most, both eyes alike.
    #[serde(default)]
    pub gamma: f32,
    /// Light falls off across each eye's picture by up to this part of white each way.
    #[serde(default)]
    pub slope: f32,
    /// Share of eyes' pictures before which something stands, plain and a quarter of their sides at
    /// most: hair, a frame's rim, what glass mirrors.
    #[serde(default)]
    pub cover: f32,
}

fn one_pass() -> f32 {
    1.0
}

impl Augment {
    /// Nothing is changed.
    pub const NONE: Augment = Augment {
        brightness: 0.0,
        contrast: 0.0,
        blur: 0.0,
        blur_passes: 1.0,
        noise: 0.0,
        shift: 0.0,
        scale: 0.0,
        turn_deg: 0.0,
        flip: 0.0,
        gamma: 0.0,
        slope: 0.0,
        cover: 0.0,
    };

    /// What is on unless told otherwise. Shift and scale stay well inside the stored margin;
    /// the mirror is for a ray, where left and right are alike.
    pub const USUAL: Augment = Augment {
        brightness: 0.12,
        contrast: 0.25,
        blur: 0.2,
        blur_passes: 1.0,
        noise: 0.02,
        shift: 0.03,
        scale: 0.04,
        turn_deg: 3.0,
        flip: 0.5,
        gamma: 0.0,
        slope: 0.0,
        cover: 0.0,
    };

    /// For pictures of few cameras that are to stand for all: rendered ones. The corners stay
    /// inside the stored margin: 1.06 ÷ 2 · (cos 4° + sin 4°) + 0.05 < 0.625.
    pub const STRONG: Augment = Augment {
        brightness: 0.12,
        contrast: 0.35,
        blur: 0.35,
        blur_passes: 1.0,
        noise: 0.03,
        shift: 0.05,
        scale: 0.06,
        turn_deg: 4.0,
        flip: 0.5,
        gamma: 0.5,
        slope: 0.1,
        cover: 0.15,
    };

    /// Pictures as bad as cameras make them, and worse than is learned from: for how far a network
    /// errs then. No mirror.
    pub const ROUGH: Augment = Augment {
        brightness: 0.25,
        contrast: 0.6,
        blur: 0.5,
        blur_passes: 5.0,
        noise: 0.08,
        shift: 0.05,
        scale: 0.06,
        turn_deg: 4.0,
        flip: 0.0,
        gamma: 0.6,
        slope: 0.15,
        cover: 0.1,
    };
}

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Times that every sample is seen.
    pub epochs: usize,
    /// Samples in a step.
    pub batch: usize,
    /// Where all chance comes from: first weights, order, augmentation.
    pub seed: u64,
    /// Highest learning rate of what lies behind the encoder.
    pub head_rate: f64,
    /// Highest learning rate of the encoder.
    pub backbone_rate: f64,
    /// Share of all steps in which the rates rise; then they fall along a cosine.
    pub warm_up: f64,
    /// AdamW's weight decay.
    pub decay: f32,
    /// Longest gradient of one tensor; 0 clips none.
    pub clip: f32,
    /// Epochs at the beginning in which the whole encoder stands still.
    pub frozen_epochs: usize,
    /// How many of the encoder's last blocks learn after that; all of them if left out.
    pub unfrozen_blocks: Option<usize>,
    /// Whether anything but the last layer learns at all.
    pub output_only: bool,
    /// What is made small.
    pub loss: Loss,
    /// Weight of the consistency loss: of the same person, at the same target, with the head
    /// held otherwise, the answers shall meet at the same place. 0 is: no pairs are made.
    pub consistency: f32,
    /// Whether an epoch's looks are drawn so that where somebody looks does not go with where the
    /// head points ([`balance`](super::balance)). Not with pairs.
    #[serde(default)]
    pub balance: bool,
    /// SHA-256 of the network whose answers are learned in place of the labels
    /// ([`teacher`](super::teacher)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
    /// Epochs without a better one after which it ends; 0 waits to the end.
    pub patience: usize,
    /// How pictures are changed.
    pub augment: Augment,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            epochs: 30,
            batch: 32,
            seed: 1,
            head_rate: 1e-3,
            backbone_rate: 1e-4,
            warm_up: 0.05,
            decay: 1e-4,
            clip: 1.0,
            frozen_epochs: 0,
            unfrozen_blocks: None,
            output_only: false,
            loss: Loss::SmoothL1,
            consistency: 0.0,
            balance: false,
            teacher: None,
            patience: 8,
            augment: Augment::USUAL,
        }
    }
}

/// A setting that makes no sense.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("{what} is {is}: {should}")]
pub struct SettingsError {
    what: &'static str,
    is: String,
    should: &'static str,
}

impl Settings {
    /// Checks every number.
    ///
    /// # Errors
    /// [`SettingsError`], for the first that makes no sense.
    pub fn check(&self) -> Result<(), SettingsError> {
        let a = &self.augment;
        let rates = |v: f64| (0.0..=1.0).contains(&v);
        let part = |v: f32| (0.0..=1.0).contains(&v);
        let rules: [(bool, &'static str, String, &'static str); 17] = [
            (
                (1..=100_000).contains(&self.epochs),
                "epochs",
                self.epochs.to_string(),
                "use 1 to 100000",
            ),
            (
                (2..=4096).contains(&self.batch),
                "batch",
                self.batch.to_string(),
                "use 2 to 4096",
            ),
            (
                rates(self.head_rate),
                "head-rate",
                self.head_rate.to_string(),
                "use 0 to 1, usually 1e-4 to 1e-3",
            ),
            (
                rates(self.backbone_rate),
                "backbone-rate",
                self.backbone_rate.to_string(),
                "use 0 to 1, usually 1e-5 to 1e-4",
            ),
            (
                (0.0..=0.9).contains(&self.warm_up),
                "warm-up",
                self.warm_up.to_string(),
                "use 0 to 0.9",
            ),
            (
                part(self.decay),
                "decay",
                self.decay.to_string(),
                "use 0 to 1",
            ),
            (
                (0.0..=1e6).contains(&self.clip),
                "clip",
                self.clip.to_string(),
                "use 0 (none) or more",
            ),
            (
                (0.0..=1e3).contains(&self.consistency),
                "consistency",
                self.consistency.to_string(),
                "use 0 to 1000",
            ),
            (
                !(self.balance && self.consistency > 0.0),
                "balance",
                "on, and so is consistency".into(),
                "use one of them",
            ),
            (
                part(a.brightness) && part(a.contrast),
                "brightness or contrast",
                format!("{} or {}", a.brightness, a.contrast),
                "use 0 to 1",
            ),
            (
                part(a.blur) && part(a.flip),
                "blur or flip",
                format!("{} or {}", a.blur, a.flip),
                "use 0 to 1",
            ),
            (
                (0.0..=50.0).contains(&a.blur_passes),
                "blur-passes",
                a.blur_passes.to_string(),
                "use 0 to 50",
            ),
            (
                (0.0..=0.5).contains(&a.noise),
                "noise",
                a.noise.to_string(),
                "use 0 to 0.5",
            ),
            (
                (0.0..=0.2).contains(&a.shift) && (0.0..=0.2).contains(&a.scale),
                "shift or scale",
                format!("{} or {}", a.shift, a.scale),
                "use 0 to 0.2",
            ),
            (
                (0.0..=45.0).contains(&a.turn_deg),
                "turn",
                a.turn_deg.to_string(),
                "use 0 to 45 degrees",
            ),
            (
                (0.0..=2.0).contains(&a.gamma),
                "gamma",
                a.gamma.to_string(),
                "use 0 to 2",
            ),
            (
                part(a.slope) && part(a.cover),
                "slope or cover",
                format!("{} or {}", a.slope, a.cover),
                "use 0 to 1",
            ),
        ];
        match rules.into_iter().find(|r| !r.0) {
            Some((_, what, is, should)) => Err(SettingsError { what, is, should }),
            None => Ok(()),
        }
    }
}
