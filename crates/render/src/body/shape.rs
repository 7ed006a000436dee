//! The shape of one person, looking straight ahead.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::body::assets::Assets;
use crate::body::template::SIDES;
use crate::identity::Identity;
use crate::maths::{V3, smoothstep};

/// See [`shaped`].
const EYE_STRETCH: f32 = 0.16;

/// The coarse mesh of a person, looking straight ahead: mm, origin between the eyes.
pub(super) fn shaped(assets: &Assets, who: &Identity) -> Vec<V3> {
    let mut p = assets.vertices.clone();
    for (name, w) in who.macros().iter().chain(&who.details) {
        if *w != 0.0
            && let Some(t) = assets.target(name)
        {
            for &(i, d) in &t.deltas {
                p[usize::from(i)] += d * *w;
            }
        }
    }
    // The asset's eyes are 23 mm from corner to corner, people's 28 to 30: stretched
    // sideways about each eye, fading out on cheek and nose.
    for side in SIDES {
        let c = p[assets.joint(&format!("{side}-eye"))];
        for q in &mut p[..assets.mesh_len] {
            let (dx, dy) = (q.x - c.x, q.y - c.y);
            let near = 1.0 - smoothstep(11.0, 30.0, (dx * dx + dy * dy).sqrt());
            let front = smoothstep(8.0, -2.0, q.z - c.z);
            q.x += dx * EYE_STRETCH * near * front;
        }
    }
    let middle = (p[assets.joint("l-eye")] + p[assets.joint("r-eye")]) * 0.5;
    for q in &mut p {
        *q = (*q - middle) * who.scale;
    }
    drape(assets, &mut p);
    p
}

/// A shirt hangs over the chest and does not follow it: between collar, sides and waist
/// each vertex is drawn to the mean of its neighbours, again and again.
fn drape(assets: &Assets, p: &mut [V3]) {
    static WORN: OnceLock<Vec<(usize, f32, Vec<u16>)>> = OnceLock::new();
    let worn = WORN.get_or_init(|| {
        let mut neighbours = vec![Vec::new(); assets.mesh_len];
        let mut edges = BTreeMap::new();
        for (q, _) in assets
            .quads
            .iter()
            .zip(&assets.groups)
            .filter(|q| *q.1 == 0)
        {
            for k in 0..4 {
                let (a, b) = (q[k], q[(k + 1) % 4]);
                neighbours[usize::from(a)].push(b);
                *edges.entry((a.min(b), a.max(b))).or_insert(0) += 1;
            }
        }
        // Where the mesh ends it stays as it is.
        for ((a, b), _) in edges.into_iter().filter(|(_, faces)| *faces == 1) {
            neighbours[usize::from(a)].clear();
            neighbours[usize::from(b)].clear();
        }
        // How far each is drawn, by its place on the unshaped body.
        let of = |(i, near): (usize, Vec<u16>)| {
            let q = assets.vertices[i];
            let share = smoothstep(185.0, 225.0, q.y) * smoothstep(150.0, 115.0, q.x.abs());
            (share > 0.0 && !near.is_empty()).then_some((i, share, near))
        };
        neighbours.into_iter().enumerate().filter_map(of).collect()
    });
    for _ in 0..150 {
        for (i, share, near) in worn {
            let sum = near.iter().fold(V3::ZERO, |s, &j| s + p[usize::from(j)]);
            p[*i] = p[*i].mix(sum / near.len() as f32, *share);
        }
    }
}
