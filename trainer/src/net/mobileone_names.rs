//! What the authors of MobileOne call the tensors of S0 as it is trained (their files named
//! `unfused`; the others' branches are one convolution already and cannot be trained on).
//!
//! ```text
//! stage0                   the stem          rbr_conv.B.{conv,bn}   equal branches
//! stageS.(2n), (2n + 1)    depthwise, then   rbr_scale.{conv,bn}    1×1 beside 3×3
//!                          pointwise         rbr_skip               the normed input
//! ```

use super::blocks::{Block, Branches};
use super::encoder::ONE_STAGES;

/// (our name, the authors') of every tensor of a MobileOne encoder, in order; nothing of other
/// encoders.
pub(super) fn names(features: &[Block]) -> Vec<(String, String)> {
    let mut names = Vec::new();
    let mut stage = ONE_STAGES.iter().enumerate().flat_map(|(s, (count, _))| {
        let number = s + 1;
        (0..*count).map(move |n| (number, n))
    });
    for (n, block) in features.iter().enumerate() {
        let ours = format!("encoder.features.{n}");
        match block {
            Block::Stem(stem) => branches(stem, &ours, "stage0", &mut names),
            Block::One(block) => {
                let Some((stage, n)) = stage.next() else {
                    return Vec::new();
                };
                for (part, of, at) in [
                    (&block.depthwise, "depthwise", 2 * n),
                    (&block.pointwise, "pointwise", 2 * n + 1),
                ] {
                    let theirs = format!("stage{stage}.{at}");
                    branches(part, &format!("{ours}.{of}"), &theirs, &mut names);
                }
            }
            Block::Plain(_) | Block::Inverted(_) => return Vec::new(),
        }
    }
    names
}

fn branches(of: &Branches, ours: &str, theirs: &str, names: &mut Vec<(String, String)>) {
    let mut norm = |mine: String, yours: String| {
        for (a, b) in [
            ("gamma", "weight"),
            ("beta", "bias"),
            ("running_mean", "running_mean"),
            ("running_var", "running_var"),
        ] {
            names.push((format!("{mine}.{a}"), format!("{yours}.{b}")));
        }
    };
    let convs = (0..of.convs.len()).map(|b| (format!("convs.{b}"), format!("rbr_conv.{b}")));
    let scale = of
        .scale
        .iter()
        .map(|_| ("scale".into(), "rbr_scale".into()));
    let mut weights = Vec::new();
    for (a, b) in convs.chain(scale) {
        weights.push((
            format!("{ours}.{a}.conv.weight"),
            format!("{theirs}.{b}.conv.weight"),
        ));
        norm(format!("{ours}.{a}.norm"), format!("{theirs}.{b}.bn"));
    }
    if of.skip.is_some() {
        norm(format!("{ours}.skip"), format!("{theirs}.rbr_skip"));
    }
    names.extend(weights);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use burn::store::ModuleSnapshot as _;

    use super::names;
    use crate::net::{Colour, EncoderKind, NetConfig};

    #[test]
    fn every_tensor_of_the_encoder_has_one_name_of_its_own() {
        let plan = NetConfig {
            encoder: EncoderKind::MobileoneS0,
            ..NetConfig::new(0.25, 32, Colour::Rgb)
        };
        let net = plan.init(1, &crate::device::open("cpu").unwrap()).unwrap();
        let names = names(&net.encoder.features);
        let ours: BTreeSet<String> = names.iter().map(|(ours, _)| ours.clone()).collect();
        let theirs: BTreeSet<&str> = names.iter().map(|(_, theirs)| theirs.as_str()).collect();
        let there: BTreeSet<String> = (net.collect(None, None, true).into_iter())
            .map(|t| t.name.clone())
            .filter(|name| name.starts_with("encoder."))
            .collect();
        assert_eq!((names.len(), theirs.len()), (there.len(), there.len()));
        assert_eq!(ours, there);
        // Places in the authors' code: the stem has one branch of its kind, the tenth block
        // of stage 3 ends it, the only one of stage 4 has the whole network behind it.
        for name in [
            "stage0.rbr_conv.0.conv.weight",
            "stage0.rbr_scale.bn.running_var",
            "stage1.0.rbr_conv.3.bn.weight",
            "stage1.2.rbr_skip.running_mean",
            "stage3.19.rbr_conv.0.conv.weight",
            "stage4.1.rbr_conv.3.conv.weight",
        ] {
            assert!(theirs.contains(name), "{name}");
        }
        for name in [
            "stage0.rbr_conv.1.conv.weight",
            "stage1.1.rbr_scale.bn.bias",
            "stage4.2.rbr_skip.bias",
        ] {
            assert!(!theirs.contains(name), "{name}");
        }
    }
}
