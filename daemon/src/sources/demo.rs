//! The bundled clip: rendered faces whose eyes follow a known path.

use serde::Deserialize;

use super::{ErrorKind, FrameSource, OpenOptions, Origin, SourceError};

/// The clip, once it is rendered.
const CLIP: Option<&'static [u8]> = None;
/// What is true in each of its frames.
const TRUTH: Option<&'static str> = None;

/// What is true in the demo, frame by frame. For judging the output only:
/// nothing of it reaches the way from frame to sample.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Truth {
    /// One entry a frame of the clip, in display order.
    pub frames: Vec<TruthFrame>,
}

/// What is true in one frame.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct TruthFrame {
    /// Where the eyes look, fractions of the screen.
    pub screen: [f64; 2],
    /// Whether the eyes are open.
    pub open: bool,
}

fn missing() -> SourceError {
    SourceError::new(
        ErrorKind::NotFound,
        Origin::File,
        "demo",
        "this build holds no demo clip",
        "build it with daemon/assets/demo.mp4, or choose another source",
    )
}

/// The truth about the bundled clip.
///
/// # Errors
/// This build holds no demo.
pub fn truth() -> Result<Truth, SourceError> {
    let text = TRUTH.ok_or_else(missing)?;
    serde_json::from_str(text).map_err(|e| {
        SourceError::new(
            ErrorKind::Unreadable,
            Origin::File,
            "demo",
            format!("its truth cannot be read: {e}"),
            "build gazed again",
        )
    })
}

/// Plays the bundled clip for ever (once with [`OpenOptions::fast`] and not
/// [`OpenOptions::looped`]).
pub(crate) fn open(options: &OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    let clip = CLIP.ok_or_else(missing)?;
    let options = OpenOptions {
        looped: options.looped || !options.fast,
        ..options.clone()
    };
    super::clip::open(
        std::io::Cursor::new(clip),
        super::SourceKind::Demo,
        "demo".into(),
        &options,
    )
    .map_err(|flaw| flaw.at("demo"))
}
