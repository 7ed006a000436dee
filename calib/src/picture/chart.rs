//! What the result picture shows, from wherever it is known.

use gaze::affine::Affine;
use gaze::calibration::{Calibration, DisplayRecord, Grade};

use crate::session::{Flaw, Kind, PointResult, ResultView, Ruler, Span};
use crate::text;

/// Everything that is drawn. Places are normalised to the display.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// In a few words: what it is and how good.
    pub heading: String,
    /// What that is worth, in a sentence.
    pub meaning: String,
    /// The error that counts, with where it was measured.
    pub error: Option<(String, Span)>,
    /// What else there is to know: a sentence each.
    pub notes: Vec<String>,
    /// Why it is not to be used, or what to think about first.
    pub warning: Option<String>,
    /// User, camera, display, time: each in a few words.
    pub about: Vec<String>,
    /// Width of the display divided by its height.
    pub aspect: f64,
    /// The targets.
    pub marks: Vec<Mark>,
}

/// One target.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// What it is called in the picture and its table.
    pub name: String,
    /// Where it was shown.
    pub target: [f64; 2],
    /// Where the looks at it landed, through the map, where they are known one by one.
    pub looks: Vec<[f64; 2]>,
    /// Where they landed in the mean, through the map.
    pub mean: Option<[f64; 2]>,
    /// How they scatter about it, through the map, where they are not known one by one:
    /// what a circle's unit vectors to the right and down become.
    pub ellipse: Option<[[f64; 2]; 2]>,
    /// How many looks.
    pub samples: usize,
    /// From the target to the mean.
    pub error: Option<Span>,
    /// Root mean square distance from the mean.
    pub scatter: Option<Span>,
    /// The fit has not seen it.
    pub check: bool,
    /// What is wrong with it, in a few words.
    pub flaw: Option<String>,
    /// It was set aside.
    pub wild: bool,
}

impl Chart {
    /// The error that counts in all units, in a sentence.
    pub fn error_line(&self) -> Option<String> {
        let (place, e) = self.error.as_ref()?;
        Some(format!(
            "{place}: {} % of the diagonal = {} px = {} cm = {}°.",
            rounded(100.0 * e.share, 1),
            rounded(e.px, 0),
            rounded(e.cm, 1),
            rounded(e.deg, 1)
        ))
    }

    /// Of a stored calibration.
    pub fn from_calibration(c: &Calibration) -> Self {
        let display = &c.display;
        let ruler = Ruler::seen_from(display, c.head.as_ref().map(|head| head.centre_mm));
        let fitted = c.targets.iter().enumerate().map(|(i, t)| {
            let flaw = (!t.used).then(|| "set aside".to_owned());
            let place = [t.x, t.y];
            mark(
                (i + 1).to_string(),
                place,
                [t.raw_x, t.raw_y],
                c.map,
                &ruler,
            )
            .scattered(t.scatter, t.samples, c.map, display, &ruler)
            .flawed(flaw, !t.used)
        });
        let validation = c.validation.as_ref();
        let checks = validation.into_iter().flat_map(|v| {
            let [dx, dy] = v.offset;
            let map = Affine {
                c: c.map.c + dx,
                f: c.map.f + dy,
                ..c.map
            };
            let ruler = &ruler;
            v.targets.iter().enumerate().map(move |(i, t)| {
                let place = [t.x, t.y];
                Mark {
                    check: true,
                    ..mark(format!("c{}", i + 1), place, [t.raw_x, t.raw_y], map, ruler)
                        .scattered(t.scatter, t.samples, map, display, ruler)
                }
            })
        });
        let error = match validation {
            Some(v) => (new_targets(v.targets.len()), ruler.share(v.error)),
            None => (
                "Error at targets left out of the fit".to_owned(),
                ruler.share(c.cross_validated),
            ),
        };
        let mut about = about(&c.user, &c.camera, display, c.created_unix_s);
        if let Some(repair) = &c.repair {
            let by = ruler.span([0.0; 2], [repair.dx, repair.dy]);
            about.push(format!(
                "shifted by {:.1} cm since ({})",
                by.cm,
                text::date(repair.created_unix_s)
            ));
        }
        Self {
            heading: format!("Calibration: {}", text::grade(c.grade)),
            meaning: meaning(c.grade).to_owned(),
            error: Some(error),
            notes: Vec::new(),
            warning: None,
            about,
            aspect: display.aspect(),
            marks: fitted.chain(checks).collect(),
        }
    }

    /// Of a sitting that has just ended.
    pub fn from_view(view: &ResultView<'_>) -> Self {
        let what = match view.kind {
            Kind::Calibrate { .. } => "Calibration",
            Kind::Validate { .. } => "Stored calibration",
            Kind::Repair => "Repair",
        };
        let heading = match (view.refused, view.grade) {
            (Some(_), _) => format!("{what}: not good enough to use"),
            (None, Some(grade)) => format!("{what}: {}", text::grade(grade)),
            (None, None) => what.to_owned(),
        };
        let grade = view.grade.filter(|_| view.refused.is_none());
        let about = view
            .calibration
            .map(|c| about(&c.user, &c.camera, view.display, c.created_unix_s));
        let one = |check: bool| {
            move |(i, p): (usize, &PointResult)| {
                let name = if check {
                    format!("c{}", i + 1)
                } else {
                    (i + 1).to_string()
                };
                Mark {
                    name,
                    target: p.target,
                    looks: p.looks.clone(),
                    mean: p.mean,
                    ellipse: None,
                    samples: p.looks.len(),
                    error: p.error,
                    scatter: p.scatter,
                    check,
                    flaw: p.flaw.map(|f| flaw(f).to_owned()),
                    wild: p.flaw == Some(Flaw::Wild),
                }
            }
        };
        let error = view.error.map(|e| {
            let seen = view.checks.iter().filter(|p| p.error.is_some()).count();
            let place = match (view.kind, seen) {
                (Kind::Repair, _) => "The stored calibration is off by".to_owned(),
                (_, 0) => "Error at targets left out of the fit".to_owned(),
                (_, n) => new_targets(n),
            };
            (place, e)
        });
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let mut notes = Vec::new();
        match (view.before, view.before_today) {
            (Some(then), Some(now)) => notes.push(format!(
                "The stored calibration: {} when it was made, {} at these targets.",
                percent(then),
                percent(now)
            )),
            (Some(then), None) => notes.push(format!(
                "The stored calibration: {} when it was made.",
                percent(then)
            )),
            _ => {}
        }
        if let Some([dx, dy]) = view.offset {
            let cm = |share: f64, side: f64| share * side / 10.0;
            notes.push(format!(
                "Storing this shifts points by {:+.1} cm across and {:+.1} cm down.",
                cm(dx, view.display.width_mm),
                cm(dy, view.display.height_mm)
            ));
        }
        Self {
            heading,
            meaning: grade.map_or("", meaning).to_owned(),
            error,
            notes,
            warning: view.refused.or(view.warning).map(sentence),
            about: about.unwrap_or_default(),
            aspect: view.display.aspect(),
            marks: (view.points.iter().enumerate().map(one(false)))
                .chain(view.checks.iter().enumerate().map(one(true)))
                .collect(),
        }
    }
}

fn mark(name: String, target: [f64; 2], raw: [f64; 2], map: Affine, ruler: &Ruler) -> Mark {
    let mean = map.apply(raw);
    Mark {
        name,
        target,
        looks: Vec::new(),
        mean: Some(mean),
        ellipse: None,
        samples: 0,
        error: Some(ruler.span(target, mean)),
        scatter: None,
        check: false,
        flaw: None,
        wild: false,
    }
}

impl Mark {
    /// With the scatter (root mean square distance before the map, a share of the
    /// diagonal): what the map makes of a circle of that radius.
    fn scattered(
        self,
        scatter: f64,
        samples: usize,
        map: Affine,
        display: &DisplayRecord,
        ruler: &Ruler,
    ) -> Self {
        let radius_mm = scatter * display.width_mm.hypot(display.height_mm);
        let (rx, ry) = (radius_mm / display.width_mm, radius_mm / display.height_mm);
        let right = [map.a * rx, map.d * rx];
        let down = [map.b * ry, map.e * ry];
        // Half of the scatter's square lies along each of the circle's axes.
        let along = |axis: [f64; 2]| ruler.span([0.0; 2], axis).share;
        let share = (along(right).powi(2) + along(down).powi(2)).sqrt() / std::f64::consts::SQRT_2;
        Self {
            ellipse: Some([right, down]),
            scatter: Some(ruler.share(share)),
            samples,
            ..self
        }
    }

    fn flawed(self, flaw: Option<String>, wild: bool) -> Self {
        Self { flaw, wild, ..self }
    }
}

fn new_targets(count: usize) -> String {
    match count {
        1 => "Error at a new target".to_owned(),
        n => format!("Error at {n} new targets"),
    }
}

fn about(user: &str, camera: &str, display: &DisplayRecord, unix_s: u64) -> Vec<String> {
    vec![
        format!("user {user}"),
        format!("camera {camera}"),
        format!(
            "display {}, {} × {} px, {:.0} × {:.0} mm",
            display.id, display.width_px, display.height_px, display.width_mm, display.height_mm
        ),
        text::date(unix_s),
    ]
}

/// What can be done with it, in a sentence.
fn meaning(grade: Grade) -> &'static str {
    match grade {
        Grade::Excellent => "Buttons and lines of text are told apart.",
        Grade::Good => "A large button is hit.",
        Grade::Fair => "What a webcam usually gives: windows and large areas are told apart.",
        Grade::Poor => "The regions of the screen are told apart, no more.",
        Grade::Failed => "Of no use.",
    }
}

fn flaw(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Wild => "set aside",
        Flaw::FarOff => "far off",
        Flaw::Doubtful => "doubtful",
        Flaw::Few => "few looks",
        Flaw::Scattered => "scattered",
    }
}

/// With a capital letter; names of programs stay as they are typed.
pub fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(_) if text.starts_with("gaze") => text.to_owned(),
        Some(first) => first.to_uppercase().chain(rest).collect(),
        None => String::new(),
    }
}

/// With so many digits after the point; what nobody could read is "> 9999".
pub fn rounded(value: f64, digits: usize) -> String {
    if value.is_finite() && value.abs() < 10_000.0 {
        format!("{value:.digits$}")
    } else {
        "> 9999".to_owned()
    }
}
