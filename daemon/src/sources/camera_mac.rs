//! The cameras of a Mac, by AVFoundation. Type-checked only; not yet run on a Mac.
//!
//! It stands in nokhwa's place there, whose capture has a queue without end, gives the
//! oldest of it, drops the times, ignores padding, and can end the process over a pair
//! of format and rate. Here the newest frame wins, its time is the system's, and what
//! the system throws is an error of the camera.
//!
//! Frames arrive on a queue of the system's, which copies them into a spare buffer; the
//! camera's own thread (see `camera.rs`) waits for them. Everything else happens on that
//! thread, which may block and allocate.
#![allow(unsafe_code)]
// The system's constants keep their names.
#![allow(non_upper_case_globals)]

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use block2::RcBlock;
use dispatch2::{DispatchQueue, DispatchQueueAttr, DispatchRetained};
use objc2::exception;
use objc2::rc::{Retained, autoreleasepool};
use objc2::runtime::{AnyObject, Bool, NSObjectProtocol, ProtocolObject};
use objc2::{AnyThread, DefinedClass, define_class, msg_send};
use objc2_av_foundation::{
    AVAuthorizationStatus, AVCaptureConnection, AVCaptureDevice, AVCaptureDeviceDiscoverySession,
    AVCaptureDeviceFormat, AVCaptureDeviceInput, AVCaptureDevicePosition,
    AVCaptureDeviceTypeBuiltInWideAngleCamera, AVCaptureDeviceTypeContinuityCamera,
    AVCaptureDeviceTypeExternal, AVCaptureOutput, AVCaptureSession, AVCaptureVideoDataOutput,
    AVCaptureVideoDataOutputSampleBufferDelegate, AVFrameRateRange, AVMediaType, AVMediaTypeVideo,
};
use objc2_core_foundation::{CFEqual, CFRunLoop, CFType, kCFRunLoopDefaultMode};
use objc2_core_media::{
    CMClock, CMSampleBuffer, CMSyncConvertTime, CMTime, CMTimeFlags,
    CMVideoFormatDescriptionGetDimensions,
};
use objc2_core_video::{
    CVPixelBuffer, CVPixelBufferGetBaseAddress, CVPixelBufferGetBaseAddressOfPlane,
    CVPixelBufferGetBytesPerRow, CVPixelBufferGetBytesPerRowOfPlane, CVPixelBufferGetHeight,
    CVPixelBufferGetHeightOfPlane, CVPixelBufferGetPixelFormatType, CVPixelBufferGetPlaneCount,
    CVPixelBufferGetWidth, CVPixelBufferLockBaseAddress, CVPixelBufferLockFlags,
    CVPixelBufferUnlockBaseAddress, kCVImageBufferYCbCrMatrix_ITU_R_709_2,
    kCVImageBufferYCbCrMatrixKey, kCVPixelBufferPixelFormatTypeKey, kCVPixelFormatType_32BGRA,
    kCVPixelFormatType_420YpCbCr8BiPlanarFullRange,
    kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange, kCVPixelFormatType_422YpCbCr8,
    kCVPixelFormatType_422YpCbCr8_yuvs,
};
use objc2_foundation::{NSArray, NSDictionary, NSError, NSNumber, NSObject, NSString};
use vision::YuvRange;

use super::super::camera_health::{Condition, Health};
use super::super::camera_pick::{Layout, Mode, pick};
use super::super::camera_pixels::{Matrix, Picture, Plane, gather};
use super::super::camera_time::Stamp;
use super::super::clock::now_ns;
use super::super::permission::CameraPermission;
use super::super::{ErrorKind, OpenOptions, SourceError};
use super::{CameraEntry, Device, Raw, trouble, usable};

/// How long the camera's thread waits before it looks whether it is to end.
const GLANCE: Duration = Duration::from_millis(100);
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

fn video() -> Option<&'static AVMediaType> {
    // SAFETY: a constant that the system's library defines.
    unsafe { AVMediaTypeVideo }
}

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

/// Why we may not, if we may not.
fn not_permitted(place: &str) -> Option<SourceError> {
    let detail = match permission_state() {
        CameraPermission::Granted => return None,
        CameraPermission::NotAsked => "nobody was asked yet: gazed install asks",
        CameraPermission::Denied => "",
        CameraPermission::Restricted => "this Mac's management forbids it",
    };
    Some(trouble(ErrorKind::PermissionDenied, place, detail))
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

/// A frame on its way from the system's queue to the camera's thread.
struct Fresh {
    bytes: Vec<u8>,
    picture: Picture,
    time: CMTime,
}

/// Where the system's queue leaves frames.
#[derive(Default)]
struct Mailbox {
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
}

struct Ivars {
    mailbox: Arc<Mailbox>,
}

define_class!(
    // SAFETY: NSObject asks nothing of its subclasses, and this one has no Drop of its own.
    // Its only variable is shared and locked, so any queue may call it.
    #[unsafe(super(NSObject))]
    #[name = "GazeFrameReceiver"]
    #[ivars = Ivars]
    struct Receiver;

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
    fn new(mailbox: Arc<Mailbox>) -> Retained<Receiver> {
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

type Session = (
    Retained<AVCaptureSession>,
    Retained<AVCaptureVideoDataOutput>,
);

/// From the device to the receiver; nothing runs yet.
fn connect(
    device: &AVCaptureDevice,
    receiver: &Receiver,
    place: &str,
) -> Result<Session, SourceError> {
    let refused = |what: &str| trouble(ErrorKind::UnsupportedFormat, place, what);
    // SAFETY: all objects are alive, made here or handed in; the dictionary holds what
    // AVCaptureVideoDataOutput documents for its settings, a number by this key; the queue
    // is a serial one, as the receiver's frames must stay in order.
    unsafe {
        let input = AVCaptureDeviceInput::deviceInputWithDevice_error(device)
            .map_err(|e| translate(&e, place))?;
        let session = AVCaptureSession::new();
        let output = AVCaptureVideoDataOutput::new();
        let key: *const NSString = std::ptr::from_ref(kCVPixelBufferPixelFormatTypeKey).cast();
        let number = NSNumber::new_u32(kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange);
        let number: &AnyObject = &number;
        // Core Foundation's strings are Foundation's.
        let settings = NSDictionary::<NSString, AnyObject>::from_slices(&[&*key], &[number]);
        output.setVideoSettings(Some(&settings));
        // Late frames are dropped there, and the newest one wins here.
        output.setAlwaysDiscardsLateVideoFrames(true);
        let queue: DispatchRetained<DispatchQueue> =
            DispatchQueue::new("com.gaze.frames", DispatchQueueAttr::SERIAL);
        let delegate = ProtocolObject::from_ref(receiver);
        output.setSampleBufferDelegate_queue(Some(delegate), Some(&queue));
        session.beginConfiguration();
        let fits = session.canAddInput(&input) && session.canAddOutput(&output);
        if fits {
            session.addInput(&input);
            session.addOutput(&output);
        }
        session.commitConfiguration();
        match fits {
            true => Ok((session, output)),
            false => Err(refused("the system does not connect it")),
        }
    }
}

/// Sets the pair of format and rate and starts. The device stays locked until the session
/// runs: unlocked it would choose a format of its own as it starts.
fn run(
    session: &AVCaptureSession,
    device: &AVCaptureDevice,
    options: &OpenOptions,
    place: &str,
) -> Result<Mode, SourceError> {
    let listed = modes(device, options.fps.unwrap_or(30.0));
    let all: Vec<Mode> = listed.iter().map(|l| l.mode).collect();
    let none = || {
        trouble(
            ErrorKind::UnsupportedFormat,
            place,
            "no pair of format and rate",
        )
    };
    let wanted = pick(&all, options).ok_or_else(none)?;
    let pair = listed
        .into_iter()
        .find(|l| l.mode == wanted)
        .ok_or_else(none)?;
    // SAFETY: the device is alive; format and duration are from its own list, both ends of
    // the duration the same, set while it is locked, and it is unlocked once on every way.
    unsafe {
        device
            .lockForConfiguration()
            .map_err(|e| translate(&e, place))?;
        let set = exception::catch(AssertUnwindSafe(|| {
            device.setActiveFormat(&pair.format);
            device.setActiveVideoMinFrameDuration(pair.duration);
            device.setActiveVideoMaxFrameDuration(pair.duration);
            session.startRunning();
        }));
        device.unlockForConfiguration();
        if let Err(thrown) = set {
            let words = thrown.map_or_else(String::new, |e| e.to_string());
            return Err(trouble(ErrorKind::UnsupportedFormat, place, &words));
        }
        if !session.isRunning() {
            return Err(trouble(
                ErrorKind::DeviceBusy,
                place,
                "its session does not start",
            ));
        }
    }
    Ok(wanted)
}

/// A pair that the device lists.
struct Listed {
    mode: Mode,
    format: Retained<AVCaptureDeviceFormat>,
    /// Of one frame.
    duration: CMTime,
}

/// Each format with the fastest rate of each of its ranges, and with the wished one.
fn modes(device: &AVCaptureDevice, wished: f64) -> Vec<Listed> {
    let mut all = Vec::new();
    // SAFETY: the device is alive, and what it lists is kept.
    let formats = unsafe { device.formats() };
    for format in formats.to_vec() {
        // SAFETY: the format is alive; a camera's formats are all of video.
        let (size, code, ranges) = unsafe {
            let description = format.formatDescription();
            let size = CMVideoFormatDescriptionGetDimensions(&description);
            let ranges = format.videoSupportedFrameRateRanges();
            (size, description.media_sub_type(), ranges.to_vec())
        };
        for range in ranges {
            for (fps, duration) in rates(&range, wished) {
                let mode = Mode {
                    width: size.width.max(0) as u32,
                    height: size.height.max(0) as u32,
                    fps,
                    layout: layout_of(code),
                };
                all.push(Listed {
                    mode,
                    format: format.clone(),
                    duration,
                });
            }
        }
    }
    all
}

fn rates(range: &AVFrameRateRange, wished: f64) -> Vec<(f64, CMTime)> {
    // SAFETY: the range is alive.
    let (slowest, fastest, shortest) = unsafe {
        (
            range.minFrameRate(),
            range.maxFrameRate(),
            range.minFrameDuration(),
        )
    };
    let mut rates = vec![(fastest, shortest)];
    if slowest < wished && wished < fastest {
        // SAFETY: numbers in, numbers out.
        rates.push((wished, unsafe {
            CMTime::with_seconds(1.0 / wished, 1_000_000)
        }));
    }
    rates
}

/// What the camera sends; the system makes NV12 of it, which costs something for JPEG.
fn layout_of(code: u32) -> Layout {
    match code {
        kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange
        | kCVPixelFormatType_420YpCbCr8BiPlanarFullRange => Layout::Nv12,
        kCVPixelFormatType_422YpCbCr8 | kCVPixelFormatType_422YpCbCr8_yuvs => Layout::Yuyv,
        _ => Layout::Mjpeg,
    }
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
        let slot = self.mailbox.lock();
        let waited = self
            .mailbox
            .arrived
            .wait_timeout_while(slot, GLANCE, |s| s.newest.is_none() && s.flaw.is_none());
        let mut slot = waited.unwrap_or_else(PoisonError::into_inner).0;
        let (newest, flaw) = (slot.newest.take(), slot.flaw.take());
        drop(slot);
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

/// A frame's bytes, whose buffer goes back to the receiver.
struct Returned {
    bytes: Vec<u8>,
    mailbox: Arc<Mailbox>,
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
