//! What is to be seen, as a list, and what changed since the last picture.

use std::sync::Arc;

use resvg::tiny_skia::{IntRect, Pixmap};

use crate::picture::fonts;
use crate::picture::svg::{Anchor, Colour, Type};

/// Pixels, equal to themselves only: nobody compares millions of them 60 times a second.
#[derive(Debug, Clone)]
pub struct Picture(pub Arc<Pixmap>);

impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Something to draw, in pixels of the window; later ones cover earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A finished picture, its upper left corner at the window's.
    Picture(Picture),
    /// A line of text; its base line runs through the place.
    Text {
        /// Where.
        at: [f64; 2],
        /// What.
        text: String,
        /// How.
        style: Type,
    },
    /// A filled circle.
    Disc {
        /// Its middle.
        at: [f64; 2],
        /// Its radius.
        radius: f64,
        /// Its colour.
        colour: Colour,
    },
    /// A part of a circle's line, clockwise from the top.
    Arc {
        /// The circle's middle.
        at: [f64; 2],
        /// The circle's radius, to the middle of the line.
        radius: f64,
        /// Width of the line.
        width: f64,
        /// From this share of the turn …
        from: f64,
        /// … to this.
        to: f64,
        /// Its colour.
        colour: Colour,
    },
    /// A filled upright rectangle: left, top, width, height.
    Bar {
        /// Where, and how large.
        area: [f64; 4],
        /// Its colour.
        colour: Colour,
    },
}

impl Item {
    /// The pixels that it may touch, within a window of this size.
    pub fn bounds(&self, window: [u32; 2]) -> Option<IntRect> {
        let [left, top, right, bottom] = match self {
            Self::Picture(Picture(p)) => [0.0, 0.0, f64::from(p.width()), f64::from(p.height())],
            Self::Text { at, text, style } => {
                let w = fonts::width(text, style.size, style.weight);
                let left = text_left(*at, w, style.anchor);
                let [above, below] = text_reach(style.size);
                let aside = text_pad(style.size);
                [left - aside, at[1] - above, left + w + aside, at[1] + below]
            }
            Self::Disc { at, radius, .. } => around(*at, *radius),
            Self::Arc {
                at, radius, width, ..
            } => around(*at, radius + width),
            Self::Bar {
                area: [x, y, w, h], ..
            } => [*x, *y, x + w, y + h],
        };
        let clip = |v: f64, most: u32| v.clamp(0.0, f64::from(most)) as i32;
        let (x0, y0) = (
            clip((left - 1.0).floor(), window[0]),
            clip((top - 1.0).floor(), window[1]),
        );
        let (x1, y1) = (
            clip((right + 1.0).ceil(), window[0]),
            clip((bottom + 1.0).ceil(), window[1]),
        );
        IntRect::from_ltrb(x0, y0, x1, y1)
    }
}

fn around([x, y]: [f64; 2], r: f64) -> [f64; 4] {
    [x - r, y - r, x + r, y + r]
}

/// Left end of a line of text of this width.
pub fn text_left(at: [f64; 2], width: f64, anchor: Anchor) -> f64 {
    match anchor {
        Anchor::Start => at[0],
        Anchor::Middle => at[0] - width / 2.0,
        Anchor::End => at[0] - width,
    }
}

/// How far letters reach above and below the base line.
pub fn text_reach(size: f64) -> [f64; 2] {
    [(1.15 * size).ceil(), (0.4 * size).ceil()]
}

/// How far letters reach beyond the ends of their line.
pub fn text_pad(size: f64) -> f64 {
    (0.2 * size).ceil()
}

/// The rectangles that have to be drawn anew when one list follows the other,
/// none of them overlapping another.
pub fn changed(old: &[Item], new: &[Item], window: [u32; 2]) -> Vec<IntRect> {
    let gone = old.iter().filter(|i| !new.contains(i));
    let come = new.iter().filter(|i| !old.contains(i));
    let mut rects: Vec<IntRect> = Vec::new();
    for rect in gone.chain(come).filter_map(|i| i.bounds(window)) {
        // One that overlaps others swallows them; what it has become may overlap more.
        let mut rect = rect;
        while let Some(at) = rects.iter().position(|r| overlap(r, &rect)) {
            rect = union(&rects.swap_remove(at), &rect);
        }
        rects.push(rect);
    }
    rects
}

fn overlap(a: &IntRect, b: &IntRect) -> bool {
    a.left() < b.right() && b.left() < a.right() && a.top() < b.bottom() && b.top() < a.bottom()
}

fn union(a: &IntRect, b: &IntRect) -> IntRect {
    IntRect::from_ltrb(
        a.left().min(b.left()),
        a.top().min(b.top()),
        a.right().max(b.right()),
        a.bottom().max(b.bottom()),
    )
    .unwrap_or(*a)
}

/// Whether the item may touch the rectangle.
pub fn touches(item: &Item, rect: &IntRect, window: [u32; 2]) -> bool {
    item.bounds(window).is_some_and(|b| overlap(&b, rect))
}
