//! One step of Catmull–Clark subdivision (Catmull and Clark 1978), kept as
//! sparse weights so that a changed face costs one multiplication per weight.

use std::collections::{BTreeMap, HashMap};

use crate::maths::V3;

/// The subdivided topology of a quad mesh.
#[derive(Debug)]
pub struct Surface {
    starts: Vec<u32>,
    weights: Vec<(u16, f32)>,
    /// Triangles of the subdivided mesh, same winding as the quads.
    pub triangles: Vec<[u32; 3]>,
    edge_points: HashMap<(u16, u16), u32>,
}

impl Surface {
    /// Subdivides `quads` over vertices 0..`vertices`. Subdivided vertex `i <
    /// vertices` belongs to vertex `i`.
    pub fn new(vertices: usize, quads: &[[u16; 4]]) -> Surface {
        let key = |a: u16, b: u16| (a.min(b), a.max(b));
        // BTreeMap: the numbering of edge points is the same on every run.
        let mut edges: BTreeMap<(u16, u16), Vec<usize>> = BTreeMap::new();
        let mut faces_of: Vec<Vec<usize>> = vec![Vec::new(); vertices];
        for (f, q) in quads.iter().enumerate() {
            for k in 0..4 {
                edges.entry(key(q[k], q[(k + 1) % 4])).or_default().push(f);
                faces_of[usize::from(q[k])].push(f);
            }
        }
        let mut edges_of: Vec<Vec<(u16, u16)>> = vec![Vec::new(); vertices];
        for &(a, b) in edges.keys() {
            edges_of[usize::from(a)].push((a, b));
            edges_of[usize::from(b)].push((a, b));
        }

        let mut stencils: Vec<BTreeMap<u16, f32>> = Vec::new();
        let add = |s: &mut BTreeMap<u16, f32>, i: u16, w: f32| *s.entry(i).or_default() += w;
        for v in 0..vertices {
            let mut s = BTreeMap::new();
            let boundary: Vec<_> = edges_of[v]
                .iter()
                .filter(|e| edges[*e].len() == 1)
                .collect();
            let n = faces_of[v].len() as f32;
            if faces_of[v].is_empty() {
                add(&mut s, v as u16, 1.0);
            } else if boundary.len() == 2 {
                add(&mut s, v as u16, 0.75);
                for e in boundary {
                    let other = if usize::from(e.0) == v { e.1 } else { e.0 };
                    add(&mut s, other, 0.125);
                }
            } else if !boundary.is_empty() {
                add(&mut s, v as u16, 1.0);
            } else {
                // (mean of face points + 2 · mean of edge middles + (n − 3) · vertex) / n
                for &f in &faces_of[v] {
                    for &c in &quads[f] {
                        add(&mut s, c, 0.25 / (n * n));
                    }
                }
                let m = edges_of[v].len() as f32;
                for e in &edges_of[v] {
                    add(&mut s, e.0, 1.0 / (m * n));
                    add(&mut s, e.1, 1.0 / (m * n));
                }
                add(&mut s, v as u16, (n - 3.0) / n);
            }
            stencils.push(s);
        }
        for q in quads {
            let mut s = BTreeMap::new();
            for &c in q {
                add(&mut s, c, 0.25);
            }
            stencils.push(s);
        }
        let mut edge_points = HashMap::new();
        for (&(a, b), faces) in &edges {
            edge_points.insert((a, b), stencils.len() as u32);
            let mut s = BTreeMap::new();
            let middle = if faces.len() == 2 { 0.25 } else { 0.5 };
            add(&mut s, a, middle);
            add(&mut s, b, middle);
            if faces.len() == 2 {
                for &f in faces {
                    for &c in &quads[f] {
                        add(&mut s, c, 0.25 / 4.0);
                    }
                }
            }
            stencils.push(s);
        }

        let mut triangles = Vec::with_capacity(quads.len() * 8);
        for (f, q) in quads.iter().enumerate() {
            let centre = (vertices + f) as u32;
            for k in 0..4 {
                let before = edge_points[&key(q[(k + 3) % 4], q[k])];
                let after = edge_points[&key(q[k], q[(k + 1) % 4])];
                triangles.push([u32::from(q[k]), after, centre]);
                triangles.push([u32::from(q[k]), centre, before]);
            }
        }
        let mut starts = vec![0u32];
        let mut weights = Vec::new();
        for s in stencils {
            weights.extend(s);
            starts.push(weights.len() as u32);
        }
        Surface {
            starts,
            weights,
            triangles,
            edge_points,
        }
    }

    /// How many vertices the subdivided mesh has.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no vertex at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The subdivided vertex in the middle of an edge of the quads.
    pub fn edge_point(&self, a: u16, b: u16) -> u32 {
        self.edge_points[&(a.min(b), a.max(b))]
    }

    /// A closed ring of the coarse mesh with its edge points between.
    pub fn ring(&self, coarse: &[u16]) -> Vec<u32> {
        (0..coarse.len())
            .flat_map(|i| {
                let (a, b) = (coarse[i], coarse[(i + 1) % coarse.len()]);
                [u32::from(a), self.edge_point(a, b)]
            })
            .collect()
    }

    /// Positions of the subdivided vertices from those of the coarse ones.
    pub fn apply(&self, coarse: &[V3], fine: &mut Vec<V3>) {
        fine.clear();
        fine.extend(self.starts.windows(2).map(|w| {
            self.weights[w[0] as usize..w[1] as usize]
                .iter()
                .fold(V3::ZERO, |s, &(i, k)| s + coarse[usize::from(i)] * k)
        }));
    }

    /// A mask of the coarse mesh (0..=255) on the fine one (0..1).
    pub fn apply_mask(&self, coarse: &[u8]) -> Vec<f32> {
        self.starts
            .windows(2)
            .map(|w| {
                self.weights[w[0] as usize..w[1] as usize]
                    .iter()
                    .map(|&(i, k)| f32::from(coarse[usize::from(i)]) / 255.0 * k)
                    .sum()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maths::v3;

    #[test]
    fn a_cube_becomes_catmull_and_clarks() {
        let corners: Vec<V3> = (0..8)
            .map(|i| {
                let s = |b: i32| if i & b == 0 { -1.0 } else { 1.0 };
                v3(s(1), s(2), s(4))
            })
            .collect();
        let quads = [
            [0, 1, 3, 2],
            [4, 6, 7, 5],
            [0, 4, 5, 1],
            [2, 3, 7, 6],
            [0, 2, 6, 4],
            [1, 5, 7, 3],
        ];
        let s = Surface::new(8, &quads);
        assert_eq!((s.len(), s.triangles.len()), (8 + 6 + 12, 48));
        let mut fine = Vec::new();
        s.apply(&corners, &mut fine);
        // Known: corners at 5/9, face points at 1, edge points at 3/4 of the cube's half width.
        assert!((fine[7] - v3(5.0, 5.0, 5.0) / 9.0).len() < 1e-6);
        assert!((fine[8] - v3(0.0, 0.0, -1.0)).len() < 1e-6);
        let edge = fine[s.edge_point(0, 1) as usize];
        assert!((edge - v3(0.0, -0.75, -0.75)).len() < 1e-6);
    }
}
