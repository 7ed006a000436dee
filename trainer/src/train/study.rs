//! How the error falls with the number of points that a new user looks at.

use std::collections::BTreeMap;

use burn::tensor::Device;
use render::maths::{Rng, mix_seed};
use serde::{Deserialize, Serialize};

use super::examples::Examples;
use super::judge::Judged;
use super::personal::{LEAST_TARGETS, Seen, winner};
use crate::net::GazeNet;

/// Numbers of points that are tried.
pub const POINTS: [usize; 4] = [5, 9, 13, 20];
/// Times that points are dealt anew for each person and number.
const DEALS: usize = 4;

/// Errors of one person at one number of points, mean over the deals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AtPoints {
    /// Who.
    pub person: String,
    /// Points that the network was tuned on.
    pub points: usize,
    /// Mean error at other targets, of the network as it was, degrees and pixels.
    pub before: [f64; 2],
    /// … and tuned.
    pub after: [f64; 2],
    /// Whether it was tested in other sittings.
    pub other_sitting: bool,
    /// How often each change won.
    pub chosen: BTreeMap<String, usize>,
}

/// Over all people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// Points.
    pub points: usize,
    /// People who have as many and others to be tested at.
    pub persons: usize,
    /// Mean over them: degrees and pixels.
    pub before: [f64; 2],
    /// The same, tuned.
    pub after: [f64; 2],
}

/// Tunes `net`, which has not learned from `person`, on points of theirs, and tests it at their
/// other targets: in other sittings than the points', where there are any.
pub fn of_person(
    net: &GazeNet,
    examples: Examples,
    of: &[usize],
    person: u16,
    seed: u64,
    device: &Device,
) -> Vec<AtPoints> {
    let samples = &examples.cache.samples;
    let own: Vec<usize> = of
        .iter()
        .copied()
        .filter(|i| samples[*i].person == person)
        .collect();
    let seen = Seen::new(net, examples, &own, device);
    let mut sittings: BTreeMap<u16, Vec<u16>> = BTreeMap::new();
    for i in &own {
        sittings
            .entry(samples[*i].session)
            .or_default()
            .push(samples[*i].target);
    }
    for targets in sittings.values_mut() {
        targets.sort_unstable();
        targets.dedup();
    }
    // Points are of the sitting that has most of them.
    let Some((&sitting, targets)) = sittings
        .iter()
        .max_by_key(|(s, t)| (t.len(), u16::MAX - **s))
    else {
        return vec![];
    };
    let other_sitting = sittings.len() > 1;
    let mut rows = Vec::new();
    for points in POINTS {
        let mut sums = ([0.0; 2], [0.0; 2], 0usize);
        let mut chosen = BTreeMap::new();
        for deal in 0..DEALS {
            let mut rng = Rng::new(mix_seed(
                seed,
                0x57d,
                (u64::from(person) << 16) + deal as u64,
            ));
            let mut dealt = targets.clone();
            for i in (1..dealt.len()).rev() {
                dealt.swap(i, (rng.bits() % (i as u64 + 1)) as usize);
            }
            dealt.truncate(points);
            let is_point =
                |i: usize| samples[i].session == sitting && dealt.contains(&samples[i].target);
            let tested = |i: usize| {
                !dealt.contains(&samples[i].target)
                    && (!other_sitting || samples[i].session != sitting)
            };
            if dealt.len() < points || points < LEAST_TARGETS || !own.iter().any(|i| tested(*i)) {
                continue;
            }
            let tried = seen.try_all(is_point);
            let Some(best) = winner(&tried) else { continue };
            let both = |j: Judged| [j.mean_deg, j.mean_px];
            let before = both(seen.apply(is_point, super::personal::Change::AsItWas, tested));
            let after = both(seen.apply(is_point, best.change, tested));
            for k in 0..2 {
                sums.0[k] += before[k];
                sums.1[k] += after[k];
            }
            sums.2 += 1;
            *chosen.entry(best.change.words()).or_default() += 1;
        }
        if sums.2 > 0 {
            rows.push(AtPoints {
                person: examples.cache.header.persons[usize::from(person)].clone(),
                points,
                before: sums.0.map(|v| v / sums.2 as f64),
                after: sums.1.map(|v| v / sums.2 as f64),
                other_sitting,
                chosen,
            });
        }
    }
    rows
}

/// Means over people, for each number of points that anybody has.
pub fn means(rows: &[AtPoints]) -> Vec<Mean> {
    (POINTS.into_iter())
        .filter_map(|points| {
            let of: Vec<&AtPoints> = rows.iter().filter(|r| r.points == points).collect();
            let mean = |f: &dyn Fn(&AtPoints) -> [f64; 2]| {
                [0, 1].map(|k| of.iter().map(|r| f(r)[k]).sum::<f64>() / of.len() as f64)
            };
            (!of.is_empty()).then(|| Mean {
                points,
                persons: of.len(),
                before: mean(&|r| r.before),
                after: mean(&|r| r.after),
            })
        })
        .collect()
}
