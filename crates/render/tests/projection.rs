//! The truth of every scenario, reckoned again by a few lines of algebra of another kind: rotation
//! matrices from the angles' definitions, the lens by its formula.

use std::sync::Arc;

use nalgebra::{Matrix3, Point2, Vector3};
use proptest::prelude::*;
use render::camera::Camera;
use render::eye::eyeball::LIMBUS_DEPTH;
use render::identity::Identity;
use render::maths::V3;
use render::person::Person;
use render::room::Room;
use render::scenario::{Kind, Plan};
use render::scene::{Moment, Scene};
use render::sensor::Sensor;
use render::truth::{Pose, Truth};

fn v(p: V3) -> Vector3<f64> {
    Vector3::new(f64::from(p.x), f64::from(p.y), f64::from(p.z))
}

/// Columns: where the head's right, down and inward axes point after yaw, pitch and roll.
fn turned([yaw, pitch, roll]: [f64; 3]) -> Matrix3<f64> {
    let [(sy, cy), (sp, cp), (sr, cr)] = [yaw, pitch, roll].map(|a| a.to_radians().sin_cos());
    let about_down = Matrix3::new(cy, 0.0, -sy, 0.0, 1.0, 0.0, sy, 0.0, cy);
    let about_right = Matrix3::new(1.0, 0.0, 0.0, 0.0, cp, sp, 0.0, -sp, cp);
    let about_inward = Matrix3::new(cr, -sr, 0.0, sr, cr, 0.0, 0.0, 0.0, 1.0);
    about_down * about_right * about_inward
}

fn agree(person: &Person, pose: &Pose, camera: &Camera, truth: &Truth) -> Result<(), String> {
    let px = |p: Vector3<f64>| {
        let (x, y, i) = (p.x / p.z, p.y / p.z, &camera.intrinsics);
        let bent = 1.0 + camera.k1 * (x * x + y * y);
        Point2::new(i.cx + i.fx * bent * x, i.cy + i.fy * bent * y)
    };
    let near = |what: &str, a: Point2<f64>, b: Point2<f64>| {
        let off = (a - b).norm();
        (off < 0.1)
            .then_some(())
            .ok_or(format!("{what}: {off:.3} px"))
    };
    let pivot = v(person.head.pivot);
    for eye in 0..2 {
        let rest = v(person.head.eye_centres[eye]);
        let centre = turned(pose.head) * (rest - pivot) + pivot + pose.place;
        near("eye", px(centre), truth.centre_px[eye])?;
        // The visual axis goes from there to the target; the optical one lies kappa beside it.
        let visual = (pose.target - centre).normalize();
        if (visual - truth.gaze[eye].direction).norm() > 1e-4 {
            return Err("the line of sight misses the target".into());
        }
        let [across, up] = person.identity().kappa;
        let to_temple = if eye == 0 { -across } else { across };
        let yaw = visual.x.atan2(-visual.z) + to_temple.to_radians();
        let pitch = -visual.y.asin() - up.to_radians();
        let optical = Vector3::new(
            yaw.sin() * pitch.cos(),
            -pitch.sin(),
            -yaw.cos() * pitch.cos(),
        );
        let limbus = centre + optical * f64::from(LIMBUS_DEPTH);
        near("iris", px(limbus), truth.iris_px[eye])?;
    }
    Ok(())
}

#[test]
fn every_scenarios_truth_is_where_algebra_puts_it() {
    // People are made once; who is in the picture changes nothing about the algebra.
    let people: Vec<_> = (1..4)
        .map(|s| Arc::new(Person::new(Identity::random(s))))
        .collect();
    for kind in Kind::ALL {
        let plan = Plan {
            size: Some((640, 480)),
            ..Plan::new(kind, 11)
        };
        for n in (0..40).map(|i| i * 37) {
            let shot = plan.shot(n);
            let poses = &shot.moment.poses;
            let here: Vec<_> = (0..poses.len()).map(|i| people[i % 3].clone()).collect();
            let room = Room::demo(&shot.setup.screen, 640, 480);
            let scene = Scene::new(shot.camera(), room, Sensor::default(), here.clone());
            let truths = scene.truth(&shot.moment);
            assert_eq!(truths.len(), poses.len());
            for ((person, pose), truth) in here.iter().zip(poses).zip(&truths) {
                agree(person, pose, &shot.camera(), truth)
                    .unwrap_or_else(|why| panic!("{} {n}: {why}", kind.name()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_poses_truth_is_where_algebra_puts_it(
        yaw in -40.0..40.0f64, pitch in -25.0..25.0f64, roll in -20.0..20.0f64,
        x in -0.3..0.3f64, y in -0.2..0.2f64, z in 350.0..3000.0f64,
        tx in -500.0..500.0f64, ty in -200.0..400.0f64, hfov in 50.0..80.0f64, k1 in -0.1..0.1f64,
    ) {
        static PERSON: std::sync::LazyLock<Arc<Person>> =
            std::sync::LazyLock::new(|| Arc::new(Person::new(Identity::demo())));
        let screen = gaze::screen::Screen::default();
        let camera = Camera::from_fov(1280, 720, hfov, k1);
        let room = Room::demo(&screen, 64, 48);
        let pose = Pose {
            target: Vector3::new(tx, ty, 0.0),
            head: [yaw, pitch, roll],
            place: Vector3::new(x * z, y * z, z),
            shut: 0.0,
            units: Vec::new(),
        };
        let scene = Scene::new(camera, room, Sensor::default(), vec![PERSON.clone()]);
        let moment = Moment { poses: vec![pose.clone()], ..Moment::default() };
        let agreed = agree(&PERSON, &pose, &camera, &scene.truth(&moment)[0]);
        prop_assert!(agreed.is_ok(), "{agreed:?}");
    }
}
