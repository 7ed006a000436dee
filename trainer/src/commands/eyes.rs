//! `gaze-trainer eyes`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::Args;
use render::variety::Variety;
use vision::{ModelStore, Runtime};

use super::train::{Failure, end, stop_flag};
use crate::data::cache::{self, Cache, CacheWriter, CropSpec};
use crate::net::SIZES;
use crate::synth::anywhere::{self, Anywhere};
use crate::synth::eyes::{self, Eyes};
use crate::synth::make::Progress;
use crate::synth::progress::{Display, duration};

/// What `eyes --help` says at its end.
pub const AFTER_HELP: &str = "\
People are those of `synth`, their heads are held however, whatever they look at. Crops follow the true
corners of their eyes, off by as much as landmarks are; `synth` and `prepare` make the like by our own
landmarks; with --anywhere our own landmarks cut, and looks that they miss are left out. Person number N is
the same in every set of the same seed.

Exit codes:
  0    the cache is there
  2    the command line is wrong
  4    the cache cannot be written (disk full, not allowed, something else is there)
  5    the networks that measure faces are missing (--anywhere)
  6    memory was not enough
  70   a fault of gaze-trainer
  130  stopped by Ctrl-C or TERM; nothing is written

Examples:
  gaze-trainer eyes eyes.cache --persons 500
  gaze-trainer eyes unseen.cache --persons 50 --first 500 --size 48 --json
  gaze-trainer eyes wild.cache --anywhere --variety wide --persons 2000 --size 48
  gaze-trainer train eyes.cache --out runs/1 --encoder compact --head-rate 5e-3 --clip 0";

fn anywhere_with(
    order: &Eyes,
    variety: Variety,
    stop: &AtomicBool,
    told: &(dyn Fn(usize) + Sync),
) -> Result<Option<Cache>, Failure> {
    let runtime = Runtime::load(None).map_err(|e| (5, e.to_string()))?;
    let store = ModelStore::open(None).map_err(|e| (5, e.to_string()))?;
    let order = Anywhere {
        seed: order.seed,
        first: order.first,
        persons: order.persons,
        looks: order.looks,
        crop: order.crop,
        variety,
    };
    anywhere::draw(&order, (&runtime, &store), stop, told).map_err(|e| (5, e.to_string()))
}

/// Arguments of `eyes`.
#[derive(Debug, Args)]
pub struct EyesCommand {
    /// The cache to write
    out: PathBuf,
    /// How many people
    #[arg(long, value_name = "P", default_value_t = 100)]
    persons: usize,
    /// Looks of each, all at other places
    #[arg(long, value_name = "L", default_value_t = 8)]
    looks: usize,
    /// Number of the first person, from 0: people of other numbers are other people
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32))]
    first: u32,
    /// Where all chance comes from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Pixels on a side of an eye picture
    #[arg(long, value_name = "PX", default_value_t = 32)]
    size: usize,
    /// Side of the square in eye widths
    #[arg(long, value_name = "W", default_value_t = 1.8)]
    scale: f32,
    /// Eyes are as sharp as in pictures of a 60° camera that are so many pixels wide
    #[arg(long, value_name = "PX", default_value_t = 640, value_parser = clap::value_parser!(u32).range(320..=4096))]
    camera_px: u32,
    /// How far heads turn at most each way: yaw, pitch, roll in degrees
    #[arg(long, value_name = "Y,P,R", value_delimiter = ',', default_values_t = [25.0, 15.0, 6.0])]
    turn: Vec<f64>,
    /// Diagonal of the screen that is looked at, inches; the camera is in its middle, 48 to 58 cm away
    #[arg(long, value_name = "IN", default_value_t = 27.0)]
    inches: f64,
    /// People anywhere before any camera, near and far, looking anywhere, measured by our own
    /// landmarks: what a network for everyone is trained on
    #[arg(long, conflicts_with_all = ["camera_px", "turn", "inches"])]
    anywhere: bool,
    /// With --anywhere: usual people; wide, all kinds to learn from; skin-deep, wide eyes' surfaces and poor
    /// cameras with usual lids, heads often turned away; murky, the dullest of those; or other, to test
    /// with: eyes, lights and cameras that none of the rest ever shows
    #[arg(
        long,
        value_name = "KIND",
        default_value = "usual",
        requires = "anywhere"
    )]
    variety: Variety,
    /// Pictures of three colours instead of gray ones
    #[arg(long)]
    rgb: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

impl EyesCommand {
    /// Draws and writes.
    pub fn run(self) -> ExitCode {
        end(|| self.draw_and_write())
    }

    /// What is asked for, if it makes sense.
    fn order(&self) -> Result<Eyes, Failure> {
        let refuse = |line: String| Err((2, line));
        let count = self.persons.saturating_mul(self.looks);
        if !(1..=usize::from(u16::MAX)).contains(&count) {
            return refuse(format!(
                "--persons {} with --looks {} are {count} looks: a cache holds 1 to 65535",
                self.persons, self.looks
            ));
        }
        if !SIZES.contains(&self.size) {
            return refuse(format!("--size {}: use 32 to 128 pixels", self.size));
        }
        if !(0.5..=4.0).contains(&self.scale) {
            return refuse(format!("--scale {}: use 0.5 to 4 eye widths", self.scale));
        }
        let turn_deg: [f64; 3] = match self.turn[..].try_into() {
            Ok(turn) if self.turn.iter().all(|t| (0.0..=40.0).contains(t)) => turn,
            _ => return refuse("--turn: three angles of 0 to 40 degrees, as in 25,15,6".into()),
        };
        if !(5.0..=60.0).contains(&self.inches) {
            return refuse(format!("--inches {}: use 5 to 60", self.inches));
        }
        let crop = CropSpec {
            size: self.size,
            pad: self.size.div_ceil(8),
            scale: self.scale,
            channels: if self.rgb { 3 } else { 1 },
        };
        Ok(Eyes {
            first: self.first as usize,
            camera_px: self.camera_px,
            turn_deg,
            inches: self.inches,
            ..Eyes::new(self.seed, self.persons, self.looks, crop)
        })
    }

    /// Whether it was stopped.
    fn draw_and_write(&self) -> Result<bool, Failure> {
        let order = self.order()?;
        self.may_write()?;
        let (stop, began) = (stop_flag(), Instant::now());
        let display = Mutex::new(Display::default());
        let told = |people: usize| {
            // Held for a line of text; nobody panics in it.
            let Ok(mut display) = display.lock() else {
                return;
            };
            display.tell(Progress {
                made: people * order.looks,
                kept: 0,
                count: order.persons * order.looks,
                elapsed: began.elapsed(),
            });
        };
        let drawn = match self.anywhere {
            false => eyes::draw(&order, &stop, &told),
            true => anywhere_with(&order, self.variety, &stop, &told)?,
        };
        if let Ok(display) = display.into_inner() {
            display.end();
        }
        let Some(cache) = drawn else {
            let _ = writeln!(
                std::io::stderr(),
                "gaze-trainer: stopped; nothing is written"
            );
            return Ok(true);
        };
        let seconds = began.elapsed().as_secs_f64();
        self.write(&cache)?;
        let (looks, rate) = (cache.len(), cache.len() as f64 / seconds);
        let _ = writeln!(
            std::io::stderr(),
            "{}: {looks} looks of {} people, drawn in {}, {rate:.1} a second",
            self.out.display(),
            order.persons,
            duration(seconds)
        );
        if self.json {
            let object = serde_json::json!({
                "out": self.out.to_string_lossy(), "persons": order.persons, "looks": looks,
                "seconds": seconds, "per_second": rate,
            });
            let _ = writeln!(std::io::stdout(), "{object}");
        }
        Ok(false)
    }

    /// Told before minutes of drawing: what is there is no cache, or nothing can be written there.
    fn may_write(&self) -> Result<(), Failure> {
        let out = self.out.display();
        if self.out.exists() {
            return match cache::is_cache(&self.out) {
                true => Ok(()),
                false => Err((
                    4,
                    format!("{out}: is something else than a cache; give another name"),
                )),
            };
        }
        let folder = self.out.parent().filter(|f| !f.as_os_str().is_empty());
        match folder.is_none_or(|f| f.is_dir()) {
            true => Ok(()),
            false => Err((4, format!("{out}: there is no such folder; make it first"))),
        }
    }

    fn write(&self, cache: &Cache) -> Result<(), Failure> {
        let store = || {
            let mut out = CacheWriter::create(&self.out, &cache.header, &cache.samples)?;
            for i in 0..cache.len() {
                let [left, right] = cache.wide_crops(i);
                out.crops(left, right)?;
            }
            out.finish()
        };
        store().map_err(|e| (4, e.to_string()))
    }
}
