//! The best affine map from what a method says to the screen, never fitted to what it is
//! tested on.

use nalgebra::{DMatrix, DVector};

/// Keeps what the targets do not tell near nothing: a part of the features' own spread.
const RIDGE: f64 = 1e-6;
/// Targets beyond the number of free coefficients of an axis that a fit needs.
const SPARE: usize = 2;

/// One look: what a method says (features), and what was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Number of its sample.
    pub sample: usize,
    /// Who.
    pub person: u16,
    /// Sitting.
    pub session: u16,
    /// Place on the screen.
    pub target: u16,
    /// What the method says.
    pub features: Vec<f64>,
    /// Where was looked, normalised.
    pub truth: [f64; 2],
}

/// Which looks a map is fitted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fitted {
    /// None: the method's own point.
    Raw,
    /// Those at all other targets of the same sitting.
    OtherTargets,
    /// All of the same person's sitting before.
    SittingBefore,
}

impl Fitted {
    /// For a table.
    pub fn words(self) -> &'static str {
        match self {
            Fitted::Raw => "as it is",
            Fitted::OtherTargets => "fitted on other targets",
            Fitted::SittingBefore => "fitted on the sitting before",
        }
    }
}

/// An affine map of features to the plane: per axis one coefficient for each and a constant.
#[derive(Debug, Clone, PartialEq)]
struct Map {
    /// Middle and spread of each feature.
    scale: Vec<[f64; 2]>,
    /// One row for the constant, then one for each feature; columns x, y.
    coefficients: DMatrix<f64>,
}

impl Map {
    /// Least squares; every *target* weighs alike, however many pictures there are of it.
    /// None with too few targets.
    fn fit<'a>(rows: impl Iterator<Item = &'a Row> + Clone) -> Option<Map> {
        let features = rows.clone().next()?.features.len();
        let mut pictures = std::collections::BTreeMap::new();
        for row in rows.clone() {
            *pictures.entry(row.target).or_insert(0.0) += 1.0;
        }
        if pictures.len() < 1 + features + if features > 0 { SPARE } else { 0 } {
            return None;
        }
        let weight = |row: &Row| 1.0 / pictures[&row.target];
        let total = pictures.len() as f64;
        let scale: Vec<[f64; 2]> = (0..features)
            .map(|k| {
                let sum = |f: &dyn Fn(f64) -> f64| {
                    rows.clone()
                        .map(|r| weight(r) * f(r.features[k]))
                        .sum::<f64>()
                        / total
                };
                let middle = sum(&|v| v);
                [middle, sum(&|v| (v - middle).powi(2)).sqrt().max(1e-9)]
            })
            .collect();
        let n = features + 1;
        let (mut normal, mut right) = (DMatrix::zeros(n, n), DMatrix::zeros(n, 2));
        for row in rows {
            let phi = inputs(&scale, &row.features);
            normal.ger(weight(row), &phi, &phi, 1.0);
            let truth = DVector::from_column_slice(&row.truth);
            right.ger(weight(row), &phi, &truth, 1.0);
        }
        for k in 1..n {
            normal[(k, k)] += RIDGE * total;
        }
        let coefficients = normal.cholesky()?.solve(&right);
        let finite = coefficients.iter().all(|v| v.is_finite());
        finite.then_some(Map {
            scale,
            coefficients,
        })
    }

    fn apply(&self, features: &[f64]) -> [f64; 2] {
        let point = self.coefficients.tr_mul(&inputs(&self.scale, features));
        [point[0], point[1]]
    }
}

fn inputs(scale: &[[f64; 2]], features: &[f64]) -> DVector<f64> {
    let scaled = features.iter().zip(scale).map(|(v, [m, s])| (v - m) / s);
    let all: Vec<f64> = std::iter::once(1.0).chain(scaled).collect();
    DVector::from_vec(all)
}

/// Points of each look, by maps fitted elsewhere. Looks for which there is no map are left out.
pub fn predict(rows: &[Row], how: Fitted) -> Vec<(usize, [f64; 2])> {
    let mut sessions: std::collections::BTreeMap<u16, Vec<&Row>> = Default::default();
    for row in rows {
        sessions.entry(row.session).or_default().push(row);
    }
    let mut points = Vec::new();
    match how {
        Fitted::Raw => {
            points.extend(
                rows.iter()
                    .map(|r| (r.sample, [r.features[0], r.features[1]])),
            );
        }
        Fitted::OtherTargets => {
            for session in sessions.values() {
                let mut targets: Vec<u16> = session.iter().map(|r| r.target).collect();
                targets.sort_unstable();
                targets.dedup();
                for target in targets {
                    let others = session.iter().copied().filter(|r| r.target != target);
                    let Some(map) = Map::fit(others) else {
                        continue;
                    };
                    let own = session.iter().filter(|r| r.target == target);
                    points.extend(own.map(|r| (r.sample, map.apply(&r.features))));
                }
            }
        }
        Fitted::SittingBefore => {
            // Sittings are numbered by person, then by time.
            let all: Vec<&Vec<&Row>> = sessions.values().collect();
            for pair in all.windows(2) {
                if pair[0][0].person != pair[1][0].person {
                    continue;
                }
                if let Some(map) = Map::fit(pair[0].iter().copied()) {
                    points.extend(pair[1].iter().map(|r| (r.sample, map.apply(&r.features))));
                }
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two sittings of two people; the second sitting of each is shifted by 0.1.
    fn rows(noise: &[f64], shift: f64) -> Vec<Row> {
        let one = |k: usize| {
            let (person, session, look) = (k / 60, k / 30, k % 30);
            let target = look / 3;
            let truth = [
                0.1 + 0.2 * (target % 4) as f64,
                0.1 + 0.3 * (target / 4) as f64,
            ];
            let own = 1.0 + 0.2 * person as f64;
            let [x, y] = [truth[0] - 0.5, truth[1] + shift * (session % 2) as f64];
            Row {
                sample: k,
                person: person as u16,
                session: session as u16,
                target: target as u16,
                features: vec![
                    own * (20.0 * x + 5.0 * y) + noise[k % noise.len()],
                    30.0 - 8.0 * y,
                ],
                truth,
            }
        };
        (0..120).map(one).collect()
    }

    #[test]
    fn an_affine_world_is_found_at_targets_never_seen() {
        let rows = rows(&[0.0], 0.1);
        let other = predict(&rows, Fitted::OtherTargets);
        assert_eq!(other.len(), 120);
        for (i, point) in other {
            let off = [0, 1].map(|k| (point[k] - rows[i].truth[k]).abs());
            assert!(off[0] < 1e-4 && off[1] < 1e-4, "{off:?}");
        }
        // What has moved since the sitting before is seen, and only second sittings are tested.
        let later = predict(&rows, Fitted::SittingBefore);
        assert_eq!(later.len(), 60);
        for (i, point) in later {
            assert_eq!(rows[i].session % 2, 1);
            assert!((point[1] - rows[i].truth[1] - 0.1).abs() < 1e-3);
        }
    }

    #[test]
    fn with_too_few_targets_there_is_no_map() {
        let rows: Vec<Row> = rows(&[0.0], 0.0)
            .into_iter()
            .filter(|r| r.target < 5)
            .collect();
        assert!(predict(&rows, Fitted::OtherTargets).is_empty());
        assert!(!predict(&rows, Fitted::SittingBefore).is_empty());
        let constant: Vec<Row> = (rows.iter().cloned())
            .map(|r| Row {
                features: vec![],
                ..r
            })
            .collect();
        // The mean of the other targets.
        let points = predict(&constant, Fitted::OtherTargets);
        assert!(
            (points[0].1[0] - (0.3 + 0.5 + 0.7 + 0.1) / 4.0).abs() < 1e-9,
            "{points:?}"
        );
    }

    proptest! {
        /// Whatever is looked at at a target, its own prediction does not hear of it.
        #[test]
        fn a_prediction_knows_nothing_of_its_target(noise in prop::collection::vec(-3.0..3.0f64, 7), lie in -5.0..5.0f64, target in 0..10u16) {
            let honest = rows(&noise, 0.0);
            let lied: Vec<Row> = honest.iter().cloned()
                .map(|r| Row { truth: if r.target == target { [lie, -lie] } else { r.truth }, ..r })
                .collect();
            let of = |rows: &[Row]| -> Vec<_> {
                (predict(rows, Fitted::OtherTargets).into_iter())
                    .filter(|(i, _)| rows[*i].target == target)
                    .collect()
            };
            prop_assert_eq!(of(&honest), of(&lied));
            prop_assert!(predict(&honest, Fitted::OtherTargets) != predict(&lied, Fitted::OtherTargets) || lie == 0.0);
        }
    }
}
