//! What a cache says of itself: how crops were cut, who sat where before which screen.

use std::collections::BTreeMap;

use gaze::screen::Screen;
use serde::{Deserialize, Serialize};
use vision::{CropColour, EyeCropSpec};

use super::skip::Skipped;

/// What the stored crops are like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CropSpec {
    /// Pixels on a side of what a network sees.
    pub size: usize,
    /// Pixels of margin on each side, for augmentation.
    pub pad: usize,
    /// Side of the square that `size` covers, in distances between the eye's own corners.
    pub scale: f32,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
}

impl CropSpec {
    /// With a margin of an eighth on each side: a quarter more in all.
    pub fn new(spec: &EyeCropSpec) -> CropSpec {
        CropSpec {
            size: spec.size,
            pad: spec.size.div_ceil(8),
            scale: spec.scale,
            channels: spec.colour.channels(),
        }
    }

    /// What the daemon cuts.
    pub fn exact(&self) -> EyeCropSpec {
        let colour = match self.channels {
            1 => CropColour::Gray,
            _ => CropColour::Rgb,
        };
        EyeCropSpec {
            size: self.size,
            scale: self.scale,
            colour,
        }
    }

    /// The same with the margin: same middle, same width of a pixel.
    pub fn with_margin(&self) -> EyeCropSpec {
        EyeCropSpec {
            size: self.wide(),
            scale: self.scale * self.wide() as f32 / self.size as f32,
            ..self.exact()
        }
    }

    /// Pixels on a side of what is stored.
    pub fn wide(&self) -> usize {
        self.size + 2 * self.pad
    }

    /// Bytes of one eye's crop with its margin.
    pub fn wide_len(&self) -> usize {
        self.channels * self.wide() * self.wide()
    }

    /// Bytes of one eye's crop as a network sees it.
    pub fn exact_len(&self) -> usize {
        self.channels * self.size * self.size
    }

    /// Copies the middle of a crop with margin: what the daemon would cut.
    pub fn middle(&self, wide: &[u8], out: &mut [u8]) {
        for (to, from) in out.chunks_exact_mut(self.size).zip(self.middle_rows()) {
            to.copy_from_slice(&wide[from..from + self.size]);
        }
    }

    /// Puts a crop into the middle of the one with margin.
    pub fn set_middle(&self, wide: &mut [u8], exact: &[u8]) {
        for (from, to) in exact.chunks_exact(self.size).zip(self.middle_rows()) {
            wide[to..to + self.size].copy_from_slice(from);
        }
    }

    /// Where the middle's rows begin in a crop with margin, plane after plane.
    fn middle_rows(&self) -> impl Iterator<Item = usize> + use<> {
        let (wide, size, pad) = (self.wide(), self.size, self.pad);
        (0..self.channels).flat_map(move |plane| {
            (0..size).map(move |row| (plane * wide + pad + row) * wide + pad)
        })
    }
}

/// A sitting: pictures of one person without a long pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Of [`CacheHeader::persons`].
    pub person: u16,
    /// Milliseconds since 1970 of its first picture.
    pub begins_ms: u64,
    /// … and of its last.
    pub ends_ms: u64,
}

/// What someone who was drawn looks like, as far as errors are told by it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Whether glasses are worn.
    pub glasses: bool,
    /// How light the skin is: L* (CIE 1976) of what it reflects, 0 black to 100 white.
    pub skin: f32,
}

/// A screen that targets were shown on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownOn {
    /// Pixels, millimetres, the camera's place.
    pub screen: Screen,
    /// False where millimetres and the camera's place are a laptop's, by assumption.
    pub measured: bool,
    /// False where the pixels are the format's usual ones, by assumption.
    pub px_known: bool,
}

/// A picture that a sample is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The JPEG, below [`CacheHeader::folder`], with `/`; its label has the ending `json`.
    pub path: String,
    /// First 16 bytes of the SHA-256 of both files' bytes, hex.
    pub hash: String,
    /// The same of the picture alone.
    pub picture: String,
}

/// What all samples have in common, and what their numbers stand for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CacheHeader {
    /// [`SCHEMA`](super::cache::SCHEMA).
    pub schema: u32,
    /// What the crops are like.
    pub crop: CropSpec,
    /// Hash of every setting and network that a sample depends on, hex.
    pub settings: String,
    /// Whether crops and head pose follow the labels' own eyes and angles.
    pub json_eyes: bool,
    /// The camera's assumed field of view, left to right, degrees.
    pub hfov_deg: f64,
    /// The folder that was prepared, as it was given.
    pub folder: String,
    /// Names of the people.
    pub persons: Vec<String>,
    /// By name: what those look like who were drawn by [`crate::synth`]'s `eyes`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drawn: BTreeMap<String, Drawn>,
    /// Sittings.
    pub sessions: Vec<Session>,
    /// Places on the screen, normalised: the mean of what was shown there.
    pub targets: Vec<[f32; 2]>,
    /// Screens.
    pub screens: Vec<ShownOn>,
    /// Pictures, in the order of their paths.
    pub files: Vec<SourceFile>,
    /// What was left out, in the order of the paths.
    pub skipped: Vec<Skipped>,
    /// How many samples follow.
    pub samples: usize,
}
