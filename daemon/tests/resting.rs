//! Before an empty chair most frames are not even unpacked, unless somebody wants every picture.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gaze::dataset::protocol::{Begin, Request, line};
use gaze::filter::{FilterConfig, FilterKind};
use gaze::screen::Screen;
use gazed::pipeline::mapping::Mapping;
use gazed::pipeline::shared::Shared;
use gazed::pipeline::{Daemon, Parts, Side};
use gazed::record::Door;
use gazed::side::outlet;
use gazed::sources::{
    FrameSource, Next, OpenOptions, SourceError, SourceInfo, SourceKind, SourceSpec,
};
use ring::{Writer, WriterConfig, clock};
use vision::{Frame, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime};

/// On a machine whose cores others have.
const WATCHDOG: Duration = Duration::from_secs(180);
const FRAME_NS: u64 = 33_333_333;
/// Every third of 30 frames a second: so long after one that was unpacked none is wanted.
const REST_NS: u64 = 80_000_000;

/// Frames of a source, by what became of them: how many are passed over depends on how late they
/// come on a busy machine, for how many that was asked does not.
#[derive(Default)]
struct Counts {
    unpacked: AtomicU64,
    passed: AtomicU64,
    unwanted: AtomicU64,
}

/// A camera before an empty room, which says what it was asked for.
struct Room {
    info: SourceInfo,
    counts: Arc<Counts>,
    due_ns: u64,
    given_ns: u64,
    index: u64,
    pass_until_ns: u64,
}

impl FrameSource for Room {
    fn pass_until(&mut self, moment_ns: u64) {
        self.pass_until_ns = moment_ns;
    }

    fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, SourceError> {
        let wait = Duration::from_nanos(self.due_ns.saturating_sub(clock::now_ns()));
        std::thread::sleep(wait.min(timeout));
        if wait > timeout {
            return Ok(Next::Nothing);
        }
        // One that is late is late: the next comes a frame later.
        let now_ns = clock::now_ns();
        self.due_ns = now_ns + FRAME_NS;
        self.index += 1;
        if self.pass_until_ns >= self.given_ns + REST_NS {
            self.counts.unwanted.fetch_add(1, Relaxed);
        }
        if now_ns < self.pass_until_ns {
            self.counts.passed.fetch_add(1, Relaxed);
            return Ok(Next::Passed);
        }
        self.counts.unpacked.fetch_add(1, Relaxed);
        frame.reset(self.info.width, self.info.height, PixelFormat::Gray8);
        // A wall with a sensor's noise, so that it is not taken for a frozen picture.
        let mut random = self.index.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for (k, byte) in frame.data.iter_mut().enumerate() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            *byte = 100 + (k / 3000) as u8 + (random % 3) as u8;
        }
        (frame.index, frame.captured_ns) = (self.index, now_ns);
        self.given_ns = now_ns;
        Ok(Next::Frame)
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }
}

/// What became of frames.
#[derive(Debug)]
struct Came {
    all: u64,
    unpacked: u64,
    unwanted: u64,
}

impl Came {
    /// But for one that was being counted.
    fn all_unwanted(&self) -> bool {
        self.unwanted + 1 >= self.all && self.unwanted <= self.all + 1
    }
}

fn until(what: &str, wanted: impl Fn() -> bool) {
    let end = Instant::now() + WATCHDOG;
    while !wanted() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn frames_of_an_empty_room_are_passed_over_unless_somebody_wants_every_picture() {
    let counts = Arc::new(Counts::default());
    let room = Room {
        info: SourceInfo {
            kind: SourceKind::Camera,
            name: "an empty room".into(),
            width: 320,
            height: 180,
            fps: 30.0,
            format: PixelFormat::Gray8,
            live: true,
            frames: None,
        },
        counts: counts.clone(),
        due_ns: 0,
        given_ns: 0,
        index: 0,
        pass_until_ns: 0,
    };
    let dir = tempfile::tempdir().unwrap();
    let door = Door::at(&dir.path().join("gaze/rest.record")).unwrap();
    let path = door.path().to_owned();
    let (window, inlet) = outlet::pair(2);
    let name = format!("/gaze-rest{}", std::process::id());
    let mapping = Mapping::uncalibrated(Screen::default(), FilterConfig::of(FilterKind::Kalman));
    let shared = Arc::new(Shared::new(mapping));
    let config = PerceiverConfig {
        search_every_ns: 70_000_000, // as the daemon has it
        ..PerceiverConfig::default()
    };
    let runtime = Runtime::load(None).unwrap();
    let store = ModelStore::open(None).unwrap();
    let daemon = Daemon::start(Parts {
        shared: shared.clone(),
        perceiver: Some(Perceiver::new(&runtime, &store, config).unwrap()),
        network: None,
        maker: None,
        writer: Writer::create(&name, &WriterConfig::default()).unwrap(),
        spec: SourceSpec::Null,
        options: OpenOptions::default(),
        source: Some(Box::new(room)),
        lossless: false,
        stills: false,
        files: None,
        door: Some(door),
        side: Side {
            window: Some(window),
            ..Side::default()
        },
    })
    .unwrap();
    let resting = || shared.resting.load(Relaxed);
    // Frames that come from now on, but for the first two, which may be of before.
    let next = |frames: u64| {
        let so_far =
            || [&counts.unpacked, &counts.passed, &counts.unwanted].map(|n| n.load(Relaxed));
        let wait = |frames: u64| {
            let [unpacked, passed, _] = so_far();
            until("frames", || {
                let now = so_far();
                now[0] + now[1] >= unpacked + passed + frames
            });
        };
        wait(2);
        let before = so_far();
        wait(frames);
        let after = so_far();
        let [unpacked, passed, unwanted] = std::array::from_fn(|i| after[i] - before[i]);
        Came {
            all: unpacked + passed,
            unpacked,
            unwanted,
        }
    };

    until("a first frame", || counts.unpacked.load(Relaxed) > 0);
    assert_eq!(counts.passed.load(Relaxed), 0);
    until("rest", resting);
    // Every third is unpacked: 80 ms lie between two.
    let came = next(60);
    assert!(came.all_unwanted() && came.unpacked > 10, "{came:?}");

    // Somebody at the window wants every picture …
    inlet.wish.want_every(0);
    until("no rest", || !resting());
    let came = next(30);
    assert_eq!((came.unpacked, came.unwanted), (came.all, 0), "{came:?}");
    assert!(!resting());
    inlet.wish.want_nothing();
    until("rest", resting);
    assert!(next(30).all_unwanted());

    // … or who records …
    let mut client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(WATCHDOG)).unwrap();
    let begin = Begin {
        folder: dir.path().join("faces"),
        consent: true,
        screen: Screen::default(),
    };
    client.write_all(&line(&Request::Record(begin))).unwrap();
    let mut ready = String::new();
    let mut answers = BufReader::new(client.try_clone().unwrap());
    answers.read_line(&mut ready).unwrap();
    until("no rest", || !resting());
    let came = next(30);
    assert_eq!((came.unpacked, came.unwanted), (came.all, 0), "{came:?}");
    drop((client, answers));
    until("rest", resting);
    assert!(next(30).all_unwanted());

    // … but not who is told of changes only: nobody's contact changes.
    inlet.wish.want_changes();
    assert!(next(30).all_unwanted());
    daemon.stop();
    let _ = rustix::shm::unlink(name.as_str());
}
