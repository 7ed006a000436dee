//! What is done with CoreML, without one: sessions that stand for its and the processor's.

use std::cell::Cell;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::*;
use crate::models::ModelError;
use crate::session::{BoundSession, Computes};

/// Answers with what it was given, times a factor; fails when it is told to.
struct Stand {
    input: Vec<f32>,
    output: Vec<f32>,
    factor: f32,
    fails: Arc<AtomicBool>,
}

fn stand(factor: f32) -> (Box<dyn Compute>, Arc<AtomicBool>) {
    let fails = Arc::<AtomicBool>::default();
    let stand = Stand {
        input: vec![0.0; 3],
        output: vec![0.0; 3],
        factor,
        fails: fails.clone(),
    };
    (Box::new(stand), fails)
}

impl Compute for Stand {
    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self) -> usize {
        1
    }

    fn input(&mut self, _: usize) -> &mut [f32] {
        &mut self.input
    }

    fn output(&self, _: usize) -> &[f32] {
        &self.output
    }

    fn run(&mut self) -> Result<(), ModelError> {
        if self.fails.load(Relaxed) {
            return Err(ModelError::DoesNotRun {
                network: "net.onnx".into(),
                reason: "E5RT: the engine\nwent away".into(),
            });
        }
        for (to, from) in self.output.iter_mut().zip(&self.input) {
            *to = from * self.factor;
        }
        Ok(())
    }
}

/// A cache folder, and what was told.
struct Scene {
    folder: tempfile::TempDir,
    coreml: CoreMl,
    told: Arc<Mutex<Vec<String>>>,
    network: Network,
    made: Cell<usize>,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let told = Arc::<Mutex<Vec<String>>>::default();
        let hear = told.clone();
        Scene {
            coreml: CoreMl {
                cache: folder.path().join("coreml"),
                units: ComputeUnits::All,
                tell: Tell::whom(move |news| {
                    let turn = match &news.turn {
                        Turn::Runs(Some(_)) => "compiled".to_owned(),
                        Turn::Runs(None) => "runs".to_owned(),
                        other => format!("{other:?}"),
                    };
                    hear.lock().unwrap().push(turn);
                }),
            },
            folder,
            told,
            network: Network {
                name: "net.onnx".into(),
                kind: "test".into(),
                bytes: vec![0x3a, 0], // an empty graph
                sha256: [0; 32],
            },
            made: Cell::new(0),
        }
    }

    /// With a CoreML whose answers are the processor's times `factor`, and which compiles, or not.
    fn beside(&self, factor: f32, compiles: bool, compiler: &str) -> Result<(), String> {
        let standing = Arc::new(Standing::new(&self.network));
        let (mut on_cpu, _) = stand(1.0);
        let made = beside(
            &mut *on_cpu,
            (&self.coreml, &standing),
            &self.network,
            (&[("x", &[3])], &[Measure::Numbers]),
            compiler,
            |asked| {
                self.made.set(self.made.get() + 1);
                if compiles {
                    fs::write(asked.folder.join("compiled"), "").unwrap();
                }
                Ok(stand(factor).0)
            },
        );
        made.map(drop)
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    /// Folders of compiled networks.
    fn kept(&self) -> usize {
        let all = fs::read_dir(self.folder.path().join("coreml")).unwrap();
        all.filter(|e| e.as_ref().unwrap().path().is_dir()).count()
    }
}

#[test]
fn a_network_is_compiled_once_for_each_who_compiles() {
    let scene = Scene::new();
    for (compiler, told) in [
        ("ORT 1", &["Compiling", "compiled"][..]),
        ("ORT 1", &["runs"]),
        ("ORT 2", &["Compiling", "compiled"]),
        ("ORT 1", &["runs"]),
    ] {
        assert_eq!(scene.beside(1.0, true, compiler), Ok(()));
        assert_eq!(scene.told(), told, "{compiler}");
    }
    assert_eq!((scene.kept(), scene.made.get()), (2, 4));
}

#[test]
fn what_answers_otherwise_or_takes_nothing_is_refused_and_not_kept() {
    let scene = Scene::new();
    let line = scene.beside(1.02, true, "ORT").unwrap_err();
    assert!(
        line.starts_with("its answers differ from the processor's by 0.0"),
        "{line}"
    );
    assert!(
        scene
            .beside(f32::NAN, true, "ORT")
            .unwrap_err()
            .contains("NaN")
    );
    let line = scene.beside(1.0, false, "ORT").unwrap_err();
    assert_eq!(line, "CoreML takes no part of it");
    assert_eq!(scene.kept(), 0);
    // Within the tolerance, and tried anew: what was refused is not taken for compiled.
    scene.told();
    assert_eq!(scene.beside(1.005, true, "ORT"), Ok(()));
    assert_eq!(scene.told(), ["Compiling", "compiled"]);
}

#[test]
fn what_cannot_be_made_is_refused_in_one_line() {
    let scene = Scene::new();
    let standing = Arc::new(Standing::new(&scene.network));
    let (mut on_cpu, _) = stand(1.0);
    let ports: (&[Port], &[Measure]) = (&[("x", &[3])], &[Measure::Numbers]);
    let given = (&scene.coreml, &standing);
    let made = beside(&mut *on_cpu, given, &scene.network, ports, "ORT", |asked| {
        fs::write(asked.folder.join("half"), "").unwrap();
        Err("model compilation\n  failed".into())
    });
    assert_eq!(made.err().unwrap(), "model compilation failed");
    assert_eq!(scene.kept(), 0);
}

/// A session on both, what makes either fail, and how it stands.
fn on_both() -> (BoundSession, [Arc<AtomicBool>; 2], Arc<Standing>) {
    let standing = Arc::new(Standing::new(&Scene::new().network));
    let (on_cpu, cpu_fails) = stand(1.0);
    let (coreml, coreml_fails) = stand(2.0); // so that its answers are told apart
    let session = BoundSession::with_coreml(on_cpu, Ok(coreml), standing.clone());
    (session, [cpu_fails, coreml_fails], standing)
}

fn answer(session: &mut BoundSession, x: f32) -> Result<f32, ModelError> {
    session.input(0).fill(x);
    session.run().map(|()| session.output(0)[2])
}

#[test]
fn where_coreml_fails_the_processor_takes_over_within_the_run_and_for_good() {
    let (mut session, [cpu_fails, coreml_fails], standing) = on_both();
    assert_eq!(answer(&mut session, 3.0).unwrap(), 6.0);
    assert_eq!(
        (session.computes(), standing.why_not()),
        (Computes::CoreMl, None)
    );
    coreml_fails.store(true, Relaxed);
    assert_eq!(
        answer(&mut session, 4.0).unwrap(),
        4.0,
        "the frame is not lost"
    );
    let why = "CoreML failed: E5RT: the engine went away";
    assert_eq!(standing.why_not(), Some(why));
    assert_eq!(session.computes(), Computes::CpuInstead(why.into()));
    // It does not come back, as what fails now and then would cost a run each time.
    coreml_fails.store(false, Relaxed);
    assert_eq!(answer(&mut session, 5.0).unwrap(), 5.0);
    cpu_fails.store(true, Relaxed);
    assert!(answer(&mut session, 5.0).is_err());
    assert_eq!(standing.why_not(), Some(why), "the first reason stays");
}

#[test]
fn what_neither_computes_is_not_held_against_coreml() {
    let (mut session, fails, standing) = on_both();
    fails.iter().for_each(|f| f.store(true, Relaxed));
    assert!(answer(&mut session, 1.0).is_err());
    assert_eq!(standing.why_not(), None);
    fails.iter().for_each(|f| f.store(false, Relaxed));
    assert_eq!(
        answer(&mut session, 1.0).unwrap(),
        2.0,
        "CoreML still computes"
    );
}

#[test]
fn how_it_stands_goes_with_the_network() {
    let (session, _, standing) = on_both();
    let weak = Arc::downgrade(&standing);
    drop(standing);
    assert!(weak.upgrade().is_some());
    drop(session);
    assert!(weak.upgrade().is_none());
}
