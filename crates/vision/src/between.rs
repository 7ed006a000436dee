//! Between two looks of the landmark network: where a face went that it saw a frame or two ago.
//!
//! A head that a person holds before a screen moves by a pixel or two from frame to frame, and
//! the network's own answers tremble as well. What it would say of the next frame is
//! told too, and in a twentieth of the time, by moving what it said: brows, temples and the
//! bridge of the nose are laid over the next frames until they fit (Lucas and Kanade 1981, in the
//! inverse compositional form of Baker and Matthews 2004), by a shift, a turn and a scale. The
//! eyes' openings are left out of that, and compared afterwards: where lids or irises have moved,
//! where the rest does not fit, or a head moves fast, the network has to look.
//!
//! Nothing drifts: each frame is compared with the one that the network saw, not with the frame
//! before. The network looks again soon, and what it said last weighs a third there (it steadies
//! the network's answer, which trembles).
//!
//! On the way from frame to sample: allocates nothing after it is made.

use gaze::landmarks::{Landmarks, OUTER_CORNER, UPPER_LID_RIM};
use nalgebra::{Matrix4, Vector4};

use crate::crop::eye_regions;
use crate::frame::Frame;
use crate::iris::{IrisFit, moved_back};
use crate::region::Region;
use crate::sampler::Sampler;

/// Pixels on a side of the square that is laid over the next frame.
const SIDE: usize = 72;
const AREA: usize = SIDE * SIDE;
/// A side of it, in distances between the outer corners of the eyes …
const REACH: f32 = 1.35;
/// … and how far its middle lies below their line, in the same.
const BELOW: f32 = 0.08;
/// An eye's opening is left out so far about it, in distances between its corners.
const MARGIN: f32 = 0.18;
/// Rounds at most.
const ROUNDS: usize = 8;
/// A round that moves no corner of the square by more than this, in its pixels, is the last.
const STILL: f32 = 0.01;

/// Eyes are compared in squares of so many pixels …
const EYE_SIDE: usize = 24;
const EYE_AREA: usize = EYE_SIDE * EYE_SIDE;
/// … this large, in distances between their corners.
const EYE_REACH: f32 = 1.1;

/// From frame to frame a steady head's square moves by no more than this share of its side, …
const FAST: f32 = 0.04;
/// … turns by no more than this, radians, …
const TURNS: f32 = 0.025;
/// … and grows or shrinks by no more than this.
const GROWS: f32 = 0.02;
/// Squares smaller than this, pixels, show too little.
const LEAST_PX: f32 = 40.0;
/// … and with less contrast than this, of 0–255.
const LEAST_CONTRAST: f32 = 4.0;
/// What does not fit of a square, in its standard deviations, is noise up to here.
const MISFIT: f32 = 0.25;
/// The same of the eyes: more, and more than so many times the square's, is theirs.
const EYES_MISFIT: f32 = 0.16;
const EYES_FACTOR: f32 = 1.6;
/// The upper lid's rim is watched so far about each of its three points, across and up and down,
/// in those pixels.
const RIM: [usize; 2] = [1, 2];
/// Upper lids that went up or down by more than this, in distances between the eye's corners
/// (some 30 mm), are on their way: a fall by 0.35 mm is what `gaze::filter::LidGate` must see.
const LIDS_STILL: f32 = 0.007;
/// Two frames further apart than this, nanoseconds, are no neighbours: one between was dropped.
const APART_NS: u64 = 60_000_000;

/// Where the network saw a face, and what it looked like there.
struct Seen {
    landmarks: Landmarks,
    size: [u32; 2],
    region: Region,
    /// Where the square was last, and when.
    last: Region,
    last_ns: u64,
    eyes: [Region; 2],
    /// Mean and standard deviation of the square's brightness.
    mean: f32,
    deviation: f32,
    /// Sum of the weights.
    weight: f32,
    /// Of the steepest descent's images: their sums, their products with the square itself, and
    /// the inverse of those with each other.
    sums: Vector4<f32>,
    own: Vector4<f32>,
    inverse: Matrix4<f32>,
}

/// A face as it was moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moved {
    /// The square where the network saw it, in the frame before and in this one.
    from: Region,
    before: Region,
    to: Region,
    /// What of the square does not fit, in its standard deviations.
    pub misfit: f32,
    /// The same of either eye.
    pub eyes: [f32; 2],
    /// How far the upper lids went down, in distances between the eye's corners, mean of both.
    pub lids: f32,
}

impl Moved {
    /// Whether a steady head can have moved so, with eyes that do not.
    pub fn is_steady(&self) -> bool {
        let (from, to) = (&self.before, &self.to);
        let steady = (to.x - from.x).hypot(to.y - from.y) <= FAST * from.size
            && (to.roll - from.roll).abs() <= TURNS
            && (to.size / from.size).ln().abs() <= GROWS;
        let eyes = self.eyes[0].max(self.eyes[1]);
        steady
            && self.lids.abs() <= LIDS_STILL
            && self.misfit <= MISFIT
            && eyes <= EYES_MISFIT.max(EYES_FACTOR * self.misfit)
    }

    /// Where a square is now.
    fn region(&self, region: &Region) -> Region {
        let [x, y] = self.point([region.x, region.y]);
        Region {
            x,
            y,
            size: region.size * self.to.size / self.from.size,
            roll: region.roll + self.to.roll - self.from.roll,
        }
    }

    fn point(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let scale = self.to.size / self.from.size;
        let (sin, cos) = (self.to.roll - self.from.roll).sin_cos();
        let (u, v) = ((x - self.from.x) * scale, (y - self.from.y) * scale);
        [self.to.x + cos * u - sin * v, self.to.y + sin * u + cos * v]
    }

    /// Where these points are now.
    fn points(&self, landmarks: &Landmarks) -> Landmarks {
        let scale = self.to.size / self.from.size;
        landmarks.map(|[x, y, z]| {
            let [x, y] = self.point([x, y]);
            [x, y, z * scale]
        })
    }
}

/// The square whose pixels are where `step` says that those of `region` should have been: shift
/// in its pixels, growth and turn.
fn back(region: &Region, step: &Vector4<f32>) -> Region {
    let (a, b) = (1.0 + step[2], step[3]);
    let square = a * a + b * b;
    // The middle's place before, by the inverse of the shift, growth and turn.
    let x = -(a * step[0] + b * step[1]) / square;
    let y = -(a * step[1] - b * step[0]) / square;
    let [x, y] = region.to_image(0.5 + x / SIDE as f32, 0.5 + y / SIDE as f32);
    Region {
        x,
        y,
        size: region.size / square.sqrt(),
        roll: region.roll - b.atan2(a),
    }
}

/// Moves a face from the frame that the network saw to those after it; keeps its buffers.
pub(crate) struct Between {
    square: Sampler,
    eye: Sampler,
    seen: Option<Seen>,
    /// The square, less its mean, by its deviation.
    template: Vec<f32>,
    /// For each of its pixels: how it changes with the shift, the scale and the turn, times its
    /// weight, and the weight itself.
    steepest: Vec<[f32; 5]>,
    eyes: [Vec<f32>; 2],
}

impl Between {
    pub fn new() -> Between {
        Between {
            square: Sampler::new(SIDE),
            eye: Sampler::new(EYE_SIDE),
            seen: None,
            template: vec![0.0; AREA],
            steepest: vec![[0.0; 5]; AREA],
            eyes: [(); 2].map(|()| vec![0.0; EYE_AREA]),
        }
    }

    /// Nothing was seen.
    pub fn forget(&mut self) {
        self.seen = None;
    }

    /// What the network said of a frame; the irises by the pixels are taken out of it again, for
    /// they are looked for anew from where the network puts them.
    pub fn remember(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        irises: &[Option<IrisFit>; 2],
    ) {
        self.seen = None;
        let mut landmarks = *landmarks;
        for (eye, fit) in irises.iter().enumerate() {
            if let Some(fit) = fit {
                moved_back(&mut landmarks, eye, fit);
            }
        }
        let landmarks = &landmarks;
        let [l, r] = OUTER_CORNER.map(|i| landmarks[i]);
        let (across, down) = (r[0] - l[0], r[1] - l[1]);
        let region = Region {
            x: (l[0] + r[0]) / 2.0 - BELOW * down,
            y: (l[1] + r[1]) / 2.0 + BELOW * across,
            size: REACH * across.hypot(down),
            roll: down.atan2(across),
        };
        if region.size.is_nan() || region.size < LEAST_PX || !self.square.brightness(frame, &region)
        {
            return;
        }
        let eyes = eye_regions(landmarks, EYE_REACH);
        for (region, to) in eyes.iter().zip(&mut self.eyes) {
            if !self.eye.brightness(frame, region) {
                return;
            }
            to.copy_from_slice(&self.eye.planes()[0]);
        }
        self.seen = self.take_in(frame, landmarks, region, eyes);
    }

    fn take_in(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        region: Region,
        eyes: [Region; 2],
    ) -> Option<Seen> {
        let square = &self.square.planes()[0];
        // In pixels of the square.
        let openings = eyes.map(|eye| {
            let [x, y] = region.from_image([eye.x, eye.y]).map(|v| v * SIDE as f32);
            let width = eye.size / EYE_REACH / region.size * SIDE as f32;
            [x, y, width * (0.5 + MARGIN), width * (0.3 + MARGIN)]
        });
        let weight = |x: usize, y: usize| {
            let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
            let inside = |o: &[f32; 4]| {
                let (x, y) = ((x - o[0]) / o[2], (y - o[1]) / o[3]);
                x * x + y * y < 1.0
            };
            if openings.iter().any(inside) {
                0.0
            } else {
                1.0
            }
        };
        let inner = 1..SIDE - 1;
        let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
        for (at, pixel) in self.steepest.iter_mut().enumerate() {
            let (x, y) = (at % SIDE, at / SIDE);
            let w = if inner.contains(&x) && inner.contains(&y) {
                weight(x, y)
            } else {
                0.0
            };
            *pixel = [0.0, 0.0, 0.0, 0.0, w];
            sum += w * square[at];
            squares += w * square[at] * square[at];
            count += w;
        }
        let mean = sum / f32::max(count, 1.0);
        let deviation = (squares / f32::max(count, 1.0) - mean * mean)
            .max(0.0)
            .sqrt();
        if deviation < LEAST_CONTRAST {
            return None;
        }
        for (to, from) in self.template.iter_mut().zip(square) {
            *to = (from - mean) / deviation;
        }
        let mut normal = Matrix4::zeros();
        let (mut sums, mut own) = (Vector4::zeros(), Vector4::zeros());
        for y in inner.clone() {
            for x in inner.clone() {
                let at = y * SIDE + x;
                let pixel = &mut self.steepest[at];
                let w = pixel[4];
                if w == 0.0 {
                    continue;
                }
                let t = &self.template;
                let gx = (t[at + 1] - t[at - 1]) / 2.0;
                let gy = (t[at + SIDE] - t[at - SIDE]) / 2.0;
                let middle = SIDE as f32 / 2.0;
                let (u, v) = (x as f32 + 0.5 - middle, y as f32 + 0.5 - middle);
                let j = Vector4::new(gx, gy, gx * u + gy * v, gy * u - gx * v) * w;
                pixel[..4].copy_from_slice(j.as_slice());
                normal += j * j.transpose();
                sums += j;
                own += j * t[at];
            }
        }
        Some(Seen {
            landmarks: *landmarks,
            size: [frame.width, frame.height],
            region,
            last: region,
            last_ns: frame.captured_ns,
            eyes,
            mean,
            deviation,
            weight: count,
            sums,
            own,
            inverse: normal.try_inverse()?,
        })
    }

    /// Lays the face over the frame after the one that was remembered, or followed last; none where
    /// what was remembered says nothing of this one, and it is forgotten then.
    pub fn follow(&mut self, frame: &Frame) -> Option<(Moved, Landmarks)> {
        let mut seen = self.seen.take()?;
        let passed = frame.captured_ns.checked_sub(seen.last_ns)?;
        if passed == 0 || passed > APART_NS || seen.size != [frame.width, frame.height] {
            return None;
        }
        let mut region = seen.last;
        let (mut gain, mut mean);
        let mut round = 0;
        let misfit = loop {
            if !self.square.brightness(frame, &region) {
                return None;
            }
            let (mut sums, mut fits) = (Vector4::<f32>::zeros(), 0.0);
            let (mut sum, mut squares) = (0.0, 0.0);
            let square = &self.square.planes()[0];
            for ((i, t), j) in square.iter().zip(&self.template).zip(&self.steepest) {
                let w = j[4] * i;
                sum += w;
                squares += w * i;
                fits += w * t;
                sums += Vector4::new(j[0], j[1], j[2], j[3]) * *i;
            }
            mean = sum / seen.weight;
            let deviation = (squares / seen.weight - mean * mean).max(0.0).sqrt();
            if deviation < LEAST_CONTRAST {
                return None;
            }
            gain = 1.0 / deviation;
            // Of the mean square of the difference of two patterns with a deviation of 1.
            let misfit = (2.0 - 2.0 * fits * gain / seen.weight).max(0.0).sqrt();
            let step = seen.inverse * ((sums - seen.sums * mean) * gain - seen.own);
            if !step.iter().all(|v| v.is_finite()) {
                return None;
            }
            region = back(&region, &step);
            let farthest = step[0].hypot(step[1]) + step[2].hypot(step[3]) * SIDE as f32 / 2.0;
            round += 1;
            if farthest < STILL || round == ROUNDS {
                break misfit;
            }
        };
        let mut moved = Moved {
            from: seen.region,
            before: seen.last,
            to: region,
            misfit,
            eyes: [0.0; 2],
            lids: 0.0,
        };
        let (mut down, mut steep) = (0.0, 0.0);
        for (eye, (region, before)) in seen.eyes.iter().zip(&self.eyes).enumerate() {
            if !self.eye.brightness(frame, &moved.region(region)) {
                return None;
            }
            let now = &self.eye.planes()[0];
            let off =
                |at: usize| (now[at] - mean) * gain - (before[at] - seen.mean) / seen.deviation;
            let squares = (0..EYE_AREA).map(|at| off(at) * off(at));
            moved.eyes[eye] = (squares.sum::<f32>() / EYE_AREA as f32).sqrt();
            // One step of Lucas and Kanade, downwards, about the rim of the upper lid.
            for rim in UPPER_LID_RIM[eye] {
                let [x, y, _] = seen.landmarks[rim];
                let [x, y] = seen.eyes[eye].from_image([x, y]);
                let inside = |v: f32, reach: usize| {
                    let v = (v.clamp(0.0, 1.0) * EYE_SIDE as f32) as usize;
                    v.saturating_sub(reach).max(1)..(v + reach + 1).min(EYE_SIDE - 1)
                };
                for row in inside(y, RIM[1]) {
                    for at in inside(x, RIM[0]).map(|column| row * EYE_SIDE + column) {
                        let slope = before[at + EYE_SIDE] - before[at - EYE_SIDE];
                        let slope = slope / 2.0 / seen.deviation;
                        down -= slope * off(at);
                        steep += slope * slope;
                    }
                }
            }
        }
        moved.lids = down / steep.max(f32::EPSILON) * EYE_REACH / EYE_SIDE as f32;
        let landmarks = moved.points(&seen.landmarks);
        (seen.last, seen.last_ns) = (region, frame.captured_ns);
        self.seen = Some(seen);
        Some((moved, landmarks))
    }
}

#[cfg(test)]
#[path = "between_tests.rs"]
mod tests;
