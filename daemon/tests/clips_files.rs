//! Clips as they lie on the disk: every one is decoded again, its pictures and times are those
//! that were fed, whatever happened to the writer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clips::choice::{Encoders, encoders, open_h264};
use clips::encode::{Coded, EncodeError, Encoder, OpenH264, Parameters};
use clips::folder::{INDEX, Line};
use clips::{FragmentedMp4, Limits, Recorder, Rules, Seen, Settings, Status, Yuv};
use gazed::sources::{Next, OpenOptions, SourceSpec, open};
use vision::{Frame, PixelFormat};

const MS: u64 = 1_000_000;
const S: u64 = 1000 * MS;
/// 2026-11-21T16:48:49Z.
const UNIX: u64 = 1_795_279_729 * S;

const RULES: Rules = Rules {
    hold_ns: 500 * MS,
    pre_ns: 2 * S,
    post_ns: S,
    longest_ns: 10 * S,
    debounce_ns: S,
};

fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_owned(),
        rules: RULES,
        limits: Limits {
            clips: 100,
            bytes: 1 << 30,
            keep_ns: 30 * 86_400 * S,
        },
        fps: 30.0,
        longest_side: 1280,
        preroll_bytes: 40 << 20,
    }
}

/// A picture that carries its number in ten blocks, and something that moves.
fn picture(frame: &mut Frame, number: u64, at_ns: u64) {
    let (w, h) = (160usize, 96usize);
    frame.reset(w as u32, h as u32, PixelFormat::Gray8);
    (frame.captured_ns, frame.index) = (at_ns, number);
    for y in 0..h {
        for x in 0..w {
            let moving = 96 + ((x + y + 3 * number as usize) % 64) as u8;
            let bit = if number >> (x / 16) & 1 == 1 { 235 } else { 20 };
            frame.data[y * w + x] = if y < 32 { bit } else { moving };
        }
    }
}

fn number(frame: &Frame) -> u64 {
    let bit = |b: usize| u64::from(frame.data[16 * frame.stride + b * 16 + 8] > 128);
    (0..10).map(|b| bit(b) << b).sum()
}

/// When picture `n` is taken: a rate that changes, and every seventh comes late.
fn at(n: u64) -> u64 {
    10 * S + n * 33_333_333 + if n % 7 == 6 { 11_111_111 } else { 0 } + n / 40 * 123_456_789
}

fn looks(since_ns: u64) -> [Seen; 1] {
    [face(3, true, since_ns)]
}

fn face(id: u32, contact: bool, since_ns: u64) -> Seen {
    Seen {
        id,
        contact,
        since_ns,
        probability: 0.8,
    }
}

/// What a file shows: each picture's number and time from the first one, and how it ended.
fn decode(path: &Path) -> (Vec<(u64, u64)>, Result<(), String>) {
    let fast = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = match open(&SourceSpec::Path(path.to_owned()), &fast) {
        Ok(source) => source,
        Err(e) => return (Vec::new(), Err(e.to_string())),
    };
    let (mut frame, mut seen, mut first) = (Frame::default(), Vec::new(), None);
    loop {
        match source.next(&mut frame, Duration::from_secs(60)) {
            Ok(Next::Frame) => {
                let first = *first.get_or_insert(frame.captured_ns);
                seen.push((number(&frame), frame.captured_ns - first));
            }
            Ok(Next::End) => return (seen, Ok(())),
            Ok(Next::Passed) => panic!("all are wanted"),
            Ok(Next::Nothing) => panic!("a fast source waits for nothing"),
            Err(e) => return (seen, Err(e.to_string())),
        }
    }
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut all: Vec<_> = all
        .filter(|p| p.to_string_lossy().ends_with(ending))
        .collect();
    all.sort();
    all
}

fn line_of(mp4: &Path) -> Line {
    serde_json::from_str(&fs::read_to_string(mp4.with_extension("json")).unwrap()).unwrap()
}

/// Feeds pictures `range`; faces as `faces` says of each.
fn feed(recorder: &mut Recorder, range: std::ops::Range<u64>, faces: impl Fn(u64) -> Vec<Seen>) {
    let mut frame = Frame::default();
    for n in range {
        picture(&mut frame, n, at(n));
        recorder.picture(&frame, &faces(n), UNIX + at(n));
    }
}

#[test]
fn a_clip_shows_every_picture_at_its_own_time_from_before_the_contact_to_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("clips");
    let mut recorder = Recorder::new(settings(&folder), encoders(), UNIX).unwrap();
    // Contact from picture 150 to 250 of 400.
    let contact = at(150);
    let faces = |n: u64| match n {
        150..250 => looks(contact).to_vec(),
        _ => vec![face(3, false, 0)],
    };
    let held = (150..).find(|&n| at(n) - contact >= RULES.hold_ns).unwrap();
    feed(&mut recorder, 0..held, faces);
    assert_eq!(
        files(&folder, ".mp4"),
        [] as [PathBuf; 0],
        "the contact must hold"
    );
    assert_eq!(recorder.status(), Status::Watching);
    feed(&mut recorder, held..400, faces);
    assert_eq!(recorder.status(), Status::Watching, "the post-roll is over");
    assert_eq!(
        recorder.note(),
        None,
        "the system's own encoder has done it"
    );
    let all = files(&folder, ".mp4");
    assert_eq!(all.len(), 1);

    let (seen, end) = decode(&all[0]);
    assert_eq!(end, Ok(()));
    let (first, last) = (seen[0].0, seen[seen.len() - 1].0);
    // From a key picture at or before two seconds ahead of the contact, a second of those at
    // most; to a second after the last look.
    assert!(at(first) <= contact - RULES.pre_ns, "{first}");
    assert!(at(first) + 1100 * MS >= contact - RULES.pre_ns, "{first}");
    assert!(at(last + 1) >= at(249) + RULES.post_ns && at(last) < at(249) + RULES.post_ns);
    assert_eq!(seen.len() as u64, last - first + 1, "none is missing");
    for (i, &(n, t)) in seen.iter().enumerate() {
        assert_eq!(n, first + i as u64);
        let fed = at(n) - at(first);
        assert!(t.abs_diff(fed) <= 6_000, "picture {n}: {t} for {fed}");
    }

    let line = line_of(&all[0]);
    assert!(line.complete && line.face == 3 && line.faces == [3] && line.peak == Some(0.8));
    assert_eq!(line.pictures, Some(seen.len() as u64));
    assert_eq!(line.bytes, Some(fs::metadata(&all[0]).unwrap().len()));
    assert_eq!(line.ended.as_deref(), Some("contact over"));
    assert_eq!(line.contact, clips::time::iso(UNIX + contact));
    let name = all[0].file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(
        name,
        format!("{}_face-3.mp4", clips::time::in_names(UNIX + at(first)))
    );
    let index = fs::read_to_string(folder.join(INDEX)).unwrap();
    assert_eq!(serde_json::from_str::<Line>(index.trim()).unwrap(), line);
    // Nothing of others' business, and nothing half-written.
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(
        fs::metadata(&all[0]).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
}

#[test]
fn the_pre_roll_reaches_over_the_hold_wherever_key_pictures_fall() {
    for begin in (150..180).step_by(5) {
        let dir = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(settings(dir.path()), open_h264(), UNIX).unwrap();
        let contact = at(begin);
        feed(&mut recorder, begin - 110..begin + 30, |n| match n {
            n if n >= begin => looks(contact).to_vec(),
            _ => vec![face(3, false, 0)],
        });
        recorder.finish();
        let first = decode(&files(dir.path(), ".mp4")[0]).0[0].0;
        // Key pictures are a second and a picture apart, and here pictures may be 0.17 s.
        let early = contact - RULES.pre_ns;
        assert!(at(first) <= early, "{begin}: {first}");
        assert!(at(first) + 1200 * MS > early, "{begin}: {first}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_plays_up_to_its_last_whole_picture() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(settings(dir.path()), open_h264(), UNIX).unwrap();
    feed(&mut recorder, 0..120, |_| looks(at(0)).to_vec());
    recorder.finish();
    let whole = fs::read(&files(dir.path(), ".mp4")[0]).unwrap();
    let (all, _) = decode(&files(dir.path(), ".mp4")[0]);
    assert_eq!(all.len(), 120);
    let cut = dir.path().join("cut.mp4");
    let mut shown = Vec::new();
    for k in 1..40 {
        fs::write(&cut, &whole[..whole.len() * k / 40]).unwrap();
        let (seen, end) = decode(&cut);
        assert_eq!(end.is_err(), seen.is_empty(), "{k}: {end:?}");
        assert_eq!(seen, all[..seen.len()], "{k}");
        shown.push(seen.len());
    }
    assert!(
        shown.is_sorted() && shown[2] > 0 && shown[38] > 110,
        "{shown:?}"
    );
}

#[test]
fn what_can_be_seen_plays_at_every_moment_of_the_recording() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(settings(dir.path()), encoders(), UNIX).unwrap();
    let mut longest = 0;
    for step in 0..8 {
        feed(&mut recorder, 15 * step..15 * (step + 1), |_| {
            looks(at(0)).to_vec()
        });
        for mp4 in files(dir.path(), ".mp4") {
            // As if it had been killed now: a copy, without a last word.
            let copy = dir.path().join("copy.bin");
            fs::copy(&mp4, &copy).unwrap();
            let (seen, end) = decode(&copy);
            assert_eq!((end, seen[0].0), (Ok(()), 0));
            assert!(!line_of(&mp4).complete);
            assert!(seen.len() >= longest);
            longest = seen.len();
            // Half a second and a picture are all that can be lost.
            assert!(at(seen.len() as u64) + 700 * MS > at(15 * (step + 1) - 1));
        }
    }
    assert!(longest > 90);
    std::mem::forget(recorder);
    // The next start takes the clip in as it is, and sweeps what is hidden.
    fs::write(
        dir.path().join(".2026-11-21_16-48-49.000Z_face-1.mp4.part"),
        b"x",
    )
    .unwrap();
    let next = Recorder::new(settings(dir.path()), open_h264(), UNIX + 60 * S).unwrap();
    assert_eq!(next.on_disk().0, 1);
    assert_eq!(files(dir.path(), ".part"), [] as [PathBuf; 0]);
    let index = fs::read_to_string(dir.path().join(INDEX)).unwrap();
    assert!(!serde_json::from_str::<Line>(index.trim()).unwrap().complete);
}

/// Contact for two seconds, every ten seconds; clip after clip.
fn many_clips(recorder: &mut Recorder, clips: u64) {
    let mut frame = Frame::default();
    for c in 0..clips {
        for n in 0..60 {
            let t = 100 * S + c * 10 * S + n * 100 * MS;
            picture(&mut frame, n, t);
            let contact = n < 20;
            let since = 100 * S + c * 10 * S;
            recorder.picture(&frame, &[face(c as u32 + 1, contact, since)], UNIX + t);
        }
    }
}

#[test]
fn limits_hold_the_oldest_go_first_and_nothing_else_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    fs::write(folder.join("holiday.mp4"), b"mine").unwrap();
    fs::write(
        folder.join("2026-01-01_00-00-00.000Z_face-x.mp4"),
        b"mine too",
    )
    .unwrap();
    let mut set = settings(folder);
    set.limits.clips = 3;
    let mut recorder = Recorder::new(set.clone(), open_h264(), UNIX).unwrap();
    many_clips(&mut recorder, 5);
    let ours = |ending: &str| -> Vec<String> {
        let all = files(folder, ending).into_iter();
        let names = all.map(|p| p.file_name().unwrap().to_string_lossy().into_owned());
        names.filter(|n| n.starts_with("2026-11")).collect()
    };
    let faces = |names: &[String]| -> Vec<String> {
        let stem = |n: &String| {
            n.split("face-")
                .nth(1)
                .unwrap()
                .split('.')
                .next()
                .unwrap()
                .to_owned()
        };
        names.iter().map(stem).collect()
    };
    assert_eq!(faces(&ours(".mp4")), ["3", "4", "5"]);
    assert_eq!(faces(&ours(".json")), ["3", "4", "5"]);
    let index = fs::read_to_string(folder.join(INDEX)).unwrap();
    assert_eq!(index.lines().count(), 3);
    assert_eq!(recorder.on_disk().0, 3);

    // By bytes: room for two and a half.
    let sizes: Vec<u64> = files(folder, ".mp4")
        .iter()
        .map(|p| fs::metadata(p).unwrap().len())
        .collect();
    let one = *sizes.iter().max().unwrap();
    set.limits.clips = 100;
    // A clip counts with the second that it may still grow by.
    set.limits.bytes = 5 * one / 2 + 200_000 / 8;
    drop(recorder);
    let mut recorder = Recorder::new(set.clone(), open_h264(), UNIX + 200 * S).unwrap();
    many_clips(&mut recorder, 9);
    let total: u64 = ours(".mp4")
        .iter()
        .map(|n| fs::metadata(folder.join(n)).unwrap().len())
        .sum();
    assert!(
        total <= set.limits.bytes && total > one,
        "{total} of {}",
        set.limits.bytes
    );
    assert_eq!(faces(&ours(".mp4")), ["8", "9"]);

    // By age: one is a day and 5 s old, the other 5 s less than a day.
    set.limits.keep_ns = 86_400 * S;
    let later = UNIX + 86_400 * S + 175 * S;
    drop(recorder);
    let mut recorder = Recorder::new(set, open_h264(), later).unwrap();
    assert_eq!(faces(&ours(".mp4")), ["9"]);
    assert_eq!(recorder.on_disk().0, 1);
    // Also while nobody looks, and without another start.
    recorder.quiet(0, later + 86_400 * S);
    assert_eq!(ours(""), [] as [String; 0]);
    assert_eq!(fs::read(folder.join("holiday.mp4")).unwrap(), b"mine");
    assert_eq!(files(folder, "face-x.mp4").len(), 1);
}

#[test]
fn a_clip_that_alone_is_too_much_ends_and_plays() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = settings(dir.path());
    set.rules.longest_ns = 1000 * S;
    set.limits.bytes = 60_000;
    let mut recorder = Recorder::new(set, open_h264(), UNIX).unwrap();
    feed(&mut recorder, 0..600, |_| looks(at(0)).to_vec());
    let all = files(dir.path(), ".mp4");
    assert_eq!(all.len(), 1);
    let line = line_of(&all[0]);
    assert_eq!(
        (line.ended.as_deref(), line.complete),
        (Some("no room"), true)
    );
    assert!(fs::metadata(&all[0]).unwrap().len() <= 60_000);
    assert_eq!(decode(&all[0]).0.len() as u64, line.pictures.unwrap());
    assert_eq!(recorder.status(), Status::Watching);
}

#[test]
fn a_folder_that_goes_stops_recording_with_a_reason_and_is_not_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("disk/clips");
    let mut recorder = Recorder::new(settings(&folder), open_h264(), UNIX).unwrap();
    feed(&mut recorder, 0..60, |_| looks(at(0)).to_vec());
    assert!(matches!(
        recorder.status(),
        Status::Recording { face: 3, .. }
    ));
    fs::remove_dir_all(dir.path().join("disk")).unwrap();
    feed(&mut recorder, 60..120, |_| looks(at(0)).to_vec());
    let Status::Stopped(why) = recorder.status() else {
        panic!("{:?}", recorder.status())
    };
    assert!(
        why.ends_with("is gone; make it again, then restart gazed or send it HUP"),
        "{why}"
    );
    assert!(!dir.path().join("disk").exists());
    assert_eq!(recorder.in_memory(), 0);
    // Another folder under the same name is not it either: a disk that was unplugged.
    fs::create_dir_all(&folder).unwrap();
    feed(&mut recorder, 120..200, |_| looks(at(0)).to_vec());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    let no_folder = Recorder::new(settings(Path::new("/dev/null/x")), open_h264(), UNIX);
    let line = no_folder.err().unwrap().to_string();
    assert!(
        line.starts_with("clips folder /dev/null/x: ") && !line.contains('\n'),
        "{line}"
    );
}

/// Gives up at its 70th picture.
struct Failing(OpenH264, u32);

impl Encoder for Failing {
    fn encode(&mut self, picture: &Yuv, at_ns: u64, key: bool) -> Result<Coded, EncodeError> {
        self.1 += 1;
        if self.1 == 70 {
            return Err(EncodeError::Refused("no more".into()));
        }
        self.0.encode(picture, at_ns, key)
    }

    fn parameters(&self) -> Option<&Parameters> {
        self.0.parameters()
    }
}

/// One that fails at its 70th picture.
fn failing() -> Encoders {
    let make = |fps, bits| Ok(Box::new(Failing(OpenH264::new(fps, bits)?, 0)) as Box<dyn Encoder>);
    vec![("Failing", Box::new(make))]
}

#[test]
fn an_encoder_that_fails_stops_recording_and_what_was_written_plays() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(settings(dir.path()), failing(), UNIX).unwrap();
    feed(&mut recorder, 0..100, |_| looks(at(0)).to_vec());
    let why = "clips: the H.264 encoder failed: no more; restart gazed or send it HUP";
    assert_eq!(recorder.status(), Status::Stopped(why.into()));
    let (seen, end) = decode(&files(dir.path(), ".mp4")[0]);
    assert!(end == Ok(()) && seen.len() > 45, "{}", seen.len());
}

#[test]
fn where_an_encoder_fails_the_next_one_goes_on_in_a_clip_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let never = |_, _| Err(EncodeError::Refused("not on this machine".into()));
    let mut all: Encoders = vec![("Absent", Box::new(never))];
    all.extend(failing());
    all.extend(open_h264());
    let mut recorder = Recorder::new(settings(dir.path()), all, UNIX).unwrap();
    // The first is not there from the start.
    feed(&mut recorder, 0..60, |_| looks(at(0)).to_vec());
    assert!(matches!(recorder.status(), Status::Recording { .. }));
    let why = "Failing in place of Absent: the H.264 encoder failed: not on this machine";
    assert_eq!(recorder.note(), Some(why));
    // The second fails in the middle of a clip, which is whole up to there.
    feed(&mut recorder, 60..120, |_| looks(at(0)).to_vec());
    let first = files(dir.path(), ".mp4")[0].clone();
    let line = line_of(&first);
    assert_eq!(line.ended.as_deref(), Some("another encoder"));
    assert!(line.complete);
    let numbers = |path: &Path| -> Vec<u64> {
        let (seen, end) = decode(path);
        assert_eq!(end, Ok(()));
        seen.iter().map(|s| s.0).collect()
    };
    assert_eq!(numbers(&first), (0..69).collect::<Vec<_>>());
    // The third has it from that picture on: another contact is another clip.
    assert_eq!(recorder.status(), Status::Watching);
    let why = "OpenH264 in place of Failing: the H.264 encoder failed: no more";
    assert_eq!(recorder.note(), Some(why));
    feed(&mut recorder, 120..180, |_| looks(at(120)).to_vec());
    recorder.finish();
    let all = files(dir.path(), ".mp4");
    assert_eq!(all.len(), 2);
    assert_eq!(numbers(&all[1]), (69..180).collect::<Vec<_>>());
}

#[test]
fn another_size_begins_anew_and_silence_ends_a_clip() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(settings(dir.path()), open_h264(), UNIX).unwrap();
    feed(&mut recorder, 0..60, |_| looks(at(0)).to_vec());
    let mut large = Frame::default();
    large.reset(320, 240, PixelFormat::Rgb8);
    large.captured_ns = at(60);
    recorder.picture(&large, &looks(at(0)), UNIX + at(60));
    let all = files(dir.path(), ".mp4");
    assert_eq!(
        line_of(&all[0]).ended.as_deref(),
        Some("picture size changed")
    );
    assert_eq!(decode(&all[0]).0.len(), 60);
    // A new contact after the debounce; then the camera stops.
    let again = at(60) + 2 * S;
    for n in 0..40 {
        large.captured_ns = again + n * 33 * MS;
        recorder.picture(&large, &looks(again), UNIX + large.captured_ns);
    }
    assert!(matches!(recorder.status(), Status::Recording { .. }));
    recorder.quiet(large.captured_ns + S, UNIX);
    assert!(matches!(recorder.status(), Status::Recording { .. }));
    recorder.quiet(large.captured_ns + 2 * S, UNIX);
    assert_eq!(
        (recorder.status(), recorder.in_memory()),
        (Status::Watching, 0)
    );
    assert_eq!(
        line_of(&files(dir.path(), ".mp4")[1]).ended.as_deref(),
        Some("no pictures")
    );
}

#[test]
fn nothing_is_written_without_a_contact() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(settings(dir.path()), open_h264(), UNIX).unwrap();
    feed(&mut recorder, 0..300, |n| {
        vec![face(1, n % 20 < 10, at(n / 20 * 20)), face(2, false, 0)]
    });
    recorder.finish();
    assert_eq!(files(dir.path(), ".mp4"), [] as [PathBuf; 0]);
    // The memory reaches over pre-roll, hold and one group of pictures, no further.
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "the empty index"
    );
}

#[test]
fn times_that_stand_still_or_go_back_cannot_break_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("odd.mp4");
    let mut encoder = OpenH264::new(30.0, 300_000).unwrap();
    let (mut frame, mut yuv) = (Frame::default(), Yuv::default());
    let mut mux = None;
    let times = [0, 33, 33, 20, 66, 4_000, 4_001].map(|ms| S + ms * MS);
    for (n, &t) in times.iter().enumerate() {
        picture(&mut frame, n as u64, t);
        assert!(yuv.take(&frame, 1280));
        let coded = encoder.encode(&yuv, t, n == 4).unwrap();
        let mux = mux.get_or_insert_with(|| {
            let file = fs::File::create(&path).unwrap();
            FragmentedMp4::begin(file, encoder.parameters().unwrap()).unwrap()
        });
        mux.add(coded).unwrap();
    }
    let (_, done) = mux.unwrap().finish().unwrap();
    assert_eq!(
        (done.pictures, done.bytes),
        (7, fs::metadata(&path).unwrap().len())
    );
    let (seen, end) = decode(&path);
    let numbers: Vec<u64> = seen.iter().map(|s| s.0).collect();
    assert_eq!((end, &numbers[..]), (Ok(()), &[0, 1, 2, 3, 4, 5, 6][..]));
    assert!(seen.is_sorted_by(|a, b| a.1 < b.1));
    assert_eq!(seen[5].1, 4 * S);
}
