//! The 478 points of one face, and whether there is a face at all.

use gaze::landmarks::{COUNT, Landmarks, OUTER_CORNER};

use crate::colours::Colours;
use crate::detector::sigmoid;
use crate::frame::Frame;
use crate::models::{ModelError, ModelStore};
use crate::region::{BBox, Region};
use crate::runtime::Runtime;
use crate::sampler::{Layout, Outside, Sampler, TensorSpec};
use crate::session::{BoundSession, SessionOptions};

/// Side of the network's input, pixels.
const SIDE: usize = 256;

const SPEC: TensorSpec = TensorSpec {
    layout: Layout::Nchw,
    scale: 1.0 / 255.0,
    offset: 0.0,
    outside: Outside::Edge,
};

/// What the network said of a region.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Image pixels. Without a face they mean nothing.
    pub landmarks: &'a Landmarks,
    /// Probability that there is a face.
    pub presence: f32,
    /// How long making the input took, nanoseconds.
    pub sample_ns: u64,
    /// How the region is coloured.
    pub(crate) colours: Colours,
}

/// The landmark network with its buffers.
pub struct Landmarker {
    session: BoundSession,
    sampler: Sampler,
    landmarks: Landmarks,
    hash: [u8; 32],
}

impl Landmarker {
    /// Loads the network.
    pub fn new(
        runtime: &Runtime,
        store: &ModelStore,
        options: &SessionOptions,
    ) -> Result<Landmarker, ModelError> {
        let network = store.load("face-landmarks")?;
        let session = BoundSession::new(
            runtime,
            &network,
            options,
            &[("image", &[1, 3, SIDE, SIDE])],
            &[("landmarks", &[1, COUNT, 3]), ("presence", &[1, 1])],
        )?;
        Ok(Landmarker {
            session,
            sampler: Sampler::new(SIDE),
            landmarks: [[0.0; 3]; COUNT],
            hash: network.sha256,
        })
    }

    /// SHA-256 of the network.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Looks for a face that fills `region` (see [`next_region`]): its points
    /// and the probability that there is one, which is 0 outside the picture.
    pub fn look(&mut self, frame: &Frame, region: &Region) -> Result<Look<'_>, ModelError> {
        let begun = std::time::Instant::now();
        if !self
            .sampler
            .tensor(frame, region, &SPEC, self.session.input(0))
        {
            return Ok(Look {
                landmarks: &self.landmarks,
                presence: 0.0,
                sample_ns: 0,
                colours: Colours::default(),
            });
        }
        let sample_ns = begun.elapsed().as_nanos() as u64;
        self.session.run()?;
        let (sin, cos) = region.roll.sin_cos();
        let scale = region.size / SIDE as f32;
        let half = SIDE as f32 / 2.0;
        let points = self.session.output(0).as_chunks::<3>().0;
        for (to, p) in self.landmarks.iter_mut().zip(points) {
            let (u, v) = ((p[0] - half) * scale, (p[1] - half) * scale);
            *to = [
                region.x + cos * u - sin * v,
                region.y + sin * u + cos * v,
                p[2] * scale,
            ];
        }
        let presence = sigmoid(self.session.output(1)[0]);
        let colours = Colours::of(self.session.input(0), SIDE);
        Ok(Look {
            landmarks: &self.landmarks,
            presence,
            sample_ns,
            colours,
        })
    }
}

/// Where the same face is looked for in the next frame: the square around its
/// landmarks, the eyes level, 1.5 times as large.
pub fn next_region(landmarks: &Landmarks) -> Region {
    let [left, right] = OUTER_CORNER.map(|i| [landmarks[i][0], landmarks[i][1]]);
    let roll = (right[1] - left[1]).atan2(right[0] - left[0]);
    // The box is taken in the turned frame: a level one would grow with the roll.
    let (sin, cos) = roll.sin_cos();
    let turned = landmarks
        .iter()
        .map(|p| [cos * p[0] + sin * p[1], cos * p[1] - sin * p[0]]);
    let bbox = BBox::around(turned);
    let (x, y) = (bbox.x + bbox.width / 2.0, bbox.y + bbox.height / 2.0);
    let size = bbox.width.max(bbox.height);
    Region {
        x: cos * x - sin * y,
        y: sin * x + cos * y,
        size,
        roll,
    }
    .scaled(1.5)
}
