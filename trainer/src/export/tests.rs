use std::collections::HashSet;

use gaze::screen::Screen;
use prost::Message as _;
use vision::gaze_net::{EyeView, GazeNet as Daemons, NetGaze};
use vision::{Runtime, SessionOptions};

use super::fold::fold;
use super::graph::{self, Numbers};
use super::measure::{Example, Loaded, by_burn};
use super::*;
use crate::net::committee::join;
use crate::net::reference::{self, chance};
use crate::net::spread::Spread;
use crate::net::{Colour, EncoderKind, Pool, SpreadPlan};

fn cpu() -> Device {
    crate::device::open("cpu").unwrap()
}

fn runtime() -> Runtime {
    Runtime::load(None).unwrap()
}

fn plan(encoder: EncoderKind, head: Head) -> NetConfig {
    NetConfig {
        encoder,
        head,
        ..NetConfig::new(0.25, 32, Colour::Gray)
    }
}

fn spread(hidden: usize) -> SpreadPlan {
    SpreadPlan {
        hidden,
        mirror_average: false,
    }
}

/// A network with weights and statistics of no meaning.
fn random(config: &NetConfig) -> GazeNet {
    let mut net = config.init(1, &cpu()).unwrap();
    reference::fill(&mut net, 11);
    // Answers within a screen or so.
    net.output.weight = net.output.weight.map(|w| w * 0.1);
    if let Some(last) = net.spread.as_mut().and_then(|s| s.layers.last_mut()) {
        last.weight = last.weight.clone().map(|w| w * 0.03);
    }
    net
}

/// Of two, and a spread of no meaning where the plan has one.
fn committee(config: &NetConfig, net: GazeNet) -> (NetConfig, GazeNet) {
    let mut other = config.init(2, &cpu()).unwrap();
    reference::fill(&mut other, 12);
    other.output.weight = other.output.weight.map(|w| w * 0.1);
    let members = vec![(config.clone(), net), (config.clone(), other)];
    let (mut joined, mut net) = join(members).unwrap();
    if let Some(plan) = &config.spread {
        joined.spread = Some(plan.clone());
        let sees = joined.members * joined.hidden.iter().sum::<usize>();
        let mut told = Spread::new(plan, sees, 3, &cpu());
        if let Some(last) = told.layers.last_mut() {
            last.weight = last.weight.clone().map(|w| w * 0.3);
        }
        net.spread = Some(told);
    }
    (joined, net)
}

fn examples(config: &NetConfig, count: usize) -> Vec<Example> {
    let len = config.eyes.len();
    (0..count)
        .map(|i| {
            // Two soft blobs that wander, so that looks differ as looks do.
            let u = chance(3, &format!("example{i}"), 12);
            let eye = |x: f64, y: f64| -> Vec<u8> {
                let size = config.eyes.size;
                (0..len)
                    .map(|p| {
                        let (px, py) = ((p % size) as f64, (p / size % size) as f64);
                        let half = size as f64 / 2.0;
                        let d = (px - half * (1.0 + x / 2.0)).hypot(py - half * (1.0 + y / 2.0));
                        (200.0 - 160.0 * (-d * d / (half * half / 6.0)).exp() + 40.0 * u[4]) as u8
                    })
                    .collect()
            };
            let ray = [0.2 * u[8] as f32, 0.2 * u[9] as f32, -0.96];
            let length = ray.iter().map(|v: &f32| v * v).sum::<f32>().sqrt();
            Example {
                eyes: [eye(u[0], u[1]), eye(u[2], u[3])],
                pose: [u[5], u[6], u[7]].map(|v| 0.5 * v as f32),
                position: [0.4, 0.5, 0.6, 0.5, 0.12].map(|v: f32| v + 0.05 * u[10] as f32),
                geometric: Some(ray.map(|v| v / length)),
                origin_mm: [0.0, 100.0, 600.0],
                target: [0.5; 2],
                screen: Screen::laptop(1920, 1080),
            }
        })
        .collect()
}

/// Moves each example's target `px` to the right of where the network looks.
fn aim(config: &NetConfig, net: &GazeNet, examples: &mut [Example], px: f64) {
    let answers = by_burn(net, config, examples, &cpu());
    for (example, at) in examples.iter_mut().zip(answers.gaze.chunks(2)) {
        example.target = [at[0] + (px / 1920.0) as f32, at[1]];
    }
}

#[test]
fn files_answer_as_burn_does() {
    let device = cpu();
    for (encoder, head, geometric, pool, stride) in [
        (EncoderKind::MobilenetV2, Head::Ray, false, Pool::Average, 2),
        (EncoderKind::MobilenetV2, Head::Ray, true, Pool::Grid, 1),
        (
            EncoderKind::MobileoneS0,
            Head::Screen,
            false,
            Pool::Average,
            2,
        ),
        (EncoderKind::MobileoneS0, Head::Ray, true, Pool::Grid, 2),
        (EncoderKind::Compact, Head::Ray, false, Pool::Grid, 2),
    ] {
        let config = NetConfig {
            geometric,
            pool,
            stem_stride: stride,
            standardise: encoder == EncoderKind::Compact,
            spread: [(Pool::Grid, 1, 0), (Pool::Grid, 2, 8)]
                .iter()
                .find(|(p, s, _)| head == Head::Ray && (*p, *s) == (pool, stride))
                .map(|&(_, _, hidden)| spread(hidden)),
            ..plan(encoder, head)
        };
        let net = random(&config);
        let (config, net) = match (encoder, geometric) {
            (EncoderKind::Compact, _) | (EncoderKind::MobileoneS0, true) => committee(&config, net),
            _ => (config, net),
        };
        let looks = examples(&config, 11);
        let burn = by_burn(&net, &config, &looks, &device);
        let bytes = graph::write(
            &fold(&net, &config),
            &config,
            Numbers::Full,
            &metadata(&config, &Terms::default()),
        );
        let wander = |v: &[f32]| v.iter().fold(0.0f32, |m, x| m.max((x - v[0]).abs()));
        assert!(wander(&burn.gaze) > 1e-3, "looks differ: {burn:?}");
        assert_eq!(burn.spread.is_empty(), config.spread.is_none());
        assert!(
            burn.spread.is_empty() || wander(&burn.spread) > 1e-2,
            "{burn:?}"
        );
        for batch in [1, 4] {
            let mut loaded = Loaded::new(&runtime(), &bytes, &config, batch, 1).unwrap();
            let answers = loaded.answers(&looks).unwrap();
            let difference = largest_difference(&answers.gaze, &burn.gaze);
            assert!(
                difference < 1e-5,
                "{encoder:?} {head:?} batch {batch}: {difference:e}"
            );
            let off = spread_off(&answers.spread, &burn.spread);
            assert!(off.is_none_or(|off| off.worst_percent < 1e-2), "{off:?}");
        }
    }
}

#[test]
fn the_daemons_loader_takes_them_and_answers_as_burn_does() {
    for (head, geometric) in [(Head::Ray, false), (Head::Screen, false), (Head::Ray, true)] {
        let config = NetConfig {
            geometric,
            ..plan(EncoderKind::MobilenetV2, head)
        };
        let net = random(&config);
        let looks = examples(&config, 3);
        let burn = by_burn(&net, &config, &looks, &cpu());
        let folded = fold(&net, &config);
        let bytes = graph::write(
            &folded,
            &config,
            Numbers::Full,
            &metadata(&config, &Terms::default()),
        );
        let (path, options) = (Path::new("gaze.onnx"), SessionOptions::default());
        let mut loaded = Daemons::from_bytes(path, bytes, None, &runtime(), &options).unwrap();
        assert_eq!(loaded.contract().kind, kind(head));
        for (look, answer) in looks.iter().zip(burn.gaze.chunks(head.outputs())) {
            let view = EyeView {
                head_deg: look.pose.map(|v| v * 45.0),
                origin_mm: look.origin_mm,
                level_rad: 0.1,
                eye_position: look.position,
                geometric: look.geometric,
            };
            let [left, right] = &look.eyes;
            let is = match loaded
                .estimate_crops([left, right], &view)
                .unwrap()
                .unwrap()
            {
                NetGaze::Ray(ray) => ray.direction.iter().copied().collect::<Vec<f64>>(),
                NetGaze::Point(at) => at.to_vec(),
            };
            for (a, b) in is.iter().zip(answer) {
                assert!((a - f64::from(*b)).abs() < 1e-4, "{is:?} {answer:?}");
            }
        }
    }
}

/// In every precision, beside a line of sight that is bit for bit the one without it.
#[test]
fn a_spread_is_exported_beside_the_same_line_of_sight() {
    let without = NetConfig {
        standardise: true,
        pool: Pool::Grid,
        ..plan(EncoderKind::Compact, Head::Ray)
    };
    let with = NetConfig {
        spread: Some(spread(8)),
        ..without.clone()
    };
    let [bare, net] = [&without, &with].map(random);
    let looks = examples(&with, 180);
    let [plain, told] =
        [(&bare, &without), (&net, &with)].map(|(n, c)| by_burn(n, c, &looks, &cpu()));
    assert!(plain.spread.is_empty() && told.spread.len() == 2 * looks.len());
    assert_eq!(plain.gaze, told.gaze);
    let folder = tempfile::tempdir().unwrap();
    let wanted = Wanted::plain(&Precision::ALL);
    let report = export(
        &net,
        &with,
        &looks,
        folder.path(),
        &wanted,
        &runtime(),
        &cpu(),
    )
    .unwrap();
    for (outcome, limit) in report.files.iter().zip([1e-3, 0.1, 5.0]) {
        let off = outcome.spread.unwrap();
        assert!(off.mean_percent < limit, "{outcome:?}");
        assert!(outcome.refused.is_none(), "{outcome:?}");
    }
    // The file without it answers the same to the last bit.
    let bytes = fs::read(report.files[0].path.as_ref().unwrap()).unwrap();
    let terms = metadata(&without, &Terms::default());
    let bare = graph::write(&fold(&bare, &without), &without, Numbers::Full, &terms);
    let [bare, net] = [(&bare, &without), (&bytes, &with)].map(|(bytes, config)| {
        let mut loaded = Loaded::new(&runtime(), bytes, config, 1, 1).unwrap();
        loaded.answers(&looks[..20]).unwrap()
    });
    assert_eq!(bare.gaze, net.gaze);

    // One whose spread is another is refused.
    let off = Outcome {
        spread: Some(SpreadOff {
            mean_percent: 0.05,
            worst_percent: 0.2,
        }),
        ..report.files[0].clone()
    };
    let line = refusal(&off, report.burn_median_px).unwrap();
    assert!(line.contains("spread") && !line.contains('\n'), "{line}");
}

#[test]
fn files_hold_what_they_should() {
    let config = plan(EncoderKind::MobilenetV2, Head::Screen);
    let net = random(&config);
    let mut looks = examples(&config, 180);
    aim(&config, &net, &mut looks, 900.0);
    let folder = tempfile::tempdir().unwrap();
    let report = export(
        &net,
        &config,
        &looks,
        folder.path(),
        &Wanted::plain(&Precision::ALL),
        &runtime(),
        &cpu(),
    )
    .unwrap();
    assert_eq!((report.examples, report.calibrated_on), (120, 60));
    assert!((report.burn_median_px - 900.0).abs() < 1.0, "{report:?}");
    let [full, half, int8] = &report.files[..] else {
        panic!("three files: {report:?}");
    };
    assert!(
        full.max_difference < 1e-5 && full.one_ms > 0.0,
        "{report:?}"
    );
    assert!(
        half.max_difference > 0.0 && half.moved_percent.abs() < 1.0,
        "{report:?}"
    );
    assert!(
        int8.max_difference > 0.0 && int8.refused.is_none(),
        "{report:?}"
    );
    assert!(half.bytes * 100 < full.bytes * 55, "{report:?}");
    assert!(int8.bytes * 100 < full.bytes * 45, "{report:?}");

    let bytes = fs::read(int8.path.as_ref().unwrap()).unwrap();
    let file = onnx::Model::decode(&bytes[..]).unwrap();
    let graph = file.graph.unwrap();
    let made_by = |name: &str| graph.node.iter().find(|n| n.output[0] == name);
    let convs: Vec<_> = graph.node.iter().filter(|n| n.op_type == "Conv").collect();
    assert_eq!(convs.len(), 2 * 52);
    for conv in convs {
        for input in &conv.input {
            assert_eq!(
                made_by(input).unwrap().op_type,
                "DequantizeLinear",
                "{input}"
            );
        }
    }
    let names: HashSet<_> = graph.initializer.iter().map(|t| &t.name).collect();
    assert_eq!(
        names.len(),
        graph.initializer.len(),
        "both eyes share their weights"
    );
    let kind = file.metadata_props.iter().find(|e| e.key == "gaze.kind");
    assert_eq!(kind.unwrap().value, "eyes-pose-screen");
}

#[test]
fn a_file_that_moves_the_error_is_refused_and_not_there() {
    let config = plan(EncoderKind::MobilenetV2, Head::Screen);
    let net = random(&config);
    let mut looks = examples(&config, 180);
    // The network is right to half a pixel: 8 bits, and half precision, are not.
    aim(&config, &net, &mut looks, 0.5);
    let folder = tempfile::tempdir().unwrap();
    let stale = folder.path().join(Precision::Int8.file_name());
    fs::write(&stale, "another network's").unwrap();
    let report = export(
        &net,
        &config,
        &looks,
        folder.path(),
        &Wanted::plain(&Precision::ALL),
        &runtime(),
        &cpu(),
    )
    .unwrap();
    for outcome in &report.files {
        let refused = outcome.precision != Precision::Fp32;
        assert_eq!(outcome.refused.is_some(), refused, "{outcome:?}");
        assert_eq!(outcome.path.is_none(), refused);
    }
    let line = report.files[2].refused.clone().unwrap();
    assert!(line.contains("over 5 %") && !line.contains('\n'), "{line}");
    let there: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(there, ["gaze.onnx"]);
}

#[test]
fn too_few_examples_and_no_answers_are_errors() {
    let config = plan(EncoderKind::MobilenetV2, Head::Ray);
    let net = random(&config);
    let folder = tempfile::tempdir().unwrap();
    let mut looks = examples(&config, LEAST_EXAMPLES);
    let run = |looks: &[Example]| {
        let out = folder.path();
        export(
            &net,
            &config,
            looks,
            out,
            &Wanted::plain(&[Precision::Fp32]),
            &runtime(),
            &cpu(),
        )
        .unwrap_err()
    };
    let error = run(&looks[1..]);
    assert!(
        matches!(error, ExportError::TooFew { found: 149 }),
        "{error}"
    );
    // Eyes behind the screen: no ray meets it.
    looks.iter_mut().for_each(|e| e.origin_mm[2] = -600.0);
    let error = run(&looks);
    assert!(matches!(error, ExportError::NoAnswers { .. }), "{error}");
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}
