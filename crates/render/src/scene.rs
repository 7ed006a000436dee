//! A person before a camera: the picture and everything that is true about it.

use gaze::camera::Intrinsics;
use gaze::ray::Ray;
use nalgebra::{Point2, Vector3};
use rayon::prelude::*;

use crate::background::Background;
use crate::draw::{body_point, draw_eye, halve};
use crate::eyeball::{self, Eyeball};
use crate::head::{Expression, Head, Posed, Template};
use crate::identity::Identity;
use crate::light::{Lights, ShadowMap, openness};
use crate::maths::{M3, V3, v3};
use crate::raster::{NOTHING, Pinhole, Raster, Seen};
use crate::sensor::Sensor;
use crate::skin::Skin;
use crate::strands::{Canvas, Hair};

/// Samples along each side of a pixel.
const SUPERSAMPLE: usize = 2;
/// Depths of a pixel's samples that differ by less than this factor are one surface.
const SAME_SURFACE: f32 = 0.996;

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

/// What the person does in one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// The point both visual axes meet in, camera frame, mm.
    pub target: Vector3<f64>,
    /// Yaw, pitch and roll of the head, degrees.
    pub head: [f64; 3],
    /// Where the middle between the eyes is while the head is not turned, camera frame, mm.
    pub place: Vector3<f64>,
    /// How far a blink has shut the lids, 0..1.
    pub shut: f64,
    /// Face units by ARKit name, with weights.
    pub units: Vec<(&'static str, f32)>,
    /// Number of the picture, for the sensor's noise.
    pub frame: u64,
}

/// What is true of a rendered picture. Eyes in the image's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// From each eyeball's centre along the visual axis.
    pub gaze: [Ray; 2],
    /// Where each optical axis (the one through pupil and iris) points.
    pub optical: [Vector3<f64>; 2],
    /// Centre of each limbus — the iris as it is seen — in pixels.
    pub iris_px: [Point2<f64>; 2],
    /// Centre of each eyeball in pixels.
    pub centre_px: [Point2<f64>; 2],
    /// Opening between the middles of the lids against the iris's width (0: shut).
    pub openness: [f64; 2],
    /// Yaw, pitch and roll of the head, degrees.
    pub head: [f64; 3],
    /// Middle between the eyeballs' centres, camera frame, mm.
    pub head_mm: Vector3<f64>,
}

/// A person, a room, a camera, and the buffers to draw them with.
#[derive(Debug)]
pub struct Scene {
    /// The camera.
    pub camera: Intrinsics,
    /// The lights.
    pub lights: Lights,
    /// Noise, blur and tone of the camera.
    pub sensor: Sensor,
    head: Head,
    skin: Skin,
    hair: Hair,
    open: Vec<f32>,
    background: Background,
    buffers: Buffers,
}

#[derive(Debug, Default)]
struct Buffers {
    posed: Posed,
    projected: Vec<V3>,
    raster: Raster,
    shadow: ShadowMap,
    colour: Vec<V3>,
    eye_depth: Vec<f32>,
    small: Vec<V3>,
}

impl Scene {
    /// A person of `identity` before `camera`, in a room of `seed`.
    pub fn new(identity: Identity, camera: Intrinsics, lights: Lights, seed: u64) -> Scene {
        let head = Head::new(identity);
        let template = Template::bundled();
        let mut rest = Posed::default();
        head.pose(&Expression::default(), [0.0; 3], V3::ZERO, &mut rest);
        let open = openness(&template.triangles, &rest.positions, &rest.normals);
        let pinhole = Pinhole::new(&camera, SUPERSAMPLE);
        Scene {
            skin: Skin::new(&head.identity),
            hair: Hair::new(&head),
            background: Background::new(seed, pinhole.width, pinhole.height),
            sensor: Sensor::default(),
            buffers: Buffers::default(),
            camera,
            lights,
            head,
            open,
        }
    }

    /// The truth of a moment, without drawing it.
    pub fn truth(&self, moment: &Moment) -> Truth {
        self.look(moment).0
    }

    fn look(&self, moment: &Moment) -> (Truth, Expression, [Eyeball; 2]) {
        let place = from64(moment.place);
        let turn = M3::from_head_angles(moment.head[0], moment.head[1], moment.head[2]);
        let down = turn.apply(v3(0.0, 1.0, 0.0));
        let who = &self.head.identity;
        let mut expression = Expression {
            shut: [moment.shut as f32; 2],
            units: moment.units.clone(),
            ..Expression::default()
        };
        let mut eyes = Vec::new();
        let mut truths = Vec::new();
        for eye in 0..2 {
            let centre = self
                .head
                .skull_to_camera(self.head.eye_centres[eye], moment.head, place);
            let origin = to64(centre);
            let visual = (moment.target - origin).normalize();
            // The optical axis points further to the temple than the visual one, and lower.
            let nose = if eye == 0 { 1.0 } else { -1.0 };
            let optical = {
                let r = Ray {
                    origin,
                    direction: visual,
                };
                let (yaw, pitch) = (
                    r.yaw_deg() - nose * who.kappa[0],
                    r.pitch_deg() - who.kappa[1],
                );
                let ((sy, cy), (sp, cp)) =
                    (crate::maths::sin_cos(yaw), crate::maths::sin_cos(pitch));
                Vector3::new(cp * sy, -sp, -cp * cy)
            };
            let in_head = turn.apply_inverse(from64(optical));
            expression.eyes[eye] = [
                libm::atan2(f64::from(in_head.x), f64::from(-in_head.z)).to_degrees(),
                libm::asin(f64::from(-in_head.y).clamp(-1.0, 1.0)).to_degrees(),
            ];
            eyes.push(Eyeball {
                centre,
                axes: Eyeball::axes(from64(optical), down),
                iris: who.iris,
                pupil: who.pupil_mm,
                nose: nose as f32,
                seed: (who.seed % 97) as f32 + 31.0 * eye as f32,
            });
            truths.push((
                Ray {
                    origin,
                    direction: visual,
                },
                optical,
            ));
        }
        let openness = [0, 1].map(|eye| {
            let [upper, lower] = self.head.lid_heights(eye, &expression);
            f64::from((lower - upper).max(0.0) / (2.0 * eyeball::LIMBUS))
        });
        let limbus = |(ray, optical): &(Ray, Vector3<f64>)| {
            self.camera
                .project(ray.origin + optical * f64::from(eyeball::LIMBUS_DEPTH))
        };
        let truth = Truth {
            gaze: [truths[0].0, truths[1].0],
            optical: [truths[0].1, truths[1].1],
            iris_px: [limbus(&truths[0]), limbus(&truths[1])],
            centre_px: [0, 1].map(|i| self.camera.project(truths[i].0.origin)),
            openness,
            head: moment.head,
            head_mm: (truths[0].0.origin + truths[1].0.origin) / 2.0,
        };
        (truth, expression, [eyes[0], eyes[1]])
    }

    /// Draws a moment and tells what is true of it.
    pub fn render(&mut self, moment: &Moment, picture: &mut Picture) -> Truth {
        let (truth, expression, eyes) = self.look(moment);
        let template = Template::bundled();
        let camera = Pinhole::new(&self.camera, SUPERSAMPLE);
        let place = from64(moment.place);
        let b = &mut self.buffers;
        self.head
            .pose(&expression, moment.head, place, &mut b.posed);
        b.projected.clear();
        b.projected
            .extend(b.posed.positions.iter().map(|&p| camera.project(p)));
        b.raster.draw(
            &template.triangles,
            &b.projected,
            camera.width,
            camera.height,
            true,
        );
        let middle = from64(truth.head_mm) + v3(0.0, 40.0, 60.0);
        b.shadow.draw(
            &template.triangles,
            &b.posed.positions,
            self.lights.key,
            middle,
            460.0,
            1024,
        );

        b.colour.clone_from(&self.background.samples);
        let (posed, raster, shadow) = (&b.posed, &b.raster, &b.shadow);
        let (skin, lights, open) = (&self.skin, &self.lights, &self.open);
        b.colour
            .par_chunks_mut(SUPERSAMPLE * camera.width)
            .zip(raster.seen.par_chunks(SUPERSAMPLE * camera.width))
            .for_each(|(colours, seen)| {
                let colour = |s: &Seen| {
                    let p = body_point(template, posed, open, shadow, s.triangle, s.b);
                    skin.shade(&p, lights)
                };
                for x in (0..camera.width).step_by(SUPERSAMPLE) {
                    let four = [x, x + 1, x + camera.width, x + camera.width + 1];
                    let depths = four.map(|i| seen[i].inverse_z);
                    let far = depths.iter().copied().fold(f32::MAX, f32::min);
                    let near = depths.iter().copied().fold(0.0, f32::max);
                    if far > SAME_SURFACE * near {
                        // One surface fills the pixel: two samples across its diagonal do.
                        let (p, q) = (colour(&seen[four[0]]), colour(&seen[four[3]]));
                        for (i, c) in four.into_iter().zip([p, q, p, q]) {
                            colours[i] = c;
                        }
                    } else {
                        for i in four {
                            if seen[i].triangle != NOTHING {
                                colours[i] = colour(&seen[i]);
                            }
                        }
                    }
                }
            });

        b.eye_depth.clear();
        b.eye_depth.resize(b.colour.len(), 0.0);
        for eye in &eyes {
            draw_eye(
                eye,
                &camera,
                raster,
                shadow,
                lights,
                &mut b.colour,
                &mut b.eye_depth,
            );
        }
        let turn = M3::from_head_angles(moment.head[0], moment.head[1], moment.head[2]);
        let mut canvas = Canvas {
            colour: &mut b.colour,
            raster: &b.raster,
            eyes: &b.eye_depth,
            camera,
        };
        self.hair.draw(
            &mut canvas,
            &self.head,
            &b.posed,
            &turn,
            place,
            &self.lights,
        );
        halve(&b.colour, camera.width, &mut b.small);
        self.sensor.expose(
            &mut b.small,
            self.camera.width as usize,
            moment.frame,
            picture,
        );
        truth
    }
}

fn from64(v: Vector3<f64>) -> V3 {
    v3(v.x as f32, v.y as f32, v.z as f32)
}

fn to64(v: V3) -> Vector3<f64> {
    Vector3::new(f64::from(v.x), f64::from(v.y), f64::from(v.z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaze::screen::Screen;

    fn scene(width: u32, height: u32) -> Scene {
        let lights = Lights::window(v3(0.0, 90.0, 0.0), [155.0, 87.0]);
        Scene::new(
            Identity::demo(),
            Intrinsics::webcam(width, height),
            lights,
            1,
        )
    }

    fn moment() -> Moment {
        Moment {
            target: Screen::default().point_mm(Point2::new(0.2, 0.7)),
            head: [8.0, -5.0, 3.0],
            place: Vector3::new(12.0, 20.0, 540.0),
            shut: 0.0,
            units: Vec::new(),
            frame: 3,
        }
    }

    #[test]
    fn the_truth_agrees_with_algebra_done_another_way() {
        let scene = scene(640, 480);
        let m = moment();
        let truth = scene.truth(&m);
        let rotation =
            nalgebra::Rotation3::from_axis_angle(&Vector3::y_axis(), -m.head[0].to_radians())
                * nalgebra::Rotation3::from_axis_angle(&Vector3::x_axis(), -m.head[1].to_radians())
                * nalgebra::Rotation3::from_axis_angle(&Vector3::z_axis(), m.head[2].to_radians());
        let focal = 320.0 / 30f64.to_radians().tan();
        for eye in 0..2 {
            let pivot = to64(scene.head.pivot);
            let centre = rotation * (to64(scene.head.eye_centres[eye]) - pivot) + pivot + m.place;
            let px =
                |p: Vector3<f64>| Point2::new(320.0 + focal * p.x / p.z, 240.0 + focal * p.y / p.z);
            assert!((px(centre) - truth.centre_px[eye]).norm() < 0.1);
            // The visual axis meets the target; the optical one leans to the temple by kappa.
            let ray = &truth.gaze[eye];
            let reach = (m.target - ray.origin).norm();
            assert!((ray.origin + ray.direction * reach - m.target).norm() < 1e-6);
            let kappa = ray.direction.angle(&truth.optical[eye]).to_degrees();
            assert!(
                (kappa - scene.head.identity.kappa[0]).abs() < 0.2,
                "{kappa}"
            );
            let temple = if eye == 0 { -1.0 } else { 1.0 };
            assert!((truth.optical[eye].x - ray.direction.x) * temple > 0.0);
            let limbus = centre + truth.optical[eye] * 10.45;
            assert!((px(limbus) - truth.iris_px[eye]).norm() < 0.1);
        }
        assert!(truth.iris_px[0].x < truth.iris_px[1].x);
    }

    #[test]
    fn the_same_moment_gives_the_same_bytes() {
        let (mut a, mut b) = (Picture::default(), Picture::default());
        let mut one = scene(96, 72);
        one.render(&moment(), &mut a);
        let mut other = moment();
        // Its eyes are where the first one's brows are.
        other.place.y -= 26.0;
        one.render(&other, &mut b);
        assert_ne!(a, b);
        one.render(&moment(), &mut b);
        assert_eq!(a, b, "buffers keep nothing of the last picture");
        scene(96, 72).render(&moment(), &mut b);
        assert_eq!(a, b);
    }

    #[test]
    fn the_pupil_is_dark_where_the_truth_says() {
        let mut scene = scene(640, 480);
        let truth = scene.truth(&moment());
        // Three times as near the left eye, so that the pupil has pixels.
        for (f, c, at) in [
            (
                &mut scene.camera.fx,
                &mut scene.camera.cx,
                truth.iris_px[0].x,
            ),
            (
                &mut scene.camera.fy,
                &mut scene.camera.cy,
                truth.iris_px[0].y,
            ),
        ] {
            *c += 3.0 * (*c - at) + at - *c;
            *f *= 3.0;
        }
        let mut picture = Picture::default();
        let truth = scene.render(&moment(), &mut picture);
        let grey = |x: f64, y: f64| {
            let i = 3 * (y as usize * 640 + x as usize);
            picture.rgb[i..i + 3]
                .iter()
                .map(|v| f64::from(*v))
                .sum::<f64>()
                / 3.0
        };
        let p = truth.iris_px[0];
        let sclera = grey(p.x - 24.0, p.y + 2.0).max(grey(p.x + 24.0, p.y + 2.0));
        assert!(grey(p.x, p.y) < 45.0 && sclera > grey(p.x, p.y) + 50.0);
    }
}
