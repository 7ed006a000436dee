//! The best affine map from what a method says to the screen, never fitted to what it is
//! tested on.

use nalgebra::{DMatrix, DVector};

/// How strongly coefficients are held near nothing, in parts of the features' own spread. The
/// one that is best at left-out targets among those that are fitted is taken, so that a feature
/// that tells nothing (the turn of a head that is still) spoils nothing in another sitting.
const RIDGES: [f64; 6] = [1e-6, 1e-3, 1e-2, 0.1, 1.0, 100.0];
/// Targets are left out in so many groups to find it.
const GROUPS: usize = 10;
/// A whole screen beside the screen is the furthest that a map goes: what is further off is
/// not further wrong.
const BESIDE: [f64; 2] = [-1.0, 2.0];
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
    /// Ridge regression; every *target* weighs alike, however many pictures there are of it.
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
        let order: Vec<u16> = pictures.keys().copied().collect();
        let groups = GROUPS.min(order.len());
        let group = |row: &Row| order.partition_point(|t| *t < row.target) % groups;
        let mut parts = vec![Sums::new(n); groups];
        for row in rows {
            parts[group(row)].add(weight(row), &inputs(&scale, &row.features), &row.truth);
        }
        let mut all = Sums::new(n);
        parts.iter().for_each(|p| all.change(p, 1.0));
        let left_out = |ridge: f64| -> f64 {
            let error = |part: &Sums| {
                let mut others = all.clone();
                others.change(part, -1.0);
                let map = others.solve(ridge);
                map.map_or(f64::INFINITY, |map| part.squares_off(&map))
            };
            parts.iter().map(error).sum()
        };
        let ridge = match features {
            0 => RIDGES[0],
            _ => RIDGES
                .into_iter()
                .min_by(|a, b| left_out(*a).total_cmp(&left_out(*b)))?,
        };
        let coefficients = all.solve(ridge)?;
        Some(Map {
            scale,
            coefficients,
        })
    }

    fn apply(&self, features: &[f64]) -> [f64; 2] {
        let point = self.coefficients.tr_mul(&inputs(&self.scale, features));
        [0, 1].map(|k| point[k].clamp(BESIDE[0], BESIDE[1]))
    }
}

/// What least squares needs to know of some rows.
#[derive(Debug, Clone)]
struct Sums {
    weight: f64,
    /// Of the inputs' products with each other, with the truth, and of the truth's squares.
    normal: DMatrix<f64>,
    right: DMatrix<f64>,
    truth: f64,
}

impl Sums {
    fn new(n: usize) -> Sums {
        Sums {
            weight: 0.0,
            normal: DMatrix::zeros(n, n),
            right: DMatrix::zeros(n, 2),
            truth: 0.0,
        }
    }

    fn add(&mut self, weight: f64, inputs: &DVector<f64>, truth: &[f64; 2]) {
        self.weight += weight;
        self.normal.ger(weight, inputs, inputs, 1.0);
        let truth = DVector::from_column_slice(truth);
        self.right.ger(weight, inputs, &truth, 1.0);
        self.truth += weight * truth.norm_squared();
    }

    fn change(&mut self, other: &Sums, by: f64) {
        self.weight += by * other.weight;
        self.normal += &other.normal * by;
        self.right += &other.right * by;
        self.truth += by * other.truth;
    }

    fn solve(&self, ridge: f64) -> Option<DMatrix<f64>> {
        let mut normal = self.normal.clone();
        for k in 1..normal.nrows() {
            normal[(k, k)] += ridge * self.weight;
        }
        let map = normal.cholesky()?.solve(&self.right);
        map.iter().all(|v| v.is_finite()).then_some(map)
    }

    /// Sum of the squared distances of these rows' truth from where a map takes them.
    fn squares_off(&self, map: &DMatrix<f64>) -> f64 {
        self.truth - 2.0 * map.dot(&self.right) + map.dot(&(&self.normal * map))
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
        let mut constant = rows.clone();
        constant.iter_mut().for_each(|r| r.features.clear());
        // The mean of the other targets.
        let points = predict(&constant, Fitted::OtherTargets);
        assert!(
            (points[0].1[0] - (0.3 + 0.5 + 0.7 + 0.1) / 4.0).abs() < 1e-9,
            "{points:?}"
        );
    }

    /// A head that was still in one sitting and has turned in the next tells nothing, and the
    /// map says so: it stays near the middle of the targets.
    #[test]
    fn a_feature_of_noise_spoils_nothing_later() {
        let noise: Vec<f64> = (0..23)
            .map(|k| f64::from((k * 37 + 11) % 23) / 23.0 - 0.5)
            .collect();
        let rows: Vec<Row> = (rows(&[0.0], 0.0).into_iter())
            .map(|r| Row {
                features: vec![0.2 * noise[r.sample % 23] + 8.0 * f64::from(r.session % 2)],
                ..r
            })
            .collect();
        let points = predict(&rows, Fitted::SittingBefore);
        assert_eq!(points.len(), 60);
        for (_, [x, y]) in points {
            assert!((x - 0.34).abs() < 0.2 && (y - 0.34).abs() < 0.2, "{x} {y}");
        }
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
