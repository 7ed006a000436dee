//! Tells a frozen picture from a still one. A camera's sensor is never quiet:
//! two frames of the stillest scene differ somewhere in their lowest bits. Frames
//! that are the same byte for byte are one frame delivered again: the last one, or, where a
//! driver's buffers are no longer filled and go round, one of the last few.

use crate::frame::Frame;
use crate::pixels::PixelView;

/// Samples looked at across and down.
const GRID: usize = 64;
/// A picture whose brightness varies by less has nothing on it that could move
/// (a closed shutter): it is empty, not frozen.
const TEXTURE: u8 = 12;

/// Buffers that a driver may go round: the most pictures that are remembered.
pub const MOST_BUFFERS: usize = 8;

/// Watches for repeated frames.
#[derive(Debug, Clone)]
pub struct FrozenDetector {
    least_frames: u32,
    least_ns: u64,
    /// The last different pictures, so many of them, the next to be forgotten at `oldest`.
    seen: [u64; MOST_BUFFERS],
    known: usize,
    remembered: usize,
    oldest: usize,
    repeats: u32,
    since_ns: u64,
}

impl FrozenDetector {
    /// Frozen means: at least `least_frames` frames in a row, over at least `least_ns`, that
    /// were all seen before among the last `buffers` different ones (1 to [`MOST_BUFFERS`];
    /// 1: they are equal).
    pub fn new(least_frames: u32, least_ns: u64, buffers: usize) -> FrozenDetector {
        FrozenDetector {
            least_frames,
            least_ns,
            seen: [0; MOST_BUFFERS],
            known: 0,
            remembered: buffers.clamp(1, MOST_BUFFERS),
            oldest: 0,
            repeats: 0,
            since_ns: 0,
        }
    }

    /// Whether the frame looked at last was the same as the one before it, or as another of
    /// the last few.
    pub fn repeated(&self) -> bool {
        self.repeats > 1
    }

    /// Takes in the next frame; whether the picture is frozen now.
    pub fn look(&mut self, frame: &Frame) -> bool {
        let Some((hash, texture)) = fingerprint(frame) else {
            (self.repeats, self.known, self.oldest) = (0, 0, 0);
            return false;
        };
        let known = self.seen[..self.known].contains(&hash);
        if !known || texture < TEXTURE {
            if !known {
                self.seen[self.oldest] = hash;
                self.oldest = (self.oldest + 1) % self.remembered;
                self.known = (self.known + 1).min(self.remembered);
            }
            (self.repeats, self.since_ns) = (1, frame.captured_ns);
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
        let mut detector = FrozenDetector::new(10, 500_000_000, MOST_BUFFERS);
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
        let mut detector = FrozenDetector::new(3, 0, 1);
        let seen: Vec<_> = [0, 0, 0, 1, 0]
            .map(|i| detector.look(&picture(i, true)))
            .into();
        assert_eq!(seen, [false, false, true, false, false]);
    }

    #[test]
    fn buffers_that_go_round_are_no_living_picture() {
        for buffers in 2..=MOST_BUFFERS as u64 {
            // Twenty living frames, then the last few of them again and again.
            let index = |i: u64| {
                if i < 20 {
                    i
                } else {
                    20 - buffers + i % buffers
                }
            };
            let seen = verdicts(|i| Frame {
                captured_ns: i * STEP_NS,
                ..picture(index(i), true)
            });
            assert_eq!(seen[..34], [false; 34], "{buffers}");
            assert!(
                seen[36..].iter().all(|frozen| *frozen),
                "{buffers}: {seen:?}"
            );
        }
        // A file of few pictures that is shown again and again is what it is.
        let mut file = FrozenDetector::new(10, 500_000_000, 1);
        assert!((0..40).all(|i| !file.look(&picture(i % 3, true))));
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
