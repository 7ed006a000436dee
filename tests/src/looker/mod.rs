//! A rendered person who looks at a place on a screen, as people look at dots.
//!
//! The eyes follow a dot late (a fifth of a second), in saccades that fall short and are
//! corrected, and are never quite still on it; the lids blink; the head sways. What comes out
//! are a webcam's pictures.

mod attention;
mod eyes;
mod person;

pub use attention::Attention;
pub use eyes::Eyes;
pub use person::{Looker, LookerOptions};
