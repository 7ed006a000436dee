//! The publish thread: one sample every 1/60 s, whatever the camera does.
//!
//! On the way from frame to sample: after warm-up it takes no lock, allocates
//! nothing, logs nothing and touches no disk. It ticks on its own clock with
//! absolute deadlines; a tick that comes late is published late and counted,
//! ticks that were missed whole are skipped, never made up for.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ring::layout::{
    AssistantNote, AssistantStatus, ClipsStatus, Reason, Sample, State, Stats, flags, recording,
};
use ring::{Writer, clock};
use ringbuf::HeapCons;
use ringbuf::traits::Consumer;

use super::compose::Composer;
use super::latency::Latency;
use super::measurement::{Measurement, NetworkTag};
use super::shared::Shared;
use super::ticker::Ticker;
use crate::alloc::allocations_of_this_thread;
use crate::calibrations::note::now_unix_s;
use crate::sources::{Victim, dies};

/// Samples a second.
pub const RATE_HZ: u64 = 60;
/// While paused every so many-th tick is enough to say so, and to show readers within the 80 ms after
/// which they look whether we live: a wake costs more than all that is done in it.
const PAUSED_TICKS: u64 = 2;
/// The header's statistics are renewed this often, in ticks.
const STATS_EVERY: u64 = 15;
/// Ticks after which buffers have their final size.
const WARM_UP_TICKS: u64 = 120;

/// What the publish thread needs.
pub struct Publish {
    /// The state shared by all threads.
    pub shared: Arc<Shared>,
    /// Measurements from perception.
    pub measured: HeapCons<Measurement>,
    /// The shared memory.
    pub writer: Writer,
    /// Marks samples of the bundled demo.
    pub demo: bool,
    /// The network at the start, if one runs, and the generation that the header gave it.
    pub network: Option<(NetworkTag, u32)>,
}

impl Publish {
    /// Runs until the daemon stops, then says so in the header.
    pub fn run(mut self) {
        let mut composer = Composer::new(self.demo);
        let mut ticker = Ticker::new(RATE_HZ);
        let mut latency = Latency::new();
        let mut stats = Stats::default();
        let mut said = None;
        let mut clips_said = None;
        let mut engine_said = None;
        let mut assistant_said = None;
        let mut display: Option<(u32, u32)> = None;
        let mut noted = None;
        let mut rate = FrameRate::new();
        let mut ticks = 0u64;
        let mut allocations_when_warm = 0;
        while !self.shared.stopping() {
            let paused = self.shared.paused();
            stats.late_ticks += ticker.wait(if paused { PAUSED_TICKS } else { 1 });
            dies(Victim::Publish);
            ticks += 1;

            if ticks % RATE_HZ == 1 {
                composer.set_unix_time(now_unix_s());
            }
            // The guard is held for this tick only; storing a new mapping waits
            // for nobody and nobody waits for it.
            let stored = self.shared.mapping.load();
            let mut fresh = None;
            while let Some(m) = self.measured.try_pop() {
                composer.absorb(&m, &stored.for_network(m.network.number));
                fresh = Some(m);
            }
            // A calibration is for one network: until the keeper has found the next one's,
            // its samples have none.
            let tag = composer.network().copied();
            let mapping = stored.for_network(tag.map_or(stored.network, |t| t.number));
            let news = self.shared.source();
            // In the tick of the first sample that is from it.
            if let Some(tag) = tag
                && self.network.is_none_or(|(now, _)| now != tag)
            {
                let generation = self.writer.set_network(&tag.sha256, tag.name());
                self.network = Some((tag, generation));
            }
            if display.is_none_or(|(version, _)| version != mapping.display_version) {
                let s = &mapping.screen;
                let generation = self.writer.set_display(
                    (s.width_px, s.height_px),
                    (s.width_mm as f32, s.height_mm as f32),
                );
                display = Some((mapping.display_version, generation));
            }
            // In the tick of the first sample that is made with it.
            if noted != Some((mapping.note_version, mapping.network)) {
                noted = Some((mapping.note_version, mapping.network));
                self.writer.set_calibration(&mapping.note);
            }
            let clips = self.shared.clips.load();
            if clips_said != Some(**clips) {
                clips_said = Some(**clips);
                self.writer.set_clips(&clips);
            }
            let engine = self.shared.engine.note();
            if engine_said != Some(**engine) {
                engine_said = Some(**engine);
                self.writer.set_engine(&engine);
            }
            drop(engine);
            let storing = [
                (self.shared.record.is_recording(), recording::PICTURES),
                (clips.status() == ClipsStatus::Recording, recording::CLIP),
            ];
            let bits = storing
                .iter()
                .filter(|(on, _)| *on)
                .map(|(_, bit)| bit)
                .sum();
            self.writer.set_recording(bits);
            // One present: what is valid now is not told as of a later moment.
            let now_ns = clock::now_ns();
            let mut sample = composer.compose(now_ns, news.state, news.reason, &mapping);
            sample.display_generation = display.map_or(0, |(_, generation)| generation);
            sample.network_generation = self.network.map_or(0, |(_, generation)| generation);
            let assistant = offered(&self.shared.assistant.load(), &sample, now_ns);
            if assistant_said != Some(assistant) {
                assistant_said = Some(assistant);
                self.writer.set_assistant(&assistant);
            }
            self.writer.publish_at(&mut sample, now_ns); // also the heartbeat
            stats.predicted += u64::from(sample.has(flags::PREDICTED));
            if let Some(m) = fresh {
                stats.faults += u64::from(m.fault);
                self.writer.publish_faces(&m.table);
                latency.record(m.captured_ns, m.perceived_ns, sample.published_ns);
            }
            self.writer.wake();
            stats.samples += 1;

            let refused = self.shared.network_refused.load();
            // Refusals of before are kept for a while, so that their places tell them apart.
            let version = (news.number, Arc::as_ptr(&refused));
            if said != Some(version) {
                said = Some(version);
                let why = match (news.state, news.why.is_empty()) {
                    (State::Running, true) => refused.as_str(),
                    _ => news.why.as_str(),
                };
                self.writer.set_state(news.state, news.reason, why);
                self.writer.set_camera(&news.name);
            }
            if ticks.is_multiple_of(STATS_EVERY) {
                stats.publish_mhz = ticker.rate_millihz();
                stats.camera_mhz = rate.of(self.shared.frames_in.load(Relaxed), clock::now_ns());
                self.tell(&mut stats, &mut latency);
            }
            if ticks == WARM_UP_TICKS {
                allocations_when_warm = allocations_of_this_thread();
            } else if ticks > WARM_UP_TICKS {
                let made = allocations_of_this_thread() - allocations_when_warm;
                self.shared.publish_allocations.store(made, Relaxed);
            }
        }
        self.tell(&mut stats, &mut latency);
        // Why it ended stays readable after it: the clip is over, a thread died.
        let news = self.shared.source();
        let (reason, why) = match news.state {
            State::Ended | State::Fault => (news.reason, news.why.as_str()),
            _ => (Reason::Stopped, "gazed was told to end"),
        };
        // A last sample, so that nobody takes the one before it for the present.
        self.writer.publish(&mut Sample {
            state: State::Stopped.raw(),
            reason: reason.raw(),
            ..Sample::default()
        });
        self.writer.set_recording(0);
        let mut clips = **self.shared.clips.load();
        if matches!(
            clips.status(),
            ClipsStatus::Watching | ClipsStatus::Recording
        ) {
            clips.status = ClipsStatus::Off.raw();
        }
        self.writer.set_clips(&clips);
        self.writer.set_assistant(&AssistantNote {
            status: AssistantStatus::Off.raw(),
            coarse: 0,
            ..**self.shared.assistant.load()
        });
        self.writer.set_state(State::Stopped, reason, why);
        self.writer.close();
    }

    /// Puts the counters and percentiles into the header.
    fn tell(&mut self, stats: &mut Stats, latency: &mut Latency) {
        stats.frames_in = self.shared.frames_in.load(Relaxed);
        stats.frames_dropped = self.shared.frames_dropped.load(Relaxed);
        stats.camera_reconnects = self.shared.reconnects.load(Relaxed);
        let size = self.shared.picture.load(Relaxed);
        (stats.picture_width, stats.picture_height) = (size >> 16, size & 0xFFFF);
        latency.fill(stats);
        self.writer.stats(stats);
    }
}

/// The assistant's note of this tick: its region is offered while pictures come in which no
/// face is measured, and for as long as it is fresh. The sample is not touched.
fn offered(note: &AssistantNote, sample: &Sample, now_ns: u64) -> AssistantNote {
    let without_face = matches!(sample.reason(), Reason::NoFace | Reason::Fault)
        && sample.state() == State::Running
        && !sample.has(flags::FACE);
    AssistantNote {
        coarse: u32::from(without_face && note.is_fresh(now_ns)),
        ..*note
    }
}

/// Frames a second as they really come, over about a second.
struct FrameRate {
    since_ns: u64,
    frames: u64,
    millihz: u32,
}

impl FrameRate {
    fn new() -> Self {
        FrameRate {
            since_ns: clock::now_ns(),
            frames: 0,
            millihz: 0,
        }
    }

    /// Thousandths of a frame a second, given how many came until `now_ns`.
    fn of(&mut self, frames: u64, now_ns: u64) -> u32 {
        let elapsed = now_ns.saturating_sub(self.since_ns);
        if elapsed >= 1_000_000_000 {
            let came = u128::from(frames.saturating_sub(self.frames));
            self.millihz = (came * 1_000_000_000_000 / u128::from(elapsed)) as u32;
            (self.since_ns, self.frames) = (now_ns, frames);
        }
        self.millihz
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coarse_region_is_offered_only_while_no_face_is_measured_and_it_is_fresh() {
        let note = AssistantNote {
            region: 3,
            captured_ns: 1_000_000_000,
            fresh_ms: 2000,
            ..AssistantNote::default()
        };
        let without = |reason: Reason| Sample {
            state: State::Running.raw(),
            reason: reason.raw(),
            ..Sample::default()
        };
        let at = |now_ns, sample: &Sample| offered(&note, sample, now_ns).coarse;
        let no_face = without(Reason::NoFace);
        assert_eq!(at(3_000_000_000, &no_face), 1);
        assert_eq!(at(3_000_000_001, &no_face), 0, "too old");
        let face = Sample {
            flags: flags::FACE,
            ..without(Reason::Fault)
        };
        let paused = Sample {
            state: State::Paused.raw(),
            ..no_face
        };
        for other in [
            face,
            paused,
            without(Reason::NoFrames),
            without(Reason::None),
        ] {
            assert_eq!(at(2_000_000_000, &other), 0, "{other:?}");
        }
        let nothing = AssistantNote { region: 0, ..note };
        assert_eq!(offered(&nothing, &no_face, 2_000_000_000).coarse, 0);
    }

    #[test]
    fn the_frame_rate_is_what_came_not_what_was_promised() {
        let mut rate = FrameRate {
            since_ns: 0,
            frames: 0,
            millihz: 0,
        };
        assert_eq!(
            rate.of(15, 500_000_000),
            0,
            "half a second says nothing yet"
        );
        assert_eq!(rate.of(30, 1_000_000_000), 30_000);
        assert_eq!(rate.of(54, 2_000_000_000), 24_000);
        assert_eq!(rate.of(54, 3_000_000_000), 0, "a stalled camera gives none");
    }
}
