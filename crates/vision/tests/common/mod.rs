//! What several test files share.

use vision::{Frame, PixelFormat};

/// The portrait where `scripts/fetch-portrait.sh` puts it.
pub fn portrait() -> Frame {
    let path = vision::cache_folder().join("portrait/astronaut.png");
    let picture = image::open(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run scripts/fetch-portrait.sh", path.display()))
        .into_rgb8();
    let mut frame = Frame::default();
    frame.reset(picture.width(), picture.height(), PixelFormat::Rgb8);
    frame.data.copy_from_slice(picture.as_raw());
    frame
}
