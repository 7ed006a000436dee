//! How a person wears the hair: cut, hairline, beard, brows, colour.

use crate::hair::borders::{degrees_around, outline};
use crate::maths::{Rng, V3, mix, noise, smoothstep, v3};

/// The cuts, from none to long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// None on top; a short ring around the back or nothing.
    Bald,
    /// A few millimetres all over.
    Buzz,
    /// Short sides, a hand's breadth on top at most, lying forward.
    Short,
    /// As [`Cut::Short`], parted on one side.
    SidePart,
    /// As [`Cut::Short`], brushed back.
    Swept,
    /// As [`Cut::Short`], falling over the forehead.
    Fringe,
    /// Tight curls, short or as a ball.
    Afro,
    /// To the chin or the neck.
    Bob,
    /// To the shoulders or the chest.
    Long,
    /// Combed back and tied, with or without a knot on top.
    Tied,
    /// Under a knitted cap.
    Beanie,
}

/// Where hair begins.
#[derive(Debug, Clone, Copy)]
pub struct Hairline {
    /// How much higher than usual it runs over the forehead, mm.
    pub lift: f32,
    /// How far it draws back above the temples, mm.
    pub corners: f32,
    /// Radius of a bare crown, mm; 0 for none.
    pub crown: f32,
    /// For the small waves along it.
    pub wave: f32,
}

/// Hair that falls from a parting down beside the face.
#[derive(Debug, Clone, Copy)]
pub struct Fall {
    /// How far below the eyes it ends, mm.
    pub end: f32,
    /// Where its front edge passes the temple: degrees around the skull, 0 the nose, 90 the ears.
    pub front: f32,
    /// Where the parting meets the hairline, mm to the image's right.
    pub part: f32,
    /// How far waves swing, mm.
    pub wave: f32,
    /// How much it stands off, mm.
    pub volume: f32,
}

/// What grows on the jaw. Lengths in mm.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beard {
    /// On jaw and chin; below 1.5 it is stubble.
    pub jaw: f32,
    /// On the upper lip.
    pub moustache: f32,
    /// Share of the cheeks it takes: 1 full, 0 chin only.
    pub full: f32,
}

/// The brows.
#[derive(Debug, Clone, Copy)]
pub struct Brows {
    /// Height against the usual.
    pub thick: f32,
    /// Hairs against the usual.
    pub dense: f32,
    /// How far they rise to the temple, mm.
    pub arch: f32,
    /// 0 the head's colour, 1 nearly black.
    pub dark: f32,
}

/// Everything about a person's hair.
#[derive(Debug, Clone)]
pub struct Style {
    /// Its name.
    pub cut: Cut,
    /// Where it begins.
    pub line: Hairline,
    /// How thick it lies on top, mm.
    pub top: f32,
    /// How thick it lies at the sides and the back, mm.
    pub sides: f32,
    /// The direction (from the skull's middle) its strands lie away from.
    pub pole: V3,
    /// 0 straight, 1 tightly curled.
    pub curl: f32,
    /// How deep locks part, mm.
    pub locks: f32,
    /// The height a fringe ends at, mm below the eyes (so negative).
    pub fringe: Option<f32>,
    /// What hangs down.
    pub fall: Option<Fall>,
    /// A knot: its radius, mm.
    pub knot: f32,
    /// The beard.
    pub beard: Beard,
    /// The brows.
    pub brows: Brows,
    /// Share of white strands.
    pub grey: f32,
    /// Linear colour of a cap.
    pub cloth: V3,
}

/// Falling hair keeps at least so far above the eyes' middles, mm.
pub const FRINGE_LOWEST: f32 = -19.0;

impl Style {
    /// What a person of this sex (0 a woman, 1 a man), age (0 young, 1 old) and origin may wear.
    pub fn random(seed: u64, male: f32, age: f32, family: [f32; 3]) -> Style {
        let mut r = Rng::new(seed ^ 0x4a12);
        let man = male > 0.5;
        let curly = r.unit() < family[0] * 1.1;
        let cuts: &[(Cut, f32)] = match (man, curly) {
            (true, false) => &[
                (Cut::Bald, 0.04),
                (Cut::Buzz, 0.10),
                (Cut::Short, 0.28),
                (Cut::SidePart, 0.17),
                (Cut::Swept, 0.15),
                (Cut::Fringe, 0.10),
                (Cut::Bob, 0.03),
                (Cut::Long, 0.03),
                (Cut::Tied, 0.03),
                (Cut::Beanie, 0.03),
            ],
            (true, true) => &[
                (Cut::Bald, 0.09),
                (Cut::Buzz, 0.36),
                (Cut::Afro, 0.36),
                (Cut::Tied, 0.05),
                (Cut::Beanie, 0.04),
            ],
            (false, false) => &[
                (Cut::Short, 0.05),
                (Cut::SidePart, 0.04),
                (Cut::Bob, 0.24),
                (Cut::Long, 0.42),
                (Cut::Tied, 0.21),
                (Cut::Beanie, 0.03),
            ],
            (false, true) => &[
                (Cut::Buzz, 0.05),
                (Cut::Afro, 0.37),
                (Cut::Tied, 0.30),
                (Cut::Long, 0.16),
                (Cut::Bob, 0.08),
                (Cut::Beanie, 0.03),
            ],
        };
        let total: f32 = cuts.iter().map(|c| c.1).sum();
        let mut u = r.unit() * total;
        let mut cut = cuts[0].0;
        for c in cuts {
            cut = c.0;
            u -= c.1;
            if u < 0.0 {
                break;
            }
        }
        if man && r.unit() < 0.22 * smoothstep(0.25, 0.9, age) {
            cut = Cut::Bald;
        }
        if age > 0.55 && cut == Cut::Long && r.unit() < 0.6 {
            cut = Cut::Bob;
        }
        let mut style = Style::of(cut, curly, &mut r);
        let bare = if man {
            smoothstep(0.1, 0.9, age) * r.unit()
        } else {
            0.0
        };
        style.line.lift = r.range(-4.0, 4.0) + 9.0 * bare;
        style.line.corners = r.range(1.0, 11.0) * mix(0.5, 1.0, male) + 26.0 * bare;
        if cut == Cut::Bald {
            // A ring around the back, or nothing.
            style.line.crown = if r.unit() < 0.45 {
                style.line.lift += 34.0;
                style.line.corners += 30.0;
                r.range(66.0, 78.0)
            } else {
                110.0
            };
        } else if bare > 0.4 {
            style.line.crown = 60.0 * (bare - 0.4);
        }
        style.grey = (smoothstep(0.35, 0.95, age) * r.range(0.2, 1.3)).clamp(0.0, 0.95);
        if man {
            style.beard = Style::beard(&mut r);
        }
        let strong = mix(r.range(0.55, 1.0), r.range(0.85, 1.4), male);
        style.brows = Brows {
            thick: strong,
            dense: strong * r.range(0.7, 1.2) * mix(1.0, 0.7, age),
            arch: r.range(-1.5, 2.5) * mix(1.0, 0.5, male),
            dark: r.range(0.0, 0.8),
        };
        style
    }

    fn beard(r: &mut Rng) -> Beard {
        let u = r.unit();
        let (jaw, moustache, full) = if u < 0.40 {
            (0.0, 0.0, 1.0)
        } else if u < 0.68 {
            let l = r.range(0.3, 1.3);
            (l, l, 1.0)
        } else if u < 0.84 {
            (r.range(3.0, 6.0), r.range(3.0, 5.0), 1.0)
        } else if u < 0.91 {
            (r.range(9.0, 22.0), r.range(5.0, 7.0), 1.0)
        } else if u < 0.96 {
            (r.range(3.0, 8.0), r.range(3.0, 5.0), 0.0)
        } else {
            (0.4, r.range(4.0, 6.0), 1.0)
        };
        Beard {
            jaw,
            moustache,
            full,
        }
    }

    /// The cut's usual numbers, varied.
    pub fn of(cut: Cut, curly: bool, r: &mut Rng) -> Style {
        let side = if r.unit() < 0.5 { -1.0 } else { 1.0 };
        let forward = v3(0.18 * side, -0.75, 0.62);
        let back = v3(0.1 * side, 0.45, -0.9);
        let mut s = Style {
            cut,
            line: Hairline {
                lift: 0.0,
                corners: 3.0,
                crown: 0.0,
                wave: r.range(0.0, 99.0),
            },
            top: r.range(15.0, 27.0),
            sides: r.range(4.0, 9.0),
            pole: forward,
            curl: if curly { 1.0 } else { r.range(0.0, 0.35) },
            locks: r.range(1.5, 4.0),
            fringe: None,
            fall: None,
            knot: 0.0,
            beard: Beard::default(),
            brows: Brows {
                thick: 1.0,
                dense: 1.0,
                arch: 0.0,
                dark: 0.4,
            },
            grey: 0.0,
            cloth: v3(r.range(0.02, 0.4), r.range(0.02, 0.3), r.range(0.02, 0.35)),
        };
        let fall = |end: f32, r: &mut Rng| {
            Some(Fall {
                end,
                front: if r.unit() < 0.65 {
                    r.range(56.0, 74.0)
                } else {
                    r.range(98.0, 108.0)
                },
                part: if r.unit() < 0.4 {
                    r.range(-6.0, 6.0)
                } else {
                    side * r.range(14.0, 34.0)
                },
                wave: if curly {
                    r.range(5.0, 8.0)
                } else {
                    r.unit() * r.unit() * 7.0
                },
                volume: if curly {
                    r.range(10.0, 20.0)
                } else {
                    r.range(3.0, 9.0)
                },
            })
        };
        match cut {
            Cut::Bald => (s.top, s.sides) = (2.0, if r.unit() < 0.5 { 2.0 } else { 5.0 }),
            Cut::Buzz => {
                s.top = r.range(2.0, 5.0);
                s.sides = s.top * r.range(0.5, 1.0);
                s.locks = 0.0;
            }
            Cut::Short => {}
            Cut::SidePart => s.pole = v3(0.62 * side, -0.75, -0.22),
            Cut::Swept => {
                s.pole = back;
                s.top = r.range(10.0, 24.0);
            }
            Cut::Fringe => {
                s.fringe = Some(r.range(-44.0, -30.0));
                s.sides = r.range(7.0, 13.0);
            }
            Cut::Afro => {
                s.curl = 1.0;
                s.top = mix(12.0, 62.0, r.unit() * r.unit());
                s.sides = s.top * r.range(0.45, 0.9);
                s.locks = 3.0 + 0.10 * s.top;
            }
            Cut::Bob => {
                s.fall = fall(r.range(62.0, 120.0), r);
                (s.top, s.sides) = (r.range(7.0, 14.0), 5.0);
                if r.unit() < 0.4 {
                    s.fringe = Some(r.range(-38.0, -26.0));
                }
            }
            Cut::Long => {
                s.fall = fall(r.range(135.0, 270.0), r);
                (s.top, s.sides) = (r.range(6.0, 13.0), 4.0);
                if r.unit() < 0.22 {
                    s.fringe = Some(r.range(-36.0, -25.0));
                }
            }
            Cut::Tied => {
                s.pole = back;
                (s.top, s.sides) = (r.range(5.0, 10.0), r.range(3.5, 6.0));
                s.locks = 1.0;
                if r.unit() < 0.55 {
                    s.knot = r.range(22.0, 36.0) * if curly { 1.3 } else { 1.0 };
                }
            }
            Cut::Beanie => {
                (s.top, s.sides) = (3.0, 4.0);
                s.locks = 0.0;
                if r.unit() < 0.4 {
                    s.fall = fall(r.range(80.0, 220.0), r);
                }
            }
        }
        if let (Some(f), Some(_)) = (&mut s.fall, s.fringe) {
            // With a fringe the sides are worn before the ears.
            f.front = f.front.min(72.0);
        }
        s.pole = s.pole.unit();
        s
    }

    /// How far inside the hair a place of the mean adult lies, mm; negative outside.
    pub fn inside(&self, p: V3) -> f32 {
        let l = &self.line;
        let angle = degrees_around(p);
        let mut y = outline(angle);
        let front = smoothstep(75.0, 45.0, angle);
        let c = (angle - 36.0) / 15.0;
        y -= front * (l.lift + l.corners * libm::expf(-c * c));
        let waves = 3.5 * noise(v3(angle * 0.12, l.wave, p.x * 0.03))
            + 2.0 * noise(p * 0.22 + v3(l.wave, 0.0, 0.0));
        let d = y + waves - p.y;
        if l.crown > 0.0 {
            let at = p - v3(0.0, -98.0, 122.0 - 0.45 * l.crown);
            let bare = v3(at.x, at.y * 0.75, at.z * 0.8).len() - l.crown;
            return d.min(bare);
        }
        d
    }
}
