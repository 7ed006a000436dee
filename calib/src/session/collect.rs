//! Which looks at a target count: valid, eyes open, eye and head at rest.
//!
//! A fixation is found by its dispersion over a short window, as in I-DT (Salvucci &
//! Goldberg, "Identifying fixations and saccades in eye-tracking protocols", 2000). The
//! limit follows the noise of this person before this camera, taken from the steps
//! between successive looks: their median hardly knows of saccades.
//!
//! Fixations near each other are one cluster. The target is done when one cluster has
//! looks enough; a glance away, or at the last target for too long, makes another
//! cluster and does not spoil it.

use std::collections::VecDeque;

use gaze::affine::diagonal_fraction;

use super::{COLLECT_NS, Counted, Hint, LOOKS, Look, MOVE_NS, MS, Problem, SETTLE_NS};

/// Length of the window that must be still. A fixation hardly ever is shorter.
const WINDOW_NS: u64 = 250 * MS;
/// Fewer looks say nothing about stillness; at 10 fps there are so many in the window.
const LEAST: usize = 3;
/// Looks further apart in time are not neighbours: the picture was lost in between.
const GAP_NS: u64 = 400 * MS;
/// The window may spread by so many standard deviations of the noise. Independent noise
/// gives 1.4; noise that lasts for some frames shows less in the steps than in the spread.
const SIGMAS: f64 = 3.0;
/// A look further from the window's middle, in limits of its spread, is a stray.
const STRAY: f64 = 1.5;
/// Where fewer steps are known, the noise is assumed.
const STEPS: usize = 8;
/// So many steps are remembered: two seconds at 30 fps.
const REMEMBERED: usize = 64;
/// Clusters that are told apart at one target; more are no fixations.
const CLUSTERS: usize = 12;
/// Lids that are open less than this share of what is usual of the person hide the iris.
const HALF_OPEN: f64 = 0.6;
/// Median length of a step between two points with unit normal noise on both axes: √2·√(2 ln 2).
const STEP_2D: f64 = 1.665_109_222_315_395_6;
/// Median length of such a step on one axis: √2·0.6745.
const STEP_1D: f64 = 0.953_872_552_417_1;

/// Assumed noise of the point, its least and its greatest limit (rms over the window,
/// shares of the diagonal).
const GAZE: Limits = Limits {
    assumed: 0.015,
    least: 0.01,
    greatest: 0.12,
};
/// The same of the head: x, y, z in millimetres, yaw and pitch in degrees.
const HEAD: [Limits; 5] = [
    Limits::new(1.0, 4.0, 15.0),
    Limits::new(1.0, 4.0, 15.0),
    Limits::new(4.0, 12.0, 60.0),
    Limits::new(0.4, 1.5, 6.0),
    Limits::new(0.4, 1.5, 6.0),
];
/// So far from where it was on average the head is no longer where it was: a hand's
/// breadth aside, a quarter of the distance, a turn that nobody needs to see a corner.
const ASIDE_MM: f64 = 100.0;
const NEARER: f64 = 0.25;
const TURNED_DEG: f64 = 20.0;

#[derive(Debug, Clone, Copy)]
struct Limits {
    assumed: f64,
    least: f64,
    greatest: f64,
}

impl Limits {
    const fn new(assumed: f64, least: f64, greatest: f64) -> Self {
        Self {
            assumed,
            least,
            greatest,
        }
    }

    fn of(&self, sigma: Option<f64>) -> f64 {
        (SIGMAS * sigma.unwrap_or(self.assumed)).clamp(self.least, self.greatest)
    }
}

/// The newest numbers of a kind and their median.
#[derive(Debug, Clone, Default)]
struct Recent(VecDeque<f64>);

impl Recent {
    fn push(&mut self, value: f64) {
        if value.is_finite() {
            if self.0.len() == REMEMBERED {
                self.0.pop_front();
            }
            self.0.push_back(value);
        }
    }

    fn median(&self) -> Option<f64> {
        if self.0.len() < STEPS {
            return None;
        }
        let mut sorted: Vec<f64> = self.0.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        Some(sorted[sorted.len() / 2])
    }
}

/// What is learnt about the person from one target to the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    gaze_steps: Recent,
    head_steps: [Recent; 5],
    lids: Recent,
    /// Sum of the head's x, y, z, yaw, pitch over the counted looks, and their number.
    place: Option<([f64; 5], f64)>,
}

impl Person {
    /// They sit elsewhere now, and mean it.
    pub fn forget_place(&mut self) {
        self.place = None;
    }

    fn learn_steps(&mut self, before: &Counted, now: &Counted, aspect: f64) {
        let step = [
            now.point[0] - before.point[0],
            now.point[1] - before.point[1],
        ];
        self.gaze_steps.push(diagonal_fraction(step, aspect));
        let (a, b) = (head(before), head(now));
        for (i, steps) in self.head_steps.iter_mut().enumerate() {
            steps.push((b[i] - a[i]).abs());
        }
    }

    fn learn_place(&mut self, look: &Counted) {
        let now = head(look);
        if now.iter().all(|v| v.is_finite()) {
            let (sum, n) = self.place.get_or_insert(([0.0; 5], 0.0));
            for (sum, v) in sum.iter_mut().zip(now) {
                *sum += v;
            }
            *n += 1.0;
        }
        self.lids.push(look.openness[0].min(look.openness[1]));
    }

    fn gaze_limit(&self) -> f64 {
        GAZE.of(self.gaze_steps.median().map(|m| m / STEP_2D))
    }

    fn head_limit(&self, i: usize) -> f64 {
        HEAD[i].of(self.head_steps[i].median().map(|m| m / STEP_1D))
    }

    fn lids_hide_the_eye(&self, openness: [f64; 2]) -> bool {
        let usual = self.lids.median().unwrap_or(0.0);
        openness.iter().any(|o| *o < HALF_OPEN * usual)
    }

    fn is_elsewhere(&self, look: &Counted) -> bool {
        let Some((sum, n)) = self.place else {
            return false;
        };
        let usual = sum.map(|v| v / n);
        let now = head(look);
        let off = |i: usize| (now[i] - usual[i]).abs();
        off(0).hypot(off(1)) > ASIDE_MM
            || off(2) > NEARER * usual[2].abs()
            || off(3).max(off(4)) > TURNED_DEG
    }
}

/// x, y, z, yaw, pitch.
fn head(look: &Counted) -> [f64; 5] {
    let [x, y, z] = look.eyes_mm;
    [x, y, z, look.head_deg[0], look.head_deg[1]]
}

#[derive(Debug, Clone, Default)]
struct Cluster {
    looks: Vec<Counted>,
    sum: [f64; 2],
    time_ns: u64,
}

impl Cluster {
    fn mean(&self) -> [f64; 2] {
        self.sum.map(|s| s / self.looks.len() as f64)
    }

    fn push(&mut self, look: Counted) {
        let last = self.looks.last().map_or(0, |l| l.captured_ns);
        let step = look.captured_ns.saturating_sub(last);
        if step <= GAP_NS {
            self.time_ns += step;
        }
        self.sum = [self.sum[0] + look.point[0], self.sum[1] + look.point[1]];
        self.looks.push(look);
    }

    fn progress(&self) -> f64 {
        let time = self.time_ns as f64 / COLLECT_NS as f64;
        let looks = self.looks.len() as f64 / LOOKS as f64;
        time.min(looks).min(1.0)
    }
}

/// The looks at one target.
#[derive(Debug, Clone)]
pub(super) struct Collector {
    aspect: f64,
    /// The dot rests since then.
    arrived_ns: u64,
    window: VecDeque<Counted>,
    clusters: Vec<Cluster>,
    /// Looks until then are counted or were passed over.
    counted_ns: u64,
    /// When there was progress last, in the caller's time.
    pub last_progress_ns: u64,
    /// Why the last look did not count.
    pub why: Option<Hint>,
}

impl Collector {
    /// For a dot that sets out now; `aspect` is the screen's width ÷ height.
    pub fn new(now_ns: u64, aspect: f64) -> Self {
        let arrived_ns = now_ns.saturating_add(MOVE_NS);
        Self {
            aspect,
            arrived_ns,
            window: VecDeque::new(),
            clusters: Vec::new(),
            counted_ns: 0,
            last_progress_ns: arrived_ns.saturating_add(SETTLE_NS),
            why: None,
        }
    }

    /// 0..1.
    pub fn progress(&self) -> f64 {
        self.clusters
            .iter()
            .map(Cluster::progress)
            .fold(0.0, f64::max)
    }

    /// The looks of the fullest cluster.
    pub fn take_looks(&mut self) -> Vec<Counted> {
        let best = std::mem::take(&mut self.clusters)
            .into_iter()
            .max_by(|a, b| a.progress().total_cmp(&b.progress()));
        best.map_or_else(Vec::new, |c| c.looks)
    }

    /// No look, for this reason.
    pub fn pause(&mut self, why: Hint) {
        self.window.clear();
        self.why = Some(why);
    }

    /// Takes in the look of a frame that was not seen before.
    pub fn take(&mut self, now_ns: u64, look: &Look, person: &mut Person) {
        if let Some(problem) = &look.problem {
            return self.pause(Hint::Problem(problem.clone()));
        }
        let Some(point) = look.point.filter(|p| p.iter().all(|v| v.is_finite())) else {
            return self.pause(Hint::Problem(Problem::Unsure));
        };
        if person.lids_hide_the_eye(look.openness) {
            return self.pause(Hint::Problem(Problem::EyesClosed));
        }
        // While the dot travels the eye follows or jumps: nothing to learn from.
        if look.captured_ns < self.arrived_ns {
            return;
        }
        let now = Counted {
            point,
            captured_ns: look.captured_ns,
            eyes_mm: look.eyes_mm,
            head_deg: look.head_deg,
            openness: look.openness,
            spread_deg: look.spread_deg,
        };
        if person.is_elsewhere(&now) {
            return self.pause(Hint::ComeBack);
        }
        if let Some(before) = self.window.back() {
            if now.captured_ns.saturating_sub(before.captured_ns) > GAP_NS {
                self.window.clear();
            } else {
                person.learn_steps(before, &now, self.aspect);
            }
        }
        self.window.push_back(now);
        while self.window.len() > LEAST && self.age(0) > WINDOW_NS {
            self.window.pop_front();
        }
        match self.unrest(person) {
            Some(why) => self.why = why,
            None => self.count(now_ns, person),
        }
    }

    /// How much older a look of the window is than the newest.
    fn age(&self, i: usize) -> u64 {
        let newest = self.window.back().map_or(0, |l| l.captured_ns);
        newest.saturating_sub(self.window[i].captured_ns)
    }

    /// Why the window cannot be counted, if it cannot; no hint where it only is too short.
    fn unrest(&self, person: &Person) -> Option<Option<Hint>> {
        if self.window.len() < LEAST || self.age(0) < WINDOW_NS * 3 / 4 {
            return Some(self.why.clone());
        }
        let n = self.window.len() as f64;
        let spread = |value: &dyn Fn(&Counted) -> f64| {
            let mean = self.window.iter().map(value).sum::<f64>() / n;
            let square = |l: &Counted| (value(l) - mean).powi(2);
            (self.window.iter().map(square).sum::<f64>() / n).sqrt()
        };
        // Unknown places (NaN) are not moving ones.
        if (0..5).any(|i| spread(&|l| head(l)[i]) > person.head_limit(i)) {
            return Some(Some(Hint::HoldStill));
        }
        let gaze = [spread(&|l| l.point[0]), spread(&|l| l.point[1])];
        (diagonal_fraction(gaze, self.aspect) > person.gaze_limit()).then_some(Some(Hint::Rest))
    }

    /// Counts the looks of the window that are not counted yet.
    fn count(&mut self, now_ns: u64, person: &mut Person) {
        let before = self.progress();
        let n = self.window.len() as f64;
        let mean = |i: usize| self.window.iter().map(|l| l.point[i]).sum::<f64>() / n;
        let middle = [mean(0), mean(1)];
        let apart = |c: &Cluster| {
            let [x, y] = c.mean();
            diagonal_fraction([middle[0] - x, middle[1] - y], self.aspect)
        };
        let near = 2.0 * person.gaze_limit();
        let nearest = (0..self.clusters.len())
            .map(|i| (apart(&self.clusters[i]), i))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(distance, _)| *distance <= near);
        let settled_ns = self.arrived_ns.saturating_add(SETTLE_NS);
        let from_ns = self.counted_ns;
        let fresh = |l: &&Counted| l.captured_ns > from_ns && l.captured_ns >= settled_ns;
        let mut looks: Vec<Counted> = self.window.iter().filter(fresh).copied().collect();
        let Some(last) = looks.last() else {
            return;
        };
        self.counted_ns = last.captured_ns;
        // The first look elsewhere does not yet make the window unstill.
        let stray = STRAY * person.gaze_limit();
        looks.retain(|l| {
            let [x, y] = l.point;
            diagonal_fraction([x - middle[0], y - middle[1]], self.aspect) <= stray
        });
        let at = match nearest {
            Some((_, at)) => at,
            None if self.clusters.len() < CLUSTERS => {
                self.clusters.push(Cluster::default());
                self.clusters.len() - 1
            }
            None => return,
        };
        for look in looks {
            person.learn_place(&look);
            self.clusters[at].push(look);
        }
        if self.progress() > before {
            self.last_progress_ns = now_ns;
            self.why = None;
        }
    }
}
