//! The coded pictures of the last seconds, in memory only.

use std::collections::VecDeque;

use crate::encode::Coded;

/// Coded pictures, oldest first, the first one always a key picture; bounded in time and bytes.
#[derive(Debug)]
pub struct PreRoll {
    pictures: VecDeque<Coded>,
    bytes: usize,
    most_bytes: usize,
    span_ns: u64,
}

impl PreRoll {
    /// Keeps at least `span_ns` before the last picture but one, where `most_bytes` allow it;
    /// never more than those. What begins a clip is that something has held for a time, and
    /// the newest picture, the first to show it, may be later than that by its distance.
    pub fn new(span_ns: u64, most_bytes: usize) -> Self {
        PreRoll {
            pictures: VecDeque::new(),
            bytes: 0,
            most_bytes,
            span_ns,
        }
    }

    /// Takes in the newest picture. One that nothing can be decoded before is passed over.
    pub fn push(&mut self, coded: Coded) {
        if self.pictures.is_empty() && !coded.key {
            return;
        }
        let last = self.pictures.back().map_or(0, |c| c.at_ns);
        let from = last.saturating_sub(self.span_ns);
        self.bytes += cost(&coded);
        self.pictures.push_back(coded);
        // A group of pictures goes as a whole: those after the first need it.
        while let Some(next) = self.second_key()
            && (self.pictures[next].at_ns <= from || self.bytes > self.most_bytes)
        {
            self.drop_first(next);
        }
        if self.bytes > self.most_bytes {
            self.clear();
        }
    }

    /// Whether the next picture must be a key picture to be of use.
    pub fn wants_key(&self) -> bool {
        self.pictures.is_empty()
    }

    /// The pictures of a clip that is to begin at `from_ns`: from the last key picture at or
    /// before that, or from the oldest there is. They stay here too.
    pub fn since(&self, from_ns: u64) -> impl Iterator<Item = &Coded> {
        let begins = |(_, c): &(usize, &Coded)| c.key && c.at_ns <= from_ns;
        let key = self.pictures.iter().enumerate().rfind(begins);
        let first = key.map_or(0, |(i, _)| i);
        self.pictures.range(first..)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.pictures.clear();
        self.bytes = 0;
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn second_key(&self) -> Option<usize> {
        self.pictures
            .iter()
            .skip(1)
            .position(|c| c.key)
            .map(|i| i + 1)
    }

    fn drop_first(&mut self, n: usize) {
        for coded in self.pictures.drain(..n) {
            self.bytes -= cost(&coded);
        }
    }
}

/// What a picture takes in memory.
fn cost(coded: &Coded) -> usize {
    coded.data.capacity() + size_of::<Coded>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coded(at_ns: u64, key: bool, bytes: usize) -> Coded {
        Coded {
            at_ns,
            key,
            data: vec![0; bytes],
        }
    }

    #[test]
    fn a_clip_begins_at_the_key_picture_before_its_time() {
        let mut ring = PreRoll::new(300, 1 << 20);
        for i in 0..100u64 {
            ring.push(coded(10 * i, i % 10 == 0, 100));
        }
        // The newest is of 990; 300 before it is 690, and the key picture before that 600.
        let first = |from| ring.since(from).next().unwrap().at_ns;
        assert_eq!(
            [first(0), first(699), first(700), first(709)],
            [600, 600, 700, 700]
        );
        assert_eq!(ring.since(850).count(), 20);
    }

    proptest! {
        #[test]
        fn never_too_many_bytes_and_always_decodable(
            fed in proptest::collection::vec((any::<bool>(), 0usize..4000, 1u64..50), 1..200),
            most in 1_000usize..20_000,
        ) {
            let mut ring = PreRoll::new(500, most);
            let mut at = 0;
            for (key, bytes, step) in fed {
                at += step;
                ring.push(coded(at, key, bytes));
                prop_assert!(ring.bytes() <= most);
                prop_assert_eq!(ring.bytes(), ring.pictures.iter().map(cost).sum::<usize>());
                prop_assert!(ring.since(0).next().is_none_or(|c| c.key));
                prop_assert!(ring.since(at).next().is_none_or(|c| c.key));
            }
        }
    }
}
