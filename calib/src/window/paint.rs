//! Pixels of a scene, only where something changed.

use std::collections::HashMap;
use std::f64::consts::TAU;

use resvg::tiny_skia::{
    Color, FillRule, IntRect, LineCap, Paint, Path, PathBuilder, Pixmap, PixmapPaint, Stroke,
    Transform,
};

use super::scene::{Item, Picture, changed, text_left, text_pad, text_reach, touches};
use crate::picture::fonts::{self, Weight};
use crate::picture::raster;
use crate::picture::svg::{Anchor, Colour, Svg, Type};

/// Lines of text that are kept drawn.
const KEPT: usize = 128;

/// The window's pixels, kept between pictures: 0x00RRGGBB, row by row.
pub struct Canvas {
    size: [u32; 2],
    ground: Colour,
    pixels: Vec<u32>,
    shown: Vec<Item>,
    /// Nothing of the pixels is right yet.
    blank: bool,
    labels: HashMap<Label, Option<Pixmap>>,
}

/// A line of text as drawn: what, height in 1/64 px, weight, colour.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Label(String, u64, Weight, Colour);

impl Canvas {
    /// An empty canvas of this many pixels.
    pub fn new(size: [u32; 2], ground: Colour) -> Self {
        Self {
            size,
            ground,
            pixels: vec![0; size[0] as usize * size[1] as usize],
            shown: Vec::new(),
            blank: true,
            labels: HashMap::new(),
        }
    }

    /// Width and height.
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// All pixels, row by row: 0x00RRGGBB.
    pub fn pixels(&self) -> &[u32] {
        &self.pixels
    }

    /// Nothing that was drawn is taken to be there any more.
    pub fn forget(&mut self) {
        self.blank = true;
    }

    /// Draws what differs from the last scene. Gives the rectangles it drew in.
    pub fn draw(&mut self, scene: Vec<Item>) -> Vec<IntRect> {
        let [w, h] = self.size;
        let rects = if self.blank {
            IntRect::from_xywh(0, 0, w, h).into_iter().collect()
        } else {
            changed(&self.shown, &scene, self.size)
        };
        self.blank = false;
        for rect in &rects {
            self.tile(&scene, rect);
        }
        self.shown = scene;
        rects
    }

    /// Draws one rectangle by itself: what hangs over its edge is cut off.
    fn tile(&mut self, scene: &[Item], rect: &IntRect) {
        let Some(mut tile) = Pixmap::new(rect.width(), rect.height()) else {
            return;
        };
        tile.fill(opaque(self.ground));
        let corner = [f64::from(rect.left()), f64::from(rect.top())];
        let size = self.size;
        for item in scene.iter().filter(|i| touches(i, rect, size)) {
            self.item(item, &mut tile, corner);
        }
        let (x, wide) = (rect.left() as usize, rect.width() as usize);
        let stride = self.size[0] as usize;
        let rows = tile.data().chunks_exact(4 * wide);
        for (row, y) in rows.zip(rect.top() as usize..) {
            let to = &mut self.pixels[y * stride + x..][..wide];
            for (to, p) in to.iter_mut().zip(row.chunks_exact(4)) {
                *to = u32::from(p[0]) << 16 | u32::from(p[1]) << 8 | u32::from(p[2]);
            }
        }
    }

    fn item(&mut self, item: &Item, tile: &mut Pixmap, [left, top]: [f64; 2]) {
        match item {
            Item::Picture(Picture(picture)) => {
                copy(picture, tile, -left, -top);
            }
            Item::Text { at, text, style } => {
                let width = fonts::width(text, style.size, style.weight);
                let x = (text_left(*at, width, style.anchor) - text_pad(style.size)).round();
                let y = at[1].round() - text_reach(style.size)[0];
                if let Some(label) = self.label(text, *style) {
                    copy(label, tile, x - left, y - top);
                }
            }
            Item::Disc { at, radius, colour } => {
                let [x, y] = [at[0] - left, at[1] - top];
                let circle = PathBuilder::from_circle(x as f32, y as f32, *radius as f32);
                fill(tile, circle, *colour);
            }
            Item::Arc {
                at,
                radius,
                width,
                from,
                to,
                colour,
            } => {
                let centre = [at[0] - left, at[1] - top];
                if let Some(path) = arc(centre, *radius, *from, *to) {
                    let stroke = Stroke {
                        width: *width as f32,
                        line_cap: LineCap::Butt,
                        ..Stroke::default()
                    };
                    let paint = paint(*colour);
                    tile.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
                }
            }
            Item::Bar {
                area: [x, y, w, h],
                colour,
            } => {
                let rect = resvg::tiny_skia::Rect::from_xywh(
                    (x - left) as f32,
                    (y - top) as f32,
                    *w as f32,
                    *h as f32,
                );
                fill(tile, rect.map(PathBuilder::from_rect), *colour);
            }
        }
    }

    /// The line of text in pixels, drawn once.
    fn label(&mut self, text: &str, style: Type) -> Option<&Pixmap> {
        let key = Label(
            text.to_owned(),
            (64.0 * style.size) as u64,
            style.weight,
            style.colour,
        );
        if self.labels.len() >= KEPT && !self.labels.contains_key(&key) {
            self.labels.clear();
        }
        let label = self.labels.entry(key).or_insert_with(|| {
            let [above, below] = text_reach(style.size);
            let pad = text_pad(style.size);
            let width = fonts::width(text, style.size, style.weight).ceil() + 2.0 * pad;
            let mut svg = Svg::new(width, above + below, "");
            svg.text([pad, above], text, style.at(Anchor::Start));
            raster::render(&svg.finish()).ok()
        });
        label.as_ref()
    }
}

fn opaque(c: Colour) -> Color {
    Color::from_rgba8(c.0, c.1, c.2, 255)
}

fn paint(colour: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(opaque(colour));
    paint
}

fn fill(tile: &mut Pixmap, path: Option<Path>, colour: Colour) {
    if let Some(path) = path {
        let paint = paint(colour);
        tile.fill_path(
            &path,
            &paint,
            FillRule::Winding,
            Transform::identity(),
            None,
        );
    }
}

fn copy(from: &Pixmap, tile: &mut Pixmap, x: f64, y: f64) {
    tile.draw_pixmap(
        x as i32,
        y as i32,
        from.as_ref(),
        &PixmapPaint::default(),
        Transform::identity(),
        None,
    );
}

/// Clockwise from the top, from one share of the turn to another, in short steps.
fn arc([x, y]: [f64; 2], radius: f64, from: f64, to: f64) -> Option<Path> {
    let (from, to) = (from.clamp(0.0, 1.0), to.clamp(0.0, 1.0));
    if to <= from {
        return None;
    }
    let steps = (96.0 * (to - from)).ceil().max(1.0);
    let mut path = PathBuilder::new();
    for i in 0..=steps as usize {
        let turn = TAU * (from + (to - from) * i as f64 / steps);
        let place = [x + radius * turn.sin(), y - radius * turn.cos()];
        if i == 0 {
            path.move_to(place[0] as f32, place[1] as f32);
        } else {
            path.line_to(place[0] as f32, place[1] as f32);
        }
    }
    if to - from >= 1.0 {
        path.close();
    }
    path.finish()
}
