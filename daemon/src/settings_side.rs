//! Settings of what happens beside the gaze: clips, hooks, the assistant.

use std::path::PathBuf;
use std::time::Duration;

use clips::{Limits, Rules};
use serde::Deserialize;

use crate::settings::SettingsError;
use crate::side::assistant::address::{self, Endpoint};
use crate::side::{assistant, clips as clip_thread, hooks};

/// Most bytes of coded pictures in memory.
const PREROLL_BYTES: usize = 40_000_000;
/// The longer side of a clip's pictures, at most.
const LONGEST_SIDE: usize = 1280;

/// Clips of the moments of eye contact; off unless `on` is true.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct ClipSettings {
    /// Whether any are recorded.
    pub on: Option<bool>,
    /// Where they go.
    pub folder: Option<PathBuf>,
    /// A contact must hold for this long, seconds.
    pub hold_s: Option<f64>,
    /// A clip begins this long before the contact, seconds.
    pub pre_s: Option<f64>,
    /// It ends this long after it, seconds.
    pub post_s: Option<f64>,
    /// The longest clip, seconds.
    pub longest_s: Option<f64>,
    /// After a clip its faces begin no other for this long, seconds.
    pub debounce_s: Option<f64>,
    /// Most clips that are kept.
    pub most: Option<usize>,
    /// Most megabytes of clips that are kept.
    pub most_mb: Option<f64>,
    /// A clip is kept for this long, days.
    pub keep_days: Option<f64>,
    /// Most pictures a second.
    pub fps: Option<f64>,
}

/// What is told of the beginning and end of eye contact, and whom.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct HookSettings {
    /// A program and its arguments.
    pub command: Option<Vec<String>>,
    /// A file or named pipe that gets a JSON line each time.
    pub line_to: Option<PathBuf>,
    /// A folder for a JPEG of each.
    pub snapshots: Option<PathBuf>,
    /// A command that runs longer is ended, seconds.
    pub timeout_s: Option<f64>,
}

/// A Moondream on this machine that is asked now and then; off unless `on` is true.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct AssistantSettings {
    /// Whether it is asked.
    pub on: Option<bool>,
    /// Its address, one of this machine.
    pub url: Option<String>,
    /// From one question to the next, seconds.
    pub every_s: Option<f64>,
    /// An answer about a picture older than this is not offered, seconds.
    pub fresh_s: Option<f64>,
    /// There is no answer after this time, seconds.
    pub timeout_s: Option<f64>,
}

/// Where clips go if nobody says.
fn default_folder() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let home = set("HOME");
    if cfg!(target_os = "macos") {
        return Some(home?.join("Movies/gaze"));
    }
    let data = set("XDG_DATA_HOME").or_else(|| Some(home?.join(".local/share")))?;
    Some(data.join("gaze/clips"))
}

fn range(
    key: &'static str,
    value: Option<f64>,
    default: f64,
    [least, most]: [f64; 2],
    want: &'static str,
) -> Result<f64, SettingsError> {
    let v = value.unwrap_or(default);
    match (least..=most).contains(&v) {
        true => Ok(v),
        false => Err(SettingsError::OutOfRange {
            key,
            value: v.to_string(),
            want,
        }),
    }
}

impl ClipSettings {
    /// These with every one that `over` sets taken from there.
    pub fn overridden_by(self, over: ClipSettings) -> ClipSettings {
        ClipSettings {
            on: over.on.or(self.on),
            folder: over.folder.or(self.folder),
            hold_s: over.hold_s.or(self.hold_s),
            pre_s: over.pre_s.or(self.pre_s),
            post_s: over.post_s.or(self.post_s),
            longest_s: over.longest_s.or(self.longest_s),
            debounce_s: over.debounce_s.or(self.debounce_s),
            most: over.most.or(self.most),
            most_mb: over.most_mb.or(self.most_mb),
            keep_days: over.keep_days.or(self.keep_days),
            fps: over.fps.or(self.fps),
        }
    }

    /// What the clips thread is to do; `None` where clips are off.
    ///
    /// # Errors
    /// A value makes no sense.
    pub fn plan(&self) -> Result<Option<clip_thread::Plan>, SettingsError> {
        let ns = |s: f64| (s * 1e9) as u64;
        let rules = Rules {
            hold_ns: ns(range(
                "clips.hold_s",
                self.hold_s,
                0.5,
                [0.0, 60.0],
                "give 0 to 60 seconds",
            )?),
            pre_ns: ns(range(
                "clips.pre_s",
                self.pre_s,
                3.0,
                [0.0, 30.0],
                "give 0 to 30 seconds",
            )?),
            post_ns: ns(range(
                "clips.post_s",
                self.post_s,
                2.0,
                [0.0, 60.0],
                "give 0 to 60 seconds",
            )?),
            longest_ns: ns(range(
                "clips.longest_s",
                self.longest_s,
                60.0,
                [1.0, 3600.0],
                "give 1 to 3600 seconds",
            )?),
            debounce_ns: ns(range(
                "clips.debounce_s",
                self.debounce_s,
                10.0,
                [0.0, 86_400.0],
                "give 0 to 86400 seconds",
            )?),
        };
        if rules.longest_ns < rules.pre_ns + rules.hold_ns + rules.post_ns {
            return Err(SettingsError::OutOfRange {
                key: "clips.longest_s",
                value: self.longest_s.unwrap_or(60.0).to_string(),
                want: "give at least pre_s + hold_s + post_s",
            });
        }
        let most = range(
            "clips.most",
            self.most.map(|n| n as f64),
            200.0,
            [1.0, 10_000.0],
            "give 1 to 10000",
        )?;
        let mb = range(
            "clips.most_mb",
            self.most_mb,
            500.0,
            [1.0, 1e6],
            "give 1 to 1000000 megabytes",
        )?;
        let days = range(
            "clips.keep_days",
            self.keep_days,
            30.0,
            [0.001, 3650.0],
            "give 0.001 to 3650 days",
        )?;
        let fps = range("clips.fps", self.fps, 30.0, [1.0, 120.0], "give 1 to 120")?;
        if self.on != Some(true) {
            return Ok(None);
        }
        let Some(folder) = self.folder.clone().or_else(default_folder) else {
            return Err(SettingsError::OutOfRange {
                key: "clips.folder",
                value: "not set".into(),
                want: "name a folder: there is no home folder",
            });
        };
        Ok(Some(clip_thread::Plan {
            settings: clips::Settings {
                folder,
                rules,
                limits: Limits {
                    clips: most as usize,
                    bytes: (mb * 1e6) as u64,
                    keep_ns: (days * 86_400e9) as u64,
                },
                fps,
                longest_side: LONGEST_SIDE,
                preroll_bytes: PREROLL_BYTES,
            },
            always: false,
        }))
    }
}

impl AssistantSettings {
    /// These with every one that `over` sets taken from there.
    pub fn overridden_by(self, over: AssistantSettings) -> AssistantSettings {
        AssistantSettings {
            on: over.on.or(self.on),
            url: over.url.or(self.url),
            every_s: over.every_s.or(self.every_s),
            fresh_s: over.fresh_s.or(self.fresh_s),
            timeout_s: over.timeout_s.or(self.timeout_s),
        }
    }

    /// Whom the assistant asks; `None` where it is off.
    ///
    /// # Errors
    /// A value makes no sense, or the address is not of this machine.
    pub fn plan(&self) -> Result<Option<assistant::Plan>, SettingsError> {
        let seconds = |key, value, default, least, want| {
            range(key, value, default, [least, 3600.0], want).map(Duration::from_secs_f64)
        };
        let every = seconds(
            "assistant.every_s",
            self.every_s,
            5.0,
            0.5,
            "give 0.5 to 3600 seconds",
        )?;
        let fresh = seconds(
            "assistant.fresh_s",
            self.fresh_s,
            15.0,
            0.5,
            "give 0.5 to 3600 seconds",
        )?;
        let limit = seconds(
            "assistant.timeout_s",
            self.timeout_s,
            20.0,
            0.1,
            "give 0.1 to 3600 seconds",
        )?;
        let url = self.url.as_deref().unwrap_or(address::USUAL);
        let endpoint = Endpoint::parse(url).map_err(|want| SettingsError::OutOfRange {
            key: "assistant.url",
            value: format!("{url:?}"),
            want,
        })?;
        Ok((self.on == Some(true)).then_some(assistant::Plan {
            endpoint,
            every,
            fresh,
            limit,
        }))
    }
}

impl HookSettings {
    /// What the hooks thread is to do; `None` where there is nobody to tell.
    ///
    /// # Errors
    /// A value makes no sense.
    pub fn plan(&self) -> Result<Option<hooks::Plan>, SettingsError> {
        let timeout = range(
            "hooks.timeout_s",
            self.timeout_s,
            10.0,
            [0.1, 3600.0],
            "give 0.1 to 3600 seconds",
        )?;
        let command = self.command.clone().unwrap_or_default();
        if command.first().is_some_and(String::is_empty) {
            return Err(SettingsError::OutOfRange {
                key: "hooks.command",
                value: "\"\"".into(),
                want: "give a program and its arguments: [\"notify-send\", \"gaze\"]",
            });
        }
        let nobody = command.is_empty() && self.line_to.is_none() && self.snapshots.is_none();
        Ok((!nobody).then(|| hooks::Plan {
            command,
            line_to: self.line_to.clone(),
            snapshots: self.snapshots.clone(),
            timeout: Duration::from_secs_f64(timeout),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assistant_is_off_until_somebody_says_on_and_stays_on_this_machine() {
        assert_eq!(AssistantSettings::default().plan().unwrap(), None);
        let of = |text: &str| {
            serde_json::from_str::<AssistantSettings>(text)
                .unwrap()
                .plan()
        };
        assert_eq!(of(r#"{"url": "http://127.0.0.1:1"}"#).unwrap(), None);
        let plan = of(r#"{"on": true, "every_s": 2, "fresh_s": 3, "timeout_s": 4}"#);
        let plan = plan.unwrap().unwrap();
        assert_eq!(plan.endpoint.url, address::USUAL);
        let times = [plan.every, plan.fresh, plan.limit].map(|d| d.as_secs());
        assert_eq!(times, [2, 3, 4]);
        for wrong in [
            r#"{"url": "http://192.168.0.7:2020/v1"}"#,
            r#"{"on": true, "url": "https://api.moondream.ai/v1"}"#,
            r#"{"every_s": 0}"#,
            r#"{"fresh_s": -1}"#,
            r#"{"timeout_s": 1e9}"#,
        ] {
            let line = of(wrong).unwrap_err().to_string();
            let named = line.starts_with("settings: assistant.") && !line.contains('\n');
            assert!(named, "{line}");
        }
    }

    #[test]
    fn clips_are_off_until_somebody_says_on_and_sound() {
        assert_eq!(ClipSettings::default().plan().unwrap(), None);
        assert_eq!(HookSettings::default().plan().unwrap(), None);
        let of = |text: &str| serde_json::from_str::<ClipSettings>(text).unwrap().plan();
        assert_eq!(
            of(r#"{"folder": "/c"}"#).unwrap(),
            None,
            "a folder alone records nothing"
        );
        let plan = of(r#"{"on": true, "folder": "/c", "most_mb": 2}"#)
            .unwrap()
            .unwrap();
        assert_eq!(plan.settings.limits.bytes, 2_000_000);
        assert!(plan.settings.preroll_bytes <= 40_000_000, "40 MB at most");
        // Each key is its own rule.
        let keys = r#"{"on": true, "folder": "/c", "hold_s": 1, "pre_s": 1.5, "post_s": 2,
            "longest_s": 30, "debounce_s": 4, "most": 7, "keep_days": 2}"#;
        let set = of(keys).unwrap().unwrap().settings;
        let ns = |s: f64| (s * 1e9) as u64;
        let rules = clips::Rules {
            hold_ns: ns(1.0),
            pre_ns: ns(1.5),
            post_ns: ns(2.0),
            longest_ns: ns(30.0),
            debounce_ns: ns(4.0),
        };
        assert_eq!(set.rules, rules);
        assert_eq!((set.limits.clips, set.limits.keep_ns), (7, ns(172_800.0)));
        for wrong in [
            r#"{"hold_s": -1}"#,
            r#"{"longest_s": 4}"#,
            r#"{"most": 0}"#,
            r#"{"fps": 500}"#,
            r#"{"keep_days": 0}"#,
        ] {
            let line = of(wrong).unwrap_err().to_string();
            assert!(
                line.starts_with("settings: clips.") && !line.contains('\n'),
                "{line}"
            );
        }
    }
}
