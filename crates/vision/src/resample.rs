//! Shrinking channels by whole factors, and reading them bilinearly along a walk: the arithmetic of
//! the [`Sampler`](crate::Sampler), in whole numbers, the same on every machine.

use crate::pixels::Channel;

/// Fraction bits of sample coordinates.
const POINT: u32 = 32;
/// Bits of a bilinear weight; 8 + 2 × 11 bits fit an i32.
const WEIGHT: u32 = 11;

/// Where a bilinear reading starts and which way it goes, in a channel's own samples.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    /// Of the first output pixel.
    pub start: [f64; 2],
    /// From one output pixel to the next in its row.
    pub across: [f64; 2],
    /// From one output row to the next.
    pub down: [f64; 2],
}

/// Two neighbours and the weight of the second, out of 2^WEIGHT.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tap {
    first: usize,
    second: usize,
    weight: i32,
}

/// The blocks of `factors` samples that a walk reads: first column and row,
/// columns and rows, in blocks. Blocks are counted from the channel's corner,
/// so that they stay put when the region moves a little.
pub(crate) fn needed(walk: &Walk, n: usize, size: [usize; 2], factors: [usize; 2]) -> [usize; 4] {
    let last = (n - 1) as f64;
    let mut rectangle = [0; 4];
    for axis in 0..2 {
        let (a, d) = (walk.across[axis] * last, walk.down[axis] * last);
        let low = walk.start[axis] + a.min(0.0) + d.min(0.0);
        let high = walk.start[axis] + a.max(0.0) + d.max(0.0);
        let factor = factors[axis] as f64;
        let blocks = size[axis].div_ceil(factors[axis]);
        // One block more on each side for the bilinear neighbours.
        let from = ((low / factor).floor() - 1.0).clamp(0.0, (blocks - 1) as f64) as usize;
        let to = ((high / factor).floor() + 2.0).clamp(from as f64 + 1.0, blocks as f64) as usize;
        rectangle[axis] = from;
        rectangle[axis + 2] = to - from;
    }
    rectangle
}

/// Means over blocks of `fx` × `fy` samples of channels that lie alike. Those that lie among one
/// another's bytes are summed up together.
pub(crate) fn shrink_channels<const K: usize>(
    channels: [&Channel; K],
    [x0, y0, w, h]: [usize; 4],
    [fx, fy]: [usize; 2],
    sums: &mut [u16],
    out: &mut [Vec<u8>],
) {
    let Channel {
        width,
        height,
        stride,
        step,
        ..
    } = *channels[0];
    let first = x0 * fx;
    let samples = (w * fx).min(width - first);
    // The one that begins first, and how many bytes later the others do.
    let all = channels.iter().map(|c| c.bytes).max_by_key(|b| b.len());
    let all = all.unwrap_or_default();
    let later = channels.map(|c| all.len() - c.bytes.len());
    let packed = later.iter().all(|far| *far < step);
    for row in 0..h {
        let top = (y0 + row) * fy;
        let rows = top..top + fy.min(height - top);
        let parts = (fx, rows.len());
        let at = |y: usize| y * stride + first * step;
        let to = row * w..row * w + w;
        if packed {
            let farthest = later.iter().max().copied().unwrap_or(0);
            let span = (samples - 1) * step + 1 + farthest;
            add_up(rows.map(|y| &all[at(y)..][..span]), &mut sums[..span]);
            for (far, out) in later.iter().zip(&mut *out) {
                row_of_means(&sums[*far..], step, samples, parts, &mut out[to.clone()]);
            }
            continue;
        }
        let span = (samples - 1) * step + 1;
        for (channel, out) in channels.iter().zip(&mut *out) {
            let rows = rows.clone().map(|y| &channel.bytes[at(y)..][..span]);
            add_up(rows, &mut sums[..span]);
            row_of_means(sums, step, samples, parts, &mut out[to.clone()]);
        }
    }
}

fn add_up<'a>(rows: impl Iterator<Item = &'a [u8]>, sums: &mut [u16]) {
    sums.fill(0);
    for row in rows {
        for (sum, byte) in sums.iter_mut().zip(row) {
            *sum += u16::from(*byte);
        }
    }
}

/// Means of `fx` neighbours each, of sums of so many rows; the last may have fewer neighbours.
fn row_of_means(
    sums: &[u16],
    step: usize,
    samples: usize,
    (fx, rows): (usize, usize),
    out: &mut [u8],
) {
    let whole = samples / fx;
    let (blocks, rest) = out.split_at_mut(whole.min(out.len()));
    let mean = Mean::of((fx * rows) as u32);
    match (step, fx) {
        (1, 2) => means::<2, 1>(sums, &mean, blocks),
        (1, 3) => means::<3, 1>(sums, &mean, blocks),
        (2, 2) => means::<2, 2>(sums, &mean, blocks),
        (3, 2) => means::<2, 3>(sums, &mean, blocks),
        (3, 3) => means::<3, 3>(sums, &mean, blocks),
        (4, 2) => means::<2, 4>(sums, &mean, blocks),
        _ => {
            for (block, to) in blocks.iter_mut().enumerate() {
                *to = mean.round(sum_of(&sums[block * fx * step..], step, fx));
            }
        }
    }
    for (block, to) in rest.iter_mut().enumerate() {
        let begin = (whole + block) * fx;
        let count = samples - begin;
        let mean = Mean::of((count * rows) as u32);
        *to = mean.round(sum_of(&sums[begin * step..], step, count));
    }
}

fn sum_of(sums: &[u16], step: usize, count: usize) -> u32 {
    let neighbours = sums[..(count - 1) * step + 1].iter().step_by(step);
    neighbours.map(|v| u32::from(*v)).sum()
}

/// Means of `FX` sums of rows each, `STEP` apart.
fn means<const FX: usize, const STEP: usize>(sums: &[u16], mean: &Mean, out: &mut [u8]) {
    for (block, to) in out.iter_mut().enumerate() {
        let values = &sums[block * FX * STEP..][..(FX - 1) * STEP + 1];
        let mut total = 0;
        for k in 0..FX {
            total += u32::from(values[k * STEP]);
        }
        *to = mean.round(total);
    }
}

/// A division by the same number again and again.
struct Mean {
    parts: u32,
    /// 2⁴⁰ ÷ `parts`, rounded up: exact for the sums of so few bytes.
    inverse: u64,
}

impl Mean {
    /// Of at most 2¹⁶ bytes.
    fn of(parts: u32) -> Mean {
        Mean {
            parts,
            inverse: (1u64 << 40).div_ceil(u64::from(parts)),
        }
    }

    fn round(&self, total: u32) -> u8 {
        let total = u64::from(total + self.parts / 2);
        ((total * self.inverse) >> 40) as u8
    }
}

fn fixed(v: f64) -> i64 {
    (v * (1u64 << POINT) as f64) as i64
}

fn tap(at: i64, samples: usize) -> Tap {
    let last = samples - 1;
    let at = at.clamp(0, (last as i64) << POINT);
    let first = (at >> POINT) as usize;
    Tap {
        first,
        second: (first + 1).min(last),
        weight: ((at >> (POINT - WEIGHT)) & ((1 << WEIGHT) - 1)) as i32,
    }
}

fn blend(a: u8, b: u8, c: u8, d: u8, across: i32, down: i32) -> f32 {
    const ONE: i32 = 1 << WEIGHT;
    let [a, b, c, d] = [a, b, c, d].map(i32::from);
    // Three products; the whole numbers are those of four weights.
    let top = a * ONE + (b - a) * across;
    let bottom = c * ONE + (d - c) * across;
    (top * ONE + (bottom - top) * down) as f32 * (1.0 / (ONE * ONE) as f32)
}

/// Reads N × N values of channels that lie alike along a walk; outside a channel, its edge.
pub(crate) fn bilinear<const K: usize>(
    channels: [&Channel; K],
    walk: &Walk,
    n: usize,
    columns: &mut [Tap],
    out: [&mut [f32]; K],
) {
    let Channel {
        width,
        height,
        stride,
        step,
        ..
    } = *channels[0];
    let [ax, ay] = walk.across.map(fixed);
    let [dx, dy] = walk.down.map(fixed);
    let [sx, sy] = walk.start.map(fixed);
    // Where no corner reaches the channels' edge, no pixel does.
    let last = (n - 1) as i64;
    let inside = |start: i64, across: i64, down: i64, samples: usize| {
        let end = ((samples - 1) as i64) << POINT;
        [0, across, down, across + down]
            .iter()
            .all(|far| (0..end).contains(&(start + last * far)))
    };
    let inside = inside(sx, ax, dx, width) && inside(sy, ay, dy, height);
    if inside {
        let weight = |at: i64| ((at >> (POINT - WEIGHT)) & ((1 << WEIGHT) - 1)) as i32;
        let mut planes = out.map(|plane| plane.chunks_exact_mut(n));
        for v in 0..n {
            let (mut x, mut y) = (sx + v as i64 * dx, sy + v as i64 * dy);
            let mut rows = planes.each_mut().map(|p| p.next().expect("n rows"));
            for u in 0..n {
                let at = (y >> POINT) as usize * stride + (x >> POINT) as usize * step;
                let (across, down) = (weight(x), weight(y));
                for (channel, row) in channels.iter().zip(&mut rows) {
                    let four = &channel.bytes[at..][..stride + step + 1];
                    row[u] = blend(
                        four[0],
                        four[step],
                        four[stride],
                        four[stride + step],
                        across,
                        down,
                    );
                }
                x += ax;
                y += ay;
            }
        }
        return;
    }
    for (channel, out) in channels.iter().zip(out) {
        let row_bytes = (width - 1) * step + 1;
        let row_at = |y: usize| &channel.bytes[y * stride..][..row_bytes];
        if ay == 0 && dx == 0 {
            for (u, column) in columns.iter_mut().enumerate() {
                let t = tap(sx + u as i64 * ax, width);
                *column = Tap {
                    first: t.first * step,
                    second: t.second * step,
                    weight: t.weight,
                };
            }
            for (v, to) in out.chunks_exact_mut(n).enumerate() {
                let y = tap(sy + v as i64 * dy, height);
                let (top, bottom) = (row_at(y.first), row_at(y.second));
                for (t, o) in columns.iter().zip(to) {
                    *o = blend(
                        top[t.first],
                        top[t.second],
                        bottom[t.first],
                        bottom[t.second],
                        t.weight,
                        y.weight,
                    );
                }
            }
            continue;
        }
        for (v, to) in out.chunks_exact_mut(n).enumerate() {
            let (mut x, mut y) = (sx + v as i64 * dx, sy + v as i64 * dy);
            for o in to {
                let (tx, ty) = (tap(x, width), tap(y, height));
                let (top, bottom) = (row_at(ty.first), row_at(ty.second));
                let (left, right) = (tx.first * step, tx.second * step);
                *o = blend(
                    top[left],
                    top[right],
                    bottom[left],
                    bottom[right],
                    tx.weight,
                    ty.weight,
                );
                x += ax;
                y += ay;
            }
        }
    }
}
