//! What recorded samples were made with: what the options say, else the recording, else
//! the running daemon, the selection and the desktop.

use std::path::Path;

use gaze::calibration::selection::Selection;
use gaze::calibration::{DisplayRecord, Setup};
use gaze::screen::{CameraPlace, Screen};

use crate::args::FitArgs;
use crate::live::Identity;
use crate::{Exit, Failure, kept};

/// # Errors
/// [`Exit::Usage`] with what is missing.
pub fn setup(
    args: &FitArgs,
    recorded: Option<&Setup>,
    folder: Option<&Path>,
) -> Result<Setup, Failure> {
    let selected = folder.and_then(kept::selected);
    let user = args
        .user
        .clone()
        .or_else(|| recorded.map(|r| r.user.clone()))
        .unwrap_or_else(|| kept::usual_user(selected.as_ref()));
    let running = match (&args.camera, &args.network, recorded) {
        (Some(_), Some(_), _) | (_, _, Some(_)) => None,
        _ => Identity::running(&ring::default_name()),
    };
    let known = |option: &Option<String>,
                 of_setup: fn(&Setup) -> &String,
                 of_daemon: fn(&Identity) -> &String,
                 what: &str| {
        option
            .as_ref()
            .or(recorded.map(of_setup))
            .or(running.as_ref().map(of_daemon))
            .cloned()
            .ok_or_else(|| {
                let line = format!("which {what}? start gazed with it, or give --{what}");
                Failure::new(Exit::Usage, line)
            })
    };
    Ok(Setup {
        user,
        camera: known(&args.camera, |s| &s.camera, |i| &i.camera, "camera")?,
        display: display(args, recorded, selected.as_ref())?,
        network: known(&args.network, |s| &s.network, |i| &i.network, "network")?,
    })
}

fn display(
    args: &FitArgs,
    recorded: Option<&Setup>,
    selected: Option<&Selection>,
) -> Result<DisplayRecord, Failure> {
    let missing = |line: String| Failure::new(Exit::Usage, line);
    if let Some(recorded) = recorded {
        if args.size_px.is_some() || args.size_mm.is_some() {
            let line = "the recording says the display's size itself: its points are of that one";
            return Err(missing(line.to_owned()));
        }
        let mut display = recorded.display.clone();
        if let Some(id) = &args.display {
            display.id.clone_from(id);
        }
        return Ok(display);
    }
    let selected = selected.and_then(|s| s.display.clone());
    let id = args
        .display
        .clone()
        .or_else(|| selected.as_ref().map(|d| d.id.clone()));
    let known = match (&id, selected) {
        (Some(id), Some(selected)) if *id == selected.id => Some(selected),
        _ => connected(id.as_deref()),
    };
    let id = id.or_else(|| known.as_ref().map(|d| d.id.clone()));
    let Some(id) = id else {
        return Err(missing(
            "which display? give --display ID --size-px WxH --size-mm WxH".to_owned(),
        ));
    };
    let of_known = |size: fn(&DisplayRecord) -> (f64, f64)| known.as_ref().map(size);
    let px = args
        .size_px
        .or(known.as_ref().map(|d| (d.width_px, d.height_px)));
    let mm = args.size_mm.or(of_known(|d| (d.width_mm, d.height_mm)));
    let (Some((width_px, height_px)), Some((width_mm, height_mm))) = (px, mm) else {
        return Err(missing(format!(
            "how large is display {id}? give --size-px WxH and --size-mm WxH"
        )));
    };
    Ok(DisplayRecord::of(
        id,
        &Screen {
            width_px,
            height_px,
            width_mm,
            height_mm,
            camera: known.map_or_else(CameraPlace::default, |d| d.camera),
        },
    ))
}

/// The display of this name, or the primary one, as the desktop tells it.
fn connected(id: Option<&str>) -> Option<DisplayRecord> {
    let listed = display::list().ok()?;
    let found = match id {
        Some(id) => listed.into_iter().find(|d| d.id == id),
        None => listed.into_iter().next(),
    }?;
    Some(DisplayRecord {
        id: found.id,
        width_px: found.width_px,
        height_px: found.height_px,
        width_mm: found.width_mm,
        height_mm: found.height_mm,
        camera: CameraPlace::default(),
    })
}
