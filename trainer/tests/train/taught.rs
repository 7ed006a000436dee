//! Students of another network.

use std::path::Path;

use gaze_trainer::data::cache::Cache;
use gaze_trainer::train::teacher::teach;
use sha2::{Digest as _, Sha256};

use super::commands::run;

#[test]
fn a_student_learns_what_its_teacher_says() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/gaze_base.onnx");
    let go = |line: &str| run(&line.split(' ').collect::<Vec<_>>(), at);
    let draw = "eyes some.cache --anywhere --variety skin-deep --persons 6 --looks 3 --size 48";
    let (code, _, err) = go(draw);
    assert_eq!(code, 0, "{err}");
    let own = Cache::open(&at.join("some.cache")).unwrap();
    let mut taught = Cache::open(&at.join("some.cache")).unwrap();
    taught.samples[0].ray = None;
    let hash = teach(&mut taught, Path::new(network), 2).unwrap();
    assert_eq!(
        hash,
        format!("{:x}", Sha256::digest(std::fs::read(network).unwrap()))
    );
    assert_eq!(taught.samples[0].ray, None, "what has no label gets none");
    let off: Vec<f32> = (own.samples.iter().zip(&taught.samples))
        .filter_map(|(own, taught)| {
            let [a, b] = [own.ray?, taught.ray?];
            let dot: f32 = (0..3).map(|k| a[k] * b[k]).sum();
            Some(dot.clamp(-1.0, 1.0).acos().to_degrees())
        })
        .collect();
    // Its answers are near the labels, and not the labels.
    assert!(off.len() >= 8 && off.iter().all(|d| *d > 0.01), "{off:?}");
    assert!(
        off.iter().sum::<f32>() / (off.len() as f32) < 8.0,
        "{off:?}"
    );

    let train = "train some.cache --encoder compact --width 0.25 --folds 2 --epochs 1 --out run";
    let (code, _, err) = go(&format!("{train} --teacher {network}"));
    assert_eq!(code, 0, "{err}");
    let few = train.replace("--out run", "--out few --balance");
    let (code, _, err) = go(&few);
    assert!(code == 3 && err.contains("brought apart"), "{err}");
    let (code, _, err) = go(&format!("{train} --resume"));
    assert!(code == 3 && err.contains("settings"), "{err}");
    let missing = train.replace("--out run", "--out other --teacher none.onnx");
    let (code, _, err) = go(&missing);
    assert!(code == 5 && err.contains("none.onnx"), "{err}");
    let screen = format!("train some.cache --out more --head screen --teacher {network}");
    let (code, _, err) = go(&screen);
    assert!(code == 2 && err.contains("lines of sight"), "{err}");
    let (code, _, err) = go("train some.cache --out more --head screen --balance");
    assert!(code == 2 && err.contains("lines of sight"), "{err}");
    let (code, _, err) = go("train some.cache --out more --balance --consistency 0.5");
    assert!(code == 2 && err.contains("use one of them"), "{err}");
}
