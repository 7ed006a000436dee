//! The probability of eye contact from head and eyes alone.
//!
//! Who looks into the lens is measured with an error: the angle from the measured line of sight
//! to the line to the camera scatters about a mean, the wider the smaller the face and the more
//! it is turned, and the less sure a network is of this very look. Who looks elsewhere scatters
//! more widely by [`Derived::elsewhere_deg`]. The
//! probability is Bayes' rule on the two. Its constants are those under which the labels of
//! rendered people are likeliest; `gaze-vision`, example `contact`, fits and measures them.

use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::geometric::EyeGaze;
use crate::head::HeadPose;
use crate::ray::Ray;

/// Heads turned further away from the camera than this say nothing of the eyes, degrees.
const HEAD_RANGE_DEG: f64 = 60.0;
/// Faces narrower than this say nothing, pixels.
const LEAST_FACE_PX: f64 = 30.0;
/// The face that [`Derived::small_deg`] is for, pixels.
const FACE_PX: f64 = 100.0;

/// What of one look the probability is reckoned from; degrees, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContactLook {
    /// Yaw and pitch of the line of sight beside those of the line to the camera.
    pub gaze_deg: [f64; 2],
    /// The same of the head.
    pub head_deg: [f64; 2],
    /// Width of the box around the face's landmarks.
    pub face_px: f64,
    /// How far the line of sight is expected to be off, across and up, where a network tells.
    pub told_deg: Option<[f64; 2]>,
}

impl ContactLook {
    /// Of a measured face. `None`: its gaze cannot be told.
    pub fn of(
        gaze: Option<&EyeGaze>,
        head: &HeadPose,
        face_px: f64,
        told_deg: Option<[f64; 2]>,
    ) -> Option<ContactLook> {
        let gaze = gaze.filter(|g| g.confidence > 0.0)?;
        let at = gaze.combined.origin;
        let to_camera = Ray {
            origin: at,
            direction: -at.try_normalize(1.0)?,
        };
        let beside =
            |yaw: f64, pitch: f64| [yaw - to_camera.yaw_deg(), pitch - to_camera.pitch_deg()];
        let look = ContactLook {
            gaze_deg: beside(gaze.combined.yaw_deg(), gaze.combined.pitch_deg()),
            head_deg: beside(head.yaw, head.pitch),
            face_px,
            told_deg: told_deg.filter(|t| t.iter().all(|v| v.is_finite())),
        };
        let all = look.gaze_deg.iter().chain(&look.head_deg);
        let sound = all.chain([&face_px]).all(|v| v.is_finite());
        let within = look.head_deg[0].hypot(look.head_deg[1]) < HEAD_RANGE_DEG;
        (sound && within && face_px >= LEAST_FACE_PX).then_some(look)
    }
}

/// The few constants of the population; angles in degrees, pairs are yaw and pitch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    /// Where those who look into the lens are measured to look.
    pub mean_deg: [f64; 2],
    /// How much of the head's turn is taken for the eyes'.
    pub head_share: [f64; 2],
    /// The error's standard deviation of a large, straight face …
    pub error_deg: [f64; 2],
    /// … what a face 100 pixels wide adds to it (in squares; twice that at 50 pixels) …
    pub small_deg: [f64; 2],
    /// … and what each 10° of the head's turn add, likewise.
    pub turned_deg: f64,
    /// How much of what a network expects to be off adds to it, likewise; 0 before there were
    /// networks that tell.
    #[serde(default, skip_serializing_if = "is_none")]
    pub told_share: f64,
    /// Standard deviation of where people look who look elsewhere; 0.8 of it up and down.
    pub elsewhere_deg: f64,
    /// Logarithm of the odds that someone looks into the lens of whom nothing is known.
    pub odds: f64,
}

/// Files of networks that tell nothing are as they were before some did.
fn is_none(share: &f64) -> bool {
    *share == 0.0
}

impl Derived {
    /// How many constants there are.
    pub const CONSTANTS: usize = 12;

    /// Fitted to rendered people (`gaze-vision`, example `contact`).
    pub const RENDERED: Derived = Derived {
        mean_deg: [-0.466, -1.077],
        head_share: [-0.062, -0.007],
        error_deg: [3.203, 3.091],
        small_deg: [4.353, 9.073],
        turned_deg: 1.182,
        told_share: 0.0,
        elsewhere_deg: 9.513,
        odds: -0.400,
    };

    /// As a list, for a fit.
    pub fn constants(&self) -> [f64; Self::CONSTANTS] {
        let [a, b] = self.mean_deg;
        let [c, d] = self.head_share;
        let [e, f] = self.error_deg;
        let [g, h] = self.small_deg;
        [
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            self.turned_deg,
            self.elsewhere_deg,
            self.odds,
            self.told_share,
        ]
    }

    /// Of such a list. Deviations have no sign.
    pub fn from_constants(v: &[f64; Self::CONSTANTS]) -> Derived {
        Derived {
            mean_deg: [v[0], v[1]],
            head_share: [v[2], v[3]],
            error_deg: [v[4].abs(), v[5].abs()],
            small_deg: [v[6].abs(), v[7].abs()],
            turned_deg: v[8].abs(),
            elsewhere_deg: v[9].abs(),
            odds: v[10],
            told_share: v[11].abs(),
        }
    }

    /// Standard deviation of the error of a look, yaw and pitch, degrees.
    pub fn spread_deg(&self, look: &ContactLook) -> [f64; 2] {
        let turn = (look.head_deg[0].powi(2) + look.head_deg[1].powi(2)) / 100.0;
        let small = FACE_PX / look.face_px;
        let told = look.told_deg.unwrap_or_default();
        [0, 1].map(|axis| {
            let of_size = self.small_deg[axis] * small;
            let squares = self.error_deg[axis].powi(2)
                + of_size * of_size
                + self.turned_deg.powi(2) * turn
                + (self.told_share * told[axis]).powi(2);
            squares.max(0.01).sqrt()
        })
    }

    /// Logarithm of the odds of contact.
    pub fn log_odds(&self, look: &ContactLook) -> f64 {
        let spread = self.spread_deg(look);
        let mut sum = self.odds;
        for axis in 0..2 {
            let off = look.gaze_deg[axis]
                - self.mean_deg[axis]
                - self.head_share[axis] * look.head_deg[axis];
            let here = spread[axis] * spread[axis];
            let wide = self.elsewhere_deg * [1.0, 0.8][axis];
            let there = here + wide * wide;
            sum -= 0.5 * off * off * (1.0 / here - 1.0 / there) + 0.5 * (here / there).ln();
        }
        sum
    }

    /// Probability of contact, 0..1.
    pub fn probability(&self, look: &ContactLook) -> f64 {
        1.0 / (1.0 + (-self.log_odds(look)).exp())
    }

    /// What a measured face says. `open`: whether each eye is.
    pub fn evidence(
        &self,
        gaze: Option<&EyeGaze>,
        head: &HeadPose,
        open: [bool; 2],
        face_px: f64,
        told_deg: Option<[f64; 2]>,
    ) -> Evidence {
        if open == [false; 2] {
            // Eyes that are seen edge-on do not count as open, but need not be shut.
            let ahead = head.rotation * -nalgebra::Vector3::z();
            let off = ahead.angle(&-head.translation).to_degrees();
            return if off < HEAD_RANGE_DEG / 2.0 && face_px >= LEAST_FACE_PX {
                Evidence::EyesShut
            } else {
                Evidence::Nothing
            };
        }
        let look = ContactLook::of(gaze, head, face_px, told_deg);
        look.map_or(Evidence::Nothing, |l| {
            Evidence::Probability(self.probability(&l))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Vector3;

    /// Someone at `at` whose line of sight passes the camera by these degrees.
    fn gaze(at: Vector3<f64>, yaw: f64, pitch: f64) -> EyeGaze {
        let to_camera = Ray {
            origin: at,
            direction: -at.normalize(),
        };
        let ray = Ray::from_yaw_pitch(at, to_camera.yaw_deg() + yaw, to_camera.pitch_deg() + pitch);
        EyeGaze {
            left: ray,
            right: ray,
            combined: ray,
            confidence: 1.0,
        }
    }

    fn head(at: Vector3<f64>) -> HeadPose {
        let to_camera = Ray {
            origin: at,
            direction: -at.normalize(),
        };
        HeadPose::from_angles(to_camera.yaw_deg(), to_camera.pitch_deg(), 0.0, at)
    }

    fn probability(at: Vector3<f64>, yaw: f64, pitch: f64, px: f64) -> f64 {
        let both = [true; 2];
        match Derived::RENDERED.evidence(Some(&gaze(at, yaw, pitch)), &head(at), both, px, None) {
            Evidence::Probability(p) => p,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn into_the_lens_is_likely_from_anywhere_and_beside_it_is_not() {
        let [mx, my] = Derived::RENDERED.mean_deg;
        for at in [
            [0.0, 0.0, 600.0],
            [300.0, -150.0, 700.0],
            [-500.0, 100.0, 900.0],
        ] {
            let at = Vector3::from(at);
            let here = probability(at, mx, my, 250.0);
            assert!(here > 0.6, "{here}");
            for (yaw, pitch) in [(20.0, 0.0), (-20.0, 0.0), (0.0, 22.0), (0.0, -24.0)] {
                let away = probability(at, yaw, pitch, 250.0);
                assert!(away < 0.05, "{yaw} {pitch}: {away}");
            }
            let mut last = here;
            for step in 1..15 {
                let p = probability(at, mx + 2.0 * f64::from(step), my, 250.0);
                assert!(p < last, "it falls with the angle");
                last = p;
            }
        }
    }

    #[test]
    fn a_small_face_is_less_sure_either_way() {
        let at = Vector3::new(0.0, 0.0, 1500.0);
        let [mx, my] = Derived::RENDERED.mean_deg;
        let [near, far] = [300.0, 60.0].map(|px| probability(at, mx, my, px));
        assert!(near > far && far > 0.4, "{near} {far}");
        let [near, far] = [300.0, 60.0].map(|px| probability(at, mx + 12.0, my, px));
        assert!(near < far, "{near} {far}");
    }

    #[test]
    fn a_look_that_the_network_is_unsure_of_is_less_sure_either_way() {
        let model = Derived {
            told_share: 0.6,
            ..Derived::RENDERED
        };
        let told = |yaw: f64, told_deg: Option<[f64; 2]>| {
            model.probability(&ContactLook {
                gaze_deg: [model.mean_deg[0] + yaw, model.mean_deg[1]],
                head_deg: [0.0; 2],
                face_px: 250.0,
                told_deg,
            })
        };
        let [none, sure, unsure] = [None, Some([2.0; 2]), Some([12.0; 2])].map(|t| told(0.0, t));
        assert!(
            none > sure && sure > unsure + 0.05,
            "{none} {sure} {unsure}"
        );
        let [sure, unsure] = [[2.0; 2], [12.0; 2]].map(|t| told(14.0, Some(t)));
        assert!(sure + 0.02 < unsure, "{sure} {unsure}");
        let at = Vector3::new(0.0, 0.0, 600.0);
        let look = |t| ContactLook::of(Some(&gaze(at, 0.0, 0.0)), &head(at), 200.0, t);
        assert_eq!(look(Some([f64::NAN, 1.0])), look(None));
        assert_ne!(look(Some([1.0; 2])), look(None));
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        let at = Vector3::new(0.0, 0.0, 700.0);
        let (model, both) = (Derived::RENDERED, [true; 2]);
        let look = gaze(at, 0.0, 0.0);
        let straight = head(at);
        let tell =
            |g: Option<&EyeGaze>, h: &HeadPose, open, px| model.evidence(g, h, open, px, None);
        assert_eq!(tell(None, &straight, both, 200.0), Evidence::Nothing);
        assert_eq!(tell(Some(&look), &straight, both, 20.0), Evidence::Nothing);
        assert_eq!(
            tell(Some(&look), &straight, both, f64::NAN),
            Evidence::Nothing
        );
        let turned = HeadPose::from_angles(70.0, 0.0, 0.0, at);
        assert_eq!(tell(Some(&look), &turned, both, 200.0), Evidence::Nothing);
        assert_eq!(tell(None, &straight, [false; 2], 200.0), Evidence::EyesShut);
        assert_eq!(tell(None, &turned, [false; 2], 200.0), Evidence::Nothing);
        let doubtful = EyeGaze {
            confidence: 0.0,
            ..look
        };
        assert_eq!(
            tell(Some(&doubtful), &straight, both, 200.0),
            Evidence::Nothing
        );
        let back = Derived::from_constants(&model.constants());
        assert_eq!(back, model);
    }
}
