//! The displays of an X server, by RandR 1.5.

use x11rb::connection::Connection;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::ConnectionExt as _;

use super::{Display, DisplayError, millimetres};

pub fn list() -> Result<Vec<Display>, DisplayError> {
    let name = local(&std::env::var("DISPLAY").unwrap_or_default())?;
    let (server, screen) =
        x11rb::connect(Some(&name)).map_err(|e| DisplayError::NoDesktop(e.to_string()))?;
    ask(&server, screen).map_err(|e| DisplayError::Refused(e.to_string()))
}

/// The same display by a socket of the file system alone: asked for `:0`, x11rb tries TCP too,
/// and what displays another machine has is of no use to a camera on this one.
fn local(display: &str) -> Result<String, DisplayError> {
    match display.split_once(':') {
        Some(("", number)) => Ok(format!("unix/:{number}")),
        Some(("unix" | "unix/", _)) => Ok(display.to_owned()),
        None if display.is_empty() => Err(DisplayError::NoDesktop("DISPLAY is not set".into())),
        _ => Err(DisplayError::NoDesktop(format!(
            "DISPLAY is {display}, another machine's"
        ))),
    }
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

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn displays_of_other_machines_are_not_asked() {
        assert_eq!(local(":0").unwrap(), "unix/:0");
        assert_eq!(local("unix:/run/x/0").unwrap(), "unix:/run/x/0");
        for other in ["localhost:10.0", "host:0", "10.0.0.1:0"] {
            let said = local(other).unwrap_err().to_string();
            assert!(said.contains("another machine's"), "{said}");
        }
        assert!(local("").unwrap_err().to_string().contains("not set"));
    }
}
