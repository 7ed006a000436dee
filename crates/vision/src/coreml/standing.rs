//! How it stands with a network that CoreML is to compute, and who is told of it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::models::Network;

/// What computes one network: held by whoever runs it, and gone with it.
#[derive(Debug)]
pub struct Standing {
    kind: String,
    network: String,
    /// Set once, by the thread that runs it, which never waits for a reader.
    why_not: OnceLock<String>,
}

impl Standing {
    /// Of a network that CoreML is to compute.
    pub fn new(network: &Network) -> Standing {
        Standing {
            kind: network.kind.clone(),
            network: network.name.clone(),
            why_not: OnceLock::new(),
        }
    }

    /// What the network does: `face-landmarks`, `gaze`, …
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its file's name.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// Why the processor computes it; `None` while CoreML does, or is about to.
    pub fn why_not(&self) -> Option<&str> {
        self.why_not.get().map(String::as_str)
    }

    /// The processor computes it from now on. The first reason stays.
    pub fn gives_way(&self, why: String) {
        let _ = self.why_not.set(why);
    }
}

/// What happens to a network that CoreML is to compute.
#[derive(Debug, Clone)]
pub struct News<'a> {
    /// Which one. Whoever keeps it keeps it weakly: it goes with the network.
    pub standing: &'a Arc<Standing>,
    /// What happens.
    pub turn: Turn<'a>,
}

/// See [`News`].
#[derive(Debug, Clone, PartialEq)]
pub enum Turn<'a> {
    /// It is being compiled: once, maybe for minutes.
    Compiling,
    /// CoreML computes it from now on; so many seconds it took to compile it, if it had to be.
    Runs(Option<f64>),
    /// The processor computes it from the beginning, for this reason; what comes later is in
    /// [`Standing::why_not`] alone.
    FellBack(&'a str),
}

/// Whom to tell [`News`]; nobody by default. Called by the thread that loads a network.
#[derive(Clone, Default)]
pub struct Tell(Option<Listener>);

type Listener = Arc<dyn Fn(&News) + Send + Sync>;

impl Tell {
    /// This one.
    pub fn whom(hear: impl Fn(&News) + Send + Sync + 'static) -> Tell {
        Tell(Some(Arc::new(hear)))
    }

    pub(crate) fn tell(&self, standing: &Arc<Standing>, turn: Turn) {
        if let Some(hear) = &self.0 {
            hear(&News { standing, turn });
        }
    }
}

impl PartialEq for Tell {
    /// The same one hears it.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Tell {}

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Tell" } else { "nobody" })
    }
}
