//! Eye contact by head and eyes on rendered people, in small: what the example `contact`
//! measures at length.

#[allow(dead_code)] // the example uses more of it
#[path = "../examples/contact/fit.rs"]
mod fit;
#[allow(dead_code)]
#[path = "../examples/contact/looks.rs"]
mod looks;

use gaze::contact::metrics::{auc, calibration_error};
use gaze::contact::{ContactLook, Derived};
use render::scenario::Kind;

#[test]
fn who_looks_into_the_lens_is_told_from_who_looks_away() {
    let scored: Vec<(f64, bool)> = looks::look(Kind::Contact, 901, 0..40, None)
        .iter()
        .filter(|l| l.distance_mm < 1500.0 && (l.contact() || l.lens_deg > 10.0))
        .filter_map(|l| Some((Derived::RENDERED.probability(l.look.as_ref()?), l.contact())))
        .collect();
    assert!(scored.len() >= 12, "{} faces", scored.len());
    // 0.95 over eight hundred pictures.
    let auc = auc(&scored);
    assert!(auc > 0.85, "{auc:.3} of {} faces", scored.len());
}

#[test]
fn a_fit_finds_the_constants_that_labels_were_made_with() {
    // Looks on a grid; labels by a known model, drawn with its own probabilities.
    let truth = Derived {
        told_share: 0.7,
        ..Derived::RENDERED
    };
    let mut state = 12345u64;
    let mut unit = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let looks: Vec<(ContactLook, bool)> = (0..6000)
        .map(|_| {
            let mut angle = |most: f64| most * (2.0 * unit() - 1.0);
            let look = ContactLook {
                gaze_deg: [angle(25.0), angle(25.0)],
                head_deg: [angle(20.0), angle(15.0)],
                face_px: 80.0 + angle(1.0).abs() * 250.0,
                told_deg: Some([angle(8.0).abs(), angle(8.0).abs()]),
            };
            let contact = unit() < truth.probability(&look);
            (look, contact)
        })
        .collect();
    let (found, loss) = fit::fit(&looks);
    println!("{loss:.4} {found:?}");
    for (look, _) in looks.iter().step_by(50) {
        let (a, b) = (found.probability(look), truth.probability(look));
        assert!((a - b).abs() < 0.12, "{a:.2} {b:.2} {look:?}");
    }
    let scored: Vec<_> = looks
        .iter()
        .map(|(l, y)| (found.probability(l), *y))
        .collect();
    assert!(calibration_error(&scored) < 0.02);
    assert!(
        (found.told_share - truth.told_share).abs() < 0.25,
        "{found:?}"
    );
}
