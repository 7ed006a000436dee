//! The eye: ball, iris, the lids that lie on it, and the lashes on their edges.

pub mod eyeball;
pub mod iris;
pub mod lashes;
pub mod lids;
pub mod socket;

#[cfg(test)]
mod tests;
