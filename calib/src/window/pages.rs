//! What the session shows, as things to draw.

use std::sync::Arc;

use gaze::calibration::DisplayRecord;

use super::area::Area;
use super::scene::{Item, Picture};
use super::style::{
    CENTRE_RADIUS_MM, DISC_RADIUS_MM, DOT_CENTRE, DOT_DISC, RING, RING_CHECK, RING_END_MM,
    RING_START_MM, RING_TRACK, RING_WIDTH_MM, THEME, px_per_mm, unit,
};
use crate::picture::chart::{Chart, sentence};
use crate::picture::fonts::{Weight, width, wrapped};
use crate::picture::raster;
use crate::picture::result::{Format, svg};
use crate::picture::svg::{Anchor, Colour, Type};
use crate::session::{
    COLLECT_NS, Hint, Kind, MOVE_NS, ResultView, SETTLE_NS, StuckView, TargetView, View,
    WelcomeView,
};

/// Height left free below the result picture for the keys, in design pixels.
const FOOTER: f64 = 64.0;

/// Turns views into scenes; keeps the result picture, which takes a while to draw.
pub struct Pages {
    size: [f64; 2],
    area: Area,
    unit: f64,
    px_per_mm: f64,
    result: Option<(Chart, Picture)>,
}

impl Pages {
    /// For a window of this many pixels that covers this part of the display.
    pub fn new(size: [u32; 2], area: Area, display: &DisplayRecord) -> Self {
        let size = size.map(f64::from);
        Self {
            size,
            area,
            unit: unit(size),
            px_per_mm: px_per_mm(area.display_px(size), display.width_mm),
            result: None,
        }
    }

    /// What is to be drawn now.
    pub fn scene(&mut self, view: &View<'_>) -> Vec<Item> {
        let mut page = self.page();
        match view {
            View::Welcome(welcome) => page.welcome(welcome),
            View::Target(target) => page.target(target),
            View::Stuck(stuck) => page.stuck(stuck),
            View::Result(result) => {
                page.items.extend(self.result(result).map(Item::Picture));
                page.result_keys(result);
            }
            View::Done(_) => {}
        }
        page.items
    }

    /// An empty page.
    pub(super) fn page(&self) -> Page {
        Page {
            size: self.size,
            area: self.area,
            unit: self.unit,
            mm: self.px_per_mm,
            items: Vec::new(),
        }
    }

    fn result(&mut self, result: &ResultView<'_>) -> Option<Picture> {
        let chart = Chart::from_view(result);
        if let Some((_, picture)) = self.result.as_ref().filter(|(shown, _)| *shown == chart) {
            return Some(picture.clone());
        }
        let format = Format {
            size: self.size,
            theme: THEME,
            footer: FOOTER * self.unit,
        };
        let pixels = raster::render(&svg(&chart, &format)).ok()?;
        let picture = Picture(Arc::new(pixels));
        self.result = Some((chart, picture.clone()));
        Some(picture)
    }
}

/// One page on its way to the window.
pub(super) struct Page {
    pub(super) size: [f64; 2],
    area: Area,
    pub(super) unit: f64,
    mm: f64,
    pub(super) items: Vec<Item>,
}

impl Page {
    pub(super) fn style(&self, size: f64, weight: Weight, colour: Colour) -> Type {
        Type {
            size: size * self.unit,
            weight,
            colour,
            anchor: Anchor::Middle,
        }
    }

    pub(super) fn text(&mut self, at: [f64; 2], text: &str, style: Type) {
        self.items.push(Item::Text {
            at,
            text: text.to_owned(),
            style,
        });
    }

    /// Lines about the window's middle axis, the first one's base line at `y`; gives
    /// the base line after the last.
    pub(super) fn column(&mut self, text: &str, y: f64, style: Type) -> f64 {
        let mut y = y;
        for line in wrapped(text, style.size, style.weight, 0.86 * self.size[0]) {
            self.text([self.size[0] / 2.0, y], &line, style);
            y += 1.4 * style.size;
        }
        y
    }

    fn welcome(&mut self, view: &WelcomeView<'_>) {
        let u = self.unit;
        let title = match view.kind {
            Kind::Calibrate { .. } => "Calibration",
            Kind::Validate { .. } => "How good is the calibration?",
            Kind::Repair => "Repair of the calibration",
        };
        let mut y = self.size[1] / 2.0 - 200.0 * u;
        y = self.column(title, y, self.style(38.0, Weight::Bold, THEME.ink));
        let user = format!("for {}", view.user);
        y = self.column(
            &user,
            y - 6.0 * u,
            self.style(20.0, Weight::Regular, THEME.dim),
        );
        y += 24.0 * u;
        let lines = welcome_lines(view);
        // The lines begin below one another: read more easily than centred ones.
        let style = self
            .style(20.0, Weight::Regular, THEME.ink)
            .at(Anchor::Start);
        let limit = 0.86 * self.size[0];
        let lines: Vec<String> = lines
            .iter()
            .flat_map(|l| wrapped(l, style.size, style.weight, limit))
            .collect();
        let widest = lines.iter().map(|l| width(l, style.size, style.weight));
        let x = (self.size[0] - widest.fold(0.0, f64::max)) / 2.0;
        for line in &lines {
            self.text([x, y], line, style);
            y += 1.6 * style.size;
        }
        y += 40.0 * u;
        match &view.problem {
            Some(problem) => {
                let style = self.style(28.0, Weight::Bold, THEME.wrong);
                y = self.column(&sentence(&problem.to_string()), y, style);
            }
            None if view.ready => {
                let seen = match view.distance_mm {
                    Some(mm) => format!("Your eyes are seen, {:.0} cm away.", mm / 10.0),
                    None => "Your eyes are seen.".to_owned(),
                };
                y = self.column(&seen, y, self.style(22.0, Weight::Regular, THEME.checked));
            }
            None => {
                let style = self.style(22.0, Weight::Regular, THEME.dim);
                y = self.column("Looking for your eyes …", y, style);
            }
        }
        y += 28.0 * u;
        let keys: &[(&str, &str)] = if view.waiting {
            &[
                ("", "begins as soon as your eyes are seen"),
                ("Esc", "leave"),
            ]
        } else {
            &[("Space", "begin"), ("Esc", "leave")]
        };
        self.keys(keys, y);
    }

    /// Keys and what they do, in one line about the middle (more where it is narrow).
    pub(super) fn keys(&mut self, keys: &[(&str, &str)], y: f64) {
        let key = self.style(18.0, Weight::Bold, THEME.ink).at(Anchor::Start);
        let what = self
            .style(18.0, Weight::Regular, THEME.dim)
            .at(Anchor::Start);
        let (near, far) = (8.0 * self.unit, 40.0 * self.unit);
        let wide = |(k, w): &(&str, &str)| {
            let gap = if k.is_empty() { 0.0 } else { near };
            width(k, key.size, key.weight) + gap + width(w, what.size, what.weight)
        };
        let mut rows: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
        let mut row_wide = 0.0;
        for pair in keys {
            let more = wide(pair) + far;
            if row_wide + more - far > 0.94 * self.size[0] && row_wide > 0.0 {
                rows.push(Vec::new());
                row_wide = 0.0;
            }
            row_wide += more;
            if let Some(row) = rows.last_mut() {
                row.push(*pair);
            }
        }
        // At the window's foot several rows grow upwards.
        let step = 1.5 * key.size;
        let last = self.size[1] - 14.0 * self.unit;
        let mut y = y.min(last - step * (rows.len() as f64 - 1.0));
        for row in rows {
            let total = row.iter().map(wide).sum::<f64>() + far * (row.len() as f64 - 1.0);
            let mut x = (self.size[0] - total) / 2.0;
            for pair in row {
                let (k, w) = pair;
                let gap = if k.is_empty() { 0.0 } else { near };
                self.text([x, y], k, key);
                let after = x + width(k, key.size, key.weight) + gap;
                self.text([after, y], w, what);
                x += wide(&pair) + far;
            }
            y += step;
        }
    }

    /// Where in the window a place on the display is.
    pub(super) fn place(&self, norm: [f64; 2]) -> [f64; 2] {
        let [x, y] = self.area.within(norm);
        [x * self.size[0], y * self.size[1]]
    }

    /// The bull's eye with its cross hair.
    fn dot(&mut self, at: [f64; 2]) {
        let (disc, centre) = (DISC_RADIUS_MM * self.mm, CENTRE_RADIUS_MM * self.mm);
        let circle = |radius, colour| Item::Disc { at, radius, colour };
        self.items.push(circle(disc, DOT_DISC));
        let bar = |w: f64, h: f64| Item::Bar {
            area: [at[0] - w / 2.0, at[1] - h / 2.0, w, h],
            colour: THEME.ground,
        };
        let cross = 2.0 * centre;
        self.items.push(bar(2.0 * disc + 2.0, cross));
        self.items.push(bar(cross, 2.0 * disc + 2.0));
        self.items.push(circle(centre, DOT_CENTRE));
    }

    pub(super) fn target(&mut self, view: &TargetView) {
        let at = self.place(view.dot());
        let radius = RING_START_MM + (RING_END_MM - RING_START_MM) * view.progress;
        let ring = |from, to, colour| Item::Arc {
            at,
            radius: radius * self.mm,
            width: RING_WIDTH_MM * self.mm,
            from,
            to,
            colour,
        };
        let colour = if view.checking { RING_CHECK } else { RING };
        let (done, open) = (
            ring(0.0, view.progress, colour),
            ring(view.progress, 1.0, RING_TRACK),
        );
        self.items.extend([open, done]);
        self.dot(at);
        if let Some(hint) = &view.hint {
            self.hint(hint, self.place(view.at));
        }
        self.count(view.number, view.of);
    }

    /// Beside the dot; what has to be mended first is large.
    pub(super) fn hint(&mut self, hint: &Hint, dot: [f64; 2]) {
        let (size, weight, colour) = match hint {
            Hint::Problem(_) => (28.0, Weight::Bold, THEME.wrong),
            _ => (20.0, Weight::Regular, THEME.ink),
        };
        let style = self.style(size, weight, colour);
        self.beside(&sentence(&hint.to_string()), style, dot);
    }

    /// Words beside the dot, towards the middle of the window.
    pub(super) fn beside(&mut self, text: &str, style: Type, dot: [f64; 2]) {
        let limit = 0.6 * self.size[0];
        let lines = wrapped(text, style.size, style.weight, limit);
        let widest = lines
            .iter()
            .map(|l| width(l, style.size, style.weight))
            .fold(0.0, f64::max);
        let margin = widest / 2.0 + 16.0 * self.unit;
        let x = dot[0].clamp(
            margin.min(self.size[0] / 2.0),
            (self.size[0] - margin).max(self.size[0] / 2.0),
        );
        let step = 1.4 * style.size;
        let away = (RING_START_MM + 5.0) * self.mm;
        let mut y = if dot[1] < self.size[1] / 2.0 {
            dot[1] + away + style.size
        } else {
            dot[1] - away - step * (lines.len() as f64 - 1.0)
        };
        for line in &lines {
            self.text([x, y], line, style);
            y += step;
        }
    }

    fn count(&mut self, number: usize, of: usize) {
        let text = format!("{number} of {of}");
        let at = [self.size[0] / 2.0, self.size[1] - 7.0 * self.unit];
        self.text(at, &text, self.style(14.0, Weight::Regular, THEME.dim));
    }

    fn stuck(&mut self, view: &StuckView) {
        let u = self.unit;
        let dot = self.place(view.at);
        self.dot(dot);
        self.count(view.number, view.of);
        // In the half of the window where the dot is not.
        let mut y = if view.at[1] < 0.5 {
            0.62 * self.size[1]
        } else {
            0.24 * self.size[1]
        };
        if (view.at[1] - 0.5).abs() < 0.1 {
            y = 0.22 * self.size[1];
        }
        let why = sentence(&view.why.to_string());
        y = self.column(&why, y, self.style(28.0, Weight::Bold, THEME.wrong));
        let line = "Nothing could be measured at this dot for a while.";
        y = self.column(line, y, self.style(20.0, Weight::Regular, THEME.ink));
        let all = [
            ("R", "try again"),
            ("Space", "go on without it"),
            ("Esc", "leave"),
        ];
        let few = [("R", "try again"), ("Esc", "leave")];
        let keys: &[(&str, &str)] = if view.skippable { &all } else { &few };
        self.keys(keys, y + 28.0 * u);
    }

    fn result_keys(&mut self, view: &ResultView<'_>) {
        let redo = match (view.again, view.bad.len()) {
            (1, 1) => "show the marked one again".to_owned(),
            (n, bad) if n == bad => format!("show the {n} marked ones again"),
            (n, _) => format!("show {n} dots again"),
        };
        let store = match view.kind {
            Kind::Validate { .. } => "done",
            _ => "store and use it",
        };
        let leave = match view.kind {
            Kind::Validate { .. } => "leave",
            _ => "leave, nothing changes",
        };
        let mut keys = Vec::new();
        if view.can_store {
            keys.push(("Space", store));
        }
        if view.again > 0 {
            keys.push(("R", redo.as_str()));
        }
        keys.push(("Esc", leave));
        self.keys(&keys, self.size[1] - 26.0 * self.unit);
    }
}

/// What will happen, in four lines.
fn welcome_lines(view: &WelcomeView<'_>) -> [String; 4] {
    // Looking and moving take longer than the least; measured with people it is about this.
    let each = (MOVE_NS + SETTLE_NS + COLLECT_NS) as f64 * 1.25e-9;
    let seconds = (view.targets as f64 * each / 5.0).ceil() * 5.0;
    let dots = if view.targets == 1 {
        "A dot will appear".to_owned()
    } else {
        format!("{} dots will appear, one after another", view.targets)
    };
    let after = match view.kind {
        Kind::Calibrate { .. } => "Afterwards you keep the result or not.",
        Kind::Validate { .. } => "Then you see how far off the calibration is.",
        Kind::Repair => "It shifts the calibration by what is off there.",
    };
    [
        format!("{dots}; it takes about {seconds:.0} seconds."),
        "Look at the yellow middle of each until its ring is full.".to_owned(),
        "Sit as you usually do, and hold your head still meanwhile.".to_owned(),
        format!("{after} Esc leaves: nothing changes."),
    ]
}
