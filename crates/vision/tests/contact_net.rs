//! Contact networks that the test makes itself: one logit and two classes, against a computation
//! by hand.

#[path = "common/linear.rs"]
mod linear;

use std::path::PathBuf;

use linear::{Linear, Row};
use vision::{
    BBox, ContactAnswer, ContactContract, ContactNet, Frame, Layout, PixelFormat, Runtime,
    SessionOptions,
};

const SIZE: usize = 32;
const AREA: usize = SIZE * SIZE;

fn frame() -> Frame {
    let mut frame = Frame::default();
    frame.reset(200, 100, PixelFormat::Rgb8);
    for (i, byte) in frame.data.iter_mut().enumerate() {
        *byte = ((i * 7 + i / 600 * 31) % 256) as u8;
    }
    frame
}

/// Boxes of the crop's own size, so that each value is one pixel; one of them beside the picture.
fn boxes() -> Vec<BBox> {
    [[10.0, 20.0], [900.0, 20.0], [120.0, 50.0], [60.0, 3.0]]
        .map(|[x, y]| BBox {
            x,
            y,
            width: SIZE as f32,
            height: 20.0,
        })
        .to_vec()
}

/// One output number: some pixels of every channel.
fn row(step: usize, bias: f32) -> Row {
    let weights = (0..3 * AREA).step_by(step);
    Row {
        weights: weights
            .map(|i| (i, ((i % 13) as f32 - 6.0) * 0.004))
            .collect(),
        bias,
    }
}

/// The same by hand: byte ÷ 255, ImageNet's mean and deviation, weights, bias.
fn by_hand(frame: &Frame, face: &BBox, row: &Row, layout: Layout) -> f64 {
    let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    let (left, top) = (
        face.x as i32,
        (face.y + face.height / 2.0) as i32 - SIZE as i32 / 2,
    );
    let mut sum = f64::from(row.bias);
    for (at, weight) in &row.weights {
        let (channel, pixel) = match layout {
            Layout::Nchw => (at / AREA, at % AREA),
            Layout::Nhwc => (at % 3, at / 3),
        };
        let at = |i: usize| i as i32;
        // Beyond the picture its edge goes on.
        let (x, y) = (
            left + at(pixel % SIZE),
            (top + at(pixel / SIZE)).clamp(0, 99),
        );
        let (x, y) = (x as usize, y as usize);
        let byte = f64::from(frame.data[y * frame.stride + 3 * x + channel]);
        sum += f64::from(*weight) * (byte / 255.0 - mean[channel]) / std[channel];
    }
    sum
}

struct Files(tempfile::TempDir);

impl Files {
    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn open(path: &std::path::Path) -> Result<ContactNet, String> {
    let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
    ContactNet::open(path, &runtime, &SessionOptions::default()).map_err(|e| e.to_string())
}

fn net(rows: Vec<Row>, layout: Layout, batch: Option<usize>) -> Linear {
    let shape = match layout {
        Layout::Nchw => vec![3, SIZE, SIZE],
        Layout::Nhwc => vec![SIZE, SIZE, 3],
    };
    Linear {
        inputs: vec![("face".into(), shape)],
        outputs: vec![("contact".into(), rows)],
        batch,
    }
}

#[test]
fn one_logit_and_two_classes_are_what_they_are_by_hand() {
    let files = Files(tempfile::tempdir().unwrap());
    let (frame, boxes) = (frame(), boxes());
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (a, b) = (row(3, 0.3), row(5, -0.2));
    for (layout, batch) in [
        (Layout::Nchw, None),
        (Layout::Nhwc, None),
        (Layout::Nchw, Some(1)),
    ] {
        for answer in [
            ContactAnswer::Logit,
            ContactAnswer::Softmax(0),
            ContactAnswer::Softmax(1),
        ] {
            let contract = ContactContract {
                layout,
                ..ContactContract::imagenet("face", "contact", SIZE, answer)
            };
            let rows = match answer {
                ContactAnswer::Softmax(_) => vec![a.clone(), b.clone()],
                _ => vec![a.clone()],
            };
            let bytes = net(rows, layout, batch).onnx(&contract.to_metadata());
            let mut net = open(&files.write("net.onnx", &bytes)).unwrap();
            assert_eq!(net.contract(), &contract);
            let found = net.judge(&frame, &boxes).unwrap();
            assert_eq!(found.len(), boxes.len());
            for (i, (p, face)) in found.iter().zip(&boxes).enumerate() {
                if i == 1 {
                    assert!(p.is_nan(), "it is beside the picture");
                    continue;
                }
                let [x, y] = [&a, &b].map(|row| by_hand(&frame, face, row, layout));
                let want = match answer {
                    ContactAnswer::Softmax(0) => x.exp() / (x.exp() + y.exp()),
                    ContactAnswer::Softmax(_) => y.exp() / (x.exp() + y.exp()),
                    _ => sigmoid(x),
                };
                assert!((0.001..0.999).contains(&want), "{want} says something");
                assert!(
                    (p - want).abs() < 1e-5,
                    "{layout:?} {answer:?} {i}: {p} {want}"
                );
            }
            // One face gives what it gives among others.
            let alone = net.judge(&frame, &boxes[2..3]).unwrap();
            assert!((alone[0] - found[2]).abs() < 1e-6);
        }
    }
}

#[test]
fn a_file_that_says_nothing_is_guessed_or_refused_with_what_to_do() {
    let files = Files(tempfile::tempdir().unwrap());
    let one = net(vec![row(3, 0.0)], Layout::Nchw, None).onnx(&[]);
    let guessed = open(&files.write("plain.onnx", &one)).unwrap();
    assert_eq!(
        guessed.contract(),
        &ContactContract::imagenet("face", "contact", SIZE, ContactAnswer::Logit)
    );
    let two = net(vec![row(3, 0.0), row(5, 0.0)], Layout::Nchw, None).onnx(&[]);
    let path = files.write("two.onnx", &two);
    let refused = open(&path).unwrap_err();
    assert!(
        refused.contains("two.json") && refused.contains("which is contact"),
        "{refused}"
    );
    let beside = ContactContract::imagenet("face", "contact", SIZE, ContactAnswer::Softmax(1));
    files.write(
        "two.json",
        serde_json::to_string(&beside).unwrap().as_bytes(),
    );
    assert_eq!(open(&path).unwrap().contract(), &beside);
    files.write("two.json", br#"{"kind": "face-contact"}"#);
    assert!(open(&path).unwrap_err().contains("two.json does not parse"));

    let metadata =
        |c: ContactContract| net(vec![row(3, 0.0)], Layout::Nchw, None).onnx(&c.to_metadata());
    let own = ContactContract::imagenet("face", "contact", SIZE, ContactAnswer::Logit);
    for (broken, says) in [
        (
            ContactContract {
                scale: 0.0,
                ..own.clone()
            },
            "scale",
        ),
        (
            ContactContract {
                version: "2".into(),
                ..own.clone()
            },
            "version",
        ),
        (
            ContactContract {
                input: "picture".into(),
                ..own.clone()
            },
            "no input `picture`",
        ),
        (
            ContactContract {
                size: 64,
                ..own.clone()
            },
            "does not load",
        ),
        (
            ContactContract {
                answer: ContactAnswer::Softmax(0),
                ..own.clone()
            },
            "numbers come out",
        ),
    ] {
        let error = open(&files.write("broken.onnx", &metadata(broken))).unwrap_err();
        assert!(
            error.contains(says) && error.contains("broken.onnx"),
            "{says}: {error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
    let other = net(vec![row(3, 0.0)], Layout::Nchw, None)
        .onnx(&[("gaze.kind", "eyes-pose-ray".to_owned())]);
    assert!(
        open(&files.write("gaze.onnx", &other))
            .unwrap_err()
            .contains("eyes-pose-ray")
    );
    assert!(
        open(&files.write("junk.onnx", b"junk"))
            .unwrap_err()
            .contains("does not load")
    );
}
