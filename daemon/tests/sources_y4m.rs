//! YUV4MPEG2 from files, named pipes and standard input; and nothing but a plain error from
//! bytes that are something else.

use std::fs::{self, File, OpenOptions as FileOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gazed::sources::clock::now_ns;
use gazed::sources::{
    ErrorKind, FrameSource, Next, OpenOptions, SourceError, SourceKind, SourceSpec, open,
};
use proptest::prelude::*;
use vision::{Frame, PixelFormat, YuvRange};

/// What hangs is a failure.
const WATCHDOG: Duration = Duration::from_secs(30);

fn fast() -> OpenOptions {
    OpenOptions {
        fast: true,
        ..OpenOptions::default()
    }
}

fn at(path: &Path, options: &OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    open(&SourceSpec::Path(path.to_path_buf()), options)
}

fn file(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("clip.y4m");
    fs::write(&path, bytes).unwrap();
    path
}

/// A stream of `n` pictures of 6×4 whose bytes are all their number.
fn stream(colour: &str, bytes_each: usize, n: u8) -> Vec<u8> {
    let mut out = format!("YUV4MPEG2 W6 H4 F25:1 Ip A1:1 {colour}\n").into_bytes();
    for i in 0..n {
        out.extend_from_slice(b"FRAME\n");
        out.extend(std::iter::repeat_n(i, bytes_each));
    }
    out
}

fn all(path: &Path) -> (Vec<Frame>, Option<SourceError>) {
    let mut source = match at(path, &fast()) {
        Ok(s) => s,
        Err(e) => return (Vec::new(), Some(e)),
    };
    let (mut frame, mut seen) = (Frame::default(), Vec::new());
    loop {
        match source.next(&mut frame, WATCHDOG) {
            Ok(Next::Frame) => {
                assert!(frame.is_sound());
                seen.push(frame.clone());
            }
            Ok(Next::Passed) => panic!("all are wanted"),
            Ok(Next::Nothing) => panic!("a fast source has nothing to wait for"),
            Ok(Next::End) => return (seen, None),
            Err(e) => {
                assert_eq!(source.next(&mut frame, Duration::ZERO), Err(e.clone()));
                return (seen, Some(e));
            }
        }
    }
}

#[test]
fn every_sampling_comes_out_in_its_layout() {
    let folder = tempfile::tempdir().unwrap();
    // 6×4: luma counts up, U and V along their rows.
    let luma: Vec<u8> = (0..24).collect();
    let build = |colour: &str, u: &[u8], v: &[u8]| {
        let mut out =
            format!("YUV4MPEG2 W6 H4 F30000:1001 Ip A0:0 {colour}\nFRAME Ipp\n").into_bytes();
        for plane in [&luma, u, v] {
            out.extend_from_slice(plane);
        }
        out
    };
    let (u6, v6) = ([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]);
    for colour in ["C420jpeg", "C420", "C420mpeg2 XCOLORRANGE=FULL", ""] {
        let (seen, error) = all(&file(&folder, &build(colour, &u6, &v6)));
        assert_eq!((seen.len(), error), (1, None), "{colour}");
        assert_eq!(seen[0].format, PixelFormat::I420);
        assert_eq!(seen[0].data, [&luma[..], &u6, &v6].concat());
        let full = colour.contains("FULL");
        assert_eq!(seen[0].range == YuvRange::Full, full);
    }
    // 4:2:2 is woven into Y U Y V.
    let (u12, v12) = ([10u8; 12].map(|x| x + 90), [200u8; 12]);
    let (seen, _) = all(&file(&folder, &build("C422", &u12, &v12)));
    assert_eq!(seen[0].format, PixelFormat::Yuyv);
    assert_eq!(seen[0].data[..8], [0, 100, 1, 200, 2, 100, 3, 200]);
    assert_eq!(seen[0].data[12..16], [6, 100, 7, 200], "the second row");
    // 4:4:4: the mean of four.
    let u24: Vec<u8> = (0..24)
        .map(|i| if i % 6 < 2 { 40 + 4 * (i / 6) } else { 9 })
        .collect();
    let (seen, _) = all(&file(&folder, &build("C444", &u24, &[77; 24])));
    assert_eq!(seen[0].format, PixelFormat::I420);
    assert_eq!(seen[0].data[24..30], [42, 9, 9, 50, 9, 9]);
    assert_eq!(seen[0].data[30..], [77; 6]);
    // Grey; of video range it is stretched.
    let (seen, _) = all(&file(&folder, &build("Cmono", &[], &[])));
    assert_eq!((seen[0].format, &seen[0].data), (PixelFormat::Gray8, &luma));
    let (seen, _) = all(&file(
        &folder,
        &build("Cmono XCOLORRANGE=LIMITED", &[], &[]),
    ));
    assert_eq!(seen[0].data[15..18], [0, 0, 1]);
}

#[test]
fn odd_sizes_keep_their_last_row_and_column() {
    let folder = tempfile::tempdir().unwrap();
    for (colour, chroma) in [("C420", 2 * 2), ("C422", 2 * 3), ("C444", 3 * 3)] {
        let mut bytes = format!("YUV4MPEG2 W3 H3 F1:1 {colour}\nFRAME\n").into_bytes();
        bytes.extend(1..=9u8);
        bytes.extend(vec![100; chroma]);
        bytes.extend(vec![200; chroma]);
        let (seen, error) = all(&file(&folder, &bytes));
        assert_eq!((seen.len(), error), (1, None), "{colour}");
        match seen[0].format {
            PixelFormat::Yuyv => assert_eq!(seen[0].data[8..16], [4, 100, 5, 200, 6, 100, 6, 200]),
            _ => {
                assert_eq!(seen[0].data[..9], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
                assert_eq!(seen[0].data[9..], [100, 100, 100, 100, 200, 200, 200, 200]);
            }
        }
    }
}

#[test]
fn a_file_is_a_clip_with_times_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, &stream("C420", 36, 5));
    let options = OpenOptions {
        looped: true,
        ..fast()
    };
    let mut source = at(&path, &options).unwrap();
    let info = source.describe().clone();
    assert_eq!(
        (info.kind, info.width, info.height, info.fps, info.live),
        (SourceKind::Clip, 6, 4, 25.0, false)
    );
    let (mut frame, mut first) = (Frame::default(), None);
    for i in 0..13 {
        assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::Frame));
        assert_eq!((frame.data[0], frame.index), ((i % 5) as u8, i));
        let passed = frame.captured_ns - *first.get_or_insert(frame.captured_ns);
        assert_eq!(passed, i * 40_000_000);
    }
}

#[test]
fn what_cannot_be_played_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let good = stream("C420", 36, 2);
    for (bytes, kind, words) in [
        (
            b"YUV4MPEG2 H4 F25:1\n".to_vec(),
            ErrorKind::Unreadable,
            "width",
        ),
        (
            b"YUV4MPEG2 W6 F25:1\n".to_vec(),
            ErrorKind::Unreadable,
            "height",
        ),
        (b"YUV4MPEG2 W6 H4\n".to_vec(), ErrorKind::Unreadable, "rate"),
        (
            b"YUV4MPEG2 W6 W6 H4 F25:1\n".to_vec(),
            ErrorKind::Unreadable,
            "W6",
        ),
        (
            b"YUV4MPEG2 W0 H4 F25:1\n".to_vec(),
            ErrorKind::BadSize,
            "width",
        ),
        (
            b"YUV4MPEG2 W6 H9000 F25:1\n".to_vec(),
            ErrorKind::BadSize,
            "height",
        ),
        (
            b"YUV4MPEG2 W-6 H4 F25:1\n".to_vec(),
            ErrorKind::BadSize,
            "width",
        ),
        (
            b"YUV4MPEG2 W99999999999 H4 F1:1\n".to_vec(),
            ErrorKind::BadSize,
            "width",
        ),
        (
            b"YUV4MPEG2 W6 H4 F25:0\n".to_vec(),
            ErrorKind::Unreadable,
            "25:0",
        ),
        (
            b"YUV4MPEG2 W6 H4 F25\n".to_vec(),
            ErrorKind::Unreadable,
            "25",
        ),
        (
            b"YUV4MPEG2 W6 H4 F25:1 It\n".to_vec(),
            ErrorKind::UnsupportedFormat,
            "interlaced",
        ),
        (
            b"YUV4MPEG2 W6 H4 F25:1 C420p10\n".to_vec(),
            ErrorKind::UnsupportedFormat,
            "420p10",
        ),
        (
            b"YUV4MPEG2 W6 H4 F25:1 Z1\n".to_vec(),
            ErrorKind::Unreadable,
            "Z1",
        ),
        (
            b"YUV4MPEG2 W6 H4 F25:1 A1\n".to_vec(),
            ErrorKind::Unreadable,
            "A1",
        ),
        (
            b"YUV4MPEG2 W6 H4 F25:1".to_vec(),
            ErrorKind::Truncated,
            "header",
        ),
        (
            b"YUV4MPEG2 W6 H4 F25:1\n".to_vec(),
            ErrorKind::Truncated,
            "no picture",
        ),
        (
            [b"YUV4MPEG2 ".to_vec(), vec![b'X'; 5000]].concat(),
            ErrorKind::Unreadable,
            "no YUV4MPEG2",
        ),
        (
            good[..good.len() - 1].to_vec(),
            ErrorKind::Truncated,
            "within picture 1",
        ),
        (
            [&good[..], b"FRIME\n"].concat(),
            ErrorKind::Unreadable,
            "begin",
        ),
        (
            [&good[..], b"FRAMEX\n"].concat(),
            ErrorKind::Unreadable,
            "unknown word",
        ),
        (
            [&good[..], b"FR"].concat(),
            ErrorKind::Truncated,
            "within picture 2",
        ),
    ] {
        let (_, error) = all(&file(&folder, &bytes));
        let e = error.unwrap_or_else(|| panic!("{words} passed"));
        let line = e.to_string();
        assert!(e.kind() == kind && line.contains(words), "{words}: {line}");
        assert!(line.contains("clip.y4m: ") && line.contains("; ") && !line.contains('\n'));
        assert!(!e.is_recoverable());
    }
}

fn fifo(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("camera");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path
}

/// The next frame, whatever it takes.
fn frame_of(source: &mut dyn FrameSource) -> Result<Frame, SourceError> {
    let (mut frame, until) = (Frame::default(), Instant::now() + WATCHDOG);
    loop {
        match source.next(&mut frame, Duration::from_millis(20))? {
            Next::Frame => return Ok(frame),
            Next::Nothing => assert!(Instant::now() < until, "nothing came"),
            Next::Passed | Next::End => panic!("a named pipe has no end"),
        }
    }
}

#[test]
fn a_named_pipe_waits_for_a_writer_and_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = fifo(&folder);
    let mut source = at(&path, &OpenOptions::default()).unwrap();
    assert_eq!(source.describe().kind, SourceKind::Pipe);
    let asked = Instant::now();
    let mut frame = Frame::default();
    let nothing = source.next(&mut frame, Duration::from_millis(60));
    assert_eq!(nothing, Ok(Next::Nothing));
    assert!(asked.elapsed() >= Duration::from_millis(60));

    let one = stream("C420", 36, 1);
    let mut writer = FileOptions::new().write(true).open(&path).unwrap();
    // A picture comes in pieces: it is given when it is whole, as old as its first byte.
    writer.write_all(&one[..one.len() - 20]).unwrap();
    let nothing = source.next(&mut frame, Duration::from_millis(30));
    assert_eq!(nothing, Ok(Next::Nothing));
    let begun_before = now_ns();
    writer.write_all(&one[one.len() - 20..]).unwrap();
    let got = frame_of(source.as_mut()).unwrap();
    assert!(got.captured_ns < begun_before);
    let info = source.describe();
    assert_eq!((info.width, info.height, info.fps), (6, 4, 25.0));

    // The writer goes: like a camera that is lost, and opened again.
    drop(writer);
    let lost = frame_of(source.as_mut()).unwrap_err();
    assert!(
        lost.is_recoverable() && lost.kind() == ErrorKind::DeviceLost,
        "{lost}"
    );
    drop(source);
    let mut source = at(&path, &OpenOptions::default()).unwrap();
    let mut writer = FileOptions::new().write(true).open(&path).unwrap();
    writer.write_all(&stream("Cmono", 24, 1)).unwrap();
    assert_eq!(
        frame_of(source.as_mut()).unwrap().format,
        PixelFormat::Gray8
    );

    // Within a picture it is lost as well.
    writer.write_all(b"FRAME\n123").unwrap();
    drop(writer);
    let lost = frame_of(source.as_mut()).unwrap_err();
    assert!(
        lost.is_recoverable() && lost.to_string().contains("within a picture"),
        "{lost}"
    );
}

#[test]
fn of_pictures_that_wait_in_a_pipe_the_newest_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = fifo(&folder);
    let mut source = at(&path, &OpenOptions::default()).unwrap();
    let mut writer = FileOptions::new().write(true).open(&path).unwrap();
    let mut bytes = stream("C420", 36, 9);
    // And the beginning of another, which must hold nothing up.
    bytes.extend_from_slice(b"FRAME\n12345");
    writer.write_all(&bytes).unwrap();
    let got = frame_of(source.as_mut()).unwrap();
    assert_eq!((got.data[0], got.index), (8, 8));
    assert_eq!(source.losses().dropped, 8);
    // `fast` loses none.
    writer.write_all(&[7; 31]).unwrap();
    drop(source);
    let mut source = at(&path, &fast()).unwrap();
    let more = stream("C420", 36, 3);
    let header = more.iter().position(|b| *b == b'\n').unwrap() + 1;
    writer.write_all(&more[header..]).unwrap();
    for wanted in [b'1', 0, 1, 2] {
        assert_eq!(frame_of(source.as_mut()).unwrap().data[0], wanted);
    }
}

#[test]
fn a_source_that_is_closed_for_a_while_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = fifo(&folder);
    let mut source = at(&path, &OpenOptions::default()).unwrap();
    let mut writer = FileOptions::new().write(true).open(&path).unwrap();
    let bytes = stream("C420", 36, 2);
    let middle = bytes.len() - 20;
    writer.write_all(&bytes[..middle]).unwrap();
    assert_eq!(frame_of(source.as_mut()).unwrap().data[0], 0);
    drop(source); // a pause
    writer.write_all(&bytes[middle..]).unwrap();
    let mut source = at(&path, &OpenOptions::default()).unwrap();
    assert_eq!(frame_of(source.as_mut()).unwrap().data[0], 1);
}

#[test]
fn garbage_in_a_pipe_is_an_error_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = fifo(&folder);
    let mut source = at(&path, &OpenOptions::default()).unwrap();
    let mut writer = FileOptions::new().write(true).open(&path).unwrap();
    writer.write_all(b"GIF89a and so on").unwrap();
    let e = frame_of(source.as_mut()).unwrap_err();
    assert!(
        !e.is_recoverable() && e.to_string().contains("YUV4MPEG2"),
        "{e}"
    );
    assert_eq!(frame_of(source.as_mut()).unwrap_err(), e);
}

/// Runs the daemon on this standard input to its end.
fn daemon(stdin: Stdio) -> (Option<i32>, String) {
    let shm = format!("/gaze-y4m-{}", std::process::id());
    let mut child = Command::new(env!("CARGO_BIN_EXE_gazed"))
        .args(["run", "--source", "-"])
        .env("GAZE_SHM", &shm)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + WATCHDOG;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("gazed did not end with its input");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), errors)
}

#[test]
fn the_daemon_takes_standard_input_and_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    // A picture that networks can be shown.
    let mut bytes = b"YUV4MPEG2 W64 H64 F10:1 Cmono\n".to_vec();
    for i in 0..3u8 {
        bytes.extend_from_slice(b"FRAME\n");
        bytes.extend((0..64 * 64).map(|k| (k % 251) as u8 ^ i));
    }
    let path = file(&folder, &bytes);
    // A file: paced like a clip, every picture.
    let (code, errors) = daemon(File::open(&path).unwrap().into());
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("after 3 frames"), "{errors}");
    // A pipe: live.
    let mut cat = Command::new("cat")
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (code, errors) = daemon(cat.stdout.take().unwrap().into());
    cat.wait().unwrap();
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        errors.contains("ended after") && errors.contains("standard input"),
        "{errors}"
    );
    // Garbage: one line, exit code 7.
    fs::write(&path, b"what is this").unwrap();
    let (code, errors) = daemon(File::open(&path).unwrap().into());
    assert_eq!((code, errors.lines().count()), (Some(7), 1), "{errors}");
}

#[test]
fn a_picture_a_century_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = stream("C420", 36, 7);
    let text = b"F25:1";
    let place = bytes.windows(text.len()).position(|w| w == text).unwrap();
    for rate in ["F1:4294967295", "F42949:4294967295"] {
        let mut slow = bytes.clone();
        slow.splice(place..place + text.len(), rate.bytes());
        let path = file(&folder, &slow);
        assert_eq!(all(&path).0.len(), 7, "{rate}");
        for looped in [false, true] {
            let options = OpenOptions {
                looped,
                ..OpenOptions::default()
            };
            let (mut source, mut frame) = (at(&path, &options).unwrap(), Frame::default());
            assert_eq!(source.next(&mut frame, WATCHDOG), Ok(Next::Frame));
            assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::Nothing));
            // And as fast as they are asked for, more than once round.
            let options = OpenOptions {
                fast: true,
                ..options
            };
            let mut source = at(&path, &options).unwrap();
            for _ in 0..if looped { 20 } else { 7 } {
                assert_eq!(source.next(&mut frame, WATCHDOG), Ok(Next::Frame));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Frames or one line, whatever the bytes; never more pixels than there were bytes.
    #[test]
    fn any_bytes_give_frames_or_an_error(
        header in "( W[0-9]{1,5}| H[0-9]{1,5}| F[0-9]{1,10}:[0-9]{1,10}| C(420|422|444|mono|x)| [A-Z][ -~]{0,3}){0,6}",
        tail in prop::collection::vec(any::<u8>(), 0..200),
        cut in 0..400usize,
        flips in prop::collection::vec((0..400usize, 1..=255u8), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = format!("YUV4MPEG2{header}\nFRAME\n").into_bytes();
        bytes.extend(tail);
        bytes.extend(stream("C420", 36, 3));
        for (i, x) in flips {
            let n = bytes.len();
            bytes[i % n] ^= x;
        }
        bytes.truncate(bytes.len().saturating_sub(cut).max(1));
        let length = bytes.len();
        let (seen, error) = all(&file(&folder, &bytes));
        prop_assert!(seen.iter().map(|f| (f.width * f.height) as usize).sum::<usize>() <= length);
        if let Some(e) = error {
            prop_assert!(!e.to_string().contains('\n'));
        }
    }

    /// However the bytes are cut into pieces, the same pictures come through a pipe.
    #[test]
    fn pieces_make_no_difference(cuts in prop::collection::vec(1..60usize, 1..8)) {
        let folder = tempfile::tempdir().unwrap();
        let path = fifo(&folder);
        let mut source = at(&path, &fast()).unwrap();
        let mut writer = FileOptions::new().write(true).open(&path).unwrap();
        let bytes = stream("C420", 36, 4);
        let (mut rest, mut k, mut seen) = (&bytes[..], 0, Vec::new());
        let mut frame = Frame::default();
        while seen.len() < 4 {
            let n = cuts[k % cuts.len()].min(rest.len());
            writer.write_all(&rest[..n]).unwrap();
            rest = &rest[n..];
            k += 1;
            while source.next(&mut frame, Duration::ZERO).unwrap() == Next::Frame {
                seen.push(frame.data[0]);
            }
        }
        prop_assert_eq!(seen, vec![0, 1, 2, 3]);
    }
}
