//! Clips: every picture, in display order, at its own time; and nothing but a
//! plain error from files that are cut, flipped or something else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gazed::sources::clock::now_ns;
use gazed::sources::{ErrorKind, FrameSource, Next, OpenOptions, SourceError, SourceSpec, open};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use vision::{Frame, PixelFormat};

/// 40 pictures with B-frames, each carrying its number; see assets/README.md.
const CLIP: &[u8] = include_bytes!("assets/bframes.mp4");
const PICTURES: u64 = 40;
const STEP_NS: u64 = 40_000_000;
/// SHA-256 of the 40 pictures as ffmpeg decodes them.
const FFMPEG: &str = "5c49d9b7d48ae77d1bfa32db0e2471d5acadf8e989a28031c3ab2eba9456c28a";

fn fast(looped: bool) -> OpenOptions {
    OpenOptions {
        fast: true,
        looped,
        ..OpenOptions::default()
    }
}

fn at(path: &Path, options: &OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    open(&SourceSpec::Path(path.to_path_buf()), options)
}

/// The number in a picture's upper rows.
fn number(frame: &Frame) -> u64 {
    (0..8)
        .map(|b| u64::from(frame.data[8 * frame.stride + b * 8 + 4] > 128) << b)
        .sum()
}

fn write(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("clip.mp4");
    fs::write(&path, bytes).unwrap();
    path
}

/// Plays a file to its end: the numbers seen, and the error if there was one.
fn play(path: &Path) -> (Vec<u64>, Option<SourceError>) {
    let mut source = match at(path, &fast(false)) {
        Ok(s) => s,
        Err(e) => return (Vec::new(), Some(e)),
    };
    let (mut frame, mut seen) = (Frame::default(), Vec::new());
    loop {
        match source.next(&mut frame, Duration::from_secs(60)) {
            Ok(Next::Frame) => {
                assert!(frame.is_sound());
                assert!(
                    seen.len() < 4 * PICTURES as usize,
                    "more pictures than there are"
                );
                seen.push(number(&frame));
            }
            Ok(Next::Passed) => panic!("all are wanted"),
            Ok(Next::Nothing) => panic!("a fast source has nothing to wait for"),
            Ok(Next::End) => return (seen, None),
            Err(e) => {
                assert_eq!(
                    source.next(&mut frame, Duration::ZERO),
                    Err(e.clone()),
                    "it must stay"
                );
                return (seen, Some(e));
            }
        }
    }
}

fn check_line(e: &SourceError) {
    let line = e.to_string();
    assert!(
        line.contains("clip.mp4: ") && line.contains("; ") && !line.contains('\n'),
        "{line}"
    );
    assert!(!e.is_recoverable());
}

#[test]
fn every_picture_in_display_order_at_its_time_equal_to_ffmpegs() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = at(&write(&folder, CLIP), &fast(false)).unwrap();
    let info = source.describe().clone();
    assert_eq!(
        (info.width, info.height, info.frames, info.live),
        (64, 64, Some(PICTURES), false)
    );
    assert!((info.fps - 25.0).abs() < 1e-9);
    let (mut frame, mut hash, mut first) = (Frame::default(), Sha256::new(), None);
    for i in 0..PICTURES {
        assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::Frame));
        assert_eq!(
            (number(&frame), frame.index, frame.format),
            (i, i, PixelFormat::I420)
        );
        assert_eq!(
            frame.captured_ns - *first.get_or_insert(frame.captured_ns),
            i * STEP_NS
        );
        hash.update(&frame.data);
    }
    assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::End));
    assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::End));
    let hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, FFMPEG);
}

#[test]
fn a_loop_goes_on_without_a_seam() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = at(&write(&folder, CLIP), &fast(true)).unwrap();
    let (mut frame, mut first) = (Frame::default(), None);
    for i in 0..2 * PICTURES + 5 {
        assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::Frame));
        assert_eq!((number(&frame), frame.index), (i % PICTURES, i));
        assert_eq!(
            frame.captured_ns - *first.get_or_insert(frame.captured_ns),
            i * STEP_NS
        );
    }
}

#[test]
fn in_real_time_no_picture_comes_before_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, CLIP);
    let mut source = at(&path, &OpenOptions::default()).unwrap();
    assert!(source.describe().live);
    let mut frame = Frame::default();
    let started = now_ns();
    let (mut frames, mut waits) = (0, 0);
    while frames < 6 {
        match source.next(&mut frame, Duration::from_millis(5)).unwrap() {
            Next::Frame => {
                assert!(frame.captured_ns <= now_ns());
                assert!(now_ns() >= started + frames * STEP_NS);
                frames += 1;
            }
            Next::Nothing => waits += 1,
            Next::Passed | Next::End => panic!("too early"),
        }
    }
    assert!(waits > 0, "40 ms between pictures cannot pass within 5 ms");
}

#[test]
fn a_cut_clip_shows_what_is_whole_and_then_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut kinds = std::collections::HashSet::new();
    for n in (0..CLIP.len()).step_by(13).chain([CLIP.len() - 1]) {
        let (seen, error) = play(&write(&folder, &CLIP[..n]));
        let e = error.unwrap_or_else(|| panic!("{n} of {} bytes passed for whole", CLIP.len()));
        check_line(&e);
        kinds.insert(e.kind());
        assert_eq!(
            seen,
            (0..seen.len() as u64).collect::<Vec<_>>(),
            "cut at {n}"
        );
        assert!(seen.len() < PICTURES as usize);
        if !seen.is_empty() {
            assert_eq!(e.kind(), ErrorKind::Truncated, "cut at {n}: {e}");
        }
    }
    // Under eight bytes nobody can tell what it was.
    assert!(
        kinds.is_subset(&[ErrorKind::Truncated, ErrorKind::Unreadable].into()),
        "{kinds:?}"
    );
    let (seen, _) = play(&write(&folder, &CLIP[..CLIP.len() - 1]));
    assert!(
        seen.len() > 30,
        "only {} pictures of a clip that lacks one byte",
        seen.len()
    );
}

/// `CLIP` with the bytes `from`, which occur `times`, replaced.
fn patched(from: &[u8], to: &[u8], times: usize) -> Vec<u8> {
    let mut bytes = CLIP.to_vec();
    let places: Vec<_> = (0..=bytes.len() - from.len())
        .filter(|&i| &bytes[i..i + from.len()] == from)
        .collect();
    assert_eq!(places.len(), times, "{from:02x?}");
    for p in places {
        bytes[p..p + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn what_cannot_be_decoded_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let upright = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0];
    let quarter = [
        0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0,
    ];
    for (bytes, kind, words) in [
        (
            patched(b"avc1\0", b"hvc1\0", 1),
            ErrorKind::UnsupportedFormat,
            "HEVC",
        ),
        (
            patched(b"avc1\0", b"av01\0", 1),
            ErrorKind::UnsupportedFormat,
            "AV1",
        ),
        (
            patched(b"\0\0\0\0vide\0", b"\0\0\0\0soun\0", 1),
            ErrorKind::UnsupportedFormat,
            "no video",
        ),
        // The matrix stands in the movie's header too, where it does not count.
        (
            patched(&upright, &quarter, 2),
            ErrorKind::UnsupportedFormat,
            "turned",
        ),
        (
            patched(b"moov", b"free", 1),
            ErrorKind::Truncated,
            "not finished",
        ),
        (patched(b"stsz", b"free", 1), ErrorKind::Unreadable, "stz2"),
        (patched(b"avcC", b"free", 1), ErrorKind::Unreadable, "avcC"),
    ] {
        let (seen, e) = play(&write(&folder, &bytes));
        let e = e.unwrap();
        check_line(&e);
        assert!(
            seen.is_empty() && e.kind() == kind && e.to_string().contains(words),
            "{words}: {e}"
        );
    }
}

#[test]
fn an_edit_list_cuts_both_ends() {
    // Box: length, "elst", version and flags, count; then duration in the
    // movie's thousandths and the first composition time in 1/12800 s.
    let folder = tempfile::tempdir().unwrap();
    let entry = 12
        + (0..CLIP.len())
            .find(|&i| CLIP[i..].starts_with(b"elst"))
            .unwrap();
    let field = |i: usize| u32::from_be_bytes(CLIP[i..i + 4].try_into().unwrap());
    assert_eq!(field(entry), 1600);
    let mut bytes = CLIP.to_vec();
    bytes[entry..entry + 4].copy_from_slice(&400u32.to_be_bytes());
    bytes[entry + 4..entry + 8].copy_from_slice(&(field(entry + 4) + 7 * 512).to_be_bytes());
    let (seen, error) = play(&write(&folder, &bytes));
    assert_eq!((seen, error), ((7..17).collect(), None));
}

#[test]
fn a_damaged_picture_stops_the_clip_there() {
    // The second key picture's slice header, wiped: 20 pictures are whole.
    let folder = tempfile::tempdir().unwrap();
    let idr: Vec<_> = (0..CLIP.len() - 1)
        .filter(|&i| CLIP[i] == 0x65 && CLIP[i + 1] == 0x88)
        .collect();
    let mut bytes = CLIP.to_vec();
    let second = *idr.last().unwrap();
    bytes[second + 1..second + 40].fill(0);
    let (seen, e) = play(&write(&folder, &bytes));
    let e = e.unwrap();
    assert_eq!((seen, e.kind()), ((0..20).collect(), ErrorKind::Unreadable));
    assert!(e.to_string().contains("picture 20 at 0.800 s"), "{e}");
}

#[test]
fn other_things_called_mp4() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |bytes: &[u8]| {
        let e = play(&write(&folder, bytes)).1.unwrap();
        check_line(&e);
        e.kind()
    };
    assert_eq!(ask(b""), ErrorKind::Truncated);
    assert_eq!(
        ask(b"dear diary, today I recorded nothing"),
        ErrorKind::Unreadable
    );
    assert_eq!(
        ask(b"\0\0\0\x18ftypisom\0\0\x02\0isomavc1mp41"),
        ErrorKind::Truncated
    );
    // A box that claims no length at all, again and again.
    assert_eq!(ask(&b"\0\0\0\0ftyp".repeat(100_000)), ErrorKind::Truncated);
    assert_eq!(
        ask(&b"\0\0\0\x08free".repeat(100_000)),
        ErrorKind::Truncated
    );
    let e = at(&folder.path().join("none.mp4"), &fast(false))
        .err()
        .unwrap();
    assert_eq!(e.kind(), ErrorKind::NotFound);
    let e = at(Path::new("/dev/zero"), &fast(false)).err().unwrap();
    assert_eq!(e.kind(), ErrorKind::Unreadable);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// No panic, no hang, no picture too many; what is wrong is one line.
    #[test]
    fn flipped_bytes_are_an_error_or_pictures(
        flips in prop::collection::vec((0..CLIP.len(), 1..=255u8), 1..12)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = CLIP.to_vec();
        for (i, x) in flips {
            bytes[i] ^= x;
        }
        if let (_, Some(e)) = play(&write(&folder, &bytes)) {
            prop_assert!(!e.to_string().contains('\n'));
        }
    }

    /// The same in the header alone, where the sizes and counts stand.
    #[test]
    fn a_header_of_extremes(
        flips in prop::collection::vec((32..1600usize, prop::sample::select(vec![0u8, 1, 0x7F, 0x80, 0xFF])), 1..6)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = CLIP.to_vec();
        for (i, x) in flips {
            bytes[i] = x;
        }
        if let (_, Some(e)) = play(&write(&folder, &bytes)) {
            prop_assert!(!e.to_string().contains('\n'));
        }
    }
}
