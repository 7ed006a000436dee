//! Several networks as one: the mean of their answers.
//!
//! Networks that were trained alike but for their chance err alike where the picture does not tell
//! better, and each by itself where it learned too little; the mean keeps the one and loses most
//! of the other (Hansen and Salamon 1990, "Neural network ensembles"; Lakshminarayanan et al. 2017,
//! "Simple and scalable predictive uncertainty estimation using deep ensembles").
//!
//! What is averaged are the tangents of the rays, or the places on the screen: with the last
//! layers' weights over their number, side by side in one last layer, that is one network like
//! any other, for training, `spread`, `personalize` and `export`.

use burn::tensor::Tensor;

use super::config::{ConfigError, MOST_MEMBERS, NetConfig};
use super::gaze_net::{GazeNet, Trunk};

/// Makes one network of several. Members of members stay as heavy as they are together. What a
/// member tells of its spread is left out: the committee errs less.
///
/// # Errors
/// Fewer than two, too many, or plans that differ in more than their members and spread.
pub fn join(members: Vec<(NetConfig, GazeNet)>) -> Result<(NetConfig, GazeNet), ConfigError> {
    let refuse = |what, is: String, should| Err(ConfigError { what, is, should });
    let plain = |config: &NetConfig| NetConfig {
        members: 1,
        spread: None,
        ..config.clone()
    };
    let count = members.len();
    let whole: usize = members.iter().map(|(config, _)| config.members).sum();
    if count < 2 || whole > MOST_MEMBERS {
        return refuse("the number of networks", whole.to_string(), "join 2 to 16");
    }
    let first = plain(&members[0].0);
    if let Some(n) = members
        .iter()
        .position(|(config, _)| plain(config) != first)
    {
        let is = format!("another one in network {}", n + 1);
        return refuse(
            "the plan",
            is,
            "join networks that were trained by the same options",
        );
    }
    let (mut trunks, mut weights) = (Vec::new(), Vec::new());
    let mut bias: Option<Tensor<1>> = None;
    for (_, net) in members {
        let share = 1.0 / count as f64;
        weights.push(net.output.weight.val() * share);
        let its = net.output.bias.as_ref().map(|b| b.val() * share);
        bias = match (bias, its) {
            (Some(sum), Some(its)) => Some(sum + its),
            (sum, its) => sum.or(its),
        };
        trunks.push(Trunk {
            encoder: net.encoder,
            embed: net.embed,
            hidden: net.hidden,
        });
        trunks.extend(net.others);
    }
    let plan = NetConfig {
        members: whole,
        ..first
    };
    let weights = Tensor::cat(weights, 0);
    let mut net = plan.init_empty(&weights.device())?;
    let mut trunks = trunks.into_iter();
    let lead = trunks.next().expect("there are two at least");
    (net.encoder, net.embed, net.hidden) = (lead.encoder, lead.embed, lead.hidden);
    net.others = trunks.collect();
    net.output.weight = net.output.weight.map(|_| weights);
    if let Some(sum) = bias {
        net.output.bias = net.output.bias.map(|b| b.map(|_| sum));
    }
    Ok((plan, net))
}
