//! Faces in a whole picture: boxes and six points each.
//!
//! BlazeFace, short range (Bazarevsky et al. 2019): 896 anchors, each with a
//! score and with box and points relative to it. Overlapping answers are
//! blended by score, as there, instead of keeping only the best: boxes tremble less.

use crate::frame::Frame;
use crate::models::{ModelError, ModelStore};
use crate::region::{BBox, Region};
use crate::runtime::Runtime;
use crate::sampler::{Layout, Outside, Sampler, TensorSpec};
use crate::session::{BoundSession, SessionOptions};

/// Side of the network's input, pixels.
const SIDE: usize = 128;
/// Grids of anchors: cells on a side, anchors in a cell.
const GRIDS: [(usize, usize); 2] = [(16, 2), (8, 6)];
const ANCHORS: usize = 16 * 16 * 2 + 8 * 8 * 6;
/// Numbers per anchor: box, then six points.
const VALUES: usize = 16;
/// Answers that overlap more than this are one face.
const SAME_FACE: f32 = 0.3;
/// Faces reported at most.
pub(crate) const MAX_DETECTIONS: usize = 16;

const SPEC: TensorSpec = TensorSpec {
    layout: Layout::Nchw,
    scale: 1.0 / 127.5,
    offset: -1.0,
    outside: Outside::Black,
};

/// A face as the detector sees it, in image pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Probability of a face.
    pub score: f32,
    /// From the brows to the chin.
    pub bbox: BBox,
    /// Image-left eye, image-right eye, nose tip, mouth, image-left ear, image-right ear.
    pub points: [[f32; 2]; 6],
}

impl Detection {
    /// Where its landmarks are looked for: turned so that the eyes are level, 1.5 times the box.
    pub fn landmark_region(&self) -> Region {
        Region::around(&self.bbox, self.points[0], self.points[1]).scaled(1.5)
    }
}

/// The detector network with its buffers.
pub struct FaceDetector {
    session: BoundSession,
    sampler: Sampler,
    anchors: Vec<[f32; 2]>,
    candidates: Vec<Detection>,
    found: Vec<Detection>,
    least_score: f32,
}

impl FaceDetector {
    /// Loads the network. Faces below `least_score` (0..1) are not reported.
    pub fn new(
        runtime: &Runtime,
        store: &ModelStore,
        options: &SessionOptions,
        least_score: f32,
    ) -> Result<FaceDetector, ModelError> {
        let network = store.load("face-detector")?;
        let session = BoundSession::new(
            runtime,
            &network,
            options,
            &[("image", &[1, 3, SIDE, SIDE])],
            &[
                ("boxes", &[1, ANCHORS, VALUES]),
                ("scores", &[1, ANCHORS, 1]),
            ],
        )?;
        Ok(FaceDetector {
            session,
            sampler: Sampler::new(SIDE),
            anchors: anchors(),
            candidates: Vec::with_capacity(ANCHORS),
            found: Vec::with_capacity(MAX_DETECTIONS),
            least_score,
        })
    }

    /// Looks at one square of the picture; the faces found, likeliest first.
    /// A region outside the picture holds none.
    pub fn detect(&mut self, frame: &Frame, region: &Region) -> Result<&[Detection], ModelError> {
        self.found.clear();
        if !self
            .sampler
            .tensor(frame, region, &SPEC, self.session.input(0))
        {
            return Ok(&self.found);
        }
        self.session.run()?;
        self.candidates.clear();
        let (boxes, scores) = (self.session.output(0), self.session.output(1));
        for ((values, logit), anchor) in boxes.chunks_exact(VALUES).zip(scores).zip(&self.anchors) {
            let score = sigmoid(*logit);
            if score >= self.least_score {
                self.candidates.push(decode(values, *anchor, score, region));
            }
        }
        merge(&mut self.candidates, &mut self.found);
        Ok(&self.found)
    }
}

pub(crate) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Middles of the anchors, in units of the input.
fn anchors() -> Vec<[f32; 2]> {
    let mut all = Vec::with_capacity(ANCHORS);
    for (cells, each) in GRIDS {
        let middle = |i: usize| (i as f32 + 0.5) / cells as f32;
        for row in 0..cells {
            for column in 0..cells {
                all.extend(std::iter::repeat_n([middle(column), middle(row)], each));
            }
        }
    }
    all
}

fn decode(values: &[f32], anchor: [f32; 2], score: f32, region: &Region) -> Detection {
    let point =
        |x: f32, y: f32| region.to_image(anchor[0] + x / SIDE as f32, anchor[1] + y / SIDE as f32);
    let per_pixel = region.size / SIDE as f32;
    let [x, y] = point(values[0], values[1]);
    let (width, height) = (values[2] * per_pixel, values[3] * per_pixel);
    Detection {
        score,
        bbox: BBox {
            x: x - width / 2.0,
            y: y - height / 2.0,
            width,
            height,
        },
        points: std::array::from_fn(|i| point(values[4 + 2 * i], values[5 + 2 * i])),
    }
}

/// Weighted non-maximum suppression: the best answer and all that overlap it
/// become their mean, weighted by score.
fn merge(candidates: &mut Vec<Detection>, found: &mut Vec<Detection>) {
    candidates.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    while let Some(best) = candidates.first().copied() {
        if found.len() == MAX_DETECTIONS {
            break;
        }
        let mut sum = Detection {
            score: 0.0,
            bbox: BBox::default(),
            points: [[0.0; 2]; 6],
        };
        candidates.retain(|c| {
            let same = c.bbox == best.bbox || c.bbox.overlap(&best.bbox) > SAME_FACE;
            if same {
                sum.score += c.score;
                sum.bbox.x += c.score * c.bbox.x;
                sum.bbox.y += c.score * c.bbox.y;
                sum.bbox.width += c.score * c.bbox.width;
                sum.bbox.height += c.score * c.bbox.height;
                for (to, from) in sum
                    .points
                    .as_flattened_mut()
                    .iter_mut()
                    .zip(c.points.as_flattened())
                {
                    *to += c.score * from;
                }
            }
            !same
        });
        let part = 1.0 / sum.score;
        let mut mean = Detection {
            score: best.score,
            ..sum
        };
        for v in [
            &mut mean.bbox.x,
            &mut mean.bbox.y,
            &mut mean.bbox.width,
            &mut mean.bbox.height,
        ] {
            *v *= part;
        }
        for v in mean.points.as_flattened_mut() {
            *v *= part;
        }
        found.push(mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(score: f32, x: f32) -> Detection {
        Detection {
            score,
            bbox: BBox {
                x,
                y: 10.0,
                width: 50.0,
                height: 50.0,
            },
            points: [[x, 20.0]; 6],
        }
    }

    #[test]
    fn overlapping_answers_become_their_mean_and_others_stay() {
        let mut candidates = vec![face(0.6, 200.0), face(0.5, 104.0), face(1.0, 100.0)];
        let mut found = Vec::new();
        merge(&mut candidates, &mut found);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].score, 1.0);
        assert!((found[0].bbox.x - 101.333).abs() < 1e-2, "{:?}", found[0]);
        assert!((found[0].points[5][0] - 101.333).abs() < 1e-2);
        assert!((found[1].bbox.x - 200.0).abs() < 1e-4 && found[1].score == 0.6);
    }

    #[test]
    fn a_box_of_no_size_ends() {
        let mut candidates = vec![
            Detection {
                bbox: BBox::default(),
                ..face(0.9, 0.0)
            };
            3
        ];
        let mut found = Vec::new();
        merge(&mut candidates, &mut found);
        assert_eq!(found.len(), 1);
    }
}
