//! `gaze-calib export`: the fit as a picture.

use std::io::Write;
use std::path::{Path, PathBuf};

use gaze::calibration::file_name;

use crate::args::ExportArgs;
use crate::picture::chart::Chart;
use crate::picture::raster;
use crate::picture::result::{Format, svg};
use crate::picture::theme::Theme;
use crate::run::replace;
use crate::{Exit, Failure, kept};

/// Runs the command.
///
/// # Errors
/// [`Failure`]; a picture that was there before is still there then.
pub fn run(args: &ExportArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let calibration = kept::named_or_newest(args.file.as_deref(), &args.which)?;
    let format = Format {
        size: [f64::from(args.size.0), f64::from(args.size.1)],
        theme: if args.dark { Theme::DARK } else { Theme::LIGHT },
        footer: 0.0,
    };
    let picture = svg(&Chart::from_calibration(&calibration), &format);
    let files = match &args.out {
        Some(file) => vec![file.clone()],
        None => {
            let (user, camera) = (&calibration.user, &calibration.camera);
            let name = PathBuf::from(file_name(user, camera, &calibration.display.id));
            vec![name.with_extension("png"), name.with_extension("svg")]
        }
    };
    for file in files {
        let bytes = if is_png(&file) {
            raster::render(&picture)
                .and_then(|pixels| raster::png(&pixels))
                .map_err(|e| Failure::new(Exit::Output, format!("{}: {e}", file.display())))?
        } else {
            picture.clone().into_bytes()
        };
        replace(&file, &bytes)
            .map_err(|e| Failure::new(Exit::Output, format!("{}: {e}", file.display())))?;
        writeln!(out, "{}", file.display())?;
    }
    Ok(())
}

fn is_png(file: &Path) -> bool {
    file.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("png"))
}
