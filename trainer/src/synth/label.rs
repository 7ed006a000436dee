//! What stands in the JSON beside a picture: the user's format, and the truth.

use nalgebra::{Point2, Vector3};
use render::camera::Camera;
use render::scenario::{CONTACT_DEG, Plan, Shot, lens_angle_deg};
use render::truth::Truth as Seen;
use serde::{Deserialize, Serialize};

use gaze::dataset::{Inference, Tracked, Xyz};
use gaze::screen::Screen;

/// Number of this layout of `truth`; another number is another layout.
pub const SCHEMA: u32 = 1;

/// The whole of `img_N.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// The target, in pixels of the screen from its left; can lie beside the screen.
    pub screen_x: f64,
    /// The target, in pixels of the screen from its top.
    pub screen_y: f64,
    /// What a tracker of the *face's* direction would have recorded.
    pub inference: Inference,
    /// Another tracker's answer, which is not there: zeros.
    pub moondream_result: Xyz,
    /// Everything that is true of the picture.
    pub truth: Truth,
}

/// What is true of a picture. Millimetres are of the camera's frame (x right, y down, z away).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What the set is for.
    pub scenario: String,
    /// The set's seed.
    pub seed: u64,
    /// Number of the picture in its set, from 0; its file is `img_(index + 1).jpg`.
    pub index: u64,
    /// Number of the sitting: pictures of one sitting share camera, screen and room.
    pub sitting: u64,
    /// What the followed person's eyes do: fixation, saccade, pursuit.
    pub doing: String,
    /// JPEG's quality.
    pub quality: u8,
    /// Length of the picture's file: what is shorter was cut off.
    pub jpeg_bytes: u64,
    /// Focal lengths, principal point and size in pixels, and the lens.
    pub camera: Lens,
    /// Pixels and millimetres of the screen, and where the camera sits on it.
    pub screen: Screen,
    /// The target, in pixels of the screen.
    pub target_px: [f64; 2],
    /// The target.
    pub target_mm: [f64; 3],
    /// Everybody in the picture.
    pub faces: Vec<Face>,
}

/// The camera: at (x, y) = (X/Z, Y/Z) and with r² = x² + y² a point appears at
/// (fx·x·(1 + k1·r²) + cx, fy·y·(1 + k1·r²) + cy).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Lens {
    pub fx: f64,
    pub fy: f64,
    pub cx: f64,
    pub cy: f64,
    pub width: u32,
    pub height: u32,
    pub k1: f64,
}

/// What is true of one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// Who: the name of the person's folder.
    pub person: String,
    /// Whether the label is about this one.
    pub followed: bool,
    /// Direction and place of the head.
    pub head: HeadPose,
    /// What both visual axes meet in, mm.
    pub target_mm: [f64; 3],
    /// Looks into the lens.
    pub contact: bool,
    /// Between the mean line of sight and the line to the lens, degrees.
    pub lens_deg: f64,
    /// How far a blink has shut the lids, 0..1.
    pub shut: f64,
    /// Wears glasses.
    pub glasses: bool,
    /// The eye at the image's left (of a head that is upright), then the other.
    pub eyes: [Eye; 2],
}

/// Where a head is and points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HeadPose {
    /// Degrees, positive to the image's right.
    pub yaw: f64,
    /// Degrees, positive up.
    pub pitch: f64,
    /// Degrees, positive clockwise in the image.
    pub roll: f64,
    /// Middle between the eyeballs' centres.
    pub place_mm: [f64; 3],
}

/// What is true of one eye.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Eye {
    /// Centre of the eyeball, pixels of the picture.
    pub centre_px: [f64; 2],
    /// Centre of the limbus, the iris as it is seen, pixels.
    pub iris_px: [f64; 2],
    /// Radius of the limbus at its depth, pixels: half its greatest width in the middle of the
    /// picture; perspective draws it longer towards the edge.
    pub iris_radius_px: f64,
    /// Centre of the pupil as the cornea shows it, pixels.
    pub pupil_px: [f64; 2],
    /// Centre of the eyeball.
    pub centre_mm: [f64; 3],
    /// From the eyeball's centre to the target: the line of sight (unit vector).
    pub gaze: [f64; 3],
    /// Through pupil and iris: beside the line of sight by the angle kappa (unit vector).
    pub optical_axis: [f64; 3],
    /// Between the middles of the lids against the iris's width; 0 is shut.
    pub openness: f64,
    /// Share of the iris that lids, other people and hair leave free and that lies in the picture.
    pub visible: f64,
}

/// To so many digits after the point: short files, and no trace of a machine's last bit.
fn digits<const N: usize>(v: [f64; N], scale: f64) -> [f64; N] {
    // Adding 0 makes −0 into 0.
    v.map(|x| (x * scale).round() / scale + 0.0)
}

fn px(p: Point2<f64>) -> [f64; 2] {
    digits([p.x, p.y], 1e3)
}

fn mm(p: Vector3<f64>) -> [f64; 3] {
    digits([p.x, p.y, p.z], 1e3)
}

fn unit(p: Vector3<f64>) -> [f64; 3] {
    digits([p.x, p.y, p.z], 1e7)
}

fn angle(v: f64) -> f64 {
    digits([v], 1e4)[0]
}

/// Name of a person's folder, `number` from 0.
pub fn person_name(number: usize) -> String {
    format!("person-{:04}", number + 1)
}

/// Number of the `k`-th person in a shot. Who is there beside the followed one has the
/// numbers after it, round the plan's end if it has one.
fn number_of(plan: &Plan, shot: &Shot, k: usize) -> usize {
    let number = shot.person + k;
    plan.persons.map_or(number, |all| number % all.max(1))
}

impl Label {
    /// The label of a drawn shot; `seen` in the order of the shot's people.
    pub fn new(plan: &Plan, shot: &Shot, seen: &[Seen], quality: u8, jpeg_bytes: usize) -> Label {
        let camera = shot.camera();
        let faces = (0..seen.len())
            .map(|k| Face::new(plan, shot, seen, k))
            .collect();
        let target = px(shot.target_px());
        Label {
            timestamp: shot.timestamp_ms,
            screen_x: target[0],
            screen_y: target[1],
            inference: Inference {
                gaze: of_the_head(&seen[shot.followed]),
            },
            moondream_result: Xyz::default(),
            truth: Truth {
                schema: SCHEMA,
                scenario: plan.kind.name().to_owned(),
                seed: plan.seed,
                index: shot.index as u64,
                sitting: shot.sitting as u64,
                doing: shot.doing.name().to_owned(),
                quality,
                jpeg_bytes: jpeg_bytes as u64,
                camera: Lens::from(camera),
                screen: shot.setup.screen,
                target_px: target,
                target_mm: mm(shot.target_mm()),
                faces,
            },
        }
    }
}

impl From<Camera> for Lens {
    fn from(camera: Camera) -> Lens {
        let i = camera.intrinsics;
        Lens {
            fx: i.fx,
            fy: i.fy,
            cx: i.cx,
            cy: i.cy,
            width: i.width,
            height: i.height,
            k1: camera.k1,
        }
    }
}

/// What a tracker of the face's direction would have recorded; landmarks are not rendered.
fn of_the_head(seen: &Seen) -> Tracked {
    let [yaw, pitch, roll] = seen.head.map(angle);
    let eye = |i: usize| {
        let [x, y] = px(seen.centre_px[i]);
        Xyz { x, y, z: 0.0 }
    };
    let (sy, cy) = libm::sincos(seen.head[0].to_radians());
    let (sp, cp) = libm::sincos(seen.head[1].to_radians());
    Tracked {
        left_eye: eye(0),
        right_eye: eye(1),
        yaw,
        pitch,
        roll,
        vector: unit(Vector3::new(cp * sy, -sp, -cp * cy)).into(),
        landmarks: None,
    }
}

impl Face {
    fn new(plan: &Plan, shot: &Shot, seen: &[Seen], k: usize) -> Face {
        let (truth, pose) = (&seen[k], &shot.moment.poses[k]);
        let [yaw, pitch, roll] = truth.head.map(angle);
        let lens = lens_angle_deg(truth);
        let eyes = [0, 1].map(|eye| {
            let (ray, iris) = (&truth.gaze[eye], truth.iris_px[eye]);
            Eye {
                centre_px: px(truth.centre_px[eye]),
                iris_px: px(iris),
                iris_radius_px: digits([truth.iris_radius_px[eye]], 1e3)[0],
                pupil_px: px(truth.pupil_px[eye]),
                centre_mm: mm(ray.origin),
                gaze: unit(ray.direction),
                optical_axis: unit(truth.optical[eye]),
                openness: angle(truth.openness[eye]),
                visible: angle(truth.visible[eye]),
            }
        });
        Face {
            person: person_name(number_of(plan, shot, k)),
            followed: k == shot.followed,
            head: HeadPose {
                yaw,
                pitch,
                roll,
                place_mm: mm(truth.head_mm),
            },
            target_mm: mm(pose.target),
            contact: lens <= CONTACT_DEG,
            lens_deg: angle(lens),
            shut: angle(pose.shut),
            glasses: truth.glasses,
            eyes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use render::scenario::Kind;

    #[test]
    fn everybody_in_a_crowd_has_the_number_of_their_seed() {
        for persons in [None, Some(3)] {
            let plan = Plan {
                persons,
                ..Plan::new(Kind::Crowd, 5)
            };
            for n in [0, 310, 650, 990] {
                let shot = plan.shot(n);
                for (k, seed) in shot.people.iter().enumerate() {
                    assert_eq!(plan.person_seed(number_of(&plan, &shot, k)), *seed);
                }
            }
        }
    }
}
