//! How good is what is there already: the error of every method that a network has to beat.
//!
//! A method says something of each picture: a point on the screen, or numbers of which the
//! best affine map makes one. The map is fitted per sitting on *other* targets, or on the same
//! person's sitting before; never on what it is tested on.

pub mod fit;
pub mod methods;
pub mod metrics;
pub mod network;
pub mod rays;

use std::path::PathBuf;

use serde::Serialize;

use crate::data::cache::Cache;
use crate::data::prepare::Holds;
use fit::{Fitted, predict};
use methods::Method;
use metrics::{Evaluation, evaluate};

/// What every method has to say, and how far off it is.
#[derive(Debug, Clone, Serialize)]
pub struct Baseline {
    /// Where the pictures come from.
    pub folder: PathBuf,
    /// What there is.
    pub holds: Holds,
    /// From where screens are looked at, for degrees, millimetres.
    pub distance_mm: f64,
    /// Whether every screen's size is known; else a 14-inch laptop's stands in for it.
    pub screen_measured: bool,
    /// Every method, fitted in every way that it can be.
    pub results: Vec<Outcome>,
}

/// One method, fitted in one way.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// What.
    pub method: String,
    /// How its map was fitted.
    pub fitted: Fitted,
    /// Pictures it has a point for.
    pub predicted: usize,
    /// How far off; none where it has no point at all.
    pub evaluation: Option<Evaluation>,
}

/// Measures methods on a cache, seen from `distance_mm`.
pub fn measure(cache: &Cache, methods: &[Method], distance_mm: f64) -> Baseline {
    let mut results = Vec::new();
    for method in methods {
        for fitted in [Fitted::Raw, Fitted::OtherTargets, Fitted::SittingBefore] {
            if !method.ways().contains(&fitted) {
                continue;
            }
            let points = predict(&method.rows, fitted);
            results.push(Outcome {
                method: method.name.clone(),
                fitted,
                predicted: points.len(),
                evaluation: evaluate(cache, &points, distance_mm),
            });
        }
    }
    Baseline {
        folder: cache.header.folder.clone().into(),
        holds: Holds::of(&cache.header, &cache.samples),
        distance_mm,
        screen_measured: cache.header.screens.iter().all(|s| s.measured),
        results,
    }
}

impl Baseline {
    /// The best of those whose map knows neither the target nor, if possible, the sitting.
    pub fn best(&self) -> Option<&Outcome> {
        let error = |o: &&Outcome| {
            o.evaluation
                .as_ref()
                .map_or(f64::INFINITY, |e| e.all.mean_px)
        };
        (self.results.iter())
            .filter(|o| o.fitted == Fitted::OtherTargets && o.evaluation.is_some())
            .min_by(|a, b| error(a).total_cmp(&error(b)))
            .or_else(|| self.results.iter().find(|o| o.evaluation.is_some()))
    }
}
