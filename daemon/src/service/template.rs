//! What the service managers read: the agent's property list, systemd's unit.
//!
//! The templates lie in `launchd/` and are part of the program. A line that holds a
//! placeholder alone becomes as many lines as there is to say, indented alike.

use std::path::{Path, PathBuf};

const AGENT: &str = include_str!("../../../launchd/com.gaze.gazed.plist.in");
const UNIT: &str = include_str!("../../../launchd/gazed.service.in");

/// The variable by which `gazed` knows that it is launchd's agent; its value is the build's
/// mark, so that another build is another agent.
pub const AGENT_MARK: &str = "GAZE_AGENT";

/// What is to be started, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The program's full path.
    pub program: PathBuf,
    /// What follows it.
    pub arguments: Vec<String>,
    /// Variables that it is started with, beside the manager's own.
    pub environment: Vec<(String, String)>,
    /// What tells this build of the program from others.
    pub build: String,
}

/// The property list of the launch agent; the program's words go to `log`.
pub fn agent(job: &Job, log: &Path) -> String {
    let command = std::iter::once(text_of(&job.program)).chain(job.arguments.iter().cloned());
    let mark = (AGENT_MARK.to_owned(), job.build.clone());
    let environment = std::iter::once(&mark).chain(&job.environment);
    fill(
        AGENT,
        &[
            ("@COMMAND@", command.map(|w| xml("string", &w)).collect()),
            (
                "@ENVIRONMENT@",
                environment
                    .flat_map(|(name, value)| [xml("key", name), xml("string", value)])
                    .collect(),
            ),
            ("@LOG@", vec![xml("string", &text_of(log))]),
        ],
    )
}

/// systemd's unit.
pub fn unit(job: &Job) -> String {
    let mut command = quoted(&text_of(&job.program));
    for argument in &job.arguments {
        // A dollar would begin a variable, in arguments only.
        command += &format!(" {}", quoted(argument).replace('$', "$$"));
    }
    let environment = job.environment.iter();
    fill(
        UNIT,
        &[
            ("# @BUILD@", vec![format!("# Build {}.", job.build)]),
            ("ExecStart=@COMMAND@", vec![format!("ExecStart={command}")]),
            (
                "@ENVIRONMENT@",
                environment
                    .map(|(name, value)| {
                        format!("Environment={}", quoted(&format!("{name}={value}")))
                    })
                    .collect(),
            ),
        ],
    )
}

fn fill(template: &str, values: &[(&str, Vec<String>)]) -> String {
    let mut filled = String::with_capacity(2 * template.len());
    for line in template.lines() {
        let word = line.trim_start();
        match values.iter().find(|(name, _)| *name == word) {
            None => filled += &format!("{line}\n"),
            Some((_, lines)) => {
                let indent = &line[..line.len() - word.len()];
                for value in lines {
                    filled += &format!("{indent}{value}\n");
                }
            }
        }
    }
    filled
}

/// Neither manager takes paths that are not text.
fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn xml(tag: &str, text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<{tag}>{text}</{tag}>")
}

/// One word of a unit file (systemd.service(5), "Command lines"; systemd.syntax(7)).
fn quoted(word: &str) -> String {
    let escaped = word
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that either format could trip over.
    fn awkward() -> Job {
        Job {
            program: "/Users/A & B/<x> \"50%\"/gazed".into(),
            arguments: vec!["run".into(), "--config".into(), "/a b/$HOME\\c".into()],
            environment: vec![("GAZE_SHM".into(), "/own & %s".into())],
            build: "0123ab".into(),
        }
    }

    #[test]
    fn the_agent_is_what_was_meant_whatever_is_in_the_paths() {
        let job = awkward();
        let written = agent(&job, Path::new("/Users/A & B/Library/Logs/gaze/gazed.log"));
        let read = plist::Value::from_reader_xml(written.as_bytes()).unwrap();
        let read = read.as_dictionary().unwrap();
        let strings = |v: &plist::Value| -> Vec<String> {
            let all = v.as_array().unwrap().iter();
            all.map(|v| v.as_string().unwrap().to_owned()).collect()
        };
        assert_eq!(read["Label"].as_string(), Some("com.gaze.gazed"));
        assert_eq!(
            strings(&read["ProgramArguments"]),
            [
                "/Users/A & B/<x> \"50%\"/gazed",
                "run",
                "--config",
                "/a b/$HOME\\c"
            ]
        );
        let environment = read["EnvironmentVariables"].as_dictionary().unwrap();
        assert_eq!(environment.len(), 2);
        assert_eq!(environment[AGENT_MARK].as_string(), Some("0123ab"));
        assert_eq!(environment["GAZE_SHM"].as_string(), Some("/own & %s"));
        let keep = read["KeepAlive"].as_dictionary().unwrap();
        assert_eq!(keep["SuccessfulExit"].as_boolean(), Some(false));
        assert_eq!(read["ProcessType"].as_string(), Some("Interactive"));
        assert_eq!(read["LimitLoadToSessionType"].as_string(), Some("Aqua"));
        assert_eq!(read["RunAtLoad"].as_boolean(), Some(true));
        assert!(read["ThrottleInterval"].as_signed_integer() >= Some(10));
        assert_eq!(
            read["StandardErrorPath"].as_string(),
            Some("/Users/A & B/Library/Logs/gaze/gazed.log")
        );
        assert_eq!(read.len(), 9, "nothing else: {read:?}");
    }

    #[test]
    fn the_unit_quotes_what_systemd_would_read_otherwise() {
        let written = unit(&awkward());
        let line = |begin: &str| {
            let mut found = written.lines().filter(|l| l.starts_with(begin));
            let line = found.next().unwrap();
            assert_eq!(found.next(), None);
            line
        };
        assert_eq!(
            line("ExecStart="),
            r#"ExecStart="/Users/A & B/<x> \"50%%\"/gazed" "run" "--config" "/a b/$$HOME\\c""#
        );
        assert_eq!(line("Environment="), r#"Environment="GAZE_SHM=/own & %%s""#);
        assert!(!written.contains('@'), "{written}");
        assert_eq!(line("# Build"), "# Build 0123ab.");
        // `$MAINPID` is systemd's own.
        assert_eq!(line("ExecReload="), "ExecReload=/bin/kill -HUP $MAINPID");
    }
}
