//! What a window draws of a recording.

use crate::session::Phase;

/// What is to be seen now.
#[derive(Debug, Clone, PartialEq)]
pub enum View<'a> {
    /// A page of words.
    Page(&'a Page),
    /// A dot.
    Dot(Dot),
}

/// Words, and the keys that lead on.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The first line.
    pub title: String,
    /// What follows, a paragraph each.
    pub lines: Vec<String>,
    /// A key and what it does.
    pub keys: Vec<(&'static str, &'static str)>,
}

/// A dot that is to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// Where it belongs, normalised to the display.
    pub at: [f64; 2],
    /// Where it came from; `None` for the first.
    pub from: Option<[f64; 2]>,
    /// What it does.
    pub phase: Phase,
    /// Share of the way, eased, 0..1; 1 after the move.
    pub moved: f64,
    /// Share of the pictures of this place, 0..1.
    pub progress: f64,
    /// Its number, from 1.
    pub number: usize,
    /// Of so many.
    pub of: usize,
    /// What the person is asked to do.
    pub words: Option<String>,
    /// Why no picture can be stored: to be mended first.
    pub problem: Option<String>,
}
