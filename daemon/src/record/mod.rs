//! Stores labelled pictures while a client asks for them ([`gaze::dataset::protocol`]).
//!
//! ```text
//! perceive ──shots──▶ gaze-record ──▶ img_N.jpg, img_N.json
//!    ▲────spare shots────┘    ▲────▶ a socket that only its owner can reach
//! ```
//!
//! The perceive thread hands over the frame itself and takes the buffer of an earlier one for
//! it ([`tap`]): no copy, no lock, no allocation, and where the recorder is not done yet the
//! picture is passed over and counted. Encoding, disk and socket are this thread's alone
//! (`recorder.rs`); nothing it does can hold a sample up. So it can wait for what the lids do
//! after a picture (`blinks.rs`).

mod blinks;
mod door;
mod jpeg;
mod recorder;
mod shot;
mod sitting;
pub mod tap;

pub use door::Door;
pub(crate) use jpeg::encode as encode_jpeg;
pub use recorder::Recorder;
