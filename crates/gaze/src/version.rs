//! What programs answer to `--version`.

/// A program's version and what it was built from, for as long as it runs: its own
/// `CARGO_PKG_VERSION`, and `GAZE_BUILD` as it was when the program was compiled (the commit in
/// `make build` and `make trainer`).
///
/// ```
/// assert_eq!(gaze::version::version("1.2.3", Some("44e4be5")), "1.2.3 (44e4be5)");
/// assert_eq!(gaze::version::version("1.2.3", None), "1.2.3 (a development build)");
/// ```
pub fn version(package: &str, build: Option<&str>) -> &'static str {
    let build = build.filter(|b| !b.is_empty());
    let build = build.unwrap_or("a development build");
    format!("{package} ({build})").leak()
}
