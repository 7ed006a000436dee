//! The 478 face landmarks and the indices that the arithmetic needs.
//!
//! Numbering of MediaPipe's face mesh with irises. In an unmirrored image the
//! person's right eye is the *image-left* one.

/// x and y in image pixels, z in the same unit relative to the face (smaller: nearer the camera).
pub type Landmarks = [[f32; 3]; COUNT];

/// How many landmarks there are.
pub const COUNT: usize = 478;

/// Centre of each iris, image-left eye first; the four that follow lie on its rim.
pub const IRIS_CENTRE: [usize; 2] = [468, 473];

/// Outer corner of each eye, image-left first.
pub const OUTER_CORNER: [usize; 2] = [33, 263];

/// Inner corner of each eye, image-left first.
pub const INNER_CORNER: [usize; 2] = [133, 362];

/// Middle of each upper lid, image-left first.
pub const UPPER_LID: [usize; 2] = [159, 386];

/// Middle of each lower lid, image-left first.
pub const LOWER_LID: [usize; 2] = [145, 374];
