//! Huffman codes of a JPEG's scan (ITU-R T.81, F.2.2): tables, and the bits they are read from.

/// Bits that are looked up at once.
pub(super) const LOOK: u32 = 10;

/// A Huffman table.
pub(super) struct Table {
    /// By the next bits: length of the code in the low byte (0: longer), its symbol above.
    codes: [u16; 1 << LOOK],
    /// Of AC codes that fit with their value's bits: bits in all, run << 8, value << 16.
    pub values: [u32; 1 << LOOK],
    /// By length: the first code that is longer, left-aligned in 16 bits …
    beyond: [u32; 18],
    /// … and what leads from a code of this length to its symbol.
    offset: [i32; 17],
    symbols: [u8; 256],
}

impl Table {
    /// Of codes of each length and their symbols; `None` where no code can be so.
    pub fn new(counts: &[u8; 16], listed: &[u8]) -> Option<Table> {
        let mut t = Table {
            codes: [0; 1 << LOOK],
            values: [0; 1 << LOOK],
            beyond: [0; 18],
            offset: [0; 17],
            symbols: [0; 256],
        };
        t.symbols.get_mut(..listed.len())?.copy_from_slice(listed);
        let (mut code, mut at) = (0u32, 0usize);
        for length in 1..=16u32 {
            t.offset[length as usize] = at as i32 - code as i32;
            for _ in 0..counts[length as usize - 1] {
                if length <= LOOK {
                    let first = (code << (LOOK - length)) as usize;
                    let last = first + (1 << (LOOK - length));
                    let entry = u16::from(listed[at]) << 8 | length as u16;
                    t.codes.get_mut(first..last)?.fill(entry);
                }
                code += 1;
                at += 1;
            }
            // A code of ones alone is none (T.81, annex C).
            if code >= 1 << length {
                return None;
            }
            t.beyond[length as usize] = code << (16 - length);
            code <<= 1;
        }
        t.beyond[17] = u32::MAX;
        for (bits, (value, code)) in t.values.iter_mut().zip(&t.codes).enumerate() {
            let (length, symbol) = (u32::from(code & 0xFF), code >> 8);
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if length > 0 && size > 0 && length + size <= LOOK {
                let more = (bits as u32 >> (LOOK - length - size)) & ((1 << size) - 1);
                let v = extend(more, size);
                *value = (v as i16 as u16 as u32) << 16 | run << 8 | (length + size);
            }
        }
        Some(t)
    }
}

/// The signed value of so many bits (T.81, F.2.2.1).
#[inline(always)]
pub(super) fn extend(bits: u32, size: u32) -> i32 {
    let v = bits as i32;
    let low = (v < 1 << (size - 1)) as i32;
    v - low * ((1 << size) - 1)
}

/// The bits of a scan.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Where the next byte is, of those that were not taken yet.
    at: usize,
    /// Left-aligned, so many of them.
    held: u64,
    count: u32,
    /// Bytes made up behind a marker.
    made_up: u32,
}

impl<'a> Bits<'a> {
    /// From a place on.
    pub fn new(bytes: &'a [u8], at: usize) -> Bits<'a> {
        Bits {
            bytes,
            at,
            held: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// The marker behind the bits, where no more than a byte's rest is left of them; the next bits
    /// are those behind it. Fill bytes may stand before it (T.81, B.1.1.2).
    pub fn marker(&mut self) -> Option<u8> {
        let rest = self.count.checked_sub(8 * self.made_up)?;
        while let Some([0xFF, 0xFF]) = self.bytes.get(self.at..self.at + 2) {
            self.at += 1;
        }
        let marker = match self.bytes.get(self.at..self.at + 2)? {
            [0xFF, marker] if rest < 8 => *marker,
            _ => return None,
        };
        *self = Bits::new(self.bytes, self.at + 2);
        Some(marker)
    }

    /// Whether bits were taken that are not there.
    pub fn are_over(&self) -> bool {
        self.count < 8 * self.made_up
    }

    /// 32 bits and more are held after it; behind the last ones zeros are made up.
    #[inline(always)]
    pub fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(eight) = self.bytes.get(self.at..self.at + 8) {
            let next = u64::from_be_bytes(eight.try_into().expect("eight"));
            let ff = (!next).wrapping_sub(0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080;
            if ff == 0 {
                self.held |= next >> self.count;
                let bytes = (63 - self.count) / 8;
                self.at += bytes as usize;
                self.count += 8 * bytes;
                return;
            }
        }
        self.fill_slowly();
    }

    #[cold]
    #[inline(never)]
    fn fill_slowly(&mut self) {
        // What the quick way brought of a byte that is not counted.
        self.held &= !(u64::MAX.checked_shr(self.count).unwrap_or(0));
        while self.count <= 56 {
            let byte = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(0xFF), _) | (None, _) => {
                    self.made_up += 1;
                    0
                }
                (Some(b), _) => {
                    self.at += 1;
                    *b
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    #[inline(always)]
    pub fn peek(&self, n: u32) -> u32 {
        (self.held >> (64 - n)) as u32
    }

    #[inline(always)]
    pub fn drop(&mut self, n: u32) {
        self.held <<= n;
        self.count -= n;
    }

    #[inline(always)]
    pub fn symbol(&mut self, t: &Table) -> Option<u32> {
        let entry = t.codes[self.peek(LOOK) as usize];
        let length = u32::from(entry & 0xFF);
        if length > 0 {
            self.drop(length);
            return Some(u32::from(entry >> 8));
        }
        self.long_symbol(t)
    }

    #[cold]
    fn long_symbol(&mut self, t: &Table) -> Option<u32> {
        let next = self.peek(16);
        let length = (LOOK + 1..=16).find(|l| next < t.beyond[*l as usize])?;
        let code = (next >> (16 - length)) as i32;
        self.drop(length);
        let at = code + t.offset[length as usize];
        t.symbols
            .get(usize::try_from(at).ok()?)
            .map(|s| u32::from(*s))
    }
}
