//! Parts of the network that get their own learning rate, or none.

use burn::module::ParamGroup;

/// The encoder, all of it.
pub fn backbone() -> ParamGroup {
    group(r"(^|\.)encoder\.".into())
}

/// Everything behind the encoder: embedding, hidden layers, output.
pub fn head() -> ParamGroup {
    group(r"(^|\.)(embed|hidden|output)\.".into())
}

/// The last layers: what is tuned to one person.
pub fn output() -> ParamGroup {
    group(r"(^|\.)output\.".into())
}

/// One numbered block of the encoder, see [`super::GazeNet::blocks`].
pub fn block(number: usize) -> ParamGroup {
    group(format!(r"(^|\.)encoder\.features\.{number}\."))
}

/// The encoder's blocks from `first` on, of `blocks`, and what comes behind
/// them in the encoder: what a later phase of training unfreezes.
pub fn blocks_from(first: usize, blocks: usize) -> ParamGroup {
    let numbers: Vec<String> = (first..blocks).map(|n| n.to_string()).collect();
    group(format!(
        r"(^|\.)encoder\.(features\.({})|squeeze)\.",
        numbers.join("|")
    ))
}

fn group(pattern: String) -> ParamGroup {
    ParamGroup::from_regex(&pattern).expect("our own pattern is one")
}
