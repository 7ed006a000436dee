//! Which triangle each sample of the picture sees.

use rayon::prelude::*;

use crate::maths::V3;

/// No triangle.
pub const NOTHING: u32 = u32::MAX;

/// What one sample sees.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// One over its depth (1/mm); 0 where there is nothing.
    pub inverse_z: f32,
    /// Index of the triangle, or [`NOTHING`].
    pub triangle: u32,
    /// Weights of the triangle's second and third corner, in the picture's plane.
    pub b: [f32; 2],
}

const EMPTY: Seen = Seen {
    inverse_z: 0.0,
    triangle: NOTHING,
    b: [0.0; 2],
};

/// A pinhole for the samples of a picture: like [`gaze::camera::Intrinsics`] in f32.
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
}

impl Pinhole {
    /// `supersample` samples along each side of a pixel.
    pub fn new(camera: &gaze::camera::Intrinsics, supersample: usize) -> Pinhole {
        let s = supersample as f64;
        Pinhole {
            f: [(camera.fx * s) as f32, (camera.fy * s) as f32],
            c: [(camera.cx * s) as f32, (camera.cy * s) as f32],
            width: camera.width as usize * supersample,
            height: camera.height as usize * supersample,
        }
    }
    /// Camera frame (mm) → x, y in samples and 1/z.
    pub fn project(&self, p: V3) -> V3 {
        let i = 1.0 / p.z;
        V3 {
            x: self.f[0] * p.x * i + self.c[0],
            y: self.f[1] * p.y * i + self.c[1],
            z: i,
        }
    }
    /// Direction of depth 1 through a sample's middle.
    pub fn ray(&self, x: usize, y: usize) -> V3 {
        V3 {
            x: (x as f32 + 0.5 - self.c[0]) / self.f[0],
            y: (y as f32 + 0.5 - self.c[1]) / self.f[1],
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
}

impl Raster {
    /// Draws `triangles` over points that are already projected (x, y in samples,
    /// z = 1/depth, larger is nearer; not positive: behind the camera). With
    /// `cull`, triangles seen from behind are left out.
    pub fn draw(
        &mut self,
        triangles: &[[u32; 3]],
        projected: &[V3],
        width: usize,
        height: usize,
        cull: bool,
    ) {
        self.width = width;
        self.seen.clear();
        self.seen.resize(width * height, EMPTY);
        let band = height.div_ceil(8).max(16);
        self.seen
            .par_chunks_mut(band * width)
            .enumerate()
            .for_each(|(k, rows)| {
                let top = k * band;
                let bottom = top + rows.len() / width;
                for (i, t) in triangles.iter().enumerate() {
                    let [a, b, c] = *t;
                    let corners = [
                        projected[a as usize],
                        projected[b as usize],
                        projected[c as usize],
                    ];
                    draw_one(i as u32, corners, rows, width, top, bottom, cull);
                }
            });
    }
}

fn draw_one(
    index: u32,
    [a, b, c]: [V3; 3],
    rows: &mut [Seen],
    width: usize,
    top: usize,
    bottom: usize,
    cull: bool,
) {
    let y_min = a.y.min(b.y).min(c.y);
    let y_max = a.y.max(b.y).max(c.y);
    if y_max < top as f32 || y_min > bottom as f32 || a.z <= 0.0 || b.z <= 0.0 || c.z <= 0.0 {
        return;
    }
    // In an image (y down) a triangle whose normal points at the camera has a negative area.
    let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    if area == 0.0 || (cull && area > 0.0) {
        return;
    }
    let x0 = (a.x.min(b.x).min(c.x) - 0.5).max(0.0) as usize;
    let x1 = ((a.x.max(b.x).max(c.x) + 0.5).max(0.0) as usize).min(width);
    let y0 = ((y_min - 0.5).max(0.0) as usize).max(top);
    let y1 = ((y_max + 0.5).max(0.0) as usize).min(bottom);
    let inverse = 1.0 / area;
    for y in y0..y1 {
        let py = y as f32 + 0.5;
        for x in x0..x1 {
            let px = x as f32 + 0.5;
            let wb = ((px - a.x) * (c.y - a.y) - (py - a.y) * (c.x - a.x)) * inverse;
            let wc = ((b.x - a.x) * (py - a.y) - (b.y - a.y) * (px - a.x)) * inverse;
            let wa = 1.0 - wb - wc;
            if wa < 0.0 || wb < 0.0 || wc < 0.0 {
                continue;
            }
            let z = wa * a.z + wb * b.z + wc * c.z;
            let s = &mut rows[(y - top) * width + x];
            if z > s.inverse_z {
                *s = Seen {
                    inverse_z: z,
                    triangle: index,
                    b: [wb, wc],
                };
            }
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
        for order in [[[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]] {
            r.draw(&order, &p, 20, 20, false);
            let near = order.iter().position(|t| t[0] == 3).unwrap() as u32;
            assert_eq!(r.seen[20 + 1].triangle, near);
            assert_eq!(r.seen[8 * 20 + 8].triangle, 1 - near);
            assert_eq!(r.seen[19 * 20 + 19].triangle, NOTHING);
            assert_eq!(r.seen[20 + 1].inverse_z, 0.02);
        }
    }
}
