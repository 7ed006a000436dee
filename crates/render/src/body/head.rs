//! A person's head: shape from identity and face units, lids laid on the eyeballs,
//! the head turned on its neck.

use crate::body::assets::Assets;
use crate::body::shape::shaped;
use crate::body::template::{SIDES, Template};
use crate::eye::eyeball;
use crate::eye::lids::{Lids, Opening};
use crate::identity::Identity;
use crate::maths::{M3, V3, sin_cos, v3};

/// How far the lids' margins go with the limbus up and down.
///
/// Judged by people: two who looked at 4 × 4 targets on a laptop (368 pictures), seen by Google's
/// face mesh, heights against the line between the eye's corners. Per mm of the target's height,
/// as a share of the iris's answer to one mm sideways: upper lid 0.63, lower lid −0.02 and
/// −0.15, opening −0.68 and −0.80, iris 0.38 and 0.23. Six rendered people with these gains:
/// 0.59, −0.04, −0.66, 0.25. (With 0.78 and 0.3: 0.47, 0.06, −0.41, 0.36.) That the upper lid goes
/// with the eye nearly one to one is also what Becker and Fuchs (1988) measured.
const FOLLOW_UPPER: f32 = 1.0;
/// See [`FOLLOW_UPPER`].
const FOLLOW_LOWER: f32 = 0.2;
const ARKIT: [&str; 2] = ["Right", "Left"];

/// What a face does at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expression {
    /// Where each eye's optical axis points in the head's frame, in degrees to the
    /// image's right and up; image order.
    pub eyes: [[f64; 2]; 2],
    /// How far each eye's lids are shut by a blink, 0..1.
    pub shut: [f32; 2],
    /// Further face units by their ARKit names, with weights.
    pub units: Vec<(&'static str, f32)>,
}

/// What moves the lids of one eye, and where they rest.
#[derive(Debug)]
struct Eye {
    lids: Lids,
    /// y of the margins' middles in the shape at rest, against the eyeball's centre.
    rest: [f32; 2],
    /// How far the units move them: blink, wide (upper lid), squint (lower lid).
    travel: [f32; 3],
    /// The coarse vertices at the margins' middles.
    middles: [u16; 2],
}

/// A person's head, ready to be posed.
#[derive(Debug)]
pub struct Head {
    /// Whose it is.
    pub identity: Identity,
    /// Centres of the eyeballs in the head's frame (mm, origin between the eyes of the unchanged mesh), image order.
    pub eye_centres: [V3; 2],
    /// Corners of the eyes at rest in the same frame: each eye's one at the temple, then at the nose.
    pub eye_corners: [[V3; 2]; 2],
    /// What the head turns about, in the same frame.
    pub pivot: V3,
    base: Vec<V3>,
    eyes: [Eye; 2],
    eyes_joint: [usize; 2],
}

/// A head at one moment: camera frame, mm.
#[derive(Debug, Default, Clone)]
pub struct Posed {
    /// One per vertex of the template.
    pub positions: Vec<V3>,
    /// Unit normals, outwards.
    pub normals: Vec<V3>,
    coarse: Vec<V3>,
}

impl Head {
    /// Shapes a head and lays its lids on its eyeballs.
    pub fn new(identity: Identity) -> Head {
        let assets = Assets::bundled();
        let template = Template::bundled();
        let base = shaped(assets, &identity);
        let mut fine = Vec::new();
        template.surface.apply(&base, &mut fine);
        let moves = |unit: &str, vertex: u16| {
            assets.target(unit).map_or(0.0, |t| {
                (t.deltas.iter().find(|d| d.0 == vertex)).map_or(0.0, |d| d.1.y)
            }) * identity.scale
        };
        let mut eye_centres = [V3::ZERO; 2];
        let mut eye_corners = [[V3::ZERO; 2]; 2];
        let eyes = [0, 1].map(|eye| {
            let side = SIDES[eye];
            let old_centre = base[assets.joint(&format!("{side}-eye"))];
            let ring = assets.ring(&format!("{side}-margin"));
            let (upper, lower) = (ring[0], ring[ring.len() / 2 - 1]);
            let (u, l) = (base[usize::from(upper)], base[usize::from(lower)]);
            let corners = [base[usize::from(ring[7])], base[usize::from(ring[22])]];
            // The real eyeball: under the lower lid as the identity says, its front where
            // the margins are, a little outwards of the joint as the middle of the opening is.
            let y = l.y - identity.lower_lid_mm;
            let margin_radius = eyeball::RADIUS + 0.15;
            let depth =
                |p: V3| p.z + (margin_radius * margin_radius - (p.y - y) * (p.y - y)).sqrt();
            let x = old_centre.x + 0.8 * ((corners[0].x + corners[1].x) / 2.0 - old_centre.x);
            let centre = v3(x, y, (depth(u) + depth(l)) / 2.0);
            eye_centres[eye] = centre;
            let old_radius = ((u - old_centre).len() + (l - old_centre).len()) / 2.0;
            let nose = if eye == 0 { 1.0 } else { -1.0 };
            eye_corners[eye] = corners;
            eye_corners[eye].sort_by(|a, b| (nose * a.x).total_cmp(&(nose * b.x)));
            let lids = Lids::new(&fine, template.rings(eye), centre, nose, |p| {
                (p - old_centre).len() - old_radius
            });
            let unit = |name: &str| format!("unit/{name}{}", ARKIT[eye]);
            Eye {
                lids,
                middles: [upper, lower],
                rest: [u.y - y, l.y - y],
                travel: [
                    moves(&unit("eyeBlink"), upper),
                    moves(&unit("eyeWide"), upper),
                    moves(&unit("eyeSquint"), lower),
                ],
            }
        });
        let pivot = base[assets.joint("head")].mix(base[assets.joint("neck")], 0.35);
        let eyes_joint = SIDES.map(|s| assets.joint(&format!("{s}-eye")));
        Head {
            identity,
            eye_centres,
            eye_corners,
            pivot,
            base,
            eyes,
            eyes_joint,
        }
    }

    /// Where the middles of the lids' margins stand against the eyeball's centre
    /// (y down, mm): upper, lower. Lids follow the eye up and down; a blink
    /// brings the upper one to the lower; face units move them too.
    pub fn lid_heights(&self, eye: usize, expression: &Expression) -> [f32; 2] {
        let (sin, _) = sin_cos(expression.eyes[eye][1]);
        let iris = -(eyeball::LIMBUS_DEPTH * sin as f32);
        let shut = expression.shut[eye].clamp(0.0, 1.0);
        let [more_upper, more_lower] = self.lids_by_units(eye, expression);
        let [with_upper, with_lower] = self.identity.eyes.follow;
        let open_upper =
            -self.identity.upper_lid_mm + more_upper + iris * FOLLOW_UPPER * with_upper;
        let lower =
            self.identity.lower_lid_mm + more_lower + iris * FOLLOW_LOWER * with_lower - 0.6 * shut;
        let upper = open_upper.min(lower - 0.3);
        [upper + (lower + 0.25 - upper) * shut, lower]
    }

    /// How far the face units of an expression move the margins' middles (y, mm).
    fn lids_by_units(&self, eye: usize, expression: &Expression) -> [f32; 2] {
        let mut by = [0.0; 2];
        for (unit, w) in &expression.units {
            let Some(t) = Assets::bundled().target(&format!("unit/{unit}")) else {
                continue;
            };
            for (by, vertex) in by.iter_mut().zip(self.eyes[eye].middles) {
                let delta = t.deltas.iter().find(|d| d.0 == vertex);
                *by += delta.map_or(0.0, |d| d.1.y * w * self.identity.scale);
            }
        }
        by
    }

    /// The opening between the lids of an eye.
    pub fn opening(&self, eye: usize, expression: &Expression) -> Opening {
        self.eyes[eye]
            .lids
            .opening(self.lid_heights(eye, expression))
    }

    /// The head in the camera frame.
    ///
    /// `turn` is the head's rotation as angles (yaw, pitch, roll, degrees);
    /// `place` is where the middle between the eyes is when the head is not turned (mm).
    pub fn pose(&self, expression: &Expression, turn: [f64; 3], place: V3, posed: &mut Posed) {
        let assets = Assets::bundled();
        let template = Template::bundled();
        posed.coarse.clone_from(&self.base);
        let mut add = |name: &str, w: f32| {
            if let Some(t) = assets.target(name) {
                for &(i, d) in &t.deltas {
                    posed.coarse[usize::from(i)] += d * (w * self.identity.scale);
                }
            }
        };
        for &(unit, w) in &expression.units {
            add(&format!("unit/{unit}"), w);
        }
        for (eye, shape) in self.eyes.iter().enumerate() {
            let [upper, lower] = self.lid_heights(eye, expression);
            let (up, low) = (upper - shape.rest[0], lower - shape.rest[1]);
            let [blink, wide, squint] = shape.travel;
            if up > 0.0 {
                add(&format!("unit/eyeBlink{}", ARKIT[eye]), up / blink);
            } else {
                add(&format!("unit/eyeWide{}", ARKIT[eye]), up / wide);
            }
            add(&format!("unit/eyeSquint{}", ARKIT[eye]), low / squint);
        }
        template.surface.apply(&posed.coarse, &mut posed.positions);
        for (eye, shape) in self.eyes.iter().enumerate() {
            let [yaw, pitch] = expression.eyes[eye];
            let ((sy, cy), (sp, cp)) = (sin_cos(yaw), sin_cos(pitch));
            let optical = v3((cp * sy) as f32, -sp as f32, (-cp * cy) as f32);
            let opening = self.opening(eye, expression);
            let centre = self.eye_centres[eye];
            shape
                .lids
                .lay(centre, &opening, optical, &mut posed.positions);
            posed
                .positions
                .push(self.base[self.eyes_joint[eye]] + v3(0.0, 0.0, 4.0));
        }
        for &(from, by) in &template.below {
            let p = posed.positions[from as usize] + by * self.identity.scale;
            posed.positions.push(p);
        }
        // A vertex turns by its share of the angles: 0 chest … 1 skull, in 64 steps.
        let turns: Vec<M3> = (0..=64)
            .map(|i| {
                let w = f64::from(i) / 64.0;
                M3::from_head_angles(turn[0] * w, turn[1] * w, turn[2] * w)
            })
            .collect();
        for (p, follow) in posed.positions.iter_mut().zip(&template.follow) {
            let m = &turns[(follow * 64.0 + 0.5) as usize];
            *p = m.apply(*p - self.pivot) + self.pivot + place;
        }
        normals(&template.triangles, &posed.positions, &mut posed.normals);
    }

    /// A point of the skull's frame (mm, as `eye_centres`) in the camera frame.
    pub fn skull_to_camera(&self, p: V3, turn: [f64; 3], place: V3) -> V3 {
        M3::from_head_angles(turn[0], turn[1], turn[2]).apply(p - self.pivot) + self.pivot + place
    }
}

/// Unit normals of a mesh's vertices, weighted by area.
pub fn normals(triangles: &[[u32; 3]], positions: &[V3], out: &mut Vec<V3>) {
    out.clear();
    out.resize(positions.len(), V3::ZERO);
    for t in triangles {
        let [a, b, c] = [
            positions[t[0] as usize],
            positions[t[1] as usize],
            positions[t[2] as usize],
        ];
        let n = (b - a).cross(c - a);
        for &i in t {
            out[i as usize] += n;
        }
    }
    for n in out {
        *n = n.unit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn margin_gap(head: &Head, expression: &Expression) -> [f32; 2] {
        let mut posed = Posed::default();
        head.pose(expression, [0.0; 3], V3::ZERO, &mut posed);
        let ring = &Template::bundled().margins;
        [0, 1].map(|eye| {
            let n = ring[eye].len();
            let (u, l) = (
                posed.positions[ring[eye][0] as usize],
                posed.positions[ring[eye][n / 2 - 2] as usize],
            );
            l.y - u.y
        })
    }

    #[test]
    fn lids_open_follow_and_close() {
        let head = Head::new(Identity::demo());
        let straight = Expression::default();
        let open = margin_gap(&head, &straight);
        assert!(open.iter().all(|g| (8.0..11.0).contains(g)), "{open:?}");
        let down = Expression {
            eyes: [[0.0, -20.0]; 2],
            ..straight.clone()
        };
        assert!(margin_gap(&head, &down)[0] < open[0] - 1.0);
        let shut = Expression {
            shut: [1.0, 0.0],
            ..straight
        };
        let gap = margin_gap(&head, &shut);
        assert!(gap[0] < 0.4 && gap[1] > 8.0, "{gap:?}");
    }

    #[test]
    fn lids_lie_on_their_eyeball() {
        let head = Head::new(Identity::demo());
        let mut posed = Posed::default();
        for shut in [0.0, 0.5, 1.0] {
            let e = Expression {
                shut: [shut; 2],
                ..Expression::default()
            };
            head.pose(&e, [0.0; 3], V3::ZERO, &mut posed);
            for (eye, ring) in Template::bundled().margins.iter().enumerate() {
                let away = |i: u32| (posed.positions[i as usize] - head.eye_centres[eye]).len();
                assert!(
                    ring.iter().all(|&i| away(i) > eyeball::RADIUS - 0.6),
                    "{shut}"
                );
                // Above and below the pupil they touch it, cornea and all.
                for k in [0, 2, ring.len() / 2 - 2, ring.len() - 2] {
                    let p = posed.positions[ring[k] as usize] - head.eye_centres[eye];
                    let surface = eyeball::RADIUS + eyeball::bulge(-p.unit().z);
                    let gap = p.len() - surface;
                    assert!((0.0..0.4).contains(&gap), "{gap} mm at {k}, shut {shut}");
                }
            }
        }
    }

    #[test]
    fn the_two_sides_mirror_each_other() {
        let head = Head::new(Identity {
            details: Vec::new(),
            ..Identity::demo()
        });
        let [r, l] = head.eye_centres;
        assert!((r.x + l.x).abs() < 0.2 && (r.y - l.y).abs() < 0.2 && l.x > 28.0);
    }
}
