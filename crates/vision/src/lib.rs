//! Pictures in, measurements out.

pub mod frame;
mod models;
mod runtime;
mod session;

pub use frame::{Frame, MAX_SIDE, PixelFormat, YuvRange};
pub use models::{ModelError, ModelStore, Network, NetworkEntry};
pub use runtime::{Provider, Runtime, RuntimeError, VERSION as RUNTIME_VERSION, cache_folder};
pub use session::{BoundSession, Port, SessionOptions};
