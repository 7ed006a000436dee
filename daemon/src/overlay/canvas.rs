//! A picture that can be drawn on. Coordinates are pixels, the middle of the first one is
//! (0.5, 0.5); what lies outside is cut off.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Pixels of one row of text, at scale 1.
pub const TEXT_HEIGHT: usize = 16;

/// Red, green and blue, row by row, without gaps.
#[derive(Debug, Clone, Default)]
pub struct Canvas {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// 3 × width × height bytes.
    pub rgb: Vec<u8>,
}

impl Canvas {
    /// Gives it a size; what is on it is unspecified.
    pub fn reset(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.rgb.resize(3 * width * height, 0);
    }

    /// Mixes a colour into a pixel: 0 none of it … 1 nothing else.
    fn mix(&mut self, x: i64, y: i64, colour: Colour, alpha: f32) {
        if x < 0 || y < 0 || x >= self.width as i64 || y >= self.height as i64 {
            return;
        }
        let at = 3 * (y as usize * self.width + x as usize);
        for (to, c) in self.rgb[at..at + 3].iter_mut().zip(colour) {
            let v = f32::from(*to);
            *to = (v + (f32::from(c) - v) * alpha.clamp(0.0, 1.0)).round() as u8;
        }
    }

    /// Every pixel whose distance from a shape (by `distance`, negative inside) is small, within
    /// a rectangle `[left, top, right, bottom]`; edges are a pixel soft.
    fn shape(
        &mut self,
        area: [f32; 4],
        colour: Colour,
        alpha: f32,
        distance: impl Fn(f32, f32) -> f32,
    ) {
        let clip = |v: f32, most: usize| v.clamp(0.0, most as f32) as i64;
        let [x0, x1] = [area[0] - 1.0, area[2] + 2.0].map(|v| clip(v, self.width));
        let [y0, y1] = [area[1] - 1.0, area[3] + 2.0].map(|v| clip(v, self.height));
        for y in y0..y1 {
            for x in x0..x1 {
                let cover = 0.5 - distance(x as f32 + 0.5, y as f32 + 0.5);
                if cover > 0.0 {
                    self.mix(x, y, colour, alpha * cover.min(1.0));
                }
            }
        }
    }

    /// A filled rectangle.
    pub fn fill(&mut self, [x, y, w, h]: [f32; 4], colour: Colour, alpha: f32) {
        self.shape([x, y, x + w, y + h], colour, alpha, |px, py| {
            (x - px).max(px - x - w).max(y - py).max(py - y - h)
        });
    }

    /// The outline of a rectangle with round corners; the line lies on both sides of it.
    pub fn frame(&mut self, [x, y, w, h]: [f32; 4], radius: f32, line: f32, colour: Colour) {
        let r = radius.min(w / 2.0).min(h / 2.0).max(0.0);
        let (cx, cy) = (x + w / 2.0, y + h / 2.0);
        let distance = move |px: f32, py: f32| {
            let (qx, qy) = ((px - cx).abs() - w / 2.0 + r, (py - cy).abs() - h / 2.0 + r);
            let outside = qx.max(0.0).hypot(qy.max(0.0)) + qx.max(qy).min(0.0) - r;
            outside.abs() - line / 2.0
        };
        let far = line;
        // Its four sides, not all that lies within.
        let band = r + far;
        for area in [
            [x - far, y - far, x + w + far, y + band],
            [x - far, y + h - band, x + w + far, y + h + far],
            [x - far, y + band + 3.0, x + band, y + h - band - 3.0],
            [
                x + w - band,
                y + band + 3.0,
                x + w + far,
                y + h - band - 3.0,
            ],
        ] {
            if area[3] > area[1] {
                self.shape(area, colour, 1.0, distance);
            }
        }
    }

    /// A disc.
    pub fn disc(&mut self, [x, y]: [f32; 2], radius: f32, colour: Colour, alpha: f32) {
        let area = [x - radius, y - radius, x + radius, y + radius];
        self.shape(area, colour, alpha, |px, py| {
            (px - x).hypot(py - y) - radius
        });
    }

    /// A circle.
    pub fn circle(&mut self, [x, y]: [f32; 2], radius: f32, line: f32, colour: Colour) {
        let reach = radius + line;
        let area = [x - reach, y - reach, x + reach, y + reach];
        self.shape(area, colour, 1.0, |px, py| {
            ((px - x).hypot(py - y) - radius).abs() - line / 2.0
        });
    }

    /// A line with round ends.
    pub fn line(&mut self, a: [f32; 2], b: [f32; 2], line: f32, colour: Colour, alpha: f32) {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let square = (dx * dx + dy * dy).max(1e-6);
        let area = [
            a[0].min(b[0]) - line,
            a[1].min(b[1]) - line,
            a[0].max(b[0]) + line,
            a[1].max(b[1]) + line,
        ];
        self.shape(area, colour, alpha, |px, py| {
            let (x, y) = (px - a[0], py - a[1]);
            let along = ((x * dx + y * dy) / square).clamp(0.0, 1.0);
            (x - along * dx).hypot(y - along * dy) - line / 2.0
        });
    }

    /// Text with its upper left corner there; every letter `scale` times as large as drawn.
    pub fn text(&mut self, [x, y]: [f32; 2], text: &str, scale: usize, colour: Colour) {
        let (scale, mut left) = (scale.max(1) as i64, x.round() as i64);
        let top = y.round() as i64;
        for letter in text.chars() {
            let raster = get_raster(letter, FontWeight::Regular, RasterHeight::Size16)
                .or_else(|| get_raster('?', FontWeight::Regular, RasterHeight::Size16));
            let Some(raster) = raster else { continue };
            for (row, y) in raster.rows().zip(0i64..) {
                for (&v, x) in row.iter().zip(0i64..) {
                    if v == 0 {
                        continue;
                    }
                    for (sx, sy) in (0..scale).flat_map(|a| (0..scale).map(move |b| (a, b))) {
                        let at = (left + x * scale + sx, top + y * scale + sy);
                        self.mix(at.0, at.1, colour, f32::from(v) / 255.0);
                    }
                }
            }
            left += raster.width() as i64 * scale;
        }
    }

    /// Copies a picture onto it, its upper left corner there; rows of red, green and blue.
    pub fn paste(
        &mut self,
        [left, top]: [usize; 2],
        [w, h]: [usize; 2],
        pixel: impl Fn(usize, usize) -> Colour,
    ) {
        for y in 0..h.min(self.height.saturating_sub(top)) {
            for x in 0..w.min(self.width.saturating_sub(left)) {
                let at = 3 * ((top + y) * self.width + left + x);
                self.rgb[at..at + 3].copy_from_slice(&pixel(x, y));
            }
        }
    }
}

/// Pixels that a text takes across.
pub fn text_width(text: &str, scale: usize) -> usize {
    text.chars().count()
        * get_raster_width(FontWeight::Regular, RasterHeight::Size16)
        * scale.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_over_the_edge_is_cut_off_and_colours_are_where_they_were_put() {
        let mut c = Canvas::default();
        c.reset(60, 40);
        c.rgb.fill(0);
        let green = [0, 255, 0];
        c.frame([10.0, 10.0, 20.0, 15.0], 0.0, 2.0, green);
        let at = |c: &Canvas, x: usize, y: usize| c.rgb[3 * (y * 60 + x) + 1];
        // The line covers a pixel on both sides of the edge, nothing else.
        assert_eq!(
            [at(&c, 15, 9), at(&c, 15, 10), at(&c, 15, 8), at(&c, 15, 12)],
            [255, 255, 0, 0]
        );
        assert_eq!([at(&c, 9, 15), at(&c, 30, 15), at(&c, 20, 25)], [255; 3]);
        let drawn = c.rgb.iter().filter(|v| **v > 0).count();
        assert_eq!(drawn, 2 * (22 + 22 + 13 + 13), "{drawn}");
        for far in [-1e6, -30.0, 55.0, 1e6] {
            c.disc([far, far], 20.0, green, 0.5);
            c.line([far, 5.0], [-far, 30.0], 3.0, green, 1.0);
            c.frame([far, far, 100.0, 100.0], 5.0, 3.0, green);
            c.circle([far, 20.0], 30.0, 2.0, green);
            c.fill([far, far, 1e7, 30.0], green, 0.1);
            c.text([far, far], "7 % é", 2, green);
        }
        c.paste([50, 30], [100, 100], |x, y| [x as u8, y as u8, 9]);
        assert_eq!(c.rgb[3 * (30 * 60 + 50)..][..3], [0, 0, 9]);
    }
}
