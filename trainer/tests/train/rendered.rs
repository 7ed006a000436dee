//! Rendered people: who was never seen, at targets never seen, and whether it is the pupils.

use gaze::landmarks::{COUNT, INNER_CORNER, Landmarks, OUTER_CORNER};
use gaze::screen::{CameraPlace, Screen};
use gaze_trainer::data::cache::Cache;
use gaze_trainer::data::sample::Sample;
use gaze_trainer::net::Head;
use gaze_trainer::train::examples::Examples;
use gaze_trainer::train::folds::Fold;
use gaze_trainer::train::judge;
use gaze_trainer::train::run::{Order, begin, train};
use gaze_trainer::train::settings::{Augment, Settings};
use nalgebra::{Point2, Vector3};
use rayon::prelude::*;
use render::camera::Camera;
use render::maths::{M3, Rng, mix_seed, v3};
use render::scenario::{Kind, Painter, People, Plan};
use render::scene::Picture;
use render::truth::Pose;
use vision::{EyeCropper, Frame, PixelFormat, eye_regions};

use super::drawn::{SPEC, cache, cpu, plan, quick};

/// Pictures of eyes of rendered people before a 27-inch screen with the camera in its middle:
/// targets all over it, heads held however, independently. Crops follow the truth, off by
/// about as much as landmarks are.
fn rendered(first: usize, persons: usize, looks: usize) -> (Vec<Sample>, Vec<u8>) {
    let people = std::sync::Arc::new(People::new(2));
    let plan = Plan {
        size: Some((320, 240)),
        ..Plan::new(Kind::Random, 77)
    };
    let each: Vec<(Vec<Sample>, Vec<u8>)> = (first..first + persons)
        .into_par_iter()
        .map(|person| one_person(&plan, &people, person, looks))
        .collect();
    let (samples, crops): (Vec<_>, Vec<_>) = each.into_iter().unzip();
    (samples.concat(), crops.concat())
}

fn one_person(
    plan: &Plan,
    people: &std::sync::Arc<People>,
    person: usize,
    looks: usize,
) -> (Vec<Sample>, Vec<u8>) {
    let mut rng = Rng::new(mix_seed(5, 5, person as u64));
    let mut painter = Painter::new(people.clone());
    let (mut picture, mut frame) = (Picture::default(), Frame::default());
    let mut exact = EyeCropper::new(SPEC.exact());
    let mut wide = EyeCropper::new(SPEC.with_margin());
    let mut shot = plan.shot(person * 20);
    shot.people = vec![plan.person_seed(person)];
    shot.followed = 0;
    shot.setup.camera = Camera::from_fov(320, 240, 34.0, 0.0);
    shot.setup.screen = wide_screen();
    shot.moment.smear = [0.0; 2];
    let (mut samples, mut crops) = (vec![], vec![]);
    for look in 0..looks {
        let mut between = |lo: f64, hi: f64| f64::from(rng.range(lo as f32, hi as f32));
        shot.target = Point2::new(between(0.0, 1.0), between(0.0, 1.0));
        let head = [between(-12.0, 12.0), between(-7.0, 7.0), between(-4.0, 4.0)];
        let place = Vector3::new(
            between(-40.0, 40.0),
            between(-20.0, 20.0),
            between(480.0, 580.0),
        );
        shot.moment.frame = look as u64;
        shot.moment.poses = vec![Pose {
            target: shot.target_mm(),
            head,
            place,
            shut: 0.0,
            units: vec![],
        }];
        let truth = painter.paint(&shot, &mut picture).remove(0);
        frame.reset(picture.width, picture.height, PixelFormat::Rgb8);
        frame.data.copy_from_slice(&picture.rgb);
        // An eye's corners, 15 mm to the sides of its middle, 9 mm before it.
        let turn = M3::from_head_angles(head[0], head[1], head[2]);
        let mut landmarks: Box<Landmarks> = vec![[0.0; 3]; COUNT].try_into().unwrap();
        let eyes = [0, 1].map(|e| truth.gaze[e].origin);
        for eye in [0, 1] {
            for (corner, x) in [(OUTER_CORNER[eye], -15.0), (INNER_CORNER[eye], 15.0)] {
                let x = if eye == 0 { x } else { -x };
                let off = turn.apply(v3(x, 0.0, -9.0));
                let at = eyes[eye] + Vector3::new(off.x, off.y, off.z).map(f64::from);
                let px = shot.camera().project(at);
                landmarks[corner] = [
                    px.x as f32 + 0.3 * rng.normal(),
                    px.y as f32 + 0.3 * rng.normal(),
                    0.0,
                ];
            }
        }
        let mut cut = [(); 2].map(|()| vec![0; SPEC.exact_len()]);
        let mut margin = [(); 2].map(|()| vec![0; SPEC.wide_len()]);
        let [l, r] = &mut cut;
        assert!(exact.cut_bytes(&frame, &landmarks, l, r));
        let [l, r] = &mut margin;
        assert!(wide.cut_bytes(&frame, &landmarks, l, r));
        for (margin, cut) in margin.iter_mut().zip(&cut) {
            SPEC.set_middle(margin, cut);
            crops.extend_from_slice(margin);
        }
        let middle = (eyes[0] + eyes[1]) / 2.0;
        let [l, r] = eye_regions(&landmarks, 1.0);
        let small = |v: Vector3<f64>| <[f64; 3]>::from(v).map(|v| v as f32);
        let number = (person * looks + look) as u16;
        samples.push(Sample {
            person: person as u16,
            session: person as u16,
            target: number,
            target_norm: [shot.target.x as f32, shot.target.y as f32],
            ray: Some(small((shot.target_mm() - middle).normalize())),
            origin_mm: small(middle),
            head_deg: truth.head.map(|v| v as f32),
            eye_position: [
                l.x / 320.0,
                l.y / 240.0,
                r.x / 320.0,
                r.y / 240.0,
                (r.x - l.x).hypot(r.y - l.y) / 320.0,
            ],
            open: [true; 2],
            image_px: [320, 240],
            ..Sample::default()
        });
    }
    (samples, crops)
}

/// 27 inches, the camera in its middle.
fn wide_screen() -> Screen {
    Screen {
        width_px: 1920,
        height_px: 1080,
        width_mm: 598.0,
        height_mm: 336.0,
        camera: CameraPlace {
            x_norm: 0.5,
            above_mm: -168.0,
            forward_mm: 0.0,
            tilt_deg: 0.0,
        },
    }
}

/// Minutes of two cores: run it by name with `--ignored`.
#[test]
#[ignore = "minutes: 684 people's pictures are drawn and learned from"]
fn eyes_of_people_never_seen_are_read_and_it_is_the_pupils() {
    let (persons, unseen, looks) = (30, 8, 18);
    let (samples, crops) = rendered(0, persons + unseen, looks);
    let mut cache = cache(samples, crops);
    cache.header.screens[0].screen = wide_screen();
    let plan = plan(Head::Ray);
    let (learned, test): (Vec<usize>, Vec<usize>) =
        (0..cache.len()).partition(|i| usize::from(cache.samples[*i].person) < persons);
    let order = Order {
        examples: Examples::new(&cache, &plan).unwrap(),
        fold: Fold {
            train: learned,
            test: test.clone(),
        },
        settings: Settings {
            augment: Augment {
                shift: 0.02,
                scale: 0.03,
                turn_deg: 2.0,
                blur: 0.0,
                ..Augment::USUAL
            },
            ..quick(14)
        },
        device: cpu(),
        out: None,
        resume: false,
    };
    let start = begin(&plan, &order.settings, &cpu()).unwrap();
    let trained = train(&order, start, &|| false, |_, _| ()).unwrap();
    let best = trained.best_epoch.unwrap().check;
    let guess = judge::centre_guess(&order.examples, &test);
    assert!(1.5 * best.mean_deg < guess.mean_deg, "{best:?} {guess:?}");

    let net = trained.best.unwrap();
    let answers = judge::predict(&net, &order.examples, &test, &cpu());
    let [eye, head] = response(&cache, &test, &answers);
    println!(
        "{best:?}\n{guess:?}\na degree of gaze moves the answer by {eye:.2}, of the head by {head:.2}"
    );
    // Everybody gets the eyes of somebody else's look.
    let mut mixed = cache.clone();
    for (k, &i) in test.iter().enumerate() {
        let j = test[(k + test.len() / 2 + 1) % test.len()];
        let from = cache.samples[i];
        mixed.samples[j] = Sample {
            file: cache.samples[j].file,
            ..from
        };
    }
    let blind = judge::judge(&net, &Examples::new(&mixed, &plan).unwrap(), &test, &cpu());
    assert!(blind.mean_deg > guess.mean_deg, "{blind:?} {guess:?}");
}

/// How far the answer's yaw moves with the true one, and with the head's at a fixed target:
/// least squares of answer ~ 1, truth, head.
fn response(cache: &Cache, of: &[usize], answers: &[[f32; 3]]) -> [f64; 2] {
    let yaw = |r: [f32; 3]| f64::from(r[0]).atan2(-f64::from(r[2])).to_degrees();
    let n = of.len();
    let phi = nalgebra::DMatrix::from_fn(n, 3, |r, c| {
        let s = &cache.samples[of[r]];
        [1.0, yaw(s.ray.unwrap()), f64::from(s.head_deg[0])][c]
    });
    let y = nalgebra::DVector::from_iterator(n, answers.iter().map(|a| yaw(*a)));
    let fit = (phi.transpose() * &phi)
        .cholesky()
        .unwrap()
        .solve(&(phi.transpose() * y));
    [fit[1], fit[2]]
}
