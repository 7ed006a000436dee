//! From a picture and what was seen in it to the two files of a pair.

use gaze::dataset::protocol::{PassedOver, Target};
use gaze::dataset::{Inference, Record, Recording, SCHEMA, Sight, Tracked, Xyz};
use gaze::landmarks::{INNER_CORNER, OUTER_CORNER};
use gaze::ray::Ray;
use gaze::screen::Screen;
use nalgebra::Vector3;
use ring::layout::{AssistantNote, Region};

use super::jpeg::{self, QUALITY};
use super::tap::Shot;
use crate::pipeline::measurement::{FaceMeasurement, Measurement};

/// The two files of a pair, and what the client is told of it.
pub(super) struct Pair {
    pub jpeg: Vec<u8>,
    pub json: Vec<u8>,
    pub head_deg: [f64; 3],
    pub head_mm: [f64; 3],
}

/// Two clocks at one moment: the samples' and the calendar's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub clock_ns: u64,
    pub unix_ms: u64,
}

impl Moment {
    pub fn now() -> Moment {
        let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Moment {
            clock_ns: ring::clock::now_ns(),
            unix_ms: unix.map_or(0, |t| t.as_millis() as u64),
        }
    }

    /// When something was by the calendar.
    fn calendar_ms(self, clock_ns: u64) -> u64 {
        let ago = self.clock_ns.saturating_sub(clock_ns) / 1_000_000;
        self.unix_ms.saturating_sub(ago)
    }
}

/// Whether the picture is of use; counts why not. What the lids do before and after it is not
/// asked here.
pub(super) fn is_usable(shot: &Shot, over: &mut PassedOver) -> bool {
    usable(shot, over).is_some()
}

/// Makes the files of a pair, or counts why the picture is of no use.
pub(super) fn pair(
    shot: &Shot,
    target: &Target,
    screen: &Screen,
    camera_name: &str,
    now: Moment,
    assistant: &AssistantNote,
    over: &mut PassedOver,
) -> Option<Pair> {
    let (measurement, face, camera) = usable(shot, over)?;
    let mut bytes = Vec::with_capacity(shot.frame.data.len() / 4);
    if jpeg::encode(&shot.frame, &mut bytes).is_err() {
        over.bad_picture += 1;
        return None;
    }
    let head_deg = face.head_deg.map(|v| rounded(v, 1e3));
    let head_mm = face.head_mm.map(|v| rounded(v, 1e2));
    let record = Record {
        timestamp: now.calendar_ms(measurement.captured_ns),
        screen_x: target.x_px,
        screen_y: target.y_px,
        inference: Inference {
            gaze: tracked(shot, face),
        },
        moondream_result: by_assistant(assistant, target, screen, now.clock_ns),
        recording: Recording {
            schema: SCHEMA,
            screen: *screen,
            camera,
            camera_name: camera_name.to_owned(),
            prompt: target.prompt,
            place: target.place,
            frame_index: measurement.frame_index,
            captured_ns: measurement.captured_ns,
            head_mm,
            openness: face.openness.map(|v| rounded(v, 1e3)),
            gaze: face.gaze.map(|g| Sight {
                origin_mm: <[f64; 3]>::from(g.combined.origin).map(|v| rounded(v, 1e2)),
                direction: <[f64; 3]>::from(g.combined.direction).map(|v| rounded(v, 1e6)),
                confidence: rounded(g.confidence, 1e3),
            }),
            quality: QUALITY,
            jpeg_bytes: bytes.len() as u64,
        },
    };
    // Numbers, texts and no map with other keys than texts: this cannot fail.
    let mut json = serde_json::to_vec(&record).unwrap_or_default();
    json.push(b'\n');
    Some(Pair {
        jpeg: bytes,
        json,
        head_deg,
        head_mm,
    })
}

/// One face, both eyes open, a sound picture; counts what is missing.
fn usable<'a>(
    shot: &'a Shot,
    over: &mut PassedOver,
) -> Option<(
    &'a Measurement,
    &'a FaceMeasurement,
    gaze::camera::Intrinsics,
)> {
    let count = match (&shot.measurement, shot.camera) {
        (Some(m), _) if m.frozen || m.fault || !shot.frame.is_sound() => &mut over.bad_picture,
        // Somebody who was not asked; and whose eyes would the label be about?
        (Some(m), _) if m.table.count > 1 => &mut over.company,
        (Some(m), Some(camera)) => match &m.face {
            Some(face) if face.open == [true; 2] => return Some((m, face, camera)),
            Some(_) => &mut over.eyes_shut,
            None => &mut over.no_face,
        },
        _ => &mut over.no_face,
    };
    *count += 1;
    None
}

/// What the user's format has of a face: middle between the corners of each eye, head, points.
fn tracked(shot: &Shot, face: &FaceMeasurement) -> Tracked {
    let lm = &shot.landmarks;
    let point = |[x, y, z]: [f32; 3]| Xyz::from([x, y, z].map(|v| rounded(f64::from(v), 1e2)));
    let eye = |i: usize| {
        let (a, b) = (lm[OUTER_CORNER[i]], lm[INNER_CORNER[i]]);
        point([(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0, 0.0])
    };
    let [yaw, pitch, roll] = face.head_deg;
    let ahead = Ray::from_yaw_pitch(Vector3::zeros(), yaw, pitch).direction;
    Tracked {
        left_eye: eye(0),
        right_eye: eye(1),
        yaw: rounded(yaw, 1e3),
        pitch: rounded(pitch, 1e3),
        roll: rounded(roll, 1e3),
        vector: Xyz::from(<[f64; 3]>::from(ahead).map(|v| rounded(v, 1e6))),
        landmarks: Some(lm.iter().map(|p| point(*p)).collect()),
    }
}

/// What the assistant said of a picture that was taken while this target was shown: the middle
/// of its region in pixels of the screen; z is 1 where the gaze of that picture was in the same
/// region, −1 where it was in another one, 0 where it was not known. Zeros where it said nothing.
fn by_assistant(note: &AssistantNote, target: &Target, screen: &Screen, now_ns: u64) -> Xyz {
    let of_target = (target.from_ns..=target.until_ns).contains(&note.captured_ns);
    let middle = note.region().middle();
    let Some([x, y]) = middle.filter(|_| of_target && note.is_fresh(now_ns)) else {
        return Xyz::default();
    };
    let z = match note.gaze_region() {
        Region::None => 0.0,
        gaze if gaze == note.region() => 1.0,
        _ => -1.0,
    };
    let (w, h) = (f64::from(screen.width_px), f64::from(screen.height_px));
    Xyz::from([rounded(x * w, 1e2), rounded(y * h, 1e2), z])
}

/// To so many parts of one: short files.
fn rounded(v: f64, parts: f64) -> f64 {
    // Adding 0 makes −0 into 0.
    (v * parts).round() / parts + 0.0
}

/// A small picture of one face.
#[cfg(test)]
pub(super) fn example(captured_ns: u64, openness: f64) -> Box<Shot> {
    let mut frame = vision::Frame::default();
    frame.reset(8, 8, vision::PixelFormat::Gray8);
    frame.captured_ns = captured_ns;
    Box::new(Shot {
        frame,
        measurement: Some(Measurement {
            frame_index: 1,
            captured_ns,
            perceived_ns: captured_ns + 1,
            frozen: false,
            fault: false,
            network: Default::default(),
            face: Some(FaceMeasurement {
                id: 1,
                openness: [openness; 2],
                seen: true,
                gap_mm: [gaze::eyes::CLOSED_MM + 5.0 * openness; 2],
                open: [openness >= gaze::eyes::OPEN_FROM; 2],
                head_deg: [0.0; 3],
                head_mm: [0.0, 0.0, 600.0],
                gaze: None,
            }),
            table: ring::layout::FaceTable {
                count: 1,
                ..Default::default()
            },
        }),
        landmarks: [[1.0; 3]; gaze::landmarks::COUNT],
        camera: Some(gaze::camera::Intrinsics::from_fov(8, 8, 60.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_time_is_the_lights() {
        let now = Moment {
            clock_ns: 5_000_000_000,
            unix_ms: 1_700_000_000_000,
        };
        assert_eq!(now.calendar_ms(4_750_000_000), 1_699_999_999_750);
        assert_eq!(now.calendar_ms(5_000_000_001), 1_700_000_000_000);
    }

    #[test]
    fn the_assistants_word_is_the_targets_or_none() {
        let screen = Screen::laptop(1500, 900);
        let target = Target {
            place: 0,
            x_px: 1.0,
            y_px: 1.0,
            from_ns: 100,
            until_ns: 200,
            frames: 1,
            every_ms: 0,
            prompt: gaze::dataset::Prompt::Still,
        };
        let said = AssistantNote {
            region: Region::TopRight.raw(),
            gaze_region: Region::TopRight.raw(),
            captured_ns: 150,
            fresh_ms: 1,
            ..AssistantNote::default()
        };
        let of = |note: &AssistantNote, now| {
            let Xyz { x, y, z } = by_assistant(note, &target, &screen, now);
            [x, y, z]
        };
        assert_eq!(of(&said, 160), [1250.0, 150.0, 1.0]);
        let with = |gaze: Region| AssistantNote {
            gaze_region: gaze.raw(),
            ..said
        };
        assert_eq!(of(&with(Region::BottomLeft), 160)[2], -1.0);
        assert_eq!(of(&with(Region::None), 160), [1250.0, 150.0, 0.0]);
        // Of the target before, too old, nothing said.
        let before = AssistantNote {
            captured_ns: 99,
            ..said
        };
        assert_eq!(of(&before, 160), [0.0; 3]);
        assert_eq!(of(&said, 2_000_000), [0.0; 3]);
        assert_eq!(of(&AssistantNote { region: 0, ..said }, 160), [0.0; 3]);
    }

    #[test]
    fn only_one_face_with_open_eyes_in_a_sound_picture_is_of_use() {
        let mut good = *example(1, 1.0);
        let seen = good.measurement.unwrap();
        let mut over = PassedOver::default();
        assert!(usable(&good, &mut over).is_some());
        assert_eq!(over, PassedOver::default());
        let mut with = |change: fn(&mut Measurement, &mut Shot)| {
            let (mut m, mut over) = (seen, PassedOver::default());
            change(&mut m, &mut good);
            good.measurement = Some(m);
            assert!(usable(&good, &mut over).is_none());
            let PassedOver {
                no_face,
                eyes_shut,
                company,
                bad_picture,
            } = over;
            [no_face, eyes_shut, company, bad_picture]
        };
        // A bystander is told by the number of faces alone.
        assert_eq!(with(|m, _| m.table.count = 2), [0, 0, 1, 0]);
        let one_eye = |m: &mut Measurement, _: &mut Shot| {
            m.face.as_mut().unwrap().open = [true, false];
        };
        assert_eq!(with(one_eye), [0, 1, 0, 0]);
        assert_eq!(with(|m, _| m.face = None), [1, 0, 0, 0]);
        assert_eq!(with(|m, _| m.frozen = true), [0, 0, 0, 1]);
        assert_eq!(with(|m, _| m.fault = true), [0, 0, 0, 1]);
        assert_eq!(with(|_, s| s.frame.data.clear()), [0, 0, 0, 1]);
    }
}
