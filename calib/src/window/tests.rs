use gaze::calibration::DisplayRecord;
use gaze::screen::Screen;

use super::area::Area;
use super::pages::Pages;
use super::paint::Canvas;
use super::scene::Item;
use super::style::{DISC_RADIUS_MM, DOT_CENTRE, RING_START_MM, RING_WIDTH_MM, THEME, px_per_mm};
use crate::session::{
    Flaw, Hint, Kind, Phase, PointResult, Problem, ResultView, Ruler, StuckView, TargetView, View,
    WelcomeView,
};

const SIZES: [[u32; 2]; 4] = [[1280, 800], [3840, 2160], [1080, 1920], [3440, 1440]];

fn display() -> DisplayRecord {
    DisplayRecord::of("eDP-1", &Screen::laptop(1512, 982))
}

fn welcome(problem: Option<Problem>) -> View<'static> {
    View::Welcome(WelcomeView {
        kind: Kind::Calibrate { targets: 9 },
        user: "Łucja Ødegård",
        targets: 13,
        ready: problem.is_none(),
        waiting: false,
        problem,
        distance_mm: Some(561.0),
        previous: None,
    })
}

fn target(at: [f64; 2], progress: f64, hint: Option<Hint>) -> TargetView {
    TargetView {
        at,
        from: None,
        phase: Phase::Collecting,
        moved: 1.0,
        progress,
        number: 3,
        of: 9,
        checking: false,
        hint,
    }
}

fn stuck(at: [f64; 2]) -> View<'static> {
    View::Stuck(StuckView {
        at,
        number: 4,
        of: 9,
        why: Hint::Problem(Problem::NoFace),
        skippable: true,
    })
}

/// Nine targets and four held-out ones; each mean is `error` of the screen off, the
/// wild one half of it.
fn points(error: f64, wild: Option<usize>) -> (Vec<PointResult>, Vec<PointResult>) {
    let ruler = Ruler::seen_from(&display(), Some([0.0, 40.0, 560.0]));
    let point = |target: [f64; 2], turn: f64, flaw: Option<Flaw>| {
        let off = if flaw == Some(Flaw::Wild) { 0.5 } else { error };
        let mean = [target[0] + off * turn.cos(), target[1] + off * turn.sin()];
        let looks = (0..24).map(|k| {
            let (sin, cos) = (f64::from(k) * 2.4).sin_cos();
            let r = 0.006 * f64::from(k).sqrt();
            [mean[0] + r * cos, mean[1] + r * sin]
        });
        let span = Some(ruler.span(target, mean));
        PointResult {
            target,
            looks: looks.collect(),
            mean: Some(mean),
            scatter: Some(ruler.share(0.02)),
            error: span,
            held_out: span,
            flaw,
        }
    };
    let fit = (0..9).map(|i| {
        let at = [
            0.08 + 0.42 * f64::from(i % 3),
            0.08 + 0.42 * f64::from(i / 3),
        ];
        let flaw = (wild == Some(i as usize)).then_some(Flaw::Wild);
        point(at, f64::from(i) * 2.1, flaw)
    });
    let checks = (0..4).map(|i| {
        let at = [0.3 + 0.38 * f64::from(i % 2), 0.28 + 0.4 * f64::from(i / 2)];
        point(at, f64::from(i) * 1.3, None)
    });
    (fit.collect(), checks.collect())
}

struct Result {
    display: DisplayRecord,
    points: (Vec<PointResult>, Vec<PointResult>),
    bad: Vec<usize>,
    refused: Option<&'static str>,
    warning: Option<&'static str>,
    error: f64,
}

impl Result {
    fn of(error: f64, wild: Option<usize>) -> Self {
        Self {
            display: display(),
            points: points(error, wild),
            bad: wild.into_iter().collect(),
            refused: None,
            warning: None,
            error,
        }
    }

    fn view(&self) -> View<'_> {
        let ruler = Ruler::seen_from(&self.display, Some([0.0, 40.0, 560.0]));
        View::Result(ResultView {
            kind: Kind::Calibrate { targets: 9 },
            display: &self.display,
            calibration: None,
            points: &self.points.0,
            checks: &self.points.1,
            bad: &self.bad,
            error: Some(ruler.share(self.error)),
            grade: Some(gaze::calibration::Grade::of(self.error, false)),
            refused: self.refused,
            warning: self.warning,
            before: None,
            before_today: None,
            offset: None,
            can_store: self.refused.is_none(),
            again: if self.bad.is_empty() {
                13
            } else {
                self.bad.len()
            },
        })
    }
}

fn drawn(size: [u32; 2], view: &View<'_>) -> Canvas {
    let mut canvas = Canvas::new(size, THEME.ground);
    canvas.draw(Pages::new(size, Area::WHOLE, &display()).scene(view));
    canvas
}

/// Mean place of the pixels of exactly the dot's colour, how many, and how far apart.
fn dot(canvas: &Canvas) -> Option<([f64; 2], usize, [usize; 2])> {
    let w = canvas.size()[0] as usize;
    let rgb =
        u32::from(DOT_CENTRE.0) << 16 | u32::from(DOT_CENTRE.1) << 8 | u32::from(DOT_CENTRE.2);
    let pixels = canvas.pixels().iter().enumerate();
    let found = pixels
        .filter(|(_, p)| **p == rgb)
        .map(|(i, _)| (i % w, i / w));
    let found: Vec<(usize, usize)> = found.collect();
    let n = found.len();
    let span = |of: fn(&(usize, usize)) -> usize| {
        let values = found.iter().map(of);
        Some(values.clone().max()? - values.min()? + 1)
    };
    let sum = found
        .iter()
        .fold([0.0, 0.0], |s, (x, y)| [s[0] + *x as f64, s[1] + *y as f64]);
    let across = [span(|p| p.0)?, span(|p| p.1)?];
    Some(([sum[0] / n as f64, sum[1] / n as f64], n, across))
}

#[test]
fn the_dot_is_found_by_its_colour_at_the_target() {
    for size in SIZES {
        for at in [[0.08, 0.08], [0.5, 0.5], [0.92, 0.92], [0.31, 0.777]] {
            for (progress, hint) in [(0.0, None), (0.4, Some(Hint::HoldStill)), (1.0, None)] {
                let canvas = drawn(size, &View::Target(target(at, progress, hint)));
                let ([x, y], n, across) = dot(&canvas).expect("a dot");
                let wanted = [at[0] * f64::from(size[0]), at[1] * f64::from(size[1])];
                let off = [x + 0.5 - wanted[0], y + 0.5 - wanted[1]];
                assert!(
                    off[0].abs() < 1.0 && off[1].abs() < 1.0,
                    "{size:?} {at:?} {off:?}"
                );
                // One round blot, large enough to be seen.
                assert!(
                    n >= 20 && across[0].abs_diff(across[1]) <= 1,
                    "{n} {across:?}"
                );
                assert!(n as f64 > 0.6 * (across[0] * across[1]) as f64);
            }
        }
    }
    // Nothing else has that colour.
    let (good, bad) = (Result::of(0.03, None), Result::of(0.11, Some(5)));
    for view in [
        welcome(None),
        welcome(Some(Problem::NoDaemon)),
        good.view(),
        bad.view(),
    ] {
        assert_eq!(dot(&drawn(SIZES[0], &view)), None);
    }
}

#[test]
fn drawing_what_changed_gives_the_same_pixels_as_drawing_all() {
    let size = SIZES[0];
    let result = Result::of(0.03, None);
    let mut moving = target([0.92, 0.5], 0.0, None);
    moving.from = Some([0.08, 0.08]);
    moving.phase = Phase::Moving;
    let moves = (0..8).map(|i| TargetView {
        moved: 0.13 * f64::from(i),
        ..moving.clone()
    });
    let fills = (0..8).map(|i| {
        let hint = (i % 3 == 1).then_some(Hint::Problem(Problem::NoFace));
        target([0.92, 0.5], 0.14 * f64::from(i), hint)
    });
    let dots: Vec<View<'_>> = moves.chain(fills).map(View::Target).collect();
    let mut views = vec![welcome(None)];
    views.extend(dots);
    views.extend([
        stuck([0.5, 0.5]),
        result.view(),
        welcome(Some(Problem::Paused)),
    ]);

    let mut pages = Pages::new(size, Area::WHOLE, &display());
    let mut canvas = Canvas::new(size, THEME.ground);
    for (i, view) in views.iter().enumerate() {
        let rects = canvas.draw(pages.scene(view));
        let fresh = drawn(size, view);
        // Curves that are cut at the edge of what is drawn anew may be rounded otherwise.
        let same = |a: &u32, b: &u32| {
            let near = |(a, b): (u8, u8)| a.abs_diff(b) <= 24;
            a.to_be_bytes().into_iter().zip(b.to_be_bytes()).all(near)
        };
        let differ = canvas.pixels().iter().zip(fresh.pixels());
        let differ = differ.filter(|(a, b)| !same(a, b)).count();
        assert_eq!(differ, 0, "view {i}");
        assert!(!rects.is_empty());
        // The dot alone is little to draw.
        if (3..8).contains(&i) {
            let area: u32 = rects.iter().map(|r| r.width() * r.height()).sum();
            assert!(area < size[0] * size[1] / 20, "{area}");
        }
    }
    assert!(canvas.draw(pages.scene(&views[views.len() - 1])).is_empty());
}

#[test]
fn words_stay_inside_the_window_and_off_each_other_and_the_dot() {
    let result = Result::of(0.11, Some(3));
    let long = Problem::Camera(
        "the camera is used by another program: end it, or choose another camera with --camera"
            .into(),
    );
    for size in SIZES {
        let mut views = vec![welcome(None), welcome(Some(long.clone())), result.view()];
        let corners = [
            [0.08, 0.08],
            [0.92, 0.08],
            [0.5, 0.5],
            [0.08, 0.92],
            [0.92, 0.92],
            [0.5, 0.92],
        ];
        for at in corners {
            for hint in [
                Hint::Rest,
                Hint::ComeBack,
                Hint::Problem(Problem::Unsure),
                Hint::Problem(long.clone()),
            ] {
                views.push(View::Target(target(at, 0.2, Some(hint))));
            }
            views.push(stuck(at));
        }
        for view in &views {
            let mut boxes: Vec<([f64; 4], String)> = Vec::new();
            let mm = px_per_mm(size.map(f64::from), display().width_mm);
            match view {
                View::Target(t) => boxes.push((
                    around(t.at, size, (RING_START_MM + RING_WIDTH_MM) * mm),
                    "ring".into(),
                )),
                View::Stuck(s) => {
                    boxes.push((around(s.at, size, DISC_RADIUS_MM * mm), "dot".into()))
                }
                _ => {}
            }
            for item in Pages::new(size, Area::WHOLE, &display()).scene(view) {
                let Item::Text { at, text, style } = item else {
                    continue;
                };
                let w = crate::picture::fonts::width(&text, style.size, style.weight);
                let x = super::scene::text_left(at, w, style.anchor);
                let b = [
                    x,
                    at[1] - 0.8 * style.size,
                    x + w,
                    at[1] + 0.25 * style.size,
                ];
                assert!(
                    b[0] >= 0.0
                        && b[1] >= 0.0
                        && b[2] <= f64::from(size[0])
                        && b[3] <= f64::from(size[1]),
                    "{size:?}: {text:?} leaves the window: {b:?}"
                );
                assert!(style.size >= 12.0, "{text:?} is {} px high", style.size);
                for (other, name) in &boxes {
                    let apart = b[0] >= other[2]
                        || b[2] <= other[0]
                        || b[1] >= other[3]
                        || b[3] <= other[1];
                    assert!(apart, "{size:?}: {text:?} covers {name:?}");
                }
                boxes.push((b, text));
            }
        }
    }
}

fn around(at: [f64; 2], size: [u32; 2], r: f64) -> [f64; 4] {
    let [x, y] = [at[0] * f64::from(size[0]), at[1] * f64::from(size[1])];
    [x - r, y - r, x + r, y + r]
}

/// `GAZE_SHOW_PICTURES=FOLDER cargo test -p gaze-calib --lib window -- --nocapture`
/// writes every page at every size there, to be looked at, and says how long pictures take.
#[test]
fn pages_to_look_at() {
    let Some(folder) = std::env::var_os("GAZE_SHOW_PICTURES") else {
        return;
    };
    let (good, bad) = (Result::of(0.03, None), Result::of(0.11, Some(5)));
    let mut refused = Result::of(0.3, None);
    refused.refused = Some("the error at the held-out points is too large");
    for size in SIZES {
        let views = [
            ("welcome", welcome(None)),
            ("problem", welcome(Some(Problem::NoDaemon))),
            ("target", View::Target(target([0.08, 0.5], 0.35, None))),
            (
                "hint",
                View::Target(target([0.92, 0.92], 0.6, Some(Hint::HoldStill))),
            ),
            (
                "no-face",
                View::Target(target(
                    [0.92, 0.08],
                    0.6,
                    Some(Hint::Problem(Problem::NoFace)),
                )),
            ),
            ("stuck", stuck([0.5, 0.5])),
            ("good", good.view()),
            ("bad", bad.view()),
            ("refused", refused.view()),
        ];
        for (name, view) in &views {
            let canvas = drawn(size, view);
            let data = canvas.pixels().iter().flat_map(|p| {
                let [_, r, g, b] = p.to_be_bytes();
                [r, g, b, 255]
            });
            let size = resvg::tiny_skia::IntSize::from_wh(size[0], size[1]).unwrap();
            let pixels = resvg::tiny_skia::Pixmap::from_vec(data.collect(), size).unwrap();
            let name = format!("{name}-{}x{}.png", size.width(), size.height());
            let png = crate::picture::raster::png(&pixels).unwrap();
            std::fs::write(std::path::Path::new(&folder).join(name), png).unwrap();
        }
        let mut pages = Pages::new(size, Area::WHOLE, &display());
        let mut canvas = Canvas::new(size, THEME.ground);
        canvas.draw(pages.scene(&views[2].1));
        let mut moving = target([0.92, 0.5], 0.0, None);
        moving.from = Some([0.08, 0.08]);
        // The median: other programs run too.
        let time = |n: u32, mut each: Box<dyn FnMut(u32) + '_>| {
            let one = |i| {
                let began = std::time::Instant::now();
                each(i);
                began.elapsed()
            };
            let mut times: Vec<_> = (0..n).map(one).collect();
            times.sort();
            times[times.len() / 2]
        };
        let moves = time(
            60,
            Box::new(|i| {
                moving.moved = f64::from(i) / 60.0;
                canvas.draw(pages.scene(&View::Target(moving.clone())));
            }),
        );
        let fills = time(
            60,
            Box::new(|i| {
                canvas.draw(pages.scene(&View::Target(target(
                    [0.92, 0.5],
                    f64::from(i) / 60.0,
                    None,
                ))));
            }),
        );
        let all = time(
            5,
            Box::new(|_| {
                canvas.forget();
                canvas.draw(pages.scene(&views[2].1));
            }),
        );
        let result = time(
            1,
            Box::new(|_| {
                canvas.draw(pages.scene(&good.view()));
            }),
        );
        eprintln!(
            "{size:?}: moving {moves:?}, filling {fills:?}, whole {all:?}, result {result:?}"
        );
    }
}
