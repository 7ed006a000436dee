//! From a camera's bytes to a [`Frame`]: rows without padding, one order of bytes, one
//! colour matrix.
//!
//! Everything behind this door takes YUV for BT.601 (ITU-R BT.601-7, 2.5). The cameras
//! of a Mac say BT.709 of their pictures (ITU-R BT.709-6, 3): those are converted here,
//! in luma and chroma, which costs a few operations for each pixel.

use vision::{Frame, PixelFormat, YuvRange, jpeg};

use super::camera_pick::{Layout, Mode};

/// What luma and chroma are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matrix {
    Bt601,
    #[cfg_attr(not(target_os = "macos"), allow(dead_code))]
    Bt709,
}

/// What the bytes of one picture mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    pub width: u32,
    pub height: u32,
    pub layout: Layout,
    pub range: YuvRange,
    pub matrix: Matrix,
}

impl Picture {
    /// What a camera gives that says nothing of its colours.
    #[cfg_attr(target_os = "macos", allow(dead_code))]
    pub fn of(mode: Mode) -> Picture {
        Picture {
            width: mode.width,
            height: mode.height,
            layout: mode.layout,
            range: YuvRange::Limited,
            matrix: Matrix::Bt601,
        }
    }

    /// Bytes of a row, and rows of all planes together; none for what is packed.
    fn rows(&self) -> Option<(usize, usize)> {
        let (w, h) = (self.width as usize, self.height as usize);
        Some(match self.layout {
            Layout::Mjpeg => return None,
            Layout::Yuyv | Layout::Uyvy => (w.div_ceil(2) * 4, h),
            Layout::Nv12 => (w.div_ceil(2) * 2, h + h.div_ceil(2)),
            Layout::Grey => (w, h),
            Layout::Rgb | Layout::Bgr => (w * 3, h),
            Layout::Bgra => (w * 4, h),
        })
    }
}

/// Rows of bytes somewhere in memory.
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
pub(crate) struct Plane<'a> {
    pub bytes: &'a [u8],
    /// Bytes from a row to the next.
    pub stride: usize,
    pub rows: usize,
}

/// Copies the planes of `picture` behind each other, rows without padding. An error if
/// they hold less than the picture needs.
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
pub(crate) fn gather(planes: &[Plane], picture: &Picture, out: &mut Vec<u8>) -> Result<(), String> {
    let (tight, rows) = picture.rows().ok_or("no rows in a packed picture")?;
    out.clear();
    out.reserve(tight * rows);
    let mut left = rows;
    for plane in planes {
        let take = plane.rows.min(left);
        for y in 0..take {
            let at = y * plane.stride;
            let row = plane.bytes.get(at..at + tight);
            out.extend_from_slice(row.ok_or_else(|| format!("row {y} is {tight} bytes no more"))?);
        }
        left -= take;
    }
    match left {
        0 => Ok(()),
        _ => Err(format!("{left} of {rows} rows are missing")),
    }
}

/// Makes a frame of a camera's bytes. Too few bytes, or a JPEG that is none, is
/// an error; rows longer than the picture is wide are padding.
pub(crate) fn unpack(
    bytes: &[u8],
    picture: Picture,
    jpegs: &mut jpeg::Decoder,
    frame: &mut Frame,
) -> Result<(), String> {
    let Some((tight, rows)) = picture.rows() else {
        return jpegs.decode_motion(bytes, frame);
    };
    let format = match picture.layout {
        Layout::Yuyv | Layout::Uyvy => PixelFormat::Yuyv,
        Layout::Nv12 => PixelFormat::Nv12,
        Layout::Grey => PixelFormat::Gray8,
        Layout::Bgra => PixelFormat::Bgra8,
        Layout::Rgb | Layout::Bgr | Layout::Mjpeg => PixelFormat::Rgb8,
    };
    if rows == 0 || bytes.len() < tight * rows {
        return Err(format!("{} bytes of {}", bytes.len(), tight * rows));
    }
    // Padding makes every row longer by the same, but not by more than a page.
    let padded = bytes.len() / rows;
    let stride = if bytes.len().is_multiple_of(rows) && padded - tight <= 4096 {
        padded
    } else {
        tight
    };
    frame.reset(picture.width, picture.height, format);
    frame.range = picture.range;
    for (to, from) in frame.data.chunks_exact_mut(tight).zip(bytes.chunks(stride)) {
        to.copy_from_slice(&from[..tight]);
    }
    match picture.layout {
        Layout::Bgr => frame.data.chunks_exact_mut(3).for_each(|p| p.swap(0, 2)),
        Layout::Uyvy => frame.data.chunks_exact_mut(2).for_each(|p| p.swap(0, 1)),
        _ => {}
    }
    if picture.matrix == Matrix::Bt709 {
        to_bt601(frame);
    }
    Ok(())
}

/// Red's and blue's shares of luma: BT.709-6, 3.2, and BT.601-7, 2.5.1.
const KR_KB: [[f64; 2]; 2] = [[0.2126, 0.0722], [0.299, 0.114]];
/// Fraction bits.
const POINT: i32 = 14;

/// How a picture's chroma, BT.709, changes its luma and chroma to BT.601.
struct Change {
    /// Luma from Cb and Cr.
    luma: [i32; 2],
    cb: [i32; 2],
    cr: [i32; 2],
}

impl Change {
    fn of(range: YuvRange) -> Change {
        let [[kr, kb], [to_r, to_b]] = KR_KB;
        let (kg, to_g) = (1.0 - kr - kb, 1.0 - to_r - to_b);
        // Red, green and blue less luma, from (Cb, Cr).
        let red = [0.0, 2.0 * (1.0 - kr)];
        let blue = [2.0 * (1.0 - kb), 0.0];
        let green = [-kb / kg * blue[0], -kr / kg * red[1]];
        let luma = [0, 1].map(|i| to_r * red[i] + to_g * green[i] + to_b * blue[i]);
        let cb = [0, 1].map(|i| (blue[i] - luma[i]) / (2.0 * (1.0 - to_b)));
        let cr = [0, 1].map(|i| (red[i] - luma[i]) / (2.0 * (1.0 - to_r)));
        // Luma and chroma of video have different numbers of levels.
        let levels = match range {
            YuvRange::Full => 1.0,
            YuvRange::Limited => 219.0 / 224.0,
        };
        let fixed = |v: f64| (v * f64::from(1 << POINT)).round() as i32;
        Change {
            luma: luma.map(|v| fixed(v * levels)),
            cb: cb.map(fixed),
            cr: cr.map(fixed),
        }
    }

    /// What is to be added to luma, and the new chroma.
    fn apply(&self, u: u8, v: u8) -> (i32, u8, u8) {
        let from = [i32::from(u) - 128, i32::from(v) - 128];
        let sum = |c: [i32; 2]| (c[0] * from[0] + c[1] * from[1] + (1 << (POINT - 1))) >> POINT;
        let byte = |v: i32| (v + 128).clamp(0, 255) as u8;
        (sum(self.luma), byte(sum(self.cb)), byte(sum(self.cr)))
    }
}

fn add(luma: &mut u8, more: i32) {
    *luma = (i32::from(*luma) + more).clamp(0, 255) as u8;
}

/// BT.709 to BT.601, in place; only the layouts with chroma have anything to convert.
fn to_bt601(frame: &mut Frame) {
    let change = Change::of(frame.range);
    match frame.format {
        PixelFormat::Yuyv => {
            for two in frame.data.chunks_exact_mut(4) {
                let (more, u, v) = change.apply(two[1], two[3]);
                add(&mut two[0], more);
                add(&mut two[2], more);
                (two[1], two[3]) = (u, v);
            }
        }
        PixelFormat::Nv12 => {
            let (stride, h) = (frame.stride, frame.height as usize);
            let (luma, chroma) = frame.data.split_at_mut(stride * h);
            let rows = luma
                .chunks_mut(2 * stride)
                .zip(chroma.chunks_exact_mut(stride));
            for (two, uv) in rows {
                let (above, below) = two.split_at_mut(stride);
                for (x, pair) in uv.chunks_exact_mut(2).enumerate() {
                    let (more, u, v) = change.apply(pair[0], pair[1]);
                    pair.copy_from_slice(&[u, v]);
                    let at = 2 * x..2 * x + 2;
                    above[at.clone()].iter_mut().for_each(|y| add(y, more));
                    // The last row of an odd height has none below it.
                    if let Some(y) = below.get_mut(at) {
                        y.iter_mut().for_each(|y| add(y, more));
                    }
                }
            }
        }
        PixelFormat::Rgb8 | PixelFormat::Bgra8 | PixelFormat::Gray8 | PixelFormat::I420 => {}
    }
}

#[cfg(test)]
#[path = "camera_pixels_tests.rs"]
mod tests;
