//! Drives `export`, and the commands that need a desktop, without one.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn program(args: &[&str], home: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gaze-calib"))
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("USER", "ada")
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> (Option<i32>, String) {
    (
        output.status.code(),
        String::from_utf8(output.stderr.clone()).unwrap(),
    )
}

/// Stores a calibration from made-up looks at nine targets.
fn calibrate(home: &Path) {
    let mut csv = String::from("target_x,target_y,raw_x,raw_y,valid\n");
    for i in 0..9 {
        let (x, y) = (0.1 + 0.4 * f64::from(i % 3), 0.1 + 0.4 * f64::from(i / 3));
        for k in 0..10 {
            let wobble = 0.01 * (f64::from(k) * 2.4 + f64::from(i)).sin();
            csv += &format!(
                "{x},{y},{},{},1\n",
                0.2 + 0.6 * x + wobble,
                0.1 + 0.7 * y - wobble
            );
        }
    }
    fs::write(home.join("looks.csv"), csv).unwrap();
    let args = "fit looks.csv --display eDP-1 --camera default --network net \
                --size-px 1920x1080 --size-mm 310x174";
    let args: Vec<&str> = args.split_whitespace().collect();
    let fitted = program(&args, home);
    assert!(fitted.status.success(), "{:?}", said(&fitted));
}

fn png_size(file: &Path) -> (u32, u32) {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(file).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height)
}

#[test]
fn a_stored_calibration_becomes_pictures() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let nothing = program(&["export"], home);
    assert_eq!(nothing.status.code(), Some(1), "{:?}", said(&nothing));
    calibrate(home);

    let both = program(&["export"], home);
    assert!(both.status.success(), "{:?}", said(&both));
    let named = fs::read_dir(home).unwrap().filter_map(|e| {
        let file = e.unwrap().path();
        file.extension().is_some_and(|e| e == "png").then_some(file)
    });
    let named: Vec<_> = named.collect();
    assert_eq!(named.len(), 1);
    assert!(
        named[0].to_str().unwrap().contains("ada__default__"),
        "{named:?}"
    );
    assert_eq!(png_size(&named[0]), (1920, 1200));
    let svg = fs::read_to_string(named[0].with_extension("svg")).unwrap();
    for word in ["user ada", "display eDP-1", "excellent", "cm", "°"] {
        assert!(svg.contains(word), "{word}");
    }

    let one = [
        "export", "--user", "ada", "--out", "fit.PNG", "--size", "640x900", "--dark",
    ];
    assert!(program(&one, home).status.success());
    assert_eq!(png_size(&home.join("fit.PNG")), (640, 900));
    let refused: [(&[&str], i32); 4] = [
        (&["export", "--user", "bob"], 1),
        (&["export", "--out", "fit.jpg"], 2),
        (&["export", "nowhere.json"], 3),
        (&["export", "--out", "no/such/folder/fit.svg"], 4),
    ];
    for (args, code) in refused {
        assert_eq!(program(args, home).status.code(), Some(code), "{args:?}");
    }
}

#[test]
#[cfg_attr(target_os = "macos", ignore = "a Mac's desktop needs no DISPLAY")]
fn without_a_desktop_a_sitting_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    for command in ["run", "validate", "repair"] {
        let output = program(&[command], home.path());
        let line =
            "gaze-calib: no display: DISPLAY is not set; use gaze-calib fit on a recording\n";
        assert_eq!(said(&output), (Some(3), line.to_owned()), "{command}");
    }
    assert_eq!(
        program(&["run", "--targets", "7"], home.path())
            .status
            .code(),
        Some(2)
    );
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
