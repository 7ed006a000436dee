//! Eye contact by head and eyes: fits the constants of `gaze::contact::Derived` to rendered people
//! and measures them on others.
//!
//! ```text
//! cargo run --release -p gaze-vision --example contact -- [PICTURES TO FIT] [UNSEEN] [SEED] [NETWORK.onnx] [SCENARIO] [LOOKS.jsonl]
//! ```
//! 1600 and 800 pictures, seed 501, if nothing is said; 0 to fit measures the built-in constants.
//! The unseen ones are of the scenario `contact` unless another is named (`gaze-locking`).
//! What was measured of each of them is written to a file if one is named, a line of JSON each: the
//! true angle beside the lens, the measured line of sight and head beside the line to the lens,
//! what the network expects to be off, the probability. `-` for the network is geometry alone.

mod fit;
mod looks;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use gaze::contact::Derived;
use gaze::contact::metrics::{auc, calibration_error};
use looks::Looked;
use render::scenario::Kind;
use vision::gaze_net::GazeNet;
use vision::{Runtime, SessionOptions};

fn main() {
    let network = std::env::args().nth(4).filter(|name| name != "-");
    let network = network.map(PathBuf::from);
    let kind = std::env::args().nth(5).map_or(Kind::Contact, |name| {
        name.parse().expect("a scenario: contact, gaze-locking")
    });
    let mut file = std::env::args()
        .nth(6)
        .map(|name| File::create(name).expect("a file that can be written"));
    let told: Vec<u64> = std::env::args()
        .skip(1)
        .take(3)
        .map(|a| a.parse().expect("numbers: PICTURES UNSEEN SEED NETWORK"))
        .collect();
    let number = |i: usize, or: u64| told.get(i).copied().unwrap_or(or);
    let (learn, unseen, seed) = (number(0, 1600), number(1, 800), number(2, 501));
    let mut model = built_in(network.as_deref());
    if learn > 0 {
        let seen: Vec<_> = looks::look(Kind::Contact, seed, 0..learn as usize, network.as_deref())
            .iter()
            .filter_map(|l| Some((l.look?, l.contact())))
            .collect();
        let (fitted, loss) = fit::fit(&seen);
        println!("{} of {learn} faces told; loss {loss:.4}", seen.len());
        println!("{fitted:#.3?}");
        println!("{}", serde_json::to_string(&fitted).expect("numbers"));
        model = fitted;
    }
    let others = looks::look(kind, seed + 400, 0..unseen as usize, network.as_deref());
    table(&model, &others);
    if let Some(file) = &mut file {
        for looked in &others {
            writeln!(file, "{}", line(&model, looked)).expect("room on the disk");
        }
    }
}

/// One look as a line of JSON.
fn line(model: &Derived, looked: &Looked) -> String {
    let mut fields = serde_json::json!({
        "lens_deg": looked.lens_deg,
        "distance_mm": looked.distance_mm,
        "glasses": looked.glasses,
        "brightness": looked.brightness,
    });
    if let Some(look) = &looked.look {
        fields["gaze_deg"] = look.gaze_deg.into();
        fields["head_deg"] = look.head_deg.into();
        fields["face_px"] = look.face_px.into();
        fields["told_deg"] = look
            .told_deg
            .map_or(serde_json::Value::Null, |t| t.to_vec().into());
        fields["contact"] = model.probability(look).into();
    }
    fields.to_string()
}

/// The constants in force: the network's own, or geometry's.
fn built_in(network: Option<&Path>) -> Derived {
    let own = network.and_then(|file| {
        let runtime = Runtime::load(None).expect("ONNX Runtime; make setup fetches it");
        let net = GazeNet::open(file, None, &runtime, &SessionOptions::default());
        net.expect("a gaze network").contract().contact
    });
    own.unwrap_or(Derived::RENDERED)
}

/// A line for each kind of face: how many, area under the ROC curve, calibration error.
fn table(model: &Derived, looks: &[Looked]) {
    println!(
        "{:40} {:>6} {:>6} {:>7} {:>7} {:>7} {:>7}",
        "", "faces", "told", "auc", "≥5°", "≥10°", "ece"
    );
    let line = |name: &str, which: &dyn Fn(&Looked) -> bool| {
        let all: Vec<&Looked> = looks.iter().filter(|l| which(l)).collect();
        let scored = |least_deg: f64| -> Vec<(f64, bool)> {
            all.iter()
                .filter(|l| l.contact() || l.lens_deg >= least_deg)
                .filter_map(|l| Some((model.probability(l.look.as_ref()?), l.contact())))
                .collect()
        };
        let told = scored(0.0);
        println!(
            "{name:40} {:6} {:6} {:7.3} {:7.3} {:7.3} {:7.3}",
            all.len(),
            told.len(),
            auc(&told),
            auc(&scored(5.0)),
            auc(&scored(10.0)),
            calibration_error(&told)
        );
    };
    let px = |l: &Looked| l.look.map_or(0.0, |k| k.face_px);
    let yaw = |l: &Looked| l.look.map_or(90.0, |k| k.head_deg[0].abs());
    let large = |l: &Looked| px(l) >= 80.0;
    line("all", &|_| true);
    line("80 pixels and more (the default)", &large);
    line("… within 2 m", &|l| large(l) && l.distance_mm < 2000.0);
    line("… within 1 m", &|l| large(l) && l.distance_mm < 1000.0);
    line("… low light (green < 60 about the eyes)", &|l| {
        large(l) && l.brightness < 60.0
    });
    line("… glasses", &|l| large(l) && l.glasses);
    for (low, high) in [(0.0, 10.0), (10.0, 20.0), (20.0, 60.0)] {
        let name = format!("… head turned {low:.0} to {high:.0}°");
        line(&name, &|l| large(l) && (low..high).contains(&yaw(l)));
    }
    for (low, high) in [
        (40.0, 60.0),
        (60.0, 80.0),
        (80.0, 120.0),
        (120.0, 200.0),
        (200.0, 400.0),
    ] {
        let name = format!("face {low:.0} to {high:.0} pixels");
        line(&name, &|l| (low..high).contains(&px(l)));
    }
}
