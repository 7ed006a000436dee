//! Reference pictures in every layout a camera may have, by the standards' own formulas.

use super::*;
use crate::overlay::canvas::Canvas;
use crate::overlay::rgb::paint;

const SIZES: [(u32, u32); 2] = [(8, 6), (7, 5)];

/// Green left, orange right, skin in the lowest row.
fn colour(x: usize, y: usize, w: usize, h: usize) -> [f64; 3] {
    match (x < w / 2, y + 1 == h) {
        (_, true) => [198.0, 134.0, 110.0],
        (true, _) => [40.0, 160.0, 60.0],
        (false, _) => [230.0, 140.0, 20.0],
    }
}

/// The colour as luma and chroma: E'Y = Kr·R + Kg·G + Kb·B and the differences to blue
/// and red, then the levels of the range (BT.601-7, 2.5.3; BT.709-6, 4; T.871, 7).
fn yuv([r, g, b]: [f64; 3], picture: &Picture) -> [u8; 3] {
    let (kr, kb) = match picture.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let (cb, cr) = ((b - y) / (2.0 - 2.0 * kb), (r - y) / (2.0 - 2.0 * kr));
    let levels = match picture.range {
        YuvRange::Full => [y, cb + 128.0, cr + 128.0],
        YuvRange::Limited => [
            16.0 + y * 219.0 / 255.0,
            128.0 + cb * 224.0 / 255.0,
            128.0 + cr * 224.0 / 255.0,
        ],
    };
    levels.map(|v| v.round() as u8)
}

/// The planes as a camera's memory has them: rows padded to `pad` more bytes.
fn planes(picture: &Picture, pad: usize) -> Vec<(Vec<u8>, usize, usize)> {
    let (w, h) = (picture.width as usize, picture.height as usize);
    let at = |x: usize, y: usize| colour(x.min(w - 1), y.min(h - 1), w, h);
    let mut rows: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 2];
    for y in 0..h {
        let mut row = Vec::new();
        for x in 0..w {
            let c = at(x, y);
            let [r, g, b] = c.map(|v| v as u8);
            match picture.layout {
                Layout::Bgra => row.extend([b, g, r, 255]),
                Layout::Bgr => row.extend([b, g, r]),
                Layout::Rgb => row.extend([r, g, b]),
                Layout::Nv12 => row.push(yuv(c, picture)[0]),
                Layout::Grey => row.push(yuv(c, picture)[0]),
                Layout::Yuyv | Layout::Uyvy if x % 2 == 0 => {
                    let ([y0, u, v], [y1, ..]) = (yuv(c, picture), yuv(at(x + 1, y), picture));
                    row.extend(match picture.layout {
                        Layout::Yuyv => [y0, u, y1, v],
                        _ => [u, y0, v, y1],
                    });
                }
                _ => {}
            }
        }
        rows[0].push(row);
    }
    if picture.layout == Layout::Nv12 {
        for y in (0..h).step_by(2) {
            let row = (0..w).step_by(2).flat_map(|x| {
                let [_, u, v] = yuv(at(x, y), picture);
                [u, v]
            });
            rows[1].push(row.collect());
        }
    }
    let pack = |rows: Vec<Vec<u8>>| {
        // An odd row of luma is as long as its chroma.
        let widest = rows.iter().map(Vec::len).max()?;
        let stride = widest + widest % 2 + pad;
        let count = rows.len();
        let bytes = rows.into_iter().flat_map(|mut row| {
            row.resize(stride, 99);
            row
        });
        Some((bytes.collect(), stride, count))
    };
    rows.into_iter().filter_map(pack).collect()
}

#[test]
fn every_layout_range_matrix_and_stride_gives_the_same_colours() {
    use Layout::*;
    for layout in [Nv12, Yuyv, Uyvy, Rgb, Bgr, Bgra] {
        for range in [YuvRange::Limited, YuvRange::Full] {
            for matrix in [Matrix::Bt601, Matrix::Bt709] {
                for ((width, height), pad) in SIZES.into_iter().flat_map(|s| [(s, 0), (s, 26)]) {
                    let picture = Picture {
                        width,
                        height,
                        layout,
                        range,
                        matrix,
                    };
                    let memory = planes(&picture, pad);
                    let planes: Vec<_> = memory
                        .iter()
                        .map(|(bytes, stride, rows)| Plane {
                            bytes,
                            stride: *stride,
                            rows: *rows,
                        })
                        .collect();
                    let (mut bytes, mut frame) = (vec![1; 3], Frame::default());
                    gather(&planes, &picture, &mut bytes).unwrap();
                    unpack(&bytes, picture, &mut jpeg::Decoder::default(), &mut frame).unwrap();
                    assert!(frame.is_sound());
                    let mut canvas = Canvas::default();
                    paint(&frame, &mut canvas);
                    let (w, h) = (width as usize, height as usize);
                    for (i, rgb) in canvas.rgb.chunks_exact(3).enumerate() {
                        let (x, y) = (i % w, i / w);
                        // Chroma is shared there by two colours.
                        if x / 2 == w / 4 || y + 2 >= h && y + 1 != h {
                            continue;
                        }
                        let wanted = colour(x, y, w, h).map(|v| v as u8);
                        if layout == Nv12 && y + 1 == h && h.is_multiple_of(2) {
                            continue;
                        }
                        let near = rgb.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 4);
                        assert!(
                            near,
                            "{picture:?} +{pad} at {x},{y}: {rgb:?} for {wanted:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn greys_are_grey_in_either_matrix_and_extremes_do_not_wrap() {
    for range in [YuvRange::Limited, YuvRange::Full] {
        let picture = Picture {
            width: 2,
            height: 2,
            layout: Layout::Nv12,
            range,
            matrix: Matrix::Bt709,
        };
        let mut frame = Frame::default();
        let mut go = |bytes: [u8; 6]| {
            unpack(&bytes, picture, &mut jpeg::Decoder::default(), &mut frame).unwrap();
            frame.data.clone()
        };
        for y in [0, 16, 128, 235, 255] {
            assert_eq!(go([y, y, y, y, 128, 128]), [y, y, y, y, 128, 128]);
        }
        assert!(
            go([255, 255, 0, 0, 255, 255])[..2]
                .iter()
                .all(|y| *y == 255)
        );
        assert!(go([0, 0, 0, 0, 0, 0])[..4].iter().all(|y| *y == 0));
    }
}

#[test]
fn planes_that_end_too_early_are_refused() {
    let picture = Picture {
        width: 4,
        height: 4,
        layout: Layout::Nv12,
        range: YuvRange::Limited,
        matrix: Matrix::Bt601,
    };
    let bytes = [0; 64];
    let plane = |len: usize, rows: usize| Plane {
        bytes: &bytes[..len],
        stride: 8,
        rows,
    };
    let mut out = Vec::new();
    assert_eq!(
        gather(&[plane(32, 4), plane(16, 2)], &picture, &mut out),
        Ok(())
    );
    assert_eq!(out.len(), 24);
    // The last row needs no padding behind it.
    assert_eq!(
        gather(&[plane(28, 4), plane(12, 2)], &picture, &mut out),
        Ok(())
    );
    assert!(gather(&[plane(27, 4), plane(16, 2)], &picture, &mut out).is_err());
    assert!(gather(&[plane(32, 4)], &picture, &mut out).is_err());
    assert!(gather(&[plane(32, 4), plane(8, 1)], &picture, &mut out).is_err());
}
