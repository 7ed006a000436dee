//! What all heads share: topology, masks, and the mean adult's shape.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::body::assets::Assets;
use crate::body::shape::shaped;
use crate::body::surface::Surface;
use crate::identity::Identity;
use crate::maths::{V3, smoothstep, v3};

/// Names of the two sides, in the image's order: the subject's right eye is on the image's left.
pub const SIDES: [&str; 2] = ["r", "l"];

/// What all heads share: topology, masks, and the mean adult's shape.
#[derive(Debug)]
pub struct Template {
    /// Subdivision of the body's quads.
    pub surface: Surface,
    /// Triangles of the subdivided mesh and of the two cones that close the sockets.
    pub triangles: Vec<[u32; 3]>,
    /// Where each vertex is on the mean adult (mm, origin between the eyes):
    /// a coordinate that means the same place on every head.
    pub reference: Vec<V3>,
    /// Masks over the vertices, 0..1.
    pub masks: Masks,
    /// How far a vertex follows the head's turn: 0 chest, 1 skull.
    pub follow: Vec<f32>,
    /// Rings of fine vertices around each eye (image order): margin of the lid towards the eyeball.
    pub margins: [Vec<u32>; 2],
    /// The ring outside of it, where skin begins and lashes grow.
    pub lash_lines: [Vec<u32>; 2],
    folds: [Vec<u32>; 2],
    edges: [Vec<u32>; 2],
    /// Vertices that carry the body on below where the asset ends: each hangs from another, by so much (mm).
    pub(super) below: Vec<(u32, V3)>,
}

/// Parts of the skin, per vertex.
#[derive(Debug)]
pub struct Masks {
    /// Red of the lips.
    pub lips: Vec<f32>,
    /// Ears.
    pub ears: Vec<f32>,
    /// Inside of the mouth.
    pub mouth: Vec<f32>,
    /// Wet, pink insides of the lids.
    pub wet: Vec<f32>,
}

impl Template {
    /// The template of the bundled asset.
    pub fn bundled() -> &'static Template {
        static TEMPLATE: OnceLock<Template> = OnceLock::new();
        TEMPLATE.get_or_init(|| Template::new(Assets::bundled()))
    }

    fn new(assets: &Assets) -> Template {
        let quads: Vec<_> = (assets.quads.iter().zip(&assets.groups))
            .filter(|(_, g)| **g == 0)
            .map(|(q, _)| *q)
            .collect();
        let surface = Surface::new(assets.mesh_len, &quads);
        let mut triangles = surface.triangles.clone();
        let n = surface.len() as u32;
        let base = shaped(assets, &Identity::reference());
        let mut reference = Vec::new();
        surface.apply(&base, &mut reference);
        for side in SIDES {
            reference.push(base[assets.joint(&format!("{side}-eye"))]);
        }
        let (below, more) = hanging(&surface.triangles, &reference);
        for (from, by) in &below {
            reference.push(reference[*from as usize] + *by);
        }
        let mut wet = vec![0.0; reference.len()];
        for (eye, side) in SIDES.iter().enumerate() {
            let fold = surface.ring(assets.ring(&format!("{side}-fold")));
            for i in 0..fold.len() {
                let (a, b) = (fold[i], fold[(i + 1) % fold.len()]);
                let ends = if eye == 1 { [b, a] } else { [a, b] };
                triangles.push([ends[0], ends[1], n + eye as u32]);
            }
            for v in fold {
                wet[v as usize] = 1.0;
            }
            // The lower lid shows its wet edge; the upper one's looks down, into its own shadow.
            for (name, lower) in [("margin", 0.8), ("edge", 0.45)] {
                let ring = surface.ring(assets.ring(&format!("{side}-{name}")));
                for (k, v) in ring.iter().enumerate() {
                    let below = (ring.len() / 4..ring.len() * 3 / 4).contains(&k);
                    wet[*v as usize] = if below { lower } else { lower * 0.4 };
                }
            }
            wet[n as usize + eye] = 1.0;
        }
        triangles.extend(more);
        let with_cones = |name| {
            let mut m = surface.apply_mask(assets.mask(name));
            m.resize(reference.len(), 0.0);
            m
        };
        let masks = Masks {
            lips: with_cones("lips"),
            ears: with_cones("ears"),
            mouth: with_cones("mouth"),
            wet,
        };
        let neck = base[assets.joint("neck")];
        let follow = reference
            .iter()
            .map(|p| smoothstep(5.0, 75.0, (neck.y - p.y) + 0.6 * (neck.z - p.z)))
            .collect();
        let ring = |name: &str| SIDES.map(|s| surface.ring(assets.ring(&format!("{s}-{name}"))));
        Template {
            margins: ring("margin"),
            lash_lines: ring("skin"),
            folds: ring("fold"),
            edges: ring("edge"),
            triangles,
            reference,
            masks,
            follow,
            below,
            surface,
        }
    }
}

impl Template {
    /// The rings around an eye, from its inside outwards: fold, margin, edge, skin.
    pub(super) fn rings(&self, eye: usize) -> [&[u32]; 4] {
        [&self.folds, &self.margins, &self.edges, &self.lash_lines].map(|r| &r[eye][..])
    }
}

/// The asset ends at the waist and in the upper arms: its three open edges are drawn on,
/// in two steps each. New vertices are numbered from the end of `points`.
fn hanging(triangles: &[[u32; 3]], points: &[V3]) -> (Vec<(u32, V3)>, Vec<[u32; 3]>) {
    // An edge that only one triangle has, in that triangle's direction.
    let mut edges = BTreeMap::new();
    for t in triangles {
        for k in 0..3 {
            let (a, b) = (t[k], t[(k + 1) % 3]);
            if edges.remove(&(b, a)).is_none() {
                edges.insert((a, b), ());
            }
        }
    }
    let mut below = Vec::new();
    let mut more = Vec::new();
    let mut hung: BTreeMap<u32, [u32; 2]> = BTreeMap::new();
    let edge_of_body = |v: u32| points[v as usize].y > 300.0;
    for &(a, b) in edges.keys() {
        if !edge_of_body(a) || !edge_of_body(b) {
            continue;
        }
        let [a, b] = [a, b].map(|v| {
            let steps = *hung.entry(v).or_insert_with(|| {
                let x = points[v as usize].x;
                // The waist falls straight; arms come in and forward, to a table.
                let step = if x.abs() < 200.0 {
                    v3(0.0, 500.0, 0.0)
                } else {
                    v3(-x.signum() * 25.0, 130.0, -60.0)
                };
                let first = (points.len() + below.len()) as u32;
                below.extend([(v, step), (first, step)]);
                [first, first + 1]
            });
            [v, steps[0], steps[1]]
        });
        for k in 0..2 {
            more.push([b[k], a[k], a[k + 1]]);
            more.push([b[k], a[k + 1], b[k + 1]]);
        }
    }
    (below, more)
}
