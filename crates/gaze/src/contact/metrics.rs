//! How well probabilities of contact tell who is in contact, and whether they mean what they say.
//!
//! Everything is of pairs: the probability that was said, and what is true. Whoever is given at
//! least a threshold is taken to be in contact.

use serde::Serialize;

/// A probability of contact, 0..1, and whether it was contact.
pub type Scored = (f64, bool);

/// Bins of [`reliability`].
const BINS: usize = 10;

/// How many of either: in contact, and not.
pub fn counts(scored: &[Scored]) -> [usize; 2] {
    let contacts = scored.iter().filter(|s| s.1).count();
    [contacts, scored.len() - contacts]
}

/// Area under the ROC curve: how often someone in contact is given more than someone who is
/// not; half for equals. NaN when there are none of either.
pub fn auc(scored: &[Scored]) -> f64 {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut sum) = (0.0, 0.0);
    for run in sorted.chunk_by(|a, b| a.0 == b.0) {
        let here = run.iter().filter(|s| s.1).count() as f64;
        let others = run.len() as f64 - here;
        sum += here * (below + others / 2.0);
        below += others;
    }
    sum / (below * (scored.len() as f64 - below))
}

/// Standard error of such an area, of so many in contact and not (Hanley and McNeil 1982). It
/// takes pictures to be independent, which many of one person are not.
pub fn auc_error(auc: f64, [contacts, others]: [usize; 2]) -> f64 {
    let (n, m) = (contacts as f64, others as f64);
    let both = auc / (2.0 - auc);
    let one = 2.0 * auc * auc / (1.0 + auc);
    let squares =
        auc * (1.0 - auc) + (n - 1.0) * (both - auc * auc) + (m - 1.0) * (one - auc * auc);
    (squares.max(0.0) / (n * m)).sqrt()
}

/// Mean of the squared difference between what was said and what is true (Brier 1950).
pub fn brier(scored: &[Scored]) -> f64 {
    let square = |(p, y): &Scored| (p - f64::from(u8::from(*y))).powi(2);
    scored.iter().map(square).sum::<f64>() / scored.len() as f64
}

/// What is true where about the same was said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Probabilities from here …
    pub from: f64,
    /// … to below here; the last bin has 1 too.
    pub to: f64,
    /// How many there are.
    pub pictures: usize,
    /// Their mean; `None` without any.
    pub said: Option<f64>,
    /// Share of them that is in contact.
    pub contact: Option<f64>,
}

/// Ten bins of equal width.
pub fn reliability(scored: &[Scored]) -> Vec<Bin> {
    let bin = |p: f64| ((p * BINS as f64) as usize).min(BINS - 1);
    (0..BINS)
        .map(|i| {
            let inside: Vec<&Scored> = scored.iter().filter(|s| bin(s.0) == i).collect();
            let mean = |sum: f64| (!inside.is_empty()).then(|| sum / inside.len() as f64);
            Bin {
                from: i as f64 / BINS as f64,
                to: (i + 1) as f64 / BINS as f64,
                pictures: inside.len(),
                said: mean(inside.iter().map(|s| s.0).sum()),
                contact: mean(inside.iter().filter(|s| s.1).count() as f64),
            }
        })
        .collect()
}

/// Expected calibration error: how far the probabilities of [`reliability`]'s bins are from what
/// is true in them, in the mean over all.
pub fn calibration_error(scored: &[Scored]) -> f64 {
    let gap = |b: &Bin| Some((b.said? - b.contact?).abs() * b.pictures as f64);
    let gaps = reliability(scored).iter().filter_map(gap).sum::<f64>();
    gaps / scored.len() as f64
}

/// What a threshold comes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Operating {
    /// From this probability on it is taken for contact.
    pub threshold: f64,
    /// Share of those in contact that is taken for it.
    pub hits: f64,
    /// Share of the others that is taken for it.
    pub false_alarms: f64,
    /// Share of what is taken for contact that is; `None` where nothing is.
    pub precision: Option<f64>,
}

impl Operating {
    fn of(threshold: f64, [hits, alarms]: [usize; 2], [contacts, others]: [usize; 2]) -> Operating {
        let taken = hits + alarms;
        Operating {
            threshold,
            hits: hits as f64 / contacts as f64,
            false_alarms: alarms as f64 / others as f64,
            precision: (taken > 0).then(|| hits as f64 / taken as f64),
        }
    }

    /// Mean of the shares of both kinds that are told rightly: 0.5 is a guess.
    pub fn balanced_accuracy(&self) -> f64 {
        (self.hits + 1.0 - self.false_alarms) / 2.0
    }
}

/// What this threshold comes to.
pub fn at(scored: &[Scored], threshold: f64) -> Operating {
    let taken: Vec<Scored> = scored
        .iter()
        .filter(|s| s.0 >= threshold)
        .copied()
        .collect();
    Operating::of(threshold, counts(&taken), counts(scored))
}

/// The ROC curve, from nobody to everybody: thresholds lie midway between what was said.
pub fn curve(scored: &[Scored]) -> Vec<Operating> {
    let all = counts(scored);
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut taken = [0, 0];
    let mut points = Vec::new();
    let mut above = 1.0;
    for run in sorted.chunk_by(|a, b| a.0 == b.0) {
        points.push(Operating::of((above + run[0].0) / 2.0, taken, all));
        above = run[0].0;
        let here = counts(run);
        taken = [taken[0] + here[0], taken[1] + here[1]];
    }
    points.push(Operating::of(above / 2.0, taken, all));
    points
}

/// Thresholds that settings may name.
const LEAST: f64 = 0.01;

/// Points of the curve whose thresholds settings may name.
fn candidates(scored: &[Scored]) -> impl Iterator<Item = Operating> + use<'_> {
    let fits = |t: f64| (LEAST..=1.0 - LEAST).contains(&t);
    let ends = [LEAST, 0.5, 1.0 - LEAST].map(|t| at(scored, t));
    let curve = curve(scored);
    curve
        .into_iter()
        .filter(move |o| fits(o.threshold))
        .chain(ends)
}

/// Where [`Operating::balanced_accuracy`] is best; of equals the one nearest to 0.5. `None`
/// when there are none of either kind.
pub fn best_balanced(scored: &[Scored]) -> Option<Operating> {
    let worth = |o: &Operating| (o.balanced_accuracy(), -(o.threshold - 0.5).abs());
    let better = |a: &Operating, b: &Operating| {
        let (a, b) = (worth(a), worth(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    };
    let both = counts(scored).iter().all(|n| *n > 0);
    both.then(|| candidates(scored).max_by(better)).flatten()
}

/// Where most of those in contact are found, of the thresholds at which at least this share of
/// what is taken for contact is; of equals the highest. `None` when there is no such threshold.
pub fn for_precision(scored: &[Scored], least: f64) -> Option<Operating> {
    let precise = |o: &Operating| o.hits > 0.0 && o.precision.is_some_and(|p| p >= least);
    candidates(scored).filter(precise).max_by(|a, b| {
        let hits = a.hits.total_cmp(&b.hits);
        hits.then(a.threshold.total_cmp(&b.threshold))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Said, and true: four in contact, four not.
    const EIGHT: [Scored; 8] = [
        (0.95, true),
        (0.85, true),
        (0.75, false),
        (0.65, true),
        (0.35, false),
        (0.25, true),
        (0.15, false),
        (0.05, false),
    ];

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn numbers_by_hand() {
        // Pairs told rightly: 4 + 4 + 3 + 2 of 16.
        near(auc(&EIGHT), 13.0 / 16.0);
        near(
            auc(&[(0.1, false), (0.5, true), (0.5, false), (0.9, true)]),
            0.875,
        );
        assert!(auc(&[(0.1, false)]).is_nan());
        // 0.05² + 0.15² + 0.75² + 0.35² twice, by symmetry.
        let half = 0.0025 + 0.0225 + 0.5625 + 0.1225;
        near(brier(&EIGHT), (2.0 * half) / 8.0);
        // Each bin has one: the gaps are |p − y|.
        near(
            calibration_error(&EIGHT),
            2.0 * (0.05 + 0.15 + 0.75 + 0.35) / 8.0,
        );
        // Two in one bin cancel out: 0.62 and 0.68 said, one of two is.
        let two = [(0.62, true), (0.68, false)];
        near(calibration_error(&two), 0.15);
        let bins = reliability(&two);
        assert_eq!((bins.len(), bins[6].pictures), (10, 2));
        assert_eq!((bins[6].contact, bins[0].said), (Some(0.5), None));
        // 1 is in the last bin.
        assert_eq!(reliability(&[(1.0, true)])[9].pictures, 1);
        // Hanley and McNeil's own example: 0.893 of 58 and 51 has a standard error of 0.032.
        let error = auc_error(0.893, [51, 58]);
        assert!((error - 0.032).abs() < 1e-3, "{error}");
    }

    #[test]
    fn thresholds_by_hand() {
        let o = at(&EIGHT, 0.65);
        assert_eq!(
            (o.hits, o.false_alarms, o.precision),
            (0.75, 0.25, Some(0.75))
        );
        near(o.balanced_accuracy(), 0.75);
        // From 0.5 on the same four are taken: 0.5 is nearest to 0.5. Of 0.8 with two hits and
        // no alarm the accuracy is the same.
        let best = best_balanced(&EIGHT).unwrap();
        near(best.threshold, 0.5);
        near(best.balanced_accuracy(), 0.75);
        let precise = for_precision(&EIGHT, 0.95).unwrap();
        near(precise.threshold, 0.8);
        assert_eq!((precise.hits, precise.precision), (0.5, Some(1.0)));
        assert_eq!(at(&EIGHT, 0.99).precision, None);
        assert!(for_precision(&[(0.9, false), (0.2, true)], 0.95).is_none());
        assert!(best_balanced(&[(0.9, true)]).is_none());
        // Settings name no threshold of 0 or 1.
        let sure = [(1.0 - 1e-12, true), (1e-12, false), (1e-9, true)];
        let best = best_balanced(&sure).unwrap();
        assert!((LEAST..=1.0 - LEAST).contains(&best.threshold), "{best:?}");
    }

    #[test]
    fn the_curve_holds_what_single_thresholds_come_to_and_its_area_is_the_auc() {
        let mut state = 7u64;
        let mut unit = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as f64 / (1u64 << 31) as f64
        };
        let scored: Vec<Scored> = (0..500)
            .map(|_| {
                // To two digits, so that some are equal.
                let p = (unit() * 100.0).round() / 100.0;
                (p, unit() < p)
            })
            .collect();
        let points = curve(&scored);
        let (first, last) = (points[0], points[points.len() - 1]);
        assert_eq!((first.hits, first.false_alarms), (0.0, 0.0));
        assert_eq!((last.hits, last.false_alarms), (1.0, 1.0));
        // Trapezia under the curve.
        let area: f64 = (points.windows(2))
            .map(|w| (w[1].false_alarms - w[0].false_alarms) * (w[0].hits + w[1].hits) / 2.0)
            .sum();
        assert!(
            (area - auc(&scored)).abs() < 1e-9,
            "{area} {}",
            auc(&scored)
        );
        for point in points.iter().skip(1) {
            let alone = at(&scored, point.threshold);
            assert_eq!(
                (alone.hits, alone.false_alarms),
                (point.hits, point.false_alarms)
            );
        }
        let best = best_balanced(&scored).unwrap().balanced_accuracy();
        assert!(points.iter().all(|p| p.balanced_accuracy() <= best + 1e-12));
        // Drawn with the probabilities themselves, they are calibrated.
        assert!(calibration_error(&scored) < 0.08);
        // The other way round everything is the other way round.
        let turned: Vec<Scored> = scored.iter().map(|(p, y)| (1.0 - p, *y)).collect();
        assert!((auc(&turned) + auc(&scored) - 1.0).abs() < 1e-9);
    }
}
