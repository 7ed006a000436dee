//! Filters judged: how much each jitters for how much it lags.
//!
//! Every filter gets the same measurements at the same times, those of [`crate::eye_movements`],
//! by the way they take in the daemon: shut eyes and untrusted looks are left out, lids on their
//! way are held back ([`crate::filter::LidGate`]), and what comes out is published at 60 Hz by
//! [`GazeFilter::predict`](crate::filter::GazeFilter::predict). The times from capture to
//! filter are the same for all.
//!
//! Rivals are tuned by search on one half of the people; all are judged on the other. For each
//! rival two questions are asked: how steady is it where it is no later than ours, and how late
//! where it is no less steady.
//!
//! | module | has |
//! |---|---|
//! | [`chain`] | the way of a measurement, as in the daemon |
//! | [`measures`] | what a person would notice: [`Measures`] |
//! | [`tuning`] | rivals, the search, the comparison |
//! | [`plot`] | jitter against lag as SVG |
//! | [`recording`] | the same of recorded samples, without a truth |

pub mod chain;
pub mod measures;
pub mod plot;
pub mod recording;
pub mod tuning;

pub use chain::{Candidate, Published, Textbook};
pub use measures::Measures;
pub use tuning::{Comparison, Effort, Half, Row, Setting, compare, goal};

#[cfg(test)]
mod tests;
