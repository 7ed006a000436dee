//! A rendered person who looks at the calibration's dot on an X display, as a camera would see
//! them: YUV4MPEG2 on standard output or into a named pipe, for `gazed run --source`.
//!
//! ```text
//! gaze_looker [--display :7] [--out PIPE] [--fps 12] [--size 640x480] [--person N] [--seed N]
//!     [--glasses] [--sway S] [--distance MM] [--ignore-target N] [--screenshots FOLDER]
//! ```
//!
//! The screen's size in millimetres is what the X server says; the camera sits where
//! `Screen::laptop` has it. Without a dot they look about. `--ignore-target N`: the N-th place
//! (from 1) that the dot comes to rest at is not looked at, once. Lines on standard input change
//! what they do: `offset X Y Z` (the head's place, mm in the camera frame), `beside X Y` (they
//! look so far beside the dot, normalised), `ignore N` (counted from now).

use std::fs::OpenOptions;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use gaze::screen::Screen;
use gaze_tests::looker::{Attention, Looker, LookerOptions};
use gaze_tests::screen::{Error, Shot, XScreen};

struct Options {
    display: Option<String>,
    out: Option<PathBuf>,
    fps: f64,
    ignore: u32,
    screenshots: Option<PathBuf>,
    looker: LookerOptions,
}

fn options() -> Result<Options, Error> {
    let mut o = Options {
        display: None,
        out: None,
        fps: 12.0,
        ignore: 0,
        screenshots: None,
        looker: LookerOptions::default(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--display" => o.display = Some(value()?),
            "--out" => o.out = Some(value()?.into()),
            "--fps" => o.fps = value()?.parse()?,
            "--size" => {
                let text = value()?;
                let (w, h) = text.split_once('x').ok_or("--size needs 640x480")?;
                o.looker.size = (w.parse()?, h.parse()?);
            }
            "--person" => o.looker.person = value()?.parse()?,
            "--seed" => o.looker.seed = value()?.parse()?,
            "--glasses" => o.looker.glasses = true,
            "--sway" => o.looker.sway = value()?.parse()?,
            "--distance" => o.looker.distance_mm = value()?.parse()?,
            "--ignore-target" => o.ignore = value()?.parse()?,
            "--screenshots" => o.screenshots = Some(value()?.into()),
            _ => return Err(format!("{arg}: not known; see the top of gaze_looker.rs").into()),
        }
    }
    Ok(o)
}

fn main() -> ExitCode {
    match options().and_then(look) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("gaze_looker: {why}");
            ExitCode::FAILURE
        }
    }
}

fn look(mut o: Options) -> Result<(), Error> {
    let x = XScreen::open(o.display.as_deref())?;
    let mut screen = Screen::laptop(u32::from(x.size_px[0]), u32::from(x.size_px[1]));
    [screen.width_mm, screen.height_mm] = x.size_mm.map(f64::from);
    o.looker.screen = screen;
    let mut looker = Looker::new(o.looker);
    let mut attention = Attention::ignoring(o.ignore);
    let mut pages = o.screenshots.map(Pages::new).transpose()?;
    let orders = orders();
    // Opening a named pipe waits for its reader.
    let mut out: Box<dyn Write> = match &o.out {
        Some(path) => Box::new(OpenOptions::new().write(true).open(path)?),
        None => Box::new(std::io::stdout().lock()),
    };
    let (w, h) = looker.options.size;
    let header = format!(
        "YUV4MPEG2 W{w} H{h} F{}:1000 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n",
        (o.fps * 1000.0) as u32
    );
    out.write_all(header.as_bytes())?;
    let (began, step) = (Instant::now(), Duration::from_secs_f64(1.0 / o.fps));
    let mut due = began;
    let mut frame = Vec::new();
    loop {
        for order in orders.try_iter() {
            obey(&order, &mut looker, &mut attention)?;
        }
        let shot = x.shot()?;
        let t = began.elapsed().as_secs_f64();
        looker.eyes.see(t, attention.of(shot.dot()));
        if let Some(pages) = &mut pages {
            pages.see(&shot)?;
        }
        let picture = looker.film(t);
        frame.clear();
        frame.extend_from_slice(b"FRAME\n");
        planes(&picture.rgb, w as usize, h as usize, &mut frame);
        match out.write_all(&frame).and_then(|()| out.flush()) {
            // The reader has gone: there is nobody to look for.
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
        due += step;
        match due.checked_duration_since(Instant::now()) {
            Some(rest) => std::thread::sleep(rest),
            // Slower than asked for: from now on.
            None => due = Instant::now(),
        }
    }
}

/// Lines from standard input, until it ends.
fn orders() -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

fn obey(order: &str, looker: &mut Looker, attention: &mut Attention) -> Result<(), Error> {
    let words: Vec<&str> = order.split_whitespace().collect();
    match words[..] {
        ["offset", x, y, z] => looker.options.offset_mm = [x.parse()?, y.parse()?, z.parse()?],
        ["beside", x, y] => looker.options.beside = [x.parse()?, y.parse()?],
        ["ignore", n] => *attention = Attention::ignoring(n.parse()?),
        [] => {}
        _ => return Err(format!("{order}: offset X Y Z, beside X Y, or ignore N").into()),
    }
    Ok(())
}

/// RGB → Y, U, V at half size, full range (ITU-R BT.601).
fn planes(rgb: &[u8], w: usize, h: usize, out: &mut Vec<u8>) {
    let at = |x: usize, y: usize| {
        let i = (y.min(h - 1) * w + x.min(w - 1)) * 3;
        [rgb[i], rgb[i + 1], rgb[i + 2]].map(f32::from)
    };
    let luma = |[r, g, b]: [f32; 3]| 0.299 * r + 0.587 * g + 0.114 * b;
    out.extend(
        (rgb.chunks_exact(3)).map(|p| luma([p[0], p[1], p[2]].map(f32::from)).round() as u8),
    );
    for (channel, scale) in [(2, 1.772), (0, 1.402)] {
        for y in (0..h).step_by(2) {
            for x in (0..w).step_by(2) {
                let four = [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)];
                let sum: f32 = four.iter().map(|p| (p[channel] - luma(*p)) / scale).sum();
                out.push((128.0 + sum / 4.0).round().clamp(0.0, 255.0) as u8);
            }
        }
    }
}

/// Pictures of the screen, one for each page and each place of the dot.
struct Pages {
    folder: PathBuf,
    saved: Vec<u8>,
    last: Vec<u8>,
    count: u32,
}

impl Pages {
    fn new(folder: PathBuf) -> Result<Pages, Error> {
        std::fs::create_dir_all(&folder)?;
        Ok(Pages {
            folder,
            saved: Vec::new(),
            last: Vec::new(),
            count: 0,
        })
    }

    /// Keeps it when it differs from the last one kept and has stood since the last look.
    fn see(&mut self, shot: &Shot) -> Result<(), Error> {
        let now = shot.thumbnail();
        let stands = same(&now, &self.last);
        if stands && !same(&now, &self.saved) && self.count < 300 {
            let path = self.folder.join(format!("page-{:03}.png", self.count));
            save(&path, shot)?;
            self.count += 1;
            self.saved.clone_from(&now);
        }
        self.last = now;
        Ok(())
    }
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 4)
}

fn save(path: &Path, shot: &Shot) -> Result<(), Error> {
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, shot.width as u32, shot.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&shot.rgb())?;
    Ok(())
}
