//! Where the irises are, by the pixels: the limbus, the edge between iris and white, is
//! looked for along rays from where the landmark network puts the iris.
//!
//! The network sees the whole face in 256 × 256 pixels and sets irises between the lids
//! that it sees; it follows a third of their travel up and down. The limbus is a circle of
//! nearly the same size in every adult, dark inside and bright outside, and what the lids
//! leave of it tells its centre to a fraction of a pixel. Integro-differential operators
//! look for it so (J. Daugman 1993), rays from within find it at the pupil (Starburst:
//! D. Li, D. Winfield and D. Parkhurst 2005); here each ray's steepest rise is one
//! measurement of the circle, and least squares with the network's word as the prior put
//! them together, those far off left out (Tukey's weights).
//!
//! On the way from frame to sample: allocates nothing after its first frame.

use gaze::landmarks::{IRIS_CENTRE, LOWER_LID_LINE, Landmarks, UPPER_LID_LINE};
use nalgebra::{Matrix3, Vector3};

use crate::frame::Frame;
use crate::region::Region;
use crate::sampler::Sampler;

/// Irises of a smaller radius than this, pixels, show no edge to speak of.
const LEAST_PX: f32 = 1.5;
/// Pixels on a side of the square that is looked at.
const SIDE: usize = 56;
/// Half a side of it, in radii of the iris.
const REACH: f32 = 1.75;
/// Rays around the circle.
const RAYS: usize = 48;
/// Readings along a ray, from `FIRST` radii on, `STEP` apart.
const READINGS: usize = 21;
const FIRST: f32 = 0.5;
const STEP: f32 = 0.05;
/// A rise is the difference of two readings so many steps to either side.
const HALF: usize = 3;
/// How far from the circle an edge may lie, in radii: less in every round.
const WINDOWS: [f32; 4] = [0.30, 0.22, 0.16, 0.14];
/// Standard deviations of the prior, in radii: the network's centre across and down, and
/// its radius, which is good: circles of another size are a lid's or the pupil's.
const PRIOR: [f32; 3] = [0.5, 0.7, 0.08];
/// Standard deviation of one ray's edge, in radii.
const EDGE: f32 = 0.05;
/// Further from the fitted circle than this an edge is another one.
const OTHER: f32 = 0.25;
/// Lids are drawn so much into the opening, in radii: lashes and shade above, tears below.
const UPPER_MARGIN: f32 = 0.2;
const LOWER_MARGIN: f32 = 0.15;
/// Rays steeper than this meet lids.
const STEEPEST: f32 = 0.78;
/// Rises below this are noise, above [`CLEAR`] are as good as any; of 0–255.
const FAINT: f32 = 4.0;
const CLEAR: f32 = 60.0;

/// One eye's iris by the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct IrisFit {
    /// From the network's centre to the found one, image pixels.
    pub shift_px: [f32; 2],
    /// Radius, image pixels.
    pub radius_px: f32,
    /// Standard deviation of the centre, in radii: along the eyes' line, and across it.
    pub sigma: [f32; 2],
    /// Weight of the rays that belong to the circle on its left and right: at most 1 each.
    pub sides: [f32; 2],
}

impl IrisFit {
    /// How much of what is known of the centre comes from the pixels and not from the
    /// network, 0..=1: along the eyes' line, and across it.
    pub fn weight(&self) -> [f64; 2] {
        std::array::from_fn(|axis| {
            let left = self.sigma[axis] / PRIOR[axis];
            f64::from((1.0 - left * left).clamp(0.0, 1.0))
        })
    }
}

/// Finds irises; keeps its buffers.
pub(crate) struct IrisFinder {
    sampler: Sampler,
}

impl IrisFinder {
    pub fn new() -> IrisFinder {
        IrisFinder {
            sampler: Sampler::new(SIDE),
        }
    }

    /// Image-left eye first; `None` where the picture shows no circle to go by.
    pub fn find(&mut self, frame: &Frame, lm: &Landmarks) -> [Option<IrisFit>; 2] {
        let [l, r] = IRIS_CENTRE.map(|i| lm[i]);
        let roll = (r[1] - l[1]).atan2(r[0] - l[0]);
        [0, 1].map(|eye| self.find_one(frame, lm, eye, roll))
    }

    fn find_one(
        &mut self,
        frame: &Frame,
        lm: &Landmarks,
        eye: usize,
        roll: f32,
    ) -> Option<IrisFit> {
        let [cx, cy, _] = lm[IRIS_CENTRE[eye]];
        let radius = (1..5)
            .map(|k| {
                let p = lm[IRIS_CENTRE[eye] + k];
                (p[0] - cx).hypot(p[1] - cy)
            })
            .sum::<f32>()
            / 4.0;
        if radius.is_nan() || radius < LEAST_PX {
            return None;
        }
        let region = Region {
            x: cx,
            y: cy,
            size: 2.0 * REACH * radius,
            roll,
        };
        if !self.sampler.brightness(frame, &region) {
            return None;
        }
        let (sin, cos) = roll.sin_cos();
        // Into the square's own axes, in radii about the network's centre.
        let place = |i: usize| {
            let (x, y) = ((lm[i][0] - cx) / radius, (lm[i][1] - cy) / radius);
            [cos * x + sin * y, cos * y - sin * x]
        };
        let opening = Opening {
            upper: UPPER_LID_LINE[eye].map(place),
            lower: LOWER_LID_LINE[eye].map(place),
        };
        let fit = Patch(&self.sampler.planes()[0]).circle(&opening)?;
        let [x, y] = [fit.at[0] * radius, fit.at[1] * radius];
        Some(IrisFit {
            shift_px: [cos * x - sin * y, sin * x + cos * y],
            radius_px: radius * (1.0 + fit.at[2]),
            sigma: fit.sigma,
            sides: fit.sides,
        })
    }
}

/// Moves the iris points of an eye to where the pixels show them.
pub(crate) fn moved(lm: &mut Landmarks, eye: usize, fit: &IrisFit) {
    for p in &mut lm[IRIS_CENTRE[eye]..IRIS_CENTRE[eye] + 5] {
        p[0] += fit.shift_px[0];
        p[1] += fit.shift_px[1];
    }
}

/// Undoes [`moved`].
pub(crate) fn moved_back(lm: &mut Landmarks, eye: usize, fit: &IrisFit) {
    let [x, y] = fit.shift_px.map(|v| -v);
    let back = IrisFit {
        shift_px: [x, y],
        ..*fit
    };
    moved(lm, eye, &back);
}

/// The lids' rims from corner to corner, in radii.
struct Opening {
    upper: [[f32; 2]; 9],
    lower: [[f32; 2]; 9],
}

impl Opening {
    fn holds(&self, [x, y]: [f32; 2]) -> bool {
        let inside =
            |(above, below): (f32, f32)| y > above + UPPER_MARGIN && y < below - LOWER_MARGIN;
        height(&self.upper, x)
            .zip(height(&self.lower, x))
            .is_some_and(inside)
    }
}

/// Where a rim is at `x`; none beside it.
fn height(rim: &[[f32; 2]; 9], x: f32) -> Option<f32> {
    rim.windows(2).find_map(|w| {
        let (a, b) = if w[0][0] <= w[1][0] {
            (w[0], w[1])
        } else {
            (w[1], w[0])
        };
        (x >= a[0] && x <= b[0]).then(|| {
            let share = (x - a[0]) / (b[0] - a[0]).max(1e-6);
            a[1] + (b[1] - a[1]) * share
        })
    })
}

/// Brightness of the square.
struct Patch<'a>(&'a [f32]);

/// A circle about the network's: centre x, y and radius − 1, in its radii.
struct Circle {
    at: [f32; 3],
    sigma: [f32; 2],
    sides: [f32; 2],
}

/// One ray's edge.
#[derive(Clone, Copy, Default)]
struct Edge {
    direction: [f32; 2],
    /// Beyond the circle, in radii.
    beyond: f32,
    weight: f32,
}

impl Patch<'_> {
    fn circle(&self, opening: &Opening) -> Option<Circle> {
        let prior = Matrix3::from_diagonal(&Vector3::from(PRIOR.map(|s| 1.0 / (s * s))));
        let mut at = Vector3::<f32>::zeros();
        let mut covariance = Matrix3::zeros();
        let mut sides = [0.0; 2];
        for window in WINDOWS {
            let edges: [Edge; RAYS] =
                std::array::from_fn(|ray| self.edge(ray, &at, window, opening));
            let mut step = Vector3::<f32>::zeros();
            for _ in 0..5 {
                let (mut normal, mut right) = (prior, -(prior * at));
                sides = [0.0; 2];
                for e in &edges {
                    let row = Vector3::new(e.direction[0], e.direction[1], 1.0);
                    let off = (e.beyond - row.dot(&step)) / OTHER;
                    let inlier = (1.0 - off * off).max(0.0).powi(2);
                    let weight = e.weight * inlier / (EDGE * EDGE);
                    normal += row * row.transpose() * weight;
                    right += row * (weight * e.beyond);
                    sides[usize::from(e.direction[0] > 0.0)] +=
                        e.weight * inlier / (RAYS / 4) as f32;
                }
                covariance = normal.try_inverse()?;
                step = covariance * right;
            }
            at += step;
        }
        let finite = at.iter().all(|v| v.is_finite());
        finite.then(|| Circle {
            at: at.into(),
            sigma: [covariance[(0, 0)].sqrt(), covariance[(1, 1)].sqrt()],
            sides,
        })
    }

    /// The steepest rise along a ray near the circle `at`.
    fn edge(&self, ray: usize, at: &Vector3<f32>, window: f32, opening: &Opening) -> Edge {
        let angle = std::f32::consts::TAU * ray as f32 / RAYS as f32;
        let (sin, cos) = angle.sin_cos();
        if sin.abs() >= STEEPEST {
            return Edge::default();
        }
        let radius = 1.0 + at.z;
        let point = |far: f32| [at.x + cos * far * radius, at.y + sin * far * radius];
        let mut readings = [0.0; READINGS];
        for (k, reading) in readings.iter_mut().enumerate() {
            *reading = self.read(point(FIRST + STEP * k as f32));
        }
        let rise = |k: usize| readings[k + HALF] - readings[k - HALF];
        let near = |k: &usize| (FIRST + STEP * *k as f32 - 1.0).abs() <= window + 1e-3;
        let candidates = || (HALF..READINGS - HALF).filter(near);
        let Some(best) = candidates().max_by(|a, b| rise(*a).total_cmp(&rise(*b))) else {
            return Edge::default();
        };
        let peak = rise(best);
        // At the window's end it is not an edge but the slope of another one.
        let ends = [candidates().next(), candidates().next_back()];
        if peak <= FAINT || ends.contains(&Some(best)) {
            return Edge::default();
        }
        let (before, after) = (rise(best - 1), rise(best + 1));
        let bend = before - 2.0 * peak + after;
        let between = if bend < -1e-6 {
            (0.5 * (before - after) / bend).clamp(-1.0, 1.0)
        } else {
            0.0
        };
        let far = FIRST + STEP * (best as f32 + between);
        if !opening.holds(point(far)) {
            return Edge::default();
        }
        Edge {
            direction: [cos, sin],
            beyond: (far - 1.0) * radius,
            weight: peak.min(CLEAR) / CLEAR,
        }
    }

    /// Brightness at a place, bilinear; the rim's beyond the square.
    fn read(&self, [x, y]: [f32; 2]) -> f32 {
        let scale = SIDE as f32 / (2.0 * REACH);
        let last = (SIDE - 1) as f32;
        let u = ((x + REACH) * scale - 0.5).clamp(0.0, last);
        let v = ((y + REACH) * scale - 0.5).clamp(0.0, last);
        let (i, j) = ((u as usize).min(SIDE - 2), (v as usize).min(SIDE - 2));
        let (fu, fv) = (u - i as f32, v - j as f32);
        let row = |j: usize| {
            let (a, b) = (self.0[j * SIDE + i], self.0[j * SIDE + i + 1]);
            a + (b - a) * fu
        };
        let (top, bottom) = (row(j), row(j + 1));
        top + (bottom - top) * fv
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::PixelFormat;
    use proptest::prelude::*;

    const WIDTH: u32 = 160;
    const HEIGHT: u32 = 90;

    /// Two drawn eyes. The network's iris has a radius of 6 px and its centre in the middle
    /// of an almond of 30 px; the true one is elsewhere.
    #[derive(Debug, Clone)]
    struct Drawn {
        /// From the network's iris to the true one, its radii, on the eyes' own axes.
        off: [f32; 2],
        /// Radius of the true one, pixels.
        radius: f32,
        roll: f32,
        /// The upper lid's height above the middle, radii.
        lid: f32,
        iris: f32,
        sclera: f32,
        /// A screen's reflection, on the axes of the eye from the true iris, its radii.
        glint: Option<[f32; 2]>,
    }

    const R: f32 = 6.0;

    impl Default for Drawn {
        fn default() -> Self {
            Drawn {
                off: [0.0; 2],
                radius: R,
                roll: 0.0,
                lid: 0.8,
                iris: 60.0,
                sclera: 190.0,
                glint: None,
            }
        }
    }

    impl Drawn {
        fn middle(&self, eye: usize) -> [f32; 2] {
            let (sin, cos) = self.roll.sin_cos();
            let half = if eye == 0 { -35.0 } else { 35.0 };
            [80.0 + half * cos, 45.0 + half * sin]
        }

        /// From an eye's own axes, in radii, to the picture.
        fn place(&self, eye: usize, [x, y]: [f32; 2]) -> [f32; 2] {
            let (sin, cos) = self.roll.sin_cos();
            let [mx, my] = self.middle(eye);
            [mx + R * (cos * x - sin * y), my + R * (sin * x + cos * y)]
        }

        fn upper(&self, x: f32) -> f32 {
            -self.lid * (1.0 - (x / 2.5).powi(2))
        }

        fn lower(x: f32) -> f32 {
            0.9 * (1.0 - (x / 2.5).powi(2))
        }

        fn landmarks(&self) -> Landmarks {
            let mut lm: Landmarks = [[0.0; 3]; gaze::landmarks::COUNT];
            let mut put = |i: usize, eye: usize, at: [f32; 2]| {
                let [x, y] = self.place(eye, at);
                lm[i] = [x, y, 0.0];
            };
            for eye in 0..2 {
                let c = IRIS_CENTRE[eye];
                let around = [[0.0, 0.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0], [0.0, 1.0]];
                for (k, at) in around.into_iter().enumerate() {
                    put(c + k, eye, at);
                }
                for k in 0..9 {
                    // From the outer corner: on the image's left for the left eye.
                    let x = (k as f32 / 4.0 - 1.0) * if eye == 0 { 2.5 } else { -2.5 };
                    put(UPPER_LID_LINE[eye][k], eye, [x, self.upper(x)]);
                    put(LOWER_LID_LINE[eye][k], eye, [x, Self::lower(x)]);
                }
            }
            lm
        }

        fn brightness(&self, x: f32, y: f32) -> f32 {
            let eye = usize::from(x > 80.0);
            let (sin, cos) = self.roll.sin_cos();
            let [mx, my] = self.middle(eye);
            let (dx, dy) = ((x - mx) / R, (y - my) / R);
            let [u, v] = [cos * dx + sin * dy, cos * dy - sin * dx];
            if v < self.upper(u) || v > Self::lower(u) {
                return 140.0; // skin
            }
            let (du, dv) = (u - self.off[0], v - self.off[1]);
            let lit = |[gx, gy]: [f32; 2]| (du - gx).abs() < 0.2 && (dv - gy).abs() < 0.15;
            if self.glint.is_some_and(lit) {
                return 250.0;
            }
            if du.hypot(dv) * R < self.radius {
                self.iris
            } else {
                self.sclera
            }
        }

        /// As a camera sees it: every pixel the mean of its area, a little blurred.
        fn frame(&self) -> Frame {
            let mut frame = Frame::default();
            frame.reset(WIDTH, HEIGHT, PixelFormat::Gray8);
            for (i, out) in frame.data.iter_mut().enumerate() {
                let (x, y) = (i as u32 % WIDTH, i as u32 / WIDTH);
                let mut sum = 0.0;
                for k in 0..25 {
                    let part = |k: usize| (k as f32 + 0.5) / 5.0 * 1.6 - 0.3;
                    sum += self.brightness(x as f32 + part(k % 5), y as f32 + part(k / 5));
                }
                *out = (sum / 25.0).round() as u8;
            }
            frame
        }

        /// How far the found circles are from the drawn ones: across, down, radius; radii.
        fn errors(&self) -> [[f32; 3]; 2] {
            let found = IrisFinder::new().find(&self.frame(), &self.landmarks());
            let (sin, cos) = self.roll.sin_cos();
            found.map(|fit| {
                let fit = fit.expect("an iris");
                let [x, y] = fit.shift_px.map(|v| v / R);
                let [u, v] = [cos * x + sin * y, cos * y - sin * x];
                let radius = (fit.radius_px - self.radius) / R;
                [u - self.off[0], v - self.off[1], radius]
            })
        }
    }

    prop_compose! {
        fn eyes()(x in -0.25..0.25f32, y in -0.25..0.25f32, radius in 5.6..6.4f32,
                  roll in -0.4..0.4f32, lid in 0.6..0.9f32, sclera in 165.0..220.0f32) -> Drawn {
            Drawn { off: [x, y], radius, roll, lid, sclera, ..Drawn::default() }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_circle_is_found_where_it_was_drawn(eyes in eyes()) {
            for [x, y, radius] in eyes.errors() {
                // 0.03 of 6 px are a fifth of a pixel.
                prop_assert!(x.abs() < 0.03, "across {x}");
                prop_assert!(y.abs() < 0.15, "down {y}");
                prop_assert!(radius.abs() < 0.12, "radius {radius}");
            }
        }

        #[test]
        fn a_reflection_on_its_rim_does_not_move_it(angle in 0.0..std::f32::consts::TAU) {
            let glint = Some([0.9 * angle.cos(), 0.9 * angle.sin()]);
            let eyes = Drawn { off: [0.15, 0.1], glint, ..Drawn::default() };
            for [x, y, _] in eyes.errors() {
                prop_assert!(x.abs() < 0.06 && y.abs() < 0.15, "{x} {y}");
            }
        }
    }

    #[test]
    fn without_an_edge_the_networks_word_stands() {
        let flat = Drawn {
            iris: 150.0,
            sclera: 151.0,
            ..Drawn::default()
        };
        for fit in IrisFinder::new().find(&flat.frame(), &flat.landmarks()) {
            let fit = fit.unwrap();
            assert!(fit.weight().iter().all(|w| *w < 0.05), "{fit:?}");
            assert!(fit.shift_px.iter().all(|v| v.abs() < 0.1 * R), "{fit:?}");
        }
        let clear = Drawn::default();
        for fit in IrisFinder::new().find(&clear.frame(), &clear.landmarks()) {
            let fit = fit.unwrap();
            assert!(fit.weight().iter().all(|w| *w > 0.95), "{fit:?}");
            assert!(fit.sides.iter().all(|s| *s > 0.4), "{fit:?}");
        }
    }

    #[test]
    fn an_eye_beside_the_picture_or_without_a_size_is_none() {
        let eyes = Drawn::default();
        let mut lm = eyes.landmarks();
        for p in &mut lm[IRIS_CENTRE[0]..IRIS_CENTRE[0] + 5] {
            p[0] -= 400.0;
        }
        lm[IRIS_CENTRE[1]..IRIS_CENTRE[1] + 5].fill([f32::NAN; 3]);
        assert_eq!(IrisFinder::new().find(&eyes.frame(), &lm), [None; 2]);
        let points = [eyes.landmarks()[IRIS_CENTRE[0]]; gaze::landmarks::COUNT];
        assert_eq!(IrisFinder::new().find(&eyes.frame(), &points), [None; 2]);
    }
}
