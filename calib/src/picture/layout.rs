//! Where the parts of the result picture lie.

/// A rectangle: left, top, width, height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Area {
    /// The part inside a margin on each side.
    pub fn inside(self, margin: f64) -> Self {
        Self {
            x: self.x + margin,
            y: self.y + margin,
            w: (self.w - 2.0 * margin).max(1.0),
            h: (self.h - 2.0 * margin).max(1.0),
        }
    }

    /// The largest part of this aspect (width by height), at the top, in the middle.
    pub fn fitted(self, aspect: f64) -> Self {
        let w = self.w.min(self.h * aspect);
        let h = w / aspect;
        Self {
            x: self.x + (self.w - w) / 2.0,
            y: self.y,
            w,
            h,
        }
    }

    /// The place of a normalised point.
    pub fn place(self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.x + x * self.w, self.y + y * self.h]
    }

    /// Whether the place lies in it, this far from its edges.
    pub fn holds(self, [x, y]: [f64; 2], margin: f64) -> bool {
        let near =
            |v: f64, from: f64, length: f64| v >= from + margin && v <= from + length - margin;
        near(x, self.x, self.w) && near(y, self.y, self.h)
    }

    /// The place itself, or the nearest in the rectangle.
    pub fn clamped(self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            x.clamp(self.x, self.x + self.w),
            y.clamp(self.y, self.y + self.h),
        ]
    }

    /// How much of the way from a place inside to another stays inside: 0..=1.
    pub fn share_inside(self, from: [f64; 2], to: [f64; 2]) -> f64 {
        let along = |a: f64, b: f64, low: f64, high: f64| {
            let step = b - a;
            let room = if step > 0.0 { high - a } else { low - a };
            if step.abs() > f64::EPSILON {
                (room / step).clamp(0.0, 1.0)
            } else {
                1.0
            }
        };
        along(from[0], to[0], self.x, self.x + self.w).min(along(
            from[1],
            to[1],
            self.y,
            self.y + self.h,
        ))
    }
}

/// Splits what is left for the screen and the table: side by side or one above
/// the other, whichever shows the screen larger. The table is as wide and as
/// high as it says, in either place. Gives the screen's room, then the table's.
pub fn split(room: Area, aspect: f64, table: [f64; 2], gap: f64) -> (Area, Area) {
    let [table_w, table_h] = table;
    let beside = Area {
        w: (room.w - table_w - gap).max(1.0),
        ..room
    };
    let above = Area {
        h: (room.h - table_h - gap).max(1.0),
        ..room
    };
    if beside.fitted(aspect).w >= above.fitted(aspect).w {
        let x = room.x + beside.w + gap;
        (
            beside,
            Area {
                x,
                w: room.w - beside.w - gap,
                ..room
            },
        )
    } else {
        // The screen takes no more height than its width asks for.
        let h = above.h.min(room.w / aspect);
        let y = room.y + h + gap;
        (
            Area { h, ..above },
            Area {
                y,
                h: room.h - h - gap,
                ..room
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Area = Area {
        x: 10.0,
        y: 20.0,
        w: 400.0,
        h: 300.0,
    };

    #[test]
    fn the_table_goes_where_it_takes_less_of_the_screen() {
        let (screen, table) = split(ROOM, 16.0 / 10.0, [100.0, 250.0], 10.0);
        assert_eq!((screen.w, table.x, table.h), (290.0, 310.0, 300.0));
        let tall = Area {
            w: 300.0,
            h: 900.0,
            ..ROOM
        };
        let (screen, table) = split(tall, 16.0 / 10.0, [100.0, 250.0], 10.0);
        assert_eq!((screen.w, screen.h), (300.0, 187.5));
        assert_eq!((table.y, table.w), (20.0 + 187.5 + 10.0, 300.0));
    }

    #[test]
    fn what_leaves_the_rectangle_is_cut_at_its_edge() {
        let share = ROOM.share_inside([110.0, 120.0], [-90.0, 120.0]);
        assert!((share - 0.5).abs() < 1e-12);
        assert_eq!(ROOM.share_inside([110.0, 120.0], [120.0, 130.0]), 1.0);
        assert_eq!(ROOM.clamped([0.0, 999.0]), [10.0, 320.0]);
    }
}
