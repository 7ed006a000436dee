//! Huffman codes of a JPEG's scan (ITU-R T.81, F.2.2): tables, and the bits they are read from.

/// Bits that are looked up at once.
pub(super) const LOOK: u32 = 10;
/// The run of the code that ends a block: behind all that can be in one.
pub(super) const END: u32 = 128;

/// A coefficient's code: bits of it and its value in the low byte (0: they are more than are
/// looked up), zeros before it in the next, the value above.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry(u32);

impl Entry {
    fn of(bits: u32, run: u32, value: i32) -> Entry {
        Entry((value as i16 as u16 as u32) << 16 | run << 8 | bits)
    }

    #[inline(always)]
    pub fn bits(self) -> u32 {
        self.0 & 0xFF
    }

    #[inline(always)]
    pub fn run(self) -> u32 {
        self.0 >> 8 & 0xFF
    }

    #[inline(always)]
    pub fn value(self) -> i32 {
        self.0 as i32 >> 16
    }
}

/// A Huffman table.
pub(super) struct Table {
    /// By the next bits.
    entries: [Entry; 1 << LOOK],
    /// By length: the first code that is longer, left-aligned in 16 bits …
    beyond: [u32; 17],
    /// … and what leads from a code of this length to its symbol.
    offset: [i32; 17],
    counts: [u8; 16],
    symbols: [u8; 256],
    /// Of DC.
    first: bool,
}

impl Table {
    /// Of no codes.
    pub fn new(first: bool) -> Table {
        Table {
            entries: [Entry::default(); 1 << LOOK],
            beyond: [0; 17],
            offset: [0; 17],
            counts: [0; 16],
            symbols: [0; 256],
            first,
        }
    }

    /// Becomes that of codes of each length and their symbols; `None` where no code can be so.
    /// Cameras send the same ones with every picture: there is nothing to do then.
    pub fn become_of(&mut self, counts: &[u8; 16], listed: &[u8]) -> Option<()> {
        if !listed.is_empty() && self.counts == *counts && self.symbols.starts_with(listed) {
            return Some(());
        }
        self.counts = [0; 16];
        self.entries.fill(Entry::default());
        self.symbols
            .get_mut(..listed.len())?
            .copy_from_slice(listed);
        let (mut code, mut at) = (0u32, 0usize);
        for length in 1..=16u32 {
            self.offset[length as usize] = at as i32 - code as i32;
            for _ in 0..counts[length as usize - 1] {
                if length <= LOOK {
                    let first = (code << (LOOK - length)) as usize;
                    let last = first + (1 << (LOOK - length));
                    let (symbol, dc) = (u32::from(listed[at]), self.first);
                    for (i, entry) in self.entries.get_mut(first..last)?.iter_mut().enumerate() {
                        *entry = entry_of(symbol, dc, length, i as u32);
                    }
                }
                code += 1;
                at += 1;
            }
            // A code of ones alone is none (T.81, annex C).
            if code >= 1 << length {
                return None;
            }
            self.beyond[length as usize] = code << (16 - length);
            code <<= 1;
        }
        self.counts = *counts;
        Some(())
    }

    #[inline(always)]
    pub fn entry(&self, bits: &Bits) -> Entry {
        self.entries[bits.peek(LOOK) as usize]
    }
}

/// What is looked up where bits behind a code are these.
fn entry_of(symbol: u32, first: bool, length: u32, behind: u32) -> Entry {
    match meaning(symbol, first) {
        Some((run, size)) if length + size > LOOK => Entry::of(0, run, (length << 8 | size) as i32),
        Some((run, size)) => {
            let value = behind >> (LOOK - length - size) & ((1 << size) - 1);
            Entry::of(length + size, run, extend(value, size))
        }
        None => Entry::default(),
    }
}

/// Zeros before a coefficient, and its bits.
fn meaning(symbol: u32, first: bool) -> Option<(u32, u32)> {
    match (symbol >> 4, symbol & 15) {
        _ if first => (symbol <= 11).then_some((0, symbol)),
        (0..15, 0) => Some((END, 0)),
        both => Some(both),
    }
}

/// The signed value of so many bits (T.81, F.2.2.1).
fn extend(bits: u32, size: u32) -> i32 {
    match bits as i32 {
        v if size > 0 && v < 1 << (size - 1) => v - ((1 << size) - 1),
        v => v,
    }
}

/// The bits of a scan. What is seldom takes and gives it whole, so that it can stay in registers.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    /// Bytes that were not taken yet.
    rest: &'a [u8],
    /// Left-aligned, so many of them.
    held: u64,
    count: u32,
    /// Bytes made up behind a marker.
    made_up: u32,
}

impl<'a> Bits<'a> {
    /// Of these bytes.
    pub fn new(rest: &'a [u8]) -> Bits<'a> {
        Bits {
            rest,
            held: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// The marker behind the bits, where no more than a byte's rest is left of them, and the bits
    /// behind it. Fill bytes may stand before it (T.81, B.1.1.2).
    pub fn marker(self) -> Option<(Bits<'a>, u8)> {
        let mut rest = self.rest;
        while let [0xFF, 0xFF, ..] = rest {
            rest = &rest[1..];
        }
        match rest {
            [0xFF, marker, behind @ ..] if self.count.checked_sub(8 * self.made_up)? < 8 => {
                Some((Bits::new(behind), *marker))
            }
            _ => None,
        }
    }

    /// Whether bits were taken that are not there.
    #[inline(always)]
    pub fn are_over(&self) -> bool {
        self.count < 8 * self.made_up
    }

    /// Whether nothing comes behind them but the end of the picture.
    pub fn are_last(&self) -> bool {
        let mut rest = self.rest;
        while let [0xFF, 0xFF, ..] = rest {
            rest = &rest[1..];
        }
        matches!(rest, [] | [0xFF] | [0xFF, 0xD9, ..])
    }

    /// 56 bits and more are held after it; behind the last ones zeros are made up.
    #[inline(always)]
    pub fn fill(&mut self) {
        if let Some(eight) = self.rest.first_chunk() {
            let next = u64::from_be_bytes(*eight);
            let ff = (!next).wrapping_sub(0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080;
            if ff == 0 {
                self.held |= next >> self.count;
                self.rest = &self.rest[((63 - self.count) as usize / 8) & 7..];
                self.count |= 56;
                return;
            }
        }
        *self = self.filled_slowly();
    }

    #[cold]
    #[inline(never)]
    fn filled_slowly(mut self) -> Bits<'a> {
        // What the quick way brought of a byte that is not counted.
        self.held &= !(u64::MAX.checked_shr(self.count).unwrap_or(0));
        while self.count < 56 {
            let (byte, rest) = match self.rest {
                [0xFF, 0, rest @ ..] => (0xFF, rest),
                [0xFF, ..] | [] => {
                    self.made_up += 1;
                    (0, self.rest)
                }
                [byte, rest @ ..] => (*byte, rest),
            };
            self.rest = rest;
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        self
    }

    #[inline(always)]
    fn peek(&self, n: u32) -> u32 {
        (self.held >> (64 - n)) as u32
    }

    #[inline(always)]
    pub fn drop(&mut self, n: u32) {
        self.held <<= n;
        self.count -= n;
    }

    /// Zeros before a coefficient and its value, where they are more bits than are looked up. As
    /// many bits are held after it as after [`Bits::fill`].
    #[inline(always)]
    pub fn long(&mut self, entry: Entry, t: &Table) -> Option<(u32, i32)> {
        self.fill();
        let (length, run, size) = match entry.value() as u32 {
            0 => self.long_code(t)?,
            both => (both >> 8, entry.run(), both & 0xFF),
        };
        self.drop(length);
        let value = (self.held >> 32 >> (32 - size)) as u32;
        self.drop(size);
        self.fill();
        Some((run, extend(value, size)))
    }

    /// How long a code is that is longer than what is looked up, and its meaning.
    #[cold]
    #[inline(never)]
    fn long_code(self, t: &Table) -> Option<(u32, u32, u32)> {
        let next = self.peek(16);
        // A short code of no meaning is none.
        if next < t.beyond[LOOK as usize] {
            return None;
        }
        let length = (LOOK + 1..=16).find(|l| next < t.beyond[*l as usize])?;
        let code = (next >> (16 - length)) as i32;
        let at = usize::try_from(code + t.offset[length as usize]).ok()?;
        let (run, size) = meaning(u32::from(*t.symbols.get(at)?), t.first)?;
        Some((length, run, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_code_of_no_meaning_is_refused_and_not_taken_for_a_long_one() {
        // Of DC: 0 and 10 are good, 110 says more bits than a difference may have, and of eleven bits
        // there is one more.
        let mut counts = [0u8; 16];
        (counts[0], counts[1], counts[2], counts[10]) = (1, 1, 1, 1);
        let mut table = Table::new(true);
        table.become_of(&counts, &[2, 3, 12, 4]).unwrap();
        let long = |bytes: &[u8]| {
            let mut bits = Bits::new(bytes);
            bits.fill();
            let entry = table.entry(&bits);
            assert_eq!(entry.bits(), 0, "{bytes:x?}");
            bits.long(entry, &table)
        };
        assert_eq!(long(&[0b1100_0000, 0, 0, 0]), None);
        // 11100000000, and its four bits 1001.
        assert_eq!(long(&[0b1110_0000, 0b0001_0010, 0, 0]), Some((0, 9)));
        assert_eq!(long(&[0b1111_1111, 0, 0b1111_1111, 0]), None);
    }
}
