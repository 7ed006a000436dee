//! Any number of readers.

use crate::claim::layout_fault;
use crate::clock;
use crate::error::OpenError;
use crate::futex;
use crate::health::{self, Health, LOOK_AFTER_NS};
use crate::layout::{
    AssistantNote, CalibrationNote, ClipsNote, Device, EngineNote, FACE_SLOTS, FaceTable, MAGIC,
    Prefix, READS_SINCE, Reason, Sample, Shared, SourceKind, State, Stats, Status, VERSION, Why,
    text_of,
};
use crate::map::{self, Distrust, Map};
use crate::process;
use crate::slot::{After, Proven};
use crate::words::Record;
use rustix::io::Errno;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::{Duration, Instant};

/// What [`Reader::next`] found.
#[derive(Debug, Clone, Copy, PartialEq)]
// A sample is 184 bytes: boxing it would cost more than moving it.
#[allow(clippy::large_enum_variant)]
pub enum Next {
    /// A sample newer than the last one.
    Sample {
        /// It.
        sample: Sample,
        /// How many before it this reader was too slow for.
        lost: u64,
    },
    /// Nothing new.
    Empty,
}

/// Why [`Reader::wait`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woke {
    /// There is a sample that [`Reader::next`] has not given yet.
    Sample,
    /// The writer has ended.
    Stopped,
    /// The writer is gone without saying so.
    Died,
    /// The time is over.
    TimedOut,
}

/// The header at one moment: what `gazed status` shows. Each guarded group
/// ([`Stats`], device, state and text) is from one moment; groups may differ by
/// one update.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // The names say it; units are in them.
pub struct HeaderSnapshot {
    pub version: u32,
    pub compatible_since: u32,
    pub total_size: u64,
    pub sample_slots: u32,
    pub face_slots: u32,
    pub clock_id: u32,
    /// The writer, or `None` after a clean end.
    pub writer_pid: Option<u32>,
    /// Clock ticks since boot (Linux), µs since 1970 (macOS).
    pub writer_start: u64,
    pub epoch: u64,
    pub created_ns: u64,
    pub started_ns: u64,
    /// When the writer ended cleanly; 0 while it lives or if it died.
    pub stopped_ns: u64,
    pub heartbeat_ns: u64,
    pub stall_after_ms: u32,
    /// When this snapshot was taken.
    pub now_ns: u64,
    pub state: State,
    pub source: SourceKind,
    pub reason: Reason,
    /// The state in one line for people.
    pub why: String,
    /// Since when the state holds.
    pub since_ns: u64,
    /// Newest sample; 0: none yet.
    pub sample_index: u64,
    /// Newest face table; 0: none yet.
    pub face_index: u64,
    pub stats: Stats,
    pub display_px: (u32, u32),
    pub display_mm: (f32, f32),
    pub display_generation: u32,
    pub calibration_generation: u32,
    /// Raised whenever another network takes over; 0 where nobody said which runs.
    pub network_generation: u32,
    /// How it stands with the calibration; unknown where an older daemon writes.
    pub calibration: CalibrationNote,
    /// First 8 bytes of the network's sha256, the first byte highest.
    pub network_hash: u64,
    pub network_name: String,
    pub camera_name: String,
    /// Whether pictures of the camera are being stored.
    pub recording: bool,
    /// For what: bits of [`recording`](crate::layout::recording).
    pub recording_for: u32,
    /// How it stands with clips; unknown where an older daemon writes.
    pub clips: ClipsNote,
    /// What computes the networks; unknown where an older daemon writes.
    pub engine: EngineNote,
    /// What the assistant says, and how it stands with it.
    pub assistant: AssistantNote,
}

/// One reader: maps the object read-only, disturbs nobody.
///
/// It may lose samples if it is more than 512 of them behind, and is told how
/// many. It keeps its mapping when the writer ends or dies; [`Reader::health`]
/// says so, and [`Reader::reopen`] finds the next writer.
pub struct Reader {
    name: String,
    map: Map<Shared>,
    inode: (u64, u64),
    epoch: u64,
    cursor: u64,
}

impl Reader {
    /// Opens the object of this name ([`default_name`](crate::default_name)
    /// gives the usual one). Never waits.
    pub fn open(name: &str) -> Result<Self, OpenError> {
        let damaged = |what| OpenError::Damaged {
            name: name.into(),
            what,
        };
        let system = |doing, e: Errno| OpenError::System {
            name: name.into(),
            doing,
            source: e.into(),
        };
        if !crate::name::is_valid(name) {
            return Err(OpenError::BadName { name: name.into() });
        }
        let opened = map::open(name, false).map_err(|e| match e {
            Errno::NOENT => OpenError::NotThere { name: name.into() },
            Errno::ACCESS | Errno::PERM => OpenError::ForeignOwner {
                name: name.into(),
                uid: None,
            },
            Errno::LOOP => damaged("a link"),
            e => system("open it", e),
        })?;
        let facts = opened.facts;
        facts
            .judge(rustix::process::geteuid().as_raw())
            .map_err(|distrust| match distrust {
                Distrust::Owner(uid) => OpenError::ForeignOwner {
                    name: name.into(),
                    uid: Some(uid),
                },
                Distrust::Mode(mode) => OpenError::TooOpen {
                    name: name.into(),
                    mode,
                },
                Distrust::NotAnObject => damaged("not a shared memory object"),
            })?;
        if facts.size == 0 {
            return Err(OpenError::Starting { name: name.into() });
        }
        if facts.size < size_of::<Prefix>() as u64 {
            return Err(damaged("cut short"));
        }
        let prefix = Map::<Prefix>::new(&opened, false).map_err(|e| system("map it", e))?;
        check(name, prefix.get(), facts.size)?;
        let map = Map::<Shared>::new(&opened, false).map_err(|e| system("map it", e))?;
        // Acquire. Partner: the release that raises the epoch in `Writer::create`.
        let epoch = map.get().header.prefix.epoch.load(Acquire);
        let cursor = map.get().header.sample_head.load(Acquire).saturating_sub(1);
        Ok(Self {
            name: name.to_owned(),
            map,
            inode: facts.inode,
            epoch,
            cursor,
        })
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The newest sample; `None` before the first one.
    #[inline]
    pub fn latest(&self) -> Option<Sample> {
        let (_, words) = self.map.get().sample_ring().latest::<Proven>()?;
        Some(Sample::from_words(&words))
    }

    /// As [`Reader::latest`], into a sample that the caller keeps: one copy
    /// less. False before the first sample; `sample` then holds anything.
    #[inline]
    pub fn latest_into(&self, sample: &mut Sample) -> bool {
        self.map
            .get()
            .sample_ring()
            .latest_into::<Proven>(sample.as_words_mut())
            .is_some()
    }

    /// The next sample after the one this gave last. The first call gives the
    /// newest; a reader that was lapped jumps to the newest.
    // Not an iterator: it has more to say than "none".
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> Next {
        match self.map.get().sample_ring().after::<Proven>(self.cursor) {
            After::Empty => Next::Empty,
            After::Record {
                index,
                lost,
                payload,
            } => {
                self.cursor = index;
                Next::Sample {
                    sample: Sample::from_words(&payload),
                    lost,
                }
            }
        }
    }

    /// The newest table of faces; `None` before the first one.
    pub fn faces(&self) -> Option<FaceTable> {
        let (_, words) = self.map.get().face_ring().latest::<Proven>()?;
        Some(FaceTable::from_words(&words))
    }

    /// The faces of one picture, while they are among the newest 16.
    pub fn faces_of(&self, frame_index: u64) -> Option<FaceTable> {
        let ring = self.map.get().face_ring();
        // Acquire. Partner: the release store of `head` in `Ring::put`.
        let head = ring.head.load(Acquire);
        (head.saturating_sub(FACE_SLOTS as u64 - 1).max(1)..=head)
            .rev()
            .filter_map(|index| ring.get::<Proven>(index))
            .map(|words| FaceTable::from_words(&words))
            .find(|table| table.frame_index == frame_index)
    }

    /// Sleeps until there is a sample that [`Reader::next`] has not given, the
    /// writer ends or dies, or the time is over. A heart that does not beat is looked after
    /// about twelve times a second meanwhile.
    pub fn wait(&self, limit: Duration) -> Woke {
        let end = Instant::now() + limit;
        let header = &self.map.get().header;
        loop {
            // Acquire, and before looking for a sample. Partner: the release
            // store in `Writer::publish`. A sample stored after this load has
            // also changed the word, and the sleep below ends at once.
            let seen = header.wake_word.load(Acquire);
            // Before looking for a sample too: memory that somebody wrote over may promise
            // samples for ever that nobody can read.
            if header.prefix.retired.load(Relaxed) != 0 {
                return Woke::Stopped;
            }
            if header.sample_head.load(Acquire) > self.cursor {
                return Woke::Sample;
            }
            let owner = header.prefix.owner.load(Acquire);
            if owner == 0 {
                return Woke::Stopped;
            }
            let (beat, now) = (header.prefix.heartbeat_ns.load(Relaxed), clock::now_ns());
            if now.abs_diff(beat) > LOOK_AFTER_NS && !process::is_alive(owner) {
                return Woke::Died;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Woke::TimedOut;
            }
            // Until the heart is overdue; if it is, for a while.
            let age = now.saturating_sub(beat);
            let nap = match age <= LOOK_AFTER_NS {
                true => LOOK_AFTER_NS + 1_000_000 - age,
                false => LOOK_AFTER_NS,
            };
            futex::wait(&header.wake_word, seen, left.min(Duration::from_nanos(nap)));
        }
    }

    /// How the writer is. A few loads while it runs; when it does not, also a
    /// look at its process and at the name.
    pub fn health(&self) -> Health {
        let header = &self.map.get().header;
        // Acquire. Partner: the release that raises the epoch when a writer takes
        // over: who sees the old epoch's end also sees who did it.
        let moved = header.prefix.epoch.load(Acquire) != self.epoch;
        if moved && self.leads_to_a_writer() {
            return Health::Restarted;
        }
        match health::judge(header, clock::now_ns(), process::is_alive) {
            Health::Stopped | Health::Died { .. } if self.replaced() => Health::Restarted,
            other => other,
        }
    }

    /// Whether the name leads to an object that is sound, or will be in a moment. If not, an
    /// epoch that has changed is no news of another writer: the memory was written over.
    fn leads_to_a_writer(&self) -> bool {
        matches!(
            Self::open(&self.name),
            Ok(_) | Err(OpenError::Starting { .. })
        )
    }

    /// Whether the name now leads to another, usable object.
    fn replaced(&self) -> bool {
        Self::open(&self.name).is_ok_and(|now| now.inode != self.inode)
    }

    /// Opens the object by its name again, after [`Health::Restarted`] or at
    /// any other time. On failure the reader stays as it was. If the object is
    /// the same, no sample is skipped; if it is another, reading begins at its
    /// newest sample.
    pub fn reopen(&mut self) -> Result<(), OpenError> {
        let mut new = Self::open(&self.name)?;
        if new.inode == self.inode {
            new.cursor = self.cursor;
        }
        *self = new;
        Ok(())
    }

    /// Everything in the header.
    pub fn header(&self) -> HeaderSnapshot {
        let shared = self.map.get();
        let (header, prefix) = (&shared.header, &shared.header.prefix);
        let owner = prefix.owner.load(Acquire);
        let stats = shared
            .stats_ring()
            .latest::<Proven>()
            .map_or_else(Stats::default, |w| Stats::from_words(&w.1));
        let device = shared
            .device_ring()
            .latest::<Proven>()
            .map_or_else(Device::default, |w| Device::from_words(&w.1));
        let why = shared
            .why_ring()
            .latest::<Proven>()
            .map_or_else(Why::default, |w| Why::from_words(&w.1));
        let note = shared
            .note_ring()
            .latest::<Proven>()
            .map_or_else(CalibrationNote::default, |w| {
                CalibrationNote::from_words(&w.1)
            });
        let status = Status::unpack(why.status);
        HeaderSnapshot {
            version: prefix.version.load(Relaxed),
            compatible_since: prefix.compatible_since.load(Relaxed),
            total_size: prefix.total_size.load(Relaxed),
            sample_slots: prefix.sample_slots.load(Relaxed),
            face_slots: prefix.face_slots.load(Relaxed),
            clock_id: prefix.clock_id.load(Relaxed),
            writer_pid: (owner != 0).then_some(process::pid_of(owner)),
            writer_start: prefix.writer_start.load(Relaxed),
            epoch: prefix.epoch.load(Acquire),
            created_ns: prefix.created_ns.load(Relaxed),
            started_ns: prefix.started_ns.load(Relaxed),
            stopped_ns: prefix.stopped_ns.load(Relaxed),
            heartbeat_ns: prefix.heartbeat_ns.load(Relaxed),
            stall_after_ms: prefix.stall_after_ms.load(Relaxed),
            now_ns: clock::now_ns(),
            state: status.state,
            source: Status::unpack(header.status.load(Relaxed)).source,
            reason: status.reason,
            why: text_of(&why.text),
            since_ns: why.since_ns,
            sample_index: header.sample_head.load(Acquire),
            face_index: header.face_head.load(Acquire),
            stats,
            display_px: (device.display_width_px, device.display_height_px),
            display_mm: (device.display_width_mm, device.display_height_mm),
            display_generation: header.display_generation.load(Relaxed),
            calibration_generation: header.calibration_generation.load(Relaxed),
            network_generation: header.network_generation.load(Relaxed),
            calibration: note,
            network_hash: device.network_hash,
            network_name: text_of(&device.network_name),
            camera_name: text_of(&device.camera_name),
            recording: header.recording.load(Relaxed) != 0,
            recording_for: header.recording.load(Relaxed),
            clips: shared
                .clips_ring()
                .latest::<Proven>()
                .map_or_else(ClipsNote::default, |w| ClipsNote::from_words(&w.1)),
            engine: shared
                .engine_ring()
                .latest::<Proven>()
                .map_or_else(EngineNote::default, |w| EngineNote::from_words(&w.1)),
            assistant: shared
                .assistant_ring()
                .latest::<Proven>()
                .map_or_else(AssistantNote::default, |w| AssistantNote::from_words(&w.1)),
        }
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("name", &self.name)
            .field("epoch", &self.epoch)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

/// Whether a header is complete, of a version this reader knows, and sound.
fn check(name: &str, prefix: &Prefix, size: u64) -> Result<(), OpenError> {
    let name = || name.to_owned();
    // Acquire. Partner: the release store of `version` in `Writer::create`,
    // the last of its stores.
    let version = prefix.version.load(Acquire);
    let magic = prefix.magic.load(Relaxed);
    if magic != MAGIC && !(magic == 0 && version == 0) {
        return Err(OpenError::Damaged {
            name: name(),
            what: "not gaze's",
        });
    }
    if version == 0 || prefix.retired.load(Relaxed) != 0 {
        return Err(OpenError::Starting { name: name() });
    }
    let compatible_since = prefix.compatible_since.load(Relaxed);
    if version < READS_SINCE || compatible_since > VERSION {
        return Err(OpenError::OtherVersion {
            name: name(),
            found: version,
            compatible_since,
        });
    }
    match layout_fault(prefix, size) {
        None => Ok(()),
        Some(what) => Err(OpenError::Damaged { name: name(), what }),
    }
}
