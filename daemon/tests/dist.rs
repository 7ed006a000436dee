//! What `make dist` lays out, for both systems: that everything is there, that the property lists
//! are such, and that the programs find what belongs to them wherever it is moved.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vision::Runtime;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Lays it out as for that system, of the program under test.
fn dist(system: &str, folder: &Path) -> PathBuf {
    let release = folder.join("target/release");
    fs::create_dir_all(&release).unwrap();
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_gazed")).unwrap();
    std::os::unix::fs::symlink(program, release.join("gazed")).unwrap();
    fs::write(release.join("gaze-calib"), "a tool").unwrap();
    let out = folder.join("dist");
    let output = Command::new("bash")
        .arg(Path::new(ROOT).join("scripts/dist.sh"))
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env(
            "ORT_DYLIB_PATH",
            Runtime::load(None).expect("make setup").path(),
        )
        .env("DIST_SYSTEM", system)
        .env("DIST", &out)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    // Whoever unpacks it puts it elsewhere.
    let moved = folder.join("elsewhere");
    fs::rename(out, &moved).unwrap();
    moved
}

/// Every file below a folder, by its path from there.
fn files(folder: &Path, at: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path(), at)),
            false => {
                let path = entry.path();
                found.insert(path.strip_prefix(at).unwrap().display().to_string());
            }
        }
    }
    found
}

/// Its doctor finds networks and runtime by where the program is, and nothing else leads there.
fn finds(folder: &Path, models: &str, library: &str) {
    let output = Command::new(folder.join("gazed"))
        .args(["doctor", "--json"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let folder = folder.canonicalize().unwrap();
    for wanted in [models, library] {
        let wanted = folder.join(wanted).display().to_string();
        assert!(
            said.contains(&wanted),
            "{wanted} is not what it finds: {said}"
        );
    }
}

const COUNT_KEYS: &str = "import plistlib, sys; print(len(plistlib.load(open(sys.argv[1], 'rb'))))";

#[test]
fn the_application_is_whole_and_finds_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let dist = dist("Darwin", folder.path());
    let library = Runtime::load(None).unwrap().path().to_owned();
    let library = library.file_name().unwrap().to_str().unwrap();
    let there = files(&dist, &dist);
    for file in [
        "Gaze.app/Contents/Info.plist",
        "Gaze.app/Contents/PkgInfo",
        "Gaze.app/Contents/MacOS/gazed",
        "Gaze.app/Contents/MacOS/gaze-calib",
        &format!("Gaze.app/Contents/Frameworks/{library}"),
        "Gaze.app/Contents/Resources/com.gaze.gazed.plist.in",
        "Gaze.app/Contents/Resources/models/models.json",
        "Gaze.app/Contents/Resources/models/gaze_base.onnx",
        "Gaze.app/Contents/Resources/models/LICENSE-Apache-2.0",
        "Gaze.app/Contents/Resources/onnxruntime/ThirdPartyNotices.txt",
        "include/gaze.h",
        "include/module.modulemap",
        "include/examples/gaze_watch.c",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
    ] {
        assert!(there.contains(file), "{file} is missing: {there:?}");
    }
    let contents = dist.join("Gaze.app/Contents");
    let info = contents.join("Info.plist");
    let read = plist::Value::from_file(&info).unwrap();
    let read = read.as_dictionary().unwrap();
    let version = Some(env!("CARGO_PKG_VERSION"));
    assert_eq!(read["CFBundleShortVersionString"].as_string(), version);
    assert_eq!(read["CFBundleExecutable"].as_string(), Some("gazed"));
    let mut python = Command::new("python3");
    let python = python.args(["-c", COUNT_KEYS]).arg(&info).output().unwrap();
    let keys = String::from_utf8(python.stdout).unwrap();
    assert_eq!(keys.trim(), read.len().to_string());
    let library = format!("../Frameworks/{library}");
    finds(&contents.join("MacOS"), "../Resources/models", &library);
}

#[test]
fn the_folder_for_linux_is_whole_and_finds_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let dist = dist("Linux", folder.path());
    let there = files(&dist, &dist);
    for file in [
        "bin/gazed",
        "bin/gaze-calib",
        "share/gaze/models/models.json",
        "share/gaze/gazed.service.in",
        "share/gaze/onnxruntime/LICENSE",
        "include/gaze.h",
    ] {
        assert!(there.contains(file), "{file} is missing: {there:?}");
    }
    assert!(there.iter().all(|f| !f.contains("Gaze.app")), "{there:?}");
    let library = Runtime::load(None).unwrap().path().to_owned();
    let library = library.file_name().unwrap().to_str().unwrap();
    let library = format!("../lib/{library}");
    finds(&dist.join("bin"), "../share/gaze/models", &library);
}
