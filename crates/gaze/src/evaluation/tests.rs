use super::*;
use crate::affine::Affine;

const ASPECT: f64 = 1.6;

/// Nine targets seen through the map and shifted, with a little noise of that seed.
fn sitting(map: &Affine, shift: [f64; 2], seed: u64) -> Vec<Look> {
    let back = map.inverse().unwrap();
    let mut state = seed;
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 0.04
    };
    (0..9)
        .map(|i| {
            let t = [0.1 + 0.4 * f64::from(i % 3), 0.1 + 0.4 * f64::from(i / 3)];
            let [x, y] = back.apply([t[0] - shift[0], t[1] - shift[1]]);
            Look::new([x + noise(), y + noise()], t, ASPECT)
        })
        .collect()
}

const PERSON: Affine = Affine {
    a: 1.1,
    b: 0.05,
    c: -0.1,
    d: -0.02,
    e: 0.8,
    f: 0.1,
};

#[test]
fn same_and_next_are_what_they_say() {
    // The second sitting lies 0.1 of the width to the right and 0.16 of the height (a tenth
    // of the width) lower: next errs by that, same by the noise alone.
    let sittings = [
        sitting(&PERSON, [0.0; 2], 1),
        sitting(&PERSON, [0.1, 0.16], 2),
    ];
    for fitting in [Fitting::Affine, Fitting::Product] {
        let found = errors(&sittings, fitting);
        assert_eq!(
            (found.same.len(), found.next.len(), found.refused),
            (18, 9, 0)
        );
        let (same, next) = (median(&found.same).unwrap(), median(&found.next).unwrap());
        assert!(same < 40.0, "{same}");
        let shift = 0.1 * WIDTH_PX * 2f64.sqrt();
        assert!((next - shift).abs() < 30.0, "{next}");
    }
    // Without looks at all there are no errors, not zero ones.
    let none = errors(&[Vec::new(), Vec::new()], Fitting::Product);
    assert_eq!((median(&none.same), none.refused), (None, 2));
}

#[test]
fn only_earlier_sittings_are_history() {
    let [a, b, c] = [1, 2, 3].map(|seed| sitting(&PERSON, [0.02 * seed as f64, 0.0], seed));
    let first = errors(&[a.clone(), b.clone()], Fitting::ProductWithHistory);
    // What comes later changes nothing of what was said of the first two.
    let more = errors(&[a.clone(), b.clone(), c], Fitting::ProductWithHistory);
    assert_eq!(more.same[..18], first.same);
    assert_eq!(more.next[..9], first.next);
    // A first sitting has none: it is fitted as without; the second is not.
    let without = errors(&[a, b], Fitting::Product);
    assert_eq!(without.same[..9], first.same[..9]);
    assert_eq!(without.next, first.next);
    assert_ne!(without.same[9..], first.same[9..]);
}

#[test]
fn a_whole_target_is_left_out_however_often_it_was_looked_at() {
    let mut looks = sitting(&PERSON, [0.0; 2], 5);
    // The same places again, written a hair's breadth beside.
    let again: Vec<Look> = sitting(&PERSON, [0.0; 2], 6)
        .into_iter()
        .map(|l| Look {
            target: [l.target[0] + 0.01, l.target[1]],
            ..l
        })
        .collect();
    looks.extend(again);
    let looks = fitting::snapped(looks);
    let mut splits = 0;
    for (others, tested) in fitting::left_out(&looks) {
        assert_eq!((others.len(), tested.len()), (16, 2));
        assert!(others.iter().all(|l| l.target != tested[0].target));
        splits += 1;
    }
    assert_eq!(splits, 9);
}

#[test]
fn the_radius_holds_what_it_should_of_noise_alone() {
    // Sixty sittings of one person that differ in nothing but noise: two of three looks of
    // the same sitting; of the next one more, as the radius expects more of a sitting.
    let people: Vec<Vec<Vec<Look>>> = (0..20)
        .map(|p| {
            (0..3)
                .map(|s| sitting(&PERSON, [0.0; 2], 100 + 3 * p + s))
                .collect()
        })
        .collect();
    for fitting in [Fitting::Product, Fitting::ProductWithHistory] {
        let found = row(String::new(), fitting, &people, 0);
        let [same, next] = found.within.unwrap().map(Option::unwrap);
        assert!((0.5..0.8).contains(&same) && next > same, "{same} {next}");
        let had = if fitting == Fitting::Product { 0 } else { 40 };
        assert!(found.history_used >= had * 9 / 10 && found.history_used <= had);
    }
    assert_eq!(row(String::new(), Fitting::Affine, &people, 0).within, None);
}
