//! Why a picture is not learnt from, counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why a picture is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A picture without its JSON.
    NoLabel,
    /// A JSON without its picture.
    NoPicture,
    /// A file of 0 bytes.
    Empty,
    /// The system does not give it.
    Unreadable,
    /// Not JSON: cut off, or something else.
    BadLabel,
    /// Without a target there is nothing to learn.
    NoTarget,
    /// The target is far outside the screen.
    TargetFar,
    /// Cut off or damaged.
    BadPicture,
    /// A shape no camera gives, or another than the rest of its sitting has.
    Shape,
    /// Zeros where a tracker failed, and its eyes and angles are asked for.
    Zeros,
    /// No face found.
    NoFace,
    /// The face found is not the one that the label is about.
    OtherFace,
    /// Both eyes shut or covered.
    EyesShut,
    /// An eye lies outside the picture.
    EyeOutside,
    /// The same picture as another one.
    Duplicate,
}

impl Reason {
    /// For a table.
    pub fn words(self) -> &'static str {
        match self {
            Reason::NoLabel => "no JSON beside the picture",
            Reason::NoPicture => "no picture beside the JSON",
            Reason::Empty => "a file of 0 bytes",
            Reason::Unreadable => "cannot be read",
            Reason::BadLabel => "not JSON, or cut off",
            Reason::NoTarget => "no target (missing, null or NaN)",
            Reason::TargetFar => "target far outside the screen (see --screen)",
            Reason::BadPicture => "picture cut off or damaged",
            Reason::Shape => "shape unlike the sitting's, or no camera's",
            Reason::Zeros => "no recorded eyes or angles (zeros)",
            Reason::NoFace => "no face found",
            Reason::OtherFace => "another face than the label's",
            Reason::EyesShut => "both eyes shut or covered",
            Reason::EyeOutside => "an eye outside the picture",
            Reason::Duplicate => "the same picture again",
        }
    }
}

/// A picture that was left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    /// Below the folder.
    pub path: String,
    /// As [`SourceFile::hash`](super::cache::SourceFile::hash); empty where there was no pair to read.
    pub hash: String,
    /// Why.
    pub reason: Reason,
    /// The details, in a few words; may be empty.
    pub detail: String,
}

/// How often each reason was met, with one example.
pub fn count(all: &[Skipped]) -> BTreeMap<Reason, (usize, &Skipped)> {
    let mut counts = BTreeMap::new();
    for skipped in all {
        counts.entry(skipped.reason).or_insert((0, skipped)).0 += 1;
    }
    counts
}
