//! `gaze-trainer committee`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::train::{Failure, end, say};
use crate::device;
use crate::net::{checkpoint, committee};

/// What `committee --help` says at its end.
pub const AFTER_HELP: &str = "\
Networks of the same options that were trained with other seeds (or on other people) err in part by chance,
each by its own. The network made here answers with the mean of theirs: steadier and nearer, for the time of
all of them. It is one network like any other: `spread`, `personalize` and `export` take it. What the
members tell of their own spread is left out, since all together err less: run `spread` on OUT.

Exit codes:
  0   OUT is there
  2   the command line is wrong
  3   the networks differ in their options, or are too many
  4   OUT cannot be written
  5   a network cannot be read
  6   memory was not enough
  70  a fault of gaze-trainer

Examples:
  gaze-trainer train faces.cache --out runs/1 --seed 1
  gaze-trainer train faces.cache --out runs/2 --seed 2
  gaze-trainer committee runs/1/best runs/2/best --out runs/both
  gaze-trainer export runs/both --cache others.cache --out exported";

/// Arguments of `committee`.
#[derive(Debug, Args)]
pub struct CommitteeCommand {
    /// Folders of networks that `train` stored
    #[arg(required = true, num_args = 2.., value_name = "NETWORK")]
    networks: Vec<PathBuf>,
    /// Folder for the network of them all
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    out: &'a PathBuf,
    members: usize,
}

impl CommitteeCommand {
    /// Joins, stores, prints.
    pub fn run(self) -> ExitCode {
        end(|| self.join().map(|()| false))
    }

    fn join(&self) -> Result<(), Failure> {
        let device = device::open("cpu").map_err(|e| (2, e.to_string()))?;
        let load = |path: &PathBuf| checkpoint::load(path, &device);
        let members: Result<Vec<_>, _> = self.networks.iter().map(load).collect();
        let members = members.map_err(|e| (5, e.to_string()))?;
        let (plan, net) = committee::join(members).map_err(|e| (3, e.to_string()))?;
        checkpoint::save(&self.out, &plan, &net).map_err(|e| (4, e.to_string()))?;
        let (out, members) = (&self.out, net.members());
        match self.json {
            true => say(&serde_json::json!(Outcome { out, members }).to_string()),
            false => say(&format!(
                "{}: {members} networks answer as one",
                out.display()
            )),
        }
        Ok(())
    }
}
