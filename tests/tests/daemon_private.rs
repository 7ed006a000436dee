//! Nothing leaves the machine, no picture is kept that nobody asked for, and what others could
//! have written is not believed.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gaze_tests::daemon::{Running, WATCHDOG, command, finish, fresh_name};
use gaze_tests::native::shared_library;
use rustix::process::Signal;
use tempfile::TempDir;
use vision::Runtime;

/// The inodes of the sockets that a process holds open.
fn sockets(pid: u32) -> BTreeSet<u64> {
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let targets = fds.flatten().filter_map(|e| fs::read_link(e.path()).ok());
    let inode = |target: PathBuf| {
        let name = target.to_str()?.strip_prefix("socket:[")?.to_owned();
        name.trim_end_matches(']').parse().ok()
    };
    targets.filter_map(inode).collect()
}

/// The sockets of the file system that a process can see, by inode: whether each listens, and
/// its path.
fn unix_sockets(pid: u32) -> Vec<(u64, bool, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/net/unix")).unwrap();
    let line = |line: &str| {
        // Num RefCount Protocol Flags Type St Inode Path
        let words: Vec<&str> = line.split_whitespace().collect();
        let listens = u32::from_str_radix(words.get(3)?, 16).ok()? & 0x10000 != 0;
        let path = words.get(7).map_or("", |p| p).to_owned();
        Some((words.get(6)?.parse().ok()?, listens, path))
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(t) if t.is_dir() => found.extend(files(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

/// A home folder, and the daemon in it as it is by itself but for what `settings` ask.
struct Home {
    folder: TempDir,
}

/// Where one of these is set, ONNX Runtime is quiet by itself (its own list of CI services).
const QUIET_BY_ITSELF: [&str; 12] = [
    "CI",
    "TF_BUILD",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "CIRCLECI",
    "TRAVIS",
    "JENKINS_URL",
    "CODEBUILD_BUILD_ID",
    "BUILDKITE",
    "TEAMCITY_VERSION",
    "APPVEYOR",
    "BITBUCKET_BUILD_NUMBER",
];

impl Home {
    fn new(settings: &serde_json::Value) -> Home {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("config/gaze")).unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        let home = Home { folder };
        fs::write(home.at("config/gaze/settings.json"), settings.to_string()).unwrap();
        home
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn start(&self) -> Running {
        let library = shared_library("no_network", &[], self.folder.path());
        Running::start_with(|command| {
            command
                .args(["--source", "demo"])
                .current_dir(self.at("tmp"))
                .env_remove("ORT_DISABLE_TELEMETRY")
                .env("XDG_CACHE_HOME", self.at("xdg-cache"))
                // A display that is not there: no other way to it may be tried.
                .env("DISPLAY", ":4711")
                .env("LD_PRELOAD", library)
                .env("NO_NETWORK", self.at("asked"))
                .env("HOME", self.folder.path())
                .env("TMPDIR", self.at("tmp"))
                .env("XDG_CONFIG_HOME", self.at("config"))
                .env("XDG_DATA_HOME", self.at("data"))
                .env(
                    "GAZE_ORT_LIB",
                    Runtime::load(None).expect("make setup").path(),
                )
                .env("GAZE_CACHE", self.at("cache"));
            for name in QUIET_BY_ITSELF {
                command.env_remove(name);
            }
            command
        })
    }
}

#[test]
fn no_socket_leads_off_the_machine_whatever_is_switched_on() {
    let home = Home::new(&serde_json::json!({}));
    let folder = home.folder.path().display().to_string();
    let settings = serde_json::json!({
        "clips": { "on": true, "folder": format!("{folder}/clips"), "hold_s": 0.1 },
        "hooks": { "line_to": format!("{folder}/news"), "snapshots": format!("{folder}/snaps") },
        "contact": { "on": 0.02, "off": 0.01, "least_face_px": 10.0, "hold_s": 0.1 },
    });
    fs::write(home.at("config/gaze/settings.json"), settings.to_string()).unwrap();
    let mut daemon = home.start();
    daemon.until("a valid sample", |s| s.is_valid());
    let until = Instant::now() + WATCHDOG;
    let mut held = BTreeSet::new();
    loop {
        // Until all that was switched on has been at work.
        let done = home.at("news").exists()
            && !files(&home.at("snaps")).is_empty()
            && !files(&home.at("clips")).is_empty();
        assert!(Instant::now() < until, "nobody looked; {}", folder);
        for inode in sockets(daemon.pid()) {
            let all = unix_sockets(daemon.pid());
            let own = all.iter().find(|(i, ..)| *i == inode);
            // It may have been closed in between.
            if let Some((_, listens, path)) = own {
                held.insert((*listens, path.clone()));
            } else {
                assert!(
                    !sockets(daemon.pid()).contains(&inode),
                    "a socket of another kind"
                );
            }
        }
        if done {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let listening: Vec<_> = held.iter().filter(|(listens, _)| *listens).collect();
    assert_eq!(listening.len(), 1, "{held:?}");
    let door = &listening[0].1;
    let mode = fs::metadata(door).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{door}: only this user knocks there");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.errors());
    // Not for a moment either; and the listener was heard, so it listened.
    let asked = fs::read_to_string(home.at("asked")).expect("it asked for its own socket");
    assert!(asked.contains("unix 1"), "{asked}");
    let away: Vec<_> = asked.lines().filter(|l| !l.starts_with("unix ")).collect();
    assert!(away.is_empty(), "{away:?}");
}

#[test]
fn nothing_is_kept_of_what_it_sees_unless_it_is_told_to() {
    let home = Home::new(&serde_json::json!({}));
    let mut daemon = home.start();
    let first = daemon.until("a valid sample", |s| s.is_valid());
    daemon.until("a second of samples", |s| s.index > first.index + 60);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.errors());
    let mut left = files(home.folder.path());
    left.retain(|f| {
        !["libno_network.so", "asked", "settings.json"]
            .iter()
            .any(|n| f.ends_with(n))
    });
    assert!(left.is_empty(), "{left:?}");
}

/// `gazed run` with these variables; its exit code and its line.
fn run(variables: &[(&str, &Path)], args: &[&str]) -> (Option<i32>, String) {
    let mut command = command(&fresh_name());
    command.args(["run", "--source", "demo"]).args(args);
    command.envs(variables.iter().map(|(k, v)| (*k, *v)));
    let output = finish(command);
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn what_others_could_have_written_is_refused_in_one_line_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("config/gaze")).unwrap();
    fs::create_dir(at("models")).unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    for file in fs::read_dir(&models).unwrap().flatten() {
        if file.path().is_file() {
            fs::copy(file.path(), at("models").join(file.file_name())).unwrap();
            let mode = Permissions::from_mode(0o644);
            fs::set_permissions(at("models").join(file.file_name()), mode).unwrap();
        }
    }
    let real = Runtime::load(None).expect("ONNX Runtime: make setup");
    fs::copy(real.path(), at("libonnxruntime.so")).unwrap();
    fs::write(at("config/gaze/settings.json"), "{}").unwrap();
    fs::copy(models.join("gaze_base.onnx"), at("own.onnx")).unwrap();
    fs::write(at("ada.json"), "{}").unwrap();
    let [own, map] = ["own.onnx", "ada.json"].map(|f| at(f).display().to_string());
    let args: &[&str] = &["--network", &own];
    let (config, models, library) = (at("config"), at("models"), at("libonnxruntime.so"));
    let variables = [
        ("XDG_CONFIG_HOME", config.as_path()),
        ("GAZE_MODELS", models.as_path()),
        ("GAZE_ORT_LIB", library.as_path()),
    ];
    for (file, code) in [
        ("config/gaze/settings.json", 3),
        ("models/models.json", 5),
        ("models/face_landmarks.onnx", 5),
        ("own.onnx", 5),
        ("libonnxruntime.so", 6),
        ("ada.json", 3),
    ] {
        let set = |mode| fs::set_permissions(at(file), Permissions::from_mode(mode)).unwrap();
        set(0o666);
        let args = match file {
            "ada.json" => &["--calibration", &map],
            _ => args,
        };
        let (ended, said) = run(&variables, args);
        assert_eq!(ended, Some(code), "{file}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        let name = at(file).display().to_string();
        let todo = format!("others may write it (mode 666): chmod go-w {name}");
        assert!(said.contains(&todo), "{said}");
        set(0o644);
    }
    // A network that is not the one that models.json speaks of.
    let mut bytes = fs::read(at("models/face_detector.onnx")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(at("models/face_detector.onnx"), bytes).unwrap();
    let (ended, said) = run(&variables, &[]);
    assert!(ended == Some(5) && said.contains("sha256"), "{said}");
}
