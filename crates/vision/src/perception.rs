//! What one frame said.

use gaze::camera::Intrinsics;
use gaze::contact::Evidence;
use gaze::eyes::EyeState;
use gaze::geometric::EyeGaze;
use gaze::head::HeadPose;
use gaze::landmarks::Landmarks;

use crate::eye_pixels::EyeLook;
use crate::iris::IrisFit;
use crate::models::ModelError;
use crate::region::BBox;

/// Faces listed at most.
pub const MAX_FACES: usize = 8;

/// A face in the list of all faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeenFace {
    /// Stays with the face for as long as it is seen; from 1, never used again.
    pub id: u32,
    /// Where it is.
    pub bbox: BBox,
    /// Probability that it is a face.
    pub score: f32,
    /// Capture time of the frame in which it was first seen.
    pub since_ns: u64,
    /// Capture time of the frame in which it was measured last.
    pub measured_ns: u64,
    /// How its head was turned then.
    pub head: Option<HeadPose>,
    /// Whether both its eyes were open then.
    pub eyes_open: bool,
    /// What its eyes and head said then of whether it looks at the camera.
    pub contact: Evidence,
}

/// A face as it was measured.
#[derive(Debug, Clone)]
pub struct Face {
    /// As in the list.
    pub id: u32,
    /// Capture time of the frame it was measured in.
    pub measured_ns: u64,
    /// Box around its landmarks.
    pub bbox: BBox,
    /// Probability that there is a face.
    pub presence: f32,
    /// Its points, image pixels.
    pub landmarks: Landmarks,
    /// The camera that pose and gaze are reckoned with.
    pub camera: Intrinsics,
    /// Head pose.
    pub head: HeadPose,
    /// Whether the landmark network saw it in this frame. If not, head and lids are those of the
    /// frame before, moved to where the face is now; irises and gaze are of this frame.
    pub seen: bool,
    /// Lids and irises. `open` is false for an eye that the pixels do not show,
    /// whatever the landmarks say.
    pub eyes: EyeState,
    /// What the pixels show of each eye, image-left first.
    pub look: [EyeLook; 2],
    /// Each iris by the pixels, image-left first; the landmarks' irises are moved there.
    pub irises: [Option<IrisFit>; 2],
    /// Lines of sight; none when neither eye can be told.
    pub gaze: Option<EyeGaze>,
    /// Where on the screen the gaze is, normalised, by a network that tells that; its
    /// lines of sight are the geometric ones then.
    pub gaze_point: Option<[f64; 2]>,
    /// How far the network expects its line of sight to be off, where it tells
    /// ([`crate::gaze_net::GazeNet::spread_deg`]): across and up, degrees.
    pub spread_deg: Option<[f64; 2]>,
    /// Whether it looks at the camera, by head and eyes alone.
    pub contact: Evidence,
}

/// How long the parts took, nanoseconds; 0 for what was not needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Looking for faces, sampling included.
    pub detect_ns: u64,
    /// Making the landmark network's input.
    pub sample_ns: u64,
    /// The landmark network.
    pub landmark_ns: u64,
    /// Moving what the network said of the frame before, instead of it or in vain.
    pub moving_ns: u64,
    /// Head pose, eyes and gaze by geometry.
    pub geometry_ns: u64,
    /// The gaze network, its crops included.
    pub network_ns: u64,
    /// The other faces and looks for newcomers, where they are done in the same go.
    pub others_ns: u64,
    /// All of the frame.
    pub total_ns: u64,
}

/// What one frame said; see [`crate::Perceiver::perceive`].
#[derive(Debug, Default)]
pub struct Perception {
    /// The source's number of the frame.
    pub frame_index: u64,
    /// When the light fell in.
    pub captured_ns: u64,
    /// The picture has been the same, byte for byte, for too long. No face is
    /// reported then: it would be an old one.
    pub frozen: bool,
    /// The picture is the one before it, delivered again: nothing here is new.
    pub repeated: bool,
    /// The frame's shape or buffer makes no sense ([`crate::Frame::is_sound`]).
    pub unsound: bool,
    /// A network failed on this frame.
    pub fault: Option<ModelError>,
    /// How long it took.
    pub times: StageTimes,
    pub(crate) faces: [Option<SeenFace>; MAX_FACES],
    pub(crate) primary: Option<Face>,
    /// The other faces that are listed, as they were measured last.
    pub(crate) others: Vec<Face>,
}

impl Perception {
    /// All faces, the primary one first.
    pub fn faces(&self) -> impl Iterator<Item = &SeenFace> {
        self.faces.iter().flatten()
    }

    /// The other faces, each as it was measured last: in this frame or in one before it
    /// ([`Face::measured_ns`]). Their gaze is told by geometry.
    pub fn others(&self) -> &[Face] {
        &self.others
    }

    /// The face whose gaze is measured.
    pub fn primary(&self) -> Option<&Face> {
        self.primary.as_ref()
    }
}
