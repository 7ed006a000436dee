//! Files that outlive a power cut. A system keeps what is written in memory for half a minute;
//! so bytes are forced to the disk before the name that promises them, and the folder, which
//! has the name, after it. On a Mac the standard library asks the disk itself (`F_FULLFSYNC`).
//!
//! This takes as long as the disk likes: only threads that may wait do it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Forces a file's bytes to the disk. What a full disk has refused so far may be told here.
///
/// # Errors
/// The disk's.
pub fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    tests::note(&format!("sync {} bytes", file.metadata()?.len()));
    file.sync_all()
}

/// Gives a file its name: it has it, with all its bytes, or not, also after a power cut.
///
/// # Errors
/// The disk's.
pub fn rename(file: &File, from: &Path, to: &Path) -> io::Result<()> {
    sync(file)?;
    fs::rename(from, to)?;
    #[cfg(test)]
    tests::note(&format!(
        "name {}",
        to.extension().unwrap_or_default().display()
    ));
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    #[cfg(test)]
    tests::note("sync folder");
    match File::open(folder)?.sync_all() {
        // A file system that cannot do this for folders has nothing better.
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::Unsupported => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::Write;

    use crate::folder::{Folder, Limits, Line};

    thread_local! {
        static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub fn note(what: &str) {
        NOTES.with_borrow_mut(|notes| notes.push(what.to_owned()));
    }

    fn since_then() -> Vec<String> {
        NOTES.take()
    }

    #[test]
    fn bytes_are_on_the_disk_before_a_name_or_a_line_promises_them() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits {
            clips: 10,
            bytes: 1 << 20,
            keep_ns: u64::MAX,
        };
        let mut folder = Folder::open(dir.path(), limits, 0).unwrap();
        let (mut file, mut open) = folder.begin(0, 1).unwrap();
        let mut line = Line {
            clip: format!("{}.mp4", open.stem),
            face: 1,
            faces: vec![1],
            begins: String::new(),
            contact: String::new(),
            peak: None,
            size: [64, 48],
            complete: false,
            seconds: None,
            pictures: None,
            bytes: None,
            ended: None,
        };
        let put = |line: &Line| {
            let bytes = serde_json::to_string(line).unwrap().len() + 1;
            [&format!("sync {bytes} bytes"), "name json", "sync folder"].map(str::to_owned)
        };
        file.write_all(&[7; 1000]).unwrap();
        since_then();
        folder.show(&mut open, &file, &line).unwrap();
        let named = ["sync 1000 bytes", "name mp4", "sync folder"].map(str::to_owned);
        assert_eq!(since_then(), [put(&line), named].concat());
        // It grows without a wait, and is whole on the disk before its line says so.
        file.write_all(&[8; 500]).unwrap();
        folder.show(&mut open, &file, &line).unwrap();
        assert_eq!(since_then(), [] as [String; 0]);
        line.complete = true;
        folder.done(open, &file, &line, 1500).unwrap();
        let notes = since_then();
        assert_eq!(notes[0], "sync 1500 bytes");
        assert_eq!(notes[1..4], put(&line));
        assert_eq!(notes[5..], ["name jsonl", "sync folder"]);
    }
}
