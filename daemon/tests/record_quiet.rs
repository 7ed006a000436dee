//! While pictures are recorded the way from frame to sample allocates nothing and loses nothing.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gaze::dataset::Prompt;
use gaze::dataset::protocol::{Answer, Begin, Request, Target, line};
use gaze::filter::{FilterConfig, FilterKind};
use gaze::screen::Screen;
use gazed::alloc::{CountingAllocator, allocations_of_this_thread};
use gazed::pipeline::mapping::Mapping;
use gazed::pipeline::shared::Shared;
use gazed::pipeline::{Daemon, Parts, Side};
use gazed::record::Door;
use gazed::sources::{self, OpenOptions, SourceSpec};
use ring::{Writer, WriterConfig, clock};
use vision::{ModelStore, Perceiver, PerceiverConfig, Runtime};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const WATCHDOG: Duration = Duration::from_secs(60);

#[test]
fn the_hot_path_stays_quiet() {
    let dir = tempfile::tempdir().unwrap();
    let counted = allocations_of_this_thread();
    drop(Box::new(1));
    assert!(
        allocations_of_this_thread() > counted,
        "allocations are counted"
    );

    let name = format!("/gaze-quiet-{}", std::process::id());
    let mapping = Mapping::uncalibrated(Screen::default(), FilterConfig::of(FilterKind::Kalman));
    let shared = Arc::new(Shared::new(mapping));
    let runtime = Runtime::load(None).unwrap();
    let store = ModelStore::open(None).unwrap();
    let door = Door::at(&dir.path().join("gaze/quiet.record")).unwrap();
    let path = door.path().to_owned();
    let options = OpenOptions {
        looped: true,
        ..OpenOptions::default()
    };
    let daemon = Daemon::start(Parts {
        shared: shared.clone(),
        perceiver: Some(Perceiver::new(&runtime, &store, PerceiverConfig::default()).unwrap()),
        network: None,
        maker: None,
        writer: Writer::create(&name, &WriterConfig::default()).unwrap(),
        spec: SourceSpec::Demo,
        source: Some(sources::open(&SourceSpec::Demo, &options).unwrap()),
        options,
        lossless: false,
        stills: false,
        files: None,
        door: Some(door),
        side: Side::default(),
    })
    .unwrap();

    // Buffers have their size and the counting has begun.
    let frames = |n: u64| {
        let until = Instant::now() + WATCHDOG;
        while shared.frames_in.load(Relaxed) - shared.frames_dropped.load(Relaxed) < n {
            assert!(Instant::now() < until, "frames come");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    frames(60);
    let mut client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(WATCHDOG)).unwrap();
    let mut answers = BufReader::new(client.try_clone().unwrap());
    let mut hear = || {
        let mut text = String::new();
        answers.read_line(&mut text).unwrap();
        serde_json::from_str::<Answer>(&text).unwrap()
    };
    let begin = Begin {
        folder: dir.path().join("faces"),
        consent: true,
        screen: Screen::default(),
    };
    client.write_all(&line(&Request::Record(begin))).unwrap();
    assert!(matches!(hear(), Answer::Ready(_)));
    // As fast as it goes: buffers run short, pictures are passed over.
    let now = clock::now_ns();
    let target = Target {
        place: 0,
        x_px: 1.0,
        y_px: 1.0,
        from_ns: now,
        until_ns: now + 60_000_000_000,
        frames: 40,
        every_ms: 0,
        prompt: Prompt::Still,
    };
    client.write_all(&line(&Request::Target(target))).unwrap();
    let done = loop {
        match hear() {
            Answer::Stored(_) => {}
            Answer::Done(done) => break done,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(done.stored, 40);
    let so_far = shared.frames_in.load(Relaxed) - shared.frames_dropped.load(Relaxed);
    frames(so_far + 30);
    for (thread, made) in [
        ("perceive", &shared.perceive_allocations),
        ("publish", &shared.publish_allocations),
    ] {
        assert_eq!(made.load(Relaxed), 0, "{thread}");
    }
    daemon.stop();
    let _ = rustix::shm::unlink(name.as_str());
}
