//! Calibrations with a map that a test has chosen, for the setup of a running daemon.

use gaze::affine::{Affine, FitOptions, Form, FormChoice, Sample, fit_with};
use gaze::calibration::{Calibration, DisplayRecord, Setup, network_id};
use gaze::screen::Screen;
use ring::HeaderSnapshot;

/// What a calibration must be made for, so that this daemon takes it.
pub fn setup(header: &HeaderSnapshot, user: &str, display: &str, screen: &Screen) -> Setup {
    Setup {
        user: user.into(),
        camera: header.camera_name.clone(),
        display: DisplayRecord::of(display, screen),
        network: network_id(&header.network_name, header.network_hash),
    }
}

/// A calibration by nine targets whose map is nearly `map`.
///
/// # Panics
/// When `map` cannot be inverted.
pub fn made(setup: &Setup, map: &Affine) -> Calibration {
    let back = map.inverse().expect("a usable map");
    let samples: Vec<Sample> = (0..9)
        .map(|i| {
            let target = [0.1 + 0.4 * f64::from(i % 3), 0.1 + 0.4 * f64::from(i / 3)];
            let wobble = 0.003 * f64::from(i * i % 5 - 2);
            (back.apply(target).map(|v| v + wobble), target)
        })
        .collect();
    let options = FitOptions {
        form: FormChoice::Only(Form::Affine),
        aspect: setup.display.aspect(),
        ..FitOptions::default()
    };
    let fit = fit_with(&samples, options).expect("nine good targets");
    let made = Calibration::from_fit(&fit, setup, None, Vec::new(), 1_790_000_000);
    made.validate().expect("sound");
    made
}
