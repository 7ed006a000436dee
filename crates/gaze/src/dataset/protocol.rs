//! What `gaze-calib record` and the daemon say to each other: the camera is the daemon's, so
//! the daemon stores the pictures, and only when it is asked to.
//!
//! A Unix socket ([`socket_places`]) that only its owner can reach; one JSON object a line,
//! each with one key that names it. One client at a time; a recording ends when the client
//! goes away, whatever the reason.
//!
//! ```text
//! client  {"record":{"folder":"/home/ada/faces","consent":true,"screen":{"width_px":1512,…}}}
//! daemon  {"ready":{"protocol":1,"folder":"/home/ada/faces","next":1,"pairs":0,"mended":0,"camera":"…"}}
//! client  {"target":{"place":0,"x_px":756.0,"y_px":491.0,"from_ns":81200,"until_ns":99200,"frames":3,"every_ms":120,"prompt":"still"}}
//! daemon  {"stored":{"place":0,"number":1,"frame_index":812,"captured_ns":83100,"head_deg":[1.2,-3.0,0.4],"head_mm":[4.0,31.0,580.0]}}
//! daemon  {"done":{"place":0,"stored":1,"wanted":3,"late":0,"passed_over":{"no_face":2,"eyes_shut":0,"company":0,"bad_picture":0}}}
//! daemon  {"failed":{"kind":"full","why":"no room left for /home/ada/faces: free some space, or record elsewhere"}}
//! ```
//!
//! - `record` comes first and once. `consent` says that the person before the camera was told
//!   that pictures of the face are stored, and agreed; without it nothing is stored. The folder
//!   is absolute.
//! - `target` may come whenever nothing is awaited; one that comes earlier ends the one before
//!   it. Pictures whose light fell in from `from_ns` to `until_ns` (the samples' clock) belong
//!   to it, at least `every_ms` apart, `frames` of them. Stored are pictures with one face, both
//!   eyes of it open, and not just before or after a blink.
//! - `stored` says that a whole pair is in the folder.
//! - `done` ends a target: all frames are stored or its time is over.
//! - `failed` is the daemon's last word; it closes then. What was stored stays.

mod lines;
mod places;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Prompt;
use crate::one_line::one_line;
use crate::screen::Screen;

pub use lines::{LONGEST_LINE, Lines, TooLong, line};
pub use places::socket_places;

/// Number of this language.
pub const PROTOCOL: u32 = 1;

/// What the client says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Begin.
    Record(Begin),
    /// Store pictures of a look at a place.
    Target(Target),
}

/// How a recording begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// Where pairs go; absolute.
    pub folder: PathBuf,
    /// The person agreed to pictures of the face being stored.
    pub consent: bool,
    /// The screen that places are pixels of.
    pub screen: Screen,
}

/// A place that the person is asked to look at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its number in this sitting.
    pub place: u32,
    /// Pixels from the screen's left.
    pub x_px: f64,
    /// Pixels from the screen's top.
    pub y_px: f64,
    /// Pictures of before this are of the way there.
    pub from_ns: u64,
    /// Pictures of after this are of the way to the next place.
    pub until_ns: u64,
    /// How many to store.
    pub frames: u32,
    /// How far apart in time.
    #[serde(default)]
    pub every_ms: u32,
    /// What the person was asked to do.
    pub prompt: Prompt,
}

/// What the daemon says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It can begin.
    Ready(Ready),
    /// A pair is whole.
    Stored(Stored),
    /// A target is over.
    Done(Done),
    /// The recording is over.
    Failed(Failed),
}

/// The folder and the camera at the beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The folder.
    pub folder: PathBuf,
    /// The number of the next pair.
    pub next: u64,
    /// Whole pairs that are there.
    pub pairs: u64,
    /// Of these, the ones that an interrupted recording had left half named.
    pub mended: u64,
    /// The camera's name.
    pub camera: String,
}

/// A pair that is in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// The target's number.
    pub place: u32,
    /// The N of `img_N`.
    pub number: u64,
    /// The source's number of the frame.
    pub frame_index: u64,
    /// When the light fell in.
    pub captured_ns: u64,
    /// Head yaw, pitch, roll, degrees.
    pub head_deg: [f64; 3],
    /// Head place, camera frame, millimetres.
    pub head_mm: [f64; 3],
}

/// How a target ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The target's number.
    pub place: u32,
    /// Pairs stored for it.
    pub stored: u32,
    /// Pairs wanted.
    pub wanted: u32,
    /// Pictures that came while the ones before were still being written.
    pub late: u64,
    /// Pictures that were of no use.
    pub passed_over: PassedOver,
}

/// Why pictures were of no use, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// No face.
    pub no_face: u32,
    /// An eye was not open, or about to shut, or had just been.
    pub eyes_shut: u32,
    /// Somebody else was in the picture, who was not asked.
    pub company: u32,
    /// Frozen or damaged.
    pub bad_picture: u32,
}

impl PassedOver {
    /// The most frequent reason, for people; `None` where there was none.
    pub fn mostly(&self) -> Option<&'static str> {
        let reasons = [
            (self.no_face, "no face was in the picture"),
            (self.eyes_shut, "the eyes were not open"),
            (self.company, "somebody else was in the picture"),
            (self.bad_picture, "the camera's pictures were damaged"),
        ];
        // Of equals the first.
        let most = reasons.into_iter().rev().max_by_key(|r| r.0)?;
        (most.0 > 0).then_some(most.1)
    }
}

/// Why it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    /// For programs.
    pub kind: Trouble,
    /// For people, one line.
    pub why: String,
}

/// Kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Another program records.
    Busy,
    /// Nobody agreed.
    NoConsent,
    /// The disk is full.
    Full,
    /// The folder cannot be written to, or is gone.
    Folder,
    /// The client said something that makes no sense.
    Protocol,
    /// The daemon ends.
    Stopping,
}

impl Request {
    /// Reads a line, without or with its end.
    ///
    /// # Errors
    /// One line that says what makes no sense.
    pub fn parse(line: &[u8]) -> Result<Request, String> {
        let request: Request =
            serde_json::from_slice(line).map_err(|e| format!("not a request: {}", one_line(e)))?;
        match &request {
            Request::Record(begin) => begin.check()?,
            Request::Target(target) => target.check()?,
        }
        Ok(request)
    }
}

impl Begin {
    fn check(&self) -> Result<(), String> {
        let s = &self.screen;
        let place = [s.camera.x_norm, s.camera.above_mm, s.camera.forward_mm];
        let sizes = [s.width_mm, s.height_mm];
        if !self.folder.is_absolute() {
            return Err("the folder must be absolute".into());
        }
        if !(1..=65_536).contains(&s.width_px) || !(1..=65_536).contains(&s.height_px) {
            return Err("the screen must have 1 to 65536 pixels a side".into());
        }
        if !sizes.iter().all(|v| *v > 0.0) || !place.iter().all(|v| v.abs() < 1e5) {
            return Err("the screen's millimetres make no sense".into());
        }
        Ok(())
    }
}

impl Target {
    /// The longest time for one target, seconds.
    const LONGEST_S: u64 = 300;

    fn check(&self) -> Result<(), String> {
        if ![self.x_px, self.y_px].iter().all(|v| v.abs() < 1e6) {
            return Err("x_px and y_px must be pixels of the screen".into());
        }
        if !(1..=1000).contains(&self.frames) || self.every_ms > 60_000 {
            return Err("frames must be 1 to 1000, every_ms at most 60000".into());
        }
        let time = self.until_ns.checked_sub(self.from_ns);
        if !time.is_some_and(|ns| (1..=Self::LONGEST_S * 1_000_000_000).contains(&ns)) {
            let most = Self::LONGEST_S;
            return Err(format!(
                "until_ns must be after from_ns, by {most} s at most"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// Any JSON, three levels deep, with the names and the kinds that a reader looks for.
    pub(crate) fn any_json() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec![
            "x",
            "y",
            "z",
            "Gaze",
            "screen",
            "width_px",
            "height_px",
            "record",
            "target",
            "frames",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-zé\"\\\\]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..6)
                    .prop_map(|all| all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
            ]
        })
    }

    fn requests() -> impl Strategy<Value = Request> {
        let prompt = prop::sample::select(vec![Prompt::Still, Prompt::Left, Prompt::Nearer]);
        let target = (
            (any::<u32>(), -9e5..9e5f64, -9e5..9e5f64, prompt),
            (
                0..1u64 << 60,
                1..300_000_000_000u64,
                1..=1000u32,
                0..=60_000u32,
            ),
        )
            .prop_map(
                |((place, x_px, y_px, prompt), (from_ns, time, frames, every_ms))| {
                    let until_ns = from_ns + time;
                    Request::Target(Target {
                        place,
                        x_px,
                        y_px,
                        from_ns,
                        until_ns,
                        frames,
                        every_ms,
                        prompt,
                    })
                },
            );
        let begin = (
            "/[a-zé \"\\\\\n]{0,20}",
            any::<bool>(),
            1..9000u32,
            1..9000u32,
        )
            .prop_map(|(folder, consent, w, h)| {
                let screen = Screen::laptop(w, h);
                Request::Record(Begin {
                    folder: folder.into(),
                    consent,
                    screen,
                })
            });
        prop_oneof![target, begin]
    }

    proptest! {
        #[test]
        fn what_is_said_arrives_however_it_is_cut(
            said in prop::collection::vec(requests(), 1..6),
            cuts in prop::collection::vec(1..200usize, 1..40),
        ) {
            let stream: Vec<u8> = said.iter().flat_map(line).collect();
            let (mut lines, mut heard, mut rest) = (Lines::default(), vec![], stream.as_slice());
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                lines.take(now);
                while let Some(line) = lines.next_line().unwrap() {
                    heard.push(Request::parse(&line).unwrap());
                }
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(heard, said);
        }

        #[test]
        fn no_bytes_and_no_json_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), value in any_json()) {
            let mut lines = Lines::default();
            lines.take(&bytes);
            while let Ok(Some(line)) = lines.next_line() {
                let _ = Request::parse(&line);
            }
            for key in ["", "record", "target"] {
                let said = if key.is_empty() { value.clone() } else { serde_json::json!({key: value}) };
                if let Err(why) = Request::parse(&line(&said)) {
                    prop_assert!(!why.contains('\n'), "{}", why);
                }
            }
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        let good = r#"{"target":{"place":0,"x_px":1.5,"y_px":2,"from_ns":5,"until_ns":9,"frames":3,"prompt":"still"}}"#;
        assert!(Request::parse(good.as_bytes()).is_ok());
        for (from, to, says) in [
            ("1.5", "1e9", "x_px"),
            ("1.5", "null", "line 1"),
            ("\"frames\":3", "\"frames\":0", "frames"),
            ("\"frames\":3", "\"frames\":-1", "line 1"),
            ("\"until_ns\":9", "\"until_ns\":5", "until_ns"),
            ("\"until_ns\":9", "\"until_ns\":300000000006", "300 s"),
            ("still", "dance", "dance"),
            ("target", "tarantula", "tarantula"),
        ] {
            let why = Request::parse(good.replace(from, to).as_bytes()).unwrap_err();
            assert!(why.contains(says), "{to}: {why}");
        }
        let begin = Begin {
            folder: "faces".into(),
            consent: true,
            screen: Screen::default(),
        };
        for (folder, w, mm, says) in [
            ("faces", 1920, 300.0, "absolute"),
            ("/faces", 0, 300.0, "pixels"),
            ("/faces", 1920, 0.0, "millimetres"),
        ] {
            let mut begin = begin.clone();
            begin.folder = folder.into();
            (begin.screen.width_px, begin.screen.width_mm) = (w, mm);
            let why = Request::parse(&line(&Request::Record(begin))).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn the_most_frequent_reason_is_told() {
        let mut over = PassedOver::default();
        assert_eq!(over.mostly(), None);
        (over.eyes_shut, over.company) = (2, 2);
        assert_eq!(over.mostly(), Some("the eyes were not open"));
    }
}
