//! The source that never gives a frame: for the ring, the publisher and readers alone.

use std::time::Duration;

use vision::{Frame, PixelFormat};

use super::{FrameSource, Next, SourceError, SourceInfo, SourceKind};

/// Gives nothing, at the pace it is asked.
pub struct NullSource {
    info: SourceInfo,
}

impl NullSource {
    pub fn new() -> Self {
        NullSource {
            info: SourceInfo {
                kind: SourceKind::Null,
                name: "null".into(),
                width: 0,
                height: 0,
                fps: 0.0,
                format: PixelFormat::Gray8,
                live: true,
                frames: Some(0),
            },
        }
    }
}

impl FrameSource for NullSource {
    /// Waits out the whole time limit, so that the caller's loop does not spin.
    fn next(&mut self, _frame: &mut Frame, timeout: Duration) -> Result<Next, SourceError> {
        std::thread::sleep(timeout);
        Ok(Next::Nothing)
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }
}
