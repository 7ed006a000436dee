//! The launch agent, by `launchctl`. Not yet run on a Mac; the order of its calls is
//! tested against a stand-in.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::outside::{Answer, ask, failed, remove, replace, tell, wait_for};
use super::{Job, ServiceError, template};

/// What launchd calls it.
pub const LABEL: &str = "com.gaze.gazed";

/// `bootout` returns before the old one has ended, and `bootstrap` fails with 5
/// (input/output error) or 37 (in progress) until it has.
const NOT_YET: [i32; 2] = [5, 37];
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(500);
/// The person has to find the dialog and to decide.
const DECIDE: Duration = Duration::from_secs(300);

/// The agent of whoever is logged in.
#[derive(Debug, Clone)]
pub struct Launchd {
    /// The property list.
    pub file: PathBuf,
    /// Where the daemon's words go.
    pub log: PathBuf,
    /// `gui/UID`: the person's desktop session.
    domain: String,
}

impl Launchd {
    /// With its files below `home`.
    pub fn new(home: &Path) -> Launchd {
        let library = home.join("Library");
        Launchd {
            file: library.join(format!("LaunchAgents/{LABEL}.plist")),
            log: library.join("Logs/gaze/gazed.log"),
            domain: format!("gui/{}", rustix::process::getuid().as_raw()),
        }
    }

    fn target(&self) -> String {
        format!("{}/{LABEL}", self.domain)
    }

    /// Nothing is written before somebody is there to take it.
    fn answers(&self) -> Result<(), ServiceError> {
        let answer = ask("launchctl", &["print", &self.domain])?;
        if answer.status.success() {
            return Ok(());
        }
        Err(ServiceError::NoManager {
            manager: "launchd session",
            words: answer.words,
        })
    }

    fn is_loaded(&self) -> Result<bool, ServiceError> {
        Ok(ask("launchctl", &["print", &self.target()])?
            .status
            .success())
    }

    fn load(&self) -> Result<(), ServiceError> {
        // `launchctl disable` outlives everything else.
        tell("launchctl", &["enable", &self.target()])?;
        let file = self.file.display().to_string();
        let arguments = ["bootstrap", self.domain.as_str(), &file];
        for again in 0.. {
            let answer = ask("launchctl", &arguments)?;
            match answer.status.code() {
                Some(0) => return Ok(()),
                Some(code) if NOT_YET.contains(&code) && again < TRIES => {
                    std::thread::sleep(BETWEEN);
                }
                _ => return Err(failed("launchctl", &arguments, &answer)),
            }
        }
        Ok(())
    }

    fn unload(&self) -> Result<(), ServiceError> {
        let target = self.target();
        let arguments = ["bootout", target.as_str()];
        let answer: Answer = ask("launchctl", &arguments)?;
        // 3: it was gone already; 36: it is ending.
        match answer.status.code() {
            Some(0 | 3 | 36) => Ok(()),
            _ => Err(failed("launchctl", &arguments, &answer)),
        }
    }

    /// See [`super::Manager::install`].
    pub(super) fn install(&self, job: &Job) -> Result<String, ServiceError> {
        self.answers()?;
        if let Some(folder) = self.log.parent() {
            std::fs::create_dir_all(folder).map_err(|e| ServiceError::NotWritten {
                file: folder.to_owned(),
                reason: e.to_string(),
            })?;
        }
        let changed = replace(&self.file, &template::agent(job, &self.log))?;
        let loaded = self.is_loaded()?;
        if loaded && !changed {
            tell("launchctl", &["kickstart", &self.target()])?;
            return Ok(format!(
                "was installed already and runs: {}",
                self.file.display()
            ));
        }
        if loaded {
            self.unload()?;
        }
        self.load()?;
        Ok(format!(
            "installed, runs now and at every login: {}",
            self.file.display()
        ))
    }

    /// See [`super::Manager::uninstall`].
    pub(super) fn uninstall(&self) -> Result<String, ServiceError> {
        let loaded = self.is_loaded()?;
        if loaded {
            self.unload()?;
        }
        let there = remove(&self.file)?;
        Ok(match loaded || there {
            true => format!(
                "uninstalled; settings, calibrations and {} stay",
                self.log.display()
            ),
            false => "was not installed".into(),
        })
    }

    fn is_installed(&self) -> Result<(), ServiceError> {
        match self.file.is_file() {
            true => Ok(()),
            false => Err(ServiceError::NotInstalled),
        }
    }

    /// See [`super::Manager::start`].
    pub(super) fn start(&self) -> Result<String, ServiceError> {
        self.is_installed()?;
        match self.is_loaded()? {
            true => tell("launchctl", &["kickstart", &self.target()])?,
            false => self.load()?,
        }
        Ok("started".into())
    }

    /// See [`super::Manager::stop`].
    pub(super) fn stop(&self) -> Result<String, ServiceError> {
        self.is_installed()?;
        if self.is_loaded()? {
            self.unload()?;
        }
        Ok("stopped; it starts again at the next login".into())
    }

    /// See [`super::Manager::restart`].
    pub(super) fn restart(&self) -> Result<String, ServiceError> {
        self.is_installed()?;
        match self.is_loaded()? {
            true => tell("launchctl", &["kickstart", "-k", &self.target()])?,
            false => self.load()?,
        }
        Ok("restarted".into())
    }
}

/// Has the application itself ask for the camera, as itself: a question from a terminal
/// is charged to the terminal. Its answer, or none if there was none.
///
/// # Errors
/// `open` cannot be run.
pub fn ask_for_camera(bundle: &Path) -> Result<Option<String>, ServiceError> {
    // A folder that nobody else can look into or put links into.
    // One that a killed process of this number left is no obstacle.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let folder = std::env::temp_dir().join(format!(
        "gaze-permission-{}-{}",
        std::process::id(),
        now.unwrap_or_default().as_nanos()
    ));
    let made = DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|e| ServiceError::NotWritten {
        file: folder.clone(),
        reason: e.to_string(),
    })?;
    let answer = folder.join("answer");
    let (app, file) = (bundle.display().to_string(), answer.display().to_string());
    // -W: until it ends; -n: beside the agent that may be running.
    let arguments = [
        "-W",
        "-n",
        "-a",
        &app,
        "--args",
        "permission",
        "--request",
        "--answer",
        &file,
    ];
    let ended = wait_for("open", &arguments, DECIDE);
    let said = std::fs::read_to_string(&answer).ok();
    let _ = remove(&answer);
    let _ = std::fs::remove_dir(&folder);
    ended?;
    Ok(said.map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()))
}
