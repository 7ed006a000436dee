//! How well contact is told, and which settings to tell it by.
//!
//! A threshold and a recalibration are found on all pictures; what they come to is measured on
//! groups that they were not found on ([`super::groups`]).

use std::collections::BTreeMap;
use std::path::PathBuf;

use gaze::contact::metrics::{self, Bin, Operating, Scored};
use gaze::contact::{ContactSettings, Recalibration, log_odds, of_log_odds};
use serde::Serialize;

use super::Error;
use super::folder::Picture;
use super::groups::{By, groups};
use super::look::{Seen, Why};

/// Fewer of either kind say nothing.
pub const LEAST: usize = 10;
/// Below this number of either kind thresholds are chance as much as anything.
pub const FEW: usize = 50;
/// Bands of the face's width, pixels: of the daemon's usual least one, doubled twice.
const WIDTHS: [f64; 6] = [0.0, 80.0, 120.0, 200.0, 400.0, f64::INFINITY];

/// How many in contact, and how many not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Count {
    /// In contact.
    pub contact: usize,
    /// Not.
    pub other: usize,
}

impl Count {
    /// One more.
    pub fn add(&mut self, contact: bool) {
        match contact {
            true => self.contact += 1,
            false => self.other += 1,
        }
    }

    /// Both.
    pub fn all(&self) -> usize {
        self.contact + self.other
    }
}

/// Some of the pictures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// A person's folder, or a band.
    pub name: String,
    /// Told, by their label.
    pub told: Count,
    /// Area under the ROC curve; `None` without both kinds.
    pub auc: Option<f64>,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// At the threshold that is best for all.
    pub balanced_accuracy: Option<f64>,
}

/// What was found on other groups, on each group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HeldOut {
    /// What parts groups.
    pub by: By,
    /// How many groups.
    pub groups: usize,
    /// Least and greatest threshold that was found.
    pub thresholds: [f64; 2],
    /// Share of those in contact that was told.
    pub hits: f64,
    /// Share of the others that was taken for contact.
    pub false_alarms: f64,
    /// [`Operating::balanced_accuracy`].
    pub balanced_accuracy: f64,
    /// Brier score after recalibration.
    pub brier: f64,
    /// Expected calibration error after recalibration.
    pub calibration_error: f64,
}

/// Keys of `contact` in the daemon's settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// Contact begins here.
    pub on: f64,
    /// It ends below this.
    pub off: f64,
    /// [`Recalibration::slope`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slope: Option<f64>,
    /// [`Recalibration::offset`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
    /// Narrower faces are unknown.
    pub least_face_px: f64,
    /// The network that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<PathBuf>,
}

/// Everything that is said of a folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// By label.
    pub pictures: Count,
    /// Of how many people.
    pub people: usize,
    /// Told, by label.
    pub told: Count,
    /// Why others are not.
    pub unknown: BTreeMap<Why, Count>,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Its standard error.
    pub auc_error: f64,
    /// Brier score.
    pub brier: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// At the daemon's usual threshold.
    pub usual: Operating,
    /// At the threshold with the best balanced accuracy.
    pub best: Operating,
    /// At the threshold that finds most with the precision asked for.
    pub precise: Option<Operating>,
    /// That precision.
    pub precision: f64,
    /// What makes probabilities mean what they say here; `None` where nothing does.
    pub recalibration: Option<Recalibration>,
    /// What threshold and recalibration come to on others.
    pub held_out: Option<HeldOut>,
    /// Probabilities against what is true.
    pub reliability: Vec<Bin>,
    /// The same after recalibration, of each group by what was found on the others.
    pub reliability_held_out: Vec<Bin>,
    /// By face width, pixels.
    pub by_width: Vec<Part>,
    /// By person.
    pub by_person: Vec<Part>,
    /// The ROC curve.
    pub roc: Vec<Operating>,
    /// Settings.
    pub advice: Advice,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// What [`Evaluation::precise`] shall reach, 0..1.
    pub precision: f64,
    /// The advice is for that, and not for the best balance.
    pub precise: bool,
    /// The advice recalibrates.
    pub recalibrate: bool,
    /// Faces narrower than this were not told.
    pub least_face_px: f64,
    /// The network that was measured.
    pub network: Option<PathBuf>,
}

/// Measures what was said of pictures.
///
/// # Errors
/// [`Error::TooFew`].
pub fn evaluate(pictures: &[Picture], seen: &[Seen], wish: &Wish) -> Result<Evaluation, Error> {
    let mut unknown: BTreeMap<Why, Count> = BTreeMap::new();
    let (mut all, mut told) = (Count::default(), Count::default());
    let (mut of, mut scored) = (Vec::new(), Vec::new());
    for (i, (picture, seen)) in pictures.iter().zip(seen).enumerate() {
        all.add(picture.contact);
        match seen.said {
            Ok(p) => {
                told.add(picture.contact);
                of.push(i);
                scored.push((p, picture.contact));
            }
            Err(why) => unknown.entry(why).or_default().add(picture.contact),
        }
    }
    let best = metrics::best_balanced(&scored);
    let (Some(best), true) = (best, told.contact.min(told.other) >= LEAST) else {
        return Err(too_few(all, told, &unknown, LEAST));
    };
    let precise = metrics::for_precision(&scored, wish.precision);
    let recalibration = Recalibration::fit(&scored);
    let auc = metrics::auc(&scored);
    let (groups, by) = groups(pictures, &of);
    let tested = held_out(&scored, &groups, by);
    let (held_out, recalibrated) = tested.map_or((None, Vec::new()), |(h, s)| (Some(h), s));
    let part = |name: String, which: &dyn Fn(usize) -> bool| {
        let mine = of.iter().zip(&scored).filter(|(i, _)| which(**i));
        let mine: Vec<Scored> = mine.map(|(_, s)| *s).collect();
        part_of(name, &mine, best.threshold)
    };
    let mut people: Vec<&str> = pictures.iter().map(|p| p.person.as_str()).collect();
    people.dedup();
    let width = |i: usize| seen[i].face.map_or(0.0, |f| f64::from(f.width));
    let by_width = WIDTHS.windows(2).filter_map(|w| {
        let name = match w[1].is_finite() {
            true => format!("{:.0} to {:.0}", w[0], w[1]),
            false => format!("over {:.0}", w[0]),
        };
        part(name, &|i| (w[0]..w[1]).contains(&width(i)))
    });
    let by_person = people.iter().filter_map(|who| {
        let name = if who.is_empty() { "(no folder)" } else { who };
        part(name.to_owned(), &|i| pictures[i].person == **who)
    });
    let chosen = match wish.precise {
        true => precise.unwrap_or(best),
        false => best,
    };
    let line = recalibration.filter(|_| wish.recalibrate);
    Ok(Evaluation {
        pictures: all,
        people: people.len(),
        told,
        auc,
        auc_error: metrics::auc_error(auc, [told.contact, told.other]),
        brier: metrics::brier(&scored),
        calibration_error: metrics::calibration_error(&scored),
        usual: metrics::at(&scored, ContactSettings::default().on),
        best,
        precise,
        precision: wish.precision,
        recalibration,
        held_out,
        reliability: metrics::reliability(&scored),
        reliability_held_out: metrics::reliability(&recalibrated),
        by_width: by_width.collect(),
        by_person: by_person.collect(),
        roc: metrics::curve(&scored),
        advice: advice(chosen.threshold, line, wish),
        unknown,
    })
}

/// Too few, and why.
pub fn too_few(all: Count, told: Count, unknown: &BTreeMap<Why, Count>, least: usize) -> Error {
    let mostly = unknown.iter().max_by_key(|(_, n)| n.all());
    Error::TooFew {
        pictures: all.all(),
        contact: told.contact,
        other: told.other,
        least,
        mostly: mostly.map(|(why, _)| why.words()),
    }
}

fn part_of(name: String, scored: &[Scored], threshold: f64) -> Option<Part> {
    let [contact, other] = metrics::counts(scored);
    let both = contact > 0 && other > 0;
    let balanced = metrics::at(scored, threshold).balanced_accuracy();
    (!scored.is_empty()).then(|| Part {
        name,
        told: Count { contact, other },
        auc: both.then(|| metrics::auc(scored)),
        calibration_error: metrics::calibration_error(scored),
        balanced_accuracy: both.then_some(balanced),
    })
}

/// Threshold and recalibration of the other groups on each group; also what was said, so
/// recalibrated.
fn held_out(scored: &[Scored], groups: &[usize], by: By) -> Option<(HeldOut, Vec<Scored>)> {
    let last = groups.iter().max().copied().unwrap_or(0);
    let mut thresholds = [f64::INFINITY, f64::NEG_INFINITY];
    let mut recalibrated = Vec::with_capacity(scored.len());
    // As if each had been told for certain.
    let mut decided: Vec<Scored> = Vec::with_capacity(scored.len());
    let mut tested = 0;
    for group in 0..=last {
        let side = |mine: bool| -> Vec<Scored> {
            let each = scored.iter().zip(groups);
            let each = each.filter(|(_, g)| (**g == group) == mine);
            each.map(|(s, _)| *s).collect()
        };
        let (test, rest) = (side(true), side(false));
        let Some(found) = metrics::best_balanced(&rest).filter(|_| !test.is_empty()) else {
            continue;
        };
        let t = found.threshold;
        thresholds = [thresholds[0].min(t), thresholds[1].max(t)];
        let line = Recalibration::fit(&rest).unwrap_or_default();
        recalibrated.extend(test.iter().map(|(p, y)| (line.apply(*p), *y)));
        decided.extend(test.iter().map(|(p, y)| (f64::from(u8::from(*p >= t)), *y)));
        tested += 1;
    }
    let both = metrics::counts(&decided).iter().all(|n| *n > 0);
    let at = metrics::at(&decided, 0.5);
    (both && tested > 1).then(|| {
        let held_out = HeldOut {
            by,
            groups: tested,
            thresholds,
            hits: at.hits,
            false_alarms: at.false_alarms,
            balanced_accuracy: at.balanced_accuracy(),
            brier: metrics::brier(&recalibrated),
            calibration_error: metrics::calibration_error(&recalibrated),
        };
        (held_out, recalibrated)
    })
}

/// Settings for a threshold. It ends where the odds are lower by as much as with the daemon's
/// usual pair.
fn advice(threshold: f64, line: Option<Recalibration>, wish: &Wish) -> Advice {
    let usual = ContactSettings::default();
    let gap = log_odds(usual.on) - log_odds(usual.off);
    let round = |v: f64| (v * 1000.0).round() / 1000.0;
    let line = line.map(|l| Recalibration {
        slope: round(l.slope).clamp(0.01, 100.0),
        offset: round(l.offset).clamp(-30.0, 30.0),
    });
    let on = line.unwrap_or_default().apply(threshold);
    let on = round(on).clamp(0.01, 0.99);
    Advice {
        on,
        off: round(of_log_odds(log_odds(on) - gap)).max(0.005),
        slope: line.map(|l| l.slope),
        offset: line.map(|l| l.offset),
        least_face_px: wish.least_face_px,
        network: wish.network.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wish() -> Wish {
        Wish {
            precision: 0.95,
            precise: false,
            recalibrate: false,
            least_face_px: 80.0,
            network: None,
        }
    }

    fn set(
        people: usize,
        each: usize,
        said: impl Fn(usize, bool) -> Result<f64, Why>,
    ) -> (Vec<Picture>, Vec<Seen>) {
        let (mut pictures, mut seen) = (Vec::new(), Vec::new());
        for n in 0..people * each {
            let contact = n % 2 == 0;
            pictures.push(Picture {
                path: format!("{n:04}"),
                file: PathBuf::new(),
                person: (n / each).to_string(),
                contact,
                hfov_deg: None,
            });
            seen.push(Seen::said(said(n, contact)));
        }
        (pictures, seen)
    }

    #[test]
    fn pictures_are_counted_and_the_threshold_is_found_and_tested_on_others() {
        // In contact 0.6 to 0.8, else 0.2 to 0.4; every tenth is too small.
        let (pictures, seen) = set(5, 20, |n, contact| match n % 10 {
            9 => Err(Why::TooSmall),
            k => Ok(if contact { 0.6 } else { 0.2 } + 0.02 * k as f64),
        });
        let e = evaluate(&pictures, &seen, &wish()).unwrap();
        assert_eq!(
            (e.pictures, e.people),
            (
                Count {
                    contact: 50,
                    other: 50
                },
                5
            )
        );
        assert_eq!(
            e.told,
            Count {
                contact: 50,
                other: 40
            }
        );
        assert_eq!(
            e.unknown[&Why::TooSmall],
            Count {
                contact: 0,
                other: 10
            }
        );
        assert_eq!((e.auc, e.best.balanced_accuracy()), (1.0, 1.0));
        let held_out = e.held_out.unwrap();
        assert_eq!((held_out.by, held_out.groups), (By::Person, 5));
        assert_eq!(
            (held_out.balanced_accuracy, held_out.thresholds),
            (1.0, [0.5, 0.5])
        );
        assert!(
            held_out.calibration_error < e.calibration_error,
            "{held_out:?}"
        );
        assert_eq!((e.advice.on, e.advice.off), (0.5, 0.4), "the usual pair");
        let line = evaluate(
            &pictures,
            &seen,
            &Wish {
                recalibrate: true,
                ..wish()
            },
        )
        .unwrap();
        let advice = line.advice;
        assert!(
            advice.slope.unwrap() > 1.0 && advice.on > advice.off,
            "{advice:?}"
        );
        // Nine of each are too few.
        let few: Vec<Seen> = (seen.iter().enumerate())
            .map(|(i, s)| {
                if i < 18 {
                    s.clone()
                } else {
                    Seen::said(Err(Why::NoFace))
                }
            })
            .collect();
        let line = evaluate(&pictures, &few, &wish()).unwrap_err().to_string();
        assert!(
            line.contains("10 of each") && line.contains("no face"),
            "{line}"
        );
    }

    #[test]
    fn a_threshold_of_ones_own_is_not_praised() {
        // What is said has nothing to do with what is true.
        let noise = |n: usize| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let (pictures, seen) = set(6, 10, |n, _| Ok(noise(n + 7) as f64 / (1u64 << 24) as f64));
        let e = evaluate(&pictures, &seen, &wish()).unwrap();
        let held_out = e.held_out.unwrap();
        assert!(
            e.best.balanced_accuracy() > held_out.balanced_accuracy + 0.02,
            "{e:?}"
        );
        assert!(
            (held_out.balanced_accuracy - 0.5).abs() < 0.2,
            "{held_out:?}"
        );
    }

    proptest! {
        #[test]
        fn advice_is_what_the_daemon_takes(t in 0.01..0.99f64, slope in 0.001..300.0f64, offset in -50.0..50.0f64, line in any::<bool>()) {
            let line = line.then_some(Recalibration { slope, offset });
            let a = advice(t, line, &wish());
            prop_assert!(0.0 < a.off && a.off <= a.on && a.on < 1.0, "{:?}", a);
            // Who is above the threshold is above it in use.
            let used = a.slope.zip(a.offset).map(|(slope, offset)| Recalibration { slope, offset });
            prop_assert!(used.is_none_or(|u| (0.01..=100.0).contains(&u.slope) && u.offset.abs() <= 30.0));
            let made = used.unwrap_or_default().apply(t);
            prop_assert!((a.on - made.clamp(0.01, 0.99)).abs() < 0.01, "{:?} {}", a, made);
        }
    }
}
