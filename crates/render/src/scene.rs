//! People before a camera, in a room: draws the picture.
//!
//! One picture is drawn on one core; callers draw several at once, each with a
//! scene of its own. The buffers are kept from picture to picture.

use std::sync::Arc;

use crate::body::head::Posed;
use crate::body::template::Template;
use crate::camera::Camera;
use crate::draw::{halve, shade_body};
use crate::eye::eyeball::LIMBUS_DEPTH;
use crate::eye::socket::{EyeView, draw_eye};
use crate::glasses::draw::{Place, View};
use crate::hair::PosedShell;
use crate::maths::{M3, V3, sin_cos, v3};
use crate::person::Person;
use crate::raster::{EYEBALL, NOTHING, Pinhole, Raster};
use crate::room::Room;
use crate::sensor::Sensor;
use crate::shadow::ShadowMap;
use crate::strands::Canvas;
use crate::truth::{Pose, Truth, from64};

/// Samples along each side of a pixel.
const SUPERSAMPLE: usize = 2;
/// How much of a head and its shoulders casts and receives shadows (mm across).
const SHADOW_SPAN: f32 = 460.0;

/// RGB, eight bits, row by row from the top left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Three bytes a pixel.
    pub rgb: Vec<u8>,
}

/// What happens in one picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moment {
    /// What each of the scene's people does.
    pub poses: Vec<Pose>,
    /// How far the picture moves while it is exposed: right, down, in pixels.
    pub smear: [f32; 2],
    /// Number of the picture, for the sensor's noise.
    pub frame: u64,
}

/// People, a room, a camera, and the buffers to draw them with.
#[derive(Debug)]
pub struct Scene {
    /// The camera and its lens.
    pub camera: Camera,
    /// Lights and background.
    pub room: Room,
    /// Noise, blur and tone of the camera.
    pub sensor: Sensor,
    /// Who is before the camera.
    pub people: Vec<Arc<Person>>,
    buffers: Buffers,
}

/// What drawing needs and the next picture overwrites.
#[derive(Debug, Default)]
pub struct Buffers {
    drawn: Vec<Drawn>,
    raster: Raster,
    colour: Vec<V3>,
    hits: Vec<(u32, f32)>,
    small: Vec<V3>,
}

/// One person as posed for this picture.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    pub posed: Posed,
    pub projected: Vec<V3>,
    pub shadow: ShadowMap,
    /// Corners of the glasses' frame.
    pub glasses: Vec<V3>,
    pub shells: Vec<PosedShell>,
    /// Index of the person's first triangle in the raster.
    pub first: u32,
}

impl Scene {
    /// `people` before `camera`, in `room`.
    pub fn new(camera: Camera, room: Room, sensor: Sensor, people: Vec<Arc<Person>>) -> Scene {
        Scene::reusing(camera, room, sensor, people, Buffers::default())
    }

    /// As [`Scene::new`], with the buffers of a scene that is done.
    pub fn reusing(
        camera: Camera,
        room: Room,
        mut sensor: Sensor,
        people: Vec<Arc<Person>>,
        buffers: Buffers,
    ) -> Scene {
        // The white balance has had time to settle on the room's light.
        sensor.white = room.lights.white();
        Scene {
            camera,
            room,
            sensor,
            people,
            buffers,
        }
    }

    /// The buffers, for the next scene.
    pub fn into_buffers(self) -> Buffers {
        self.buffers
    }

    /// The truth of a moment, one for each person, without drawing it.
    pub fn truth(&self, moment: &Moment) -> Vec<Truth> {
        (self.people.iter().zip(&moment.poses))
            .map(|(person, pose)| person.look(pose, &self.camera, &self.room.lights).0)
            .collect()
    }

    /// Draws a moment and tells what is true of each person.
    pub fn render(&mut self, moment: &Moment, picture: &mut Picture) -> Vec<Truth> {
        let template = Template::bundled();
        let camera = Pinhole::new(&self.camera, SUPERSAMPLE);
        let lights = &self.room.lights;
        let b = &mut self.buffers;
        // Whoever has no pose is not there.
        let present = self.people.len().min(moment.poses.len());
        b.drawn.resize_with(present, Drawn::default);
        b.raster.clear(camera.width, camera.height);

        // Where everything is.
        let mut looks = Vec::new();
        let mut first = 0;
        for ((person, pose), drawn) in self.people.iter().zip(&moment.poses).zip(&mut b.drawn) {
            let look = person.look(pose, &self.camera, &self.room.lights);
            person
                .head
                .pose(&look.1, pose.head, from64(pose.place), &mut drawn.posed);
            drawn.projected.clear();
            let points = drawn.posed.positions.iter();
            drawn.projected.extend(points.map(|&p| camera.project(p)));
            drawn.first = first;
            b.raster.add(&template.triangles, &drawn.projected, first);
            first += template.triangles.len() as u32;
            let (head, hair) = (&person.head, &person.hair);
            let place = from64(pose.place);
            let shells = &mut drawn.shells;
            hair.pose(&drawn.posed, pose.head, head.pivot, place, &camera, shells);
            for (shell, posed) in hair.shells.iter().zip(shells) {
                let keep = |t: usize, wb: f32, wc: f32| shell.covers(posed, t, wb, wc);
                (b.raster).add_where(&shell.triangles, &posed.projected, first, keep);
                first += shell.triangles.len() as u32;
            }

            let middle = from64(look.0.head_mm);
            // About one sample of the shadow for one pixel.
            let size = SHADOW_SPAN * camera.f[0] / middle.z;
            let size = (0.5 * size) as usize;
            let size = size.clamp(256, 1024);
            let middle = middle + v3(0.0, 40.0, 60.0);
            drawn.shadow.begin(lights.key, middle, SHADOW_SPAN, size);
            drawn
                .shadow
                .add(&template.triangles, &drawn.posed.positions);
            if let Some(glasses) = &person.glasses {
                glasses.posed(&skull(person, pose), &mut drawn.glasses);
                drawn.shadow.add_thin(&glasses.triangles, &drawn.glasses);
            }
            for (shell, posed) in person.hair.shells.iter().zip(&drawn.shells) {
                let casting = &shell.triangles[..shell.casting];
                drawn.shadow.add(casting, &posed.positions);
            }
            looks.push(look);
        }

        for (k, look) in looks.iter_mut().enumerate() {
            for eye in 0..2 {
                look.0.visible[eye] *= uncovered(&look.0, eye, k, &b.drawn, &b.raster);
            }
        }

        // Bodies, eyes behind their lids, frames of glasses, then what is thinner than a sample, and glass.
        self.room.background.spread(SUPERSAMPLE, &mut b.colour);
        shade_body(
            &self.people,
            &b.drawn,
            &b.raster,
            &camera,
            lights,
            &mut b.colour,
        );
        b.hits.clear();
        for (look, drawn) in looks.iter().zip(&b.drawn) {
            let view = EyeView {
                camera: &camera,
                raster: &b.raster,
                shadow: &drawn.shadow,
                lights,
            };
            for eye in &look.2 {
                draw_eye(eye, &view, &mut b.colour, &mut b.hits);
            }
        }
        for &(i, inverse_z) in &b.hits {
            let seen = &mut b.raster.seen[i as usize];
            seen.inverse_z = inverse_z;
            seen.triangle = EYEBALL;
        }
        for ((person, pose), drawn) in self.people.iter().zip(&moment.poses).zip(&b.drawn) {
            if let Some(glasses) = &person.glasses {
                let view = View {
                    camera: &camera,
                    lights,
                    place: skull(person, pose),
                };
                let (posed, shadow) = (&drawn.glasses, &drawn.shadow);
                glasses.draw_frame(&view, posed, shadow, first, &mut b.raster, &mut b.colour);
                first += glasses.triangles.len() as u32;
            }
        }
        let mut order: Vec<usize> = (0..looks.len()).collect();
        order.sort_by(|&i, &j| moment.poses[j].place.z.total_cmp(&moment.poses[i].place.z));
        let mut canvas = Canvas {
            colour: &mut b.colour,
            raster: &b.raster,
            camera,
        };
        for i in order {
            let (person, pose) = (&self.people[i], &moment.poses[i]);
            let turn = M3::from_head_angles(pose.head[0], pose.head[1], pose.head[2]);
            let (posed, place) = (&b.drawn[i].posed, from64(pose.place));
            person
                .hair
                .draw(&mut canvas, posed, &b.drawn[i].shells, &turn, lights);
            person
                .lashes
                .draw(&mut canvas, &person.head, posed, &turn, place);
            if let Some(glasses) = &person.glasses {
                let view = View {
                    camera: &camera,
                    lights,
                    place: skull(person, pose),
                };
                glasses.draw_lenses(&view, canvas.raster, canvas.colour);
            }
        }
        halve(&b.colour, camera.width, &mut b.small);
        self.sensor.expose(
            &mut b.small,
            self.camera.intrinsics.width as usize,
            moment.frame,
            moment.smear,
            picture,
        );
        looks.into_iter().map(|l| l.0).collect()
    }
}

/// Share of an iris of person `k` that lies in the picture and behind nobody else and no hair.
/// Lids are reckoned elsewhere; the own nose and glasses are not reckoned.
fn uncovered(truth: &Truth, eye: usize, k: usize, drawn: &[Drawn], raster: &Raster) -> f64 {
    let body = Template::bundled().triangles.len() as u32;
    let depth = truth.gaze[eye].origin.z + truth.optical[eye].z * f64::from(LIMBUS_DEPTH);
    let (at, radius) = (truth.iris_px[eye], truth.iris_radius_px[eye]);
    let samples = SUPERSAMPLE as f64;
    // The middle and two rings of eight.
    let ring = |r: f64| (0..8).map(move |i| (r, 45.0 * f64::from(i)));
    let points = std::iter::once((0.0, 0.0))
        .chain(ring(0.5))
        .chain(ring(0.9));
    let free = points.filter(|&(r, degrees)| {
        let (sin, cos) = sin_cos(degrees);
        let x = (at.x + r * radius * cos) * samples;
        let y = (at.y + r * radius * sin) * samples;
        if !(0.0..raster.width as f64).contains(&x) || !(0.0..raster.height as f64).contains(&y) {
            return false;
        }
        let seen = &raster.seen[y as usize * raster.width + x as usize];
        let own = drawn.iter().rposition(|d| d.first <= seen.triangle) == Some(k)
            && seen.triangle - drawn[k].first < body;
        own || seen.triangle == NOTHING || f64::from(seen.inverse_z) < 1.0 / depth
    });
    free.count() as f64 / 17.0
}

/// How a person's skull stands before the camera.
fn skull(person: &Person, pose: &Pose) -> Place {
    Place {
        turn: M3::from_head_angles(pose.head[0], pose.head[1], pose.head[2]),
        pivot: person.head.pivot,
        place: from64(pose.place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;
    use gaze::screen::Screen;
    use nalgebra::{Point2, Vector3};

    fn scene(width: u32, height: u32, people: usize) -> Scene {
        let room = Room::demo(&Screen::default(), width as usize, height as usize);
        let camera = Camera::from_fov(width, height, 60.0, 0.0);
        let person = Arc::new(Person::new(Identity::demo()));
        Scene::new(camera, room, Sensor::default(), vec![person; people])
    }

    fn pose() -> Pose {
        Pose {
            target: Screen::default().point_mm(Point2::new(0.2, 0.7)),
            head: [8.0, -5.0, 3.0],
            place: Vector3::new(12.0, 20.0, 540.0),
            shut: 0.0,
            units: Vec::new(),
        }
    }

    fn moment(poses: Vec<Pose>) -> Moment {
        Moment {
            poses,
            frame: 3,
            ..Moment::default()
        }
    }

    #[test]
    fn the_same_moment_gives_the_same_bytes() {
        let (mut a, mut b) = (Picture::default(), Picture::default());
        let mut one = scene(96, 72, 1);
        one.render(&moment(vec![pose()]), &mut a);
        let mut other = pose();
        // Its eyes are where the first one's brows are.
        other.place.y -= 26.0;
        one.render(&moment(vec![other]), &mut b);
        assert_ne!(a, b);
        one.render(&moment(vec![pose()]), &mut b);
        assert_eq!(a, b, "buffers keep nothing of the last picture");
        scene(96, 72, 1).render(&moment(vec![pose()]), &mut b);
        assert_eq!(a, b);
    }

    #[test]
    fn the_nearer_person_hides_the_farther_one() {
        let mut far = pose();
        far.place = Vector3::new(12.0, 20.0, 1100.0);
        let mut scene = scene(160, 120, 2);
        let mut picture = |poses: Vec<Pose>| {
            let mut p = Picture::default();
            let truths = scene.render(&moment(poses), &mut p);
            (p, truths)
        };
        let hidden = picture(vec![pose(), far.clone()]);
        let swapped = picture(vec![far.clone(), pose()]);
        assert_eq!(hidden.0, swapped.0, "the order in the list does not matter");
        assert_eq!(hidden.1[1], swapped.1[0]);
        assert_eq!(hidden.1[1].visible, [0.0; 2]);
        assert!(hidden.1[0].visible[0] > 0.5, "{:?}", hidden.1[0].visible);
        // Beside the near head the far one shows.
        far.place.x = 300.0;
        let both = picture(vec![pose(), far]);
        let at = both.1[1].centre_px[0];
        let i = 3 * (at.y as usize * 160 + at.x as usize);
        assert_ne!(both.0.rgb[i..i + 3], hidden.0.rgb[i..i + 3]);
    }
}
