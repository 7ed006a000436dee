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
use crate::resample::{Tap, Walk, bilinear, needed, shrink_channels};

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
/// Samples squares to N × N. Keeps its buffers; one per network.
pub struct Sampler {
    n: usize,
    planes: [Vec<f32>; 3],
    reading: Reading,
}

/// What it reads with.
struct Reading {
    n: usize,
    /// Sums of the rows of one block.
    sums: Vec<u16>,
    /// The part of each channel that is needed, shrunk.
    shrunk: [Vec<u8>; 3],
    columns: Vec<Tap>,
}

impl Reading {
    /// Fills N × N planes with channels that lie alike.
    fn read<const K: usize>(
        &mut self,
        channels: [&Channel; K],
        region: &Region,
        planes: [&mut [f32]; K],
    ) {
        let n = self.n as f64;
        let (sin, cos) = f64::from(region.roll).sin_cos();
        let pitch = f64::from(region.size) / n;
        let Channel {
            width,
            height,
            wide,
            tall,
            ..
        } = *channels[0];
        let per = [1.0 / f64::from(wide), 1.0 / f64::from(tall)];
        let corner = region
            .to_image(0.5 / n as f32, 0.5 / n as f32)
            .map(f64::from);
        let mut walk = Walk {
            start: [corner[0] * per[0] - 0.5, corner[1] * per[1] - 0.5],
            across: [cos * pitch * per[0], sin * pitch * per[1]],
            down: [-sin * pitch * per[0], cos * pitch * per[1]],
        };
        let shrink = |samples: f64| (samples.round() as usize).clamp(1, MAX_SHRINK);
        let factors = [0, 1].map(|axis| shrink(pitch * per[axis]));
        if factors == [1, 1] {
            bilinear(channels, &walk, self.n, &mut self.columns, planes);
            return;
        }
        let rectangle = needed(&walk, self.n, [width, height], factors);
        let [x0, y0, w, h] = rectangle;
        for shrunk in &mut self.shrunk[..K] {
            if shrunk.len() < w * h {
                shrunk.resize(w * h, 0);
            }
        }
        let shrunk = &mut self.shrunk[..K];
        shrink_channels(channels, rectangle, factors, &mut self.sums, shrunk);
        for (axis, (from, factor)) in [x0, y0].into_iter().zip(factors).enumerate() {
            let factor = factor as f64;
            walk.start[axis] = (walk.start[axis] + 0.5) / factor - 0.5 - from as f64;
            walk.across[axis] /= factor;
            walk.down[axis] /= factor;
        }
        let shrunk: [Channel; K] = std::array::from_fn(|k| Channel {
            bytes: &self.shrunk[k],
            width: w,
            height: h,
            stride: w,
            step: 1,
            wide: 1,
            tall: 1,
        });
        bilinear(shrunk.each_ref(), &walk, self.n, &mut self.columns, planes);
    }
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
            reading: Reading {
                n,
                sums: vec![0; MAX_SIDE as usize * 4],
                shrunk: [(); 3].map(|()| vec![0; side * side]),
                columns: vec![Tap::default(); n],
            },
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
        let area = self.n * self.n;
        assert_eq!(out.len(), 3 * area, "the tensor has three planes of N × N");
        if self.straight(frame, region, spec, out) {
            return true;
        }
        if !self.rgb(frame, region, spec.outside) {
            return false;
        }
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

    /// Where the frame has red, green and blue, and the tensor a plane for each, it is sampled
    /// there at once: the same numbers on a shorter way. False where that is not so.
    fn straight(
        &mut self,
        frame: &Frame,
        region: &Region,
        spec: &TensorSpec,
        out: &mut [f32],
    ) -> bool {
        let plain = spec.layout == Layout::Nchw && spec.outside == Outside::Edge;
        let view = PixelView::of(frame).filter(|view| plain && view.colour == Colour::Rgb);
        let Some(view) = view.filter(|_| region.touches(frame.width, frame.height)) else {
            return false;
        };
        let mut planes = out.chunks_exact_mut(self.n * self.n);
        let planes = [(); 3].map(|()| planes.next().expect("three planes"));
        self.reading.read(view.channels.each_ref(), region, planes);
        for v in out {
            *v = *v * spec.scale + spec.offset;
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
        let [first, second, third] = &view.channels;
        let [a, b, c] = self.planes.each_mut().map(Vec::as_mut_slice);
        match view.colour {
            Colour::Gray => self.reading.read([first], region, [a]),
            Colour::Rgb => self.reading.read([first, second, third], region, [a, b, c]),
            Colour::Yuv(_) => {
                self.reading.read([first], region, [a]);
                self.reading.read([second, third], region, [b, c]);
            }
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
        let [first, ..] = &mut self.planes;
        self.reading.read([view.brightness()], region, [first]);
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
