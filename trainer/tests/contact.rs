//! Eye contact by a person's own labels: `gaze-trainer contact-fit` and `contact-train`, on
//! rendered people.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gaze::contact::metrics::auc;
use gaze_trainer::contact::evaluate::{Wish, evaluate};
use gaze_trainer::contact::examples::{Examples, Face};
use gaze_trainer::contact::folder::list;
use gaze_trainer::contact::learn;
use gaze_trainer::contact::look::{self, look};
use gaze_trainer::data::cache::CropSpec;
use gaze_trainer::device;
use gaze_trainer::net::FaceConfig;
use gaze_trainer::train::settings::Settings;
use nalgebra::Vector3;
use render::maths::Rng;
use render::scenario::{Kind, Painter, People, Plan};
use render::scene::Picture;
use serde_json::Value;

fn program(words: &[&str], at: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gaze-trainer"));
    command.args(words).current_dir(at).stdin(Stdio::null());
    command
}

/// Exit code, standard output, standard error.
fn run(words: &[&str], at: &Path) -> (i32, String, String) {
    let output = program(words, at).output();
    let Output {
        status,
        stdout,
        stderr,
    } = output.expect("the program starts");
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// The object that a command which must succeed prints last.
fn told(words: &[&str], at: &Path) -> Value {
    let (code, said, err) = run(words, at);
    assert_eq!(code, 0, "{words:?}: {err}");
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

#[test]
fn contact_is_told_on_rendered_people_and_not_by_labels_that_are_mixed_up() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let words = "synth set --count 80 --seed 31 --scenario contact";
    let (code, _, err) = run(&words.split(' ').collect::<Vec<_>>(), at);
    assert_eq!(code, 0, "{err}");
    let words = [
        "contact-fit",
        "set",
        "--away",
        "10",
        "--recalibrate",
        "--json",
    ];
    let fit = told(&words, at);
    println!("{fit:#}");
    let number = |name: &str| fit[name].as_f64().unwrap_or(f64::NAN);
    // Hundreds of such pictures come to 0.93.
    assert!(number("auc") > 0.8, "{}", number("auc"));
    assert!(number("calibration_error") < 0.3 && number("brier") < 0.25);
    let settings = &fit["settings"]["contact"];
    let [on, off] = ["on", "off"].map(|k| settings[k].as_f64().unwrap());
    assert!(
        0.0 < off && off < on && on < 1.0 && settings["slope"].is_number(),
        "{settings}"
    );
    let held_out = &fit["held_out"];
    assert!(held_out["by"] == "person" && held_out["balanced_accuracy"].as_f64() > Some(0.6));
    let page = fs::read_to_string(at.join("set.contact.html")).unwrap();
    assert!(page.matches("</svg>").count() == 3 && !page.contains("src="));

    // The same in the library; then everybody gets the next one's label.
    let listing = list(&at.join("set"), 10.0).unwrap();
    assert!(listing.rendered && listing.near > 5);
    let order = look::Order {
        pictures: &listing.pictures,
        network: None,
        least_face_px: 80.0,
        hfov_deg: None,
        crop: None,
        jobs: 2,
    };
    let seen = look(&order, &AtomicBool::new(false), &mut |_| ());
    let seen = seen.unwrap().unwrap();
    let wish = Wish {
        precision: 0.95,
        precise: false,
        recalibrate: false,
        least_face_px: 80.0,
        network: None,
    };
    let same = evaluate(&listing.pictures, &seen, &wish).unwrap();
    assert!(
        (same.auc - number("auc")).abs() < 1e-12,
        "whatever the jobs"
    );
    let counted = same.told.all() + same.unknown.values().map(|n| n.all()).sum::<usize>();
    assert_eq!((counted, same.pictures.all()), (seen.len(), seen.len()));
    let mut mixed = listing.pictures.clone();
    let mut rng = Rng::new(5);
    for i in (1..mixed.len()).rev() {
        let j = (rng.bits() % (i as u64 + 1)) as usize;
        let label = mixed[i].contact;
        mixed[i].contact = mixed[j].contact;
        mixed[j].contact = label;
    }
    let mixed = evaluate(&mixed, &seen, &wish).unwrap();
    assert!(mixed.auc < 0.75, "{}", mixed.auc);
    assert!(mixed.calibration_error > same.calibration_error);
}

/// Small pictures of these people, who face the lens or turn well away, as PNG in `contact/N/` and
/// `other/N/`.
fn draw(out: &Path, people: std::ops::Range<usize>, each: usize) {
    let plan = Plan {
        size: Some((320, 240)),
        ..Plan::new(Kind::Contact, 8)
    };
    let known = Arc::new(People::new(2));
    let one = |person: usize, painter: &mut Painter, picture: &mut Picture| {
        let mut rng = Rng::new(person as u64);
        for n in 0..2 * each {
            let mut shot = plan.shot(16 * person);
            let pose = &mut shot.moment.poses[0];
            let off = [rng.range(-40.0, 40.0), rng.range(-30.0, 30.0)].map(f64::from);
            pose.place = Vector3::new(off[0], off[1], f64::from(rng.range(450.0, 600.0)));
            let contact = n % 2 == 0;
            let yaw = match contact {
                true => f64::from(rng.range(-6.0, 6.0)),
                false => f64::from(rng.range(24.0, 34.0)) * if n % 4 == 1 { 1.0 } else { -1.0 },
            };
            pose.head = [yaw, f64::from(rng.range(-5.0, 5.0)), 0.0];
            let (sin, cos) = yaw.to_radians().sin_cos();
            pose.target = match contact {
                true => Vector3::zeros(),
                false => pose.place + Vector3::new(sin, 0.0, -cos) * 600.0,
            };
            painter.paint(&shot, picture);
            let label = if contact { "contact" } else { "other" };
            let folder = out.join(label).join(person.to_string());
            fs::create_dir_all(&folder).unwrap();
            let file = fs::File::create(folder.join(format!("{n}.png"))).unwrap();
            let mut png = png::Encoder::new(file, picture.width, picture.height);
            png.set_color(png::ColorType::Rgb);
            png.set_compression(png::Compression::Fastest);
            let mut png = png.write_header().unwrap();
            png.write_image_data(&picture.rgb).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for half in 0..2 {
            let (known, people, one) = (known.clone(), people.clone(), &one);
            scope.spawn(move || {
                let (mut painter, mut picture) = (Painter::new(known), Picture::default());
                for person in people.filter(|p| p % 2 == half) {
                    one(person, &mut painter, &mut picture);
                }
            });
        }
    });
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut all: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn a_network_of_ones_own_labels_tells_people_it_has_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    draw(&at.join("looks"), 0..6, 8);
    draw(&at.join("unseen"), 6..8, 8);
    let before = listed(at);
    let train = "--least-face 30 --size 32 --width 0.25 --batch 16";
    let words = |more: &'static str| -> Vec<&str> {
        let words = train.split(' ').chain(more.split(' '));
        ["contact-train"].into_iter().chain(words).collect()
    };

    // Too few are refused before anything is learned, and nothing is left behind.
    let (code, said, err) = run(&words("unseen --out few.onnx"), at);
    assert_eq!(code, 3, "{err}");
    assert!(
        said.is_empty() && err.contains("40 of each are needed"),
        "{err}"
    );
    assert_eq!(listed(at), before);
    let (code, _, err) = run(&words("looks --out none/net.onnx"), at);
    assert!(code == 4 && err.contains("no such folder"), "{code} {err}");
    // Nor by a training that is stopped.
    let mut child = program(
        &words("looks --out cut.onnx --epochs 100000 --patience 0 --json"),
        at,
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut first = String::new();
    let out = child.stdout.take().unwrap();
    BufReader::new(out).read_line(&mut first).unwrap();
    assert!(first.contains("check_loss"), "{first}");
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(listed(at), before);

    let learned = told(&words("looks --out net.onnx --epochs 24 --json"), at);
    println!("{learned:#}");
    let number = |of: &Value, name: &str| of[name].as_f64().unwrap_or(f64::NAN);
    assert!(learned["checked_on"] == "person" && learned["people"] == 6);
    assert!(number(&learned, "max_difference") < 1e-4 && number(&learned, "auc") > 0.9);
    let made: Vec<PathBuf> = (listed(at).into_iter())
        .filter(|p| !before.contains(p))
        .collect();
    assert_eq!(made, [at.join("net.onnx")]);
    let file = fs::read(at.join("net.onnx")).unwrap();
    let says = |what: &str| file.windows(what.len()).any(|w| w == what.as_bytes());
    assert!(says("face-contact") && says("gaze.learned") && !says("looks"));

    // By the daemon's own reader, on people who are in neither part of that.
    let fit = "contact-fit unseen --network net.onnx --least-face 30 --json";
    let fit = told(&fit.split(' ').collect::<Vec<_>>(), at);
    println!("{fit:#}");
    assert!(number(&fit, "auc") > 0.9, "{}", fit["auc"]);
    assert!(fit["told"]["contact"].as_u64() > Some(12) && fit["rendered"] == false);
    let named = fit["settings"]["contact"]["network"].as_str().unwrap();
    assert!(Path::new(named).is_absolute(), "{named}");
}

/// A disc in a face's middle, or beside it.
fn discs(count: usize, seed: u64, spec: &CropSpec) -> Vec<Face> {
    let mut rng = Rng::new(seed);
    (0..count)
        .map(|n| {
            let (contact, side) = (n % 2 == 0, spec.wide() as f32);
            let beside = if contact { 0.0 } else { 0.2 * side };
            let turn = rng.range(0.0, std::f32::consts::TAU);
            let middle = [turn.cos(), turn.sin()].map(|d| (side - 1.0) / 2.0 + beside * d);
            let place = |i: usize| [i % spec.wide(), i / spec.wide() % spec.wide()];
            let crop = (0..spec.wide_len()).map(|i| {
                let [x, y] = place(i).map(|v| v as f32);
                let d = (x - middle[0]).hypot(y - middle[1]);
                let dark = ((5.0 - d) / 2.0).clamp(0.0, 1.0);
                (190.0 - 140.0 * dark + 6.0 * rng.normal()).clamp(0.0, 255.0) as u8
            });
            Face {
                crop: crop.collect(),
                contact,
            }
        })
        .collect()
}

#[test]
fn the_same_seed_is_the_same_network_and_wrong_labels_teach_nothing() {
    let config = FaceConfig::new(0.25, 32).unwrap();
    let spec = CropSpec {
        size: 32,
        pad: 4,
        scale: 1.0,
        channels: 3,
    };
    let mut faces = discs(120, 3, &spec);
    let (learn, check): (Vec<usize>, Vec<usize>) = (0..120).partition(|i| *i < 80);
    let device = device::open("cpu").unwrap();
    let go = |faces: &[Face], seed: u64| {
        let examples = Examples {
            spec,
            input: config.pictures(),
            faces,
        };
        let settings = Settings {
            epochs: 12,
            batch: 16,
            seed,
            ..learn::usual()
        };
        let start = config.init(seed, &device.clone().autodiff());
        let sides = [&learn[..], &check[..]];
        let trained = learn::train(
            start,
            &examples,
            sides,
            &settings,
            &device,
            &|| false,
            |_, _| (),
        );
        let net = trained.unwrap().unwrap().best;
        let logits = learn::predict(&net, &examples, &check, &device);
        let scored = learn::scored(&net, &examples, &check, &device);
        (
            logits.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
            auc(&scored),
        )
    };
    let (first, good) = go(&faces, 1);
    assert!(good > 0.9, "{good}");
    assert!(first == go(&faces, 1).0, "bit for bit");
    assert!(first != go(&faces, 2).0);
    // Labels that have nothing to do with the picture.
    let mut rng = Rng::new(9);
    faces.iter_mut().for_each(|f| f.contact = rng.unit() < 0.5);
    let (_, bad) = go(&faces, 1);
    assert!(bad < 0.75, "{bad}");
}
