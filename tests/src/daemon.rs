//! Starts the real `gazed`, waits for what it should come to, and ends it.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ring::Reader;
use ring::layout::Sample;

/// Nothing that works takes longer; what hangs is ended here and fails.
pub const WATCHDOG: Duration = Duration::from_secs(60);

/// A program of this workspace, as `cargo build` left it.
///
/// # Panics
/// When it has not been built: a test must not pass without the real thing.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.ancestors().nth(2).expect("target/debug/deps/test");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is missing; run `cargo build --workspace`",
        path.display()
    );
    path
}

/// A name for shared memory that no other test uses.
pub fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "/gaze-t{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Where the daemons of tests have their sockets.
pub fn runtime_folder() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    std::env::temp_dir().join(format!("gaze-tests-{user}"))
}

/// `gazed` with a shared memory of its own and no settings of the user's.
pub fn command(shm: &str) -> Command {
    let mut command = Command::new(program("gazed"));
    command
        .env("GAZE_SHM", shm)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env_remove("DISPLAY")
        .env("XDG_RUNTIME_DIR", runtime_folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a `gazed` command to its end, at most [`WATCHDOG`].
pub fn finish(mut command: Command) -> Output {
    let child = command.spawn().expect("gazed starts");
    let mut running = Running {
        child: Some(child),
        shm: String::new(),
    };
    let status = running.wait();
    let mut output = Output {
        status,
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    let child = running.child.as_mut().expect("still ours");
    let (out, err) = (child.stdout.take(), child.stderr.take());
    out.expect("piped")
        .read_to_end(&mut output.stdout)
        .expect("readable");
    err.expect("piped")
        .read_to_end(&mut output.stderr)
        .expect("readable");
    output
}

/// A running `gazed`; killed and its memory removed when dropped.
pub struct Running {
    child: Option<Child>,
    /// Name of its shared memory.
    pub shm: String,
}

impl Running {
    /// Starts `gazed run` with these arguments.
    pub fn start(args: &[&str]) -> Running {
        Self::start_with(|command| command.args(args))
    }

    /// Starts `gazed run` as `prepare` completes it: arguments, environment.
    pub fn start_with(prepare: impl FnOnce(&mut Command) -> &mut Command) -> Running {
        Self::start_on(fresh_name(), prepare)
    }

    /// As [`Running::start_with`], on a shared memory that another one may have left.
    pub fn start_on(shm: String, prepare: impl FnOnce(&mut Command) -> &mut Command) -> Running {
        let mut command = command(&shm);
        let child = prepare(command.arg("run")).spawn().expect("gazed starts");
        Running {
            child: Some(child),
            shm,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("not ended").id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid() as i32).expect("a pid is positive");
        rustix::process::kill_process(pid, signal).expect("the process is ours");
    }

    /// A reader of its shared memory, as soon as that is there.
    pub fn reader(&mut self) -> Reader {
        let until = Instant::now() + WATCHDOG;
        loop {
            match Reader::open(&self.shm) {
                Ok(reader) => return reader,
                Err(error) => {
                    if let Some(status) = self.ended() {
                        panic!("gazed ended with {status}: {}", self.errors());
                    }
                    assert!(Instant::now() < until, "no shared memory: {error}");
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    /// Waits until a sample is as wanted and returns it.
    ///
    /// # Panics
    /// When it does not come within [`WATCHDOG`], with the newest sample.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Sample) -> bool) -> Sample {
        let reader = self.reader();
        let until = Instant::now() + WATCHDOG;
        loop {
            let newest = reader.latest();
            if let Some(sample) = newest.filter(|s| wanted(s)) {
                return sample;
            }
            if Instant::now() > until {
                panic!(
                    "{what} did not come; newest {newest:?}; header {:?}",
                    reader.header()
                );
            }
            if let Some(status) = self.ended() {
                panic!(
                    "waiting for {what}: gazed ended with {status}: {}",
                    self.errors()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child
            .as_mut()?
            .try_wait()
            .expect("the process is ours")
    }

    /// kill -9, and gives its shared memory's name for the next one: it stays
    /// (who has no next one calls [`clear`]).
    pub fn murder(mut self) -> String {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the process is ours");
            child.wait().expect("it ends");
        }
        std::mem::take(&mut self.shm)
    }

    /// Of the process: resident memory in KiB, threads, open files.
    pub fn belongings(&self) -> (u64, u64, usize) {
        let pid = self.pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let number = |key: &str| -> u64 {
            let line = status.lines().find(|l| l.starts_with(key));
            let word = line.and_then(|l| l.split_whitespace().nth(1));
            word.and_then(|w| w.parse().ok()).expect("a number")
        };
        let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
        let files = files.expect("it runs").count();
        (number("VmRSS:"), number("Threads:"), files)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within [`WATCHDOG`].
    pub fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + WATCHDOG;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < until, "gazed did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Closes our end of its standard error.
    pub fn hear_no_more(&mut self) {
        if let Some(child) = &mut self.child {
            child.stderr = None;
        }
    }

    /// What it said on standard error; call it after its end.
    pub fn errors(&mut self) -> String {
        let mut text = String::new();
        if let Some(pipe) = self.child.as_mut().and_then(|c| c.stderr.as_mut()) {
            let _ = pipe.read_to_string(&mut text);
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !self.shm.is_empty() {
            clear(&self.shm);
        }
    }
}

/// Removes what a daemon that was killed has left: its memory and its socket.
pub fn clear(shm: &str) {
    let _ = rustix::shm::unlink(shm);
    let socket = format!("gaze/{}.record", shm.trim_start_matches('/'));
    let _ = std::fs::remove_file(runtime_folder().join(socket));
}
