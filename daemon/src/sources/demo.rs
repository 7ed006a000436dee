//! The bundled clip: rendered faces whose eyes follow a known path.

use super::{ErrorKind, FrameSource, OpenOptions, Origin, SourceError};

/// The clip, once it is rendered.
const CLIP: Option<&'static [u8]> = None;

/// Plays the bundled clip for ever (once with [`OpenOptions::fast`] and not
/// [`OpenOptions::looped`]).
pub(crate) fn open(options: &OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    let Some(clip) = CLIP else {
        return Err(SourceError::new(
            ErrorKind::NotFound,
            Origin::File,
            "demo",
            "this build holds no demo clip",
            "build it with daemon/assets/demo.mp4, or choose another source",
        ));
    };
    let options = OpenOptions { looped: options.looped || !options.fast, ..options.clone() };
    super::clip::open(
        std::io::Cursor::new(clip),
        super::SourceKind::Demo,
        "demo".into(),
        &options,
    )
    .map_err(|flaw| flaw.at("demo"))
}
