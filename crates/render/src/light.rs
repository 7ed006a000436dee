//! Lamps, the lit screen, the room.

use crate::maths::{V3, smoothstep, v3};

/// The lights of a scene. Directions point from the face to the light, camera frame.
#[derive(Debug, Clone)]
pub struct Lights {
    /// The main light: a window or lamp.
    pub key: V3,
    /// Its colour and strength.
    pub key_colour: V3,
    /// A second, weak one from behind, that draws an edge.
    pub rim: V3,
    /// Its colour and strength.
    pub rim_colour: V3,
    /// Light from above, from the sides and from below that has no direction.
    pub above: V3,
    /// See `above`.
    pub beside: V3,
    /// See `above`.
    pub below: V3,
    /// Middle of the lit screen (mm).
    pub screen: V3,
    /// Half its width and height (mm).
    pub screen_half: [f32; 2],
    /// Its colour and strength at 600 mm.
    pub screen_colour: V3,
}

impl Lights {
    /// A room by day: a window to the front and left of the picture, a lit laptop before the face.
    pub fn window(screen: V3, screen_half: [f32; 2]) -> Lights {
        Lights {
            key: v3(-0.46, -0.50, -0.80).unit(),
            key_colour: v3(1.85, 1.80, 1.70),
            rim: v3(0.75, -0.35, 0.62).unit(),
            rim_colour: v3(0.55, 0.47, 0.38),
            above: v3(0.52, 0.54, 0.58),
            beside: v3(0.37, 0.355, 0.345),
            below: v3(0.22, 0.195, 0.175),
            screen,
            screen_half,
            screen_colour: v3(0.20, 0.23, 0.28),
        }
    }

    /// Undirected light that arrives around a normal.
    pub fn ambient(&self, n: V3) -> V3 {
        let up = (-n.y).max(0.0);
        let down = n.y.max(0.0);
        // The side of the window is brighter.
        let window = 1.0 + 0.35 * n.dot(v3(self.key.x, 0.0, self.key.z).unit());
        (self.above * up + self.below * down + self.beside * (1.0 - up - down).max(0.0)) * window
    }

    /// What a mirror in the given direction would show: window with its bars, screen, room.
    pub fn reflected(&self, from: V3, d: V3) -> V3 {
        let mut light = self.ambient(d) * 0.5;
        // The window: a rectangle of directions around the key light, with a cross.
        let across = v3(0.0, 1.0, 0.0).cross(self.key).unit();
        let along = self.key.cross(across);
        let facing = d.dot(self.key);
        if facing > 0.1 {
            let (u, v) = (d.dot(across) / facing, d.dot(along) / facing);
            let inside = smoothstep(0.27, 0.23, u.abs()) * smoothstep(0.36, 0.32, v.abs());
            let bars = smoothstep(0.012, 0.03, u.abs());
            light += self.key_colour * (20.0 * inside * bars);
        }
        // The screen: a rectangle in the plane z = screen.z.
        if d.z < -0.05 {
            let t = (self.screen.z - from.z) / d.z;
            let hit = from + d * t;
            let (u, v) = (
                (hit.x - self.screen.x).abs() / self.screen_half[0],
                (hit.y - self.screen.y).abs() / self.screen_half[1],
            );
            light +=
                self.screen_colour * (7.0 * smoothstep(1.05, 0.95, u) * smoothstep(1.05, 0.95, v));
        }
        light
    }
}
