//! The H.264 encoder of a Mac, by VideoToolbox. Type-checked only; not yet run on a Mac.
//!
//! A picture goes in and its bytes are out before the next one goes: pictures keep their order,
//! and each call waits until the system has coded its picture, which takes a Mac's media engine
//! some milliseconds. It answers on a thread of its own, through a channel that the block
//! holds: an answer that comes too late finds nobody, and nothing that is gone.
//!
//! Times, key pictures and profile are as OpenH264's (see `encode.rs`), so that either can
//! stand in a clip's place.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::panic::AssertUnwindSafe;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::mpsc;
use std::time::Duration;

use block2::RcBlock;
use objc2::exception;
use objc2::rc::autoreleasepool;
use objc2_core_foundation::{CFBoolean, CFDictionary, CFNumber, CFRetained, CFString, CFType};
use objc2_core_media::{
    CMSampleBuffer, CMTime, CMVideoFormatDescriptionGetH264ParameterSetAtIndex, kCMTimeInvalid,
    kCMVideoCodecType_H264,
};
use objc2_core_video::{
    CVAttachmentMode, CVPixelBuffer, CVPixelBufferGetBaseAddressOfPlane,
    CVPixelBufferGetBytesPerRowOfPlane, CVPixelBufferGetHeightOfPlane,
    CVPixelBufferGetPixelFormatType, CVPixelBufferLockBaseAddress, CVPixelBufferLockFlags,
    CVPixelBufferPool, CVPixelBufferUnlockBaseAddress, kCVImageBufferColorPrimaries_ITU_R_709_2,
    kCVImageBufferColorPrimariesKey, kCVImageBufferTransferFunction_ITU_R_709_2,
    kCVImageBufferTransferFunctionKey, kCVImageBufferYCbCrMatrix_ITU_R_601_4,
    kCVImageBufferYCbCrMatrixKey, kCVPixelBufferHeightKey, kCVPixelBufferPixelFormatTypeKey,
    kCVPixelBufferWidthKey, kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange,
};
use objc2_video_toolbox::{
    VTCompressionSession, VTEncodeInfoFlags, VTSessionSetProperty,
    kVTCompressionPropertyKey_AllowFrameReordering, kVTCompressionPropertyKey_AverageBitRate,
    kVTCompressionPropertyKey_ColorPrimaries, kVTCompressionPropertyKey_ExpectedFrameRate,
    kVTCompressionPropertyKey_MaxKeyFrameIntervalDuration, kVTCompressionPropertyKey_ProfileLevel,
    kVTCompressionPropertyKey_RealTime, kVTCompressionPropertyKey_TransferFunction,
    kVTCompressionPropertyKey_YCbCrMatrix, kVTEncodeFrameOptionKey_ForceKeyFrame,
    kVTProfileLevel_H264_ConstrainedBaseline_AutoLevel,
};

use crate::encode::{Coded, EncodeError, Encoder, KEY_EVERY_NS, Parameters};
use crate::nal::Units;
use crate::yuv::Yuv;

/// The system has said that it is done; it does not take this long to tell.
const PATIENCE: Duration = Duration::from_secs(2);

/// The system's encoder. It is opened by the first picture, which sets the size.
pub struct VideoToolbox {
    fps: f64,
    bits: u32,
    session: Option<Session>,
    parameters: Option<Parameters>,
    last_ns: u64,
}

impl VideoToolbox {
    /// For about `fps` pictures and `bits` a second.
    pub fn new(fps: f64, bits: u32) -> Self {
        VideoToolbox {
            fps,
            bits,
            session: None,
            parameters: None,
            last_ns: 0,
        }
    }

    fn code(&mut self, picture: &Yuv, at_ns: u64, key: bool) -> Result<Coded, EncodeError> {
        let size = (picture.width, picture.height);
        let session = match &mut self.session {
            Some(session) if session.size == size => session,
            other => {
                self.parameters = None;
                other.insert(Session::open(size, self.fps, self.bits)?)
            }
        };
        // The system takes no time twice. What the clip has is the camera's, as it came.
        self.last_ns = at_ns.max(self.last_ns + 1);
        let units = session.encode(picture, self.last_ns, key)?;
        units.finish(at_ns, size, &mut self.parameters)
    }
}

impl Encoder for VideoToolbox {
    fn encode(&mut self, picture: &Yuv, at_ns: u64, key: bool) -> Result<Coded, EncodeError> {
        // What the system throws is a failure of the encoder, where it would have ended the
        // process; and a thread of ours has no pool of its own for what it leaves behind.
        let act = AssertUnwindSafe(|| autoreleasepool(|_| self.code(picture, at_ns, key)));
        exception::catch(act).unwrap_or_else(|thrown| {
            let words = thrown.map_or_else(|| "something".to_owned(), |e| e.to_string());
            Err(EncodeError::Refused(format!("VideoToolbox threw {words}")))
        })
    }

    fn parameters(&self) -> Option<&Parameters> {
        self.parameters.as_ref()
    }
}

/// The system's side, for pictures of one size.
struct Session {
    vt: CFRetained<VTCompressionSession>,
    size: (usize, usize),
    /// What is attached to every picture: its colours need no conversion.
    colours: CFRetained<CFDictionary<CFString, CFType>>,
}

// SAFETY: a session may be used from any thread, by one at a time, which `&mut` sees to; its
// count of references and the dictionary's, which never changes, are atomic.
unsafe impl Send for Session {}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the session is alive; nothing is asked of it after this.
        unsafe { self.vt.invalidate() };
    }
}

impl Session {
    fn open(size: (usize, usize), fps: f64, bits: u32) -> Result<Session, EncodeError> {
        let number = |n: usize| CFNumber::new_i32(n as i32);
        let (wide, high) = (number(size.0), number(size.1));
        let format = number(kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange as usize);
        // SAFETY: constants of the system's library.
        let wanted = unsafe {
            dictionary(&[
                (kCVPixelBufferPixelFormatTypeKey, &format),
                (kCVPixelBufferWidthKey, &wide),
                (kCVPixelBufferHeightKey, &high),
            ])
        };
        let mut made = ptr::null_mut();
        // SAFETY: the dictionary has what the system documents for pictures, numbers by these
        // keys; there is no callback, as every picture brings a block; `made` outlives the call.
        let status = unsafe {
            VTCompressionSession::create(
                None,
                size.0 as i32,
                size.1 as i32,
                kCMVideoCodecType_H264,
                None,
                Some(wanted.as_opaque()),
                None,
                None,
                ptr::null_mut(),
                NonNull::from(&mut made),
            )
        };
        fine(status, "makes no session")?;
        let made = NonNull::new(made).ok_or(EncodeError::Missing("no session"))?;
        // SAFETY: what a function called "create" gives is ours to release.
        let vt = unsafe { CFRetained::from_raw(made) };
        // SAFETY: constants of the system's library.
        let colours = unsafe {
            dictionary(&[
                (
                    kCVImageBufferColorPrimariesKey,
                    kCVImageBufferColorPrimaries_ITU_R_709_2,
                ),
                (
                    kCVImageBufferTransferFunctionKey,
                    kCVImageBufferTransferFunction_ITU_R_709_2,
                ),
                (
                    kCVImageBufferYCbCrMatrixKey,
                    kCVImageBufferYCbCrMatrix_ITU_R_601_4,
                ),
            ])
        };
        let session = Session { vt, size, colours };
        session.set(fps, bits)?;
        Ok(session)
    }

    fn set(&self, fps: f64, bits: u32) -> Result<(), EncodeError> {
        let bits = CFNumber::new_i32(bits as i32);
        let fps = CFNumber::new_f64(fps);
        let key_every = CFNumber::new_f64(KEY_EVERY_NS as f64 / 1e9);
        // SAFETY: constants of the system's library.
        let must: [(&CFString, &CFType, &str); 6] = unsafe {
            [
                (
                    kVTCompressionPropertyKey_ProfileLevel,
                    kVTProfileLevel_H264_ConstrainedBaseline_AutoLevel,
                    "profile",
                ),
                (
                    kVTCompressionPropertyKey_AllowFrameReordering,
                    CFBoolean::new(false),
                    "order of pictures",
                ),
                (kVTCompressionPropertyKey_AverageBitRate, &bits, "bit rate"),
                // What `yuv::COLOURS` says.
                (
                    kVTCompressionPropertyKey_ColorPrimaries,
                    kCVImageBufferColorPrimaries_ITU_R_709_2,
                    "primaries",
                ),
                (
                    kVTCompressionPropertyKey_TransferFunction,
                    kCVImageBufferTransferFunction_ITU_R_709_2,
                    "transfer function",
                ),
                (
                    kVTCompressionPropertyKey_YCbCrMatrix,
                    kCVImageBufferYCbCrMatrix_ITU_R_601_4,
                    "matrix",
                ),
            ]
        };
        // SAFETY: as above.
        let hints: [(&CFString, &CFType); 3] = unsafe {
            [
                (kVTCompressionPropertyKey_RealTime, CFBoolean::new(true)),
                (kVTCompressionPropertyKey_ExpectedFrameRate, &fps),
                (
                    kVTCompressionPropertyKey_MaxKeyFrameIntervalDuration,
                    &key_every,
                ),
            ]
        };
        for (key, value, name) in must {
            // SAFETY: a session, and for each key a value of the type that its documentation
            // has: a string, a boolean, a whole number.
            let status = unsafe { VTSessionSetProperty(&self.vt, key, Some(value)) };
            fine(status, &format!("refuses our {name}"))?;
        }
        for (key, value) in hints {
            // SAFETY: as above; fractions are numbers too. An encoder that does not know one
            // of these codes all the same: key pictures are asked for one by one.
            let _ = unsafe { VTSessionSetProperty(&self.vt, key, Some(value)) };
        }
        Ok(())
    }

    /// Codes one picture, and waits for it.
    fn encode(&self, picture: &Yuv, at_ns: u64, key: bool) -> Result<Units, EncodeError> {
        let buffer = self.fill(picture)?;
        let (tell, told) = mpsc::channel();
        let handler = RcBlock::new(
            move |status: i32, _: VTEncodeInfoFlags, sample: *mut CMSampleBuffer| {
                // Who asked may have given up.
                let _ = tell.send(taken(status, sample));
            },
        );
        // SAFETY: a constant of the system's library.
        let force = unsafe { kVTEncodeFrameOptionKey_ForceKeyFrame };
        let forced = key.then(|| dictionary(&[(force, CFBoolean::new(true))]));
        // SAFETY: plain numbers; nanoseconds since the machine began fit for 292 years.
        let at = unsafe { CMTime::new(at_ns as i64, 1_000_000_000) };
        // SAFETY: the picture is filled, unlocked and not touched any more; the dictionary has
        // a boolean by its key; no flags are asked for; the block may be called on any thread,
        // as it holds nothing but a sender, and the system keeps its own copy of it.
        let status = unsafe {
            self.vt.encode_frame_with_output_handler(
                &buffer,
                at,
                kCMTimeInvalid,
                forced.as_deref().map(CFDictionary::as_opaque),
                ptr::null_mut(),
                RcBlock::as_ptr(&handler),
            )
        };
        drop(handler);
        fine(status, "takes no picture")?;
        // SAFETY: the session is alive.
        fine(unsafe { self.vt.complete_frames(at) }, "ends no picture")?;
        told.recv_timeout(PATIENCE)
            .unwrap_or(Err(EncodeError::Missing("no answer")))
    }

    /// The picture as the system's own, from its store of them.
    fn fill(&self, picture: &Yuv) -> Result<CFRetained<CVPixelBuffer>, EncodeError> {
        let none = || EncodeError::Missing("no room for a picture");
        // SAFETY: the session is alive.
        let pool = unsafe { self.vt.pixel_buffer_pool() }.ok_or_else(none)?;
        let mut made = ptr::null_mut();
        // SAFETY: the pool is alive, `made` outlives the call.
        let status = unsafe {
            CVPixelBufferPool::create_pixel_buffer(None, &pool, NonNull::from(&mut made))
        };
        fine(status, "has no room for a picture")?;
        let made = NonNull::new(made).ok_or_else(none)?;
        // SAFETY: what a function called "create" gives is ours to release.
        let buffer = unsafe { CFRetained::from_raw(made) };
        let to_write = CVPixelBufferLockFlags::empty();
        // SAFETY: the buffer is alive, and unlocked below with the same flags.
        let status = unsafe { CVPixelBufferLockBaseAddress(&buffer, to_write) };
        fine(status, "keeps its room shut")?;
        let copied = copy(picture, &buffer);
        // SAFETY: it was locked with these flags, and no slice of it is left.
        unsafe { CVPixelBufferUnlockBaseAddress(&buffer, to_write) };
        copied?;
        let mode = CVAttachmentMode::ShouldPropagate;
        // SAFETY: the dictionary has what the system documents for these keys, its own strings.
        unsafe { buffer.set_attachments(self.colours.as_opaque(), mode) };
        Ok(buffer)
    }
}

/// Luma, then both chroma planes as one, into a buffer that is locked for writing.
fn copy(picture: &Yuv, buffer: &CVPixelBuffer) -> Result<(), EncodeError> {
    let (w, h) = (picture.width, picture.height);
    let format = CVPixelBufferGetPixelFormatType(buffer);
    let other = || EncodeError::Missing("room for another kind of picture");
    if format != kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange {
        return Err(other());
    }
    for (plane, rows) in [(0, h), (1, h / 2)] {
        let address = CVPixelBufferGetBaseAddressOfPlane(buffer, plane).cast::<u8>();
        let stride = CVPixelBufferGetBytesPerRowOfPlane(buffer, plane);
        if address.is_null() || stride < w || CVPixelBufferGetHeightOfPlane(buffer, plane) < rows {
            return Err(other());
        }
        for y in 0..rows {
            // SAFETY: the system says that at least `rows` rows of `stride` bytes lie there,
            // of which these are `w`; it is locked for us, and nobody else has it yet.
            let row = unsafe { slice::from_raw_parts_mut(address.add(y * stride), w) };
            match plane {
                0 => row.copy_from_slice(&picture.y[y * w..][..w]),
                _ => picture.chroma_row(y, row),
            }
        }
    }
    Ok(())
}

/// A coded picture's units, with the parameter sets that the system keeps apart.
fn taken(status: i32, sample: *mut CMSampleBuffer) -> Result<Units, EncodeError> {
    fine(status, "codes no picture")?;
    // SAFETY: null where the picture was dropped, else alive while the block is called.
    let sample = unsafe { sample.as_ref() }.ok_or(EncodeError::Missing("no picture"))?;
    // SAFETY: the sample is alive.
    let (format, data) = unsafe { (sample.format_description(), sample.data_buffer()) };
    let format = format.ok_or(EncodeError::Missing("no parameter sets"))?;
    let data = data.ok_or(EncodeError::Missing("no picture"))?;
    let set = |index: usize| {
        let (mut bytes, mut size, mut count, mut length_bytes) = (ptr::null(), 0, 0, 0 as c_int);
        // SAFETY: the format is alive and H.264's; all four outlive the call.
        let status = unsafe {
            CMVideoFormatDescriptionGetH264ParameterSetAtIndex(
                &format,
                index,
                &mut bytes,
                &mut size,
                &mut count,
                &mut length_bytes,
            )
        };
        fine(status, "has no parameter sets")?;
        let bytes: &[u8] = match bytes.is_null() {
            true => &[],
            // SAFETY: so many bytes of the format's, which outlives their use here.
            false => unsafe { slice::from_raw_parts(bytes, size) },
        };
        Ok::<_, EncodeError>((bytes, count, length_bytes as usize))
    };
    let mut units = Units::default();
    let (first, count, length_bytes) = set(0)?;
    units.add(first);
    for index in 1..count {
        units.add(set(index)?.0);
    }
    // SAFETY: the data is alive.
    let mut bytes = vec![0u8; unsafe { data.data_length() }];
    if bytes.is_empty() {
        return Err(EncodeError::Missing("no picture"));
    }
    let to = NonNull::from(&mut bytes[..]).cast();
    // SAFETY: as many bytes are copied as there is room for.
    let status = unsafe { data.copy_data_bytes(0, bytes.len(), to) };
    fine(status, "hands no picture out")?;
    units.add_prefixed(&bytes, length_bytes)?;
    Ok(units)
}

fn dictionary(pairs: &[(&CFString, &CFType)]) -> CFRetained<CFDictionary<CFString, CFType>> {
    let (keys, values): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
    CFDictionary::from_slices(&keys, &values)
}

fn fine(status: i32, not: &str) -> Result<(), EncodeError> {
    match status {
        0 => Ok(()),
        _ => Err(EncodeError::Refused(format!(
            "VideoToolbox {not} ({status})"
        ))),
    }
}
