//! The result picture: the one maker of its SVG text.
//!
//! Left (on a tall picture: above) the display to scale with, for each target, where its
//! looks landed; beside it the same in numbers. Whatever has a colour has a shape too.

use super::chart::{Chart, Mark, rounded};
use super::fonts::{Weight, shortened, width, wrapped};
use super::layout::{Area, split};
use super::svg::{Anchor, Svg, Type, fill, stroke};
use super::theme::Theme;

/// Sizes that the picture is designed at, wide and tall; all others are these, enlarged.
const DESIGN: [[f64; 2]; 2] = [[1280.0, 800.0], [820.0, 1280.0]];
/// Looks of one target that are drawn at most: more are one blot.
const MOST_LOOKS: usize = 120;
/// How far beyond the display's edges marks are drawn, as a share of the sides.
const BEYOND: f64 = 0.06;

/// How it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Format {
    /// Width and height in pixels.
    pub size: [f64; 2],
    /// Colours.
    pub theme: Theme,
    /// Height left free at the bottom, in pixels.
    pub footer: f64,
}

/// The picture as SVG text.
pub fn svg(chart: &Chart, format: &Format) -> String {
    let [w, h] = format.size;
    let design = DESIGN[usize::from(h > w)];
    let mut drawing = Drawing {
        svg: Svg::new(w, h, &chart.heading),
        unit: (w / design[0]).min(h / design[1]),
        theme: format.theme,
    };
    drawing
        .svg
        .rect([0.0; 2], format.size, 0.0, fill(format.theme.ground));
    let page = Area {
        x: 0.0,
        y: 0.0,
        w,
        h: h - format.footer,
    }
    .inside(28.0 * drawing.unit);
    let below = drawing.head(chart, page);
    let legend = drawing.legend_height(chart, page.w);
    let room = Area {
        y: below,
        h: (page.y + page.h - below - legend).max(1.0),
        ..page
    };
    let table = Table::of(chart, drawing.unit, room);
    let (screen, beside) = split(room, chart.aspect, table.size(), 24.0 * drawing.unit);
    let framed = screen.fitted(chart.aspect);
    drawing.display(chart, framed);
    drawing.table(chart, &table, beside);
    drawing.legend(
        chart,
        Area {
            y: page.y + page.h - legend,
            h: legend,
            ..page
        },
    );
    drawing.svg.finish()
}

struct Drawing {
    svg: Svg,
    /// Pixels to one of the design's.
    unit: f64,
    theme: Theme,
}

impl Drawing {
    fn regular(&self, size: f64) -> Type {
        Type {
            size: size * self.unit,
            weight: Weight::Regular,
            colour: self.theme.ink,
            anchor: Anchor::Start,
        }
    }

    fn bold(&self, size: f64) -> Type {
        Type {
            weight: Weight::Bold,
            ..self.regular(size)
        }
    }

    fn dim(&self, size: f64) -> Type {
        Type {
            colour: self.theme.dim,
            ..self.regular(size)
        }
    }

    fn wrong(&self, style: Type) -> Type {
        Type {
            colour: self.theme.wrong,
            ..style
        }
    }

    /// Lines of text from `y` down; gives where the next would begin.
    fn lines(&mut self, text: &str, x: f64, y: f64, limit: f64, style: Type) -> f64 {
        let mut y = y;
        for line in wrapped(text, style.size, style.weight, limit) {
            y += 1.35 * style.size;
            let line = shortened(&line, style.size, style.weight, limit);
            self.svg.text([x, y - 0.3 * style.size], &line, style);
        }
        y
    }

    /// Heading, error, grade, who and what. Gives where the rest begins.
    fn head(&mut self, chart: &Chart, page: Area) -> f64 {
        let u = self.unit;
        let mut y = self.lines(&chart.heading, page.x, page.y, page.w, self.bold(28.0));
        if let Some(warning) = &chart.warning {
            let style = self.wrong(self.bold(17.0));
            y = self.lines(warning, page.x, y + 2.0 * u, page.w, style);
        }
        let error = chart.error_line().into_iter();
        let sentences: Vec<String> = error
            .chain((!chart.meaning.is_empty()).then(|| chart.meaning.clone()))
            .collect();
        if !sentences.is_empty() {
            let text = sentences.join(" ");
            y = self.lines(&text, page.x, y + 2.0 * u, page.w, self.regular(17.0));
        }
        for note in &chart.notes {
            y = self.lines(note, page.x, y, page.w, self.regular(15.0));
        }
        let about = chart.about.join("  ·  ");
        y = self.lines(&about, page.x, y + 2.0 * u, page.w, self.dim(14.0));
        y + 16.0 * u
    }

    /// The display to scale and what landed where.
    fn display(&mut self, chart: &Chart, outer: Area) {
        let u = self.unit;
        let t = self.theme;
        // The same share of each side: the aspect stays the display's.
        let scale = 1.0 / (1.0 + 2.0 * BEYOND);
        let screen = Area {
            x: outer.x + outer.w * BEYOND * scale,
            y: outer.y + outer.h * BEYOND * scale,
            w: outer.w * scale,
            h: outer.h * scale,
        };
        self.svg.rect(
            [screen.x, screen.y],
            [screen.w, screen.h],
            4.0 * u,
            fill(t.screen).outlined(t.rule, 1.5 * u),
        );
        let frame = outer.inside(6.0 * u);
        for mark in &chart.marks {
            self.spread(mark, screen, frame);
        }
        for mark in &chart.marks {
            self.error_line(mark, screen, frame);
        }
        for mark in &chart.marks {
            self.target(mark, screen.place(mark.target));
        }
        self.names(chart, screen, frame);
    }

    /// The targets' names, each where it covers least of the marks and other names.
    fn names(&mut self, chart: &Chart, screen: Area, frame: Area) {
        let u = self.unit;
        let text = self.bold(13.0);
        let square = |[x, y]: [f64; 2], r: f64| [x - r, y - r, x + r, y + r];
        let targets = chart.marks.iter().map(|m| {
            let r = if m.flaw.is_some() { 15.5 } else { 9.0 };
            square(screen.place(m.target), r * u)
        });
        let means = chart.marks.iter().filter_map(|m| m.mean);
        let means = means.map(|m| square(screen.place(m), 8.0 * u));
        let mut taken: Vec<[f64; 4]> = targets.chain(means).collect();
        for mark in &chart.marks {
            let [x, y] = screen.place(mark.target);
            let gap = if mark.flaw.is_some() { 18.0 } else { 12.0 } * u;
            let (wide, high) = (width(&mark.name, text.size, text.weight), text.size * 0.76);
            // Eight places about the target: beside, above and below, then further out.
            let places = [1.0, 1.6, 2.4].into_iter().flat_map(|far| {
                let gap = gap * far;
                let low = [y - 0.5 * gap, y + high / 2.0, y + 0.5 * gap + high];
                let beside = low
                    .into_iter()
                    .flat_map(move |b| [[x + gap, b], [x - gap - wide, b]]);
                beside.chain([[x - wide / 2.0, y - gap], [x - wide / 2.0, y + gap + high]])
            });
            let covered = |[left, base]: &[f64; 2]| -> f64 {
                let b = [
                    left - 2.0 * u,
                    base - high - 2.0 * u,
                    left + wide + 2.0 * u,
                    base + 2.0 * u,
                ];
                let shared = |o: &[f64; 4]| {
                    (b[2].min(o[2]) - b[0].max(o[0])).max(0.0)
                        * (b[3].min(o[3]) - b[1].max(o[1])).max(0.0)
                };
                let outside = !frame.holds([b[0], b[1]], 0.0) || !frame.holds([b[2], b[3]], 0.0);
                taken.iter().map(shared).sum::<f64>() + if outside { 1e9 } else { 0.0 }
            };
            let Some(best) = places.min_by(|a, b| covered(a).total_cmp(&covered(b))) else {
                continue;
            };
            self.svg.text(best, &mark.name, text);
            taken.push([best[0], best[1] - high, best[0] + wide, best[1]]);
        }
    }

    fn colour(&self, mark: &Mark) -> super::svg::Colour {
        match mark {
            m if m.wild => self.theme.wrong,
            m if m.check => self.theme.checked,
            _ => self.theme.landed,
        }
    }

    /// Single looks as dots, or the ellipse that stands for them.
    fn spread(&mut self, mark: &Mark, screen: Area, frame: Area) {
        let u = self.unit;
        let colour = self.colour(mark);
        let every = mark.looks.len().div_ceil(MOST_LOOKS).max(1);
        for look in mark.looks.iter().step_by(every) {
            let place = screen.place(*look);
            if frame.holds(place, 0.0) {
                self.svg.circle(place, 1.8 * u, fill(colour).opacity(0.45));
            }
        }
        if let (Some(mean), Some([right, down])) = (mark.mean, mark.ellipse) {
            let rim = (0..48).map(|i| {
                let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / 48.0).sin_cos();
                let at = |k: usize| mean[k] + cos * right[k] + sin * down[k];
                frame.clamped(screen.place([at(0), at(1)]))
            });
            let rim: Vec<[f64; 2]> = rim.collect();
            if frame.holds(screen.place(mean), 0.0) {
                self.svg.polygon(&rim, fill(colour).opacity(0.18));
                self.svg.polygon(&rim, stroke(colour, u).opacity(0.7));
            }
        }
    }

    /// From the target to the mean; what lands far outside ends in an arrow at the rim.
    fn error_line(&mut self, mark: &Mark, screen: Area, frame: Area) {
        let Some(mean) = mark.mean else { return };
        let u = self.unit;
        let colour = self.colour(mark);
        let (from, to) = (screen.place(mark.target), screen.place(mean));
        let inner = frame.inside(7.0 * u);
        if !frame.holds(from, 0.0) {
            return;
        }
        if inner.holds(to, 0.0) {
            self.svg.line(from, to, stroke(colour, 2.0 * u));
            self.mean(mark, to);
            return;
        }
        let share = inner.share_inside(from, to);
        let end = inner.clamped([0, 1].map(|i| from[i] + share * (to[i] - from[i])));
        self.svg.line(from, end, stroke(colour, 2.0 * u));
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let length = dx.hypot(dy).max(f64::MIN_POSITIVE);
        let (dx, dy) = (dx / length, dy / length);
        let tip = |along: f64, aside: f64| {
            frame.clamped([
                end[0] + u * (along * dx - aside * dy),
                end[1] + u * (along * dy + aside * dx),
            ])
        };
        self.svg.polygon(
            &[tip(7.0, 0.0), tip(-5.0, 6.0), tip(-5.0, -6.0)],
            fill(colour),
        );
    }

    /// A disc; of a check target a diamond; of a wild one a ×.
    fn mean(&mut self, mark: &Mark, [x, y]: [f64; 2]) {
        let r = 5.0 * self.unit;
        let colour = self.colour(mark);
        let rim = self.theme.ground;
        if mark.wild {
            let line = stroke(colour, 2.5 * self.unit);
            self.svg.line([x - r, y - r], [x + r, y + r], line);
            self.svg.line([x - r, y + r], [x + r, y - r], line);
        } else if mark.check {
            let r = 1.3 * r;
            let corners = [[x, y - r], [x + r, y], [x, y + r], [x - r, y]];
            self.svg
                .polygon(&corners, fill(colour).outlined(rim, self.unit));
        } else {
            self.svg
                .circle([x, y], r, fill(colour).outlined(rim, self.unit));
        }
    }

    /// A cross; of a check target a square; with a ring where something is wrong.
    fn target(&mut self, mark: &Mark, [x, y]: [f64; 2]) {
        let u = self.unit;
        let r = 8.0 * u;
        let ink = self.theme.ink;
        if mark.check {
            self.svg.rect(
                [x - 0.8 * r, y - 0.8 * r],
                [1.6 * r, 1.6 * r],
                0.0,
                stroke(ink, 2.0 * u),
            );
        } else {
            self.svg.line([x - r, y], [x + r, y], stroke(ink, 2.0 * u));
            self.svg.line([x, y - r], [x, y + r], stroke(ink, 2.0 * u));
        }
        if mark.flaw.is_some() {
            self.svg
                .circle([x, y], 14.0 * u, stroke(self.theme.wrong, 2.5 * u));
        }
    }

    /// The targets in numbers.
    fn table(&mut self, chart: &Chart, table: &Table, room: Area) {
        let u = self.unit;
        let x = |column: usize| room.x + table.right[column];
        let head = Type {
            size: table.text,
            ..self.dim(0.0).at(Anchor::End)
        };
        let mut y = room.y + table.row * 0.75;
        for (column, title) in Table::TITLES.iter().enumerate() {
            self.svg.text([x(column), y], title, head);
        }
        y += 0.35 * table.row;
        let rule = stroke(self.theme.rule, u);
        let end = room.x + table.width.min(room.w);
        self.svg.line([room.x, y], [end, y], rule);
        let mut check = false;
        for mark in &chart.marks {
            if mark.check && !check {
                check = true;
                y += 0.3 * table.row;
                self.svg.line([room.x, y], [end, y], rule);
            }
            y += table.row;
            let base = y - 0.28 * table.row;
            let style = Type {
                size: table.text,
                ..self.regular(0.0).at(Anchor::End)
            };
            let style = if mark.flaw.is_some() {
                self.wrong(style)
            } else {
                style
            };
            for (column, cell) in Table::cells(mark).iter().enumerate() {
                let style = if column == 0 {
                    Type {
                        weight: Weight::Bold,
                        ..style
                    }
                } else {
                    style
                };
                self.svg.text([x(column), base], cell, style);
            }
            if let Some(flaw) = &mark.flaw {
                let from = x(Table::TITLES.len() - 1) + 0.8 * table.text;
                let limit = (room.x + room.w - from).max(0.0);
                let flaw = shortened(flaw, table.text, Weight::Regular, limit);
                self.svg.text([from, base], &flaw, style.at(Anchor::Start));
            }
        }
    }

    fn legend_items(chart: &Chart) -> Vec<(Sign, &'static str)> {
        let any = |test: fn(&Mark) -> bool| chart.marks.iter().any(test);
        let mut items = vec![
            (Sign::Target, "target"),
            (Sign::Landed, "where its looks landed (mean)"),
        ];
        if any(|m| m.ellipse.is_some()) {
            items.push((Sign::Ellipse, "their scatter"));
        }
        if any(|m| !m.looks.is_empty()) {
            items.push((Sign::Look, "one look"));
        }
        if any(|m| m.check) {
            items.push((Sign::Check, "target that the fit has not seen"));
            items.push((Sign::Checked, "its mean"));
        }
        if any(|m| m.wild) {
            items.push((Sign::Wild, "set aside"));
        }
        if any(|m| m.flaw.is_some()) {
            items.push((Sign::Flaw, "worth showing again"));
        }
        items
    }

    /// Places of the legend's signs, left to right, then down.
    fn legend_places(&self, chart: &Chart, wide: f64) -> Vec<([f64; 2], Sign, &'static str)> {
        let u = self.unit;
        let (mut x, mut y) = (0.0, 0.0);
        let mut places = Vec::new();
        for (sign, text) in Self::legend_items(chart) {
            let length = 24.0 * u + width(text, 13.0 * u, Weight::Regular);
            if x > 0.0 && x + length > wide {
                (x, y) = (0.0, y + 24.0 * u);
            }
            places.push(([x, y], sign, text));
            x += length + 22.0 * u;
        }
        places
    }

    fn legend_height(&self, chart: &Chart, wide: f64) -> f64 {
        let places = self.legend_places(chart, wide);
        places
            .last()
            .map_or(0.0, |([_, y], ..)| y + 24.0 * self.unit)
            + 12.0 * self.unit
    }

    fn legend(&mut self, chart: &Chart, room: Area) {
        let u = self.unit;
        for ([x, y], sign, text) in self.legend_places(chart, room.w) {
            let at = [room.x + x + 9.0 * u, room.y + y + 20.0 * u];
            self.sign(sign, at);
            let style = self.dim(13.0);
            self.svg
                .text([at[0] + 15.0 * u, at[1] + 4.5 * u], text, style);
        }
    }

    fn sign(&mut self, sign: Sign, at @ [x, y]: [f64; 2]) {
        let u = self.unit;
        let mark = |check, wild| Mark {
            name: String::new(),
            target: [0.5; 2],
            looks: Vec::new(),
            mean: None,
            ellipse: None,
            samples: 0,
            error: None,
            scatter: None,
            check,
            flaw: None,
            wild,
        };
        match sign {
            Sign::Target => self.target(&mark(false, false), at),
            Sign::Check => self.target(&mark(true, false), at),
            Sign::Landed => self.mean(&mark(false, false), at),
            Sign::Checked => self.mean(&mark(true, false), at),
            Sign::Wild => self.mean(&mark(false, true), at),
            Sign::Look => self
                .svg
                .circle(at, 1.8 * u, fill(self.theme.landed).opacity(0.8)),
            Sign::Flaw => self
                .svg
                .circle(at, 8.0 * u, stroke(self.theme.wrong, 2.5 * u)),
            Sign::Ellipse => {
                let rim = (0..32).map(|i| {
                    let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / 32.0).sin_cos();
                    [x + 9.0 * u * cos, y + 6.0 * u * sin]
                });
                let rim: Vec<[f64; 2]> = rim.collect();
                let colour = self.theme.landed;
                self.svg.polygon(&rim, fill(colour).opacity(0.18));
                self.svg.polygon(&rim, stroke(colour, u).opacity(0.7));
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Sign {
    Target,
    Landed,
    Ellipse,
    Look,
    Check,
    Checked,
    Wild,
    Flaw,
}

/// Measures of the table.
struct Table {
    /// Height of its letters.
    text: f64,
    /// Height of a row.
    row: f64,
    /// Right edges of the columns.
    right: Vec<f64>,
    /// With the flaws beside the columns.
    width: f64,
    height: f64,
}

impl Table {
    const TITLES: [&'static str; 6] = ["", "error px", "cm", "°", "scatter cm", "looks"];

    fn of(chart: &Chart, unit: f64, room: Area) -> Self {
        let rows = chart.marks.len() as f64 + 2.0;
        // Smaller rows where so many do not fit; the letters stay legible.
        let row = (22.0 * unit).min(room.h / rows).max(13.0 * unit);
        let text = (row * 0.64).min(13.5 * unit);
        let wide = |s: &str| width(s, text, Weight::Bold);
        let mut x = 0.0;
        let right = (0..Self::TITLES.len()).map(|column| {
            let cells = chart.marks.iter().map(|m| wide(&Self::cells(m)[column]));
            let widest = cells.fold(wide(Self::TITLES[column]), f64::max);
            x += widest + if column == 0 { 0.0 } else { 1.3 * text };
            x
        });
        let right: Vec<f64> = right.collect();
        let flaws = chart.marks.iter().filter_map(|m| m.flaw.as_deref());
        let flaw = flaws.map(|f| width(f, text, Weight::Regular) + 0.8 * text);
        Self {
            text,
            row,
            width: x + flaw.fold(0.0, f64::max),
            right,
            height: rows * row,
        }
    }

    fn size(&self) -> [f64; 2] {
        [self.width, self.height]
    }

    fn cells(mark: &Mark) -> [String; 6] {
        let e = |value: fn(&crate::session::Span) -> f64, digits| {
            mark.error
                .as_ref()
                .map_or_else(|| "–".to_owned(), |span| rounded(value(span), digits))
        };
        [
            mark.name.clone(),
            e(|s| s.px, 0),
            e(|s| s.cm, 1),
            e(|s| s.deg, 1),
            mark.scatter
                .map_or_else(|| "–".to_owned(), |s| rounded(s.cm, 1)),
            mark.samples.to_string(),
        ]
    }
}
