//! What the daemon is told: a JSON file, then flags; flags win.
//!
//! The file is optional. An unknown key is an error that names the nearest
//! known one, because a misspelt setting that is silently ignored costs hours.

use std::path::{Path, PathBuf};

use gaze::filter::FilterKind;
use gaze::one_line::one_line;
use gaze::trust::{self, Distrust};
use serde::Deserialize;
use vision::Base;
use vision::coreml::ComputeUnits;

use crate::engine::ProviderWish;
use crate::settings_faces::{ContactKeys, FaceWish, parse_choice};
use crate::settings_side::{AssistantSettings, ClipSettings, HookSettings};
use crate::side::{assistant, clips, hooks};

/// Settings as the file holds them; every key may be left out.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct FileSettings {
    /// `camera`, `demo`, `null`, or a path to a clip, GIF or folder.
    pub source: Option<String>,
    /// Which camera, counted from 0.
    pub camera: Option<u32>,
    /// Wished frame width, pixels.
    pub width: Option<u32>,
    /// Wished frame height, pixels.
    pub height: Option<u32>,
    /// Wished frame rate, frames a second.
    pub fps: Option<f64>,
    /// `none`, `ema`, `one-euro` or `kalman`.
    pub filter: Option<String>,
    /// Horizontal field of view of the camera, degrees.
    pub hfov_deg: Option<f64>,
    /// The display's size in pixels, `[width, height]`.
    pub display_px: Option<[u32; 2]>,
    /// The display's visible size in millimetres, `[width, height]`.
    pub display_mm: Option<[f64; 2]>,
    /// The camera's place in millimetres from the middle of the display's upper
    /// edge, `[right, up]` as the person sees it.
    pub camera_mm: Option<[f64; 2]>,
    /// Whose calibration to apply; the selected or logged-in person's by default.
    pub user: Option<String>,
    /// Which display is looked at, by the name that `gaze-calib list` shows; the
    /// selected or primary one by default.
    pub display: Option<String>,
    /// A calibration file to apply instead of the one found by name.
    pub calibration: Option<PathBuf>,
    /// What tells the gaze: `base` (our own network; `base-int8` the same in 8 bits), `geometric` (none), or the ONNX file of a gaze network.
    pub network: Option<String>,
    /// Name of the shared memory.
    pub shm: Option<String>,
    /// Folder of the networks.
    pub models: Option<PathBuf>,
    /// The ONNX Runtime library.
    pub runtime: Option<PathBuf>,
    /// Threads inside ONNX Runtime.
    pub threads: Option<usize>,
    /// In which frames the landmark network sees a steady face: in each (1), or in one of so many.
    pub landmarks_every: Option<u32>,
    /// What computes the networks: `auto`, `coreml` or `cpu`.
    pub provider: Option<String>,
    /// What CoreML may use: `all`, `cpu_and_gpu`, `cpu_and_neural_engine` or `cpu_only`.
    pub compute_units: Option<String>,
    /// Who is the primary face: `nearest`, `first`, `central`, or an id.
    pub primary: Option<String>,
    /// When a face is in contact.
    pub contact: Option<ContactKeys>,
    /// Clips of the moments of eye contact.
    pub clips: Option<ClipSettings>,
    /// What is told of the beginning and end of eye contact, and whom.
    pub hooks: Option<HookSettings>,
    /// A Moondream on this machine that is asked now and then.
    pub assistant: Option<AssistantSettings>,
}

/// Every key of [`FileSettings`], for the error that names the nearest one.
pub const KEYS: &[&str] = &[
    "source",
    "camera",
    "width",
    "height",
    "fps",
    "filter",
    "hfov_deg",
    "display_px",
    "display_mm",
    "camera_mm",
    "user",
    "display",
    "calibration",
    "network",
    "shm",
    "models",
    "runtime",
    "threads",
    "landmarks_every",
    "provider",
    "compute_units",
    "primary",
    "contact",
    "clips",
    "hooks",
    "assistant",
];

/// What is wrong with a settings file: one line each.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is named but cannot be read.
    #[error("settings {path}: {source}; check the path given to --config")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others could have written it.
    #[error("settings {path}: {reason}")]
    NotBelieved {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// Not JSON, or a value of the wrong kind.
    #[error(
        "settings {path}: {}; correct the file or remove the key",
        one_line(source)
    )]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// JSON, but not `{ … }`.
    #[error("settings {path}: not an object; write {{ \"key\": value, … }}")]
    NotAnObject {
        /// The file.
        path: PathBuf,
    },
    /// A key nobody knows.
    #[error(
        "settings {path}: unknown key \"{}\"; did you mean \"{nearest}\"?",
        one_line(key)
    )]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key as written.
        key: String,
        /// The known key that is written most alike.
        nearest: &'static str,
    },
    /// A value outside its range.
    #[error("settings: {key} is {}; {want}", one_line(value))]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        want: &'static str,
    },
}

/// Where the settings file lies if nobody names one.
pub fn default_path() -> Option<PathBuf> {
    config_folder().map(|f| f.join("settings.json"))
}

/// The folder of settings and calibrations: `$XDG_CONFIG_HOME/gaze`,
/// `~/.config/gaze`, or `~/Library/Application Support/gaze` on a Mac.
pub fn config_folder() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    if let Some(xdg) = set("XDG_CONFIG_HOME") {
        return Some(xdg.join("gaze"));
    }
    let home = set("HOME")?;
    Some(if cfg!(target_os = "macos") {
        home.join("Library/Application Support/gaze")
    } else {
        home.join(".config/gaze")
    })
}

/// Reads settings: the file that is named must be there, the default one may be missing.
pub fn load(named: Option<&Path>) -> Result<FileSettings, SettingsError> {
    let path = match named {
        Some(p) => p.to_path_buf(),
        None => match default_path() {
            Some(p) if p.exists() => p,
            _ => return Ok(FileSettings::default()),
        },
    };
    let text = trust::read_to_string(&path).map_err(|source| match source.get_ref() {
        Some(why) if why.is::<Distrust>() => SettingsError::NotBelieved {
            path: path.clone(),
            reason: why.to_string(),
        },
        _ => SettingsError::Unreadable {
            path: path.clone(),
            source,
        },
    })?;
    parse(&text, &path)
}

/// Parses the text of a settings file; `path` is for messages only.
pub fn parse(text: &str, path: &Path) -> Result<FileSettings, SettingsError> {
    let invalid = |source| SettingsError::Invalid {
        path: path.to_path_buf(),
        source,
    };
    let value: serde_json::Value = serde_json::from_str(text).map_err(invalid)?;
    if !value.is_object() {
        return Err(SettingsError::NotAnObject {
            path: path.to_path_buf(),
        });
    }
    if let Some(key) = value
        .as_object()
        .and_then(|o| o.keys().find(|k| !KEYS.contains(&k.as_str())))
    {
        return Err(SettingsError::UnknownKey {
            path: path.to_path_buf(),
            nearest: nearest_key(key),
            key: key.clone(),
        });
    }
    // From the text, not from the value: only so does a wrong kind name its line.
    let settings: FileSettings = serde_json::from_str(text).map_err(invalid)?;
    settings.check()?;
    Ok(settings)
}

/// The known key that looks most like `key`; a common beginning counts for much.
fn nearest_key(key: &str) -> &'static str {
    let alike = |k: &&str| strsim::jaro_winkler(k, key);
    KEYS.iter()
        .copied()
        .max_by(|a, b| alike(a).total_cmp(&alike(b)))
        .unwrap_or("source")
}

/// What tells the gaze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GazeChoice {
    /// The network that comes with the program; geometry where it comes without one.
    Base(Base),
    /// Geometry alone.
    Geometric,
    /// An ONNX file of the network contract.
    File(PathBuf),
}

impl GazeChoice {
    /// As the setting `network` names it.
    pub fn named(network: Option<&str>) -> GazeChoice {
        let Some(named) = network else {
            return GazeChoice::Base(Base::Float);
        };
        match Base::ALL.into_iter().find(|b| b.name() == named) {
            Some(base) => GazeChoice::Base(base),
            None if named == "geometric" => GazeChoice::Geometric,
            None => GazeChoice::File(named.into()),
        }
    }
}

impl FileSettings {
    /// These settings with every one that `over` sets taken from there.
    pub fn overridden_by(self, over: FileSettings) -> FileSettings {
        FileSettings {
            source: over.source.or(self.source),
            camera: over.camera.or(self.camera),
            width: over.width.or(self.width),
            height: over.height.or(self.height),
            fps: over.fps.or(self.fps),
            filter: over.filter.or(self.filter),
            hfov_deg: over.hfov_deg.or(self.hfov_deg),
            display_px: over.display_px.or(self.display_px),
            display_mm: over.display_mm.or(self.display_mm),
            camera_mm: over.camera_mm.or(self.camera_mm),
            user: over.user.or(self.user),
            display: over.display.or(self.display),
            calibration: over.calibration.or(self.calibration),
            network: over.network.or(self.network),
            shm: over.shm.or(self.shm),
            models: over.models.or(self.models),
            runtime: over.runtime.or(self.runtime),
            threads: over.threads.or(self.threads),
            landmarks_every: over.landmarks_every.or(self.landmarks_every),
            provider: over.provider.or(self.provider),
            compute_units: over.compute_units.or(self.compute_units),
            primary: over.primary.or(self.primary),
            contact: over.contact.or(self.contact),
            clips: match (self.clips, over.clips) {
                (Some(own), Some(over)) => Some(own.overridden_by(over)),
                (own, over) => over.or(own),
            },
            hooks: over.hooks.or(self.hooks),
            assistant: match (self.assistant, over.assistant) {
                (Some(own), Some(over)) => Some(own.overridden_by(over)),
                (own, over) => over.or(own),
            },
        }
    }

    /// Refuses values that make no sense.
    pub fn check(&self) -> Result<(), SettingsError> {
        fn range<T: std::fmt::Display>(
            key: &'static str,
            value: Option<T>,
            fine: impl Fn(&T) -> bool,
            want: &'static str,
        ) -> Result<(), SettingsError> {
            match value {
                Some(v) if !fine(&v) => Err(SettingsError::OutOfRange {
                    key,
                    value: v.to_string(),
                    want,
                }),
                _ => Ok(()),
            }
        }
        range(
            "fps",
            self.fps,
            |v| (1.0..=240.0).contains(v),
            "give 1 to 240",
        )?;
        range(
            "width",
            self.width,
            |v| (64..=8192).contains(v),
            "give 64 to 8192",
        )?;
        range(
            "height",
            self.height,
            |v| (64..=8192).contains(v),
            "give 64 to 8192",
        )?;
        range(
            "hfov_deg",
            self.hfov_deg,
            |v| (20.0..=140.0).contains(v),
            "give 20 to 140 degrees",
        )?;
        range(
            "threads",
            self.threads,
            |v| (1..=64).contains(v),
            "give 1 to 64",
        )?;
        range(
            "landmarks_every",
            self.landmarks_every,
            |v| (1..=4).contains(v),
            "give 1 to 4",
        )?;
        for side in self.display_px.into_iter().flatten() {
            range(
                "display_px",
                Some(side),
                |v| (64..=32768).contains(v),
                "give pixels",
            )?;
        }
        for side in self.display_mm.into_iter().flatten() {
            range(
                "display_mm",
                Some(side),
                |v| (20.0..=10_000.0).contains(v),
                "give millimetres",
            )?;
        }
        for place in self.camera_mm.into_iter().flatten() {
            range(
                "camera_mm",
                Some(place),
                |v| v.abs() <= 5_000.0,
                "give millimetres",
            )?;
        }
        for (key, name) in [
            ("user", &self.user),
            ("display", &self.display),
            ("network", &self.network),
        ] {
            range(key, name.as_ref(), |v| !v.is_empty(), "give a name")?;
        }
        self.face_wish()?;
        self.provider_wish()?;
        self.clips_plan()?;
        self.hooks_plan()?;
        self.assistant_plan()?;
        if let Some(name) = &self.filter
            && parse_filter(name).is_none()
        {
            return Err(SettingsError::OutOfRange {
                key: "filter",
                value: format!("\"{name}\""),
                want: "give none, ema, one-euro or kalman",
            });
        }
        Ok(())
    }

    /// Who is the primary face, and when a face is in contact.
    ///
    /// # Errors
    /// A value makes no sense.
    pub fn face_wish(&self) -> Result<FaceWish, SettingsError> {
        let primary = match self.primary.as_deref() {
            None => Default::default(),
            Some(name) => parse_choice(name).ok_or_else(|| SettingsError::OutOfRange {
                key: "primary",
                value: format!("\"{name}\""),
                want: "give nearest, first, central or the id of a face",
            })?,
        };
        let keys = self.contact.clone().unwrap_or_default();
        Ok(FaceWish {
            primary,
            contact: keys.settings()?,
            every: keys.every.unwrap_or(1),
        })
    }

    /// What is to compute the networks, and what CoreML may use.
    ///
    /// # Errors
    /// A name that is none.
    pub fn provider_wish(&self) -> Result<(ProviderWish, ComputeUnits), SettingsError> {
        fn of<T: Default>(
            key: &'static str,
            name: Option<&str>,
            named: impl Fn(&str) -> Option<T>,
            want: &'static str,
        ) -> Result<T, SettingsError> {
            let Some(name) = name else {
                return Ok(T::default());
            };
            named(name).ok_or_else(|| SettingsError::OutOfRange {
                key,
                value: format!("\"{name}\""),
                want,
            })
        }
        Ok((
            of(
                "provider",
                self.provider.as_deref(),
                ProviderWish::named,
                "give auto, coreml or cpu",
            )?,
            of(
                "compute_units",
                self.compute_units.as_deref(),
                ComputeUnits::named,
                "give all, cpu_and_gpu, cpu_and_neural_engine or cpu_only",
            )?,
        ))
    }

    /// The contact network these settings name; `None` for geometry.
    pub fn contact_file(&self) -> Option<&Path> {
        self.contact.as_ref().and_then(|c| c.network.as_deref())
    }

    /// What is recorded of eye contact; `None`: nothing.
    ///
    /// # Errors
    /// A value makes no sense.
    pub fn clips_plan(&self) -> Result<Option<clips::Plan>, SettingsError> {
        self.clips.as_ref().map_or(Ok(None), ClipSettings::plan)
    }

    /// Who is told of eye contact; `None`: nobody.
    ///
    /// # Errors
    /// A value makes no sense.
    pub fn hooks_plan(&self) -> Result<Option<hooks::Plan>, SettingsError> {
        self.hooks.as_ref().map_or(Ok(None), HookSettings::plan)
    }

    /// Whom the assistant asks; `None`: nobody.
    ///
    /// # Errors
    /// A value makes no sense.
    pub fn assistant_plan(&self) -> Result<Option<assistant::Plan>, SettingsError> {
        self.assistant
            .as_ref()
            .map_or(Ok(None), AssistantSettings::plan)
    }

    /// What tells the gaze.
    pub fn gaze_choice(&self) -> GazeChoice {
        GazeChoice::named(self.network.as_deref())
    }

    /// The filter these settings ask for.
    pub fn filter_kind(&self) -> FilterKind {
        self.filter
            .as_deref()
            .and_then(parse_filter)
            .unwrap_or(FilterKind::Kalman)
    }
}

/// A filter by the name people write.
pub fn parse_filter(name: &str) -> Option<FilterKind> {
    Some(match name {
        "none" => FilterKind::None,
        "ema" => FilterKind::Ema,
        "one-euro" => FilterKind::OneEuro,
        "kalman" => FilterKind::Kalman,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<FileSettings, SettingsError> {
        parse(text, Path::new("settings.json"))
    }

    #[test]
    fn a_misspelt_key_names_the_nearest() {
        let line = parse_text(r#"{"camra": 1}"#).unwrap_err().to_string();
        assert_eq!(
            line,
            r#"settings settings.json: unknown key "camra"; did you mean "camera"?"#
        );
        assert!(
            parse_text(r#"{"hfov": 60}"#)
                .unwrap_err()
                .to_string()
                .contains("\"hfov_deg\"")
        );
    }

    #[test]
    fn every_key_is_known_and_listed() {
        let all = r#"{"source":"demo","camera":1,"width":1280,"height":720,"fps":30.0,
            "filter":"ema","hfov_deg":60.0,"display_px":[1920,1080],"display_mm":[344.0,194.0],
            "camera_mm":[0.0,5.0],"user":"ada","display":"eDP-1","calibration":"a.json",
            "network":"geometric","shm":"/gaze-test",
            "models":"m","runtime":"r","threads":2,"landmarks_every":1,
            "provider":"coreml","compute_units":"cpu_and_gpu",
            "primary":"central","contact":{"on":0.6,"network":"c.onnx"},
            "clips":{"on":true,"folder":"c"},"hooks":{"line_to":"l"},
            "assistant":{"on":true,"every_s":3}}"#;
        let parsed = parse_text(all).unwrap();
        let count = serde_json::from_str::<serde_json::Value>(all).unwrap();
        assert_eq!(count.as_object().unwrap().len(), KEYS.len());
        // Nothing may be dropped on the way through the flags either.
        assert_eq!(
            FileSettings::default().overridden_by(parsed.clone()),
            parsed
        );
        assert_eq!(
            parsed.clone().overridden_by(FileSettings::default()),
            parsed
        );
    }

    #[test]
    fn nonsense_is_refused_with_the_key() {
        for (text, key) in [
            (r#"{"fps": 0}"#, "fps"),
            (r#"{"filter": "magic"}"#, "filter"),
            (r#"{"provider": "tpu"}"#, "provider"),
            (r#"{"compute_units": "gpu"}"#, "compute_units"),
            (r#"{"hfov_deg": 500}"#, "hfov_deg"),
            (r#"{"display_mm": [0, 100]}"#, "display_mm"),
            (r#"{"camera": "front"}"#, "settings.json"),
            (r#"{"primary": "me"}"#, "primary"),
            (r#"{"contact": {"of": 0.3}}"#, "off"),
            (r#"{"camera": 1"#, "settings.json"),
            ("{\n\"fps\": \"fast\"}", "line 2"),
            (r#"{"clips": {"fodler": 1}}"#, "folder"),
            (r#"["demo"]"#, "not an object"),
        ] {
            let line = parse_text(text).unwrap_err().to_string();
            assert!(line.contains(key), "{text}: {line}");
            assert!(!line.contains('\n'));
        }
    }

    #[test]
    fn flags_win() {
        let file = parse_text(r#"{"source":"camera","fps":30.0}"#).unwrap();
        let flags = FileSettings {
            source: Some("demo".into()),
            ..FileSettings::default()
        };
        let merged = file.overridden_by(flags);
        assert_eq!(merged.source.as_deref(), Some("demo"));
        assert_eq!(merged.fps, Some(30.0));
    }
}
