//! SVG text, written a shape at a time. Colours are classes that the page gives a meaning
//! in light and dark: `ink`, `dim`, `rule`, `ground`, `area`, and `s0`, `s1`, … for series.

use std::fmt::Write;

use super::page::escape;

/// How many series have a look of their own.
pub const LOOKS: usize = 6;

/// A picture being written. Places are `[x, y]`, y down.
#[derive(Debug)]
pub struct Svg {
    text: String,
}

/// Which end of a line of text lies at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The left one.
    Start,
    /// The middle.
    Middle,
    /// The right one.
    End,
}

impl Svg {
    /// An empty picture of this size; `title` says in words what it shows.
    pub fn new(width: f64, height: f64, title: &str) -> Svg {
        let (w, h) = (number(width), number(height));
        Svg {
            text: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" role=\"img\">\n<title>{}</title>\n",
                escape(title)
            ),
        }
    }

    fn push(&mut self, shape: std::fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(shape);
        self.text.push('\n');
    }

    /// A rectangle; `class` is filled.
    pub fn rect(&mut self, [x, y]: [f64; 2], [w, h]: [f64; 2], class: &str) {
        let [x, y, w, h] = [x, y, w.max(0.0), h.max(0.0)].map(number);
        self.push(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" class=\"f-{class}\"/>"
        ));
    }

    /// A rectangle of which only so much shows through, 0 to 1.
    pub fn tint(&mut self, [x, y]: [f64; 2], [w, h]: [f64; 2], class: &str, opacity: f64) {
        let [x, y, w, h, o] = [x, y, w, h, opacity.clamp(0.0, 1.0)].map(number);
        self.push(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" class=\"f-{class}\" fill-opacity=\"{o}\"/>"
        ));
    }

    /// A line.
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], width: f64, class: &str) {
        let [x1, y1, x2, y2, w] = [from[0], from[1], to[0], to[1], width].map(number);
        self.push(format_args!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke-width=\"{w}\" class=\"l-{class}\"/>"
        ));
    }

    /// A line through places; `dash` as SVG writes it, empty for none.
    pub fn path(&mut self, places: &[[f64; 2]], width: f64, dash: &str, class: &str) {
        let mut points = String::new();
        for [x, y] in places {
            let _ = write!(points, "{},{} ", number(*x), number(*y));
        }
        let dash = match dash {
            "" => String::new(),
            dash => format!(" stroke-dasharray=\"{dash}\""),
        };
        self.push(format_args!(
            "<polyline points=\"{}\" stroke-width=\"{}\"{dash} class=\"l-{class}\"/>",
            points.trim_end(),
            number(width)
        ));
    }

    /// A dot.
    pub fn dot(&mut self, [x, y]: [f64; 2], radius: f64, class: &str) {
        let [x, y, r] = [x, y, radius].map(number);
        self.push(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" class=\"f-{class}\"/>"
        ));
    }

    /// The mark of a series: each has a shape of its own.
    pub fn mark(&mut self, [x, y]: [f64; 2], series: usize) {
        let class = format!("s{}", series % LOOKS);
        let polygon = |places: &[[f64; 2]]| {
            let point = |p: &[f64; 2]| format!("{},{}", number(x + p[0]), number(y + p[1]));
            let points: Vec<String> = places.iter().map(point).collect();
            format!(
                "<polygon points=\"{}\" class=\"f-{class}\"/>",
                points.join(" ")
            )
        };
        let shape = match series % LOOKS {
            0 => return self.dot([x, y], 3.5, &class),
            1 => polygon(&[[-3.2, -3.2], [3.2, -3.2], [3.2, 3.2], [-3.2, 3.2]]),
            2 => polygon(&[[0.0, -4.6], [4.2, 3.2], [-4.2, 3.2]]),
            3 => polygon(&[[0.0, -4.8], [4.8, 0.0], [0.0, 4.8], [-4.8, 0.0]]),
            4 => polygon(&[[0.0, 4.6], [4.2, -3.2], [-4.2, -3.2]]),
            _ => polygon(&[[-4.6, -1.4], [4.6, -1.4], [4.6, 1.4], [-4.6, 1.4]]),
        };
        self.push(format_args!("{shape}"));
    }

    /// A line of text whose base line runs through this place.
    pub fn text(&mut self, [x, y]: [f64; 2], text: &str, size: f64, anchor: Anchor, class: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let [x, y, size] = [x, y, size].map(number);
        self.push(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor} class=\"f-{class}\">{}</text>",
            escape(text)
        ));
    }

    /// The whole picture.
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// A hundredth of a pixel is more than anyone sees; what is no number would make the whole
/// picture unreadable.
fn number(v: f64) -> String {
    let v = if v.is_finite() {
        v.clamp(-1e6, 1e6)
    } else {
        0.0
    };
    format!("{}", (v * 100.0).round() / 100.0 + 0.0)
}
