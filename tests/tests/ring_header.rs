//! gaze.h and the crate say the same: every field, every code, every text, and
//! what a live writer stores. The examples read it too.

mod ring_support;

use ring::Reader;
use ring::layout::{
    ASSISTANT_OFFSET, AssistantNote, AssistantStatus, CalibrationNote, CalibrationStatus,
    ClipsNote, ClipsStatus, ContactSource, Device, ENGINE_OFFSET, EngineNote, FACE_ROWS,
    FACE_SLOT_SIZE, FACE_SLOTS, FACES_OFFSET, FaceRow, FaceState, FaceTable, Grade, HEADER_SIZE,
    MAGIC, Provider, READS_SINCE, Reason, Region, SAMPLE_SLOT_SIZE, SAMPLE_SLOTS, SAMPLES_OFFSET,
    Sample, SourceKind, State, Stats, TOTAL_SIZE, VERSION, Why, engine, flags, recording,
    row_flags, text_of,
};
use ring_support::{Language, Name, compile, probe, until, writer};
use std::path::Path;
use std::process::{Command, Output};

/// Lines of C that print a struct's fields, and what they must print. The
/// sizes must add up, so that no field can be forgotten in the list.
macro_rules! fields {
    ($c:ident, $rust:ty: $($field:ident)*) => {{
        let mut lines = Vec::new();
        let mut total = 0;
        let all = <$rust>::default();
        $(
            let size = size_of_val(&all.$field);
            total += size;
            let field = stringify!($field).trim_end_matches('_');
            let name = concat!(stringify!($c), ".", stringify!($field));
            lines.push((
                format!("FIELD({}, {field});", stringify!($c)),
                format!("{name} {} {size}", std::mem::offset_of!($rust, $field)),
            ));
        )*
        assert_eq!(total, size_of::<$rust>(), "{} has more fields", stringify!($rust));
        lines
    }};
}

#[test]
fn every_field_and_every_code_is_the_same_on_both_sides() {
    let mut lines = fields!(gaze_sample, Sample: index frame_index captured_ns perceived_ns
        published_ns flags reason state face_count raw_x raw_y cal_x cal_y x y error_radius confidence
        calibration_generation display_generation eye_origin_mm gaze_dir head_yaw head_pitch head_roll
        head_mm openness face_id contact velocity left_yaw left_pitch right_yaw right_pitch network_generation
        spread_deg);
    lines.extend(
        fields!(gaze_face, FaceRow: id state contact_source flags x y w h contact yaw pitch
        roll distance_mm confidence since_ns measured_ns),
    );
    lines.extend(
        fields!(gaze_face_table, FaceTable: index frame_index captured_ns perceived_ns
        published_ns sample_index count image_width image_height rows),
    );
    lines.extend(fields!(gaze_stats, Stats: camera_mhz publish_mhz frames_in frames_dropped
        late_ticks samples predicted camera_reconnects faults perceive_p50_us perceive_p99_us
        publish_p50_us publish_p99_us total_p50_us total_p99_us picture_width picture_height reserved));
    lines.extend(
        fields!(gaze_device, Device: display_width_px display_height_px display_width_mm
        display_height_mm network_hash network_name camera_name reserved),
    );
    lines.extend(fields!(gaze_why, Why: since_ns status reserved_0 text reserved));
    lines.extend(
        fields!(gaze_calibration_note, CalibrationNote: status grade generation error
        created_unix_s user text),
    );
    lines.extend(
        fields!(gaze_clips_note, ClipsNote: status face since_ns clips memory bytes missed
        finished text reserved),
    );
    lines.extend(fields!(gaze_engine_note, EngineNote: provider flags text priority));
    lines.extend(
        fields!(gaze_assistant_note, AssistantNote: status region coarse gaze_region captured_ns
        answered_ns fresh_ms failures asked answered compared agreed text),
    );

    let mut code = |name: &str, value: u64| {
        lines.push((format!("CODE({name});"), format!("{name} {value}")));
    };
    for (name, value) in [
        ("GAZE_MAGIC", MAGIC),
        ("GAZE_VERSION", u64::from(VERSION)),
        ("GAZE_READS_SINCE", u64::from(READS_SINCE)),
        ("GAZE_HEADER_SIZE", HEADER_SIZE as u64),
        ("GAZE_SAMPLE_SLOTS", SAMPLE_SLOTS as u64),
        ("GAZE_SAMPLE_SLOT_SIZE", SAMPLE_SLOT_SIZE as u64),
        ("GAZE_SAMPLES_OFFSET", SAMPLES_OFFSET as u64),
        ("GAZE_FACE_SLOTS", FACE_SLOTS as u64),
        ("GAZE_FACE_SLOT_SIZE", FACE_SLOT_SIZE as u64),
        ("GAZE_FACES_OFFSET", FACES_OFFSET as u64),
        ("GAZE_FACE_ROWS", FACE_ROWS as u64),
        ("GAZE_ENGINE_OFFSET", ENGINE_OFFSET as u64),
        ("GAZE_ASSISTANT_OFFSET", ASSISTANT_OFFSET as u64),
        ("GAZE_TOTAL_SIZE", TOTAL_SIZE as u64),
        ("GAZE_NAME_MAX", ring::NAME_MAX as u64),
    ] {
        code(name, value);
    }
    for (name, bit) in [
        ("FACE", flags::FACE),
        ("LEFT_OPEN", flags::LEFT_OPEN),
        ("RIGHT_OPEN", flags::RIGHT_OPEN),
        ("EYES_OPEN", flags::EYES_OPEN),
        ("VALID", flags::VALID),
        ("MEASURED", flags::MEASURED),
        ("PREDICTED", flags::PREDICTED),
        ("CALIBRATED", flags::CALIBRATED),
        ("STALE", flags::STALE),
        ("SACCADE", flags::SACCADE),
        ("DEMO", flags::DEMO),
        ("PAUSED", flags::PAUSED),
        ("RECALIBRATE", flags::RECALIBRATE),
        ("COARSE", flags::COARSE),
        ("FIXATION", flags::FIXATION),
        ("ROW_PRIMARY", u32::from(row_flags::PRIMARY)),
        ("ROW_EYES_OPEN", u32::from(row_flags::EYES_OPEN)),
        ("ROW_FRESH", u32::from(row_flags::FRESH)),
        ("RECORDING_PICTURES", recording::PICTURES),
        ("RECORDING_CLIP", recording::CLIP),
        ("ENGINE_FELL_BACK", engine::FELL_BACK),
        ("ENGINE_COMPILING", engine::COMPILING),
        ("ENGINE_REALTIME_DENIED", engine::REALTIME_DENIED),
    ] {
        code(&format!("GAZE_{name}"), u64::from(bit));
    }
    for r in Reason::ALL {
        code(&format!("GAZE_REASON_{}", upper(r)), u64::from(r.raw()));
    }
    for s in State::ALL {
        code(&format!("GAZE_STATE_{}", upper(s)), u64::from(s.raw()));
    }
    for s in SourceKind::ALL {
        code(&format!("GAZE_SOURCE_{}", upper(s)), u64::from(s.raw()));
    }
    for s in FaceState::ALL {
        code(&format!("GAZE_FACE_{}", upper(s)), u64::from(s.raw()));
    }
    for s in CalibrationStatus::ALL {
        code(
            &format!("GAZE_CALIBRATION_{}", upper(s)),
            u64::from(s.raw()),
        );
    }
    for g in Grade::ALL {
        code(&format!("GAZE_GRADE_{}", upper(g)), u64::from(g.raw()));
    }
    for s in ClipsStatus::ALL {
        code(&format!("GAZE_CLIPS_{}", upper(s)), u64::from(s.raw()));
    }
    for p in Provider::ALL {
        code(&format!("GAZE_PROVIDER_{}", upper(p)), u64::from(p.raw()));
    }
    for s in AssistantStatus::ALL {
        code(&format!("GAZE_ASSISTANT_{}", upper(s)), u64::from(s.raw()));
    }
    for r in Region::ALL {
        code(&format!("GAZE_REGION_{}", upper(r)), u64::from(r.raw()));
    }
    for s in ContactSource::ALL {
        code(&format!("GAZE_CONTACT_{}", upper(s)), u64::from(s.raw()));
    }

    let mut program = String::from(
        "#include \"gaze.h\"\n#include <stdio.h>\n\
         #define FIELD(type, field) printf(#type \".\" #field \" %zu %zu\\n\", \
         offsetof(struct type, field), sizeof(((struct type *)0)->field))\n\
         #define CODE(name) printf(#name \" %llu\\n\", (unsigned long long)(name))\n\
         int main(void)\n{\n",
    );
    for (line, _) in &lines {
        program.push_str(line);
        program.push('\n');
    }
    program.push_str("return 0;\n}\n");
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layout.c");
    std::fs::write(&source, program).expect("the build folder is writable");
    for language in [Language::C11, Language::Cpp17] {
        let program = compile(source.to_str().expect("UTF-8"), language, "layout");
        let printed = text(Command::new(program).output().expect("it runs"));
        let expected: Vec<&String> = lines.iter().map(|(_, printed)| printed).collect();
        assert_eq!(
            printed.lines().collect::<Vec<_>>(),
            expected,
            "{language:?}"
        );
    }
}

/// A variant's name as C writes it: `NoFace` → `NO_FACE`.
fn upper(code: &impl std::fmt::Debug) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

#[test]
fn both_sides_have_the_same_words_for_reasons_and_states() {
    let mut c = probe(Language::C11, "words");
    for number in 0..40_u8 {
        let expected = format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
            Reason::from_raw(number.into()).text(),
            State::from_raw(number).text(),
            CalibrationStatus::from_raw(number.into()).text(),
            Grade::from_raw(number.into()).text(),
            ClipsStatus::from_raw(number.into()).text(),
            FaceState::from_raw(number).text(),
            ContactSource::from_raw(number).text(),
            Provider::from_raw(number.into()).text(),
            AssistantStatus::from_raw(number.into()).text(),
            Region::from_raw(number.into()).text(),
        );
        assert_eq!(c.ask(&format!("text {number}")), expected, "{number}");
    }
}

#[test]
fn the_c_reader_sees_the_header_that_the_writer_stored() {
    let name = Name::new("status");
    let mut live = writer(&name, "200");
    let reader = Reader::open(&name.0).expect("it is there");
    for language in [Language::C11, Language::Cpp17] {
        let mut c = probe(language, "status");
        assert_eq!(c.code(&format!("open {}", name.0)), 0);
        live.tell("state 3 7 camera unplugged: plug it in");
        until("the state", || reader.header().state == State::NoCamera);
        assert_eq!(
            c.ask("status"),
            format!(
                "0|no camera|camera lost|2|{}|1|60000|camera unplugged: plug it in|geometric|\
                 Kamera für Tests|5|1|3|1920 x 1080|527|77|ab01020304050607",
                live.pid()
            )
        );
        assert_eq!(
            c.ask("calibration"),
            "0|in force, a newer file was refused|good|5|0.0625|1790000000|Zoë|zoe.json: not JSON"
        );
        assert_eq!(
            c.ask("clips"),
            "0|stopped|3|12345|7|1000|5000000000|11|9|clips folder /c is gone"
        );
        assert_eq!(
            c.ask("engine"),
            "0|coreml and cpu|5|face_detector: too new|nice -10: no"
        );
        assert_eq!(
            c.ask("assistant"),
            "0|failing|bottom left|1|middle center|11|12|13|14|15|16|17|18|nobody answers"
        );
        until("faces", || reader.faces().is_some());
        assert_eq!(c.code("faces_of"), 1);
    }
    let header = reader.header();
    assert_eq!(
        (header.reason, header.source),
        (Reason::CameraLost, SourceKind::Clip)
    );
    assert_eq!(header.why, "camera unplugged: plug it in");
    assert_eq!(
        (header.network_hash, header.network_name.as_str()),
        (0xab01_0203_0405_0607, "geometric")
    );
    assert_eq!(
        (header.display_px, header.display_mm),
        ((1920, 1080), (527.0, 296.0))
    );
    let note = header.calibration;
    assert_eq!(
        (note.status(), note.grade(), note.generation),
        (CalibrationStatus::Kept, Grade::Good, 5)
    );
    assert_eq!(text_of(&note.user), "Zoë");
    assert_eq!(header.recording_for, recording::PICTURES | recording::CLIP);
    assert_eq!(header.clips.status(), ClipsStatus::Stopped);
    assert_eq!(text_of(&header.clips.text), "clips folder /c is gone");
    let engine = header.engine;
    assert_eq!((engine.provider(), engine.flags), (Provider::Mixed, 5));
    assert_eq!(text_of(&engine.priority), "nice -10: no");
    let assistant = header.assistant;
    assert_eq!(
        (
            assistant.status(),
            assistant.region(),
            assistant.gaze_region()
        ),
        (
            AssistantStatus::Failing,
            Region::BottomLeft,
            Region::MiddleCenter
        )
    );
    assert_eq!((assistant.coarse, assistant.agreed), (1, 18));
    let table = reader.faces().expect("faces");
    assert_eq!(
        reader
            .faces_of(table.frame_index)
            .map(|t| t.index >= table.index),
        Some(true)
    );
    assert_eq!(reader.faces_of(u64::MAX), None);
}

#[test]
fn the_example_readers_show_a_live_writer() {
    let name = Name::new("example");
    let _live = writer(&name, "200");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");

    for language in [Language::C11, Language::Cpp17] {
        let watch = compile("include/examples/gaze_watch.c", language, "watch");
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&watch);
            command
                .args(["--name", &name.0, "--seconds", "0.3"])
                .args(arguments);
            command.output().expect("it runs")
        };
        let summary = text(run(&["--summary"]));
        assert!(summary.contains("gazed       running"), "{summary}");
        assert!(
            summary.contains("samples  ") && summary.contains(" Hz, 0 lost"),
            "{summary}"
        );
        check_json(&text(run(&["--json"])));
        let none = run(&["--summary", "--name", "/gaze-t-nobody"]);
        assert_eq!(none.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&none.stderr).contains("start gazed"));
        // Derived samples have random flags: about half are valid.
        assert_eq!(
            run(&["--summary", "--min-valid", "99"]).status.code(),
            Some(4)
        );
    }

    let python = Command::new("python3")
        .arg(root.join("include/examples/gaze_read.py"))
        .args(["--name", &name.0, "--seconds", "0.3"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 is needed to test the Python reader");
    check_json(&text(python));
    assert!(name.path().exists(), "a reader removes nothing");
}

/// Lines of JSON whose numbers are the derived ones, without a gap.
fn check_json(lines: &str) {
    let mut last = None;
    let mut count = 0;
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let index = value["index"].as_u64().expect("an index");
        let want = ring_support::derived::sample(index);
        assert_eq!(value["captured_ns"].as_u64(), Some(want.captured_ns));
        assert_eq!(value["flags"].as_u64(), Some(u64::from(want.flags)));
        assert_eq!(value["valid"].as_bool(), Some(want.is_valid()));
        assert_eq!(value["reason"].as_str(), Some(want.reason().text()));
        let x = value["x"].as_f64().expect("a number");
        // C prints six digits.
        assert!((x - f64::from(want.x)).abs() <= x.abs() * 1e-5, "{line}");
        if let Some(last) = last {
            assert_eq!(value["lost"].as_u64(), Some(index - last - 1), "{line}");
        }
        last = Some(index);
        count += 1;
    }
    assert!(count >= 5, "only {count} samples");
}

fn text(output: Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
