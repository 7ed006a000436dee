//! Training: the loop, its folds, people who are rendered, a person's own network, commands.

mod balanced;
mod commands;
mod drawn;
mod learning;
mod parted;
mod personal;
mod rendered;
mod spread;
mod taught;
