//! `gaze-trainer spread`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::train::{Failure, end, open, open_all, say, tell};
use crate::data::cache::Cache;
use crate::device;
use crate::net::{GazeNet, Head, NetConfig, SpreadPlan, checkpoint};
use crate::train::examples::Examples;
use crate::train::folds::{By, folds};
use crate::train::spread::{Epoch, ROUGH_COPIES, Reliability, Rows, fit, usual};

/// What `spread --help` says at its end.
pub const AFTER_HELP: &str = "\
Gives a network that answers with a line of sight a second output: the standard deviations of its error
across and up, degrees, for this very look. The line of sight stays as it is, bit for bit. CACHE must hold
people whom the network has NOT learned from; its errors on those whom it has are too small, and it
would be too sure. A fifth of the people says when to stop; each look is learned as it is and made worse
(dim, blurred, noisy, crops that lie off). The table holds what is told against the errors, on people
neither learned nor fitted on: those of --check, or without it another fifth of CACHE's.

Exit codes:
  0   OUT is there
  2   the command line is wrong
  3   too few people, people of --check in CACHE, no lines of sight, or crops of another kind
  4   OUT cannot be written
  5   the network or a cache cannot be read
  6   the fit ran away, or memory was not enough
  70  a fault of gaze-trainer

Examples:
  gaze-trainer spread runs/1/best unseen.cache --out runs/1/spread
  gaze-trainer spread runs/1/best unseen.cache --out runs/1/spread --mirror-average --check others.cache --json
  gaze-trainer export runs/1/spread --cache others.cache --out exported --mirror-average";

/// Arguments of `spread`.
#[derive(Debug, Args)]
pub struct SpreadCommand {
    /// Folder of a network that `train` stored
    network: PathBuf,
    /// A cache of people whom the network has not learned from; several are taken together
    #[arg(required = true, value_name = "CACHE")]
    sources: Vec<PathBuf>,
    /// Folder for the network that tells
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A cache of yet other people, for the table
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// The answer is the mean with the mirrored picture's, as of `export --mirror-average`
    #[arg(long)]
    mirror_average: bool,
    /// Width of the layer between; 0: none
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(0..=1024))]
    hidden: u16,
    /// Where all chance comes from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// What computes: cpu, cuda, vulkan, wgpu, metal, tch, tch-cuda
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    device: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    out: &'a PathBuf,
    /// Looks and people that were fitted on, and that said when to stop.
    fitted_on: [usize; 2],
    stopped_by: [usize; 2],
    epochs: Vec<Epoch>,
    /// On others, as they are …
    clean: Reliability,
    /// … and made worse.
    rough: Reliability,
}

/// Everything that looks are run through.
struct Frozen<'a> {
    net: &'a GazeNet,
    plan: &'a NetConfig,
    mirror: bool,
    device: &'a burn::tensor::Device,
}

impl Frozen<'_> {
    fn rows(&self, cache: &Cache, of: &[usize], rough: Option<u64>) -> Result<Rows, Failure> {
        let examples = Examples::new(cache, self.plan).map_err(|e| (3, e.to_string()))?;
        let (net, mirror) = (self.net, self.mirror);
        Ok(Rows::of(net, &examples, of, mirror, rough, self.device))
    }

    /// As they are, and `copies` times made worse.
    fn all(&self, cache: &Cache, of: &[usize], seed: u64, copies: usize) -> Result<Rows, Failure> {
        let mut rows = self.rows(cache, of, None)?;
        for copy in 0..copies as u64 {
            rows = rows.and(self.rows(cache, of, Some(seed.wrapping_add(copy)))?);
        }
        Ok(rows)
    }
}

impl SpreadCommand {
    /// Fits, stores, prints.
    pub fn run(self) -> ExitCode {
        end(|| self.fit().map(|()| false))
    }

    fn fit(&self) -> Result<(), Failure> {
        let device = device::open(&self.device).map_err(|e| (2, e.to_string()))?;
        let (mut plan, mut net) =
            checkpoint::load(&self.network, &device).map_err(|e| (5, e.to_string()))?;
        if plan.head != Head::Ray {
            let line =
                "the network answers with places on a screen; only lines of sight have a spread";
            return Err((3, line.into()));
        }
        // One that it has already is replaced.
        (plan.spread, net.spread) = (None, None);
        let cache = open_all(&self.sources)?;
        let check = self.check.as_ref().map(|path| open(path)).transpose()?;
        if let Some(check) = &check {
            strangers(&cache, check)?;
        }
        let (learn, stop, held) = self.parted(&cache, &plan, check.is_some())?;
        let frozen = Frozen {
            net: &net,
            plan: &plan,
            mirror: self.mirror_average,
            device: &device,
        };
        tell(&format!(
            "asking the network about {} looks",
            learn.len() + stop.len()
        ));
        let learned = frozen.all(&cache, &learn, self.seed, ROUGH_COPIES)?;
        let stopping = frozen.all(&cache, &stop, self.seed ^ 0x57_0b, 1)?;
        let head = SpreadPlan {
            hidden: usize::from(self.hidden),
            mirror_average: self.mirror_average,
        };
        let fitted = fit(&head, [&learned, &stopping], &usual(self.seed), &device);
        let Some((spread, epochs)) = fitted else {
            return Err((6, "the fit ran away: use other looks, or --hidden 0".into()));
        };
        let (tested, held) = match &check {
            Some(check) => {
                let examples = Examples::new(check, &plan).map_err(|e| (3, e.to_string()))?;
                (check, examples.usable().map_err(|e| (3, e.to_string()))?)
            }
            None => (&cache, held),
        };
        let clean = Reliability::of(&spread, &frozen.rows(tested, &held, None)?);
        let rough = Some(self.seed ^ 0x0b_ad);
        let rough = Reliability::of(&spread, &frozen.rows(tested, &held, rough)?);
        (plan.spread, net.spread) = (Some(head), Some(spread));
        checkpoint::save(&self.out, &plan, &net).map_err(|e| (4, e.to_string()))?;
        let outcome = Outcome {
            out: &self.out,
            fitted_on: [learn.len(), people(&cache, &learn)],
            stopped_by: [stop.len(), people(&cache, &stop)],
            epochs,
            clean,
            rough,
        };
        match self.json {
            true => say(&serde_json::to_string(&outcome).expect("an outcome is JSON")),
            false => say(&table(&outcome)),
        }
        tell(&self.out.display().to_string());
        Ok(())
    }

    /// Looks to fit on, to stop by, and for the table: other people each.
    #[allow(clippy::type_complexity)]
    fn parted(
        &self,
        cache: &Cache,
        plan: &NetConfig,
        checked_elsewhere: bool,
    ) -> Result<(Vec<usize>, Vec<usize>, Vec<usize>), Failure> {
        let examples = Examples::new(cache, plan).map_err(|e| (3, e.to_string()))?;
        let usable = examples.usable().map_err(|e| (3, e.to_string()))?;
        let count = people(cache, &usable);
        if count < 10 {
            let line = format!(
                "{count} people are too few to tell how far strangers' looks are off: use 10 or more, better 100"
            );
            return Err((3, line));
        }
        let all = folds(&cache.samples, &usable, By::Person, 5, self.seed);
        let mut parts = all
            .map_err(|e| (3, e.to_string()))?
            .into_iter()
            .map(|f| f.test);
        let stop = parts.next().unwrap_or_default();
        let held = match checked_elsewhere {
            true => Vec::new(),
            false => parts.next().unwrap_or_default(),
        };
        Ok((parts.flatten().collect(), stop, held))
    }
}

/// The table is of strangers: nobody of `check` may be fitted on.
fn strangers(cache: &Cache, check: &Cache) -> Result<(), Failure> {
    let fitted: std::collections::BTreeSet<&String> = cache.header.persons.iter().collect();
    let mut known = (check.header.persons.iter()).filter(|name| fitted.contains(name));
    let Some(first) = known.next() else {
        return Ok(());
    };
    let others = match known.count() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let line = format!(
        "{first}{others} of --check would be fitted on too: give --check yet other people, or leave it out"
    );
    Err((3, line))
}

fn people(cache: &Cache, of: &[usize]) -> usize {
    let all: std::collections::BTreeSet<u16> =
        of.iter().map(|i| cache.samples[*i].person).collect();
    all.len()
}

/// What a person reads.
fn table(outcome: &Outcome) -> String {
    let [looks, people] = outcome.fitted_on;
    let mut text = format!(
        "fitted on {looks} looks of {people} people, stopped by {} looks of {} others\n",
        outcome.stopped_by[0], outcome.stopped_by[1]
    );
    for (name, of) in [
        ("as they are", &outcome.clean),
        ("made worse", &outcome.rough),
    ] {
        text += &format!(
            "\n{} looks of {} people never learned nor fitted on, {name}\n  told                looks   expected   is off   within\n",
            of.looks, of.people
        );
        for band in &of.bands {
            text += &format!(
                "  {:>5.2}° to {:>5.2}°   {:>6} {:>9.2}° {:>7.2}° {:>6.0} %\n",
                band.told_deg[0],
                band.told_deg[1],
                band.looks,
                band.expected_deg,
                band.off_deg,
                100.0 * band.within
            );
        }
        text += &format!(
            "  within what was told: {:.0} % (63 % of round Gaussians)\n  negative log-likelihood {:.3}, of the best constant ({:.2}° across, {:.2}° up) {:.3}: {:.3} ± {:.3} less\n",
            100.0 * of.within,
            of.nll,
            of.constant_deg[0],
            of.constant_deg[1],
            of.nll_constant,
            of.gain[0],
            of.gain[1]
        );
    }
    text.trim_end().to_owned()
}
