//! Training: the loop, its folds, people who are rendered, a person's own network, commands.

mod commands;
mod drawn;
mod learning;
mod parted;
mod personal;
mod rendered;
mod spread;
