//! `gazed install` and its like, against a launchctl, a systemctl and an `open` that
//! write down how they were called and answer as the real ones do; against the real
//! systemd where one can be had.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// Keeps in `$STATE/loaded` whether the agent is. After a `bootout` the old one needs a
/// moment: the next `bootstrap` fails with 5.
const LAUNCHCTL: &str = r#"#!/bin/sh
echo "launchctl $*" >>"$STATE/calls"
case $1 in
print)
	case $2 in
	*/com.gaze.gazed) [ -e "$STATE/loaded" ] || { echo "Could not find service" >&2; exit 113; } ;;
	*) [ -e "$STATE/desktop" ] || { echo "Could not find domain" >&2; exit 112; } ;;
	esac ;;
bootstrap)
	[ -e "$STATE/loaded" ] && exit 37
	if [ -e "$STATE/ending" ]; then rm "$STATE/ending"; echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; fi
	[ -e "$3" ] || exit 5
	touch "$STATE/loaded" ;;
bootout)
	[ -e "$STATE/loaded" ] || { echo "Boot-out failed: 3: No such process" >&2; exit 3; }
	rm "$STATE/loaded"; touch "$STATE/ending" ;;
kickstart)
	[ -e "$STATE/loaded" ] || { echo "Could not find service" >&2; exit 113; } ;;
esac
"#;

const SYSTEMCTL: &str = r#"#!/bin/sh
echo "systemctl $*" >>"$STATE/calls"
[ "$1" = --user ] || exit 1
[ -e "$STATE/desktop" ] || { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
"#;

/// LaunchServices: starts the application, which answers into the file after `--answer`.
const OPEN: &str = r#"#!/bin/sh
echo "open $*" >>"$STATE/calls"
while [ $# -gt 0 ]; do [ "$1" = --answer ] && echo "$(cat "$STATE/says")" >"$2"; shift; done
"#;

/// A home folder and stand-ins for the system's programs.
struct Home {
    folder: tempfile::TempDir,
    manager: &'static str,
    program: PathBuf,
    models: PathBuf,
}

impl Home {
    fn new(manager: &'static str) -> Home {
        let folder = tempfile::tempdir().unwrap();
        let home = Home {
            program: PathBuf::from(env!("CARGO_BIN_EXE_gazed"))
                .canonicalize()
                .unwrap(),
            folder,
            manager,
            models: "/some where/models".into(),
        };
        fs::create_dir(home.at("bin")).unwrap();
        fs::create_dir(home.at("state")).unwrap();
        for (name, script) in [
            ("launchctl", LAUNCHCTL),
            ("systemctl", SYSTEMCTL),
            ("open", OPEN),
        ] {
            let file = home.at("bin").join(name);
            fs::write(&file, script).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        home.set("desktop", "");
        home
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn set(&self, state: &str, text: &str) {
        fs::write(self.at("state").join(state), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        let path = std::env::var("PATH").unwrap();
        command
            .args(args)
            .env_clear()
            .env("PATH", format!("{}:{path}", self.at("bin").display()))
            .env("HOME", self.folder.path())
            .env("STATE", self.at("state"))
            .env("GAZE_SERVICE", self.manager)
            .env("GAZE_MODELS", &self.models)
            .stdin(Stdio::null());
        command
    }

    /// What it printed, on either side, and its exit code.
    fn gazed(&self, args: &[&str]) -> (i32, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout) + &text(stderr))
    }

    /// The calls since this was asked last, with the home's own paths and the user taken out.
    fn calls(&self) -> Vec<String> {
        let file = self.at("state/calls");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        let user = format!("gui/{}", rustix::process::getuid().as_raw());
        let home = self.folder.path().display().to_string();
        let clean = |line: &str| line.replace(&user, "gui/ME").replace(&home, "~");
        text.lines().map(clean).collect()
    }
}

const AGENT: &str = "Library/LaunchAgents/com.gaze.gazed.plist";
const UNIT: &str = ".config/systemd/user/gazed.service";

#[test]
fn the_agent_is_installed_once_renewed_when_it_changed_and_leaves_nothing() {
    let home = Home::new("launchd");
    let (code, said) = home.gazed(&["install"]);
    assert_eq!(code, 0, "{said}");
    // A bare program keeps no permission: it is not asked for, and that is said.
    assert!(said.contains("not inside of Gaze.app"), "{said}");
    assert!(said.contains("runs now and at every login"), "{said}");
    let bootstrap = "launchctl bootstrap gui/ME ~/Library/LaunchAgents/com.gaze.gazed.plist";
    let [session, agent] = [
        "launchctl print gui/ME",
        "launchctl print gui/ME/com.gaze.gazed",
    ];
    let enable = "launchctl enable gui/ME/com.gaze.gazed";
    let bootout = "launchctl bootout gui/ME/com.gaze.gazed";
    let kick = "launchctl kickstart gui/ME/com.gaze.gazed";
    assert_eq!(home.calls(), [session, agent, enable, bootstrap]);

    let (code, said) = home.gazed(&["install"]);
    assert!(code == 0 && said.contains("already"), "{said}");
    assert_eq!(home.calls(), [session, agent, kick]);

    // Another command line: the old one goes, and the new one waits until it has.
    let (code, said) = home.gazed(&["--shm", "/other", "install"]);
    assert_eq!(code, 0, "{said}");
    let renewed = [session, agent, bootout, enable, bootstrap, bootstrap];
    assert_eq!(home.calls(), renewed);

    let python = Command::new("python3")
        .args(["-c", READ_AGENT])
        .arg(home.at(AGENT))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&python.stderr).into_owned();
    assert!(python.status.success(), "{error}");
    let read = String::from_utf8(python.stdout).unwrap();
    let program = home.program.display();
    let log = home.at("Library/Logs/gaze/gazed.log");
    let expected = format!(
        "['{program}', 'run', '--shm', '/other'] \
         {{'GAZE_AGENT': '{}', 'GAZE_MODELS': '/some where/models'}} \
         {{'SuccessfulExit': False}} {}\n",
        build_of(&home.program),
        log.display()
    );
    assert_eq!(read, expected);
    assert!(log.parent().unwrap().is_dir());

    assert_eq!(home.gazed(&["stop"]).0, 0);
    assert_eq!(home.calls(), [agent, bootout]);
    assert_eq!(home.gazed(&["stop"]).0, 0);
    assert_eq!(home.calls(), [agent]);
    assert_eq!(home.gazed(&["start"]).0, 0);
    assert_eq!(home.calls(), [agent, enable, bootstrap, bootstrap]);
    assert_eq!(home.gazed(&["start"]).0, 0);
    assert_eq!(home.calls(), [agent, kick]);
    assert_eq!(home.gazed(&["restart"]).0, 0);
    let again = "launchctl kickstart -k gui/ME/com.gaze.gazed";
    assert_eq!(home.calls(), [agent, again]);

    let (code, said) = home.gazed(&["logs"]);
    assert!(code == 10 && said.contains("gazed start"), "{said}");
    fs::write(&log, "one\ntwo\nthree\n").unwrap();
    assert_eq!(home.gazed(&["logs", "-n", "2"]), (0, "two\nthree\n".into()));

    assert_eq!(home.gazed(&["uninstall"]).0, 0);
    assert_eq!(home.calls(), [agent, bootout]);
    assert!(!home.at(AGENT).exists());
    let (code, said) = home.gazed(&["uninstall"]);
    assert!(code == 0 && said.contains("was not installed"), "{said}");
    assert_eq!(home.gazed(&["logs", "-n", "1"]).0, 0, "what it wrote stays");
    fs::remove_file(&log).unwrap();
    for verb in ["start", "stop", "restart", "logs"] {
        let (code, said) = home.gazed(&[verb]);
        assert!(code == 10 && said.contains("gazed install"), "{said}");
    }
    let left: Vec<_> = fs::read_dir(home.at("Library/LaunchAgents"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The mark of a program's build.
fn build_of(program: &Path) -> String {
    // There is no list of networks where `GAZE_MODELS` leads.
    let hash = Sha256::digest(fs::read(program).unwrap());
    hash[..6].iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn another_build_at_the_same_place_takes_over() {
    for (manager, again) in [
        ("launchd", "launchctl bootout gui/ME/com.gaze.gazed"),
        ("systemd", "systemctl --user restart gazed.service"),
    ] {
        let mut home = Home::new(manager);
        home.models = home.at("models");
        fs::copy(&home.program, home.at("gazed")).unwrap();
        home.program = home.at("gazed");
        assert_eq!(home.gazed(&["install"]).0, 0);
        home.calls();
        let (_, said) = home.gazed(&["install"]);
        assert!(said.contains("already"), "{said}");
        assert!(!home.calls().contains(&again.to_owned()));
        // Other networks beside the same program are another build too.
        let models = home.at("models");
        fs::create_dir_all(&models).unwrap();
        let list = |sha256: &str| {
            let network = format!(
                "{{\"file\": \"a.onnx\", \"kind\": \"a\", \"version\": \"1\", \"sha256\": \"{sha256}\"}}"
            );
            let text = format!("{{\"schema\": 1, \"networks\": [{network}]}}");
            fs::write(models.join("models.json"), text).unwrap();
            home.gazed(&["install"]).1
        };
        for (sha256, told) in [("01", "runs now"), ("01", "already"), ("02", "runs now")] {
            let said = list(sha256);
            assert!(said.contains(told), "{manager} {sha256}: {said}");
        }
        home.calls();
        let mut other = fs::read(&home.program).unwrap();
        other.push(0); // the system reads no further than the program's own end
        fs::write(home.at("new"), other).unwrap();
        fs::set_permissions(home.at("new"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(home.at("new"), &home.program).unwrap();
        let (_, said) = home.gazed(&["install"]);
        assert!(said.contains("runs now"), "{said}");
        assert!(home.calls().contains(&again.to_owned()), "{manager}");
    }
}

#[test]
fn launchd_is_not_asked_to_start_again_what_would_end_again() {
    let home = Home::new("launchd");
    fs::write(home.at("bad.json"), "{\"camra\": 1}").unwrap();
    let bad = home.at("bad.json").display().to_string();
    for (args, code) in [
        (vec!["run", "--config", &bad], 3),
        (vec!["run", "--nonsense"], 2),
        (
            vec!["run", "--clips", "/dev/null/x", "--source", "/dev/null/y"],
            7,
        ),
    ] {
        let run = |agent: bool| {
            let mut command = home.command(&args);
            command.env("GAZE_SHM", format!("/gaze-ag{}", std::process::id()));
            if agent {
                command.env("GAZE_AGENT", "0123ab");
            }
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.code(), said)
        };
        let (plain, said) = run(false);
        assert_eq!(plain, Some(code), "{said}");
        let (ended, as_agent) = run(true);
        // A clip or a camera may be there the next time.
        let hopeless = code <= 3;
        assert_eq!(ended, Some(if hopeless { 0 } else { code }), "{as_agent}");
        assert_eq!(as_agent.contains("gazed start"), hopeless, "{as_agent}");
        assert!(as_agent.starts_with(&said), "{as_agent}");
    }
}

#[test]
fn the_agent_waits_for_another_gazed_to_end_and_other_commands_keep_their_codes() {
    let home = Home::new("launchd");
    let shm = format!("/gaze-busy{}", std::process::id());
    let gazed = |args: &[&str]| {
        let mut command = home.command(args);
        command.env("GAZE_SHM", &shm).env("GAZE_AGENT", "0123ab");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    // A hook of the agent's asks whether it runs.
    let status = gazed(&["status", "--quiet"]).output().unwrap();
    assert_eq!(status.status.code(), Some(9));
    let usage = gazed(&["status", "--nonsense"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
    let first = gazed(&["run", "--source", "null"]).spawn().unwrap();
    let mut first = Private(first);
    let until = Instant::now() + Duration::from_secs(60);
    while gazed(&["status", "--quiet"])
        .output()
        .unwrap()
        .status
        .code()
        != Some(0)
    {
        assert!(Instant::now() < until, "the first one does not come up");
        assert_eq!(first.0.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = gazed(&["run", "--source", "null"]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(
        second.status.code(),
        Some(4),
        "launchd starts it again: {said}"
    );
    assert!(!said.contains("gazed start"), "{said}");
    let unit = fs::read_to_string("../launchd/gazed.service.in").unwrap();
    drop(first);
    let _ = fs::remove_file(format!("/dev/shm{shm}"));
    let systemd_too = "\nRestart=on-failure\nRestartPreventExitStatus=2 3\n";
    assert!(unit.contains(systemd_too), "{unit}");
}

const READ_AGENT: &str = "
import plistlib, sys
a = plistlib.load(open(sys.argv[1], 'rb'))
print(a['ProgramArguments'], a['EnvironmentVariables'], a['KeepAlive'], a['StandardErrorPath'])";

#[test]
fn the_application_asks_for_the_camera_as_itself() {
    let mut home = Home::new("launchd");
    let inside = home.at("Gaze.app/Contents/MacOS");
    fs::create_dir_all(&inside).unwrap();
    fs::copy(&home.program, inside.join("gazed")).unwrap();
    home.program = inside.join("gazed").canonicalize().unwrap();
    for (says, told) in [
        ("granted", "the camera is allowed\n"),
        (
            "denied",
            "not allowed (denied); allow Gaze in System Settings",
        ),
        ("", "nobody answered"),
    ] {
        home.set("says", says);
        let (code, said) = home.gazed(&["install"]);
        // The service is there whatever the person decided: it waits for permission.
        assert!(code == 0 && said.contains(told), "{says}: {said}");
        let calls = home.calls();
        let asked = "open -W -n -a ~/Gaze.app --args permission --request --answer ";
        assert!(calls[0].starts_with(asked), "{calls:?}");
        let file = calls[0].rsplit(' ').next().unwrap();
        assert!(!Path::new(file).exists(), "{file} is left behind");
    }
    home.gazed(&["install", "--no-camera-question"]);
    assert!(home.calls().iter().all(|c| !c.starts_with("open")));
}

#[test]
fn the_unit_is_installed_once_renewed_when_it_changed_and_leaves_nothing() {
    let home = Home::new("systemd");
    let asked = "systemctl --user show-environment";
    let reload = "systemctl --user daemon-reload";
    let enable = "systemctl --user enable gazed.service";
    let (code, said) = home.gazed(&["install"]);
    assert_eq!(code, 0, "{said}");
    let restart = "systemctl --user restart gazed.service";
    assert_eq!(home.calls(), [asked, reload, enable, restart]);
    let (_, said) = home.gazed(&["install"]);
    assert!(said.contains("already"), "{said}");
    let start = "systemctl --user start gazed.service";
    assert_eq!(home.calls(), [asked, enable, start]);
    verify(&home.at(UNIT));
    for verb in ["stop", "start", "restart"] {
        assert_eq!(home.gazed(&[verb]).0, 0);
        assert_eq!(
            home.calls(),
            [format!("systemctl --user {verb} gazed.service")]
        );
    }
    assert_eq!(home.gazed(&["uninstall"]).0, 0);
    let disable = "systemctl --user disable --now gazed.service";
    assert_eq!(home.calls(), [disable, reload]);
    assert!(!home.at(UNIT).exists());
    assert_eq!(home.gazed(&["start"]).0, 10);
    assert_eq!(home.gazed(&["uninstall"]).0, 0);
}

/// systemd's own opinion of the unit, where it is installed.
fn verify(unit: &Path) {
    let Ok(said) = Command::new("systemd-analyze")
        .args(["--user", "verify", "--man=no"])
        .arg(unit)
        .env("XDG_RUNTIME_DIR", unit.parent().unwrap())
        .output()
    else {
        eprintln!("systemd-analyze is not here: the unit is not verified");
        return;
    };
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    let ours: Vec<_> = words.lines().filter(|l| l.contains("gazed")).collect();
    assert!(ours.is_empty() && said.status.success(), "{words}");
}

#[test]
fn where_nobody_answers_nothing_is_written() {
    for (manager, file) in [("launchd", AGENT), ("systemd", UNIT)] {
        let home = Home::new(manager);
        fs::remove_file(home.at("state/desktop")).unwrap();
        let (code, said) = home.gazed(&["install", "--no-camera-question"]);
        assert!(
            code == 10 && said.contains("log in at the desktop"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1);
        assert!(!home.at(file).exists());
    }
    let home = Home::new("cron");
    let (code, said) = home.gazed(&["install"]);
    assert!(code == 10 && said.contains("launchd and systemd"), "{said}");
    // Settings that the service would refuse at every start are refused now.
    let home = Home::new("systemd");
    fs::write(home.at("bad.json"), "{\"camra\": 1}").unwrap();
    let bad = home.at("bad.json").display().to_string();
    let (code, said) = home.gazed(&["install", "--config", &bad]);
    assert!(code == 3 && said.contains("camera"), "{said}");
    assert!(!home.at(UNIT).exists());
}

const COUNT_KEYS: &str = "import plistlib, sys; print(len(plistlib.load(open(sys.argv[1], 'rb'))))";

#[test]
fn info_and_entitlements_are_property_lists_that_say_what_they_must() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../launchd");
    let parse = |name: &str| {
        let file = folder.join(name);
        let text = fs::read_to_string(&file).unwrap();
        let python = Command::new("python3")
            .args(["-c", COUNT_KEYS])
            .arg(&file)
            .output()
            .unwrap();
        let keys = String::from_utf8(python.stdout).unwrap();
        let value = plist::Value::from_reader_xml(text.as_bytes()).unwrap();
        let value = value.into_dictionary().unwrap();
        assert_eq!(keys.trim(), value.len().to_string(), "{name}");
        value
    };
    let info = parse("Info.plist.in");
    assert_eq!(info["CFBundleExecutable"].as_string(), Some("gazed"));
    assert_eq!(
        info["CFBundleIdentifier"].as_string(),
        Some("com.gaze.gazed")
    );
    assert_eq!(info["LSUIElement"].as_boolean(), Some(true));
    assert!(info["NSCameraUsageDescription"].as_string().unwrap().len() > 20);
    let rights = parse("gazed.entitlements");
    let camera = rights.get("com.apple.security.device.camera");
    assert_eq!(camera.and_then(|v| v.as_boolean()), Some(true));
    assert_eq!(rights.len(), 1, "library validation stays on");
}

/// A systemd of its own, ended with the test.
struct Private(Child);

impl Drop for Private {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_real_systemd_runs_it_where_one_can_be_had() {
    let not_run = |why: &str| eprintln!("not run against a real systemd: {why}");
    let systemd = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];
    let Some(systemd) = systemd.iter().find(|p| Path::new(p).exists()) else {
        return not_run("it is not installed");
    };
    let home = Home::new("systemd");
    fs::remove_file(home.at("bin/systemctl")).unwrap();
    let runtime = home.at("run");
    fs::create_dir(&runtime).unwrap();
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
    let config = home.at(".config");
    fs::create_dir_all(config.join("gaze")).unwrap();
    let shm = format!("/gaze-sd{}", std::process::id());
    let settings = format!("{{\"source\": \"null\", \"shm\": \"{shm}\"}}");
    fs::write(config.join("gaze/settings.json"), settings).unwrap();
    let own = |command: &mut Command| {
        command
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("XDG_CONFIG_HOME", &config)
            .env("HOME", home.folder.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("GAZE_MODELS");
    };
    let mut start = Command::new(systemd);
    start
        .arg("--user")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    own(&mut start);
    let mut manager = Private(start.spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(10);
    while !runtime.join("systemd/private").exists() {
        if let Some(status) = manager.0.try_wait().unwrap() {
            return not_run(&format!("it ended with {status}"));
        }
        if Instant::now() > until {
            return not_run("it does not come up");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let gazed = |args: &[&str]| {
        let mut command = home.command(args);
        own(&mut command);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    };
    let status = |wanted: Option<i32>| {
        let until = Instant::now() + Duration::from_secs(60);
        while gazed(&["--shm", &shm, "status", "--quiet"]).0 != wanted {
            assert!(Instant::now() < until, "never {wanted:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    for (args, then) in [
        (&["install"][..], Some(0)),
        (&["install"], Some(0)),
        (&["stop"], Some(9)),
        (&["start"], Some(0)),
        (&["restart"], Some(0)),
        (&["uninstall"], Some(9)),
    ] {
        let (code, said) = gazed(args);
        assert_eq!(code, Some(0), "{args:?}: {said}");
        status(then);
    }
}
