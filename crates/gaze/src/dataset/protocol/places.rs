//! Where the socket is.

use std::path::PathBuf;

/// No socket's path may be longer: 104 bytes with the ending zero on a Mac, 108 on Linux.
const LONGEST_PATH: usize = 103;

/// Where the socket of the daemon with this shared memory may be, best first: in `gaze` below
/// `$XDG_RUNTIME_DIR`, or below the user's cache folder. The daemon takes the first where it
/// can make one, a client the first that answers. Empty where every path is too long.
pub fn socket_places(shm: &str) -> Vec<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("XDG_CACHE_HOME").or_else(|| {
        let below = match cfg!(target_os = "macos") {
            true => "Library/Caches",
            false => ".cache",
        };
        set("HOME").map(|home| home.join(below))
    });
    places_in(shm, [set("XDG_RUNTIME_DIR"), cache])
}

fn places_in(shm: &str, folders: [Option<PathBuf>; 2]) -> Vec<PathBuf> {
    let name: String = shm
        .trim_start_matches('/')
        .chars()
        .map(|c| if c == '/' { '_' } else { c })
        .collect();
    let all = folders
        .into_iter()
        .flatten()
        .filter(|f| f.is_absolute())
        .map(|folder| folder.join("gaze").join(format!("{name}.record")));
    all.filter(|p| p.as_os_str().len() <= LONGEST_PATH)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_a_path_that_every_system_takes() {
        let long = PathBuf::from(format!("/{}", "x".repeat(90)));
        let short = PathBuf::from("/run/user/1000");
        assert_eq!(
            places_in("/gaze-1000", [Some(short.clone()), Some("relative".into())]),
            [PathBuf::from("/run/user/1000/gaze/gaze-1000.record")]
        );
        assert_eq!(
            places_in("/gaze-1000", [Some(long.clone()), Some(short)]).len(),
            1
        );
        assert!(places_in("/gaze-1000", [Some(long), None]).is_empty());
        assert_eq!(
            places_in("/a/b", [Some("/".into()), None]),
            [PathBuf::from("/gaze/a_b.record")]
        );
    }
}
