//! How far lines of sight err as they are, nobody calibrated: by size, distance, head and light, and
//! what of it is each person's own.

use std::collections::BTreeMap;

use nalgebra::Vector3;
use serde::Serialize;

use crate::data::cache::{Cache, Drawn};
use crate::data::sample::Sample;
use crate::train::pupils::Pupils;

/// One way to tell lines of sight.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// What it is called.
    pub name: String,
    /// One for each sample, camera frame, of length one; none where it says nothing.
    pub rays: Vec<Option<[f32; 3]>>,
}

impl Told {
    /// The geometric gaze that was measured with the samples.
    pub fn geometric(cache: &Cache) -> Told {
        Told {
            name: gaze::geometric::NAME.into(),
            rays: cache.samples.iter().map(|s| s.geometric).collect(),
        }
    }
}

/// Looks of a kind, and how far each way errs on them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Which looks.
    pub looks: String,
    /// How many.
    pub count: usize,
    /// Median angle between told and true line of sight, degrees, for each way.
    pub median_deg: Vec<f64>,
    /// Mean of the same.
    pub mean_deg: Vec<f64>,
}

/// One way's errors about each person's own median.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Way {
    /// What it is called.
    pub name: String,
    /// Medians of what is left across and up and down, degrees, when each person's median is taken
    /// away.
    pub within_person_deg: [f64; 2],
    /// Correlation of told and true yaw, and pitch.
    pub correlation: [f64; 2],
    /// What the eyes' and the head's turns move; none where they did not turn on their own.
    pub pupils: Option<Pupils>,
}

/// The whole comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Looks whose true line of sight is known and of which every way says something.
    pub looks: usize,
    /// Looks of which some way says nothing.
    pub left_out: usize,
    /// By way.
    pub ways: Vec<Way>,
    /// All looks, then by kind.
    pub rows: Vec<Row>,
}

/// Edges of bands: what they are of, how a look is told, where they begin and end.
type Bands = (&'static str, fn(&Sample) -> f64, &'static [f64]);
const BANDS: [Bands; 4] = [
    (
        "eyes {} px apart",
        |s| f64::from(s.eye_position[4]) * f64::from(s.image_px[0]),
        &[0.0, 40.0, 60.0, 80.0, 400.0],
    ),
    (
        "{} mm away",
        |s| Vector3::from(s.origin_mm).cast::<f64>().norm(),
        &[0.0, 500.0, 800.0, 1200.0, 5000.0],
    ),
    (
        "head turned {}°",
        |s| f64::from(s.head_deg[0].abs()),
        &[0.0, 10.0, 20.0, 90.0],
    ),
    (
        "brightness {} of 255",
        |s| f64::from(s.brightness) * 255.0,
        &[0.0, 50.0, 100.0, 256.0],
    ),
];

/// People of a kind, where it is known what they look like: what it is called, who is of it.
type Kind = (&'static str, fn(&Drawn) -> bool);
const KINDS: [Kind; 5] = [
    ("no glasses", |d| !d.glasses),
    ("glasses", |d| d.glasses),
    ("light skin, L* from 62", |d| d.skin >= 62.0),
    ("skin between", |d| (45.0..62.0).contains(&d.skin)),
    ("dark skin, L* below 45", |d| d.skin < 45.0),
];

/// Compares ways on looks whose true line of sight is known. None where there are none.
pub fn compare(cache: &Cache, ways: &[Told]) -> Option<Report> {
    let known = |i: &usize| {
        let s = &cache.samples[*i];
        s.ray.is_some() && s.open == [true; 2]
    };
    let known: Vec<usize> = (0..cache.len()).filter(known).collect();
    let told = |i: &usize| ways.iter().all(|w| w.rays[*i].is_some());
    let (all, silent): (Vec<usize>, Vec<usize>) = known.into_iter().partition(told);
    if all.is_empty() {
        return None;
    }
    let truth = |i: usize| vector(cache.samples[i].ray.unwrap_or_default());
    let errors: Vec<Vec<f64>> = (ways.iter())
        .map(|w| {
            let off = |i: &usize| truth(*i).angle(&vector(w.rays[*i].unwrap_or_default()));
            all.iter().map(|i| off(i).to_degrees()).collect()
        })
        .collect();
    let row = |looks: String, of: &[usize]| Row {
        looks,
        count: of.len(),
        median_deg: errors
            .iter()
            .map(|e| median(of.iter().map(|k| e[*k])))
            .collect(),
        mean_deg: errors
            .iter()
            .map(|e| of.iter().map(|k| e[*k]).sum::<f64>() / of.len() as f64)
            .collect(),
    };
    let every: Vec<usize> = (0..all.len()).collect();
    let mut rows = vec![row("all".into(), &every)];
    for (name, of, edges) in BANDS {
        for edge in edges.windows(2) {
            let inside = |k: &usize| (edge[0]..edge[1]).contains(&of(&cache.samples[all[*k]]));
            let band: Vec<usize> = every.iter().copied().filter(inside).collect();
            if !band.is_empty() {
                let span = format!("{:.0}–{:.0}", edge[0], edge[1]);
                rows.push(row(name.replace("{}", &span), &band));
            }
        }
    }
    let drawn = |k: &usize| {
        let name = &cache.header.persons[usize::from(cache.samples[all[*k]].person)];
        cache.header.drawn.get(name)
    };
    for (name, is) in KINDS {
        let those: Vec<usize> = (every.iter().copied())
            .filter(|k| drawn(k).is_some_and(is))
            .collect();
        if !those.is_empty() {
            rows.push(row(name.into(), &those));
        }
    }
    let ways = ways.iter().map(|w| way(cache, &all, w)).collect();
    Some(Report {
        looks: all.len(),
        left_out: silent.len(),
        ways,
        rows,
    })
}

fn way(cache: &Cache, all: &[usize], told: &Told) -> Way {
    let rays: Vec<[f32; 3]> = (all.iter())
        .map(|i| told.rays[*i].unwrap_or_default())
        .collect();
    let angles_of = |ray: [f32; 3]| {
        let v = vector(ray);
        [v.x.atan2(-v.z), (-v.y / v.norm()).asin()].map(f64::to_degrees)
    };
    let said: Vec<[f64; 2]> = rays.iter().map(|r| angles_of(*r)).collect();
    let is: Vec<[f64; 2]> = (all.iter())
        .map(|i| angles_of(cache.samples[*i].ray.unwrap_or_default()))
        .collect();
    let mut by_person: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (k, i) in all.iter().enumerate() {
        by_person
            .entry(cache.samples[*i].person)
            .or_default()
            .push(k);
    }
    let within = |axis: usize| {
        let off = |k: usize| said[k][axis] - is[k][axis];
        let mut left = vec![];
        for looks in by_person.values() {
            let own = median(looks.iter().map(|k| off(*k)));
            left.extend(looks.iter().map(|k| (off(*k) - own).abs()));
        }
        median(left)
    };
    Way {
        name: told.name.clone(),
        within_person_deg: [within(0), within(1)],
        correlation: [0, 1]
            .map(|axis| correlation(said.iter().map(|v| v[axis]), is.iter().map(|v| v[axis]))),
        pupils: Pupils::of(&cache.samples, all, &rays),
    }
}

fn vector(ray: [f32; 3]) -> Vector3<f64> {
    Vector3::from(ray).cast()
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.into_iter().collect();
    all.sort_by(f64::total_cmp);
    match all.len() {
        0 => f64::NAN,
        n => (all[(n - 1) / 2] + all[n / 2]) / 2.0,
    }
}

/// Pearson's; NaN where one does not vary.
fn correlation(a: impl Iterator<Item = f64> + Clone, b: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = a.clone().count() as f64;
    let (ma, mb) = (a.clone().sum::<f64>() / n, b.clone().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    ab / (aa * bb).sqrt()
}

impl Report {
    /// As a Markdown table, medians by kind of look, and a line for each way.
    pub fn markdown(&self) -> String {
        let mut out = String::from("| median error, degrees | looks |");
        self.ways
            .iter()
            .for_each(|w| out += &format!(" {} |", w.name));
        out += "\n|---|---|";
        out += &"---|".repeat(self.ways.len());
        for row in &self.rows {
            out += &format!("\n| {} | {} |", row.looks, row.count);
            for (median, mean) in row.median_deg.iter().zip(&row.mean_deg) {
                out += &match row.looks.as_str() {
                    "all" => format!(" {median:.2} (mean {mean:.2}) |"),
                    _ => format!(" {median:.2} |"),
                };
            }
        }
        out.push('\n');
        for w in &self.ways {
            let ([x, y], [a, b]) = (w.within_person_deg, w.correlation);
            out += &format!(
                "\n{}: {x:.2}° across and {y:.2}° up and down about each person's own median; r {a:.3} and {b:.3}",
                w.name
            );
            if let Some(p) = &w.pupils {
                out += &format!(
                    "; a degree of gaze moves it by {:.2}° and {:.2}°, a degree of the head by {:.2}° and {:.2}°",
                    p.gaze[0], p.gaze[1], p.head[0], p.head[1]
                );
            }
        }
        if self.left_out > 0 {
            out += &format!(
                "\n{} looks are left out: of them some say nothing",
                self.left_out
            );
        }
        out.push('\n');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::cache::CropSpec;
    use crate::synth::eyes::{self, Eyes};
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_known_error_comes_out_as_it_is() {
        let crop = CropSpec {
            size: 32,
            pad: 4,
            scale: 1.8,
            channels: 1,
        };
        let order = Eyes::new(3, 6, 8, crop);
        let mut cache = eyes::draw(&order, &AtomicBool::new(false), &|_| ()).unwrap();
        for s in &mut cache.samples {
            (s.open, s.brightness) = ([true; 2], 0.3);
        }
        // Everybody looks 3° too far to the right of the picture, odd persons 5°.
        let off = |k: usize, s: &Sample| {
            let v = vector(s.ray.unwrap());
            let by = if s.person % 2 == 1 { 5.0 } else { 3.0f64 };
            let (yaw, pitch) = (v.x.atan2(-v.z) + by.to_radians(), (-v.y).asin());
            let ray = [
                yaw.sin() * pitch.cos(),
                -pitch.sin(),
                -yaw.cos() * pitch.cos(),
            ];
            (k != 0).then(|| ray.map(|v| v as f32))
        };
        let told = Told {
            name: "aside".into(),
            rays: (cache.samples.iter().enumerate())
                .map(|(k, s)| off(k, s))
                .collect(),
        };
        let exact = Told {
            name: "exact".into(),
            rays: cache.samples.iter().map(|s| s.ray).collect(),
        };
        let report = compare(&cache, &[told, exact]).unwrap();
        assert_eq!((report.looks, report.left_out), (cache.len() - 1, 1));
        let all = &report.rows[0];
        // A turn about the vertical axis is a little less where one looks up or down.
        assert!((2.6..5.0).contains(&all.median_deg[0]) && all.median_deg[1] < 0.05);
        assert!((3.5..4.3).contains(&all.mean_deg[0]), "{:?}", all.mean_deg);
        let [aside, exact] = &report.ways[..] else {
            panic!("two ways")
        };
        // Each person's own is taken away: nothing is left.
        assert!(aside.within_person_deg.iter().all(|d| *d < 0.01));
        assert!(exact.correlation.iter().all(|r| (r - 1.0).abs() < 1e-6));
        let pupils = exact.pupils.expect("heads and eyes turned");
        assert!((pupils.gaze[0] - 1.0).abs() < 1e-3 && pupils.head[1].abs() < 1e-3);
        let text = report.markdown();
        assert!(
            text.contains("| all | 47 |") && text.contains("aside: 0.00°"),
            "{text}"
        );
        // Each kind's bands hold all looks between them.
        let of = |what: &str| {
            let rows = report.rows.iter().filter(|r| r.looks.starts_with(what));
            rows.map(|r| r.count).sum::<usize>()
        };
        assert_eq!((of("eyes"), of("head"), of("brightness")), (47, 47, 47));
        let skins = ["light skin", "skin between", "dark skin"].map(of);
        assert_eq!(
            (of("no glasses") + of("glasses"), skins.iter().sum()),
            (47, 47)
        );
        assert!(
            report
                .rows
                .iter()
                .any(|r| r.looks == "brightness 50–100 of 255")
        );
    }
}
