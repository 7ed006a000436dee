//! A daemon whose camera does what a script says, with a rendered person before it.

use std::process::Command;

use tempfile::TempDir;

use crate::daemon::Running;

/// A folder with the demo's first picture as `face.png`.
///
/// # Panics
/// When the folder cannot be made.
pub fn folder_with_face() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let picture = crate::picture::demo_frame_png();
    std::fs::write(folder.path().join("face.png"), picture).expect("it is ours");
    folder
}

/// A scripted camera; the script's `steps` begin with good frames of the face.
pub fn scripted(folder: &TempDir, steps: &str) -> Running {
    scripted_with(folder, steps, |command| command)
}

/// As [`scripted`], as `prepare` completes the command.
///
/// # Panics
/// When the script cannot be written.
pub fn scripted_with(
    folder: &TempDir,
    steps: &str,
    prepare: impl FnOnce(&mut Command) -> &mut Command,
) -> Running {
    let (w, h) = crate::picture::demo_size();
    let script = folder.path().join("script.json");
    let text = format!(
        r#"{{"fps": 30, "width": {w}, "height": {h}, "picture": "face.png", "steps": [{steps}]}}"#
    );
    std::fs::write(&script, text).expect("it is ours");
    let source = format!("scripted:{}", script.display());
    Running::start_with(|command| prepare(command.args(["--source", &source])))
}
