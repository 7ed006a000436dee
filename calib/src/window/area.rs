//! Which part of its display a window covers: all of it, if the desktop does as it is asked.

/// No place that is looked at is nearer to the edge, as a share of the side.
pub const EDGE: f64 = 0.04;

/// A part of a display, as shares of its sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Upper left corner.
    corner: [f64; 2],
    size: [f64; 2],
}

impl Area {
    /// All of the display.
    pub const WHOLE: Area = Area {
        corner: [0.0; 2],
        size: [1.0; 2],
    };

    /// What a window covers of a display: the corner and the size of each, in pixels.
    pub fn of(window: ([i32; 2], [u32; 2]), display: ([i32; 2], [u32; 2])) -> Area {
        let side = |i: usize| f64::from(display.1[i].max(1));
        Area {
            corner: [0, 1].map(|i| f64::from(window.0[i].saturating_sub(display.0[i])) / side(i)),
            size: [0, 1].map(|i| f64::from(window.1[i].max(1)) / side(i)),
        }
    }

    /// A place on the display as shares of the window's sides.
    pub fn within(&self, place: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|i| (place[i] - self.corner[i]) / self.size[i])
    }

    /// Pixels of a display that is covered whole by so many to the pixel as this window.
    pub fn display_px(&self, window: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|i| window[i] / self.size[i])
    }

    /// Whether every place that is looked at can be seen.
    pub fn has_room(&self) -> bool {
        (0..2).all(|i| self.corner[i] < EDGE && self.corner[i] + self.size[i] > 1.0 - EDGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_displays_wherever_the_window_is() {
        let display = ([1920, 0], [1000, 500]);
        let whole = Area::of(([1920, 0], [1000, 500]), display);
        assert_eq!(whole, Area::WHOLE);
        assert_eq!(whole.within([0.25, 0.75]), [0.25, 0.75]);
        // Below a bar of 10 pixels and beside one of 30.
        let part = Area::of(([1950, 10], [970, 490]), display);
        assert!(part.has_room());
        let [x, y] = part.within([0.5, 0.5]);
        assert!((x * 970.0 - 470.0).abs() < 1e-9 && (y * 490.0 - 240.0).abs() < 1e-9);
        let [w, h] = part.display_px([970.0, 490.0]);
        assert!((w - 1000.0).abs() < 1e-9 && (h - 500.0).abs() < 1e-9);
        for (window, size) in [
            ([1980, 0], [940, 500]),
            ([1920, 0], [940, 500]),
            ([1920, 30], [1000, 470]),
            ([0, 0], [1000, 500]),
        ] {
            assert!(!Area::of((window, size), display).has_room(), "{window:?}");
        }
    }
}
