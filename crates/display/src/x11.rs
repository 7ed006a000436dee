//! The displays of an X server, by RandR 1.5.

use x11rb::connection::Connection;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::ConnectionExt as _;

use super::{Display, DisplayError, millimetres};

pub fn list() -> Result<Vec<Display>, DisplayError> {
    let set = std::env::var_os("DISPLAY").is_some_and(|d| !d.is_empty());
    if !set {
        return Err(DisplayError::NoDesktop("DISPLAY is not set".into()));
    }
    let (server, screen) =
        x11rb::connect(None).map_err(|e| DisplayError::NoDesktop(e.to_string()))?;
    ask(&server, screen).map_err(|e| DisplayError::Refused(e.to_string()))
}

fn ask(server: &impl Connection, screen: usize) -> Result<Vec<Display>, x11rb::errors::ReplyError> {
    let root = server.setup().roots[screen].root;
    let monitors = server.randr_get_monitors(root, true)?.reply()?.monitors;
    let mut found = Vec::with_capacity(monitors.len());
    for m in monitors {
        let name = server.get_atom_name(m.name)?.reply()?.name;
        let px = (u32::from(m.width), u32::from(m.height));
        if px.0 == 0 || px.1 == 0 {
            continue;
        }
        let mm = (
            f64::from(m.width_in_millimeters),
            f64::from(m.height_in_millimeters),
        );
        let (width_mm, height_mm, measured) = millimetres(px, mm);
        found.push(Display {
            id: String::from_utf8_lossy(&name).into_owned(),
            native: m.outputs.first().copied().unwrap_or(0),
            x: i32::from(m.x),
            y: i32::from(m.y),
            width_px: px.0,
            height_px: px.1,
            points: (f64::from(px.0), f64::from(px.1)),
            width_mm,
            height_mm,
            measured,
            primary: m.primary,
        });
    }
    Ok(found)
}
