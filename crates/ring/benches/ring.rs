//! What the shared memory costs, beside a plain copy of the same bytes in the
//! same run. `cargo bench -p gaze-ring --bench ring`
//!
//! Times are medians of batches, so that a batch in which the thread lost its
//! processor does not count. Nothing here can fail: numbers are for reading.

use ring::layout::Sample;
use ring::{Next, Reader, Woke, Writer, WriterConfig, clock};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const BATCH: u64 = 2_000;
const BATCHES: usize = 400;

fn main() {
    let name = format!("/gaze-bench-{}", std::process::id());
    let mut writer = Writer::create(&name, &WriterConfig::default()).expect("nobody else");
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{processors} processors; a sample is {} bytes",
        size_of::<Sample>()
    );

    let mut sample = Sample {
        x: 0.5,
        y: 0.5,
        ..Sample::default()
    };
    let now = clock::now_ns();
    let copy_out = copy_into_ring(&sample);
    let copy_in = copy_to_one(&sample);
    println!("plain copy into 512 places      {copy_out:7.2} ns");
    println!("plain copy out of one place     {copy_in:7.2} ns");

    let publish = median(|| writer.publish_at(black_box(&mut sample), now));
    report("publish, alone", publish, copy_out, 4.0);
    let with_clock = median(|| writer.publish(black_box(&mut sample)));
    println!("  with reading the clock        {with_clock:7.2} ns");
    let reader = Reader::open(&name).expect("it is there");
    let mut into = Sample::default();
    let latest = median(|| {
        reader.latest_into(&mut into);
        black_box(&into).index
    });
    let by_value = median(|| reader.latest());
    println!("read latest, returned by value  {by_value:7.2} ns");
    report("read latest, alone", latest, copy_in, 3.0);

    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let reader = Reader::open(&name).expect("it is there");
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    black_box(reader.latest());
                }
            });
        }
        let publish = median(|| writer.publish_at(black_box(&mut sample), now));
        report("publish, four spinning readers", publish, copy_out, 8.0);
        let latest = median(|| {
            reader.latest_into(&mut into);
            black_box(&into).index
        });
        report("read latest, four spinning", latest, copy_in, 8.0);
        stop.store(true, Ordering::Relaxed);
    });

    match c_reader(&name) {
        Ok(ns) => report("C reader in its own process", ns, latest, 1.5),
        Err(why) => println!("C reader: not measured ({why})"),
    }
    wake(&mut writer, &name);
    writer.unlink();
}

fn report(what: &str, ns: f64, base: f64, target: f64) {
    let ratio = ns / base;
    let verdict = if ratio <= target { "" } else { "  ABOVE" };
    println!("{what:<31} {ns:7.2} ns  {ratio:5.2}x (target {target}x){verdict}");
}

/// Median time of one call, ns.
fn median<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut batches = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let start = clock::now_ns();
        for _ in 0..BATCH {
            black_box(call());
        }
        batches.push((clock::now_ns() - start) as f64 / BATCH as f64);
    }
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

/// The same bytes into as many places as the ring has.
fn copy_into_ring(sample: &Sample) -> f64 {
    let mut places = vec![[*sample; 1]; 512];
    let mut at = 0;
    median(|| {
        places[at % 512][0] = *black_box(sample);
        black_box(&mut places[at % 512]);
        at += 1;
    })
}

/// The same bytes out of one place.
fn copy_to_one(sample: &Sample) -> f64 {
    median(|| *black_box(sample))
}

/// The C reader's own measurement of the same reading.
fn c_reader(name: &str) -> Result<f64, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = std::env::temp_dir().join(format!("gaze-bench-{}", std::process::id()));
    let built = Command::new("cc")
        .args(["-std=c11", "-O3", "-I"])
        .arg(root.join("include"))
        .arg(root.join("tests/c/probe.c"))
        .arg("-o")
        .arg(&program)
        .status();
    if !built.as_ref().is_ok_and(std::process::ExitStatus::success) {
        return Err(format!("cc: {built:?}"));
    }
    let child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|e| e.to_string())?;
    let mut stdin = child.stdin.take().expect("piped");
    write!(stdin, "open {name}\nspeed\n").map_err(|e| e.to_string())?;
    drop(stdin);
    let answer = BufReader::new(child.stdout.take().expect("piped"))
        .lines()
        .nth(1);
    let _ = child.wait();
    let _ = std::fs::remove_file(&program);
    let answer = answer.and_then(Result::ok).unwrap_or_default();
    let ns = answer.split(' ').nth(1).and_then(|ns| ns.parse().ok());
    ns.ok_or_else(|| format!("it said {answer:?}"))
}

/// From the store to a reader that slept, and the writer's own call.
fn wake(writer: &mut Writer, name: &str) {
    const ROUNDS: usize = 2_000;
    let mut reader = Reader::open(name).expect("it is there");
    while let Next::Sample { .. } = reader.next() {}
    let mut calls = Vec::with_capacity(ROUNDS);
    let mut delays = std::thread::scope(|scope| {
        let sleeper = scope.spawn(move || {
            let mut delays = Vec::with_capacity(ROUNDS);
            while delays.len() < ROUNDS && reader.wait(Duration::from_secs(2)) == Woke::Sample {
                let woken = clock::now_ns();
                while let Next::Sample { sample, .. } = reader.next() {
                    delays.push(woken.saturating_sub(sample.published_ns) as f64 / 1e3);
                }
            }
            delays
        });
        for _ in 0..ROUNDS {
            std::thread::sleep(Duration::from_millis(1));
            writer.publish(&mut Sample::default());
            let start = clock::now_ns();
            writer.wake();
            calls.push((clock::now_ns() - start) as f64 / 1e3);
        }
        sleeper.join().expect("the sleeper")
    });
    for (what, times) in [
        ("store to woken reader", &mut delays),
        ("the wake call", &mut calls),
    ] {
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        println!(
            "{what:<31} median {:.1} us, p99 {:.1} us ({} times; target p99 50 us to the reader)",
            at(0.5),
            at(0.99),
            times.len()
        );
    }
}
