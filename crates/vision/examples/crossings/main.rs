//! Do people keep their ids while they cross? Rendered crowds, whose truth is exact.
//!
//! ```text
//! cargo run --release -p gaze-vision --example crossings -- [FILMS] [SEED] [WIDTH] [HEIGHT]
//! ```
//! Ten seconds of 30 pictures each; 12 films of 1280 × 720 if nothing is said.

mod films;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn main() {
    let told: Vec<u64> = std::env::args()
        .skip(1)
        .map(|a| a.parse().expect("numbers: FILMS SEED WIDTH HEIGHT"))
        .collect();
    let number = |i: usize, or: u64| told.get(i).copied().unwrap_or(or);
    let (count, seed) = (number(0, 12) as usize, number(1, 71));
    let size = (number(2, 1280) as u32, number(3, 720) as u32);
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "film  people  frames  returns  swaps  renamed  later  nobody  listed  oldest ms  ids"
    );
    let all: Vec<films::Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores.min(count))
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let film = next.fetch_add(1, Relaxed);
                        if film >= count {
                            return mine;
                        }
                        let o = films::run(seed, film, size, 0..300);
                        println!(
                            "{film:4} {:7} {:7} {:8} {:6} {:8} {:6} {:7} {:6.1}% {:10} {:?}",
                            o.people,
                            o.frames,
                            o.returns,
                            o.swaps,
                            o.renamed,
                            o.renamed_later,
                            o.nobody,
                            100.0 * o.listed,
                            o.oldest_ns / 1_000_000,
                            o.ids
                        );
                        mine.push(o);
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().expect("no film panics"))
            .collect()
    });
    let sum = |of: fn(&films::Outcome) -> usize| all.iter().map(of).sum::<usize>();
    println!(
        "{} films, {} people: {} returns, {} swaps, {} renamed within a second, {} later",
        all.len(),
        sum(|o| o.people),
        sum(|o| o.returns),
        sum(|o| o.swaps),
        sum(|o| o.renamed),
        sum(|o| o.renamed_later)
    );
}
