//! Where a person sits: lights and what is behind.

use gaze::screen::Screen;
use nalgebra::Point2;

use crate::background::Background;
use crate::light::Lights;
use crate::truth::from64;

/// Lights and background of a scene.
#[derive(Debug)]
pub struct Room {
    /// What lights the face.
    pub lights: Lights,
    /// What is seen behind it.
    pub background: Background,
}

impl Room {
    /// The demo's room, by day, in a picture of this size.
    pub fn demo(screen: &Screen, width: usize, height: usize) -> Room {
        let middle = from64(screen.point_mm(Point2::new(0.5, 0.5)));
        let half = [screen.width_mm as f32 / 2.0, screen.height_mm as f32 / 2.0];
        Room {
            lights: Lights::window(middle, half),
            background: Background::new(1, width, height),
        }
    }

    /// A room of this seed.
    pub fn random(seed: u64, screen: &Screen, width: usize, height: usize) -> Room {
        Room {
            background: Background::new(seed, width, height),
            ..Room::demo(screen, width, height)
        }
    }
}
