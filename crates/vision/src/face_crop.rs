//! Face crops: the one way in which pictures of faces are cut for contact networks, for the
//! daemon and for the trainer alike.

use crate::frame::Frame;
use crate::region::{BBox, Region};
use crate::sampler::{Outside, Sampler};

/// Cuts face crops of one size; keeps its buffers.
pub struct FaceCropper {
    sampler: Sampler,
    scale: f32,
}

impl FaceCropper {
    /// For crops of `size` pixels on a side, whose squares are `scale` times as wide as the
    /// longer side of the box around a face's landmarks.
    pub fn new(size: usize, scale: f32) -> FaceCropper {
        FaceCropper {
            sampler: Sampler::new(size),
            scale,
        }
    }

    /// The upright square around a face: the box's middle is its middle.
    fn region(&self, face: &BBox) -> Region {
        Region {
            x: face.x + face.width / 2.0,
            y: face.y + face.height / 2.0,
            size: face.width.max(face.height) * self.scale,
            roll: 0.0,
        }
    }

    /// Red, green and blue of the square around `face`, values 0–255 row by row. `None` when it
    /// is not in the picture; pixels beyond the picture's edge repeat the edge.
    pub fn cut(&mut self, frame: &Frame, face: &BBox) -> Option<&[Vec<f32>; 3]> {
        let region = self.region(face);
        let inside = self.sampler.rgb(frame, &region, Outside::Edge);
        inside.then(|| self.sampler.planes())
    }

    /// The same in bytes, rounded, plane after plane; false when it is not in the picture.
    ///
    /// # Panics
    /// When `out` is not 3 × size × size long.
    pub fn cut_bytes(&mut self, frame: &Frame, face: &BBox, out: &mut [u8]) -> bool {
        let Some(planes) = self.cut(frame, face) else {
            return false;
        };
        assert_eq!(out.len(), 3 * planes[0].len(), "room for one crop");
        let values = planes.iter().flatten();
        (out.iter_mut().zip(values)).for_each(|(to, v)| *to = v.round() as u8);
        true
    }
}
