//! After warm-up a frame costs no allocation of ours (the runtime's own are C's).

// A global allocator that counts is an unsafe trait.
#![allow(unsafe_code)]

#[path = "common/linear.rs"]
mod linear;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use linear::{Linear, constant};
use vision::gaze_net::{Contract, EyeView, GazeNet, Kind, SPREAD};
use vision::jpeg::Decoder;
use vision::{
    CropColour, EyeCropSpec, Frame, ModelStore, Perceiver, PerceiverConfig, PixelFormat, Runtime,
    SessionOptions,
};

thread_local! {
    static MADE: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: hands everything to the system's allocator; the count is a plain
// cell without destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = MADE.try_with(|m| m.set(m.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn made() -> u64 {
    MADE.with(Cell::get)
}

#[test]
fn a_followed_face_costs_no_allocation() {
    let path = vision::cache_folder().join("portrait/astronaut.png");
    let picture = image::open(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run scripts/fetch-portrait.sh", path.display()))
        .into_rgb8();
    let mut frame = Frame::default();
    frame.reset(picture.width(), picture.height(), PixelFormat::Rgb8);
    frame.data.copy_from_slice(picture.as_raw());
    let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
    let store = ModelStore::open(None).expect("the networks");
    for landmarks_every in [1, 3] {
        let config = PerceiverConfig {
            landmarks_every,
            ..PerceiverConfig::default()
        };
        let perceiver = Perceiver::new(&runtime, &store, config).expect("they load");
        followed(perceiver, &mut frame);
    }
}

fn followed(mut perceiver: Perceiver, frame: &mut Frame) {
    let mut look = |i: u64| {
        frame.index = i;
        frame.captured_ns = i * 33_000_000;
        // A sensor's noise: without it the picture would count as frozen.
        for (k, byte) in frame.data.iter_mut().enumerate() {
            *byte ^= u8::from((k as u64 * 31 + i * 17).is_multiple_of(5));
        }
        assert!(perceiver.perceive(frame).primary().is_some());
    };
    (0..40).for_each(&mut look);
    // Forty more, among them looks of the detector for new faces.
    let before = made();
    (40..80).for_each(&mut look);
    assert_eq!(made() - before, 0);
    // Nor does losing it, looking for it everywhere, and finding it again.
    let mut dark = frame.clone();
    let before = made();
    for i in 80..100 {
        dark.data.fill(i as u8 % 3);
        dark.captured_ns = i * 33_000_000;
        assert!(perceiver.perceive(&dark).primary().is_none());
    }
    frame.captured_ns = 100 * 33_000_000;
    assert!(perceiver.perceive(frame).primary().is_some());
    assert_eq!(made() - before, 0);
    // The count counts.
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(made() - before, 1);
}

/// A camera's pictures of each kind, after the first one.
#[test]
fn a_jpeg_costs_no_allocation() {
    for sampling in [SamplingFactor::R_4_2_0, SamplingFactor::R_4_2_2] {
        let pictures = [40, 200].map(|light| {
            let rgb: Vec<u8> = (0..64 * 48 * 3).map(|i| (i % 64 + light) as u8).collect();
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, 85);
            encoder.set_sampling_factor(sampling);
            encoder.encode(&rgb, 64, 48, ColorType::Rgb).unwrap();
            bytes
        });
        let (mut decoder, mut frame) = (Decoder::default(), Frame::default());
        decoder.decode(&pictures[0], &mut frame).unwrap();
        let before = made();
        for bytes in &pictures {
            decoder.decode_motion(bytes, &mut frame).unwrap();
            assert_eq!(frame.format, PixelFormat::I420);
        }
        assert_eq!(made() - before, 0, "{sampling:?}");
    }
}

/// A network that also tells how far it errs, asked about the mirrored picture too.
#[test]
fn a_spread_costs_no_allocation() {
    let spec = EyeCropSpec {
        size: 16,
        scale: 1.8,
        colour: CropColour::Gray,
    };
    let mut contract = Contract::ours(Kind::EyesPoseRay, &spec, &[0.0], &[1.0]).with_spread();
    contract.mirror_average = true;
    let mut net = Linear::eyes(&contract, [0.1, 0.2, -1.0].map(constant).to_vec());
    let spread = [1.5, 2.5].map(constant).to_vec();
    net.outputs.push((SPREAD.into(), spread));
    let bytes = net.onnx(&contract.to_metadata());
    let runtime = Runtime::load(None).expect("ONNX Runtime; run make setup");
    let options = SessionOptions::default();
    let mut net = GazeNet::from_bytes("net.onnx".as_ref(), bytes, None, &runtime, &options)
        .expect("it loads");
    let view = EyeView {
        head_deg: [9.0, -18.0, 4.5],
        origin_mm: [60.0, -40.0, 600.0],
        level_rad: 0.2,
        eye_position: [0.4, 0.45, 0.52, 0.46, 0.121],
        geometric: None,
    };
    let crop = vec![100; spec.len()];
    let mut look = || {
        assert!(net.estimate_crops([&crop, &crop], &view).unwrap().is_some());
        net.spread_deg().expect("it tells")
    };
    (0..4).for_each(|_| _ = look());
    let before = made();
    (0..20).for_each(|_| _ = look());
    assert_eq!(made() - before, 0);
}
