//! What covers the shoulders: cut of the neck, colour, pattern.

use crate::body::skin::Point;
use crate::body::template::Template;
use crate::light::Lights;
use crate::maths::{Rng, V3, fbm, mix, noise, smoothstep, v3};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Pattern {
    Plain,
    Stripes { every: f32 },
    Checks { every: f32 },
    Heather,
}

/// The shirt of one person.
#[derive(Debug, Clone)]
pub(crate) struct Clothes {
    colour: V3,
    second: V3,
    pattern: Pattern,
    buttons: bool,
    /// Depth of the neck below the usual round one, mm; 0 round, more a V.
    v: f32,
    /// How high it stands around the neck, mm.
    stand: f32,
    /// Width of the band along the neck, mm.
    band: f32,
    /// Per vertex of the template: how far inside the cloth (mm), and its folds.
    baked: Vec<[f32; 2]>,
}

impl Clothes {
    /// The clothes of a person of this seed.
    pub(crate) fn new(seed: u64, colour: V3) -> Clothes {
        let mut r = Rng::new(seed ^ 0xc107);
        let pattern = match r.unit() {
            u if u < 0.58 => Pattern::Plain,
            u if u < 0.72 => Pattern::Heather,
            u if u < 0.87 => Pattern::Stripes {
                every: r.range(9.0, 34.0),
            },
            _ => Pattern::Checks {
                every: r.range(14.0, 36.0),
            },
        };
        let kind = r.unit();
        let (v, stand, band, buttons) = if kind < 0.45 {
            (0.0, r.range(-6.0, 8.0), r.range(5.0, 14.0), false)
        } else if kind < 0.65 {
            (r.range(25.0, 60.0), 0.0, r.range(0.0, 8.0), false)
        } else if kind < 0.85 {
            (r.range(20.0, 40.0), 14.0, 22.0, true)
        } else {
            (0.0, r.range(26.0, 44.0), r.range(20.0, 40.0), false)
        };
        let second = if r.unit() < 0.5 {
            v3(0.62, 0.61, 0.58)
        } else {
            v3(r.range(0.01, 0.4), r.range(0.01, 0.3), r.range(0.01, 0.4))
        };
        let mut clothes = Clothes {
            colour,
            second,
            pattern,
            buttons,
            v,
            stand,
            band,
            baked: Vec::new(),
        };
        let shift = v3(r.range(0.0, 90.0), 0.0, 0.0);
        let places = &Template::bundled().reference;
        clothes.baked = places
            .iter()
            .map(|&p| {
                let q = v3(p.x * 0.018, p.y * 0.011, p.z * 0.018) + shift;
                [clothes.inside(p), fbm(q, 2)]
            })
            .collect();
        clothes
    }

    /// How far under the cloth a place of the mean adult is, mm.
    fn inside(&self, p: V3) -> f32 {
        let front = smoothstep(110.0, 40.0, p.z);
        let x = p.x.abs();
        let collar = mix(122.0, 172.0, front) + 0.10 * x * (1.0 - front);
        let v = self.v * (1.0 - x / (20.0 + self.v)).max(0.0) * front;
        let below = p.y - (x - 60.0).max(0.0) * 0.28 - collar - v + self.stand;
        // No head is as wide as this: shoulders are covered, however high they stand.
        below.max((x - 119.0) * 3.0)
    }

    /// How far inside the cloth (mm), and its folds, on a triangle.
    #[inline]
    pub(crate) fn blend(&self, t: [u32; 3], w: [f32; 3]) -> [f32; 2] {
        let of = &self.baked;
        let (a, b, c) = (of[t[0] as usize], of[t[1] as usize], of[t[2] as usize]);
        let at = |k: usize| a[k] * w[0] + b[k] * w[1] + c[k] * w[2];
        [at(0), at(1)]
    }

    /// Linear colour towards the camera; `inside` and `fold` as from [`Clothes::blend`].
    pub(crate) fn shade(&self, p: &Point, [inside, fold]: [f32; 2], lights: &Lights) -> V3 {
        let r = p.reference;
        let fine = |width: f32| smoothstep(width, width * 0.4, p.footprint);
        let soft = p.footprint.max(0.6);
        let part = |u: f32, every: f32| {
            let f = u / every;
            let cell = f - libm::floorf(f);
            smoothstep(-soft, soft, ((cell - 0.5).abs() - 0.25) * every)
        };
        let mut base = match self.pattern {
            Pattern::Plain => self.colour,
            Pattern::Stripes { every } => {
                self.colour.mix(self.second, part(r.y + 4.0 * fold, every))
            }
            Pattern::Checks { every } => {
                let (a, b) = (part(r.x + 3.0 * fold, every), part(r.y, every));
                self.colour.mix(self.second, 0.42 * (a + b))
            }
            Pattern::Heather => {
                let n = if p.footprint < 4.0 {
                    noise(v3(r.x * 0.9, r.y * 0.35, r.z * 0.9)) * fine(4.0)
                } else {
                    0.0
                };
                self.colour.mix(V3::splat(0.35), 0.25 + 0.2 * n)
            }
        };
        // Jersey: rows of small loops.
        let loops = if p.footprint < 1.0 {
            noise(v3((r.x + 0.5 * r.z) * 1.4, r.y * 2.8, 3.0)) * fine(1.0)
        } else {
            0.0
        };
        let mut depth = 0.9 + 0.12 * loops + 0.16 * fold;
        // Its border throws a small shadow inwards, and has a seam below.
        if self.band > 0.0 {
            let seam = smoothstep(1.6 + soft, 0.4, (inside - self.band).abs());
            depth *= 1.0 - 0.25 * seam;
            if self.buttons && inside < self.band {
                base = base * 1.12;
            }
        }
        if self.buttons && r.z < 60.0 && inside > self.band {
            let placket = smoothstep(soft, 0.0, (r.x.abs() - 14.0).abs() - 0.5);
            depth *= 1.0 - 0.2 * placket;
            let d = v3(r.x, r.y - 50.0 * libm::roundf(r.y / 50.0), 0.0).len();
            base = base.mix(v3(0.5, 0.5, 0.48), smoothstep(5.0, 4.0, d) * 0.8);
        }
        let n = (p.normal + v3(fold * 0.40, fold * 0.20, 0.0)).unit();
        let key = ((n.dot(lights.key) + 0.15) / 1.15).max(0.0);
        let s = lights.screen - p.at;
        let near = 600.0 / s.len().max(100.0);
        let light = lights.key_colour * (key * p.lit)
            + lights.rim_colour * (n.dot(lights.rim).max(0.0) * p.open)
            + lights.ambient(n) * p.open
            + lights.screen_colour * (n.dot(s.unit()).max(0.0) * near * near);
        base.times(light) * depth
    }
}
