//! Whether a face looks at the camera: from single probabilities to a steady state.
//!
//! A single probability comes from head and eyes ([`Derived`]) or from a network. Each face has a
//! [`ContactFilter`] of its own, by its id. It is fed one [`Evidence`] for each
//! picture in which the face was measured, and tells a [`Contact`]: the smoothed probability,
//! one of three states, and since when that holds. A state begins when its evidence began, not
//! when the filter was sure of it: `since_ns` of a contact lies [`ContactSettings::debounce_ns`]
//! and some smoothing before the sample that says so first.
//!
//! # Where others find it
//! The perceive thread of the daemon runs the filters, so a frame's measurement carries them:
//! each row of its face table (`ring::layout::FaceRow`, the same that lands in shared memory)
//! has `id`, `contact` (smoothed probability, NaN if unknown), `contact_source`, `state`,
//! `since_ns` (monotonic, of the state), box, and `measured_ns`. [`ContactState`] is in `state`
//! as `Unknown`, `Away` (no) and `Contact`; a no whose reason is shut eyes reads `EyesClosed`.
//! Who works beside the daemon's hot path reads it
//! - in the process: from `Measurement::table`, which the perceive thread hands to its taps
//!   together with the frame (as `record::tap::Tap` takes it), through a bounded queue;
//! - anywhere: from the newest tables in shared memory (`ring::Reader::faces`), which hold
//!   16 pictures.
//!
//! [`metrics`] says how well probabilities tell, [`Recalibration`] makes them mean what they say.
//! [`Transitions`] turns tables into starts and ends of contact, also of faces that vanish.

mod derived;
mod filter;
pub mod metrics;
mod recalibration;
mod transitions;

pub use derived::{ContactLook, Derived};
pub use filter::{Contact, ContactFilter, ContactSettings, ContactState, Evidence};
pub use recalibration::{Recalibration, log_odds, of_log_odds};
pub use transitions::{Change, Transition, Transitions};
