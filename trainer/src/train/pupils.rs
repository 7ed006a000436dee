//! Is it the pupils that a network follows, or the face?

use nalgebra::{Matrix3, Vector3};
use serde::{Deserialize, Serialize};

use crate::data::sample::Sample;

/// Fewer looks say nothing.
const FEWEST: usize = 30;
/// Nor do looks whose heads or gazes vary less: deviation of what the other does not explain, degrees.
const LEAST_DEG: f64 = 1.0;
/// A degree of gaze moves the answer of what follows the pupils by so many degrees at least …
const LEAST_GAZE: f64 = 0.5;
/// … and a degree of head turn by less than this share of it.
pub const MOST_FACE: f64 = 0.15;

/// How far a network's answer moves, degrees for a degree, about the vertical axis (yaw) and about the
/// horizontal one (pitch).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pupils {
    /// When the gaze turns and the head does not: 1 is right.
    pub gaze: [f64; 2],
    /// When the head turns and the gaze stays where it is: 0 is right.
    pub head: [f64; 2],
}

impl Pupils {
    /// By least squares of `answers` (rays, for the samples `of`) ~ 1, true gaze, head. None where
    /// rays are not known, or heads and gazes did not move on their own.
    pub fn of(samples: &[Sample], of: &[usize], answers: &[[f32; 3]]) -> Option<Pupils> {
        if of.len() < FEWEST {
            return None;
        }
        let [yaw, pitch] = [fit(samples, of, answers, 0)?, fit(samples, of, answers, 1)?];
        Some(Pupils {
            gaze: [yaw[0], pitch[0]],
            head: [yaw[1], pitch[1]],
        })
    }

    /// In words: [`MOST_FACE`] and `LEAST_GAZE` draw the lines.
    pub fn verdict(&self) -> &'static str {
        let gaze = self.gaze[0].min(self.gaze[1]);
        let head = self.head[0].abs().max(self.head[1].abs());
        match () {
            () if gaze >= LEAST_GAZE && self.face_share() < MOST_FACE => {
                "it follows the pupils, not the face"
            }
            () if gaze >= LEAST_GAZE => "it follows the pupils, and the face too",
            () if head > gaze.max(0.0) => "it follows the face, not the pupils",
            () => "it follows the pupils little yet",
        }
    }

    /// How much of what the gaze moves the head moves too; of the two axes the larger.
    pub fn face_share(&self) -> f64 {
        let share = |axis: usize| self.head[axis].abs() / self.gaze[axis].abs().max(1e-9);
        share(0).max(share(1))
    }
}

fn fit(samples: &[Sample], of: &[usize], answers: &[[f32; 3]], axis: usize) -> Option<[f64; 2]> {
    let angle = |r: [f32; 3]| {
        let [x, y, z] = r.map(f64::from);
        match axis {
            0 => x.atan2(-z).to_degrees(),
            _ => (-y).atan2(x.hypot(z)).to_degrees(),
        }
    };
    let (mut products, mut with) = (Matrix3::zeros(), Vector3::zeros());
    for (&i, answer) in of.iter().zip(answers) {
        let sample = &samples[i];
        let row = Vector3::new(1.0, angle(sample.ray?), f64::from(sample.head_deg[axis]));
        products += row * row.transpose();
        with += row * angle(*answer);
    }
    let inverse = products.try_inverse()?;
    // 1 ÷ diagonal: what is left of the squares when the others explain what they can.
    let own = |k: usize| (1.0 / inverse[(k, k)] / of.len() as f64).sqrt();
    if !(own(1) > LEAST_DEG && own(2) > LEAST_DEG) {
        return None;
    }
    let found = inverse * with;
    Some([found[1], found[2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ray(yaw: f64, pitch: f64) -> [f32; 3] {
        let ((sy, cy), (sp, cp)) = (yaw.to_radians().sin_cos(), pitch.to_radians().sin_cos());
        [cp * sy, -sp, -cp * cy].map(|v| v as f32)
    }

    /// 49 looks whose head goes `tied` degrees with each degree of gaze, and 5° on its own.
    fn looks(tied: f64) -> Vec<Sample> {
        (0..49)
            .map(|i| {
                let [a, b] = [f64::from(i % 7) - 3.0, f64::from(i / 7) - 3.0];
                let own = if tied == 0.0 { 5.0 * b } else { 0.0 };
                Sample {
                    ray: Some(ray(4.0 * a, 2.0 * a)),
                    head_deg: [4.0 * tied * a + own, 2.0 * tied * a - own, 0.0].map(|v| v as f32),
                    ..Sample::default()
                }
            })
            .collect()
    }

    #[test]
    fn what_moves_an_answer_is_found_and_what_cannot_be_told_is_not_said() {
        let samples = looks(0.0);
        let of: Vec<usize> = (0..49).collect();
        let answers: Vec<[f32; 3]> = (samples.iter())
            .map(|s| {
                let a = f64::from(s.ray.unwrap()[0]).atan2(-f64::from(s.ray.unwrap()[2]));
                let yaw = 0.9 * a.to_degrees() - 0.2 * f64::from(s.head_deg[0]);
                ray(yaw, 0.3 * f64::from(s.head_deg[1]))
            })
            .collect();
        let pupils = Pupils::of(&samples, &of, &answers).unwrap();
        for (is, wants) in [
            (pupils.gaze[0], 0.9),
            (pupils.head[0], -0.2),
            (pupils.gaze[1], 0.0),
            (pupils.head[1], 0.3),
        ] {
            assert!((is - wants).abs() < 1e-3, "{pupils:?}");
        }
        assert_eq!(pupils.verdict(), "it follows the face, not the pupils");
        for (gaze, head, says) in [
            (
                [0.99, 0.81],
                [-0.03, 0.11],
                "it follows the pupils, not the face",
            ),
            (
                [0.99, 0.81],
                [-0.03, -0.13],
                "it follows the pupils, and the face too",
            ),
            (
                [0.08, 0.10],
                [-0.03, -0.05],
                "it follows the pupils little yet",
            ),
            (
                [0.05, 0.60],
                [0.70, 0.01],
                "it follows the face, not the pupils",
            ),
        ] {
            assert_eq!(Pupils { gaze, head }.verdict(), says);
        }
        // A head that goes where the eyes go, or stays: nobody can tell.
        for tied in [0.7, f64::MIN_POSITIVE] {
            assert_eq!(Pupils::of(&looks(tied), &of, &answers), None);
        }
        assert_eq!(Pupils::of(&samples, &of[..29], &answers[..29]), None);
    }
}
