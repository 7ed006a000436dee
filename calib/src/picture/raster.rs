//! SVG text → pixels → PNG.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::fonts;

/// Why a picture could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum RasterError {
    /// The text is not an SVG picture.
    #[error("not an SVG picture: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// No pixels, or more than there is memory for.
    #[error("{width} × {height} pixels cannot be drawn")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The encoder refused.
    #[error("PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// The picture with its text in the bundled fonts.
///
/// # Errors
/// [`RasterError::Svg`].
pub fn tree(svg: &str) -> Result<Tree, RasterError> {
    let options = Options {
        fontdb: fonts::database(),
        font_family: fonts::FAMILY.to_owned(),
        ..Options::default()
    };
    Ok(Tree::from_str(svg, &options)?)
}

/// The picture in pixels of its own size.
///
/// # Errors
/// [`RasterError`].
pub fn render(svg: &str) -> Result<Pixmap, RasterError> {
    let tree = tree(svg)?;
    let size = tree.size().to_int_size();
    let (width, height) = (size.width(), size.height());
    let mut pixels = Pixmap::new(width, height).ok_or(RasterError::Size { width, height })?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    Ok(pixels)
}

/// An opaque picture as PNG (RGB, 8 bits).
///
/// # Errors
/// [`RasterError::Png`].
pub fn png(pixels: &Pixmap) -> Result<Vec<u8>, RasterError> {
    let rgb: Vec<u8> = pixels
        .data()
        .chunks_exact(4)
        .flat_map(|p| [p[0], p[1], p[2]])
        .collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(file)
}
