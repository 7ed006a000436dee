//! The numbers that stand for words: flags, states, reasons.

/// Bits of [`Sample::flags`](super::Sample::flags).
pub mod flags {
    /// A face is in the picture.
    pub const FACE: u32 = 1 << 0;
    /// The eye on the image's left is open.
    pub const LEFT_OPEN: u32 = 1 << 1;
    /// The eye on the image's right is open.
    pub const RIGHT_OPEN: u32 = 1 << 2;
    /// Both eyes are open.
    pub const EYES_OPEN: u32 = 1 << 3;
    /// `x`, `y` may be used. Without it they hold the last place, or NaN.
    pub const VALID: u32 = 1 << 4;
    /// The point comes from a picture that is new with this sample.
    pub const MEASURED: u32 = 1 << 5;
    /// The point is the filter's prediction between two pictures.
    pub const PREDICTED: u32 = 1 << 6;
    /// `cal_x`, `cal_y` went through a person's calibration.
    pub const CALIBRATED: u32 = 1 << 7;
    /// The camera repeats one picture: nothing here is fresh.
    pub const STALE: u32 = 1 << 8;
    /// The eyes are in flight between two places.
    pub const SACCADE: u32 = 1 << 9;
    /// Made by the demo: nobody is looking.
    pub const DEMO: u32 = 1 << 10;
    /// Paused by the user: the camera is closed.
    pub const PAUSED: u32 = 1 << 11;
    /// The calibration no longer fits: ask for a new one.
    pub const RECALIBRATE: u32 = 1 << 12;
    /// Only good for large regions: uncalibrated, or by a poor calibration.
    pub const COARSE: u32 = 1 << 13;
    /// The eyes rest on one place.
    pub const FIXATION: u32 = 1 << 14;
}

/// Bits of the header's word that says whether pictures of the camera are being stored; 0
/// where none are. Versions 1 and 2 knew 0 and 1 only.
pub mod recording {
    /// Labelled pictures, for a client that asked for them.
    pub const PICTURES: u32 = 1 << 0;
    /// A clip of a moment of eye contact.
    pub const CLIP: u32 = 1 << 1;
}

/// Bits of [`EngineNote::flags`](super::EngineNote::flags).
pub mod engine {
    /// A network is not computed by what the settings ask for.
    pub const FELL_BACK: u32 = 1 << 0;
    /// A network is being compiled, which may take minutes and happens once.
    pub const COMPILING: u32 = 1 << 1;
    /// The system does not let the threads go before others.
    pub const REALTIME_DENIED: u32 = 1 << 2;
}

/// Makes an enum that is stored as a number and survives unknown ones.
macro_rules! codes {
    ($(#[$about:meta])* $name:ident: $repr:ty, unknown = $unknown:ident;
     $($(#[$doc:meta])* $variant:ident = $value:literal, $text:literal;)*) => {
        $(#[$about])*
        #[repr($repr)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant = $value),* }

        impl $name {
            /// Every value, in order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// From its number; one that a later version added reads as
            #[doc = concat!("[`", stringify!($unknown), "`](Self::", stringify!($unknown), ").")]
            pub const fn from_raw(raw: $repr) -> Self {
                match raw { $($value => Self::$variant,)* _ => Self::$unknown }
            }

            /// Its number.
            pub const fn raw(self) -> $repr { self as $repr }

            /// One short phrase for a person.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.text())
            }
        }
    };
}

codes! {
    /// What the daemon is doing.
    State: u8, unknown = Fault;
    /// It has begun, and has no camera or network yet.
    Starting = 0, "starting";
    /// Pictures come in.
    Running = 1, "running";
    /// The user paused it; the camera is closed.
    Paused = 2, "paused";
    /// There is no camera, or it went away; it keeps trying.
    NoCamera = 3, "no camera";
    /// The system does not let it use the camera.
    PermissionDenied = 4, "permission denied";
    /// Another program holds the camera; it keeps trying.
    CameraBusy = 5, "camera busy";
    /// The clip is over.
    Ended = 6, "source ended";
    /// Something is wrong; the reason and the text say what.
    Fault = 7, "fault";
    /// It ended cleanly.
    Stopped = 8, "stopped";
}

codes! {
    /// Why a sample is not what an app hopes for, as far as an app or its user
    /// can do something about it.
    Reason: u16, unknown = Fault;
    /// Nothing is wrong.
    None = 0, "ok";
    /// The daemon is starting.
    Starting = 1, "starting";
    /// No face in the picture: sit in front of the camera, switch on a light.
    NoFace = 2, "no face";
    /// The eyes are closed or covered.
    EyesClosed = 3, "eyes closed";
    /// The camera repeats one picture.
    Stale = 4, "frozen picture";
    /// The camera is open but sends nothing.
    NoFrames = 5, "no frames";
    /// Another program holds the camera: close it.
    CameraBusy = 6, "camera busy";
    /// The camera was unplugged: plug it in.
    CameraLost = 7, "camera lost";
    /// The system refuses the camera: allow it in the settings.
    PermissionDenied = 8, "permission denied";
    /// Paused by the user.
    Paused = 9, "paused";
    /// A face, but a point not worth using: glare, extreme pose, too far.
    LowConfidence = 10, "low confidence";
    /// The network is missing or damaged.
    NoNetwork = 11, "no network";
    /// The clip is over.
    SourceEnded = 12, "source ended";
    /// Something is wrong inside; the header's text says what.
    Fault = 13, "fault";
    /// There is no camera.
    NoCamera = 14, "no camera";
    /// Pictures come that cannot be used: size zero, too large, undecodable.
    BadFrame = 15, "unusable frame";
    /// The gaze points away from the screen's plane.
    OffScreen = 16, "gaze off screen";
    /// The daemon has ended.
    Stopped = 17, "stopped";
}

codes! {
    /// Where the pictures come from.
    SourceKind: u8, unknown = None;
    /// Nowhere yet.
    None = 0, "none";
    /// A camera.
    Camera = 1, "camera";
    /// A video file.
    Clip = 2, "clip";
    /// A folder of pictures or a GIF.
    Pictures = 3, "pictures";
    /// The bundled demo.
    Demo = 4, "demo";
    /// The empty source.
    Null = 5, "null";
}

codes! {
    /// How it stands with the calibration.
    CalibrationStatus: u32, unknown = Unknown;
    /// The writer does not say (an older one).
    Unknown = 0, "unknown";
    /// There is none for this person, camera and display.
    None = 1, "none";
    /// One is in force.
    InForce = 2, "in force";
    /// There is none in force: the file that is there was refused.
    Refused = 3, "refused";
    /// One is in force, and the file that should replace it was refused.
    Kept = 4, "in force, a newer file was refused";
}

codes! {
    /// How it stands with clips of the moments of eye contact.
    ClipsStatus: u32, unknown = Unknown;
    /// The writer does not say (an older one).
    Unknown = 0, "unknown";
    /// They are switched off.
    Off = 1, "off";
    /// It waits for a contact; the last seconds are in memory only.
    Watching = 2, "watching";
    /// One is being written.
    Recording = 3, "recording";
    /// It failed; the note's text says why.
    Stopped = 4, "stopped";
}

codes! {
    /// What computes the networks.
    Provider: u32, unknown = Unknown;
    /// The writer does not say (an older one), or runs no networks.
    Unknown = 0, "unknown";
    /// The processor.
    Cpu = 1, "cpu";
    /// Apple's CoreML.
    Coreml = 2, "coreml";
    /// Some of them CoreML, the others the processor.
    Mixed = 3, "coreml and cpu";
}

codes! {
    /// How it stands with the assistant, a vision-language model that is asked now and then.
    AssistantStatus: u32, unknown = Unknown;
    /// The writer does not say (an older one).
    Unknown = 0, "unknown";
    /// It is switched off.
    Off = 1, "off";
    /// It is on and has not answered yet.
    Waiting = 2, "waiting";
    /// It answered the last question.
    Answering = 3, "answering";
    /// It did not; the note's text says why.
    Failing = 4, "failing";
}

codes! {
    /// One of nine parts of the screen, as the person before it sees them.
    Region: u32, unknown = None;
    /// None of them, or not known.
    None = 0, "none";
    /// The upper row, from the person's left.
    TopLeft = 1, "top left";
    /// See `TopLeft`.
    TopCenter = 2, "top center";
    /// See `TopLeft`.
    TopRight = 3, "top right";
    /// The row in the middle.
    MiddleLeft = 4, "middle left";
    /// The middle of the screen.
    MiddleCenter = 5, "middle center";
    /// The row in the middle.
    MiddleRight = 6, "middle right";
    /// The lower row.
    BottomLeft = 7, "bottom left";
    /// See `BottomLeft`.
    BottomCenter = 8, "bottom center";
    /// See `BottomLeft`.
    BottomRight = 9, "bottom right";
}

impl Region {
    /// The one in this row and column, both from 0; `None` beyond the third.
    pub fn at(row: usize, column: usize) -> Region {
        match (row, column) {
            (0..=2, 0..=2) => Region::from_raw((3 * row + column + 1) as u32),
            _ => Region::None,
        }
    }

    /// Its middle, normalised; `None` where it is none.
    pub fn middle(self) -> Option<[f64; 2]> {
        let i = self.raw().checked_sub(1)?;
        let along = |n: u32| (f64::from(n) + 0.5) / 3.0;
        Some([along(i % 3), along(i / 3)])
    }
}

codes! {
    /// What a calibration's error on points that it was not made from is worth.
    Grade: u32, unknown = Unknown;
    /// Nothing is in force.
    Unknown = 0, "unknown";
    /// Not fit for use.
    Failed = 1, "failed";
    /// Tells the regions of a screen apart.
    Poor = 2, "poor";
    /// What webcams usually give.
    Fair = 3, "fair";
    /// A large button.
    Good = 4, "good";
    /// Within 4 % of the diagonal.
    Excellent = 5, "excellent";
}

codes! {
    /// Whether a face looks at the camera.
    FaceState: u8, unknown = Unknown;
    /// Not measured yet.
    Unknown = 0, "unknown";
    /// It looks here.
    Contact = 1, "contact";
    /// It looks elsewhere.
    Away = 2, "away";
    /// Its eyes are closed.
    EyesClosed = 3, "eyes closed";
}

codes! {
    /// What a face's contact probability was made from.
    ContactSource: u8, unknown = None;
    /// Nothing: the probability is NaN.
    None = 0, "none";
    /// The contact network.
    Network = 1, "network";
    /// The geometry of head and eyes.
    Geometry = 2, "geometry";
    /// The assistant, on request.
    Assistant = 3, "assistant";
}
