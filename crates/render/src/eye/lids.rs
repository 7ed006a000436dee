//! The lids of one eye: the opening between them as two curves, and the mesh laid along these.
//!
//! Socket frame: origin at the eyeball's centre, the head's axes but x towards the nose; mm.

use crate::eye::eyeball;
use crate::maths::{V3, mix, smoothstep, v3};

/// Where the margin of a lid touches the eyeball: this far over it, mm.
const TOUCH: f32 = 0.12;
/// How thick a lid is at its edge, mm: from the eyeball to where the lashes stand.
const THICK: f32 = 1.7;
/// How far a lid's edge leans away from the opening over its thickness, mm: the upper one
/// hides its underside, the lower one shows its pink upper side.
const LEAN: [f32; 2] = [0.30, 0.85];

/// The opening between the lids of one eye, socket frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opening {
    /// The corner at the nose: x, y.
    pub inner: [f32; 2],
    /// The corner at the temple.
    pub outer: [f32; 2],
    /// Height (y) of the upper lid's margin before the eyeball's centre.
    pub upper: f32,
    /// Height of the lower one's.
    pub lower: f32,
}

impl Opening {
    /// 0 at the temple's corner, 1 at the nose's.
    fn along(&self, x: f32) -> f32 {
        ((x - self.outer[0]) / (self.inner[0] - self.outer[0])).clamp(0.0, 1.0)
    }

    fn curve(&self, x: f32, height: f32, full: f32) -> f32 {
        // Almond: a bow on the line between the corners, narrowing to a beak at the nose.
        let bow = |u: f32| {
            let s = 2.0 * u - 1.0;
            (1.0 - s * s) * (1.0 + full * s * s) * (1.0 - 0.38 * smoothstep(0.72, 0.98, u))
        };
        let line = |u: f32| mix(self.outer[1], self.inner[1], u);
        let (u, middle) = (self.along(x), self.along(0.0));
        line(u) + (height - line(middle)) * bow(u) / bow(middle)
    }

    /// Height of the lower lid's margin at `x`.
    pub fn lower_at(&self, x: f32) -> f32 {
        self.curve(x, self.lower, 0.15)
    }

    /// Height of the upper lid's margin at `x`, never below the lower one's.
    pub fn upper_at(&self, x: f32) -> f32 {
        self.curve(x, self.upper, 0.40).min(self.lower_at(x) + 0.1)
    }

    /// Whether a line of sight finds the way in: `p` a place on the eye, `v` the unit
    /// direction to the viewer (socket frame). It must pass both rims of both lids' edges.
    pub fn shows(&self, p: V3, v: V3) -> bool {
        let inside = |radius: f32, lean: [f32; 2]| {
            let (b, c) = (p.dot(v), p.dot(p) - radius * radius);
            let q = p + v * ((b * b - c).max(0.0).sqrt() - b).max(0.0);
            q.y > self.upper_at(q.x) - lean[0] && q.y < self.lower_at(q.x) + lean[1]
        };
        inside(eyeball::RADIUS + TOUCH, [0.0; 2]) && inside(eyeball::RADIUS + TOUCH + THICK, LEAN)
    }
}

/// A place around the opening: one vertex of each of the four rings of the mesh.
#[derive(Debug)]
struct Around {
    /// Fold, margin, edge, skin: from the eye's inside outwards.
    vertices: [u32; 4],
    /// 0 at the temple, 1 at the nose.
    along: f32,
    upper: bool,
    /// How much higher it lies than a pointed corner would: people's inner corner is round.
    round: f32,
    /// The margin's depth at rest, and the way from it to fold, edge and skin.
    depth: f32,
    ways: [V3; 3],
}

/// A vertex near the opening: whom it follows, and how far.
#[derive(Debug)]
struct Follower {
    vertex: u32,
    leaders: [(u8, f32); LEADERS],
}
const LEADERS: usize = 6;

/// How the mesh lies around one eye.
#[derive(Debug)]
pub(crate) struct Lids {
    /// +1 if the nose is at the image's right.
    nose: f32,
    around: Vec<Around>,
    followers: Vec<Follower>,
    /// Fine vertices near the eye, how far each stands off the eyeball (mm) and how strictly
    /// it is held there.
    held: Vec<(u32, f32, f32)>,
    /// The corners of the opening: inner, outer.
    corners: [[f32; 2]; 2],
}

impl Lids {
    /// Learns the lids of a shape at rest. `rings`: fold, margin, edge, skin, each from the middle
    /// of the upper lid over the temple to the lower lid and the nose; `off`: how far a
    /// vertex stands off the asset's own eyeball.
    pub(crate) fn new(
        fine: &[V3],
        rings: [&[u32]; 4],
        centre: V3,
        nose: f32,
        off: impl Fn(V3) -> f32,
    ) -> Lids {
        let n = rings[1].len();
        let socket = |p: V3| v3((p.x - centre.x) * nose, p.y - centre.y, p.z - centre.z);
        let at = |ring: usize, k: usize| socket(fine[rings[ring][k] as usize]);
        // Where the asset's margins are rounded, people's lids meet at a point.
        let (temple, inner) = (n / 4, 3 * n / 4 + 2);
        let mean = |k: usize| (at(1, k - 1) + at(1, k) + at(1, k + 1)) / 3.0;
        let (o, i) = (mean(temple), mean(inner));
        let (outer, inner_x) = ([(o.x * 0.93).max(-13.4), o.y], i.x * 1.02);
        let corners = [[inner_x, i.y], outer];
        // At the nose the asset's rings are rumpled: the mean of seven ways is smooth.
        let way = |r: usize, k: usize| {
            let one = |j: usize| at(r, (k + n + j - 3) % n) - at(1, (k + n + j - 3) % n);
            (0..7).fold(V3::ZERO, |s, j| s + one(j)) / 7.0
        };
        let around = (0..n)
            .map(|k| {
                let m = at(1, k);
                Around {
                    vertices: [0, 1, 2, 3].map(|r| rings[r][k]),
                    along: ((m.x - o.x) / (i.x - o.x)).clamp(0.0, 1.0),
                    upper: k <= temple || k >= inner,
                    round: 0.5
                        * (m.y - i.y)
                        * smoothstep(0.5, 1.0, (m.x - i.x * 0.8) / (i.x * 0.2)),
                    depth: m.z,
                    ways: [0, 2, 3].map(|r| way(r, k)),
                }
            })
            .collect::<Vec<_>>();
        let ringed: std::collections::BTreeSet<u32> =
            rings.iter().flat_map(|r| r.iter().copied()).collect();
        let (mut held, mut followers) = (Vec::new(), Vec::new());
        for (v, &p) in fine.iter().enumerate() {
            let q = socket(p);
            let across = (q.x * q.x + q.y * q.y).sqrt();
            let stand = off(p);
            if across > 26.0 || q.z > -1.0 && across < 20.0 && stand < 0.0 {
                continue;
            }
            if ringed.contains(&(v as u32)) || !(-4.0..12.0).contains(&stand) {
                continue;
            }
            let mut near: Vec<(u8, f32)> = (0..n)
                .map(|k| {
                    let d = at(3, k) - q;
                    (k as u8, d.dot(d))
                })
                .collect();
            near.sort_by(|a, b| a.1.total_cmp(&b.1));
            let share = 1.0 - smoothstep(1.0, 9.0, near[0].1.sqrt());
            // Next to the lid's edge the skin stands off as the edge does.
            let mut off_edge = stand;
            if share > 0.0 {
                let weight = |d2: f32| 1.0 / ((d2 + 0.3) * (d2 + 0.3));
                let sum: f32 = near[..LEADERS].iter().map(|x| weight(x.1)).sum();
                let mut leaders = [(0, 0.0); LEADERS];
                for (l, x) in leaders.iter_mut().zip(&near) {
                    *l = (x.0, share * weight(x.1) / sum);
                    let ring = off(fine[rings[3][usize::from(x.0)] as usize]);
                    off_edge += l.1 * (THICK - ring);
                }
                followers.push(Follower {
                    vertex: v as u32,
                    leaders,
                });
            }
            let hold = (1.0 - smoothstep(11.0, 18.0, across)) * (1.0 - smoothstep(4.0, 9.0, stand));
            if q.z < -1.0 && hold > 0.0 {
                held.push((v as u32, off_edge, hold));
            }
        }
        Lids {
            nose,
            around,
            followers,
            held,
            corners,
        }
    }

    /// The opening between the lids when their middles stand at these heights.
    pub(crate) fn opening(&self, [upper, lower]: [f32; 2]) -> Opening {
        Opening {
            inner: self.corners[0],
            outer: self.corners[1],
            upper,
            lower,
        }
    }

    /// Lays the mesh along `opening` and on the eyeball at `centre`, whose cornea points
    /// along `optical` (the head's frame).
    pub(crate) fn lay(&self, centre: V3, opening: &Opening, optical: V3, positions: &mut [V3]) {
        let optical = v3(optical.x * self.nose, optical.y, optical.z);
        let back = |q: V3| v3(q.x * self.nose, q.y, q.z);
        let targets: Vec<V3> = (self.around.iter())
            .map(|a| {
                let x = mix(opening.outer[0], opening.inner[0], a.along);
                let y = if a.upper {
                    opening.upper_at(x)
                } else {
                    opening.lower_at(x)
                } + a.round;
                let q = on_front(x, y, TOUCH, optical);
                // Towards the corners the lids leave the eyeball.
                let free = smoothstep(9.5, 12.5, x.abs());
                v3(x, y, mix(q, a.depth, free))
            })
            .collect();
        // Fold, margin, edge, skin at each place.
        let laid: Vec<[V3; 4]> = (self.around.iter().zip(&targets))
            .map(|(a, &t)| {
                let out = t.unit();
                let (side, lean) = if a.upper {
                    (-1.0, LEAN[0])
                } else {
                    (1.0, LEAN[1])
                };
                let up = v3(0.0, side, 0.0);
                let away = (up - out * up.dot(out)).unit();
                let free = smoothstep(9.0, 12.5, t.x.abs());
                let ways = [
                    away * 0.5 - out,
                    out * (THICK * 0.55) + away * (lean * 0.35),
                    out * THICK + away * lean,
                ];
                let [fold, edge, skin] = [0, 1, 2].map(|k| t + ways[k].mix(a.ways[k], free));
                [fold, t, edge, skin]
            })
            .collect();
        let moved: Vec<V3> = (self.around.iter().zip(&laid))
            .map(|(a, l)| centre + back(l[3]) - positions[a.vertices[3] as usize])
            .collect();
        for f in &self.followers {
            let by = (f.leaders.iter()).fold(V3::ZERO, |s, &(k, w)| s + moved[usize::from(k)] * w);
            positions[f.vertex as usize] += by;
        }
        for &(i, off, hold) in &self.held {
            let p = &mut positions[i as usize];
            let q = back(*p - centre);
            let stand = if off < 0.0 { off * 0.9 } else { off };
            p.z += (centre.z + on_front(q.x, q.y, TOUCH + stand, optical) - p.z) * hold;
        }
        for (a, quad) in self.around.iter().zip(&laid) {
            for (v, q) in a.vertices.iter().zip(quad) {
                positions[*v as usize] = centre + back(*q);
            }
        }
    }
}

/// Depth of the eyeball's front at x, y, `over` mm above it: the sphere with its cornea,
/// continued straight where it turns away.
fn on_front(x: f32, y: f32, over: f32, optical: V3) -> f32 {
    let across = (x * x + y * y).sqrt();
    let z_at = |r: f32| {
        let edge = 0.88 * r;
        if across < edge {
            (r * r - across * across).sqrt()
        } else {
            let z0 = (r * r - edge * edge).sqrt();
            z0 - edge / z0 * (across - edge)
        }
    };
    let r = eyeball::RADIUS + over;
    let z = z_at(r);
    let lift = eyeball::bulge(v3(x, y, -z).unit().dot(optical));
    if lift > 0.0 { -z_at(r + lift) } else { -z }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENING: Opening = Opening {
        inner: [14.0, 2.5],
        outer: [-13.0, 1.5],
        upper: -4.0,
        lower: 5.5,
    };

    #[test]
    fn the_opening_is_an_almond_between_its_corners() {
        let o = OPENING;
        assert!((o.upper_at(0.0) + 4.0).abs() < 1e-4 && (o.lower_at(0.0) - 5.5).abs() < 1e-4);
        for (x, y) in [o.inner, o.outer].map(|c| (c[0], c[1])) {
            assert!((o.upper_at(x) - y).abs() < 0.11 && (o.lower_at(x) - y).abs() < 1e-4);
        }
        let shut = Opening { upper: 5.7, ..o };
        for x in -14..=15 {
            let x = x as f32;
            assert!(shut.upper_at(x) <= shut.lower_at(x) + 0.11);
            assert!(o.upper_at(x) <= o.lower_at(x) + 0.11);
        }
    }

    #[test]
    fn a_line_of_sight_passes_only_between_the_lids() {
        let o = OPENING;
        let front = v3(0.0, 0.0, -1.0);
        assert!(o.shows(v3(0.0, 0.0, -12.0), front));
        assert!(!o.shows(v3(0.0, -4.6, -11.0), front));
        // From above, the upper lid's thickness hides what lies just under it.
        let above = v3(0.0, -0.6, -0.8);
        assert!(o.shows(v3(0.0, -3.2, -11.5), front) && !o.shows(v3(0.0, -3.2, -11.5), above));
        let shut = Opening { upper: 5.7, ..o };
        assert!(!shut.shows(v3(0.0, 0.0, -12.0), front));
    }
}
