//! A common JPEG's planes as they are in the file: luma, and chroma of half its size. Neither is
//! chroma blown up to every pixel nor are colours converted, which takes a quarter of the time:
//! networks look at small parts of a picture, and whoever needs red, green and blue makes them.
//!
//! Common is what cameras send: baseline (ITU-R T.81, one interleaved scan of 8 bits), YCbCr,
//! chroma halved across (4:2:2, halved here down too) or both ways (4:2:0). All else, and
//! whatever is damaged, is left to the decoder of all kinds, which has the words for it; but not
//! a scan that ends early, which that one fills up.

use super::cosine::{pixels, pixels_of_few, pixels_of_one};
use super::header::{Component, Header, Step, Tables};
use super::huffman::{Bits, END, Table};
use crate::frame::{Frame, PixelFormat, YuvRange};

/// A block's coefficients times their quanta, column after column, and the last one's place in the
/// zigzag.
struct Block {
    values: [f32; 64],
    last: usize,
}

impl Block {
    const ZERO: Block = Block {
        values: [0.0; 64],
        last: 0,
    };
}

/// A component with what its blocks are read and made with.
struct Plane<'a> {
    dc: &'a Table,
    ac: &'a Table,
    steps: [Step; 64],
    /// The last block's DC.
    before: i32,
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
    fn of(header: &Header, part: &Component, tables: &'a Tables) -> Option<Plane<'a>> {
        let [dc, ac] = header.tables(part, tables)?;
        Some(Plane {
            dc,
            ac,
            steps: header.steps(part)?,
            before: 0,
            folded: false,
            at: 0,
            stride: 0,
            rows: 0,
            lines: 0,
        })
    }

    /// Reads a block into one of zeros.
    #[inline(never)]
    fn read(&mut self, held: &mut Bits, block: &mut Block) -> Option<()> {
        let mut bits = *held;
        let read = self.read_with(&mut bits, block);
        *held = bits;
        read
    }

    #[inline(always)]
    fn read_with(&mut self, bits: &mut Bits, block: &mut Block) -> Option<()> {
        bits.fill();
        let entry = self.dc.entry(bits);
        let mut change = entry.value();
        bits.drop(entry.bits());
        if entry.bits() == 0 {
            (_, change) = bits.long(entry, self.dc)?;
        }
        self.before = self.before.wrapping_add(change);
        block.values[0] = self.before as f32 * self.steps[0].quantum;
        let mut k = 1;
        // So many are in the bits that are held, the first one's before them included.
        while !(self.next(bits, &mut k, block)?
            || self.next(bits, &mut k, block)?
            || self.next(bits, &mut k, block)?
            || self.next(bits, &mut k, block)?)
        {
            bits.fill();
        }
        block.last = match k {
            64 => 63,
            _ => k.checked_sub(END as usize + 2)?,
        };
        Some(())
    }

    /// Reads a coefficient; whether it was the last one.
    #[inline(always)]
    fn next(&self, bits: &mut Bits, k: &mut usize, block: &mut Block) -> Option<bool> {
        let entry = self.ac.entry(bits);
        let (mut run, mut value) = (entry.run(), entry.value());
        bits.drop(entry.bits());
        if entry.bits() == 0 {
            (run, value) = bits.long(entry, self.ac)?;
        }
        *k += run as usize;
        // The code that ends a block puts a zero where nothing has been put yet.
        let step = &self.steps[*k & 63];
        block.values[step.place as usize & 63] = value as f32 * step.quantum;
        *k += 1;
        Some(*k >= 64)
    }

    /// Makes pixels of a block, so far across and down, and zeros of its coefficients.
    #[inline(always)]
    fn draw(&self, block: &mut Block, [bx, by]: [usize; 2], to: &mut [u8]) {
        let mut make = |to: &mut [u8], stride: usize| match block.last {
            0 => pixels_of_one(block.values[0], to, stride),
            // The first ten are among the first four across and down.
            1..10 => pixels_of_few(&mut block.values, to, stride),
            _ => pixels(&mut block.values, to, stride),
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

/// What the scan of a common JPEG was.
pub(super) enum Scan {
    Whole,
    /// Blocks are missing.
    EndsEarly,
}

/// Decodes a common JPEG into `frame` as [`PixelFormat::I420`], rows as long as its units of the
/// scan want them. `None`, and `frame` in any state: it is another one, or damaged. Where Huffman
/// tables are `implied`, it may have none.
pub(super) fn decode(
    bytes: &[u8],
    implied: bool,
    tables: &mut Tables,
    frame: &mut Frame,
) -> Option<Scan> {
    let (header, at) = Header::of(bytes, implied, tables)?;
    let parts = header.parts?;
    let [width, height] = header.size;
    let [across, down] = parts[0].blocks;
    let units = [width.div_ceil(8 * across), height.div_ceil(8 * down)];
    // A block takes a bit for its DC and one for its end at least.
    let blocks = units[0] * units[1] * (across * down + 2);
    if blocks / 4 > bytes.len() - at {
        return Some(Scan::EndsEarly);
    }
    let stride = 8 * across * units[0];
    frame.reset(width as u32, height as u32, PixelFormat::I420);
    (frame.stride, frame.range) = (stride, YuvRange::Full);
    frame.data.resize(frame.bytes_needed(), 0);
    let mut planes = [None, None, None];
    let mut begin = 0;
    for (i, (plane, part)) in planes.iter_mut().zip(&parts).enumerate() {
        let mut made = Plane::of(&header, part, tables)?;
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
    let mut bits = Bits::new(&bytes[at..]);
    let mut restarts = 0;
    let mut left = header.restart;
    let mut unit = [const { Block::ZERO }; 6];
    let (unit, _) = unit.split_at_mut(across * down + 2);
    for my in 0..units[1] {
        for mx in 0..units[0] {
            if header.restart > 0 && left == 0 {
                let marker;
                (bits, marker) = bits.marker()?;
                if marker == 0xD9 {
                    return Some(Scan::EndsEarly);
                }
                if marker != 0xD0 + restarts {
                    return None;
                }
                restarts = (restarts + 1) % 8;
                left = header.restart;
                for plane in [&mut *luma, &mut *blue, &mut *red] {
                    plane.before = 0;
                }
            }
            left = left.wrapping_sub(1);
            let [four @ .., b, r] = &mut *unit else {
                return None;
            };
            let mut read = || {
                for block in &mut *four {
                    luma.read(&mut bits, block)?;
                }
                blue.read(&mut bits, b)?;
                red.read(&mut bits, r)
            };
            let read = read();
            if bits.are_over() {
                return bits.are_last().then_some(Scan::EndsEarly);
            }
            read?;
            // Not each as soon as it is read: what was put one by one would be waited for there.
            for (i, block) in four.iter_mut().enumerate() {
                let place = [mx * across + i % across, my * down + i / across];
                luma.draw(block, place, &mut frame.data);
            }
            blue.draw(b, [mx, my], &mut frame.data);
            red.draw(r, [mx, my], &mut frame.data);
        }
    }
    // Some put a restart behind the last unit too.
    let (behind, mut last) = bits.marker()?;
    if header.restart > 0 && left == 0 && last == 0xD0 + restarts {
        (_, last) = behind.marker()?;
    }
    (last == 0xD9).then_some(Scan::Whole)
}
