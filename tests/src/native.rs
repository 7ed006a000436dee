//! Shared libraries in C that stand between a program and the system.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles `tests/c/NAME.c` with these definitions into `folder`.
///
/// # Panics
/// When there is no compiler, or it refuses.
pub fn shared_library(name: &str, defines: &[(&str, usize)], folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("c/{name}.c"));
    let out = folder.join(format!("lib{name}.so"));
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    // It may be "ccache gcc".
    let mut words = compiler.split_whitespace();
    let output = Command::new(words.next().expect("a compiler"))
        .args(words)
        .args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"])
        .args(["-shared", "-fPIC"])
        .args(
            defines
                .iter()
                .map(|(name, value)| format!("-D{name}={value}")),
        )
        .arg(&source)
        .args(["-ldl", "-o"])
        .arg(&out)
        .output()
        .unwrap_or_else(|e| panic!("no C compiler ({compiler}: {e}); install one or set CC"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{words}", source.display());
    out
}
