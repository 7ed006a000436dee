//! MP4 in fragments (ISO/IEC 14496-12, 8.8; H.264 in it: 14496-15): the header first, then
//! every half second a fragment that describes itself. A file that is cut anywhere plays up to
//! its last whole fragment, so a crash costs what was not written yet and nothing before it.
//!
//! Times are the pictures' own, in ticks of 1/90000 s from the first one: no rate is assumed,
//! and rounding never adds up.

use std::io::{self, Seek, SeekFrom, Write};

use crate::encode::{Coded, Parameters};
use crate::yuv::COLOURS;

/// Ticks a second.
pub const TIMESCALE: u32 = 90_000;
/// A fragment is written when its pictures span this much.
const FRAGMENT_TICKS: u64 = TIMESCALE as u64 / 2;
/// The longest time that a picture may stand, ticks: an hour.
const LONGEST_TICKS: u64 = 3600 * TIMESCALE as u64;

/// One MP4 file on its way. The last picture waits for the next one, which tells how long it
/// stood; [`FragmentedMp4::finish`] writes it too.
pub struct FragmentedMp4<W: Write + Seek> {
    out: W,
    begin_ns: Option<u64>,
    /// Pictures that are not written yet, and when each begins, in ticks.
    waiting: Vec<(u64, Coded)>,
    fragments: u32,
    /// Bytes written.
    bytes: u64,
    pictures: u64,
    /// Where the box lies that will say how long the clip is.
    length_at: u64,
}

impl<W: Write + Seek> FragmentedMp4<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// The disk's.
    pub fn begin(mut out: W, parameters: &Parameters) -> io::Result<Self> {
        let (head, length_at) = header(parameters);
        out.write_all(&head)?;
        Ok(FragmentedMp4 {
            out,
            begin_ns: None,
            waiting: Vec::new(),
            fragments: 0,
            bytes: head.len() as u64,
            pictures: 0,
            length_at,
        })
    }

    /// Adds the next picture; one that claims to be from before the one before it stands for a
    /// tick.
    ///
    /// # Errors
    /// The disk's: the file plays up to the fragment before.
    pub fn add(&mut self, coded: Coded) -> io::Result<()> {
        let begin = *self.begin_ns.get_or_insert(coded.at_ns);
        let since = u128::from(coded.at_ns.saturating_sub(begin));
        let ticks = (since * u128::from(TIMESCALE) + 500_000_000) / 1_000_000_000;
        let mut at = ticks as u64;
        if let Some((last, _)) = self.waiting.last() {
            at = at.clamp(last + 1, last + LONGEST_TICKS);
        }
        self.pictures += 1;
        let first = self.waiting.first().map_or(at, |w| w.0);
        if at - first >= FRAGMENT_TICKS {
            self.write_all_until(at)?;
        }
        self.waiting.push((at, coded));
        Ok(())
    }

    /// Writes what waits, but the last picture: how long that stands is not known yet.
    ///
    /// # Errors
    /// The disk's.
    pub fn flush(&mut self) -> io::Result<()> {
        match self.waiting.pop() {
            None => Ok(()),
            Some(last) => {
                let done = if self.waiting.is_empty() {
                    Ok(())
                } else {
                    self.write_all_until(last.0)
                };
                self.waiting.push(last);
                done
            }
        }
    }

    /// Writes the rest, and the clip's length into its header. The last picture stands as long
    /// as the one before it, a thirtieth of a second at most.
    ///
    /// # Errors
    /// The disk's.
    pub fn finish(mut self) -> io::Result<(W, Done)> {
        let mut end = 0;
        if let Some((last, _)) = self.waiting.last() {
            let before = self.waiting.len().checked_sub(2).map(|i| self.waiting[i].0);
            let stands = before.map_or(3000, |b| last - b).clamp(1, 3000);
            end = last + stands;
            self.write_all_until(end)?;
        }
        let mehd = full_box(*b"mehd", 1, 0, &[&end.to_be_bytes()]);
        self.out.seek(SeekFrom::Start(self.length_at))?;
        self.out.write_all(&mehd)?;
        self.out.seek(SeekFrom::End(0))?;
        let done = Done {
            bytes: self.bytes,
            pictures: self.pictures,
            length_ns: end * 1_000_000_000 / u64::from(TIMESCALE),
        };
        Ok((self.out, done))
    }

    /// Fragments in the file so far: with one it plays.
    pub fn fragments(&self) -> u32 {
        self.fragments
    }

    /// Bytes of header and whole fragments in the file so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that it will take with what waits.
    pub fn bytes_with_waiting(&self) -> u64 {
        let waiting: usize = self.waiting.iter().map(|(_, c)| c.data.len() + 16).sum();
        self.bytes + waiting as u64
    }

    /// Pictures added so far.
    pub fn pictures(&self) -> u64 {
        self.pictures
    }

    /// What it writes to.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// One fragment of all that waits; the last of it ends at `end`.
    fn write_all_until(&mut self, end: u64) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(&(begin, _)) = waiting.first() else {
            return Ok(());
        };
        self.fragments += 1;
        let fragment = fragment(self.fragments, begin, end, &waiting);
        // One call: what the system has taken is safe from the death of this process.
        self.out.write_all(&fragment)?;
        self.bytes += fragment.len() as u64;
        Ok(())
    }
}

/// What became of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Bytes in the file.
    pub bytes: u64,
    /// Pictures in it.
    pub pictures: u64,
    /// Its length.
    pub length_ns: u64,
}

fn boxed(kind: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let size = 8 + parts.iter().map(|p| p.len()).sum::<usize>();
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(&(size as u32).to_be_bytes());
    out.extend_from_slice(&kind);
    parts.iter().for_each(|p| out.extend_from_slice(p));
    out
}

fn full_box(kind: [u8; 4], version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    let mut all: Vec<&[u8]> = vec![&head];
    all.extend_from_slice(parts);
    boxed(kind, &all)
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}

/// No turn and no mirror, in 16.16 and 2.30 fixed point.
const UPRIGHT: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// `ftyp` and `moov`, and where in them the clip's length is to be put: a `free` box lies
/// there until it is known.
fn header(p: &Parameters) -> (Vec<u8>, u64) {
    let ftyp = boxed(
        *b"ftyp",
        &[b"isom", &words(&[512]), b"isomiso5iso6avc1mp41"],
    );
    // Times and length 0; rate 1, volume 1; next track 2.
    let mvhd = {
        let mut v = vec![0, 0, TIMESCALE, 0, 0x1_0000, 0x0100_0000, 0, 0];
        v.extend_from_slice(&UPRIGHT);
        v.extend_from_slice(&[0, 0, 0, 0, 0, 0, 2]);
        full_box(*b"mvhd", 0, 0, &[&words(&v)])
    };
    // Track 1, enabled and in the movie.
    let tkhd = {
        let mut v = vec![0, 0, 1, 0, 0, 0, 0, 0, 0];
        v.extend_from_slice(&UPRIGHT);
        v.extend_from_slice(&[p.width << 16, p.height << 16]);
        full_box(*b"tkhd", 0, 3, &[&words(&v)])
    };
    // Language "und".
    let mdhd = full_box(
        *b"mdhd",
        0,
        0,
        &[&words(&[0, 0, TIMESCALE, 0, 0x55C4_0000])],
    );
    let hdlr = full_box(
        *b"hdlr",
        0,
        0,
        &[&words(&[0]), b"vide", &words(&[0, 0, 0]), b"gaze\0"],
    );
    let vmhd = full_box(*b"vmhd", 0, 1, &[&words(&[0, 0])]);
    let url = full_box(*b"url ", 0, 1, &[]);
    let dref = full_box(*b"dref", 0, 0, &[&words(&[1]), &url]);
    let dinf = boxed(*b"dinf", &[&dref]);
    let avcc = {
        let mut v = vec![1, p.sps[1], p.sps[2], p.sps[3], 0xFF, 0xE1];
        v.extend_from_slice(&(p.sps.len() as u16).to_be_bytes());
        v.extend_from_slice(&p.sps);
        v.push(1);
        v.extend_from_slice(&(p.pps.len() as u16).to_be_bytes());
        v.extend_from_slice(&p.pps);
        boxed(*b"avcC", &[&v])
    };
    let colr = {
        let c = COLOURS;
        let codes = [c.primaries, c.transfer, c.matrix].map(|c| [0, c]).concat();
        boxed(*b"colr", &[b"nclx", &codes, &[u8::from(c.full_range) << 7]])
    };
    let avc1 = {
        // Six zeros, data reference 1, sixteen zeros, size, 72 dpi, one frame a sample, no
        // name, 24 bits, no colour table.
        let mut v = words(&[0, 1, 0, 0, 0, 0, p.width << 16 | p.height]);
        v.extend_from_slice(&words(&[0x48_0000, 0x48_0000, 0]));
        v.extend_from_slice(&[0, 1]);
        v.extend_from_slice(&[0; 32]);
        v.extend_from_slice(&[0, 24, 0xFF, 0xFF]);
        boxed(*b"avc1", &[&v, &avcc, &colr])
    };
    let stsd = full_box(*b"stsd", 0, 0, &[&words(&[1]), &avc1]);
    let none = words(&[0]);
    let stts = full_box(*b"stts", 0, 0, &[&none]);
    let stsc = full_box(*b"stsc", 0, 0, &[&none]);
    let stsz = full_box(*b"stsz", 0, 0, &[&words(&[0, 0])]);
    let stco = full_box(*b"stco", 0, 0, &[&none]);
    let stbl = boxed(*b"stbl", &[&stsd, &stts, &stsc, &stsz, &stco]);
    let minf = boxed(*b"minf", &[&vmhd, &dinf, &stbl]);
    let mdia = boxed(*b"mdia", &[&mdhd, &hdlr, &minf]);
    let trak = boxed(*b"trak", &[&tkhd, &mdia]);
    let room = boxed(*b"free", &[&[0; 12]]);
    let trex = full_box(*b"trex", 0, 0, &[&words(&[1, 1, 0, 0, 0])]);
    let before = ftyp.len() + 8 + mvhd.len() + trak.len() + 8;
    let mvex = boxed(*b"mvex", &[&room, &trex]);
    let moov = boxed(*b"moov", &[&mvhd, &trak, &mvex]);
    ([ftyp, moov].concat(), before as u64)
}

/// `moof` and `mdat` of these pictures, the last of which ends at `end`.
fn fragment(number: u32, begin: u64, end: u64, pictures: &[(u64, Coded)]) -> Vec<u8> {
    let mfhd = full_box(*b"mfhd", 0, 0, &[&words(&[number])]);
    // Places are counted from the `moof`.
    let tfhd = full_box(*b"tfhd", 0, 0x2_0000, &[&words(&[1])]);
    let tfdt = full_box(*b"tfdt", 1, 0, &[&begin.to_be_bytes()]);
    let mut entries = Vec::with_capacity(12 * pictures.len());
    for (i, (at, coded)) in pictures.iter().enumerate() {
        let next = pictures.get(i + 1).map_or(end, |n| n.0);
        // Key: depends on no other. Else: on others, and is no place to begin at.
        let flags = if coded.key { 0x0200_0000 } else { 0x0101_0000 };
        let entry = [(next - at) as u32, coded.data.len() as u32, flags];
        entries.extend_from_slice(&words(&entry));
    }
    // The moof up to here, the trun's own head and fields, the mdat's head.
    let trun_size = 12 + 8 + entries.len();
    let moof_size = 8 + mfhd.len() + 8 + tfhd.len() + tfdt.len() + trun_size;
    let fields = words(&[pictures.len() as u32, moof_size as u32 + 8]);
    let trun = full_box(*b"trun", 0, 0x701, &[&fields, &entries]);
    let traf = boxed(*b"traf", &[&tfhd, &tfdt, &trun]);
    let mut out = boxed(*b"moof", &[&mfhd, &traf]);
    debug_assert_eq!(out.len(), moof_size);
    let size = 8 + pictures.iter().map(|p| p.1.data.len()).sum::<usize>();
    out.reserve(size);
    out.extend_from_slice(&(size as u32).to_be_bytes());
    out.extend_from_slice(b"mdat");
    pictures
        .iter()
        .for_each(|p| out.extend_from_slice(&p.1.data));
    out
}
