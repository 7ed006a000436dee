//! Is what the writer writes still what readers find?
//!
//! The writer stores into its mapping whatever happens to the name: a login manager that
//! cleans up after a session, or a person, may remove it, and any program of the same user may
//! write over it. New readers then find nothing, or garbage, beside a daemon that is well.
//! Whoever holds a witness asks it now and then, outside the hot path.

use crate::claim::{failed, layout_fault};
use crate::error::WriterError;
use crate::layout::{MAGIC, Prefix, VERSION};
use crate::map::{self, Map};
use rustix::io::Errno;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// Why readers no longer find what the writer writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The name is gone.
    #[error("shared memory {name}: was removed under the running daemon; start it again")]
    Removed {
        /// The name.
        name: String,
    },
    /// The name leads to another object.
    #[error("shared memory {name}: was replaced under the running daemon; start it again")]
    Replaced {
        /// The name.
        name: String,
    },
    /// Somebody else stored into it.
    #[error(
        "shared memory {name}: was overwritten under the running daemon ({what}); start it again"
    )]
    Overwritten {
        /// The name.
        name: String,
        /// What is not as it was.
        what: &'static str,
    },
}

/// Knows which object a [`Writer`](crate::Writer) has, and looks whether it still stands
/// under its name. Stays of use when the writer has moved to another thread.
pub struct Witness {
    name: String,
    prefix: Map<Prefix>,
    inode: (u64, u64),
    owner: u64,
}

impl Witness {
    pub(crate) fn of(name: &str, owner: u64) -> Result<Self, WriterError> {
        let opened = map::open(name, false).map_err(|e| failed(name, "open it", e))?;
        let prefix = Map::new(&opened, false).map_err(|e| failed(name, "map it", e))?;
        Ok(Self {
            name: name.to_owned(),
            prefix,
            inode: opened.facts.inode,
            owner,
        })
    }

    /// Looks: a few system calls. What cannot be told (no descriptor is free) is no loss.
    ///
    /// # Errors
    /// How it was lost.
    pub fn look(&self) -> Result<(), Lost> {
        let name = || self.name.clone();
        let size = match map::open(&self.name, false) {
            Err(Errno::NOENT) => return Err(Lost::Removed { name: name() }),
            Err(Errno::LOOP) => return Err(Lost::Replaced { name: name() }),
            Err(_) => return Ok(()),
            Ok(now) if now.facts.inode != self.inode => {
                return Err(Lost::Replaced { name: name() });
            }
            Ok(now) => now.facts.size,
        };
        let what = if size < size_of::<Prefix>() as u64 {
            // Not to be looked into: what lies past its end cannot be read.
            Some("cut short")
        } else {
            self.fault(size)
        };
        what.map_or(Ok(()), |what| Err(Lost::Overwritten { name: name(), what }))
    }

    fn fault(&self, size: u64) -> Option<&'static str> {
        let prefix = self.prefix.get();
        if prefix.magic.load(Relaxed) != MAGIC || prefix.version.load(Acquire) != VERSION {
            return Some("its mark");
        }
        // Acquire. Partner: the claim of another writer.
        if prefix.owner.load(Acquire) != self.owner {
            return Some("its owner");
        }
        if prefix.retired.load(Relaxed) != 0 {
            return Some("put out of use");
        }
        layout_fault(prefix, size)
    }
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
