//! Labelled pictures, made ready to learn from.
//!
//! | module | is |
//! |---|---|
//! | [`walk`] | every file in a folder and those below it |
//! | [`pairs`] | finding `img_N.jpg` and `img_N.json`, reading them |
//! | [`measure`] | what our own chain measures in a picture, and its crops |
//! | [`groups`] | persons, sittings, targets |
//! | [`sample`] | one picture with its label, and what was measured of it |
//! | [`header`] | what a cache says of itself |
//! | [`cache`] | the file that holds all of a folder's samples with their eye crops |
//! | [`join`] | several caches as one |
//! | [`journal`] | what a run that was interrupted goes on from |
//! | [`prepare`] | from the folder to the cache, which `together` puts together |
//! | [`skip`] | why pictures are left out |
//! | [`compare`] | what was recorded against what is measured |

pub mod cache;
pub mod compare;
pub mod groups;
pub mod header;
pub mod join;
pub mod journal;
pub mod measure;
pub mod pairs;
pub mod prepare;
pub mod sample;
pub mod skip;
mod together;
pub mod walk;
