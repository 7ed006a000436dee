//! The one writer.

use crate::claim::{self, Claimed};
use crate::error::WriterError;
use crate::layout::{
    AssistantNote, COMPATIBLE_SINCE, CalibrationNote, ClipsNote, Device, EngineNote, FACE_ROWS,
    FACE_SLOT_SIZE, FACE_SLOTS, FACES_OFFSET, FaceTable, HEADER_SIZE, MAGIC, Prefix, Reason,
    SAMPLE_SLOT_SIZE, SAMPLE_SLOTS, SAMPLES_OFFSET, Sample, Shared, SourceKind, State, Stats,
    Status, TOTAL_SIZE, VERSION, Why, network_hash, put_text,
};
use crate::map::Map;
use crate::process::Identity;
use crate::slot::Proven;
use crate::witness::Witness;
use crate::words::Record;
use crate::{clock, futex};
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Duration;

/// What a writer says about itself when it begins.
#[derive(Debug, Clone, Copy)]
pub struct WriterConfig {
    /// Where its pictures come from.
    pub source: SourceKind,
    /// A heartbeat older than this is a stall. Every sample is a heartbeat.
    pub stall_after: Duration,
}

impl Default for WriterConfig {
    fn default() -> Self {
        Self {
            source: SourceKind::None,
            stall_after: Duration::from_secs(1),
        }
    }
}

/// The one writer of an object.
///
/// It may lose nothing and waits for nobody: readers that are too slow are
/// lapped. It belongs to one thread at a time (`&mut self` throughout).
///
/// Dropping it marks the object as stopped and leaves it in place, so that
/// `gazed status` can tell a clean end from a crash, readers that have it open
/// see their writer stop, and the next writer takes it over without their
/// having to look for a new one. [`Writer::unlink`] also removes the name.
pub struct Writer {
    map: Map<Shared>,
    name: String,
    next_sample: u64,
    next_face: u64,
    wake_word: u32,
    status: Status,
    why: Why,
    device: Device,
    /// The owner word while the object is this writer's.
    me: u64,
    owned: bool,
}

impl Writer {
    /// Creates the object, or takes it over from a writer that stopped or
    /// died. The same size and version is reused in place with the epoch
    /// raised (readers keep their mapping, sample indices go on); anything
    /// else is marked retired, unlinked and made anew.
    pub fn create(name: &str, config: &WriterConfig) -> Result<Self, WriterError> {
        let me = Identity::me();
        let Claimed { map, fresh } = claim::claim(name, me)?;
        let shared = map.get();
        let status = Status {
            state: State::Starting,
            source: config.source,
            reason: Reason::Starting,
        };
        let mut writer = Self {
            next_sample: shared.sample_ring().next_index(),
            next_face: shared.face_ring().next_index(),
            wake_word: shared.header.wake_word.load(Relaxed),
            name: name.to_owned(),
            status,
            why: Why::default(),
            device: Device::default(),
            me: me.pack(),
            owned: true,
            map,
        };
        writer.begin(me, config, fresh);
        Ok(writer)
    }

    /// Fills the header. Only the owner gets here.
    fn begin(&mut self, me: Identity, config: &WriterConfig, fresh: bool) {
        let now = clock::now_ns();
        let header = &self.map.get().header;
        let prefix = &header.prefix;
        prefix.heartbeat_ns.store(now, Relaxed);
        prefix.writer_start.store(me.start, Relaxed);
        prefix.started_ns.store(now, Relaxed);
        prefix.stopped_ns.store(0, Relaxed);
        let stall = config.stall_after.as_millis().min(u128::from(u32::MAX)) as u32;
        prefix.stall_after_ms.store(stall, Relaxed);
        header.recording.store(0, Relaxed);
        if fresh {
            prefix.created_ns.store(now, Relaxed);
            describe(prefix);
        }
        self.stats(&Stats::default());
        self.put_device();
        self.set_calibration(&CalibrationNote::default());
        self.set_clips(&ClipsNote::default());
        self.set_engine(&EngineNote::default());
        self.set_assistant(&AssistantNote::default());
        self.put_status(now, "");
        let prefix = &self.map.get().header.prefix;
        // Release. Partner: the acquire loads of `epoch` in readers: who sees
        // the new epoch sees the new writer's header.
        prefix.epoch.store(prefix.epoch.load(Relaxed) + 1, Release);
        // Release, and last. Partner: the acquire load of `version` in
        // `Reader::open`: who sees a version sees a complete header.
        prefix.version.store(VERSION, Release);
        self.stir();
        self.wake();
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What notices that the object was taken away from under this writer.
    ///
    /// # Errors
    /// It cannot be opened or mapped once more.
    pub fn witness(&self) -> Result<Witness, WriterError> {
        Witness::of(&self.name, self.me)
    }

    /// The index that the next sample will have. It goes on where the writer
    /// before this one ended, if the object was taken over.
    pub fn next_index(&self) -> u64 {
        self.next_sample
    }

    /// Stores a sample, fills in its `index` and `published_ns`, and returns
    /// the index. It does not wake sleepers: [`Writer::wake`].
    #[inline]
    pub fn publish(&mut self, sample: &mut Sample) -> u64 {
        self.publish_at(sample, clock::now_ns())
    }

    /// As [`Writer::publish`], with a time that the caller has already read.
    #[inline]
    pub fn publish_at(&mut self, sample: &mut Sample, now_ns: u64) -> u64 {
        let index = self.next_sample;
        sample.index = index;
        sample.published_ns = now_ns;
        let shared = self.map.get();
        shared
            .sample_ring()
            .put::<Proven>(index, &sample.to_words());
        shared.header.prefix.heartbeat_ns.store(now_ns, Relaxed);
        self.next_sample = index + 1;
        self.stir();
        index
    }

    /// Stores all faces of one picture. Fills in `index`, `published_ns` and
    /// `sample_index`; call it after the picture's first sample.
    pub fn publish_faces(&mut self, table: &FaceTable) -> u64 {
        let mut table = *table;
        let index = self.next_face;
        table.index = index;
        table.published_ns = clock::now_ns();
        table.sample_index = self.next_sample - 1;
        self.map
            .get()
            .face_ring()
            .put::<Proven>(index, &table.to_words());
        self.next_face = index + 1;
        index
    }

    /// Changes the wake word, so that no reader falls asleep on the old one.
    #[inline]
    fn stir(&mut self) {
        self.wake_word = self.wake_word.wrapping_add(1);
        // Release. Partner: the acquire load in `Reader::wait`: who sees this
        // word sees the sample stored before it.
        self.map
            .get()
            .header
            .wake_word
            .store(self.wake_word, Release);
    }

    /// Wakes all sleeping readers: one system call, also when nobody sleeps
    /// (readers map read-only and cannot say that they do).
    pub fn wake(&self) {
        futex::wake(&self.map.get().header.wake_word);
    }

    /// Says "I live" when there is nothing to publish, as in a pause.
    pub fn heartbeat(&mut self) {
        self.map
            .get()
            .header
            .prefix
            .heartbeat_ns
            .store(clock::now_ns(), Relaxed);
    }

    /// Says what the daemon is doing and why, in one line for people (cut at
    /// 127 bytes). Cheap when nothing changed.
    pub fn set_state(&mut self, state: State, reason: Reason, why: &str) {
        let status = Status {
            state,
            reason,
            ..self.status
        };
        if status != self.status || put_text::<128>(why) != self.why.text {
            self.status = status;
            self.put_status(clock::now_ns(), why);
        }
    }

    /// Says where the pictures come from.
    pub fn set_source(&mut self, source: SourceKind) {
        self.status.source = source;
        self.map
            .get()
            .header
            .status
            .store(self.status.pack(), Relaxed);
    }

    fn put_status(&mut self, now_ns: u64, why: &str) {
        let status = self.status.pack();
        if status != self.why.status || self.why.since_ns == 0 {
            self.why.since_ns = now_ns;
        }
        self.why.status = status;
        self.why.text = put_text(why);
        let shared = self.map.get();
        let ring = shared.why_ring();
        ring.put::<Proven>(ring.next_index(), &self.why.to_words());
        shared.header.status.store(status, Relaxed);
    }

    /// Stores the counters; about once a second is enough.
    pub fn stats(&mut self, stats: &Stats) {
        let ring = self.map.get().stats_ring();
        ring.put::<Proven>(ring.next_index(), &stats.to_words());
    }

    /// Says which display the points are on. Raises the display generation and
    /// returns it.
    pub fn set_display(&mut self, px: (u32, u32), mm: (f32, f32)) -> u32 {
        (self.device.display_width_px, self.device.display_height_px) = px;
        (self.device.display_width_mm, self.device.display_height_mm) = mm;
        self.put_device();
        let generation = &self.map.get().header.display_generation;
        let next = generation.load(Relaxed).wrapping_add(1);
        generation.store(next, Relaxed);
        next
    }

    /// Says which network the samples from now on are from: its sha256 (the first
    /// 8 bytes are kept) and a short name (cut at 63 bytes). Raises the network
    /// generation and returns it.
    pub fn set_network(&mut self, sha256: &[u8], name: &str) -> u32 {
        self.device.network_hash = network_hash(sha256);
        self.device.network_name = put_text(name);
        self.put_device();
        let generation = &self.map.get().header.network_generation;
        let next = generation.load(Relaxed).wrapping_add(1);
        generation.store(next, Relaxed);
        next
    }

    /// Says which camera or clip is open (cut at 63 bytes).
    pub fn set_camera(&mut self, name: &str) {
        self.device.camera_name = put_text(name);
        self.put_device();
    }

    fn put_device(&mut self) {
        let ring = self.map.get().device_ring();
        ring.put::<Proven>(ring.next_index(), &self.device.to_words());
    }

    /// Says which calibration the samples from now on are made with, and how it
    /// stands with it. Generation 0: none.
    pub fn set_calibration(&mut self, note: &CalibrationNote) {
        let shared = self.map.get();
        let ring = shared.note_ring();
        ring.put::<Proven>(ring.next_index(), &note.to_words());
        shared
            .header
            .calibration_generation
            .store(note.generation, Relaxed);
    }

    /// Says how it stands with clips.
    pub fn set_clips(&mut self, note: &ClipsNote) {
        let ring = self.map.get().clips_ring();
        ring.put::<Proven>(ring.next_index(), &note.to_words());
    }

    /// Says what computes the networks, and whether the threads may go before others.
    pub fn set_engine(&mut self, note: &EngineNote) {
        let ring = self.map.get().engine_ring();
        ring.put::<Proven>(ring.next_index(), &note.to_words());
    }

    /// Says how it stands with the assistant, and what it says.
    pub fn set_assistant(&mut self, note: &AssistantNote) {
        let ring = self.map.get().assistant_ring();
        ring.put::<Proven>(ring.next_index(), &note.to_words());
    }

    /// Says whether pictures are being stored, and for what: bits of
    /// [`recording`](crate::layout::recording).
    pub fn set_recording(&mut self, recording: u32) {
        self.map.get().header.recording.store(recording, Relaxed);
    }

    /// Ends: says so in the header, wakes the sleepers, leaves the object for
    /// `gazed status` and the next writer. Dropping does the same.
    pub fn close(mut self) {
        self.end();
    }

    /// As [`Writer::close`], and removes the name. Readers that have the
    /// object open keep it.
    pub fn unlink(mut self) {
        // Before the owner word is cleared: until then nobody else may put
        // another object under this name.
        let _ = rustix::shm::unlink(self.name.as_str());
        self.end();
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.owned, false) {
            return;
        }
        let now = clock::now_ns();
        if std::thread::panicking() {
            // Dropped by a thread that dies: not a clean end.
            self.status.state = State::Fault;
            self.status.reason = Reason::Fault;
            self.put_status(now, "the writing thread died of a fault of its own");
        } else if self.status.state != State::Stopped {
            self.status.state = State::Stopped;
            self.status.reason = Reason::Stopped;
            self.put_status(now, "");
        }
        let prefix = &self.map.get().header.prefix;
        prefix.stopped_ns.store(now, Relaxed);
        // Release. Partners: the acquire loads of `owner` in readers and in
        // the next writer's `claim`: who sees nobody here sees all of the above.
        // Where somebody else's word stands (the memory was overwritten and taken over),
        // it is not ours to clear.
        let _ = prefix.owner.compare_exchange(self.me, 0, Release, Relaxed);
        self.stir();
        self.wake();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("name", &self.name)
            .field("next_sample", &self.next_sample)
            .finish_non_exhaustive()
    }
}

/// Writes what never changes in an object of this version.
pub(crate) fn describe(prefix: &Prefix) {
    prefix.compatible_since.store(COMPATIBLE_SINCE, Relaxed);
    prefix.header_size.store(HEADER_SIZE as u32, Relaxed);
    prefix
        .sample_slot_size
        .store(SAMPLE_SLOT_SIZE as u32, Relaxed);
    prefix.sample_slots.store(SAMPLE_SLOTS as u32, Relaxed);
    prefix.face_slot_size.store(FACE_SLOT_SIZE as u32, Relaxed);
    prefix.face_slots.store(FACE_SLOTS as u32, Relaxed);
    prefix.face_rows.store(FACE_ROWS as u32, Relaxed);
    prefix.samples_offset.store(SAMPLES_OFFSET as u32, Relaxed);
    prefix.faces_offset.store(FACES_OFFSET as u32, Relaxed);
    prefix.total_size.store(TOTAL_SIZE as u64, Relaxed);
    prefix.clock_id.store(clock::CLOCK_ID, Relaxed);
    prefix.magic.store(MAGIC, Relaxed);
}
