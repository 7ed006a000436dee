//! The keyboard, where nobody hands it out: an X server without a window manager.

use winit::raw_window_handle::{HasWindowHandle, RawWindowHandle};
use winit::window::Window;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, InputFocus};

/// Asks the X server for the keyboard. Where that fails the window can still be
/// clicked on, or closed; there is nothing better to do.
pub fn take(window: &Window) {
    let id = match window.window_handle().map(|h| h.as_raw()) {
        Ok(RawWindowHandle::Xlib(x)) => u32::try_from(x.window).ok(),
        Ok(RawWindowHandle::Xcb(x)) => Some(x.window.get()),
        _ => None,
    };
    let (Some(id), Ok((connection, _))) = (id, x11rb::connect(None)) else {
        return;
    };
    let asked = connection.set_input_focus(InputFocus::POINTER_ROOT, id, x11rb::CURRENT_TIME);
    if let Ok(asked) = asked {
        let _ = asked.check();
    }
    let _ = connection.flush();
}
