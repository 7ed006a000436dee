//! Where calibration files lie and what they are called.

use std::ffi::OsString;
use std::path::PathBuf;

/// Ending of the copy of a file that another took the place of.
pub const COPY: &str = "bak";

/// Longest part of a file's name that comes from one of the three names.
const LONGEST: usize = 60;

/// The folder of the user's calibrations: `$XDG_CONFIG_HOME/gaze/calibration`
/// (`~/.config` where unset) on Linux,
/// `~/Library/Application Support/gaze/calibration` on the Mac. `None` without
/// a home folder.
pub fn default_folder() -> Option<PathBuf> {
    folder(cfg!(target_os = "macos"), |name| std::env::var_os(name))
}

/// `<user>__<camera>__<display>.json`. Characters that not every file system
/// takes become `-`; a name that had to be changed gets a checksum, so that
/// two names never share a file.
pub fn file_name(user: &str, camera: &str, display: &str) -> String {
    format!(
        "{}__{}__{}.json",
        sanitised(user),
        sanitised(camera),
        sanitised(display)
    )
}

/// Whether a calibration can be called so: what [`file_name`] makes, and nothing that people
/// call their files.
pub fn is_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let parts = |stem: &str| {
        let parts: Vec<&str> = stem.split("__").collect();
        parts.len() == 3 && parts.iter().all(|p| !p.is_empty() && p.chars().all(plain))
    };
    name.strip_suffix(".json").is_some_and(parts)
}

fn folder(mac: bool, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = if mac {
        absolute("HOME")?.join("Library/Application Support")
    } else {
        // The XDG rules: a relative path is to be ignored.
        absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?
    };
    Some(base.join("gaze/calibration"))
}

fn sanitised(name: &str) -> String {
    let readable = readable(name);
    if readable == name {
        return readable;
    }
    format!("{readable}-{:08x}", fnv1a(name.as_bytes()))
}

/// Lower case, as some file systems take "Ada" and "ada" for one; one
/// underscore at a time, as two of them part the names.
fn readable(name: &str) -> String {
    let mut clean = String::new();
    for c in name.chars().take(LONGEST).map(|c| c.to_ascii_lowercase()) {
        let inner = matches!(c, '.' | '_') && clean.ends_with(|c: char| c.is_ascii_alphanumeric());
        let c = if c.is_ascii_alphanumeric() || inner {
            c
        } else {
            '-'
        };
        if c != '-' || !clean.ends_with('-') {
            clean.push(c);
        }
    }
    let clean = clean.trim_end_matches(['_', '.']);
    if clean.is_empty() {
        "unnamed".to_owned()
    } else {
        clean.to_owned()
    }
}

/// FNV-1a, 32 bits (Fowler, Noll, Vo).
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, b| {
        (hash ^ u32::from(*b)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn simple_names_are_kept_and_others_made_safe() {
        assert_eq!(file_name("ada", "cam0", "edp-1"), "ada__cam0__edp-1.json");
        let odd = file_name("../Ada L", "", "a__b");
        assert!(odd.starts_with("-ada-l-"), "{odd}");
        assert!(
            !odd.contains('/') && !odd.contains("..") && !odd.contains(' '),
            "{odd}"
        );
        assert_eq!(odd.matches("__").count(), 2, "{odd}");
        assert!(odd.contains("unnamed-811c9dc5"), "{odd}");
        assert_ne!(file_name("Ada", "c", "d"), file_name("ada", "c", "d"));
        assert_ne!(file_name("a b", "c", "d"), file_name("a/b", "c", "d"));
        for other in [
            "notes.json",
            "a__b.json",
            "a__b__.json",
            "a__b__c.txt",
            "A__b__c.json",
        ] {
            assert!(!is_file_name(other), "{other}");
        }
        // The published check value of FNV-1a.
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn folders_follow_the_systems_rules() {
        let set = |pairs: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                pairs
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| OsString::from(v))
            }
        };
        let path = |p: &str| Some(PathBuf::from(p));
        let home = &[("HOME", "/h/ada")];
        let both = &[("HOME", "/h/ada"), ("XDG_CONFIG_HOME", "/c")];
        let relative = &[("HOME", "/h/ada"), ("XDG_CONFIG_HOME", "c")];
        assert_eq!(folder(false, set(both)), path("/c/gaze/calibration"));
        assert_eq!(
            folder(false, set(home)),
            path("/h/ada/.config/gaze/calibration")
        );
        assert_eq!(
            folder(false, set(relative)),
            path("/h/ada/.config/gaze/calibration")
        );
        let mac = "/h/ada/Library/Application Support/gaze/calibration";
        assert_eq!(folder(true, set(both)), path(mac));
        assert_eq!(folder(false, set(&[])), None);
    }

    proptest! {
        #[test]
        fn any_name_gives_one_plain_file(user in ".*", camera in ".*", display in ".*") {
            let name = file_name(&user, &camera, &display);
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
            prop_assert!(name.chars().all(plain), "{name}");
            prop_assert!(name.len() < 255 && !name.starts_with('.'));
            prop_assert_eq!(name.matches("__").count(), 2, "{}", name);
            prop_assert!(is_file_name(&name), "{}", name);
        }
    }
}
