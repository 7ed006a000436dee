//! Whether the system lets us use cameras. Asking the person happens here only, and only
//! when `gazed permission --request` is told to: the daemon itself never prompts.

#[cfg(not(target_os = "macos"))]
use super::{ErrorKind, list_cameras};

/// What the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CameraPermission {
    /// We may.
    Granted,
    /// Nobody has been asked yet.
    NotAsked,
    /// The person said no, or (Linux) may not open the device.
    Denied,
    /// The person is not the one to decide: parental controls, a managed machine.
    Restricted,
}

impl CameraPermission {
    /// In one word, or nearly.
    pub fn word(self) -> &'static str {
        match self {
            CameraPermission::Granted => "granted",
            CameraPermission::NotAsked => "not asked yet",
            CameraPermission::Denied => "denied",
            CameraPermission::Restricted => "restricted",
        }
    }
}

/// What the system says now. Asks nobody, opens nothing.
#[cfg(not(target_os = "macos"))]
pub fn state() -> CameraPermission {
    let found = list_cameras().unwrap_or_default();
    let denied = |c: &super::CameraEntry| {
        let problem = c.problem.as_ref();
        problem.is_some_and(|e| e.kind() == ErrorKind::PermissionDenied)
    };
    match found.iter().any(denied) {
        true => CameraPermission::Denied,
        false => CameraPermission::Granted,
    }
}

/// There is nobody to ask: groups decide.
#[cfg(not(target_os = "macos"))]
pub fn request() -> CameraPermission {
    state()
}

#[cfg(target_os = "macos")]
pub use super::camera::{permission_request as request, permission_state as state};
