//! The line to the daemon. Reading never waits: it is asked before every picture.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use gaze::dataset::protocol::{Answer, Lines, Request, line, socket_places};

/// The daemon takes what it is told within this time, or is gone.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection to the daemon's recorder.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    lines: Lines,
}

/// What came of listening.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// The daemon said this.
    Answer(Box<Answer>),
    /// Nothing new.
    Nothing,
    /// It is gone, or what it says makes no sense.
    Gone,
}

impl Client {
    /// Connects to the daemon with this shared memory.
    ///
    /// # Errors
    /// One line: what is wrong and what to do.
    pub fn connect(shm: &str) -> Result<Client, String> {
        let places = socket_places(shm);
        let found = places.iter().find_map(|p| UnixStream::connect(p).ok());
        let stream = found.ok_or_else(|| match places.first() {
            Some(place) => format!(
                "gazed does not answer at {}; start it: gazed run",
                place.display()
            ),
            None => "the path of gazed's socket is too long; set XDG_RUNTIME_DIR to a short one"
                .to_owned(),
        })?;
        Self::over(stream).map_err(|e| format!("gazed cannot be spoken to: {e}"))
    }

    fn over(stream: UnixStream) -> io::Result<Client> {
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client {
            stream,
            lines: Lines::default(),
        })
    }

    /// Says something; false when the daemon is gone.
    pub fn say(&mut self, request: &Request) -> bool {
        // Non-blocking is for listening only.
        self.stream.set_nonblocking(false).is_ok() && self.stream.write_all(&line(request)).is_ok()
    }

    /// Says that nothing more will come; the daemon ends the recording then.
    pub fn end(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// The next thing that the daemon has said.
    pub fn hear(&mut self) -> Heard {
        let mut bytes = [0; 4096];
        let arrived = self
            .stream
            .set_nonblocking(true)
            .and_then(|()| self.stream.read(&mut bytes));
        let gone = match arrived {
            Ok(0) => true,
            Ok(n) => {
                self.lines.take(&bytes[..n]);
                false
            }
            Err(e) => !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        };
        match self.lines.next_line() {
            Ok(Some(line)) => match serde_json::from_slice(&line) {
                Ok(answer) => Heard::Answer(Box::new(answer)),
                Err(_) => Heard::Gone,
            },
            Ok(None) if !gone => Heard::Nothing,
            _ => Heard::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaze::dataset::protocol::{Failed, Trouble};

    #[test]
    fn the_last_words_are_heard_before_the_end() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut client = Client::over(ours).unwrap();
        assert_eq!(client.hear(), Heard::Nothing);
        let failed = Answer::Failed(Failed {
            kind: Trouble::Full,
            why: "no room".into(),
        });
        let said = line(&failed);
        theirs.write_all(&said[..5]).unwrap();
        assert_eq!(client.hear(), Heard::Nothing);
        theirs.write_all(&[&said[5..], &said[..]].concat()).unwrap();
        drop(theirs);
        for _ in 0..2 {
            assert_eq!(client.hear(), Heard::Answer(Box::new(failed.clone())));
        }
        assert_eq!(client.hear(), Heard::Gone);
        assert!(Client::connect("/nobody-has-this").is_err());
    }

    #[test]
    fn nonsense_is_the_end() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut client = Client::over(ours).unwrap();
        theirs.write_all(b"{\"ready\":1}\n").unwrap();
        assert_eq!(client.hear(), Heard::Gone);
    }
}
