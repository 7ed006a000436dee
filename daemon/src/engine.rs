//! What computes the networks, and how urgent the threads are: kept for the header.
//!
//! Told by the threads that load networks and by those that ask for urgency, before they
//! begin; the publisher reads it, and stores it when it is another one. What becomes of a network
//! later is written nowhere but beside it ([`Standing`]): the supervisor looks there.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::{ArcSwap, Guard};
use ring::layout::{EngineNote, Provider as Code, engine, put_text};
use vision::Provider;
use vision::coreml::{self, ComputeUnits, CoreMl, News, Standing, Tell, Turn};

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
    /// Networks that CoreML was asked for. They are let go of with whoever runs them.
    networks: Vec<Asked>,
    /// Networks that are computed by the processor as was asked.
    plain: bool,
    denied: Option<String>,
    /// Notes that the publisher may still hold: it must not be the one who frees them.
    retired: Vec<Arc<EngineNote>>,
}

#[derive(Debug)]
struct Asked {
    standing: Weak<Standing>,
    compiling: bool,
    /// It was said that the processor computes it.
    said: bool,
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
        let name = short(news.standing);
        match news.turn {
            Turn::Compiling => say!("compiling {name} for CoreML, once…"),
            Turn::Runs(Some(seconds)) => {
                say!("{name} is compiled for CoreML, in {seconds:.1} s");
            }
            Turn::Runs(None) | Turn::FellBack(_) => {}
        }
        if let Turn::FellBack(why) = news.turn {
            // It knows that itself only when it is loaded.
            news.standing.gives_way(why.to_owned());
        }
        let compiling = news.turn == Turn::Compiling;
        self.change(|known| {
            let standing = Arc::downgrade(news.standing);
            let there = known
                .networks
                .iter_mut()
                .find(|a| a.standing.ptr_eq(&standing));
            match there {
                Some(asked) => asked.compiling = compiling,
                None => known.networks.push(Asked {
                    standing,
                    compiling,
                    said: false,
                }),
            }
        });
    }

    /// Looks again: whether CoreML failed meanwhile, and which networks are no longer used. The
    /// threads that run them do not say so themselves.
    pub fn look(&self) {
        self.change(|_| {});
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
        known.networks.retain(|a| a.standing.strong_count() > 0);
        known.say_what_fell_back();
        let next = known.note();
        known.retired.retain(|note| Arc::strong_count(note) > 1);
        if **self.note.load() != next {
            known.retired.push(self.note.swap(Arc::new(next)));
        }
    }
}

/// A network's name without its ending.
fn short(standing: &Standing) -> &str {
    standing.network().trim_end_matches(".onnx")
}

impl Known {
    /// Some networks are loaded twice, and come to the same: that is said once.
    fn say_what_fell_back(&mut self) {
        let line = |standing: &Standing| {
            let why = standing.why_not()?.to_owned();
            Some((short(standing).to_owned(), why))
        };
        let before = self.networks.iter().filter(|a| a.said);
        let mut said: Vec<_> = before
            .filter_map(|a| line(&*a.standing.upgrade()?))
            .collect();
        for asked in &mut self.networks {
            let Some(line) = asked.standing.upgrade().and_then(|s| line(&s)) else {
                continue;
            };
            if !said.contains(&line) {
                if !asked.said {
                    let (name, why) = &line;
                    say!("{name} is computed by the processor, not by CoreML: {why}");
                }
                said.push(line);
            }
            asked.said = true;
        }
    }

    fn note(&self) -> EngineNote {
        let of = |compiling: bool| {
            let asked = self
                .networks
                .iter()
                .filter(move |a| a.compiling == compiling);
            asked.filter_map(|a| a.standing.upgrade())
        };
        let compiling = of(true).next().map(|s| short(&s).to_owned());
        // Each with a reason, or none; those of one name and reason together.
        let mut networks: Vec<(String, Option<String>, usize)> = vec![];
        for standing in of(false) {
            let (name, why) = (short(&standing), standing.why_not());
            let same = networks
                .iter_mut()
                .find(|(n, w, _)| n == name && w.as_deref() == why);
            match same {
                Some((.., count)) => *count += 1,
                None => networks.push((name.to_owned(), why.map(str::to_owned), 1)),
            }
        }
        let fell_back: Vec<(String, &str)> = networks
            .iter()
            .filter_map(|(name, why, count)| {
                let all = networks.iter().filter(|(n, ..)| n == name);
                let all: usize = all.map(|(.., count)| count).sum();
                let name = match all == *count {
                    true => name.clone(),
                    false => format!("{name} ({count} of {all})"),
                };
                Some((name, why.as_deref()?))
            })
            .collect();
        let provider = match (fell_back.len(), networks.len()) {
            (0, 0) if self.plain => Code::Cpu,
            (0, 0) => Code::Unknown,
            (0, _) => Code::Coreml,
            (back, all) if back == all => Code::Cpu,
            _ => Code::Mixed,
        };
        let text = match (&compiling, fell_back.as_slice()) {
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
            (compiling.is_some(), engine::COMPILING),
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

    /// A network that is loaded, as the engine hears of it, and lives as long as this.
    fn load(engine: &Arc<Engine>, file: &str, turn: Turn) -> Arc<Standing> {
        let standing = Arc::new(Standing::new(&vision::Network {
            name: file.into(),
            kind: "any".into(),
            bytes: vec![],
            sha256: [0; 32],
        }));
        tell(engine, &standing, turn);
        standing
    }

    fn tell(engine: &Arc<Engine>, standing: &Arc<Standing>, turn: Turn) {
        engine.hear(&News { standing, turn });
    }

    fn says(engine: &Engine) -> (Code, u32, String) {
        let note = engine.note();
        (note.provider(), note.flags, text_of(&note.text))
    }

    #[test]
    fn the_note_says_what_computes_and_why_not() {
        let engine = Arc::new(Engine::default());
        assert_eq!(says(&engine), (Code::Unknown, 0, String::new()));
        let detector = load(&engine, "face_detector.onnx", Turn::Compiling);
        let line = "compiling face_detector for CoreML, once…".to_owned();
        assert_eq!(says(&engine), (Code::Unknown, engine::COMPILING, line));
        tell(&engine, &detector, Turn::Runs(Some(4.0)));
        assert_eq!(says(&engine), (Code::Coreml, 0, String::new()));
        let gaze = load(&engine, "mine", Turn::FellBack("it is too new"));
        let line = "mine: it is too new".to_owned();
        assert_eq!(says(&engine), (Code::Mixed, engine::FELL_BACK, line));
        // CoreML fails later: nobody tells, but whoever looks sees it.
        detector.gives_way("it is too new".into());
        assert_eq!(says(&engine).0, Code::Mixed);
        engine.look();
        let line = "it is too new".to_owned();
        assert_eq!(says(&engine), (Code::Cpu, engine::FELL_BACK, line));
        // Another network takes the refused one's place.
        let base = load(&engine, "base", Turn::Runs(None));
        drop((gaze, detector));
        engine.look();
        assert_eq!(says(&engine), (Code::Coreml, 0, String::new()));
        drop(base);
        engine.look();
        assert_eq!(
            says(&engine),
            (Code::Unknown, 0, String::new()),
            "nothing is left behind"
        );
    }

    #[test]
    fn the_same_network_loaded_again_hides_nothing() {
        let engine = Arc::new(Engine::default());
        let _primary = load(&engine, "face_landmarks.onnx", Turn::FellBack("it hangs"));
        let others = load(&engine, "face_landmarks.onnx", Turn::Runs(None));
        let line = "face_landmarks (1 of 2): it hangs".to_owned();
        assert_eq!(says(&engine), (Code::Mixed, engine::FELL_BACK, line));
        others.gives_way("it hangs".into());
        engine.look();
        assert_eq!(
            says(&engine),
            (Code::Cpu, engine::FELL_BACK, "it hangs".into())
        );
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
