//! What a network's ONNX file says of the pictures: any kind of file that the daemon runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use vision::gaze_net::{EyeView, GazeNet, GazeNetError, NetGaze};
use vision::{
    Frame, ModelError, ModelStore, Perceiver, PerceiverConfig, Runtime, RuntimeError,
    SessionOptions, jpeg,
};

use super::methods::{Method, on_screen};
use crate::data::cache::Cache;
use crate::data::measure::look;
use crate::data::sample::Sample;

/// Why a network says nothing. One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file.
    #[error(transparent)]
    Network(#[from] GazeNetError),
    /// The runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// Landmarks for other crops than the cache's.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Its crops are not the cache's, and the pictures are gone.
    #[error("{}: {} wants other crops than the cache holds, and the picture cannot be read ({why}); put the pictures back, or prepare them anew", picture.display(), network.display())]
    Picture {
        /// The network.
        network: PathBuf,
        /// The picture.
        picture: PathBuf,
        /// The reason.
        why: String,
    },
    /// While it ran.
    #[error("{}: {why}", network.display())]
    Run {
        /// The network.
        network: PathBuf,
        /// What was said.
        why: String,
    },
}

/// What one worker asks.
struct Asker<'a> {
    path: &'a Path,
    cache: &'a Cache,
    net: GazeNet,
    /// For other crops than the cache's the faces are looked for again.
    perceiver: Option<Perceiver>,
    frame: Frame,
    crops: [Vec<u8>; 2],
}

impl<'a> Asker<'a> {
    fn new(path: &'a Path, cache: &'a Cache, runtime: &Runtime) -> Result<Asker<'a>, Error> {
        let net = GazeNet::open(path, None, runtime, &SessionOptions::default())?;
        let own = cache.header.crop.exact();
        let contract = net.contract();
        let cached = contract.kind.sees_eyes() && contract.eye_crop() == own && contract.crop.level;
        let config = PerceiverConfig {
            hfov_deg: cache.header.hfov_deg,
            ..PerceiverConfig::default()
        };
        let perceiver = match cached {
            true => None,
            false => Some(Perceiver::new(runtime, &ModelStore::open(None)?, config)?),
        };
        Ok(Asker {
            path,
            cache,
            net,
            perceiver,
            frame: Frame::default(),
            crops: [(); 2].map(|()| vec![0; own.len()]),
        })
    }

    fn ask(&mut self, sample: usize) -> Result<Option<NetGaze>, Error> {
        let network = || self.path.to_owned();
        let failed = |e: ModelError| Error::Run {
            network: self.path.to_owned(),
            why: e.to_string(),
        };
        let Some(perceiver) = &mut self.perceiver else {
            let s = &self.cache.samples[sample];
            let view = EyeView {
                head_deg: s.head_deg,
                origin_mm: s.origin_mm,
                level_rad: level(s),
                eye_position: s.eye_position,
                geometric: s.geometric,
            };
            let [left, right] = &mut self.crops;
            self.cache.crops_into(sample, left, right);
            let answer = self.net.estimate_crops([left, right], &view);
            return answer.map_err(failed);
        };
        let picture = self.cache.picture(sample);
        let decoded = (fs::read(&picture).map_err(|e| e.to_string()))
            .and_then(|bytes| jpeg::decode(&bytes, &mut self.frame));
        decoded.map_err(|why| Error::Picture {
            network: network(),
            picture,
            why,
        })?;
        let seen = look(perceiver, &self.frame).map_err(|e| Error::Run {
            network: network(),
            why: e.to_string(),
        })?;
        let Some(face) = seen.primary() else {
            return Ok(None);
        };
        let sight = face.gaze.as_ref().map(|gaze| &gaze.combined);
        let view = EyeView::of(&face.landmarks, &face.head, &face.camera).with_geometric(sight);
        (self.net)
            .estimate(&self.frame, &face.landmarks, &view)
            .map_err(failed)
    }
}

/// How far the line between the eyes is turned in the picture, radians, clockwise.
fn level(s: &Sample) -> f32 {
    let [w, h] = s.image_px.map(f32::from);
    let [lx, ly, rx, ry, _] = s.eye_position;
    ((ry - ly) * h).atan2((rx - lx) * w)
}

/// Asks a network about every sample, on `jobs` threads; its name and its answers. Crops that the cache does not hold
/// are cut from the pictures again.
///
/// # Errors
/// [`Error`].
pub fn answers(
    path: &Path,
    cache: &Cache,
    jobs: usize,
) -> Result<(String, Vec<Option<NetGaze>>), Error> {
    let runtime = Runtime::load(None)?;
    // A file that cannot be used is one error, not one of each thread.
    let first = Asker::new(path, cache, &runtime)?;
    let name = format!(
        "{} ({})",
        first.net.name(),
        first.net.contract().kind.name()
    );
    let jobs = jobs.clamp(1, cache.len().max(1));
    let mut askers = vec![first];
    while askers.len() < jobs {
        askers.push(Asker::new(path, cache, &runtime)?);
    }
    let share = cache.len().div_ceil(jobs).max(1);
    let parts: Vec<Result<Vec<Option<NetGaze>>, Error>> = thread::scope(|scope| {
        let begun: Vec<_> = (askers.into_iter().enumerate())
            .map(|(k, mut asker)| {
                let own = (k * share).min(cache.len())..((k + 1) * share).min(cache.len());
                scope.spawn(move || own.map(|i| asker.ask(i)).collect())
            })
            .collect();
        (begun.into_iter())
            .map(|t| {
                t.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut answers = Vec::with_capacity(cache.len());
    for part in parts {
        answers.extend(part?);
    }
    Ok((name, answers))
}

/// The places on the screen that a network's answers mean.
///
/// # Errors
/// [`Error`].
pub fn method(path: &Path, cache: &Cache, jobs: usize) -> Result<Method, Error> {
    let (name, answers) = answers(path, cache, jobs)?;
    Ok(Method::new(&name, cache, |i, s| match answers[i]? {
        NetGaze::Point(point) => Some(point.to_vec()),
        NetGaze::Ray(ray) => {
            let direction = <[f64; 3]>::from(ray.direction).map(|v| v as f32);
            on_screen(cache, i, s.origin_mm, direction).map(Vec::from)
        }
    })
    .with_points())
}
