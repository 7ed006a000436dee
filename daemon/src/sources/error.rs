//! What can go wrong with a source of frames, named after what a person can do.

use crate::exit::Exit;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The system does not let us use the device: grant it.
    PermissionDenied,
    /// Another program has the device: close it.
    DeviceBusy,
    /// There is no such device: plug it in or choose another.
    DeviceNotAvailable,
    /// The device was there and is gone, or has fallen silent: plug it in again.
    DeviceLost,
    /// Layout, codec or profile we do not take: convert or choose another.
    UnsupportedFormat,
    /// No such file or folder: correct the path.
    NotFound,
    /// The file is there and cannot be understood.
    Unreadable,
    /// The file ends before what its own header promises.
    Truncated,
    /// A picture of zero size or larger than we take.
    BadSize,
}

/// Where frames come from, as far as errors are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A device: it may come back, so opening it again makes sense.
    Camera,
    /// A file or folder: it stays as it is.
    File,
}

/// A source's trouble in one line: where, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}; {todo}")]
pub struct SourceError {
    kind: ErrorKind,
    origin: Origin,
    place: String,
    what: String,
    todo: String,
}

/// One line whatever a driver or a file put into it.
fn one_line(text: impl Into<String>) -> String {
    let text = text.into();
    let parts: Vec<_> = text
        .split(|c: char| c.is_control())
        .filter(|s| !s.is_empty())
        .collect();
    gaze::one_line::one_line(parts.join(" "))
}

impl SourceError {
    /// An error of `kind`: `place` names the file or device, `what` says what is
    /// wrong there, `todo` what the person can do.
    pub fn new(
        kind: ErrorKind,
        origin: Origin,
        place: impl Into<String>,
        what: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        SourceError {
            kind,
            origin,
            place: one_line(place),
            what: one_line(what),
            todo: one_line(todo),
        }
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether a device or a file is at fault.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Whether opening the source again, after a pause, can help: cameras are
    /// plugged in, freed and permitted while we wait; a broken file stays broken.
    pub fn is_recoverable(&self) -> bool {
        self.origin == Origin::Camera
    }

    /// The exit code of a command that cannot go on without this source.
    pub fn exit(&self) -> Exit {
        match self.origin {
            Origin::Camera => Exit::Camera,
            Origin::File => Exit::Source,
        }
    }
}

/// What the parsers and decoders of one file say before they know its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub kind: ErrorKind,
    pub what: String,
    pub todo: &'static str,
}

impl Flaw {
    pub fn new(kind: ErrorKind, what: impl Into<String>, todo: &'static str) -> Self {
        Flaw {
            kind,
            what: what.into(),
            todo,
        }
    }

    /// The header or a picture contradicts itself.
    pub fn damaged(what: impl Into<String>) -> Self {
        Flaw::new(
            ErrorKind::Unreadable,
            what,
            "copy the file again or use another",
        )
    }

    /// The bytes stop too early.
    pub fn truncated(what: impl Into<String>) -> Self {
        Flaw::new(ErrorKind::Truncated, what, "copy the file again, whole")
    }

    /// Fine as it is, but nothing we can play.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Flaw::new(
            ErrorKind::UnsupportedFormat,
            what,
            "convert it: ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p OUT.mp4",
        )
    }

    pub fn at(self, place: impl Into<String>) -> SourceError {
        SourceError::new(self.kind, Origin::File, place, self.what, self.todo)
    }
}

impl From<std::io::Error> for Flaw {
    fn from(e: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        match e.kind() {
            Io::NotFound => Flaw::new(
                ErrorKind::NotFound,
                "there is no such file or folder",
                "check the path",
            ),
            Io::PermissionDenied => Flaw::new(
                ErrorKind::Unreadable,
                "you may not read it",
                "give yourself read permission (chmod u+r)",
            ),
            Io::UnexpectedEof => Flaw::truncated("it ends too early"),
            _ => Flaw::new(
                ErrorKind::Unreadable,
                format!("reading failed: {e}"),
                "check the path and the disk",
            ),
        }
    }
}
