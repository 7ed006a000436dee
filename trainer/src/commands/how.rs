//! The network and how it learns, as `train` and `study` are told.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::train::{Failure, failure};
use crate::data::cache::Cache;
use crate::device;
use crate::net::{Colour, EncoderKind, EyeInput, Head, NetConfig, Pool, weights};
use crate::train::examples::Examples;
use crate::train::folds::{By, Fold, folds};
use crate::train::run::{self, Epoch, Order, Trained};
use crate::train::settings::{Augment, Loss, Settings};
use crate::train::state::Progress;

/// The network and how it learns: options of `train` and `study`.
#[derive(Debug, Args)]
pub struct How {
    /// What the network answers: a line of sight for everyone's screens, or a place on one screen
    #[arg(long, value_enum, default_value = "ray")]
    head: HeadName,
    /// What sees the eyes
    #[arg(long, value_enum, default_value = "mobilenet-v2")]
    encoder: EncoderName,
    /// Multiplies the encoder's channels, 0.25 to 1
    #[arg(long, value_name = "W", default_value_t = 0.5)]
    width: f64,
    /// Stride of the first convolution; 1 sees more of small pictures, at four times the work
    #[arg(long, value_name = "S", default_value_t = 2)]
    stem_stride: usize,
    /// Keep the places of the last map apart instead of their mean, as compact always does
    #[arg(long)]
    grid: bool,
    /// Bring each eye's picture to the same mean and contrast inside the network
    #[arg(long)]
    standardise: bool,
    /// The network also takes the geometric line of sight, and corrects it
    #[arg(long)]
    geometric: bool,
    /// Pretrained weights of the same encoder and width: torchvision's MobileNetV2, its authors'
    /// MobileOne-S0 as trained ("unfused"), or our own (.pth, .tar, .safetensors)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// What is checked on is never learned from: people, targets (and sittings), or targets only
    #[arg(long, value_enum, value_name = "BY")]
    by: Option<ByName>,
    /// How many folds
    #[arg(long, value_name = "K", default_value_t = 5)]
    folds: usize,
    /// Which of them is checked on, from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) fold: usize,
    /// Times that every sample is seen
    #[arg(long, value_name = "N", default_value_t = 30)]
    epochs: usize,
    /// Samples in a step
    #[arg(long, value_name = "B", default_value_t = 32)]
    batch: usize,
    /// Where all chance comes from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Highest learning rate behind the encoder, usually 1e-4 to 1e-3
    #[arg(long, value_name = "R", default_value_t = 1e-3)]
    head_rate: f64,
    /// Highest learning rate of the encoder [default: 1e-4 with --weights, else as --head-rate]
    #[arg(long, value_name = "R")]
    backbone_rate: Option<f64>,
    /// Share of the steps in which rates rise
    #[arg(long, value_name = "P", default_value_t = 0.05)]
    warm_up: f64,
    /// AdamW's weight decay
    #[arg(long, value_name = "D", default_value_t = 1e-4)]
    decay: f32,
    /// Longest gradient of one tensor, 0 for any
    #[arg(long, value_name = "G", default_value_t = 1.0)]
    clip: f32,
    /// Epochs in which the encoder stands still [default: 3 with --weights, else 0]
    #[arg(long, value_name = "N")]
    frozen_epochs: Option<usize>,
    /// How many of the encoder's last blocks learn after that [default: all]
    #[arg(long, value_name = "N")]
    unfrozen_blocks: Option<usize>,
    /// What is made small
    #[arg(long, value_enum, default_value = "smooth-l1")]
    loss: LossName,
    /// Weight of: the same person at the same target with the head held otherwise shall give the same place
    #[arg(long, value_name = "C", default_value_t = 0.0)]
    consistency: f32,
    /// Draw each epoch's looks so that where somebody looks does not go with where the head points: of eyes
    /// that are hard to see nothing can be learned from the face then
    #[arg(long)]
    balance: bool,
    /// Epochs without a better one after which it ends, 0 for never
    #[arg(long, value_name = "N", default_value_t = 8)]
    patience: usize,
    /// Learn from the pictures as they are
    #[arg(long)]
    no_augment: bool,
    /// How much they are changed while they are learned from
    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        default_value = "usual",
        conflicts_with = "no_augment"
    )]
    augment: AugmentName,
    /// What computes: cpu, cuda, vulkan, wgpu, metal, tch, tch-cuda
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    device: String,
}

macro_rules! names {
    ($(#[$doc:meta] $name:ident of $kind:ty { $($(#[$of:meta])* $case:ident => $value:expr),+ $(,)? })+) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, ValueEnum)]
        pub(super) enum $name { $($(#[$of])* $case),+ }
        impl From<$name> for $kind {
            fn from(name: $name) -> $kind {
                match name { $($name::$case => $value),+ }
            }
        }
    )+};
}
names! {
    /// As on the command line.
    HeadName of Head { Ray => Head::Ray, Screen => Head::Screen }
    /// As on the command line.
    EncoderName of EncoderKind {
        MobilenetV2 => EncoderKind::MobilenetV2,
        MobileoneS0 => EncoderKind::MobileoneS0,
        /// Five plain convolutions: learns from nothing in minutes on a processor
        Compact => EncoderKind::Compact,
    }
    /// As on the command line.
    ByName of By {
        Person => By::Person,
        Target => By::Target,
        TargetSameSitting => By::TargetSameSitting,
    }
    /// As on the command line.
    AugmentName of Augment {
        /// For pictures like those that it will see
        Usual => Augment::USUAL,
        /// For rendered pictures that are to stand for everybody's
        Strong => Augment::STRONG,
    }
    /// As on the command line.
    LossName of Loss { #[value(name = "smooth-l1")] SmoothL1 => Loss::SmoothL1, Mse => Loss::Mse }
}

impl How {
    /// The plan for crops as the cache has them.
    pub fn plan(&self, cache: &Cache) -> Result<NetConfig, Failure> {
        let crop = &cache.header.crop;
        let colour = if crop.channels == 1 {
            Colour::Gray
        } else {
            Colour::Rgb
        };
        let mut plan = NetConfig::new(self.width, crop.size, colour);
        plan.eyes = EyeInput {
            scale: crop.scale,
            ..EyeInput::new(crop.size, colour)
        };
        plan.encoder = self.encoder.into();
        plan.stem_stride = self.stem_stride;
        plan.pool = if self.grid || plan.encoder == EncoderKind::Compact {
            Pool::Grid
        } else {
            Pool::Average
        };
        plan.head = self.head.into();
        plan.geometric = self.geometric;
        plan.standardise = self.standardise;
        plan.check().map_err(|e| (2, e.to_string()))?;
        if self.balance && plan.head != Head::Ray {
            let line = "--balance is about lines of sight: leave it out, or --head screen";
            return Err((2, line.into()));
        }
        Ok(plan)
    }

    /// How it learns.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let pretrained = self.weights.is_some();
        let rate = if pretrained { 1e-4 } else { self.head_rate };
        let settings = Settings {
            epochs: self.epochs,
            batch: self.batch,
            seed: self.seed,
            head_rate: self.head_rate,
            backbone_rate: self.backbone_rate.unwrap_or(rate),
            warm_up: self.warm_up,
            decay: self.decay,
            clip: self.clip,
            frozen_epochs: self.frozen_epochs.unwrap_or(if pretrained { 3 } else { 0 }),
            unfrozen_blocks: self.unfrozen_blocks,
            output_only: false,
            loss: self.loss.into(),
            consistency: self.consistency,
            balance: self.balance,
            teacher: None,
            patience: self.patience,
            augment: if self.no_augment {
                Augment::NONE
            } else {
                self.augment.into()
            },
        };
        settings.check().map_err(|e| (2, e.to_string()))?;
        Ok(settings)
    }

    /// All folds; by person if there are two or more and nothing else is told.
    pub fn parted(&self, examples: &Examples) -> Result<(By, Vec<Fold>), Failure> {
        let usable = examples.usable().map_err(|e| (3, e.to_string()))?;
        let persons = examples.cache.header.persons.len();
        let by = self
            .by
            .map_or(if persons > 1 { By::Person } else { By::Target }, By::from);
        let all = folds(&examples.cache.samples, &usable, by, self.folds, self.seed);
        let all = all.map_err(|e| (3, e.to_string()))?;
        Ok((by, all))
    }

    /// How many folds.
    pub fn folds(&self) -> usize {
        self.folds
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Trains one fold; `tell` hears of each epoch.
    pub fn train(
        &self,
        settings: Settings,
        examples: Examples,
        fold: Fold,
        place: (&Path, bool),
        stop: &dyn Fn() -> bool,
        tell: impl FnMut(&Epoch, &Progress),
    ) -> Result<Trained, Failure> {
        let device = device::open(&self.device).map_err(|e| (2, e.to_string()))?;
        if settings.balance && !examples.can_be_balanced(&fold.train, &settings.augment) {
            let line = "gaze and head cannot be brought apart in these looks: leave --balance out";
            return Err((3, line.into()));
        }
        let order = Order {
            examples,
            fold,
            settings,
            device,
            out: Some(place.0.to_owned()),
            resume: place.1,
        };
        let start = run::begin(examples.config, &order.settings, &order.device);
        let mut start = start.map_err(|e| (2, e.to_string()))?;
        if let Some(path) = &self.weights {
            let found = weights::load_pretrained(&mut start, examples.config, path);
            let found = found.map_err(|e| (5, e.to_string()))?;
            let mut out = std::io::stderr().lock();
            let (n, of) = (found.encoder, found.encoder_of);
            let _ = writeln!(
                out,
                "{}: {n} of the encoder's {of} tensors, {} in all",
                path.display(),
                found.matched.len()
            );
            for name in &found.missing {
                let _ = writeln!(out, "  missing: {name}");
            }
            for name in &found.unused {
                let _ = writeln!(out, "  not used: {name}");
            }
        }
        run::train(&order, start, stop, tell).map_err(failure)
    }
}
