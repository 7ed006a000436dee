//! `gazed` as a service of the person who is logged in: a launch agent on a Mac, a
//! systemd user unit elsewhere. Nothing here needs root, and everything can be said
//! twice: what is there already is left as it is.
//!
//! | | on a Mac | on Linux |
//! |---|---|---|
//! | file | `~/Library/LaunchAgents/com.gaze.gazed.plist` | `~/.config/systemd/user/gazed.service` |
//! | install | `launchctl bootstrap gui/UID FILE` | `systemctl --user enable --now gazed` |
//! | uninstall | `bootout`, file removed | `disable --now`, file removed |
//! | start, stop, restart | `kickstart`, `bootout`, `kickstart -k` | `start`, `stop`, `restart` |
//! | logs | `~/Library/Logs/gaze/gazed.log` | the journal |
//!
//! Which of the two is decided while it runs, so that one system's commands are tested
//! on the other.

pub mod launchd;
mod outside;
pub mod systemd;
pub mod template;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

pub use launchd::Launchd;
pub use systemd::Systemd;
pub use template::Job;

/// Why a service command failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No place for the service's file.
    #[error("there is no home folder to install into: set HOME")]
    NoHome,
    /// `GAZE_SERVICE` names nothing that is known.
    #[error("GAZE_SERVICE is `{0}`: launchd and systemd are known")]
    UnknownManager(String),
    /// The manager's program cannot be started.
    #[error("{program} cannot be run ({reason}): without it start gazed yourself: gazed run")]
    NoProgram {
        /// The program.
        program: String,
        /// The system's words.
        reason: String,
    },
    /// The manager does not answer.
    #[error(
        "no {manager} answers for this user ({words}): log in at the desktop and do it again, or start gazed yourself: gazed run"
    )]
    NoManager {
        /// launchd or systemd.
        manager: &'static str,
        /// Its words.
        words: String,
    },
    /// The manager did not do it.
    #[error("`{what}` failed ({status}): {words}")]
    Refused {
        /// The command line.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        words: String,
    },
    /// A file cannot be written or removed.
    #[error("{} cannot be written or removed: {reason}", file.display())]
    NotWritten {
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// It has not written anything.
    #[error("{} is not there: nothing was written yet; gazed start, then look again", log.display())]
    NoLog {
        /// Where it would write.
        log: PathBuf,
    },
    /// There is nothing to start.
    #[error("gazed is not installed: gazed install")]
    NotInstalled,
}

/// Who starts programs for a person here.
#[derive(Debug, Clone)]
pub enum Manager {
    /// A Mac's.
    Launchd(Launchd),
    /// Linux's.
    Systemd(Systemd),
}

impl Manager {
    /// This system's, or the one that `GAZE_SERVICE` names.
    ///
    /// # Errors
    /// No home folder, or an unknown name.
    pub fn of_this_system() -> Result<Manager, ServiceError> {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        let home = PathBuf::from(set("HOME").ok_or(ServiceError::NoHome)?);
        let name = set("GAZE_SERVICE").unwrap_or_else(|| {
            let own = if cfg!(target_os = "macos") {
                "launchd"
            } else {
                "systemd"
            };
            own.into()
        });
        match name.to_str() {
            Some("launchd") => Ok(Manager::Launchd(Launchd::new(&home))),
            Some("systemd") => {
                let config = set("XDG_CONFIG_HOME").map(PathBuf::from);
                let config = config.unwrap_or_else(|| home.join(".config"));
                Ok(Manager::Systemd(Systemd::new(&config)))
            }
            _ => Err(ServiceError::UnknownManager(
                name.to_string_lossy().into_owned(),
            )),
        }
    }

    /// Has `job` started now and at every login; what changed, in words.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn install(&self, job: &Job) -> Result<String, ServiceError> {
        match self {
            Manager::Launchd(m) => m.install(job),
            Manager::Systemd(m) => m.install(job),
        }
    }

    /// Ends it and forgets it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn uninstall(&self) -> Result<String, ServiceError> {
        match self {
            Manager::Launchd(m) => m.uninstall(),
            Manager::Systemd(m) => m.uninstall(),
        }
    }

    /// Starts what is installed.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start(&self) -> Result<String, ServiceError> {
        match self {
            Manager::Launchd(m) => m.start(),
            Manager::Systemd(m) => m.drive("start", "started"),
        }
    }

    /// Ends it until it is started or the person logs in again.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn stop(&self) -> Result<String, ServiceError> {
        match self {
            Manager::Launchd(m) => m.stop(),
            Manager::Systemd(m) => m.drive("stop", "stopped; it starts again at the next login"),
        }
    }

    /// Ends it and starts it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn restart(&self) -> Result<String, ServiceError> {
        match self {
            Manager::Launchd(m) => m.restart(),
            Manager::Systemd(m) => m.drive("restart", "restarted"),
        }
    }

    /// The command line that shows what it wrote.
    pub fn logs(&self, lines: u32, follow: bool) -> Vec<String> {
        let mut command = match self {
            Manager::Launchd(m) => vec!["tail".into(), "-n".into(), lines.to_string()]
                .into_iter()
                .chain(follow.then(|| "-F".into()))
                .chain([m.log.display().to_string()])
                .collect::<Vec<String>>(),
            Manager::Systemd(_) => [
                "journalctl",
                "--user",
                "--no-pager",
                "--unit",
                systemd::UNIT,
            ]
            .map(String::from)
            .to_vec(),
        };
        if let Manager::Systemd(_) = self {
            command.push(format!("--lines={lines}"));
            if follow {
                command.push("--follow".into());
            }
        }
        command
    }

    /// The service's file.
    pub fn file(&self) -> &Path {
        match self {
            Manager::Launchd(m) => &m.file,
            Manager::Systemd(m) => &m.file,
        }
    }

    /// Says `command` again, to whoever the manager would have say it.
    ///
    /// # Errors
    /// There is nothing to show, or the program cannot be started; otherwise it takes this one's
    /// place.
    pub fn show_logs(&self, lines: u32, follow: bool) -> ServiceError {
        use std::os::unix::process::CommandExt;
        // What an agent wrote stays when it is uninstalled.
        let log = match self {
            Manager::Launchd(m) => Some(&m.log),
            Manager::Systemd(_) => None,
        };
        if log.is_none_or(|log| !log.exists()) {
            match log {
                _ if !self.file().is_file() => return ServiceError::NotInstalled,
                Some(log) => return ServiceError::NoLog { log: log.clone() },
                None => {}
            }
        }
        let command = self.logs(lines, follow);
        let e = std::process::Command::new(&command[0])
            .args(&command[1..])
            .exec();
        outside::no_program(&command[0], &e)
    }
}

/// The application that a program is inside of, if it is: `Gaze.app`.
pub fn bundle_of(program: &Path) -> Option<&Path> {
    let contents = program.parent()?.parent()?;
    let bundle = contents.parent()?;
    let inside = program.parent()?.file_name()? == "MacOS"
        && contents.file_name()? == "Contents"
        && bundle.extension()? == "app";
    inside.then_some(bundle)
}
