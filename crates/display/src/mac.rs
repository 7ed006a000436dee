//! The displays of a Mac, by Core Graphics. Type-checked only.
#![allow(unsafe_code)]

use objc2_core_graphics::{
    CGDirectDisplayID, CGDisplayBounds, CGDisplayCopyDisplayMode, CGDisplayIsBuiltin,
    CGDisplayMode, CGDisplayModelNumber, CGDisplayScreenSize, CGDisplaySerialNumber,
    CGDisplayVendorNumber, CGError, CGGetActiveDisplayList, CGMainDisplayID,
};

use super::{Display, DisplayError, millimetres};

/// Nobody has more.
const MOST: usize = 32;

pub fn list() -> Result<Vec<Display>, DisplayError> {
    let mut ids: [CGDirectDisplayID; MOST] = [0; MOST];
    let mut count = 0;
    // SAFETY: the array has room for `MOST` numbers, the count for one.
    let answer = unsafe { CGGetActiveDisplayList(MOST as u32, ids.as_mut_ptr(), &mut count) };
    if answer != CGError::Success {
        return Err(DisplayError::Refused(format!("error {}", answer.0)));
    }
    let main = CGMainDisplayID();
    Ok(ids[..MOST.min(count as usize)]
        .iter()
        .map(|id| describe(*id, main))
        .collect())
}

fn describe(native: CGDirectDisplayID, main: CGDirectDisplayID) -> Display {
    let bounds = CGDisplayBounds(native);
    let mode = CGDisplayCopyDisplayMode(native);
    let px = match mode.as_deref() {
        Some(mode) => (
            CGDisplayMode::pixel_width(Some(mode)) as u32,
            CGDisplayMode::pixel_height(Some(mode)) as u32,
        ),
        None => (bounds.size.width as u32, bounds.size.height as u32),
    };
    let mm = CGDisplayScreenSize(native);
    let (width_mm, height_mm, measured) = millimetres(px, (mm.width, mm.height));
    let id = if CGDisplayIsBuiltin(native) {
        "builtin".to_owned()
    } else {
        format!(
            "{:x}-{:x}-{:x}",
            CGDisplayVendorNumber(native),
            CGDisplayModelNumber(native),
            CGDisplaySerialNumber(native)
        )
    };
    Display {
        id,
        native,
        x: bounds.origin.x as i32,
        y: bounds.origin.y as i32,
        width_px: px.0,
        height_px: px.1,
        points: (bounds.size.width, bounds.size.height),
        width_mm,
        height_mm,
        measured,
        primary: native == main,
    }
}
