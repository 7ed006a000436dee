//! `gazed render CLIP --out FILE.mp4`: a clip with what the daemon sees drawn into it.

use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use clips::encode::bits_per_second;
use clips::{Encoder, FragmentedMp4, OpenH264, Yuv};
use gaze::contact::ContactSettings;
use ring::clock;
use vision::{ContactNet, Frame, PixelFormat, Runtime, SessionOptions};

use super::bench::perceiver;
use crate::exit::{Exit, Failure, Outcome};
use crate::overlay::{Hud, Overlay};
use crate::pipeline::contacts::Contacts;
use crate::pipeline::faces::judge_now;
use crate::pipeline::measurement::{Measurement, NetworkTag};
use crate::side::outlet::View;
use crate::sources::{self, Next, OpenOptions, SourceSpec};

/// What to render.
#[derive(Args)]
pub struct RenderArgs {
    /// An MP4, a GIF, a y4m file, a picture, a folder of pictures, or demo
    #[arg(value_name = "CLIP")]
    pub source: String,
    /// The MP4 to write
    #[arg(long, value_name = "FILE.mp4")]
    pub out: PathBuf,
    /// At most so many pictures
    #[arg(long, value_name = "N")]
    pub frames: Option<u64>,
    /// Pictures a second of a folder of pictures
    #[arg(long, value_name = "HZ")]
    pub fps: Option<f64>,
    /// What tells the gaze: base, base-int8, geometric, or a network's file [default: base]
    #[arg(long, value_name = "FILE")]
    pub network: Option<String>,
    /// A contact network; head and eyes tell of contact if left out
    #[arg(long, value_name = "FILE")]
    pub contact_network: Option<PathBuf>,
    /// Horizontal field of view of the camera, degrees
    #[arg(long, value_name = "DEG")]
    pub hfov: Option<f64>,
    /// Threads inside ONNX Runtime
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
}

/// A key picture comes this often.
const KEY_EVERY_NS: u64 = 2_000_000_000;

/// Renders it.
pub fn render(args: &RenderArgs) -> Outcome {
    let spec: SourceSpec = args.source.parse().unwrap_or_else(|never| match never {});
    if matches!(
        spec,
        SourceSpec::Camera(_) | SourceSpec::Null | SourceSpec::Stdin
    ) {
        return Err(Failure::new(
            Exit::Usage,
            format!("{spec} cannot be rendered; give a clip, a folder of pictures, or demo"),
        ));
    }
    let options = OpenOptions {
        fast: true,
        fps: args.fps,
        ..OpenOptions::default()
    };
    let refuse = |e: sources::SourceError| Failure::new(e.exit(), e.to_string());
    let mut source = sources::open(&spec, &options).map_err(refuse)?;
    let total = source.describe().frames;
    let mut config = vision::PerceiverConfig {
        threads: args.threads,
        // Every face in every picture.
        others_per_frame: vision::ERRAND_FACES,
        measure_every_ns: 0,
        ..vision::PerceiverConfig::default()
    };
    if let Some(hfov) = args.hfov {
        config.hfov_deg = hfov;
    }
    let mut perceiver = perceiver(config, args.network.as_deref())?;
    let mut contacts = Contacts::new(ContactSettings::default());
    let mut judge = args
        .contact_network
        .as_deref()
        .map(|file| contact_net(file, args.threads))
        .transpose()?;
    contacts.by_network(judge.is_some());
    let mut out = Output::new(&args.out);
    let (mut frame, mut view) = (Frame::default(), View::empty());
    let mut overlay = Overlay::new();
    let mut pace = Pace::default();
    let mut done = 0u64;
    while args.frames.is_none_or(|most| done < most) {
        match source
            .next(&mut frame, Duration::from_secs(5))
            .map_err(refuse)?
        {
            Next::Frame => {}
            Next::Nothing | Next::Passed | Next::End => break,
        }
        if !frame.is_sound() {
            continue;
        }
        let begun = Instant::now();
        let found = perceiver.perceive(&frame);
        if let Some(net) = &mut judge {
            judge_now(net, &frame, found, &mut contacts)
                .map_err(|e| Failure::new(Exit::Network, e.to_string()))?;
        }
        let mut measurement =
            Measurement::of(found, &frame, &NetworkTag::default(), clock::now_ns());
        contacts.judge(found, &mut measurement.table);
        let took = begun.elapsed();
        view.fill(&frame, found, &measurement);
        let hud = Hud {
            fps: pace.of(frame.captured_ns),
            latency_ms: took.as_secs_f64() * 1000.0,
            recording: false,
        };
        overlay.draw(&view, &hud);
        out.add(&overlay, frame.captured_ns)?;
        done += 1;
        progress(done, total);
    }
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    if done == 0 {
        return Err(Failure::new(
            Exit::Source,
            format!("{spec} has no picture; give another"),
        ));
    }
    let written = out.finish()?;
    eprintln!(
        "gazed: {} pictures, {:.1} s, {:.1} MB in {}",
        written.pictures,
        written.length_ns as f64 / 1e9,
        written.bytes as f64 / 1e6,
        args.out.display()
    );
    Ok(Exit::Ok)
}

fn contact_net(file: &Path, threads: usize) -> Result<ContactNet, Failure> {
    let runtime = Runtime::load(None).map_err(|e| Failure::new(Exit::Runtime, e.to_string()))?;
    let options = SessionOptions {
        threads,
        ..SessionOptions::default()
    };
    ContactNet::open(file, &runtime, &options)
        .map_err(|e| Failure::new(Exit::Network, e.to_string()))
}

fn progress(done: u64, total: Option<u64>) {
    if done.is_multiple_of(10) && std::io::stderr().is_terminal() {
        match total {
            Some(total) => eprint!("\rrendering picture {done} of {total}"),
            None => eprint!("\rrendering picture {done}"),
        }
    }
}

/// Pictures a second, over the last ones.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last_ns: Option<u64>,
    mean_ns: f64,
}

impl Pace {
    /// With one more, taken then.
    pub fn of(&mut self, at_ns: u64) -> f64 {
        if let Some(last) = self.last_ns.replace(at_ns) {
            let step = at_ns.saturating_sub(last) as f64;
            let new = if self.mean_ns == 0.0 { 1.0 } else { 0.1 };
            self.mean_ns += new * (step - self.mean_ns);
        }
        if self.mean_ns > 0.0 {
            1e9 / self.mean_ns
        } else {
            0.0
        }
    }
}

/// The MP4 on its way: under a hidden name until it is whole.
struct Output<'a> {
    path: &'a Path,
    hidden: PathBuf,
    encoder: Option<OpenH264>,
    mux: Option<FragmentedMp4<File>>,
    picture: Yuv,
    rgb: Frame,
    keyed_ns: u64,
}

impl<'a> Output<'a> {
    fn new(path: &'a Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Output {
            path,
            hidden: path.with_file_name(format!(".{name}.part")),
            encoder: None,
            mux: None,
            picture: Yuv::default(),
            rgb: Frame::default(),
            keyed_ns: 0,
        }
    }

    fn add(&mut self, overlay: &Overlay, at_ns: u64) -> Result<(), Failure> {
        let canvas = &overlay.canvas;
        let (w, h) = (canvas.width as u32, canvas.height as u32);
        self.rgb.reset(w, h, PixelFormat::Rgb8);
        self.rgb.data.copy_from_slice(&canvas.rgb);
        let before = (self.picture.width, self.picture.height);
        // As large as the encoder takes.
        if !self.picture.take(&self.rgb, 3840) {
            return Err(Failure::new(
                Exit::Source,
                format!("pictures of {w}×{h} are too small"),
            ));
        }
        let size = (self.picture.width, self.picture.height);
        if self.mux.is_some() && size != before {
            return Err(Failure::new(
                Exit::Source,
                format!("picture size changes midway, to {w}×{h}; give pictures of one size"),
            ));
        }
        let failed = |e: clips::EncodeError| Failure::new(Exit::Fault, e.to_string());
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            // Twice the rate of clips: thin lines need it.
            none => none
                .insert(OpenH264::new(30.0, 2 * bits_per_second(size.0, size.1)).map_err(failed)?),
        };
        let key = at_ns.saturating_sub(self.keyed_ns) >= KEY_EVERY_NS;
        let coded = encoder.encode(&self.picture, at_ns, key).map_err(failed)?;
        if coded.key {
            self.keyed_ns = at_ns;
        }
        let cannot = |e: std::io::Error| {
            Failure::new(
                Exit::NotGood,
                format!("{}: {e}; choose another --out", self.path.display()),
            )
        };
        let mux = match (&mut self.mux, encoder.parameters()) {
            (Some(mux), _) => mux,
            (none, Some(parameters)) => {
                let file = File::create(&self.hidden).map_err(cannot)?;
                none.insert(FragmentedMp4::begin(file, parameters).map_err(cannot)?)
            }
            (None, None) => return Ok(()),
        };
        mux.add(coded).map_err(cannot)
    }

    fn finish(&mut self) -> Result<clips::mux::Done, Failure> {
        let cannot = |e: std::io::Error| {
            Failure::new(
                Exit::NotGood,
                format!("{}: {e}; choose another --out", self.path.display()),
            )
        };
        let Some(mux) = self.mux.take() else {
            return Err(cannot(std::io::Error::other("nothing was drawn")));
        };
        let (file, done) = mux.finish().map_err(cannot)?;
        clips::durable::rename(&file, &self.hidden, self.path).map_err(cannot)?;
        Ok(done)
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.hidden);
    }
}
