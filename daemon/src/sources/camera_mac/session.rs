//! What is asked of a camera: the pair of format and rate, and where its frames go.
#![allow(unsafe_code)]
// The system's constants keep their names.
#![allow(non_upper_case_globals)]

use std::panic::AssertUnwindSafe;

use dispatch2::{DispatchQueue, DispatchQueueAttr, DispatchRetained};
use objc2::exception;
use objc2::rc::Retained;
use objc2::runtime::{AnyObject, ProtocolObject};
use objc2_av_foundation::{
    AVCaptureDevice, AVCaptureDeviceFormat, AVCaptureDeviceInput, AVCaptureSession,
    AVCaptureVideoDataOutput, AVFrameRateRange,
};
use objc2_core_media::{CMTime, CMVideoFormatDescriptionGetDimensions};
use objc2_core_video::{
    kCVPixelBufferPixelFormatTypeKey, kCVPixelFormatType_420YpCbCr8BiPlanarFullRange,
    kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange, kCVPixelFormatType_422YpCbCr8,
    kCVPixelFormatType_422YpCbCr8_yuvs,
};
use objc2_foundation::{NSDictionary, NSNumber, NSString};

use super::super::super::camera_pick::{Layout, Mode, pick};
use super::super::super::{ErrorKind, OpenOptions, SourceError};
use super::super::trouble;
use super::receiver::Receiver;
use super::translate;

pub(super) type Session = (
    Retained<AVCaptureSession>,
    Retained<AVCaptureVideoDataOutput>,
);

/// From the device to the receiver; nothing runs yet.
pub(super) fn connect(
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
pub(super) fn run(
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
