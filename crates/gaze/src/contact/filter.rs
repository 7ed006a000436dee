//! Smoothing, hysteresis and debouncing of one face's contact.

use super::Recalibration;

/// Whether a face looks at the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContactState {
    /// It cannot be told: too small, too far turned, not measured.
    #[default]
    Unknown,
    /// It looks elsewhere, or its eyes are shut.
    No,
    /// It looks at the camera.
    Contact,
}

/// What one picture says of one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Evidence {
    /// This probability of contact, 0..1.
    Probability(f64),
    /// The eyes are shut: a blink, or more.
    EyesShut,
    /// Nothing can be told of it.
    Nothing,
}

/// How single pictures become a state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContactSettings {
    /// A smoothed probability from which contact begins …
    pub on: f64,
    /// … and below which it ends.
    pub off: f64,
    /// Faces narrower than this are unknown, pixels.
    pub least_face_px: f64,
    /// The smoothing's time constant, nanoseconds.
    pub smooth_ns: u64,
    /// A change must last so long before it counts, nanoseconds.
    pub debounce_ns: u64,
    /// What was known stays for so long without evidence: a blink, a face behind a hand.
    pub hold_ns: u64,
    /// What single probabilities mean here, whoever says them.
    pub recalibration: Recalibration,
}

impl Default for ContactSettings {
    fn default() -> Self {
        ContactSettings {
            on: 0.5,
            off: 0.4,
            least_face_px: 80.0,
            smooth_ns: 150_000_000,
            debounce_ns: 100_000_000,
            hold_ns: 400_000_000,
            recalibration: Recalibration::NONE,
        }
    }
}

/// A face that has been judged keeps being so down to this share of the least size.
const SIZE_HYSTERESIS: f64 = 0.9;

/// How it stands with one face.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Contact {
    /// The state.
    pub state: ContactState,
    /// The smoothed probability, if one is known.
    pub probability: Option<f64>,
    /// Since when the state holds, nanoseconds.
    pub since_ns: u64,
    /// Its eyes are shut, for longer than a blink.
    pub eyes_shut: bool,
}

/// One face's past. Pure; a few numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContactFilter {
    now: Contact,
    /// What the evidence says now and since when, while it is not the state yet.
    coming: Option<(ContactState, u64)>,
    /// When something was told last: with what a picture before it said, the smoothing's step.
    told_ns: Option<u64>,
    /// Since when only shut eyes are seen.
    shut_ns: Option<u64>,
}

impl ContactFilter {
    /// A face first seen at `now_ns`.
    pub fn new(now_ns: u64) -> Self {
        ContactFilter {
            now: Contact {
                since_ns: now_ns,
                ..Contact::default()
            },
            ..ContactFilter::default()
        }
    }

    /// How it stands.
    pub fn contact(&self) -> Contact {
        self.now
    }

    /// Takes in what the picture of `at_ns` says of a face `face_px` wide. Pictures out of
    /// order change nothing.
    pub fn tell(
        &mut self,
        evidence: Evidence,
        face_px: f64,
        at_ns: u64,
        settings: &ContactSettings,
    ) -> Contact {
        let known = self.now.state != ContactState::Unknown;
        let least = settings.least_face_px * if known { SIZE_HYSTERESIS } else { 1.0 };
        let evidence = match evidence {
            _ if face_px.is_nan() || face_px < least => Evidence::Nothing,
            Evidence::Probability(p) if !p.is_finite() => Evidence::Nothing,
            other => other,
        };
        if self.told_ns.is_some_and(|told| at_ns < told) {
            return self.now;
        }
        let silent = self
            .told_ns
            .is_none_or(|told| at_ns - told > settings.hold_ns);
        match evidence {
            Evidence::Probability(p) => {
                self.shut_ns = None;
                self.now.eyes_shut = false;
                let p = settings.recalibration.apply(p.clamp(0.0, 1.0));
                self.smooth(p, at_ns, settings);
                self.judge(at_ns, settings);
            }
            Evidence::EyesShut => {
                let since = *self.shut_ns.get_or_insert(at_ns);
                if at_ns - since >= settings.hold_ns || (silent && !known) {
                    // Whoever has the eyes shut for longer than a blink looks nowhere.
                    self.now.eyes_shut = true;
                    self.now.probability = Some(0.0);
                    self.told_ns = Some(at_ns);
                    self.coming = None;
                    self.enter(ContactState::No, since);
                }
            }
            Evidence::Nothing => {
                self.shut_ns = None;
                if silent {
                    self.now.eyes_shut = false;
                    self.now.probability = None;
                    self.coming = None;
                    self.enter(ContactState::Unknown, at_ns);
                }
            }
        }
        self.now
    }

    fn smooth(&mut self, p: f64, at_ns: u64, settings: &ContactSettings) {
        let before = self.told_ns.zip(self.now.probability);
        self.now.probability = Some(match before {
            Some((told, was)) if at_ns - told <= settings.hold_ns => {
                let step = (at_ns - told) as f64 / settings.smooth_ns.max(1) as f64;
                was + (p - was) * (1.0 - (-step).exp())
            }
            _ => p,
        });
        self.told_ns = Some(at_ns);
    }

    fn judge(&mut self, at_ns: u64, settings: &ContactSettings) {
        let p = self.now.probability.unwrap_or_default();
        let says = match self.now.state {
            ContactState::Contact if p >= settings.off => ContactState::Contact,
            _ if p >= settings.on => ContactState::Contact,
            _ => ContactState::No,
        };
        if says == self.now.state {
            self.coming = None;
            return;
        }
        let since = match self.coming {
            Some((state, since)) if state == says => since,
            _ => at_ns,
        };
        self.coming = Some((says, since));
        // Nothing was said before a first no: it contradicts nobody.
        let at_once = self.now.state == ContactState::Unknown && says == ContactState::No;
        if at_once || at_ns - since >= settings.debounce_ns {
            self.coming = None;
            self.enter(says, since);
        }
    }

    fn enter(&mut self, state: ContactState, since_ns: u64) {
        if self.now.state != state {
            self.now.state = state;
            self.now.since_ns = since_ns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME_NS: u64 = 33_000_000;
    const S: ContactSettings = ContactSettings {
        on: 0.5,
        off: 0.4,
        least_face_px: 80.0,
        smooth_ns: 150_000_000,
        debounce_ns: 100_000_000,
        hold_ns: 400_000_000,
        recalibration: Recalibration::NONE,
    };

    /// Feeds one evidence a frame; the states after each, and the last answer.
    fn run(
        filter: &mut ContactFilter,
        from: u64,
        evidence: &[Evidence],
        px: f64,
    ) -> (Vec<ContactState>, Contact) {
        let mut last = filter.contact();
        let states = evidence
            .iter()
            .enumerate()
            .map(|(i, e)| {
                last = filter.tell(*e, px, (from + i as u64) * FRAME_NS, &S);
                last.state
            })
            .collect();
        (states, last)
    }

    fn p(value: f64, times: usize) -> Vec<Evidence> {
        vec![Evidence::Probability(value); times]
    }

    #[test]
    fn contact_begins_after_the_debounce_and_says_when_it_began() {
        let mut f = ContactFilter::new(0);
        let (states, first) = run(&mut f, 0, &p(0.0, 5), 200.0);
        assert!(states.iter().all(|s| *s == ContactState::No));
        assert_eq!(first.since_ns, 0);
        let (states, now) = run(&mut f, 5, &p(1.0, 20), 200.0);
        let on = states
            .iter()
            .position(|s| *s == ContactState::Contact)
            .unwrap();
        // 150 ms · ln 2 until the half is passed, with the fourth picture; then 100 ms more.
        assert_eq!(on, 7, "{states:?}");
        assert_eq!(now.since_ns, (5 + 3) * FRAME_NS);
    }

    #[test]
    fn probabilities_mean_what_the_settings_make_of_them() {
        let settings = ContactSettings {
            recalibration: Recalibration {
                slope: 1.0,
                offset: -2.0,
            },
            ..S
        };
        let told = |settings: &ContactSettings| {
            let mut f = ContactFilter::new(0);
            for i in 0..30 {
                f.tell(Evidence::Probability(0.7), 200.0, i * FRAME_NS, settings);
            }
            f.contact()
        };
        let (plain, made) = (told(&S), told(&settings));
        assert_eq!(
            (plain.state, made.state),
            (ContactState::Contact, ContactState::No)
        );
        // Odds of 7 to 3, by e².
        let wanted = 7.0 / (7.0 + 3.0 * 2.0f64.exp());
        assert!(
            (made.probability.unwrap() - wanted).abs() < 1e-12,
            "{made:?}"
        );
    }

    #[test]
    fn one_high_picture_and_a_value_between_the_thresholds_change_nothing() {
        let mut f = ContactFilter::new(0);
        let (states, _) = run(
            &mut f,
            0,
            &[p(0.1, 10), p(1.0, 2), p(0.1, 10)].concat(),
            200.0,
        );
        assert!(states.iter().all(|s| *s == ContactState::No), "{states:?}");
        let (states, _) = run(&mut f, 22, &p(0.45, 40), 200.0);
        assert!(states.iter().all(|s| *s == ContactState::No));
        run(&mut f, 62, &p(0.9, 30), 200.0);
        let (states, _) = run(&mut f, 92, &p(0.45, 40), 200.0);
        assert!(states.iter().all(|s| *s == ContactState::Contact));
        let (states, _) = run(&mut f, 132, &p(0.3, 40), 200.0);
        assert_eq!(states[39], ContactState::No);
    }

    #[test]
    fn a_blink_keeps_contact_and_sleep_ends_it_from_when_the_eyes_shut() {
        let mut f = ContactFilter::new(0);
        run(&mut f, 0, &p(1.0, 20), 200.0);
        let (states, _) = run(&mut f, 20, &[Evidence::EyesShut; 6], 200.0);
        assert!(states.iter().all(|s| *s == ContactState::Contact));
        let (states, _) = run(&mut f, 26, &p(1.0, 3), 200.0);
        assert!(states.iter().all(|s| *s == ContactState::Contact));
        let (_, last) = run(&mut f, 29, &[Evidence::EyesShut; 20], 200.0);
        assert_eq!((last.state, last.eyes_shut), (ContactState::No, true));
        assert_eq!(last.since_ns, 29 * FRAME_NS);
    }

    #[test]
    fn what_is_small_or_not_measured_is_unknown_and_not_no() {
        let mut f = ContactFilter::new(0);
        let (states, last) = run(&mut f, 0, &p(0.9, 20), 79.0);
        assert!(states.iter().all(|s| *s == ContactState::Unknown));
        assert_eq!(last.probability, None);
        run(&mut f, 20, &p(0.9, 20), 81.0);
        // At the limit it does not flicker.
        let (states, _) = run(&mut f, 40, &p(0.9, 20), 78.0);
        assert!(states.iter().all(|s| *s == ContactState::Contact));
        let (states, last) = run(&mut f, 60, &[Evidence::Nothing; 30], 200.0);
        assert_eq!(states[5], ContactState::Contact, "held for a moment");
        assert_eq!(
            (last.state, last.probability),
            (ContactState::Unknown, None)
        );
        let nan = run(&mut f, 90, &p(f64::NAN, 20), 200.0).1;
        assert_eq!(nan.state, ContactState::Unknown);
    }

    #[test]
    fn the_rate_of_pictures_does_not_matter_and_old_ones_are_no_news() {
        let settle = |step: u64| {
            let mut f = ContactFilter::new(0);
            f.tell(Evidence::Probability(0.0), 200.0, 0, &S);
            let mut at = 0;
            while at < 120_000_000 {
                at += step;
                f.tell(Evidence::Probability(1.0), 200.0, at, &S);
            }
            (f, f.contact().probability.unwrap())
        };
        let ((mut f, slow), (_, fast)) = (settle(40_000_000), settle(10_000_000));
        assert!((slow - fast).abs() < 1e-9, "{slow} {fast}");
        let before = f.contact();
        assert_eq!(f.tell(Evidence::Probability(0.0), 200.0, 5, &S), before);
    }
}
