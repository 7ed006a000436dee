//! Jitter against lag as one SVG that needs nothing else.

use std::fmt::Write;

use super::tuning::{Comparison, Row};

const PANEL: [f64; 2] = [400.0, 270.0];
/// Room about a panel's area: left, top, right, bottom.
const ROOM: [f64; 4] = [52.0, 34.0, 14.0, 44.0];
const HEAD: f64 = 52.0;
/// Ms, the axis across.
const LAG: [f64; 2] = [60.0, 260.0];
/// Degrees, the axis up, logarithmic.
const JITTER: [f64; 2] = [0.04, 2.0];
/// Okabe and Ito's, which people with any colour vision tell apart.
const COLOURS: [&str; 3] = ["#a8558a", "#0072b2", "#008260"];
const OURS: &str = "#c44e00";
const INK: &str = "#1d232c";
const DIM: &str = "#5a6473";

/// One panel for each comparison, two beside each other.
pub fn svg(comparisons: &[Comparison]) -> String {
    let lines = comparisons.len().div_ceil(2);
    let size = [2.0 * PANEL[0], HEAD + lines as f64 * PANEL[1]];
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" \
         font-family=\"system-ui,Segoe UI,Roboto,sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"22\" font-size=\"15\" font-weight=\"600\">Jitter against lag, \
         published at 60 Hz: lower left is better</text>",
        size[0], size[1],
    );
    legend(&mut out, comparisons);
    for (i, comparison) in comparisons.iter().enumerate() {
        let at = [(i % 2) as f64 * PANEL[0], HEAD + (i / 2) as f64 * PANEL[1]];
        panel(&mut out, comparison, at);
    }
    out.push_str("</svg>\n");
    out
}

fn legend(out: &mut String, comparisons: &[Comparison]) {
    let mut x = 16.0;
    let names = comparisons.iter().take(1).flat_map(|c| &c.fronts);
    for (k, (name, _)) in names.enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        let _ = writeln!(
            out,
            "<path d=\"M{x} 40h22\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <circle cx=\"{}\" cy=\"40\" r=\"3\" fill=\"{colour}\"/><text x=\"{}\" y=\"44\">{name}, tuned</text>",
            x + 11.0,
            x + 28.0,
        );
        x += 150.0;
    }
    let _ = writeln!(
        out,
        "<path d=\"M{0} 36l8 8m0 -8l-8 8\" stroke=\"{DIM}\" stroke-width=\"2\"/><text x=\"{1}\" y=\"44\">none</text>",
        x + 4.0,
        x + 18.0,
    );
    x += 80.0;
    let _ = writeln!(
        out,
        "<circle cx=\"{}\" cy=\"40\" r=\"6\" fill=\"{OURS}\"/><text x=\"{}\" y=\"44\" font-weight=\"600\">ours, the default</text>",
        x + 8.0,
        x + 20.0,
    );
}

fn panel(out: &mut String, comparison: &Comparison, at: [f64; 2]) {
    let area = [
        at[0] + ROOM[0],
        at[1] + ROOM[1],
        at[0] + PANEL[0] - ROOM[2],
        at[1] + PANEL[1] - ROOM[3],
    ];
    let x = |ms: f64| {
        let share = (ms.clamp(LAG[0], LAG[1]) - LAG[0]) / (LAG[1] - LAG[0]);
        area[0] + share * (area[2] - area[0])
    };
    let y = |deg: f64| {
        let log = |v: f64| libm::log(v.clamp(JITTER[0], JITTER[1]));
        let share = (log(deg) - log(JITTER[0])) / (log(JITTER[1]) - log(JITTER[0]));
        area[3] - share * (area[3] - area[1])
    };
    let setting = comparison.setting;
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" font-weight=\"600\">{} frames a second, {}</text>",
        area[0],
        at[1] + 20.0,
        setting.fps,
        match setting.noise {
            1.0 => "noise as measured".to_owned(),
            n => format!("{n} times the noise"),
        },
    );
    for deg in [0.05, 0.1, 0.2, 0.5, 1.0, 2.0] {
        let _ = writeln!(
            out,
            "<path d=\"M{} {:.1}H{}\" stroke=\"#dfe4ea\"/><text x=\"{}\" y=\"{:.1}\" fill=\"{DIM}\" text-anchor=\"end\">{deg}°</text>",
            area[0],
            y(deg),
            area[2],
            area[0] - 6.0,
            y(deg) + 4.0,
        );
    }
    for ms in [100.0, 150.0, 200.0, 250.0] {
        let _ = writeln!(
            out,
            "<path d=\"M{0:.1} {1}V{2}\" stroke=\"#dfe4ea\"/><text x=\"{0:.1}\" y=\"{3}\" fill=\"{DIM}\" text-anchor=\"middle\">{ms}</text>",
            x(ms),
            area[1],
            area[3],
            area[3] + 16.0,
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{}\" fill=\"{DIM}\" text-anchor=\"middle\">until 90 % of a saccade is shown, ms</text>\n\
         <text transform=\"translate({} {:.1}) rotate(-90)\" fill=\"{DIM}\" text-anchor=\"middle\">steps while fixating, RMS</text>",
        (area[0] + area[2]) / 2.0,
        area[3] + 33.0,
        at[0] + 13.0,
        (area[1] + area[3]) / 2.0,
    );
    for (k, (_, front)) in comparison.fronts.iter().enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        let shown: Vec<String> = front
            .iter()
            .filter(|[ms, deg]| *ms <= LAG[1] && (JITTER[0]..JITTER[1]).contains(deg))
            .map(|[ms, deg]| format!("{:.1} {:.1}", x(*ms), y(*deg)))
            .collect();
        let _ = writeln!(
            out,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>",
            shown.join("L"),
        );
        for point in &shown {
            let (cx, cy) = point.split_once(' ').unwrap_or_default();
            let _ = write!(
                out,
                "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"2.5\" fill=\"{colour}\"/>"
            );
        }
        out.push('\n');
    }
    let row = |name: &str| {
        comparison
            .rows
            .iter()
            .find(|r: &&Row| r.name.starts_with(name))
    };
    if let Some(none) = row("none") {
        let (cx, cy) = (x(none.measures.saccade_ms), y(none.measures.jitter_deg));
        let _ = writeln!(
            out,
            "<path d=\"M{:.1} {:.1}l8 8m0 -8l-8 8\" stroke=\"{DIM}\" stroke-width=\"2\"/>",
            cx - 4.0,
            cy - 4.0,
        );
    }
    if let Some(ours) = row("ours") {
        let (cx, cy) = (x(ours.measures.saccade_ms), y(ours.measures.jitter_deg));
        let _ = writeln!(
            out,
            "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"6\" fill=\"{OURS}\" stroke=\"#fff\" stroke-width=\"1.5\"/>",
        );
    }
}
