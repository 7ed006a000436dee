//! Hair, beards and brows, and what is worn over them.
//!
//! Hair is a surface above the scalp (`grow`), with curtains that hang from it (`fall`) and a
//! beard that rides on the jaw (`jaw`): triangles like the body's, frayed at their edges, shaded
//! as strands (`shade`). Only loose wisps and brows are drawn as lines.

mod borders;
mod brows;
mod fall;
mod grow;
mod jaw;
mod shade;
mod shell;
mod skull;
pub mod style;

use crate::body::head::{Expression, Head, Posed};
use crate::body::template::Template;
use crate::light::Lights;
use crate::maths::{M3, Rng, V3, smoothstep, v3};
use crate::raster::Pinhole;
use crate::strands::Canvas;
use brows::Brows;
pub(crate) use jaw::shade as shaven;
use shade::kajiya;
pub(crate) use shade::{Tint, View};
pub(crate) use shell::{PosedShell, Shell};
use skull::Skull;
use style::{Cut, FRINGE_LOWEST, Style};

/// A loose strand: where on the shell it starts, and its shape from there.
#[derive(Debug)]
struct Wisp {
    vertex: u32,
    /// Steps in the head's frame at rest, mm.
    steps: [V3; 4],
    shade: f32,
}

/// All hair of a person's head.
#[derive(Debug)]
pub(crate) struct Hair {
    /// Surfaces of hair, and of a cap.
    pub(crate) shells: Vec<Shell>,
    pub(crate) tint: Tint,
    wisps: Vec<Wisp>,
    brows: Brows,
}

impl Hair {
    /// Grows the hair of a head.
    pub(crate) fn new(head: &Head) -> Hair {
        let template = Template::bundled();
        let who = &head.identity;
        let style = &who.style;
        let mut rest = Posed::default();
        head.pose(&Expression::default(), [0.0; 3], V3::ZERO, &mut rest);
        let mut r = Rng::new(who.seed ^ 0x8a1e);
        let skull = Skull::new(template, &rest);
        let neck = head.pivot + v3(0.0, 70.0, 3.0);
        let follow = |p: V3| smoothstep(5.0, 75.0, (neck.y - p.y) + 0.6 * (neck.z - p.z));

        let mut hair = Shell {
            rim: if style.curl > 0.7 { 0.9 } else { 0.6 },
            ..Shell::default()
        };
        let capped = style.cut == Cut::Beanie;
        grow::scalp(&skull, style, &mut hair);
        grow::knot(&skull, style, &mut hair);
        jaw::grow(template, &rest, &style.beard, style.line.wave, &mut hair);
        let thin = hair.triangles.len();
        fall::fringe(&skull, style, &follow, &mut r, &mut hair);
        if style.fall.is_some() {
            let front = fall::Front::new(template, &rest);
            fall::curtains(&skull, &front, style, &follow, &mut r, &mut hair);
        }
        hair.finish(thin, &rest.positions);
        let wisps = wisps(&hair, style, &mut r);
        let mut shells = vec![hair];
        if capped {
            let mut cap = Shell {
                knit: true,
                ..Shell::default()
            };
            grow::cap(&skull, style, &mut cap);
            let closed = cap.triangles.len();
            cap.finish(closed, &rest.positions);
            shells.push(cap);
        }
        let white = v3(0.40, 0.39, 0.37);
        Hair {
            shells,
            wisps,
            brows: Brows::new(
                who.seed,
                &style.brows,
                who.hair.mix(white, style.grey * 0.6),
                template,
                &rest,
            ),
            tint: Tint {
                colour: who.hair,
                // Beards are redder.
                beard: who.hair.times(v3(1.15, 0.95, 0.85)),
                grey: style.grey,
                curl: style.curl,
                cloth: style.cloth,
            },
        }
    }

    /// Draws what is thinner than a sample: wisps, then brows. `turn` is the skull's rotation,
    /// `shells` the posed ones.
    pub(crate) fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        posed: &Posed,
        shells: &[PosedShell],
        turn: &M3,
        lights: &Lights,
    ) {
        let Some(middle) = posed.positions.first() else {
            return;
        };
        let footprint = 2.0 * middle.z / canvas.camera.f[0];
        // Fewer and wider from afar.
        let every = 1 + (footprint * 1.4) as usize;
        let width = 0.13 * every as f32;
        let shell = &shells[0];
        let mut line = Vec::new();
        for w in self.wisps.iter().step_by(every) {
            let mut p = shell.positions[w.vertex as usize];
            let n = shell.normals[w.vertex as usize];
            if n.dot(p) > 0.35 * p.len() {
                continue;
            }
            line.clear();
            line.push(p);
            for s in &w.steps {
                p += turn.apply(*s);
                line.push(p);
            }
            let along = (line[2] - line[0]).unit();
            let colour = self.tint.colour * w.shade;
            let c = kajiya(colour, along, n, -p.unit(), lights, 0.8, 0.9);
            canvas.stroke(&line, width, 0.6, 1.0, |_, _, _| c);
        }
        self.brows.draw(canvas, posed, turn, lights, footprint);
    }

    /// Poses the shells into `out` and projects them.
    pub(crate) fn pose(
        &self,
        body: &Posed,
        angles: [f64; 3],
        pivot: V3,
        place: V3,
        camera: &Pinhole,
        out: &mut Vec<PosedShell>,
    ) {
        out.resize_with(self.shells.len(), PosedShell::default);
        for (shell, posed) in self.shells.iter().zip(out) {
            shell.pose(body, angles, pivot, place, posed);
            posed.projected.clear();
            let points = posed.positions.iter();
            posed.projected.extend(points.map(|&p| camera.project(p)));
        }
    }
}

/// Loose strands over the shell: they break its outline.
fn wisps(shell: &Shell, style: &Style, r: &mut Rng) -> Vec<Wisp> {
    let long = match style.cut {
        Cut::Bald | Cut::Buzz => 0.0,
        Cut::Afro => 9.0,
        Cut::Tied => 12.0,
        _ => 16.0,
    };
    let n = shell.vertices.len() as f32;
    if long == 0.0 || n == 0.0 {
        return Vec::new();
    }
    (0..900)
        .filter_map(|_| {
            let vertex = ((r.unit() * n) as usize).min(shell.vertices.len() - 1);
            let lift = r.range(0.0, 0.45) + 0.9 * style.curl * r.unit();
            let length = long * r.range(0.4, 1.2);
            let side = r.normal() * 0.35;
            let shade = r.range(0.7, 1.3);
            let v = &shell.vertices[vertex];
            if v.edge < 4.0 || v.beard > 0.5 {
                return None;
            }
            let normal = shell.normals[vertex];
            let across = v.along.cross(normal);
            let mut d = v.along + normal * lift + across * side;
            let mut steps = [V3::ZERO; 4];
            let mut p = v.at;
            for s in &mut steps {
                *s = d.unit() * (length / 4.0);
                d = d - normal * (lift * 0.45)
                    + across * (style.curl * r.normal() * 1.2)
                    + v3(0.0, 0.12, 0.0);
                p += *s;
                // None before the eyes.
                if v.on == shell::FREE
                    && p.z < 50.0
                    && p.y > FRINGE_LOWEST - 1.0
                    && p.x.abs() < 62.0
                {
                    return None;
                }
            }
            Some(Wisp {
                vertex: vertex as u32,
                steps,
                shade,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
