//! What the daemon sees, drawn into the picture: for `gazed run --window` and `gazed render`.
//!
//! | module | does |
//! |---|---|
//! | [`canvas`] | lines, discs, boxes and text with soft edges, in red, green and blue |
//! | [`rgb`] | any frame as red, green and blue |
//! | [`draw`] | a view and what is known of it → a canvas |

pub mod canvas;
pub mod draw;
pub mod rgb;

pub use canvas::Canvas;
pub use draw::{Hud, Overlay};
