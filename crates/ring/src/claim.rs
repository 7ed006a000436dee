//! Becoming the one writer: creating the object, taking it over from a writer
//! that died, or refusing because one lives.
//!
//! The owner word in the header is the lock. Who turns it by compare-exchange
//! from 0 (nobody, or cleanly stopped) or from a dead process to itself owns
//! the object, and nobody else may store into it. It works for objects of
//! every version, because the prefix never changes. A crash leaves the word
//! behind and the next writer finds its process dead.

use crate::clock;
use crate::error::WriterError;
use crate::layout::{
    FACE_ROWS, FACE_SLOT_SIZE, FACE_SLOTS, FACES_OFFSET, HEADER_SIZE, MAGIC, Prefix,
    SAMPLE_SLOT_SIZE, SAMPLE_SLOTS, SAMPLES_OFFSET, Shared, TOTAL_SIZE, VERSION,
};
use crate::map::{self, Distrust, Map, Opened};
use crate::process::{self, Identity};
use rustix::io::Errno;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Times that others may interfere before a writer gives up.
const ATTEMPTS: usize = 16;
/// How long an unfinished object may take to get an owner, and how long the
/// heart of a writer whose process cannot be seen (another container) is
/// listened to before it counts as dead. The daemon's heart beats at 60 Hz.
const PATIENCE: Duration = Duration::from_millis(250);

/// The object, owned.
pub(crate) struct Claimed {
    pub map: Map<Shared>,
    /// Made just now, as opposed to taken over.
    pub fresh: bool,
}

/// Claims the object of this name for `me`.
pub(crate) fn claim(name: &str, me: Identity) -> Result<Claimed, WriterError> {
    if !crate::name::is_valid(name) {
        return Err(WriterError::BadName { name: name.into() });
    }
    for _ in 0..ATTEMPTS {
        let fresh = match map::create(name) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(e) => return Err(failed(name, "create it", e)),
        };
        let opened = match map::open(name, true) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => continue,
            Err(e) => return Err(failed(name, "open it", e)),
        };
        trust(name, &opened)?;
        let claimed = if fresh {
            finish(name, &opened, me)
        } else {
            take(name, &opened, me)
        }?;
        if let Some(map) = claimed {
            return Ok(Claimed { map, fresh });
        }
    }
    Err(WriterError::Contended { name: name.into() })
}

/// Owns an object that this process has just made.
fn finish(name: &str, opened: &Opened, me: Identity) -> Result<Option<Map<Shared>>, WriterError> {
    if let Err(e) = map::reserve(opened) {
        let _ = rustix::shm::unlink(name);
        return Err(failed(name, "reserve its memory", e));
    }
    let map = Map::<Shared>::new(opened, true).map_err(|e| failed(name, "map it", e))?;
    // It fails if another writer took this one for dead meanwhile.
    Ok(own(&map.get().header.prefix, 0, me).then_some(map))
}

/// Owns an object that was there, if its writer is dead. `None`: it has been
/// put out of the way, or somebody else was faster; try again.
fn take(name: &str, opened: &Opened, me: Identity) -> Result<Option<Map<Shared>>, WriterError> {
    if opened.facts.size < size_of::<Prefix>() as u64 {
        // Made a moment ago and not sized yet, or cut short.
        let growing = |o: &Opened| o.facts.size < size_of::<Prefix>() as u64;
        if opened.facts.size == 0 && changes(|| map::open(name, true).is_ok_and(|o| growing(&o))) {
            return Ok(None);
        }
        return remove(name, opened);
    }
    let prefix = Map::<Prefix>::new(opened, true).map_err(|e| failed(name, "map it", e))?;
    let prefix = prefix.get();
    let unfinished =
        || prefix.version.load(Ordering::Acquire) == 0 && prefix.owner.load(Ordering::Acquire) == 0;
    if unfinished() {
        changes(unfinished);
    } else if prefix.magic.load(Ordering::Relaxed) != MAGIC
        && prefix.version.load(Ordering::Relaxed) != 0
    {
        return remove(name, opened);
    }

    // Acquire. Partner: the releases that store the owner here and in `close`.
    let owner = prefix.owner.load(Ordering::Acquire);
    if owner != 0 && lives(prefix, owner) {
        return Err(WriterError::Busy {
            name: name.into(),
            pid: process::pid_of(owner),
        });
    }
    if !own(prefix, owner, me) {
        return Ok(None);
    }
    if usable(prefix, opened.facts.size) {
        return Map::<Shared>::new(opened, true)
            .map(Some)
            .map_err(|e| failed(name, "map it", e));
    }
    // Another version, or never finished. Readers that still have it open see
    // the mark and look for the new object.
    prefix.retired.store(1, Ordering::Release);
    remove(name, opened)
}

/// Puts oneself into the owner word.
fn own(prefix: &Prefix, from: u64, me: Identity) -> bool {
    // AcqRel: only one of several claimants gets through, and it sees all that
    // the owner before it stored. Partner: itself in the next writer.
    prefix
        .owner
        .compare_exchange(from, me.pack(), Ordering::AcqRel, Ordering::Relaxed)
        .is_ok()
}

/// Whether the writer behind an owner word lives: its process runs, or at
/// least its heart beats.
fn lives(prefix: &Prefix, owner: u64) -> bool {
    if process::is_alive(owner) {
        return true;
    }
    let beat = || prefix.heartbeat_ns.load(Ordering::Relaxed);
    let last = beat();
    let recent = clock::now_ns().saturating_sub(last) < PATIENCE.as_nanos() as u64;
    let still_its = || prefix.owner.load(Ordering::Acquire) == owner;
    // A heartbeat of the next owner is not this one's: the claim then fails,
    // and the object is judged anew.
    recent && changes(|| beat() == last && still_its()) && still_its()
}

/// Watches for [`PATIENCE`]; true as soon as `same` no longer holds.
fn changes(same: impl Fn() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while same() {
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Whether an object is laid out exactly as this version lays it out.
fn usable(prefix: &Prefix, size: u64) -> bool {
    prefix.magic.load(Ordering::Relaxed) == MAGIC
        && prefix.version.load(Ordering::Acquire) == VERSION
        && prefix.retired.load(Ordering::Relaxed) == 0
        && layout_fault(prefix, size).is_none()
}

/// What is wrong with the sizes in a header of this version.
pub(crate) fn layout_fault(prefix: &Prefix, size: u64) -> Option<&'static str> {
    let relaxed = Ordering::Relaxed;
    let expected = [
        (prefix.header_size.load(relaxed), HEADER_SIZE, "header size"),
        (
            prefix.sample_slot_size.load(relaxed),
            SAMPLE_SLOT_SIZE,
            "sample slot size",
        ),
        (
            prefix.sample_slots.load(relaxed),
            SAMPLE_SLOTS,
            "number of sample slots",
        ),
        (
            prefix.face_slot_size.load(relaxed),
            FACE_SLOT_SIZE,
            "face slot size",
        ),
        (
            prefix.face_slots.load(relaxed),
            FACE_SLOTS,
            "number of face slots",
        ),
        (
            prefix.face_rows.load(relaxed),
            FACE_ROWS,
            "number of face rows",
        ),
        (
            prefix.samples_offset.load(relaxed),
            SAMPLES_OFFSET,
            "place of the samples",
        ),
        (
            prefix.faces_offset.load(relaxed),
            FACES_OFFSET,
            "place of the faces",
        ),
    ];
    for (found, wanted, what) in expected {
        if found as usize != wanted {
            return Some(what);
        }
    }
    if prefix.total_size.load(relaxed) != TOTAL_SIZE as u64 {
        return Some("total size");
    }
    (size < TOTAL_SIZE as u64).then_some("cut short")
}

/// Removes the name, if it still leads to this object.
fn remove<T>(name: &str, opened: &Opened) -> Result<Option<T>, WriterError> {
    // The lock keeps two writers from removing each other's new object. macOS
    // has no such lock on shared memory; there the inode must do.
    let _ = rustix::fs::flock(
        &opened.fd,
        rustix::fs::FlockOperation::NonBlockingLockExclusive,
    );
    match map::open(name, false) {
        Ok(now) if now.facts.inode == opened.facts.inode => {
            rustix::shm::unlink(name).map_err(|e| failed(name, "remove it", e))?;
        }
        _ => {}
    }
    Ok(None)
}

/// Refuses what others own or may touch.
fn trust(name: &str, opened: &Opened) -> Result<(), WriterError> {
    let name = || name.to_owned();
    opened
        .facts
        .judge(rustix::process::geteuid().as_raw())
        .map_err(|distrust| match distrust {
            Distrust::Owner(uid) => WriterError::ForeignOwner {
                name: name(),
                uid: Some(uid),
            },
            Distrust::Mode(mode) => WriterError::TooOpen { name: name(), mode },
            Distrust::NotAnObject => WriterError::NotAnObject { name: name() },
        })
}

pub(crate) fn failed(name: &str, doing: &'static str, error: Errno) -> WriterError {
    let name = name.to_owned();
    match error {
        Errno::ACCESS | Errno::PERM => WriterError::ForeignOwner { name, uid: None },
        Errno::NOSPC | Errno::NOMEM => WriterError::NoSpace { name },
        Errno::LOOP | Errno::NXIO | Errno::ISDIR => WriterError::NotAnObject { name },
        _ => WriterError::System {
            name,
            doing,
            source: error.into(),
        },
    }
}
