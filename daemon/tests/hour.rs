//! An hour between perception and shared memory, in fast time: made-up measurements on a
//! made-up clock, through the composer, its filter and the ring, with all that happens in an
//! hour. Nothing is allocated, nothing grows, nothing stays behind.

use gaze::affine::Affine;
use gaze::filter::{FilterConfig, FilterKind};
use gaze::ray::Ray;
use gaze::screen::Screen;
use gazed::alloc::{CountingAllocator, allocations_of_this_thread};
use gazed::pipeline::compose::Composer;
use gazed::pipeline::latency::Latency;
use gazed::pipeline::mapping::Mapping;
use gazed::pipeline::measurement::{FaceMeasurement, GazeMeasurement, Measurement, NetworkTag};
use nalgebra::{Point2, Vector3};
use ring::layout::{FaceTable, Reason, State, Stats, flags};
use ring::{Next, Reader, Writer, WriterConfig};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const MS: u64 = 1_000_000;
const START: u64 = 1_000_000 * MS;
const HZ: u64 = 60;
const TICKS: u64 = 3600 * HZ;

/// Where the eyes go: somewhere else each 400 ms, from the number of the place.
fn place(n: u64) -> [f64; 2] {
    let turn = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [(turn >> 40) as f64, (turn >> 16 & 0xff_ffff) as f64].map(|v| 0.05 + 0.9 * v / 16_777_216.0)
}

/// What was measured of frame `n` of a camera with 30 frames a second.
fn measured(n: u64, captured_ns: u64, networks: &[NetworkTag; 2]) -> Measurement {
    let second = n / 30;
    let blinks = n % 150 < 6;
    // A person leaves once a minute for two seconds, and each seventh minute another comes.
    let away = second % 60 < 2;
    let person = (second / 420) as u32 + 1;
    let sway = (n as f64 / 300.0).sin();
    let eye = Vector3::new(30.0 * sway, 40.0, 600.0 + 50.0 * sway);
    let noise = (n.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 52) as f64 / 4096.0 - 0.5;
    let look = place(n / 12).map(|v| v + 0.01 * noise);
    let combined = Ray {
        origin: eye,
        direction: (Screen::default().point_mm(Point2::from(look)) - eye).normalize(),
    };
    let face = FaceMeasurement {
        id: person,
        openness: if blinks { [0.1; 2] } else { [0.9; 2] },
        open: [!blinks; 2],
        seen: true,
        gap_mm: if blinks { [1.0; 2] } else { [8.0; 2] },
        head_deg: [10.0 * sway, 2.0, 3.0],
        head_mm: eye.into(),
        gaze: Some(GazeMeasurement {
            combined,
            left_deg: [0.0; 2],
            right_deg: [0.0; 2],
            point: None,
            confidence: 0.2 + 0.8 * (0.5 + noise),
            spread_deg: n.is_multiple_of(2).then_some(2.5),
        }),
    };
    Measurement {
        frame_index: n,
        captured_ns,
        perceived_ns: captured_ns + 12 * MS,
        // A camera that hangs for a second now and then.
        frozen: second % 97 == 96,
        fault: n.is_multiple_of(9_973),
        network: networks[(second / 600) as usize % 2],
        face: (!away).then_some(face),
        table: FaceTable {
            frame_index: n,
            captured_ns,
            count: u32::from(!away),
            ..FaceTable::default()
        },
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|l| l.starts_with("VmRSS:"));
    let word = line.and_then(|l| l.split_whitespace().nth(1));
    word.and_then(|w| w.parse().ok()).expect("a number")
}

#[test]
fn an_hour_from_measurement_to_reader_allocates_nothing_and_stays_sound() {
    let counted = allocations_of_this_thread();
    drop(std::hint::black_box(Box::new(1)));
    assert!(allocations_of_this_thread() > counted, "they are counted");

    let name = format!("/gaze-hour-{}", std::process::id());
    let mut writer = Writer::create(&name, &WriterConfig::default()).expect("nobody else");
    let mut reader = Reader::open(&name).expect("it is there");
    let networks =
        [(0, "first"), (1, "second")].map(|(n, name)| NetworkTag::new(n, name, &[n as u8; 32]));
    let plain = Mapping::uncalibrated(Screen::default(), FilterConfig::of(FilterKind::Kalman));
    let mut mapping = plain.clone();
    let mut composer = Composer::new(false);
    let mut latency = Latency::new();
    let (mut valid, mut predicted, mut swaps) = (0_u64, 0_u64, 0_u32);
    let mut warm = None;
    for tick in 0..TICKS {
        let now = START + tick * 1_000_000_000 / HZ;
        // A calibration is taken up each half minute, without one in between now and then.
        if tick % (30 * HZ) == 0 {
            swaps += 1;
            mapping.calibration = (swaps % 3 != 0).then_some(Affine {
                a: 1.0 + 0.01 * f64::from(swaps % 5),
                c: 0.02 * f64::from(swaps % 7),
                ..Affine::IDENTITY
            });
            mapping.calibration_generation += 1;
            mapping.network = (swaps / 20) % 2;
            composer.set_unix_time(1_790_000_000 + tick / HZ);
        }
        // Each hundredth second the camera gives nothing.
        if tick % 2 == 0 && (tick / HZ) % 100 != 99 {
            let m = measured(tick / 2, now - 15 * MS, &networks);
            composer.absorb(&m, &mapping.for_network(m.network.number));
            writer.publish_faces(&m.table);
            latency.record(m.captured_ns, m.perceived_ns, now);
        }
        let number = composer.network().map_or(0, |tag| tag.number);
        let mut sample = composer.compose(
            now,
            State::Running,
            Reason::None,
            &mapping.for_network(number),
        );
        writer.publish_at(&mut sample, now);
        if tick % 15 == 0 {
            let mut stats = Stats::default();
            latency.fill(&mut stats);
            writer.stats(&stats);
        }
        let Next::Sample { sample: read, lost } = reader.next() else {
            panic!("tick {tick}: nothing to read")
        };
        assert_eq!((lost, read.index), (0, sample.index));
        if read.is_valid() {
            valid += 1;
            let numbers = [read.x, read.y, read.error_radius, read.confidence];
            assert!(numbers.iter().all(|v| v.is_finite()), "{read:?}");
            // Eyes that stay on the screen are not seen far beside it, whatever happened.
            assert!(read.x.abs() < 3.0 && read.y.abs() < 3.0, "{read:?}");
            assert!(now - read.captured_ns <= 250 * MS, "{read:?}");
        }
        predicted += u64::from(read.has(flags::PREDICTED));
        if tick == 120 * HZ {
            warm = Some((allocations_of_this_thread(), resident_kib()));
        }
    }
    let (allocations, resident) = warm.expect("more than two minutes");
    let made = allocations_of_this_thread() - allocations;
    let grown = resident_kib().saturating_sub(resident);
    println!(
        "{TICKS} samples, {valid} valid, {predicted} predicted, {swaps} calibrations; \
         {made} allocations, {grown} KiB more"
    );
    writer.unlink();
    // Reading one's own memory allocates, once.
    assert!(made <= 16, "{made} allocations");
    assert!(grown < 1024, "{grown} KiB more");
    assert!(valid > TICKS / 2 && predicted > TICKS / 3);
}
