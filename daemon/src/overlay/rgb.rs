//! Any frame as red, green and blue (ITU-R BT.601), for showing it.

use vision::{Frame, PixelFormat, YuvRange};

use super::canvas::Canvas;

/// Puts a sound frame onto the canvas, which takes its size.
pub fn paint(frame: &Frame, canvas: &mut Canvas) {
    let (w, h) = (frame.width as usize, frame.height as usize);
    canvas.reset(w, h);
    let half = frame.stride.div_ceil(2);
    let planes = frame.stride * h;
    let convert = Convert::of(frame.range);
    for y in 0..h {
        let row = &frame.data[(y * frame.stride).min(frame.data.len())..];
        let out = &mut canvas.rgb[3 * w * y..3 * w * (y + 1)];
        let uv = planes + y / 2 * frame.stride;
        let (u, v) = (
            planes + y / 2 * half,
            planes + half * h.div_ceil(2) + y / 2 * half,
        );
        for (x, to) in out.chunks_exact_mut(3).enumerate() {
            let rgb = match frame.format {
                PixelFormat::Rgb8 => [row[3 * x], row[3 * x + 1], row[3 * x + 2]],
                PixelFormat::Bgra8 => [row[4 * x + 2], row[4 * x + 1], row[4 * x]],
                PixelFormat::Gray8 => [row[x]; 3],
                PixelFormat::Yuyv => {
                    let two = &row[x / 2 * 4..][..4];
                    convert.rgb(two[x % 2 * 2], two[1], two[3])
                }
                PixelFormat::Nv12 => {
                    let at = uv + x / 2 * 2;
                    convert.rgb(row[x], frame.data[at], frame.data[at + 1])
                }
                PixelFormat::I420 => {
                    convert.rgb(row[x], frame.data[u + x / 2], frame.data[v + x / 2])
                }
            };
            to.copy_from_slice(&rgb);
        }
    }
}

/// Luma and chroma to red, green and blue in 16-bit fixed point.
struct Convert {
    black: i32,
    y: i32,
    rv: i32,
    gu: i32,
    gv: i32,
    bu: i32,
}

impl Convert {
    fn of(range: YuvRange) -> Self {
        let (black, luma, chroma) = match range {
            YuvRange::Limited => (16, 255.0 / 219.0, 255.0 / 224.0),
            YuvRange::Full => (0, 1.0, 1.0),
        };
        let fixed = |v: f64| (v * 65536.0).round() as i32;
        Convert {
            black,
            y: fixed(luma),
            rv: fixed(1.402 * chroma),
            gu: fixed(0.344_136 * chroma),
            gv: fixed(0.714_136 * chroma),
            bu: fixed(1.772 * chroma),
        }
    }

    fn rgb(&self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let luma = (i32::from(y) - self.black) * self.y + 32768;
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        [
            luma + self.rv * v,
            luma - self.gu * u - self.gv * v,
            luma + self.bu * u,
        ]
        .map(|c| (c >> 16).clamp(0, 255) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clips::Yuv;

    #[test]
    fn there_and_back_keeps_colours_in_every_layout() {
        // The inverse is proved against the standard's own formula in the crate `clips`.
        let mut rgb = Frame::default();
        rgb.reset(32, 16, PixelFormat::Rgb8);
        for (i, p) in rgb.data.chunks_exact_mut(3).enumerate() {
            let left = i % 32 < 16;
            p.copy_from_slice(if left {
                &[40, 160, 60]
            } else {
                &[230, 140, 20]
            });
        }
        let mut yuv = Yuv::default();
        assert!(yuv.take(&rgb, 64));
        let mut canvas = Canvas::default();
        for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv] {
            let mut f = Frame::default();
            f.reset(32, 16, format);
            match format {
                PixelFormat::I420 => f.data = [&yuv.y[..], &yuv.u, &yuv.v].concat(),
                PixelFormat::Nv12 => {
                    let uv = yuv.u.iter().zip(&yuv.v).flat_map(|(u, v)| [*u, *v]);
                    f.data = yuv.y.iter().copied().chain(uv).collect();
                }
                _ => {
                    for (i, two) in f.data.chunks_exact_mut(4).enumerate() {
                        let (x, y) = (i % 16, i / 16);
                        let c = y / 2 * 16 + x;
                        two.copy_from_slice(&[yuv.y[2 * i], yuv.u[c], yuv.y[2 * i + 1], yuv.v[c]]);
                    }
                }
            }
            paint(&f, &mut canvas);
            let near = canvas
                .rgb
                .iter()
                .zip(&rgb.data)
                .all(|(a, b)| a.abs_diff(*b) <= 3);
            assert!(near, "{format:?}");
        }
        paint(&rgb, &mut canvas);
        assert_eq!(canvas.rgb, rgb.data);
    }
}
