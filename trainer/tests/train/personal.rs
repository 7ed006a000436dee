//! The last layer tuned to one person: what can be fitted is, and left-out targets decide.

use gaze_trainer::data::cache::Cache;
use gaze_trainer::net::{GazeNet, Head, NetConfig};
use gaze_trainer::train::examples::Examples;
use gaze_trainer::train::judge;
use gaze_trainer::train::personal::{Change, Seen, winner};
use gaze_trainer::train::run::begin;
use gaze_trainer::train::settings::Settings;
use gaze_trainer::train::study::{means, of_person};
use render::maths::Rng;

use super::drawn::{discs, plan, quick, tested};

/// A network that answers over a part of the screen, and labels made of its own answers.
fn relabelled(
    head: Head,
    sittings: u16,
    of: impl Fn([f32; 2]) -> [f32; 2],
) -> (Cache, NetConfig, GazeNet) {
    let mut cache = discs(1, sittings, 4);
    let plan = plan(head);
    let net = begin(
        &plan,
        &Settings {
            seed: 3,
            ..quick(1)
        },
        &tested(),
    )
    .unwrap();
    let net = burn::module::Module::valid(&net);
    let all: Vec<usize> = (0..cache.len()).collect();
    let answers = judge::predict(
        &net,
        &Examples::new(&cache, &plan).unwrap(),
        &all,
        &tested(),
    );
    for (i, answer) in answers.iter().enumerate() {
        let sample = &mut cache.samples[i];
        match head {
            Head::Screen => sample.target_norm = of([answer[0], answer[1]]),
            Head::Ray => {
                let [a, b] = of([answer[0] / -answer[2], answer[1] / -answer[2]]);
                let length = (a * a + b * b + 1.0).sqrt();
                sample.ray = Some([a, b, -1.0].map(|v| v / length));
            }
        }
    }
    (cache, plan, net)
}

#[test]
fn an_affine_error_is_taken_away_and_the_stored_network_answers_so() {
    for head in [Head::Screen, Head::Ray] {
        let (cache, plan, net) = relabelled(head, 1, |[x, y]| [0.1 + 5.0 * x - y, 3.0 * y - 0.2]);
        let examples = Examples::new(&cache, &plan).unwrap();
        let all: Vec<usize> = (0..cache.len()).collect();
        let seen = Seen::new(&net, examples, &all, &tested());
        let tried = seen.try_all(|_| true);
        let before = tried[0].left_out.mean_deg;
        let affine = tried
            .iter()
            .find(|t| t.change == Change::Affine(0.001))
            .unwrap();
        assert!(affine.left_out.mean_deg < 0.01 * before, "{tried:#?}");
        let best = winner(&tried).unwrap();
        let expected = seen.expected(|_| true);
        assert!(expected.mean_deg < 0.02 * before, "{expected:?} {before}");
        assert!(best.left_out.mean_deg <= affine.left_out.mean_deg);
        for change in Change::ALL {
            let own = seen.tuned(&net, |_| true, change);
            let stored = judge::judge(&own, &examples, &all, &tested());
            let told = seen.apply(|_| true, change, |_| true);
            assert!(
                (stored.mean_deg - told.mean_deg).abs() < 2e-3,
                "{change:?} {stored:?} {told:?}"
            );
        }
    }
}

#[test]
fn what_was_right_stays_and_noise_is_not_fitted() {
    let (cache, plan, net) = relabelled(Head::Screen, 1, |p| p);
    let all: Vec<usize> = (0..cache.len()).collect();
    let seen = Seen::new(&net, Examples::new(&cache, &plan).unwrap(), &all, &tested());
    let best = *winner(&seen.try_all(|_| true)).unwrap();
    assert!(best.left_out.mean_px < 0.1, "{best:?}");
    // At each target a wrong offset of its own: nothing learned at others helps.
    let mut wrong = cache.clone();
    for s in &mut wrong.samples {
        let angle = f32::from(s.target) * 2.4;
        s.target_norm[0] += 0.1 * angle.cos();
        s.target_norm[1] += 0.1 * angle.sin();
    }
    let seen = Seen::new(&net, Examples::new(&wrong, &plan).unwrap(), &all, &tested());
    let tried = seen.try_all(|_| true);
    let free = tried
        .iter()
        .find(|t| t.change == Change::LastLayer(0.3))
        .unwrap();
    let best = winner(&tried).unwrap();
    assert!(
        best.left_out.mean_deg <= tried[0].left_out.mean_deg && best.change != free.change,
        "{tried:#?}"
    );
    // On its own points the free one looks good: only what is left out tells.
    let flattered = seen.apply(|_| true, free.change, |_| true);
    assert!(
        flattered.mean_deg < 0.9 * free.left_out.mean_deg,
        "{flattered:?} {free:?}"
    );
}

#[test]
fn points_are_never_tested_and_other_sittings_are() {
    let (cache, plan, net) = relabelled(Head::Screen, 2, |[x, y]| [x + 0.1, y - 0.1]);
    let all: Vec<usize> = (0..cache.len()).collect();
    let examples = Examples::new(&cache, &plan).unwrap();
    let rows = of_person(&net, examples, &all, 0, 1, &tested());
    // Nine targets: five can be tested, nine leave none.
    assert_eq!(rows.iter().map(|r| r.points).collect::<Vec<_>>(), [5]);
    assert!(
        rows[0].other_sitting && rows[0].after[0] < 0.2 * rows[0].before[0],
        "{rows:?}"
    );
    assert_eq!(means(&rows).len(), 1);
}

/// Where offset and noise are alike large, chance has a say in who wins; the winner's own error
/// takes the credit for it, the error to expect does not.
#[test]
fn the_error_to_expect_does_not_flatter() {
    let (cache, plan, net) = relabelled(Head::Screen, 1, |p| p);
    let all: Vec<usize> = (0..cache.len()).collect();
    let (mut own, mut expected) = (0.0, 0.0);
    for seed in 0..6 {
        let mut rng = Rng::new(seed);
        let offsets: Vec<[f32; 2]> = (0..9)
            .map(|_| [(); 2].map(|()| 0.06 * rng.normal()))
            .collect();
        let mut wrong = cache.clone();
        for s in &mut wrong.samples {
            let [x, y] = offsets[usize::from(s.target)];
            s.target_norm = [s.target_norm[0] + x + 0.03, s.target_norm[1] + y - 0.03];
        }
        let seen = Seen::new(&net, Examples::new(&wrong, &plan).unwrap(), &all, &tested());
        own += winner(&seen.try_all(|_| true)).unwrap().left_out.mean_deg;
        let honest = seen.expected(|_| true);
        assert_eq!(honest.points, all.len(), "every look is tested once");
        expected += honest.mean_deg;
    }
    assert!(expected > 1.01 * own, "{expected} {own}");
    println!("own {own:.3}, to expect {expected:.3}");
}
