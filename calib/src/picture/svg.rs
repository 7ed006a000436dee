//! SVG text, written a shape at a time.

use std::fmt::{self, Display, Write};

use super::fonts::{FAMILY, Weight};

/// An opaque colour: red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// Which end of a line of text lies at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The left one.
    Start,
    /// The middle.
    Middle,
    /// The right one.
    End,
}

/// How a shape is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paint {
    fill: Option<Colour>,
    stroke: Option<(Colour, f64)>,
    opacity: f64,
}

/// A filled shape without an outline.
pub fn fill(colour: Colour) -> Paint {
    Paint {
        fill: Some(colour),
        stroke: None,
        opacity: 1.0,
    }
}

/// An outline of this width.
pub fn stroke(colour: Colour, width: f64) -> Paint {
    Paint {
        fill: None,
        stroke: Some((colour, width)),
        opacity: 1.0,
    }
}

impl Paint {
    /// With an outline as well.
    pub fn outlined(self, colour: Colour, width: f64) -> Self {
        Self {
            stroke: Some((colour, width)),
            ..self
        }
    }

    /// Drawn this opaque (0..1).
    pub fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

impl Display for Paint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each paint's own opacity: that of the whole shape would be drawn on a layer.
        let see_through = |f: &mut fmt::Formatter<'_>, paint| match self.opacity {
            o if o < 1.0 => write!(f, " {paint}-opacity=\"{}\"", Number(o)),
            _ => Ok(()),
        };
        match self.fill {
            Some(colour) => {
                write!(f, " fill=\"{colour}\"")?;
                see_through(f, "fill")?;
            }
            None => write!(f, " fill=\"none\"")?,
        }
        if let Some((colour, width)) = self.stroke {
            write!(f, " stroke=\"{colour}\" stroke-width=\"{}\"", Number(width))?;
            see_through(f, "stroke")?;
        }
        Ok(())
    }
}

/// A line of text: size of the em square, weight, colour, which end is at its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Type {
    /// Height of the em square.
    pub size: f64,
    /// Weight.
    pub weight: Weight,
    /// Colour.
    pub colour: Colour,
    /// Which end lies at the place.
    pub anchor: Anchor,
}

impl Type {
    /// The same, held at another end.
    pub fn at(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// An SVG picture being written. Places are `[x, y]`, y down.
#[derive(Debug)]
pub struct Svg {
    text: String,
}

impl Svg {
    /// An empty picture of this size, with what it shows in words.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        let (w, h) = (Number(width), Number(height));
        Self {
            text: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
                 viewBox=\"0 0 {w} {h}\" font-family=\"'{FAMILY}', Verdana, sans-serif\">\n\
                 <title>{}</title>\n",
                Escaped(title)
            ),
        }
    }

    /// A rectangle with its upper left corner here, its corners this round.
    pub fn rect(&mut self, [x, y]: [f64; 2], [w, h]: [f64; 2], round: f64, paint: Paint) {
        let (x, y, w, h, r) = (Number(x), Number(y), Number(w), Number(h), Number(round));
        self.push(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{r}\"{paint}/>"
        ));
    }

    /// A circle about this place.
    pub fn circle(&mut self, [x, y]: [f64; 2], radius: f64, paint: Paint) {
        let (x, y, r) = (Number(x), Number(y), Number(radius));
        self.push(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{paint}/>"
        ));
    }

    /// Straight from one place to the other.
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], paint: Paint) {
        let [x1, y1, x2, y2] = [from[0], from[1], to[0], to[1]].map(Number);
        self.push(format_args!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{paint} stroke-linecap=\"round\"/>"
        ));
    }

    /// A closed outline through these places.
    pub fn polygon(&mut self, places: &[[f64; 2]], paint: Paint) {
        let mut points = String::new();
        for [x, y] in places {
            let _ = write!(points, "{},{} ", Number(*x), Number(*y));
        }
        self.push(format_args!(
            "<polygon points=\"{}\"{paint}/>",
            points.trim_end()
        ));
    }

    /// A line of text whose base line runs through this place.
    pub fn text(&mut self, [x, y]: [f64; 2], text: &str, style: Type) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = match style.weight {
            Weight::Regular => "",
            Weight::Bold => " font-weight=\"bold\"",
        };
        self.push(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}{weight} \
             xml:space=\"preserve\">{}</text>",
            Number(x),
            Number(y),
            Number(style.size),
            style.colour,
            Escaped(text)
        ));
    }

    /// The whole picture.
    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    fn push(&mut self, element: fmt::Arguments<'_>) {
        // Writing into a String cannot fail.
        let _ = self.text.write_fmt(element);
        self.text.push('\n');
    }
}

/// A hundredth of a pixel is more than anyone sees; what is not a number
/// would make the whole file unreadable.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.0.is_finite() { self.0 } else { 0.0 };
        write!(f, "{}", (value * 100.0).round() / 100.0)
    }
}

/// Text that may stand in an element. Control characters have no place in XML.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c if c.is_control() => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resvg::usvg::{Options, Tree};

    #[test]
    fn any_name_makes_a_picture_that_parses() {
        let style = Type {
            size: 12.0,
            weight: Weight::Bold,
            colour: Colour(1, 2, 3),
            anchor: Anchor::Middle,
        };
        for name in ["<b>&\"'", "a\0b\u{1b}\n\u{ffff}", "]]>", "Łucja Жук Ω"] {
            let mut svg = Svg::new(40.0, 20.0, name);
            svg.text([f64::NAN, 1e300], name, style);
            Tree::from_str(&svg.finish(), &Options::default()).unwrap();
        }
    }
}
