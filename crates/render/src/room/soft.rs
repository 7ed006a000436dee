//! Pictures blurred, and made larger.

use crate::maths::V3;

/// Blurs by two boxes of an odd width, each way.
pub fn soften(pixels: &mut Vec<V3>, width: usize, box_px: usize) {
    if box_px < 2 {
        return;
    }
    let half = box_px / 2;
    let height = pixels.len() / width;
    let scale = 1.0 / (2 * half + 1) as f32;
    let mut line = vec![V3::ZERO; width + 2 * half + 1];
    for row in pixels.chunks_exact_mut(width) {
        for _ in 0..2 {
            // Beyond its ends a row goes on as it ends.
            line[..half].fill(row[0]);
            line[half..half + width].copy_from_slice(row);
            line[half + width..].fill(row[width - 1]);
            let mut sum = line[..2 * half].iter().fold(V3::ZERO, |s, &c| s + c);
            for ((out, &new), &old) in row.iter_mut().zip(&line[2 * half..]).zip(&line) {
                sum += new;
                *out = sum * scale;
                sum = sum - old;
            }
        }
    }
    // Down the columns, all of them at once.
    let mut other = vec![V3::ZERO; pixels.len()];
    let mut sum = Vec::with_capacity(width);
    for _ in 0..2 {
        let row = |y: isize| {
            let y = y.clamp(0, height as isize - 1) as usize;
            &pixels[y * width..(y + 1) * width]
        };
        let h = half as isize;
        sum.clear();
        sum.resize(width, V3::ZERO);
        for y in -h..h {
            for (s, &c) in sum.iter_mut().zip(row(y)) {
                *s += c;
            }
        }
        for (y, out) in other.chunks_exact_mut(width).enumerate() {
            let y = y as isize;
            let (new, old) = (row(y + h), row(y - h));
            for (((s, &new), &old), out) in sum.iter_mut().zip(new).zip(old).zip(out) {
                let all = *s + new;
                *out = all * scale;
                *s = all - old;
            }
        }
        std::mem::swap(pixels, &mut other);
    }
}

/// A picture `times` as wide and as high, smooth between the pixels.
pub fn enlarge(small: &[V3], width: usize, times: usize, wide: usize, high: usize) -> Vec<V3> {
    let height = small.len() / width;
    let at = |i: usize, n: usize| {
        let x = ((i as f32 + 0.5) / times as f32 - 0.5).clamp(0.0, n as f32 - 1.0);
        let j = (x as usize).min(n.max(2) - 2);
        (j, x - j as f32)
    };
    let columns: Vec<_> = (0..wide).map(|x| at(x, width)).collect();
    let mut row = Vec::with_capacity(width);
    let mut out = Vec::with_capacity(wide * high);
    for y in 0..high {
        let (j, b) = at(y, height);
        row.clear();
        let (top, low) = (
            &small[j * width..],
            &small[(j + 1).min(height - 1) * width..],
        );
        row.extend(top[..width].iter().zip(low).map(|(p, q)| p.mix(*q, b)));
        out.extend(
            columns
                .iter()
                .map(|&(i, a)| row[i].mix(row[(i + 1).min(width - 1)], a)),
        );
    }
    out
}
