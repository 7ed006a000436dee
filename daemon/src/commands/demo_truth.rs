//! `gazed demo-truth`: where the demo's eyes truly look, as CSV.

use std::io::Write;

use crate::exit::{Exit, Failure, Outcome};
use crate::sources::demo;

/// Prints `frame,x,y,open`, one line a frame of the clip; frame numbers of a
/// running demo are these, modulo the number of lines.
pub fn demo_truth() -> Outcome {
    let truth = demo::truth().map_err(|e| Failure::new(Exit::Source, e.to_string()))?;
    let mut text = String::from("frame,x,y,open\n");
    for (i, frame) in truth.frames.iter().enumerate() {
        let [x, y] = frame.screen;
        text.push_str(&format!("{i},{x:.5},{y:.5},{}\n", u8::from(frame.open)));
    }
    // A reader that has seen enough (`| head`) closes the pipe: not our trouble.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(Exit::Ok)
}
