//! Tells a frozen picture from a still one. A camera's sensor is never quiet:
//! two frames of the stillest scene differ somewhere in their lowest bits. Frames
//! that are the same byte for byte are one frame delivered again.

use crate::frame::Frame;
use crate::pixels::PixelView;

/// Samples looked at across and down.
const GRID: usize = 64;
/// A picture whose brightness varies by less has nothing on it that could move
/// (a closed shutter): it is empty, not frozen.
const TEXTURE: u8 = 12;

/// Watches for repeated frames.
#[derive(Debug, Clone)]
pub struct FrozenDetector {
    least_frames: u32,
    least_ns: u64,
    last: u64,
    repeats: u32,
    since_ns: u64,
}

impl FrozenDetector {
    /// Frozen means: at least `least_frames` equal frames in a row, over at least `least_ns`.
    pub fn new(least_frames: u32, least_ns: u64) -> FrozenDetector {
        FrozenDetector {
            least_frames,
            least_ns,
            last: 0,
            repeats: 0,
            since_ns: 0,
        }
    }

    /// Whether the frame looked at last was the same as the one before it.
    pub fn repeated(&self) -> bool {
        self.repeats > 1
    }

    /// Takes in the next frame; whether the picture is frozen now.
    pub fn look(&mut self, frame: &Frame) -> bool {
        let Some((hash, texture)) = fingerprint(frame) else {
            self.repeats = 0;
            return false;
        };
        if hash != self.last || self.repeats == 0 || texture < TEXTURE {
            (self.last, self.repeats, self.since_ns) = (hash, 1, frame.captured_ns);
            return false;
        }
        self.repeats = self.repeats.saturating_add(1);
        self.repeats >= self.least_frames
            && frame.captured_ns.saturating_sub(self.since_ns) >= self.least_ns
    }
}

/// FNV-1a over a grid of the brightness samples, and their range.
fn fingerprint(frame: &Frame) -> Option<(u64, u8)> {
    let view = PixelView::of(frame)?;
    let channel = view.brightness();
    let (mut low, mut high) = (u8::MAX, u8::MIN);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for row in 0..GRID {
        let y = row * channel.height / GRID;
        // Every row starts elsewhere, so that no column of the picture is never seen.
        let shift = (row * 37) % GRID;
        for column in 0..GRID {
            let x = (column * GRID + shift) * channel.width / (GRID * GRID);
            let value = channel.bytes[y * channel.stride + x * channel.step];
            (low, high) = (low.min(value), high.max(value));
            hash = (hash ^ u64::from(value)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Some((hash, high - low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::PixelFormat;

    const STEP_NS: u64 = 33_000_000;

    /// A shaded picture; `noise` changes one sample in 50 by one level.
    fn picture(index: u64, noise: bool) -> Frame {
        let mut frame = Frame::default();
        frame.reset(640, 480, PixelFormat::Yuyv);
        for (i, b) in frame.data.iter_mut().enumerate() {
            let flicker = noise && (i as u64 * 31 + index * 7919).is_multiple_of(50);
            *b = (i / 1280 / 4) as u8 + 40 + u8::from(flicker);
        }
        frame.captured_ns = index * STEP_NS;
        frame
    }

    fn verdicts(mut make: impl FnMut(u64) -> Frame) -> Vec<bool> {
        let mut detector = FrozenDetector::new(10, 500_000_000);
        (0..40).map(|i| detector.look(&make(i))).collect()
    }

    #[test]
    fn one_frame_again_and_again_is_frozen_after_half_a_second() {
        let seen = verdicts(|i| picture(i, false));
        assert_eq!(seen.iter().position(|f| *f), Some(16));
        assert!(seen[16..].iter().all(|f| *f));
    }

    #[test]
    fn a_still_scene_with_a_sensor_s_noise_is_not() {
        assert_eq!(verdicts(|i| picture(i, true)), [false; 40]);
    }

    #[test]
    fn it_thaws_at_the_first_other_frame() {
        let seen = verdicts(|i| picture(if i < 30 { 0 } else { i }, i >= 30));
        assert!(!seen[0] && !seen[30] && !seen[39]);
        let mut detector = FrozenDetector::new(3, 0);
        let seen: Vec<_> = [0, 0, 0, 1, 0]
            .map(|i| detector.look(&picture(i, true)))
            .into();
        assert_eq!(seen, [false, false, true, false, false]);
    }

    #[test]
    fn a_closed_shutter_is_dark_not_frozen() {
        let black = |i: u64| {
            let mut frame = Frame::default();
            frame.reset(640, 480, PixelFormat::Nv12);
            frame.data.fill(16);
            frame.data[640 * 480..].fill(128);
            frame.captured_ns = i * STEP_NS;
            frame
        };
        assert_eq!(verdicts(black), [false; 40]);
    }
}
