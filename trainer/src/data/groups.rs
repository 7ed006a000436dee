//! Who, in which sitting, at which place: what folds must not tear apart.

/// A longer pause begins another sitting, milliseconds.
pub const PAUSE_MS: u64 = 60_000;
/// Targets this near each other are one, in parts of the screen's diagonal.
pub const NEAR: f64 = 0.02;

/// Sittings: who and when in, number of the sitting out (in the order of persons and times).
/// What has no time (0) is one sitting of its own for each person.
pub fn sessions(looks: &[(u16, u64)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..looks.len()).collect();
    order.sort_by_key(|i| looks[*i]);
    let mut numbers = vec![0; looks.len()];
    let (mut number, mut last) = (0, None);
    for i in order {
        let (person, time) = looks[i];
        let goes_on = last.is_some_and(|(p, t): (u16, u64)| {
            p == person && (t == 0) == (time == 0) && time - t <= PAUSE_MS
        });
        if last.is_some() && !goes_on {
            number += 1;
        }
        last = Some((person, time));
        numbers[i] = number;
    }
    numbers
}

/// Places: normalised targets and their screen's width ÷ height in; number of the place of
/// each, and every place's middle, out. The first of a place in the order of x and y leads:
/// the others are within [`NEAR`] of it, and one belongs to the nearest leader.
pub fn places(targets: &[([f32; 2], f64)]) -> (Vec<usize>, Vec<[f32; 2]>) {
    let key = |i: &usize| targets[*i].0;
    let mut order: Vec<usize> = (0..targets.len()).collect();
    order.sort_by(|a, b| {
        let ([ax, ay], [bx, by]) = (key(a), key(b));
        ax.total_cmp(&bx).then(ay.total_cmp(&by))
    });
    let apart = |a: [f32; 2], b: [f32; 2], aspect: f64| {
        let [x, y] = [0, 1].map(|k| f64::from(a[k]) - f64::from(b[k]));
        (x * aspect).hypot(y) / aspect.hypot(1.0)
    };
    // Leaders are found in the order of x, so those too far to the left are done with.
    let mut leaders: Vec<[f32; 2]> = Vec::new();
    let mut first = 0;
    let reach = |aspect: f64| NEAR * aspect.hypot(1.0) / aspect;
    let widest = targets.iter().map(|(_, a)| reach(*a)).fold(0.0, f64::max);
    for i in &order {
        let (at, aspect) = targets[*i];
        while first < leaders.len() && f64::from(at[0] - leaders[first][0]) > widest + 1e-6 {
            first += 1;
        }
        if !leaders[first..]
            .iter()
            .any(|l| apart(at, *l, aspect) <= NEAR)
        {
            leaders.push(at);
        }
    }
    let mut sums = vec![([0.0f64; 2], 0u32); leaders.len()];
    let numbers: Vec<usize> = (targets.iter())
        .map(|(at, aspect)| {
            let from = leaders.partition_point(|l| f64::from(at[0] - l[0]) > widest + 1e-6);
            let near = (leaders.iter().enumerate().skip(from))
                .take_while(|(_, l)| f64::from(l[0] - at[0]) <= widest + 1e-6)
                .min_by(|a, b| apart(*at, *a.1, *aspect).total_cmp(&apart(*at, *b.1, *aspect)))
                .map_or(0, |(n, _)| n);
            let (sum, count) = &mut sums[near];
            *sum = [0, 1].map(|k| sum[k] + f64::from(at[k]));
            *count += 1;
            near
        })
        .collect();
    let middles = (sums.iter().zip(&leaders))
        .map(|((sum, n), leader)| match n {
            0 => *leader,
            n => sum.map(|v| (v / f64::from(*n)) as f32),
        })
        .collect();
    (numbers, middles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sitting_has_no_long_pause_and_one_person(
            looks in prop::collection::vec((0..3u16, prop_oneof![Just(0u64), 1..2_000_000u64]), 1..60),
            turn in 0..60usize,
        ) {
            let numbers = sessions(&looks);
            for (i, (who, when)) in looks.iter().enumerate() {
                for (j, (other, then)) in looks.iter().enumerate() {
                    let gap = (looks.iter())
                        .filter(|(p, t)| p == who && t > when && t < then)
                        .count();
                    // Neighbours in time are together exactly if the pause is short.
                    if i != j && who == other && gap == 0 && when <= then {
                        let near = (*when == 0) == (*then == 0) && then - when <= PAUSE_MS;
                        prop_assert_eq!(numbers[i] == numbers[j], near, "{:?} {:?}", looks[i], looks[j]);
                    }
                    if who != other {
                        prop_assert_ne!(numbers[i], numbers[j]);
                    }
                }
            }
            // Numbers are the same in whatever order the pictures come.
            let mut turned = looks.clone();
            turned.rotate_left(turn % looks.len());
            let mut again = sessions(&turned);
            again.rotate_right(turn % looks.len());
            prop_assert_eq!(again, numbers);
        }

        #[test]
        fn what_is_near_is_one_place(
            targets in prop::collection::vec((prop::array::uniform2(-0.2..1.2f32), prop::sample::select(vec![1.0, 16.0 / 9.0])), 1..80),
            turn in 0..80usize,
        ) {
            let (numbers, middles) = places(&targets);
            for (i, (at, aspect)) in targets.iter().enumerate() {
                let middle = middles[numbers[i]];
                let d = [0, 1].map(|k| f64::from(at[k] - middle[k]));
                let apart = (d[0] * aspect).hypot(d[1]) / aspect.hypot(1.0);
                prop_assert!(apart <= 2.0 * NEAR * 1.2, "{} from its middle", apart);
                for (j, (other, _)) in targets.iter().enumerate() {
                    if at == other && *aspect == targets[j].1 {
                        prop_assert_eq!(numbers[i], numbers[j]);
                    }
                }
            }
            let mut turned = targets.clone();
            turned.rotate_left(turn % targets.len());
            let (mut again, _) = places(&turned);
            again.rotate_right(turn % targets.len());
            prop_assert_eq!(again, numbers);
        }

        #[test]
        fn a_grid_with_a_little_noise_is_its_places(noise in prop::collection::vec(prop::array::uniform2(-0.004..0.004f32), 48)) {
            let at = |k: usize| [0.1 + 0.25 * (k % 4) as f32, 0.1 + 0.3 * (k / 4 % 3) as f32];
            let shown: Vec<_> = (0..48)
                .map(|k| ([0, 1].map(|axis| at(k)[axis] + noise[k][axis]), 16.0 / 9.0))
                .collect();
            let (numbers, middles) = places(&shown);
            prop_assert_eq!(middles.len(), 12);
            for k in 0..48 {
                prop_assert_eq!(numbers[k], numbers[k % 12]);
            }
        }
    }
}
