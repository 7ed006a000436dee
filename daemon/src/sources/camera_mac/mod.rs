//! The cameras of a Mac, by AVFoundation. Type-checked only; not yet run on a Mac.
//!
//! It stands in nokhwa's place there, whose capture has a queue without end, gives the
//! oldest of it, drops the times, ignores padding, and can end the process over a pair
//! of format and rate. Here the newest frame wins, its time is the system's, and what
//! the system throws is an error of the camera.
//!
//! Frames arrive on a queue of the system's, which copies them into a spare buffer; the
//! camera's own thread (see `camera.rs`) waits for them (`receiver`). Everything else happens on that
//! thread, which may block and allocate.
#![allow(unsafe_code)]

mod permission;
mod receiver;
mod session;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use objc2::exception;
use objc2::rc::{Retained, autoreleasepool};
use objc2_av_foundation::{
    AVCaptureDevice, AVCaptureDeviceDiscoverySession, AVCaptureDevicePosition,
    AVCaptureDeviceTypeBuiltInWideAngleCamera, AVCaptureDeviceTypeContinuityCamera,
    AVCaptureDeviceTypeExternal, AVCaptureSession, AVCaptureVideoDataOutput,
};
use objc2_core_foundation::{CFRunLoop, kCFRunLoopDefaultMode};
use objc2_core_media::{CMClock, CMSyncConvertTime, CMTime, CMTimeFlags};
use objc2_foundation::{NSArray, NSError};

use super::super::camera_health::{Condition, Health};
use super::super::camera_pick::{Layout, Mode};
use super::super::camera_time::Stamp;
use super::super::clock::now_ns;
use super::super::permission::CameraPermission;
use super::super::{ErrorKind, OpenOptions, SourceError};
use super::{CameraEntry, Device, Raw, trouble, usable};
use permission::{not_permitted, video};
use receiver::{Mailbox, Receiver, Returned};
use session::{connect, run};

pub use permission::{permission_request, permission_state};

/// How long the camera's thread waits before it looks whether it is to end.
const GLANCE: Duration = Duration::from_millis(100);

/// The cameras the system lists, by number. None of them is opened or switched on.
///
/// # Errors
/// The system gives no list.
pub fn list_cameras() -> Result<Vec<CameraEntry>, SourceError> {
    guarded("cameras", || {
        let entry = |(index, device): (usize, Retained<AVCaptureDevice>)| CameraEntry {
            index: index as u32,
            // SAFETY: the device is alive.
            name: unsafe { device.localizedName() }.to_string(),
            problem: not_permitted(&format!("camera {index}")),
        };
        Ok(devices().into_iter().enumerate().map(entry).collect())
    })
}

/// Lets the system's news of devices in; the main thread calls it a few times a second.
pub fn hear_of_devices() {
    // SAFETY: a constant that the system's library defines.
    let mode = unsafe { kCFRunLoopDefaultMode };
    CFRunLoop::run_in_mode(mode, 0.0, false);
}

/// Built in first, then those that are plugged in, then telephones.
fn devices() -> Vec<Retained<AVCaptureDevice>> {
    // SAFETY: constants of the system's library, and a list of them.
    let found = unsafe {
        let kinds = NSArray::from_slice(&[
            AVCaptureDeviceTypeBuiltInWideAngleCamera,
            AVCaptureDeviceTypeExternal,
            AVCaptureDeviceTypeContinuityCamera,
        ]);
        AVCaptureDeviceDiscoverySession::discoverySessionWithDeviceTypes_mediaType_position(
            &kinds,
            video(),
            AVCaptureDevicePosition::Unspecified,
        )
        .devices()
    };
    found.to_vec()
}

/// Runs what talks to the system; what that throws is an error of the camera, where it
/// would have ended the process.
fn guarded<T>(place: &str, act: impl FnOnce() -> Result<T, SourceError>) -> Result<T, SourceError> {
    let result = exception::catch(AssertUnwindSafe(|| autoreleasepool(|_| act())));
    result.unwrap_or_else(|thrown| {
        let words = thrown.map_or_else(String::new, |e| e.to_string());
        Err(trouble(ErrorKind::UnsupportedFormat, place, &words))
    })
}

/// An open camera with its session running. Lives on the camera's thread.
pub(super) struct Native {
    session: Retained<AVCaptureSession>,
    output: Retained<AVCaptureVideoDataOutput>,
    device: Retained<AVCaptureDevice>,
    // The output holds its receiver weakly.
    _receiver: Retained<Receiver>,
    mailbox: Arc<Mailbox>,
    mode: Mode,
    place: String,
    health: Health,
}

/// Opens camera `index` with the listed pair nearest to the wishes.
pub(super) fn open(index: u32, options: &OpenOptions) -> Result<Native, SourceError> {
    let place = format!("camera {index}");
    usable(&list_cameras()?, index, &place)?;
    guarded(&place, || {
        let device = devices().into_iter().nth(index as usize);
        let gone = || trouble(ErrorKind::DeviceNotAvailable, &place, "it has just gone");
        let device = device.ok_or_else(gone)?;
        // SAFETY: the device is alive.
        if unsafe { device.isSuspended() } {
            let closed = "its lid is closed";
            return Err(trouble(ErrorKind::DeviceNotAvailable, &place, closed));
        }
        let mailbox = Arc::new(Mailbox::default());
        let receiver = Receiver::new(Arc::clone(&mailbox));
        let (session, output) = connect(&device, &receiver, &place)?;
        let mode = run(&session, &device, options, &place)?;
        Ok(Native {
            session,
            output,
            device,
            _receiver: receiver,
            mailbox,
            mode,
            health: Health::new(now_ns(), sleepless_ns()),
            place: place.clone(),
        })
    })
}

impl Native {
    fn condition(&self) -> Condition {
        // SAFETY: device and session are alive.
        unsafe {
            Condition {
                permitted: permission_state() == CameraPermission::Granted,
                connected: self.device.isConnected(),
                suspended: self.device.isSuspended(),
                interrupted: self.session.isInterrupted()
                    || self.device.isInUseByAnotherApplication() && !self.session.isRunning(),
                running: self.session.isRunning(),
            }
        }
    }

    /// The frame's time on our clock, which is the host clock.
    fn stamp(&self, time: CMTime) -> Stamp {
        // SAFETY: the session is alive, both clocks are kept while they are used, and each
        // is a clock.
        let time = unsafe {
            match self.session.synchronizationClock() {
                Some(clock) => CMSyncConvertTime(time, &clock, &CMClock::host_time_clock()),
                None => time,
            }
        };
        let (flags, value, scale) = (time.flags, time.value, time.timescale);
        if !flags.contains(CMTimeFlags::Valid) || scale <= 0 || value < 0 {
            return Stamp::None;
        }
        let ns = i128::from(value) * 1_000_000_000 / i128::from(scale);
        u64::try_from(ns).map_or(Stamp::None, Stamp::Monotonic)
    }
}

impl Device for Native {
    fn name(&self) -> String {
        // SAFETY: the device is alive.
        unsafe { self.device.localizedName() }.to_string()
    }

    fn mode(&self) -> Mode {
        // Whatever the camera sends, this is what we asked the system to make of it.
        Mode {
            layout: Layout::Nv12,
            ..self.mode
        }
    }

    fn next(&mut self) -> Result<Option<Raw>, SourceError> {
        let (newest, flaw) = self.mailbox.wait(GLANCE);
        if let Some(fresh) = newest {
            self.health.frame(now_ns());
            return Ok(Some(Raw {
                stamp: self.stamp(fresh.time),
                bytes: Box::new(Returned {
                    bytes: fresh.bytes,
                    mailbox: Arc::clone(&self.mailbox),
                }),
                picture: fresh.picture,
            }));
        }
        if let Some(why) = flaw {
            return Err(trouble(ErrorKind::UnsupportedFormat, &self.place, &why));
        }
        let condition = self.condition();
        match self.health.nothing(now_ns(), sleepless_ns(), &condition) {
            None => Ok(None),
            Some((kind, why)) => Err(trouble(kind, &self.place, why)),
        }
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // Nobody is left to tell.
        // SAFETY: session and output are alive.
        let _ = exception::catch(AssertUnwindSafe(|| unsafe {
            self.output.setSampleBufferDelegate_queue(None, None);
            self.session.stopRunning();
        }));
    }
}

/// The clock that also runs while the machine sleeps: here that is CLOCK_MONOTONIC.
fn sleepless_ns() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// AVFoundation's errors, by number (AVError.h).
fn translate(e: &NSError, place: &str) -> SourceError {
    let kind = match e.code() {
        // Used by another session, in use by another application, locked by another process.
        -11804 | -11815 | -11817 => ErrorKind::DeviceBusy,
        // Disconnected.
        -11808 => ErrorKind::DeviceLost,
        // Not authorised, not authorised to use the device.
        -11836 | -11852 => ErrorKind::PermissionDenied,
        _ => ErrorKind::DeviceNotAvailable,
    };
    trouble(kind, place, &e.localizedDescription().to_string())
}
