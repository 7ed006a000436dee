//! What computes the networks, and how urgent the threads are: kept for the header.
//!
//! Told by the threads that load networks and by those that ask for urgency, before they
//! begin; the publisher reads it, and stores it when it is another one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use ring::layout::{EngineNote, Provider as Code, engine, put_text};
use vision::Provider;
use vision::coreml::{self, ComputeUnits, CoreMl, News, Tell, Turn};

use crate::log::say;
use crate::pipeline::priority::RealtimeDenied;

/// What the settings ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProviderWish {
    /// CoreML on a Mac, the processor elsewhere.
    #[default]
    Auto,
    /// CoreML; the processor where that cannot.
    CoreMl,
    /// The processor.
    Cpu,
}

impl ProviderWish {
    /// By the name that settings use.
    pub fn named(name: &str) -> Option<ProviderWish> {
        Some(match name {
            "auto" => ProviderWish::Auto,
            "coreml" => ProviderWish::CoreMl,
            "cpu" => ProviderWish::Cpu,
            _ => return None,
        })
    }

    /// What sessions are made with; `tell` hears how it goes with CoreML.
    pub fn provider(self, units: ComputeUnits, tell: Tell) -> Provider {
        match self {
            ProviderWish::Cpu => Provider::Cpu,
            ProviderWish::Auto if cfg!(not(target_os = "macos")) => Provider::Cpu,
            ProviderWish::Auto | ProviderWish::CoreMl => Provider::CoreMl(CoreMl {
                cache: coreml::default_cache(),
                units,
                tell,
            }),
        }
    }
}

/// How it stands, for whoever writes the header.
#[derive(Debug, Default)]
pub struct Engine {
    known: Mutex<Known>,
    note: ArcSwap<EngineNote>,
}

#[derive(Debug, Default)]
struct Known {
    /// By what a network does: its file's name, and why CoreML does not compute it.
    networks: BTreeMap<String, (String, Option<String>)>,
    /// Networks that are computed by the processor as was asked.
    plain: bool,
    compiling: Option<String>,
    denied: Option<String>,
    /// Notes that the publisher may still hold: it must not be the one who frees them.
    retired: Vec<Arc<EngineNote>>,
}

impl Engine {
    /// Networks run that the processor computes, as was asked.
    pub fn computes_plainly(&self) {
        self.change(|known| known.plain = true);
    }

    /// It hears of networks that are loaded, and says on standard error what takes long or
    /// is not as was asked.
    pub fn hears(self: &Arc<Self>) -> Tell {
        let engine = self.clone();
        Tell::whom(move |news| engine.hear(news))
    }

    fn hear(&self, news: &News) {
        let name = news.network.trim_end_matches(".onnx");
        let why = match news.turn {
            Turn::Compiling => {
                say!("compiling {name} for CoreML, once…");
                self.change(|known| known.compiling = Some(name.to_owned()));
                return;
            }
            Turn::Runs(Some(seconds)) => {
                say!("{name} is compiled for CoreML, in {seconds:.1} s");
                None
            }
            Turn::Runs(None) => None,
            Turn::FellBack(why) => Some(why.to_owned()),
        };
        let mut before = None;
        self.change(|known| {
            known.compiling = None;
            let how = (name.to_owned(), why.clone());
            before = known.networks.insert(news.kind.to_owned(), how);
        });
        // Some networks are loaded twice, and the second one comes to the same.
        if let Some(why) = why
            && before.is_none_or(|(_, known)| known.as_ref() != Some(&why))
        {
            say!("{name} is computed by the processor, not by CoreML: {why}");
        }
    }

    /// The threads are as urgent as all others.
    pub fn denied(&self, denied: &RealtimeDenied) {
        let line = format!("{}: {}", denied.call, denied.reason);
        self.change(|known| {
            known.denied.get_or_insert(line);
        });
    }

    /// As the header is to have it.
    pub fn note(&self) -> Guard<Arc<EngineNote>> {
        self.note.load()
    }

    fn change(&self, what: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        what(&mut known);
        let next = known.note();
        known.retired.retain(|note| Arc::strong_count(note) > 1);
        if **self.note.load() != next {
            known.retired.push(self.note.swap(Arc::new(next)));
        }
    }
}

impl Known {
    fn note(&self) -> EngineNote {
        let fell_back: Vec<(&str, &str)> = self
            .networks
            .values()
            .filter_map(|(name, why)| Some((name.as_str(), why.as_deref()?)))
            .collect();
        let provider = match (fell_back.len(), self.networks.len()) {
            (0, 0) if self.plain => Code::Cpu,
            (0, 0) => Code::Unknown,
            (0, _) => Code::Coreml,
            (back, all) if back == all => Code::Cpu,
            _ => Code::Mixed,
        };
        let text = match (&self.compiling, fell_back.as_slice()) {
            (Some(name), _) => format!("compiling {name} for CoreML, once…"),
            (None, []) => String::new(),
            // One reason for all is said once.
            (None, [(_, first), rest @ ..])
                if provider == Code::Cpu && rest.iter().all(|(_, why)| why == first) =>
            {
                (*first).to_owned()
            }
            (None, some) => {
                let each = some.iter().map(|(name, why)| format!("{name}: {why}"));
                each.collect::<Vec<_>>().join("; ")
            }
        };
        let bits = [
            (!fell_back.is_empty(), engine::FELL_BACK),
            (self.compiling.is_some(), engine::COMPILING),
            (self.denied.is_some(), engine::REALTIME_DENIED),
        ];
        EngineNote {
            provider: provider.raw(),
            flags: bits.iter().filter(|(on, _)| *on).map(|(_, bit)| bit).sum(),
            text: put_text(&text),
            priority: put_text(self.denied.as_deref().unwrap_or("")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::layout::text_of;

    fn news<'a>(kind: &'a str, network: &'a str, turn: Turn<'a>) -> News<'a> {
        News {
            kind,
            network,
            turn,
        }
    }

    #[test]
    fn the_note_says_what_computes_and_why_not() {
        let engine = Arc::new(Engine::default());
        let says = || {
            let note = engine.note();
            (note.provider(), note.flags, text_of(&note.text))
        };
        assert_eq!(says(), (Code::Unknown, 0, String::new()));
        engine.hear(&news(
            "face-detector",
            "face_detector.onnx",
            Turn::Compiling,
        ));
        let line = "compiling face_detector for CoreML, once…".to_owned();
        assert_eq!(says(), (Code::Unknown, engine::COMPILING, line));
        engine.hear(&news(
            "face-detector",
            "face_detector.onnx",
            Turn::Runs(Some(4.0)),
        ));
        assert_eq!(says(), (Code::Coreml, 0, String::new()));
        engine.hear(&news("gaze", "mine", Turn::FellBack("it is too new")));
        let line = "mine: it is too new".to_owned();
        assert_eq!(says(), (Code::Mixed, engine::FELL_BACK, line));
        engine.hear(&news(
            "face-detector",
            "face_detector.onnx",
            Turn::FellBack("it is too new"),
        ));
        let line = "it is too new".to_owned();
        assert_eq!(says(), (Code::Cpu, engine::FELL_BACK, line));
        // Another network takes the refused one's place.
        engine.hear(&news("gaze", "base", Turn::Runs(None)));
        engine.hear(&news(
            "face-detector",
            "face_detector.onnx",
            Turn::Runs(None),
        ));
        assert_eq!(says(), (Code::Coreml, 0, String::new()));
    }

    #[test]
    fn threads_that_may_not_go_first_are_said_beside_it() {
        let engine = Engine::default();
        engine.computes_plainly();
        engine.denied(&RealtimeDenied {
            call: "nice -10",
            reason: "not permitted".into(),
        });
        let note = engine.note();
        assert_eq!(
            (note.provider(), note.flags),
            (Code::Cpu, engine::REALTIME_DENIED)
        );
        assert_eq!(text_of(&note.priority), "nice -10: not permitted");
        assert_eq!(text_of(&note.text), "");
    }

    #[test]
    fn only_a_mac_asks_for_coreml_by_itself() {
        let of = |wish: ProviderWish| wish.provider(ComputeUnits::All, Tell::default());
        assert_eq!(of(ProviderWish::Cpu), Provider::Cpu);
        assert!(matches!(of(ProviderWish::CoreMl), Provider::CoreMl(_)));
        let auto = matches!(of(ProviderWish::Auto), Provider::CoreMl(_));
        assert_eq!(auto, cfg!(target_os = "macos"));
    }
}
