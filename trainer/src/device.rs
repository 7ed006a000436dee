//! Compute devices: which this build has, how one is chosen, whether it works.

use burn::tensor::{Device, Tensor};

/// The devices that can be named, and the cargo feature that brings each.
pub const NAMES: &[(&str, &str)] = &[
    ("cpu", "flex"),
    ("cuda", "cuda"),
    ("vulkan", "vulkan"),
    ("wgpu", "wgpu"),
    ("metal", "metal"),
    ("tch", "tch"),
    ("tch-cuda", "tch"),
];

/// Why a device cannot be had.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DeviceError {
    /// Nobody knows this name.
    #[error("no device is called \"{0}\"; give cpu, cuda, vulkan, wgpu, metal, tch or tch-cuda")]
    Unknown(String),
    /// Known, but left out of this build.
    #[error(
        "this gaze-trainer was built without \"{name}\"; build it with `cargo build --release -p gaze-trainer --features {feature}`"
    )]
    NotBuilt {
        /// The device asked for.
        name: String,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
}

/// Whether this build can use the device called `name`.
pub fn is_built(name: &str) -> bool {
    match name {
        "cpu" => cfg!(feature = "flex"),
        "cuda" => cfg!(feature = "cuda"),
        "vulkan" => cfg!(feature = "vulkan"),
        "wgpu" => cfg!(feature = "wgpu"),
        "metal" => cfg!(feature = "metal"),
        "tch" | "tch-cuda" => cfg!(feature = "tch"),
        _ => false,
    }
}

/// The device called `name`, without automatic differentiation.
#[cfg_attr(feature = "tch", allow(deprecated))] // Burn has announced that it will drop LibTorch
pub fn open(name: &str) -> Result<Device, DeviceError> {
    let Some((_, feature)) = NAMES.iter().find(|(known, _)| *known == name) else {
        return Err(DeviceError::Unknown(name.to_owned()));
    };
    match name {
        #[cfg(feature = "flex")]
        "cpu" => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "metal")]
        "metal" => Ok(Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "tch")]
        "tch" => Ok(Device::libtorch()),
        #[cfg(feature = "tch")]
        "tch-cuda" => Ok(Device::libtorch_cuda(0)),
        _ => Err(DeviceError::NotBuilt {
            name: name.to_owned(),
            feature,
        }),
    }
}

/// Largest absolute errors of a device against arithmetic done by hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelfCheck {
    /// Of a matrix product.
    pub product: f32,
    /// Of the gradient of a squared error with respect to the weights.
    pub gradient: f32,
}

impl SelfCheck {
    /// Whether both errors are within what 32-bit floats allow at these sizes.
    pub fn passed(&self) -> bool {
        self.product < 1e-3 && self.gradient < 1e-2
    }
}

/// Multiplies and differentiates on `device` and compares with plain loops.
///
/// For y = x·w and the loss Σ(y − t)², the gradient is 2·xᵀ·(y − t).
pub fn self_check(device: &Device) -> SelfCheck {
    const ROWS: usize = 24;
    const INNER: usize = 32;
    const COLS: usize = 3;
    let wave = |n: usize, step: f32| (0..n).map(|i| (i as f32 * step).sin()).collect::<Vec<_>>();
    let (x, w, t) = (
        wave(ROWS * INNER, 0.37),
        wave(INNER * COLS, 0.71),
        wave(ROWS * COLS, 1.3),
    );

    let device = device.clone().autodiff();
    let tensor = |values: &[f32], shape: [usize; 2]| -> Tensor<2> {
        Tensor::<1>::from_floats(values, &device).reshape(shape)
    };
    let xt = tensor(&x, [ROWS, INNER]);
    let wt = tensor(&w, [INNER, COLS]).require_grad();
    let yt = xt.matmul(wt.clone());
    let loss = (yt.clone() - tensor(&t, [ROWS, COLS])).powi_scalar(2).sum();
    let gradients = loss.backward();
    let read = |tensor: Tensor<2>| tensor.into_data().convert::<f32>().try_to_vec::<f32>();
    let y = read(yt.inner()).unwrap_or_default();
    let g = wt
        .grad(&gradients)
        .and_then(|g| read(g).ok())
        .unwrap_or_default();

    let mut y_true = vec![0.0f32; ROWS * COLS];
    for (r, row) in x.chunks(INNER).enumerate() {
        for c in 0..COLS {
            y_true[r * COLS + c] = row
                .iter()
                .enumerate()
                .map(|(k, v)| v * w[k * COLS + c])
                .sum();
        }
    }
    let mut g_true = vec![0.0f32; INNER * COLS];
    for k in 0..INNER {
        for c in 0..COLS {
            g_true[k * COLS + c] = (0..ROWS)
                .map(|r| 2.0 * x[r * INNER + k] * (y_true[r * COLS + c] - t[r * COLS + c]))
                .sum();
        }
    }
    SelfCheck {
        product: largest_difference(&y, &y_true),
        gradient: largest_difference(&g, &g_true),
    }
}

/// Largest |a − b|; infinite when the lengths differ or a value is not a number.
fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return f32::INFINITY;
    }
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |worst, d| {
            if d.is_nan() {
                f32::INFINITY
            } else {
                worst.max(d)
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_multiplies_and_differentiates() {
        let check = self_check(&open("cpu").unwrap());
        assert!(check.passed(), "{check:?}");
    }

    #[test]
    fn a_missing_device_says_how_to_get_it() {
        assert_eq!(
            open("abacus").unwrap_err(),
            DeviceError::Unknown("abacus".into())
        );
        if !is_built("cuda") {
            let line = open("cuda").unwrap_err().to_string();
            assert!(
                line.contains("--features cuda") && !line.contains('\n'),
                "{line}"
            );
        }
    }

    #[test]
    fn differences_do_not_hide_nonsense() {
        assert_eq!(largest_difference(&[1.0], &[]), f32::INFINITY);
        assert_eq!(largest_difference(&[f32::NAN], &[0.0]), f32::INFINITY);
        assert_eq!(largest_difference(&[1.0, 2.0], &[1.5, 2.0]), 0.5);
    }
}
