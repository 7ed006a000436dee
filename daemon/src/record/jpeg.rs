//! Any frame as a JPEG. What a camera gives as luma and chroma stays that: it is not turned
//! into red, green and blue and back.

use jpeg_encoder::{
    ChromaSubsamplingMethod, Encoder, EncodingError, ImageBuffer, JpegColorType, SamplingFactor,
    rgb_to_ycbcr,
};
use vision::{Frame, PixelFormat, YuvRange};

/// Hardly to be told from the original, and a third of its size at 100.
pub(super) const QUALITY: u8 = 92;

/// Encodes a sound frame; `out` is emptied first.
pub(crate) fn encode(frame: &Frame, out: &mut Vec<u8>) -> Result<(), EncodingError> {
    out.clear();
    let mut encoder = Encoder::new(&mut *out, QUALITY);
    // What every camera that speaks YUV 4:2:0 gives anyway.
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.encode_image(Rows {
        frame,
        full: tables(frame.range),
    })
}

/// Luma and chroma of a range to JPEG's, which is full (ITU-T T.871, 7; ITU-R BT.601-7, 2.5).
fn tables(range: YuvRange) -> [[u8; 256]; 2] {
    let stretched = |middle: f64, levels: f64, at: f64| {
        std::array::from_fn(|v| {
            let full = (v as f64 - middle) * 255.0 / levels + at;
            full.round().clamp(0.0, 255.0) as u8
        })
    };
    match range {
        YuvRange::Limited => [stretched(16.0, 219.0, 0.0), stretched(128.0, 224.0, 128.0)],
        YuvRange::Full => [stretched(0.0, 255.0, 0.0), stretched(0.0, 255.0, 0.0)],
    }
}

struct Rows<'a> {
    frame: &'a Frame,
    full: [[u8; 256]; 2],
}

impl Rows<'_> {
    fn yuv(&self, out: &mut [Vec<u8>; 4], [y, u, v]: [u8; 3]) {
        out[0].push(self.full[0][usize::from(y)]);
        out[1].push(self.full[1][usize::from(u)]);
        out[2].push(self.full[1][usize::from(v)]);
    }
}

fn rgb(out: &mut [Vec<u8>; 4], r: u8, g: u8, b: u8) {
    let (y, u, v) = rgb_to_ycbcr(r, g, b);
    out[0].push(y);
    out[1].push(u);
    out[2].push(v);
}

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        match self.frame.format {
            PixelFormat::Gray8 => JpegColorType::Luma,
            _ => JpegColorType::Ycbcr,
        }
    }

    fn width(&self) -> u16 {
        // At most `vision::frame::MAX_SIDE`.
        self.frame.width as u16
    }

    fn height(&self) -> u16 {
        self.frame.height as u16
    }

    fn fill_buffers(&self, y: u16, out: &mut [Vec<u8>; 4]) {
        let f = self.frame;
        let (w, h, y) = (f.width as usize, f.height as usize, usize::from(y));
        let row = &f.data[y * f.stride..];
        match f.format {
            PixelFormat::Gray8 => out[0].extend_from_slice(&row[..w]),
            PixelFormat::Rgb8 => row[..3 * w]
                .chunks_exact(3)
                .for_each(|p| rgb(out, p[0], p[1], p[2])),
            PixelFormat::Bgra8 => row[..4 * w]
                .chunks_exact(4)
                .for_each(|p| rgb(out, p[2], p[1], p[0])),
            PixelFormat::Yuyv => {
                for x in 0..w {
                    let two = &row[x / 2 * 4..][..4];
                    self.yuv(out, [two[x % 2 * 2], two[1], two[3]]);
                }
            }
            PixelFormat::Nv12 => {
                let chroma = &f.data[(h + y / 2) * f.stride..];
                for (x, luma) in row[..w].iter().enumerate() {
                    let uv = &chroma[x / 2 * 2..][..2];
                    self.yuv(out, [*luma, uv[0], uv[1]]);
                }
            }
            PixelFormat::I420 => {
                let half = f.stride.div_ceil(2);
                let u = h * f.stride + y / 2 * half;
                let v = u + half * h.div_ceil(2);
                for (x, luma) in row[..w].iter().enumerate() {
                    self.yuv(out, [*luma, f.data[u + x / 2], f.data[v + x / 2]]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;

    const FORMATS: [PixelFormat; 6] = [
        PixelFormat::Rgb8,
        PixelFormat::Bgra8,
        PixelFormat::Gray8,
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::I420,
    ];

    /// A picture of two halves, with rows longer than they need to be: green left, orange
    /// right (BT.601), as the format has them.
    fn halves(format: PixelFormat, range: YuvRange, w: u32, h: u32) -> Frame {
        let mut f = Frame::default();
        f.reset(w, h, format);
        (f.range, f.stride) = (range, f.stride + 8);
        f.data = vec![77; f.bytes_needed()];
        let (stride, rows) = (f.stride, h as usize);
        for y in 0..rows {
            for x in 0..w as usize {
                let colour = if x < w as usize / 2 {
                    [40.0, 160.0, 60.0]
                } else {
                    [230.0, 140.0, 20.0f64]
                };
                let [r, g, b] = colour;
                let luma = 0.299 * r + 0.587 * g + 0.114 * b;
                let (cb, cr) = ((b - luma) / 1.772, (r - luma) / 1.402);
                let [yy, u, v] = match range {
                    YuvRange::Full => [luma, cb + 128.0, cr + 128.0],
                    YuvRange::Limited => [
                        16.0 + luma * 219.0 / 255.0,
                        128.0 + cb * 224.0 / 255.0,
                        128.0 + cr * 224.0 / 255.0,
                    ],
                }
                .map(|v| v.round() as u8);
                let [r, g, b] = colour.map(|v| v as u8);
                let at = y * stride;
                let mut put = |i: usize, v: u8| f.data[i] = v;
                match format {
                    PixelFormat::Rgb8 => {
                        for (k, v) in [r, g, b].into_iter().enumerate() {
                            put(at + 3 * x + k, v);
                        }
                    }
                    PixelFormat::Bgra8 => {
                        for (k, v) in [b, g, r, 0].into_iter().enumerate() {
                            put(at + 4 * x + k, v);
                        }
                    }
                    PixelFormat::Gray8 => put(at + x, luma.round() as u8),
                    PixelFormat::Yuyv => {
                        put(at + 2 * x, yy);
                        put(at + x / 2 * 4 + 1, u);
                        put(at + x / 2 * 4 + 3, v);
                    }
                    PixelFormat::Nv12 => {
                        put(at + x, yy);
                        put((rows + y / 2) * stride + x / 2 * 2, u);
                        put((rows + y / 2) * stride + x / 2 * 2 + 1, v);
                    }
                    PixelFormat::I420 => {
                        let half = stride.div_ceil(2);
                        put(at + x, yy);
                        put(rows * stride + y / 2 * half + x / 2, u);
                        let v_at = rows * stride + half * rows.div_ceil(2);
                        put(v_at + y / 2 * half + x / 2, v);
                    }
                }
            }
        }
        f
    }

    #[test]
    fn every_layout_keeps_its_colours_and_its_places() {
        // Odd sizes too: the last row and column have chroma of their own.
        for (w, h) in [(64, 48), (67, 35)] {
            for format in FORMATS {
                for range in [YuvRange::Limited, YuvRange::Full] {
                    let frame = halves(format, range, w, h);
                    assert!(frame.is_sound());
                    let mut jpeg = vec![1, 2, 3];
                    encode(&frame, &mut jpeg).unwrap();
                    let mut decoder = JpegDecoder::new(ZCursor::new(&jpeg));
                    let pixels = decoder.decode().unwrap();
                    assert_eq!(decoder.dimensions(), Some((w as usize, h as usize)));
                    let channels = pixels.len() / (w * h) as usize;
                    let at = |x: u32, y: u32| {
                        let i = (y * w + x) as usize * channels;
                        pixels[i..i + channels].to_vec()
                    };
                    for (x, colour) in [(4, [40, 160, 60]), (w - 2, [230, 140, 20])] {
                        for y in [0, h / 2, h - 1] {
                            let got = at(x, y);
                            let [r, g, b] = colour.map(f64::from);
                            let wanted = match format {
                                PixelFormat::Gray8 => {
                                    [(0.299 * r + 0.587 * g + 0.114 * b) as u8; 3]
                                }
                                _ => colour,
                            };
                            let near = got.iter().zip(&wanted).all(|(a, b)| a.abs_diff(*b) <= 6);
                            assert!(near, "{format:?} {range:?} {w}×{h} at {x},{y}: {got:?}");
                        }
                    }
                }
            }
        }
    }
}
