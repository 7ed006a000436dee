//! Other programs that the service commands drive: launchctl, systemctl, open. Found by
//! PATH, as a person's shell finds them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use super::ServiceError;

/// What a program that was asked said.
pub struct Answer {
    pub status: ExitStatus,
    /// Its words on standard error, or else on standard output, on one line.
    pub words: String,
}

/// Runs a program to its end. An error only if it cannot be started.
pub fn ask(program: &str, arguments: &[&str]) -> Result<Answer, ServiceError> {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| no_program(program, &e))?;
    let words = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let words = match words(&stderr) {
        none if none.is_empty() => words(&stdout),
        some => some,
    };
    Ok(Answer { status, words })
}

/// Runs a program that must do what it is told.
pub fn tell(program: &str, arguments: &[&str]) -> Result<(), ServiceError> {
    let answer = ask(program, arguments)?;
    if answer.status.success() {
        return Ok(());
    }
    Err(failed(program, arguments, &answer))
}

/// Runs a program that a person has to answer, at most `limit`; whether it ended well.
pub fn wait_for(program: &str, arguments: &[&str], limit: Duration) -> Result<bool, ServiceError> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| no_program(program, &e))?;
    let until = Instant::now() + limit;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Ok(status.success());
        }
        if Instant::now() >= until {
            // It may be gone by itself.
            let _ = child.kill();
            let _ = child.wait();
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn failed(program: &str, arguments: &[&str], answer: &Answer) -> ServiceError {
    ServiceError::Refused {
        what: format!("{program} {}", arguments.join(" ")),
        status: answer.status,
        words: answer.words.clone(),
    }
}

pub fn no_program(program: &str, e: &std::io::Error) -> ServiceError {
    ServiceError::NoProgram {
        program: program.to_owned(),
        reason: e.to_string(),
    }
}

/// Makes the file hold `text`, in one step; whether it held something else before.
pub fn replace(file: &Path, text: &str) -> Result<bool, ServiceError> {
    if fs::read(file).is_ok_and(|held| held == text.as_bytes()) {
        return Ok(false);
    }
    let write = || -> std::io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let half = folder.join(format!(".{name}.{}", std::process::id()));
        let written = fs::File::create(&half).and_then(|mut f| {
            f.write_all(text.as_bytes())?;
            f.sync_all()
        });
        let whole = written.and_then(|()| fs::rename(&half, file));
        if whole.is_err() {
            let _ = fs::remove_file(&half);
        }
        whole
    };
    write()
        .map(|()| true)
        .map_err(|e| ServiceError::NotWritten {
            file: file.to_owned(),
            reason: e.to_string(),
        })
}

/// Removes the file; whether it was there.
pub fn remove(file: &Path) -> Result<bool, ServiceError> {
    match fs::remove_file(file) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(ServiceError::NotWritten {
            file: file.to_owned(),
            reason: e.to_string(),
        }),
    }
}
