//! A square of the picture, perhaps turned, and boxes.

use crate::frame::MAX_SIDE;

/// A square to look at: centre and side in image pixels.
///
/// Pixel (i, j) covers [i, i+1) × [j, j+1), so that the middle of a picture
/// `w` wide is at `w / 2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Middle, x.
    pub x: f32,
    /// Middle, y.
    pub y: f32,
    /// Length of a side.
    pub size: f32,
    /// How far its upright is turned from the image's, radians, clockwise.
    pub roll: f32,
}

impl Region {
    /// The smallest level square around a whole picture.
    pub fn around_picture(width: u32, height: u32) -> Region {
        let (w, h) = (width as f32, height as f32);
        Region {
            x: w / 2.0,
            y: h / 2.0,
            size: w.max(h),
            roll: 0.0,
        }
    }

    /// The image point at (u, v) of the square: (0, 0) its top left, (1, 1) its bottom right.
    pub fn to_image(&self, u: f32, v: f32) -> [f32; 2] {
        let (sin, cos) = self.roll.sin_cos();
        let (u, v) = ((u - 0.5) * self.size, (v - 0.5) * self.size);
        [self.x + cos * u - sin * v, self.y + sin * u + cos * v]
    }

    /// Inverse of [`Region::to_image`].
    pub fn from_image(&self, p: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.roll.sin_cos();
        let (x, y) = (p[0] - self.x, p[1] - self.y);
        [
            (cos * x + sin * y) / self.size + 0.5,
            (cos * y - sin * x) / self.size + 0.5,
        ]
    }

    /// The same square about the same middle, `factor` times as large.
    pub fn scaled(self, factor: f32) -> Region {
        Region {
            size: self.size * factor,
            ..self
        }
    }

    /// The level square that covers a box, with the roll of the line from `left` to `right`.
    pub fn around(bbox: &BBox, left: [f32; 2], right: [f32; 2]) -> Region {
        Region {
            x: bbox.x + bbox.width / 2.0,
            y: bbox.y + bbox.height / 2.0,
            size: bbox.width.max(bbox.height),
            roll: (right[1] - left[1]).atan2(right[0] - left[0]),
        }
    }

    /// Whether it can be sampled: finite, neither empty nor vast, and touching the picture.
    pub fn touches(&self, width: u32, height: u32) -> bool {
        let reach = self.size * std::f32::consts::FRAC_1_SQRT_2;
        (1.0..=4.0 * MAX_SIDE as f32).contains(&self.size)
            && self.roll.is_finite()
            && self.x + reach > 0.0
            && self.y + reach > 0.0
            && self.x - reach < width as f32
            && self.y - reach < height as f32
    }
}

/// A level rectangle in image pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BBox {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl BBox {
    /// The box around points; empty for none.
    pub fn around(points: impl IntoIterator<Item = [f32; 2]>) -> BBox {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for p in points {
            for axis in 0..2 {
                low[axis] = low[axis].min(p[axis]);
                high[axis] = high[axis].max(p[axis]);
            }
        }
        if low[0] > high[0] {
            return BBox::default();
        }
        BBox {
            x: low[0],
            y: low[1],
            width: high[0] - low[0],
            height: high[1] - low[1],
        }
    }

    /// Its area, square pixels.
    pub fn area(&self) -> f32 {
        self.width.max(0.0) * self.height.max(0.0)
    }

    /// Area in common ÷ area covered by either: 0 apart … 1 equal.
    pub fn overlap(&self, other: &BBox) -> f32 {
        let side = |a: f32, aw: f32, b: f32, bw: f32| ((a + aw).min(b + bw) - a.max(b)).max(0.0);
        let common = side(self.x, self.width, other.x, other.width)
            * side(self.y, self.height, other.y, other.height);
        let either = self.area() + other.area() - common;
        if either > 0.0 { common / either } else { 0.0 }
    }
}
