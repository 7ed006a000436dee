//! A contact network as an ONNX file, and whether it answers as the network did.

use burn::tensor::{Device, Tensor, TensorData};
use vision::{BBox, ContactAnswer, ContactContract, ContactNet, FaceCropper, Frame, ModelError};

use super::fold::{Chain, Dense, chains, dense};
use super::graph::{Builder, Numbers};
use super::onnx::Value;
use crate::net::{FaceConfig, FaceNet};

/// Name of the input.
const INPUT: &str = "face";
/// Name of the output.
const OUTPUT: &str = "contact";
/// Key in the metadata under which stands what the network was learned from and came to, as JSON.
pub const LEARNED_KEY: &str = "gaze.learned";

/// A contact network in use.
struct Folded {
    chains: Vec<Chain>,
    hidden: Dense,
    output: Dense,
}

/// What the file says of how it is to be fed.
pub fn contract(config: &FaceConfig) -> ContactContract {
    let pictures = config.pictures();
    let answer = ContactAnswer::Logit;
    let mut contract = ContactContract::imagenet(INPUT, OUTPUT, pictures.size, answer);
    contract.scale = pictures.scale;
    contract.normalisation.mean.clone_from(&pictures.mean);
    contract.normalisation.std.clone_from(&pictures.std);
    contract
}

/// The file's bytes. `learned` goes into its metadata.
pub fn write(net: &FaceNet, config: &FaceConfig, learned: &serde_json::Value) -> Vec<u8> {
    let folded = Folded {
        chains: chains(&net.encoder, ""),
        hidden: dense(&net.hidden, "hidden".into(), true),
        output: dense(&net.output, "output".into(), false),
    };
    let mut builder = Builder::new(Numbers::Full);
    let x = builder.pictures(&folded.chains, false, config.pictures(), false, INPUT);
    let x = builder.dense(&folded.hidden, &x, false);
    builder.dense_to(&folded.output, &x, OUTPUT, false);
    let mut metadata: Vec<(String, String)> = contract(config)
        .to_metadata()
        .map(|(key, value)| (key.to_owned(), value))
        .into();
    metadata.push((LEARNED_KEY.into(), learned.to_string()));
    let size = config.pictures().size;
    let input = vec![Value::batch(INPUT, &[3, size, size])];
    builder.model(metadata, "contact", input, vec![Value::batch(OUTPUT, &[1])])
}

/// Largest difference of the probabilities that the file and the network give to these faces,
/// each in its frame, all cut as the daemon cuts them. What is in no picture is passed over.
///
/// # Errors
/// When the file does not run.
pub fn largest_difference(
    file: &mut ContactNet,
    net: &FaceNet,
    config: &FaceConfig,
    faces: &[(Frame, BBox)],
    device: &Device,
) -> Result<f64, ModelError> {
    let pictures = config.pictures();
    let mut cropper = FaceCropper::new(pictures.size, pictures.scale);
    let mut worst = 0.0f64;
    for (frame, face) in faces {
        let said = file.judge(frame, &[*face])?;
        let Some(planes) = cropper.cut(frame, face) else {
            continue;
        };
        let values: Vec<f32> = (planes.iter().zip(pictures.mean.iter().zip(&pictures.std)))
            .flat_map(|(plane, (mean, std))| plane.iter().map(move |v| (v / 255.0 - mean) / std))
            .collect();
        let shape = [1, 3, pictures.size, pictures.size];
        let input = Tensor::<4>::from_data(TensorData::new(values, shape), device);
        let logit = net.forward(input).into_data().convert::<f32>();
        let logit = logit.iter::<f32>().next().unwrap_or(f32::NAN);
        let wanted = ContactAnswer::Logit.probability(&[logit]);
        let off = said.first().map_or(f64::NAN, |p| (p - wanted).abs());
        worst = if off.is_nan() {
            f64::INFINITY
        } else {
            worst.max(off)
        };
    }
    Ok(worst)
}
