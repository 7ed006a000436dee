//! Where the dot goes and what the person is asked to do there.

use gaze::dataset::Prompt;

use crate::session::layout::Random;
use crate::window::area::EDGE;

const MS: u64 = 1_000_000;

/// How far from the edge places are, as a share of the side.
const MARGIN: f64 = EDGE;
/// Every so many places the head is to be moved.
const HEAD_EVERY: usize = 5;
/// In this order.
const HEAD: [Prompt; 6] = [
    Prompt::Left,
    Prompt::Right,
    Prompt::Nearer,
    Prompt::Up,
    Prompt::Down,
    Prompt::Further,
];

/// A place, and what is to be done there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Where, normalised to the display.
    pub at: [f64; 2],
    /// What the person does.
    pub prompt: Prompt,
    /// Pictures to store.
    pub frames: u32,
    /// How far apart.
    pub every_ms: u32,
    /// From the dot's arrival until pictures count: the eyes follow, words are read.
    pub settle_ns: u64,
    /// Time for the pictures.
    pub collect_ns: u64,
}

/// So many places over the display, evenly however early it ends: the R2 sequence (Roberts
/// 2018, "The Unreasonable Effectiveness of Quasirandom Sequences") from a random beginning.
pub fn steps(places: usize, seed: u64) -> Vec<Step> {
    // 1/g and 1/g² of g³ = g + 1.
    const STEP: [f64; 2] = [0.754_877_666_246_692_7, 0.569_840_290_998_053_2];
    let mut random = Random::new(seed);
    let begin = [random.unit(), random.unit()];
    let at = |k: usize| {
        [0, 1].map(|i| {
            let free = (begin[i] + k as f64 * STEP[i]).fract();
            MARGIN + (1.0 - 2.0 * MARGIN) * free
        })
    };
    let step = |k: usize| match (k + 1) % HEAD_EVERY {
        0 => Step {
            at: at(k),
            prompt: HEAD[k / HEAD_EVERY % HEAD.len()],
            frames: 10,
            every_ms: 300,
            settle_ns: 1500 * MS,
            collect_ns: 4500 * MS,
        },
        _ => Step {
            at: at(k),
            prompt: Prompt::Still,
            frames: 3,
            every_ms: 150,
            settle_ns: 600 * MS,
            collect_ns: 2000 * MS,
        },
    };
    (0..places).map(step).collect()
}

/// How many pictures these are, if all come.
pub fn pictures(steps: &[Step]) -> u32 {
    steps.iter().map(|s| s.frames).sum()
}

/// What the person reads at the dot; nothing where the head may be as it likes.
pub fn words(prompt: Prompt) -> Option<&'static str> {
    Some(match prompt {
        Prompt::Still => return None,
        Prompt::Left => "eyes on the dot, turn your head slowly to the left",
        Prompt::Right => "eyes on the dot, turn your head slowly to the right",
        Prompt::Up => "eyes on the dot, tilt your head slowly up",
        Prompt::Down => "eyes on the dot, tilt your head slowly down",
        Prompt::Nearer => "eyes on the dot, come slowly nearer",
        Prompt::Further => "eyes on the dot, lean slowly back",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_cover_the_screen_and_every_head_movement_is_asked_for() {
        for seed in 0..20 {
            let all = steps(40, seed);
            assert_eq!(all, steps(40, seed), "the same seed, the same places");
            assert!(
                all.iter()
                    .flat_map(|s| s.at)
                    .all(|v| (EDGE..=1.0 - EDGE).contains(&v))
            );
            // However early it ends: of a grid of 3 × 3 no cell stays empty for long.
            let cell = |s: &Step| s.at.map(|v| (v * 3.0) as usize);
            let mut seen: Vec<_> = all[..20].iter().map(cell).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 9, "seed {seed}");
            for prompt in HEAD {
                assert!(all.iter().any(|s| s.prompt == prompt), "{prompt:?}");
            }
            // All pictures fit into their time.
            for s in &all {
                assert!(u64::from(s.frames * s.every_ms) * MS < s.collect_ns);
            }
        }
        assert_ne!(steps(3, 1), steps(3, 2));
        assert_eq!(pictures(&steps(40, 1)), 32 * 3 + 8 * 10);
    }
}
