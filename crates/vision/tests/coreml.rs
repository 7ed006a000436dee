//! What CoreML would be given, computed by the processor, and what happens where there is none.

#[path = "common/linear.rs"]
mod linear;

use std::sync::{Arc, Mutex};

use linear::{Linear, constant};
use vision::gaze_net::{Contract, Kind};
use vision::{CropColour, EyeCropSpec};

use vision::coreml::{ComputeUnits, CoreMl, Tell, fixed_dimensions, largest_difference, prepared};
use vision::{
    BoundSession, Computes, ModelStore, Network, Port, Provider, Runtime, SessionOptions,
};

const SHIPPED: [&str; 4] = [
    "face-detector",
    "face-landmarks",
    "gaze-base",
    "gaze-base-int8",
];

fn runtime() -> Runtime {
    Runtime::load(None).expect("ONNX Runtime: make setup")
}

fn network(kind: &str) -> Network {
    ModelStore::open(None).unwrap().load(kind).unwrap()
}

fn bound(network: &Network) -> BoundSession {
    BoundSession::alone(&runtime(), network, &SessionOptions::default()).unwrap()
}

fn in_half(network: &Network) -> Network {
    Network {
        bytes: prepared(&network.bytes),
        ..network.clone()
    }
}

#[test]
fn a_trunk_in_half_precision_says_nearly_the_same() {
    for kind in SHIPPED {
        let whole = network(kind);
        let half = in_half(&whole);
        let part = half.bytes.len() as f64 / whole.bytes.len() as f64;
        let apart = largest_difference(&mut bound(&whole), &mut bound(&half)).unwrap();
        println!("{kind}: {part:.2} of the bytes, {apart:?}");
        let of =
            |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).filter(|w| *w == text).count();
        let casts = |n: &Network| of(&n.bytes, b"Cast");
        match kind {
            "gaze-base" => {
                // Its weights are stored in half precision: casts of them go, none comes.
                assert!((0.95..1.0).contains(&part), "{part}");
                assert!(casts(&half) + 20 < casts(&whole));
                assert!(of(&half.bytes, b"conv.weight.in_half") >= 4);
            }
            "gaze-base-int8" => {
                // Its weights stay in 8 bits: casts come of what is between the layers.
                assert!((1.0..1.05).contains(&part), "{part}");
                assert!(casts(&half) > casts(&whole) && apart.absolute > 0.0);
            }
            _ => {
                // Weights are most of a file, and most of them are of convolutions.
                assert!((0.3..0.95).contains(&part), "{kind}: {part}");
                assert!(apart.absolute > 0.0, "{kind}: nothing is in half precision");
            }
        }
        assert!(apart.relative < 0.005, "{kind}: {apart:?}");
    }
}

#[test]
fn answers_of_another_network_are_far_beyond_what_half_precision_does() {
    let crop = EyeCropSpec {
        size: 16,
        scale: 1.8,
        colour: CropColour::Gray,
    };
    let contract = Contract::ours(Kind::EyesPoseRay, &crop, &[0.5], &[0.5]);
    let always = |x: f32| {
        let rows = vec![constant(x), constant(0.2), constant(-1.0)];
        let bytes = Linear::eyes(&contract, rows).onnx(&contract.to_metadata());
        bound(&Network {
            name: "linear".into(),
            kind: "gaze".into(),
            bytes,
            sha256: [0; 32],
        })
    };
    let apart = |x: f32| largest_difference(&mut always(0.1), &mut always(x)).unwrap();
    assert_eq!(apart(0.1).absolute, 0.0);
    assert!(apart(0.15).relative > 0.02);
    // What cannot be compared is not the same.
    let nothing = apart(f32::NAN);
    assert!(nothing.absolute.is_nan() && nothing.relative.is_nan());
}

#[test]
fn every_free_dimension_gets_the_size_that_is_bound() {
    let of = |kind: &str, inputs: &[Port]| fixed_dimensions(&in_half(&network(kind)).bytes, inputs);
    let picture: Port = ("image", &[1, 3, 128, 128]);
    assert_eq!(of("face-detector", &[picture]), Ok(vec![("N".into(), 1)]));
    let eyes: [Port; 4] = [
        ("left_eye", &[2, 1, 48, 48]),
        ("right_eye", &[2, 1, 48, 48]),
        ("head_pose", &[2, 3]),
        ("eye_position", &[2, 5]),
    ];
    for base in ["gaze-base", "gaze-base-int8"] {
        assert_eq!(of(base, &eyes), Ok(vec![("batch".into(), 2)]), "{base}");
    }
    let mut other = eyes;
    other[3].1 = &[3, 5];
    assert_eq!(
        of("gaze-base", &other),
        Err("its `batch` is 2 and 3".into())
    );
    let line = of("gaze-base", &eyes[..3]).unwrap_err();
    assert!(line.contains("`eye_position`"), "{line}");
}

#[test]
fn where_there_is_no_coreml_the_processor_computes_and_the_reason_is_told() {
    if cfg!(target_os = "macos") {
        return; // it is there
    }
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let hear = heard.clone();
    let cache = tempfile::tempdir().unwrap();
    let options = SessionOptions {
        threads: 1,
        provider: Provider::CoreMl(CoreMl {
            cache: cache.path().join("coreml"),
            units: ComputeUnits::All,
            tell: Tell::whom(move |news| hear.lock().unwrap().push(format!("{news:?}"))),
        }),
    };
    let network = network("face-detector");
    let mut session = BoundSession::alone(&runtime(), &network, &options).unwrap();
    let reason = "this ONNX Runtime has no CoreML";
    assert_eq!(session.computes(), Computes::CpuInstead(reason.into()));
    let apart = largest_difference(&mut session, &mut bound(&network)).unwrap();
    assert_eq!(apart.absolute, 0.0);
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 1);
    let line = &heard[0];
    assert!(
        line.contains("face_detector.onnx") && line.contains(reason),
        "{line}"
    );
    assert!(
        !cache.path().join("coreml").exists(),
        "nothing is left behind"
    );
}

#[test]
fn a_file_that_is_none_stays_as_it_is() {
    for bytes in [&b"no network"[..], &[], &[0x3a, 0x7f, 1], &[0xff; 40]] {
        assert_eq!(prepared(bytes), bytes);
    }
    // Cut anywhere, nothing panics.
    let network = network("gaze-base");
    for part in 0..60 {
        let cut = &network.bytes[..network.bytes.len() * part / 60];
        let _ = prepared(cut);
        let _ = fixed_dimensions(cut, &[]);
    }
}
