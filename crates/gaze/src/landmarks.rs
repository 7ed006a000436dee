//! The 478 face landmarks, the indices that the arithmetic needs, and the
//! canonical face they are points of.
//!
//! Numbering of MediaPipe's face mesh with irises. In an unmirrored image the
//! person's right eye is the *image-left* one.

use std::sync::LazyLock;

use nalgebra::Vector3;
use serde::Deserialize;

/// x and y in image pixels, z in the same unit relative to the face (smaller: nearer the camera).
pub type Landmarks = [[f32; 3]; COUNT];

/// How many landmarks there are.
pub const COUNT: usize = 478;

/// How many of them lie on the face; the irises follow.
pub const FACE_COUNT: usize = 468;

/// Centre of each iris, image-left eye first; the four that follow lie on its
/// rim: towards the image's right, top, left, bottom.
pub const IRIS_CENTRE: [usize; 2] = [468, 473];

/// Outer corner of each eye, image-left first.
pub const OUTER_CORNER: [usize; 2] = [33, 263];

/// Inner corner of each eye, image-left first.
pub const INNER_CORNER: [usize; 2] = [133, 362];

/// Middle of each upper lid, image-left first.
pub const UPPER_LID: [usize; 2] = [159, 386];

/// Middle of each lower lid, image-left first.
pub const LOWER_LID: [usize; 2] = [145, 374];

/// Three points along the middle of each upper lid's rim, image-left eye first,
/// from the outer to the inner side.
pub const UPPER_LID_RIM: [[usize; 3]; 2] = [[160, 159, 158], [387, 386, 385]];

/// The points of the lower lid's rim below those of [`UPPER_LID_RIM`].
pub const LOWER_LID_RIM: [[usize; 3]; 2] = [[144, 145, 153], [373, 374, 380]];

/// Each upper lid's rim from the outer corner to the inner one, image-left eye first.
pub const UPPER_LID_LINE: [[usize; 9]; 2] = [
    [33, 246, 161, 160, 159, 158, 157, 173, 133],
    [263, 466, 388, 387, 386, 385, 384, 398, 362],
];

/// Each lower lid's rim from the outer corner to the inner one, image-left eye first.
pub const LOWER_LID_LINE: [[usize; 9]; 2] = [
    [33, 7, 163, 144, 145, 153, 154, 155, 133],
    [263, 249, 390, 373, 374, 380, 381, 382, 362],
];

/// The average face that the landmarks are points of, Google's canonical face
/// (Apache-2.0; `models/canonical_face.json` names its source).
#[derive(Debug)]
pub struct CanonicalFace {
    /// Vertex i is landmark i (no irises). Millimetres in the head frame: origin
    /// midway between the four eye corners, x to the image's right, y down,
    /// z into the head.
    pub vertices: [Vector3<f64>; FACE_COUNT],
    /// The landmarks that tell the head's pose, with their weights.
    pub pose_points: [(usize, f64); POSE_POINTS],
}

/// How many landmarks tell the head's pose.
pub const POSE_POINTS: usize = 33;

#[derive(Deserialize)]
struct CanonicalFile {
    procrustes: Procrustes,
    vertices: Vec<[f64; 3]>,
}

#[derive(Deserialize)]
struct Procrustes {
    indices: Vec<usize>,
    weights: Vec<f64>,
}

/// The canonical face; parsed at the first call, so make it before the hot path.
pub fn canonical_face() -> &'static CanonicalFace {
    static FACE: LazyLock<CanonicalFace> = LazyLock::new(|| {
        let file: CanonicalFile =
            serde_json::from_str(include_str!("../../../models/canonical_face.json"))
                .expect("the canonical face is part of the build and a test reads it");
        let corners = [
            OUTER_CORNER[0],
            INNER_CORNER[0],
            INNER_CORNER[1],
            OUTER_CORNER[1],
        ];
        let origin: Vector3<f64> = corners
            .map(|i| Vector3::from(file.vertices[i]))
            .iter()
            .sum::<Vector3<f64>>()
            / 4.0;
        CanonicalFace {
            vertices: std::array::from_fn(|i| Vector3::from(file.vertices[i]) - origin),
            pose_points: std::array::from_fn(|i| {
                (file.procrustes.indices[i], file.procrustes.weights[i])
            }),
        }
    });
    &FACE
}

/// The landmark on the other side of the face, for each landmark; those on the
/// midline are their own.
pub fn mirrored_index(i: usize) -> usize {
    /// 468 vertices and their partners: the canonical face is symmetric to the last digit.
    static PARTNER: LazyLock<[usize; COUNT]> = LazyLock::new(|| {
        let v = &canonical_face().vertices;
        std::array::from_fn(|i| match i {
            0..FACE_COUNT => {
                let image = Vector3::new(-v[i].x, v[i].y, v[i].z);
                (0..FACE_COUNT)
                    .min_by(|&a, &b| (v[a] - image).norm().total_cmp(&(v[b] - image).norm()))
                    .unwrap_or(i)
            }
            // Centre, right, top, left, bottom: right and left change places.
            468 => 473,
            469 => 476,
            470 => 475,
            471 => 474,
            472 => 477,
            473 => 468,
            474 => 471,
            475 => 470,
            476 => 469,
            _ => 472,
        })
    });
    PARTNER[i]
}

/// The landmarks of the mirrored image: x measured from the other edge of an
/// image `width_px` wide, and left and right exchanged.
pub fn mirrored(lm: &Landmarks, width_px: f32) -> Landmarks {
    std::array::from_fn(|i| {
        let [x, y, z] = lm[mirrored_index(i)];
        [width_px - x, y, z]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_face_is_level_and_looks_into_the_camera() {
        let face = canonical_face();
        let [l, r] = OUTER_CORNER.map(|i| face.vertices[i]);
        assert!(l.x < 0.0 && (l.x + r.x).abs() < 1e-9 && (l.y - r.y).abs() < 1e-9);
        let (nose_tip, chin) = (face.vertices[4], face.vertices[152]);
        assert!(nose_tip.z < -30.0, "the nose points to the camera");
        assert!(chin.y > 80.0, "the chin is below the eyes");
        let total: f64 = face.pose_points.iter().map(|p| p.1).sum();
        assert!(
            total > 0.5
                && face
                    .pose_points
                    .iter()
                    .all(|p| p.0 < FACE_COUNT && p.1 > 0.0)
        );
    }

    #[test]
    fn every_landmark_has_one_partner_on_the_other_side() {
        let v = &canonical_face().vertices;
        for i in 0..COUNT {
            let j = mirrored_index(i);
            assert_eq!(mirrored_index(j), i);
            if i < FACE_COUNT {
                assert!(
                    (v[i] + v[j]).x.abs() < 0.02 && (v[i] - v[j]).yz().norm() < 0.02,
                    "{i} {j}"
                );
            }
        }
        for pair in [
            OUTER_CORNER,
            INNER_CORNER,
            UPPER_LID,
            LOWER_LID,
            IRIS_CENTRE,
        ] {
            assert_eq!(mirrored_index(pair[0]), pair[1]);
        }
        for k in 0..3 {
            assert_eq!(mirrored_index(UPPER_LID_RIM[0][k]), UPPER_LID_RIM[1][k]);
            assert_eq!(mirrored_index(LOWER_LID_RIM[0][k]), LOWER_LID_RIM[1][k]);
        }
    }
}
