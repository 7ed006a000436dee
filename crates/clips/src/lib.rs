//! Short videos of the moment of eye contact.
//!
//! ```text
//! frame ─▶ yuv ─▶ encode ─▶ pre-roll (memory) ─▶ mux ─▶ folder (disk)
//!                              ▲ director: when to begin, when to end
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`yuv`] | any frame as luma and chroma of video range, halved until it is small enough |
//! | [`encode`] | H.264 behind a trait; OpenH264 is the one that is always there |
//! | `videotoolbox` | the encoder of a Mac behind the same trait |
//! | [`choice`] | the system's encoder first; the next one where one fails |
//! | [`nal`] | what encoders give, as an MP4 takes it |
//! | [`mux`] | MP4 in fragments: what has been written plays, whatever comes after |
//! | [`preroll`] | the coded pictures of the last seconds, bounded in time and bytes |
//! | [`director`] | begins and ends clips; pure, knows no file and no clock |
//! | [`folder`] | names, limits, retention, the line beside each clip and the index |
//! | [`durable`] | bytes on the disk before the name that promises them |
//! | [`recorder`] | all of it together, fed frame by frame |
//!
//! Nothing here runs on the way from frame to sample: encoding takes milliseconds and disks
//! take what they like. The daemon gives it a thread of its own.
//!
//! **Patents.** H.264 is covered by patents in some countries. OpenH264 is Cisco's, under the
//! two-clause BSD licence; it is compiled here from its sources, and Cisco pays the licence
//! fees only for the binaries that Cisco itself distributes. Whoever passes on a program built
//! from this may need a licence of their own (Via LA administers the pool). On a Mac the system's
//! own encoder (VideoToolbox) comes first.

pub mod choice;
pub mod director;
pub mod durable;
pub mod encode;
pub mod folder;
pub mod mux;
pub mod nal;
pub mod preroll;
pub mod recorder;
pub mod time;
#[cfg(target_os = "macos")]
pub mod videotoolbox;
pub mod yuv;

pub use director::{Director, Faces, Rules, Seen};
pub use encode::{Coded, EncodeError, Encoder, OpenH264, Parameters};
pub use folder::{Folder, Limits, Trouble};
pub use mux::FragmentedMp4;
pub use preroll::PreRoll;
pub use recorder::{Recorder, Settings, Status};
pub use yuv::Yuv;
