//! The camera source with a device that does as it is told.

use super::*;

/// Opening is guarded process-wide, so these tests take turns.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

const JPEG: &[u8] = include_bytes!("../../tests/assets/tiny.jpg");

const NOTHING: &[u8] = b"nothing came";

/// Gives what the test sends, and is lost when the test lets go.
struct Fake {
    mode: Mode,
    frames: mpsc::Receiver<Vec<u8>>,
    given: mpsc::Sender<()>,
}

impl Device for Fake {
    fn name(&self) -> String {
        "fake".into()
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn next(&mut self) -> Result<Option<Raw>, SourceError> {
        let _ = self.given.send(());
        let bytes = self
            .frames
            .recv()
            .map_err(|_| trouble(ErrorKind::DeviceLost, "camera 7", "unplugged"))?;
        // As a driver that was asked to wait only so long, and nothing came.
        if bytes == NOTHING {
            return Ok(None);
        }
        Ok(Some(Raw {
            bytes: Box::new(bytes),
            picture: Picture::of(self.mode),
            stamp: Stamp::None,
        }))
    }
}

type Rig = (CameraSource, mpsc::Sender<Vec<u8>>, mpsc::Receiver<()>);

fn rig(layout: Layout, width: u32, height: u32) -> Rig {
    let (send, frames) = mpsc::channel();
    let (given, taken) = mpsc::channel();
    let mode = Mode {
        width,
        height,
        fps: 30.0,
        layout,
    };
    let source = start("camera 7".into(), OPEN_LIMIT, move || {
        Ok(Fake {
            mode,
            frames,
            given,
        })
    })
    .unwrap();
    (source, send, taken)
}

fn turn() -> std::sync::MutexGuard<'static, ()> {
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

const SOON: Duration = Duration::from_secs(20);

#[test]
fn the_newest_frame_wins_and_the_others_are_counted() {
    let _turn = turn();
    let (mut source, send, taken) = rig(Layout::Grey, 2, 1);
    taken.recv().unwrap();
    for i in 0..5u8 {
        send.send(NOTHING.to_vec()).unwrap();
        taken.recv().unwrap();
        send.send(vec![i, i]).unwrap();
        // The device is asked again once the frame before is in the slot.
        taken.recv().unwrap();
    }
    let mut frame = Frame::default();
    assert_eq!(source.next(&mut frame, SOON), Ok(Next::Frame));
    assert_eq!((frame.index, frame.data.as_slice()), (4, &[4u8, 4][..]));
    assert!(frame.captured_ns <= now_ns() && frame.is_sound());
    assert_eq!(source.losses().dropped, 4);
    assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::Nothing));
}

#[test]
fn a_waiting_reader_is_woken() {
    let _turn = turn();
    let (mut source, send, taken) = rig(Layout::Grey, 2, 1);
    let sender = std::thread::spawn(move || {
        taken.recv().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        send.send(vec![9, 9]).unwrap();
        (send, taken)
    });
    let mut frame = Frame::default();
    assert_eq!(source.next(&mut frame, SOON), Ok(Next::Frame));
    drop(sender.join().unwrap());
    // Unplugged: said once the last frame is fetched, and again.
    for _ in 0..2 {
        let e = source.next(&mut frame, SOON).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::DeviceLost);
        assert!(e.is_recoverable());
    }
}

#[test]
fn a_driver_that_does_not_answer_is_given_up_and_not_piled_on() {
    let _turn = turn();
    let (release, held) = mpsc::channel::<()>();
    let hang = move || -> Result<Fake, SourceError> {
        let _ = held.recv();
        Err(trouble(ErrorKind::DeviceBusy, "camera 7", ""))
    };
    let e = start("camera 7".into(), Duration::from_millis(20), hang)
        .map(drop)
        .unwrap_err();
    assert_eq!(e.kind(), ErrorKind::DeviceNotAvailable);
    let second = || -> Result<Fake, SourceError> { panic!("a second thread went in") };
    let e = start("camera 7".into(), SOON, second)
        .map(drop)
        .unwrap_err();
    assert!(e.to_string().contains("still hangs"), "{e}");
    drop(release);
    while OPENING.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    let (source, _send, _taken) = rig(Layout::Grey, 2, 1);
    drop(source.describe().clone());
}

#[test]
fn garbage_is_counted_and_the_next_good_frame_is_given() {
    let _turn = turn();
    let (mut source, send, taken) = rig(Layout::Mjpeg, 16, 16);
    let mut frame = Frame::default();
    taken.recv().unwrap();
    for bad in [
        &b""[..],
        b"\xFF\xD8",
        b"not a picture",
        &JPEG[..JPEG.len() / 2],
    ] {
        send.send(bad.to_vec()).unwrap();
        taken.recv().unwrap();
        assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::Nothing));
    }
    send.send(JPEG.to_vec()).unwrap();
    assert_eq!(source.next(&mut frame, SOON), Ok(Next::Frame));
    assert_eq!((frame.width, frame.height, frame.index), (16, 16, 4));
    let losses = source.losses();
    assert_eq!((losses.damaged, losses.dropped), (4, 0));
    assert!(losses.last_damage.unwrap().starts_with("frame 3: "));
}

#[test]
fn short_rows_are_refused_and_padding_is_taken_off() {
    let mut frame = Frame::default();
    let mut jpegs = vision::jpeg::Decoder::default();
    let mode = Mode {
        width: 4,
        height: 2,
        fps: 30.0,
        layout: Layout::Yuyv,
    };
    let mut go = |bytes: &[u8], mode| {
        unpack(bytes, Picture::of(mode), &mut jpegs, &mut frame).map(|()| frame.data.clone())
    };
    let tight: Vec<u8> = (0..16).collect();
    assert_eq!(go(&tight, mode).as_deref(), Ok(&tight[..]));
    assert_eq!(go(&tight[..15], mode), Err("15 bytes of 16".into()));
    let mut padded = tight[..8].to_vec();
    padded.extend([99; 8]);
    padded.extend(&tight[8..]);
    padded.extend([99; 8]);
    assert_eq!(go(&padded, mode).as_deref(), Ok(&tight[..]));
    // Bytes after the picture that are no padding of rows are left alone.
    let mut tail = tight.clone();
    tail.push(7);
    assert_eq!(go(&tail, mode).as_deref(), Ok(&tight[..]));
    let nv12 = Mode {
        layout: Layout::Nv12,
        ..mode
    };
    let bytes: Vec<u8> = (0..12).collect();
    assert_eq!(go(&bytes, nv12).as_deref(), Ok(&bytes[..]));
    let bgr = Mode {
        width: 1,
        height: 2,
        layout: Layout::Bgr,
        ..mode
    };
    assert_eq!(
        go(&[1, 2, 3, 4, 5, 6], bgr).as_deref(),
        Ok(&[3u8, 2, 1, 6, 5, 4][..])
    );
}

#[test]
fn frames_that_nobody_wants_are_passed_and_not_unpacked() {
    let _turn = turn();
    let (mut source, send, _taken) = rig(Layout::Mjpeg, 16, 16);
    let mut frame = Frame::default();
    source.pass_until(u64::MAX);
    // Not even one that is no picture: that would be counted as damage.
    for bytes in [b"no picture".as_slice(), JPEG] {
        send.send(bytes.to_vec()).unwrap();
        assert_eq!(source.next(&mut frame, SOON), Ok(Next::Passed));
    }
    assert_eq!(source.losses(), Losses::default());
    source.pass_until(0);
    send.send(JPEG.to_vec()).unwrap();
    assert_eq!(source.next(&mut frame, SOON), Ok(Next::Frame));
    assert_eq!((frame.index, frame.width), (2, 16));
}
