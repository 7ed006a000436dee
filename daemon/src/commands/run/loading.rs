//! Loads the networks before the first frame, and says meanwhile that it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gaze::camera::DEFAULT_HFOV_DEG;
use ring::layout::{EngineNote, Reason, State, text_of};
use ring::{Witness, Writer};
use vision::{
    ContactNet, ERRAND_FACES, Looker, ModelStore, Perceiver, PerceiverConfig, Provider, Runtime,
    SessionOptions,
};

use super::supervise::look_after;
use crate::engine::Engine;
use crate::exit::{Exit, Failure};
use crate::pipeline::faces;
use crate::pipeline::measurement::NetworkTag;
use crate::pipeline::networks::Maker;
use crate::settings::{self, FileSettings};

/// While a face is steady, the landmark network sees every fourth frame.
pub(crate) const LANDMARKS_EVERY: u32 = 4;
/// Before an empty chair every third picture of a camera with 30 a second is searched: who comes is
/// found a tenth of a second later, and waiting takes a third. The others are not even unpacked
/// where nobody wants them (`pipeline/capture.rs`).
const SEARCH_EVERY_NS: u64 = 70_000_000;

/// The networks, and what makes others of them.
pub(super) struct Seeing {
    pub(super) perceiver: Perceiver,
    pub(super) network: (NetworkTag, u32),
    pub(super) maker: Maker,
    pub(super) looker: Option<faces::Plan>,
    pub(super) judge: Option<ContactNet>,
}

/// Loads the networks on a thread of its own, because it may take minutes where they are
/// compiled: the header says so meanwhile, and a signal to end is followed. Loading is left
/// behind also where the shared memory is taken away.
pub(super) fn load_meanwhile(
    settings: &FileSettings,
    writer: &mut Writer,
    witness: &Witness,
    engine: &Arc<Engine>,
    end: &AtomicBool,
    lossless: bool,
    buffers: usize,
) -> Result<Seeing, Failure> {
    let fault = |why: String| Failure::new(Exit::Fault, why);
    let (settings, its) = (settings.clone(), engine.clone());
    let loading = std::thread::Builder::new()
        .name("gaze-loading".into())
        .spawn(move || load_networks(&settings, &its, lossless, buffers))
        .map_err(|e| fault(format!("no thread could be started: {e}")))?;
    let mut said = EngineNote::default();
    let mut look_at = Instant::now();
    while !loading.is_finished() {
        if end.load(Relaxed) {
            return Err(Failure::new(Exit::Ok, "told to end"));
        }
        look_after(witness, &mut look_at)?;
        let note = **engine.note();
        if note != said {
            said = note;
            writer.set_engine(&note);
            writer.set_state(State::Starting, Reason::Starting, &text_of(&note.text));
        }
        writer.heartbeat();
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut seeing = loading.join().unwrap_or_else(|_| {
        Err(fault(
            "loading the networks died; please report this".into(),
        ))
    })?;
    let (tag, generation) = &mut seeing.network;
    *generation = writer.set_network(&tag.sha256, tag.name());
    Ok(seeing)
}

fn load_networks(
    settings: &FileSettings,
    engine: &Arc<Engine>,
    lossless: bool,
    buffers: usize,
) -> Result<Seeing, Failure> {
    let refuse = |e: settings::SettingsError| Failure::new(Exit::Settings, e.to_string());
    let (wish, units) = settings.provider_wish().map_err(refuse)?;
    let provider = wish.provider(units, engine.hears());
    if provider == Provider::Cpu {
        engine.computes_plainly();
    }
    let runtime = Runtime::load(settings.runtime.as_deref())
        .map_err(|e| Failure::new(Exit::Runtime, e.to_string()))?;
    let network = |e: vision::ModelError| Failure::new(Exit::Network, e.to_string());
    let store = ModelStore::open(settings.models.as_deref()).map_err(network)?;
    let usual = PerceiverConfig::default();
    let config = PerceiverConfig {
        hfov_deg: settings.hfov_deg.unwrap_or(DEFAULT_HFOV_DEG),
        threads: settings.threads.unwrap_or(1),
        provider,
        // A file that is measured as fast as it goes waits for every face in every frame.
        others_per_frame: if lossless { ERRAND_FACES } else { 0 },
        measure_every_ns: if lossless { 0 } else { usual.measure_every_ns },
        frozen_buffers: buffers,
        search_every_ns: if lossless { 0 } else { SEARCH_EVERY_NS },
        landmarks_every: match settings.landmarks_every {
            Some(every) => every,
            None if lossless => 1,
            None => LANDMARKS_EVERY,
        },
        ..usual
    };
    let options = SessionOptions {
        threads: config.threads,
        provider: config.provider.clone(),
    };
    let contact = settings
        .contact_file()
        .map(|file| ContactNet::open(file, &runtime, &options))
        .transpose()
        .map_err(|e| Failure::new(Exit::Network, e.to_string()))?;
    let mut perceiver = Perceiver::new(&runtime, &store, config.clone()).map_err(network)?;
    let maker = Maker {
        runtime,
        options,
        landmarks: *perceiver.network_hash(),
        store,
    };
    let choice = settings.gaze_choice();
    let made = || {
        let made = maker.make(&choice, 0);
        made.map_err(|e| Failure::new(Exit::Network, e.to_string()))
    };
    let first = made()?;
    perceiver.swap_gaze(first.gaze);
    let (looker, judge) = match lossless {
        true => (None, contact),
        false => {
            let looker = Looker::new(&maker.runtime, &maker.store, &config);
            let mut looker = looker.map_err(network)?;
            looker.swap_gaze(made()?.gaze);
            let plan = faces::Plan {
                looker,
                contact,
                maker: Some(maker.clone()),
            };
            (Some(plan), None)
        }
    };
    Ok(Seeing {
        perceiver,
        network: (first.tag, 0), // the header gives it its number
        maker,
        looker,
        judge,
    })
}
