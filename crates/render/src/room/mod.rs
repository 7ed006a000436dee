//! Where a person sits: lights and what is behind.

pub mod background;
mod canvas;
mod furniture;
pub mod lights;
mod places;
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
