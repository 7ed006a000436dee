//! A writer for the ring's tests, in a process of its own.
//!
//! `ring_writer NAME HZ STALL_MS`: publishes derived samples (every word follows
//! from the index) at HZ, or as fast as it can at 0 (below 0: with the true time of
//! publishing, which is a heartbeat), a table of faces with every 16th, and obeys lines on standard input: `close` ends cleanly,
//! `unlink` also removes the name, `mute` keeps the process but stores nothing
//! more, `state CODE REASON TEXT` sets the state.

#[path = "../../tests/ring_support/derived.rs"]
mod derived;

use ring::layout::{
    AssistantNote, AssistantStatus, CalibrationNote, CalibrationStatus, ClipsNote, ClipsStatus,
    EngineNote, Grade, Provider, Reason, Region, SourceKind, State, Stats, engine, put_text,
    recording,
};
use ring::{Writer, WriterConfig};
use std::io::BufRead;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, name, hz, stall_ms] = arguments.as_slice() else {
        eprintln!("usage: ring_writer NAME HZ STALL_MS");
        std::process::exit(2);
    };
    let hz: f64 = hz.parse().expect("HZ is a number");
    let stall_after = Duration::from_millis(stall_ms.parse().expect("STALL_MS is a number"));
    let config = WriterConfig {
        source: SourceKind::Clip,
        stall_after,
    };
    let writer = match Writer::create(name, &config) {
        Ok(writer) => writer,
        Err(error) => {
            println!("refused {error}");
            std::process::exit(1);
        }
    };
    println!("ready {}", std::process::id());
    let (send, commands) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    run(writer, hz, &commands);
}

fn run(mut writer: Writer, hz: f64, commands: &Receiver<String>) {
    let start = Instant::now();
    let (mut published, mut muted, mut index) = (0_u32, false, 0);
    writer.stats(&Stats {
        frames_in: 77,
        publish_mhz: 60_000,
        ..Stats::default()
    });
    writer.set_display((1920, 1080), (527.0, 296.0));
    writer.set_network(&[0xab, 1, 2, 3, 4, 5, 6, 7, 8, 9], "geometric");
    writer.set_camera("Kamera für Tests");
    writer.set_calibration(&CalibrationNote {
        status: CalibrationStatus::Kept.raw(),
        grade: Grade::Good.raw(),
        generation: 5,
        error: 0.0625,
        created_unix_s: 1_790_000_000,
        user: put_text("Zoë"),
        text: put_text("zoe.json: not JSON"),
    });
    writer.set_clips(&ClipsNote {
        status: ClipsStatus::Stopped.raw(),
        face: 3,
        since_ns: 12_345,
        clips: 7,
        memory: 1000,
        bytes: 5_000_000_000,
        missed: 11,
        finished: 9,
        text: put_text("clips folder /c is gone"),
        reserved: 0,
    });
    writer.set_engine(&EngineNote {
        provider: Provider::Mixed.raw(),
        flags: engine::FELL_BACK | engine::REALTIME_DENIED,
        text: put_text("face_detector: too new"),
        priority: put_text("nice -10: no"),
    });
    writer.set_assistant(&AssistantNote {
        status: AssistantStatus::Failing.raw(),
        region: Region::BottomLeft.raw(),
        coarse: 1,
        gaze_region: Region::MiddleCenter.raw(),
        captured_ns: 11,
        answered_ns: 12,
        fresh_ms: 13,
        failures: 14,
        asked: 15,
        answered: 16,
        compared: 17,
        agreed: 18,
        text: put_text("nobody answers"),
    });
    writer.set_recording(recording::PICTURES | recording::CLIP);
    writer.set_state(State::Running, Reason::None, "");
    loop {
        // A system call a sample would slow the fast writer down.
        if hz > 0.0 || index % 1024 == 0 {
            match commands.try_recv() {
                Ok(line) => match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                    ["close"] => return writer.close(),
                    ["unlink"] => return writer.unlink(),
                    ["mute"] => muted = true,
                    ["state", state, reason, text @ ..] => writer.set_state(
                        State::from_raw(state.parse().expect("a state")),
                        Reason::from_raw(reason.parse().expect("a reason")),
                        &text.join(" "),
                    ),
                    other => panic!("unknown command {other:?}"),
                },
                Err(TryRecvError::Empty) => {}
                // The test is gone.
                Err(TryRecvError::Disconnected) => return writer.unlink(),
            }
        }
        if muted {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        let mut sample = derived::sample(writer.next_index());
        let now = sample.published_ns;
        index = if hz != 0.0 {
            writer.publish(&mut sample)
        } else {
            writer.publish_at(&mut sample, now)
        };
        if index % 16 == 0 {
            writer.publish_faces(&derived::faces(index));
        }
        if hz == 0.0 && index % 256 == 0 {
            // Lets readers in between where processors are few: half a lap.
            std::thread::yield_now();
        }
        published += 1;
        if hz > 0.0 {
            writer.wake();
            let next = start + Duration::from_secs_f64(f64::from(published) / hz);
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
}
