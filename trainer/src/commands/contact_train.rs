//! `gaze-trainer contact-train`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use burn::tensor::Device;
use clap::Args;
use gaze::contact::metrics::{self, Operating, Scored};
use serde::Serialize;
use vision::{BBox, ContactNet, Frame, Runtime, SessionOptions};

use super::contact_fit::{Pictures, failure};
use super::train::{Failure, end, say, stop_flag, tell};
use crate::contact::Error;
use crate::contact::evaluate::{Count, too_few};
use crate::contact::examples::{Examples, Face};
use crate::contact::folder::Listing;
use crate::contact::groups::{By, parted};
use crate::contact::learn::{self, Epoch};
use crate::contact::look::{self, Seen};
use crate::data::cache::CropSpec;
use crate::device;
use crate::export::{LARGEST_DIFFERENCE, face};
use crate::net::{FaceConfig, FaceNet};
use crate::train::settings::{Augment, Settings};

/// What `contact-train --help` says at its end.
pub const AFTER_HELP: &str = "\
FOLDER holds contact/ and other/ with .jpg or .png pictures; sub-folders of theirs are people, and the
same person has the same name in both. A rendered set of the scenario contact is taken as it is. Faces
are found and cut as gazed does it. About a fifth is not learned from but checked on: other people, or,
if there are not enough of them, later pictures. The network of the best epoch there is written, so its
figures are a little too good. The same seed is the same network (on a CPU).
At least 40 faces of each kind are needed; a good network takes thousands, of many people.
Pictures stay on this machine; the file holds weights and counts, no picture and no name.

Exit codes:
  0    the file is there
  1    the exported file answers otherwise than the network; it is not written
  2    the command line is wrong
  3    too few faces of either kind
  4    the file cannot be written
  5    FOLDER, or the networks, cannot be used
  6    the training ran away, or memory was not enough
  70   a fault of gaze-trainer
  130  stopped by Ctrl-C or TERM; nothing is written

Examples:
  gaze-trainer contact-train looks --out contact.onnx
  gaze-trainer contact-train looks --out contact.onnx --size 224 --device cuda --json
  gaze-trainer contact-fit new-looks --network contact.onnx      (how good it is elsewhere)
then \"contact\": {\"network\": \"/path/to/contact.onnx\"} in the settings of gazed.";

/// Fewer faces of either kind teach nothing.
const LEAST: usize = 40;
/// Share of the faces that is checked on.
const CHECKED: f64 = 0.2;
/// Faces that the exported file is compared on.
const COMPARED: usize = 32;

/// Arguments of `contact-train`.
#[derive(Debug, Args)]
pub struct ContactTrain {
    #[command(flatten)]
    pictures: Pictures,
    /// The ONNX file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Pixels on a side of the face pictures, 32 to 256; 224 is usual for large networks
    #[arg(long, value_name = "PIXELS", default_value_t = 112)]
    size: usize,
    /// Multiplies the encoder's channels, 0.25 to 1
    #[arg(long, value_name = "W", default_value_t = 0.5)]
    width: f64,
    /// Times that every face is seen at most
    #[arg(long, value_name = "N", default_value_t = learn::usual().epochs)]
    epochs: usize,
    /// Epochs without a better one after which it ends, 0 for never
    #[arg(long, value_name = "N", default_value_t = learn::usual().patience)]
    patience: usize,
    /// Faces in a step
    #[arg(long, value_name = "B", default_value_t = learn::usual().batch)]
    batch: usize,
    /// Highest learning rate
    #[arg(long, value_name = "R", default_value_t = learn::usual().head_rate)]
    rate: f64,
    /// Where all chance comes from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Learn from the faces as they are
    #[arg(long)]
    no_augment: bool,
    /// What computes: cpu, cuda, vulkan, wgpu, metal, tch, tch-cuda
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    device: String,
    /// Print one JSON object for each epoch, and one at the end
    #[arg(long)]
    json: bool,
}

/// What a network was learned from and what it came to; it stands in the file too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Learned {
    learned: Count,
    checked: Count,
    people: usize,
    checked_on: By,
    epoch: usize,
    seed: u64,
    auc: f64,
    auc_error: f64,
    brier: f64,
    calibration_error: f64,
    best: Operating,
}

/// Faces that can be learned from.
struct Faces {
    /// Numbers of their pictures.
    of: Vec<usize>,
    all: Vec<Face>,
}

impl ContactTrain {
    /// Trains, exports, compares, writes.
    pub fn run(self) -> ExitCode {
        end(|| self.train())
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = learn::usual();
        settings.epochs = self.epochs;
        settings.patience = self.patience;
        settings.batch = self.batch;
        (settings.head_rate, settings.backbone_rate) = (self.rate, self.rate);
        settings.seed = self.seed;
        if self.no_augment {
            settings.augment = Augment::NONE;
        }
        settings.check().map_err(|e| (2, e.to_string()))?;
        Ok(settings)
    }

    /// Whether it was stopped.
    fn train(&self) -> Result<bool, Failure> {
        let settings = self.settings()?;
        let config = FaceConfig::new(self.width, self.size).map_err(|e| (2, e.to_string()))?;
        let device = device::open(&self.device).map_err(|e| (2, e.to_string()))?;
        self.may_write()?;
        let listing = self.pictures.list()?;
        let spec = CropSpec {
            size: self.size,
            pad: self.size.div_ceil(8),
            scale: config.pictures().scale,
            channels: 3,
        };
        let stop = stop_flag();
        let Some(mut seen) = self.pictures.look(&listing, None, Some(spec), &stop)? else {
            return Ok(true);
        };
        let faces = faces(&listing, &mut seen)?;
        let ([learn, check], by) = parted(&listing.pictures, &faces.of, CHECKED, self.seed);
        // From here on faces go by their own numbers.
        let own = |side: &[usize]| -> Vec<usize> {
            let place = |i: &usize| faces.of.binary_search(i).ok();
            side.iter().filter_map(place).collect()
        };
        let (learn, check) = (own(&learn), own(&check));
        let examples = Examples {
            spec,
            input: config.pictures(),
            faces: &faces.all,
        };
        let [mine, others] = [&learn, &check].map(|side| count(&faces.all, side));
        tell(&format!(
            "{} faces ({} in contact) to learn from, {} ({}) to check on: {}",
            mine.all(),
            mine.contact,
            others.all(),
            others.contact,
            by.words()
        ));
        let start = config.init(self.seed, &device.clone().autodiff());
        let stopped = || stop.load(Ordering::Relaxed);
        let sides = [&learn[..], &check[..]];
        let trained = learn::train(
            start,
            &examples,
            sides,
            &settings,
            &device,
            &stopped,
            |e, b| {
                self.epoch(e, b);
            },
        );
        let Some(trained) = trained.map_err(failure)? else {
            tell("gaze-trainer: stopped; nothing is written");
            return Ok(true);
        };
        let scored = learn::scored(&trained.best, &examples, &check, &device);
        let learned = learned(
            &scored,
            [mine, others],
            by,
            &listing,
            &trained.epoch,
            self.seed,
        );
        let learned = learned.map_err(failure)?;
        let shown: Vec<usize> = {
            let every = check.len().div_ceil(COMPARED).max(1);
            let picked = check.iter().step_by(every);
            picked.map(|i| faces.of[*i]).collect()
        };
        let shown = frames(&listing, &seen, &shown);
        let bytes = face::write(&trained.best, &config, &serde_json::json!(learned));
        let difference = self.store(&bytes, &trained.best, &config, &shown, &device)?;
        let derived = by_head_and_eyes(&listing, &seen, &faces, &check);
        self.outcome(&learned, difference, shown.len(), bytes.len(), derived);
        Ok(false)
    }

    /// Told before minutes of learning: nothing can be written there.
    fn may_write(&self) -> Result<(), Failure> {
        let refuse = |why: &str| {
            Err(failure(Error::Write {
                path: self.out.clone(),
                why: why.into(),
            }))
        };
        let folder = self.out.parent().filter(|f| !f.as_os_str().is_empty());
        match () {
            () if self.out.is_dir() => refuse("it is a folder"),
            () if folder.is_some_and(|f| !f.is_dir()) => refuse("there is no such folder"),
            () => Ok(()),
        }
    }

    fn epoch(&self, e: &Epoch, better: bool) {
        if self.json {
            say(&serde_json::to_string(e).unwrap_or_default());
            return;
        }
        let best = if better { ", the best so far" } else { "" };
        tell(&format!(
            "epoch {:>3} of {}: loss {:.4}; checked: loss {:.4}, area under the ROC curve {:.3}{best}; {:.1} s",
            e.epoch, self.epochs, e.loss, e.check_loss, e.auc, e.seconds
        ));
    }

    /// Writes the file beside its place, has the daemon's own reader answer with it, and renames
    /// it where the answers are the network's; their largest difference.
    fn store(
        &self,
        bytes: &[u8],
        net: &FaceNet,
        config: &FaceConfig,
        shown: &[(Frame, BBox)],
        device: &Device,
    ) -> Result<f64, Failure> {
        let name = self.out.file_name().unwrap_or_default().to_string_lossy();
        let part = format!(".{name}.part-{}.onnx", std::process::id());
        let part = self.out.with_file_name(part);
        let refuse = |e: std::io::Error| Error::Write {
            path: self.out.clone(),
            why: e.to_string(),
        };
        let compared = || -> Result<f64, Error> {
            fs::write(&part, bytes).map_err(refuse)?;
            let runtime = Runtime::load(None)?;
            let mut file = ContactNet::open(&part, &runtime, &SessionOptions::default())?;
            let difference = face::largest_difference(&mut file, net, config, shown, device)?;
            // Nothing compared shows nothing.
            if shown.is_empty() || difference > LARGEST_DIFFERENCE {
                return Err(Error::Differs {
                    difference,
                    most: LARGEST_DIFFERENCE,
                });
            }
            fs::File::open(&part)
                .and_then(|f| f.sync_all())
                .map_err(refuse)?;
            fs::rename(&part, &self.out).map_err(refuse)?;
            Ok(difference)
        };
        let done = compared();
        if done.is_err() {
            let _ = fs::remove_file(&part);
        }
        done.map_err(failure)
    }

    fn outcome(
        &self,
        learned: &Learned,
        difference: f64,
        compared: usize,
        bytes: usize,
        derived: Option<(f64, usize)>,
    ) {
        if self.json {
            let mut object = serde_json::json!(learned);
            object["out"] = self.out.to_string_lossy().into();
            object["bytes"] = bytes.into();
            object["max_difference"] = difference.into();
            object["head_and_eyes_auc"] = derived.map(|(auc, _)| auc).into();
            say(&object.to_string());
            return;
        }
        tell(&format!(
            "{}: {} KiB, of epoch {}; at most {difference:.1e} beside the network on {compared} faces as gazed cuts them",
            self.out.display(),
            bytes.div_ceil(1024),
            learned.epoch
        ));
        let by_eyes = derived.map_or(String::new(), |(auc, n)| {
            format!(" (head and eyes alone: {auc:.3}, on the {n} that they tell)")
        });
        tell(&format!(
            "not learned from: area under the ROC curve {:.3} ± {:.3}{by_eyes}, calibration error {:.3}; at {:.2} hits {:.2}, false alarms {:.2}",
            learned.auc,
            learned.auc_error,
            learned.calibration_error,
            learned.best.threshold,
            learned.best.hits,
            learned.best.false_alarms
        ));
        if learned.auc - 2.0 * learned.auc_error < 0.5 {
            tell(
                "that may be a guess: give it more pictures, of more people, or --size 224 if they are small in what they show",
            );
        }
    }
}

/// Takes the crops of what can be learned from, whatever geometry says of it.
fn faces(listing: &Listing, seen: &mut [Seen]) -> Result<Faces, Failure> {
    let (mut of, mut all) = (Vec::new(), Vec::new());
    let (mut pictures, mut told) = (Count::default(), Count::default());
    let mut unknown: BTreeMap<look::Why, Count> = BTreeMap::new();
    for (i, (picture, seen)) in listing.pictures.iter().zip(seen).enumerate() {
        let contact = picture.contact;
        pictures.add(contact);
        match seen.crop.take() {
            Some(crop) => {
                told.add(contact);
                of.push(i);
                all.push(Face { crop, contact });
            }
            None => {
                let why = seen.said.err().unwrap_or(look::Why::CannotTell);
                unknown.entry(why).or_default().add(contact);
            }
        }
    }
    for (why, n) in &unknown {
        tell(&format!(
            "left out: {} in contact, {} others: {}",
            n.contact,
            n.other,
            why.words()
        ));
    }
    if told.contact.min(told.other) < LEAST {
        return Err(failure(too_few(pictures, told, &unknown, LEAST)));
    }
    Ok(Faces { of, all })
}

fn count(faces: &[Face], side: &[usize]) -> Count {
    let mut count = Count::default();
    side.iter().for_each(|i| count.add(faces[*i].contact));
    count
}

fn learned(
    scored: &[Scored],
    [learned, checked]: [Count; 2],
    by: By,
    listing: &Listing,
    epoch: &Epoch,
    seed: u64,
) -> Result<Learned, Error> {
    let Some(best) = metrics::best_balanced(scored) else {
        // Both sides have both kinds; what is left are answers that are no numbers.
        return Err(Error::Diverged(epoch.epoch));
    };
    let mut people: Vec<&str> = listing.pictures.iter().map(|p| p.person.as_str()).collect();
    people.dedup();
    let auc = metrics::auc(scored);
    Ok(Learned {
        learned,
        checked,
        people: people.len(),
        checked_on: by,
        epoch: epoch.epoch,
        seed,
        auc,
        auc_error: metrics::auc_error(auc, [checked.contact, checked.other]),
        brier: metrics::brier(scored),
        calibration_error: metrics::calibration_error(scored),
        best,
    })
}

/// These pictures and their faces once more; what has gone meanwhile is passed over.
fn frames(listing: &Listing, seen: &[Seen], of: &[usize]) -> Vec<(Frame, BBox)> {
    let one = |i: &usize| {
        let mut frame = Frame::default();
        look::open(&listing.pictures[*i].file, &mut frame).ok()?;
        Some((frame, seen[*i].face?))
    };
    of.iter().filter_map(one).collect()
}

/// Area under the ROC curve of head and eyes on the same faces, and of how many they tell.
fn by_head_and_eyes(
    listing: &Listing,
    seen: &[Seen],
    faces: &Faces,
    check: &[usize],
) -> Option<(f64, usize)> {
    let said = |i: &usize| {
        let picture = faces.of[*i];
        Some((seen[picture].said.ok()?, listing.pictures[picture].contact))
    };
    let scored: Vec<Scored> = check.iter().filter_map(said).collect();
    let auc = metrics::auc(&scored);
    auc.is_finite().then_some((auc, scored.len()))
}
