//! Weights that others trained: torchvision's MobileNetV2, its authors' MobileOne-S0 (.pth,
//! .pt, .tar, .safetensors) and our own files, matched by name and shape, and listed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::store::{ModuleSnapshot, ModuleStore, PytorchStore, SafetensorsStore, bridge, burn_pack};
use burn::tensor::TensorData;

use super::blocks::Block;
use super::config::{Colour, NetConfig};
use super::gaze_net::GazeNet;
use super::mobileone_names;

/// Share of the encoder's tensors that must be found; fewer is another network.
pub const LEAST_SHARE: f64 = 0.9;

/// Why weights were not taken. The network is as it was.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be read as what its name says.
    #[error(
        "{path} cannot be read as weights ({reason}): give a .pth, .pt or .safetensors file with a state dict"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another network's weights, or another width's.
    #[error(
        "{path} has {matched} of the encoder's {of} tensors (first without: {first}), under 90 %: give weights of the same encoder and width ({plan})"
    )]
    TooFew {
        /// The file.
        path: PathBuf,
        /// Tensors of the encoder that were found with the right shape.
        matched: usize,
        /// Tensors that the encoder has.
        of: usize,
        /// The first that was not found, and why.
        first: String,
        /// Encoder and width.
        plan: String,
    },
}

/// What became of each tensor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// Names in our network, taken.
    pub matched: Vec<String>,
    /// Names in our network of which the file has none, or none of this shape; why.
    pub missing: Vec<String>,
    /// Names in the file that nothing here has use for.
    pub unused: Vec<String>,
    /// Tensors of the encoder among `matched`.
    pub encoder: usize,
    /// Tensors that the encoder has.
    pub encoder_of: usize,
    /// Whether the first convolution's three channels were summed to one.
    pub summed_to_gray: bool,
}

/// Takes over what `path` holds of `net`: all of our own networks, the encoder
/// of torchvision's MobileNetV2 or of the authors' MobileOne. Under 90 % of the encoder is an error, and then
/// `net` is as before.
pub fn load_pretrained(
    net: &mut GazeNet,
    config: &NetConfig,
    path: &Path,
) -> Result<Matched, WeightsError> {
    let mut source = read(path)?;
    let mut foreign = torchvision_names(net);
    foreign.extend(mobileone_names::names(&net.encoder.features));
    let by_others = foreign
        .iter()
        .any(|(_, theirs)| source.contains_key(theirs));
    let theirs: BTreeMap<&str, &str> = foreign
        .iter()
        .map(|(ours, theirs)| (ours.as_str(), theirs.as_str()))
        .collect();

    let mut report = Matched::default();
    let mut taken = Vec::new();
    for tensor in net.collect(None, None, true) {
        let ours = &tensor.name;
        let of_encoder = ours.starts_with("encoder.features.");
        report.encoder_of += usize::from(of_encoder);
        let name = if by_others {
            theirs.get(ours.as_str()).copied().unwrap_or(ours)
        } else {
            ours
        };
        let Some(data) = source.remove(name) else {
            report.missing.push(format!("{name} (not there)"));
            continue;
        };
        let wanted = tensor.shape.to_vec();
        let first = [
            "features.0.inner.conv.weight",
            "features.0.convs.0.conv.weight",
            "features.0.scale.conv.weight",
        ];
        let first = first.iter().any(|name| ours.ends_with(name));
        let data = if first && by_others {
            let before = data.shape()[1];
            let data = first_convolution(data, config.eyes.colour);
            report.summed_to_gray |= before != data.shape()[1];
            data
        } else {
            data
        };
        let is = data.shape().to_vec();
        if is != wanted {
            report
                .missing
                .push(format!("{name} ({is:?} there, {wanted:?} here)"));
            continue;
        }
        report.encoder += usize::from(of_encoder);
        report.matched.push(ours.clone());
        taken.push(bridge::from_data(data, ours.clone(), None));
    }
    report.unused = source.into_keys().collect();

    if (report.encoder as f64) < LEAST_SHARE * report.encoder_of as f64 {
        return Err(WeightsError::TooFew {
            path: path.to_owned(),
            matched: report.encoder,
            of: report.encoder_of,
            first: report.missing.first().cloned().unwrap_or_default(),
            plan: format!("{:?} at width {}", config.encoder, config.width),
        });
    }
    apply(net, taken, path)?;
    Ok(report)
}

/// Puts tensors of known names and shapes into a network.
pub(super) fn apply(
    net: &mut GazeNet,
    tensors: Vec<burn_pack::Tensor>,
    path: &Path,
) -> Result<(), WeightsError> {
    let count = tensors.len();
    let result = net.apply(tensors, None, None, true);
    if result.applied.len() == count {
        return Ok(());
    }
    let reason = match result.errors.first() {
        Some(error) => one_line(&error.to_string()),
        None => format!("{} of {count} tensors could be set", result.applied.len()),
    };
    Err(WeightsError::Unreadable {
        path: path.to_owned(),
        reason,
    })
}

/// Every tensor of a file by its name there, as 32-bit floats. Integers (counters) are left out.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, TensorData>, WeightsError> {
    let refuse = |reason: &str| WeightsError::Unreadable {
        path: path.to_owned(),
        reason: one_line(reason),
    };
    // The readers' own words for a missing file are long.
    std::fs::metadata(path).map_err(|e| refuse(&e.to_string()))?;
    let safetensors = path.extension().is_some_and(|e| e == "safetensors");
    let tensors: Vec<burn_pack::Tensor> = if safetensors {
        let mut store = SafetensorsStore::from_file(path);
        let all = store
            .get_all_tensors()
            .map_err(|e| refuse(&e.to_string()))?;
        all.values().cloned().collect()
    } else {
        let mut store = PytorchStore::from_file(path).map_indices_contiguous(false);
        let all = store
            .get_all_tensors()
            .map_err(|e| refuse(&e.to_string()))?;
        all.values().cloned().collect()
    };
    let mut found = BTreeMap::new();
    for tensor in tensors.into_iter().filter(|t| t.dtype.is_float()) {
        // What wrappers for several devices or whole checkpoints put in front.
        let mut name = tensor.name.as_str();
        for wrapper in ["state_dict.", "model.", "module."] {
            name = name.strip_prefix(wrapper).unwrap_or(name);
        }
        let name = name.to_owned();
        let data = bridge::into_data(tensor).map_err(|e| refuse(&e.to_string()))?;
        found.insert(name, data.convert::<f32>());
    }
    Ok(found)
}

/// The first convolution of a network that saw red, green and blue, for `colour`:
/// summed for one channel (gray is then seen as the same gray in all three),
/// turned around for blue, green, red.
fn first_convolution(data: TensorData, colour: Colour) -> TensorData {
    let shape = data.shape().to_vec();
    let [out, 3, h, w] = shape[..] else {
        return data;
    };
    let Ok(values) = data.try_to_vec::<f32>() else {
        return data;
    };
    let plane = h * w;
    let mut made = Vec::new();
    for kernel in values.chunks(3 * plane) {
        let channel = |c: usize| &kernel[c * plane..(c + 1) * plane];
        match colour {
            Colour::Rgb => return data,
            Colour::Bgr => (0..3)
                .rev()
                .for_each(|c| made.extend_from_slice(channel(c))),
            Colour::Gray => made.extend(
                (0..plane).map(|i| (0..3).map(|c| f64::from(channel(c)[i])).sum::<f64>() as f32),
            ),
        }
    }
    let channels = made.len() / (out * plane);
    TensorData::new(made, [out, channels, h, w])
}

/// (our name, torchvision's name) of every tensor of a MobileNetV2 encoder, in
/// order; nothing of other encoders.
pub fn torchvision_names(net: &GazeNet) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for (n, block) in net.encoder.features.iter().enumerate() {
        let ours = format!("encoder.features.{n}");
        let theirs = format!("features.{n}");
        let mut pair = |part: &str, conv: String, norm: String| {
            names.push((
                format!("{ours}.{part}.conv.weight"),
                format!("{theirs}.{conv}.weight"),
            ));
            for (mine, yours) in [
                ("gamma", "weight"),
                ("beta", "bias"),
                ("running_mean", "running_mean"),
                ("running_var", "running_var"),
            ] {
                names.push((
                    format!("{ours}.{part}.norm.{mine}"),
                    format!("{theirs}.{norm}.{yours}"),
                ));
            }
        };
        match block {
            Block::Plain(_) => pair("inner", "0".into(), "1".into()),
            Block::Inverted(block) => {
                let mut at = 0;
                if block.expand.is_some() {
                    pair("expand", "conv.0.0".into(), "conv.0.1".into());
                    at = 1;
                }
                pair("depthwise", format!("conv.{at}.0"), format!("conv.{at}.1"));
                pair(
                    "project",
                    format!("conv.{}", at + 1),
                    format!("conv.{}", at + 2),
                );
            }
            Block::Stem(_) | Block::One(_) => return Vec::new(),
        }
    }
    names
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
