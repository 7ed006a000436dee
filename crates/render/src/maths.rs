//! Small vectors, smooth steps and a generator of random numbers.
//!
//! Everything a picture depends on is built from the four operations and the
//! square root, which IEEE 754 fixes to the last bit, and from the crate
//! `libm`'s functions, which are made of those: the same seed gives the same
//! picture on any machine. `f32::sin` and its like would not.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// Three numbers: a place or a direction, or linear red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct V3 {
    /// x, or red.
    pub x: f32,
    /// y, or green.
    pub y: f32,
    /// z, or blue.
    pub z: f32,
}

/// Short for [`V3`].
#[inline]
pub const fn v3(x: f32, y: f32, z: f32) -> V3 {
    V3 { x, y, z }
}

impl V3 {
    /// (0, 0, 0).
    pub const ZERO: V3 = v3(0.0, 0.0, 0.0);

    /// The same number three times.
    #[inline]
    pub const fn splat(a: f32) -> V3 {
        v3(a, a, a)
    }
    /// Inner product.
    #[inline]
    pub fn dot(self, o: V3) -> f32 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }
    /// Outer product.
    #[inline]
    pub fn cross(self, o: V3) -> V3 {
        v3(
            self.y * o.z - self.z * o.y,
            self.z * o.x - self.x * o.z,
            self.x * o.y - self.y * o.x,
        )
    }
    /// Product of components.
    #[inline]
    pub fn times(self, o: V3) -> V3 {
        v3(self.x * o.x, self.y * o.y, self.z * o.z)
    }
    /// Length.
    #[inline]
    pub fn len(self) -> f32 {
        self.dot(self).sqrt()
    }
    /// Of length one; zero stays zero.
    #[inline]
    pub fn unit(self) -> V3 {
        let l = self.len();
        if l > 1e-20 { self / l } else { V3::ZERO }
    }
    /// (1−t)·self + t·o.
    #[inline]
    pub fn mix(self, o: V3, t: f32) -> V3 {
        self + (o - self) * t
    }
}

impl Add for V3 {
    type Output = V3;
    #[inline]
    fn add(self, o: V3) -> V3 {
        v3(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}
impl AddAssign for V3 {
    #[inline]
    fn add_assign(&mut self, o: V3) {
        *self = *self + o;
    }
}
impl Sub for V3 {
    type Output = V3;
    #[inline]
    fn sub(self, o: V3) -> V3 {
        v3(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}
impl Mul<f32> for V3 {
    type Output = V3;
    #[inline]
    fn mul(self, a: f32) -> V3 {
        v3(self.x * a, self.y * a, self.z * a)
    }
}
impl Div<f32> for V3 {
    type Output = V3;
    #[inline]
    fn div(self, a: f32) -> V3 {
        self * (1.0 / a)
    }
}
impl Neg for V3 {
    type Output = V3;
    #[inline]
    fn neg(self) -> V3 {
        self * -1.0
    }
}

/// A rotation, or any 3×3 matrix: its columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct M3(pub V3, pub V3, pub V3);

impl M3 {
    /// The matrix that changes nothing.
    pub const IDENTITY: M3 = M3(v3(1.0, 0.0, 0.0), v3(0.0, 1.0, 0.0), v3(0.0, 0.0, 1.0));

    /// Matrix times vector.
    #[inline]
    pub fn apply(&self, p: V3) -> V3 {
        self.0 * p.x + self.1 * p.y + self.2 * p.z
    }
    /// Transposed matrix times vector: the inverse of a rotation.
    #[inline]
    pub fn apply_inverse(&self, p: V3) -> V3 {
        v3(self.0.dot(p), self.1.dot(p), self.2.dot(p))
    }
    /// Head → camera of a head whose forward axis (−z) has this yaw and pitch
    /// and which then rolls about it: degrees, signs as in the project's conventions.
    pub fn from_head_angles(yaw: f64, pitch: f64, roll: f64) -> M3 {
        let (sy, cy) = sin_cos(-yaw);
        let (sp, cp) = sin_cos(-pitch);
        let (sr, cr) = sin_cos(roll);
        // Ry(−yaw) · Rx(−pitch) · Rz(roll)
        let column = |x: f64, y: f64, z: f64| {
            let (y1, z1) = (y * cp - z * sp, y * sp + z * cp);
            v3(
                (x * cy + z1 * sy) as f32,
                y1 as f32,
                (-x * sy + z1 * cy) as f32,
            )
        };
        M3(
            column(cr, sr, 0.0),
            column(-sr, cr, 0.0),
            column(0.0, 0.0, 1.0),
        )
    }
}

/// Sine and cosine of degrees.
pub fn sin_cos(degrees: f64) -> (f64, f64) {
    let r = degrees.to_radians();
    (libm::sin(r), libm::cos(r))
}

/// (1−t)·a + t·b.
#[inline]
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `lo`, 1 above `hi`, a smooth cubic between. `lo` may exceed `hi`.
#[inline]
pub fn smoothstep(lo: f32, hi: f32, x: f32) -> f32 {
    let t = ((x - lo) / (hi - lo)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A small generator of random numbers: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Streams of different seeds are unrelated.
    pub fn new(seed: u64) -> Rng {
        Rng(seed ^ 0x5851_f42d_4c95_7f2d)
    }
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 24) as f32
    }
    /// Uniform in lo..hi.
    pub fn range(&mut self, lo: f32, hi: f32) -> f32 {
        mix(lo, hi, self.unit())
    }
    /// About normal, deviation 1, never beyond ±3.5 (the sum of twelve uniforms, scaled).
    pub fn normal(&mut self) -> f32 {
        let sum: f32 = (0..12).map(|_| self.unit()).sum();
        (sum - 6.0).clamp(-3.5, 3.5)
    }
}

/// A seed of its own for part number `n` of the purpose `what`.
pub fn mix_seed(seed: u64, what: u64, n: u64) -> u64 {
    let mut r = Rng::new(seed ^ what.rotate_left(40));
    let a = r.bits();
    Rng::new(a ^ n.wrapping_mul(0xd6e8_feb8_6659_fd93)).bits()
}

/// A number in 0..1 that belongs to a lattice point.
#[inline]
pub fn hash3(x: i32, y: i32, z: i32) -> f32 {
    let mut h = (x as u32).wrapping_mul(0x8da6_b343)
        ^ (y as u32).wrapping_mul(0xd816_3841)
        ^ (z as u32).wrapping_mul(0xcb1a_b31f);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2c1b_3c6d);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297a_2d39);
    h ^= h >> 15;
    (h >> 8) as f32 / (1u32 << 24) as f32
}

/// Smooth noise in −1..1, one lattice cell per unit.
#[inline]
pub fn noise(p: V3) -> f32 {
    // `f32::floor` is a call on processors older than its instruction.
    let floor = |v: f32| v as i32 - i32::from((v as i32 as f32) > v);
    let (x, y, z) = (floor(p.x), floor(p.y), floor(p.z));
    let (fx, fy, fz) = (x as f32, y as f32, z as f32);
    let s = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v, w) = (s(p.x - fx), s(p.y - fy), s(p.z - fz));
    let row = |y: i32, z: i32| mix(hash3(x, y, z), hash3(x + 1, y, z), u);
    let plane = |z: i32| mix(row(y, z), row(y + 1, z), v);
    mix(plane(z), plane(z + 1), w) * 2.0 - 1.0
}

/// As [`noise`], with its gradient.
#[inline]
pub fn noise_gradient(p: V3) -> (f32, V3) {
    let floor = |v: f32| v as i32 - i32::from((v as i32 as f32) > v);
    let (x, y, z) = (floor(p.x), floor(p.y), floor(p.z));
    let (fx, fy, fz) = (p.x - x as f32, p.y - y as f32, p.z - z as f32);
    let s = |t: f32| t * t * (3.0 - 2.0 * t);
    let ds = |t: f32| 6.0 * t * (1.0 - t);
    let (u, v, w) = (s(fx), s(fy), s(fz));
    let (du, dv, dw) = (ds(fx), ds(fy), ds(fz));
    let a = hash3(x, y, z);
    let b = hash3(x + 1, y, z);
    let c = hash3(x, y + 1, z);
    let d = hash3(x + 1, y + 1, z);
    let e = hash3(x, y, z + 1);
    let f = hash3(x + 1, y, z + 1);
    let g = hash3(x, y + 1, z + 1);
    let h = hash3(x + 1, y + 1, z + 1);
    let k1 = b - a;
    let k2 = c - a;
    let k3 = e - a;
    let k4 = a - b - c + d;
    let k5 = a - c - e + g;
    let k6 = a - b - e + f;
    let k7 = b + c + e + h - a - d - f - g;
    let value =
        a + k1 * u + k2 * v + k3 * w + k4 * u * v + k5 * v * w + k6 * w * u + k7 * u * v * w;
    let gradient = v3(
        du * (k1 + k4 * v + k6 * w + k7 * v * w),
        dv * (k2 + k4 * u + k5 * w + k7 * u * w),
        dw * (k3 + k5 * v + k6 * u + k7 * u * v),
    );
    (value * 2.0 - 1.0, gradient * 2.0)
}

/// Noise of several scales, each half as wide and half as strong as the one before.
#[inline]
pub fn fbm(p: V3, octaves: u32) -> f32 {
    let (mut sum, mut weight, mut q) = (0.0, 0.5, p);
    for _ in 0..octaves {
        sum += weight * noise(q);
        weight *= 0.5;
        q = q * 2.03 + v3(17.3, 5.1, 9.7);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_angles_have_the_projects_signs() {
        let forward = v3(0.0, 0.0, -1.0);
        let right = M3::from_head_angles(20.0, 0.0, 0.0).apply(forward);
        assert!(right.x > 0.3 && right.y.abs() < 1e-6);
        let up = M3::from_head_angles(0.0, 20.0, 0.0).apply(forward);
        assert!(up.y < -0.3 && up.x.abs() < 1e-6);
        // Clockwise in the image: the image-right of the head sinks.
        let roll = M3::from_head_angles(0.0, 0.0, 20.0).apply(v3(1.0, 0.0, 0.0));
        assert!(roll.y > 0.3 && roll.z.abs() < 1e-6);
        let both = M3::from_head_angles(20.0, 10.0, 30.0).apply(forward);
        assert!((both.x.atan2(-both.z).to_degrees() - 20.0).abs() < 1e-3);
        assert!(((-both.y).asin().to_degrees() - 10.0).abs() < 1e-3);
    }

    #[test]
    fn the_gradient_is_the_noise_s_own() {
        let mut r = Rng::new(4);
        for _ in 0..200 {
            let p = v3(r.range(-9.0, 9.0), r.range(-9.0, 9.0), r.range(-9.0, 9.0));
            let (value, g) = noise_gradient(p);
            assert!((value - noise(p)).abs() < 1e-5);
            let e = 1e-3;
            let dx = (noise(p + v3(e, 0.0, 0.0)) - noise(p - v3(e, 0.0, 0.0))) / (2.0 * e);
            let dz = (noise(p + v3(0.0, 0.0, e)) - noise(p - v3(0.0, 0.0, e))) / (2.0 * e);
            assert!((g.x - dx).abs() < 0.02 && (g.z - dz).abs() < 0.02, "{g:?}");
        }
    }

    #[test]
    fn noise_is_bounded_and_centred() {
        let mut rng = Rng::new(1);
        let mut sum = 0.0;
        for _ in 0..4000 {
            let n = noise(v3(
                rng.range(-99.0, 99.0),
                rng.range(-99.0, 99.0),
                rng.range(-99.0, 99.0),
            ));
            assert!(n.abs() <= 1.0);
            sum += n;
        }
        assert!((sum / 4000.0).abs() < 0.05);
    }
}
