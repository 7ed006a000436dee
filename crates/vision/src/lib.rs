//! Pictures in, measurements out.

mod frame;

pub use frame::{Frame, MAX_SIDE, PixelFormat, YuvRange};
