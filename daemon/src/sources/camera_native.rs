//! The system's cameras, through nokhwa. Not on a Mac: see `camera_mac`.

use std::time::Duration;

use nokhwa::utils::{
    ApiBackend, CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType,
    Resolution,
};
use nokhwa::{Camera, NokhwaError};

use super::super::camera_pick::{Layout, Mode, pick};
use super::super::camera_pixels::Picture;
use super::super::camera_time::Stamp;
use super::super::{ErrorKind, OpenOptions, SourceError};
use super::{CameraEntry, Device, Raw, trouble, usable};

/// The cameras the system lists, by number. None of them is opened or switched on.
///
/// # Errors
/// The system gives no list.
pub fn list_cameras() -> Result<Vec<CameraEntry>, SourceError> {
    let found = nokhwa::query(ApiBackend::Auto)
        .map_err(|e| trouble(ErrorKind::DeviceNotAvailable, "cameras", &e.to_string()))?;
    let mut cameras: Vec<_> = found
        .iter()
        .filter_map(|info| {
            let index = info.index().as_index().ok()?;
            Some(CameraEntry {
                index,
                name: info.human_name(),
                problem: permission(index),
            })
        })
        .collect();
    cameras.sort_by_key(|c| c.index);
    Ok(cameras)
}

/// What the system says to our using camera `index`, without switching it on.
#[cfg(target_os = "linux")]
fn permission(index: u32) -> Option<SourceError> {
    use rustix::fs::{Access, access};
    let path = format!("/dev/video{index}");
    match access(&path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => None,
        Err(e) => Some(trouble(
            kind_of_errno(e.raw_os_error()),
            &format!("camera {index}"),
            &path,
        )),
    }
}

#[cfg(not(target_os = "linux"))]
fn permission(_: u32) -> Option<SourceError> {
    None
}

const LAYOUTS: [(FrameFormat, Layout); 6] = [
    (FrameFormat::NV12, Layout::Nv12),
    (FrameFormat::YUYV, Layout::Yuyv),
    (FrameFormat::RAWRGB, Layout::Rgb),
    (FrameFormat::RAWBGR, Layout::Bgr),
    (FrameFormat::MJPEG, Layout::Mjpeg),
    (FrameFormat::GRAY, Layout::Grey),
];

/// An open camera with its stream running.
pub(super) struct Native {
    camera: Camera,
    mode: Mode,
    place: String,
}

/// Opens camera `index` with the listed pair nearest to the wishes.
pub(super) fn open(index: u32, options: &OpenOptions) -> Result<Native, SourceError> {
    let place = format!("camera {index}");
    let say = |e: NokhwaError| translate(&e, &place);
    let known = list_cameras()?;
    usable(&known, index, &place)?;
    let layouts = LAYOUTS.map(|(f, _)| f);
    let any = RequestedFormat::with_formats(RequestedFormatType::None, &layouts);
    let mut camera = Camera::new(CameraIndex::Index(index), any).map_err(say)?;
    let listed = camera.compatible_camera_formats().map_err(say)?;
    let modes: Vec<Mode> = listed.iter().filter_map(to_mode).collect();
    let wanted = pick(&modes, options).ok_or_else(|| {
        trouble(
            ErrorKind::UnsupportedFormat,
            &place,
            "no pair of format and rate",
        )
    })?;
    // The same entry again, so that the pair is one the device listed.
    let pair = listed
        .into_iter()
        .find(|f| to_mode(f) == Some(wanted))
        .ok_or_else(|| {
            trouble(
                ErrorKind::UnsupportedFormat,
                &place,
                "no pair of format and rate",
            )
        })?;
    if camera.camera_format() != pair {
        let exact = RequestedFormatType::Exact(pair);
        camera
            .set_camera_requset(RequestedFormat::with_formats(exact, &layouts))
            .map_err(say)?;
    }
    camera.open_stream().map_err(say)?;
    let mode = to_mode(&camera.camera_format()).unwrap_or(wanted);
    Ok(Native {
        camera,
        mode,
        place,
    })
}

fn to_mode(f: &CameraFormat) -> Option<Mode> {
    let Resolution { width_x, height_y } = f.resolution();
    let &(_, layout) = LAYOUTS.iter().find(|(n, _)| *n == f.format())?;
    Some(Mode {
        width: width_x,
        height: height_y,
        fps: f64::from(f.frame_rate()),
        layout,
    })
}

impl Device for Native {
    fn name(&self) -> String {
        self.camera.info().human_name()
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn next(&mut self) -> Result<Option<Raw>, SourceError> {
        let buffer = self
            .camera
            .frame()
            .map_err(|e| match translate(&e, &self.place) {
                // It worked until now.
                lost if lost.kind() == ErrorKind::DeviceNotAvailable => {
                    trouble(ErrorKind::DeviceLost, &self.place, &e.to_string())
                }
                other => other,
            })?;
        let stamp: Option<Duration> = buffer.capture_timestamp();
        Ok(Some(Raw {
            bytes: Box::new(buffer.buffer_bytes()),
            picture: Picture::of(self.mode),
            stamp: stamp.map_or(Stamp::None, Stamp::Wall),
        }))
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.camera.stop_stream();
    }
}

/// nokhwa passes the system's errors on as text; the number is in it.
fn translate(e: &NokhwaError, place: &str) -> SourceError {
    let text = e.to_string();
    let kind = match e {
        NokhwaError::SetPropertyError { .. } | NokhwaError::GetPropertyError { .. }
            if errno_in(&text).is_none() =>
        {
            ErrorKind::UnsupportedFormat
        }
        _ => errno_in(&text).map_or_else(|| kind_of_words(&text), kind_of_errno),
    };
    trouble(kind, place, &text)
}

/// The number in "… (os error N)".
fn errno_in(text: &str) -> Option<i32> {
    let (_, rest) = text.rsplit_once("(os error ")?;
    rest.split_once(')')?.0.parse().ok()
}

fn kind_of_errno(errno: i32) -> ErrorKind {
    use rustix::io::Errno;
    match Errno::from_raw_os_error(errno) {
        Errno::ACCESS | Errno::PERM => ErrorKind::PermissionDenied,
        Errno::BUSY => ErrorKind::DeviceBusy,
        Errno::INVAL => ErrorKind::UnsupportedFormat,
        _ => ErrorKind::DeviceNotAvailable,
    }
}

fn kind_of_words(text: &str) -> ErrorKind {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| text.contains(w));
    if says(&["permission", "not authorized", "denied"]) {
        ErrorKind::PermissionDenied
    } else if says(&["in use", "busy", "lock"]) {
        ErrorKind::DeviceBusy
    } else {
        ErrorKind::DeviceNotAvailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_number_decides_the_kind() {
        let say = |text: &str| {
            translate(
                &NokhwaError::OpenDeviceError("0".into(), text.into()),
                "camera 0",
            )
        };
        for (text, kind) in [
            (
                "V4L2 Error: Permission denied (os error 13)",
                ErrorKind::PermissionDenied,
            ),
            (
                "V4L2 Error: Device or resource busy (os error 16)",
                ErrorKind::DeviceBusy,
            ),
            (
                "V4L2 Error: No such device (os error 19)",
                ErrorKind::DeviceNotAvailable,
            ),
            (
                "V4L2 Error: No such file or directory (os error 2)",
                ErrorKind::DeviceNotAvailable,
            ),
            (
                "V4L2 Error: Invalid argument (os error 22)",
                ErrorKind::UnsupportedFormat,
            ),
            ("Already in use by another process", ErrorKind::DeviceBusy),
            ("Not Authorized", ErrorKind::PermissionDenied),
            ("something else", ErrorKind::DeviceNotAvailable),
        ] {
            let e = say(text);
            assert_eq!(e.kind(), kind, "{text}");
            assert!(e.is_recoverable() && !e.to_string().contains('\n'), "{e}");
        }
        let fps = NokhwaError::GetPropertyError {
            property: "V4L2 FrameRate".into(),
            error: "Framerate not whole number: 30000 / 1001".into(),
        };
        assert_eq!(
            translate(&fps, "camera 0").kind(),
            ErrorKind::UnsupportedFormat
        );
    }
}
