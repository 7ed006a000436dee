//! Draws the pictures that are not there yet, on several cores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use render::maths::mix_seed;
use render::scenario::{Painter, People, Plan, Shot};
use render::scene::Picture;
use serde::Serialize;

use super::Error;
use super::label::{Label, person_name};
use super::store::{Manifest, Store};

/// What to make.
#[derive(Debug, Clone)]
pub struct Order {
    /// The folder.
    pub out: PathBuf,
    /// Which pictures.
    pub plan: Plan,
    /// How many.
    pub count: usize,
    /// JPEG's quality, or 70 to 95 by chance, the same within a sitting.
    pub quality: Option<u8>,
    /// How many pictures are drawn at once.
    pub jobs: usize,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Pictures drawn now.
    pub made: usize,
    /// Pictures that were there before.
    pub kept: usize,
    /// Pictures asked for.
    pub count: usize,
    /// Whether it was stopped before all were there.
    pub stopped: bool,
    /// How long drawing took.
    pub seconds: f64,
    /// Pictures drawn in a second.
    pub per_second: f64,
    /// How many were drawn at once.
    pub jobs: usize,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Pictures drawn now.
    pub made: usize,
    /// Pictures that were there before.
    pub kept: usize,
    /// Pictures asked for.
    pub count: usize,
    /// Since drawing began.
    pub elapsed: Duration,
}

/// Draws what is missing. `stop` may be set at any time: pictures in hand are finished.
/// `tell` hears about the progress several times a second.
pub fn make(
    order: &Order,
    stop: &AtomicBool,
    mut tell: impl FnMut(Progress),
) -> Result<Report, Error> {
    let wished = Manifest::of(&order.plan, order.quality);
    let store = Store::open(&order.out, &wished)?;
    let folder = |n: usize| person_name(order.plan.shot(n).person);
    let (kept, missing): (Vec<_>, Vec<_>) = (0..order.count)
        .take_while(|_| !stop.load(Ordering::Relaxed))
        .partition(|n| store.has(&folder(*n), *n, &wished));

    let work = Work {
        order,
        store: &store,
        missing: &missing,
        next: AtomicUsize::new(0),
        stop,
        // The jobs are at neighbouring pictures, and a crowd has four people.
        people: Arc::new(People::new(4 * (order.jobs.min(1024) + 1))),
    };
    if let Some(n) = kept.first().filter(|_| !stop.load(Ordering::Relaxed)) {
        work.compare(*n)?;
    }
    let began = Instant::now();
    let progress = |made: usize| Progress {
        made,
        kept: kept.len(),
        count: order.count,
        elapsed: began.elapsed(),
    };
    let mut made = 0;
    let mut failed = None;
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..order.jobs.clamp(1, missing.len().max(1)) {
            let (send, work) = (send.clone(), &work);
            scope.spawn(move || work.run(&send));
        }
        drop(send);
        loop {
            match receive.recv_timeout(Duration::from_millis(200)) {
                Ok(Ok(())) => made += 1,
                Ok(Err(e)) => {
                    work.stop.store(true, Ordering::Relaxed);
                    failed.get_or_insert(e);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            tell(progress(made));
        }
    });
    match failed {
        Some(e) => Err(e),
        None => {
            let seconds = began.elapsed().as_secs_f64();
            Ok(Report {
                made,
                kept: kept.len(),
                count: order.count,
                stopped: kept.len() + made < order.count,
                seconds,
                per_second: made as f64 / seconds.max(1e-9),
                jobs: order.jobs,
            })
        }
    }
}

/// What the workers share.
struct Work<'a> {
    order: &'a Order,
    store: &'a Store,
    missing: &'a [usize],
    next: AtomicUsize,
    stop: &'a AtomicBool,
    people: Arc<People>,
}

impl Work<'_> {
    /// One worker: takes the next missing picture until there is none.
    fn run(&self, done: &mpsc::Sender<Result<(), Error>>) {
        let mut desk = self.desk();
        while !self.stop.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(&index) = self.missing.get(at) else {
                break;
            };
            let drawn = catch_unwind(AssertUnwindSafe(|| self.one(index, &mut desk)));
            let result = drawn.unwrap_or_else(|panic| {
                let said = (panic.downcast_ref::<String>().map(String::as_str))
                    .or_else(|| panic.downcast_ref::<&str>().copied());
                Err(Error::Fault {
                    index,
                    why: said.unwrap_or("it panicked").to_owned(),
                })
            });
            let failed = result.is_err();
            if done.send(result).is_err() || failed {
                break;
            }
        }
    }

    fn desk(&self) -> Desk {
        Desk {
            painter: Painter::new(self.people.clone()),
            picture: Picture::default(),
            jpeg: Vec::new(),
        }
    }

    fn one(&self, index: usize, desk: &mut Desk) -> Result<(), Error> {
        let (folder, json) = self.draw(index, desk);
        self.store.make_folder(&folder)?;
        self.store.put_pair(&folder, index, &desk.jpeg, &json)
    }

    /// Draws picture `index` into `desk.jpeg`; its folder and its label's bytes.
    fn draw(&self, index: usize, desk: &mut Desk) -> (String, Vec<u8>) {
        let plan = &self.order.plan;
        let shot = plan.shot(index);
        let seen = desk.painter.paint(&shot, &mut desk.picture);
        let quality = self.order.quality.unwrap_or_else(|| quality(plan, &shot));
        encode(&desk.picture, quality, &mut desk.jpeg);
        let label = Label::new(plan, &shot, &seen, quality, desk.jpeg.len());
        let mut json = serde_json::to_vec_pretty(&label).unwrap_or_default();
        json.push(b'\n');
        (person_name(shot.person), json)
    }

    /// Draws a picture that is there again: a set must not be of two renderers.
    fn compare(&self, index: usize) -> Result<(), Error> {
        let mut desk = self.desk();
        let (folder, json) = self.draw(index, &mut desk);
        let there = self.store.pair(&folder, index);
        let (jpeg_there, json_there) = there.map_err(|e| Error::read(&self.order.out, e))?;
        if jpeg_there == desk.jpeg && json_there == json {
            return Ok(());
        }
        Err(Error::Version {
            path: self.order.out.clone(),
            index,
        })
    }
}

/// What one worker draws with.
struct Desk {
    painter: Painter,
    picture: Picture,
    jpeg: Vec<u8>,
}

/// A camera's quality, 70 to 95: one for a sitting.
fn quality(plan: &Plan, shot: &Shot) -> u8 {
    70 + (mix_seed(
        plan.seed,
        0x0071_9e60 + plan.kind as u64,
        shot.sitting as u64,
    ) % 26) as u8
}

/// Baseline JPEG, the colours at half the resolution (4:2:0), averaged.
fn encode(picture: &Picture, quality: u8, jpeg: &mut Vec<u8>) {
    jpeg.clear();
    let mut encoder = Encoder::new(&mut *jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    // Sizes are checked on the command line, and memory takes all bytes: this cannot fail.
    encoder
        .encode(
            &picture.rgb,
            picture.width as u16,
            picture.height as u16,
            ColorType::Rgb,
        )
        .expect("a picture of this size can be encoded");
}

#[cfg(test)]
mod tests {
    use super::*;
    use render::scenario::Kind;

    #[test]
    fn a_stop_is_heard_while_it_looks_for_what_is_there() {
        let out = tempfile::tempdir().unwrap();
        let order = Order {
            out: out.path().join("set"),
            plan: Plan::new(Kind::Random, 1),
            count: usize::MAX,
            quality: None,
            jobs: 1,
        };
        let report = make(&order, &AtomicBool::new(true), |_| ()).unwrap();
        assert!(report.stopped && report.made == 0, "{report:?}");
    }
}
