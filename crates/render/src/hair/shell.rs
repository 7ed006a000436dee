//! Hair and cloth as surfaces over the head, with frayed edges.

use crate::body::head::{Posed, normals};
use crate::maths::{M3, V3, noise, v3};

/// Not tied to a vertex of the body.
pub(super) const FREE: u32 = u32::MAX;

/// A corner of a shell: head's frame at rest, mm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vertex {
    /// The body's vertex it rides on, or [`FREE`].
    pub(super) on: u32,
    /// Place, or offset from that vertex.
    pub(super) at: V3,
    /// Direction of the strands.
    pub(super) along: V3,
    /// Place in the noise that draws strands: changes quickly across them, slowly along.
    pub(super) grain: V3,
    /// How far inside the surface's border, mm.
    pub(super) edge: f32,
    /// Over how many mm the border frays.
    pub(super) fray: f32,
    /// Share of light that gets in.
    pub(super) open: f32,
    /// How far it follows the head's turn, 0..1.
    pub(super) follow: f32,
    /// 0 the head's hair, 1 the beard's.
    pub(super) beard: f32,
}

/// A surface of strands or cloth.
#[derive(Debug, Default)]
pub(crate) struct Shell {
    pub(super) vertices: Vec<Vertex>,
    /// At rest, unit, outwards.
    pub(super) normals: Vec<V3>,
    /// Seen from outside, then, from `inner` on, from inside: sheets all over, what lies on the
    /// head only near its border, where one can look under it. The first `casting` throw shadows.
    pub(crate) triangles: Vec<[u32; 3]>,
    pub(super) inner: usize,
    pub(crate) casting: usize,
    /// How much the silhouette frays, 0..1.
    pub(super) rim: f32,
    pub(super) knit: bool,
}

/// A shell as it is in one picture: camera frame.
#[derive(Debug, Default)]
pub(crate) struct PosedShell {
    pub(crate) positions: Vec<V3>,
    pub(super) normals: Vec<V3>,
    pub(super) along: Vec<V3>,
    /// How far inside the border, the silhouette being one too.
    edge: Vec<f32>,
    pub(crate) projected: Vec<V3>,
}

impl Shell {
    /// Adds a triangle whose normal points away from `inner`.
    pub(super) fn triangle(&mut self, t: [u32; 3], outwards: V3) {
        let [a, b, c] = t.map(|i| self.vertices[i as usize].at);
        let n = (b - a).cross(c - a);
        self.triangles.push(if n.dot(outwards) < 0.0 {
            [t[0], t[2], t[1]]
        } else {
            t
        });
    }

    /// To be called when all triangles are there: gives them normals and an inner side.
    /// Those from `thin` on are sheets with air on both sides. `base`: the rest positions of the body.
    pub(super) fn finish(&mut self, thin: usize, base: &[V3]) {
        let places: Vec<V3> = self
            .vertices
            .iter()
            .map(|v| {
                if v.on == FREE {
                    v.at
                } else {
                    base[v.on as usize] + v.at
                }
            })
            .collect();
        normals(&self.triangles, &places, &mut self.normals);
        self.inner = self.triangles.len();
        let (closed, sheets) = self.triangles.split_at(thin);
        let turned = |&[a, b, c]: &[u32; 3]| [a, c, b];
        let border = |t: &&[u32; 3]| t.iter().any(|&v| self.vertices[v as usize].edge < 40.0);
        let backs: Vec<_> = (sheets.iter())
            .chain(closed.iter().filter(border))
            .map(turned)
            .collect();
        self.casting = self.inner + sheets.len();
        self.triangles.extend(backs);
        for (v, n) in self.vertices.iter_mut().zip(&self.normals) {
            v.along = (v.along - *n * v.along.dot(*n)).unit();
        }
    }

    /// The shell of a head that is turned by `angles` about `pivot` and stands at `place`.
    pub(crate) fn pose(
        &self,
        body: &Posed,
        angles: [f64; 3],
        pivot: V3,
        place: V3,
        out: &mut PosedShell,
    ) {
        const STEPS: usize = 32;
        let turns: Vec<M3> = (0..=STEPS)
            .map(|i| {
                let w = i as f64 / STEPS as f64;
                M3::from_head_angles(angles[0] * w, angles[1] * w, angles[2] * w)
            })
            .collect();
        out.positions.clear();
        out.normals.clear();
        out.along.clear();
        out.edge.clear();
        for (v, n) in self.vertices.iter().zip(&self.normals) {
            let m = &turns[(v.follow * STEPS as f32 + 0.5) as usize];
            let p = if v.on == FREE {
                m.apply(v.at - pivot) + pivot + place
            } else {
                body.positions[v.on as usize] + m.apply(v.at)
            };
            let n = m.apply(*n);
            let facing = n.dot(p.unit()).abs();
            out.positions.push(p);
            out.normals.push(n);
            out.along.push(m.apply(v.along));
            out.edge
                .push(v.edge.min(v.fray * (1.0 - self.rim + facing * 6.0)));
        }
    }

    /// Whether hair is at this place of a triangle.
    #[inline]
    pub(crate) fn covers(&self, posed: &PosedShell, triangle: usize, wb: f32, wc: f32) -> bool {
        let [a, b, c] = self.triangles[triangle];
        let (a, b, c) = (a as usize, b as usize, c as usize);
        let wa = 1.0 - wb - wc;
        let e = &posed.edge;
        let edge = e[a] * wa + e[b] * wb + e[c] * wc;
        if edge <= 0.0 {
            return false;
        }
        let of = &self.vertices;
        let (a, b, c) = (&of[a], &of[b], &of[c]);
        let fray = a.fray * wa + b.fray * wb + c.fray * wc;
        if edge >= fray {
            return true;
        }
        let g = a.grain * wa + b.grain * wb + c.grain * wc;
        edge > fray * (0.5 + 0.5 * noise(v3(g.x * 0.8, g.y * 0.8, g.z)))
    }
}
