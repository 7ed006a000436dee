//! A daemon on the demo, its threads in the test's own process, and what is asked of it while
//! its allocations are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gaze::filter::{FilterConfig, FilterKind};
use gaze::screen::Screen;
use gazed::alloc::{CountingAllocator, allocations_of_this_thread};
use gazed::pipeline::mapping::Mapping;
use gazed::pipeline::shared::Shared;
use gazed::pipeline::{Daemon, Parts, Side};
use gazed::record::Door;
use gazed::sources::{self, OpenOptions, SourceSpec};
use ring::{HeaderSnapshot, Reader, Writer, WriterConfig};
use vision::{ModelStore, Perceiver, PerceiverConfig, Runtime};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// On a machine whose cores others have, a picture a second may be all there is.
pub const WATCHDOG: Duration = Duration::from_secs(180);

/// The daemon; it stops, and its shared memory goes, with this.
pub struct Running {
    daemon: Option<Daemon>,
    pub shared: Arc<Shared>,
    pub reader: Reader,
    pub name: String,
}

impl Running {
    pub fn start(side: Side, door: Option<Door>) -> Running {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Relaxed);
        let name = format!("/gaze-run{}-{count}", std::process::id());
        let mapping =
            Mapping::uncalibrated(Screen::default(), FilterConfig::of(FilterKind::Kalman));
        let shared = Arc::new(Shared::new(mapping));
        let runtime = Runtime::load(None).unwrap();
        let store = ModelStore::open(None).unwrap();
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
            door,
            side,
        })
        .unwrap();
        Running {
            daemon: Some(daemon),
            shared,
            reader: Reader::open(&name).unwrap(),
            name,
        }
    }

    /// Waits until the header is as wanted.
    pub fn until(&self, what: &str, wanted: impl Fn(&HeaderSnapshot) -> bool) -> HeaderSnapshot {
        let until = Instant::now() + WATCHDOG;
        loop {
            let header = self.reader.header();
            if wanted(&header) {
                return header;
            }
            assert!(Instant::now() < until, "{what} did not come: {header:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for so many more measured frames. After 60 of the first buffers have their size
    /// and the counting has begun.
    pub fn frames(&self, n: u64) {
        let seen =
            || self.shared.frames_in.load(Relaxed) - self.shared.frames_dropped.load(Relaxed);
        let from = seen();
        self.until("frames", |_| seen() >= from + n);
    }

    /// The way from frame to sample has allocated nothing, and that would have been seen.
    pub fn assert_quiet(&self) {
        let counted = allocations_of_this_thread();
        drop(std::hint::black_box(Box::new(1)));
        assert!(
            allocations_of_this_thread() > counted,
            "allocations are counted"
        );
        for (thread, made) in [
            ("perceive", &self.shared.perceive_allocations),
            ("publish", &self.shared.publish_allocations),
        ] {
            assert_eq!(made.load(Relaxed), 0, "{thread}");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.stop();
        }
        let _ = rustix::shm::unlink(self.name.as_str());
    }
}
