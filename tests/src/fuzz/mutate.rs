//! Inputs that are nearly sound: seeds with a few things wrong.

use serde_json::{Value, json};

/// Numbers that follow from a seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next one.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `end`; 0 of nothing.
    pub fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            _ => (self.roll() % end as u64) as usize,
        }
    }

    /// Small more often than large, below two to this power.
    fn small(&mut self, power: usize) -> usize {
        let bits = self.below(power);
        self.below(1 << bits)
    }

    /// One in so many times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// Sizes and counts at which arithmetic goes wrong.
const EDGES: [u64; 16] = [
    0,
    1,
    2,
    7,
    8,
    127,
    128,
    255,
    256,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    u64::MAX,
];

/// No input grows beyond this.
const LONGEST: usize = 256 * 1024;

/// A seed of `corpus` with one to eight things done to its bytes.
pub fn bytes(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut out = corpus[dice.below(corpus.len())].clone();
    // Most faults are alone.
    let times = if dice.one_in(3) { 1 + dice.below(8) } else { 1 };
    for _ in 0..times {
        let at = dice.below(out.len());
        let length = 1 + dice.small(9);
        let end = (at + length).min(out.len());
        match dice.below(11) {
            0 if at < out.len() => out[at] ^= 1 << dice.below(8),
            1 if at < out.len() => out[at] = dice.roll() as u8,
            2..=4 => {
                // A number of 1, 2, 4 or 8 bytes, either end first.
                let value = EDGES[dice.below(EDGES.len())].wrapping_sub(dice.below(2) as u64);
                let width = 1 << dice.below(4);
                let mut number = value.to_le_bytes()[..width].to_vec();
                if dice.one_in(2) {
                    number.reverse();
                }
                if let Some(place) = out.get_mut(at..at + width) {
                    place.copy_from_slice(&number);
                }
            }
            5 => drop(out.drain(at..end)),
            6 => {
                let again = out[at..end].repeat(1 + dice.below(3));
                out.splice(at..at, again);
            }
            7 => out.truncate(at),
            8 => {
                // The rest is another seed's.
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len());
                out.truncate(at);
                out.extend_from_slice(&other[from..]);
            }
            9 => {
                let more = (0..length).map(|_| dice.roll() as u8);
                let more: Vec<u8> = more.collect();
                out.splice(at..at, more);
            }
            _ => {
                // One part changes places with another.
                let part: Vec<u8> = out.drain(at..end).collect();
                let to = dice.below(out.len() + 1);
                out.splice(to..to, part);
            }
        }
    }
    out.truncate(LONGEST);
    out
}

/// A JSON seed with values that do not belong, whole more often than not.
pub fn json(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let seed = &corpus[dice.below(corpus.len())];
    let Ok(mut value) = serde_json::from_slice::<Value>(seed) else {
        return bytes(dice, corpus);
    };
    for _ in 0..1 + dice.below(3) {
        let depth = 1 + dice.below(5);
        change(dice, &mut value, depth);
    }
    let text = match dice.one_in(2) {
        true => serde_json::to_vec(&value),
        false => serde_json::to_vec_pretty(&value),
    };
    let text = text.unwrap_or_default();
    if dice.one_in(5) {
        return bytes(dice, &[text]);
    }
    text
}

/// Changes something at most so deep.
fn change(dice: &mut Dice, value: &mut Value, depth: usize) {
    if depth > 0 {
        match value {
            Value::Array(items) if !items.is_empty() => {
                let at = dice.below(items.len());
                match dice.below(8) {
                    0 => drop(items.remove(at)),
                    1 => {
                        let again = items[at].clone();
                        let times = 1 << dice.below(9);
                        items.splice(at..at, std::iter::repeat_n(again, times));
                    }
                    _ => change(dice, &mut items[at], depth - 1),
                }
                return;
            }
            Value::Object(fields) if !fields.is_empty() => {
                let at = dice.below(fields.len());
                let Some(key) = fields.keys().nth(at).cloned() else {
                    return;
                };
                match dice.below(8) {
                    0 => drop(fields.remove(&key)),
                    1 => drop(fields.insert(format!("{key}x"), odd(dice))),
                    _ => {
                        if let Some(inner) = fields.get_mut(&key) {
                            change(dice, inner, depth - 1);
                        }
                    }
                }
                return;
            }
            _ => {}
        }
    }
    *value = match (value.as_f64(), dice.below(4)) {
        (Some(number), 0) => json!(-number),
        (Some(number), 1) => json!(number * 1e9),
        (Some(number), 2) => json!(number * 1e-9),
        _ => odd(dice),
    };
}

/// What nobody expects.
fn odd(dice: &mut Dice) -> Value {
    match dice.below(16) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(1e308),
        5 => json!(-1e308),
        6 => json!(5e-324),
        7 => json!(u64::MAX),
        8 => json!(i64::MIN),
        9 => json!(""),
        10 => json!("\u{0}\n/../\u{202e}é"),
        11 => json!("long ".repeat(1 << dice.below(12))),
        12 => json!([]),
        13 => json!({}),
        14 => (0..1 << dice.below(7)).fold(json!([1]), |inner, _| json!([inner])),
        _ => json!([1e308, -1e308, 0.0]),
    }
}
