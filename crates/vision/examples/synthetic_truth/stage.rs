//! Draws pictures in memory and shows them to the networks, on every core.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use gaze::eyes::iris_px;
use gaze::landmarks::{INNER_CORNER, OUTER_CORNER};
use gaze::ray::Ray;
use nalgebra::{Point2, Vector2};
use render::camera::Camera;
use render::person::Person;
use render::room::Room;
use render::scenario::{Painter, People, Shot};
use render::scene::{Buffers, Moment, Picture, Scene};
use render::sensor::Sensor;
use render::truth::{Pose, Truth};
use vision::{Face, Frame, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime};

/// Width and height of the pictures.
pub const SIZE: (u32, u32) = (640, 480);
/// Horizontal field of view where a part does not choose its own; what the networks' geometry
/// is told always.
pub const HFOV_DEG: f64 = 60.0;

/// One core's share of the work: buffers to draw with and the networks.
pub struct Stage {
    perceiver: Option<Perceiver>,
    frame: Frame,
    buffers: Buffers,
    painter: Painter,
    people: Arc<People>,
    /// The last picture.
    pub picture: Picture,
}

impl Stage {
    /// Nothing drawn yet.
    pub fn new() -> Stage {
        let people = Arc::new(People::new(2));
        Stage {
            perceiver: None,
            frame: Frame::default(),
            buffers: Buffers::default(),
            painter: Painter::new(people.clone()),
            people,
            picture: Picture::default(),
        }
    }

    /// Draws a shot into [`Stage::picture`]; what is true of the person it follows.
    pub fn paint(&mut self, shot: &Shot) -> Truth {
        let mut truths = self.painter.paint(shot, &mut self.picture);
        truths.swap_remove(shot.followed)
    }

    /// Whether the person a shot follows wears glasses.
    pub fn wears_glasses(&self, shot: &Shot) -> bool {
        let person = self.people.get(shot.people[shot.followed]);
        person.glasses.is_some()
    }

    fn draw(
        &mut self,
        (camera, room, sensor): (Camera, Room, Sensor),
        people: Vec<Arc<Person>>,
        moment: &Moment,
    ) -> Vec<Truth> {
        let buffers = std::mem::take(&mut self.buffers);
        let mut scene = Scene::reusing(camera, room, sensor, people, buffers);
        let truth = scene.render(moment, &mut self.picture);
        self.buffers = scene.into_buffers();
        truth
    }

    /// Shows the last picture to the detector and what follows it, as the first of a film.
    ///
    /// # Panics
    /// At the first one when ONNX Runtime or the networks are missing: `make setup`.
    pub fn perceive(&mut self) -> Option<Face> {
        let Picture { width, height, rgb } = &self.picture;
        self.frame.reset(*width, *height, PixelFormat::Rgb8);
        self.frame.data.copy_from_slice(rgb);
        let perceiver = self.perceiver.get_or_insert_with(networks);
        perceiver.reset();
        perceiver.perceive(&self.frame).primary().cloned()
    }

    /// What was shown last.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// One person alone in the demo's room before a camera of [`HFOV_DEG`].
    pub fn sight(
        &mut self,
        person: &Arc<Person>,
        pose: Pose,
        frame: u64,
    ) -> (Truth, Option<Sight>) {
        let screen = gaze::screen::Screen::default();
        let camera = Camera::from_fov(SIZE.0, SIZE.1, HFOV_DEG, 0.0);
        let room = Room::demo(&screen, SIZE.0 as usize, SIZE.1 as usize);
        let target = pose.target;
        let moment = Moment {
            poses: vec![pose],
            frame,
            ..Moment::default()
        };
        let set = (camera, room, Sensor::default());
        let truth = self.draw(set, vec![person.clone()], &moment).remove(0);
        let sight = self
            .perceive()
            .filter(|face| on_the_face(face, &truth))
            .map(|face| {
                let to_target = Ray {
                    origin: truth.head_mm,
                    direction: (target - truth.head_mm).normalize(),
                };
                Sight::of(&face, &truth, &to_target)
            });
        (truth, sight)
    }
}

fn networks() -> Perceiver {
    let runtime = Runtime::load(None).expect("ONNX Runtime; make setup fetches it");
    let store = ModelStore::open(None).expect("the networks of this repository");
    let config = PerceiverConfig {
        hfov_deg: HFOV_DEG,
        ..PerceiverConfig::default()
    };
    Perceiver::new(&runtime, &store, config).expect("sound networks")
}

/// Whether the irises that were found are this person's: within half the distance of the eyes.
pub fn on_the_face(face: &Face, truth: &Truth) -> bool {
    let apart = (truth.iris_px[1] - truth.iris_px[0]).norm();
    (0..2).all(|eye| (face.eyes.iris_px[eye] - truth.iris_px[eye]).norm() < 0.5 * apart)
}

/// Measured and true angles of one picture. Pairs are yaw and pitch, or x and y.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Measured line of sight in the camera frame, degrees; `None` where neither eye could be told.
    pub gaze: Option<[f64; 2]>,
    /// From the true middle of the eyes to the target, camera frame, degrees.
    pub true_gaze: [f64; 2],
    /// The same against the true head: how far the eyes are turned in it, degrees.
    pub true_eye: [f64; 2],
    /// Measured and true head, degrees.
    pub head: [f64; 2],
    pub true_head: [f64; 2],
    /// Iris minus middle of the eye's corners along the head's own x and y, in eye widths, mean of
    /// both eyes: by the landmarks …
    pub offset: [f64; 2],
    /// … and of the true iris against the same corners.
    pub true_offset: [f64; 2],
    /// Gap between the lids' middles as the landmarks have it, in eye widths.
    pub gap: f64,
}

impl Sight {
    fn of(face: &Face, truth: &Truth, to_target: &Ray) -> Sight {
        let [yaw, pitch, roll] = truth.head;
        let head = gaze::head::HeadPose::from_angles(yaw, pitch, roll, truth.head_mm);
        let eye = Ray {
            origin: truth.head_mm,
            direction: head.rotation.inverse() * to_target.direction,
        };
        let found = [0, 1].map(|eye| iris_px(&face.landmarks, eye));
        let angles = |ray: &Ray| [ray.yaw_deg(), ray.pitch_deg()];
        Sight {
            gaze: face.gaze.map(|g| angles(&g.combined)),
            true_gaze: angles(to_target),
            true_eye: angles(&eye),
            head: [face.head.yaw, face.head.pitch],
            true_head: [yaw, pitch],
            offset: offset(&face.landmarks, found, face.head.roll),
            true_offset: offset(&face.landmarks, truth.iris_px, face.head.roll),
            gap: gap(&face.landmarks),
        }
    }
}

/// Irises at `iris` (pixels) from the middle of the landmarks' eye corners, in eye widths, along the
/// axes of a head rolled by `roll` degrees; mean of both eyes.
pub fn offset(lm: &gaze::landmarks::Landmarks, iris: [Point2<f64>; 2], roll: f64) -> [f64; 2] {
    let at = |i: usize| Point2::new(f64::from(lm[i][0]), f64::from(lm[i][1]));
    let (sin, cos) = roll.to_radians().sin_cos();
    let mut sum = Vector2::zeros();
    for eye in 0..2 {
        let (outer, inner) = (at(OUTER_CORNER[eye]), at(INNER_CORNER[eye]));
        let d = iris[eye] - nalgebra::center(&outer, &inner);
        let along = Vector2::new(cos * d.x + sin * d.y, cos * d.y - sin * d.x);
        sum += along / (outer - inner).norm() / 2.0;
    }
    sum.into()
}

/// Gap between the middles of the lids, in eye widths, mean of both eyes.
pub fn gap(lm: &gaze::landmarks::Landmarks) -> f64 {
    use gaze::landmarks::{LOWER_LID, UPPER_LID};
    let at = |i: usize| Point2::new(f64::from(lm[i][0]), f64::from(lm[i][1]));
    let one = |e: usize| {
        (at(UPPER_LID[e]) - at(LOWER_LID[e])).norm()
            / (at(OUTER_CORNER[e]) - at(INNER_CORNER[e])).norm()
    };
    (one(0) + one(1)) / 2.0
}

/// Does `jobs` pieces of work, each core with a stage of its own; answers in the jobs' order.
pub fn on_every_core<T: Send>(jobs: usize, work: impl Fn(&mut Stage, usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores.min(jobs))
            .map(|_| {
                scope.spawn(|| {
                    let mut stage = Stage::new();
                    let mut mine = Vec::new();
                    loop {
                        let job = next.fetch_add(1, Relaxed);
                        if job >= jobs {
                            return mine;
                        }
                        mine.push((job, work(&mut stage, job)));
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().expect("no job panics"))
            .collect()
    });
    done.sort_by_key(|(job, _)| *job);
    done.into_iter().map(|(_, answer)| answer).collect()
}
