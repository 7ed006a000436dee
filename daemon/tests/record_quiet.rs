//! While pictures are recorded the way from frame to sample allocates nothing and loses nothing.

mod running;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use gaze::dataset::Prompt;
use gaze::dataset::protocol::{Answer, Begin, Request, Target, line};
use gaze::screen::Screen;
use gazed::pipeline::Side;
use gazed::record::Door;
use ring::clock;
use running::{Running, WATCHDOG};

#[test]
fn the_hot_path_stays_quiet() {
    let dir = tempfile::tempdir().unwrap();
    let door = Door::at(&dir.path().join("gaze/quiet.record")).unwrap();
    let path = door.path().to_owned();
    let running = Running::start(Side::default(), Some(door));
    running.frames(60);
    let mut client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(WATCHDOG)).unwrap();
    let mut answers = BufReader::new(client.try_clone().unwrap());
    let mut hear = || {
        let mut text = String::new();
        answers.read_line(&mut text).unwrap();
        serde_json::from_str::<Answer>(&text).unwrap()
    };
    let begin = Begin {
        folder: dir.path().join("faces"),
        consent: true,
        screen: Screen::default(),
    };
    client.write_all(&line(&Request::Record(begin))).unwrap();
    assert!(matches!(hear(), Answer::Ready(_)));
    // As fast as it goes: buffers run short, pictures are passed over.
    let now = clock::now_ns();
    let target = Target {
        place: 0,
        x_px: 1.0,
        y_px: 1.0,
        from_ns: now,
        until_ns: now + 60_000_000_000,
        frames: 40,
        every_ms: 0,
        prompt: Prompt::Still,
    };
    client.write_all(&line(&Request::Target(target))).unwrap();
    let done = loop {
        match hear() {
            Answer::Stored(_) => {}
            Answer::Done(done) => break done,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(done.stored, 40);
    running.frames(30);
    running.assert_quiet();
}
