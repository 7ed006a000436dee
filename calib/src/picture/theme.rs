//! Colours of the result picture.
//!
//! The accents are Okabe and Ito's ("Color Universal Design", 2008), which
//! people with any colour vision tell apart; each also has a shape of its own.

use super::svg::Colour;

/// What is drawn on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Behind everything.
    pub ground: Colour,
    /// The screen's area.
    pub screen: Colour,
    /// Frames and rules.
    pub rule: Colour,
    /// Text and targets.
    pub ink: Colour,
    /// Text of less weight.
    pub dim: Colour,
    /// Where looks at the fit's targets landed.
    pub landed: Colour,
    /// Where looks at the check targets landed.
    pub checked: Colour,
    /// What is wrong.
    pub wrong: Colour,
}

impl Theme {
    /// For paper and pages.
    pub const LIGHT: Self = Self {
        ground: Colour(0xff, 0xff, 0xff),
        screen: Colour(0xf4, 0xf6, 0xf8),
        rule: Colour(0xb9, 0xc1, 0xcc),
        ink: Colour(0x1d, 0x23, 0x2c),
        dim: Colour(0x5a, 0x64, 0x73),
        landed: Colour(0x00, 0x72, 0xb2),
        checked: Colour(0x00, 0x82, 0x60),
        wrong: Colour(0xc4, 0x4e, 0x00),
    };
    /// For the window, whose other pages are dark.
    pub const DARK: Self = Self {
        ground: Colour(0x16, 0x1a, 0x21),
        screen: Colour(0x1f, 0x25, 0x2e),
        rule: Colour(0x48, 0x52, 0x61),
        ink: Colour(0xe8, 0xec, 0xf2),
        dim: Colour(0x9a, 0xa5, 0xb5),
        landed: Colour(0x56, 0xb4, 0xe9),
        checked: Colour(0x2f, 0xc4, 0x9a),
        wrong: Colour(0xff, 0x8c, 0x42),
    };
}
