//! All of it together, fed picture by picture by a thread that may take its time.

use std::fs::File;
use std::path::PathBuf;

use vision::Frame;

use crate::choice::{Choice, Encoders};
use crate::director::{Director, Faces, Order, Rules, Why};
use crate::encode::{Coded, KEY_EVERY_NS, bits_per_second};
use crate::folder::{Folder, Limits, Line, Open, Trouble};
use crate::mux::FragmentedMp4;
use crate::preroll::PreRoll;
use crate::time;
use crate::yuv::Yuv;

/// Without pictures for this long a clip is over.
const QUIET_NS: u64 = 2_000_000_000;
/// Clips are looked through for old ones this often.
const TIDY_EVERY_NS: u64 = 60_000_000_000;

/// What is recorded, where, and how much of it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where clips go.
    pub folder: PathBuf,
    /// When one begins and ends.
    pub rules: Rules,
    /// How many are kept.
    pub limits: Limits,
    /// Most pictures a second: what the encoder reckons with.
    pub fps: f64,
    /// The longer side is at most this, pixels.
    pub longest_side: usize,
    /// Most bytes of coded pictures in memory.
    pub preroll_bytes: usize,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// It waits for a contact; the last seconds are in memory.
    Watching,
    /// A clip is being written.
    Recording {
        /// Whose.
        face: u32,
        /// Its file.
        clip: String,
    },
    /// It stopped, for this reason.
    Stopped(String),
}

struct Clip {
    open: Open,
    mux: FragmentedMp4<File>,
    line: Line,
}

/// Records clips of the moments of contact.
pub struct Recorder {
    settings: Settings,
    encoder: Choice,
    folder: Folder,
    director: Director,
    preroll: PreRoll,
    picture: Yuv,
    /// Width and height of the last picture.
    size: (usize, usize),
    keyed_ns: u64,
    last_ns: u64,
    tidied_unix_ns: u64,
    clip: Option<Clip>,
    stopped: Option<String>,
    /// Clips finished by this recorder.
    pub finished: u64,
}

impl Recorder {
    /// Opens the folder. Nothing else is written before a contact. Pictures are coded by the
    /// first of the encoders, by the next where that fails.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn new(settings: Settings, encoders: Encoders, unix_ns: u64) -> Result<Self, Trouble> {
        let folder = Folder::open(&settings.folder, settings.limits, unix_ns)?;
        let most = settings.preroll_bytes;
        // The contact must have held before its clip begins: the memory reaches over that too.
        let span = settings.rules.pre_ns + settings.rules.hold_ns;
        Ok(Recorder {
            director: Director::new(settings.rules),
            preroll: PreRoll::new(span, most),
            settings,
            encoder: Choice::new(encoders),
            folder,
            picture: Yuv::default(),
            size: (0, 0),
            keyed_ns: 0,
            last_ns: 0,
            tidied_unix_ns: unix_ns,
            clip: None,
            stopped: None,
            finished: 0,
        })
    }

    /// Takes in the next picture, which was taken at `unix_ns` UTC. Where that fails
    /// recording stops, and [`Recorder::status`] says why.
    pub fn picture(&mut self, frame: &Frame, faces: Faces, unix_ns: u64) {
        if self.stopped.is_none()
            && let Err(trouble) = self.try_picture(frame, faces, unix_ns)
        {
            self.give_up(&trouble);
        }
    }

    /// No picture has come by now.
    pub fn quiet(&mut self, now_ns: u64, unix_ns: u64) {
        if self.stopped.is_some() {
            return;
        }
        let mut tried = Ok(());
        if self.clip.is_some() && now_ns.saturating_sub(self.last_ns) >= QUIET_NS {
            self.director.end(now_ns);
            tried = self.end(Why::NoPictures);
            self.preroll.clear();
        }
        if let Err(trouble) = tried.and_then(|()| self.tidy(unix_ns)) {
            self.give_up(&trouble);
        }
    }

    /// Ends the clip that runs, if one does.
    pub fn finish(&mut self) {
        self.director.end(self.last_ns);
        if let Err(trouble) = self.end(Why::Stopped) {
            self.give_up(&trouble);
        }
        self.preroll.clear();
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        match (&self.stopped, &self.clip) {
            (Some(why), _) => Status::Stopped(why.clone()),
            (None, Some(clip)) => Status::Recording {
                face: clip.line.face,
                clip: clip.line.clip.clone(),
            },
            (None, None) => Status::Watching,
        }
    }

    /// Why it is not the first encoder that codes, one line; `None` while it is.
    pub fn note(&self) -> Option<&str> {
        self.encoder.note()
    }

    /// Clips on the disk, and their bytes; with the one that is being written.
    pub fn on_disk(&self) -> (usize, u64) {
        let clip = self.clip.as_ref();
        (
            self.folder.clips() + usize::from(clip.is_some()),
            self.folder.bytes() + clip.map_or(0, |c| c.mux.bytes()),
        )
    }

    /// Bytes of pictures in memory.
    pub fn in_memory(&self) -> usize {
        self.preroll.bytes()
    }

    fn try_picture(&mut self, frame: &Frame, faces: Faces, unix_ns: u64) -> Result<(), Trouble> {
        let at = frame.captured_ns;
        if !self.picture.take(frame, self.settings.longest_side) {
            return Ok(());
        }
        let size = (self.picture.width, self.picture.height);
        // A new size, or the camera was away: what is in memory is of another world.
        if size != self.size || at.saturating_sub(self.last_ns) >= QUIET_NS || at < self.last_ns {
            let why = if size == self.size {
                Why::NoPictures
            } else {
                Why::SizeChanged
            };
            self.director.end(at);
            self.end(why)?;
            self.preroll.clear();
            self.encoder.restart();
            self.size = size;
        }
        self.last_ns = at;
        let coded = self.code(at)?;
        match self.director.picture(at, faces) {
            Order::Nothing => {
                self.preroll.push(coded.clone());
                self.add(coded)?;
            }
            Order::End(why) => {
                self.end(why)?;
                self.preroll.push(coded);
            }
            Order::Begin {
                face,
                contact_ns,
                from_ns,
            } => {
                self.preroll.push(coded);
                self.begin(face, contact_ns, from_ns, unix_ns.saturating_sub(at))?;
            }
        }
        self.tidy(unix_ns)
    }

    /// The picture, coded. Where an encoder fails, the clip that runs ends, as the next one's
    /// pictures cannot follow in it, and that one goes on.
    fn code(&mut self, at: u64) -> Result<Coded, Trouble> {
        let rates = (self.settings.fps, bits_per_second(self.size.0, self.size.1));
        loop {
            let key = self.preroll.wants_key() || at.saturating_sub(self.keyed_ns) >= KEY_EVERY_NS;
            match self.encoder.encode(&self.picture, at, key, rates) {
                Ok(coded) => {
                    if coded.key {
                        self.keyed_ns = at;
                    }
                    return Ok(coded);
                }
                Err(failed) if self.encoder.next(&failed) => {
                    self.director.end(at);
                    self.end(Why::Encoder)?;
                    self.preroll.clear();
                }
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    /// Begins a clip with what is in memory. `unix_at_0` is UTC at monotonic time 0.
    fn begin(&mut self, face: u32, contact: u64, from: u64, unix_at_0: u64) -> Result<(), Trouble> {
        let Some(parameters) = self.encoder.parameters() else {
            return Ok(());
        };
        let first: Vec<Coded> = self.preroll.since(from).cloned().collect();
        let Some(begins) = first.first().map(|c| c.at_ns) else {
            return Ok(());
        };
        let (file, open) = self.folder.begin(unix_at_0 + begins, face)?;
        let line = Line {
            clip: format!("{}.mp4", open.stem),
            face,
            faces: vec![face],
            begins: time::iso(unix_at_0 + begins),
            contact: time::iso(unix_at_0 + contact),
            peak: None,
            size: [parameters.width, parameters.height],
            complete: false,
            seconds: None,
            pictures: None,
            bytes: None,
            ended: None,
        };
        self.director.begins_at(begins);
        let written = FragmentedMp4::begin(file, parameters).and_then(|mut mux| {
            first.into_iter().try_for_each(|c| mux.add(c))?;
            mux.flush()?;
            Ok(mux)
        });
        match written {
            Ok(mux) => {
                self.clip = Some(Clip { open, mux, line });
                self.after_writing()
            }
            Err(source) => {
                self.folder.give_up(&open);
                Err(Trouble::Write {
                    name: open.stem,
                    source,
                })
            }
        }
    }

    fn add(&mut self, coded: Coded) -> Result<(), Trouble> {
        let Some(clip) = &mut self.clip else {
            return Ok(());
        };
        let before = clip.mux.bytes();
        clip.mux.add(coded).map_err(|source| Trouble::Write {
            name: clip.open.stem.clone(),
            source,
        })?;
        match clip.mux.bytes() == before {
            true => Ok(()),
            false => self.after_writing(),
        }
    }

    /// A fragment is on the disk: the clip can be seen, and others may have to go.
    fn after_writing(&mut self) -> Result<(), Trouble> {
        let Some(clip) = &mut self.clip else {
            return Ok(());
        };
        if clip.mux.fragments() > 0 {
            self.folder
                .show(&mut clip.open, clip.mux.get_ref(), &clip.line)?;
        }
        // What is still to come before the next look counts too.
        let soon = clip.mux.bytes_with_waiting()
            + u64::from(bits_per_second(self.size.0, self.size.1)) / 8;
        if !self.folder.make_room(soon)? {
            self.director.end(self.last_ns);
            self.end(Why::NoRoom)?;
        }
        Ok(())
    }

    fn end(&mut self, why: Why) -> Result<(), Trouble> {
        let Some(mut clip) = self.clip.take() else {
            return Ok(());
        };
        let (mut line, stem) = (clip.line, clip.open.stem.clone());
        let (file, done) = clip
            .mux
            .finish()
            .map_err(|source| Trouble::Write { name: stem, source })?;
        let (faces, peak) = self.director.last();
        line.faces = faces.to_vec();
        line.peak = peak.is_finite().then_some(peak);
        line.complete = true;
        line.seconds = Some(done.length_ns as f64 / 1e9);
        line.pictures = Some(done.pictures);
        line.bytes = Some(done.bytes);
        line.ended = Some(why.text().to_owned());
        self.folder.show(&mut clip.open, &file, &line)?;
        self.folder.done(clip.open, &file, &line, done.bytes)?;
        self.finished += 1;
        Ok(())
    }

    fn tidy(&mut self, unix_ns: u64) -> Result<(), Trouble> {
        if unix_ns.saturating_sub(self.tidied_unix_ns) < TIDY_EVERY_NS {
            return Ok(());
        }
        self.tidied_unix_ns = unix_ns;
        self.folder.tidy(unix_ns)
    }

    /// Recording is over, for a reason; what was written of the clip plays.
    fn give_up(&mut self, trouble: &Trouble) {
        self.director.end(self.last_ns);
        if let Some(clip) = self.clip.take() {
            // Without the half fragment that a full disk may have left.
            let _ = clip.mux.get_ref().set_len(clip.mux.bytes());
            self.folder.give_up(&clip.open);
        }
        self.preroll = PreRoll::new(0, 0);
        self.encoder.restart();
        self.stopped = Some(trouble.to_string());
    }
}
