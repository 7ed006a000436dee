//! Any frame as the encoder wants it: 4:2:0, video range (ITU-R BT.601), not too large.

use vision::{Frame, PixelFormat, YuvRange};

/// What the planes mean, as the code points of ITU-T H.273 that H.264 (E.2.1) and MP4 (`colr`,
/// ISO/IEC 14496-12, 12.1.5) tell players.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colours {
    /// Chromaticities of red, green, blue and white.
    pub primaries: u8,
    /// From light to value.
    pub transfer: u8,
    /// Red's and blue's shares of luma.
    pub matrix: u8,
    /// Luma 0–255 rather than 16–235.
    pub full_range: bool,
}

/// Of every [`Yuv`]. Cameras and screens have sRGB's primaries, which are BT.709's, and nothing
/// here changes those; luma and chroma are BT.601's, in video range.
pub const COLOURS: Colours = Colours {
    primaries: 1,
    transfer: 1,
    matrix: 6,
    full_range: false,
};

/// Planes of a picture, rows without gaps: luma, then U and V at half size. Video range
/// (luma 16–235, chroma 16–240).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Yuv {
    /// Even.
    pub width: usize,
    /// Even.
    pub height: usize,
    /// width × height.
    pub y: Vec<u8>,
    /// A quarter of that.
    pub u: Vec<u8>,
    /// A quarter of that.
    pub v: Vec<u8>,
}

impl Yuv {
    /// Takes over the pixels of a sound frame: its sides divided by the smallest whole number
    /// that makes the longer one at most `longest`, means of squares, an odd last row or column
    /// left out. Allocates only when it has never been this large.
    ///
    /// False, and nothing done, for a frame that is not sound or too small to be one.
    pub fn take(&mut self, frame: &Frame, longest: usize) -> bool {
        let (w, h) = (frame.width as usize, frame.height as usize);
        let by = w.max(h).div_ceil(longest.max(16)).max(1);
        let (width, height) = ((w / by) & !1, (h / by) & !1);
        if !frame.is_sound() || width < 16 || height < 16 {
            return false;
        }
        (self.width, self.height) = (width, height);
        self.y.resize(width * height, 0);
        self.u.resize(width * height / 4, 0);
        self.v.resize(width * height / 4, 0);
        let source = Source::of(frame);
        for y in 0..height {
            let row = &mut self.y[y * width..][..width];
            source.luma(row, y, by);
        }
        let half = width / 2;
        for y in 0..height / 2 {
            let (u, v) = (
                &mut self.u[y * half..][..half],
                &mut self.v[y * half..][..half],
            );
            source.chroma(u, v, y, by);
        }
        true
    }

    /// Row `y` of both chroma planes as one, U and V by turns, as the encoders of systems like
    /// it: `out` is as long as a row of luma.
    pub fn chroma_row(&self, y: usize, out: &mut [u8]) {
        let half = self.width / 2;
        let row = y * half..(y + 1) * half;
        let both = self.u[row.clone()].iter().zip(&self.v[row]);
        for (two, (u, v)) in out.chunks_exact_mut(2).zip(both) {
            two.copy_from_slice(&[*u, *v]);
        }
    }
}

/// A frame's bytes and how full range becomes video range.
struct Source<'a> {
    f: &'a Frame,
    /// Luma and chroma, value to value; none where it is video range already.
    squeeze: Option<[[u8; 256]; 2]>,
}

impl<'a> Source<'a> {
    fn of(f: &'a Frame) -> Self {
        let full = match f.format {
            PixelFormat::Gray8 => true,
            PixelFormat::Rgb8 | PixelFormat::Bgra8 => false,
            _ => f.range == YuvRange::Full,
        };
        let table = |levels: u32, at: i32| {
            std::array::from_fn(|v| {
                let middle = if at == 16 { 0 } else { 128 };
                let v = (v as i32 - middle) * levels as i32;
                let rounded = (2 * v + 255 * v.signum()) / 510;
                (rounded + at).clamp(0, 255) as u8
            })
        };
        Source {
            f,
            squeeze: full.then(|| [table(219, 16), table(224, 128)]),
        }
    }

    /// Row `y` of luma, of a picture `by` times smaller.
    fn luma(&self, out: &mut [u8], y: usize, by: usize) {
        let f = self.f;
        let row = |y: usize| &f.data[y * f.stride..];
        match (f.format, by) {
            (PixelFormat::Gray8 | PixelFormat::Nv12 | PixelFormat::I420, 1) => {
                out.copy_from_slice(&row(y)[..out.len()]);
            }
            _ => {
                let square = (by * by) as u32;
                for (x, out) in out.iter_mut().enumerate() {
                    let mut sum = square / 2;
                    for sy in y * by..(y + 1) * by {
                        let row = row(sy);
                        for sx in x * by..(x + 1) * by {
                            sum += match f.format {
                                PixelFormat::Rgb8 => luma_of(&row[3 * sx..], [0, 1, 2]),
                                PixelFormat::Bgra8 => luma_of(&row[4 * sx..], [2, 1, 0]),
                                PixelFormat::Yuyv => u32::from(row[2 * sx]),
                                _ => u32::from(row[sx]),
                            };
                        }
                    }
                    *out = (sum / square) as u8;
                }
            }
        }
        if let Some([luma, _]) = &self.squeeze {
            out.iter_mut().for_each(|v| *v = luma[usize::from(*v)]);
        }
    }

    /// Row `y` of U and V: means over squares of 2·`by` pixels of the frame.
    fn chroma(&self, u: &mut [u8], v: &mut [u8], y: usize, by: usize) {
        let f = self.f;
        match f.format {
            PixelFormat::Gray8 => {
                u.fill(128);
                v.fill(128);
                return;
            }
            PixelFormat::Rgb8 | PixelFormat::Bgra8 => {
                let (n, [r, g, b]) = match f.format {
                    PixelFormat::Rgb8 => (3, [0, 1, 2]),
                    _ => (4, [2, 1, 0]),
                };
                let side = 2 * by;
                for (x, (u, v)) in u.iter_mut().zip(v).enumerate() {
                    let mut sum = [0u32; 3];
                    for sy in y * side..(y + 1) * side {
                        let row = &f.data[sy * f.stride + n * x * side..][..n * side];
                        for p in row.chunks_exact(n) {
                            sum[0] += u32::from(p[r]);
                            sum[1] += u32::from(p[g]);
                            sum[2] += u32::from(p[b]);
                        }
                    }
                    let mean = sum.map(|s| s as i32 / (side * side) as i32);
                    [*u, *v] = chroma_of(mean);
                }
                return;
            }
            PixelFormat::Yuyv => mean_of(u, v, y, [by, 2 * by], |x, y| {
                let two = &f.data[y * f.stride + 4 * x..][..4];
                [two[1], two[3]]
            }),
            PixelFormat::Nv12 => mean_of(u, v, y, [by, by], |x, y| {
                let two = &f.data[(f.height as usize + y) * f.stride + 2 * x..][..2];
                [two[0], two[1]]
            }),
            PixelFormat::I420 => {
                let half = f.stride.div_ceil(2);
                let first = f.height as usize * f.stride;
                let second = first + half * (f.height as usize).div_ceil(2);
                if by == 1 {
                    u.copy_from_slice(&f.data[first + y * half..][..u.len()]);
                    v.copy_from_slice(&f.data[second + y * half..][..v.len()]);
                } else {
                    mean_of(u, v, y, [by, by], |x, y| {
                        [f.data[first + y * half + x], f.data[second + y * half + x]]
                    });
                }
            }
        }
        if let Some([_, chroma]) = &self.squeeze {
            for value in u.iter_mut().chain(v) {
                *value = chroma[usize::from(*value)];
            }
        }
    }
}

/// Means over blocks of `across` by `down` chroma values.
fn mean_of(
    u: &mut [u8],
    v: &mut [u8],
    y: usize,
    [across, down]: [usize; 2],
    at: impl Fn(usize, usize) -> [u8; 2],
) {
    let n = (across * down) as u32;
    for (x, (u, v)) in u.iter_mut().zip(v).enumerate() {
        let mut sum = [n / 2; 2];
        for sy in y * down..(y + 1) * down {
            for sx in x * across..(x + 1) * across {
                let two = at(sx, sy);
                sum[0] += u32::from(two[0]);
                sum[1] += u32::from(two[1]);
            }
        }
        [*u, *v] = sum.map(|s| (s / n) as u8);
    }
}

/// BT.601 luma in video range, in 16-bit fixed point.
fn luma_of(pixel: &[u8], [r, g, b]: [usize; 3]) -> u32 {
    let [r, g, b] = [r, g, b].map(|i| u32::from(pixel[i]));
    (16_829 * r + 33_039 * g + 6_416 * b + (16 << 16) + (1 << 15)) >> 16
}

/// BT.601 U and V in video range.
fn chroma_of([r, g, b]: [i32; 3]) -> [u8; 2] {
    let u = -9_714 * r - 19_070 * g + 28_784 * b;
    let v = 28_784 * r - 24_103 * g - 4_681 * b;
    [u, v].map(|c| ((c + (128 << 16) + (1 << 15)) >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Green left, orange right, in a layout and range; rows longer than they need to be.
    fn halves(format: PixelFormat, range: YuvRange, w: u32, h: u32) -> Frame {
        let mut f = Frame::default();
        f.reset(w, h, format);
        (f.range, f.stride) = (range, f.stride + 8);
        f.data = vec![77; f.bytes_needed()];
        let rows = h as usize;
        for y in 0..rows {
            for x in 0..w as usize {
                let left = x < w as usize / 2;
                let rgb = if left {
                    [40, 160, 60u8]
                } else {
                    [230, 140, 20]
                };
                let yuv = yuv(rgb, range);
                let s = f.stride;
                match format {
                    PixelFormat::Rgb8 => f.data[y * s + 3 * x..][..3].copy_from_slice(&rgb),
                    PixelFormat::Bgra8 => {
                        let [r, g, b] = rgb;
                        f.data[y * s + 4 * x..][..4].copy_from_slice(&[b, g, r, 0]);
                    }
                    PixelFormat::Gray8 => f.data[y * s + x] = self::yuv(rgb, YuvRange::Full)[0],
                    PixelFormat::Yuyv => {
                        f.data[y * s + 2 * x] = yuv[0];
                        f.data[y * s + x / 2 * 4 + 1] = yuv[1];
                        f.data[y * s + x / 2 * 4 + 3] = yuv[2];
                    }
                    PixelFormat::Nv12 => {
                        f.data[y * s + x] = yuv[0];
                        let at = (rows + y / 2) * s + x / 2 * 2;
                        f.data[at..at + 2].copy_from_slice(&yuv[1..]);
                    }
                    PixelFormat::I420 => {
                        f.data[y * s + x] = yuv[0];
                        let (half, at) = (s.div_ceil(2), rows * s);
                        f.data[at + y / 2 * half + x / 2] = yuv[1];
                        f.data[at + half * rows.div_ceil(2) + y / 2 * half + x / 2] = yuv[2];
                    }
                }
            }
        }
        f
    }

    /// ITU-R BT.601-7, 2.5, in floating point.
    fn yuv([r, g, b]: [u8; 3], range: YuvRange) -> [u8; 3] {
        let [r, g, b] = [r, g, b].map(f64::from);
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        let (cb, cr) = ((b - y) / 1.772, (r - y) / 1.402);
        match range {
            YuvRange::Full => [y, cb + 128.0, cr + 128.0],
            YuvRange::Limited => [
                16.0 + y * 219.0 / 255.0,
                128.0 + cb * 224.0 / 255.0,
                128.0 + cr * 224.0 / 255.0,
            ],
        }
        .map(|v| v.round() as u8)
    }

    #[test]
    fn every_layout_and_size_keeps_its_colours_and_places() {
        use PixelFormat::*;
        for format in [Rgb8, Bgra8, Gray8, Yuyv, Nv12, I420] {
            for range in [YuvRange::Limited, YuvRange::Full] {
                for (w, h, longest, by) in [(64, 48, 64, 1), (67, 35, 80, 1), (200, 104, 80, 3)] {
                    let frame = halves(format, range, w, h);
                    let mut out = Yuv::default();
                    assert!(out.take(&frame, longest));
                    let size = [w, h].map(|s| (s as usize / by) & !1);
                    assert_eq!([out.width, out.height], size);
                    let quarter = size[0] * size[1] / 4;
                    assert_eq!(
                        [out.y.len(), out.u.len(), out.v.len()],
                        [4 * quarter, quarter, quarter]
                    );
                    for (x, rgb) in [(2, [40, 160, 60]), (size[0] - 4, [230, 140, 20])] {
                        for y in [0, size[1] / 2, size[1] - 1] {
                            let half = y / 2 * (size[0] / 2) + x / 2;
                            let got = [out.y[y * size[0] + x], out.u[half], out.v[half]];
                            let mut want = yuv(rgb, YuvRange::Limited);
                            if format == Gray8 {
                                (want[1], want[2]) = (128, 128);
                            }
                            let near = got.iter().zip(&want).all(|(a, b)| a.abs_diff(*b) <= 2);
                            assert!(
                                near,
                                "{format:?} {range:?} {w}×{h} at {x},{y}: {got:?} {want:?}"
                            );
                        }
                    }
                }
            }
        }
        let mut out = Yuv::default();
        assert!(out.take(&halves(Rgb8, YuvRange::Full, 64, 48), 64));
        let mut row = [0; 64];
        out.chroma_row(5, &mut row);
        for (i, two) in row.chunks(2).enumerate() {
            assert_eq!(two, [out.u[5 * 32 + i], out.v[5 * 32 + i]]);
        }
        assert_ne!(row[..2], row[62..]);
        let mut unsound = halves(I420, YuvRange::Full, 64, 48);
        unsound.data.truncate(100);
        assert!(!Yuv::default().take(&unsound, 64));
    }
}
