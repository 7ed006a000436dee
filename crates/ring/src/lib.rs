//! The shared memory that `gazed` writes and every app reads.
//!
//! One writer, any number of readers that map the object read-only and can
//! disturb nothing. The C twin of this crate is `include/gaze.h`.
//!
//! - [`Writer`]: what the daemon holds. Storing a sample takes no lock, no
//!   allocation and no system call.
//! - [`Reader`]: what `gazed status`, `gazed watch` and the tests hold.
//! - [`layout`]: what lies where.
//! - [`clock`]: the clock of all stamps.
//!
//! What may be lost: a reader that falls more than 512 samples (8.5 s) behind
//! jumps to the newest one and is told how many it lost. What cannot happen: a
//! record made of two.
//!
//! ```
//! # #[cfg(not(miri))] {
//! use ring::{Reader, Writer, WriterConfig, layout::Sample};
//! let name = format!("/gaze-doc-{}", std::process::id());
//! let mut writer = Writer::create(&name, &WriterConfig::default())?;
//! let mut reader = Reader::open(&name)?;
//! for i in 0..600 {
//!     writer.publish(&mut Sample { x: i as f32, ..Sample::default() });
//! }
//! // Lapped: the newest sample, and the number lost on the way to it.
//! let ring::Next::Sample { sample, lost } = reader.next() else { panic!() };
//! assert_eq!((sample.x, lost), (599.0, 599));
//! assert!(matches!(reader.next(), ring::Next::Empty));
//! writer.unlink();
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomic;
mod slot;

#[cfg(all(test, not(loom)))]
mod memory_tests;
#[cfg(all(test, loom))]
mod model;

#[cfg(not(loom))]
pub mod clock;
#[cfg(not(loom))]
pub mod layout;

#[cfg(not(loom))]
mod claim;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod futex;
#[cfg(not(loom))]
mod health;
#[cfg(not(loom))]
mod map;
#[cfg(not(loom))]
mod name;
#[cfg(not(loom))]
mod process;
#[cfg(not(loom))]
mod reader;
#[cfg(not(loom))]
mod witness;
#[cfg(not(loom))]
mod words;
#[cfg(not(loom))]
mod writer;

#[cfg(not(loom))]
pub use {
    error::{OpenError, WriterError},
    health::Health,
    name::{NAME_MAX, NAME_VARIABLE, default_name},
    reader::{HeaderSnapshot, Next, Reader, Woke},
    witness::{Lost, Witness},
    writer::{Writer, WriterConfig},
};
