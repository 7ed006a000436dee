//! Where the targets are and in which order they are shown.

/// Numbers of targets that there is a layout of.
pub const COUNTS: [usize; 5] = [5, 9, 13, 16, 20];
/// How far from the edge the outermost targets are, as a share of the side. Further
/// out the window's edge and the lids interfere, further in the map is guessed at the rim.
pub const MARGIN: f64 = 0.08;
/// A held-out target is at least this far (share of the side, on the larger axis) from
/// every target of the fit and from other held-out ones.
const APART: f64 = 0.1;
/// Orders and places that are tried; the best is taken.
const TRIES: usize = 200;

/// SplitMix64 (Steele, Lea & Flood 2014): the same numbers on every machine.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 up to `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// The targets of a fit in reading order; empty where there is no such layout.
pub fn grid(count: usize) -> Vec<[f64; 2]> {
    let cells = |columns: usize, rows: usize, margin: f64| {
        let at =
            move |i: usize, n: usize| margin + (1.0 - 2.0 * margin) * i as f64 / (n - 1) as f64;
        (0..columns * rows).map(move |i| [at(i % columns, columns), at(i / columns, rows)])
    };
    match count {
        5 => cells(2, 2, MARGIN).chain([[0.5, 0.5]]).collect(),
        9 => cells(3, 3, MARGIN).collect(),
        // Between the nine, halfway to the middle.
        13 => cells(3, 3, MARGIN)
            .chain(cells(2, 2, MARGIN + (0.5 - MARGIN) / 2.0))
            .collect(),
        16 => cells(4, 4, MARGIN).collect(),
        20 => cells(5, 4, MARGIN).collect(),
        _ => Vec::new(),
    }
}

/// The same targets in an order in which neighbours in time are far apart: each the next
/// one is among the farther half of those left, and of many such orders the one with the
/// longest shortest step is taken.
pub fn shuffled(targets: &[[f64; 2]], random: &mut Random) -> Vec<[f64; 2]> {
    let apart = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let mut best = (targets.to_vec(), -1.0);
    for _ in 0..TRIES {
        let mut left = targets.to_vec();
        random.shuffle(&mut left);
        let mut order: Vec<[f64; 2]> = left.pop().into_iter().collect();
        let mut shortest = f64::INFINITY;
        while let Some(&last) = order.last().filter(|_| !left.is_empty()) {
            left.sort_by(|a, b| apart(*b, last).total_cmp(&apart(*a, last)));
            let next = left.remove(random.below(left.len().div_ceil(2)));
            shortest = shortest.min(apart(last, next));
            order.push(next);
        }
        if shortest > best.1 {
            best = (order, shortest);
        }
    }
    best.0
}

/// `count` held-out targets inside the hull of the fit's, spread over it (one for each
/// quarter of the screen first), none near a target of the fit.
pub fn held_out(count: usize, fitted: &[[f64; 2]], random: &mut Random) -> Vec<[f64; 2]> {
    let mut found: Vec<[f64; 2]> = Vec::with_capacity(count);
    for i in 0..count {
        let mut best = ([0.5, 0.5], -1.0);
        for _ in 0..TRIES {
            let half = (0.5 - MARGIN) * random.unit();
            let other = (0.5 - MARGIN) * random.unit();
            let side = |second: bool| if second { 0.5 } else { MARGIN };
            let place = [side(i % 2 == 1) + half, side(i / 2 % 2 == 1) + other];
            let near = |p: &[f64; 2]| distance(*p, place);
            let nearest = fitted.iter().chain(&found).map(near);
            let nearest = nearest.fold(f64::INFINITY, f64::min);
            if nearest >= APART {
                best = (place, nearest);
                break;
            }
            if nearest > best.1 {
                best = (place, nearest);
            }
        }
        found.push(best.0);
    }
    random.shuffle(&mut found);
    found
}

/// In shares of the side, on the larger axis.
fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).abs().max((a[1] - b[1]).abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::CHECKS;

    #[test]
    fn grids_are_inside_the_margin_and_spread() {
        for count in COUNTS {
            let targets = grid(count);
            assert_eq!(targets.len(), count);
            for (i, t) in targets.iter().enumerate() {
                let inside = |v: &f64| (MARGIN - 1e-12..=1.0 - MARGIN + 1e-12).contains(v);
                assert!(t.iter().all(inside), "{t:?}");
                assert!(targets[..i].iter().all(|p| distance(*p, *t) > 0.2));
            }
            for axis in 0..2 {
                let sum: f64 = targets.iter().map(|t| t[axis]).sum();
                assert!((sum / count as f64 - 0.5).abs() < 1e-12, "not centred");
            }
        }
        assert!(grid(7).is_empty());
    }

    #[test]
    fn orders_keep_the_targets_apart_in_time_and_differ() {
        for count in COUNTS {
            let targets = grid(count);
            let order = |seed| shuffled(&targets, &mut Random::new(seed));
            let (a, b) = (order(1), order(2));
            assert_ne!(a, b);
            assert_eq!(a, order(1));
            let sorted = |mut v: Vec<[f64; 2]>| {
                v.sort_by(|p, q| p.partial_cmp(q).unwrap());
                v
            };
            assert_eq!(sorted(a.clone()), sorted(targets.clone()));
            for order in [a, b] {
                let step = |w: &[[f64; 2]]| (w[0][0] - w[1][0]).hypot(w[0][1] - w[1][1]);
                let shortest = order.windows(2).map(step).fold(9.0, f64::min);
                // Half of the screen; a step of the grid itself is 0.21 to 0.42.
                assert!(shortest > 0.48, "{count}: {shortest}");
            }
        }
    }

    #[test]
    fn held_out_targets_are_elsewhere() {
        for count in COUNTS {
            for seed in 0..50 {
                let targets = grid(count);
                let found = held_out(CHECKS, &targets, &mut Random::new(seed));
                for (i, p) in found.iter().enumerate() {
                    assert!(p.iter().all(|v| (MARGIN..=1.0 - MARGIN).contains(v)));
                    let others = targets.iter().chain(&found[..i]);
                    let nearest = others.map(|t| distance(*t, *p)).fold(9.0, f64::min);
                    assert!(nearest >= APART, "{count}, {seed}: {nearest}");
                }
                let left = found.iter().filter(|p| p[0] < 0.5).count();
                let upper = found.iter().filter(|p| p[1] < 0.5).count();
                assert_eq!((left, upper), (2, 2), "spread over the quarters");
            }
        }
    }
}
