//! An X server without a screen, for tests that need a desktop.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long the server may take to start.
const LIMIT: Duration = Duration::from_secs(30);

/// A running Xvfb; ended when dropped.
pub struct Xvfb {
    child: Child,
    /// What to set `DISPLAY` to.
    pub display: String,
}

impl Xvfb {
    /// Starts one with a single screen of this size and resolution, on a display number that
    /// is free.
    ///
    /// # Errors
    /// Why there is none.
    pub fn start([w, h]: [u32; 2], dpi: u32) -> Result<Xvfb, String> {
        let mut child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset"])
            .args(["-screen", "0", &format!("{w}x{h}x24")])
            .args(["-dpi", &dpi.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| format!("Xvfb: {e}"))?;
        let (tell, told) = mpsc::channel();
        if let Some(mut pipe) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut number = Vec::new();
                let mut byte = [0];
                while pipe.read(&mut byte).is_ok_and(|n| n == 1) && byte[0] != b'\n' {
                    number.push(byte[0]);
                }
                let _ = tell.send(String::from_utf8_lossy(&number).into_owned());
            });
        }
        let number = told.recv_timeout(LIMIT).unwrap_or_default();
        let server = Xvfb {
            child,
            display: format!(":{}", number.trim()),
        };
        match number.trim().parse::<u32>() {
            Ok(_) => Ok(server),
            Err(_) => Err("Xvfb did not start".into()),
        }
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
