//! The systemd user unit, by `systemctl --user`.

use std::path::{Path, PathBuf};

use super::outside::{ask, remove, replace, tell};
use super::{Job, ServiceError, template};

/// What systemd calls it.
pub const UNIT: &str = "gazed.service";

/// The units of whoever is logged in.
#[derive(Debug, Clone)]
pub struct Systemd {
    /// The unit.
    pub file: PathBuf,
}

impl Systemd {
    /// With its unit below the folder of settings.
    pub fn new(config: &Path) -> Systemd {
        Systemd {
            file: config.join("systemd/user").join(UNIT),
        }
    }

    /// Nothing is written before somebody is there to read it.
    fn answers(&self) -> Result<(), ServiceError> {
        let answer = ask("systemctl", &["--user", "show-environment"])?;
        if answer.status.success() {
            return Ok(());
        }
        Err(ServiceError::NoManager {
            manager: "systemd user manager",
            words: answer.words,
        })
    }

    /// See [`super::Manager::install`].
    pub(super) fn install(&self, job: &Job) -> Result<String, ServiceError> {
        self.answers()?;
        let changed = replace(&self.file, &template::unit(job))?;
        if changed {
            tell("systemctl", &["--user", "daemon-reload"])?;
        }
        tell("systemctl", &["--user", "enable", UNIT])?;
        // What runs by an older unit runs by it until it is restarted.
        let verb = if changed { "restart" } else { "start" };
        tell("systemctl", &["--user", verb, UNIT])?;
        Ok(match changed {
            true => format!(
                "installed, runs now and at every login: {}",
                self.file.display()
            ),
            false => format!("was installed already and runs: {}", self.file.display()),
        })
    }

    /// See [`super::Manager::uninstall`].
    pub(super) fn uninstall(&self) -> Result<String, ServiceError> {
        if !self.file.exists() {
            return Ok("was not installed".into());
        }
        tell("systemctl", &["--user", "disable", "--now", UNIT])?;
        remove(&self.file)?;
        tell("systemctl", &["--user", "daemon-reload"])?;
        Ok("uninstalled; settings and calibrations stay".into())
    }

    /// `start`, `stop` or `restart`.
    pub(super) fn drive(&self, verb: &str, done: &str) -> Result<String, ServiceError> {
        if !self.file.exists() {
            return Err(ServiceError::NotInstalled);
        }
        tell("systemctl", &["--user", verb, UNIT])?;
        Ok(done.to_owned())
    }
}
