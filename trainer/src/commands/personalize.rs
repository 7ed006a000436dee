//! `gaze-trainer personalize`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::train::{Failure, end, error, open, say, tell};
use crate::device;
use crate::net::checkpoint;
use crate::train::examples::Examples;
use crate::train::personal::{LEAST_TARGETS, Seen, winner};

/// What `personalize --help` says at its end.
pub const AFTER_HELP: &str = "\
5 to 20 points are usual. Tried are: the network as it was, an offset, an affine map of what
it says, and its last layer's weights, each held back more or less; the one that errs least at
targets left out is stored as OUT, for `gaze-trainer export`. Two errors are told of it: its own
at targets left out, which is the best of eight and so a little too good, and the error to expect
(`expected` in JSON): each target in turn is kept from choosing and from fitting. Both are of these
sittings; in another one it can be more (`gaze-trainer study` tests there).

Exit codes:
  0   OUT is there
  2   the command line is wrong
  3   too few targets, another person's name, or crops of another kind
  4   OUT cannot be written
  5   the network or the cache cannot be read
  6   memory was not enough
  70  a fault of gaze-trainer

Examples:
  gaze-trainer personalize runs/1/best mine.cache --out runs/mine
  gaze-trainer personalize runs/1/best all.cache --person anna --out runs/anna --json";

/// Arguments of `personalize`.
#[derive(Debug, Args)]
pub struct Personalize {
    /// Folder of a network that `train` stored
    network: PathBuf,
    /// A cache that `prepare` made of the new user's pictures, or their folder
    source: PathBuf,
    /// Folder for the user's own network
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Whose pictures, where the cache has several people's
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// What computes: cpu, cuda, vulkan, wgpu, metal, tch, tch-cuda
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    device: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Personalize {
    /// Tunes and stores.
    pub fn run(self) -> ExitCode {
        end(|| self.tune().map(|()| false))
    }

    fn tune(&self) -> Result<(), Failure> {
        let device = device::open(&self.device).map_err(|e| (2, e.to_string()))?;
        let (mut plan, mut net) =
            checkpoint::load(&self.network, &device).map_err(|e| (5, e.to_string()))?;
        // What it told of its errors was of people whom it does not know.
        if plan.spread.take().is_some() {
            net.spread = None;
            tell("its spread is left out: it was of people whom it does not know");
        }
        let cache = open(&self.source)?;
        let examples = Examples::new(&cache, &plan).map_err(|e| (3, e.to_string()))?;
        let mut of = examples.usable().map_err(|e| (3, e.to_string()))?;
        let persons = &cache.header.persons;
        match &self.person {
            Some(name) => {
                let Some(number) = persons.iter().position(|p| p == name) else {
                    return Err((
                        3,
                        format!(
                            "nobody is called \"{name}\"; there are {}",
                            persons.join(", ")
                        ),
                    ));
                };
                of.retain(|i| usize::from(cache.samples[*i].person) == number);
            }
            None if persons.len() > 1 => {
                return Err((
                    3,
                    format!(
                        "there are {} people; say whose with --person ({})",
                        persons.len(),
                        persons.join(", ")
                    ),
                ));
            }
            None => {}
        }
        let targets: std::collections::BTreeSet<u16> =
            of.iter().map(|i| cache.samples[*i].target).collect();
        if targets.len() < LEAST_TARGETS {
            let line = format!(
                "{} targets are too few; look at {LEAST_TARGETS} to 20",
                targets.len()
            );
            return Err((3, line));
        }
        let seen = Seen::new(&net, examples, &of, &device);
        let tried = seen.try_all(|_| true);
        let best = winner(&tried).ok_or((70, "nothing was tried".to_owned()))?;
        let expected = seen.expected(|_| true);
        let own = seen.tuned(&net, |_| true, best.change);
        checkpoint::save(&self.out, &plan, &own).map_err(|e| (4, e.to_string()))?;
        if self.json {
            say(&serde_json::json!({"out": self.out, "targets": targets.len(), "samples": of.len(), "tried": tried, "chosen": best, "expected": expected}).to_string());
            return Ok(());
        }
        for t in &tried {
            let mark = if t.change == best.change { "▸" } else { " " };
            say(&format!(
                "{mark} {:<28} errs {}",
                t.change.words(),
                error(&t.left_out)
            ));
        }
        tell(&format!(
            "{}: {} pictures at {} targets; expect {} at targets that had no say",
            self.out.display(),
            of.len(),
            targets.len(),
            error(&expected)
        ));
        Ok(())
    }
}
