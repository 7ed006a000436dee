//! The result of a calibration as a picture, for the window and for files.
//!
//! | module | does |
//! |---|---|
//! | [`chart`] | what is shown, from a stored calibration or from a sitting's result |
//! | [`result`] | the one maker of the picture, as SVG text |
//! | [`raster`] | SVG text → pixels → PNG |
//! | [`svg`], [`layout`], [`theme`], [`fonts`] | what it is made with |

pub mod chart;
pub mod fonts;
pub mod layout;
pub mod raster;
pub mod result;
pub mod svg;
pub mod theme;

#[cfg(test)]
mod tests;
