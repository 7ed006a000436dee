//! The person around the eyes, drawn as a webcam sees them.

use std::sync::Arc;

use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};
use render::camera::Camera;
use render::glasses::GlassesStyle;
use render::identity::Identity;
use render::person::Person;
use render::room::Room;
use render::scene::{Moment, Picture, Scene};
use render::sensor::Sensor;
use render::truth::{Pose, Truth};

use super::Eyes;

/// Who sits where, before which camera.
#[derive(Debug, Clone)]
pub struct LookerOptions {
    /// Which person; 0 is the demo's.
    pub person: u64,
    /// Which course of sways, misses and blinks.
    pub seed: u64,
    /// The screen before them, with the camera's place.
    pub screen: Screen,
    /// Width and height of the pictures.
    pub size: (u32, u32),
    /// Horizontal field of view of the camera, degrees.
    pub hfov_deg: f64,
    /// From the camera's plane to the eyes, mm.
    pub distance_mm: f64,
    /// How far the head swells to and fro: 1 is a person who tries to hold still, 0 a statue.
    pub sway: f64,
    /// Where the head is beside its usual place, mm in the camera frame.
    pub offset_mm: [f64; 3],
    /// How far beside what they see they look, normalised: as if a calibration had drifted.
    pub beside: [f64; 2],
    /// Whether they wear glasses, whoever it is.
    pub glasses: bool,
}

impl Default for LookerOptions {
    fn default() -> Self {
        LookerOptions {
            person: 0,
            seed: 1,
            screen: Screen::default(),
            size: (640, 480),
            hfov_deg: gaze::camera::DEFAULT_HFOV_DEG,
            distance_mm: 560.0,
            sway: 1.0,
            offset_mm: [0.0; 3],
            beside: [0.0; 2],
            glasses: false,
        }
    }
}

/// A person before a screen, and the camera that films them.
pub struct Looker {
    /// Their eyes: tell them what the screen shows.
    pub eyes: Eyes,
    /// The last picture.
    pub picture: Picture,
    /// Where they sit and how they move; may change while they are filmed.
    pub options: LookerOptions,
    /// What is true of it.
    pub truth: Option<Truth>,
    scene: Scene,
    frames: u64,
    phase: f64,
    at: [f64; 2],
}

impl Looker {
    /// Builds the person, the room and the camera: some tenths of a second.
    pub fn new(options: LookerOptions) -> Looker {
        let mut who = match options.person {
            0 => Identity::demo(),
            seed => Identity::random(seed),
        };
        who.glasses = options
            .glasses
            .then(|| GlassesStyle::random(options.person));
        let (width, height) = options.size;
        let camera = Camera::from_fov(width, height, options.hfov_deg, 0.0);
        let room = Room::demo(&options.screen, width as usize, height as usize);
        let people = vec![Arc::new(Person::new(who))];
        Looker {
            eyes: Eyes::new(options.seed, &options.screen, options.distance_mm),
            picture: Picture::default(),
            truth: None,
            scene: Scene::new(camera, room, Sensor::default(), people),
            frames: 0,
            phase: options.seed as f64 * 77.0,
            at: [0.5; 2],
            options,
        }
    }

    /// Draws what the camera sees at time `t`, seconds, which never goes back.
    pub fn film(&mut self, t: f64) -> &Picture {
        let at = self.eyes.look(t);
        self.at = [0, 1].map(|i| at[i] + self.options.beside[i]);
        let wave = |hz: f64, phase: f64| {
            let degrees = self.phase + phase + 360.0 * hz * t;
            self.options.sway * degrees.to_radians().sin()
        };
        // Who tries to hold still sways by millimetres and half degrees, slow and slower.
        let sway = Vector3::new(
            2.0 * wave(0.16, 10.0),
            1.2 * wave(0.25, 70.0),
            4.0 * wave(0.08, 30.0),
        );
        let head = [
            0.8 * wave(0.21, 0.0),
            0.5 * wave(0.27, 40.0),
            0.4 * wave(0.12, 90.0),
        ];
        let rest = Vector3::new(0.0, 25.0, self.options.distance_mm);
        let moment = Moment {
            poses: vec![Pose {
                target: self.options.screen.point_mm(Point2::from(self.at)),
                head,
                place: rest + sway + Vector3::from(self.options.offset_mm),
                shut: self.eyes.shut(),
                units: Vec::new(),
            }],
            frame: self.frames,
            ..Moment::default()
        };
        self.frames += 1;
        self.truth = self.scene.render(&moment, &mut self.picture).pop();
        &self.picture
    }

    /// Where the eyes were directed in the last picture, normalised to the screen.
    pub fn looking_at(&self) -> [f64; 2] {
        self.at
    }
}
