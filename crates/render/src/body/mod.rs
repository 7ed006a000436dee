//! The body: its mesh and how a person's shape and expression move it, its skin and clothes.

pub mod assets;
pub(crate) mod clothes;
pub(crate) mod complexion;
pub mod head;
pub(crate) mod shape;
pub mod skin;
pub mod surface;
pub mod template;
