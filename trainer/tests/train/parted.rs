//! Folds.

use gaze_trainer::data::sample::Sample;
use gaze_trainer::train::folds::{By, FoldError, folds};
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_fold_has_a_person_a_target_or_a_sitting_on_both_sides(
        looks in prop::collection::vec((0..5u16, 0..3u16, 0..7u16), 1..120), k in 2..6usize, seed in 0..9u64,
    ) {
        let samples: Vec<Sample> = (looks.iter())
            .map(|(person, sitting, target)| Sample { person: *person, session: person * 3 + sitting, target: *target, ..Sample::default() })
            .collect();
        let all: Vec<usize> = (0..samples.len()).step_by(1 + seed as usize % 2).collect();
        for by in [By::Person, By::Target, By::TargetSameSitting] {
            let dealt = match folds(&samples, &all, by, k, seed) {
                Ok(dealt) => dealt,
                Err(e) => {
                    let one = |of: fn(&Sample) -> u16| all.windows(2).all(|w| of(&samples[w[0]]) == of(&samples[w[1]]));
                    let right = match e {
                        FoldError::OnePerson => one(|s| s.person),
                        FoldError::OneTarget => one(|s| s.target),
                        FoldError::OneSitting => one(|s| s.session),
                        FoldError::Entangled(_) => by == By::Target,
                        _ => false,
                    };
                    prop_assert!(right, "{e:?}");
                    continue;
                }
            };
            let mut tested: Vec<usize> = dealt.iter().flat_map(|f| f.test.clone()).collect();
            tested.sort_unstable();
            prop_assert_eq!(&tested, &all);
            for fold in &dealt {
                prop_assert!(!fold.train.is_empty());
                for (a, b) in fold.train.iter().flat_map(|a| fold.test.iter().map(move |b| (a, b))) {
                    let (a, b) = (&samples[*a], &samples[*b]);
                    prop_assert!(by == By::TargetSameSitting || a.session != b.session);
                    match by {
                        By::Person => prop_assert_ne!(a.person, b.person),
                        _ => prop_assert_ne!(a.target, b.target),
                    }
                }
            }
        }
    }
}
