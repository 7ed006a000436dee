//! Where the targets are and in which order they are shown.

/// Numbers of targets that there is a layout of.
pub const COUNTS: [usize; 5] = [5, 9, 13, 16, 20];
/// How far from the edge the outermost targets are, as a share of the side. Further
/// out the window's edge and the lids interfere, further in the map is guessed at the rim.
pub const MARGIN: f64 = 0.08;
/// A held-out target is at least this far (share of the side, on the larger axis) from
/// every target of the fit and from other held-out ones.
const APART: f64 = 0.08;
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

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, (self.unit() * (i + 1) as f64) as usize);
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

/// The same targets in an order in which neighbours in time are far apart: the best of
/// many shuffles by the shortest step, so that no order can be foreseen either.
pub fn shuffled(targets: &[[f64; 2]], random: &mut Random) -> Vec<[f64; 2]> {
    let shortest = |order: &[[f64; 2]]| {
        let steps = order.windows(2).map(|w| distance(w[0], w[1]));
        steps.fold(f64::INFINITY, f64::min)
    };
    let mut best = targets.to_vec();
    let mut order = best.clone();
    let mut best_step = -1.0;
    for _ in 0..TRIES {
        random.shuffle(&mut order);
        let step = shortest(&order);
        if step > best_step {
            best_step = step;
            best.clone_from(&order);
        }
    }
    best
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
