//! The doors through which bytes of others come in, with seeds for each: what `gaze_fuzz`
//! throws broken inputs at, and what the tests throw every input at that once broke one.

pub mod mutate;

#[path = "../../../crates/vision/tests/common/linear.rs"]
mod linear;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use gaze::affine::Affine;
use gaze::calibration::selection::{self, Selection};
use gaze::calibration::{self, DisplayRecord, Setup};
use gaze::dataset::Prompt;
use gaze::dataset::protocol::{Begin, Request, Target, line};
use gaze::screen::Screen;
use gazed::settings;
use gazed::sources::{self, Next, OpenOptions, SourceSpec};
use linear::{Linear, Row};
use vision::gaze_net::{Contract, GazeNet, Kind};
use vision::{CropColour, EyeCropSpec, Frame, Runtime, SessionOptions, jpeg};

use mutate::Dice;

/// One door.
#[derive(Clone, Copy)]
pub struct Door {
    /// Its name on the command line.
    pub name: &'static str,
    /// Sound inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// A broken one.
    pub mutate: fn(&mut Dice, &[Vec<u8>]) -> Vec<u8>,
    /// Goes through it with what lies in a file of this name and says in a word how it went.
    pub enter: fn(&Path, &[u8]) -> String,
    /// Address space that it may need, MiB.
    pub memory_mib: u64,
}

/// All of them.
pub const DOORS: [Door; 10] = [
    door("calibration", calibrations, mutate::json, enter_calibration),
    door("selection", selections, mutate::json, enter_selection),
    door("training", labels, mutate::json, enter_training),
    door("request", requests, mutate::json, enter_request),
    door("settings", all_settings, mutate::json, enter_settings),
    door("jpeg", jpegs, mutate::bytes, enter_jpeg),
    door("mp4", clips, mutate::bytes, enter_source),
    door("gif", gifs, mutate::bytes, enter_source),
    door("y4m", y4ms, mutate::bytes, enter_source),
    Door {
        memory_mib: 3072,
        ..door("onnx", networks, mutate::bytes, enter_onnx)
    },
];

/// Doors behind which things go wrong: what the tests of the search look for.
pub const TRAPS: [Door; 4] = [
    door("trap-panic", trapped, mutate::bytes, |_, bytes| {
        spring(bytes, || panic!("as a trap does"))
    }),
    door("trap-abort", trapped, mutate::bytes, |_, bytes| {
        spring(bytes, || std::process::abort())
    }),
    door("trap-hang", trapped, mutate::bytes, |_, bytes| {
        spring(bytes, || std::thread::sleep(Duration::from_secs(3600)))
    }),
    door("trap-memory", trapped, mutate::bytes, |_, bytes| {
        spring(bytes, || drop(std::hint::black_box(vec![1_u8; 8 << 30])))
    }),
];

fn trapped() -> Vec<Vec<u8>> {
    vec![b"abcdefgh".to_vec()]
}

/// Every byte above 127 springs it.
fn spring(bytes: &[u8], trap: impl Fn()) -> String {
    if !bytes.is_ascii() {
        trap();
    }
    "ok".into()
}

const fn door(
    name: &'static str,
    seeds: fn() -> Vec<Vec<u8>>,
    mutate: fn(&mut Dice, &[Vec<u8>]) -> Vec<u8>,
    enter: fn(&Path, &[u8]) -> String,
) -> Door {
    Door {
        name,
        seeds,
        mutate,
        enter,
        memory_mib: 1536,
    }
}

/// The door of this name.
pub fn named(name: &str) -> Option<Door> {
    DOORS
        .into_iter()
        .chain(TRAPS)
        .find(|door| door.name == name)
}

/// How it went, without what differs from input to input.
fn word<T, E: std::fmt::Display>(result: &Result<T, E>, file: &Path) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => {
            let text = error.to_string();
            // What a terminal would not show as it stands.
            let odd = |c: char| {
                let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}'
                    | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
                c.is_control() || turns
            };
            assert!(!text.contains(odd), "not one plain line: {text:?}");
            let text = text.replace(&file.display().to_string(), "");
            let plain = |c: &char| c.is_ascii_alphabetic() || *c == ' ';
            text.chars().filter(plain).take(90).collect()
        }
    }
}

fn seed(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    std::fs::read(folder.join(name)).expect("a seed")
}

fn calibrations() -> Vec<Vec<u8>> {
    let screen = Screen::laptop(1920, 1080);
    let setup = Setup {
        user: "ada".into(),
        camera: "cam".into(),
        display: DisplayRecord::of("default", &screen),
        network: "geometric-3-00000000000000ab".into(),
    };
    let map = Affine {
        a: 1.1,
        c: -0.05,
        ..Affine::IDENTITY
    };
    let plain = crate::calibrations::made(&setup, &map);
    let repaired = plain.clone().repaired([0.01, 0.02], 1_790_000_001);
    [plain, repaired]
        .map(|c| serde_json::to_vec_pretty(&c).expect("JSON"))
        .to_vec()
}

fn enter_calibration(file: &Path, _: &[u8]) -> String {
    let read = calibration::load(file);
    if let Ok(c) = &read {
        // Whatever is taken can be used, written and taken again.
        assert_eq!(c.validate(), Ok(()));
        assert!(c.effective_map().inverse().is_some() && c.expected_error().is_finite());
        let [x, y] = c.effective_map().apply([0.3, 0.7]);
        assert!(x.is_finite() && y.is_finite());
        let text = serde_json::to_string(c).expect("JSON");
        let again: calibration::Calibration = serde_json::from_str(&text).expect("its own");
        assert_eq!(&again, c);
    }
    word(&read, file)
}

fn selections() -> Vec<Vec<u8>> {
    let display = DisplayRecord::of("default", &Screen::laptop(1920, 1080));
    [None, Some(display)]
        .map(|d| serde_json::to_vec(&Selection::new("ada", d)).expect("JSON"))
        .to_vec()
}

fn enter_selection(file: &Path, _: &[u8]) -> String {
    // It is looked for by its own name.
    let folder = file.parent().expect("in a folder");
    let named = folder.join(selection::FILE_NAME);
    std::fs::copy(file, &named).expect("ours");
    let read = selection::load(folder);
    if let Ok(s) = &read {
        assert_eq!(s.validate(), Ok(()));
    }
    word(&read, folder)
}

fn labels() -> Vec<Vec<u8>> {
    let users = r#"{"timestamp": 1765997461159, "screen_x": 1076.6, "screen_y": 973.9,
        "inference": {"Gaze": {"left_eye": {"x": 900.9, "y": 359.0, "z": 0.0},
        "right_eye": {"x": 1095.0, "y": 354.9, "z": 0.0}, "yaw": -23.2, "pitch": 15.4,
        "roll": 0.69, "vector": {"x": 0.0, "y": 0.0, "z": 1.0}, "landmarks": null}},
        "moondream_result": {"x": 0.0, "y": 0.0, "z": 0.0}}"#;
    let rendered = r#"{"screen_x": 150, "screen_y": 50, "truth": {"jpeg_bytes": 7, "screen":
        {"width_px": 300, "height_px": 200, "width_mm": 30, "height_mm": 20}}}"#;
    let marks = users.replace("null", "[[1, 2, 3], [4.5, 6, 7]]");
    [users, rendered, &marks]
        .map(|s| s.as_bytes().to_vec())
        .to_vec()
}

fn enter_training(file: &Path, bytes: &[u8]) -> String {
    let read = gaze::dataset::read(bytes);
    if let Ok(label) = &read {
        assert!(label.target().iter().all(|v| v.is_finite()));
        let head = label.head_deg.unwrap_or_default();
        assert!(head.iter().all(|v| v.is_finite()));
    }
    word(&read, file)
}

fn requests() -> Vec<Vec<u8>> {
    let begin = Request::Record(Begin {
        folder: "/tmp/x".into(),
        consent: true,
        screen: Screen::laptop(1512, 982),
    });
    let target = Request::Target(Target {
        place: 7,
        x_px: 300.25,
        y_px: 200.5,
        from_ns: 5,
        until_ns: 9,
        frames: 3,
        every_ms: 40,
        prompt: Prompt::Left,
    });
    vec![line(&begin), line(&target)]
}

fn enter_request(file: &Path, bytes: &[u8]) -> String {
    word(&Request::parse(bytes), file)
}

fn all_settings() -> Vec<Vec<u8>> {
    [
        r#"{"source": "demo", "display_px": [1920, 1080], "display_mm": [344, 194], "threads": 2,
            "fps": 30, "width": 640, "height": 480, "hfov_deg": 60, "user": "ada", "camera": 1,
            "camera_mm": [170, -8], "display": "default", "filter": "one-euro"}"#,
        r#"{"clips": {"on": true, "folder": "/c", "hold_s": 1, "pre_s": 3, "post_s": 2, "longest_s": 60,
            "debounce_s": 1, "most": 9, "most_mb": 100, "keep_days": 7, "fps": 15}, "hooks":
            {"command": ["true"], "line_to": "/l", "snapshots": "/s", "timeout_s": 5}}"#,
        r#"{"shm": "/gaze-x", "models": "/m", "runtime": "/r.so", "calibration": "/c.json",
            "network": "geometric", "primary": "nearest", "provider": "cpu", "compute_units": "all"}"#,
    ]
    .map(|s| s.as_bytes().to_vec())
    .to_vec()
}

fn enter_settings(file: &Path, bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return "not text".into();
    };
    let read = settings::parse(text, file).and_then(|s| s.check().map(|()| s));
    if let Ok(s) = &read {
        // What passed the check can be followed.
        let plans = [
            s.face_wish().map(drop),
            s.provider_wish().map(drop),
            s.clips_plan().map(drop),
            s.hooks_plan().map(drop),
        ];
        assert!(plans.iter().all(Result::is_ok), "{plans:?} of {text}");
        let _ = (
            s.gaze_choice(),
            s.filter_kind(),
            s.clone().overridden_by(s.clone()),
        );
    }
    word(&read, file)
}

/// The daemon's own, and others made with Pillow.
fn jpegs() -> Vec<Vec<u8>> {
    let tiny = include_bytes!("../../../daemon/tests/assets/tiny.jpg").to_vec();
    let mut all = vec![tiny];
    all.extend(["progressive.jpg", "grey.jpg", "restart.jpg"].map(seed));
    // As cameras send them: without their Huffman tables.
    let bare = |mut jpeg: Vec<u8>| {
        while let Some(at) = jpeg.windows(2).position(|w| w == [0xff, 0xc4]) {
            let length = usize::from(jpeg[at + 2]) << 8 | usize::from(jpeg[at + 3]);
            jpeg.drain(at..at + 2 + length);
        }
        jpeg
    };
    all.extend([bare(all[0].clone()), bare(all[3].clone())]);
    // Luma of twice the height: as another sampling of chroma, 4:2:2, its scan is as long.
    let mut other = all[3].clone();
    if let Some(at) = other.windows(2).position(|w| w == [0xff, 0xc0]) {
        other[at + 11] = 0x21;
    }
    all.push(other);
    all
}

fn enter_jpeg(file: &Path, bytes: &[u8]) -> String {
    let mut frame = Frame::default();
    let still = jpeg::decode(bytes, &mut frame);
    assert!(still.is_err() || frame.is_sound());
    let moving = jpeg::Decoder::default().decode_motion(bytes, &mut frame);
    assert!(moving.is_err() || frame.is_sound());
    word(&moving, file)
}

fn clips() -> Vec<Vec<u8>> {
    vec![include_bytes!("../../../daemon/tests/assets/bframes.mp4").to_vec()]
}

fn gifs() -> Vec<Vec<u8>> {
    ["three.gif", "interlaced.gif"].map(seed).to_vec()
}

fn y4ms() -> Vec<Vec<u8>> {
    vec![seed("three.y4m")]
}

/// Pictures that are looked at of one input: none of the seeds has more.
const MOST_PICTURES: usize = 300;

fn enter_source(file: &Path, _: &[u8]) -> String {
    let options = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let opened = sources::open(&SourceSpec::Path(file.to_owned()), &options);
    let said = word(&opened, file);
    let Ok(mut source) = opened else { return said };
    let mut frame = Frame::default();
    for n in 0..MOST_PICTURES {
        match source.next(&mut frame, Duration::from_millis(50)) {
            Ok(Next::Frame) => {
                // Larger than it says would be read past its end.
                let need = frame.stride * frame.height as usize;
                assert!(frame.width > 8192 || !frame.is_sound() || frame.data.len() >= need);
            }
            Ok(Next::Nothing | Next::Passed) => return "nothing".into(),
            Ok(Next::End) => return format!("{} pictures", n.min(9)),
            Err(error) => return word::<(), _>(&Err(error), file),
        }
    }
    "many pictures".into()
}

/// Two tiny ones of ours.
fn networks() -> Vec<Vec<u8>> {
    let crop = EyeCropSpec {
        size: 16,
        scale: 1.8,
        colour: CropColour::Gray,
    };
    [Kind::EyesPoseRay, Kind::EyesPoseScreen]
        .map(|kind| {
            let contract = Contract::ours(kind, &crop, &[0.5], &[0.25]);
            let rows = if kind == Kind::EyesPoseRay { 3 } else { 2 };
            let row = Row {
                weights: vec![(3, 0.01), (70, -0.01)],
                bias: 0.1,
            };
            Linear::eyes(&contract, vec![row; rows]).onnx(&contract.to_metadata())
        })
        .to_vec()
}

fn enter_onnx(file: &Path, bytes: &[u8]) -> String {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::load(None).expect("ONNX Runtime"));
    let options = SessionOptions::default();
    let opened = GazeNet::from_bytes(file, bytes.to_vec(), None, runtime, &options);
    let said = word(&opened, file);
    // Opening one has run it once.
    drop(opened);
    said
}

/// Where inputs lie that once broke something: `DOOR-what.bin`.
pub fn found() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/found")
}
