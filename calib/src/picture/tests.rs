use resvg::usvg::Node;

use super::chart::{Chart, Mark};
use super::result::{Format, svg};
use super::theme::Theme;
use super::{raster, svg::Colour};
use crate::session::Span;

const SIZES: [[f64; 2]; 3] = [[1280.0, 800.0], [3840.0, 2160.0], [1080.0, 1920.0]];

fn span(share: f64) -> Span {
    Span {
        share,
        px: share * 1803.0,
        cm: share * 36.0,
        deg: share * 34.0,
    }
}

/// `fit` targets on a grid and four checks; number 3 is wild and far outside,
/// number 5 far off.
fn chart(fit: usize, looks: bool) -> Chart {
    let columns = (fit as f64).sqrt().ceil() as usize;
    let place = |i: usize| {
        let rows = fit.div_ceil(columns);
        let at = |k: usize, n: usize| 0.08 + 0.84 * k as f64 / (n.max(2) - 1) as f64;
        [at(i % columns, columns), at(i / columns, rows)]
    };
    let mark = |i: usize, check: bool| {
        let angle = i as f64 * 2.4;
        let off = if i == 2 && !check {
            0.9
        } else {
            0.02 + 0.003 * i as f64
        };
        let target = if check {
            [0.3 + 0.4 * (i % 2) as f64, 0.32 + 0.4 * (i / 2) as f64]
        } else {
            place(i)
        };
        let mean = [target[0] + off * angle.cos(), target[1] + off * angle.sin()];
        let spread = |k: usize| {
            let (sin, cos) = (k as f64 * 2.4).sin_cos();
            let r = 0.002 * (k as f64).sqrt();
            [mean[0] + r * cos, mean[1] + r * sin]
        };
        let wild = i == 2 && !check;
        let flaw = (wild || (i == 4 && !check)).then(|| {
            if wild {
                "set aside: contradicts the others"
            } else {
                "far off"
            }
            .to_owned()
        });
        Mark {
            name: if check {
                format!("c{}", i + 1)
            } else {
                (i + 1).to_string()
            },
            target,
            looks: if looks {
                (0..30).map(spread).collect()
            } else {
                Vec::new()
            },
            mean: Some(mean),
            ellipse: (!looks).then_some([[0.016, 0.004], [-0.003, 0.028]]),
            samples: 30,
            error: Some(span(off)),
            scatter: Some(span(0.018)),
            check,
            flaw,
            wild,
        }
    };
    Chart {
        heading: "Calibration: good".to_owned(),
        meaning: "A large button is hit.".to_owned(),
        error: Some(("Error at 4 new targets".to_owned(), span(0.058))),
        notes: vec![
            "The stored calibration: 4.1 % when it was made, 7.7 % at these targets.".into(),
        ],
        warning: Some("The last calibration was better (3.1 %): keep it with Esc".to_owned()),
        about: [
            "user Łucja <&> Ødegård",
            "camera FaceTime HD Camera (Built-in)",
            "display eDP-1, 1512 × 982 px, 302 × 196 mm",
            "2026-11-21 10:31 UTC",
        ]
        .map(str::to_owned)
        .to_vec(),
        aspect: 302.0 / 196.0,
        marks: (0..fit)
            .map(|i| mark(i, false))
            .chain((0..4).map(|i| mark(i, true)))
            .collect(),
    }
}

fn format(size: [f64; 2], theme: Theme) -> Format {
    Format {
        size,
        theme,
        footer: 0.0,
    }
}

/// Every picture that is tried: size, how many targets, looks one by one or not, colours.
fn all() -> impl Iterator<Item = ([f64; 2], String)> {
    SIZES.into_iter().flat_map(|size| {
        [
            (9, false, Theme::LIGHT),
            (9, true, Theme::DARK),
            (5, true, Theme::LIGHT),
            (20, false, Theme::DARK),
        ]
        .map(|(fit, looks, theme)| (size, svg(&chart(fit, looks), &format(size, theme))))
    })
}

#[test]
fn nothing_leaves_the_picture_and_no_words_cover_others() {
    for (i, ([w, h], text)) in all().enumerate() {
        let tree = raster::tree(&text).unwrap();
        assert_eq!(
            [
                f64::from(tree.size().width()),
                f64::from(tree.size().height())
            ],
            [w, h]
        );
        let mut words: Vec<[f32; 4]> = Vec::new();
        for node in tree.root().children() {
            let b = node.abs_stroke_bounding_box();
            let inside = b.left() >= 0.0
                && b.top() >= 0.0
                && f64::from(b.right()) <= w
                && f64::from(b.bottom()) <= h;
            assert!(inside, "picture {i}: {b:?} of {node:?}");
            if let Node::Text(t) = node {
                let shown: String = t.chunks().iter().map(|c| c.text()).collect();
                assert!(
                    t.chunks()[0].spans()[0].font_size().get() >= 10.0,
                    "{shown:?}"
                );
                let b = [b.left(), b.top(), b.right(), b.bottom()];
                let covers =
                    |o: &&[f32; 4]| b[0] < o[2] && o[0] < b[2] && b[1] < o[3] && o[1] < b[3];
                assert_eq!(
                    words.iter().find(covers),
                    None,
                    "picture {i}: {shown:?} at {b:?}"
                );
                words.push(b);
            }
        }
        assert!(words.len() > 40, "picture {i}");
    }
}

#[test]
fn marks_lie_where_they_belong() {
    // A single target in the middle of a square display, looked at 0.1 to the right of it.
    let mut one = chart(5, false);
    one.aspect = 1.0;
    one.marks.truncate(1);
    one.marks[0].target = [0.5, 0.5];
    one.marks[0].mean = Some([0.6, 0.5]);
    one.marks[0].ellipse = None;
    let pixels = raster::render(&svg(&one, &format(SIZES[0], Theme::LIGHT))).unwrap();
    let is = |x: f64, y: f64, Colour(r, g, b): Colour| {
        let p = pixels.pixel(x as u32, y as u32).unwrap();
        [p.red(), p.green(), p.blue()] == [r, g, b]
    };
    // The display's rectangle by its colour.
    let (mut left, mut right, mut top, mut bottom) = (f64::MAX, 0.0_f64, f64::MAX, 0.0_f64);
    for y in 0..800 {
        for x in 0..1280 {
            let (x, y) = (f64::from(x), f64::from(y));
            if is(x, y, Theme::LIGHT.screen) {
                (left, right) = (left.min(x), right.max(x + 1.0));
                (top, bottom) = (top.min(y), bottom.max(y + 1.0));
            }
        }
    }
    let (w, h) = (right - left, bottom - top);
    assert!(w > 300.0 && (w - h).abs() <= 2.0, "{w} × {h}");
    let at = |x: f64| left + x * w;
    let middle = top + 0.5 * h;
    assert!(
        is(at(0.5), middle - 5.0, Theme::LIGHT.ink),
        "the target's cross"
    );
    assert!(
        is(at(0.6), middle + 2.0, Theme::LIGHT.landed),
        "the mean's disc"
    );
    assert!(
        is(at(0.56), middle, Theme::LIGHT.landed),
        "the line of the error"
    );
    assert!(is(at(0.4), middle, Theme::LIGHT.screen));
}

#[test]
fn a_png_holds_the_pictures_pixels() {
    let (size, text) = all().next().unwrap();
    let pixels = raster::render(&text).unwrap();
    let file = raster::png(&pixels).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(&file))
        .read_info()
        .unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!([f64::from(info.width), f64::from(info.height)], size);
    let shown = pixels
        .pixels()
        .iter()
        .flat_map(|p| [p.red(), p.green(), p.blue()]);
    assert!(shown.eq(rgb.iter().copied()));
    assert!(pixels.pixels().iter().all(|p| p.alpha() == 255));
}

/// `GAZE_SHOW_PICTURES=FOLDER cargo test -p gaze-calib --lib picture` writes them there.
#[test]
fn pictures_to_look_at() {
    let Some(folder) = std::env::var_os("GAZE_SHOW_PICTURES") else {
        return;
    };
    for (i, ([w, _], text)) in all().enumerate() {
        let png = raster::png(&raster::render(&text).unwrap()).unwrap();
        let name = format!("result-{w}-{}.png", i % 4);
        std::fs::write(std::path::Path::new(&folder).join(name), png).unwrap();
    }
}
