//! Another network's answers in place of the labels: a student of a committee, which is cheaper to ask than
//! the committee, and whose lessons lack what no picture tells, like where within somebody's eye the line
//! of sight runs (distillation: Hinton et al. 2015, "Distilling the Knowledge in a Neural Network").

use std::path::Path;

use gaze::ray::Ray;
use nalgebra::Vector3;
use sha2::{Digest, Sha256};
use vision::gaze_net::NetGaze;

use crate::baseline::network;
use crate::data::cache::Cache;

/// Why there is nothing to learn from a teacher. One line.
#[derive(Debug, thiserror::Error)]
pub enum TeacherError {
    /// The network, or the pictures it asks for.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// It cannot be read again.
    #[error("{0}: {1}")]
    Read(String, std::io::Error),
    /// A network of another kind.
    #[error("{0}: tells no lines of sight, so none can be learned from it")]
    NoRays(String),
}

/// Sets the teacher's lines of sight in place of the true ones; looks of which it says nothing have none
/// any more. Gives the file's SHA-256, in hex.
///
/// # Errors
/// [`TeacherError`]; the cache may be changed in part then.
pub fn teach(cache: &mut Cache, file: &Path, jobs: usize) -> Result<String, TeacherError> {
    let name = || file.display().to_string();
    let bytes = std::fs::read(file).map_err(|e| TeacherError::Read(name(), e))?;
    let (_, answers) = network::answers(file, cache, jobs)?;
    let ray = |answer: Option<NetGaze>| answer.as_ref()?.ray().map(direction);
    let rays: Vec<_> = answers.into_iter().map(ray).collect();
    if rays.iter().all(Option::is_none) {
        return Err(TeacherError::NoRays(name()));
    }
    for (sample, ray) in cache.samples.iter_mut().zip(rays) {
        // What has no label of its own is not learned from: it may be a closed eye.
        sample.ray = sample.ray.and(ray);
    }
    Ok(format!("{:x}", Sha256::digest(&bytes)))
}

fn direction(ray: &Ray) -> [f32; 3] {
    let unit: Vector3<f64> = ray.direction.normalize();
    [unit.x, unit.y, unit.z].map(|v| v as f32)
}
