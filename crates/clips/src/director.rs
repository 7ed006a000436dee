//! When a clip begins and when it ends. Knows no file and no clock: times come with the
//! pictures.

use std::collections::HashMap;

/// A face in a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Stays with the face; never used again.
    pub id: u32,
    /// It is in eye contact with the camera.
    pub contact: bool,
    /// Since when that, or its contrary, holds: monotonic nanoseconds.
    pub since_ns: u64,
    /// Probability of it, 0 to 1; NaN where it is not known.
    pub probability: f32,
}

/// All faces of a picture.
pub type Faces<'a> = &'a [Seen];

/// What makes a clip. All nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A contact begins a clip when it has held for this long.
    pub hold_ns: u64,
    /// The clip begins this long before the contact did.
    pub pre_ns: u64,
    /// It ends this long after the last face looked away.
    pub post_ns: u64,
    /// It is never longer than this, both of those included.
    pub longest_ns: u64,
    /// For this long after a clip, the faces in it begin no other.
    pub debounce_ns: u64,
}

/// What is to be done with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Go on as before.
    Nothing,
    /// A clip begins: of this face, with the pictures from this time on.
    Begin {
        /// Whose contact it is.
        face: u32,
        /// When it began.
        contact_ns: u64,
        /// When the clip is to begin.
        from_ns: u64,
    },
    /// The clip ends before this picture.
    End(Why),
}

/// Why a clip ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nobody has looked for as long as the post-roll.
    ContactOver,
    /// It became as long as clips may be.
    Longest,
    /// No pictures came any more.
    NoPictures,
    /// The pictures changed their size.
    SizeChanged,
    /// It alone would fill what clips may take on disk.
    NoRoom,
    /// The encoder failed, and another goes on.
    Encoder,
    /// The daemon ends, or its settings changed.
    Stopped,
    /// Recording failed.
    Trouble,
}

impl Why {
    /// As the line beside a clip has it.
    pub fn text(self) -> &'static str {
        match self {
            Why::ContactOver => "contact over",
            Why::Longest => "longest clip",
            Why::NoPictures => "no pictures",
            Why::SizeChanged => "picture size changed",
            Why::NoRoom => "no room",
            Why::Encoder => "another encoder",
            Why::Stopped => "stopped",
            Why::Trouble => "trouble",
        }
    }
}

/// One clip that is being made.
#[derive(Debug, Clone, PartialEq)]
struct Running {
    from_ns: u64,
    contact_at_ns: u64,
    /// Everybody who looked during it, the one who began it first.
    faces: Vec<u32>,
    peak: f32,
}

/// Decides, picture by picture.
#[derive(Debug)]
pub struct Director {
    rules: Rules,
    running: Option<Running>,
    /// By face: until when its clip went.
    filmed: HashMap<u32, u64>,
    /// Who looked during the last clip that ended, and the highest probability.
    last: (Vec<u32>, f32),
}

impl Director {
    /// Nothing runs yet.
    pub fn new(rules: Rules) -> Self {
        Director {
            rules,
            running: None,
            filmed: HashMap::new(),
            last: (Vec::new(), f32::NAN),
        }
    }

    /// What to do with a picture of this time that shows these faces.
    pub fn picture(&mut self, at_ns: u64, faces: Faces) -> Order {
        let Some(clip) = &mut self.running else {
            return self.begin(at_ns, faces);
        };
        for face in faces.iter().filter(|f| f.contact) {
            clip.contact_at_ns = clip.contact_at_ns.max(at_ns);
            clip.peak = clip.peak.max(face.probability);
            if !clip.faces.contains(&face.id) {
                clip.faces.push(face.id);
            }
        }
        let why = if at_ns.saturating_sub(clip.from_ns) >= self.rules.longest_ns {
            Why::Longest
        } else if at_ns.saturating_sub(clip.contact_at_ns) >= self.rules.post_ns {
            Why::ContactOver
        } else {
            return Order::Nothing;
        };
        self.end(at_ns);
        Order::End(why)
    }

    fn begin(&mut self, at_ns: u64, faces: Faces) -> Order {
        let debounce = self.rules.debounce_ns;
        self.filmed
            .retain(|id, &mut ended| at_ns < ended + debounce || faces.iter().any(|f| f.id == *id));
        let held = |f: &&Seen| f.contact && at_ns.saturating_sub(f.since_ns) >= self.rules.hold_ns;
        // One contact makes one clip: after the longest it must look away first.
        let fresh = |f: &&Seen| {
            self.filmed
                .get(&f.id)
                .is_none_or(|&ended| f.since_ns >= ended && at_ns >= ended + debounce)
        };
        let longest = faces
            .iter()
            .filter(held)
            .filter(fresh)
            .min_by_key(|f| f.since_ns);
        let Some(face) = longest else {
            return Order::Nothing;
        };
        let from_ns = face.since_ns.saturating_sub(self.rules.pre_ns);
        self.running = Some(Running {
            from_ns,
            contact_at_ns: at_ns,
            faces: vec![face.id],
            peak: face.probability,
        });
        Order::Begin {
            face: face.id,
            contact_ns: face.since_ns,
            from_ns,
        }
    }

    /// The clip that runs begins here: the first picture that could be had is of this time.
    pub fn begins_at(&mut self, at_ns: u64) {
        if let Some(clip) = &mut self.running {
            clip.from_ns = at_ns;
        }
    }

    /// The clip that runs is over, whatever the rules say.
    pub fn end(&mut self, at_ns: u64) {
        if let Some(clip) = self.running.take() {
            self.filmed.extend(clip.faces.iter().map(|&id| (id, at_ns)));
            self.last = (clip.faces, clip.peak);
        }
    }

    /// Who looked during the last clip that ended, and the highest probability.
    pub fn last(&self) -> (&[u32], f32) {
        (&self.last.0, self.last.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        hold_ns: 500,
        pre_ns: 3000,
        post_ns: 2000,
        longest_ns: 20_000,
        debounce_ns: 10_000,
    };

    fn face(id: u32, contact: bool, since_ns: u64) -> Seen {
        Seen {
            id,
            contact,
            since_ns,
            probability: 0.9,
        }
    }

    #[test]
    fn a_clip_is_held_for_followed_out_and_debounced_per_face() {
        let mut d = Director::new(RULES);
        assert_eq!(d.picture(10_000, &[face(1, true, 9_600)]), Order::Nothing);
        // Who has looked longest, not who is first in the list.
        let two = [face(2, true, 9_590), face(1, true, 9_580)];
        let begun = Order::Begin {
            face: 1,
            contact_ns: 9_580,
            from_ns: 6_580,
        };
        assert_eq!(d.picture(10_100, &two), begun);
        d.begins_at(6_500);
        // A short look away does not end it, nor does the other face's contact begin one.
        assert_eq!(
            d.picture(10_200, &[face(1, false, 10_150), face(2, true, 9_590)]),
            Order::Nothing
        );
        assert_eq!(d.picture(12_199, &[]), Order::Nothing);
        assert_eq!(d.picture(12_200, &[]), Order::End(Why::ContactOver));
        assert_eq!(d.last(), (&[1, 2][..], 0.9));
        // Both are debounced, a third is not.
        let all = [face(1, true, 14_000), face(2, true, 14_000)];
        assert_eq!(d.picture(22_199, &all), Order::Nothing);
        let third = [all[0], all[1], face(3, true, 20_000)];
        assert!(matches!(
            d.picture(22_199, &third),
            Order::Begin { face: 3, .. }
        ));
        d.end(23_000);
        assert!(matches!(
            d.picture(23_100, &all),
            Order::Begin { face: 1, .. }
        ));
    }

    #[test]
    fn a_contact_that_lasts_makes_one_clip_of_the_longest_length() {
        let mut d = Director::new(RULES);
        let stares = [face(7, true, 5_000)];
        assert!(matches!(d.picture(5_500, &stares), Order::Begin { .. }));
        d.begins_at(4_000);
        assert_eq!(d.picture(23_999, &stares), Order::Nothing);
        assert_eq!(d.picture(24_000, &stares), Order::End(Why::Longest));
        for at in [34_000, 60_000, 1_000_000] {
            assert_eq!(d.picture(at, &stares), Order::Nothing);
        }
        // It looked away and back.
        let again = [face(7, true, 1_000_500)];
        assert!(matches!(d.picture(1_001_000, &again), Order::Begin { .. }));
    }
}
