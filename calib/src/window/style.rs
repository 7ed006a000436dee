//! Colours and sizes of the window.

use crate::picture::svg::Colour;
use crate::picture::theme::Theme;

/// Colours of everything but the dot.
pub const THEME: Theme = Theme::DARK;

/// The middle of the dot. Nothing else in the window has this colour, so a program
/// that looks at the screen finds the dot by it: its middle is the mean of all pixels
/// of exactly this colour. (The rim of the middle is blended with what is about it.)
pub const DOT_CENTRE: Colour = Colour(255, 214, 10);
/// The disc about the middle.
pub const DOT_DISC: Colour = Colour(232, 236, 242);
/// The part of the ring that is filled.
pub const RING: Colour = Colour(86, 180, 233);
/// The same at a held-out target.
pub const RING_CHECK: Colour = Colour(47, 196, 154);
/// The part that is not.
pub const RING_TRACK: Colour = Colour(62, 71, 84);

/// The dot is the bull's eye with cross hair of Thaler, Schütz, Goodale and Gegenfurtner,
/// "What is the best fixation target?", Vision Research 76 (2013): of all they tried, eyes
/// rest on it most steadily. Theirs is 0.6° across, its middle and the cross 0.2°; here in
/// millimetres at 60 cm.
pub const DISC_RADIUS_MM: f64 = 3.1;
/// Of the middle; also half the width of the cross.
pub const CENTRE_RADIUS_MM: f64 = 1.05;
/// The ring about the dot when its target begins …
pub const RING_START_MM: f64 = 9.0;
/// … and when it is done.
pub const RING_END_MM: f64 = 4.6;
/// Width of the ring.
pub const RING_WIDTH_MM: f64 = 0.9;

/// What the sizes of letters are designed for; they grow with the window.
pub const DESIGN: [f64; 2] = [1280.0, 800.0];
/// The same for windows that are taller than wide.
pub const DESIGN_TALL: [f64; 2] = [820.0, 1280.0];
/// Pixels to a millimetre of a display of that size, where its own cannot be right.
pub const DESIGN_PX_PER_MM: f64 = 4.2;

/// What the ring may take of the shorter side, from its middle; targets are 0.08 from the edge.
const EDGE: f64 = 0.0525;

/// Pixels of the window to one of the design's.
pub fn unit([w, h]: [f64; 2]) -> f64 {
    let design = if h > w { DESIGN_TALL } else { DESIGN };
    (w / design[0]).min(h / design[1])
}

/// Pixels to a millimetre for the dot: the display's own, within reason (a
/// television across the room says the truth and would show a speck).
pub fn px_per_mm(window: [f64; 2], width_mm: f64) -> f64 {
    let designed = DESIGN_PX_PER_MM * unit(window);
    let own = window[0] / width_mm;
    let own = if own.is_finite() {
        own.clamp(0.6 * designed, 1.6 * designed)
    } else {
        designed
    };
    // The ring of a dot at the edge leaves room for the count below it.
    let room = EDGE * window[0].min(window[1]);
    own.min(room / (RING_START_MM + RING_WIDTH_MM))
}
