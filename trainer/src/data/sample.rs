//! One labelled picture, prepared.

use super::cache::wire::{Reader, Writer};

/// A labelled picture: where was looked, and what our own chain measured in it.
///
/// Angles are degrees, lengths millimetres of the camera's frame (x right, y down, z away);
/// eyes by their side in the image, image-left first.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// Who; of [`CacheHeader::persons`](super::cache::CacheHeader::persons).
    pub person: u16,
    /// Which sitting; of [`CacheHeader::sessions`](super::cache::CacheHeader::sessions).
    pub session: u16,
    /// Which place on the screen; of [`CacheHeader::targets`](super::cache::CacheHeader::targets).
    /// The same place in another session has the same number as long as the screen is the same.
    pub target: u16,
    /// Of [`CacheHeader::screens`](super::cache::CacheHeader::screens).
    pub screen: u16,
    /// Of [`CacheHeader::files`](super::cache::CacheHeader::files).
    pub file: u32,
    /// Milliseconds since 1970; 0 where the label does not say.
    pub timestamp_ms: u64,
    /// Where was looked: (0, 0) the screen's top left, (1, 1) its bottom right.
    pub target_norm: [f32; 2],
    /// Unit vector from between the eyes to the target: by the label's truth, or by the
    /// screen's size and the camera's place. None where neither is known.
    pub ray: Option<[f32; 3]>,
    /// Between the eyes, by our head pose: where a network's ray starts.
    pub origin_mm: [f32; 3],
    /// Our head pose: yaw (to the image's right), pitch (up), roll (clockwise).
    pub head_deg: [f32; 3],
    /// Middles of both eyes ÷ the picture's width and height (left x, y, right x, y), and
    /// their distance ÷ its width.
    pub eye_position: [f32; 5],
    /// Which eyes are open.
    pub open: [bool; 2],
    /// Unit vector of our geometric line of sight …
    pub geometric: Option<[f32; 3]>,
    /// … and where it starts: between the eyeballs.
    pub geometric_mm: [f32; 3],
    /// Yaw, pitch and roll as recorded; the signs are the recorder's.
    pub json_head_deg: Option<[f32; 3]>,
    /// Recorded eyes ÷ the picture's width and height: left x, y, right x, y.
    pub json_eyes: Option<[f32; 4]>,
    /// Recorded irises' offset from the middle of the eyes' corners, over the eyes' width, mean
    /// of both eyes; where the label has the face's 478 landmarks.
    pub json_iris: Option<[f32; 2]>,
    /// Width and height of the picture, pixels.
    pub image_px: [u16; 2],
    /// Mean of both crops, 0 black … 1 white.
    pub brightness: f32,
}

impl Sample {
    /// Bytes of a stored sample.
    pub const BYTES: usize =
        4 * 2 + 4 + 8 + 2 * 4 + 3 * 4 * 2 + 5 * 4 + 1 + (4 * 3 + 4 + 2) * 4 + 4 + 4;

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut w = Writer(out);
        for v in [self.person, self.session, self.target, self.screen] {
            w.u16(v);
        }
        w.u32(self.file);
        w.u64(self.timestamp_ms);
        w.f32s(&self.target_norm);
        w.f32s(&self.origin_mm);
        w.f32s(&self.head_deg);
        w.f32s(&self.eye_position);
        let flags = [
            self.open[0],
            self.open[1],
            self.ray.is_some(),
            self.geometric.is_some(),
            self.json_head_deg.is_some(),
            self.json_eyes.is_some(),
            self.json_iris.is_some(),
        ];
        w.u8((0..).zip(flags).map(|(i, f)| u8::from(f) << i).sum());
        w.f32s(&self.ray.unwrap_or_default());
        w.f32s(&self.geometric.unwrap_or_default());
        w.f32s(&self.geometric_mm);
        w.f32s(&self.json_head_deg.unwrap_or_default());
        w.f32s(&self.json_eyes.unwrap_or_default());
        w.f32s(&self.json_iris.unwrap_or_default());
        w.u16(self.image_px[0]);
        w.u16(self.image_px[1]);
        w.f32s(&[self.brightness]);
    }

    pub(super) fn read(r: &mut Reader) -> Option<Sample> {
        let [person, session, target, screen] = [r.u16()?, r.u16()?, r.u16()?, r.u16()?];
        let (file, timestamp_ms) = (r.u32()?, r.u64()?);
        let (target_norm, origin_mm, head_deg) = (r.f32s()?, r.f32s()?, r.f32s()?);
        let eye_position = r.f32s()?;
        let flags = r.u8()?;
        let flag = |i: u8| flags >> i & 1 == 1;
        Some(Sample {
            person,
            session,
            target,
            screen,
            file,
            timestamp_ms,
            target_norm,
            origin_mm,
            head_deg,
            eye_position,
            open: [flag(0), flag(1)],
            ray: Some(r.f32s()?).filter(|_| flag(2)),
            geometric: Some(r.f32s()?).filter(|_| flag(3)),
            geometric_mm: r.f32s()?,
            json_head_deg: Some(r.f32s()?).filter(|_| flag(4)),
            json_eyes: Some(r.f32s()?).filter(|_| flag(5)),
            json_iris: Some(r.f32s()?).filter(|_| flag(6)),
            image_px: [r.u16()?, r.u16()?],
            brightness: r.f32s::<1>()?[0],
        })
    }
}
