//! The daemon stores labelled pictures for a client: what is in the folder afterwards,
//! whatever happened meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use gaze::dataset::protocol::{
    Answer, Begin, Done, Failed, Ready, Request, Stored, Target, Trouble, line,
};
use gaze::dataset::{self, Labelled, Prompt};
use gaze::screen::Screen;
use gaze_tests::daemon::{Running, WATCHDOG, runtime_folder};
use gazed::sources::{self, Next, OpenOptions, SourceSpec};
use ring::clock;
use ring::layout::Sample;
use rustix::process::Signal;
use vision::{Frame, PixelFormat};

/// A program that records.
struct Client {
    stream: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Client {
    fn of(daemon: &Running) -> Client {
        let path = runtime_folder().join(format!("gaze/{}.record", &daemon.shm[1..]));
        let stream = UnixStream::connect(path).expect("the daemon's socket is there");
        stream.set_read_timeout(Some(WATCHDOG)).unwrap();
        let answers = BufReader::new(stream.try_clone().unwrap());
        Client { stream, answers }
    }

    fn say(&mut self, request: &Request) {
        self.stream.write_all(&line(request)).expect("it listens");
    }

    fn hear(&mut self) -> Answer {
        let mut text = String::new();
        self.answers
            .read_line(&mut text)
            .expect("an answer in time");
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text:?}"))
    }

    fn begin(&mut self, folder: &Path) -> Ready {
        self.say(&Request::Record(begin(folder)));
        match self.hear() {
            Answer::Ready(ready) => ready,
            other => panic!("{other:?}"),
        }
    }

    fn target(&mut self, frames: u32, every_ms: u32, seconds: f64) -> Target {
        let now = clock::now_ns();
        let target = Target {
            place: 7,
            x_px: 300.25,
            y_px: 200.5,
            from_ns: now,
            until_ns: now + (seconds * 1e9) as u64,
            frames,
            every_ms,
            prompt: Prompt::Left,
        };
        self.say(&Request::Target(target));
        target
    }

    fn stored(&mut self) -> Stored {
        match self.hear() {
            Answer::Stored(stored) => stored,
            other => panic!("{other:?}"),
        }
    }

    fn until_done(&mut self) -> (Vec<Stored>, Done) {
        let mut all = Vec::new();
        loop {
            match self.hear() {
                Answer::Stored(stored) => all.push(stored),
                Answer::Done(done) => return (all, done),
                other => panic!("{other:?}"),
            }
        }
    }

    fn until_failed(&mut self) -> Failed {
        loop {
            match self.hear() {
                Answer::Failed(failed) => {
                    assert!(!failed.why.contains('\n'), "{failed:?}");
                    return failed;
                }
                Answer::Stored(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn begin(folder: &Path) -> Begin {
    Begin {
        folder: folder.to_owned(),
        consent: true,
        screen: Screen::laptop(1512, 982),
    }
}

fn demo() -> Running {
    let mut daemon = Running::start(&["--source", "demo"]);
    daemon.until("a valid sample", Sample::is_valid);
    daemon
}

/// Waits until the header says so.
fn until_recording(daemon: &mut Running, wanted: bool) {
    let reader = daemon.reader();
    let until = Instant::now() + WATCHDOG;
    while reader.header().recording != wanted {
        assert!(Instant::now() < until, "recording is not {wanted}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    all.sort();
    all
}

/// Every pair of a folder. Fails where a name without a dot has no partner, or one that is no
/// whole picture or label.
fn pairs(folder: &Path) -> Vec<(u64, Labelled, Vec<u8>)> {
    let all = names(folder);
    let mut found = Vec::new();
    for name in all.iter().filter(|n| !n.starts_with('.')) {
        let (stem, kind) = name.rsplit_once('.').unwrap();
        let partner = format!("{stem}.{}", if kind == "jpg" { "json" } else { "jpg" });
        assert!(all.contains(&partner), "{name} is alone in {all:?}");
        if kind == "jpg" {
            let label = std::fs::read(folder.join(partner)).unwrap();
            let label = dataset::read(&label).unwrap();
            let jpeg = std::fs::read(folder.join(name)).unwrap();
            assert_eq!(label.jpeg_bytes, Some(jpeg.len() as u64), "{name}");
            assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
            found.push((stem[4..].parse().unwrap(), label, jpeg));
        }
    }
    found.sort_by_key(|p| p.0);
    found
}

fn parts(folder: &Path) -> usize {
    let hidden = |n: &&String| n.starts_with('.');
    names(folder).iter().filter(hidden).count()
}

/// Brightness of every picture of the demo, one value a block of 8×8.
fn demo_in_short() -> Vec<Vec<f64>> {
    let options = OpenOptions {
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = sources::open(&SourceSpec::Demo, &options).unwrap();
    let (mut frame, mut all) = (Frame::default(), Vec::new());
    while source.next(&mut frame, WATCHDOG).unwrap() == Next::Frame {
        // Video range to full.
        all.push(short(&frame, |y| (y - 16.0) * 255.0 / 219.0));
    }
    all
}

fn short(frame: &Frame, full: impl Fn(f64) -> f64) -> Vec<f64> {
    let luma = |x: usize, y: usize| match frame.format {
        PixelFormat::Rgb8 => {
            let p = &frame.data[y * frame.stride + 3 * x..][..3];
            0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2])
        }
        _ => full(f64::from(frame.data[y * frame.stride + x])),
    };
    let (w, h) = (frame.width as usize / 8, frame.height as usize / 8);
    let block = |i: usize| {
        let (bx, by) = (i % w * 8, i / w * 8);
        (0..64).map(|k| luma(bx + k % 8, by + k / 8)).sum::<f64>() / 64.0
    };
    (0..w * h).map(block).collect()
}

/// The demo's picture that looks most like this one, and how far off it is.
fn most_alike(jpeg: &[u8], demo: &[Vec<f64>]) -> (usize, f64) {
    let file = tempfile::Builder::new().suffix(".jpg").tempfile().unwrap();
    std::fs::write(file.path(), jpeg).unwrap();
    let spec = SourceSpec::Path(file.path().to_owned());
    let mut source = sources::open(&spec, &OpenOptions::default()).unwrap();
    let mut frame = Frame::default();
    assert_eq!(source.next(&mut frame, WATCHDOG).unwrap(), Next::Frame);
    assert_eq!(
        (frame.width, frame.height),
        gaze_tests::picture::demo_size()
    );
    let seen = short(&frame, |y| y);
    let off = |other: &Vec<f64>| {
        let sum: f64 = seen.iter().zip(other).map(|(a, b)| (a - b).abs()).sum();
        sum / seen.len() as f64
    };
    let all = demo.iter().map(off).enumerate();
    all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

#[test]
fn pairs_are_whole_and_every_label_belongs_to_its_picture() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("faces");
    let mut daemon = demo();
    assert!(!daemon.reader().header().recording);
    let mut client = Client::of(&daemon);
    let ready = client.begin(&folder);
    assert_eq!((ready.next, ready.pairs, ready.mended), (1, 0, 0));
    assert_eq!((ready.camera.as_str(), &ready.folder), ("demo", &folder));
    until_recording(&mut daemon, true);
    // Over two blinks of the demo.
    let target = client.target(12, 400, 40.0);
    let (stored, done) = client.until_done();
    assert_eq!((done.stored, done.wanted, done.place), (12, 12, 7));
    // The next one straight after it, and one that nobody waits for.
    client.target(1, 0, 10.0);
    let (more, done) = client.until_done();
    assert_eq!((more.len(), done.stored), (1, 1));
    // A time that is over ends it; nothing of after it is of this place.
    let short = client.target(1000, 0, 0.4);
    let (in_time, done) = client.until_done();
    assert!(0 < done.stored && done.stored < 1000, "{done:?}");
    for stored in in_time {
        assert!((short.from_ns..=short.until_ns).contains(&stored.captured_ns));
    }
    let unended = client.target(1000, 100, 60.0);
    client.stored();
    drop(client);
    until_recording(&mut daemon, false);
    let ended_ns = clock::now_ns();

    let found = pairs(&folder);
    assert_eq!(parts(&folder), 0);
    assert!(found.len() >= 14, "{}", found.len());
    let (truth, pictures) = (sources::demo::truth().unwrap().frames, demo_in_short());
    for (i, (number, label, jpeg)) in found.iter().enumerate() {
        assert_eq!(*number, i as u64 + 1);
        assert_eq!(
            (label.target_px, label.prompt),
            ([300.25, 200.5], Some(Prompt::Left))
        );
        assert_eq!(label.screen, Some(Screen::laptop(1512, 982)));
        let path = folder.join(format!("img_{number}.json"));
        let text: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let index = text["recording"]["frame_index"].as_u64().unwrap() as usize;
        if let Some(told) = stored.get(i) {
            assert_eq!((told.number, told.frame_index), (*number, index as u64));
            assert_eq!(text["recording"]["captured_ns"], told.captured_ns);
            assert!((target.from_ns..=target.until_ns).contains(&told.captured_ns));
            assert_eq!(label.head_deg, Some(told.head_deg));
        }
        // The picture is that frame of the demo, and what is said of the face is of that frame.
        let (alike, off) = most_alike(jpeg, &pictures);
        assert_eq!(
            alike,
            index % truth.len(),
            "img_{number} ({off:.2} levels off)"
        );
        let true_of_it = &truth[alike];
        assert!(true_of_it.open, "img_{number} was taken in a blink");
        let eyes = label.eyes_px.expect("eyes were seen");
        let iris = true_of_it.iris_px;
        let apart = (iris[1][0] - iris[0][0]).hypot(iris[1][1] - iris[0][1]);
        for (eye, iris) in eyes.iter().zip(iris) {
            let off = (eye[0] - iris[0]).hypot(eye[1] - iris[1]);
            assert!(off < 0.15 * apart, "img_{number}: {eye:?}, iris {iris:?}");
        }
        let head = label.head_deg.unwrap();
        for (told, is) in head.iter().zip(true_of_it.head_deg) {
            assert!((told - is).abs() < 12.0, "img_{number}: {head:?}");
        }
        assert_eq!(
            label.landmarks.as_ref().unwrap().len(),
            gaze::landmarks::COUNT
        );
        for file in [path.clone(), path.with_extension("jpg")] {
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    for two in stored.windows(2) {
        assert!(two[1].captured_ns - two[0].captured_ns >= 400_000_000);
    }
    let unix_ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    let ago_ms = (clock::now_ns() - stored[0].captured_ns) / 1_000_000;
    let told = found[0].1.timestamp_ms.unwrap();
    assert!(
        told.abs_diff(unix_ms - ago_ms) < 2000,
        "{told} {unix_ms} {ago_ms}"
    );
    assert!(
        ended_ns < unended.until_ns,
        "it ended because the client went"
    );

    // The next recording goes on behind it.
    let mut again = Client::of(&daemon);
    let ready = again.begin(&folder);
    assert_eq!(ready.next, found.len() as u64 + 1);
    assert_eq!((ready.pairs, ready.mended), (found.len() as u64, 0));
}

#[test]
fn one_at_a_time_and_only_what_makes_sense() {
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = demo();
    let mut first = Client::of(&daemon);
    first.begin(&dir.path().join("first"));
    let busy = Client::of(&daemon).until_failed();
    assert_eq!(busy.kind, Trouble::Busy);
    first.target(1, 0, 10.0);
    assert_eq!(first.until_done().1.stored, 1, "the first is not disturbed");
    drop(first);
    until_recording(&mut daemon, false);

    let refused = |daemon: &mut Running, said: &[u8]| {
        // The one before may not be gone yet.
        let until = Instant::now() + WATCHDOG;
        loop {
            let mut client = Client::of(daemon);
            client.stream.write_all(said).unwrap();
            let failed = client.until_failed();
            if failed.kind != Trouble::Busy {
                return failed;
            }
            assert!(Instant::now() < until, "{failed:?}");
        }
    };
    let folder = dir.path().join("never");
    let mut unasked = begin(&folder);
    unasked.consent = false;
    let failed = refused(&mut daemon, &line(&Request::Record(unasked)));
    assert_eq!(failed.kind, Trouble::NoConsent);
    for nonsense in [
        &b"hello\n"[..],
        b"{\"target\":{\"place\":0,\"x_px\":1,\"y_px\":1,\"from_ns\":1,\"until_ns\":2,\"frames\":1,\"prompt\":\"still\"}}\n",
        &[b'['; 20_000],
        &line(&Request::Record(begin(Path::new("faces")))),
    ] {
        assert_eq!(refused(&mut daemon, nonsense).kind, Trouble::Protocol);
    }
    // Nobody may write there, not even root.
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    for place in [file.join("faces"), "/proc/faces".into()] {
        let failed = refused(&mut daemon, &line(&Request::Record(begin(&place))));
        assert_eq!(failed.kind, Trouble::Folder, "{failed:?}");
        assert!(failed.why.contains(place.to_str().unwrap()), "{failed:?}");
    }
    assert!(!folder.exists());
    daemon.until("a valid sample", Sample::is_valid);
    assert!(!daemon.reader().header().recording);
}

#[test]
fn a_folder_that_goes_away_ends_the_recording_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("faces");
    let mut daemon = demo();
    let mut client = Client::of(&daemon);
    client.begin(&folder);
    client.target(1000, 0, 60.0);
    client.stored();
    std::fs::rename(&folder, dir.path().join("elsewhere")).unwrap();
    let failed = client.until_failed();
    assert_eq!(failed.kind, Trouble::Folder);
    assert!(failed.why.contains("is gone"), "{failed:?}");
    until_recording(&mut daemon, false);
    daemon.until("a valid sample", Sample::is_valid);
    let elsewhere = dir.path().join("elsewhere");
    assert!(!pairs(&elsewhere).is_empty());
    assert_eq!(parts(&elsewhere), 0);
}

/// No file may grow beyond this: as a full disk, without needing one.
#[cfg(target_os = "linux")]
fn largest_file(daemon: &Running, bytes: Option<u64>) {
    let pid = rustix::process::Pid::from_raw(daemon.pid() as i32);
    let limit = rustix::process::Rlimit {
        current: bytes,
        maximum: None,
    };
    rustix::process::prlimit(pid, rustix::process::Resource::Fsize, limit).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn where_there_is_no_room_only_whole_pairs_stay_and_gaze_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("faces");
    let mut daemon = demo();
    let mut client = Client::of(&daemon);
    client.begin(&folder);
    client.target(2, 0, 20.0);
    client.until_done();
    // Within a picture, and at its first byte.
    for room in [4096, 0] {
        largest_file(&daemon, Some(room));
        client.target(1000, 0, 60.0);
        let failed = client.until_failed();
        assert_eq!(failed.kind, Trouble::Full, "{failed:?}");
        assert!(failed.why.contains("no room"), "{failed:?}");
        assert_eq!((pairs(&folder).len(), parts(&folder)), (2, 0));
        let before = daemon.until("a valid sample", Sample::is_valid);
        daemon.until("more of them", |s| {
            s.is_valid() && s.index > before.index + 30
        });
        largest_file(&daemon, None);
        until_recording(&mut daemon, false);
        client = Client::of(&daemon);
        assert_eq!(client.begin(&folder).pairs, 2);
    }
    client.target(1, 0, 20.0);
    client.until_done();
    assert_eq!(pairs(&folder).len(), 3);
}

#[test]
fn a_killed_daemon_leaves_whole_pairs_and_the_next_one_cleans_up() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("faces");
    for round in 0..3 {
        let mut daemon = demo();
        let mut client = Client::of(&daemon);
        let ready = client.begin(&folder);
        assert_eq!(parts(&folder), 0, "round {round}");
        // The kill can have come between the two names of a pair: that is one, too.
        assert_eq!(ready.pairs, pairs(&folder).len() as u64);
        client.target(1000, 0, 60.0);
        for _ in 0..3 + round {
            client.stored();
        }
        daemon.signal(Signal::KILL);
        daemon.wait();
        let mut all = names(&folder);
        // What has no JSON yet was not finished.
        all.retain(|n| n.ends_with(".json") && !n.starts_with('.'));
        assert!(all.len() as u64 >= ready.pairs + 3 + round);
        for name in all {
            let json = std::fs::read(folder.join(&name)).unwrap();
            let jpg = std::fs::metadata(folder.join(name.replace("json", "jpg"))).unwrap();
            assert_eq!(dataset::read(&json).unwrap().jpeg_bytes, Some(jpg.len()));
        }
    }
}

#[test]
fn a_daemon_that_ends_says_so_and_takes_its_socket_along() {
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = demo();
    let mut client = Client::of(&daemon);
    client.begin(dir.path());
    client.target(1000, 0, 60.0);
    client.stored();
    daemon.signal(Signal::TERM);
    assert_eq!(client.until_failed().kind, Trouble::Stopping);
    let reader = daemon.reader();
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!reader.header().recording);
    assert!(!pairs(dir.path()).is_empty());
    assert_eq!(parts(dir.path()), 0);
    let socket = runtime_folder().join(format!("gaze/{}.record", &daemon.shm[1..]));
    assert!(!socket.exists());
    let said = daemon.errors();
    assert!(
        said.contains("recording pictures") && said.contains("recording ended"),
        "{said}"
    );
}
