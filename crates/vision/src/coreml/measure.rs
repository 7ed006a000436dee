//! How far CoreML's answers are from the processor's, in the unit that each of them has.

use crate::bound::Compute;
use crate::models::ModelError;
use crate::session::BoundSession;

/// What an output's numbers are, and so how far CoreML's may be from the processor's. Limits are
/// some times what half precision does (emulated, on the numbers of [`largest_difference`]), and
/// far below what a broken conversion does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// Directions of three numbers: the angle between them. 0.2°; half precision does 0.02°.
    Rays,
    /// Angles, so many degrees a unit: 0.2°.
    Angles(f32),
    /// Logits of so many classes, each so many degrees wide; their mean is the angle: 0.2°.
    Bins(usize, f32),
    /// Points on a screen, whose width is 1: 0.002.
    Points,
    /// Pixels of the network's input, which may be off by this much.
    Pixels(f32),
    /// Logits of probabilities: 0.01 of probability; half precision does 0.0005. On noise most of
    /// them are far below 0, where probability moves no more: so 30 % of a logit at most, too.
    Chances,
    /// Any others: a hundredth of the largest, or of 1 if that is more.
    Numbers,
}

impl Measure {
    /// What the outputs of our own networks are. On noise, where no face holds them, half
    /// precision moves landmarks by 0.9 pixels of 256 and boxes by 0.12 of 128.
    pub fn of(kind: &str, output: &str) -> Measure {
        match (kind, output) {
            ("face-detector", "boxes") => Measure::Pixels(0.5),
            ("face-landmarks", "landmarks") => Measure::Pixels(2.5),
            ("face-detector", "scores") | ("face-landmarks", "presence") => Measure::Chances,
            (kind, "gaze") if kind.starts_with("gaze") => Measure::Rays,
            _ => Measure::Numbers,
        }
    }

    /// How far apart two answers are, at most how far they may be, and in which unit.
    fn compare(self, a: &[f32], b: &[f32]) -> (f32, f32, &'static str) {
        let each = |far: &dyn Fn(f32, f32) -> f32| {
            let pairs = a.iter().zip(b);
            pairs.fold(0.0, |most, (a, b)| worse(most, far(*a, *b).abs()))
        };
        match self {
            Measure::Rays => {
                let pairs = a.as_chunks::<3>().0.iter().zip(b.as_chunks::<3>().0);
                let most = pairs.fold(0.0, |most, (a, b)| worse(most, angle_deg(*a, *b)));
                (most, 0.2, "°")
            }
            Measure::Angles(unit_deg) => (each(&|a, b| (a - b) * unit_deg), 0.2, "°"),
            Measure::Bins(classes, width_deg) => {
                let pairs = a.chunks(classes.max(1)).zip(b.chunks(classes.max(1)));
                let far = pairs.map(|(a, b)| ((mean_class(a) - mean_class(b)) * width_deg).abs());
                (far.fold(0.0, worse), 0.2, "°")
            }
            Measure::Points => (each(&|a, b| a - b), 0.002, " of the screen"),
            Measure::Pixels(most) => (each(&|a, b| a - b), most, " pixels"),
            Measure::Chances => (each(&less_likely), 0.01, " of probability"),
            Measure::Numbers => {
                let largest = a.iter().fold(1.0_f32, |m, v| m.max(v.abs()));
                (each(&|a, b| (a - b) / largest), 0.01, " of the largest")
            }
        }
    }
}

/// Between two directions of any length.
fn angle_deg(a: [f32; 3], b: [f32; 3]) -> f32 {
    let [a, b] = [a, b].map(|v| nalgebra::Vector3::from(v.map(f64::from)));
    // Good for small angles, as an arc cosine is not; NaN where one is no direction.
    let degrees = a.cross(&b).norm().atan2(a.dot(&b)).to_degrees();
    if a.norm() > 0.0 && b.norm() > 0.0 {
        degrees as f32
    } else {
        f32::NAN
    }
}

/// The expected class of a softmax.
fn mean_class(logits: &[f32]) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights = logits.iter().map(|l| (l - most).exp());
    let sum: f32 = weights.clone().sum();
    let weighted: f32 = weights
        .zip(0u16..)
        .map(|(w, class)| w * f32::from(class))
        .sum();
    weighted / sum
}

fn chance(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// How far two logits' probabilities are apart; logits of one probability by how far they are
/// apart themselves, of which 30 % (of 10 at least) are 0.01.
fn less_likely(a: f32, b: f32) -> f32 {
    let logits = 0.01 * (a - b).abs() / (0.3 * a.abs().max(10.0));
    worse((chance(a) - chance(b)).abs(), logits)
}

/// Runs both on the same numbers; an error where an answer of theirs is too far apart.
pub(super) fn same_answers(
    one: &mut dyn Compute,
    other: &mut dyn Compute,
    measures: &[Measure],
) -> Result<(), String> {
    run_both(one, other).map_err(|e| e.to_string())?;
    for (index, measure) in measures.iter().enumerate() {
        let (apart, most, unit) = measure.compare(one.output(index), other.output(index));
        // A NaN is no answer, and not within anything.
        if apart.is_nan() || apart > most {
            return Err(format!(
                "its answers differ from the processor's by {apart:.3}{unit}, {most}{unit} is allowed"
            ));
        }
    }
    Ok(())
}

/// How far the answers of two sessions of one network are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apart {
    /// Largest difference of two numbers; NaN where one of them is.
    pub absolute: f32,
    /// Largest difference as a part of the largest number of its output, or of 1.
    pub relative: f32,
}

/// Runs both on numbers between 0 and 1 that look random and are always the same.
///
/// # Errors
/// When one of them does not run.
pub fn largest_difference(
    one: &mut BoundSession,
    other: &mut BoundSession,
) -> Result<Apart, ModelError> {
    run_both(one.computing(), other.computing())?;
    let mut apart = Apart {
        absolute: 0.0,
        relative: 0.0,
    };
    for index in 0..one.outputs() {
        let (a, b) = (one.output(index), other.output(index));
        let largest = a.iter().fold(1.0_f32, |m, v| m.max(v.abs()));
        for (a, b) in a.iter().zip(b) {
            let d = (a - b).abs();
            apart.absolute = worse(apart.absolute, d);
            apart.relative = worse(apart.relative, d / largest);
        }
    }
    Ok(apart)
}

fn run_both<'a>(one: &'a mut dyn Compute, other: &'a mut dyn Compute) -> Result<(), ModelError> {
    for session in [one, other] {
        let mut state = 1_u32;
        for index in 0..session.inputs() {
            session.input(index).fill_with(|| {
                // Numerical Recipes' linear congruential generator.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32
            });
        }
        session.run()?;
    }
    Ok(())
}

/// The larger one, a NaN above all.
fn worse(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        f32::NAN
    } else {
        a.max(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_answer_is_judged_in_its_own_unit() {
        let turned = |deg: f32| [deg.to_radians().sin(), 0.0, -deg.to_radians().cos()];
        let ahead = turned(0.0);
        let long = turned(0.1).map(|v| 5.0 * v);
        let bins = |class: usize| -> Vec<f32> {
            (0..90)
                .map(|i| if i == class { 20.0 } else { 0.0 })
                .collect()
        };
        // Within the limit, and beyond it.
        type Case<'a> = (Measure, &'a [f32], &'a [f32], &'a [f32]);
        let cases: [Case; 8] = [
            // Length is nothing, half a degree is much; and it is the worst pair that counts.
            (Measure::Rays, &ahead, &long, &turned(0.3)),
            (Measure::Angles(57.3), &[0.5], &[0.502], &[0.51]),
            (Measure::Bins(90, 4.0), &bins(40), &bins(40), &bins(41)),
            (Measure::Points, &[0.5, 0.5], &[0.501, 0.5], &[0.5, 0.51]),
            (
                Measure::Pixels(0.5),
                &[200.0, 1.0],
                &[200.4, 1.0],
                &[200.0, 2.0],
            ),
            // A logit far out moves freely, one in the middle does not.
            (Measure::Chances, &[15.0, 0.0], &[12.0, 0.01], &[15.0, 0.1]),
            // One that answers the same to everything is broken, if nothing is likely either way.
            (Measure::Chances, &[-10.0], &[-11.0], &[-100.0]),
            (Measure::Numbers, &[50.0, 0.1], &[50.3, 0.2], &[50.0, 1.0]),
        ];
        for (measure, one, near, far) in cases {
            let fits = |other: &[f32]| {
                let (apart, most, _) = measure.compare(one, other);
                apart <= most
            };
            assert!(fits(one) && fits(near) && !fits(far), "{measure:?}");
            let nothing = vec![f32::NAN; one.len()];
            assert!(!fits(&nothing), "{measure:?}");
        }
        assert!(Measure::Rays.compare(&ahead, &[0.0; 3]).0.is_nan());
    }
}
