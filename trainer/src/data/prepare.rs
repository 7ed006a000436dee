//! From a folder of labelled pictures to a cache of samples.
//!
//! Workers measure pictures, each with networks of its own; what becomes of each goes into a
//! [`journal`](super::journal) at once. When all are done the cache is put together in the
//! order of the paths, so it is the same whatever the workers, and however often the way to it
//! was interrupted.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use vision::{ModelError, ModelStore, Runtime, RuntimeError};

use super::cache::{Cache, CacheError, CacheHeader, beside};
use super::compare::{Compared, compare};
use super::journal::{Entry, Journal, JournalError};
use super::measure::{Eyes, Measured, Refused, Settings};
use super::pairs::{Bytes, Pair, list};
use super::sample::Sample;
use super::skip::{Reason, Skipped, count};
use super::together::finish;
use crate::synth::make::Progress;

/// What to prepare, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where the pictures are.
    pub folder: PathBuf,
    /// The cache's file.
    pub out: PathBuf,
    /// How to measure.
    pub settings: Settings,
    /// How many pictures are measured at once.
    pub jobs: usize,
}

/// Why there is no cache. One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Folder {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// No picture with a label.
    #[error("{}: no pair img_N.jpg and img_N.json in it or below it; give the folder that you recorded into", .0.display())]
    Nothing(PathBuf),
    /// None of the pictures can be learnt from.
    #[error("{}: none of the {pairs} pictures can be learnt from; mostly: {}", folder.display(), mostly.words())]
    NoneLeft {
        /// The folder.
        folder: PathBuf,
        /// Pictures with labels.
        pairs: usize,
        /// The most frequent reason.
        mostly: Reason,
        /// All of them.
        skipped: Vec<Skipped>,
    },
    /// More than the file's numbers can count.
    #[error("{}: {count} {what} are more than 65535; prepare its sub-folders one by one", folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// How many.
        count: usize,
        /// Of what.
        what: &'static str,
    },
    /// Somebody else writes there.
    #[error("{}: another gaze-trainer prepares it; wait for that, or give another --out", .0.display())]
    Busy(PathBuf),
    /// A file cannot be written or read.
    #[error("{}: cannot be written: {source}{}", path.display(), hint(source))]
    Write {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The networks' runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A network.
    #[error(transparent)]
    Network(#[from] ModelError),
    /// A worker failed.
    #[error("a fault of gaze-trainer at {path}: {why}")]
    Fault {
        /// The picture.
        path: String,
        /// What it said.
        why: String,
    },
}

fn hint(e: &io::Error) -> &'static str {
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room and run the same command again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; give an --out that you may write to"
        }
        _ => "; see to it and run the same command again",
    }
}

impl Error {
    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Busy(_) => 3,
            Error::Write { .. } | Error::Cache(CacheError::Io { .. }) => 4,
            Error::Fault { .. } => 70,
            _ => 5,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The cache's file; none where the run was stopped before.
    pub cache: Option<PathBuf>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
    /// Pictures with labels.
    pub pairs: usize,
    /// Pictures measured now.
    pub measured: usize,
    /// Pictures measured by an earlier run.
    pub kept: usize,
    /// How long measuring took.
    pub seconds: f64,
    /// Pictures measured in a second.
    pub per_second: f64,
    /// How many at once.
    pub jobs: usize,
    /// What the cache holds.
    pub holds: Option<Holds>,
}

/// What a cache holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Holds {
    /// Pictures that can be learnt from.
    pub samples: usize,
    /// Whose.
    pub persons: BTreeMap<String, usize>,
    /// Sittings.
    pub sessions: usize,
    /// Places on the screen.
    pub targets: usize,
    /// Samples with a line from the eyes to the target.
    pub rays: usize,
    /// Pictures left out, by reason.
    pub skipped: BTreeMap<Reason, usize>,
    /// One example for each.
    pub examples: BTreeMap<Reason, String>,
    /// Samples without recorded eyes or angles: zeros, null, NaN.
    pub untracked: usize,
    /// Samples without a time.
    pub untimed: usize,
    /// Samples whose screen was assumed to have 1920×1080 pixels.
    pub screen_assumed: usize,
    /// Samples with one eye shut or covered.
    pub one_eye: usize,
    /// Recorded against measured; none where recorded eyes and angles were taken.
    pub compared: Option<Compared>,
}

impl Holds {
    /// Counts what is in a cache.
    pub fn of(header: &CacheHeader, samples: &[Sample]) -> Holds {
        let number = |is: fn(&Sample) -> bool| samples.iter().filter(|s| is(s)).count();
        let mut persons: BTreeMap<String, usize> = BTreeMap::new();
        for sample in samples {
            let name = &header.persons[usize::from(sample.person)];
            *persons.entry(name.clone()).or_default() += 1;
        }
        let counts = count(&header.skipped);
        let assumed = |s: &&Sample| !header.screens[usize::from(s.screen)].px_known;
        Holds {
            samples: samples.len(),
            persons,
            sessions: header.sessions.len(),
            targets: header.targets.len(),
            rays: number(|s| s.ray.is_some()),
            skipped: counts.iter().map(|(r, (n, _))| (*r, *n)).collect(),
            examples: (counts.into_iter())
                .map(|(r, (_, s))| (r, words(s)))
                .collect(),
            untracked: number(|s| s.json_eyes.is_none() || s.json_head_deg.is_none()),
            untimed: number(|s| s.timestamp_ms == 0),
            screen_assumed: samples.iter().filter(assumed).count(),
            one_eye: number(|s| s.open != [true; 2]),
            compared: (!header.json_eyes).then(|| compare(samples)),
        }
    }
}

fn words(s: &Skipped) -> String {
    match s.detail.as_str() {
        "" => s.path.clone(),
        detail => format!("{} ({detail})", s.path),
    }
}

/// Prepares a folder. `stop` may be set at any time: pictures in hand are finished, and the
/// same order goes on later. `tell` hears about the progress several times a second.
///
/// # Errors
/// [`Error`]; a cache that was there before stays as it was.
pub fn prepare(
    order: &Order,
    stop: &AtomicBool,
    mut tell: impl FnMut(Progress),
) -> Result<Report, Error> {
    let folder = order
        .folder
        .canonicalize()
        .map_err(|source| Error::Folder {
            path: order.folder.clone(),
            source,
        })?;
    let listing = list(&folder).map_err(|(path, source)| Error::Folder { path, source })?;
    if listing.pairs.is_empty() {
        return Err(Error::Nothing(order.folder.clone()));
    }
    let networks = if order.settings.json_eyes {
        None
    } else {
        Some((Runtime::load(None)?, ModelStore::open(None)?))
    };
    let settings = order.settings.hash(networks.as_ref().map(|n| &n.1));
    let part = beside(&order.out, ".part");
    let write = |source| Error::Write {
        path: part.clone(),
        source,
    };
    let crops_len = 2 * order.settings.crop.wide_len();
    let mut journal = Journal::open(&part, &settings, crops_len).map_err(|e| match e {
        JournalError::Busy => Error::Busy(order.out.clone()),
        JournalError::Io(e) => write(e),
    })?;
    if journal.is_empty() {
        remember(&order.out, &settings, &mut journal).map_err(write)?;
    }

    let known = journal.hashes();
    let work = Work {
        pairs: &listing.pairs,
        known: &known,
        settings: &order.settings,
        networks: networks.as_ref(),
        next: AtomicUsize::new(0),
        stop,
        failed: AtomicBool::new(false),
    };
    let began = Instant::now();
    let (mut measured, mut kept) = (0, 0);
    let mut failed = None;
    thread::scope(|scope| {
        // Bounded: crops wait for the disk here and not in memory.
        let (send, receive) = mpsc::sync_channel(64);
        for _ in 0..order.jobs.clamp(1, listing.pairs.len()) {
            let (send, work) = (send.clone(), &work);
            scope.spawn(move || work.run(&send));
        }
        drop(send);
        loop {
            match receive.recv_timeout(Duration::from_millis(200)) {
                Ok(Ok(None)) => kept += 1,
                Ok(Ok(Some((path, entry, got)))) if failed.is_none() => {
                    let got = got.as_ref().map(|m: &Measured| (&m.sample, &m.crops[..]));
                    match journal.add(&path, entry, got) {
                        Ok(()) => measured += 1,
                        Err(e) => {
                            work.failed.store(true, Ordering::Relaxed);
                            failed = Some(write(e));
                        }
                    }
                }
                Ok(Err(e)) => {
                    work.failed.store(true, Ordering::Relaxed);
                    failed.get_or_insert(e);
                }
                Ok(Ok(Some(_))) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            tell(Progress {
                made: measured,
                kept,
                count: listing.pairs.len(),
                elapsed: began.elapsed(),
            });
        }
    });
    if let Some(failed) = failed {
        return Err(failed);
    }
    let seconds = began.elapsed().as_secs_f64();
    let stopped = measured + kept < listing.pairs.len();
    let holds = if stopped {
        None
    } else {
        let finished = finish(order, &folder, &listing, &settings, &journal);
        // What can be gone on from stays where the disk was full, and only there.
        if !matches!(finished, Err(Error::Cache(_) | Error::Write { .. })) {
            journal.remove().map_err(write)?;
        }
        Some(finished?)
    };
    Ok(Report {
        cache: (!stopped).then(|| order.out.clone()),
        stopped,
        pairs: listing.pairs.len(),
        measured,
        kept,
        seconds,
        per_second: measured as f64 / seconds.max(1e-9),
        jobs: order.jobs,
        holds,
    })
}

/// Takes over what a cache of the same settings holds; its own place may be empty.
fn remember(path: &Path, settings: &str, journal: &mut Journal) -> io::Result<()> {
    let Ok(cache) = Cache::open(path) else {
        return Ok(());
    };
    if cache.header.settings != settings {
        return Ok(());
    }
    for (i, sample) in cache.samples.iter().enumerate() {
        let file = &cache.header.files[sample.file as usize];
        let entry = Entry {
            hash: file.hash.clone(),
            picture_hash: file.picture.clone(),
            skip: None,
            screen: Some(cache.header.screens[usize::from(sample.screen)].clone()),
        };
        let crops = cache.wide_crops(i).concat();
        journal.add(&file.path, entry, Some((sample, &crops)))?;
    }
    // What was left out because of other pictures is judged anew.
    let alone = |s: &&Skipped| !matches!(s.reason, Reason::Duplicate | Reason::Shape);
    for skipped in cache.header.skipped.iter().filter(alone) {
        let entry = Entry {
            hash: skipped.hash.clone(),
            picture_hash: String::new(),
            skip: Some((skipped.reason, skipped.detail.clone())),
            screen: None,
        };
        journal.add(&skipped.path, entry, None)?;
    }
    Ok(())
}

/// What the workers share.
struct Work<'a> {
    pairs: &'a [Pair],
    known: &'a HashMap<String, String>,
    settings: &'a Settings,
    networks: Option<&'a (Runtime, ModelStore)>,
    next: AtomicUsize,
    stop: &'a AtomicBool,
    failed: AtomicBool,
}

/// A pair done: nothing where it was known; else its path, what became of it, and the crops.
type Outcome = Result<Option<(String, Entry, Option<Measured>)>, Error>;

impl Work<'_> {
    /// One worker: takes the next pair until there is none.
    fn run(&self, done: &mpsc::SyncSender<Outcome>) {
        // Networks are loaded when the first picture needs them.
        let mut eyes = None;
        while !self.stop.load(Ordering::Relaxed) && !self.failed.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(pair) = self.pairs.get(at) else {
                break;
            };
            let one = catch_unwind(AssertUnwindSafe(|| self.one(pair, &mut eyes)));
            let result = one.unwrap_or_else(|panic| {
                let said = (panic.downcast_ref::<String>().map(String::as_str))
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                Err(Error::Fault {
                    path: pair.path.clone(),
                    why: said.unwrap_or("it panicked").to_owned(),
                })
            });
            let failed = result.is_err();
            if done.send(result).is_err() || failed {
                break;
            }
        }
    }

    fn one(&self, pair: &Pair, eyes: &mut Option<Eyes>) -> Outcome {
        let skipped = |hash: [String; 2], why| {
            let [hash, picture_hash] = hash;
            let entry = Entry {
                hash,
                picture_hash,
                skip: Some(why),
                screen: None,
            };
            Ok(Some((pair.path.clone(), entry, None)))
        };
        let bytes = match Bytes::read(pair) {
            Ok(bytes) => bytes,
            // It may be there the next time.
            Err(why) => return skipped(Default::default(), why),
        };
        let hashes = bytes.hashes();
        if self.known.get(&pair.path) == Some(&hashes[0]) {
            return Ok(None);
        }
        let eyes = match eyes {
            Some(eyes) => eyes,
            None => {
                let networks = self.networks.map(|(runtime, store)| (runtime, store));
                eyes.insert(Eyes::new(self.settings, networks)?)
            }
        };
        match eyes.measure(&bytes) {
            Ok(measured) => {
                let [hash, picture_hash] = hashes;
                let entry = Entry {
                    hash,
                    picture_hash,
                    skip: None,
                    screen: Some(measured.screen.clone()),
                };
                Ok(Some((pair.path.clone(), entry, Some(measured))))
            }
            Err(Refused::Skip(reason, detail)) => skipped(hashes, (reason, detail)),
            Err(Refused::Fault(why)) => Err(Error::Fault {
                path: pair.path.clone(),
                why,
            }),
        }
    }
}
