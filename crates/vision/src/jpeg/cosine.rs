//! The inverse cosine transform of a JPEG's blocks (ITU-R T.81, A.3.3), by the factors of Arai,
//! Agui and Nakajima (1988), as four columns at once: the compiler makes vectors of them.

type Row = [f32; 4];

#[inline(always)]
fn add(a: Row, b: Row) -> Row {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
}
#[inline(always)]
fn sub(a: Row, b: Row) -> Row {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]]
}
#[inline(always)]
fn mul(a: Row, k: f32) -> Row {
    [a[0] * k, a[1] * k, a[2] * k, a[3] * k]
}

/// Arai, Agui and Nakajima's inverse transform of four columns at once; its scale factors are in
/// the quanta.
#[inline(always)]
fn columns(v: [Row; 8]) -> [Row; 8] {
    let (t10, t11) = (add(v[0], v[4]), sub(v[0], v[4]));
    let t13 = add(v[2], v[6]);
    let t12 = sub(mul(sub(v[2], v[6]), std::f32::consts::SQRT_2), t13);
    let (e0, e3) = (add(t10, t13), sub(t10, t13));
    let (e1, e2) = (add(t11, t12), sub(t11, t12));
    let (z13, z10) = (add(v[5], v[3]), sub(v[5], v[3]));
    let (z11, z12) = (add(v[1], v[7]), sub(v[1], v[7]));
    let o7 = add(z11, z13);
    let t11 = mul(sub(z11, z13), std::f32::consts::SQRT_2);
    let z5 = mul(add(z10, z12), 1.847_759_1);
    let t10 = sub(z5, mul(z12, 1.082_392_2));
    let t12 = sub(z5, mul(z10, 2.613_126));
    let o6 = sub(t12, o7);
    let o5 = sub(t11, o6);
    let o4 = sub(t10, o5);
    [
        add(e0, o7),
        add(e1, o6),
        add(e2, o5),
        add(e3, o4),
        sub(e3, o4),
        sub(e2, o5),
        sub(e1, o6),
        sub(e0, o7),
    ]
}

#[inline(always)]
fn turned(v: [Row; 4]) -> [Row; 4] {
    let [a, b, c, d] = v;
    [
        [a[0], b[0], c[0], d[0]],
        [a[1], b[1], c[1], d[1]],
        [a[2], b[2], c[2], d[2]],
        [a[3], b[3], c[3], d[3]],
    ]
}

/// The same where the upper four are 0.
#[inline(always)]
fn columns_of_few(v: [Row; 4]) -> [Row; 8] {
    let t12 = mul(v[2], std::f32::consts::SQRT_2 - 1.0);
    let (e0, e3) = (add(v[0], v[2]), sub(v[0], v[2]));
    let (e1, e2) = (add(v[0], t12), sub(v[0], t12));
    let (sum, difference) = (add(v[1], v[3]), sub(v[1], v[3]));
    let t11 = mul(difference, std::f32::consts::SQRT_2);
    let z5 = mul(difference, 1.847_759_1);
    let t10 = sub(z5, mul(v[1], 1.082_392_2));
    let t12 = add(z5, mul(v[3], 2.613_126));
    let o6 = sub(t12, sum);
    let o5 = sub(t11, o6);
    let o4 = sub(t10, o5);
    [
        add(e0, sum),
        add(e1, o6),
        add(e2, o5),
        add(e3, o4),
        sub(e3, o4),
        sub(e2, o5),
        sub(e1, o6),
        sub(e0, sum),
    ]
}

/// Eight rows of eight, in two halves.
type Square = [[f32; 8]; 8];

fn put(square: &mut Square, half: usize, done: &[Row; 8]) {
    for (row, four) in square.iter_mut().zip(done) {
        row[half..half + 4].copy_from_slice(four);
    }
}

/// Limits to a byte; above 2²³ a float's lowest bits are those of the whole number. Comparisons,
/// since `max` and `min` also look after what is no number.
#[inline(always)]
fn store(square: &Square, to: &mut [u8], stride: usize) {
    for (y, row) in square.iter().enumerate() {
        let Some(to) = to[y * stride..].first_chunk_mut::<8>() else {
            return;
        };
        // By index: of zipped values the compiler makes no vectors here.
        for i in 0..8 {
            let v = row[i] + 128.0;
            let v = if v > 0.0 { v } else { 0.0 };
            let v = if v < 255.0 { v } else { 255.0 };
            to[i] = (v + 8_388_608.0).to_bits() as u8;
        }
    }
}

/// A block's pixels from its coefficients, column after column, [`scaled`]; rows so far apart.
#[inline(never)]
pub(super) fn pixels(c: &[f32; 64], to: &mut [u8], stride: usize) {
    let (q, _) = c.as_chunks::<4>();
    let l = columns([q[0], q[2], q[4], q[6], q[8], q[10], q[12], q[14]]);
    let r = columns([q[1], q[3], q[5], q[7], q[9], q[11], q[13], q[15]]);
    let mut square = [[0.0; 8]; 8];
    for h in [0, 4] {
        let a = turned([l[h], l[h + 1], l[h + 2], l[h + 3]]);
        let b = turned([r[h], r[h + 1], r[h + 2], r[h + 3]]);
        let done = columns([a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]]);
        put(&mut square, h, &done);
    }
    store(&square, to, stride);
}

/// The same of a block with no coefficients but among the first four across and down.
#[inline(never)]
pub(super) fn pixels_of_few(c: &[f32; 64], to: &mut [u8], stride: usize) {
    let (q, _) = c.as_chunks::<4>();
    let l = columns_of_few([q[0], q[2], q[4], q[6]]);
    let mut square = [[0.0; 8]; 8];
    for h in [0, 4] {
        let done = columns_of_few(turned([l[h], l[h + 1], l[h + 2], l[h + 3]]));
        put(&mut square, h, &done);
    }
    store(&square, to, stride);
}

/// The same of a block of one brightness.
pub(super) fn pixels_of_one(c: f32, to: &mut [u8], stride: usize) {
    let level = (c + 128.5).clamp(0.0, 255.0) as u8;
    for row in to.chunks_mut(stride).take(8) {
        row[..8].fill(level);
    }
}

/// What a quantum is multiplied with, of a coefficient so far across and down.
pub(super) fn scaled(across: usize, down: usize) -> f64 {
    let scale = |k: usize| match k {
        0 => 1.0,
        k => (k as f64 * std::f64::consts::PI / 16.0).cos() * std::f64::consts::SQRT_2,
    };
    scale(across) * scale(down) / 8.0
}

#[cfg(test)]
mod tests {
    use super::*;

    type Make = fn(&[f32; 64], &mut [u8], usize);

    /// The transform by its definition (T.81, A.3.3), of coefficients that are not scaled.
    fn by_definition(c: &[f32; 64]) -> [u8; 64] {
        let wave = |k: usize, x: usize| {
            let first = if k == 0 { 0.5f64.sqrt() } else { 1.0 };
            first * ((2 * x + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos()
        };
        std::array::from_fn(|at| {
            let all = (0..64).map(|i| {
                let (across, down) = (wave(i / 8, at % 8), wave(i % 8, at / 8));
                f64::from(c[i]) * across * down
            });
            (all.sum::<f64>() / 4.0 + 128.0).round().clamp(0.0, 255.0) as u8
        })
    }

    #[test]
    fn pixels_are_those_of_the_definition() {
        let mut random = 1u64;
        let mut next = |most: i32| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % (2 * most as u64 + 1)) as i32 - most
        };
        for round in 0..300 {
            let few = round % 2 == 0;
            let mut c = [0.0; 64];
            for (i, c) in c.iter_mut().enumerate() {
                if !few || i / 8 < 4 && i % 8 < 4 {
                    *c = (next(300) / (1 + i as i32 / 8 + i as i32 % 8)) as f32;
                }
            }
            let should = by_definition(&c);
            let c = std::array::from_fn(|i| c[i] * scaled(i / 8, i % 8) as f32);
            let near = |make: Make| {
                let mut found = [0; 64];
                make(&c, &mut found, 8);
                found.iter().zip(&should).all(|(a, b)| a.abs_diff(*b) <= 1)
            };
            assert!(near(pixels), "{c:?}");
            assert!(!few || near(pixels_of_few), "{c:?}");
        }
        let one = |c: f32| {
            let mut found = [0; 64];
            pixels_of_one(c, &mut found, 8);
            assert_eq!(found, [found[0]; 64]);
            found[0]
        };
        assert_eq!([-2000.0, 0.0, 2000.0].map(one), [0, 128, 255]);
    }
}
