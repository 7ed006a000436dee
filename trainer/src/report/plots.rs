//! The plots. All are 400 wide, so that their letters stay readable on a phone.

use std::collections::BTreeMap;

use super::svg::{Anchor, LOOKS, Svg};
use crate::baseline::metrics::AtTarget;

const WIDE: f64 = 400.0;
/// Room left of and below the axes.
const LEFT: f64 = 44.0;
const BELOW: f64 = 34.0;
const SMALL: f64 = 11.0;
/// Letters of a name in the legend.
const NAME: usize = 56;
/// More places than this are drawn as a grid of means.
const PLACES: usize = 48;
/// Cells of that grid.
const GRID: [usize; 2] = [8, 5];

/// Values along an axis; `None` where a series has none.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// One for each place on the axis.
    pub values: Vec<Option<f64>>,
}

/// What an epoch of training came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// From 0.
    pub epoch: usize,
    /// Mean loss on what is learnt from.
    pub train_loss: f64,
    /// Mean loss on what is held out, where it was measured.
    pub val_loss: Option<f64>,
    /// Mean error on what is held out, pixels.
    pub val_px: Option<f64>,
    /// The same in degrees.
    pub val_deg: Option<f64>,
}

/// Errors on the screen, `aspect` its width ÷ height: at each place the target (ring), the
/// mean of the points (dot), and the way between. Many places are put together in a grid, in
/// which colour tells the mean distance.
pub fn on_screen(places: &[AtTarget], aspect: f64, series: usize) -> String {
    let class = format!("s{}", series % LOOKS);
    let aspect = if aspect.is_finite() {
        aspect.clamp(0.4, 3.0)
    } else {
        16.0 / 9.0
    };
    // Points land beside the screen too: a margin of a tenth, and what is further is cut.
    let margin = WIDE / 1.24 * 0.12;
    let w = WIDE - 2.0 * margin;
    let h = w / aspect;
    let mut svg = Svg::new(WIDE, h + 2.0 * margin, "error at each place on the screen");
    let at = |p: [f64; 2]| {
        let [x, y] = [margin + p[0] * w, margin + p[1] * h];
        [
            x.clamp(3.0, WIDE - 3.0),
            y.clamp(3.0, h + 2.0 * margin - 3.0),
        ]
    };
    svg.rect([margin, margin], [w, h], "area");
    frame(&mut svg, [margin, margin], [w, h]);
    if places.len() <= PLACES {
        for p in places {
            svg.line(at(p.target), at(p.point), 1.6, &class);
        }
        for p in places {
            svg.dot(at(p.target), 4.2, "ink");
            svg.dot(at(p.target), 2.8, "area");
            svg.dot(at(p.point), 3.0, &class);
        }
        return svg.finish();
    }
    // Sum of distances, how many, sums of targets and points.
    type Cell = (f64, usize, [f64; 2], [f64; 2]);
    let mut cells: BTreeMap<[usize; 2], Cell> = BTreeMap::new();
    for p in places {
        let cell = [0, 1].map(|k| {
            let place = (p.target[k] * GRID[k] as f64).floor();
            place.clamp(0.0, (GRID[k] - 1) as f64) as usize
        });
        let (px, n, target, point) = cells.entry(cell).or_default();
        let weight = p.points as f64;
        *px += p.mean_px * weight;
        *n += p.points;
        for k in 0..2 {
            target[k] += p.target[k] * weight;
            point[k] += p.point[k] * weight;
        }
    }
    let most = (cells.values())
        .map(|c| c.0 / c.1 as f64)
        .fold(1.0, f64::max);
    let [cw, ch] = [w / GRID[0] as f64, h / GRID[1] as f64];
    for ([i, j], (px, n, _, _)) in &cells {
        let (mean, corner) = (
            px / *n as f64,
            [margin + *i as f64 * cw, margin + *j as f64 * ch],
        );
        svg.tint(corner, [cw, ch], &class, 0.08 + 0.45 * mean / most);
        let words = format!("{mean:.0}");
        let middle = [corner[0] + cw / 2.0, corner[1] + ch / 2.0 + 4.0];
        svg.text(middle, &words, SMALL, Anchor::Middle, "ink");
    }
    svg.finish()
}

fn frame(svg: &mut Svg, [x, y]: [f64; 2], [w, h]: [f64; 2]) {
    let corners = [[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]];
    svg.path(&corners, 1.2, "", "rule");
}

/// Series over named places, `unit` of the values above.
pub fn over_bands(names: &[String], series: &[Series], unit: &str) -> String {
    let all = series.iter().flat_map(|s| &s.values).flatten().copied();
    let high = all.filter(|v| v.is_finite()).fold(0.0, f64::max);
    let legend = legend_height(series);
    let (top, height) = (26.0 + legend, 190.0);
    let title = format!("{unit} over {}", names.join(", "));
    let mut svg = Svg::new(WIDE, top + height + BELOW + 10.0, &title);
    draw_legend(&mut svg, series);
    let ticks = axis(&mut svg, high, [top, height], unit);
    let step = (WIDE - LEFT - 12.0) / names.len().max(1) as f64;
    let x = |i: usize| LEFT + (i as f64 + 0.5) * step;
    for (i, name) in names.iter().enumerate() {
        // Two lines where a name has two words.
        let (first, rest) = name.split_once(" to ").map_or_else(
            || name.split_once(' ').unwrap_or((name, "")),
            |(a, b)| (a, b),
        );
        let y = top + height + 15.0;
        svg.text([x(i), y], first, SMALL, Anchor::Middle, "dim");
        let rest = if name.contains(" to ") {
            format!("to {rest}")
        } else {
            rest.to_owned()
        };
        svg.text([x(i), y + 13.0], &rest, SMALL, Anchor::Middle, "dim");
    }
    let y = |v: f64| top + height * (1.0 - v / ticks);
    for (k, s) in series.iter().enumerate() {
        let known: Vec<[f64; 2]> = (s.values.iter().enumerate())
            .filter_map(|(i, v)| Some([x(i), y((*v).filter(|v| v.is_finite())?)]))
            .collect();
        svg.path(&known, 1.6, dash(k), &format!("s{}", k % LOOKS));
        known.iter().for_each(|p| svg.mark(*p, k));
    }
    svg.finish()
}

/// Losses, and errors in degrees and pixels where they were measured, over the epochs; `guess`
/// is what has to be beaten, likewise in degrees and pixels.
pub fn learning(epochs: &[Epoch], guess: Option<[f64; 2]>) -> Vec<(String, String)> {
    let series = |name: &str, of: &dyn Fn(&Epoch) -> Option<f64>| Series {
        name: name.into(),
        values: epochs.iter().map(of).collect(),
    };
    let numbers: Vec<usize> = epochs.iter().map(|e| e.epoch).collect();
    let figure = |title: &str, unit: &str, mut series: Vec<Series>| {
        series.retain(|s| s.values.iter().any(Option::is_some));
        let drawn = !series.is_empty();
        drawn.then(|| (title.to_owned(), over_epochs(&numbers, &series, unit)))
    };
    let error = |title: &str, unit: &str, k: usize, of: &dyn Fn(&Epoch) -> Option<f64>| {
        let mut all = vec![series("held out", of)];
        if all[0].values.iter().any(Option::is_some) {
            all.push(series("says the screen's middle", &|_| guess.map(|g| g[k])));
        }
        figure(title, unit, all)
    };
    let losses = vec![
        series("learnt from", &|e| Some(e.train_loss)),
        series("held out", &|e| e.val_loss),
    ];
    let degrees = "Mean error over the epochs, degrees";
    let pixels = "Mean error over the epochs, pixels";
    let figures = [
        figure("Loss over the epochs", "loss", losses),
        error(degrees, "degrees", 0, &|e| e.val_deg),
        error(pixels, "pixels", 1, &|e| e.val_px),
    ];
    figures.into_iter().flatten().collect()
}

fn over_epochs(epochs: &[usize], series: &[Series], unit: &str) -> String {
    let all = || series.iter().flat_map(|s| &s.values).flatten().copied();
    let high = all().filter(|v| v.is_finite()).fold(0.0, f64::max);
    let legend = legend_height(series);
    let (top, height) = (26.0 + legend, 190.0);
    let mut svg = Svg::new(WIDE, top + height + BELOW, &format!("{unit} over epochs"));
    draw_legend(&mut svg, series);
    let ticks = axis(&mut svg, high, [top, height], unit);
    let (first, last) = (
        epochs.first().copied().unwrap_or(0) as f64,
        epochs.last().copied().unwrap_or(0) as f64,
    );
    let wide = WIDE - LEFT - 16.0;
    let x = |epoch: f64| LEFT + 4.0 + wide * (epoch - first) / (last - first).max(1.0);
    // Equal steps of whole epochs.
    let step = ((last - first) / 5.0).ceil().max(1.0);
    let mut epoch = first;
    while epoch <= last {
        let place = [x(epoch), top + height + 15.0];
        svg.text(place, &format!("{epoch:.0}"), SMALL, Anchor::Middle, "dim");
        epoch += step;
    }
    svg.text(
        [WIDE - 12.0, top + height + 29.0],
        "epoch",
        SMALL,
        Anchor::End,
        "dim",
    );
    for (k, s) in series.iter().enumerate() {
        let known: Vec<[f64; 2]> = (s.values.iter().zip(epochs))
            .filter_map(|(v, e)| {
                let v = (*v).filter(|v| v.is_finite())?;
                Some([x(*e as f64), top + height * (1.0 - v / ticks)])
            })
            .collect();
        svg.path(&known, 1.8, dash(k), &format!("s{}", k % LOOKS));
        // Marks at most at every tenth of the width.
        let every = known.len().div_ceil(10).max(1);
        known.iter().step_by(every).for_each(|p| svg.mark(*p, k));
    }
    svg.finish()
}

/// A line through points of the unit square, `x` and `y` its axes' names.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// In the legend.
    pub name: String,
    /// x and y, 0 to 1.
    pub points: Vec<[f64; 2]>,
    /// Points are marked.
    pub marked: bool,
}

/// Shares against shares, with the diagonal; both axes go from 0 to 1.
pub fn in_square(lines: &[Shares], [x_name, y_name]: [&str; 2]) -> String {
    let legend: Vec<Series> = (lines.iter())
        .map(|l| Series {
            name: l.name.clone(),
            values: vec![],
        })
        .collect();
    let top = 26.0 + legend_height(&legend);
    let side = WIDE - LEFT - 24.0;
    let title = format!("{y_name} against {x_name}");
    let mut svg = Svg::new(WIDE, top + side + BELOW + 2.0, &title);
    draw_legend(&mut svg, &legend);
    svg.text([2.0, top - 10.0], y_name, SMALL, Anchor::Start, "dim");
    let at = |[x, y]: [f64; 2]| {
        let within = |v: f64| {
            if v.is_finite() {
                v.clamp(0.0, 1.0)
            } else {
                0.0
            }
        };
        [LEFT + within(x) * side, top + (1.0 - within(y)) * side]
    };
    for k in 0..=4 {
        let v = f64::from(k) / 4.0;
        let width = if k == 0 { 1.4 } else { 0.7 };
        svg.line(at([0.0, v]), at([1.0, v]), width, "rule");
        svg.line(at([v, 0.0]), at([v, 1.0]), width, "rule");
        let ([x, _], [_, y]) = (at([v, 0.0]), at([0.0, v]));
        let words = short(v, 0.25);
        let below = [x, top + side + 15.0];
        svg.text(below, &words, SMALL, Anchor::Middle, "dim");
        svg.text([LEFT - 6.0, y + 4.0], &words, SMALL, Anchor::End, "dim");
    }
    let end = [LEFT + side, top + side + 30.0];
    svg.text(end, x_name, SMALL, Anchor::End, "dim");
    svg.path(&[at([0.0, 0.0]), at([1.0, 1.0])], 1.0, "3 4", "dim");
    for (k, line) in lines.iter().enumerate() {
        let points: Vec<[f64; 2]> = line.points.iter().map(|p| at(*p)).collect();
        if points.len() > 1 {
            svg.path(&points, 1.8, dash(k), &format!("s{}", k % LOOKS));
        }
        if line.marked || points.len() == 1 {
            points.iter().for_each(|p| svg.mark(*p, k));
        }
    }
    svg.finish()
}

/// Draws rules from 0 to a round number above `high`, and gives that number.
fn axis(svg: &mut Svg, high: f64, [top, height]: [f64; 2], unit: &str) -> f64 {
    let high = if high > 0.0 && high.is_finite() {
        high
    } else {
        1.0
    };
    let magnitude = 10f64.powf((high / 4.0).log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|k| k * magnitude)
        .into_iter()
        .find(|s| s * 4.0 >= high)
        .unwrap_or(10.0 * magnitude);
    let count = (high / step).ceil().max(1.0);
    for k in 0..=count as usize {
        let value = step * k as f64;
        let y = top + height * (1.0 - k as f64 / count);
        svg.line(
            [LEFT, y],
            [WIDE - 12.0, y],
            if k == 0 { 1.4 } else { 0.7 },
            "rule",
        );
        svg.text(
            [LEFT - 6.0, y + 4.0],
            &short(value, step),
            SMALL,
            Anchor::End,
            "dim",
        );
    }
    svg.text([2.0, top - 12.0], unit, SMALL, Anchor::Start, "dim");
    step * count
}

/// As many digits as the step needs.
fn short(value: f64, step: f64) -> String {
    let digits = if step >= 1.0 {
        usize::from(step == 2.5)
    } else {
        (-step.log10()).ceil() as usize + 1
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn dash(series: usize) -> &'static str {
    ["", "6 3", "2 3", "8 3 2 3", "4 2", "1 2"][series % LOOKS]
}

/// Series stand below one another: their names are long.
fn legend_height(series: &[Series]) -> f64 {
    15.0 * series.len() as f64
}

fn draw_legend(svg: &mut Svg, series: &[Series]) {
    for (k, s) in series.iter().enumerate() {
        let y = 9.0 + 15.0 * k as f64;
        svg.path(
            &[[4.0, y], [28.0, y]],
            1.6,
            dash(k),
            &format!("s{}", k % LOOKS),
        );
        svg.mark([16.0, y], k);
        let name = match s.name.char_indices().nth(NAME) {
            Some((cut, _)) => format!("{}…", &s.name[..cut]),
            None => s.name.clone(),
        };
        svg.text([34.0, y + 4.0], &name, SMALL, Anchor::Start, "ink");
    }
}
