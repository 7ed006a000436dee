//! What has been measured so far, so that a run that was stopped or killed goes on.
//!
//! ```text
//! "GAZEJRN1" · settings' hash, 32 · entries: length, u32 · SHA-256's first 8 bytes · payload
//! ```
//!
//! A payload is the length of its JSON (u32), the JSON, and for a measured picture the sample
//! and its crops. An entry that a kill tore is cut off when the journal is opened again.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cache::{ShownOn, wire};
use super::sample::Sample;
use super::skip::Reason;

const MAGIC: &[u8; 8] = b"GAZEJRN1";
const HEAD: u64 = 8 + 32;
/// An entry's bytes before its payload.
const BEFORE: u64 = 4 + 8;

/// What became of a pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Of both files' bytes.
    pub hash: String,
    /// Of the picture's alone.
    pub picture_hash: String,
    /// Why it was left out, and the details; else it was measured.
    pub skip: Option<(Reason, String)>,
    /// The screen of a measured one.
    pub screen: Option<ShownOn>,
}

/// An entry read back: with its sample, and where its crops are.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What became of the pair.
    pub entry: Entry,
    /// Measured; none where it was left out.
    pub sample: Option<Sample>,
    /// Where in the file the crops begin.
    crops_at: u64,
}

/// Entries by their pair's path, in a file that only grows.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
    crops_len: usize,
    done: HashMap<String, Done>,
}

/// Why there is no journal.
#[derive(Debug)]
pub enum JournalError {
    /// Another program has it.
    Busy,
    /// The system's words.
    Io(io::Error),
}

impl From<io::Error> for JournalError {
    fn from(e: io::Error) -> Self {
        JournalError::Io(e)
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    path: String,
    entry: Entry,
}

impl Journal {
    /// Opens what an earlier run with these settings left, or begins anew. Both crops of a
    /// sample have `crops_len` bytes.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path, settings: &str, crops_len: usize) -> Result<Journal, JournalError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy),
            // A file system without locks: then two at once are the person's own affair.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut journal = Journal {
            path: path.to_owned(),
            file,
            end: 0,
            crops_len,
            done: HashMap::new(),
        };
        let mut head = [0; HEAD as usize];
        let known = journal.file.read_exact(&mut head).is_ok()
            && head[..8] == *MAGIC
            && head[8..] == *settings.as_bytes();
        if known {
            journal.end = HEAD;
            journal.read_entries()?;
        } else {
            journal.file.set_len(0)?;
            journal.file.seek(SeekFrom::Start(0))?;
            journal
                .file
                .write_all(&[&MAGIC[..], settings.as_bytes()].concat())?;
            journal.end = HEAD;
        }
        // What lies behind the last whole entry was torn.
        journal.file.set_len(journal.end)?;
        journal.file.seek(SeekFrom::Start(journal.end))?;
        Ok(journal)
    }

    fn read_entries(&mut self) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let mut payload = Vec::new();
        let mut before = [0; BEFORE as usize];
        while reader.read_exact(&mut before).is_ok() {
            let (size, check) = before.split_at(4);
            let size = u64::from(u32::from_le_bytes(size.try_into().expect("four bytes")));
            if self.end + BEFORE + size > length {
                break;
            }
            payload.resize(size as usize, 0);
            reader.read_exact(&mut payload)?;
            let from = self.end + BEFORE;
            match parse(&payload, from, self.crops_len) {
                Some((path, done)) if Sha256::digest(&payload)[..8] == *check => {
                    self.done.insert(path, done);
                    self.end = from + size;
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Whether nothing was done yet.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    /// Which pairs are done, and what was in them.
    pub fn hashes(&self) -> HashMap<String, String> {
        let hash = |d: &Done| d.entry.hash.clone();
        self.done
            .iter()
            .map(|(p, d)| (p.clone(), hash(d)))
            .collect()
    }

    /// What became of a pair.
    pub fn done(&self, path: &str) -> Option<&Done> {
        self.done.get(path)
    }

    /// Adds what became of a pair.
    ///
    /// # Errors
    /// The system's words; then the entry is not there.
    pub fn add(
        &mut self,
        path: &str,
        entry: Entry,
        measured: Option<(&Sample, &[u8])>,
    ) -> io::Result<()> {
        let stored = Stored {
            path: path.to_owned(),
            entry,
        };
        let json = serde_json::to_vec(&stored)?;
        let mut payload = (json.len() as u32).to_le_bytes().to_vec();
        payload.extend(json);
        let mut crops_at = self.end + BEFORE;
        if let Some((sample, crops)) = measured {
            sample.write(&mut payload);
            crops_at += payload.len() as u64;
            payload.extend(crops);
        }
        let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
        bytes.extend(&Sha256::digest(&payload)[..8]);
        bytes.extend(payload);
        self.file.write_all(&bytes)?;
        self.end += bytes.len() as u64;
        let done = Done {
            entry: stored.entry,
            sample: measured.map(|m| *m.0),
            crops_at,
        };
        self.done.insert(stored.path, done);
        Ok(())
    }

    /// Reads the crops of a pair that was measured.
    ///
    /// # Errors
    /// The system's words.
    pub fn crops(&self, path: &str, out: &mut [u8]) -> io::Result<()> {
        let done = self.done.get(path).ok_or(io::ErrorKind::NotFound)?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(done.crops_at))?;
        file.read_exact(out)
    }

    /// Removes it: all of it is in the cache.
    ///
    /// # Errors
    /// The system's words.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

fn parse(payload: &[u8], from: u64, crops_len: usize) -> Option<(String, Done)> {
    let mut r = wire::Reader(payload);
    let json = r.u32()?;
    let stored: Stored = serde_json::from_slice(r.take(json as usize)?).ok()?;
    let sample = match stored.entry.skip {
        Some(_) => None,
        None => Some(Sample::read(&mut r)?),
    };
    let rest = if sample.is_some() { crops_len } else { 0 };
    (r.0.len() == rest).then(|| {
        let crops_at = from + (payload.len() - rest) as u64;
        let entry = stored.entry;
        (
            stored.path,
            Done {
                entry,
                sample,
                crops_at,
            },
        )
    })
}
