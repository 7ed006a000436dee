//! Memory that is not enough, and panics, as one line.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs `work`; a panic becomes an exit code and a line. Devices tell of memory that is not
/// enough by panicking.
///
/// # Errors
/// What the panic said.
pub fn whole<T>(work: impl FnOnce() -> T) -> Result<T, (u8, String)> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let done = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    done.map_err(|panic| {
        let said = (panic.downcast_ref::<String>().map(String::as_str))
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it panicked");
        // LibTorch tells its whole stack behind this, with the names of allocators in it.
        let said = said.split("\\nException raised").next().unwrap_or(said);
        let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let low = line.to_lowercase();
        let memory = low.contains("memory") || low.contains("alloc") || low.contains("capacity overflow");
        if memory {
            (6, format!("the device's memory is not enough ({line}); use a smaller --batch, or --device cpu"))
        } else {
            (70, format!("a fault of gaze-trainer: {line}"))
        }
    })
}

/// Whether a file fits into the memory that is free; where that cannot be told, it does.
///
/// # Errors
/// A line that says by how much it does not.
pub fn room_for(path: &Path) -> Result<(), String> {
    let Ok(bytes) = std::fs::metadata(path).map(|m| m.len()) else {
        return Ok(());
    };
    fits(path, bytes, free_memory())
}

fn fits(path: &Path, bytes: u64, free: Option<u64>) -> Result<(), String> {
    match free {
        Some(free) if bytes > free => Err(format!(
            "{}: {} MB do not fit into the {} MB of memory that are free; prepare with a smaller --size or --grey, or fewer pictures",
            path.display(),
            bytes >> 20,
            free >> 20
        )),
        _ => Ok(()),
    }
}

/// Linux tells what can be had without swapping.
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_line_and_memory_has_its_own() {
        let fault = whole(|| panic!("index\nout of\nbounds")).unwrap_err();
        assert_eq!(
            fault,
            (
                70,
                "a fault of gaze-trainer: index out of bounds".to_owned()
            )
        );
        let torch = r#"Torch("sizes differ\nException raised from f (std::allocator<char>)")"#;
        let (code, line) = whole(|| panic!("{torch}")).unwrap_err();
        assert!(code == 70 && line.ends_with("sizes differ"), "{line}");
        let (code, line) = whole(|| panic!("Failed to allocate memory: 12 GB")).unwrap_err();
        assert!(code == 6 && line.contains("--batch"), "{line}");
        assert_eq!(whole(|| 3), Ok(3));
    }

    #[test]
    fn a_file_larger_than_memory_is_refused_before_it_is_read() {
        let path = Path::new("faces.cache");
        assert_eq!(
            room_for(path),
            Ok(()),
            "what is not there is told of by who opens it"
        );
        let line = fits(path, 3 << 30, Some(2 << 30)).unwrap_err();
        let wanted = "faces.cache: 3072 MB do not fit into the 2048 MB";
        assert!(
            line.starts_with(wanted) && line.contains("--size"),
            "{line}"
        );
        assert_eq!(fits(path, 2 << 30, Some(3 << 30)), Ok(()));
        assert_eq!(fits(path, u64::MAX, None), Ok(()));
        // Some hundred MB are free where tests run.
        assert!(free_memory().is_none_or(|free| free > 1 << 20));
    }
}
