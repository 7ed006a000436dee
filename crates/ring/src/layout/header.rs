//! The header and the whole object.

use super::{
    ASSISTANT_OFFSET, AssistantStatus, CalibrationStatus, ClipsStatus, ENGINE_OFFSET, FACE_SLOTS,
    FACE_WORDS, FACES_OFFSET, Grade, HEADER_SIZE, Provider, Reason, Region, SAMPLE_SLOTS,
    SAMPLE_WORDS, SAMPLES_OFFSET, SourceKind, State, TOTAL_SIZE,
};
use crate::slot::{Ring, Slot};
use crate::words::Record;
use std::mem::offset_of;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The first 128 bytes. Their places and meanings hold for every version, so
/// that any writer can judge and retire what any other left behind.
#[repr(C)]
pub(crate) struct Prefix {
    pub magic: AtomicU64,
    pub version: AtomicU32,
    pub compatible_since: AtomicU32,
    pub header_size: AtomicU32,
    pub sample_slot_size: AtomicU32,
    pub sample_slots: AtomicU32,
    pub face_slot_size: AtomicU32,
    pub face_slots: AtomicU32,
    pub face_rows: AtomicU32,
    pub samples_offset: AtomicU32,
    pub faces_offset: AtomicU32,
    pub total_size: AtomicU64,
    /// 1: CLOCK_MONOTONIC (Linux). 8: CLOCK_UPTIME_RAW (macOS).
    pub clock_id: AtomicU32,
    /// 1: abandoned for another object of the same name.
    pub retired: AtomicU32,
    /// Process id, and in the high half the low half of its start time: one
    /// word, so that it is claimed and read in one piece. 0: nobody.
    pub owner: AtomicU64,
    /// The writer's start time: clock ticks since boot (Linux), µs since 1970
    /// (macOS).
    pub writer_start: AtomicU64,
    /// Raised by every writer that takes the object over; from 1.
    pub epoch: AtomicU64,
    pub created_ns: AtomicU64,
    pub started_ns: AtomicU64,
    pub heartbeat_ns: AtomicU64,
    /// A heartbeat older than this is a stall.
    pub stall_after_ms: AtomicU32,
    pub reserved: AtomicU32,
    /// When the writer ended cleanly; 0 while it lives.
    pub stopped_ns: AtomicU64,
}

/// Everything before the samples.
#[repr(C, align(128))]
pub(crate) struct Header {
    pub prefix: Prefix,
    pub sample_head: AtomicU64,
    pub face_head: AtomicU64,
    pub stats_head: AtomicU64,
    pub device_head: AtomicU64,
    pub why_head: AtomicU64,
    /// Changes with every sample and at the end: what sleeping readers watch.
    pub wake_word: AtomicU32,
    /// [`Status`], packed.
    pub status: AtomicU32,
    pub recording: AtomicU32,
    pub calibration_generation: AtomicU32,
    pub display_generation: AtomicU32,
    pub network_generation: AtomicU32,
    pub note_head: AtomicU64,
    pub clips_head: AtomicU64,
    pub engine_head: AtomicU64,
    pub assistant_head: AtomicU64,
    pub reserved_hot_2: [AtomicU32; 8],
    pub stats: [Slot<{ Stats::WORDS }>; 2],
    pub device: [Slot<{ Device::WORDS }>; 2],
    pub why: [Slot<{ Why::WORDS }>; 2],
    pub note: [Slot<{ CalibrationNote::WORDS }>; 2],
    pub clips: [Slot<{ ClipsNote::WORDS }>; 2],
}

/// The whole object. Every byte of it is atomic, so a shared reference to it
/// is sound however many processes write and read it.
#[repr(C, align(128))]
pub(crate) struct Shared {
    pub header: Header,
    pub samples: [Slot<SAMPLE_WORDS>; SAMPLE_SLOTS],
    pub faces: [Slot<FACE_WORDS>; FACE_SLOTS],
    pub engine: [Slot<{ EngineNote::WORDS }>; 2],
    pub assistant: [Slot<{ AssistantNote::WORDS }>; 2],
    pub reserved: [AtomicU64; 520],
}

impl Shared {
    #[inline]
    pub(crate) fn sample_ring(&self) -> Ring<'_, SAMPLE_WORDS> {
        Ring {
            head: &self.header.sample_head,
            slots: &self.samples,
        }
    }
    #[inline]
    pub(crate) fn face_ring(&self) -> Ring<'_, FACE_WORDS> {
        Ring {
            head: &self.header.face_head,
            slots: &self.faces,
        }
    }
    pub(crate) fn stats_ring(&self) -> Ring<'_, { Stats::WORDS }> {
        Ring {
            head: &self.header.stats_head,
            slots: &self.header.stats,
        }
    }
    pub(crate) fn device_ring(&self) -> Ring<'_, { Device::WORDS }> {
        Ring {
            head: &self.header.device_head,
            slots: &self.header.device,
        }
    }
    pub(crate) fn why_ring(&self) -> Ring<'_, { Why::WORDS }> {
        Ring {
            head: &self.header.why_head,
            slots: &self.header.why,
        }
    }
    pub(crate) fn note_ring(&self) -> Ring<'_, { CalibrationNote::WORDS }> {
        Ring {
            head: &self.header.note_head,
            slots: &self.header.note,
        }
    }
    pub(crate) fn clips_ring(&self) -> Ring<'_, { ClipsNote::WORDS }> {
        Ring {
            head: &self.header.clips_head,
            slots: &self.header.clips,
        }
    }
    pub(crate) fn engine_ring(&self) -> Ring<'_, { EngineNote::WORDS }> {
        Ring {
            head: &self.header.engine_head,
            slots: &self.engine,
        }
    }
    pub(crate) fn assistant_ring(&self) -> Ring<'_, { AssistantNote::WORDS }> {
        Ring {
            head: &self.header.assistant_head,
            slots: &self.assistant,
        }
    }
}

/// State, source and reason in one word: they change together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status {
    pub state: State,
    pub source: SourceKind,
    pub reason: Reason,
}

impl Status {
    pub(crate) const fn pack(self) -> u32 {
        self.state.raw() as u32 | (self.source.raw() as u32) << 8 | (self.reason.raw() as u32) << 16
    }

    pub(crate) const fn unpack(word: u32) -> Self {
        Self {
            state: State::from_raw(word as u8),
            source: SourceKind::from_raw((word >> 8) as u8),
            reason: Reason::from_raw((word >> 16) as u16),
        }
    }
}

/// Rates, counters and latencies, written together about once a second.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Pictures a second, in thousandths.
    pub camera_mhz: u32,
    /// Samples a second, in thousandths.
    pub publish_mhz: u32,
    /// Pictures received.
    pub frames_in: u64,
    /// Pictures dropped because a newer one was there.
    pub frames_dropped: u64,
    /// Ticks of the publisher that came late or were skipped.
    pub late_ticks: u64,
    /// Samples published.
    pub samples: u64,
    /// Of these, predicted ones.
    pub predicted: u64,
    /// Times the camera was opened again.
    pub camera_reconnects: u64,
    /// Faults survived.
    pub faults: u64,
    /// Capture → perceive, median, µs.
    pub perceive_p50_us: u32,
    /// Capture → perceive, 99th percentile, µs.
    pub perceive_p99_us: u32,
    /// Perceive → publish, median, µs.
    pub publish_p50_us: u32,
    /// Perceive → publish, 99th percentile, µs.
    pub publish_p99_us: u32,
    /// Capture → publish, median, µs.
    pub total_p50_us: u32,
    /// Capture → publish, 99th percentile, µs.
    pub total_p99_us: u32,
    /// The pictures' width, pixels.
    pub picture_width: u32,
    /// The pictures' height, pixels.
    pub picture_height: u32,
    /// Zero.
    pub reserved: [u64; 3],
}

impl Stats {
    pub(crate) const WORDS: usize = 15;
}

/// What it works with. Texts are UTF-8 and end with a zero.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Display width, pixels; 0 when unknown.
    pub display_width_px: u32,
    /// Display height, pixels.
    pub display_height_px: u32,
    /// Display width, mm.
    pub display_width_mm: f32,
    /// Display height, mm.
    pub display_height_mm: f32,
    /// First 8 bytes of the network's sha256, the first byte highest; 0: none.
    pub network_hash: u64,
    /// The network's name.
    pub network_name: [u8; 64],
    /// The camera's or clip's name.
    pub camera_name: [u8; 64],
    /// Zero.
    pub reserved: [u64; 4],
}

impl Device {
    pub(crate) const WORDS: usize = 23;
}

impl Default for Device {
    fn default() -> Self {
        Self {
            display_width_px: 0,
            display_height_px: 0,
            display_width_mm: 0.0,
            display_height_mm: 0.0,
            network_hash: 0,
            network_name: [0; 64],
            camera_name: [0; 64],
            reserved: [0; 4],
        }
    }
}

/// The state in words.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Why {
    /// Since when the state holds.
    pub since_ns: u64,
    /// The state that the text explains, packed as in the header.
    pub status: u32,
    /// Zero.
    pub reserved_0: u32,
    /// One line: what is wrong and what to do. Empty when all is well.
    pub text: [u8; 128],
    /// Zero.
    pub reserved: [u64; 5],
}

impl Why {
    pub(crate) const WORDS: usize = 23;
}

impl Default for Why {
    fn default() -> Self {
        Self {
            since_ns: 0,
            status: 0,
            reserved_0: 0,
            text: [0; 128],
            reserved: [0; 5],
        }
    }
}

/// How it stands with the calibration: whose is in force, what it is worth, and
/// why the last file was refused. Texts are UTF-8 and end with a zero.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct CalibrationNote {
    /// A [`CalibrationStatus`] as a number.
    pub status: u32,
    /// A [`Grade`] as a number.
    pub grade: u32,
    /// The generation that this is about, as in the samples; 0: none in force.
    pub generation: u32,
    /// The expected error of the map in force, share of the screen's diagonal;
    /// NaN without one.
    pub error: f32,
    /// When the calibration in force was made: seconds since 1970, UTC.
    pub created_unix_s: u64,
    /// Whose calibration is in force or looked for.
    pub user: [u8; 32],
    /// One line: why the last file was refused, or what is looked for. Empty when
    /// all is well.
    pub text: [u8; 128],
}

impl CalibrationNote {
    pub(crate) const WORDS: usize = 23;

    /// How it stands.
    pub fn status(&self) -> CalibrationStatus {
        CalibrationStatus::from_raw(self.status)
    }

    /// What the map in force is worth.
    pub fn grade(&self) -> Grade {
        Grade::from_raw(self.grade)
    }

    /// Whether a file that is there was refused; `text` says why.
    pub fn is_refused(&self) -> bool {
        matches!(
            self.status(),
            CalibrationStatus::Refused | CalibrationStatus::Kept
        )
    }
}

impl PartialEq for CalibrationNote {
    /// Bit by bit: an unknown error (NaN) is the same as itself.
    fn eq(&self, other: &Self) -> bool {
        self.to_words() == other.to_words()
    }
}

impl Default for CalibrationNote {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            status: CalibrationStatus::Unknown.raw(),
            grade: Grade::Unknown.raw(),
            generation: 0,
            error: f32::NAN,
            created_unix_s: 0,
            user: [0; 32],
            text: [0; 128],
        }
    }
}

/// How it stands with clips of the moments of eye contact. The text is UTF-8 and
/// ends with a zero.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClipsNote {
    /// A [`ClipsStatus`] as a number.
    pub status: u32,
    /// Whose contact is being recorded; 0: nobody's.
    pub face: u32,
    /// Since when the status holds, monotonic.
    pub since_ns: u64,
    /// Clips on the disk.
    pub clips: u32,
    /// Bytes of coded pictures that are in memory.
    pub memory: u32,
    /// Bytes of the clips on the disk.
    pub bytes: u64,
    /// Pictures that could not be taken because the recorder was behind.
    pub missed: u64,
    /// Clips finished since the writer began.
    pub finished: u64,
    /// One line: why it stopped, the clip that is being written, or while it waits why another
    /// encoder than the system's is at work.
    pub text: [u8; 128],
    /// Zero.
    pub reserved: u64,
}

impl ClipsNote {
    pub(crate) const WORDS: usize = 23;

    /// How it stands.
    pub fn status(&self) -> ClipsStatus {
        ClipsStatus::from_raw(self.status)
    }
}

impl Default for ClipsNote {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            status: ClipsStatus::Unknown.raw(),
            face: 0,
            since_ns: 0,
            clips: 0,
            memory: 0,
            bytes: 0,
            missed: 0,
            finished: 0,
            text: [0; 128],
            reserved: 0,
        }
    }
}

/// What computes the networks, and whether the threads may go before others. Texts are
/// UTF-8 and end with a zero.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineNote {
    /// A [`Provider`] as a number.
    pub provider: u32,
    /// Bits of [`engine`](super::engine).
    pub flags: u32,
    /// One line: what is being compiled, or why a network is not computed by what the
    /// settings ask for. Empty when all is well.
    pub text: [u8; 128],
    /// One line: why the threads may not go before others. Empty while they may.
    pub priority: [u8; 128],
}

impl EngineNote {
    pub(crate) const WORDS: usize = 33;

    /// What computes the networks.
    pub fn provider(&self) -> Provider {
        Provider::from_raw(self.provider)
    }
}

impl Default for EngineNote {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            provider: Provider::Unknown.raw(),
            flags: 0,
            text: [0; 128],
            priority: [0; 128],
        }
    }
}

/// What the assistant says, and how it stands with it. The text is UTF-8 and ends with a zero.
///
/// Its answers are guesses at a ninth of the screen, seconds old: they never get into a
/// sample.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssistantNote {
    /// An [`AssistantStatus`] as a number.
    pub status: u32,
    /// Its last answer: a [`Region`] as a number.
    pub region: u32,
    /// 1 while no face is measured and the answer is fresh: whoever needs no more than a
    /// region may use it meanwhile. Else 0.
    pub coarse: u32,
    /// Where the measured gaze was in the same picture: a [`Region`] as a number; 0 where
    /// it was not known or not on the screen.
    pub gaze_region: u32,
    /// When the picture that it was asked about was taken; 0 before the first answer.
    pub captured_ns: u64,
    /// When the answer was there.
    pub answered_ns: u64,
    /// An answer about a picture older than this is not fresh.
    pub fresh_ms: u32,
    /// Questions in a row that were not answered.
    pub failures: u32,
    /// Questions since the writer began.
    pub asked: u64,
    /// Of these, answered with a region or with "nobody".
    pub answered: u64,
    /// Answers with a region beside which the gaze was known.
    pub compared: u64,
    /// Of these, the same region.
    pub agreed: u64,
    /// One line: whom it asks, or why it fails.
    pub text: [u8; 128],
}

impl AssistantNote {
    pub(crate) const WORDS: usize = 25;

    /// How it stands.
    pub fn status(&self) -> AssistantStatus {
        AssistantStatus::from_raw(self.status)
    }

    /// Its last answer.
    pub fn region(&self) -> Region {
        Region::from_raw(self.region)
    }

    /// Where the measured gaze was in the same picture.
    pub fn gaze_region(&self) -> Region {
        Region::from_raw(self.gaze_region)
    }

    /// Whether its last answer is a region, of a picture no older than it says.
    pub fn is_fresh(&self, now_ns: u64) -> bool {
        let age_ns = now_ns.saturating_sub(self.captured_ns);
        self.region() != Region::None && age_ns <= u64::from(self.fresh_ms) * 1_000_000
    }
}

impl Default for AssistantNote {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            status: AssistantStatus::Unknown.raw(),
            region: Region::None.raw(),
            coarse: 0,
            gaze_region: Region::None.raw(),
            captured_ns: 0,
            answered_ns: 0,
            fresh_ms: 0,
            failures: 0,
            asked: 0,
            answered: 0,
            compared: 0,
            agreed: 0,
            text: [0; 128],
        }
    }
}

/// What the header keeps of a network's sha256: its first 8 bytes, the first one
/// highest.
pub fn network_hash(sha256: &[u8]) -> u64 {
    let mut first = [0; 8];
    let kept = sha256.len().min(8);
    first[..kept].copy_from_slice(&sha256[..kept]);
    u64::from_be_bytes(first)
}

/// Puts a text into a fixed field: cut at a whole character, ended by a zero.
pub fn put_text<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    let mut end = text.len().min(N - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    field[..end].copy_from_slice(&text.as_bytes()[..end]);
    field
}

/// Reads a text out of a fixed field.
pub fn text_of(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

// SAFETY: `repr(C)`, only numbers; the assertions below pin every offset, and
// together with the sizes they leave no room for padding.
#[allow(unsafe_code)]
unsafe impl Record<{ Stats::WORDS }> for Stats {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Record<{ Device::WORDS }> for Device {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Record<{ Why::WORDS }> for Why {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Record<{ CalibrationNote::WORDS }> for CalibrationNote {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Record<{ ClipsNote::WORDS }> for ClipsNote {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Record<{ EngineNote::WORDS }> for EngineNote {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Record<{ AssistantNote::WORDS }> for AssistantNote {}

const _: () = {
    assert!(size_of::<Prefix>() == 128);
    assert!(offset_of!(Prefix, magic) == 0);
    assert!(offset_of!(Prefix, version) == 8);
    assert!(offset_of!(Prefix, compatible_since) == 12);
    assert!(offset_of!(Prefix, header_size) == 16);
    assert!(offset_of!(Prefix, sample_slot_size) == 20);
    assert!(offset_of!(Prefix, sample_slots) == 24);
    assert!(offset_of!(Prefix, face_slot_size) == 28);
    assert!(offset_of!(Prefix, face_slots) == 32);
    assert!(offset_of!(Prefix, face_rows) == 36);
    assert!(offset_of!(Prefix, samples_offset) == 40);
    assert!(offset_of!(Prefix, faces_offset) == 44);
    assert!(offset_of!(Prefix, total_size) == 48);
    assert!(offset_of!(Prefix, clock_id) == 56);
    assert!(offset_of!(Prefix, retired) == 60);
    assert!(offset_of!(Prefix, owner) == 64);
    assert!(offset_of!(Prefix, writer_start) == 72);
    assert!(offset_of!(Prefix, epoch) == 80);
    assert!(offset_of!(Prefix, created_ns) == 88);
    assert!(offset_of!(Prefix, started_ns) == 96);
    assert!(offset_of!(Prefix, heartbeat_ns) == 104);
    assert!(offset_of!(Prefix, stall_after_ms) == 112);
    assert!(offset_of!(Prefix, reserved) == 116);
    assert!(offset_of!(Prefix, stopped_ns) == 120);

    assert!(size_of::<Header>() == HEADER_SIZE);
    assert!(offset_of!(Header, prefix) == 0);
    assert!(offset_of!(Header, sample_head) == 128);
    assert!(offset_of!(Header, face_head) == 136);
    assert!(offset_of!(Header, stats_head) == 144);
    assert!(offset_of!(Header, device_head) == 152);
    assert!(offset_of!(Header, why_head) == 160);
    assert!(offset_of!(Header, wake_word) == 168);
    assert!(offset_of!(Header, status) == 172);
    assert!(offset_of!(Header, recording) == 176);
    assert!(offset_of!(Header, calibration_generation) == 180);
    assert!(offset_of!(Header, display_generation) == 184);
    assert!(offset_of!(Header, network_generation) == 188);
    assert!(offset_of!(Header, note_head) == 192);
    assert!(offset_of!(Header, clips_head) == 200);
    assert!(offset_of!(Header, engine_head) == 208);
    assert!(offset_of!(Header, assistant_head) == 216);
    assert!(offset_of!(Header, reserved_hot_2) == 224);
    assert!(offset_of!(Header, stats) == 256);
    assert!(offset_of!(Header, device) == 512);
    assert!(offset_of!(Header, why) == 896);
    assert!(offset_of!(Header, note) == 1280);
    assert!(offset_of!(Header, clips) == 1664);

    assert!(size_of::<Shared>() == TOTAL_SIZE);
    assert!(offset_of!(Shared, header) == 0);
    assert!(offset_of!(Shared, samples) == SAMPLES_OFFSET);
    assert!(offset_of!(Shared, faces) == FACES_OFFSET);
    assert!(offset_of!(Shared, engine) == ENGINE_OFFSET);
    assert!(offset_of!(Shared, assistant) == ASSISTANT_OFFSET);
    assert!(offset_of!(Shared, reserved) == 110_528);

    assert!(size_of::<EngineNote>() == 264);
    assert!(offset_of!(EngineNote, provider) == 0);
    assert!(offset_of!(EngineNote, flags) == 4);
    assert!(offset_of!(EngineNote, text) == 8);
    assert!(offset_of!(EngineNote, priority) == 136);

    assert!(size_of::<AssistantNote>() == 200);
    assert!(offset_of!(AssistantNote, status) == 0);
    assert!(offset_of!(AssistantNote, region) == 4);
    assert!(offset_of!(AssistantNote, coarse) == 8);
    assert!(offset_of!(AssistantNote, gaze_region) == 12);
    assert!(offset_of!(AssistantNote, captured_ns) == 16);
    assert!(offset_of!(AssistantNote, answered_ns) == 24);
    assert!(offset_of!(AssistantNote, fresh_ms) == 32);
    assert!(offset_of!(AssistantNote, failures) == 36);
    assert!(offset_of!(AssistantNote, asked) == 40);
    assert!(offset_of!(AssistantNote, answered) == 48);
    assert!(offset_of!(AssistantNote, compared) == 56);
    assert!(offset_of!(AssistantNote, agreed) == 64);
    assert!(offset_of!(AssistantNote, text) == 72);

    assert!(size_of::<Stats>() == 120);
    assert!(offset_of!(Stats, camera_mhz) == 0);
    assert!(offset_of!(Stats, publish_mhz) == 4);
    assert!(offset_of!(Stats, frames_in) == 8);
    assert!(offset_of!(Stats, frames_dropped) == 16);
    assert!(offset_of!(Stats, late_ticks) == 24);
    assert!(offset_of!(Stats, samples) == 32);
    assert!(offset_of!(Stats, predicted) == 40);
    assert!(offset_of!(Stats, camera_reconnects) == 48);
    assert!(offset_of!(Stats, faults) == 56);
    assert!(offset_of!(Stats, perceive_p50_us) == 64);
    assert!(offset_of!(Stats, perceive_p99_us) == 68);
    assert!(offset_of!(Stats, publish_p50_us) == 72);
    assert!(offset_of!(Stats, publish_p99_us) == 76);
    assert!(offset_of!(Stats, total_p50_us) == 80);
    assert!(offset_of!(Stats, total_p99_us) == 84);
    assert!(offset_of!(Stats, picture_width) == 88);
    assert!(offset_of!(Stats, picture_height) == 92);
    assert!(offset_of!(Stats, reserved) == 96);

    assert!(size_of::<Device>() == 184);
    assert!(offset_of!(Device, display_width_px) == 0);
    assert!(offset_of!(Device, display_height_px) == 4);
    assert!(offset_of!(Device, display_width_mm) == 8);
    assert!(offset_of!(Device, display_height_mm) == 12);
    assert!(offset_of!(Device, network_hash) == 16);
    assert!(offset_of!(Device, network_name) == 24);
    assert!(offset_of!(Device, camera_name) == 88);
    assert!(offset_of!(Device, reserved) == 152);

    assert!(size_of::<Why>() == 184);
    assert!(offset_of!(Why, since_ns) == 0);
    assert!(offset_of!(Why, status) == 8);
    assert!(offset_of!(Why, reserved_0) == 12);
    assert!(offset_of!(Why, text) == 16);
    assert!(offset_of!(Why, reserved) == 144);

    assert!(size_of::<CalibrationNote>() == 184);
    assert!(offset_of!(CalibrationNote, status) == 0);
    assert!(offset_of!(CalibrationNote, grade) == 4);
    assert!(offset_of!(CalibrationNote, generation) == 8);
    assert!(offset_of!(CalibrationNote, error) == 12);
    assert!(offset_of!(CalibrationNote, created_unix_s) == 16);
    assert!(offset_of!(CalibrationNote, user) == 24);
    assert!(offset_of!(CalibrationNote, text) == 56);

    assert!(size_of::<ClipsNote>() == 184);
    assert!(offset_of!(ClipsNote, status) == 0);
    assert!(offset_of!(ClipsNote, face) == 4);
    assert!(offset_of!(ClipsNote, since_ns) == 8);
    assert!(offset_of!(ClipsNote, clips) == 16);
    assert!(offset_of!(ClipsNote, memory) == 20);
    assert!(offset_of!(ClipsNote, bytes) == 24);
    assert!(offset_of!(ClipsNote, missed) == 32);
    assert!(offset_of!(ClipsNote, finished) == 40);
    assert!(offset_of!(ClipsNote, text) == 48);
    assert!(offset_of!(ClipsNote, reserved) == 176);
};
