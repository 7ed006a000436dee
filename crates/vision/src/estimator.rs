//! What tells the gaze from a face: geometry alone, or a network on top of it.

use std::time::Instant;

use gaze::camera::Intrinsics;
use gaze::contact::Derived;
use gaze::eyes::EyeState;
use gaze::geometric::{EyeGaze, EyeModel};
use gaze::head::HeadPose;
use gaze::landmarks::{INNER_CORNER, IRIS_CENTRE, Landmarks, OUTER_CORNER};
use gaze::ray::Ray;
use nalgebra::{Point2, Rotation3};

use crate::frame::Frame;
use crate::gaze_net::{EyeView, GazeNet, NetGaze};
use crate::iris::IrisFit;
use crate::models::ModelError;

/// One eye is noisier than two by √2.
const ONE_EYE: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// The kinds of gaze estimators.
#[derive(Debug, Default)]
pub enum GazeKind {
    /// The eyeball turned against the head, from irises, lids and head pose.
    #[default]
    Geometric,
    /// A network. Its answer is one line for both eyes: the two eyes' own lines are the
    /// geometric ones, turned by as much as turns their common line into the network's.
    /// The trust is the geometric one too: what a network may tell of its errors
    /// ([`GazeNet::spread_deg`]) stands beside it.
    Network(Box<GazeNet>),
}

/// What an estimator told of a face.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub gaze: Option<EyeGaze>,
    /// Of a network that tells points on the screen; the gaze is the geometric one then.
    pub point: Option<[f64; 2]>,
    /// How far the network expects its line of sight to be off, across and up, degrees.
    pub spread_deg: Option<[f64; 2]>,
    /// How long the network took, nanoseconds.
    pub network_ns: u64,
}

/// The lines of sight by geometry, or none where it cannot tell.
pub(crate) fn geometric(
    landmarks: &Landmarks,
    camera: &Intrinsics,
    head: &HeadPose,
    irises: &[Option<IrisFit>; 2],
) -> Option<EyeGaze> {
    let [left, right] = irises.map(|fit| {
        let weight = fit.map_or([0.0; 2], |f| f.weight());
        EyeModel::FACE_MESH.towards(&EyeModel::PIXELS, weight)
    });
    EyeModel::gaze_by([&left, &right], landmarks, camera, head)
}

impl GazeKind {
    /// What the network's line of sight says of eye contact. None: geometry's says more, or
    /// nobody knows how far the network errs.
    pub(crate) fn contact(&self) -> Option<&Derived> {
        match self {
            GazeKind::Geometric => None,
            GazeKind::Network(net) => net.contract().contact.as_ref(),
        }
    }

    /// What the network makes of a face whose geometric gaze is known; without a network,
    /// that gaze.
    pub(crate) fn tell(
        &mut self,
        frame: &Frame,
        landmarks: &Landmarks,
        camera: &Intrinsics,
        head: &HeadPose,
        geometric: Option<EyeGaze>,
    ) -> Result<Told, ModelError> {
        let (GazeKind::Network(net), Some(gaze)) = (self, geometric) else {
            return Ok(Told {
                gaze: geometric,
                ..Told::default()
            });
        };
        let begun = Instant::now();
        let view = EyeView::of(landmarks, head, camera).with_geometric(Some(&gaze.combined));
        let answer = net.estimate(frame, landmarks, &view)?;
        let told = match answer {
            None => Told::default(),
            Some(NetGaze::Ray(ray)) => Told {
                gaze: Some(turned_to(gaze, ray)),
                spread_deg: net.spread_deg(),
                ..Told::default()
            },
            Some(NetGaze::Point(point)) => Told {
                gaze: Some(gaze),
                point: Some(point),
                ..Told::default()
            },
        };
        Ok(Told {
            network_ns: begun.elapsed().as_nanos() as u64,
            ..told
        })
    }
}

/// The lines of sight turned so that the common one is `ray`.
fn turned_to(gaze: EyeGaze, ray: Ray) -> EyeGaze {
    let turn = Rotation3::rotation_between(&gaze.combined.direction, &ray.direction)
        .unwrap_or_else(Rotation3::identity);
    let along = |eye: Ray| Ray {
        direction: turn * eye.direction,
        ..eye
    };
    EyeGaze {
        left: along(gaze.left),
        right: along(gaze.right),
        combined: ray,
        confidence: gaze.confidence,
    }
}

/// Lids and irises. Where an eye is seen edge-on neither counts as open.
pub(crate) fn eyes_of(landmarks: &Landmarks, camera: &Intrinsics, head: &HeadPose) -> EyeState {
    EyeState::estimate(landmarks, camera, head).unwrap_or_else(|| {
        let at = |i: usize| Point2::new(f64::from(landmarks[i][0]), f64::from(landmarks[i][1]));
        EyeState {
            openness: [0.0; 2],
            gap_mm: [0.0; 2],
            open: [false; 2],
            iris_px: IRIS_CENTRE.map(at),
            centre_px: [0, 1].map(|e| nalgebra::center(&at(OUTER_CORNER[e]), &at(INNER_CORNER[e]))),
        }
    })
}

/// The line of sight when only one eye (0: image-left) is to be seen: the other
/// one's is the network's guess and must not take part.
pub(crate) fn by_one_eye(mut gaze: EyeGaze, eye: usize) -> EyeGaze {
    gaze.combined.direction = [gaze.left, gaze.right][eye].direction;
    gaze.confidence *= ONE_EYE;
    gaze
}
