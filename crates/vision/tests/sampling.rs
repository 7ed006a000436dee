//! The sampler against a plain reading of every pixel layout, written a second time here.

use proptest::prelude::*;
use vision::{Frame, Layout, Outside, PixelFormat, Region, Sampler, TensorSpec, YuvRange};

const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Rgb8,
    PixelFormat::Bgra8,
    PixelFormat::Gray8,
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::I420,
];

const PLAIN: TensorSpec = TensorSpec {
    layout: Layout::Nchw,
    scale: 1.0,
    offset: 0.0,
    outside: Outside::Edge,
};

/// Noise in every byte, rows longer than they need be.
fn noise(width: u32, height: u32, format: PixelFormat, seed: u32) -> Frame {
    let mut frame = Frame::default();
    frame.reset(width, height, format);
    frame.stride += 6;
    let mut state = seed;
    frame.data = (0..frame.bytes_needed())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    frame
}

/// The three samples of a frame at (x, y), each by the layout's own rule, and
/// how many pixels wide and high a chroma sample is.
fn channels(f: &Frame) -> (impl Fn(usize, usize, usize) -> u8, [usize; 2]) {
    let (h, s) = (f.height as usize, f.stride);
    let half = h.div_ceil(2);
    let chroma_stride = s.div_ceil(2);
    let chroma = match f.format {
        PixelFormat::Yuyv => [2, 1],
        PixelFormat::Nv12 | PixelFormat::I420 => [2, 2],
        _ => [1, 1],
    };
    let read = move |c: usize, x: usize, y: usize| match f.format {
        PixelFormat::Rgb8 => f.data[y * s + 3 * x + c],
        PixelFormat::Bgra8 => f.data[y * s + 4 * x + 2 - c],
        PixelFormat::Gray8 => f.data[y * s + x],
        PixelFormat::Yuyv if c == 0 => f.data[y * s + 2 * x],
        PixelFormat::Yuyv => f.data[y * s + 4 * x + 2 * c - 1],
        _ if c == 0 => f.data[y * s + x],
        PixelFormat::Nv12 => f.data[h * s + y * s + 2 * x + c - 1],
        PixelFormat::I420 => f.data[h * s + (c - 1) * chroma_stride * half + y * chroma_stride + x],
    };
    (read, chroma)
}

/// Bilinear, edges repeated, colours by BT.601 in its usual form.
fn expected(f: &Frame, [x, y]: [f64; 2]) -> [f64; 3] {
    let (read, chroma) = channels(f);
    let at = |c: usize| {
        let [cw, ch] = if c == 0 { [1, 1] } else { chroma };
        let (w, h) = (
            (f.width as usize).div_ceil(cw),
            (f.height as usize).div_ceil(ch),
        );
        let sx = (x / cw as f64 - 0.5).clamp(0.0, (w - 1) as f64);
        let sy = (y / ch as f64 - 0.5).clamp(0.0, (h - 1) as f64);
        let (x0, y0) = (sx as usize, sy as usize);
        let (x1, y1) = ((x0 + 1).min(w - 1), (y0 + 1).min(h - 1));
        let (fx, fy) = (sx.fract(), sy.fract());
        let v = |x, y| f64::from(read(c, x, y));
        (v(x0, y0) * (1.0 - fx) + v(x1, y0) * fx) * (1.0 - fy)
            + (v(x0, y1) * (1.0 - fx) + v(x1, y1) * fx) * fy
    };
    let [a, b, c] = [at(0), at(1), at(2)];
    if matches!(
        f.format,
        PixelFormat::Rgb8 | PixelFormat::Bgra8 | PixelFormat::Gray8
    ) {
        return [a, b, c];
    }
    let (y, u, v) = match f.range {
        YuvRange::Limited => (
            1.1644 * (a - 16.0),
            1.13839 * (b - 128.0),
            1.13839 * (c - 128.0),
        ),
        YuvRange::Full => (a, b - 128.0, c - 128.0),
    };
    [y + 1.402 * v, y - 0.34414 * u - 0.71414 * v, y + 1.772 * u].map(|v| v.clamp(0.0, 255.0))
}

#[test]
fn every_layout_is_read_as_it_is_laid_out() {
    const N: usize = 24;
    let regions = [
        Region {
            x: 15.5,
            y: 11.5,
            size: 24.0,
            roll: 0.0,
        },
        Region {
            x: 14.2,
            y: 12.7,
            size: 17.3,
            roll: 0.0,
        },
        Region {
            x: 15.0,
            y: 11.0,
            size: 21.0,
            roll: 0.6,
        },
        Region {
            x: 2.0,
            y: 20.0,
            size: 26.0,
            roll: -2.4,
        },
    ];
    let mut sampler = Sampler::new(N);
    let mut out = vec![0.0; 3 * N * N];
    for format in FORMATS {
        for range in [YuvRange::Limited, YuvRange::Full] {
            let mut frame = noise(31, 23, format, 7);
            frame.range = range;
            for region in &regions {
                assert!(sampler.tensor(&frame, region, &PLAIN, &mut out));
                for (i, c) in (0..N * N).flat_map(|i| [0, 1, 2].map(|c| (i, c))) {
                    let middle = |k: usize| (k as f32 + 0.5) / N as f32;
                    let p = region.to_image(middle(i % N), middle(i / N)).map(f64::from);
                    let (got, want) = (out[c * N * N + i], expected(&frame, p)[c]);
                    assert!(
                        (f64::from(got) - want).abs() < 0.5,
                        "{format:?} {range:?} {region:?} channel {c} at {p:?}: {got}, not {want}"
                    );
                }
            }
        }
    }
}

/// The primaries in BT.601's own numbers (Y, Cb, Cr; video range).
#[test]
fn colours_come_out_by_the_standard_s_numbers() {
    let bars = [
        ([235u8, 128, 128], [255.0, 255.0, 255.0]),
        ([16, 128, 128], [0.0, 0.0, 0.0]),
        ([81, 90, 240], [255.0, 0.0, 0.0]),
        ([145, 54, 34], [0.0, 255.0, 0.0]),
        ([41, 240, 110], [0.0, 0.0, 255.0]),
    ];
    let mut sampler = Sampler::new(4);
    let mut out = [0.0; 48];
    for ([y, u, v], rgb) in bars {
        let mut frame = Frame::default();
        frame.reset(8, 8, PixelFormat::I420);
        frame.data[..64].fill(y);
        frame.data[64..80].fill(u);
        frame.data[80..].fill(v);
        let whole = Region::around_picture(8, 8);
        assert!(sampler.tensor(&frame, &whole, &PLAIN, &mut out));
        for (c, want) in rgb.into_iter().enumerate() {
            assert!((out[c * 16 + 5] - want).abs() < 2.0, "{y} {u} {v}: {out:?}");
        }
    }
}

#[test]
fn fine_texture_does_not_alias_when_shrunk() {
    // Lines one pixel wide, ten pixels of the picture to one of the result:
    // reading single pixels would give stripes of 0 and 255.
    let mut sampler = Sampler::new(64);
    let mut out = vec![0.0; 3 * 64 * 64];
    for (format, samples) in [(PixelFormat::Gray8, 1), (PixelFormat::Rgb8, 3)] {
        let mut frame = Frame::default();
        frame.reset(640, 640, format);
        for (i, b) in frame.data.iter_mut().enumerate() {
            *b = if (i / samples).is_multiple_of(2) {
                255
            } else {
                0
            };
        }
        for roll in [0.0, 0.3] {
            let region = Region {
                x: 322.0,
                y: 318.5,
                size: 400.0,
                roll,
            };
            assert!(sampler.tensor(&frame, &region, &PLAIN, &mut out));
            let (low, high) = out
                .iter()
                .fold((255.0f32, 0.0f32), |(l, h), v| (l.min(*v), h.max(*v)));
            assert!(
                low > 120.0 && high < 135.0,
                "{format:?} roll {roll}: {low} to {high}"
            );
        }
    }
}

/// A ramp keeps its place through the shrinking: no shift by part of a block.
#[test]
fn shrinking_does_not_move_the_picture() {
    let mut frame = Frame::default();
    frame.reset(250, 250, PixelFormat::Gray8);
    for (i, b) in frame.data.iter_mut().enumerate() {
        *b = (i % 250) as u8;
    }
    let mut sampler = Sampler::new(50);
    let mut out = vec![0.0; 3 * 2500];
    for (x, size, roll) in [
        (125.0, 150.0, 0.0),
        (121.3, 110.0, 0.4),
        (127.0, 177.0, -0.2),
    ] {
        let region = Region {
            x,
            y: 124.0,
            size,
            roll,
        };
        assert!(sampler.tensor(&frame, &region, &PLAIN, &mut out));
        for (i, v) in out[..2500].iter().enumerate() {
            let p = region.to_image((i % 50) as f32 / 50.0 + 0.01, (i / 50) as f32 / 50.0 + 0.01);
            // Pixel x covers [x, x + 1) and holds the value x; block means round.
            assert!((v - (p[0] - 0.5)).abs() < 0.8, "size {size} at {p:?}: {v}");
        }
    }
}

#[test]
fn beyond_the_edge_is_black_or_the_edge_as_asked() {
    let mut frame = Frame::default();
    frame.reset(40, 20, PixelFormat::Nv12);
    frame.data[..800].fill(235);
    frame.data[800..].fill(128);
    let mut sampler = Sampler::new(40);
    let mut out = vec![0.0; 4800];
    let whole = Region::around_picture(40, 20);
    for (outside, above) in [(Outside::Black, 0.0), (Outside::Edge, 255.0)] {
        let spec = TensorSpec { outside, ..PLAIN };
        assert!(sampler.tensor(&frame, &whole, &spec, &mut out));
        for (row, value) in [
            (0, above),
            (9, above),
            (10, 255.0),
            (29, 255.0),
            (30, above),
        ] {
            let got = out[row * 40 + 20];
            assert!((got - value).abs() < 0.5, "{outside:?} row {row}: {got}");
        }
    }
    // Scale, offset and interleaving.
    let spec = TensorSpec {
        layout: Layout::Nhwc,
        scale: 1.0 / 127.5,
        offset: -1.0,
        outside: Outside::Black,
    };
    assert!(sampler.tensor(&frame, &whole, &spec, &mut out));
    assert_eq!(out[..3], [-1.0; 3]);
    assert!(
        out[3 * (20 * 40 + 20)..][..3]
            .iter()
            .all(|v| (v - 1.0).abs() < 1e-3)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any shape, any square, half of the buffers too short: never a panic, and
    /// what comes out is within what went in.
    #[test]
    fn no_region_and_no_frame_is_too_wild(
        (width, height) in (1u32..70, 1u32..70),
        format in prop::sample::select(FORMATS.to_vec()),
        cut in 0usize..3,
        (x, y) in (-200f32..200.0, -200f32..200.0),
        size in prop_oneof![0f32..3.0, 0f32..400.0, 0f32..40_000.0, Just(f32::NAN), Just(f32::INFINITY)],
        roll in prop_oneof![Just(0f32), -4f32..4.0],
    ) {
        let mut frame = noise(width, height, format, 3);
        let whole = cut != 0;
        if !whole {
            frame.data.pop();
        }
        let region = Region { x, y, size, roll };
        let mut out = vec![-1.0; 3 * 32 * 32];
        let spec = TensorSpec { outside: if cut == 1 { Outside::Black } else { Outside::Edge }, ..PLAIN };
        let sampled = Sampler::new(32).tensor(&frame, &region, &spec, &mut out);
        prop_assert_eq!(sampled, whole && region.touches(width, height));
        let sound = |v: &f32| if sampled { (0.0..=255.0).contains(v) } else { *v == -1.0 };
        prop_assert!(out.iter().all(sound), "{:?}", out);
    }

    #[test]
    fn a_region_s_two_directions_are_inverse(
        x in -500f32..500.0, y in -500f32..500.0, size in 10f32..900.0, roll in -4f32..4.0,
        u in -1f32..2.0, v in -1f32..2.0,
    ) {
        let region = Region { x, y, size, roll };
        let [a, b] = region.from_image(region.to_image(u, v));
        prop_assert!((a - u).abs() < 1e-3 && (b - v).abs() < 1e-3, "{} {}", a, b);
    }
}
