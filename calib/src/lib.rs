//! The calibration program: fits, shows and keeps per-user calibration maps.
//!
//! | module | does |
//! |---|---|
//! | [`args`] | the command line |
//! | [`session`] | a sitting before the screen: a pure state machine |
//! | [`live`] | looks from the running daemon |
//! | [`samples`] | recorded samples from CSV or JSON lines |
//! | [`fit`] | `fit`: samples → map → file |
//! | [`mod@run`], [`validate`], [`repair`] | sittings; [`sitting`] is what they share |
//! | [`record`] | pictures to train with |
//! | [`window`] | the window of a sitting |
//! | [`picture`], [`export`] | a calibration as a picture |
//! | [`kept`] | what is stored, whose it is, who is selected |
//! | [`show`] | `show`, `list`: what is stored |
//! | [`use_user`], [`reset`] | `use`, `reset` |
//! | [`evaluate`] | `evaluate`: recordings of known targets → how far off |
//! | [`text`] | a calibration as a person reads it |
//!
//! Exit codes: [`Exit`].

pub mod args;
mod ask;
pub mod evaluate;
pub mod export;
pub mod fit;
pub mod kept;
pub mod live;
pub mod picture;
pub mod record;
pub mod repair;
pub mod reset;
pub mod run;
pub mod samples;
pub mod session;
pub mod show;
pub mod sitting;
pub mod text;
pub mod time;
pub mod use_user;
pub mod validate;
pub mod window;

use std::io::{self, Write};
use std::process::ExitCode;

pub use args::Args;
use args::Command;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 1: the samples give no usable map, or the stored one is not usable.
    NotGood = 1,
    /// 2: what is needed was neither said nor can be found out; also clap's.
    Usage = 2,
    /// 3: a file cannot be read or does not parse.
    Input = 3,
    /// 4: a file or the output cannot be written.
    Output = 4,
}

/// An error that knows its exit code; its text is one line.
#[derive(Debug, thiserror::Error)]
#[error("{line}")]
pub struct Failure {
    /// The code the process ends with.
    pub exit: Exit,
    /// What is wrong, where, and what to do.
    pub line: String,
}

impl Failure {
    /// A failure that says the error's text.
    pub fn new(exit: Exit, error: impl ToString) -> Self {
        Self {
            exit,
            line: error.to_string(),
        }
    }
}

impl From<io::Error> for Failure {
    /// Of writing the output: reading names its file itself.
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Output, format!("cannot write the output: {error}"))
    }
}

/// Runs the command with the real output, says what went wrong in one line.
pub fn main(args: Args) -> ExitCode {
    let mut out = io::stdout().lock();
    match run(args, &mut out).and_then(|()| Ok(out.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where even this cannot be written the code still tells.
            let _ = writeln!(io::stderr(), "gaze-calib: {failure}");
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// Runs the command and writes what it has to say.
///
/// # Errors
/// [`Failure`].
pub fn run(args: Args, out: &mut dyn Write) -> Result<(), Failure> {
    match args.command {
        Command::Run(args) => run::run(&args, out),
        Command::Validate(args) => validate::run(&args, out),
        Command::Repair(args) => repair::run(&args, out),
        Command::Record(args) => record::run(&args, out),
        Command::Export(args) => export::run(&args, out),
        Command::Fit(args) => fit::run(&args, out),
        Command::Show(args) => show::show(&args, out),
        Command::List(args) => show::list(&args, out),
        Command::Use(args) => use_user::run(&args, out),
        Command::Reset(args) => reset::run(&args, out),
        Command::Evaluate(args) => evaluate::run(&args, out),
    }
}
