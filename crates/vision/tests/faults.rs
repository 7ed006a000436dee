//! What is missing, damaged or wrong is said in one line that tells what to do.

use std::fs;
use std::path::Path;

use vision::{BoundSession, ModelError, ModelStore, Runtime, RuntimeError, SessionOptions};

fn models() -> ModelStore {
    ModelStore::open(None).expect("the networks of the source tree")
}

/// A copy of the networks that a test may damage.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in fs::read_dir(models().folder()).expect("readable") {
        let path = file.expect("readable").path();
        if path.extension().is_some_and(|e| e == "onnx" || e == "json") {
            fs::copy(&path, folder.path().join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    folder
}

fn edit_index(folder: &Path, from: &str, to: &str) {
    let path = folder.join("models.json");
    let text = fs::read_to_string(&path).expect("readable");
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replacen(from, to, 1)).expect("written");
}

fn one_line(error: &dyn std::error::Error) -> String {
    let line = error.to_string();
    assert!(!line.contains('\n') && line.contains(": "), "{line}");
    line
}

#[test]
fn one_wrong_byte_in_a_network_is_refused_with_both_hashes() {
    let folder = copy();
    let path = folder.path().join("face_landmarks.onnx");
    let mut bytes = fs::read(&path).expect("readable");
    let expected = models()
        .networks()
        .iter()
        .find(|n| n.kind == "face-landmarks")
        .expect("listed")
        .sha256
        .clone();
    bytes[1_000_000] ^= 1;
    fs::write(&path, bytes).expect("written");
    let store = ModelStore::open(Some(folder.path())).expect("the index is well");
    let error = store.load("face-landmarks").expect_err("damaged");
    assert!(matches!(error, ModelError::WrongHash { .. }), "{error}");
    let line = one_line(&error);
    assert!(
        line.contains("face_landmarks.onnx") && line.contains(&expected[..12]),
        "{line}"
    );
    assert!(
        store.load("face-detector").is_ok(),
        "the others still serve"
    );
    assert!(store.verify_all().is_err());
}

#[test]
fn a_missing_network_folder_file_or_kind_is_named() {
    let folder = copy();
    fs::remove_file(folder.path().join("face_detector.onnx")).expect("removed");
    let store = ModelStore::open(Some(folder.path())).expect("the index is well");
    let error = store.load("face-detector").expect_err("gone");
    assert!(
        matches!(error, ModelError::Unreadable { .. })
            && one_line(&error).contains("face_detector.onnx")
    );
    let error = store.load("eyes-pose-ray").expect_err("never listed");
    assert!(
        matches!(error, ModelError::NotListed { .. }) && one_line(&error).contains("eyes-pose-ray")
    );
    let nowhere = folder.path().join("nowhere");
    let error = ModelStore::open(Some(&nowhere)).expect_err("no folder");
    assert!(matches!(error, ModelError::NoFolder(_)) && one_line(&error).contains("nowhere"));
}

#[test]
fn an_index_that_reaches_elsewhere_or_is_of_another_schema_is_refused() {
    let refused = |from: &str, to: &str| {
        let folder = copy();
        edit_index(folder.path(), from, to);
        let error = ModelStore::open(Some(folder.path())).expect_err(to);
        assert!(matches!(error, ModelError::BadIndex { .. }), "{error}");
        one_line(&error);
    };
    refused("\"face_detector.onnx\"", "\"../face_detector.onnx\"");
    refused("\"schema\": 1", "\"schema\": 2");
    refused("\"networks\"", "\"networks");
}

/// One process loads one runtime, so all of it is one test: what fails first
/// must not stand in the way of what is right later.
#[test]
fn the_runtime_says_what_is_wrong_with_it_and_works_when_it_is_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("libonnxruntime.so");
    let error = Runtime::load(Some(&missing)).expect_err("nothing there");
    assert!(matches!(error, RuntimeError::Missing { .. }), "{error}");
    assert!(one_line(&error).contains("make setup"));
    fs::write(&missing, b"no library at all").expect("written");
    let error = Runtime::load(Some(&missing)).expect_err("text");
    assert!(matches!(error, RuntimeError::NotLoadable { .. }), "{error}");
    one_line(&error);

    let runtime = Runtime::load(None).expect("run `make setup`");
    assert!(Runtime::load(None).is_ok_and(|again| again.path() == runtime.path()));
    let error = Runtime::load(Some(&missing)).expect_err("one is loaded");
    assert!(
        matches!(error, RuntimeError::AnotherLoaded { .. }),
        "{error}"
    );

    // A network that is not what the program knows is refused before it runs.
    let detector = models().load("face-detector").expect("there");
    let bind = |shape: &[usize], name: &str| {
        let outputs = [(name, &[1, 896, 1][..])];
        let options = SessionOptions::default();
        BoundSession::new(&runtime, &detector, &options, &[("image", shape)], &outputs).err()
    };
    assert!(bind(&[1, 3, 128, 128], "scores").is_none());
    for error in [
        bind(&[1, 3, 192, 192], "scores"),
        bind(&[1, 3, 128, 128], "points"),
    ] {
        let error = error.expect("another shape");
        assert!(matches!(error, ModelError::WrongContract { .. }), "{error}");
        one_line(&error);
    }
    // So is one that is no network, though its hash is right.
    let mut rubbish = detector.clone();
    rubbish.bytes.truncate(5000);
    let outputs = [("scores", &[1, 896, 1][..])];
    let error = BoundSession::new(
        &runtime,
        &rubbish,
        &SessionOptions::default(),
        &[("image", &[1, 3, 128, 128])],
        &outputs,
    );
    let error = error.err().expect("cut off");
    assert!(matches!(error, ModelError::DoesNotRun { .. }), "{error}");
    one_line(&error);
}
