//! How fast which part learns, at which step.

use burn::lr_scheduler::constant::ConstantLr;
use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::module::{Module, ParamGroup};

use super::settings::Settings;
use crate::net::{GazeNet, groups};

/// Share of the highest rate that is left at the end.
const LEAST: f64 = 0.01;

/// Rises straight for the warm-up's share of `steps`, then falls along half a cosine; 1 is the
/// top. A function of the step alone, so that going on needs no state.
pub fn factor(settings: &Settings, step: usize, steps: usize) -> f64 {
    let warm = (settings.warm_up * steps as f64).round();
    let at = step as f64;
    if at < warm {
        return (at + 1.0) / warm;
    }
    let part = (at - warm) / (steps as f64 - warm).max(1.0);
    LEAST + (1.0 - LEAST) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * part.min(1.0)))
}

/// Each part's rate at a step.
pub fn rates(settings: &Settings, step: usize, steps: usize) -> ModuleLearningRate {
    let factor = factor(settings, step, steps);
    ModuleLrScheduler::new(ConstantLr::new(settings.head_rate * factor))
        .with_group(
            groups::backbone(),
            ConstantLr::new(settings.backbone_rate * factor),
        )
        .step()
}

/// Stills what does not learn in `epoch`, its batch norms' statistics too.
pub fn phase(net: GazeNet, settings: &Settings, epoch: usize) -> GazeNet {
    let blocks = net.blocks();
    if settings.output_only {
        return net.freeze().unfreeze_group(groups::output());
    }
    let net = net.unfreeze_group(ParamGroup::all());
    if epoch < settings.frozen_epochs {
        return net.freeze_group(groups::backbone());
    }
    match settings.unfrozen_blocks {
        Some(last) if last < blocks => {
            let net = net.freeze_group(groups::backbone());
            net.unfreeze_group(groups::blocks_from(blocks - last, blocks))
        }
        _ => net,
    }
}
