//! May this program use cameras? What the system says, and the question to the person.
#![allow(unsafe_code)]

use std::sync::mpsc;
use std::time::Duration;

use block2::RcBlock;
use objc2::runtime::Bool;
use objc2_av_foundation::{AVAuthorizationStatus, AVCaptureDevice, AVMediaType, AVMediaTypeVideo};

use super::super::super::permission::CameraPermission;
use super::super::super::{ErrorKind, SourceError};
use super::super::trouble;

/// The person has to find the dialog and to decide.
const DECIDE: Duration = Duration::from_secs(300);

/// What the system says of our using cameras. Asks nobody.
pub fn permission_state() -> CameraPermission {
    let Some(video) = video() else {
        return CameraPermission::Restricted;
    };
    // SAFETY: the media type is the system's own constant.
    match unsafe { AVCaptureDevice::authorizationStatusForMediaType(video) } {
        AVAuthorizationStatus::Authorized => CameraPermission::Granted,
        AVAuthorizationStatus::NotDetermined => CameraPermission::NotAsked,
        AVAuthorizationStatus::Denied => CameraPermission::Denied,
        _ => CameraPermission::Restricted,
    }
}

/// Asks the person, and waits for the answer for five minutes. The daemon never calls this.
pub fn permission_request() -> CameraPermission {
    let Some(video) = video() else {
        return CameraPermission::Restricted;
    };
    let (tell, answered) = mpsc::channel::<bool>();
    let handler = RcBlock::new(move |granted: Bool| {
        // Who asked may have given up.
        let _ = tell.send(granted.as_bool());
    });
    // SAFETY: the media type is the system's own constant; the block may be called on any
    // thread and holds nothing but a sender, which is Send. The system keeps its own copy.
    unsafe { AVCaptureDevice::requestAccessForMediaType_completionHandler(video, &handler) };
    let _ = answered.recv_timeout(DECIDE);
    permission_state()
}

pub(super) fn video() -> Option<&'static AVMediaType> {
    // SAFETY: a constant that the system's library defines.
    unsafe { AVMediaTypeVideo }
}

/// Why we may not, if we may not.
pub(super) fn not_permitted(place: &str) -> Option<SourceError> {
    let detail = match permission_state() {
        CameraPermission::Granted => return None,
        CameraPermission::NotAsked => "nobody was asked yet: gazed install asks",
        CameraPermission::Denied => "",
        CameraPermission::Restricted => "this Mac's management forbids it",
    };
    Some(trouble(ErrorKind::PermissionDenied, place, detail))
}
