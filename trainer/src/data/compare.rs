//! What was recorded beside the pictures against what we measure in them.

use serde::Serialize;

use super::sample::Sample;

/// Angles nearer 0 than this have no sign worth the name, degrees.
const SIGNED_DEG: f32 = 2.0;

/// Recorded against measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// Of the head.
    pub yaw: Option<Angle>,
    /// Of the head.
    pub pitch: Option<Angle>,
    /// Of the head.
    pub roll: Option<Angle>,
    /// Places of the eyes.
    pub eyes: Option<Eyes>,
}

/// One angle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Angle {
    /// Pictures that have both.
    pub pictures: usize,
    /// Median of recorded − measured, degrees.
    pub median_deg: f32,
    /// Median of its absolute value, degrees.
    pub median_abs_deg: f32,
    /// Pictures in which both are 2° or more from 0 …
    pub signed: usize,
    /// … and those of them in which one looks the other way.
    pub opposite: usize,
}

/// The eyes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Eyes {
    /// Pictures that have both.
    pub pictures: usize,
    /// Median distance of an eye's recorded place from the measured one, in parts of the
    /// distance between the eyes.
    pub median: f32,
    /// Pictures in which it is more than a half.
    pub far: usize,
}

/// Compares what there is.
pub fn compare(samples: &[Sample]) -> Compared {
    let [yaw, pitch, roll] = [0, 1, 2].map(|k| {
        let pairs: Vec<[f32; 2]> = (samples.iter())
            .filter_map(|s| Some([s.json_head_deg?[k], s.head_deg[k]]))
            .collect();
        let differences = || pairs.iter().map(|[a, b]| a - b);
        let signed = || {
            pairs
                .iter()
                .filter(|p| p.iter().all(|v| v.abs() >= SIGNED_DEG))
        };
        Some(Angle {
            pictures: pairs.len(),
            median_deg: median(differences())?,
            median_abs_deg: median(differences().map(f32::abs))?,
            signed: signed().count(),
            opposite: signed().filter(|[a, b]| a * b < 0.0).count(),
        })
    });
    let distances: Vec<f32> = samples.iter().filter_map(eyes_apart).collect();
    Compared {
        yaw,
        pitch,
        roll,
        eyes: median(distances.iter().copied()).map(|median| Eyes {
            pictures: distances.len(),
            median,
            far: distances.iter().filter(|d| **d > 0.5).count(),
        }),
    }
}

/// The further eye's distance, in parts of the distance between the eyes.
fn eyes_apart(s: &Sample) -> Option<f32> {
    let recorded = s.json_eyes?;
    let [w, h] = s.image_px.map(f32::from);
    let far = |eye: usize| {
        let [x, y] = [0, 1].map(|k| recorded[2 * eye + k] - s.eye_position[2 * eye + k]);
        (x * w).hypot(y * h)
    };
    Some(far(0).max(far(1)) / (s.eye_position[4] * w))
}

/// The middle value; of none, nothing.
fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut all: Vec<f32> = values.collect();
    all.sort_by(f32::total_cmp);
    let n = all.len();
    match n {
        0 => None,
        n if n % 2 == 1 => Some(all[n / 2]),
        _ => Some((all[n / 2 - 1] + all[n / 2]) / 2.0),
    }
}

impl Angle {
    /// Whether the recorder's sign is the other one.
    pub fn is_mirrored(&self) -> bool {
        self.signed >= 8 && 2 * self.opposite > self.signed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_signs_are_counted() {
        let sample = |yaw: f32, ours: f32| Sample {
            json_head_deg: Some([yaw, 1.0, 0.0]),
            head_deg: [ours, 3.0, 0.5],
            json_eyes: Some([0.4, 0.5, 0.6, 0.5]),
            eye_position: [0.4, 0.5, 0.6, 0.55, 0.2],
            image_px: [1000, 400],
            ..Sample::default()
        };
        let mut all: Vec<Sample> = (1..=10).map(|k| sample(-10.0 - k as f32, 10.0)).collect();
        all.push(sample(50.0, 10.0));
        all.push(sample(1.0, -30.0));
        let c = compare(&all);
        let yaw = c.yaw.unwrap();
        assert_eq!((yaw.pictures, yaw.signed, yaw.opposite), (12, 11, 10));
        assert_eq!((yaw.median_deg, yaw.median_abs_deg), (-24.5, 26.5));
        assert!(yaw.is_mirrored());
        let pitch = c.pitch.unwrap();
        assert_eq!((pitch.median_deg, pitch.signed), (-2.0, 0));
        let eyes = c.eyes.unwrap();
        // 20 pixels of 200.
        assert!((eyes.median - 0.1).abs() < 1e-6 && eyes.far == 0);
        assert_eq!(compare(&[Sample::default()]).yaw, None);
    }
}
