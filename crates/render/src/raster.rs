//! Which triangle each sample of the picture sees.

use crate::camera::Camera;
use crate::maths::V3;

/// No triangle.
pub const NOTHING: u32 = u32::MAX;
/// An eyeball, which is no triangle.
pub const EYEBALL: u32 = u32::MAX - 1;

/// What one sample sees.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// One over its depth (1/mm); 0 where there is nothing.
    pub inverse_z: f32,
    /// Index of the triangle, [`EYEBALL`] or [`NOTHING`].
    pub triangle: u32,
    /// Weights of the triangle's second and third corner, in the picture's plane.
    pub b: [f32; 2],
}

const EMPTY: Seen = Seen {
    inverse_z: 0.0,
    triangle: NOTHING,
    b: [0.0; 2],
};

/// The camera for the samples of a picture, in f32: like [`Camera`].
#[derive(Debug, Clone, Copy)]
pub struct Pinhole {
    /// Focal length in samples.
    pub f: [f32; 2],
    /// Principal point in samples.
    pub c: [f32; 2],
    /// Samples across.
    pub width: usize,
    /// Samples down.
    pub height: usize,
    k1: f32,
}

impl Pinhole {
    /// `supersample` samples along each side of a pixel.
    pub fn new(camera: &Camera, supersample: usize) -> Pinhole {
        let s = supersample as f64;
        let i = &camera.intrinsics;
        Pinhole {
            f: [(i.fx * s) as f32, (i.fy * s) as f32],
            c: [(i.cx * s) as f32, (i.cy * s) as f32],
            width: i.width as usize * supersample,
            height: i.height as usize * supersample,
            k1: camera.k1 as f32,
        }
    }
    /// Camera frame (mm) → x, y in samples and 1/z.
    #[inline]
    pub fn project(&self, p: V3) -> V3 {
        let i = 1.0 / p.z;
        let (x, y) = (p.x * i, p.y * i);
        let bend = 1.0 + self.k1 * (x * x + y * y);
        V3 {
            x: self.f[0] * x * bend + self.c[0],
            y: self.f[1] * y * bend + self.c[1],
            z: i,
        }
    }
    /// Direction of depth 1 through a sample's middle.
    #[inline]
    pub fn ray(&self, x: usize, y: usize) -> V3 {
        let u = (x as f32 + 0.5 - self.c[0]) / self.f[0];
        let v = (y as f32 + 0.5 - self.c[1]) / self.f[1];
        // The bend undone: a fixed point; eight rounds find it within 0.01 px, also in the corners.
        let mut k = 1.0;
        if self.k1 != 0.0 {
            for _ in 0..8 {
                let r2 = (u * u + v * v) / (k * k);
                k = 1.0 + self.k1 * r2;
            }
        }
        V3 {
            x: u / k,
            y: v / k,
            z: 1.0,
        }
    }
}

/// A z-buffer that remembers triangles.
#[derive(Debug, Default)]
pub struct Raster {
    /// Row by row.
    pub seen: Vec<Seen>,
    /// Samples across.
    pub width: usize,
    /// Samples down.
    pub height: usize,
}

impl Raster {
    /// Empties the buffer.
    pub fn clear(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.seen.clear();
        self.seen.resize(width * height, EMPTY);
    }

    /// Draws `triangles` over points that are already projected (x, y in samples,
    /// z = 1/depth, larger is nearer; not positive: behind the camera). Triangles seen
    /// from behind are left out. The first has the index `first`.
    pub fn add(&mut self, triangles: &[[u32; 3]], projected: &[V3], first: u32) {
        self.add_where(triangles, projected, first, |_, _, _| true);
    }

    /// As [`Raster::add`], but only where `keep` (number of the triangle, weights of its second
    /// and third corner) says so.
    pub(crate) fn add_where(
        &mut self,
        triangles: &[[u32; 3]],
        projected: &[V3],
        first: u32,
        keep: impl Fn(usize, f32, f32) -> bool,
    ) {
        let (width, height) = (self.width, self.height);
        for (i, t) in triangles.iter().enumerate() {
            let [a, b, c] = corners(t, projected);
            // In an image (y down) a triangle whose normal points at the camera has a negative area.
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
            if area >= 0.0 {
                continue;
            }
            let index = first + i as u32;
            cover([a, b, c], area, width, height, |at, z, wb, wc| {
                let s = &mut self.seen[at];
                if z > s.inverse_z && keep(i, wb, wc) {
                    *s = Seen {
                        inverse_z: z,
                        triangle: index,
                        b: [wb, wc],
                    };
                }
            });
        }
    }
}

/// The corners of a triangle.
#[inline(always)]
pub(crate) fn corners(t: &[u32; 3], of: &[V3]) -> [V3; 3] {
    [of[t[0] as usize], of[t[1] as usize], of[t[2] as usize]]
}

/// Visits the samples whose middle lies in a triangle: index, z, weights of the second and third corner.
#[inline]
pub(crate) fn cover(
    [a, b, c]: [V3; 3],
    area: f32,
    width: usize,
    height: usize,
    mut visit: impl FnMut(usize, f32, f32, f32),
) {
    let y_min = a.y.min(b.y).min(c.y);
    let y_max = a.y.max(b.y).max(c.y);
    let x_min = a.x.min(b.x).min(c.x);
    let x_max = a.x.max(b.x).max(c.x);
    if y_max < 0.5
        || x_max < 0.5
        || y_min > height as f32 - 0.5
        || x_min > width as f32 - 0.5
        || a.z <= 0.0
        || b.z <= 0.0
        || c.z <= 0.0
        || area == 0.0
    {
        return;
    }
    // First and last sample whose middle can lie inside.
    let x0 = (x_min + 0.5).max(0.0) as usize;
    let x1 = ((x_max + 0.5) as usize).min(width);
    let y0 = (y_min + 0.5).max(0.0) as usize;
    let y1 = ((y_max + 0.5) as usize).min(height);
    let inverse = 1.0 / area;
    let (abx, aby, acx, acy) = (b.x - a.x, b.y - a.y, c.x - a.x, c.y - a.y);
    for y in y0..y1 {
        let dy = y as f32 + 0.5 - a.y;
        for x in x0..x1 {
            let dx = x as f32 + 0.5 - a.x;
            let wb = (dx * acy - dy * acx) * inverse;
            let wc = (abx * dy - aby * dx) * inverse;
            let wa = 1.0 - wb - wc;
            if wa < 0.0 || wb < 0.0 || wc < 0.0 {
                continue;
            }
            visit(y * width + x, wa * a.z + wb * b.z + wc * c.z, wb, wc);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maths::v3;

    #[test]
    fn the_nearer_triangle_is_seen() {
        let p = [
            v3(0.0, 0.0, 0.01),
            v3(20.0, 0.0, 0.01),
            v3(0.0, 20.0, 0.01),
            v3(0.0, 0.0, 0.02),
            v3(8.0, 0.0, 0.02),
            v3(0.0, 8.0, 0.02),
        ];
        let mut r = Raster::default();
        for order in [[[0, 2, 1], [3, 5, 4]], [[3, 5, 4], [0, 2, 1]]] {
            r.clear(20, 20);
            r.add(&order, &p, 7);
            let near = 7 + order.iter().position(|t| t[0] == 3).unwrap() as u32;
            let far = 15 - near;
            assert_eq!(r.seen[20 + 1].triangle, near);
            assert_eq!(r.seen[8 * 20 + 8].triangle, far);
            assert_eq!(r.seen[19 * 20 + 19].triangle, NOTHING);
            assert_eq!(r.seen[20 + 1].inverse_z, 0.02);
        }
        r.clear(20, 20);
        r.add(&[[0, 1, 2]], &p, 0);
        assert!(
            r.seen.iter().all(|s| s.triangle == NOTHING),
            "from behind nothing is seen"
        );
    }

    #[test]
    fn neighbours_leave_no_gap_and_hug_the_edge_of_the_picture() {
        // A square of two triangles, larger than the picture.
        let p = [
            v3(-3.0, -3.0, 1.0),
            v3(13.0, -3.0, 1.0),
            v3(13.0, 13.0, 1.0),
            v3(-3.0, 13.0, 1.0),
        ];
        let mut r = Raster::default();
        r.clear(10, 10);
        r.add(&[[0, 2, 1], [0, 3, 2]], &p, 0);
        assert!(r.seen.iter().all(|s| s.triangle != NOTHING));
    }

    #[test]
    fn a_sample_s_ray_projects_back_onto_its_middle() {
        for k1 in [0.0, -0.08, 0.06] {
            let camera = Camera::from_fov(640, 480, 75.0, k1);
            let pinhole = Pinhole::new(&camera, 2);
            for (x, y) in [(0, 0), (1279, 959), (300, 700), (640, 480)] {
                let p = pinhole.ray(x, y) * 600.0;
                let back = pinhole.project(p);
                let off = (back.x - x as f32 - 0.5).hypot(back.y - y as f32 - 0.5);
                assert!(off < 0.01, "{k1} {x} {y}: {off}");
                let px = camera.project(nalgebra::Vector3::new(
                    f64::from(p.x),
                    f64::from(p.y),
                    f64::from(p.z),
                ));
                let wide = (px.x * 2.0 - f64::from(back.x)).hypot(px.y * 2.0 - f64::from(back.y));
                assert!(wide < 0.01, "{wide}");
            }
        }
    }
}
