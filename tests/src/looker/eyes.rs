//! Where the eyes of somebody who watches a dot are directed, moment by moment.

use gaze::screen::Screen;
use render::maths::Rng;

/// How late eyes follow what is seen, seconds.
const LATENCY: f64 = 0.2;
/// Step of the simulation, seconds.
const STEP: f64 = 0.004;
/// A goal that is further away than this is jumped to, degrees.
const JUMP_FROM: f64 = 1.0;
/// Eyes rest at least this long between two saccades, seconds.
const REFRACTORY: f64 = 0.12;
/// Nearer goals are drifted to with this time constant, seconds.
const DRIFT: f64 = 0.15;
/// Deviation of a fixation's place from what is looked at, per axis, degrees.
const MISS: f64 = 0.1;

/// A jump of the eyes, in degrees and seconds.
#[derive(Debug, Clone, Copy)]
struct Saccade {
    from: [f64; 2],
    to: [f64; 2],
    start: f64,
    length: f64,
}

/// Eyes before a screen, directed at places of its plane.
#[derive(Debug)]
pub struct Eyes {
    random: Rng,
    /// Degrees across and down the whole screen, from where the person sits.
    span_deg: [f64; 2],
    now: f64,
    /// What was seen and has not been answered yet: when, and where.
    seen: std::collections::VecDeque<(f64, Option<[f64; 2]>)>,
    /// What the eyes are after, normalised; `None`: nothing to look at.
    goal: Option<[f64; 2]>,
    /// Where they are, normalised, without tremor.
    at: [f64; 2],
    saccade: Option<Saccade>,
    saccade_over: f64,
    /// By how much this fixation misses, degrees.
    miss: [f64; 2],
    /// While there is nothing to look at: the place, and until when it is of interest.
    idle: ([f64; 2], f64),
    phase: f64,
    next_blink: f64,
    blink: f64,
}

impl Eyes {
    /// Open eyes in the middle of a screen that is `distance_mm` away, at time 0.
    pub fn new(seed: u64, screen: &Screen, distance_mm: f64) -> Eyes {
        let mut random = Rng::new(seed ^ 0xe7e5);
        let span = |mm: f64| 2.0 * (mm / 2.0 / distance_mm).atan().to_degrees();
        Eyes {
            span_deg: [span(screen.width_mm), span(screen.height_mm)],
            now: 0.0,
            seen: Default::default(),
            goal: None,
            at: [0.5; 2],
            saccade: None,
            saccade_over: 0.0,
            miss: [0.0; 2],
            idle: ([0.5; 2], 0.0),
            phase: f64::from(random.range(0.0, 360.0)),
            next_blink: f64::from(random.range(1.0, 4.0)),
            blink: -1.0,
            random,
        }
    }

    /// At time `t` (seconds) the screen shows a dot there (normalised), or none. They will know
    /// a latency later.
    pub fn see(&mut self, t: f64, dot: Option<[f64; 2]>) {
        if self.seen.back().map_or(self.goal, |s| s.1) != dot {
            self.seen.push_back((t, dot));
        }
    }

    /// Where they look at time `t`, which never goes back: normalised.
    pub fn look(&mut self, t: f64) -> [f64; 2] {
        while self.now + STEP <= t {
            self.now += STEP;
            self.step();
        }
        let wave = |hz: f64| (self.phase + 360.0 * hz * self.now).to_radians().sin();
        // Drift and tremor (a tenth of a degree), and this fixation's miss.
        let tremor = [
            0.12 * wave(0.9) + 0.05 * wave(4.1) + 0.03 * f64::from(self.random.normal()),
            0.12 * wave(0.7) + 0.05 * wave(3.3) + 0.03 * f64::from(self.random.normal()),
        ];
        [0, 1].map(|i| self.at[i] + (tremor[i] + self.miss[i]) / self.span_deg[i])
    }

    /// How far the lids are shut at the time of the last look, 0..1: down in 70 ms, up in 160.
    pub fn shut(&self) -> f64 {
        let smooth = |u: f64| {
            let u = u.clamp(0.0, 1.0);
            u * u * (3.0 - 2.0 * u)
        };
        let d = self.now - self.blink;
        if self.blink < 0.0 || d > 0.28 {
            return 0.0;
        }
        smooth(d / 0.07) * (1.0 - smooth((d - 0.12) / 0.16))
    }

    fn step(&mut self) {
        while let Some(&(when, dot)) = self.seen.front()
            && when + LATENCY <= self.now
        {
            self.goal = dot;
            self.seen.pop_front();
        }
        if self.now >= self.next_blink {
            self.blink = self.now;
            self.next_blink = self.now + f64::from(self.random.range(2.5, 5.5));
        }
        if let Some(s) = self.saccade {
            let u = (self.now - s.start) / s.length;
            // Half a cosine: the speed rises and falls as a saccade's does.
            let way = (1.0 - (std::f64::consts::PI * u.min(1.0)).cos()) / 2.0;
            self.at = [0, 1].map(|i| s.from[i] + way * (s.to[i] - s.from[i]));
            if u >= 1.0 {
                self.saccade = None;
                self.saccade_over = self.now;
            }
            return;
        }
        let goal = self.goal.unwrap_or_else(|| self.wander());
        let off = [0, 1].map(|i| goal[i] - self.at[i]);
        let degrees = (off[0] * self.span_deg[0]).hypot(off[1] * self.span_deg[1]);
        if degrees <= JUMP_FROM {
            self.at = [0, 1].map(|i| self.at[i] + off[i] * STEP / DRIFT);
        } else if self.now - self.saccade_over >= REFRACTORY {
            // Saccades fall some hundredths short of their goal.
            let gain = 0.95 + 0.03 * f64::from(self.random.normal());
            self.miss = [0, 1].map(|_| MISS * f64::from(self.random.normal()));
            self.saccade = Some(Saccade {
                from: self.at,
                to: [0, 1].map(|i| self.at[i] + gain * off[i]),
                start: self.now,
                // 2.2 ms a degree and 21 ms more (Carpenter 1988).
                length: 0.021 + 0.0022 * degrees,
            });
        }
    }

    /// Something of interest on the screen, another every second or two.
    fn wander(&mut self) -> [f64; 2] {
        if self.now >= self.idle.1 {
            let r = &mut self.random;
            let place = [0, 1].map(|_| f64::from(r.range(0.15, 0.85)));
            self.idle = (place, self.now + f64::from(r.range(0.6, 2.0)));
        }
        self.idle.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eyes_follow_a_dot_late_rest_near_it_and_blink() {
        let screen = Screen::default();
        for seed in 0..20 {
            let mut eyes = Eyes::new(seed, &screen, 550.0);
            eyes.see(0.0, Some([0.5, 0.5]));
            eyes.look(1.0);
            eyes.see(1.0, Some([0.9, 0.1]));
            let early = eyes.look(1.15);
            assert!((early[0] - 0.5).abs() < 0.03, "{early:?}");
            let (mut sum, mut worst, mut blinks, mut shut) = ([0.0; 2], 0.0f64, 0, false);
            for k in 0..400 {
                let p = eyes.look(1.6 + f64::from(k) / 40.0);
                let off = [
                    (p[0] - 0.9) * eyes.span_deg[0],
                    (p[1] - 0.1) * eyes.span_deg[1],
                ];
                worst = worst.max(off[0].hypot(off[1]));
                sum = [sum[0] + off[0] / 400.0, sum[1] + off[1] / 400.0];
                blinks += i32::from(!shut && eyes.shut() > 0.5);
                shut = eyes.shut() > 0.5;
            }
            assert!(worst > 0.1 && worst < 1.2, "seed {seed}: {worst}");
            assert!(sum[0].hypot(sum[1]) < 0.6, "seed {seed}: {sum:?}");
            assert!((2..=4).contains(&blinks), "seed {seed}: {blinks} in 10 s");
        }
    }

    #[test]
    fn without_a_dot_they_look_about() {
        let mut eyes = Eyes::new(3, &Screen::default(), 550.0);
        let places: Vec<_> = (0..20).map(|k| eyes.look(f64::from(k))).collect();
        let left = places.iter().filter(|p| p[0] < 0.5).count();
        assert!((3..=17).contains(&left), "{places:?}");
    }
}
