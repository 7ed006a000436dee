//! From a square of a frame, in whatever pixel layout, to the floats that a
//! network takes.
//!
//! Only what the square needs is touched: each channel is shrunk by whole
//! factors first (a mean over blocks, so that fine texture does not alias),
//! then read bilinearly, and colours are converted at the size of the result.

use serde::{Deserialize, Serialize};

use crate::frame::{Frame, MAX_SIDE, YuvRange};
use crate::pixels::{Channel, Colour, PixelView, to_rgb};
use crate::region::Region;

/// What lies outside the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// Black, as MediaPipe's detector wants it.
    Black,
    /// The nearest pixel of the edge, as its landmark network wants it.
    Edge,
}

/// Order of the values in the tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Layout {
    /// Three planes.
    Nchw,
    /// Red, green, blue of each pixel together.
    Nhwc,
}

/// How a region becomes a tensor: `value = channel (0–255) × scale + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TensorSpec {
    /// Order of the values.
    pub layout: Layout,
    /// Factor.
    pub scale: f32,
    /// Summand.
    pub offset: f32,
    /// What lies outside the picture.
    pub outside: Outside,
}

/// Shrinking by more than this at once is not needed: 8K to 32 pixels.
const MAX_SHRINK: usize = 256;
/// Fraction bits of sample coordinates.
const POINT: u32 = 32;
/// Bits of a bilinear weight; 8 + 2 × 11 bits fit an i32.
const WEIGHT: u32 = 11;

/// Where a bilinear reading starts and which way it goes, in a channel's own samples.
#[derive(Clone, Copy)]
struct Walk {
    /// Of the first output pixel.
    start: [f64; 2],
    /// From one output pixel to the next in its row.
    across: [f64; 2],
    /// From one output row to the next.
    down: [f64; 2],
}

/// Samples squares to N × N. Keeps its buffers; one per network.
pub struct Sampler {
    n: usize,
    planes: [Vec<f32>; 3],
    /// Sums of the rows of one block.
    sums: Vec<u16>,
    /// The part of a channel that is needed, shrunk.
    shrunk: Vec<u8>,
    columns: Vec<Tap>,
}

/// Two neighbours and the weight of the second, out of 2^WEIGHT.
#[derive(Clone, Copy, Default)]
struct Tap {
    first: usize,
    second: usize,
    weight: i32,
}

impl Sampler {
    /// For N × N results.
    pub fn new(n: usize) -> Sampler {
        // The block is at least ⅔ of the true factor and a turned square reaches
        // √2 farther: the shrunk part is never wider than this.
        let side = n * 15 / 7 + 8;
        Sampler {
            n,
            planes: [(); 3].map(|()| vec![0.0; n * n]),
            sums: vec![0; MAX_SIDE as usize * 4],
            shrunk: vec![0; side * side],
            columns: vec![Tap::default(); n],
        }
    }

    /// Length of a side of the result.
    pub fn size(&self) -> usize {
        self.n
    }

    /// Fills `out` (3·N·N floats) from `region`. False, and `out` untouched,
    /// when the frame is not sound or the region lies outside it.
    pub fn tensor(
        &mut self,
        frame: &Frame,
        region: &Region,
        spec: &TensorSpec,
        out: &mut [f32],
    ) -> bool {
        if !self.rgb(frame, region, spec.outside) {
            return false;
        }
        let area = self.n * self.n;
        assert_eq!(out.len(), 3 * area, "the tensor has three planes of N × N");
        let [red, green, blue] = &self.planes;
        let value = |v: f32| v * spec.scale + spec.offset;
        match spec.layout {
            Layout::Nchw => {
                for (plane, to) in self.planes.iter().zip(out.chunks_exact_mut(area)) {
                    for (v, t) in plane.iter().zip(to) {
                        *t = value(*v);
                    }
                }
            }
            Layout::Nhwc => {
                for (((t, r), g), b) in out.chunks_exact_mut(3).zip(red).zip(green).zip(blue) {
                    t.copy_from_slice(&[value(*r), value(*g), value(*b)]);
                }
            }
        }
        true
    }

    /// Samples to red, green and blue, 0–255; see [`Sampler::planes`].
    pub(crate) fn rgb(&mut self, frame: &Frame, region: &Region, outside: Outside) -> bool {
        if !region.touches(frame.width, frame.height) {
            return false;
        }
        let Some(view) = PixelView::of(frame) else {
            return false;
        };
        let used = if view.colour == Colour::Gray { 1 } else { 3 };
        for (index, channel) in view.channels.iter().take(used).enumerate() {
            self.channel(index, channel, region);
        }
        to_rgb(view.colour, &mut self.planes);
        if outside == Outside::Black {
            self.blacken(frame, region);
        }
        true
    }

    /// Samples brightness only, 0 black … 255: luma, or green. It is the first of
    /// [`Sampler::planes`].
    pub(crate) fn brightness(&mut self, frame: &Frame, region: &Region) -> bool {
        if !region.touches(frame.width, frame.height) {
            return false;
        }
        let Some(view) = PixelView::of(frame) else {
            return false;
        };
        self.channel(0, view.brightness(), region);
        if view.colour == Colour::Yuv(YuvRange::Limited) {
            for v in &mut self.planes[0] {
                *v = ((*v - 16.0) * (255.0 / 219.0)).max(0.0);
            }
        }
        true
    }

    /// What was sampled last, row by row.
    pub(crate) fn planes(&self) -> &[Vec<f32>; 3] {
        &self.planes
    }

    fn channel(&mut self, index: usize, channel: &Channel, region: &Region) {
        let n = self.n as f64;
        let (sin, cos) = f64::from(region.roll).sin_cos();
        let pitch = f64::from(region.size) / n;
        let per = [1.0 / f64::from(channel.wide), 1.0 / f64::from(channel.tall)];
        let first = region
            .to_image(0.5 / n as f32, 0.5 / n as f32)
            .map(f64::from);
        let mut walk = Walk {
            start: [first[0] * per[0] - 0.5, first[1] * per[1] - 0.5],
            across: [cos * pitch * per[0], sin * pitch * per[1]],
            down: [-sin * pitch * per[0], cos * pitch * per[1]],
        };
        let shrink = |samples: f64| (samples.round() as usize).clamp(1, MAX_SHRINK);
        let (fx, fy) = (shrink(pitch * per[0]), shrink(pitch * per[1]));
        let out = &mut self.planes[index];
        if fx == 1 && fy == 1 {
            bilinear(channel, &walk, self.n, &mut self.columns, out);
            return;
        }
        let rectangle = needed(&walk, self.n, [channel.width, channel.height], [fx, fy]);
        let [x0, y0, w, h] = rectangle;
        if self.shrunk.len() < w * h {
            self.shrunk.resize(w * h, 0);
        }
        shrink_channel(
            channel,
            rectangle,
            [fx, fy],
            &mut self.sums,
            &mut self.shrunk,
        );
        for (axis, (from, factor)) in [(x0, fx), (y0, fy)].into_iter().enumerate() {
            let factor = factor as f64;
            walk.start[axis] = (walk.start[axis] + 0.5) / factor - 0.5 - from as f64;
            walk.across[axis] /= factor;
            walk.down[axis] /= factor;
        }
        let shrunk = Channel {
            bytes: &self.shrunk,
            width: w,
            height: h,
            stride: w,
            step: 1,
            wide: 1,
            tall: 1,
        };
        bilinear(&shrunk, &walk, self.n, &mut self.columns, out);
    }

    /// Makes every pixel black whose middle lies outside the picture.
    fn blacken(&mut self, frame: &Frame, region: &Region) {
        let (w, h) = (frame.width as f32, frame.height as f32);
        let inside = |p: [f32; 2]| p[0] >= 0.0 && p[0] <= w && p[1] >= 0.0 && p[1] <= h;
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
        if corners.iter().all(|&(u, v)| inside(region.to_image(u, v))) {
            return;
        }
        let n = self.n as f32;
        for row in 0..self.n {
            let v = (row as f32 + 0.5) / n;
            let (from, to) = (region.to_image(0.0, v), region.to_image(1.0, v));
            for column in 0..self.n {
                let u = (column as f32 + 0.5) / n;
                let p = [
                    from[0] + (to[0] - from[0]) * u,
                    from[1] + (to[1] - from[1]) * u,
                ];
                if !inside(p) {
                    for plane in &mut self.planes {
                        plane[row * self.n + column] = 0.0;
                    }
                }
            }
        }
    }
}

/// The blocks of `factors` samples that a walk reads: first column and row,
/// columns and rows, in blocks. Blocks are counted from the channel's corner,
/// so that they stay put when the region moves a little.
fn needed(walk: &Walk, n: usize, size: [usize; 2], factors: [usize; 2]) -> [usize; 4] {
    let last = (n - 1) as f64;
    let mut rectangle = [0; 4];
    for axis in 0..2 {
        let (a, d) = (walk.across[axis] * last, walk.down[axis] * last);
        let low = walk.start[axis] + a.min(0.0) + d.min(0.0);
        let high = walk.start[axis] + a.max(0.0) + d.max(0.0);
        let factor = factors[axis] as f64;
        let blocks = size[axis].div_ceil(factors[axis]);
        // One block more on each side for the bilinear neighbours.
        let from = ((low / factor).floor() - 1.0).clamp(0.0, (blocks - 1) as f64) as usize;
        let to = ((high / factor).floor() + 2.0).clamp(from as f64 + 1.0, blocks as f64) as usize;
        rectangle[axis] = from;
        rectangle[axis + 2] = to - from;
    }
    rectangle
}

/// Means over blocks of `fx` × `fy` samples.
fn shrink_channel(
    channel: &Channel,
    [x0, y0, w, h]: [usize; 4],
    [fx, fy]: [usize; 2],
    sums: &mut [u16],
    out: &mut [u8],
) {
    let step = channel.step;
    let first = x0 * fx;
    let samples = (w * fx).min(channel.width - first);
    let span = (samples - 1) * step + 1;
    let sums = &mut sums[..span];
    for (row, to) in out.chunks_exact_mut(w).take(h).enumerate() {
        let top = (y0 + row) * fy;
        let rows = fy.min(channel.height - top);
        sums.fill(0);
        for y in top..top + rows {
            let from = y * channel.stride + first * step;
            for (sum, byte) in sums.iter_mut().zip(&channel.bytes[from..from + span]) {
                *sum += u16::from(*byte);
            }
        }
        for (block, mean) in to.iter_mut().enumerate() {
            let begin = block * fx;
            let count = fx.min(samples - begin);
            let values = &sums[begin * step..=(begin + count - 1) * step];
            let total: u32 = values.iter().step_by(step).map(|v| u32::from(*v)).sum();
            let parts = (count * rows) as u32;
            *mean = ((total + parts / 2) / parts) as u8;
        }
    }
}

fn fixed(v: f64) -> i64 {
    (v * (1u64 << POINT) as f64) as i64
}

fn tap(at: i64, samples: usize) -> Tap {
    let last = samples - 1;
    let at = at.clamp(0, (last as i64) << POINT);
    let first = (at >> POINT) as usize;
    Tap {
        first,
        second: (first + 1).min(last),
        weight: ((at >> (POINT - WEIGHT)) & ((1 << WEIGHT) - 1)) as i32,
    }
}

fn blend(a: u8, b: u8, c: u8, d: u8, across: i32, down: i32) -> f32 {
    const ONE: i32 = 1 << WEIGHT;
    let top = i32::from(a) * (ONE - across) + i32::from(b) * across;
    let bottom = i32::from(c) * (ONE - across) + i32::from(d) * across;
    (top * (ONE - down) + bottom * down) as f32 * (1.0 / (ONE * ONE) as f32)
}

/// Reads N × N values along a walk; outside the channel, its edge.
fn bilinear(channel: &Channel, walk: &Walk, n: usize, columns: &mut [Tap], out: &mut [f32]) {
    let step = channel.step;
    let [ax, ay] = walk.across.map(fixed);
    let [dx, dy] = walk.down.map(fixed);
    let [sx, sy] = walk.start.map(fixed);
    let row_bytes = (channel.width - 1) * step + 1;
    let row_at = |y: usize| &channel.bytes[y * channel.stride..][..row_bytes];
    if ay == 0 && dx == 0 {
        for (u, column) in columns.iter_mut().enumerate() {
            let t = tap(sx + u as i64 * ax, channel.width);
            *column = Tap {
                first: t.first * step,
                second: t.second * step,
                weight: t.weight,
            };
        }
        for (v, to) in out.chunks_exact_mut(n).enumerate() {
            let y = tap(sy + v as i64 * dy, channel.height);
            let (top, bottom) = (row_at(y.first), row_at(y.second));
            for (t, o) in columns.iter().zip(to) {
                *o = blend(
                    top[t.first],
                    top[t.second],
                    bottom[t.first],
                    bottom[t.second],
                    t.weight,
                    y.weight,
                );
            }
        }
        return;
    }
    for (v, to) in out.chunks_exact_mut(n).enumerate() {
        let (mut x, mut y) = (sx + v as i64 * dx, sy + v as i64 * dy);
        for o in to {
            let (tx, ty) = (tap(x, channel.width), tap(y, channel.height));
            let (left, right) = (tx.first * step, tx.second * step);
            let (top, bottom) = (ty.first * channel.stride, ty.second * channel.stride);
            let bytes = channel.bytes;
            *o = blend(
                bytes[top + left],
                bytes[top + right],
                bytes[bottom + left],
                bytes[bottom + right],
                tx.weight,
                ty.weight,
            );
            x += ax;
            y += ay;
        }
    }
}
