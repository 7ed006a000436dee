//! What can go wrong, each kind named after what the user can do about it.

/// Why a writer could not take the shared memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriterError {
    /// The name does not work on every system.
    #[error(
        "shared memory name {name:?}: use a slash and 1 to 30 letters, digits, dots, dashes or underscores"
    )]
    BadName {
        /// As given.
        name: String,
    },
    /// Another writer lives.
    #[error("shared memory {name}: process {pid} already writes it; stop that one first")]
    Busy {
        /// The object.
        name: String,
        /// The living writer.
        pid: u32,
    },
    /// The object is somebody else's.
    #[error(
        "shared memory {name}: belongs to {}; choose another name with GAZE_SHM",
        owner(*uid)
    )]
    ForeignOwner {
        /// The object.
        name: String,
        /// Whose it is, where the system says so.
        uid: Option<u32>,
    },
    /// Others may read or write the object.
    #[error("shared memory {name}: mode {mode:04o} lets others in; remove it and start again")]
    TooOpen {
        /// The object.
        name: String,
        /// Its permission bits.
        mode: u32,
    },
    /// Something else has the name.
    #[error("shared memory {name}: is not a shared memory object; remove it and start again")]
    NotAnObject {
        /// The name.
        name: String,
    },
    /// No memory for it.
    #[error("shared memory {name}: no room for 112 KiB (is /dev/shm full?)")]
    NoSpace {
        /// The object.
        name: String,
    },
    /// Others kept creating and removing it.
    #[error("shared memory {name}: other writers keep creating and removing it; try again")]
    Contended {
        /// The object.
        name: String,
    },
    /// The system refused.
    #[error("shared memory {name}: cannot {doing}: {source}")]
    System {
        /// The object.
        name: String,
        /// What was tried.
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// Why a reader could not open the shared memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The name does not work on every system.
    #[error(
        "shared memory name {name:?}: use a slash and 1 to 30 letters, digits, dots, dashes or underscores"
    )]
    BadName {
        /// As given.
        name: String,
    },
    /// No daemon has made it.
    #[error("shared memory {name}: not there; start gazed")]
    NotThere {
        /// The name.
        name: String,
    },
    /// A daemon is making it right now.
    #[error("shared memory {name}: still starting; try again in a moment")]
    Starting {
        /// The object.
        name: String,
    },
    /// A daemon of another version made it.
    #[error(
        "shared memory {name}: has layout version {found} (for readers since {compatible_since}), this reader knows {}; use a gazed and readers of one release",
        crate::layout::VERSION
    )]
    OtherVersion {
        /// The object.
        name: String,
        /// Its version.
        found: u32,
        /// The oldest version whose readers understand it.
        compatible_since: u32,
    },
    /// The object is somebody else's.
    #[error("shared memory {name}: belongs to {}", owner(*uid))]
    ForeignOwner {
        /// The object.
        name: String,
        /// Whose it is, where the system says so.
        uid: Option<u32>,
    },
    /// Others may read or write the object.
    #[error(
        "shared memory {name}: mode {mode:04o} lets others in; remove it and start gazed again"
    )]
    TooOpen {
        /// The object.
        name: String,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not what it says.
    #[error("shared memory {name}: damaged ({what}); restart gazed, it makes a new one")]
    Damaged {
        /// The object.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The system refused.
    #[error("shared memory {name}: cannot {doing}: {source}")]
    System {
        /// The object.
        name: String,
        /// What was tried.
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
}

fn owner(uid: Option<u32>) -> String {
    uid.map_or_else(|| "another user".into(), |uid| format!("user {uid}"))
}
