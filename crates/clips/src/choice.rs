//! Encoders to choose from: the next one takes over where one fails.

use crate::encode::{Coded, EncodeError, Encoder, OpenH264, Parameters};
use crate::yuv::Yuv;

/// Makes an encoder for that many pictures and bits a second.
pub type MakeEncoder = Box<dyn Fn(f64, u32) -> Result<Box<dyn Encoder>, EncodeError> + Send>;

/// Names of encoders and how each is made, the best first.
pub type Encoders = Vec<(&'static str, MakeEncoder)>;

/// OpenH264 alone.
pub fn open_h264() -> Encoders {
    let make = |fps, bits| Ok(Box::new(OpenH264::new(fps, bits)?) as Box<dyn Encoder>);
    vec![("OpenH264", Box::new(make))]
}

/// The system's own where it has one, VideoToolbox on a Mac, then OpenH264.
pub fn encoders() -> Encoders {
    #[cfg(target_os = "macos")]
    let first: Encoders = {
        use crate::videotoolbox::VideoToolbox;
        let make = |fps, bits| Ok(Box::new(VideoToolbox::new(fps, bits)) as Box<dyn Encoder>);
        vec![("VideoToolbox", Box::new(make))]
    };
    #[cfg(not(target_os = "macos"))]
    let first = Encoders::new();
    first.into_iter().chain(open_h264()).collect()
}

/// The encoder that is at work, and those that could take over.
pub(crate) struct Choice {
    all: Encoders,
    chosen: usize,
    made: Option<Box<dyn Encoder>>,
    note: Option<String>,
}

impl Choice {
    pub fn new(all: Encoders) -> Self {
        Choice {
            all,
            chosen: 0,
            made: None,
            note: None,
        }
    }

    /// Codes a picture; one encoder codes all of them until [`Choice::restart`].
    pub fn encode(
        &mut self,
        picture: &Yuv,
        at_ns: u64,
        key: bool,
        (fps, bits): (f64, u32),
    ) -> Result<Coded, EncodeError> {
        let encoder = match (&mut self.made, self.all.get(self.chosen)) {
            (Some(made), _) => made,
            (none, Some((_, make))) => none.insert(make(fps, bits)?),
            (None, None) => return Err(EncodeError::Missing("no encoder")),
        };
        encoder.encode(picture, at_ns, key)
    }

    /// Of the pictures since the last [`Choice::restart`].
    pub fn parameters(&self) -> Option<&Parameters> {
        self.made.as_ref()?.parameters()
    }

    /// The next picture is the first of a new stream.
    pub fn restart(&mut self) {
        self.made = None;
    }

    /// After a failure: the next encoder is to begin a new stream. False if there is none.
    pub fn next(&mut self, failed: &EncodeError) -> bool {
        self.restart();
        let [Some(before), Some(next)] = [0, 1].map(|i| self.all.get(self.chosen + i)) else {
            return false;
        };
        self.note = Some(format!("{} in place of {}: {failed}", next.0, before.0));
        self.chosen += 1;
        true
    }

    /// Why it is not the first encoder that is at work, one line.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }
}
