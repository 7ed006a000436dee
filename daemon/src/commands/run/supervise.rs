//! Watches over the running threads: hears signals and news until it is time to end.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use ring::{Witness, Writer};
use signal_hook::consts::{SIGHUP, SIGUSR1};
use signal_hook::iterator::Signals;

use super::assemble::Ready;
use super::{Plan, check_named_calibration, resolve};
use crate::commands::window::{Close, Desktop};
use crate::exit::{Exit, Failure, Outcome};
use crate::log::say;
use crate::pipeline::{Daemon, Event};
use crate::side::outlet;
#[cfg(target_os = "macos")]
use crate::sources;

/// Pictures between perception and the window: one is drawn, one comes.
const WINDOW_VIEWS: usize = 3;

/// How often the supervisor looks what nobody tells it.
const GLANCE: Duration = Duration::from_millis(250);

/// The window has the main thread, where a Mac wants it; the supervisor has another.
pub(super) fn with_window(
    plan: &Plan,
    mut ready: Ready,
    writer: Writer,
    witness: &Witness,
    signals: Signals,
) -> Outcome {
    let desktop = match Desktop::connect() {
        Ok(desktop) => desktop,
        Err(failure) => {
            writer.unlink();
            return Err(failure);
        }
    };
    let (outlet, inlet) = outlet::pair(WINDOW_VIEWS);
    ready.side.window = Some(outlet);
    let daemon = ready.into_daemon(writer)?;
    let (shared, tell, closer) = (daemon.shared.clone(), daemon.tell.clone(), desktop.closer());
    std::thread::scope(|scope| {
        let supervisor = scope.spawn(move || {
            let outcome = supervise(plan, daemon, witness, signals);
            // The window may have gone first.
            let _ = closer.send_event(Close);
            outcome
        });
        let shown = desktop.show(inlet, shared, tell.clone());
        let _ = tell.send(Event::Stop);
        let outcome = supervisor.join().unwrap_or_else(|_| {
            Err(Failure::new(
                Exit::Fault,
                "the supervisor died; please report this",
            ))
        });
        shown.and(outcome)
    })
}

/// Hears signals and news of the threads until it is time to end.
pub(super) fn supervise(
    plan: &Plan,
    daemon: Daemon,
    witness: &Witness,
    signals: Signals,
) -> Outcome {
    if let Err(e) = hear_signals(signals, daemon.tell.clone()) {
        daemon.stop();
        return Err(Failure::new(
            Exit::Fault,
            format!("signals cannot be heard: {e}"),
        ));
    }
    let mut waiting = None;
    let mut look_at = Instant::now();
    let outcome = loop {
        if let Err(lost) = look_after(witness, &mut look_at) {
            break Err(lost);
        }
        match waiting
            .take()
            .map_or_else(|| next_event(&daemon, look_at), Ok)
        {
            Err(RecvTimeoutError::Timeout) => {} // nothing happened until the next look
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break Ok(Exit::Ok),
            Ok(Event::SourceEnded) => {
                // What is on its way is still measured and published.
                std::thread::sleep(Duration::from_millis(200));
                let frames = daemon.shared.frames_in.load(Relaxed);
                say!("the clip ended after {frames} frames; add --loop to repeat it");
                break Ok(Exit::Ok);
            }
            Ok(Event::SourceFailed(error)) => {
                break Err(Failure::new(error.exit(), error.to_string()));
            }
            Ok(Event::ThreadDied { thread, why }) => {
                break Err(Failure::new(
                    Exit::Fault,
                    format!("{thread} died: {why}; please report this, the service restarts gazed"),
                ));
            }
            Ok(Event::Reload) => {
                // Of a storm of them the last one is enough.
                waiting = std::iter::from_fn(|| daemon.events.try_recv().ok())
                    .find(|event| !matches!(event, Event::Reload));
                reload(plan, &daemon);
            }
            Ok(Event::TogglePause) => {
                let paused = daemon.toggle_pause();
                say!(
                    "{}",
                    if paused {
                        "paused, camera closed"
                    } else {
                        "resumed"
                    }
                );
            }
        }
    };
    let left = daemon.stop();
    if !left.is_empty() {
        say!("ended while {} was still busy", left.join(" and "));
    }
    outcome
}

/// How often the shared memory is looked after, whatever else happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks whether readers still find what is written, when it is time to: if not, nobody new can
/// read, and whoever starts services starts another.
pub(super) fn look_after(witness: &Witness, at: &mut Instant) -> Result<(), Failure> {
    if Instant::now() < *at {
        return Ok(());
    }
    *at = Instant::now() + LOOK_EVERY;
    witness
        .look()
        .map_err(|lost| Failure::new(Exit::SharedMemory, lost.to_string()))
}

/// The next event, or none until then. Meanwhile it looks what becomes of networks, which their threads do not say
/// themselves; and a Mac tells which cameras came and went through the main thread's run loop,
/// which nobody else runs (with a window, its own loop does).
fn next_event(daemon: &Daemon, until: Instant) -> Result<Event, RecvTimeoutError> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // With the camera closed there is nothing to see, but for a Mac's cameras.
        let rests = daemon.shared.paused() && !cfg!(target_os = "macos");
        let glance = if rests { left } else { GLANCE.min(left) };
        match daemon.events.recv_timeout(glance) {
            Err(RecvTimeoutError::Timeout) if Instant::now() < until => {
                daemon.shared.engine.look();
                #[cfg(target_os = "macos")]
                sources::camera::hear_of_devices();
            }
            other => return other,
        }
    }
}

/// Takes up changed settings that can change while running; on any trouble what
/// is in force stays in force.
fn reload(plan: &Plan, daemon: &Daemon) {
    let next = resolve(plan).and_then(|s| check_named_calibration(&s).map(|()| s));
    match next {
        Ok(settings) => {
            daemon.reload(settings);
            say!(
                "settings read again; user, display, filter, calibration, network, \
                 clips, hooks and assistant follow at once, all else needs a restart"
            );
        }
        Err(failure) => say!("nothing changed: {failure}"),
    }
}

/// A small thread of its own that turns signals into events.
fn hear_signals(mut signals: Signals, tell: Sender<Event>) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("gaze-signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                let event = match signal {
                    SIGHUP => Event::Reload,
                    SIGUSR1 => Event::TogglePause,
                    _ => Event::Stop,
                };
                if tell.send(event).is_err() {
                    return;
                }
            }
        })?;
    Ok(())
}
