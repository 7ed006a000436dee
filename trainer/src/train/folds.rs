//! What is learned from and what is tested on: never the same person (or target), never the
//! same sitting.

use std::collections::{BTreeMap, BTreeSet};

use render::maths::Rng;
use serde::{Deserialize, Serialize};

use crate::data::sample::Sample;

/// What the two sides must not share, beside sittings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// People: how good a network is for somebody it has never seen.
    Person,
    /// Targets: how good it is for the same people elsewhere on the screen, another time.
    Target,
    /// Targets, within a sitting. What a sitting has of its own (light, seat, drift) is known
    /// then: errors come out lower than they will be tomorrow.
    TargetSameSitting,
}

/// Numbers of samples to learn from, and to test on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    /// To learn from.
    pub train: Vec<usize>,
    /// To test on.
    pub test: Vec<usize>,
}

/// Why samples cannot be parted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FoldError {
    /// There is nothing.
    #[error("nothing to learn from: no sample is left")]
    Nothing,
    /// By person, of one.
    #[error("one person only: nobody is left to test on; use --by target")]
    OnePerson,
    /// By target, of one.
    #[error("one target only: nothing can be told apart; record five targets or more")]
    OneTarget,
    /// By target, in one sitting.
    #[error(
        "one sitting only: nothing is left to test on; record another one, or use --by target-same-sitting (errors come out lower than they will be)"
    )]
    OneSitting,
    /// A group without anything to learn from.
    #[error(
        "{0} samples share their target or their sitting with all others, so they cannot be tested; use --by target-same-sitting or more sittings"
    )]
    Entangled(usize),
    /// One is no fold.
    #[error("folds is {0}: use 2 or more")]
    TooFew(usize),
}

/// Deals `of` (numbers of `samples`) into about `k` folds; every sample is tested exactly once.
///
/// By target, sittings are halved as well: targets of one group in the first half of the
/// sittings are tested by what was learned from other targets in the other half. That makes
/// twice as many folds, each with less to learn from.
///
/// # Errors
/// [`FoldError`].
pub fn folds(
    samples: &[Sample],
    of: &[usize],
    by: By,
    k: usize,
    seed: u64,
) -> Result<Vec<Fold>, FoldError> {
    if k < 2 {
        return Err(FoldError::TooFew(k));
    }
    if of.is_empty() {
        return Err(FoldError::Nothing);
    }
    let targets = deal(of, |i| samples[i].target, k, seed);
    if distinct(&targets) < 2 {
        return Err(FoldError::OneTarget);
    }
    // Group that must differ, and sitting's group that must differ.
    let (first, second) = match by {
        By::Person => {
            let persons = deal(of, |i| samples[i].person, k, seed);
            if distinct(&persons) < 2 {
                return Err(FoldError::OnePerson);
            }
            // A sitting is one person's.
            (persons, None)
        }
        By::TargetSameSitting => (targets, None),
        By::Target => {
            let halves = deal(of, |i| samples[i].session, 2, seed ^ 1);
            if distinct(&halves) < 2 {
                return Err(FoldError::OneSitting);
            }
            (targets, Some(halves))
        }
    };
    let key = |n: usize| (first[n], second.as_ref().map_or(0, |s| s[n]));
    let keys: BTreeSet<_> = (0..of.len()).map(key).collect();
    let mut all = Vec::new();
    for tested in keys {
        let apart = |n: &usize| {
            let (a, b) = key(*n);
            a != tested.0 && (second.is_none() || b != tested.1)
        };
        let test: Vec<usize> = (0..of.len())
            .filter(|n| key(*n) == tested)
            .map(|n| of[n])
            .collect();
        let train: Vec<usize> = (0..of.len()).filter(apart).map(|n| of[n]).collect();
        if train.is_empty() {
            return Err(FoldError::Entangled(test.len()));
        }
        all.push(Fold { train, test });
    }
    Ok(all)
}

/// How many different ones.
fn distinct(groups: &[usize]) -> usize {
    groups.iter().collect::<BTreeSet<_>>().len()
}

/// Group (0 … k − 1) of each of `of`: all with one name together, groups about alike in size.
fn deal(of: &[usize], name: impl Fn(usize) -> u16, k: usize, seed: u64) -> Vec<usize> {
    let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
    for i in of {
        *counts.entry(name(*i)).or_default() += 1;
    }
    let mut rng = Rng::new(seed ^ 0xf01d);
    let mut names: Vec<(usize, u64, u16)> = counts
        .into_iter()
        .map(|(name, count)| (count, rng.bits(), name))
        .collect();
    // The largest first, into what is smallest so far; chance among equals.
    names.sort_unstable_by(|a, b| b.cmp(a));
    let mut sizes = vec![0usize; k];
    let mut group_of: BTreeMap<u16, usize> = BTreeMap::new();
    for (count, _, name) in names {
        let smallest = (0..k).min_by_key(|g| sizes[*g]).unwrap_or(0);
        sizes[smallest] += count;
        group_of.insert(name, smallest);
    }
    of.iter().map(|i| group_of[&name(*i)]).collect()
}
