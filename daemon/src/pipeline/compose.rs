//! Measurements and time in, one sample out. No clock, no thread, no memory:
//! the publisher calls it 60 times a second, the tests with made-up times.

use gaze::affine::Affine;
use gaze::drift::{Drift, DriftWatch};
use gaze::error_radius::Evidence;
use gaze::filter::{
    ASSUMED_NOISE, FORGET_NS, FilterConfig, GazeFilter, GazeState, LEAST_CONFIDENCE, LidGate,
};
use gaze::ray::Ray;
use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};
use ring::layout::{Reason, Sample, State, flags};

use super::mapping::Mapping;
use super::measurement::{FaceMeasurement, GazeMeasurement, Measurement, NetworkTag};

/// A measurement older than this says nothing about now: 250 ms is seven
/// frames of a 30 fps camera.
pub const TOO_OLD_NS: u64 = 250_000_000;

/// Keeps the filter and the newest measurement, and makes samples of them.
pub struct Composer {
    demo: bool,
    filter: GazeFilter,
    /// Holds back what closing and opening lids make of the line of sight.
    lids: LidGate,
    /// Whose lids those are.
    lids_of: u32,
    /// The newest measurement was held back: the point is the filter's until lids are open again.
    held: bool,
    newest: Option<Measurement>,
    /// The newest measurement has not been in a sample yet.
    fresh: bool,
    /// Whether the newest measurement gave a point.
    on_target: bool,
    /// The last line of sight that was trusted.
    look: Option<Look>,
    /// Where it meets the screen of the mapping in force.
    raw: [f64; 2],
    /// The same through the calibration in force.
    calibrated: [f64; 2],
    /// Whether the calibration in force still fits where the person sits.
    drift: DriftWatch,
    /// Seconds since 1970 as last told.
    unix_s: u64,
    /// Time and place of the last sample, if it was valid.
    sampled: Option<(u64, [f32; 2])>,
    /// The mapping that all points here are expressed in.
    applied: Option<Applied>,
}

/// A line of sight, kept so that another mapping can be met with the same one.
#[derive(Clone, Copy)]
struct Look {
    /// Whose it is.
    face: u32,
    ray: Ray,
    /// The point itself, where a network tells that: the ray is the geometric one then.
    point: Option<[f64; 2]>,
    captured_ns: u64,
    noise: f64,
    /// What was told of it.
    gaze: GazeMeasurement,
    /// How far the network expects it to be off, degrees.
    spread_deg: Option<f64>,
}

impl Look {
    /// What of a measurement is trusted; `None`: nothing.
    fn of(m: &Measurement) -> Option<Look> {
        let face = m.face.filter(|f| !m.frozen && f.open != [false; 2])?;
        let gaze = face.gaze.filter(|g| g.confidence >= LEAST_CONFIDENCE)?;
        Some(Look {
            face: face.id,
            ray: gaze.combined,
            point: gaze.point,
            captured_ns: m.captured_ns,
            // Trusted half as much, it is taken as twice as noisy. What a network says of its
            // errors is no measure of this: it is of people, and stays from frame to frame.
            noise: ASSUMED_NOISE / gaze.confidence.max(0.1),
            gaze,
            spread_deg: gaze.spread_deg,
        })
    }

    /// The line of sight on a screen: of a network that tells points, the one to its point.
    fn ray_on(&self, screen: &Screen) -> Ray {
        let to_point = self.point.and_then(|[x, y]| {
            (screen.point_mm(Point2::new(x, y)) - self.ray.origin).try_normalize(0.0)
        });
        Ray {
            direction: to_point.unwrap_or(self.ray.direction),
            ..self.ray
        }
    }
}

/// What of a mapping the points depend on.
#[derive(Clone, Copy, PartialEq)]
struct Applied {
    calibration_generation: u32,
    network: u32,
    /// Without its pixels: points are normalised.
    screen: Screen,
    filter: FilterConfig,
    calibration: Affine,
}

impl From<&Mapping> for Applied {
    fn from(mapping: &Mapping) -> Self {
        Applied {
            calibration_generation: mapping.calibration_generation,
            network: mapping.network,
            screen: Screen {
                width_px: 0,
                height_px: 0,
                ..mapping.screen
            },
            filter: mapping.filter,
            calibration: mapping.calibration.unwrap_or(Affine::IDENTITY),
        }
    }
}

impl Composer {
    /// Nothing seen yet. `demo` marks every sample as the bundled demo's.
    pub fn new(demo: bool) -> Self {
        Composer {
            demo,
            filter: GazeFilter::new(Default::default()),
            lids: LidGate::default(),
            lids_of: 0,
            held: false,
            newest: None,
            fresh: false,
            on_target: false,
            look: None,
            raw: [f64::NAN; 2],
            calibrated: [f64::NAN; 2],
            drift: DriftWatch::new(None),
            unix_s: 0,
            sampled: None,
            applied: None,
        }
    }

    /// Takes in one frame's measurement; `mapping` is for the network that made it
    /// ([`Mapping::for_network`]).
    pub fn absorb(&mut self, m: &Measurement, mapping: &Mapping) {
        if self.newest.is_some_and(|n| n.network != m.network) {
            // Another network's points lie elsewhere: nothing of the past is theirs.
            self.look = None;
            (self.raw, self.calibrated) = ([f64::NAN; 2], [f64::NAN; 2]);
            self.on_target = false;
            self.sampled = None;
            self.applied = None;
        }
        self.adopt(mapping);
        self.newest = Some(*m);
        self.fresh = true;
        (self.on_target, self.held) = (false, false);
        let last_ns = self.look.map_or(0, |look| look.captured_ns);
        if m.captured_ns.saturating_sub(last_ns) > FORGET_NS {
            self.filter.reset();
        }
        let Some(face) = m.face.filter(|_| !m.frozen) else {
            return;
        };
        if self.lids_of != face.id {
            (self.lids, self.lids_of) = (LidGate::default(), face.id);
        }
        let open = face.open != [false; 2];
        let gap_mm = face.gap_mm[0].max(face.gap_mm[1]);
        // Lids that are the frame's before tell nothing new; where they changed, the network looked.
        let admitted = match face.seen {
            true => self.lids.admit(m.captured_ns, gap_mm, open),
            false => !self.lids.holds(),
        };
        if !open {
            return;
        }
        let Some(look) = Look::of(m) else {
            return;
        };
        self.held = !admitted;
        if self.held {
            return;
        }
        // Somebody else's line of sight is no past for this one.
        if self.look.is_some_and(|look| look.face != face.id) {
            self.filter.reset();
            self.sampled = None;
        }
        let Some((raw, calibrated)) = meet(&look, &Applied::from(mapping)) else {
            return;
        };
        (self.look, self.raw, self.calibrated) = (Some(look), raw, calibrated);
        self.on_target = true;
        let [yaw, pitch, _] = face.head_deg;
        self.drift
            .look(m.captured_ns, look.ray.origin.into(), [yaw, pitch]);
        self.tell_filter(&look);
    }

    /// A refused point (not finite, not later) changes nothing: the filter goes on
    /// from what it has.
    fn tell_filter(&mut self, look: &Look) {
        let _ = self
            .filter
            .update(look.captured_ns, self.calibrated, look.noise);
    }

    /// Follows a new mapping: the last line of sight is met with its screen and goes
    /// through its calibration, so that all points of a sample are of one mapping;
    /// the filter's state is re-expressed, so that the point jumps to its new place
    /// at once and is not swept across the screen.
    fn adopt(&mut self, mapping: &Mapping) {
        let next = Applied::from(mapping);
        let first = self.applied.is_none();
        let Some(now) = self.applied.replace(next).filter(|now| *now != next) else {
            if first {
                self.filter = GazeFilter::new(next.filter);
                self.drift = DriftWatch::new(mapping.head);
            }
            return;
        };
        if now.calibration_generation != next.calibration_generation {
            self.drift = DriftWatch::new(mapping.head);
        }
        // No speed is calculated across a jump of the map.
        self.sampled = None;
        let Some(look) = self.look else {
            self.filter = GazeFilter::new(next.filter);
            return;
        };
        let met = meet(&look, &next);
        (self.raw, self.calibrated) = met.unwrap_or(([f64::NAN; 2], [f64::NAN; 2]));
        self.on_target &= met.is_some();
        self.held &= met.is_some();
        let between = now.calibration.inverse().and_then(|back| {
            let screens = match look.point {
                None => between(&now.screen, &next.screen, &look.ray.origin)?,
                // The network knows its screen; another one's place is no matter.
                Some(_) => Affine::IDENTITY,
            };
            Some(back.then(&screens).then(&next.calibration))
        });
        match between {
            Some(map) if now.filter == next.filter && met.is_some() => self.filter.rebase(&map),
            _ => {
                self.filter = GazeFilter::new(next.filter);
                if self.on_target {
                    self.tell_filter(&look);
                }
            }
        }
    }

    /// Which network the newest measurement is from.
    pub fn network(&self) -> Option<&NetworkTag> {
        self.newest.as_ref().map(|m| &m.network)
    }

    /// What time it is on the calendar: how old a calibration is. Now and then is
    /// enough.
    pub fn set_unix_time(&mut self, unix_s: u64) {
        self.unix_s = unix_s;
    }

    /// The sample of this moment. `state` and `reason` say how the source is.
    pub fn compose(
        &mut self,
        now_ns: u64,
        state: State,
        reason: Reason,
        mapping: &Mapping,
    ) -> Sample {
        self.adopt(mapping);
        let mut s = Sample {
            state: state.raw(),
            calibration_generation: mapping.generation(),
            ..Sample::default()
        };
        set(&mut s, flags::DEMO, self.demo);
        set(&mut s, flags::PAUSED, state == State::Paused);
        set(&mut s, flags::CALIBRATED, mapping.calibration.is_some());
        set(&mut s, flags::COARSE, mapping.is_coarse());
        let drift = mapping
            .calibration
            .map(|_| self.drift.drift(mapping.age_s(self.unix_s)));
        set(
            &mut s,
            flags::RECALIBRATE,
            drift.is_some_and(|d| d.recalibrate),
        );
        let why_not = self.fill(&mut s, now_ns, state, reason, mapping, drift);
        s.reason = why_not.raw();
        set(&mut s, flags::VALID, why_not == Reason::None);
        self.fresh = false;
        self.add_velocity(&mut s, now_ns);
        s
    }

    /// How fast the filtered point moves, from one sample to the next.
    fn add_velocity(&mut self, s: &mut Sample, now_ns: u64) {
        let before = self.sampled.take();
        if !s.is_valid() {
            return;
        }
        let point = [s.x, s.y];
        if let Some((then_ns, last)) = before
            && now_ns > then_ns
        {
            let seconds = (now_ns - then_ns) as f32 * 1e-9;
            s.velocity = [
                (point[0] - last[0]) / seconds,
                (point[1] - last[1]) / seconds,
            ];
        }
        self.sampled = Some((now_ns, point));
    }

    /// Fills in what is known and says why the gaze is not valid, if it is not.
    fn fill(
        &self,
        s: &mut Sample,
        now_ns: u64,
        state: State,
        reason: Reason,
        mapping: &Mapping,
        drift: Option<Drift>,
    ) -> Reason {
        if state != State::Running {
            return if reason == Reason::None {
                Reason::Starting
            } else {
                reason
            };
        }
        let Some(m) = &self.newest else {
            return if reason == Reason::None {
                Reason::Starting
            } else {
                reason
            };
        };
        s.frame_index = m.frame_index;
        s.captured_ns = m.captured_ns;
        s.perceived_ns = m.perceived_ns;
        s.face_count = m.table.count as u8;
        let age_ns = now_ns.saturating_sub(m.captured_ns);
        if age_ns > TOO_OLD_NS {
            return if reason == Reason::None {
                Reason::NoFrames
            } else {
                reason
            };
        }
        set(s, flags::STALE, m.frozen);
        if m.frozen {
            return Reason::Stale;
        }
        if m.fault {
            return Reason::Fault;
        }
        let news = self.fresh && !self.held;
        set(s, flags::MEASURED, news);
        set(s, flags::PREDICTED, !news);
        let Some(face) = &m.face else {
            return Reason::NoFace;
        };
        fill_face(s, face);
        if let Some(row) = m.table.faces().iter().find(|row| row.id == face.id) {
            s.contact = row.contact;
        }
        if face.open == [false; 2] {
            return Reason::EyesClosed;
        }
        // While lids are on their way, the last look before holds, as long as the filter says.
        let none = if self.held {
            Reason::EyesClosed
        } else {
            Reason::LowConfidence
        };
        let looks = self.on_target || self.held;
        let Some(look) = self.look.filter(|look| looks && look.face == face.id) else {
            return none;
        };
        let gaze = look.gaze;
        let ray = look.ray_on(&mapping.screen);
        let (origin, direction) = (ray.origin, ray.direction);
        s.eye_origin_mm = [origin.x as f32, origin.y as f32, origin.z as f32];
        s.gaze_dir = [direction.x as f32, direction.y as f32, direction.z as f32];
        let [left, right] = match look.point {
            None => [gaze.left_deg, gaze.right_deg],
            // One line for both: the network tells no more.
            Some(_) => [[ray.yaw_deg(), ray.pitch_deg()]; 2],
        };
        [s.left_yaw, s.left_pitch] = left.map(|v| v as f32);
        [s.right_yaw, s.right_pitch] = right.map(|v| v as f32);
        s.confidence = gaze.confidence as f32;
        s.spread_deg = look.spread_deg.map_or(0.0, |deg| deg as f32);
        [s.raw_x, s.raw_y] = self.raw.map(|v| v as f32);
        [s.cal_x, s.cal_y] = self.calibrated.map(|v| v as f32);
        let Some(point) = self.filter.predict(now_ns) else {
            return none;
        };
        [s.x, s.y] = point.map(|v| v as f32);
        set(s, flags::SACCADE, self.filter.state() == GazeState::Saccade);
        set(
            s,
            flags::FIXATION,
            self.filter.state() == GazeState::Fixation,
        );
        let evidence = Evidence {
            map: mapping.map_error,
            widening: drift.map_or(1.0, |d| d.widening),
            head_distance_mm: Some(origin.norm()),
            spread_deg: look.spread_deg,
            openness: face.openness[0].max(face.openness[1]),
            covariance: self.filter.covariance(now_ns).unwrap_or_default(),
            age_s: now_ns.saturating_sub(look.captured_ns) as f64 * 1e-9,
        };
        s.error_radius = evidence.radius(&mapping.screen) as f32;
        Reason::None
    }
}

/// The calibrated, unfiltered point of one measurement, through a mapping for its network.
pub fn point_of(m: &Measurement, mapping: &Mapping) -> Option<[f64; 2]> {
    let (_, calibrated) = meet(&Look::of(m)?, &Applied::from(mapping))?;
    Some(calibrated)
}

/// Where a line of sight meets a mapping's screen, and the same through its calibration.
fn meet(look: &Look, applied: &Applied) -> Option<([f64; 2], [f64; 2])> {
    let raw = match look.point {
        Some(point) => point,
        None => applied.screen.intersect(&look.ray)?.into(),
    };
    Some((raw, applied.calibration.apply(raw)))
}

/// The map from points of one screen to the points of another that lie behind them,
/// seen from `eye`. `None` where it is not affine (the screens are not parallel) or
/// the eye cannot see both.
fn between(from: &Screen, to: &Screen, eye: &Vector3<f64>) -> Option<Affine> {
    if from == to {
        return Some(Affine::IDENTITY);
    }
    let seen = |x: f64, y: f64| {
        let direction = (from.point_mm(Point2::new(x, y)) - eye).try_normalize(0.0)?;
        let ray = Ray {
            origin: *eye,
            direction,
        };
        to.intersect(&ray).map(|p| p.coords)
    };
    let (origin, right, down) = (seen(0.0, 0.0)?, seen(1.0, 0.0)?, seen(0.0, 1.0)?);
    let (u, v) = (right - origin, down - origin);
    let corner = seen(1.0, 1.0)?;
    let map = Affine {
        a: u.x,
        b: v.x,
        c: origin.x,
        d: u.y,
        e: v.y,
        f: origin.y,
    };
    ((corner - origin - u - v).norm() < 1e-9).then_some(map)
}

fn set(s: &mut Sample, flag: u32, on: bool) {
    s.flags |= if on { flag } else { 0 };
}

fn fill_face(s: &mut Sample, face: &FaceMeasurement) {
    set(s, flags::FACE, true);
    set(s, flags::LEFT_OPEN, face.open[0]);
    set(s, flags::RIGHT_OPEN, face.open[1]);
    set(s, flags::EYES_OPEN, face.open == [true; 2]);
    s.face_id = face.id;
    s.openness = face.openness.map(|v| v as f32);
    [s.head_yaw, s.head_pitch, s.head_roll] = face.head_deg.map(|v| v as f32);
    s.head_mm = face.head_mm.map(|v| v as f32);
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
