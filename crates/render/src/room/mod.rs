//! Where a person sits: lights and what is behind.

pub mod background;
mod canvas;
mod furniture;
mod hangings;
mod hull;
pub mod lights;
mod palette;
mod places;
mod public;
mod soft;
pub mod surroundings;

use gaze::screen::Screen;

use crate::light::Lights;
use crate::maths::Rng;
use background::Background;

/// Lights and background of a scene.
#[derive(Debug)]
pub struct Room {
    /// What lights the face.
    pub lights: Lights,
    /// What is seen behind it.
    pub background: Background,
}

impl Room {
    /// A room of this seed with the lit screen in it, for a picture of this size.
    pub fn random(seed: u64, screen: &Screen, width: usize, height: usize) -> Room {
        let mut r = Rng::new(seed ^ 0x0004_0002_ba55);
        let kind = lights::Kind::random(&mut r);
        Room::of(kind, &mut r, screen, width, height)
    }

    /// A room with this kind of light.
    pub fn of(
        kind: lights::Kind,
        r: &mut Rng,
        screen: &Screen,
        width: usize,
        height: usize,
    ) -> Room {
        let lights = lights::random(kind, r, screen);
        let background = Background::random(r, kind, &lights, width, height);
        Room { lights, background }
    }

    /// The demo's room, by day, in a picture of this size.
    pub fn demo(screen: &Screen, width: usize, height: usize) -> Room {
        let lights = lights::demo(screen);
        let background = Background::demo(&lights, width, height);
        Room { lights, background }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maths::{V3, v3};

    fn rooms() -> impl Iterator<Item = Room> {
        (0..40).map(|seed| Room::random(seed, &Screen::default(), 96, 72))
    }

    #[test]
    fn a_seed_is_a_room() {
        let again = rooms().zip(rooms());
        for (a, b) in again {
            assert_eq!(a.background.pixels, b.background.pixels);
            assert!(
                a.background
                    .pixels
                    .iter()
                    .all(|c| { [c.x, c.y, c.z].iter().all(|v| v.is_finite() && *v >= 0.0) })
            );
        }
        let one = Room::random(1, &Screen::default(), 96, 72);
        let two = Room::random(2, &Screen::default(), 96, 72);
        assert_ne!(one.background.pixels, two.background.pixels);
    }

    /// What a mirror shows, added up over the sphere by its cosine, is what lights matt skin.
    #[test]
    fn mirrors_and_skin_see_one_room() {
        let from = v3(0.0, 0.0, 600.0);
        let green = |c: V3| f64::from(c.y);
        let mut off = Vec::new();
        for room in rooms() {
            let l = &room.lights;
            let n = v3(0.0, 0.0, -1.0);
            let (mut seen, count) = (0.0, 60_000);
            for k in 0..count {
                let z = 1.0 - 2.0 * (k as f32 + 0.5) / count as f32;
                let (s, c) = crate::maths::sin_cos(f64::from(k) * 137.507_764);
                let r = (1.0 - z * z).sqrt();
                let d = v3(r * c as f32, r * s as f32, z);
                seen += green(l.reflected(from, d)) * f64::from(n.dot(d).max(0.0));
            }
            seen *= 4.0 / f64::from(count);
            let glow = (l.screen - from).unit();
            let matt = l.ambient(n)
                + l.key_colour * n.dot(l.key).max(0.0)
                + l.rim_colour * n.dot(l.rim).max(0.0)
                + l.screen_colour * n.dot(glow).max(0.0);
            off.push(seen / green(matt));
        }
        off.sort_by(f64::total_cmp);
        // Windows have bars and the screen hides a piece of wall; three terms are not the sphere.
        assert!(off[2] > 0.6 && off[37] < 1.5, "{off:?}");
        assert!((0.85..1.15).contains(&off[20]), "{off:?}");
    }
}
