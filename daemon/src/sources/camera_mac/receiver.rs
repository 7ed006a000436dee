//! Frames on their way from the system's queue to the camera's own thread: the newest wins, and
//! two buffers go round.
#![allow(unsafe_code)]
// The system's constants keep their names.
#![allow(non_upper_case_globals)]

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use objc2::rc::Retained;
use objc2::runtime::NSObjectProtocol;
use objc2::{AnyThread, DefinedClass, define_class, msg_send};
use objc2_av_foundation::{
    AVCaptureConnection, AVCaptureOutput, AVCaptureVideoDataOutputSampleBufferDelegate,
};
use objc2_core_foundation::{CFEqual, CFType};
use objc2_core_media::{CMSampleBuffer, CMTime};
use objc2_core_video::{
    CVPixelBuffer, CVPixelBufferGetBaseAddress, CVPixelBufferGetBaseAddressOfPlane,
    CVPixelBufferGetBytesPerRow, CVPixelBufferGetBytesPerRowOfPlane, CVPixelBufferGetHeight,
    CVPixelBufferGetHeightOfPlane, CVPixelBufferGetPixelFormatType, CVPixelBufferGetPlaneCount,
    CVPixelBufferGetWidth, CVPixelBufferLockBaseAddress, CVPixelBufferLockFlags,
    CVPixelBufferUnlockBaseAddress, kCVImageBufferYCbCrMatrix_ITU_R_709_2,
    kCVImageBufferYCbCrMatrixKey, kCVPixelFormatType_32BGRA,
    kCVPixelFormatType_420YpCbCr8BiPlanarFullRange,
    kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange, kCVPixelFormatType_422YpCbCr8,
    kCVPixelFormatType_422YpCbCr8_yuvs,
};
use objc2_foundation::NSObject;
use vision::YuvRange;

use super::super::super::camera_pick::Layout;
use super::super::super::camera_pixels::{Matrix, Picture, Plane, gather};

/// A frame on its way from the system's queue to the camera's thread.
pub(super) struct Fresh {
    pub bytes: Vec<u8>,
    pub picture: Picture,
    pub time: CMTime,
}

/// Where the system's queue leaves frames.
#[derive(Default)]
pub(super) struct Mailbox {
    slot: Mutex<Slot>,
    arrived: Condvar,
}

#[derive(Default)]
struct Slot {
    newest: Option<Fresh>,
    spare: Vec<u8>,
    /// Why a picture could not be taken.
    flaw: Option<String>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest frame, or why there is none; waits a while for either.
    pub fn wait(&self, limit: Duration) -> (Option<Fresh>, Option<String>) {
        let waited = self.arrived.wait_timeout_while(self.lock(), limit, |s| {
            s.newest.is_none() && s.flaw.is_none()
        });
        let mut slot = waited.unwrap_or_else(PoisonError::into_inner).0;
        (slot.newest.take(), slot.flaw.take())
    }
}

pub(super) struct Ivars {
    mailbox: Arc<Mailbox>,
}

define_class!(
    // SAFETY: NSObject asks nothing of its subclasses, and this one has no Drop of its own.
    // Its only variable is shared and locked, so any queue may call it.
    #[unsafe(super(NSObject))]
    #[name = "GazeFrameReceiver"]
    #[ivars = Ivars]
    pub(super) struct Receiver;

    unsafe impl NSObjectProtocol for Receiver {}

    unsafe impl AVCaptureVideoDataOutputSampleBufferDelegate for Receiver {
        #[unsafe(method(captureOutput:didOutputSampleBuffer:fromConnection:))]
        fn arrived(&self, _: &AVCaptureOutput, sample: &CMSampleBuffer, _: &AVCaptureConnection) {
            let mailbox = &self.ivars().mailbox;
            let mut bytes = std::mem::take(&mut mailbox.lock().spare);
            let taken = copy(sample, &mut bytes);
            // SAFETY: the buffer is alive while we are called.
            let time = unsafe { sample.presentation_time_stamp() };
            let mut slot = mailbox.lock();
            match taken {
                Ok(picture) => {
                    let fresh = Fresh {
                        bytes,
                        picture,
                        time,
                    };
                    // Nobody fetched the one before: its buffer is the next one's.
                    if let Some(old) = slot.newest.replace(fresh) {
                        slot.spare = old.bytes;
                    }
                }
                Err(why) => {
                    slot.flaw = Some(why);
                    slot.spare = bytes;
                }
            }
            drop(slot);
            mailbox.arrived.notify_one();
        }
    }
);

impl Receiver {
    pub fn new(mailbox: Arc<Mailbox>) -> Retained<Receiver> {
        let this = Self::alloc().set_ivars(Ivars { mailbox });
        // SAFETY: `init` of NSObject.
        unsafe { msg_send![super(this), init] }
    }
}

/// Copies a picture's rows; what they mean.
fn copy(sample: &CMSampleBuffer, out: &mut Vec<u8>) -> Result<Picture, String> {
    // SAFETY: the buffer is alive while the receiver is called.
    let image = unsafe { sample.image_buffer() }.ok_or("a frame without a picture")?;
    let (layout, range) = match CVPixelBufferGetPixelFormatType(&image) {
        kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange => (Layout::Nv12, YuvRange::Limited),
        kCVPixelFormatType_420YpCbCr8BiPlanarFullRange => (Layout::Nv12, YuvRange::Full),
        kCVPixelFormatType_422YpCbCr8 => (Layout::Uyvy, YuvRange::Limited),
        kCVPixelFormatType_422YpCbCr8_yuvs => (Layout::Yuyv, YuvRange::Limited),
        kCVPixelFormatType_32BGRA => (Layout::Bgra, YuvRange::Full),
        other => return Err(format!("pictures of format {other:#010x}")),
    };
    let picture = Picture {
        width: CVPixelBufferGetWidth(&image) as u32,
        height: CVPixelBufferGetHeight(&image) as u32,
        layout,
        range,
        matrix: matrix_of(&image),
    };
    let lock = CVPixelBufferLockFlags::ReadOnly;
    // SAFETY: the picture is alive, and unlocked below with the same flags.
    if unsafe { CVPixelBufferLockBaseAddress(&image, lock) } != 0 {
        return Err("a picture that cannot be looked at".into());
    }
    let copied = gather(&planes(&image), &picture, out);
    // SAFETY: it was locked with these flags, and no slice of it is left.
    unsafe { CVPixelBufferUnlockBaseAddress(&image, lock) };
    copied.map(|()| picture)
}

/// The planes of a locked picture; none of those whose address is not known.
fn planes(image: &CVPixelBuffer) -> Vec<Plane<'_>> {
    let plane = |address: *mut std::ffi::c_void, stride: usize, rows: usize| {
        // SAFETY: the system says that `rows` rows of `stride` bytes lie there, and the
        // picture is locked while the slice lives (see `copy`).
        let bytes = unsafe { std::slice::from_raw_parts(address.cast::<u8>(), stride * rows) };
        Plane {
            bytes,
            stride,
            rows,
        }
    };
    match CVPixelBufferGetPlaneCount(image) {
        0 => {
            let address = CVPixelBufferGetBaseAddress(image);
            let (stride, rows) = (
                CVPixelBufferGetBytesPerRow(image),
                CVPixelBufferGetHeight(image),
            );
            let there = !address.is_null();
            there
                .then(|| plane(address, stride, rows))
                .into_iter()
                .collect()
        }
        count => (0..count)
            .map(|i| {
                let address = CVPixelBufferGetBaseAddressOfPlane(image, i);
                let stride = CVPixelBufferGetBytesPerRowOfPlane(image, i);
                (address, stride, CVPixelBufferGetHeightOfPlane(image, i))
            })
            .take_while(|(address, ..)| !address.is_null())
            .map(|(address, stride, rows)| plane(address, stride, rows))
            .collect(),
    }
}

/// What the system attached to the picture; without a word it is BT.601.
fn matrix_of(image: &CVPixelBuffer) -> Matrix {
    // SAFETY: both are constants of the system's library, and no mode is asked for.
    let said = unsafe { image.attachment(kCVImageBufferYCbCrMatrixKey, std::ptr::null_mut()) };
    // SAFETY: a constant of the system's library.
    let bt709: &CFType = unsafe { kCVImageBufferYCbCrMatrix_ITU_R_709_2 };
    match said.is_some_and(|m| CFEqual(Some(&m), Some(bt709))) {
        true => Matrix::Bt709,
        false => Matrix::Bt601,
    }
}

/// A frame's bytes, whose buffer goes back to the receiver.
pub(super) struct Returned {
    pub bytes: Vec<u8>,
    pub mailbox: Arc<Mailbox>,
}

impl AsRef<[u8]> for Returned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Returned {
    fn drop(&mut self) {
        let mut slot = self.mailbox.lock();
        if slot.spare.capacity() == 0 {
            slot.spare = std::mem::take(&mut self.bytes);
        }
    }
}
