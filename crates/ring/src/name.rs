//! The object's name: `/gaze-<uid>` unless told otherwise, one per user.

/// The environment variable that overrides the default name.
pub const NAME_VARIABLE: &str = "GAZE_SHM";

/// The longest name that macOS takes (PSHMNAMLEN), slash and all.
pub const NAME_MAX: usize = 31;

/// The name to use when none is given: `$GAZE_SHM`, or `/gaze-<uid>`.
pub fn default_name() -> String {
    match std::env::var(NAME_VARIABLE) {
        Ok(name) if !name.is_empty() => name,
        _ => format!("/gaze-{}", rustix::process::geteuid().as_raw()),
    }
}

/// Whether a name works on every system: a slash, then 1 to 30 letters,
/// digits, dots, dashes or underscores, and not only dots.
pub(crate) fn is_valid(name: &str) -> bool {
    let Some(rest) = name.strip_prefix('/') else {
        return false;
    };
    name.len() <= NAME_MAX
        && rest.bytes().any(|b| b != b'.')
        && rest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_short_and_plain() {
        for good in [
            "/gaze-501",
            "/a",
            "/gaze.test_1-x",
            "/123456789012345678901234567890",
        ] {
            assert!(super::is_valid(good), "{good}");
        }
        let long = "/1234567890123456789012345678901";
        for bad in ["", "/", "gaze", "/a/b", "/..", "/a b", "/é", "/a\0", long] {
            assert!(!super::is_valid(bad), "{bad:?}");
        }
    }
}
