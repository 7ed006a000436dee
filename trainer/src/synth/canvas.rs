//! Drawing over pictures: smooth lines, circles and text on eight-bit RGB.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use render::scene::Picture;

/// A colour, eight bits each of red, green and blue.
pub type Rgb = [u8; 3];

/// Height of a line of text, pixels.
pub const LINE: i32 = 16;

/// Width of a text, pixels.
pub fn text_width(text: &str) -> i32 {
    (text.chars().count() * get_raster_width(FontWeight::Regular, RasterHeight::Size16)) as i32
}

/// A picture to draw on. Everything outside `clip` (left, top, right, bottom) is left alone.
#[derive(Debug)]
pub struct Canvas {
    /// What has been drawn.
    pub picture: Picture,
    /// Where drawing has an effect, pixels.
    pub clip: [i32; 4],
}

impl Canvas {
    /// One colour all over.
    pub fn new(width: u32, height: u32, colour: Rgb) -> Canvas {
        let pixels = width as usize * height as usize;
        Canvas {
            picture: Picture {
                width,
                height,
                rgb: colour.repeat(pixels),
            },
            clip: [0, 0, width as i32, height as i32],
        }
    }

    /// Lays `colour` over a pixel; `cover` 0..1.
    fn blend(&mut self, x: i32, y: i32, colour: Rgb, cover: f64) {
        let [left, top, right, bottom] = self.clip;
        if x < left || y < top || x >= right || y >= bottom {
            return;
        }
        let at = 3 * (y as usize * self.picture.width as usize + x as usize);
        for (old, new) in self.picture.rgb[at..at + 3].iter_mut().zip(colour) {
            let (o, n) = (f64::from(*old), f64::from(new));
            *old = (o + (n - o) * cover.clamp(0.0, 1.0)).round() as u8;
        }
    }

    /// Colours every pixel by how near its centre is to a shape: `distance` (pixels, 0 on the
    /// shape's middle line) against half the stroke's width. A dark rim keeps it visible on skin.
    fn stroke(
        &mut self,
        around: [f64; 4],
        half: f64,
        colour: Rgb,
        distance: impl Fn(f64, f64) -> f64,
    ) {
        let reach = half + 2.0;
        let clip = self.clip.map(f64::from);
        let from = |v: f64, low: f64| (v - reach).max(low).floor() as i32;
        let to = |v: f64, high: f64| (v + reach).min(high).ceil() as i32;
        for y in from(around[1], clip[1])..to(around[3], clip[3]) {
            for x in from(around[0], clip[0])..to(around[2], clip[2]) {
                let d = distance(f64::from(x) + 0.5, f64::from(y) + 0.5);
                let rim = 0.45 * (half + 1.5 - d).clamp(0.0, 1.0);
                if rim > 0.0 {
                    self.blend(x, y, [0; 3], rim);
                    self.blend(x, y, colour, (half + 0.5 - d).clamp(0.0, 1.0));
                }
            }
        }
    }

    /// A line from `a` to `b` with round ends.
    pub fn line(&mut self, a: [f64; 2], b: [f64; 2], width: f64, colour: Rgb) {
        if !a.iter().chain(&b).all(|v| v.is_finite()) {
            return;
        }
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let length2 = (dx * dx + dy * dy).max(1e-12);
        let around = [
            a[0].min(b[0]),
            a[1].min(b[1]),
            a[0].max(b[0]),
            a[1].max(b[1]),
        ];
        self.stroke(around, width / 2.0, colour, |x, y| {
            let t = (((x - a[0]) * dx + (y - a[1]) * dy) / length2).clamp(0.0, 1.0);
            (x - a[0] - t * dx).hypot(y - a[1] - t * dy)
        });
    }

    /// A closed line through `points`.
    pub fn ring(&mut self, points: &[[f64; 2]], width: f64, colour: Rgb) {
        if points.is_empty() || !points.iter().flatten().all(|v| v.is_finite()) {
            return;
        }
        let bound = |i: usize, f: fn(f64, f64) -> f64| points.iter().map(|p| p[i]).reduce(f);
        let around = [
            bound(0, f64::min),
            bound(1, f64::min),
            bound(0, f64::max),
            bound(1, f64::max),
        ]
        .map(|v| v.unwrap_or(0.0));
        // All sides at once, so that they do not darken each other's rims.
        self.stroke(around, width / 2.0, colour, |x, y| {
            (0..points.len())
                .map(|i| {
                    let (a, b) = (points[i], points[(i + 1) % points.len()]);
                    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
                    let t = ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy).max(1e-12);
                    let t = t.clamp(0.0, 1.0);
                    (x - a[0] - t * dx).hypot(y - a[1] - t * dy)
                })
                .fold(f64::MAX, f64::min)
        });
    }

    /// A filled circle.
    pub fn dot(&mut self, at: [f64; 2], radius: f64, colour: Rgb) {
        if at.iter().all(|v| v.is_finite()) {
            let around = [at[0], at[1], at[0], at[1]];
            self.stroke(around, radius, colour, |x, y| (x - at[0]).hypot(y - at[1]));
        }
    }

    /// Text whose top left corner is at `at`; other letters than ASCII's become `?`.
    pub fn text(&mut self, at: [i32; 2], text: &str, colour: Rgb) {
        let mut x = at[0];
        for letter in text.chars() {
            let glyph = [letter, '?']
                .into_iter()
                .find_map(|c| get_raster(c, FontWeight::Regular, RasterHeight::Size16));
            let Some(glyph) = glyph else { continue };
            for (row, y) in glyph.rows().zip(at[1]..) {
                for (cover, x) in row.iter().zip(x..) {
                    if *cover > 0 {
                        self.blend(x, y, colour, f64::from(*cover) / 255.0);
                    }
                }
            }
            x += glyph.width() as i32;
        }
    }

    /// Puts the part of `from` that begins at `origin` (pixels of `from`) into the rectangle
    /// `to` (left, top, right, bottom), `scale` pixels here for one there. Beyond the edge of
    /// `from` nothing is put. Made smaller it is averaged, made larger interpolated.
    pub fn put(&mut self, from: &Picture, origin: [f64; 2], scale: f64, to: [i32; 4]) {
        let side = (1.0 / scale).ceil().clamp(1.0, 8.0) as i32;
        for y in to[1]..to[3] {
            for x in to[0]..to[2] {
                let mut sum = [0.0; 3];
                let mut found = 0.0;
                for sy in 0..side {
                    for sx in 0..side {
                        let at = |v: i32, sub: i32| {
                            (f64::from(v) + (f64::from(sub) + 0.5) / f64::from(side)) / scale
                        };
                        let p = [at(x - to[0], sx) + origin[0], at(y - to[1], sy) + origin[1]];
                        if let Some(c) = sample(from, p) {
                            found += 1.0;
                            (0..3).for_each(|i| sum[i] += c[i]);
                        }
                    }
                }
                if found > 0.0 {
                    self.blend(x, y, sum.map(|v| (v / found).round() as u8), 1.0);
                }
            }
        }
    }
}

/// The colour at a point, between the centres of four pixels.
fn sample(from: &Picture, at: [f64; 2]) -> Option<[f64; 3]> {
    let (w, h) = (from.width as usize, from.height as usize);
    if at[0] < 0.0 || at[1] < 0.0 || at[0] >= w as f64 || at[1] >= h as f64 {
        return None;
    }
    let (x, y) = ((at[0] - 0.5).max(0.0), (at[1] - 0.5).max(0.0));
    let (left, top) = ((x as usize).min(w - 1), (y as usize).min(h - 1));
    let (right, bottom) = ((left + 1).min(w - 1), (top + 1).min(h - 1));
    let (fx, fy) = (x - left as f64, y - top as f64);
    let pixel = |x: usize, y: usize, i: usize| f64::from(from.rgb[3 * (y * w + x) + i]);
    Some([0, 1, 2].map(|i| {
        let upper = pixel(left, top, i) * (1.0 - fx) + pixel(right, top, i) * fx;
        let lower = pixel(left, bottom, i) * (1.0 - fx) + pixel(right, bottom, i) * fx;
        upper * (1.0 - fy) + lower * fy
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centre_of(canvas: &Canvas, colour: Rgb) -> [f64; 2] {
        let w = canvas.picture.width as usize;
        let hits: Vec<_> = (canvas.picture.rgb.chunks_exact(3).enumerate())
            .filter(|(_, p)| *p == colour)
            .map(|(i, _)| [(i % w) as f64 + 0.5, (i / w) as f64 + 0.5])
            .collect();
        [0, 1].map(|i| hits.iter().map(|h| h[i]).sum::<f64>() / hits.len() as f64)
    }

    #[test]
    fn marks_lie_where_they_are_put() {
        let red = [255, 0, 0];
        let mut canvas = Canvas::new(80, 60, [90; 3]);
        canvas.dot([30.5, 21.5], 3.0, red);
        assert_eq!(centre_of(&canvas, red), [30.5, 21.5]);
        let mut canvas = Canvas::new(80, 60, [90; 3]);
        canvas.line([10.0, 30.0], [50.0, 30.0], 2.0, red);
        let c = centre_of(&canvas, red);
        assert!(
            (c[0] - 30.0).abs() < 0.1 && (c[1] - 30.0).abs() < 0.1,
            "{c:?}"
        );
    }

    #[test]
    fn a_scaled_picture_keeps_its_places() {
        let mut small = Canvas::new(40, 30, [10; 3]).picture;
        let at = 3 * (12 * 40 + 17);
        small.rgb[at..at + 3].copy_from_slice(&[250; 3]);
        let mut canvas = Canvas::new(160, 120, [0; 3]);
        canvas.put(&small, [5.0, 4.0], 8.0, [0, 0, 160, 120]);
        let brightest = (canvas.picture.rgb.chunks_exact(3).enumerate())
            .filter(|(_, p)| p[0] > 200)
            .map(|(i, _)| [i % 160, i / 160])
            .collect::<Vec<_>>();
        // The pixel's centre, 17.5 and 12.5, less the origin, times eight.
        assert!(!brightest.is_empty());
        assert!(
            brightest
                .iter()
                .all(|b| b[0].abs_diff(100) < 3 && b[1].abs_diff(68) < 3)
        );
    }
}
