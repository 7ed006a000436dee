use super::page::{Page, Row, escape};
use super::plots::{Epoch, Series, Shares, in_square, learning, on_screen, over_bands};
use crate::baseline::metrics::AtTarget;

/// Every element is closed in its order, and nothing stands in it that XML forbids.
fn parses(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(!text.contains('>') && !text.chars().any(|c| c.is_control() && c != '\n'));
        let end = rest[at..].find('>').expect("a tag ends") + at;
        let tag = &rest[at + 1..end];
        assert!(
            !tag.contains('<') && tag.matches('"').count().is_multiple_of(2),
            "{tag}"
        );
        assert!(!tag.contains("NaN") && !tag.contains("inf"), "{tag}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split([' ', '\n']).next().unwrap_or_default()),
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "{open:?}");
}

const HOSTILE: &str = "</svg><script>\"&\u{0}\u{ffff}";

#[test]
fn plots_parse_whatever_they_show() {
    let odd = [0.0, -3.0, 1e300, f64::NAN, f64::INFINITY, 0.3];
    let places: Vec<AtTarget> = (0..60)
        .map(|k| AtTarget {
            target: [odd[k % 6], odd[(k / 6) % 6]],
            point: [odd[(k + 1) % 6], odd[(k + 2) % 6]],
            points: 1 + k % 3,
            mean_px: odd[k % 6],
        })
        .collect();
    for n in [0, 1, 20, 60] {
        for aspect in [16.0 / 9.0, 0.5, f64::NAN] {
            parses(&on_screen(&places[..n], aspect, n));
        }
    }
    let series = |n: usize| Series {
        name: HOSTILE.into(),
        values: (0..6).map(|k| (k != n).then_some(odd[k])).collect(),
    };
    let names: Vec<String> = (0..6).map(|k| format!("{HOSTILE} {k} to {k}")).collect();
    parses(&over_bands(&names, &[series(1), series(4)], "pixels"));
    parses(&over_bands(&[], &[], "pixels"));
    let shares = |n: usize| Shares {
        name: HOSTILE.into(),
        points: (0..n).map(|k| [odd[k % 6], odd[(k + 3) % 6]]).collect(),
        marked: n.is_multiple_of(2),
    };
    let axes = [HOSTILE, "share"];
    parses(&in_square(&[shares(6), shares(1), shares(0)], axes));
    let epoch = |epoch: usize| Epoch {
        epoch,
        train_loss: odd[epoch % 6],
        val_loss: (epoch % 2 == 1).then_some(odd[(epoch + 1) % 6]),
        val_px: (epoch > 3).then_some(400.0 / epoch as f64),
        val_deg: (epoch > 4).then_some(9.0 / epoch as f64),
    };
    for epochs in [0, 1, 2, 40] {
        let epochs: Vec<Epoch> = (0..epochs).map(epoch).collect();
        learning(&epochs, Some([11.0, 640.0]))
            .iter()
            .for_each(|(_, svg)| parses(svg));
    }
}

#[test]
fn a_rule_is_a_round_number_above_everything() {
    let series = |v: f64| Series {
        name: "a".into(),
        values: vec![Some(v)],
    };
    for (value, top) in [
        (629.0, "800"),
        (0.034, "0.04"),
        (9.5, "10"),
        (1000.0, "1000"),
    ] {
        let svg = over_bands(&["x".into()], &[series(value)], "px");
        assert!(svg.contains(&format!(">{top}</text>")), "{value}: {svg}");
    }
}

#[test]
fn names_do_no_harm_to_the_page() {
    let mut page = Page::new(HOSTILE);
    page.words(HOSTILE);
    let row = Row {
        cells: vec![HOSTILE.into(), "1".into()],
        best: true,
    };
    page.table(1, &[HOSTILE, "n"], &[row]);
    page.figures(&[(HOSTILE.into(), "<svg></svg>".into())]);
    let text = page.finish();
    assert!(!text.contains("<script") && text.matches("</svg>").count() == 1);
    assert_eq!(escape("a<b>\u{7}"), "a&lt;b&gt; ");
}
