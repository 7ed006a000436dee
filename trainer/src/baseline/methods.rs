//! What is there to compare with: guesses, what was recorded, our geometric gaze.

use gaze::ray::Ray;
use nalgebra::Vector3;

use super::fit::{Fitted, Row};
use crate::data::cache::Cache;
use crate::data::sample::Sample;

/// Name of the guess that knows where targets are shown and nothing of the person.
pub const MEAN: &str = "mean of the targets";

/// A method and what it says of each picture.
#[derive(Debug, Clone)]
pub struct Method {
    /// For a table.
    pub name: String,
    /// What it says; pictures it says nothing of are left out.
    pub rows: Vec<Row>,
    /// Whether its first two features are a point on the screen.
    pub points: bool,
    /// Whether a map is fitted to it.
    pub fit: bool,
}

impl Method {
    /// Of what `say` says of a sample.
    pub fn new(
        name: &str,
        cache: &Cache,
        say: impl Fn(usize, &Sample) -> Option<Vec<f64>>,
    ) -> Method {
        let rows = (cache.samples.iter().enumerate())
            .filter_map(|(i, s)| {
                let features = say(i, s)?;
                features.iter().all(|v| v.is_finite()).then_some(Row {
                    sample: i,
                    person: s.person,
                    session: s.session,
                    target: s.target,
                    features,
                    truth: s.target_norm.map(f64::from),
                })
            })
            .collect();
        Method {
            name: name.to_owned(),
            rows,
            points: false,
            fit: true,
        }
    }

    /// Its first two features are a normalised point on the screen.
    pub fn with_points(self) -> Method {
        Method {
            points: true,
            ..self
        }
    }

    /// Taken as it is only.
    pub fn unfitted(self) -> Method {
        Method { fit: false, ..self }
    }

    /// In what ways its map can be fitted.
    pub fn ways(&self) -> Vec<Fitted> {
        let raw = self.points.then_some(Fitted::Raw);
        let fit = [Fitted::OtherTargets, Fitted::SittingBefore];
        raw.into_iter()
            .chain(fit.into_iter().filter(|_| self.fit))
            .collect()
    }
}

fn wide<const N: usize>(v: [f32; N]) -> impl Iterator<Item = f64> {
    v.into_iter().map(f64::from)
}

/// Where a line of sight in the camera frame meets the sample's screen, normalised.
pub fn on_screen(
    cache: &Cache,
    sample: usize,
    origin_mm: [f32; 3],
    direction: [f32; 3],
) -> Option<[f64; 2]> {
    let ray = Ray {
        origin: Vector3::from(origin_mm).cast(),
        direction: Vector3::from(direction).cast().normalize(),
    };
    let hit = cache.screen(sample).intersect(&ray)?;
    Some([hit.x, hit.y])
}

/// Every method that needs nothing but the cache; those that say nothing are left out.
pub fn known(cache: &Cache) -> Vec<Method> {
    let all = [
        Method::new("middle of the screen", cache, |_, _| Some(vec![0.5, 0.5]))
            .with_points()
            .unfitted(),
        Method::new(MEAN, cache, |_, _| Some(vec![])),
        Method::new("recorded yaw and pitch", cache, |_, s| {
            Some(wide(s.json_head_deg?).take(2).collect())
        }),
        Method::new("recorded angles and eyes", cache, |_, s| {
            let eyes = wide(s.json_eyes?);
            Some(wide(s.json_head_deg?).chain(eyes).collect())
        }),
        Method::new("recorded angles and irises", cache, |_, s| {
            let irises = wide(s.json_iris?);
            Some(wide(s.json_head_deg?).take(2).chain(irises).collect())
        }),
        Method::new("our head's yaw and pitch", cache, |_, s| {
            (!cache.header.json_eyes).then(|| wide(s.head_deg).take(2).collect())
        }),
        Method::new("geometric gaze", cache, |i, s| {
            on_screen(cache, i, s.geometric_mm, s.geometric?).map(Vec::from)
        })
        .with_points(),
    ];
    all.into_iter().filter(|m| !m.rows.is_empty()).collect()
}
