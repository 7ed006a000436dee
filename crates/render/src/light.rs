//! What lights a face: two lamps or windows, the room around, the lit screen.
//!
//! Strengths are what a white matt patch that faces the light sends back (irradiance / π), so that
//! a lamp of strength c that fills the solid angle ω has the radiance π·c / ω, and a mirror
//! (cornea, glasses) shows exactly what lights the skin.

use crate::maths::{V3, smoothstep, v3};
use crate::room::surroundings::{Fill, Lamp, Shell};

/// Cells of the screen's content, across and down.
pub const CELLS: [usize; 2] = [8, 6];

/// The lights of a scene. Directions point from the face to the light, camera frame.
#[derive(Debug, Clone)]
pub struct Lights {
    /// The main light: a window or lamp. The one that casts shadows.
    pub key: V3,
    /// Its colour and strength.
    pub key_colour: V3,
    /// Blur of the shadows it casts on skin, mm: wide for a window, narrow for a bulb.
    pub shadow_mm: f32,
    /// The second light, often from behind, that draws an edge.
    pub rim: V3,
    /// Its colour and strength.
    pub rim_colour: V3,
    /// All other light, by the normal it falls on.
    pub fill: Fill,
    /// What a mirror shows of windows and lamps.
    pub lamps: Vec<Lamp>,
    /// What it shows between them.
    pub shell: Shell,
    /// Middle of the lit screen (mm).
    pub screen: V3,
    /// Half its width and height (mm).
    pub screen_half: [f32; 2],
    /// From its middle to its edges at the image's right and at the bottom, of length one.
    pub screen_axes: [V3; 2],
    /// Its colour and strength at 600 mm.
    pub screen_colour: V3,
    /// What it shows, row by row from the image's top left: radiance.
    pub screen_cells: [V3; CELLS[0] * CELLS[1]],
}

impl Lights {
    /// How wide pupils are in this light, against a room by day: Watson and Yellott (2012),
    /// formula of Stanley and Davies (1995): 7.75 − 5.75 · q/(q + 2) mm with
    /// q = (luminance · field / 846)^0.41; the room by day, in which a white patch
    /// that looks at the camera has 2.2, is taken for 150 cd/m² on 600 square degrees.
    pub fn pupils(&self) -> f32 {
        let w = self.white();
        let light = 0.2126 * w.x + 0.7152 * w.y + 0.0722 * w.z;
        let width = |by_day: f32| {
            let q = libm::powf((150.0 * 600.0 / 846.0 * by_day).max(1e-3), 0.41);
            7.75 - 5.75 * q / (q + 2.0)
        };
        width(light / 2.2) / width(1.0)
    }

    /// Light that arrives around a normal from the room, without `key`, `rim` and the screen.
    #[inline]
    pub fn ambient(&self, n: V3) -> V3 {
        self.fill.on(n)
    }

    /// Radiance that arrives at `from` (mm) out of the direction `d` (unit): what a mirror shows.
    pub fn reflected(&self, from: V3, d: V3) -> V3 {
        let mut light = self.shell.seen(d);
        // The head itself hides what is behind it.
        let free = smoothstep(0.25, -0.05, d.z);
        if free > 0.0 {
            for lamp in &self.lamps {
                light += lamp.seen(d) * free;
            }
        }
        let normal = self.screen_axes[0].cross(self.screen_axes[1]);
        let (to, facing) = (self.screen - from, d.dot(normal));
        let t = to.dot(normal) / facing;
        if facing.abs() > 0.02 && t > 0.0 {
            let at = d * t - to;
            let u = at.dot(self.screen_axes[0]) / self.screen_half[0];
            let v = at.dot(self.screen_axes[1]) / self.screen_half[1];
            if u.abs() < 1.08 && v.abs() < 1.08 {
                let edge = smoothstep(1.04, 0.97, u.abs()) * smoothstep(1.04, 0.97, v.abs());
                light = light.mix(self.content(u, v), edge);
            }
        }
        light
    }

    /// What the screen shows at −1..1 across and down, between its cells' middles.
    fn content(&self, u: f32, v: f32) -> V3 {
        let cell = |x: f32, n: usize| {
            let x = ((x * 0.5 + 0.5) * n as f32 - 0.5).clamp(0.0, n as f32 - 1.001);
            (x as usize, x - x as usize as f32)
        };
        let ((i, a), (j, b)) = (cell(u, CELLS[0]), cell(v, CELLS[1]));
        let at = |i: usize, j: usize| self.screen_cells[j * CELLS[0] + i];
        let (top, low) = (
            at(i, j).mix(at(i + 1, j), a),
            at(i, j + 1).mix(at(i + 1, j + 1), a),
        );
        top.mix(low, b)
    }

    /// Colour of a white patch that looks at the camera 600 mm before it: what a camera that
    /// has settled on the room takes for white.
    pub fn white(&self) -> V3 {
        let n = v3(0.0, 0.0, -1.0);
        self.key_colour * (0.15 + n.dot(self.key).max(0.0))
            + self.rim_colour * (0.1 + n.dot(self.rim).max(0.0))
            + self.ambient(n)
            + self.screen_colour * 0.8
    }
}
