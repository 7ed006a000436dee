//! A writer process, a C reader process, and a compiler that must be there.
#![allow(dead_code)] // Each test uses a part.

pub mod derived;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A name of this test alone, removed before and after.
pub struct Name(pub String);

impl Name {
    pub fn new(what: &str) -> Self {
        // Tests of one file run side by side in one process.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = Self(format!("/gaze-t-{what}-{}-{count}", std::process::id()));
        assert!(name.0.len() <= ring::NAME_MAX, "{} is too long", name.0);
        let _ = std::fs::remove_file(name.path());
        name
    }

    /// Where Linux keeps it.
    pub fn path(&self) -> PathBuf {
        Path::new("/dev/shm").join(&self.0[1..])
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.path());
    }
}

/// Waits until something holds; a watchdog, not a measurement.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A process that answers each line with a line.
pub struct Talker {
    pub child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Talker {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            child,
            stdin,
            stdout,
        }
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().expect("open"), "{line}").expect("it listens");
    }

    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it speaks");
        line.trim_end().to_owned()
    }

    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.hear()
    }

    /// Asks for a number.
    pub fn code(&mut self, line: &str) -> i32 {
        let answer = self.ask(line);
        answer
            .parse()
            .unwrap_or_else(|_| panic!("{line}: {answer:?}"))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, without collecting the body: it stays a zombie.
    pub fn murder(&mut self) {
        self.child.kill().expect("alive until now");
    }

    /// Waits until it is dead all over, without collecting the body.
    pub fn until_dead(&self) {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let dead = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(Pid::from_child(&self.child)), dead).expect("our child");
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("alive");
    }

    /// Lets it end by itself.
    pub fn finish(mut self) -> i32 {
        self.stdin = None;
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How soon a test's writer counts as stalled.
pub const STALL_MS: &str = "300";

/// Starts a writer process and waits until it has the object.
pub fn writer(name: &Name, hz: &str) -> Talker {
    let mut writer = try_writer(name, hz);
    let answer = writer.hear();
    assert_eq!(answer, format!("ready {}", writer.pid()));
    writer
}

/// Starts a writer process that may be refused; its first line says.
pub fn try_writer(name: &Name, hz: &str) -> Talker {
    Talker::start(Command::new(env!("CARGO_BIN_EXE_ring_writer")).args([
        name.0.as_str(),
        hz,
        STALL_MS,
    ]))
}

/// The two languages that take gaze.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    C11,
    Cpp17,
}

/// Compiles a C file as one language with every warning an error. There must
/// be a compiler: a reader that was not compiled was not tested.
pub fn compile(source: &str, language: Language, what: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{what}-{language:?}"));
    let (variable, usual, standard): (_, _, &[&str]) = match language {
        Language::C11 => ("CC", "cc", &["-std=c11"]),
        Language::Cpp17 => ("CXX", "c++", &["-x", "c++", "-std=c++17"]),
    };
    let compiler = std::env::var(variable).unwrap_or_else(|_| usual.into());
    // Not part of a compiler's speech: it may be "ccache gcc".
    let mut words = compiler.split_whitespace();
    let output = Command::new(words.next().expect("a compiler"))
        .args(words)
        .args(standard)
        .args([
            "-O2",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Wconversion",
            "-Wsign-conversion",
        ])
        .args(["-Wshadow", "-Wcast-align", "-Wcast-qual", "-Werror"])
        .arg("-I")
        .arg(root.join("include"))
        .arg(root.join(source))
        .arg("-o")
        .arg(&out)
        .arg("-lm")
        .output()
        .unwrap_or_else(|e| {
            panic!("no {language:?} compiler ({compiler}: {e}); install one or set {variable}")
        });
    assert!(
        output.status.success(),
        "{source} as {language:?}:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    out
}

/// A C reader process.
pub fn probe(language: Language, what: &str) -> Talker {
    talk(&compile("tests/c/probe.c", language, what))
}

/// A process of a program that has been compiled.
pub fn talk(program: &Path) -> Talker {
    Talker::start(&mut Command::new(program))
}

/// A C reader process of another user; needs root.
pub fn probe_of_user(uid: u32, what: &str) -> Talker {
    use std::os::unix::process::CommandExt;
    // The build folder may be closed to others: run a copy.
    let copy = std::env::temp_dir().join(format!("gaze-probe-{}", std::process::id()));
    std::fs::copy(compile("tests/c/probe.c", Language::C11, what), &copy).expect("a copy");
    let talker = Talker::start(Command::new(&copy).uid(uid).gid(uid).current_dir("/"));
    let _ = std::fs::remove_file(&copy);
    talker
}
