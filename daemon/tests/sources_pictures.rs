//! GIFs and folders of pictures: rates, order, composition, and broken files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use gazed::sources::{
    ErrorKind, FrameSource, Losses, Next, OpenOptions, SourceError, SourceSpec, open,
};
use vision::{Frame, PixelFormat};

const JPEG: &[u8] = include_bytes!("assets/tiny.jpg");

fn at(path: &Path, options: OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    open(
        &SourceSpec::Path(path.to_path_buf()),
        &OpenOptions {
            fast: true,
            ..options
        },
    )
}

/// Everything one pass gives: time since the first picture in ms, and pixels.
fn play(source: &mut dyn FrameSource) -> (Vec<(u64, Frame)>, Option<SourceError>) {
    let (mut frame, mut all, mut first) = (Frame::default(), Vec::new(), None);
    loop {
        match source.next(&mut frame, Duration::ZERO) {
            Ok(Next::Frame) => {
                assert!(frame.is_sound() && all.len() < 1000);
                let t = frame.captured_ns - *first.get_or_insert(frame.captured_ns);
                all.push((t / 1_000_000, frame.clone()));
            }
            Ok(Next::Passed) => panic!("all are wanted"),
            Ok(Next::Nothing) => panic!("a fast source has nothing to wait for"),
            Ok(Next::End) => return (all, None),
            Err(e) => return (all, Some(e)),
        }
    }
}

const RED: u8 = 0;
const GREEN: u8 = 1;
const CLEAR: u8 = 2;

/// A 4×2 GIF of three pictures: all red for 50 ms; a green dot at (1,1) that goes
/// away again, for 200 ms; green at the left and the rest see-through, no delay given.
fn gif_file() -> Vec<u8> {
    let mut bytes = Vec::new();
    let palette = [255, 0, 0, 0, 255, 0, 9, 9, 9, 0, 0, 0];
    let mut encoder = gif::Encoder::new(&mut bytes, 4, 2, &palette).unwrap();
    let mut add = |at: [u16; 4], pixels: &[u8], delay, dispose| {
        let [left, top, width, height] = at;
        let frame = gif::Frame {
            left,
            top,
            width,
            height,
            delay,
            dispose,
            transparent: Some(CLEAR),
            buffer: pixels.into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
    };
    add([0, 0, 4, 2], &[RED; 8], 5, gif::DisposalMethod::Keep);
    add([1, 1, 1, 1], &[GREEN], 20, gif::DisposalMethod::Previous);
    add(
        [0, 0, 4, 1],
        &[GREEN, CLEAR, CLEAR, CLEAR],
        0,
        gif::DisposalMethod::Keep,
    );
    drop(encoder);
    bytes
}

fn greens(frame: &Frame) -> Vec<usize> {
    let pixels = frame.data.chunks_exact(3).enumerate();
    pixels
        .filter_map(|(i, p)| (p == [0, 255, 0]).then_some(i))
        .collect()
}

#[test]
fn a_gif_is_composed_and_keeps_its_delays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gif");
    fs::write(&path, gif_file()).unwrap();
    let mut source = at(&path, OpenOptions::default()).unwrap();
    let info = source.describe();
    assert_eq!(
        (info.width, info.height, info.fps, info.format),
        (4, 2, 20.0, PixelFormat::Rgb8)
    );
    let (all, error) = play(&mut *source);
    assert_eq!(error, None);
    let seen: Vec<_> = all.iter().map(|(t, f)| (*t, greens(f))).collect();
    // Picture 2 is gone again in picture 3, and see-through pixels show what was there.
    assert_eq!(seen, [(0, vec![]), (50, vec![5]), (250, vec![0])]);
    let red = all[2]
        .1
        .data
        .chunks_exact(3)
        .filter(|p| *p == [255, 0, 0])
        .count();
    assert_eq!(red, 7);
    // Looped: the last picture, without a delay, stands for 100 ms, and the
    // canvas begins anew.
    let mut source = at(
        &path,
        OpenOptions {
            looped: true,
            ..OpenOptions::default()
        },
    )
    .unwrap();
    let (mut frame, mut times) = (Frame::default(), Vec::new());
    for i in 0..5 {
        assert_eq!(source.next(&mut frame, Duration::ZERO), Ok(Next::Frame));
        times.push(frame.captured_ns);
        assert_eq!(greens(&frame), seen[i % 3].1);
    }
    assert_eq!(
        times
            .iter()
            .map(|t| (t - times[0]) / 1_000_000)
            .collect::<Vec<_>>(),
        [0, 50, 250, 350, 400]
    );
}

#[test]
fn a_cut_gif_is_never_taken_for_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole) = (folder.path().join("a.gif"), gif_file());
    // The last byte says "end"; many tools do without.
    for n in 0..whole.len() - 1 {
        fs::write(&path, &whole[..n]).unwrap();
        let (seen, error) = match at(&path, OpenOptions::default()) {
            Ok(mut s) => play(&mut *s),
            Err(e) => (Vec::new(), Some(e)),
        };
        let e = error.unwrap_or_else(|| panic!("{n} of {} bytes passed for whole", whole.len()));
        assert!(seen.len() < 3 && !e.is_recoverable(), "{n}: {e}");
    }
    for width in [0u16, 9000] {
        let mut bytes = whole.clone();
        bytes[6..8].copy_from_slice(&width.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let e = at(&path, OpenOptions::default()).err().unwrap();
        assert_eq!(e.kind(), ErrorKind::BadSize, "width {width}: {e}");
    }
}

fn png(grey: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::GrayImage::from_pixel(3, 2, image::Luma([grey]));
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn a_folder_plays_by_name_and_skips_what_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    put("img_1.png", &png(10));
    put("img_2.jpg", &JPEG[..JPEG.len() / 2]); // cut
    put("img_9.PNG", &png(90));
    put("img_10.png", &png(100));
    put("img_11.jpeg", b"");
    put("img_12.jpg", b"no picture");
    put("notes.txt", b"not looked at");
    fs::create_dir(folder.path().join("img_13.png")).unwrap();
    let link =
        |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    link("img_14.png", "img_14.png"); // leads to itself
    link("nowhere.png", "img_15.png");
    put("img_16.jpg", JPEG);
    let mut source = at(
        folder.path(),
        OpenOptions {
            fps: Some(10.0),
            ..OpenOptions::default()
        },
    )
    .unwrap();
    let info = source.describe();
    assert_eq!(
        (info.width, info.height, info.fps, info.frames),
        (3, 2, 10.0, Some(10))
    );
    let (all, error) = play(&mut *source);
    assert_eq!(error, None);
    let seen: Vec<_> = all.iter().map(|(t, f)| (*t, f.width, f.data[0])).collect();
    // A picture that is skipped takes its time all the same.
    let last = all.last().unwrap();
    assert_eq!(
        seen,
        [
            (0, 3, 10),
            (200, 3, 90),
            (300, 3, 100),
            (900, 16, last.1.data[0])
        ]
    );
    let Losses {
        damaged,
        last_damage,
        ..
    } = source.losses();
    assert_eq!(damaged, 6);
    assert!(last_damage.unwrap().starts_with("img_15.png: "));
}

#[test]
fn folders_without_a_single_good_picture() {
    let folder = tempfile::tempdir().unwrap();
    let ask = || {
        at(
            folder.path(),
            OpenOptions {
                looped: true,
                ..OpenOptions::default()
            },
        )
        .err()
        .unwrap()
    };
    assert_eq!(ask().kind(), ErrorKind::Unreadable);
    fs::write(folder.path().join("a.jpg"), b"").unwrap();
    fs::write(folder.path().join("b.jpg"), &JPEG[..99]).unwrap();
    let e = ask();
    assert_eq!(e.kind(), ErrorKind::Unreadable);
    assert!(e.to_string().contains("none of its 2 pictures"), "{e}");
}

#[test]
fn one_picture_is_a_clip_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("misnamed.mp4");
    fs::write(&path, JPEG).unwrap();
    let (all, error) = play(&mut *at(&path, OpenOptions::default()).unwrap());
    assert_eq!((all.len(), error), (1, None));
    assert_eq!((all[0].1.width, all[0].1.height), (16, 16));
}

#[test]
fn pictures_that_nobody_wants_are_not_read_and_their_time_passes() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["0.jpg", "1.jpg", "3.jpg"] {
        fs::write(folder.path().join(name), JPEG).unwrap();
    }
    fs::write(folder.path().join("2.jpg"), b"no picture").unwrap();
    let options = OpenOptions {
        fps: Some(50.0),
        looped: true,
        ..OpenOptions::default()
    };
    let mut source = open(&SourceSpec::Path(folder.path().into()), &options).unwrap();
    let mut frame = Frame::default();
    let mut next = |source: &mut dyn FrameSource| loop {
        match source.next(&mut frame, Duration::from_millis(200)).unwrap() {
            Next::Nothing => {}
            Next::Frame => return Some((frame.index, frame.captured_ns)),
            Next::Passed => return None,
            Next::End => panic!("it is looped"),
        }
    };
    let (first, begun_ns) = next(&mut *source).unwrap();
    assert_eq!(first, 0);
    // The damaged one is among those that are passed.
    source.pass_until(begun_ns + 50_000_000);
    assert_eq!([(); 2].map(|()| next(&mut *source)), [None; 2]);
    let third = (3, begun_ns + 60_000_000);
    assert_eq!(next(&mut *source), Some(third));
    assert_eq!(source.losses(), Losses::default());
    // All are wanted again, from the beginning on.
    source.pass_until(0);
    assert_eq!(next(&mut *source), Some((4, begun_ns + 80_000_000)));
}
