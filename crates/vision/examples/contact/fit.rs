//! The constants under which labels are likeliest.

use gaze::contact::{ContactLook, Derived};

type Point = [f64; Derived::CONSTANTS];

/// Mean of −log of the probability that the model gives to what is true.
fn loss(point: &Point, looks: &[(ContactLook, bool)]) -> f64 {
    let model = Derived::from_constants(point);
    let of = |(look, contact): &(ContactLook, bool)| {
        let odds = model.log_odds(look);
        let towards = if *contact { -odds } else { odds };
        // log(1 + e^towards), which does not overflow.
        towards.max(0.0) + (-towards.abs()).exp().ln_1p()
    };
    looks.iter().map(of).sum::<f64>() / looks.len() as f64
}

/// Fits by the downhill simplex (Nelder and Mead 1965, with the steps of Gao and Han 2012 for
/// many dimensions), three times from where it ended.
pub fn fit(looks: &[(ContactLook, bool)]) -> (Derived, f64) {
    let mut best = [0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 2.0, 2.0, 1.0, 14.0, -0.4, 0.5];
    for _ in 0..3 {
        best = simplex(best, |p| loss(p, looks));
    }
    // Where no network told anything, it says nothing of such a network.
    if looks.iter().all(|(look, _)| look.told_deg.is_none()) {
        best[Derived::CONSTANTS - 1] = 0.0;
    }
    (Derived::from_constants(&best), loss(&best, looks))
}

fn simplex(start: Point, value: impl Fn(&Point) -> f64) -> Point {
    const N: usize = Derived::CONSTANTS;
    let n = N as f64;
    let (expand, contract, shrink) = (1.0 + 2.0 / n, 0.75 - 0.5 / n, 1.0 - 1.0 / n);
    let mut corners: Vec<(f64, Point)> = (0..=N)
        .map(|i| {
            let mut p = start;
            if i > 0 {
                p[i - 1] += (0.2 * p[i - 1].abs()).max(0.2);
            }
            (value(&p), p)
        })
        .collect();
    for _ in 0..6000 {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        if corners[N].0 - corners[0].0 < 1e-10 {
            break;
        }
        let middle: Point =
            std::array::from_fn(|k| corners[..N].iter().map(|(_, p)| p[k]).sum::<f64>() / n);
        let worst = corners[N];
        let towards = |t: f64| -> (f64, Point) {
            let p = std::array::from_fn(|k| middle[k] + t * (middle[k] - worst.1[k]));
            (value(&p), p)
        };
        let reflected = towards(1.0);
        corners[N] = if reflected.0 < corners[0].0 {
            let further = towards(expand);
            if further.0 < reflected.0 {
                further
            } else {
                reflected
            }
        } else if reflected.0 < corners[N - 1].0 {
            reflected
        } else {
            let outside = reflected.0 < worst.0;
            let nearer = towards(if outside { contract } else { -contract });
            if nearer.0 < worst.0.min(reflected.0) {
                nearer
            } else {
                let first = corners[0].1;
                for (v, p) in &mut corners[1..] {
                    *p = std::array::from_fn(|k| first[k] + shrink * (p[k] - first[k]));
                    *v = value(p);
                }
                continue;
            }
        };
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    corners[0].1
}
