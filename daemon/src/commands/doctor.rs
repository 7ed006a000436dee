//! `gazed doctor`: each thing the daemon needs, a line, with what to do.

use std::path::Path;

use display::Display;
use gaze::calibration::{self, FileError, network_id, selection};
use ring::{OpenError, Reader};
use vision::gaze_net::GazeNet;
use vision::{ModelStore, Runtime, SessionOptions};

use super::status::words;
use crate::calibrations::{Situation, World, note};
use crate::exit::{Exit, Outcome};
use crate::pipeline::priority;
use crate::settings::{self, FileSettings, GazeChoice};
use crate::sources::{self, ErrorKind};

/// How a thing was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// Works without; worth knowing.
    Note,
    Bad,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Note => "note",
            Verdict::Bad => "BAD",
        }
    }
}

struct Finding {
    what: &'static str,
    verdict: Verdict,
    line: String,
}

/// Checks everything; exit code 1 when something is bad.
pub fn doctor(config: Option<&Path>, shm: Option<String>, json: bool) -> Outcome {
    let (settings, settings_finding) = check_settings(config);
    let name = shm
        .or(settings.shm.clone())
        .unwrap_or_else(ring::default_name);
    let (runtime, runtime_finding) = check_runtime(&settings);
    let mut findings = vec![
        settings_finding,
        runtime_finding,
        check_networks(&settings, runtime.is_some()),
    ];
    findings.extend(runtime.and_then(|r| check_gaze_network(&settings, &r)));
    findings.extend([
        check_camera(),
        check_permission(),
        check_priority(),
        check_displays(),
        check_shared_memory(&name),
        check_calibration(&settings, &name),
    ]);
    let bad = findings.iter().any(|f| f.verdict == Verdict::Bad);
    if json {
        let rows: Vec<_> = findings
            .iter()
            .map(|f| {
                serde_json::json!({"what": f.what, "verdict": f.verdict.word().to_lowercase(), "line": f.line})
            })
            .collect();
        println!("{}", serde_json::json!({"good": !bad, "findings": rows}));
    } else {
        for f in &findings {
            println!("{:4}  {:13}  {}", f.verdict.word(), f.what, f.line);
        }
    }
    Ok(if bad { Exit::NotGood } else { Exit::Ok })
}

fn check_settings(config: Option<&Path>) -> (FileSettings, Finding) {
    let path = config
        .map(Path::to_path_buf)
        .or_else(settings::default_path);
    let shown = path.map_or_else(|| "none".into(), |p| p.display().to_string());
    match settings::load(config) {
        Ok(s) => {
            let line = if s == FileSettings::default() {
                format!("nothing set; they would be read from {shown}")
            } else {
                format!("read from {shown}")
            };
            (
                s,
                Finding {
                    what: "settings",
                    verdict: Verdict::Good,
                    line,
                },
            )
        }
        Err(e) => (
            FileSettings::default(),
            Finding {
                what: "settings",
                verdict: Verdict::Bad,
                line: e.to_string(),
            },
        ),
    }
}

fn check_runtime(settings: &FileSettings) -> (Option<Runtime>, Finding) {
    let what = "ONNX Runtime";
    match Runtime::load(settings.runtime.as_deref()) {
        Ok(r) => {
            let line = r.path().display().to_string();
            (
                Some(r),
                Finding {
                    what,
                    verdict: Verdict::Good,
                    line,
                },
            )
        }
        Err(e) => (
            None,
            Finding {
                what,
                verdict: Verdict::Bad,
                line: e.to_string(),
            },
        ),
    }
}

fn check_networks(settings: &FileSettings, runtime: bool) -> Finding {
    let what = "networks";
    let checked = ModelStore::open(settings.models.as_deref()).and_then(|store| {
        store
            .verify_all()
            .map(|count| (store.folder().to_path_buf(), count))
    });
    match checked {
        Ok((folder, count)) => Finding {
            what,
            verdict: Verdict::Good,
            line: format!(
                "{count} in {}, every hash right{}",
                folder.display(),
                if runtime {
                    ""
                } else {
                    "; not loaded, ONNX Runtime is missing"
                }
            ),
        },
        Err(e) => Finding {
            what,
            verdict: Verdict::Bad,
            line: e.to_string(),
        },
    }
}

/// The gaze network that the settings name, loaded as the daemon would.
fn check_gaze_network(settings: &FileSettings, runtime: &Runtime) -> Option<Finding> {
    let options = SessionOptions::default();
    let opened = match settings.gaze_choice() {
        GazeChoice::Geometric => return None,
        GazeChoice::File(file) => GazeNet::open(&file, None, runtime, &options).map(Some),
        GazeChoice::Base(which) => match ModelStore::open(settings.models.as_deref()) {
            Ok(store) => GazeNet::base(&store, which, runtime, &options),
            Err(_) => return None, // told with the other networks
        },
    };
    let (verdict, line) = match opened {
        Ok(Some(net)) => {
            let kind = net.contract().kind.name();
            (Verdict::Good, format!("{}: {kind}", net.name()))
        }
        Ok(None) => (
            Verdict::Note,
            "geometry: models.json lists none of our own; take the folder of this release".into(),
        ),
        Err(e) => (Verdict::Bad, e.to_string()),
    };
    Some(Finding {
        what: "gaze network",
        verdict,
        line,
    })
}

fn check_camera() -> Finding {
    let what = "camera";
    match sources::list_cameras() {
        Ok(found) if found.is_empty() => Finding {
            what,
            verdict: Verdict::Note,
            line: "none found; plug one in, or use --source demo".into(),
        },
        Ok(found) => {
            let line = |c: &sources::CameraEntry| match &c.problem {
                Some(problem) => problem.to_string(),
                None => format!("{}: {}", c.index, c.name),
            };
            let verdict = match found.iter().any(|c| c.problem.is_none()) {
                true => Verdict::Good,
                false => Verdict::Bad,
            };
            let line = found.iter().map(line).collect::<Vec<_>>().join("; ");
            Finding {
                what,
                verdict,
                line,
            }
        }
        Err(e) if e.kind() == ErrorKind::PermissionDenied => Finding {
            what,
            verdict: Verdict::Bad,
            line: e.to_string(),
        },
        Err(e) => Finding {
            what,
            verdict: Verdict::Note,
            line: e.to_string(),
        },
    }
}

/// Whether the system lets us open the cameras it lists; none is opened for it.
fn check_permission() -> Finding {
    let what = "permission";
    let found = sources::list_cameras().unwrap_or_default();
    let denied = found
        .iter()
        .filter_map(|c| c.problem.as_ref())
        .find(|e| e.kind() == ErrorKind::PermissionDenied);
    let (verdict, line) = match denied {
        Some(e) => (Verdict::Bad, e.to_string()),
        None if found.is_empty() => (Verdict::Note, "no camera to ask about".into()),
        None => (Verdict::Good, "no camera is refused to you".into()),
    };
    Finding {
        what,
        verdict,
        line,
    }
}

/// Whether the threads on the way to the sample may go before others.
fn check_priority() -> Finding {
    let (verdict, line) = match priority::try_both() {
        Ok([publish, perceive]) => (
            Verdict::Good,
            format!("publishing by {publish}, perceiving by {perceive}"),
        ),
        Err(denied) => (Verdict::Note, denied.to_string()),
    };
    Finding {
        what: "priority",
        verdict,
        line,
    }
}

/// Which displays there are, the main one first.
fn check_displays() -> Finding {
    let what = "displays";
    match display::list() {
        Ok(all) => Finding {
            what,
            verdict: Verdict::Good,
            line: all.iter().map(describe).collect::<Vec<_>>().join("; "),
        },
        Err(e) => Finding {
            what,
            verdict: Verdict::Note,
            line: e.to_string(),
        },
    }
}

fn describe(d: &Display) -> String {
    let pixels = (f64::from(d.width_px), f64::from(d.height_px));
    let points = if d.points == pixels {
        String::new()
    } else {
        format!("{:.0}×{:.0} points of ", d.points.0, d.points.1)
    };
    format!(
        "{}{}: {points}{}×{} px, {:.0}×{:.0} mm{}",
        d.id,
        if d.primary { " (main)" } else { "" },
        d.width_px,
        d.height_px,
        d.width_mm,
        d.height_mm,
        if d.measured { "" } else { " (guessed)" }
    )
}

/// Whether there is a calibration for this person, camera and display, and whether
/// the daemon would take it.
fn check_calibration(settings: &FileSettings, name: &str) -> Finding {
    let what = "calibration";
    let found = |verdict, line| Finding {
        what,
        verdict,
        line,
    };
    // The running daemon knows its camera and network; otherwise the first camera,
    // and the network's name alone.
    let header = Reader::open(name).ok().map(|reader| reader.header());
    let camera = header
        .as_ref()
        .map(|h| h.camera_name.clone())
        .filter(|name| !name.is_empty())
        .or_else(first_camera);
    let network = header
        .map(|h| (h.network_name, h.network_hash))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, hash)| network_id(&name, hash));
    let Some(camera) = camera else {
        let line = "no camera to have one for; start gazed, or plug a camera in";
        return found(Verdict::Note, line.into());
    };
    let folder = calibration::default_folder();
    let selection = folder.as_deref().map(selection::load);
    if let Some(Err(e)) = &selection
        && !matches!(e, FileError::NotFound { .. })
    {
        return found(Verdict::Bad, e.to_string());
    }
    let selection = selection.and_then(Result::ok);
    let displays = display::list().unwrap_or_default();
    let situation = Situation::of(&World {
        settings,
        selection: selection.as_ref(),
        selection_is_newer: false,
        login: &selection::login_name(),
        displays: &displays,
        camera: &camera,
        network: network.as_deref().unwrap_or_default(),
        folder: folder.as_deref(),
    });
    let Some(file) = situation.file.clone() else {
        return found(
            Verdict::Note,
            "there is no home folder to keep one in".into(),
        );
    };
    let loaded = match calibration::load(&file) {
        Ok(loaded) => loaded,
        Err(FileError::NotFound { .. }) => {
            let line = format!("no {}; run gaze-calib run", file.display());
            return found(Verdict::Note, line);
        }
        Err(e) => return found(Verdict::Bad, e.to_string()),
    };
    let mut situation = situation;
    if network.is_none() {
        situation.setup.network.clone_from(&loaded.network);
    }
    if let Err(why) = situation.suits(&loaded) {
        return found(Verdict::Bad, format!("{}: {why}", file.display()));
    }
    let line = format!(
        "{}'s, {}: {:.1} % of the diagonal, {}; {}",
        loaded.user,
        loaded.grade.word(),
        100.0 * loaded.expected_error(),
        note::age(loaded.created_unix_s, note::now_unix_s()),
        file.display()
    );
    found(Verdict::Good, line)
}

fn first_camera() -> Option<String> {
    let cameras = sources::list_cameras().ok()?;
    let usable = cameras.into_iter().find(|c| c.problem.is_none())?;
    Some(usable.name)
}

fn check_shared_memory(name: &str) -> Finding {
    let what = "shared memory";
    match Reader::open(name) {
        Ok(reader) => {
            let header = reader.header();
            Finding {
                what,
                verdict: Verdict::Good,
                line: match header.writer_pid {
                    Some(pid) => format!("{name}: gazed {}, process {pid}", words(reader.health())),
                    None => format!("{name}: the last gazed {}", words(reader.health())),
                },
            }
        }
        Err(OpenError::NotThere { .. }) => Finding {
            what,
            verdict: Verdict::Good,
            line: format!("{name} is free; no gazed is running"),
        },
        Err(e) => Finding {
            what,
            verdict: Verdict::Bad,
            line: e.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_of_a_mac_has_points_and_pixels() {
        let mut d = Display {
            id: "builtin".into(),
            native: 1,
            x: 0,
            y: 0,
            width_px: 3024,
            height_px: 1964,
            points: (1512.0, 982.0),
            width_mm: 302.4,
            height_mm: 196.4,
            measured: true,
            primary: true,
        };
        let line = "builtin (main): 1512×982 points of 3024×1964 px, 302×196 mm";
        assert_eq!(describe(&d), line);
        (d.points, d.measured, d.primary) = ((3024.0, 1964.0), false, false);
        assert_eq!(describe(&d), "builtin: 3024×1964 px, 302×196 mm (guessed)");
    }
}
