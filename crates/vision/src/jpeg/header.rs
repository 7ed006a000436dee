//! What a common JPEG says before its scan (ITU-R T.81, annex B).

use super::cosine::scaled;
use super::huffman::Table;
use super::implied::IMPLIED;
use crate::frame::MAX_SIDE;

/// Natural order of the zigzag's places, transposed: what is decoded lies column after column.
const PLACES: [u8; 64] = transposed_zigzag();

const fn transposed_zigzag() -> [u8; 64] {
    let mut places = [0; 64];
    let (mut x, mut y, mut k) = (0usize, 0usize, 0);
    while k < 64 {
        places[k] = (x * 8 + y) as u8;
        // Along a diagonal, up and right or down and left.
        if (x + y).is_multiple_of(2) {
            if x == 7 {
                y += 1;
            } else if y == 0 {
                x += 1;
            } else {
                x += 1;
                y -= 1;
            }
        } else if y == 7 {
            x += 1;
        } else if x == 0 {
            y += 1;
        } else {
            x -= 1;
            y += 1;
        }
        k += 1;
    }
    places
}

/// What a coefficient is multiplied with, [`scaled`], and where it is put.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub quantum: f32,
    pub place: u32,
}

/// A plane of the file.
#[derive(Clone, Copy, Default)]
pub(super) struct Component {
    id: u8,
    /// Blocks of it in a unit of the scan, across and down.
    pub blocks: [usize; 2],
    quanta: usize,
    dc: usize,
    ac: usize,
}

/// Huffman tables by what they are of, DC or AC, and their number: what one picture was given is
/// kept, since a camera's next one has the same.
#[derive(Default)]
pub(super) struct Tables([[Option<Box<Table>>; 4]; 2]);

/// What a file says before its scan.
#[derive(Default)]
pub(super) struct Header {
    quanta: [Option<[u8; 64]>; 4],
    /// Which Huffman tables are of this file.
    given: [[bool; 4]; 2],
    pub size: [usize; 2],
    pub parts: Option<[Component; 3]>,
    /// Units of the scan from one restart to the next; 0: none.
    pub restart: usize,
}

impl Header {
    /// Reads it; where the scan begins too. Where Huffman tables are `implied`, it may have none.
    pub fn of(bytes: &[u8], implied: bool, tables: &mut Tables) -> Option<(Header, usize)> {
        let mut header = Header::default();
        let mut at = 2;
        loop {
            let (marker, length) = match *bytes.get(at..at + 4)? {
                [0xFF, 0xFF, ..] => {
                    at += 1; // fill byte
                    continue;
                }
                [0xFF, marker, high, low] => (marker, usize::from(u16::from_be_bytes([high, low]))),
                _ => return None,
            };
            let body = bytes.get(at + 4..at + 2 + length)?;
            at += 2 + length;
            match marker {
                0xDB => header.take_quanta(body)?,
                0xC4 => header.take_tables(body, tables)?,
                0xC0 => header.take_frame(body)?,
                0xC1..=0xCF => return None,
                0xDD => header.restart = usize::from(u16::from_be_bytes(body.try_into().ok()?)),
                // Other colours than YCbCr.
                0xEE if body.starts_with(b"Adobe") && body.get(11) != Some(&1) => return None,
                0xDA => {
                    header.take_scan(body)?;
                    if implied && header.given == [[false; 4]; 2] {
                        for (kind, counts, symbols) in &IMPLIED {
                            header.take_table(*kind, counts, symbols, tables)?;
                        }
                    }
                    return Some((header, at));
                }
                // What applications say, and comments.
                0xE0..=0xEF | 0xFE => {}
                _ => return None,
            }
        }
    }

    fn take_quanta(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = body.split_first() {
            let (table, rest) = rest.split_first_chunk()?;
            // Sixteen bits each say so in the upper half.
            *self.quanta.get_mut(usize::from(kind))? = Some(*table);
            body = rest;
        }
        Some(())
    }

    fn take_tables(&mut self, mut body: &[u8], tables: &mut Tables) -> Option<()> {
        while let Some((&kind, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk()?;
            let symbols = counts.iter().map(|n| usize::from(*n)).sum();
            let (symbols, rest) = rest.split_at_checked(symbols)?;
            self.take_table(kind, counts, symbols, tables)?;
            body = rest;
        }
        Some(())
    }

    fn take_table(
        &mut self,
        kind: u8,
        counts: &[u8; 16],
        symbols: &[u8],
        tables: &mut Tables,
    ) -> Option<()> {
        let (class, number) = (usize::from(kind >> 4), usize::from(kind & 15));
        *self.given.get_mut(class)?.get_mut(number)? = true;
        tables.0[class][number]
            .get_or_insert_with(|| Box::new(Table::new(class == 0)))
            .become_of(counts, symbols)
    }

    fn take_frame(&mut self, body: &[u8]) -> Option<()> {
        let [8, h1, h0, w1, w0, 3, components @ ..] = body else {
            return None;
        };
        let size = [[*w1, *w0], [*h1, *h0]].map(u16::from_be_bytes);
        if self.parts.is_some() || !size.iter().all(|v| (1..=MAX_SIDE as u16).contains(v)) {
            return None;
        }
        self.size = size.map(usize::from);
        let mut parts = [Component::default(); 3];
        let (components, []) = components.as_chunks::<3>() else {
            return None;
        };
        if components.len() != 3 {
            return None;
        }
        for (part, [id, blocks, quanta]) in parts.iter_mut().zip(components) {
            part.id = *id;
            part.blocks = [blocks >> 4, blocks & 15].map(usize::from);
            part.quanta = usize::from(*quanta);
        }
        let [luma, chroma @ ..] = &parts;
        let common = [[2, 1], [2, 2]].contains(&luma.blocks);
        if !common || chroma.iter().any(|c| c.blocks != [1, 1]) {
            return None;
        }
        self.parts = Some(parts);
        Some(())
    }

    fn take_scan(&mut self, body: &[u8]) -> Option<()> {
        // All of three components, all of their coefficients, all bits.
        let [3, tables @ .., 0, 63, 0] = body else {
            return None;
        };
        let ([a, b, c], []) = tables.as_chunks::<2>() else {
            return None;
        };
        for (part, [id, tables]) in self.parts.as_mut()?.iter_mut().zip([a, b, c]) {
            if part.id != *id {
                return None;
            }
            (part.dc, part.ac) = (usize::from(tables >> 4), usize::from(tables & 15));
        }
        Some(())
    }

    /// The Huffman tables of a component, of DC and of AC.
    pub fn tables<'a>(&self, part: &Component, all: &'a Tables) -> Option<[&'a Table; 2]> {
        let table = |class: usize, number: usize| match self.given[class].get(number)? {
            true => all.0[class][number].as_deref(),
            false => None,
        };
        Some([table(0, part.dc)?, table(1, part.ac)?])
    }

    /// What becomes of its coefficients, in the zigzag's order.
    pub fn steps(&self, part: &Component) -> Option<[Step; 64]> {
        let quanta = self.quanta.get(part.quanta)?.as_ref()?;
        Some(std::array::from_fn(|k| {
            let place = usize::from(PLACES[k]);
            let quantum = f64::from(quanta[k]) * scaled(place / 8, place % 8);
            Step {
                quantum: quantum as f32,
                place: place as u32,
            }
        }))
    }
}
