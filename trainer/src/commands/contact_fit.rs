//! `gaze-trainer contact-fit`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use clap::Args;
use gaze::contact::ContactSettings;

use super::train::{Failure, end, say, stop_flag, tell};
use crate::contact::evaluate::{Evaluation, Wish, evaluate};
use crate::contact::folder::{Listing, list};
use crate::contact::look::{Order, Seen, look};
use crate::contact::{self, Error};
use crate::data::cache::CropSpec;
use crate::report::{self, page};
use crate::synth::progress::Display;

/// What `contact-fit --help` says at its end.
pub const AFTER_HELP: &str = "\
FOLDER holds contact/ and other/ with .jpg or .png pictures; sub-folders of theirs are people, and the
same person has the same name in both. A set that `gaze-trainer synth --scenario contact` made is taken
as it is: its JSON says who looks into the lens (at most 1.5 degrees beside it). Each picture is measured
as gazed measures it. Thresholds are tested on people, or times, that they were not found on.
Pictures and what is measured of them stay on this machine.

Exit codes:
  0    done
  2    the command line is wrong
  3    fewer than 10 pictures of either kind can be told
  4    the page cannot be written
  5    FOLDER, or a network, cannot be used
  70   a fault of gaze-trainer
  130  stopped by Ctrl-C or TERM; nothing is written

Examples:
  gaze-trainer contact-fit looks
  gaze-trainer contact-fit looks --network contact.onnx --html report.html
  gaze-trainer contact-fit looks --recalibrate --json > fit.json
  gaze-trainer synth people --count 400 --scenario contact && gaze-trainer contact-fit people --away 5";

/// Arguments of `contact-fit`.
#[derive(Debug, Args)]
pub struct ContactFit {
    #[command(flatten)]
    pictures: Pictures,
    /// A contact network's ONNX file to measure [default: head and eyes tell]
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// What share of that which is taken for contact shall be, for the second threshold
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = share)]
    precision: f64,
    /// Recommend that threshold instead of the one with the best balance
    #[arg(long)]
    precise: bool,
    /// Recommend settings that also make probabilities mean what they say in this folder
    #[arg(long)]
    recalibrate: bool,
    /// Where the page goes [default: FOLDER.contact.html]
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
}

/// Labelled pictures and how they are looked at; `contact-train` takes the same.
#[derive(Debug, Args)]
pub struct Pictures {
    /// Folder with contact/ and other/, or a rendered set of the scenario contact
    pub folder: PathBuf,
    /// Of a rendered set: leave out who looks beside the lens by less than so many degrees
    #[arg(long, value_name = "DEGREES", default_value_t = 0.0, value_parser = angle)]
    pub away: f64,
    /// Faces narrower than this are not told, as contact.least_face_px in the settings
    #[arg(long, value_name = "PIXELS", default_value_t = ContactSettings::default().least_face_px, value_parser = pixels)]
    pub least_face: f64,
    /// The camera's field of view from left to right in degrees, as told to gazed [default: what a
    /// rendered picture's JSON says, else 60]
    #[arg(long, value_name = "DEGREES", value_parser = view)]
    pub fov: Option<f64>,
    /// How many pictures are looked at at once [default: one for each core]
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
}

fn within(text: &str, range: std::ops::RangeInclusive<f64>, words: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(v) if range.contains(&v) => Ok(v),
        _ => Err(words.to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    within(text, 0.5..=1.0, "a share from 0.5 to 1")
}

fn angle(text: &str) -> Result<f64, String> {
    within(text, 0.0..=90.0, "degrees from 0 to 90")
}

fn pixels(text: &str) -> Result<f64, String> {
    within(text, 0.0..=8192.0, "pixels from 0 to 8192")
}

fn view(text: &str) -> Result<f64, String> {
    within(text, 10.0..=170.0, "degrees from 10 to 170")
}

/// The exit code of what can go wrong.
pub fn failure(error: Error) -> Failure {
    (error.exit_code(), error.to_string())
}

impl Pictures {
    /// What lies in the folder.
    ///
    /// # Errors
    /// As [`list`].
    pub fn list(&self) -> Result<Listing, Failure> {
        let listing = list(&self.folder, self.away).map_err(failure)?;
        if listing.near + listing.unlabelled > 0 {
            tell(&format!(
                "left out: {} that look beside the lens by less than {}°, {} without JSON",
                listing.near, self.away, listing.unlabelled
            ));
        }
        Ok(listing)
    }

    /// Looks at all of them, with progress; `None` when it was stopped.
    ///
    /// # Errors
    /// As [`look`].
    pub fn look(
        &self,
        listing: &Listing,
        network: Option<&Path>,
        crop: Option<CropSpec>,
        stop: &AtomicBool,
    ) -> Result<Option<Vec<Seen>>, Failure> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let order = Order {
            pictures: &listing.pictures,
            network: network.map(Path::to_owned),
            least_face_px: self.least_face,
            hfov_deg: self.fov,
            crop,
            jobs: self.jobs.map_or_else(cores, usize::from),
        };
        let display = Mutex::new(Display::default());
        let seen = look(&order, stop, &mut |p| {
            if let Ok(mut display) = display.lock() {
                display.tell(p);
            }
        });
        if let Ok(display) = display.into_inner() {
            display.end();
        }
        let seen = seen.map_err(failure)?;
        if seen.is_none() {
            tell("gaze-trainer: stopped; nothing is written");
        }
        Ok(seen)
    }
}

impl ContactFit {
    /// Measures and writes the page.
    pub fn run(self) -> ExitCode {
        end(|| self.fit())
    }

    /// Whether it was stopped.
    fn fit(&self) -> Result<bool, Failure> {
        let listing = self.pictures.list()?;
        let stop = stop_flag();
        let network = self.network.as_deref();
        let Some(seen) = self.pictures.look(&listing, network, None, &stop)? else {
            return Ok(true);
        };
        let whole = |file: &PathBuf| file.canonicalize().unwrap_or_else(|_| file.clone());
        let wish = Wish {
            precision: self.precision,
            precise: self.precise,
            recalibrate: self.recalibrate,
            least_face_px: self.pictures.least_face,
            network: self.network.as_ref().map(whole),
        };
        let evaluation = evaluate(&listing.pictures, &seen, &wish).map_err(failure)?;
        let by = match network {
            Some(file) => format!("the network {}", file.display()),
            None => "head and eyes".to_owned(),
        };
        let folder = &self.pictures.folder;
        let html = self.html.clone().unwrap_or_else(|| beside(folder));
        let text = report::contact::page(&evaluation, folder, &by);
        page::write(&html, &text).map_err(|e| {
            failure(contact::Error::Write {
                path: html.clone(),
                why: e.to_string(),
            })
        })?;
        if self.json {
            let mut object = serde_json::to_value(&evaluation).unwrap_or_default();
            object["folder"] = folder.to_string_lossy().into();
            object["html"] = html.to_string_lossy().into();
            object["rendered"] = listing.rendered.into();
            object["settings"] = serde_json::json!({ "contact": evaluation.advice });
            say(&object.to_string());
        } else {
            let _ = std::io::stdout().write_all(table(&evaluation).as_bytes());
            tell(&format!("{}: all of it, with plots", html.display()));
        }
        Ok(false)
    }
}

/// FOLDER.contact.html.
fn beside(folder: &Path) -> PathBuf {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut name = whole.file_name().unwrap_or("pictures".as_ref()).to_owned();
    name.push(".contact.html");
    whole.with_file_name(name)
}

/// What a person reads.
fn table(e: &Evaluation) -> String {
    let mut text = format!("{:44} {:>10} {:>8}\n", "pictures", "in contact", "others");
    let mut line = |name: &str, n: &contact::evaluate::Count| {
        text += &format!("{name:44} {:>10} {:>8}\n", n.contact, n.other);
    };
    line("all", &e.pictures);
    for (why, n) in &e.unknown {
        line(&format!("not told: {}", why.words()), n);
    }
    line("told", &e.told);
    text += &format!(
        "\narea under the ROC curve {:.3} ± {:.3}, Brier score {:.3}, calibration error {:.3}\n\n",
        e.auc, e.auc_error, e.brier, e.calibration_error
    );
    text += &format!(
        "{:32} {:>9} {:>6} {:>13} {:>10} {:>9}\n",
        "threshold", "", "hits", "false alarms", "precision", "balanced"
    );
    let precise = format!("precision of {}", e.precision);
    let points = [
        ("the daemon's usual one", Some(e.usual)),
        ("best balanced accuracy", Some(e.best)),
        (precise.as_str(), e.precise),
    ];
    for (name, point) in points {
        match point {
            Some(o) => {
                let precision = o.precision.map_or("–".into(), |p| format!("{p:.2}"));
                text += &format!(
                    "{name:32} {:>9.3} {:>6.2} {:>13.2} {precision:>10} {:>9.3}\n",
                    o.threshold,
                    o.hits,
                    o.false_alarms,
                    o.balanced_accuracy()
                );
            }
            None => text += &format!("{name:32} {:>9}\n", "none"),
        }
    }
    if let Some(h) = &e.held_out {
        text += &format!(
            "{:32} {:>9} {:>6.2} {:>13.2} {:>10} {:>9.3}\n  {} groups in turn, tested on {}\n",
            "best balanced, on others",
            format!("{:.2}–{:.2}", h.thresholds[0], h.thresholds[1]),
            h.hits,
            h.false_alarms,
            "",
            h.balanced_accuracy,
            h.groups,
            h.by.words()
        );
        if let Some(line) = e.recalibration {
            text += &format!(
                "recalibrated (slope {:.2}, offset {:+.2}), on others: Brier score {:.3}, calibration error {:.3}\n",
                line.slope, line.offset, h.brier, h.calibration_error
            );
        }
    }
    for remark in report::contact::remarks(e) {
        text += &format!("{remark}\n");
    }
    text + &format!(
        "\nfor the settings: {}\n",
        serde_json::json!({ "contact": e.advice })
    )
}
