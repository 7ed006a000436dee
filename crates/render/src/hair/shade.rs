//! Light on hair and on a knitted cap.

use crate::hair::shell::{PosedShell, Shell};
use crate::light::Lights;
use crate::maths::{V3, mix, noise, smoothstep, v3};
use crate::shadow::ShadowMap;

/// Colours of a person's hair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tint {
    /// Linear reflectance.
    pub(super) colour: V3,
    pub(super) beard: V3,
    /// Share of white strands.
    pub(super) grey: f32,
    pub(super) curl: f32,
    pub(super) cloth: V3,
}

/// What hair is seen in.
pub(crate) struct View<'a> {
    pub(crate) lights: &'a Lights,
    pub(crate) shadow: &'a ShadowMap,
    /// Millimetres across a pixel for each millimetre of distance.
    pub(crate) per_px: f32,
}

const WHITE: V3 = v3(0.46, 0.45, 0.43);

/// Light on a hair: Kajiya and Kay (1989) with two highlights, one of the light's colour and one
/// of the hair's, shifted along the strand (Scheuermann 2004). `lit`, `open`: shares of the key
/// light and the room's.
pub(super) fn kajiya(
    colour: V3,
    along: V3,
    n: V3,
    view: V3,
    lights: &Lights,
    lit: f32,
    open: f32,
) -> V3 {
    let cos = along.dot(lights.key);
    let sin = (1.0 - cos * cos).max(0.0).sqrt();
    let facing = smoothstep(-0.35, 0.75, n.dot(lights.key)) * lit;
    let half = (lights.key + view).unit();
    let (ah, nh) = (along.dot(half), n.dot(half));
    let lobe = |shift: f32| {
        // The strand leans by `shift` towards the normal, to which it is nearly square.
        let th = ah + nh * shift;
        let s = (1.0 - th * th / (1.0 + shift * shift)).max(0.0);
        let s4 = s * s * s * s;
        s4 * s4
    };
    let (first, second) = (lobe(0.10), lobe(-0.22));
    let first = first * first;
    let rim = smoothstep(0.0, 0.9, n.dot(lights.rim)) * open;
    let to_screen = smoothstep(-0.2, 1.0, -n.z) * 0.7 * open;
    let body = lights.key_colour * (0.75 * sin * facing)
        + lights.ambient(n) * (0.9 * open)
        + lights.rim_colour * (0.8 * rim)
        + lights.screen_colour * to_screen;
    colour.times(body)
        + lights
            .key_colour
            .times(V3::splat(0.022 * first) + colour * (0.42 * second))
            * facing
}

impl Shell {
    /// Linear colour of a sample that sees `triangle` at the weights `b` of its second and third
    /// corner.
    pub(crate) fn shade(
        &self,
        posed: &PosedShell,
        tint: &Tint,
        triangle: usize,
        b: [f32; 2],
        view: &View<'_>,
    ) -> V3 {
        let View {
            lights,
            shadow,
            per_px,
        } = *view;
        let [i, j, k] = self.triangles[triangle];
        let t = [i as usize, j as usize, k as usize];
        let w = [1.0 - b[0] - b[1], b[0], b[1]];
        let vector = |of: &[V3]| of[t[0]] * w[0] + of[t[1]] * w[1] + of[t[2]] * w[2];
        let of = &self.vertices;
        let corners = [&of[t[0]], &of[t[1]], &of[t[2]]];
        let at = vector(&posed.positions);
        let view = -at.unit();
        let n = vector(&posed.normals).unit();
        let mut open = corners[0].open * w[0] + corners[1].open * w[1] + corners[2].open * w[2];
        // The inner side glows with what comes through from outside.
        let mut through = 1.0;
        if triangle >= self.inner {
            open *= 0.6;
            through = 0.4;
        }
        let grain = corners[0].grain * w[0] + corners[1].grain * w[1] + corners[2].grain * w[2];
        let footprint = at.z * per_px;
        let along = vector(&posed.along).unit();
        let lit = {
            // Three places around; strands hide the steps between their answers.
            let across = along.cross(n) * 2.5;
            let (p, q) = (at + n * 3.0, along * 3.0);
            let reach = |p: V3| f32::from(u8::from(shadow.reaches(p, 4.0)));
            through * (reach(p + q) + reach(p - q + across) + reach(p - q - across)) / 3.0
        };
        if self.knit {
            return knit(tint.cloth, grain, n, footprint, lights, lit, open);
        }
        let beard = corners[0].beard * w[0] + corners[1].beard * w[1] + corners[2].beard * w[2];
        let g = |f: f32, k: f32| noise(v3(grain.x * f, grain.y * f, grain.z * k + f * 31.0));
        // Locks, wisps, strands: each is left out where a pixel cannot show it.
        let locks = g(0.14, 0.6);
        let wisps = if footprint < 5.0 {
            g(0.45, 1.0) * smoothstep(5.0, 1.5, footprint)
        } else {
            0.0
        };
        let strands = if footprint < 0.9 {
            g(1.3, 1.0) * smoothstep(0.9, 0.4, footprint)
        } else {
            0.0
        };
        let mut colour = tint.colour.mix(tint.beard, beard);
        if tint.grey > 0.0 {
            let spread = tint.grey * (1.0 - tint.grey) * 1.3;
            let white = tint.grey + spread * (0.3 * locks + 0.9 * wisps + 0.7 * strands);
            colour = colour.mix(WHITE, white.clamp(0.0, 1.0));
        }
        // Curls are small: their light and shade lie close together and even out.
        let contrast = mix(1.0, 0.7, tint.curl);
        colour = colour * (1.0 + contrast * (0.22 * locks + 0.26 * wisps + 0.2 * strands)).max(0.2);
        let gaps = 1.0 + contrast * (0.18 * locks + 0.16 * wisps);
        let n = (n + along.cross(n) * (contrast * (0.30 * locks + 0.35 * wisps))).unit();
        let along = (along + n * (0.16 * wisps + 0.12 * strands + 0.3 * tint.curl * wisps)).unit();
        kajiya(
            colour,
            along,
            n,
            view,
            lights,
            lit,
            open * gaps.clamp(0.3, 1.2),
        )
    }
}

fn knit(cloth: V3, grain: V3, n: V3, footprint: f32, lights: &Lights, lit: f32, open: f32) -> V3 {
    // Ribs that run up, rows of stitches across them.
    let rib = if footprint < 4.0 {
        libm::sinf(grain.x * 1.2) * smoothstep(4.0, 1.5, footprint)
    } else {
        0.0
    };
    let rows = if footprint < 1.2 {
        libm::sinf(grain.z * 3.0) * smoothstep(1.2, 0.6, footprint)
    } else {
        0.0
    };
    let key = ((n.dot(lights.key) + 0.2) / 1.2).max(0.0) * lit;
    let light = lights.key_colour * key
        + lights.ambient(n) * open
        + lights.rim_colour * (n.dot(lights.rim).max(0.0) * open)
        + lights.screen_colour * (0.6 * (-n.z).max(0.0));
    cloth.times(light) * (1.0 + 0.22 * rib + 0.10 * rows)
}
