//! The record thread: hears one client, hands pictures to its sitting, answers.

use std::io::{Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gaze::dataset::protocol::{Answer, Failed, Lines, Request, Trouble, line};
use ring::clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::door::Door;
use super::sitting::Sitting;
use super::tap::Intake;
use crate::log::say;
use crate::pipeline::shared::Shared;

/// So often it looks for pictures while some are awaited: they do not wake it.
const GLANCE: Duration = Duration::from_millis(10);
/// So often it looks at a client's sitting.
const PATIENCE: Duration = Duration::from_millis(250);
/// And for the end of the daemon, which rings too.
const REST: Duration = Duration::from_secs(5);
/// A client says within this time what it wants.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// What the record thread needs.
pub struct Recorder {
    /// The state shared by all threads.
    pub shared: Arc<Shared>,
    /// Pictures from the perceive thread.
    pub intake: Intake,
    /// The socket.
    pub door: Door,
    /// Whoever ends the daemon writes here.
    pub bell: UnixStream,
}

impl Recorder {
    /// Runs until the daemon stops.
    pub fn run(mut self) {
        let mut client: Option<Client> = None;
        while !self.shared.stopping() {
            if self.wait(client.as_ref()) {
                break;
            }
            self.let_in(&mut client);
            if let Some(mut c) = client.take() {
                match self.serve(&mut c) {
                    Ok(()) => client = Some(c),
                    Err(End::Gone) => self.farewell(&mut c, "the client went away"),
                    Err(End::Failed(failed)) => {
                        c.say(&Answer::Failed(failed.clone()));
                        self.farewell(&mut c, &failed.why);
                    }
                }
            }
        }
        if let Some(mut client) = client {
            client.say(&Answer::Failed(Failed {
                kind: Trouble::Stopping,
                why: "gazed ends".into(),
            }));
            self.farewell(&mut client, "gazed ends");
        }
    }

    /// Sleeps until somebody says something, or it is time to look. Whether the bell has rung, or
    /// nobody can ring it any more: then the daemon ends.
    fn wait(&self, client: Option<&Client>) -> bool {
        let waiting = client.is_some_and(|c| c.sitting.as_ref().is_some_and(Sitting::is_waiting));
        let patience = match client {
            Some(_) if waiting => GLANCE,
            Some(_) => PATIENCE,
            None => REST,
        };
        let time = Timespec {
            tv_sec: patience.as_secs() as _,
            tv_nsec: patience.subsec_nanos() as _,
        };
        let bell = PollFd::new(&self.bell, PollFlags::IN);
        let door = PollFd::new(&self.door.listener, PollFlags::IN);
        let speaker = client.map_or(self.door.listener.as_fd(), |c| c.stream.as_fd());
        let mut all = [bell, door, PollFd::from_borrowed_fd(speaker, PollFlags::IN)];
        // An interrupted wait is a short one.
        let _ = poll(&mut all, Some(&time));
        !all[0].revents().is_empty()
    }

    /// One client at a time; others are told so.
    fn let_in(&self, client: &mut Option<Client>) {
        loop {
            let stream = match self.door.listener.accept() {
                Ok((stream, _)) => stream,
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    // No descriptor is free: who knocks stays there, and so would we.
                    std::thread::sleep(GLANCE);
                    return;
                }
            };
            let Ok(mut next) = Client::new(stream) else {
                continue;
            };
            if client.is_none() {
                *client = Some(next);
            } else {
                next.say(&Answer::Failed(Failed {
                    kind: Trouble::Busy,
                    why: "another program is recording; end that first".into(),
                }));
            }
        }
    }

    /// Hears what the client says, stores what it asked for.
    fn serve(&mut self, c: &mut Client) -> Result<(), End> {
        let wish = self.intake.wish.clone();
        let mut there = c.listen();
        while let Some(line) = c.lines.next_line().map_err(nonsense)? {
            match (Request::parse(&line).map_err(nonsense)?, &mut c.sitting) {
                (Request::Record(begin), None) => {
                    let camera = self.shared.source().name.clone();
                    let (sitting, ready) = Sitting::begin(&begin, &camera)?;
                    say!(
                        "recording pictures of the camera into {}",
                        ready.folder.display()
                    );
                    wish.set_recording(true);
                    c.sitting = Some(sitting);
                    c.say(&Answer::Ready(ready));
                }
                (Request::Target(target), Some(sitting)) => {
                    let before = sitting.target(target, &wish);
                    c.say_all(before.map(Answer::Done));
                }
                (Request::Record(_), Some(_)) => return Err(nonsense("it records already")),
                (Request::Target(_), None) => return Err(nonsense("\"record\" comes first")),
            }
        }
        self.take_in(c);
        // Nothing is stored for a client that went away, however many pictures wait.
        while there
            && c.hears
            && let Some(sitting) = &mut c.sitting
            && let Some(stored) = sitting.judge(&wish)
        {
            c.say_all(stored?.map(Answer::Stored));
            there = c.listen();
        }
        if let Some(sitting) = &mut c.sitting {
            let over = sitting.over(clock::now_ns(), &wish);
            sitting.spent().for_each(|s| self.intake.give_back(s));
            c.say_all(over.map(Answer::Done));
        } else if c.since.elapsed() > FIRST_WORD {
            return Err(nonsense("nothing was asked for"));
        }
        match there && c.hears {
            true => Ok(()),
            false => Err(End::Gone),
        }
    }

    /// Hands the client's sitting what has been seen since.
    fn take_in(&mut self, c: &mut Client) {
        let wish = self.intake.wish.clone();
        if let Some(sitting) = &mut c.sitting {
            sitting.assistant(**self.shared.assistant.load());
        }
        // The lids first: those of a picture are there before it.
        while let Some(lids) = self.intake.next_lids() {
            if let Some(sitting) = &mut c.sitting {
                sitting.lids(lids);
            }
        }
        while let Some(shot) = self.intake.next() {
            match &mut c.sitting {
                Some(sitting) => sitting.picture(shot, &wish),
                None => self.intake.give_back(shot),
            }
        }
    }

    /// Nothing is recorded any more.
    fn farewell(&mut self, client: &mut Client, why: &str) {
        self.intake.wish.want_nothing();
        self.intake.wish.set_recording(false);
        // What was taken for this client is not the next one's.
        self.take_in(client);
        if let Some(sitting) = &mut client.sitting {
            sitting.end(&self.intake.wish);
            sitting.spent().for_each(|s| self.intake.give_back(s));
            say!("recording ended: {why}");
        }
    }
}

/// Why a client is served no longer.
enum End {
    Gone,
    Failed(Failed),
}

impl From<Failed> for End {
    fn from(failed: Failed) -> End {
        End::Failed(failed)
    }
}

fn nonsense(why: impl ToString) -> End {
    End::Failed(Failed {
        kind: Trouble::Protocol,
        why: why.to_string(),
    })
}

struct Client {
    stream: UnixStream,
    lines: Lines,
    sitting: Option<Sitting>,
    since: Instant,
    /// It takes what it is told.
    hears: bool,
}

impl Client {
    fn new(stream: UnixStream) -> std::io::Result<Client> {
        stream.set_nonblocking(true)?;
        Ok(Client {
            stream,
            lines: Lines::default(),
            sitting: None,
            since: Instant::now(),
            hears: true,
        })
    }

    /// Takes in what has arrived; false when the client has gone.
    fn listen(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => false,
            Ok(n) => {
                self.lines.take(&bytes[..n]);
                true
            }
            Err(e) => matches!(
                e.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
            ),
        }
    }

    /// A client that does not take its answers has as good as gone: nobody waits for it.
    fn say(&mut self, answer: &Answer) {
        self.hears &= self.stream.write_all(&line(answer)).is_ok();
    }

    fn say_all(&mut self, answers: Option<Answer>) {
        if let Some(answer) = answers {
            self.say(&answer);
        }
    }
}
