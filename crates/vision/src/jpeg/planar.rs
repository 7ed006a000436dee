//! A common JPEG's planes as they are in the file: luma, and chroma of half its size. Neither is
//! chroma blown up to every pixel nor are colours converted, which takes a quarter of the time:
//! networks look at small parts of a picture, and whoever needs red, green and blue makes them.
//!
//! Common is what cameras send: baseline (ITU-R T.81, one interleaved scan of 8 bits), YCbCr,
//! chroma halved across (4:2:2, halved here down too) or both ways (4:2:0). All else, and
//! whatever is damaged, is left to the decoder of all kinds, which has the words for it.

use super::cosine::{pixels, pixels_of_few, pixels_of_one, scaled};
use super::huffman::{Bits, LOOK, Table, extend};
use super::implied::IMPLIED;
use crate::frame::{Frame, MAX_SIDE, PixelFormat, YuvRange};

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

/// A plane of the file.
#[derive(Clone, Copy, Default)]
struct Component {
    id: u8,
    /// Blocks of it in a unit of the scan, across and down.
    blocks: [usize; 2],
    quanta: usize,
    dc: usize,
    ac: usize,
}

/// What a file says before its scan.
#[derive(Default)]
struct Header {
    quanta: [Option<[u8; 64]>; 4],
    /// Of DC, then of AC.
    tables: [[Option<Box<Table>>; 4]; 2],
    size: [usize; 2],
    parts: Option<[Component; 3]>,
    /// Units of the scan from one restart to the next; 0: none.
    restart: usize,
}

impl Header {
    /// Reads it; where the scan begins too.
    fn of(bytes: &[u8]) -> Option<(Header, usize)> {
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
                0xC4 => header.take_tables(body)?,
                0xC0 => header.take_frame(body)?,
                0xC1..=0xCF => return None,
                0xDD => header.restart = usize::from(u16::from_be_bytes(body.try_into().ok()?)),
                // Other colours than YCbCr.
                0xEE if body.starts_with(b"Adobe") && body.get(11) != Some(&1) => return None,
                0xDA => {
                    header.take_scan(body)?;
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

    fn take_tables(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk()?;
            let symbols = counts.iter().map(|n| usize::from(*n)).sum();
            let (symbols, rest) = rest.split_at_checked(symbols)?;
            self.take_table(kind, counts, symbols)?;
            body = rest;
        }
        Some(())
    }

    fn take_table(&mut self, kind: u8, counts: &[u8; 16], symbols: &[u8]) -> Option<()> {
        let tables = self.tables.get_mut(usize::from(kind >> 4))?;
        *tables.get_mut(usize::from(kind & 15))? = Some(Box::new(Table::new(counts, symbols)?));
        Some(())
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
}

/// A component with what its blocks are read and made with.
struct Plane<'a> {
    dc: &'a Table,
    ac: &'a Table,
    quanta: [f32; 64],
    /// The last block's DC.
    before: i32,
    /// Blocks in a unit of the scan, across and down.
    blocks: [usize; 2],
    /// Every two rows of it become one of the frame.
    folded: bool,
    /// Where it begins in the frame, bytes from a row to the next, rows.
    at: usize,
    stride: usize,
    rows: usize,
    /// Rows of it in the file.
    lines: usize,
}

impl<'a> Plane<'a> {
    fn of(header: &'a Header, part: &Component) -> Option<Plane<'a>> {
        let table = |kind: usize, k: usize| header.tables[kind].get(k)?.as_deref();
        let quanta = (*header.quanta.get(part.quanta)?)?;
        Some(Plane {
            dc: table(0, part.dc)?,
            ac: table(1, part.ac)?,
            quanta: std::array::from_fn(|k| {
                let place = usize::from(PLACES[k]);
                (f64::from(quanta[k]) * scaled(place / 8, place % 8)) as f32
            }),
            before: 0,
            blocks: part.blocks,
            folded: false,
            at: 0,
            stride: 0,
            rows: 0,
            lines: 0,
        })
    }

    /// Reads its blocks in the unit at this place, and makes pixels of them.
    #[inline(always)]
    fn take(&mut self, bits: &mut Bits, [mx, my]: [usize; 2], to: &mut [u8]) -> Option<()> {
        let [across, down] = self.blocks;
        for by in my * down..(my + 1) * down {
            for bx in mx * across..(mx + 1) * across {
                let mut c = [0.0; 64];
                let (dc, ac) = (self.dc, self.ac);
                let last = block(bits, dc, ac, &self.quanta, &mut self.before, &mut c)?;
                let make = |to: &mut [u8], stride: usize| match last {
                    0 => pixels_of_one(c[0], to, stride),
                    // The first ten are among the first four across and down.
                    1..10 => pixels_of_few(&c, to, stride),
                    _ => pixels(&c, to, stride),
                };
                if !self.folded && 8 * by + 8 <= self.rows {
                    let at = self.at + 8 * by * self.stride + 8 * bx;
                    make(&mut to[at..], self.stride);
                } else {
                    let mut pixels = [0; 64];
                    make(&mut pixels, 8);
                    self.put(&pixels, [bx, by], to);
                }
            }
        }
        Some(())
    }

    /// Two rows become one where they are folded; rows below the picture are left out.
    fn put(&self, pixels: &[u8; 64], [bx, by]: [usize; 2], to: &mut [u8]) {
        let (each, high) = if self.folded { (2, 4) } else { (1, 8) };
        let rows = high.min(self.rows.saturating_sub(high * by));
        let (pixels, _) = pixels.as_chunks::<8>();
        for y in 0..rows {
            let at = self.at + (high * by + y) * self.stride + 8 * bx;
            let first = each * y;
            // Below an odd last row is what fills the block up.
            let below = (high * by + y) * each + each - 1 < self.lines;
            let (a, b) = (
                &pixels[first],
                &pixels[if below { first + each - 1 } else { first }],
            );
            if let Some(to) = to[at..].first_chunk_mut::<8>() {
                for x in 0..8 {
                    to[x] = ((u16::from(a[x]) + u16::from(b[x]) + 1) >> 1) as u8;
                }
            }
        }
    }
}

/// Decodes a common JPEG into `frame` as [`PixelFormat::I420`], rows as long as its units of the
/// scan want them. `None`, and `frame` in any state: it is another one, or damaged. Where Huffman
/// tables are `implied`, it may have none.
pub(super) fn decode(bytes: &[u8], implied: bool, frame: &mut Frame) -> Option<()> {
    let (mut header, at) = Header::of(bytes)?;
    if implied && header.tables.iter().flatten().all(Option::is_none) {
        for (kind, counts, symbols) in &IMPLIED {
            header.take_table(*kind, counts, symbols)?;
        }
    }
    let parts = header.parts?;
    let [width, height] = header.size;
    let [across, down] = parts[0].blocks;
    let units = [width.div_ceil(8 * across), height.div_ceil(8 * down)];
    // A block takes a bit for its DC and one for its end at least.
    let blocks = units[0] * units[1] * (across * down + 2);
    if blocks / 4 > bytes.len() - at {
        return None;
    }
    let stride = 8 * across * units[0];
    frame.reset(width as u32, height as u32, PixelFormat::I420);
    (frame.stride, frame.range) = (stride, YuvRange::Full);
    frame.data.resize(frame.bytes_needed(), 0);
    let mut planes = [None, None, None];
    let mut begin = 0;
    for (i, (plane, part)) in planes.iter_mut().zip(&parts).enumerate() {
        let mut made = Plane::of(&header, part)?;
        made.at = begin;
        (made.stride, made.rows) = match i {
            0 => (stride, height),
            _ => (stride / 2, height.div_ceil(2)),
        };
        made.folded = i > 0 && down == 1;
        made.lines = if made.folded { height } else { made.rows };
        begin += made.stride * made.rows;
        *plane = Some(made);
    }
    let [Some(luma), Some(blue), Some(red)] = &mut planes else {
        return None;
    };
    let mut bits = Bits::new(bytes, at);
    let mut restarts = 0;
    let mut left = header.restart;
    for my in 0..units[1] {
        for mx in 0..units[0] {
            if header.restart > 0 && left == 0 {
                if bits.marker()? != 0xD0 + restarts {
                    return None;
                }
                restarts = (restarts + 1) % 8;
                left = header.restart;
                for plane in [&mut *luma, &mut *blue, &mut *red] {
                    plane.before = 0;
                }
            }
            left = left.wrapping_sub(1);
            for plane in [&mut *luma, &mut *blue, &mut *red] {
                plane.take(&mut bits, [mx, my], &mut frame.data)?;
            }
            if bits.are_over() {
                return None;
            }
        }
    }
    // Some put a restart behind the last unit too.
    let mut last = bits.marker()?;
    if header.restart > 0 && left == 0 && last == 0xD0 + restarts {
        last = bits.marker()?;
    }
    (last == 0xD9).then_some(())
}

/// Reads a block: coefficients times their quanta, column after column, into zeros. The last one's
/// place in the zigzag.
#[inline(always)]
fn block(
    bits: &mut Bits,
    dc: &Table,
    ac: &Table,
    quanta: &[f32; 64],
    before: &mut i32,
    out: &mut [f32; 64],
) -> Option<usize> {
    bits.fill();
    let size = bits.symbol(dc)?;
    if size > 11 {
        return None;
    }
    if size > 0 {
        *before = before.wrapping_add(extend(bits.peek(size), size));
        bits.drop(size);
    }
    out[0] = *before as f32 * quanta[0];
    let (mut k, mut last) = (1, 0);
    while k < 64 {
        bits.fill();
        let value = ac.values[bits.peek(LOOK) as usize];
        if value != 0 {
            k += (value >> 8 & 15) as usize;
            bits.drop(value & 0xFF);
            let to = usize::from(*PLACES.get(k)?);
            out[to & 63] = (value as i32 >> 16) as f32 * quanta[k & 63];
            last = k;
            k += 1;
            continue;
        }
        let symbol = bits.symbol(ac)?;
        let (run, size) = ((symbol >> 4) as usize, symbol & 15);
        if size == 0 {
            if run < 15 {
                break;
            }
            k += 16;
            continue;
        }
        k += run;
        let v = extend(bits.peek(size), size);
        bits.drop(size);
        let to = usize::from(*PLACES.get(k)?);
        out[to & 63] = v as f32 * quanta[k & 63];
        last = k;
        k += 1;
    }
    Some(last)
}
