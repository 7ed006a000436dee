//! Reports: one self-contained HTML page with plots, for a phone as for a desk, light and
//! dark, without a script.
//!
//! | module | is |
//! |---|---|
//! | [`page`] | the page: headings, words, tables, figures |
//! | [`svg`] | shapes as SVG text; colours are the page's |
//! | [`plots`] | errors on the screen, errors by bands, learning curves, shares against shares |
//! | [`baseline`] | the page of `gaze-trainer baseline` |
//! | [`contact`] | the page of `gaze-trainer contact-fit` |

pub mod baseline;
pub mod contact;
pub mod page;
pub mod plots;
pub mod svg;

#[cfg(test)]
mod tests;
