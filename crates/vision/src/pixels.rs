//! Every pixel layout as three channels of bytes: where a channel's samples
//! stand, and how three samples become red, green and blue.

use crate::frame::{Frame, PixelFormat, YuvRange};

/// One channel of a frame: a grid of samples somewhere among the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel<'a> {
    /// From the channel's first sample on.
    pub bytes: &'a [u8],
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from a row to the next.
    pub stride: usize,
    /// Bytes from a sample to the next in its row.
    pub step: usize,
    /// Image pixels per sample across: 1 or 2.
    pub wide: u8,
    /// Image pixels per sample down: 1 or 2.
    pub tall: u8,
}

/// What the channels mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Colour {
    /// Red, green, blue.
    Rgb,
    /// Only the first channel counts: luma, 0–255.
    Gray,
    /// Luma and colour differences.
    Yuv(YuvRange),
}

/// A frame's channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PixelView<'a> {
    pub channels: [Channel<'a>; 3],
    pub colour: Colour,
}

impl<'a> PixelView<'a> {
    /// The channels of a sound frame ([`Frame::is_sound`]); `None` for any other.
    pub fn of(frame: &'a Frame) -> Option<PixelView<'a>> {
        if !frame.is_sound() {
            return None;
        }
        let (w, h, stride) = (frame.width as usize, frame.height as usize, frame.stride);
        let data = frame.data.as_slice();
        let full = |offset: usize, step: usize| Channel {
            bytes: &data[offset..],
            width: w,
            height: h,
            stride,
            step,
            wide: 1,
            tall: 1,
        };
        let half = |offset: usize, stride: usize, step: usize, tall: u8| Channel {
            bytes: &data[offset..],
            width: w.div_ceil(2),
            height: h.div_ceil(usize::from(tall)),
            stride,
            step,
            wide: 2,
            tall,
        };
        let yuv = Colour::Yuv(frame.range);
        let (channels, colour) = match frame.format {
            PixelFormat::Rgb8 => ([full(0, 3), full(1, 3), full(2, 3)], Colour::Rgb),
            PixelFormat::Bgra8 => ([full(2, 4), full(1, 4), full(0, 4)], Colour::Rgb),
            PixelFormat::Gray8 => ([full(0, 1); 3], Colour::Gray),
            PixelFormat::Yuyv => (
                [full(0, 2), half(1, stride, 4, 1), half(3, stride, 4, 1)],
                yuv,
            ),
            PixelFormat::Nv12 => {
                let uv = stride * h;
                (
                    [
                        full(0, 1),
                        half(uv, stride, 2, 2),
                        half(uv + 1, stride, 2, 2),
                    ],
                    yuv,
                )
            }
            PixelFormat::I420 => {
                let (u, chroma) = (stride * h, stride.div_ceil(2));
                let v = u + chroma * h.div_ceil(2);
                (
                    [full(0, 1), half(u, chroma, 1, 2), half(v, chroma, 1, 2)],
                    yuv,
                )
            }
        };
        Some(PixelView { channels, colour })
    }

    /// The channel that shows brightness best: luma, or green.
    pub fn brightness(&self) -> &Channel<'a> {
        match self.colour {
            Colour::Rgb => &self.channels[1],
            Colour::Gray | Colour::Yuv(_) => &self.channels[0],
        }
    }
}

/// Turns three sampled channels into red, green, blue, 0–255, in place.
///
/// YUV is BT.601 (ITU-R BT.601-7, 2.5): what cameras and JPEG deliver. Video
/// that follows BT.709 comes out slightly greener or redder, which no network
/// here minds.
pub(crate) fn to_rgb(colour: Colour, planes: &mut [Vec<f32>; 3]) {
    let range = match colour {
        Colour::Rgb => return,
        Colour::Gray => {
            let [first, others @ ..] = planes;
            for other in others {
                other.copy_from_slice(first);
            }
            return;
        }
        Colour::Yuv(range) => range,
    };
    let (black, luma, chroma) = match range {
        YuvRange::Limited => (16.0, 255.0 / 219.0, 255.0 / 224.0),
        YuvRange::Full => (0.0, 1.0, 1.0),
    };
    let [ys, us, vs] = planes;
    for ((y, u), v) in ys.iter_mut().zip(us).zip(vs) {
        let bright = (*y - black) * luma;
        let (blue, red) = ((*u - 128.0) * chroma, (*v - 128.0) * chroma);
        *y = (bright + 1.402 * red).clamp(0.0, 255.0);
        *u = (bright - 0.344_136 * blue - 0.714_136 * red).clamp(0.0, 255.0);
        *v = (bright + 1.772 * blue).clamp(0.0, 255.0);
    }
}
